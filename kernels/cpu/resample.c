/* resample.c: weighted sums of neighbours along one dimension: how pictures are made smaller or larger.
 *
 * x is [outer, n, inner], out [outer, m, inner]. Taps are added in their order for each element, so every device and
 * instruction set gives the same bits.
 */
#include "kernels/cpu/isa.h"

/* Whole lines side by side become vector code. Along the last dimension a line is one number; sums of some pictures' lines then go
 * on side by side, for one alone waits for each of its additions. */
enum { ABREAST = 8 };

#define RESAMPLE(name, T)                                                                                              \
    static void name##_line(const T *x, const T *weight, int64_t taps, int64_t inner, T *out) {                        \
        RLC_INDEPENDENT for (int64_t c = 0; c < inner; c++) {                                                          \
            out[c] = weight[0] * x[c];                                                                                 \
        }                                                                                                              \
        for (int64_t k = 1; k < taps; k++) {                                                                           \
            RLC_INDEPENDENT for (int64_t c = 0; c < inner; c++) {                                                      \
                out[c] += weight[k] * x[k * inner + c];                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_abreast(const T *x, int64_t n, const T *weight, int64_t taps, T *out, int64_t m) {              \
        T sum[ABREAST];                                                                                                \
        for (int l = 0; l < ABREAST; l++) {                                                                            \
            sum[l] = weight[0] * x[l * n];                                                                             \
        }                                                                                                              \
        for (int64_t k = 1; k < taps; k++) {                                                                           \
            for (int l = 0; l < ABREAST; l++) {                                                                        \
                sum[l] += weight[k] * x[l * n + k];                                                                    \
            }                                                                                                          \
        }                                                                                                              \
        for (int l = 0; l < ABREAST; l++) {                                                                            \
            out[l * m] = sum[l];                                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        const T *x = node->in[0]->data, *weight = node->in[2]->data;                                                   \
        const int64_t *first = node->in[1]->data;                                                                      \
        const int64_t n = node->p[0].i, inner = node->p[1].i, taps = node->p[2].i, m = node->in[1]->numel;             \
        const int64_t outer = m * inner > 0 ? node->out->numel / (m * inner) : 0;                                      \
        T *out = node->out->data;                                                                                      \
        for (int64_t i = 0; i < m; i++) {                                                                              \
            if (first[i] < 0 || taps < 1 || first[i] > n - taps) {                                                     \
                rlc_kernel_fail(node, "index %lld is outside of a dimension of size %lld",                             \
                                (long long)(first[i] < 0 ? first[i] : first[i] + taps - 1), (long long)n);             \
                return;                                                                                                \
            }                                                                                                          \
        }                                                                                                              \
        int64_t o = 0;                                                                                                 \
        for (; inner == 1 && o + ABREAST <= outer; o += ABREAST) {                                                     \
            for (int64_t i = 0; i < m; i++) {                                                                          \
                name##_abreast(x + o * n + first[i], n, weight + i * taps, taps, out + o * m + i, m);                  \
            }                                                                                                          \
        }                                                                                                              \
        for (; o < outer; o++) {                                                                                       \
            for (int64_t i = 0; i < m; i++) {                                                                          \
                name##_line(x + (o * n + first[i]) * inner, weight + i * taps, taps, inner,                            \
                            out + (o * m + i) * inner);                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }

RESAMPLE(resample_f32, float)

#ifdef RLC_BASE
RESAMPLE(resample_f64, double)
#endif

void ISA(kernels_resample)(rlc_device *device) {
    device->kernel[RLC_OP_resample][RLC_F32] = resample_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_resample][RLC_F64] = resample_f64;
#endif
}
