#include "tensordict/batch.h"

#include <string.h>

#include "core/record.h"

static size_t write_path(const rlc__path *path, char *text, size_t size) {
    size_t length = path->outer != NULL ? write_path(path->outer, text, size) : 0;
    if (length < size) {
        length += (size_t)snprintf(text + length, size - length, "%s%s", path->outer != NULL ? "." : "", path->name);
    }
    return length;
}

const char *rlc__path_text(const rlc__path *path, char text[RLC__PATH_TEXT]) {
    write_path(path, text, RLC__PATH_TEXT);
    return text;
}

typedef struct search {
    bool (*wanted)(const rlc_tensor *tensor, const void *data);
    const void *data;
    char *text;
} search;

static const rlc_tensor *first_below(const rlc_dict *dict, const search *s, const rlc__path *outer) {
    const rlc_tensor *found = NULL;
    for (int i = 0; i < dict->count && found == NULL; i++) {
        const rlc_entry *entry = &dict->entries[i];
        rlc__path path = {entry->key->name, outer};
        if (entry->dict != NULL) {
            found = first_below(entry->dict, s, &path);
        } else if (s->wanted(entry->tensor, s->data)) {
            found = entry->tensor;
            rlc__path_text(&path, s->text);
        }
    }
    return found;
}

const rlc_tensor *rlc__dict_first(const rlc_dict *dict, bool (*wanted)(const rlc_tensor *tensor, const void *data),
                                  const void *data, char text[RLC__PATH_TEXT]) {
    return first_below(dict, &(search){wanted, data, text}, NULL);
}

bool rlc__dict_is_free(const rlc_dict *dict, const rlc_key *key) {
    while (rlc_dict_find_key(dict, key->head) == NULL) {
        const rlc_dict *nested = rlc_dict_find_dict_key(dict, key->head);
        if (nested == NULL || key->tail == NULL) {
            return nested == NULL;
        }
        dict = nested;
        key = key->tail;
    }
    return false;
}

int rlc__dict_dim(const char *op, const rlc_dict *dict, int dim) {
    const int ndim = dict->batch.ndim;
    if (dim < -ndim || dim >= ndim) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "dimension %d is outside of the batch shape %s", dim, rlc_shape_text(dict->batch, text));
        return -1;
    }
    return dim < 0 ? dim + ndim : dim;
}

static bool has_more_dimensions(const rlc_tensor *tensor, const void *most) {
    return tensor->ndim > *(const int *)most;
}

rlc_dict *rlc__dict_rebatch(const char *op, const rlc_dict *dict, rlc_shape batch,
                            rlc_tensor *(*f)(rlc_tensor *tensor, void *data), void *data) {
    rlc_program *p = rlc__require_program(op);
    if (p == NULL) {
        return NULL;
    }
    if (batch.ndim > dict->batch.ndim) {
        char key[RLC__PATH_TEXT], ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT], tc[RLC_SHAPE_TEXT];
        int most = RLC_MAX_DIMS - (batch.ndim - dict->batch.ndim);
        const rlc_tensor *wide = rlc__dict_first(dict, has_more_dimensions, &most, key);
        if (wide != NULL) {
            rlc__op_fail(op, "'%s' of shape %s would have more than %d dimensions with the batch shape %s for %s", key,
                         rlc_shape_text(rlc_shape_of(wide), ta), RLC_MAX_DIMS, rlc_shape_text(batch, tb),
                         rlc_shape_text(dict->batch, tc));
            return NULL;
        }
    }
    rlc_dict *result = rlc_dict_apply(dict, batch, f, data);
    return p->status == RLC_OK ? result : NULL;
}

bool rlc__shape_replace(rlc_shape shape, int dim, int replaced, rlc_shape by, rlc_shape *result) {
    const int after = shape.ndim - dim - replaced;
    if (dim + by.ndim + after > RLC_MAX_DIMS) {
        return false;
    }
    *result = (rlc_shape){.ndim = dim + by.ndim + after};
    memcpy(result->size, shape.size, (size_t)dim * sizeof *shape.size);
    memcpy(result->size + dim, by.size, (size_t)by.ndim * sizeof *by.size);
    memcpy(result->size + dim + by.ndim, shape.size + dim + replaced, (size_t)after * sizeof *shape.size);
    return true;
}
