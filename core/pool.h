/* pool.h: what a pool asks of its kernel. Images are planes, one for each channel of each; their windows are in
 * kernels/pools.h.
 *
 *     op               out   in              computes
 *     max_pool2d       y     x, place        the largest number of each window; its place in the plane goes to `place`
 *     max_pool2d_grad  x     y, place        the gradient of y, taken back to where the largest numbers were
 *     avg_pool2d       y     x               the mean of each window
 *     avg_pool2d_grad  x     y               its gradient
 *     pad              y     x               x with p[0] columns before it, p[1] rows above it, and p[2] all around
 */
#ifndef RLC_POOL_H
#define RLC_POOL_H

#include "core/base.h"

typedef struct rlc_pool_shape {
    int64_t planes;
    int64_t size[2], count[2]; /* rows and columns of a plane, and of what comes out */
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    int64_t exclude_padding;
    int64_t adaptive; /* windows divide the plane evenly, whatever the kernel is */
} rlc_pool_shape;

#endif
