/* matrix.h: what a matrix-product node asks of its kernel: out (+)= op(a) op(b), row-major, `batch` times. */
#ifndef RLC_MATRIX_H
#define RLC_MATRIX_H

#include "core/base.h"

typedef struct rlc_gemm_aux {
    int64_t m, n, k;        /* out is [m, n]; op(a) is [m, k], op(b) is [k, n] */
    int64_t batch;          /* products; a, b advance by their steps and out by m n between them */
    int64_t step_a, step_b; /* 0: the same matrix for all */
    bool ta, tb;            /* a is stored as [k, m], b as [n, k] */
    bool accumulate;        /* add to out */
    uint8_t precision;      /* rlc_precision, of float32 */
    bool unused[4];         /* it lies in a node byte for byte, so it has no gaps */
} rlc_gemm_aux;

#endif
