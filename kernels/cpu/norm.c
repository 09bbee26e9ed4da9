/* norm.c: elements standardised by the mean and the variance of their group, then scaled and shifted by one number a group where
 * there are such, and the derivatives: batch and layer norm; scaled and shifted alone, which batch norm is outside of training. A
 * relu behind it is part of the pass, for memory is what limits it.
 *
 * x is [outer, groups, inner]. A sum over a group is one over `outer` of sums over `inner`, each in the order of all sums.
 * Groups are taken in blocks: of a block's columns all lanes of a sum fit the first cache, and what is read more than once is
 * still in the second the second time, where a group is of several columns.
 */
#include <math.h>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"

typedef struct extent {
    int64_t outer, groups, inner;
} extent;

static extent extent_of(const rlc_node *node) {
    extent e = {.groups = (node->num_more > 0 ? node->more[0] : node->in[1])->numel, .inner = node->p[1].i};
    e.outer = e.groups * e.inner != 0 ? node->out->numel / (e.groups * e.inner) : 0;
    return e;
}

enum { BLOCK = TREE_COLUMNS };

/* Defines `TYPED(name)(e, first, width, a, b, mean, out)`: for each of `width` groups from `first` on the sum of
 * term(a[i], b[i], m), with m the group's entry of `mean`. */
