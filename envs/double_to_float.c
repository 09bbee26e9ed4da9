/* double_to_float.c: float64 entries as float32. */
#include "envs/transform.h"

typedef struct DoubleToFloat {
    rlc_transform base;
    rlc_strings in_keys, out_keys;
    rlc_key_pairs keys; /* none for all there are */
} DoubleToFloat;

static const rlc_option options[] = {
    RLC_STRINGS(DoubleToFloat, in_keys, NULL, "the entries; all that are float64 unless given"),
    RLC_STRINGS(DoubleToFloat, out_keys, NULL, "where they are written; where they were unless given"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    DoubleToFloat *d = (DoubleToFloat *)self;
    (void)env;
    if (d->in_keys.count > 0 || d->out_keys.count > 0) {
        rlc_transform_keys(self, d->in_keys, d->out_keys, &d->keys);
    }
}

static void convert(const DoubleToFloat *d, rlc_dict *dict, bool must_be_there) {
    for (int i = 0; i < d->keys.count; i++) {
        rlc_tensor *x = must_be_there ? rlc_dict_get_key(dict, d->keys.in[i]) : rlc_dict_find_key(dict, d->keys.in[i]);
        if (x != NULL) {
            rlc_dict_set_key(dict, d->keys.out[i], rlc_cast(x, RLC_F32));
        }
    }
    for (int i = 0; i < dict->count && d->keys.count == 0; i++) {
        rlc_tensor *x = dict->entries[i].tensor;
        if (x != NULL && x->dtype == RLC_F64) {
            rlc_dict_set_key(dict, dict->entries[i].key, rlc_cast(x, RLC_F32));
        }
    }
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    convert((DoubleToFloat *)self, root, false);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)td;
    convert((DoubleToFloat *)self, next, true);
}

const rlc_transform_class rlc_double_to_float_class = {
    .base = RLC_CLASS("transform", DoubleToFloat, .doc = "converts float64 entries to float32", .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};
