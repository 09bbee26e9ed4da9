/* center_crop.c: the middle of a picture, as torchvision's center_crop finds it: what is left over is halved, and halves are
 * rounded to even. A picture smaller than the crop is an error, where torchvision would add an edge of zeros. */
#include "envs/image.h"

typedef struct CenterCrop {
    rlc_transform base;
    int w, h;
    rlc_strings in_keys, out_keys;
} CenterCrop;

static const rlc_option options[] = {
    RLC_INT(CenterCrop, w, RLC_REQUIRED, 1, 1 << 20, "the width of what is left"),
    RLC_INT(CenterCrop, h, 0, 0, 1 << 20, "its height; 0: as the width"),
    RLC_IMAGE_KEYS(CenterCrop),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    CenterCrop *c = (CenterCrop *)self;
    (void)env;
    c->h = c->h > 0 ? c->h : c->w;
    rlc_transform_reads(self, c->in_keys, c->out_keys);
}

static int64_t half_to_even(int64_t n) {
    return n / 2 + (n % 2 == 1 && n / 2 % 2 == 1);
}

static rlc_tensor *crop(rlc_transform *self, rlc_tensor *x) {
    const CenterCrop *c = (const CenterCrop *)self;
    char text[RLC_SHAPE_TEXT];
    if (!rlc__image_check_planes(self, x)) {
        return NULL;
    }
    const int64_t more_rows = rlc_size(x, -2) - c->h, more_columns = rlc_size(x, -1) - c->w;
    if (more_rows < 0 || more_columns < 0) {
        return rlc__op_fail(self->type->base.name,
                            "%d x %d pixels (w x h) cannot be cut out of %s, which is [..., C, H, W]", c->w, c->h,
                            rlc_shape_text(rlc_shape_of(x), text));
    }
    x = rlc_slice(x, -2, half_to_even(more_rows), c->h);
    return rlc_contiguous(rlc_slice(x, -1, half_to_even(more_columns), c->w));
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    rlc_transform_each(self, dict, crop);
}

const rlc_transform_class rlc_center_crop_class = {
    .base = RLC_CLASS("transform", CenterCrop, .doc = "the middle of pictures", .options = options),
    .init = init,
    .apply = apply,
};
