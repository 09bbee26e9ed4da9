#include "modules/images.h"

#include <math.h>
#include <stdio.h>

rlc_tensor *rlc_images_input(const rlc_module *self, const rlc_dict *td) {
    rlc_tensor *x = rlc_in(self, td, 0);
    if (x == NULL) {
        return NULL;
    }
    const char *key = self->in_keys[0]->name;
    if (!rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        rlc_fail(RLC_INVALID, "%s: %s is %s, not float32; put {type: ToTensorImage} among the environment's transforms",
                 self->path, key, rlc_dtype_name((rlc_dtype)x->dtype));
        return NULL;
    }
    if (x->ndim < td->batch.ndim + 3) {
        char text[RLC_SHAPE_TEXT];
        rlc_fail(RLC_INVALID, "%s: %s has shape %s, but images are [*, channels, height, width]", self->path, key,
                 rlc_shape_text(rlc_shape_of(x), text));
        return NULL;
    }
    return rlc_cast(x, RLC_F32);
}

bool rlc_images_pair(const rlc_module *self, const char *option, const rlc_ints *given, int64_t standard,
                     int64_t pair[2]) {
    pair[0] = given->count > 0 ? given->values[0] : standard;
    pair[1] = given->count > 1 ? given->values[1] : pair[0];
    if (given->count > 2) {
        rlc_fail(RLC_INVALID, "%s: %s has %d numbers; it is one, or two for rows and columns", self->path, option,
                 given->count);
        return false;
    }
    return true;
}

rlc_conv_layer rlc_conv_layer_new(rlc_module *self, const char *name, int64_t in, int64_t out, const int64_t kernel[2],
                                  const rlc_conv *how, bool bias, bool transposed) {
    rlc_conv_layer layer = {.how = *how};
    const int64_t groups = how->groups > 0 ? how->groups : 1;
    char full[2][96];
    if (in % groups != 0 || out % groups != 0) {
        rlc_fail(RLC_INVALID,
                 "%s: groups is %lld, which does not divide %lld channels that come in and %lld that go out",
                 self->path, (long long)groups, (long long)in, (long long)out);
        return layer;
    }
    const rlc_shape shape = transposed ? RLC_SHAPE(in, out / groups, kernel[0], kernel[1])
                                       : RLC_SHAPE(out, in / groups, kernel[0], kernel[1]);
    /* PyTorch counts the second dimension as what is summed up, also of a transposed one */
    const double fan_in = (double)shape.size[1] * (double)kernel[0] * (double)kernel[1];
    const rlc_init init = {RLC_INIT_UNIFORM, fan_in > 0 ? 1 / sqrt(fan_in) : 0};
    snprintf(full[0], sizeof full[0], "%s%sweight", name != NULL ? name : "", name != NULL ? "." : "");
    snprintf(full[1], sizeof full[1], "%s%sbias", name != NULL ? name : "", name != NULL ? "." : "");
    layer.weight = rlc_parameter_new(self, full[0], shape, init);
    layer.bias = bias ? rlc_parameter_new(self, full[1], RLC_SHAPE(out), init) : NULL;
    return layer;
}
