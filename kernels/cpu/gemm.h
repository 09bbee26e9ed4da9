/* gemm.h: single-precision matrix products on the CPU. */
#ifndef RLC_GEMM_H
#define RLC_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* c (+)= op(a) op(b), row-major and without gaps: c is [m, n], op(a) [m, k], op(b) [k, n]; ta says that a is stored as
 * [k, m], tb that b is stored as [n, k]. Then bias [n], if there is one, is added to every row, and with `relu` what is
 * below 0 becomes 0. With a `gate` [m, n] (for op(a) = a, op(b) = b, k > 0) c becomes 0 where that is not above 0: relu's gradient. */
typedef struct rlc_sgemm_call {
    int64_t m, n, k;
    const float *a, *b;
    float *c;
    const float *bias, *gate;
    bool ta, tb, accumulate, relu;
} rlc_sgemm_call;

void rlc__sgemm_v2(const rlc_sgemm_call *g);
void rlc__sgemm_v3(const rlc_sgemm_call *g);
void rlc__sgemm_v4(const rlc_sgemm_call *g);

/* The same by oneDNN. False where a build has none (no_onednn.c), and when it refuses, which it does not for valid sizes. */
bool rlc__onednn_sgemm(const rlc_sgemm_call *g);

#endif