#define GROUP_SUM(TYPED, name, T, term)                                                                                \
    TREE_SUM(TYPED(name##_run), T, TYPED(group), term(k->a[i], k->b[i], k->m))                                         \
    TREE_SUM(TYPED(name##_runs), T, TYPED(group), TYPED(name##_run)(k, i * k->step, k->inner))                         \
    TREE_SUMS(TYPED(name##_columns), T, TYPED(groups), term(k->a[i * k->step + c], k->b[i * k->step + c], k->mean[c])) \
    static void TYPED(name)(extent e, int64_t first, int64_t width, const T *a, const T *b, const T *mean, T *out) {   \
        if (e.inner == 1) {                                                                                            \
            const TYPED(groups) columns = {a + first, b + first, mean, e.groups};                                      \
            TYPED(name##_columns)(&columns, 0, e.outer, width, out);                                                   \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            const int64_t at = (first + c) * e.inner;                                                                  \
            const TYPED(group) group = {a + at, b + at, mean[c], e.inner, e.groups * e.inner};                         \
            out[c] = TYPED(name##_runs)(&group, 0, e.outer);                                                           \
        }                                                                                                              \
    }

#define ITSELF(u, v, m) (u)
#define SQUARE(u, v, m) (((u) - (m)) * ((u) - (m)))
#define PRODUCT(u, v, m) ((u) * ((v) - (m)))

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

/* Asks for the lines that a block of runs will be written to, so that they come while sums are computed. */
#define EXPECT_WRITES(e, first, width)                                                                                 \
    for (int64_t o = 0; (e).inner > 1 && o < (e).outer; o++) {                                                         \
        const int64_t row = (o * (e).groups + (first)) * (e).inner;                                                    \
        for (int64_t i = row; i < row + (width) * (e).inner; i += 64 / (int64_t)sizeof *out) {                         \
            __builtin_prefetch(out + i, 1, 2);                                                                         \
        }                                                                                                              \
    }

/* Of a block's groups; what is missing leaves things as they are. */
#define GROUP_NUMBERS(T, name, tensor, first, width, missing)                                                          \
    T name[BLOCK];                                                                                                     \
    for (int64_t c = 0; c < (width); c++) {                                                                            \
        name[c] = (tensor) != NULL ? ((const T *)(tensor)->data)[(first) + c] : (missing);                             \
    }

#define SCALED(x) (((x)-m[c]) * factor[c] * weight[c] + bias[c])
#define RELU(z) ((z) <= 0 ? 0 : (z))

#define STANDARDISE(T, TYPED, SQRT)                                                                                    \
    typedef struct TYPED(group) { /* runs of `inner` elements, `step` apart, and the mean of all */                    \
        const T *a, *b;                                                                                                \
        T m;                                                                                                           \
        int64_t inner, step;                                                                                           \
    } TYPED(group);                                                                                                    \
    typedef struct TYPED(groups) { /* side by side, each of one element in `step` */                                   \
        const T *a, *b, *mean;                                                                                         \
        int64_t step;                                                                                                  \
    } TYPED(groups);                                                                                                   \
    GROUP_SUM(TYPED, total, T, ITSELF)                                                                                 \
    GROUP_SUM(TYPED, squares, T, SQUARE)                                                                               \
    GROUP_SUM(TYPED, products, T, PRODUCT)                                                                             \
    static void TYPED(standardise_block)(const rlc_node *node, extent e, int64_t first, int64_t width) {               \
        const T *x = node->in[0]->data, eps = (T)node->p[2].f, count = (T)(e.outer * e.inner);                         \
        T *out = node->out->data, *mean = (T *)node->more[0]->data + first, *var = (T *)node->more[1]->data + first;   \
        T none[BLOCK] = {0}, m[BLOCK], factor[BLOCK];                                                                  \
        TYPED(total)(e, first, width, x, x, none, m);                                                                  \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            mean[c] = m[c] = m[c] / count;                                                                             \
        }                                                                                                              \
        EXPECT_WRITES(e, first, width)                                                                                 \
        TYPED(squares)(e, first, width, x, x, m, factor);                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            var[c] = factor[c] / count;                                                                                \
            factor[c] = 1 / SQRT(var[c] + eps);                                                                        \
        }                                                                                                              \
        GROUP_NUMBERS(T, weight, node->in[1], first, width, 1)                                                         \
        GROUP_NUMBERS(T, bias, node->in[2], first, width, 0)                                                           \
        if (node->p[0].i == RLC_RELU) {                                                                                \
            EACH_ELEMENT(e, first, width, RELU(SCALED(x[i])))                                                          \
        } else if (node->in[1] == NULL && node->in[2] == NULL) {                                                       \
            EACH_ELEMENT(e, first, width, (x[i] - m[c]) * factor[c])                                                   \
        } else {                                                                                                       \
            EACH_ELEMENT(e, first, width, SCALED(x[i]))                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(standardise_grad_block)(const rlc_node *node, extent e, int64_t first, int64_t width) {          \
        const T *g = node->in[0]->data, *x = node->in[1]->data, *var = (const T *)node->more[1]->data + first;         \
        const T eps = (T)node->p[2].f, count = (T)(e.outer * e.inner);                                                 \
        T *out = node->out->data, none[BLOCK] = {0}, mean_g[BLOCK], slope[BLOCK], scale[BLOCK], factor[BLOCK];         \
        T *bias_g = (T *)node->more[2]->data + first, *weight_g = (T *)node->more[3]->data + first;                    \
        GROUP_NUMBERS(T, m, node->more[0], first, width, 0)                                                            \
        GROUP_NUMBERS(T, weight, node->in[2], first, width, 1)                                                         \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            factor[c] = 1 / SQRT(var[c] + eps);                                                                        \
        }                                                                                                              \
        if (node->p[0].i == RLC_RELU) { /* what comes back through it, kept where the result will be */                \
            GROUP_NUMBERS(T, bias, node->num_more > 4 ? node->more[4] : NULL, first, width, 0)                         \
            EACH_ELEMENT(e, first, width, SCALED(x[i]) > 0 ? g[i] : 0)                                                 \
            g = out;                                                                                                   \
        }                                                                                                              \
        TYPED(total)(e, first, width, g, g, none, mean_g);                                                             \
        TYPED(products)(e, first, width, g, x, m, slope);                                                              \
        for (int64_t c = 0; c < width; c++) {                                                                          \
            bias_g[c] = mean_g[c];                                                                                     \
            weight_g[c] = slope[c] * factor[c];                                                                        \
            mean_g[c] /= count;                                                                                        \
            slope[c] = weight_g[c] / count * factor[c];                                                                \
            scale[c] = factor[c] * weight[c];                                                                          \
        }                                                                                                              \
        EACH_ELEMENT(e, first, width, (g[i] - mean_g[c] - (x[i] - m[c]) * slope[c]) * scale[c])                        \
    }                                                                                                                  \
    static void TYPED(scale_shift_block)(const rlc_node *node, extent e, int64_t first, int64_t width) {               \
        const T *x = node->in[0]->data;                                                                                \
        T *out = node->out->data;                                                                                      \
        GROUP_NUMBERS(T, factor, node->in[1], first, width, 1)                                                         \
        GROUP_NUMBERS(T, summand, node->in[2], first, width, 0)                                                        \
        if (node->p[0].i == RLC_RELU) {                                                                                \
            EACH_ELEMENT(e, first, width, RELU(x[i] * factor[c] + summand[c]))                                         \
        } else {                                                                                                       \
            EACH_ELEMENT(e, first, width, x[i] * factor[c] + summand[c])                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(standardise)(const rlc_node *node) {                                                             \
        in_blocks(node, CACHED, TYPED(standardise_block));                                                             \
    }                                                                                                                  \
    static void TYPED(standardise_grad)(const rlc_node *node) {                                                        \
        in_blocks(node, CACHED, TYPED(standardise_grad_block));                                                        \
    }                                                                                                                  \
    static void TYPED(scale_shift)(const rlc_node *node) {                                                             \
        in_blocks(node, INT64_MAX, TYPED(scale_shift_block));                                                          \
    }

/* Blocks of at most so many elements, where a group is of several columns. */
enum { CACHED = 1 << 16 };

static void in_blocks(const rlc_node *node, int64_t elements, void (*run)(const rlc_node *, extent, int64_t, int64_t)) {
    const extent e = extent_of(node);
    const int64_t fit = e.inner == 1 ? BLOCK : elements / (e.outer * e.inner + 1);
    const int64_t block = fit < 1 ? 1 : fit > BLOCK ? BLOCK : fit;
    for (int64_t first = 0; first < e.groups; first += block) {
        run(node, e, first, e.groups - first < block ? e.groups - first : block);
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
    device->kernel[RLC_OP_scale_shift][RLC_F32] = scale_shift_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_standardise][RLC_F64] = standardise_f64;
    device->kernel[RLC_OP_standardise_grad][RLC_F64] = standardise_grad_f64;
    device->kernel[RLC_OP_scale_shift][RLC_F64] = scale_shift_f64;
#endif
}
