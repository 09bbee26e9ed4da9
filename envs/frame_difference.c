/* frame_difference.c: a picture less the one before it, so that one shows what moves, as PyTorch's DQN tutorial has it. Zeros
 * where an episode begins. Of bytes it is the difference of what ToTensorImage makes of them, float32 from -1 to 1. */
#include "envs/image.h"

typedef struct FrameDifference {
    rlc_transform base;
    rlc_strings in_keys, out_keys;
} FrameDifference;

static const rlc_option options[] = {
    RLC_IMAGE_KEYS(FrameDifference),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const FrameDifference *f = (const FrameDifference *)self;
    (void)env;
    self->reach = 1;
    rlc_transform_reads(self, f->in_keys, f->out_keys);
}

static rlc_tensor *look_back(rlc_transform *self, rlc_tensor *moments, rlc_tensor *age) {
    const int64_t steps = moments->shape[0] - self->reach;
    (void)age;
    rlc_tensor *x = moments->dtype == RLC_U8 ? moments : rlc__image_open(moments);
    rlc_tensor *now = rlc_slice(x, 0, self->reach, steps), *before = rlc_slice(x, 0, 0, steps);
    return moments->dtype == RLC_U8 ? rlc_from_bytes(now, before) : rlc_sub(now, before);
}

const rlc_transform_class rlc_frame_difference_class = {
    .base = RLC_CLASS("transform", FrameDifference, .doc = "pictures less the ones before", .options = options),
    .init = init,
    .look_back = look_back,
};
