/* conv.h: what a convolution asks of its kernel, for all three products: the forward one and those of its gradients.
 *
 *     y[n, o, i, j] = bias[o] + the sum over c, u, v of  w[o, c, u, v] x[n, c, i s + u d, j t + v e]
 *
 * with strides s, t and dilations d, e: the cross-correlation that torch.nn.Conv2d computes. The input has its padding
 * already. Images are [channels, height, width]; each group of channels is a convolution of its own.
 *
 *     op               out   in          computes
 *     conv2d           y     x, w, bias  the above; bias may be absent; then the activation in p[1], none or relu
 *     conv2d_input     x     y, w        what a gradient of y means for x; it is what a transposed convolution is
 *     conv2d_weight    w     y, x        what it means for w
 *
 * The first tensor of `more` is room that the kernel works in, as large as the device says (rlc_device.conv_room).
 */
#ifndef RLC_CONV_H
#define RLC_CONV_H

#include "core/base.h"

typedef struct rlc_conv_shape {
    int64_t images, groups;
    int64_t in, out;                           /* channels of one group */
    int64_t size[2], count[2];                 /* rows and columns of x, and of y */
    int64_t kernel[2], stride[2], dilation[2]; /* of rows and of columns */
    int64_t accumulate;                        /* conv2d_weight: add to what is there */
} rlc_conv_shape;

/* How many products one number of y sums up, and how many numbers an image's y has in each channel. */
static inline int64_t rlc_conv_taps(const rlc_conv_shape *c) {
    return c->in * c->kernel[0] * c->kernel[1];
}
static inline int64_t rlc_conv_places(const rlc_conv_shape *c) {
    return c->count[0] * c->count[1];
}

/* How far apart images are in x, and in y. */
static inline int64_t rlc_conv_x_image(const rlc_conv_shape *c) {
    return c->groups * c->in * c->size[0] * c->size[1];
}
static inline int64_t rlc_conv_y_image(const rlc_conv_shape *c) {
    return c->groups * c->out * rlc_conv_places(c);
}

#endif
