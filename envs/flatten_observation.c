/* flatten_observation.c: neighbouring dimensions of an entry as one, so that a network of linear layers can read a picture:
 * TorchRL's FlattenObservation.
 *
 *     {type: FlattenObservation, first_dim: -3, last_dim: -1, in_keys: [pixels], out_keys: [observation]}
 */
#include "core/record.h"
#include "envs/image.h"

typedef struct FlattenObservation {
    rlc_transform base;
    int first_dim, last_dim;
    rlc_strings in_keys, out_keys;
} FlattenObservation;

static const rlc_option options[] = {
    RLC_INT(FlattenObservation, first_dim, RLC_REQUIRED, -RLC_MAX_DIMS, -1,
            "the first of the dimensions, from the end"),
    RLC_INT(FlattenObservation, last_dim, RLC_REQUIRED, -RLC_MAX_DIMS, -1, "the last of them"),
    RLC_IMAGE_KEYS(FlattenObservation),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const FlattenObservation *f = (const FlattenObservation *)self;
    (void)env;
    if (f->first_dim > f->last_dim) {
        rlc_value_fail(self->options, "%s: first_dim (%d) is behind last_dim (%d)", self->path, f->first_dim,
                       f->last_dim);
        return;
    }
    rlc_transform_reads(self, f->in_keys, f->out_keys);
}

static rlc_tensor *flatten(rlc_transform *self, rlc_tensor *x) {
    const FlattenObservation *f = (const FlattenObservation *)self;
    if (-f->first_dim >= x->ndim) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail(self->type->base.name, "dimension %d of %s is that of the environments, which stays",
                            f->first_dim, rlc_shape_text(rlc_shape_of(x), text));
    }
    return rlc_flatten(x, f->first_dim, f->last_dim);
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    rlc_transform_each(self, dict, flatten);
}

const rlc_transform_class rlc_flatten_observation_class = {
    .base = RLC_CLASS("transform", FlattenObservation, .doc = "neighbouring dimensions as one", .options = options),
    .init = init,
    .apply = apply,
};
