/* pool.cu: what works on the planes of images one by one: pools, their gradients, padding. A thread for each number of the
 * result; the rules are those of the CPU (kernels/pools.h). */
#include "kernels/cuda/backend.cuh"
#include "kernels/pools.h"

#define OVERLOADED(name) name##_of
RLC_POOLS(float, OVERLOADED)
RLC_POOLS(double, OVERLOADED)

/* What a thread computes at (i, j) of plane n of the result; x and places begin with that plane. */
struct largest {
    template <typename T>
    static __device__ __forceinline__ T at(const rlc_pool_shape &s, const T *x, int32_t *place, int64_t i, int64_t j) {
        return max_of(&s, x, i, j, place + i * s.count[1] + j);
    }
};
struct largest_grad {
    template <typename T>
    static __device__ __forceinline__ T at(const rlc_pool_shape &s, const T *g, int32_t *place, int64_t i, int64_t j) {
        return max_grad_of(&s, g, place, i, j);
    }
};
struct mean {
    template <typename T>
    static __device__ __forceinline__ T at(const rlc_pool_shape &s, const T *x, int32_t *, int64_t i, int64_t j) {
        return mean_of(&s, x, i, j);
    }
};
struct mean_grad {
    template <typename T>
    static __device__ __forceinline__ T at(const rlc_pool_shape &s, const T *g, int32_t *, int64_t i, int64_t j) {
        return mean_grad_of(&s, g, i, j);
    }
};

/* With `back` the result has the planes that the pool reads, and x those that it writes. */
template <class F, bool back, typename T>
static __global__ void pool(rlc_pool_shape s, T *out, const T *x, int32_t *place) {
    const int64_t area = s.size[0] * s.size[1], windows = s.count[0] * s.count[1];
    const int64_t to = back ? area : windows, columns = back ? s.size[1] : s.count[1];
    RLC_FOR_EACH(k, s.planes * to) {
        const int64_t n = k / to;
        out[k] = F::template at<T>(s, x + n * (back ? windows : area), place != NULL ? place + n * windows : NULL,
                                   k % to / columns, k % columns);
    }
}

template <class F, bool back, typename T> static void run_pool(const rlc_node *node) {
    auto *kernel = pool<F, back, T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, *(const rlc_pool_shape *)node->aux,
               rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<int32_t>(node->in[1]));
}

/* Sizes of x and of the result, and where x begins in it. */
typedef struct frame {
    int64_t rows, columns, height, width, top, left;
} frame;

template <typename T> static __global__ void pad(frame f, int64_t n, T *out, const T *x, T value) {
    RLC_FOR_EACH(k, n) {
        const int64_t line = k / f.width, row = line % f.height - f.top, column = k % f.width - f.left;
        const bool inside = row >= 0 && row < f.rows && column >= 0 && column < f.columns;
        out[k] = inside ? x[(line / f.height * f.rows + row) * f.columns + column] : value;
    }
}

template <typename T> static void run_pad(const rlc_node *node) {
    auto *kernel = pad<T>;
    const rlc_tensor *x = node->in[0], *y = node->out;
    const frame f = {rlc_size(x, -2), rlc_size(x, -1), rlc_size(y, -2), rlc_size(y, -1), node->p[1].i, node->p[0].i};
    RLC_LAUNCH(node, kernel, rlc_blocks_for(y->numel), RLC_BLOCK, f, y->numel, rlc_data<T>(y), rlc_data<T>(x),
               (T)node->p[2].f);
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_max_pool2d][dtype] = run_pool<largest, false, T>;
    device->kernel[RLC_OP_max_pool2d_grad][dtype] = run_pool<largest_grad, true, T>;
    device->kernel[RLC_OP_avg_pool2d][dtype] = run_pool<mean, false, T>;
    device->kernel[RLC_OP_avg_pool2d_grad][dtype] = run_pool<mean_grad, true, T>;
    device->kernel[RLC_OP_pad][dtype] = run_pad<T>;
}

void rlc__cuda_pool(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
}
