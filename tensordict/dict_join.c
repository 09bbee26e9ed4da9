/* dict_join.c: dicts put together along a batch dimension, and taken apart again. */
#include "core/record.h"
#include "tensordict/batch.h"

/* What to do at every depth; a concatenation needs no new dimension. */
typedef struct joining {
    const char *op;
    rlc_tensor *(*tensors)(rlc_tensor *const *x, int count, int dim);
    int count, dim;
    bool makes_dimension;
} joining;

static bool equal_but(rlc_shape a, rlc_shape b, int dim) {
    bool equal = a.ndim == b.ndim;
    for (int i = 0; i < a.ndim && equal; i++) {
        equal = i == dim || a.size[i] == b.size[i];
    }
    return equal;
}

/* Checks that shape k fits shape 0; `what` is the key, or the batch shape itself. */
static bool agree(const joining *j, rlc_shape first, rlc_shape other, int k, const rlc__path *path) {
    if (equal_but(first, other, j->makes_dimension ? -1 : j->dim)) {
        return true;
    }
    char key[RLC__PATH_TEXT], ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    rlc__op_fail(j->op, "%s%s%s has shape %s in dict %d and %s in dict 0", path != NULL ? "'" : "",
                 path != NULL ? rlc__path_text(path, key) : "the batch", path != NULL ? "'" : "",
                 rlc_shape_text(other, ta), k, rlc_shape_text(first, tb));
    return false;
}

/* Every key of the first is looked up in the others; one that only another has would be lost. */
static bool no_other_keys(const joining *j, rlc_dict *const *dicts, int k, const rlc__path *outer) {
    for (int i = 0; dicts[k]->count > dicts[0]->count && i < dicts[k]->count; i++) {
        const rlc_key *key = dicts[k]->entries[i].key;
        if (rlc_dict_find_key(dicts[0], key) == NULL && rlc_dict_find_dict_key(dicts[0], key) == NULL) {
            char text[RLC__PATH_TEXT];
            rlc__op_fail(j->op, "'%s' is in dict %d, but not in dict 0",
                         rlc__path_text(&(rlc__path){key->name, outer}, text), k);
            return false;
        }
    }
    return true;
}

/* The batch shape of the result; false when the dicts do not fit together. */
static bool joined_batch(const joining *j, rlc_dict *const *dicts, const rlc__path *path, rlc_shape *batch) {
    int64_t total = 0;
    for (int k = 0; k < j->count; k++) {
        if (dicts[k] == NULL || !agree(j, dicts[0]->batch, dicts[k]->batch, k, path) ||
            !no_other_keys(j, dicts, k, path)) {
            return false;
        }
        total += j->makes_dimension ? 1 : dicts[k]->batch.size[j->dim];
    }
    return rlc__shape_replace(dicts[0]->batch, j->dim, j->makes_dimension ? 0 : 1, RLC_SHAPE(total), batch);
}

static rlc_tensor *join_tensors(const joining *j, rlc_tensor **tensors, const rlc__path *path) {
    for (int k = 0; k < j->count; k++) {
        if (tensors[k] == NULL || (!rlc__same_shape(tensors[0], tensors[k]) &&
                                   !agree(j, rlc_shape_of(tensors[0]), rlc_shape_of(tensors[k]), k, path))) {
            return NULL;
        }
    }
    return j->tensors(tensors, j->count, j->dim);
}

static rlc_dict *join(const joining *j, rlc_dict *const *dicts, const rlc__path *outer) {
    rlc_program *p = rlc_current();
    rlc_shape batch;
    if (!joined_batch(j, dicts, outer, &batch)) {
        return NULL;
    }
    rlc_dict *result = rlc_dict_new(batch);
    rlc_tensor **tensors = rlc_arena_alloc(&p->host, (size_t)j->count * sizeof *tensors, RLC_ALIGN_STRUCT);
    rlc_dict **nested = rlc_arena_alloc(&p->host, (size_t)j->count * sizeof *nested, RLC_ALIGN_STRUCT);
    if (result == NULL || tensors == NULL || nested == NULL) {
        return NULL;
    }
    for (int i = 0; i < dicts[0]->count && p->status == RLC_OK; i++) {
        const rlc_entry *entry = &dicts[0]->entries[i];
        rlc__path path = {entry->key->name, outer};
        for (int k = 0; k < j->count; k++) {
            nested[k] = entry->dict != NULL ? rlc_dict_get_dict_key(dicts[k], entry->key) : NULL;
            tensors[k] = entry->dict == NULL ? rlc_dict_get_key(dicts[k], entry->key) : NULL;
        }
        if (entry->dict != NULL) {
            rlc_dict_set_dict_key(result, entry->key, join(j, nested, &path));
        } else {
            rlc_dict_set_key(result, entry->key, join_tensors(j, tensors, &path));
        }
    }
    return p->status == RLC_OK ? result : NULL;
}

