/* dict_ops.c: making dicts from dicts. */
#include "core/record.h"
#include "tensordict/dict.h"

static void each_below(const rlc_dict *dict, const rlc_key *prefix,
                       void (*f)(const rlc_key *key, rlc_tensor *tensor, void *data), void *data) {
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        const rlc_key *key = prefix != NULL ? rlc_key_join(prefix, entry->key) : entry->key;
        if (key != NULL && entry->dict != NULL) {
            each_below(entry->dict, key, f, data);
        } else if (key != NULL) {
            f(key, entry->tensor, data);
        }
    }
}

void rlc_dict_each(const rlc_dict *dict, void (*f)(const rlc_key *key, rlc_tensor *tensor, void *data), void *data) {
    if (dict != NULL) {
        each_below(dict, NULL, f, data);
    }
}

/* The batch shape of a nested dict once that of the dict it is in has become `batch`: what it has beyond stays. */
static rlc_shape nested_batch(const rlc_dict *dict, const rlc_dict *nested, rlc_shape batch) {
    for (int i = dict->batch.ndim; i < nested->batch.ndim && batch.ndim < RLC_MAX_DIMS; i++) {
        batch.size[batch.ndim++] = nested->batch.size[i];
    }
    return batch;
}

rlc_dict *rlc_dict_apply(const rlc_dict *dict, rlc_shape batch, rlc_tensor *(*f)(rlc_tensor *tensor, void *data),
                         void *data) {
    rlc_dict *result = dict != NULL ? rlc_dict_new(batch) : NULL;
    for (int i = 0; result != NULL && i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        if (entry->dict != NULL) {
            rlc_shape inner = nested_batch(dict, entry->dict, batch);
            rlc_dict_set_dict_key(result, entry->key, rlc_dict_apply(entry->dict, inner, f, data));
        } else {
            rlc_dict_set_key(result, entry->key, f(entry->tensor, data));
        }
    }
    return result;
}

rlc_dict *rlc_dict_clone(const rlc_dict *dict) {
    rlc_dict *copy = dict != NULL ? rlc_dict_new(dict->batch) : NULL;
    for (int i = 0; copy != NULL && i < dict->count; i++) {
        rlc_entry entry = dict->entries[i];
        entry.dict = entry.dict != NULL ? rlc_dict_clone(entry.dict) : NULL;
        rlc_dict_append(copy, entry);
    }
    return copy;
}

rlc_dict *rlc_dict_select(const rlc_dict *dict, const rlc_key *const *keys, int count) {
    rlc_dict *result = dict != NULL ? rlc_dict_new(dict->batch) : NULL;
    for (int i = 0; result != NULL && i < count; i++) {
        rlc_dict *nested = rlc_dict_find_dict_key(dict, keys[i]);
        if (nested != NULL) {
            rlc_dict_set_dict_key(result, keys[i], rlc_dict_clone(nested));
        } else {
            rlc_dict_set_key(result, keys[i], rlc_dict_get_key(dict, keys[i]));
        }
    }
    return result;
}

rlc_dict *rlc_dict_exclude(const rlc_dict *dict, const rlc_key *const *keys, int count) {
    rlc_dict *result = rlc_dict_clone(dict);
    for (int i = 0; result != NULL && i < count; i++) {
        if (rlc_dict_find_key(result, keys[i]) != NULL || rlc_dict_find_dict_key(result, keys[i]) != NULL) {
            rlc_dict_del(result, keys[i]->name);
        }
    }
    return result;
}

void rlc_dict_update(rlc_dict *dict, const rlc_dict *from) {
    for (int i = 0; dict != NULL && from != NULL && i < from->count; i++) {
        const rlc_entry *entry = &from->entries[i];
        rlc_dict *nested = rlc_dict_find_dict_key(dict, entry->key);
        if (entry->dict != NULL && nested != NULL) {
            rlc_dict_update(nested, entry->dict);
        } else if (entry->dict != NULL) {
            rlc_dict_set_dict_key(dict, entry->key, rlc_dict_clone(entry->dict));
        } else {
            rlc_dict_set_key(dict, entry->key, entry->tensor);
        }
    }
}

