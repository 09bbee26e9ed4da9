/* reduce.c: sums, any, argmax and argmin over the middle of [outer, n, inner]. */
#include <string.h>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"

typedef struct extent {
    int64_t outer, n, inner;
} extent;

static extent extent_of(const rlc_node *node) {
    extent e = {.n = node->p[0].i, .inner = node->p[1].i};
    e.outer = e.inner != 0 ? node->out->numel / e.inner : 0;
    return e;
}

#define SUM(T, TYPED)                                                                                                  \
    typedef struct TYPED(middle) {                                                                                     \
        const T *x;                                                                                                    \
        int64_t inner;                                                                                                 \
    } TYPED(middle);                                                                                                   \
    TREE_SUM(TYPED(sum_run), T, T, k[i])                                                                               \
    TREE_SUMS(TYPED(sum_columns), T, TYPED(middle), k->x[i * k->inner + c])                                            \
    static void TYPED(sum)(const rlc_node *node) {                                                                     \
        extent e = extent_of(node);                                                                                    \
        const T *x = node->in[0]->data;                                                                                \
        T *out = node->out->data, divisor = (T)node->p[2].f;                                                           \
        for (int64_t o = 0; o < e.outer; o++, x += e.n * e.inner) {                                                    \
            if (e.inner == 1) {                                                                                        \
                out[o] = TYPED(sum_run)(x, 0, e.n);                                                                    \
                continue;                                                                                              \
            }                                                                                                          \
            for (int64_t c = 0; c < e.inner; c += TREE_COLUMNS) {                                                      \
                const TYPED(middle) columns = {x + c, e.inner};                                                        \
                const int64_t width = e.inner - c < TREE_COLUMNS ? e.inner - c : TREE_COLUMNS;                         \
                TYPED(sum_columns)(&columns, 0, e.n, width, out + o * e.inner + c);                                    \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t i = 0; divisor != 1 && i < node->out->numel; i++) {                                               \
            out[i] /= divisor;                                                                                         \
        }                                                                                                              \
    }

/* The index of the first element that `better` prefers to all others; a NaN is preferred to any number. */
#define EXTREME(name, T, better)                                                                                       \
    static void name(const rlc_node *node) {                                                                           \
        extent e = extent_of(node);                                                                                    \
        const T *x = node->in[0]->data;                                                                                \
        int64_t *out = node->out->data;                                                                                \
        for (int64_t o = 0; o < e.outer; o++) {                                                                        \
            for (int64_t c = 0; c < e.inner; c++) {                                                                    \
                const T *run = x + o * e.n * e.inner + c;                                                              \
                T best = run[0];                                                                                       \
                int64_t at = 0;                                                                                        \
                for (int64_t i = 1; i < e.n; i++) {                                                                    \
                    T v = run[i * e.inner];                                                                            \
                    bool take = v better best || (v != v && best == best);                                             \
                    best = take ? v : best;                                                                            \
                    at = take ? i : at;                                                                                \
                }                                                                                                      \
                out[o * e.inner + c] = at;                                                                             \
            }                                                                                                          \
        }                                                                                                              \
    }

#define F32(name) name##_f32
SUM(float, F32)
EXTREME(argmax_f32, float, >)
EXTREME(argmin_f32, float, <)

#ifdef RLC_BASE
#define F64(name) name##_f64
#define I64(name) name##_i64
SUM(double, F64)
SUM(int64_t, I64)
EXTREME(argmax_f64, double, >)
EXTREME(argmin_f64, double, <)
EXTREME(argmax_i64, int64_t, >)
EXTREME(argmin_i64, int64_t, <)

static void any(const rlc_node *node) {
    extent e = extent_of(node);
    const uint8_t *x = node->in[0]->data;
    uint8_t *out = node->out->data;
    memset(out, 0, (size_t)node->out->numel);
    for (int64_t o = 0; o < e.outer; o++) {
        for (int64_t i = 0; i < e.n * e.inner; i++) {
            out[o * e.inner + i % e.inner] |= x[o * e.n * e.inner + i];
        }
    }
}
#endif

void ISA(kernels_reduce)(rlc_device *device) {
    device->kernel[RLC_OP_sum][RLC_F32] = sum_f32;
    device->kernel[RLC_OP_argmax][RLC_F32] = argmax_f32;
    device->kernel[RLC_OP_argmin][RLC_F32] = argmin_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_sum][RLC_F64] = sum_f64;
    device->kernel[RLC_OP_sum][RLC_I64] = sum_i64;
    device->kernel[RLC_OP_argmax][RLC_F64] = argmax_f64;
    device->kernel[RLC_OP_argmin][RLC_F64] = argmin_f64;
    device->kernel[RLC_OP_argmax][RLC_I64] = argmax_i64;
    device->kernel[RLC_OP_argmin][RLC_I64] = argmin_i64;
    device->kernel[RLC_OP_any][RLC_BOOL] = any;
#endif
}