rlc_dict *rlc_dict_stack(rlc_dict *const *dicts, int count, int dim) {
    rlc_program *p = rlc__require_program("dict_stack");
    if (p == NULL || count < 1 || dicts[0] == NULL) {
        return NULL;
    }
    const int asked = dim;
    dim = dim < 0 ? dim + dicts[0]->batch.ndim + 1 : dim;
    if (dim < 0 || dim > dicts[0]->batch.ndim || dicts[0]->batch.ndim == RLC_MAX_DIMS) {
        rlc__op_fail("dict_stack", "dimension %d does not fit a batch of %d dimensions", asked, dicts[0]->batch.ndim);
        return NULL;
    }
    return join(&(joining){"dict_stack", rlc_stack, count, dim, true}, dicts, NULL);
}

rlc_dict *rlc_dict_cat(rlc_dict *const *dicts, int count, int dim) {
    rlc_program *p = rlc__require_program("dict_cat");
    if (p == NULL || count < 1 || dicts[0] == NULL || (dim = rlc__dict_dim("dict_cat", dicts[0], dim)) < 0) {
        return NULL;
    }
    return join(&(joining){"dict_cat", rlc_concatenate, count, dim, false}, dicts, NULL);
}

/* A list of `count` parts, to be filled. */
static rlc_dict_list new_list(int64_t count) {
    rlc_program *p = rlc_current();
    rlc_dict_list list = {rlc_arena_alloc(&p->host, (size_t)(count + 1) * sizeof *list.dict, RLC_ALIGN_STRUCT), 0};
    if (list.dict == NULL) {
        p->status = rlc_error_status();
    }
    return list;
}

/* Adds a part to the list; one that could not be made leaves no list at all. */
static void add(rlc_dict_list *list, rlc_dict *part) {
    if (part == NULL) {
        *list = (rlc_dict_list){0};
    } else {
        list->dict[list->count++] = part;
    }
}

rlc_dict_list rlc_dict_split_sizes(const rlc_dict *dict, const int64_t *sizes, int count, int dim) {
    rlc_dict_list list = {0};
    rlc_program *p = rlc__require_program("dict_split");
    if (p == NULL || dict == NULL || (dim = rlc__dict_dim("dict_split", dict, dim)) < 0) {
        return list;
    }
    int64_t total = 0, at = 0;
    bool good = true;
    for (int i = 0; i < count && good; i++) {
        good = sizes[i] >= 0 && !__builtin_add_overflow(total, sizes[i], &total);
    }
    if (!good || total != dict->batch.size[dim]) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_split", "the %d sizes must add up to the size of dimension %d of the batch shape %s", count,
                     dim, rlc_shape_text(dict->batch, text));
        return list;
    }
    list = new_list(count);
    for (int i = 0; list.dict != NULL && i < count; i++) {
        add(&list, rlc_dict_slice(dict, dim, at, at + sizes[i], 1));
        at += sizes[i];
    }
    return list;
}

rlc_dict_list rlc_dict_split(const rlc_dict *dict, int64_t size, int dim) {
    rlc_dict_list list = {0};
    rlc_program *p = rlc__require_program("dict_split");
    if (p == NULL || dict == NULL || (dim = rlc__dict_dim("dict_split", dict, dim)) < 0) {
        return list;
    }
    if (size < 1) {
        rlc__op_fail("dict_split", "the size of a part must be 1 or more, not %lld", (long long)size);
        return list;
    }
    const int64_t total = dict->batch.size[dim];
    list = new_list(total);
    for (int64_t at = 0; list.dict != NULL && at < total; at += size) {
        size = size < total - at ? size : total - at;
        add(&list, rlc_dict_slice(dict, dim, at, at + size, 1));
    }
    return list;
}

rlc_dict_list rlc_dict_unbind(const rlc_dict *dict, int dim) {
    rlc_dict_list list = {0};
    rlc_program *p = rlc__require_program("dict_unbind");
    if (p == NULL || dict == NULL || (dim = rlc__dict_dim("dict_unbind", dict, dim)) < 0) {
        return list;
    }
    list = new_list(dict->batch.size[dim]);
    for (int64_t i = 0; list.dict != NULL && i < dict->batch.size[dim]; i++) {
        add(&list, rlc_dict_at(dict, dim, i));
    }
    return list;
}
