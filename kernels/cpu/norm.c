/* norm.c: elements standardised by the mean and the variance of their group, then scaled and shifted by one number a group where
 * there are such, and the derivatives: batch and layer norm. One pass where memory is what limits it.
 *
 * x is [outer, groups, inner]. A sum over a group is one over `outer` of sums over `inner`, each in the order of all sums.
 * Groups are taken in blocks: of a block's columns all lanes of a sum fit the first cache.
 */
#include <math.h>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"

typedef struct extent {
    int64_t outer, groups, inner;
} extent;

static extent extent_of(const rlc_node *node) {
    extent e = {.groups = node->p[0].i, .inner = node->p[1].i};
    e.outer = e.groups * e.inner != 0 ? node->out->numel / (e.groups * e.inner) : 0;
    return e;
}

enum { BLOCK = 64 };

#define FOLD(lanes)                                                                                                    \
    for (int width = TREE_LANES / 2; width > 0; width /= 2) {                                                          \
        for (int j = 0; j < width; j++) {                                                                              \
            lanes[j] += lanes[j + width];                                                                              \
        }                                                                                                              \
    }

/* Defines `TYPED(name)(e, first, width, a, b, mean, out)`: for each of `width` groups from `first` on the sum of `term`, an
 * expression in u = a[i], v = b[i] and m, the group's entry of `mean`. */
