/* update.cu: kernels that change parameters in place: optimisers, clipping, Polyak averaging. What one element becomes
 * stands in kernels/update_rules.h. */
#include "kernels/cuda/maths.cuh"
#include "kernels/cuda/tree.cuh"
#include "kernels/update_rules.h"

#define F32(name) name##_f32
#define F64(name) name##_f64
RLC_UPDATE_RULES(float, F32, sqrtf, FLT_MIN)
RLC_UPDATE_RULES(double, F64, sqrt, DBL_MIN)

/* The rules by type, for templates. */
template <typename T> struct rules;
#define RULES_OF(T, TYPED)                                                                                             \
    template <> struct rules<T> {                                                                                      \
        static __device__ TYPED(adam_numbers) adam(const rlc_adam *s, const double *power, double lr) {                \
            return TYPED(adam_prepare)(s, power, lr);                                                                  \
        }                                                                                                              \
        static __device__ TYPED(sgd_numbers) sgd(const rlc_sgd *s, float lr) {                                         \
            return TYPED(sgd_prepare)(s, lr);                                                                          \
        }                                                                                                              \
        static __device__ TYPED(rmsprop_numbers) rmsprop(const rlc_rmsprop *s, float lr) {                             \
            return TYPED(rmsprop_prepare)(s, lr);                                                                      \
        }                                                                                                              \
        static __device__ T lerp(T target, T online, T tau, T rest) {                                                  \
            return TYPED(lerp_update)(target, online, tau, rest);                                                      \
        }                                                                                                              \
        static __device__ T clip(T grad, T most) {                                                                     \
            return TYPED(clip_update)(grad, most);                                                                     \
        }                                                                                                              \
    };                                                                                                                 \
    static __device__ __forceinline__ void adam_update(const TYPED(adam_numbers) * a, T g, T * param, T * m, T * v,    \
                                                       T * largest) {                                                  \
        TYPED(adam_update)(a, g, param, m, v, largest);                                                                \
    }                                                                                                                  \
    static __device__ __forceinline__ void sgd_update(const TYPED(sgd_numbers) * s, T g, T * param, T * buffer,        \
                                                      int nesterov) {                                                  \
        TYPED(sgd_update)(s, g, param, buffer, nesterov);                                                              \
    }                                                                                                                  \
    static __device__ __forceinline__ void rmsprop_update(const TYPED(rmsprop_numbers) * r, T g, T * param,            \
                                                          T * square, T * mean, T * buffer) {                          \
        TYPED(rmsprop_update)(r, g, param, square, mean, buffer);                                                      \
    }
RULES_OF(float, F32)
RULES_OF(double, F64)

template <typename T>
static __global__ void adam(int64_t n, rlc_adam settings, const double *power, const float *lr, T *param, const T *grad,
                            T *m, T *v, T *largest) {
    const auto numbers = rules<T>::adam(&settings, power, (double)*lr);
    RLC_FOR_EACH(i, n) {
        adam_update(&numbers, grad[i], param + i, m + i, v + i, largest != NULL ? largest + i : NULL);
    }
}

template <typename T> static void run_adam(const rlc_node *node) {
    auto *kernel = adam<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, node->out->numel,
               *(const rlc_adam *)node->aux, rlc_data<double>(node->more[0]), rlc_data<float>(node->more[1]),
               rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]), rlc_data<T>(node->in[2]),
               node->num_more == 3 ? rlc_data<T>(node->more[2]) : (T *)NULL);
}

template <typename T>
static __global__ void sgd(int64_t n, rlc_sgd settings, const float *lr, T *param, const T *grad, T *buffer) {
    const auto numbers = rules<T>::sgd(&settings, *lr);
    RLC_FOR_EACH(i, n) {
        sgd_update(&numbers, grad[i], param + i, buffer != NULL ? buffer + i : NULL, settings.nesterov != 0);
    }
}

template <typename T> static void run_sgd(const rlc_node *node) {
    auto *kernel = sgd<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, node->out->numel, *(const rlc_sgd *)node->aux,
               rlc_data<float>(node->in[1]), rlc_data<T>(node->out), rlc_data<T>(node->in[0]),
               rlc_data<T>(node->in[2]));
}

