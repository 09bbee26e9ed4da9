/* rows.c: what works along contiguous rows and keeps them: softmax and its kin, cumulative sums, sorting. */
#include <math.h>
#include <string.h>

#include "core/math.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"

#define FOR_EACH_ROW(node)                                                                                             \
    const int64_t n = (node)->p[0].i, rows = n > 0 ? (node)->out->numel / n : 0;                                       \
    for (int64_t r = 0; r < rows; r++)

/* e^(x - the largest) is in range; its sum has the order of all sums. */
#define SOFTMAX(T, TYPED, EXP, LOG)                                                                                    \
    TREE_SUM(TYPED(row_sum), T, T, k[i])                                                                               \
    static T TYPED(exponentials)(const T *x, T *out, int64_t n, T *largest) {                                          \
        T most = x[0];                                                                                                 \
        for (int64_t i = 1; i < n; i++) {                                                                              \
            most = x[i] > most || x[i] != x[i] ? x[i] : most;                                                          \
        }                                                                                                              \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            out[i] = EXP(x[i] - most);                                                                                 \
        }                                                                                                              \
        *largest = most;                                                                                               \
        return TYPED(row_sum)(out, 0, n);                                                                              \
    }                                                                                                                  \
    static void TYPED(softmax)(const rlc_node *node) {                                                                 \
        const T *x = node->in[0]->data;                                                                                \
        T *out = node->out->data, largest;                                                                             \
        FOR_EACH_ROW(node) {                                                                                           \
            const T sum = TYPED(exponentials)(x + r * n, out + r * n, n, &largest);                                    \
            RLC_INDEPENDENT for (int64_t i = r * n; i < (r + 1) * n; i++) {                                            \
                out[i] /= sum;                                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(log_softmax)(const rlc_node *node) {                                                             \
        const T *x = node->in[0]->data;                                                                                \
        T *out = node->out->data, largest;                                                                             \
        FOR_EACH_ROW(node) {                                                                                           \
            const T total = LOG(TYPED(exponentials)(x + r * n, out + r * n, n, &largest));                             \
            RLC_INDEPENDENT for (int64_t i = r * n; i < (r + 1) * n; i++) {                                            \
                out[i] = x[i] - largest - total;                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(softmax_grad)(const rlc_node *node) {                                                            \
        const T *g = node->in[0]->data, *y = node->in[1]->data;                                                        \
        T *out = node->out->data;                                                                                      \
        FOR_EACH_ROW(node) {                                                                                           \
            RLC_INDEPENDENT for (int64_t i = r * n; i < (r + 1) * n; i++) {                                            \
                out[i] = g[i] * y[i];                                                                                  \
            }                                                                                                          \
            const T sum = TYPED(row_sum)(out, r * n, n);                                                               \
            RLC_INDEPENDENT for (int64_t i = r * n; i < (r + 1) * n; i++) {                                            \
                out[i] = y[i] * (g[i] - sum);                                                                          \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(log_softmax_grad)(const rlc_node *node) {                                                        \
        const T *g = node->in[0]->data, *y = node->in[1]->data;                                                        \
        T *out = node->out->data;                                                                                      \
        FOR_EACH_ROW(node) {                                                                                           \
            const T sum = TYPED(row_sum)(g, r * n, n);                                                                 \
            RLC_INDEPENDENT for (int64_t i = r * n; i < (r + 1) * n; i++) {                                            \
                out[i] = g[i] - EXP(y[i]) * sum;                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }

/* float adds up in double, so that a long row loses nothing. */
#define CUMSUM(name, T, Sum)                                                                                           \
    static void name(const rlc_node *node) {                                                                           \
        const bool from_the_end = node->p[1].i;                                                                        \
        const T *x = node->in[0]->data;                                                                                \
        T *out = node->out->data;                                                                                      \
        FOR_EACH_ROW(node) {                                                                                           \
            Sum sum = 0;                                                                                               \
            for (int64_t k = 0; k < n; k++) {                                                                          \
                const int64_t i = r * n + (from_the_end ? n - 1 - k : k);                                              \
                sum += (Sum)x[i];                                                                                      \
                out[i] = (T)sum;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }

/* Merges runs of doubling length until there is one, which is stable. A NaN is above all numbers. */
#define ARGSORT(name, T)                                                                                               \
    static bool name##_above(T a, T b) {                                                                               \
        return a > b || (a != a && b == b);                                                                            \
    }                                                                                                                  \
    static void name##_merge(const T *x, const int64_t *from, int64_t *to, int64_t left, int64_t middle, int64_t end,  \
                             bool descending) {                                                                        \
        for (int64_t a = left, b = middle, i = left; i < end; i++) {                                                   \
            bool second = a == middle;                                                                                 \
            if (!second && b < end) {                                                                                  \
                const T va = x[from[a]], vb = x[from[b]];                                                              \
                second = descending ? name##_above(vb, va) : name##_above(va, vb);                                     \
            }                                                                                                          \
            to[i] = second ? from[b++] : from[a++];                                                                    \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        const bool descending = node->p[1].i;                                                                          \
        FOR_EACH_ROW(node) {                                                                                           \
            const T *x = (const T *)node->in[0]->data + r * n;                                                         \
            int64_t *out = (int64_t *)node->out->data + r * n, *room = (int64_t *)node->in[1]->data + r * n;           \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                out[i] = i;                                                                                            \
            }                                                                                                          \
            for (int64_t run = 1; run < n; run *= 2) {                                                                 \
                memcpy(room, out, (size_t)n * sizeof *out);                                                            \
                for (int64_t left = 0; left < n; left += 2 * run) {                                                    \
                    const int64_t middle = left + run < n ? left + run : n;                                            \
                    const int64_t end = left + 2 * run < n ? left + 2 * run : n;                                       \
                    name##_merge(x, room, out, left, middle, end, descending);                                         \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

#define F32(name) name##_f32
SOFTMAX(float, F32, rlc_expf, rlc_logf)
CUMSUM(cumsum_f32, float, double)
ARGSORT(argsort_f32, float)

#ifdef RLC_BASE
#define F64(name) name##_f64
SOFTMAX(double, F64, exp, log)
CUMSUM(cumsum_f64, double, double)
CUMSUM(cumsum_i64, int64_t, int64_t)
ARGSORT(argsort_f64, double)
ARGSORT(argsort_i64, int64_t)
#endif

void ISA(kernels_rows)(rlc_device *device) {
    device->kernel[RLC_OP_softmax][RLC_F32] = softmax_f32;
    device->kernel[RLC_OP_softmax_grad][RLC_F32] = softmax_grad_f32;
    device->kernel[RLC_OP_log_softmax][RLC_F32] = log_softmax_f32;
    device->kernel[RLC_OP_log_softmax_grad][RLC_F32] = log_softmax_grad_f32;
    device->kernel[RLC_OP_cumsum][RLC_F32] = cumsum_f32;
    device->kernel[RLC_OP_argsort][RLC_F32] = argsort_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_softmax][RLC_F64] = softmax_f64;
    device->kernel[RLC_OP_softmax_grad][RLC_F64] = softmax_grad_f64;
    device->kernel[RLC_OP_log_softmax][RLC_F64] = log_softmax_f64;
    device->kernel[RLC_OP_log_softmax_grad][RLC_F64] = log_softmax_grad_f64;
    device->kernel[RLC_OP_cumsum][RLC_F64] = cumsum_f64;
    device->kernel[RLC_OP_cumsum][RLC_I64] = cumsum_i64;
    device->kernel[RLC_OP_argsort][RLC_F64] = argsort_f64;
    device->kernel[RLC_OP_argsort][RLC_I64] = argsort_i64;
#endif
}
