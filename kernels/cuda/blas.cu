/* blas.cu: all that the backend asks of cuBLASLt.
 *
 * It counts by columns: what it takes for a matrix is the transpose of what is meant here. So it is asked for
 * c^T (+)= op(b)^T op(a)^T, with the operands as they lie, and its rows are our columns: it adds a bias, one number a row, as a
 * layer needs it. Its relu may make a zero of what is no number, where ours keeps it.
 */
#include "kernels/cuda/blas.cuh"

#include <string.h>

/* What NVIDIA recommends for Hopper; smaller chips need less. */
enum { WORKSPACE = 32 << 20 };

rlc_status rlc__cuda_blas_open(rlc_cuda *cuda) {
    const cublasStatus_t status = cublasLtCreate(&cuda->blas);
    if (status != CUBLAS_STATUS_SUCCESS) {
        return rlc_fail(RLC_FAILED, "device: starting cuBLAS: %s", cublasLtGetStatusString(status));
    }
    return rlc__cuda_check(cuda, cudaMalloc(&cuda->blas_room, WORKSPACE), "getting memory for cuBLAS");
}

void rlc__cuda_blas_close(rlc_cuda *cuda) {
    if (cuda->blas != NULL) {
        cublasLtDestroy(cuda->blas);
    }
    cudaFree(cuda->blas_room);
}

/* How numbers are stored and multiplied. */
typedef struct numbers {
    cudaDataType_t operands, results;
    cublasComputeType_t compute;
} numbers;

/* By rlc_precision. TensorFloat-32 rounds on the way into the multipliers, bfloat16 is rounded to here. */
static const numbers of_float[] = {{CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F},
                                   {CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32},
                                   {CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F}};
static const numbers of_double = {CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};

/* A product in cuBLASLt's terms, its operands in its order. */
typedef struct product {
    cublasLtMatmulDescOpaque_t how;
    cublasLtMatrixLayoutOpaque_t left, right, out;
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasStatus_t status; /* the first that is none of success */
} product;

static void note(product *p, cublasStatus_t status) {
    p->status = p->status == CUBLAS_STATUS_SUCCESS ? status : p->status;
}

template <typename T> static void set(product *p, cublasLtMatmulDescAttributes_t attribute, T value) {
    note(p, cublasLtMatmulDescSetAttribute(&p->how, attribute, &value, sizeof value));
}

template <typename T> static void prefer(product *p, cublasLtMatmulPreferenceAttributes_t attribute, T value) {
    note(p, cublasLtMatmulPreferenceSetAttribute(&p->preference, attribute, &value, sizeof value));
}

