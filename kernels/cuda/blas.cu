/* blas.cu: all that the backend asks of cuBLAS, and the same as loops where the kernels run on the host.
 *
 * cuBLAS counts by columns: what it takes for a matrix is the transpose of what is meant here. So it is asked for
 * c^T (+)= op(b)^T op(a)^T, with the operands as they lie.
 */
#include "kernels/cuda/blas.cuh"

#if defined(__CUDACC__)

/* What NVIDIA recommends for Hopper; smaller chips need less. */
enum { WORKSPACE = 32 << 20 };

static rlc_status check(cublasStatus_t status, const char *tried) {
    return status == CUBLAS_STATUS_SUCCESS
               ? RLC_OK
               : rlc_fail(RLC_FAILED, "device: %s: cuBLAS says %s", tried, cublasGetStatusString(status));
}

rlc_status rlc__cuda_blas_open(rlc_cuda *cuda) {
    RLC_TRY(check(cublasCreate(&cuda->blas), "starting cuBLAS"));
    RLC_TRY(rlc__cuda_check(cuda, cudaMalloc(&cuda->blas_room, WORKSPACE), "getting memory for cuBLAS"));
    RLC_TRY(check(cublasSetStream(cuda->blas, cuda->stream), "starting cuBLAS"));
    RLC_TRY(check(cublasSetWorkspace(cuda->blas, cuda->blas_room, WORKSPACE), "starting cuBLAS"));
    return check(cublasSetMathMode(cuda->blas, CUBLAS_DEFAULT_MATH), "starting cuBLAS"); /* no TF32 */
}

/* The two types' functions have the same arguments. */
static cublasStatus_t strided(cublasHandle_t h, cublasOperation_t tb, cublasOperation_t ta, int n, int m, int k,
                              const float *one, const float *b, int ldb, int64_t step_b, const float *a, int lda,
                              int64_t step_a, const float *beta, float *c, int64_t step_c, int batch) {
    return cublasSgemmStridedBatched(h, tb, ta, n, m, k, one, b, ldb, step_b, a, lda, step_a, beta, c, n, step_c,
                                     batch);
}
static cublasStatus_t strided(cublasHandle_t h, cublasOperation_t tb, cublasOperation_t ta, int n, int m, int k,
                              const double *one, const double *b, int ldb, int64_t step_b, const double *a, int lda,
                              int64_t step_a, const double *beta, double *c, int64_t step_c, int batch) {
    return cublasDgemmStridedBatched(h, tb, ta, n, m, k, one, b, ldb, step_b, a, lda, step_a, beta, c, n, step_c,
                                     batch);
}

template <typename T> static __global__ void clear(T *c, int64_t n) {
    RLC_FOR_EACH(i, n) {
        c[i] = 0;
    }
}

template <typename T> static void gemm(const rlc_node *node, const rlc_gemm_aux *g, const T *a, const T *b, T *c) {
    rlc_cuda *cuda = rlc_cuda_of(node->out->device);
    if (g->m == 0 || g->n == 0 || g->batch == 0) {
        return;
    }
    if (g->k == 0) { /* a sum of nothing; cuBLAS wants leading dimensions of at least 1 */
        if (!g->accumulate) {
            auto *kernel = clear<T>;
            RLC_LAUNCH(node, kernel, rlc_blocks_for(g->m * g->n * g->batch), RLC_BLOCK, c, g->m * g->n * g->batch);
        }
        return;
    }
    if (g->m > INT32_MAX || g->n > INT32_MAX || g->k > INT32_MAX || g->batch > INT32_MAX) {
        rlc_kernel_fail(node, "a product of %lld x %lld x %lld is more than cuBLAS takes", (long long)g->m,
                        (long long)g->n, (long long)g->k);
        return;
    }
    const T one = 1, beta = g->accumulate ? 1 : 0;
    const cublasStatus_t status =
        strided(cuda->blas, g->tb ? CUBLAS_OP_T : CUBLAS_OP_N, g->ta ? CUBLAS_OP_T : CUBLAS_OP_N, (int)g->n, (int)g->m,
                (int)g->k, &one, b, (int)(g->tb ? g->k : g->n), g->step_b, a, (int)(g->ta ? g->m : g->k), g->step_a,
                &beta, c, g->m * g->n, (int)g->batch);
    if (status != CUBLAS_STATUS_SUCCESS) {
        rlc_kernel_fail(node, "cuBLAS refused a product of %lld x %lld x %lld: %s", (long long)g->m, (long long)g->n,
                        (long long)g->k, cublasGetStatusString(status));
    }
}

#else

rlc_status rlc__cuda_blas_open(rlc_cuda *cuda) {
    (void)cuda;
    return RLC_OK;
}

/* Row by row, so that the inner loop becomes vector code: b as [k, n] is copied out where it lies the other way. */
template <typename T> static void product(const rlc_gemm_aux &g, const T *a, const T *b, T *c) {
    std::vector<T> turned(g.tb ? (size_t)(g.k * g.n) : 0), row((size_t)g.n);
    for (int64_t j = 0; j < g.n && g.tb; j++) {
        for (int64_t l = 0; l < g.k; l++) {
            turned[(size_t)(l * g.n + j)] = b[j * g.k + l];
        }
    }
    const T *rows = g.tb ? turned.data() : b;
    for (int64_t i = 0; i < g.m; i++) {
        row.assign((size_t)g.n, 0);
        T *sum = row.data();
        for (int64_t l = 0; l < g.k; l++) {
            const T x = g.ta ? a[l * g.m + i] : a[i * g.k + l];
            for (int64_t j = 0; j < g.n; j++) {
                sum[j] += x * rows[l * g.n + j];
            }
        }
        for (int64_t j = 0; j < g.n; j++) {
            c[i * g.n + j] = g.accumulate ? c[i * g.n + j] + sum[j] : sum[j];
        }
    }
}

/* Submitted like a launch, so that a graph keeps it. */
template <typename T> static void gemm(const rlc_node *node, const rlc_gemm_aux *aux, const T *a, const T *b, T *c) {
    const rlc_gemm_aux g = *aux;
    rlc_emulated_submit(rlc_cuda_of(node->out->device)->stream, [=] {
        for (int64_t i = 0; i < g.batch; i++) {
            product(g, a + i * g.step_a, b + i * g.step_b, c + i * g.m * g.n);
        }
    });
}

#endif

void rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const float *a, const float *b, float *c) {
    gemm(node, g, a, b, c);
}

void rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const double *a, const double *b, double *c) {
    gemm(node, g, a, b, c);
}
