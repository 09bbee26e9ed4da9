/* blas.cuh: matrix products on the device; all that is known of cuBLASLt stands in blas.cu. */
#ifndef RLC_CUDA_BLAS_H
#define RLC_CUDA_BLAS_H

#include "core/matrix.h"
#include "kernels/cuda/backend.cuh"

/* Before anything is captured: cuBLAS gets memory of its own, so that it never asks for any. */
rlc_status rlc__cuda_blas_open(rlc_cuda *cuda);
void rlc__cuda_blas_close(rlc_cuda *cuda);

/* What becomes of a product's results before they are written: bias[j] is added to column j, or none where it is NULL; what is
 * below zero is cut off. */
typedef struct rlc_epilogue {
    const float *bias;
    bool relu;
} rlc_epilogue;

/* c (+)= op(a) op(b) as in core/matrix.h, row-major. Returns whether `after` has been done: not where there is no product (k = 0),
 * nor where cuBLASLt has none of this kind. */
bool rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const float *a, const float *b, float *c,
                    rlc_epilogue after = rlc_epilogue{});
void rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const double *a, const double *b, double *c);

#endif