static void lay_out(product *p, cublasLtMatrixLayoutOpaque_t *matrix, cudaDataType_t type, int64_t rows,
                    int64_t columns, int64_t batch, int64_t step) {
    const int32_t count = (int32_t)batch;
    note(p, cublasLtMatrixLayoutInit(matrix, type, (uint64_t)rows, (uint64_t)columns, rows));
    note(p, cublasLtMatrixLayoutSetAttribute(matrix, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
    note(p, cublasLtMatrixLayoutSetAttribute(matrix, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step));
}

/* The largest power of two that divides an address; cuBLASLt takes 256 for granted otherwise. */
static uint32_t alignment_of(const void *address) {
    const uintptr_t bits = (uintptr_t)address | 256;
    return (uint32_t)(bits & -bits);
}

static product describe(const rlc_gemm_aux *g, numbers type, const void *a, const void *b, const void *c,
                        rlc_epilogue after) {
    product p = {};
    const int32_t turn_left = g->tb ? CUBLAS_OP_T : CUBLAS_OP_N, turn_right = g->ta ? CUBLAS_OP_T : CUBLAS_OP_N;
    const uint32_t epilogue = after.bias != NULL ? (after.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS)
                                                 : (after.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT);
    const uint32_t of_bias = after.bias != NULL ? alignment_of(after.bias) : 256, of_c = alignment_of(c);
    note(&p, cublasLtMatmulDescInit(&p.how, type.compute, type.results));
    set(&p, CUBLASLT_MATMUL_DESC_TRANSA, turn_left);
    set(&p, CUBLASLT_MATMUL_DESC_TRANSB, turn_right);
    set(&p, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    if (after.bias != NULL) {
        set(&p, CUBLASLT_MATMUL_DESC_BIAS_POINTER, after.bias);
    }
    lay_out(&p, &p.left, type.operands, g->tb ? g->k : g->n, g->tb ? g->n : g->k, g->batch, g->step_b);
    lay_out(&p, &p.right, type.operands, g->ta ? g->m : g->k, g->ta ? g->k : g->m, g->batch, g->step_a);
    lay_out(&p, &p.out, type.results, g->n, g->m, g->batch, g->m * g->n);
    note(&p, cublasLtMatmulPreferenceInit(&p.preference));
    prefer(&p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, (uint64_t)WORKSPACE);
    prefer(&p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(b));
    prefer(&p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(a));
    prefer(&p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, of_c);
    prefer(&p, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, of_c < of_bias ? of_c : of_bias);
    return p;
}

/* The same product asks the same, and is given the same algorithm: runs repeat. */
static bool find_algorithm(const rlc_cuda *cuda, product *p, cublasLtMatmulAlgo_t *algorithm) {
    cublasLtMatmulHeuristicResult_t result = {};
    int found = 0;
    if (p->status == CUBLAS_STATUS_SUCCESS) {
        note(p, cublasLtMatmulAlgoGetHeuristic(cuda->blas, &p->how, &p->left, &p->right, &p->out, &p->out,
                                               &p->preference, 1, &result, &found));
    }
    if (p->status == CUBLAS_STATUS_SUCCESS && found == 0) {
        note(p, CUBLAS_STATUS_NOT_SUPPORTED);
    }
    *algorithm = result.algo;
    return p->status != CUBLAS_STATUS_NOT_SUPPORTED;
}

/* Returns whether `after` has been done: a product that is not to be had with it is taken without. */
template <typename T>
static bool multiply(const rlc_node *node, const rlc_gemm_aux *g, numbers type, const void *a, const void *b, T *c,
                     rlc_epilogue after) {
    rlc_cuda *cuda = rlc_cuda_of(node->out->device);
    const T one = 1, beta = g->accumulate ? 1 : 0;
    if (g->m > INT32_MAX || g->n > INT32_MAX || g->k > INT32_MAX || g->batch > INT32_MAX) {
        rlc_kernel_fail(node, "a product of %lld x %lld x %lld is more than cuBLAS takes", (long long)g->m,
                        (long long)g->n, (long long)g->k);
        return true;
    }
    cublasLtMatmulAlgo_t algorithm;
    product p = describe(g, type, a, b, c, after);
    const bool is_whole = find_algorithm(cuda, &p, &algorithm);
    if (!is_whole) {
        p = describe(g, type, a, b, c, rlc_epilogue{});
        find_algorithm(cuda, &p, &algorithm);
    }
    if (p.status == CUBLAS_STATUS_SUCCESS) {
        note(&p, cublasLtMatmul(cuda->blas, &p.how, &one, b, &p.left, a, &p.right, &beta, c, &p.out, c, &p.out,
                                &algorithm, cuda->blas_room, WORKSPACE, cuda->stream));
    }
    if (p.status != CUBLAS_STATUS_SUCCESS) {
        rlc_kernel_fail(node, "cuBLAS refused a product of %lld x %lld x %lld: %s", (long long)g->m, (long long)g->n,
                        (long long)g->k, cublasLtGetStatusString(p.status));
    }
    return is_whole;
}

template <typename T> static __global__ void clear(T *c, int64_t n) {
    RLC_FOR_EACH(i, n) {
        c[i] = 0;
    }
}

/* Whether there is anything to multiply. Of nothing the sum is 0; cuBLAS wants leading dimensions of at least 1. */
template <typename T> static bool begin(const rlc_node *node, const rlc_gemm_aux *g, T *c) {
    if (g->m == 0 || g->n == 0 || g->batch == 0) {
        return false;
    }
    if (g->k == 0 && !g->accumulate) {
        auto *kernel = clear<T>;
        RLC_LAUNCH(node, kernel, rlc_blocks_for(g->m * g->n * g->batch), RLC_BLOCK, c, g->m * g->n * g->batch);
    }
    return g->k != 0;
}

/* To the nearest bfloat16, of two equally near ones to the even one; what is no number stays none. */
static __global__ void narrow(uint16_t *out, const float *x, int64_t n) {
    RLC_FOR_EACH(i, n) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
        out[i] = (uint16_t)(is_nan ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
}

/* Room for rounded operands. One that has become too small is left to the graphs that know it. */
static uint16_t *narrow_room(const rlc_node *node, int64_t elements) {
    rlc_cuda *cuda = rlc_cuda_of(node->out->device);
    if (elements > cuda->narrow_room) {
        void *room = NULL;
        if (cudaMalloc(&room, (size_t)elements * 2 * sizeof *cuda->narrow) != cudaSuccess) {
            rlc_kernel_fail(node, "there is no device memory for its operands in bfloat16: %s",
                            cudaGetErrorString(cudaGetLastError()));
            return NULL;
        }
        cuda->narrow = (uint16_t *)room;
        cuda->narrow_room = 2 * elements;
    }
    return cuda->narrow;
}

static bool multiply_narrowed(const rlc_node *node, const rlc_gemm_aux *g, const float *a, const float *b, float *c,
                              rlc_epilogue after) {
    const int64_t of_a = g->step_a * (g->batch - 1) + g->m * g->k, of_b = g->step_b * (g->batch - 1) + g->k * g->n;
    const int64_t start_b = (of_a + 127) / 128 * 128; /* as aligned as the room is */
    uint16_t *room = narrow_room(node, start_b + of_b);
    if (room == NULL) {
        return true;
    }
    RLC_LAUNCH(node, narrow, rlc_blocks_for(of_a), RLC_BLOCK, room, a, of_a);
    RLC_LAUNCH(node, narrow, rlc_blocks_for(of_b), RLC_BLOCK, room + start_b, b, of_b);
    return multiply(node, g, of_float[RLC_PRECISION_BF16], room, room + start_b, c, after);
}

bool rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const float *a, const float *b, float *c,
                    rlc_epilogue after) {
    if (!begin(node, g, c)) {
        return false;
    }
    return g->precision == RLC_PRECISION_BF16 ? multiply_narrowed(node, g, a, b, c, after)
                                              : multiply(node, g, of_float[g->precision], a, b, c, after);
}

void rlc__cuda_gemm(const rlc_node *node, const rlc_gemm_aux *g, const double *a, const double *b, double *c) {
    if (begin(node, g, c)) {
        multiply(node, g, of_double, a, b, c, rlc_epilogue{});
    }
}