#define GROUP_SUM(TYPED, name, T, term)                                                                                \
    static T TYPED(name##_run)(const T *a, const T *b, T m, int64_t n) {                                               \
        (void)b, (void)m;                                                                                              \
        if (n > TREE_BLOCK) {                                                                                          \
            const int64_t half = tree_half(n);                                                                         \
            const T sum = TYPED(name##_run)(a, b, m, half);                                                            \
            return sum + TYPED(name##_run)(a + half, b + half, m, n - half);                                           \
        }                                                                                                              \
        T lane[TREE_LANES] = {0};                                                                                      \
        int64_t i = 0;                                                                                                 \
        for (; i + TREE_LANES <= n; i += TREE_LANES) {                                                                 \
            for (int j = 0; j < TREE_LANES; j++) {                                                                     \
                const T u = a[i + j], v = b[i + j];                                                                    \
                (void)v;                                                                                               \
                lane[j] += term;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (int j = 0; i + j < n; j++) {                                                                              \
            const T u = a[i + j], v = b[i + j];                                                                        \
            (void)v;                                                                                                   \
            lane[j] += term;                                                                                           \
        }                                                                                                              \
        FOLD(lane)                                                                                                     \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static T TYPED(name##_runs)(extent e, const T *a, const T *b, T m, int64_t n) {                                    \
        const int64_t step = e.groups * e.inner;                                                                       \
        if (n > TREE_BLOCK) {                                                                                          \
            const int64_t half = tree_half(n);                                                                         \
            const T sum = TYPED(name##_runs)(e, a, b, m, half);                                                        \
            return sum + TYPED(name##_runs)(e, a + half * step, b + half * step, m, n - half);                         \
        }                                                                                                              \
        T lane[TREE_LANES] = {0};                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            lane[i % TREE_LANES] += TYPED(name##_run)(a + i * step, b + i * step, m, e.inner);                         \
        }                                                                                                              \
        FOLD(lane)                                                                                                     \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static void TYPED(name##_columns)(int64_t groups, int64_t n, int64_t width, const T *a, const T *b, const T *mean, \
                                      T *out) {                                                                        \
        if (n > TREE_BLOCK) {                                                                                          \
            const int64_t half = tree_half(n);                                                                         \
            T rest[BLOCK];                                                                                             \
            TYPED(name##_columns)(groups, half, width, a, b, mean, out);                                               \
            TYPED(name##_columns)(groups, n - half, width, a + half * groups, b + half * groups, mean, rest);          \
            for (int64_t c = 0; c < width; c++) {                                                                      \
                out[c] += rest[c];                                                                                     \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        T lane[TREE_LANES][BLOCK] = {{0}};                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            T *sum = lane[i % TREE_LANES];                                                                             \
            for (int64_t c = 0; c < width; c++) {                                                                      \
                const T u = a[i * groups + c], v = b[i * groups + c], m = mean[c];                                     \
                (void)v, (void)m;                                                                                      \
                sum[c] += term;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
        for (int step = TREE_LANES / 2; step > 0; step /= 2) {                                                         \
            for (int j = 0; j < step; j++) {                                                                           \
                for (int64_t c = 0; c < width; c++) {                                                                  \
                    lane[j][c] += lane[j + step][c];                                                                   \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            out[c] = lane[0][c];                                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(name)(extent e, int64_t first, int64_t width, const T *a, const T *b, const T *mean, T *out) {   \
        if (e.inner == 1) {                                                                                            \
            TYPED(name##_columns)(e.groups, e.outer, width, a + first, b + first, mean, out);                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            const int64_t at = (first + c) * e.inner;                                                                  \
            out[c] = TYPED(name##_runs)(e, a + at, b + at, mean[c], e.outer);                                          \
        }                                                                                                              \
    }

/* out[i] = `value` for all elements i of a block's groups, c being the group's number in the block. */
#define EACH_ELEMENT(e, first, width, value)                                                                           \
    for (int64_t o = 0; o < (e).outer; o++) {                                                                          \
        const int64_t row = (o * (e).groups + (first)) * (e).inner;                                                    \
        if ((e).inner == 1) {                                                                                          \
            RLC_INDEPENDENT for (int64_t c = 0; c < (width); c++) {                                                    \
                const int64_t i = row + c;                                                                             \
                out[i] = value;                                                                                        \
            }                                                                                                          \
            continue;                                                                                                  \
        }                                                                                                              \
        for (int64_t c = 0; c < (width); c++) {                                                                        \
            RLC_INDEPENDENT for (int64_t i = row + c * (e).inner; i < row + (c + 1) * (e).inner; i++) {                \
                out[i] = value;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Of a block's groups; what is missing leaves things as they are. */
#define GROUP_NUMBERS(T, name, tensor, first, width, missing)                                                          \
    T name[BLOCK];                                                                                                     \
    for (int64_t c = 0; c < (width); c++) {                                                                            \
        name[c] = (tensor) != NULL ? ((const T *)(tensor)->data)[(first) + c] : (missing);                             \
    }

#define STANDARDISE(T, TYPED, SQRT)                                                                                    \
    GROUP_SUM(TYPED, total, T, u)                                                                                      \
    GROUP_SUM(TYPED, squares, T, (u - m) * (u - m))                                                                    \
    GROUP_SUM(TYPED, products, T, (u) * (v - m))                                                                       \
    static void TYPED(standardise_block)(const rlc_node *node, extent e, int64_t first, int64_t width) {               \
        const T *x = node->in[0]->data, eps = (T)node->p[2].f, count = (T)(e.outer * e.inner);                         \
        T *out = node->out->data, *mean = (T *)node->more[0]->data + first, *var = (T *)node->more[1]->data + first;   \
        T none[BLOCK] = {0}, m[BLOCK], factor[BLOCK];                                                                  \
        TYPED(total)(e, first, width, x, x, none, m);                                                                  \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            mean[c] = m[c] = m[c] / count;                                                                             \
        }                                                                                                              \
        TYPED(squares)(e, first, width, x, x, m, factor);                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            var[c] = factor[c] / count;                                                                                \
            factor[c] = 1 / SQRT(var[c] + eps);                                                                        \
        }                                                                                                              \
        if (node->in[1] == NULL && node->in[2] == NULL) {                                                              \
            EACH_ELEMENT(e, first, width, (x[i] - m[c]) * factor[c])                                                   \
            return;                                                                                                    \
        }                                                                                                              \
        GROUP_NUMBERS(T, weight, node->in[1], first, width, 1)                                                         \
        GROUP_NUMBERS(T, bias, node->in[2], first, width, 0)                                                           \
        EACH_ELEMENT(e, first, width, (x[i] - m[c]) * factor[c] * weight[c] + bias[c])                                 \
    }                                                                                                                  \
    static void TYPED(standardise_grad_block)(const rlc_node *node, extent e, int64_t first, int64_t width) {          \
        const T *g = node->in[0]->data, *x = node->in[1]->data, *var = (const T *)node->more[1]->data + first;         \
        const T eps = (T)node->p[2].f, count = (T)(e.outer * e.inner);                                                 \
        T *out = node->out->data, none[BLOCK] = {0}, mean_g[BLOCK], slope[BLOCK], scale[BLOCK];                        \
        T *bias_g = (T *)node->more[2]->data + first, *weight_g = (T *)node->more[3]->data + first;                    \
        GROUP_NUMBERS(T, m, node->more[0], first, width, 0)                                                            \
        GROUP_NUMBERS(T, weight, node->in[2], first, width, 1)                                                         \
        TYPED(total)(e, first, width, g, g, none, mean_g);                                                             \
        TYPED(products)(e, first, width, g, x, m, slope);                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            const T factor = 1 / SQRT(var[c] + eps);                                                                   \
            bias_g[c] = mean_g[c];                                                                                     \
            weight_g[c] = slope[c] * factor;                                                                           \
            mean_g[c] /= count;                                                                                        \
            slope[c] = weight_g[c] / count * factor;                                                                   \
            scale[c] = factor * weight[c];                                                                             \
        }                                                                                                              \
        EACH_ELEMENT(e, first, width, (g[i] - mean_g[c] - (x[i] - m[c]) * slope[c]) * scale[c])                        \
    }                                                                                                                  \
    static void TYPED(standardise)(const rlc_node *node) {                                                             \
        in_blocks(node, TYPED(standardise_block));                                                                     \
    }                                                                                                                  \
    static void TYPED(standardise_grad)(const rlc_node *node) {                                                        \
        in_blocks(node, TYPED(standardise_grad_block));                                                                \
    }

static void in_blocks(const rlc_node *node, void (*run)(const rlc_node *, extent, int64_t, int64_t)) {
    const extent e = extent_of(node);
    for (int64_t first = 0; first < e.groups; first += BLOCK) {
        run(node, e, first, e.groups - first < BLOCK ? e.groups - first : BLOCK);
    }
}

#define F32(name) name##_f32
STANDARDISE(float, F32, sqrtf)

#ifdef RLC_BASE
#define F64(name) name##_f64
STANDARDISE(double, F64, sqrt)
#endif

void ISA(kernels_norm)(rlc_device *device) {
    device->kernel[RLC_OP_standardise][RLC_F32] = standardise_f32;
    device->kernel[RLC_OP_standardise_grad][RLC_F32] = standardise_grad_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_standardise][RLC_F64] = standardise_f64;
    device->kernel[RLC_OP_standardise_grad][RLC_F64] = standardise_grad_f64;
#endif
}
