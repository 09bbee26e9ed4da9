/* double_to_float.c: float64 entries as float32. */
#include "envs/transform.h"

typedef struct DoubleToFloat {
    rlc_transform base;
    rlc_strings in_keys, out_keys; /* none for all there are */
} DoubleToFloat;

static const rlc_option options[] = {
    RLC_STRINGS(DoubleToFloat, in_keys, NULL, "the entries; all that are float64 unless given"),
    RLC_STRINGS(DoubleToFloat, out_keys, NULL, "where they are written; where they were unless given"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const DoubleToFloat *d = (const DoubleToFloat *)self;
    if (d->in_keys.count > 0 || d->out_keys.count > 0) {
        rlc_transform_keys(self, d->in_keys, d->out_keys, &self->entries);
    } else if (env == NULL) {
        rlc_value_fail(self->options, "%s: in_keys must say which entries the buffer is to keep as float64",
                       self->path);
    }
}

static void convert(const rlc_key_pairs *keys, rlc_dict *dict, bool must_be_there) {
    for (int i = 0; i < keys->count; i++) {
        rlc_tensor *x = must_be_there ? rlc_dict_get_key(dict, keys->in[i]) : rlc_dict_find_key(dict, keys->in[i]);
        if (x != NULL) {
            rlc_dict_set_key(dict, keys->out[i], rlc_cast(x, RLC_F32));
        }
    }
    for (int i = 0; i < dict->count && keys->count == 0; i++) {
        rlc_tensor *x = dict->entries[i].tensor;
        if (x != NULL && x->dtype == RLC_F64) {
            rlc_dict_set_key(dict, dict->entries[i].key, rlc_cast(x, RLC_F32));
        }
    }
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    convert(&self->entries, root, false); /* they may be of what steps alone write */
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    convert(&self->entries, dict, true);
}

const rlc_transform_class rlc_double_to_float_class = {
    .base = RLC_CLASS("transform", DoubleToFloat, .doc = "converts float64 entries to float32", .options = options),
    .init = init,
    .reset = reset,
    .apply = apply,
};
