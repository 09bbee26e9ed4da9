/* cat_frames.c: the last N pictures in one, the oldest first: TorchRL's CatFrames, after Mnih et al. (2013).
 *
 *     {type: CatFrames, N: 4, dim: -3}      // [.., C, H, W] becomes [.., 4 C, H, W]
 *
 * Where an episode has begun less than N steps ago, its first picture stands for those that are missing (padding: same), or
 * padding_value (padding: constant).
 */
#include "envs/image.h"

typedef struct CatFrames {
    rlc_transform base;
    int N, dim, padding;
    double padding_value;
    rlc_strings in_keys, out_keys;
} CatFrames;

enum { SAME, CONSTANT };

static const rlc_option options[] = {
    RLC_INT(CatFrames, N, RLC_REQUIRED, 1, RLC_MAX_REACH, "how many"),
    RLC_INT(CatFrames, dim, RLC_REQUIRED, -RLC_MAX_DIMS, -1, "along which dimension: -3, the channels, for pictures"),
    RLC_ENUM(CatFrames, padding, "same", "same|constant", "what stands for pictures from before the episode"),
    RLC_FLOAT(CatFrames, padding_value, 0, -1e30, 1e30, "the number that does, with padding: constant"),
    RLC_IMAGE_KEYS(CatFrames),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const CatFrames *c = (const CatFrames *)self;
    (void)env;
    self->reach = c->N - 1;
    self->wants_age = c->padding == CONSTANT;
    rlc_transform_reads(self, c->in_keys, c->out_keys);
}

/* The moments `back` steps before those of this age, or what stands for them: where the age is less than that. */
static rlc_tensor *or_padding(const CatFrames *c, rlc_tensor *moments, rlc_tensor *age, int back) {
    rlc_shape shape = {.ndim = moments->ndim};
    for (int d = 0; d < moments->ndim; d++) {
        shape.size[d] = d < 2 ? moments->shape[d] : 1;
    }
    rlc_tensor *there = rlc_ge(age, rlc_full(RLC_I64, (rlc_shape){0}, back));
    rlc_tensor *padding = rlc_full((rlc_dtype)moments->dtype, (rlc_shape){0}, c->padding_value);
    return rlc_where(rlc_reshape(there, shape), moments, padding);
}

static rlc_tensor *look_back(rlc_transform *self, rlc_tensor *moments, rlc_tensor *age) {
    const CatFrames *c = (const CatFrames *)self;
    const int64_t steps = moments->shape[0] - self->reach;
    rlc_tensor *parts[RLC_MAX_REACH];
    if (-c->dim > moments->ndim - 2) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail(self->type->base.name, "dim %d is none of an entry's own, which is %s with time in front",
                            c->dim, rlc_shape_text(rlc_shape_of(moments), text));
    }
    for (int i = 0; i < c->N; i++) {
        parts[i] = rlc_slice(moments, 0, i, steps);
        if (age != NULL && i < self->reach && parts[i] != NULL) {
            parts[i] = or_padding(c, parts[i], rlc_slice(age, 0, self->reach, steps), self->reach - i);
        }
        if (parts[i] == NULL) {
            return NULL;
        }
    }
    return rlc_concatenate(parts, c->N, c->dim);
}

const rlc_transform_class rlc_cat_frames_class = {
    .base = RLC_CLASS("transform", CatFrames, .doc = "the last N pictures in one", .options = options),
    .init = init,
    .look_back = look_back,
};
