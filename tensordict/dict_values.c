/* dict_values.c: what looks at the numbers of a dict's tensors: copies, conversions, comparison. */
#include "core/record.h"
#include "tensordict/batch.h"

static rlc_tensor *clone_one(rlc_tensor *tensor, void *data) {
    (void)data;
    return rlc_clone(tensor);
}

rlc_dict *rlc_dict_clone_deep(const rlc_dict *dict) {
    return dict != NULL ? rlc__dict_rebatch("dict_clone_deep", dict, dict->batch, clone_one, NULL) : NULL;
}

static rlc_tensor *cast_one(rlc_tensor *tensor, void *data) {
    return rlc_cast(tensor, *(const rlc_dtype *)data);
}

rlc_dict *rlc_dict_cast(const rlc_dict *dict, rlc_dtype dtype) {
    return dict != NULL ? rlc__dict_rebatch("dict_cast", dict, dict->batch, cast_one, &dtype) : NULL;
}

/* A tensor of another device: its values travel by way of the host. */
static rlc_tensor *to_one(rlc_tensor *tensor, void *data) {
    rlc_program *p = rlc_current();
    if (tensor->device == data) {
        return tensor;
    }
    const size_t bytes = (size_t)tensor->numel * rlc_dtype_size((rlc_dtype)tensor->dtype);
    void *values = rlc_arena_alloc(&p->host, bytes + 1, RLC_ALIGN_STRUCT);
    rlc_status status = values != NULL ? rlc_read(tensor, values) : rlc_error_status();
    if (status != RLC_OK) {
        p->status = p->status != RLC_OK ? p->status : status;
        return NULL;
    }
    return rlc_from_data((rlc_dtype)tensor->dtype, rlc_shape_of(tensor), values);
}

rlc_dict *rlc_dict_to(const rlc_dict *dict, rlc_device *device) {
    rlc_program *p = rlc__require_program("dict_to");
    if (p == NULL || dict == NULL) {
        return NULL;
    }
    if (p->device != device) {
        rlc__op_fail("dict_to", "the result would live in program '%s', which is on %s; open one on %s", p->name,
                     p->device->name, device->name);
        return NULL;
    }
    return rlc__dict_rebatch("dict_to", dict, dict->batch, to_one, device);
}

void rlc_dict_assign(rlc_dict *dict, const rlc_dict *from) {
    for (int i = 0; dict != NULL && from != NULL && i < from->count; i++) {
        const rlc_entry *entry = &from->entries[i];
        if (entry->dict != NULL) {
            rlc_dict_assign(rlc_dict_get_dict_key(dict, entry->key), entry->dict);
            continue;
        }
        rlc_tensor *target = rlc_dict_get_key(dict, entry->key);
        if (target != NULL && !rlc__same_shape(target, entry->tensor)) {
            char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
            rlc__op_fail("dict_assign", "'%s' has shape %s, but values of shape %s are to be written", entry->key->name,
                         rlc_shape_text(rlc_shape_of(target), ta), rlc_shape_text(rlc_shape_of(entry->tensor), tb));
            return;
        }
        rlc_assign(target, entry->tensor);
    }
}

static bool equal_tensors(rlc_tensor *a, rlc_tensor *b) {
    return a != NULL && b != NULL && a->dtype == b->dtype && rlc__same_shape(a, b) &&
           rlc_item(rlc_all(rlc_eq(a, b), RLC_ALL, false)) == 1;
}

static bool equal_below(const rlc_dict *a, const rlc_dict *b) {
    bool equal = a != NULL && b != NULL && a->count == b->count && rlc_shape_equal(a->batch, b->batch);
    for (int i = 0; equal && i < a->count; i++) {
        const rlc_entry *entry = &a->entries[i];
        equal = entry->dict != NULL ? equal_below(entry->dict, rlc_dict_find_dict_key(b, entry->key))
                                    : equal_tensors(entry->tensor, rlc_dict_find_key(b, entry->key));
    }
    return equal;
}

bool rlc_dict_equal(const rlc_dict *a, const rlc_dict *b) {
    if (rlc__require_program("dict_equal") == NULL) {
        return false;
    }
    const bool was = rlc_no_grad(true), equal = equal_below(a, b);
    rlc_no_grad(was);
    return equal;
}
