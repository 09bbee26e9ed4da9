/* blas.cuh: matrix products on the device; all that is known of cuBLAS stands in blas.cu. */
#ifndef RLC_CUDA_BLAS_H
#define RLC_CUDA_BLAS_H

#include "core/matrix.h"
#include "kernels/cuda/backend.cuh"

/* Before anything is captured: cuBLAS gets memory of its own, so that it never asks for any. */
rlc_status rlc__cuda_blas_open(rlc_cuda *cuda);

/* c (+)= op(a) op(b) as in core/matrix.h, row-major. */
void rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const float *a, const float *b, float *c);
void rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const double *a, const double *b, double *c);

#endif
