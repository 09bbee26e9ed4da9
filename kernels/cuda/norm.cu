/* norm.cu: elements standardised by the mean and the variance of their group, and the derivative: batch and layer norm. x
 * is [outer, groups, inner]; a sum over a group is one over `outer` of sums over `inner`. Small groups have a thread each,
 * others a block. */
#include "kernels/cuda/maths.cuh"
#include "kernels/cuda/tree.cuh"

typedef struct extent {
    int64_t outer, groups, inner;
} extent;

static extent extent_of(const rlc_node *node) {
    extent e = {0, node->p[0].i, node->p[1].i};
    e.outer = e.groups * e.inner != 0 ? node->out->numel / (e.groups * e.inner) : 0;
    return e;
}

/* Element k of group c, in the order of o and then l. */
static __device__ __forceinline__ int64_t element(const extent &e, int64_t c, int64_t k) {
    return (k / e.inner * e.groups + c) * e.inner + k % e.inner;
}

/* The sum of term(i) over the elements i of group c. */
template <class By, typename T, class F>
static __device__ __forceinline__ T group_sum(const extent &e, int64_t c, F term, T *room) {
    if (e.outer == 1) {
        return By::template sum<T>(
            e.inner, [=](int64_t l) { return term(c * e.inner + l); }, room);
    }
    return By::template sum<T>(
        e.outer,
        [=](int64_t o) {
            const int64_t first = (o * e.groups + c) * e.inner;
            return e.inner == 1 ? term(first) : tree_sum_alone<T>(e.inner, [=](int64_t l) { return term(first + l); });
        },
        room);
}

struct standardise {
    template <class By, typename T>
    static __device__ void group(const extent &e, int64_t c, T *y, const T *x, const T *, T *mean, T *var, T eps,
                                 T *room) {
        const int64_t n = e.outer * e.inner;
        const T m = group_sum<By>(
                        e, c, [=](int64_t i) { return x[i]; }, room) /
                    (T)n;
        const T v = group_sum<By>(
                        e, c, [=](int64_t i) { return (x[i] - m) * (x[i] - m); }, room) /
                    (T)n;
        const T factor = 1 / SQRT(v + eps);
        if (By::first() == 0) {
            mean[c] = m;
            var[c] = v;
        }
        for (int64_t k = By::first(); k < n; k += By::STEP) {
            const int64_t i = element(e, c, k);
            y[i] = (x[i] - m) * factor;
        }
    }
};

struct standardise_grad {
    template <class By, typename T>
    static __device__ void group(const extent &e, int64_t c, T *out, const T *g, const T *y, T *, T *var, T eps,
                                 T *room) {
        const int64_t n = e.outer * e.inner;
        const T mean_g = group_sum<By>(
                             e, c, [=](int64_t i) { return g[i]; }, room) /
                         (T)n;
        const T mean_gy = group_sum<By>(
                              e, c, [=](int64_t i) { return g[i] * y[i]; }, room) /
                          (T)n;
        const T factor = 1 / SQRT(var[c] + eps);
        for (int64_t k = By::first(); k < n; k += By::STEP) {
            const int64_t i = element(e, c, k);
            out[i] = (g[i] - mean_g - y[i] * mean_gy) * factor;
        }
    }
};

template <class F, typename T>
static __global__ void small_groups(extent e, T *out, const T *a, const T *b, T *mean, T *var, T eps) {
    RLC_FOR_EACH(c, e.groups) {
        F::template group<alone, T>(e, c, out, a, b, mean, var, eps, (T *)NULL);
    }
}

template <class F, typename T>
static __global__ void large_groups(extent e, T *out, const T *a, const T *b, T *mean, T *var, T eps) {
    RLC_SHARED(T, room, RLC_BLOCK);
    for (int64_t c = blockIdx.x; c < e.groups; c += gridDim.x) {
        F::template group<together, T>(e, c, out, a, b, mean, var, eps, room);
    }
}

template <class F, typename T>
static void run(const rlc_node *node, const rlc_tensor *b, const rlc_tensor *mean, const rlc_tensor *var) {
    const extent e = extent_of(node);
    const bool is_small = e.outer * e.inner <= SHORT_ROW;
    auto *kernel = is_small ? small_groups<F, T> : large_groups<F, T>;
    RLC_LAUNCH(node, kernel, is_small ? rlc_blocks_for(e.groups) : rlc_blocks(e.groups), RLC_BLOCK, e,
               rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<T>(b), rlc_data<T>(mean), rlc_data<T>(var),
               (T)node->p[2].f);
}

template <typename T> static void run_standardise(const rlc_node *node) {
    run<standardise, T>(node, NULL, node->more[0], node->more[1]);
}

template <typename T> static void run_standardise_grad(const rlc_node *node) {
    run<standardise_grad, T>(node, node->in[1], NULL, node->in[2]);
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_standardise][dtype] = run_standardise<T>;
    device->kernel[RLC_OP_standardise_grad][dtype] = run_standardise_grad<T>;
}

void rlc__cuda_norm(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
}