template <typename T>
static __global__ void rmsprop(int64_t n, rlc_rmsprop settings, const float *lr, T *param, const T *grad, T *square,
                               T *mean, T *buffer) {
    const auto numbers = rules<T>::rmsprop(&settings, *lr);
    RLC_FOR_EACH(i, n) {
        rmsprop_update(&numbers, grad[i], param + i, square + i, mean != NULL ? mean + i : NULL,
                       buffer != NULL ? buffer + i : NULL);
    }
}

template <typename T> static void run_rmsprop(const rlc_node *node) {
    auto *kernel = rmsprop<T>;
    const rlc_rmsprop settings = *(const rlc_rmsprop *)node->aux;
    const bool momentum = settings.momentum > 0, centered = node->num_more > (momentum ? 1 : 0);
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, node->out->numel, settings,
               rlc_data<float>(node->in[2]), rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]),
               centered ? rlc_data<T>(node->more[0]) : (T *)NULL,
               momentum ? rlc_data<T>(node->more[node->num_more - 1]) : (T *)NULL);
}

template <typename T> static __global__ void lerp(int64_t n, T *target, const T *online, T tau, T rest) {
    RLC_FOR_EACH(i, n) {
        target[i] = rules<T>::lerp(target[i], online[i], tau, rest);
    }
}

template <typename T> static void run_lerp(const rlc_node *node) {
    auto *kernel = lerp<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, node->out->numel, rlc_data<T>(node->out),
               rlc_data<T>(node->in[0]), (T)node->p[0].f, (T)(1 - node->p[0].f));
}

template <typename T> static __global__ void clip_value(int64_t n, T *grad, T most) {
    RLC_FOR_EACH(i, n) {
        grad[i] = rules<T>::clip(grad[i], most);
    }
}

template <typename T> static void run_clip_value(const rlc_node *node) {
    auto *kernel = clip_value<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, node->out->numel, rlc_data<T>(node->out),
               (T)node->p[0].f);
}

/* Clipping by the common norm: the squares of each gradient, their sum and the factor, the scaling; all on the device. A
 * launch does so many gradients, with some blocks for each. */
enum { TOGETHER = 32 };

template <typename T> struct gradients {
    int count, blocks;
    struct {
        T *data;
        int64_t n;
        int first, levels; /* of its blocks; of the shares that those take */
    } of[TOGETHER];
};

/* Those from the k-th of the node on; with shares for sums, or with blocks for each element. */
template <typename T> static gradients<T> gradients_from(const rlc_node *node, int k, bool in_shares) {
    gradients<T> g = {};
    while (g.count < TOGETHER && k + g.count < node->num_more) {
        const rlc_tensor *t = node->more[k + g.count];
        auto *at = &g.of[g.count++];
        at->data = rlc_data<T>(t);
        at->n = t->numel;
        at->first = g.blocks;
        at->levels = in_shares ? tree_levels(t->numel, 8 * TREE_SHARE) : 0;
        g.blocks += in_shares ? 1 << at->levels : (int)rlc_blocks_for(t->numel);
    }
    return g;
}

template <typename T> static __device__ __forceinline__ int gradient_of_block(const gradients<T> &g) {
    int k = 0;
    while (k + 1 < g.count && (int)blockIdx.x >= g.of[k + 1].first) {
        k++;
    }
    return k;
}

template <typename T> static __global__ void squares(gradients<T> g, T *sums) {
    RLC_SHARED(T, room, RLC_BLOCK);
    const auto &of = g.of[gradient_of_block(g)];
    const tree_share share = tree_share_of(of.n, of.levels, (int)blockIdx.x - of.first);
    const T *grad = of.data + share.start;
    const T sum = tree_sum_together<T>(
        share.n, [=](int64_t i) { return grad[i] * grad[i]; }, room);
    if (threadIdx.x == 0) {
        sums[blockIdx.x] = sum;
    }
}

/* A block for each gradient. */
template <typename T> static __global__ void join_squares(gradients<T> g, const T *shares, double *sums) {
    RLC_SHARED(T, room, RLC_BLOCK);
    const auto &of = g.of[blockIdx.x];
    const T sum = tree_join<T>(shares + of.first, of.levels, room);
    if (threadIdx.x == 0) {
        sums[blockIdx.x] = (double)sum;
    }
}

