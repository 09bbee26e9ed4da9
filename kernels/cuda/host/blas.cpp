/* blas.cpp: cuBLASLt's products on the host (blas.h): matrices by columns, d = alpha op(a) op(b) + beta c, then the epilogue. */
#include "kernels/cuda/host/runtime.h"

const char *cublasLtGetStatusString(cublasStatus_t status) {
    switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "an unknown status";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
    *handle = NULL;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    (void)handle;
    return CUBLAS_STATUS_SUCCESS;
}

/* An attribute must be given in its own size. */
template <typename T> static cublasStatus_t take(T *field, const void *value, size_t size) {
    if (size != sizeof *field) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    memcpy(field, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescInit(cublasLtMatmulDesc_t how, cublasComputeType_t compute, cudaDataType_t scale) {
    *how = {compute, scale, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, NULL};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t how, cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size) {
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return take(&how->turn_a, value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB: return take(&how->turn_b, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return take(&how->epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return take(&how->bias, value, size);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutInit(cublasLtMatrixLayout_t matrix, cudaDataType_t type, uint64_t rows,
                                        uint64_t columns, int64_t leading) {
    *matrix = {type, rows, columns, leading, 0, 1};
    return leading < (int64_t)rows || rows == 0 || columns == 0 ? CUBLAS_STATUS_INVALID_VALUE : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t matrix,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void *value,
                                                size_t size) {
    return attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? take(&matrix->batch, value, size)
                                                           : take(&matrix->step, value, size);
}

cublasStatus_t cublasLtMatmulPreferenceInit(cublasLtMatmulPreference_t preference) {
    *preference = {0, {256, 256, 256, 256}};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void *value,
                                                    size_t size) {
    return attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
               ? take(&preference->workspace, value, size)
               : take(&preference->alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, size);
}

/* The types that go together, of the many that the library knows. */
static bool is_supported(cublasLtMatmulDesc_t how, cudaDataType_t operands, cudaDataType_t results) {
    const bool single = how->scale == CUDA_R_32F && results == CUDA_R_32F;
    if (how->epilogue != CUBLASLT_EPILOGUE_DEFAULT && rlc_emulated_option("plain")) {
        return false;
    }
    switch (how->compute) {
    case CUBLAS_COMPUTE_32F: return single && operands != CUDA_R_64F;
    case CUBLAS_COMPUTE_32F_FAST_TF32: return single && operands == CUDA_R_32F;
    case CUBLAS_COMPUTE_64F:
        return how->scale == CUDA_R_64F && operands == CUDA_R_64F && results == CUDA_R_64F &&
               how->epilogue == CUBLASLT_EPILOGUE_DEFAULT;
    }
    return false;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t how,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t *results, int *found) {
    (void)handle, (void)wanted;
    const uint64_t rows = how->turn_a ? a->columns : a->rows, inner = how->turn_a ? a->rows : a->columns;
    const uint64_t columns = how->turn_b ? b->rows : b->columns, inner_b = how->turn_b ? b->columns : b->rows;
    *found = 0;
    if (d->rows != rows || d->columns != columns || inner != inner_b || c->rows != rows || c->columns != columns ||
        a->batch != d->batch || b->batch != d->batch || a->type != b->type ||
        ((how->epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) != (how->bias != NULL)) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (!is_supported(how, a->type, d->type)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    memcpy(results->algo.alignment, preference->alignment, sizeof results->algo.alignment);
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A number as the multipliers get it: TensorFloat-32 has ten bits behind the point. */
static double load(const double *data, int64_t i, bool) {
    return data[i];
}
static float load(const float *data, int64_t i, bool is_short) {
    uint32_t bits;
    memcpy(&bits, &data[i], sizeof bits);
    const bool is_finite = (bits & 0x7f800000) != 0x7f800000;
    return is_short && is_finite ? float_of((bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu) : data[i];
}
static float load(const uint16_t *data, int64_t i, bool) {
    return float_of((uint32_t)data[i] << 16);
}

/* All of a product, kept by value, because a graph may ask for it later. */
template <typename In, typename Out> struct product {
    cublasLtMatmulDescOpaque_t how;
    cublasLtMatrixLayoutOpaque_t a_layout, b_layout, d_layout;
    const In *a, *b;
    Out *d, alpha, beta;
};

/* Column by column, so that the inner loop becomes vector code: op(a) is copied out by columns first. */
template <typename In, typename Out> static void multiply(const product<In, Out> &p, int64_t k) {
    const int64_t rows = (int64_t)p.d_layout.rows, columns = (int64_t)p.d_layout.columns;
    const int64_t inner = (int64_t)(p.how.turn_a ? p.a_layout.rows : p.a_layout.columns);
    const In *a = p.a + k * p.a_layout.step, *b = p.b + k * p.b_layout.step;
    Out *d = p.d + k * p.d_layout.step;
    const Out *bias = (const Out *)p.how.bias;
    const bool is_short = p.how.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    std::vector<Out> left((size_t)(rows * inner)), column((size_t)rows);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t l = 0; l < inner; l++) {
            const int64_t at = p.how.turn_a ? i * p.a_layout.leading + l : l * p.a_layout.leading + i;
            left[(size_t)(l * rows + i)] = load(a, at, is_short);
        }
    }
    for (int64_t j = 0; j < columns; j++) {
        column.assign((size_t)rows, 0);
        Out *sum = column.data();
        for (int64_t l = 0; l < inner; l++) {
            const int64_t at = p.how.turn_b ? l * p.b_layout.leading + j : j * p.b_layout.leading + l;
            const Out x = load(b, at, is_short);
            for (int64_t i = 0; i < rows; i++) {
                sum[i] += x * left[(size_t)(l * rows + i)];
            }
        }
        for (int64_t i = 0; i < rows; i++) {
            Out *to = &d[j * p.d_layout.leading + i];
            Out x = p.alpha * sum[i] + (p.beta != 0 ? p.beta * *to : 0);
            x = bias != NULL ? x + bias[i] : x;
            *to = (p.how.epilogue & CUBLASLT_EPILOGUE_RELU) && !(x > 0) ? 0 : x;
        }
    }
}

template <typename In, typename Out> static void submit(const product<In, Out> &p, cudaStream_t stream) {
    rlc_emulated_submit(stream, [=] {
        for (int32_t k = 0; k < p.d_layout.batch; k++) {
            multiply(p, k);
        }
    });
}

static bool is_aligned(const void *address, uint32_t alignment) {
    return (uintptr_t)address % alignment == 0;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t how, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout,
                              const void *beta, const void *c, cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *algo, void *workspace,
                              size_t workspace_size, cudaStream_t stream) {
    (void)handle, (void)workspace, (void)workspace_size, (void)c_layout;
    if (c != d || !is_aligned(a, algo->alignment[0]) || !is_aligned(b, algo->alignment[1]) ||
        !is_aligned(c, algo->alignment[2]) || !is_aligned(d, algo->alignment[3])) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
#define SUBMIT(In, Out)                                                                                                \
    submit(product<In, Out>{*how, *a_layout, *b_layout, *d_layout, (const In *)a, (const In *)b, (Out *)d,             \
                            *(const Out *)alpha, *(const Out *)beta},                                                  \
           stream)
    switch (a_layout->type) {
    case CUDA_R_32F: SUBMIT(float, float); break;
    case CUDA_R_64F: SUBMIT(double, double); break;
    case CUDA_R_16BF: SUBMIT(uint16_t, float); break;
    }
#undef SUBMIT
    return CUBLAS_STATUS_SUCCESS;
}
