/* norm.cu: elements standardised by the mean and the variance of their group, and the derivative: batch and layer norm; scaled
 * and shifted alone; each with a relu behind it or not. x is [outer, groups, inner]; a sum over a group is one over `outer` of
 * sums over `inner`. Small groups have a thread each, others a block. */
#include "kernels/cuda/maths.cuh"
#include "kernels/cuda/tree.cuh"

typedef struct extent {
    int64_t outer, groups, inner;
} extent;

static extent extent_of(const rlc_node *node) {
    extent e = {0, (node->num_more > 0 ? node->more[0] : node->in[1])->numel, node->p[1].i};
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

/* The operands of both kernels: of the derivative a is what comes back and b the input. Weight, bias and the rest have one number
 * a group. */
template <typename T> struct operands {
    T *out;
    const T *a, *b, *weight, *bias;
    T *mean, *var, *bias_g, *weight_g;
    T eps;
    bool relu;
};

template <typename T> static __device__ __forceinline__ T relu(T z) {
    return z <= 0 ? 0 : z;
}

struct standardise {
    template <class By, typename T>
    static __device__ void group(const extent &e, int64_t c, const operands<T> &t, T *room) {
        const int64_t n = e.outer * e.inner;
        const T *x = t.a;
        const T m = group_sum<By>(
                        e, c, [=](int64_t i) { return x[i]; }, room) /
                    (T)n;
        const T v = group_sum<By>(
                        e, c, [=](int64_t i) { return (x[i] - m) * (x[i] - m); }, room) /
                    (T)n;
        const T factor = 1 / SQRT(v + t.eps);
        const bool scales = t.weight != NULL || t.bias != NULL;
        const T weight = t.weight != NULL ? t.weight[c] : 1, bias = t.bias != NULL ? t.bias[c] : 0;
        if (By::first() == 0) {
            t.mean[c] = m;
            t.var[c] = v;
        }
        for (int64_t k = By::first(); k < n; k += By::STEP) {
            const int64_t i = element(e, c, k);
            const T y = (x[i] - m) * factor, z = scales ? y * weight + bias : y;
            t.out[i] = t.relu ? relu(z) : z;
        }
    }
};

struct standardise_grad {
    template <class By, typename T>
    static __device__ void group(const extent &e, int64_t c, const operands<T> &t, T *room) {
        const int64_t n = e.outer * e.inner;
        const T *x = t.b, m = t.mean[c], factor = 1 / SQRT(t.var[c] + t.eps);
        const T weight = t.weight != NULL ? t.weight[c] : 1, bias = t.bias != NULL ? t.bias[c] : 0;
        const T *all_g = t.a;
        const bool gated = t.relu;
        const auto g = [=](int64_t i) { return !gated || (x[i] - m) * factor * weight + bias > 0 ? all_g[i] : 0; };
        const T sum_g = group_sum<By>(e, c, g, room);
        const T weight_g = group_sum<By>(
                               e, c, [=](int64_t i) { return g(i) * (x[i] - m); }, room) *
                           factor;
        const T mean_g = sum_g / (T)n, slope = weight_g / (T)n * factor, scale = factor * weight;
        if (By::first() == 0) {
            t.bias_g[c] = sum_g;
            t.weight_g[c] = weight_g;
        }
        for (int64_t k = By::first(); k < n; k += By::STEP) {
            const int64_t i = element(e, c, k);
            t.out[i] = (g(i) - mean_g - (x[i] - m) * slope) * scale;
        }
    }
};

template <class F, typename T> static __global__ void small_groups(extent e, operands<T> t) {
    RLC_FOR_EACH(c, e.groups) {
        F::template group<alone, T>(e, c, t, (T *)NULL);
    }
}

template <class F, typename T> static __global__ void large_groups(extent e, operands<T> t) {
    RLC_SHARED(T, room, RLC_BLOCK);
    for (int64_t c = blockIdx.x; c < e.groups; c += gridDim.x) {
        F::template group<together, T>(e, c, t, room);
    }
}

template <class F, typename T> static void run(const rlc_node *node, const operands<T> &t) {
    const extent e = extent_of(node);
    const bool is_small = e.outer * e.inner <= SHORT_ROW;
    auto *kernel = is_small ? small_groups<F, T> : large_groups<F, T>;
    RLC_LAUNCH(node, kernel, is_small ? rlc_blocks_for(e.groups) : rlc_blocks(e.groups), RLC_BLOCK, e, t);
}

template <typename T> static void run_standardise(const rlc_node *node) {
    run<standardise, T>(node, {rlc_data<T>(node->out), rlc_data<T>(node->in[0]), NULL, rlc_data<T>(node->in[1]),
                               rlc_data<T>(node->in[2]), rlc_data<T>(node->more[0]), rlc_data<T>(node->more[1]), NULL,
                               NULL, (T)node->p[2].f, node->p[0].i == RLC_RELU});
}

template <typename T> static void run_standardise_grad(const rlc_node *node) {
    const rlc_tensor *bias = node->num_more > 4 ? node->more[4] : NULL;
    run<standardise_grad, T>(node, {rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]),
                                    rlc_data<T>(node->in[2]), rlc_data<T>(bias), rlc_data<T>(node->more[0]),
                                    rlc_data<T>(node->more[1]), rlc_data<T>(node->more[2]), rlc_data<T>(node->more[3]),
                                    (T)node->p[2].f, node->p[0].i == RLC_RELU});
}

template <typename T>
static __global__ void scale_shift(extent e, int64_t n, T *out, const T *x, const T *factor, const T *summand,
                                   bool with_relu) {
    RLC_FOR_EACH(i, n) {
        const int64_t c = i / e.inner % e.groups;
        const T z = x[i] * factor[c] + summand[c];
        out[i] = with_relu ? relu(z) : z;
    }
}

template <typename T> static void run_scale_shift(const rlc_node *node) {
    auto *kernel = scale_shift<T>;
    const int64_t n = node->out->numel;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(n), RLC_BLOCK, extent_of(node), n, rlc_data<T>(node->out),
               rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]), rlc_data<T>(node->in[2]), node->p[0].i == RLC_RELU);
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_standardise][dtype] = run_standardise<T>;
    device->kernel[RLC_OP_standardise_grad][dtype] = run_standardise_grad<T>;
    device->kernel[RLC_OP_scale_shift][dtype] = run_scale_shift<T>;
}

void rlc__cuda_norm(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
}