template <typename T>
static __global__ void find_factor(double *sums, int count, double max_norm, T *norm, double *factor) {
    double total = 0;
    for (int k = 0; k < count; k++) {
        total += sums[k];
    }
    const double root = sqrt(total);
    *norm = (T)root;
    *factor = max_norm / (root + 1e-6);
}

template <typename T> static __global__ void scale(gradients<T> g, const double *factor) {
    const int k = gradient_of_block(g);
    const auto &of = g.of[k];
    const int64_t blocks = (k + 1 < g.count ? g.of[k + 1].first : g.blocks) - of.first;
    for (int64_t i = ((int64_t)blockIdx.x - of.first) * RLC_BLOCK + threadIdx.x; i < of.n && *factor < 1;
         i += blocks * RLC_BLOCK) {
        of.data[i] *= (T)*factor;
    }
}

template <typename T> static void run_clip_norm(const rlc_node *node) {
    auto *first = squares<T>;
    auto *joined = join_squares<T>;
    auto *second = find_factor<T>;
    auto *third = scale<T>;
    double *factor = rlc_cuda_of(node->out->device)->scratch, *sums = factor + 1, *shares = sums + UINT16_MAX;
    static_assert(1 + UINT16_MAX + (TOGETHER << TREE_LEVELS) <= RLC_SCRATCH, "all of it lies in the scratch memory");
    for (int k = 0; k < node->num_more; k += TOGETHER) {
        const gradients<T> g = gradients_from<T>(node, k, true);
        RLC_LAUNCH(node, first, (unsigned)g.blocks, RLC_BLOCK, g, (T *)shares);
        RLC_LAUNCH(node, joined, (unsigned)g.count, RLC_BLOCK, g, (const T *)shares, sums + k);
    }
    RLC_LAUNCH(node, second, 1, 1, sums, (int)node->num_more, node->p[0].f, rlc_data<T>(node->out), factor);
    for (int k = 0; k < node->num_more; k += TOGETHER) {
        const gradients<T> g = gradients_from<T>(node, k, false);
        RLC_LAUNCH(node, third, (unsigned)g.blocks, RLC_BLOCK, g, (const double *)factor);
    }
}

static __global__ void adam_tick(int64_t rows, double *power, double beta1, double beta2) {
    RLC_FOR_EACH(i, rows) {
        power[3 * i] += 1;
        power[3 * i + 1] *= beta1;
        power[3 * i + 2] *= beta2;
    }
}

static void run_adam_tick(const rlc_node *node) {
    RLC_LAUNCH(node, adam_tick, rlc_blocks_for(node->out->numel / 3), RLC_BLOCK, node->out->numel / 3,
               rlc_data<double>(node->out), node->p[0].f, node->p[1].f);
}

/* A launch for so many sums, a thread each. */
typedef struct tallies {
    int count;
    struct {
        double *total;
        const void *value;
        bool is_double;
    } of[TOGETHER];
} tallies;

static __global__ void tally(tallies t) {
    const int i = (int)threadIdx.x;
    if (i < t.count) {
        *t.of[i].total += t.of[i].is_double ? *(const double *)t.of[i].value : (double)*(const float *)t.of[i].value;
    }
}

static void run_tally(const rlc_node *node) {
    const int count = node->num_more / 2;
    for (int first = 0; first < count; first += TOGETHER) {
        tallies t = {};
        while (t.count < TOGETHER && first + t.count < count) {
            const rlc_tensor *total = node->more[first + t.count], *value = node->more[count + first + t.count];
            t.of[t.count++] = {rlc_data<double>(total), value->data, value->dtype == RLC_F64};
        }
        RLC_LAUNCH(node, tally, 1, TOGETHER, t);
    }
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_adam][dtype] = run_adam<T>;
    device->kernel[RLC_OP_sgd][dtype] = run_sgd<T>;
    device->kernel[RLC_OP_rmsprop][dtype] = run_rmsprop<T>;
    device->kernel[RLC_OP_lerp][dtype] = run_lerp<T>;
    device->kernel[RLC_OP_clip_norm][dtype] = run_clip_norm<T>;
    device->kernel[RLC_OP_clip_value][dtype] = run_clip_value<T>;
}

void rlc__cuda_update(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
    device->kernel[RLC_OP_adam_tick][RLC_F64] = run_adam_tick;
    device->kernel[RLC_OP_tally][RLC_F64] = run_tally;
}
