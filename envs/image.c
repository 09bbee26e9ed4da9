#include "envs/image.h"

bool rlc__image_check(const rlc_transform *self, const rlc_tensor *x) {
    if (x->ndim >= 4) {
        return true;
    }
    char text[RLC_SHAPE_TEXT];
    rlc__op_fail(self->type->base.name, "a picture has three dimensions behind the environments, but this is %s",
                 rlc_shape_text(rlc_shape_of(x), text));
    return false;
}

/* Colours and the planes of games are few; a picture of four pixels' width is none. */
bool rlc__image_check_planes(const rlc_transform *self, const rlc_tensor *x) {
    if (!rlc__image_check(self, x)) {
        return false;
    }
    enum { FEW = 4 };
    if (rlc_size(x, -1) > FEW || rlc_size(x, -3) <= FEW) {
        return true;
    }
    char text[RLC_SHAPE_TEXT];
    rlc__op_fail(self->type->base.name,
                 "a picture has its channels first here, but this is %s; put {type: ToTensorImage} before it, with "
                 "from_int: false and dtype: uint8 where bytes are to stay bytes",
                 rlc_shape_text(rlc_shape_of(x), text));
    return false;
}

rlc_tensor *rlc__image_open(rlc_tensor *x) {
    return x == NULL || rlc_dtype_is_float((rlc_dtype)x->dtype) ? x : rlc_cast(x, RLC_F32);
}

rlc_tensor *rlc__image_close(rlc_tensor *y, const rlc_tensor *like, bool rounded) {
    if (y == NULL || y->dtype == like->dtype) {
        return y;
    }
    return rlc_cast(rounded ? rlc_clamp(rlc_round(y), 0, 255) : y, (rlc_dtype)like->dtype);
}
