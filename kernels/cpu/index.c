/* index.c: gather, scatter, rows by index, one-hot. Every index is checked; the first one outside stops the program. */
#include <string.h>

#include "kernels/cpu/isa.h"

static bool inside(const rlc_node *node, int64_t index, int64_t n) {
    if (RLC_LIKELY(index >= 0 && index < n)) {
        return true;
    }
    rlc_kernel_fail(node, "index %lld is outside of a dimension of size %lld", (long long)index, (long long)n);
    return false;
}

/* x is [outer, n, inner], the index [outer, m, inner]; the loop visits each index with its place in both. */
#define FOR_EACH_INDEX(node, indexed)                                                                                  \
    const int64_t n = (node)->p[0].i, inner = (node)->p[1].i;                                                          \
    const int64_t outer = n * inner != 0 ? (indexed)->numel / (n * inner) : 0;                                         \
    const int64_t *index = (node)->in[1]->data;                                                                        \
    const int64_t m = outer != 0 ? (node)->in[1]->numel / (outer * inner) : 0;                                         \
    for (int64_t o = 0; o < outer; o++)                                                                                \
        for (int64_t j = 0; j < m; j++)                                                                                \
            for (int64_t c = 0; c < inner; c++, index++)

#define GATHER(name, T)                                                                                                \
    static void name(const rlc_node *node) {                                                                           \
        const T *x = node->in[0]->data;                                                                                \
        T *out = node->out->data;                                                                                      \
        if (node->p[0].i == 0 && node->in[1]->numel > 0) {                                                             \
            inside(node, *(const int64_t *)node->in[1]->data, 0);                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        FOR_EACH_INDEX(node, node->in[0]) {                                                                            \
            if (!inside(node, *index, n)) {                                                                            \
                return;                                                                                                \
            }                                                                                                          \
            *out++ = x[(o * n + *index) * inner + c];                                                                  \
        }                                                                                                              \
    }

/* Into a copy of in[2], or without one into what is there. */
#define SCATTER(name, T, assign)                                                                                       \
    static void name(const rlc_node *node) {                                                                           \
        const T *source = node->in[0]->data;                                                                           \
        T *out = node->out->data;                                                                                      \
        if (node->in[2] != NULL) {                                                                                     \
            memcpy(out, node->in[2]->data, (size_t)node->out->numel * sizeof(T));                                      \
        }                                                                                                              \
        if (node->p[0].i == 0 && node->in[1]->numel > 0) {                                                             \
            inside(node, *(const int64_t *)node->in[1]->data, 0);                                                      \
            return;                                                                                                    \
        }                                                                                                              \
        FOR_EACH_INDEX(node, node->out) {                                                                              \
            if (!inside(node, *index, n)) {                                                                            \
                return;                                                                                                \
            }                                                                                                          \
            out[(o * n + *index) * inner + c] assign *source++;                                                        \
        }                                                                                                              \
    }

#define INDEX_ADD(name, T)                                                                                             \
    static void name(const rlc_node *node) {                                                                           \
        const int64_t n = node->p[0].i, inner = node->p[1].i, *index = node->in[1]->data;                              \
        const T *g = node->in[0]->data;                                                                                \
        T *out = node->out->data;                                                                                      \
        for (int64_t i = 0; i < node->in[1]->numel; i++, g += inner) {                                                 \
            if (!inside(node, index[i], n)) {                                                                          \
                return;                                                                                                \
            }                                                                                                          \
            T *row = out + index[i] * inner;                                                                           \
            for (int64_t c = 0; c < inner; c++) {                                                                      \
                row[c] += g[c];                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }

GATHER(gather_1, uint8_t)
GATHER(gather_4, uint32_t)
GATHER(gather_8, uint64_t)
SCATTER(scatter_1, uint8_t, =)
SCATTER(scatter_4, uint32_t, =)
SCATTER(scatter_8, uint64_t, =)
SCATTER(scatter_add_f32, float, +=)
SCATTER(scatter_add_f64, double, +=)
SCATTER(scatter_add_i64, int64_t, +=)
INDEX_ADD(index_add_f32, float)
INDEX_ADD(index_add_f64, double)

/* Rows of 1, 3 (a pixel), 4, 8, 16 bytes get moves of constant size, others a call. */
#define ROWS(size)                                                                                                     \
    for (int64_t i = 0; i < count; i++) {                                                                              \
        if (!inside(node, index[i], n)) {                                                                              \
            return;                                                                                                    \
        }                                                                                                              \
        memcpy(out + i * (int64_t)(size), x + index[i] * (int64_t)(size), (size_t)(size));                             \
    }                                                                                                                  \
    break

static void index_select(const rlc_node *node) {
    const int64_t n = node->p[0].i, *index = node->in[1]->data, count = node->in[1]->numel;
    const size_t bytes = (size_t)node->p[1].i * rlc_dtype_size((rlc_dtype)node->out->dtype);
    const char *x = node->in[0]->data;
    char *out = node->out->data;
    switch (bytes) {
    case 1: ROWS(1);
    case 3: ROWS(3);
    case 4: ROWS(4);
    case 8: ROWS(8);
    case 16: ROWS(16);
    default: ROWS(bytes);
    }
}

static void one_hot(const rlc_node *node) {
    const int64_t classes = node->p[0].i, *index = node->in[1]->data;
    int64_t *out = node->out->data;
    memset(out, 0, (size_t)node->out->numel * sizeof *out);
    for (int64_t i = 0; i < node->in[1]->numel; i++) {
        if (!inside(node, index[i], classes)) {
            return;
        }
        out[i * classes + index[i]] = 1;
    }
}

static void ring_write(const rlc_node *node) {
    const rlc_tensor *rows = node->in[0];
    const int64_t head = *(const int64_t *)node->in[1]->data, capacity = node->out->shape[0], n = rows->shape[0];
    if (capacity == 0 || n == 0) {
        return;
    }
    if (head < 0 || head >= capacity) {
        rlc_kernel_fail(node, "the cursor is at %lld of a ring of %lld rows", (long long)head, (long long)capacity);
        return;
    }
    const size_t row = (size_t)(rows->numel / n) * rlc_dtype_size((rlc_dtype)rows->dtype);
    const int64_t first = n < capacity - head ? n : capacity - head; /* the rest wraps around */
    memcpy((char *)node->out->data + (size_t)head * row, rows->data, (size_t)first * row);
    memcpy(node->out->data, (const char *)rows->data + (size_t)first * row, (size_t)(n - first) * row);
}

static void ring_advance(const rlc_node *node) {
    int64_t *cursor = node->out->data; /* head, size */
    const int64_t rows = node->p[0].i, capacity = node->p[1].i;
    cursor[0] = (cursor[0] + rows) % capacity;
    cursor[1] = cursor[1] + rows < capacity ? cursor[1] + rows : capacity;
}

void ISA(kernels_index)(rlc_device *device) {
    for (int type = 0; type < RLC_DTYPE_COUNT; type++) {
        size_t size = rlc_dtype_size((rlc_dtype)type);
        device->kernel[RLC_OP_gather][type] = size == 1 ? gather_1 : size == 4 ? gather_4 : gather_8;
        device->kernel[RLC_OP_scatter][type] = size == 1 ? scatter_1 : size == 4 ? scatter_4 : scatter_8;
        device->kernel[RLC_OP_index_select][type] = index_select;
        device->kernel[RLC_OP_ring_write][type] = ring_write;
    }
    device->kernel[RLC_OP_scatter_add][RLC_F32] = scatter_add_f32;
    device->kernel[RLC_OP_scatter_add][RLC_F64] = scatter_add_f64;
    device->kernel[RLC_OP_scatter_add][RLC_I64] = scatter_add_i64;
    device->kernel[RLC_OP_index_add][RLC_F32] = index_add_f32;
    device->kernel[RLC_OP_index_add][RLC_F64] = index_add_f64;
    device->kernel[RLC_OP_one_hot][RLC_I64] = one_hot;
    device->kernel[RLC_OP_ring_advance][RLC_I64] = ring_advance;
}
