/* gray_scale.c: three channels, red, green and blue, as one: 0.2989 r + 0.587 g + 0.114 b (ITU-R BT.601), as torchvision's
 * rgb_to_grayscale: bytes are cut off, and what has one channel stays. */
#include "envs/image.h"

typedef struct GrayScale {
    rlc_transform base;
    rlc_strings in_keys, out_keys;
} GrayScale;

static const rlc_option options[] = {
    RLC_IMAGE_KEYS(GrayScale),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    const GrayScale *g = (const GrayScale *)self;
    (void)env;
    rlc_transform_reads(self, g->in_keys, g->out_keys);
}

static rlc_tensor *to_gray(rlc_transform *self, rlc_tensor *x) {
    static const double weights[] = {0.2989, 0.587, 0.114};
    char text[RLC_SHAPE_TEXT];
    if (!rlc__image_check_planes(self, x)) {
        return NULL;
    }
    if (rlc_size(x, -3) != 3 && rlc_size(x, -3) != 1) {
        return rlc__op_fail(self->type->base.name,
                            "colours are three channels, [..., 3, H, W], but this is %s; "
                            "ToTensorImage before it puts channels first",
                            rlc_shape_text(rlc_shape_of(x), text));
    }
    rlc_tensor *gray = NULL;
    for (int channel = 0; channel < 3 && rlc_size(x, -3) == 3; channel++) {
        rlc_tensor *part = rlc_mul_scalar(rlc__image_open(rlc_slice(x, -3, channel, 1)), weights[channel]);
        gray = channel == 0 ? part : rlc_add(gray, part);
    }
    return gray != NULL ? rlc__image_close(gray, x, false) : x;
}

static void apply(rlc_transform *self, rlc_dict *dict) {
    rlc_transform_each(self, dict, to_gray);
}

const rlc_transform_class rlc_gray_scale_class = {
    .base = RLC_CLASS("transform", GrayScale, .doc = "colours as shades of grey", .options = options),
    .init = init,
    .apply = apply,
};
