/* composite_ops.c: what a composite does with a dict, entry by entry. */
#include "core/record.h"
#include "tensordict/composite.h"

/* Whether td's batch shape ends in that of the specs. */
static bool same_batch(const rlc_composite *specs, const rlc_dict *td) {
    const int first = td->batch.ndim - specs->batch.ndim;
    bool same = first >= 0;
    for (int i = 0; i < specs->batch.ndim && same; i++) {
        same = td->batch.size[first + i] == specs->batch.size[i];
    }
    return same;
}

static rlc_status check_tensor(const char *path, const rlc_spec *spec, const rlc_dict *td, const rlc_tensor *tensor) {
    rlc_shape wanted = rlc_shape_concat(td->batch, spec->shape);
    if (tensor->dtype == spec->dtype && rlc_shape_equal(rlc_shape_of(tensor), wanted)) {
        return RLC_OK;
    }
    char text[RLC_SPEC_TEXT], ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    return rlc_fail(RLC_INVALID, "'%s' is %s %s, but its spec %s wants %s %s", path,
                    rlc_dtype_name((rlc_dtype)tensor->dtype), rlc_shape_text(rlc_shape_of(tensor), ta),
                    rlc_spec_text(spec, text), rlc_dtype_name(spec->dtype), rlc_shape_text(wanted, tb));
}

/* `path` is that of the dict, "" at the top. */
static rlc_status check(const rlc_composite *specs, const rlc_dict *td, const char *path) {
    char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT], below[256];
    if (!same_batch(specs, td)) {
        return rlc_fail(RLC_INVALID, "%s has batch shape %s, but its specs want one that ends in %s",
                        path[0] != '\0' ? path : "the dict", rlc_shape_text(td->batch, ta),
                        rlc_shape_text(specs->batch, tb));
    }
    for (int i = 0; i < specs->count; i++) {
        const rlc_composite_entry *entry = &specs->entries[i];
        const rlc_tensor *tensor = rlc_dict_find_key(td, entry->key);
        const rlc_dict *nested = rlc_dict_find_dict_key(td, entry->key);
        snprintf(below, sizeof below, "%s%s%s", path, path[0] != '\0' ? "." : "", entry->key->name);
        if (entry->nested != NULL ? nested == NULL : tensor == NULL) {
            return rlc_fail(RLC_INVALID, "there is no %s '%s'", entry->nested != NULL ? "dict" : "tensor", below);
        }
        RLC_TRY(entry->nested != NULL ? check(entry->nested, nested, below)
                                      : check_tensor(below, &entry->spec, td, tensor));
    }
    return RLC_OK;
}

rlc_status rlc_composite_check(const rlc_composite *specs, const rlc_dict *td) {
    return check(specs, td, "");
}

/* Two ways of making a dict from nothing: zeros where there is no stream. */
static rlc_dict *make(const rlc_composite *specs, rlc_shape outer, rlc_stream *stream) {
    rlc_shape batch = rlc_shape_concat(outer, specs->batch);
    rlc_dict *td = rlc_dict_new(batch);
    for (int i = 0; i < specs->count && td != NULL; i++) {
        const rlc_composite_entry *entry = &specs->entries[i];
        if (entry->nested != NULL) {
            rlc_dict_set_dict_key(td, entry->key, make(entry->nested, batch, stream));
        } else {
            rlc_dict_set_key(td, entry->key,
                             stream != NULL ? rlc_spec_sample(&entry->spec, batch, stream)
                                            : rlc_spec_zeros(&entry->spec, batch));
        }
    }
    return td;
}

rlc_dict *rlc_composite_zeros(const rlc_composite *specs, rlc_shape batch) {
    return make(specs, batch, NULL);
}

rlc_dict *rlc_composite_sample(const rlc_composite *specs, rlc_shape batch, rlc_stream *stream) {
    return stream != NULL ? make(specs, batch, stream) : NULL;
}

/* True for the whole batch where a composite is empty, as TorchRL has it. */
rlc_tensor *rlc_composite_is_in(const rlc_composite *specs, const rlc_dict *td) {
    rlc_tensor *all = td != NULL ? rlc_full(RLC_BOOL, td->batch, 1) : NULL;
    for (int i = 0; i < specs->count && all != NULL; i++) {
        const rlc_composite_entry *entry = &specs->entries[i];
        rlc_tensor *good = entry->nested != NULL
                               ? rlc_composite_is_in(entry->nested, rlc_dict_get_dict_key(td, entry->key))
                               : rlc_spec_is_in(&entry->spec, rlc_dict_get_key(td, entry->key));
        while (good != NULL && good->ndim > td->batch.ndim) { /* what is nested may have a longer batch shape */
            good = rlc_all(good, -1, false);
        }
        all = rlc_logical_and(all, good);
    }
    return all;
}

void rlc_composite_project(const rlc_composite *specs, rlc_dict *td, rlc_stream *stream) {
    for (int i = 0; i < specs->count && td != NULL; i++) {
        const rlc_composite_entry *entry = &specs->entries[i];
        if (entry->nested != NULL) {
            rlc_composite_project(entry->nested, rlc_dict_get_dict_key(td, entry->key), stream);
        } else {
            rlc_tensor *value = rlc_dict_get_key(td, entry->key);
            rlc_dict_set_key(td, entry->key, rlc_spec_project(&entry->spec, value, stream));
        }
    }
}

static rlc_dict *map(const rlc_composite *specs, const rlc_dict *td,
                     rlc_tensor *(*f)(const rlc_spec *spec, rlc_tensor *tensor)) {
    rlc_dict *result = td != NULL ? rlc_dict_new(td->batch) : NULL;
    for (int i = 0; i < specs->count && result != NULL; i++) {
        const rlc_composite_entry *entry = &specs->entries[i];
        if (entry->nested != NULL) {
            rlc_dict_set_dict_key(result, entry->key, map(entry->nested, rlc_dict_get_dict_key(td, entry->key), f));
        } else {
            rlc_dict_set_key(result, entry->key, f(&entry->spec, rlc_dict_get_key(td, entry->key)));
        }
    }
    return result;
}

rlc_dict *rlc_composite_encode(const rlc_composite *specs, const rlc_dict *td) {
    return map(specs, td, rlc_spec_encode);
}

rlc_dict *rlc_composite_decode(const rlc_composite *specs, const rlc_dict *td) {
    return map(specs, td, rlc_spec_decode);
}
