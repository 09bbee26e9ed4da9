/* conv.cu: convolutions and their gradients, unrolled (im2col) into products for cuBLAS.
 *
 * With all images' places side by side, [groups, taps, images places], each of the three is one product for each group:
 *
 *     conv2d           y [out, places]  = w [out, taps] x [taps, places]
 *     conv2d_weight    w [out, taps]   += y [out, places] x^T
 *     conv2d_input     x [taps, places] = w^T y, folded back by a thread for each number of x, in the order of taps
 *
 * Images are taken in chunks whose unrolled x fits in CHUNK numbers, which a GPU's cache holds; so the room that a
 * node needs is bounded, too.
 */
#include "core/conv.h"

#include "kernels/cuda/blas.cuh"

enum { CHUNK = 1 << 22 };

static int64_t chunk_of(const rlc_conv_shape *c) {
    const int64_t one = c->groups * rlc_conv_taps(c) * rlc_conv_places(c);
    const int64_t most = one > 0 && one < CHUNK ? CHUNK / one : 1;
    return most < c->images ? most : c->images;
}

/* The unrolled x of a chunk, and its y with channels first. */
static size_t room_of(rlc_op, rlc_dtype dtype, const rlc_conv_shape *c) {
    const int64_t one = c->groups * (rlc_conv_taps(c) + c->out) * rlc_conv_places(c);
    return (size_t)(chunk_of(c) * one) * rlc_dtype_size(dtype);
}

/* Number k of an unrolled x is that of group g, a tap and a place of an image; where it stands in x. */
template <typename T> static __global__ void unroll(rlc_conv_shape c, int64_t images, T *unrolled, const T *x) {
    const int64_t places = c.count[0] * c.count[1], area = c.kernel[0] * c.kernel[1], side = images * places;
    RLC_FOR_EACH(k, c.groups * c.in * area * side) {
        const int64_t tap = k / side % area, channel = k / side / area, n = k % side / places, place = k % places;
        const int64_t row = place / c.count[1] * c.stride[0] + tap / c.kernel[1] * c.dilation[0];
        const int64_t column = place % c.count[1] * c.stride[1] + tap % c.kernel[1] * c.dilation[1];
        unrolled[k] = x[((n * c.groups * c.in + channel) * c.size[0] + row) * c.size[1] + column];
    }
}

/* All that was unrolled from a number of x is added up there. */
template <typename T> static __global__ void fold(rlc_conv_shape c, int64_t images, T *x, const T *unrolled) {
    const int64_t places = c.count[0] * c.count[1], area = c.kernel[0] * c.kernel[1], side = images * places;
    const int64_t pixels = c.size[0] * c.size[1], channels = c.groups * c.in;
    RLC_FOR_EACH(k, images * channels * pixels) {
        const int64_t n = k / pixels / channels, channel = k / pixels % channels;
        T sum = 0;
        for (int64_t tap = 0; tap < area; tap++) {
            const int64_t down = k % pixels / c.size[1] - tap / c.kernel[1] * c.dilation[0];
            const int64_t along = k % c.size[1] - tap % c.kernel[1] * c.dilation[1];
            const int64_t i = down / c.stride[0], j = along / c.stride[1];
            if (down >= 0 && along >= 0 && i * c.stride[0] == down && j * c.stride[1] == along && i < c.count[0] &&
                j < c.count[1]) {
                sum += unrolled[(channel * area + tap) * side + n * places + i * c.count[1] + j];
            }
        }
        x[k] = sum;
    }
}

/* y [images, channels, places] with channels first, and back again, with a bias and a relu. */
template <typename T>
static __global__ void channels_first(int64_t images, int64_t channels, int64_t places, T *to, const T *y) {
    RLC_FOR_EACH(k, images * channels * places) {
        const int64_t n = k / places % images, channel = k / places / images;
        to[k] = y[(n * channels + channel) * places + k % places];
    }
}
template <typename T>
static __global__ void images_first(int64_t images, int64_t channels, int64_t places, T *y, const T *from,
                                    const T *bias, bool relu) {
    RLC_FOR_EACH(k, images * channels * places) {
        const int64_t n = k / places / channels, channel = k / places % channels;
        const T value = from[(channel * images + n) * places + k % places];
        const T z = bias != NULL ? value + bias[channel] : value;
        y[k] = relu && z <= 0 ? 0 : z;
    }
}

template <typename T> static __global__ void clear(T *x, int64_t n) {
    RLC_FOR_EACH(i, n) {
        x[i] = 0;
    }
}

/* A chunk of images: its part of x and y, and the room. */
template <typename T> struct chunk {
    int64_t images, places;
    T *unrolled, *turned; /* x and y */
};

template <typename T> static chunk<T> chunk_at(const rlc_node *node, int64_t first) {
    const rlc_conv_shape *c = (const rlc_conv_shape *)node->aux;
    chunk<T> k;
    k.images = chunk_of(c) < c->images - first ? chunk_of(c) : c->images - first;
    k.places = k.images * rlc_conv_places(c);
    k.unrolled = rlc_data<T>(node->more[0]);
    k.turned = k.unrolled + c->groups * rlc_conv_taps(c) * k.places;
    return k;
}