static rlc_shape with_dimension(rlc_shape shape, int dim, int64_t size) {
    rlc_shape result = {.ndim = shape.ndim + 1};
    for (int i = 0, from = 0; i < result.ndim; i++) {
        result.size[i] = i == dim ? size : shape.size[from++];
    }
    return result;
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
    rlc_dict *result = rlc_dict_new(with_dimension(dicts[0]->batch, dim, count));
    rlc_tensor **tensors = rlc_arena_alloc(&p->host, (size_t)count * sizeof *tensors, RLC_ALIGN_STRUCT);
    rlc_dict **nested = rlc_arena_alloc(&p->host, (size_t)count * sizeof *nested, RLC_ALIGN_STRUCT);
    if (result == NULL || tensors == NULL || nested == NULL) {
        return NULL;
    }
    for (int i = 0; i < dicts[0]->count && p->status == RLC_OK; i++) {
        const rlc_entry *entry = &dicts[0]->entries[i];
        for (int k = 0; k < count; k++) {
            nested[k] = entry->dict != NULL ? rlc_dict_get_dict_key(dicts[k], entry->key) : NULL;
            tensors[k] = entry->dict == NULL ? rlc_dict_get_key(dicts[k], entry->key) : NULL;
        }
        if (entry->dict != NULL) {
            rlc_dict_set_dict_key(result, entry->key, rlc_dict_stack(nested, count, dim));
        } else {
            rlc_dict_set_key(result, entry->key, rlc_stack(tensors, count, dim));
        }
    }
    return result;
}

typedef struct reshaping {
    rlc_shape batch;
    int skip; /* leading dimensions of each tensor that were the batch */
} reshaping;

static rlc_tensor *reshape_one(rlc_tensor *tensor, void *data) {
    const reshaping *r = data;
    rlc_shape shape = r->batch;
    for (int i = r->skip; i < tensor->ndim && shape.ndim < RLC_MAX_DIMS; i++) {
        shape.size[shape.ndim++] = tensor->shape[i];
    }
    return rlc_reshape(tensor, shape);
}

rlc_dict *rlc_dict_reshape(const rlc_dict *dict, rlc_shape batch) {
    if (dict == NULL) {
        return NULL;
    }
    const rlc_shape asked = batch;
    int64_t known = 1, total = rlc_shape_numel(dict->batch);
    int unknown = -1, unknowns = 0;
    for (int i = 0; i < batch.ndim; i++) {
        bool open = batch.size[i] == -1;
        unknown = open ? i : unknown;
        unknowns += open;
        known *= open ? 1 : batch.size[i];
    }
    if (unknowns == 1 && known > 0) {
        batch.size[unknown] = total / known;
        known *= batch.size[unknown];
    }
    if (known != total || unknowns > 1) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_reshape", "batch shape %s cannot become %s", rlc_shape_text(dict->batch, ta),
                     rlc_shape_text(asked, tb));
        return NULL;
    }
    return rlc_dict_apply(dict, batch, reshape_one, &(reshaping){batch, dict->batch.ndim});
}

static rlc_tensor *index_one(rlc_tensor *tensor, void *data) {
    return rlc_index_select(tensor, data);
}

rlc_dict *rlc_dict_index(const rlc_dict *dict, rlc_tensor *index) {
    if (dict == NULL || index == NULL) {
        return NULL;
    }
    if (dict->batch.ndim == 0) {
        rlc__op_fail("dict_index", "the dict has no batch dimension to choose from");
        return NULL;
    }
    rlc_shape batch = dict->batch;
    batch.size[0] = index->numel;
    return rlc_dict_apply(dict, batch, index_one, index);
}
