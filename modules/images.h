/* images.h: what modules for images share: options of one or two numbers, and inputs that must be images. */
#ifndef RLC_IMAGES_H
#define RLC_IMAGES_H

#include "modules/module.h"

RLC_BEGIN

/* The input of a module, [*, channels, height, width] of floats; NULL with an error that says what would be right. */
rlc_tensor *rlc_images_input(const rlc_module *self, const rlc_dict *td);

/* Sizes of rows and columns from an option's list: [3, 2], or one number for both; `standard` where it is empty. False with
 * an error that names the option. */
bool rlc_images_pair(const rlc_module *self, const char *option, const rlc_ints *given, int64_t standard,
                     int64_t pair[2]);

/* For init: a convolution's parameters "NAME.weight" [out, in / groups, rows, columns] and "NAME.bias" [out], right under the
 * module's path where the name is NULL; initialised as torch.nn.Conv2d does, both from U(-1/sqrt(n), 1/sqrt(n)) with n
 * numbers summed up for each that comes out. `transposed`: torch.nn.ConvTranspose2d's, [in, out / groups, ...]. */
typedef struct rlc_conv_layer {
    rlc_tensor *weight, *bias; /* the bias may be NULL */
    rlc_conv how;
} rlc_conv_layer;
rlc_conv_layer rlc_conv_layer_new(rlc_module *self, const char *name, int64_t in, int64_t out, const int64_t kernel[2],
                                  const rlc_conv *how, bool bias, bool transposed);

RLC_END

#endif
