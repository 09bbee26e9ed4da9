/* linear.cu: matrix-product nodes: plain products, layers with bias and activation, and the activations' derivatives. */
#include "core/op.h"
#include "kernels/cuda/blas.cuh"
#include "kernels/cuda/maths.cuh"

/* The activations a layer can have: the value of x, and what g becomes given the value y. */
struct identity {
    template <typename T> static __device__ __forceinline__ T of(T x) {
        return x;
    }
    template <typename T> static __device__ __forceinline__ T grad(T g, T) {
        return g;
    }
};
struct relu {
    template <typename T> static __device__ __forceinline__ T of(T x) {
        return x <= 0 ? 0 : x;
    }
    template <typename T> static __device__ __forceinline__ T grad(T g, T y) {
        return y > 0 ? g : 0;
    }
};
struct hyperbolic {
    template <typename T> static __device__ __forceinline__ T of(T x) {
        return TANH(x);
    }
    template <typename T> static __device__ __forceinline__ T grad(T g, T y) {
        return g * (1 - y * y);
    }
};
struct logistic {
    template <typename T> static __device__ __forceinline__ T of(T x) {
        return SIGMOID(x);
    }
    template <typename T> static __device__ __forceinline__ T grad(T g, T y) {
        return g * y * (1 - y);
    }
};
struct exponential {
    template <typename T> static __device__ __forceinline__ T of(T x) {
        return x > 0 ? x : EXPM1(x);
    }
    template <typename T> static __device__ __forceinline__ T grad(T g, T y) {
        return y > 0 ? g : g * (y + 1);
    }
};

template <class F, typename T> static __global__ void finish(T *y, const T *bias, int64_t n, int64_t columns) {
    RLC_FOR_EACH(i, n) {
        y[i] = F::of(bias != NULL ? y[i] + bias[i % columns] : y[i]);
    }
}

template <class F, typename T> static __global__ void derivative(T *out, const T *g, const T *y, int64_t n) {
    RLC_FOR_EACH(i, n) {
        out[i] = F::grad(g[i], y[i]);
    }
}

/* What cuBLAS adds to a product on its way out: of float32 the bias, and relu. Returns the activation that is left to do. */
static rlc_activation multiply(const rlc_node *node, const rlc_gemm_aux *g, const float **bias) {
    const rlc_activation activation = (rlc_activation)node->p[0].i;
    const rlc_epilogue after = {*bias, activation == RLC_RELU};
    if (!rlc__cuda_gemm(node, g, rlc_data<float>(node->in[0]), rlc_data<float>(node->in[1]), rlc_data<float>(node->out),
                        after)) {
        return activation;
    }
    *bias = NULL;
    return after.relu ? RLC_IDENTITY : activation;
}
static rlc_activation multiply(const rlc_node *node, const rlc_gemm_aux *g, const double **) {
    rlc__cuda_gemm(node, g, rlc_data<double>(node->in[0]), rlc_data<double>(node->in[1]), rlc_data<double>(node->out));
    return (rlc_activation)node->p[0].i;
}

/* x is [rows, inner], the weight [columns, inner]. */
template <typename T> static void run_linear(const rlc_node *node) {
    static void (*const by_activation[])(T *, const T *, int64_t, int64_t) = {
        finish<identity, T>, finish<relu, T>, finish<hyperbolic, T>, finish<logistic, T>, finish<exponential, T>};
    const rlc_tensor *weight = node->in[1];
    const T *bias = rlc_data<T>(node->in[2]);
    rlc_gemm_aux g = {};
    g.n = weight->shape[0];
    g.k = weight->shape[1];
    g.m = g.n != 0 ? node->out->numel / g.n : 0;
    g.batch = 1;
    g.tb = true;
    g.precision = (uint8_t)node->p[1].i;
    const rlc_activation left = multiply(node, &g, &bias);
    if (bias != NULL || left != RLC_IDENTITY) {
        auto *kernel = by_activation[left];
        RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_data<T>(node->out), bias,
                   node->out->numel, g.n);
    }
}

/* out <- g f'(z), from y = f(z) */
template <typename T> static void launch_derivative(const rlc_node *node, const T *g, const T *y) {
    static void (*const by_activation[])(T *, const T *, const T *, int64_t) = {
        derivative<identity, T>, derivative<relu, T>, derivative<hyperbolic, T>, derivative<logistic, T>,
        derivative<exponential, T>};
    auto *kernel = by_activation[node->p[0].i];
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_data<T>(node->out), g, y,
               node->out->numel);
}

template <typename T> static void run_activation_grad(const rlc_node *node) {
    launch_derivative<T>(node, rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]));
}

template <typename T> static void run_gemm(const rlc_node *node) {
    rlc__cuda_gemm(node, (const rlc_gemm_aux *)node->aux, rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]),
                   rlc_data<T>(node->out));
    if (node->in[2] != NULL) {
        launch_derivative<T>(node, rlc_data<T>(node->out), rlc_data<T>(node->in[2]));
    }
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_linear][dtype] = run_linear<T>;
    device->kernel[RLC_OP_gemm][dtype] = run_gemm<T>;
    device->kernel[RLC_OP_activation_grad][dtype] = run_activation_grad<T>;
}

void rlc__cuda_linear(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
}