template <typename T> static void run_unroll(const rlc_node *node, const chunk<T> &k, const T *x) {
    const rlc_conv_shape *c = (const rlc_conv_shape *)node->aux;
    auto *kernel = unroll<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(c->groups * rlc_conv_taps(c) * k.places), RLC_BLOCK, *c, k.images,
               k.unrolled, x);
}

template <typename T> static void run_turn(const rlc_node *node, const chunk<T> &k, const T *y) {
    const rlc_conv_shape *c = (const rlc_conv_shape *)node->aux;
    auto *kernel = channels_first<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(k.images * rlc_conv_y_image(c)), RLC_BLOCK, k.images, c->groups * c->out,
               rlc_conv_places(c), k.turned, y);
}

template <typename T> static void run_conv2d(const rlc_node *node) {
    const rlc_conv_shape *c = (const rlc_conv_shape *)node->aux;
    auto *kernel = images_first<T>;
    for (int64_t n = 0; n < c->images; n += chunk_of(c)) {
        const chunk<T> k = chunk_at<T>(node, n);
        rlc_gemm_aux g = {};
        g.m = c->out;
        g.n = k.places;
        g.k = rlc_conv_taps(c);
        g.batch = c->groups;
        g.precision = (uint8_t)node->p[0].i;
        g.step_a = g.m * g.k;
        g.step_b = g.k * g.n;
        run_unroll(node, k, rlc_data<T>(node->in[0]) + n * rlc_conv_x_image(c));
        rlc__cuda_gemm(node, &g, rlc_data<T>(node->in[1]), k.unrolled, k.turned);
        const int64_t image = rlc_conv_y_image(c);
        RLC_LAUNCH(node, kernel, rlc_blocks_for(k.images * image), RLC_BLOCK, k.images, c->groups * c->out,
                   rlc_conv_places(c), rlc_data<T>(node->out) + n * image, k.turned, rlc_data<T>(node->in[2]),
                   node->p[1].i == RLC_RELU);
    }
}

template <typename T> static void run_conv2d_input(const rlc_node *node) {
    const rlc_conv_shape *c = (const rlc_conv_shape *)node->aux;
    auto *kernel = fold<T>;
    for (int64_t n = 0; n < c->images; n += chunk_of(c)) {
        const chunk<T> k = chunk_at<T>(node, n);
        rlc_gemm_aux g = {};
        g.m = rlc_conv_taps(c);
        g.n = k.places;
        g.k = c->out;
        g.batch = c->groups;
        g.precision = (uint8_t)node->p[0].i;
        g.ta = true;
        g.step_a = g.m * g.k;
        g.step_b = g.k * g.n;
        run_turn(node, k, rlc_data<T>(node->in[0]) + n * rlc_conv_y_image(c));
        rlc__cuda_gemm(node, &g, rlc_data<T>(node->in[1]), k.turned, k.unrolled);
        RLC_LAUNCH(node, kernel, rlc_blocks_for(k.images * rlc_conv_x_image(c)), RLC_BLOCK, *c, k.images,
                   rlc_data<T>(node->out) + n * rlc_conv_x_image(c), k.unrolled);
    }
}

template <typename T> static void run_conv2d_weight(const rlc_node *node) {
    const rlc_conv_shape *c = (const rlc_conv_shape *)node->aux;
    auto *nothing = clear<T>;
    if (c->images == 0 && !c->accumulate) {
        RLC_LAUNCH(node, nothing, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_data<T>(node->out),
                   node->out->numel);
    }
    for (int64_t n = 0; n < c->images; n += chunk_of(c)) {
        const chunk<T> k = chunk_at<T>(node, n);
        rlc_gemm_aux g = {};
        g.m = c->out;
        g.n = rlc_conv_taps(c);
        g.k = k.places;
        g.batch = c->groups;
        g.precision = (uint8_t)node->p[0].i;
        g.tb = true;
        g.accumulate = c->accumulate || n > 0;
        g.step_a = g.m * g.k;
        g.step_b = g.k * g.n;
        run_unroll(node, k, rlc_data<T>(node->in[1]) + n * rlc_conv_x_image(c));
        run_turn(node, k, rlc_data<T>(node->in[0]) + n * rlc_conv_y_image(c));
        rlc__cuda_gemm(node, &g, k.turned, k.unrolled, rlc_data<T>(node->out));
    }
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_conv2d][dtype] = run_conv2d<T>;
    device->kernel[RLC_OP_conv2d_input][dtype] = run_conv2d_input<T>;
    device->kernel[RLC_OP_conv2d_weight][dtype] = run_conv2d_weight<T>;
}

void rlc__cuda_conv(rlc_device *device) {
    device->conv_room = room_of;
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
}
