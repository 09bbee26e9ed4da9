/* copy.c: moving elements: copies, conversions, fills, where, cat and stack. */
#include <string.h>

#include "kernels/cpu/isa.h"

/* Copies look at the size of an element, not at what it means. */
#define COPY(name, T)                                                                                                  \
    static void name##_inner(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *p) {                   \
        T *out = (T *)at[0];                                                                                           \
        const T *x = (const T *)at[1];                                                                                 \
        (void)p;                                                                                                       \
        if (s[0] == 1 && s[1] == 1) {                                                                                  \
            memmove(out, x, (size_t)n * sizeof(T));                                                                    \
            return;                                                                                                    \
        }                                                                                                              \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            out[i * s[0]] = x[i * s[1]];                                                                               \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        rlc__cpu_walk(node, name##_inner);                                                                             \
    }

#define WHERE(name, T)                                                                                                 \
    static void name##_inner(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *p) {                   \
        T *out = (T *)at[0];                                                                                           \
        const uint8_t *condition = (const uint8_t *)at[1];                                                             \
        const T *a = (const T *)at[2], *b = (const T *)at[3];                                                          \
        (void)p;                                                                                                       \
        if (s[0] == 1 && s[1] == 1 && s[2] == 1 && s[3] == 1) {                                                        \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                const T va = a[i], vb = b[i];                                                                          \
                out[i] = condition[i] ? va : vb;                                                                       \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            out[i * s[0]] = condition[i * s[1]] ? a[i * s[2]] : b[i * s[3]];                                           \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        rlc__cpu_walk(node, name##_inner);                                                                             \
    }

#define FILL(name, T)                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        T *out = node->out->data, value = (T)node->p[0].f;                                                             \
        for (int64_t i = 0; i < node->out->numel; i++) {                                                               \
            out[i] = value;                                                                                            \
        }                                                                                                              \
    }

#define ARANGE(name, T)                                                                                                \
    static void name(const rlc_node *node) {                                                                           \
        T *out = node->out->data;                                                                                      \
        const double start = node->p[0].f, step = node->p[1].f;                                                        \
        for (int64_t i = 0; i < node->out->numel; i++) {                                                               \
            out[i] = (T)(start + (double)i * step);                                                                    \
        }                                                                                                              \
    }

COPY(copy_1, uint8_t)
COPY(copy_4, uint32_t)
COPY(copy_8, uint64_t)
WHERE(where_1, uint8_t)
WHERE(where_4, uint32_t)
WHERE(where_8, uint64_t)
FILL(fill_u8, uint8_t)
FILL(fill_i32, int32_t)
FILL(fill_i64, int64_t)
FILL(fill_f32, float)
FILL(fill_f64, double)
ARANGE(arange_f32, float)
ARANGE(arange_i32, int32_t)
ARANGE(arange_i64, int64_t)
ARANGE(arange_f64, double)

/* Conversions: from one type into any. Bool is 0 or 1; float to integer cuts towards zero, as in C. */
#define CAST_TO(To, convert)                                                                                           \
    if (s[0] == 1 && s[1] == 1) {                                                                                      \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            const From v = x[i];                                                                                       \
            ((To *)out)[i] = (To)(convert);                                                                            \
        }                                                                                                              \
    } else {                                                                                                           \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            const From v = x[i * s[1]];                                                                                \
            ((To *)out)[i * s[0]] = (To)(convert);                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    break

#define CAST(name, T)                                                                                                  \
    static void name##_run(int64_t n, void *out, const T *x, const int64_t *s, rlc_dtype to) {                         \
        typedef T From;                                                                                                \
        switch (to) {                                                                                                  \
        case RLC_BOOL: CAST_TO(uint8_t, v != 0);                                                                       \
        case RLC_U8: CAST_TO(uint8_t, (int64_t)v);                                                                     \
        case RLC_I32: CAST_TO(int32_t, v);                                                                             \
        case RLC_I64: CAST_TO(int64_t, v);                                                                             \
        case RLC_F32: CAST_TO(float, v);                                                                               \
        case RLC_F64: CAST_TO(double, v);                                                                              \
        default: break;                                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_inner(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *p) {                   \
        name##_run(n, at[0], (const T *)at[1], s, (rlc_dtype)p[0].i);                                                  \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        rlc__cpu_walk(node, name##_inner);                                                                             \
    }

CAST(cast_bool, uint8_t)
CAST(cast_i32, int32_t)
CAST(cast_i64, int64_t)
CAST(cast_f32, float)
CAST(cast_f64, double)

/* byte / 255, rounded once, in a quarter of the time of a division: with q = byte / 255 nearly, neither 256 q nor byte - 256 q nor
 * what that lacks to 0 with q, which is byte - 255 q, is rounded, so a share of it puts q right. Tested with all bytes. */
static inline float unit_of(uint8_t byte) {
    const float x = byte, share = 1.0f / 255, q = x * share, rest = (x - 256 * q) + q;
    return q + rest * share;
}

#define FROM_BYTES(name, value)                                                                                        \
    static void name(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *p) {                           \
        float *out = (float *)at[0];                                                                                   \
        const uint8_t *x = (const uint8_t *)at[1], *less = (const uint8_t *)at[2];                                     \
        (void)p;                                                                                                       \
        (void)less;                                                                                                    \
        if (s[0] == 1 && s[1] == 1 && s[2] == 1) {                                                                     \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                out[i] = value(x[i], less[i]);                                                                         \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            out[i * s[0]] = value(x[i * s[1]], less[i * s[2]]);                                                        \
        }                                                                                                              \
    }

#define UNIT(x, less) unit_of(x)
#define UNIT_DIFFERENCE(x, less) (unit_of(x) - unit_of(less))
FROM_BYTES(units, UNIT)
FROM_BYTES(unit_differences, UNIT_DIFFERENCE)

static void from_bytes(const rlc_node *node) {
    rlc__cpu_walk(node, node->in[1] != NULL ? unit_differences : units);
}

/* The operands' blocks, `bytes` long each, lie side by side in every one of `outer` rows of the result. */
static void concatenate(const rlc_node *node) {
    int64_t outer = node->p[0].i, size = (int64_t)rlc_dtype_size((rlc_dtype)node->out->dtype);
    if (outer == 0) {
        return;
    }
    int64_t row = node->out->numel / outer * size, at = 0;
    for (int k = 0; k < node->num_more; k++) {
        const rlc_tensor *x = node->more[k];
        int64_t block = x->numel / outer * size;
        char *to = (char *)node->out->data + at;
        const char *from = x->data;
        if (block == 4) { /* one float a row, as in rewards: a call of memcpy would cost more than the move */
            for (int64_t o = 0; o < outer; o++) {
                memcpy(to + o * row, from + o * 4, 4);
            }
        } else {
            for (int64_t o = 0; o < outer; o++) {
                memcpy(to + o * row, from + o * block, (size_t)block);
            }
        }
        at += block;
    }
}

void ISA(kernels_copy)(rlc_device *device) {
    static rlc_kernel *const by_size[3][2] = {{copy_1, where_1}, {copy_4, where_4}, {copy_8, where_8}};
    for (int type = 0; type < RLC_DTYPE_COUNT; type++) {
        size_t size = rlc_dtype_size((rlc_dtype)type);
        int row = size == 1 ? 0 : size == 4 ? 1 : 2;
        device->kernel[RLC_OP_copy][type] = by_size[row][0];
        device->kernel[RLC_OP_where][type] = by_size[row][1];
        device->kernel[RLC_OP_concatenate][type] = concatenate;
        device->kernel[RLC_OP_stack][type] = concatenate;
    }
    rlc_kernel **fill = device->kernel[RLC_OP_fill], **cast = device->kernel[RLC_OP_cast];
    fill[RLC_BOOL] = fill[RLC_U8] = fill_u8;
    fill[RLC_I32] = fill_i32;
    fill[RLC_I64] = fill_i64;
    fill[RLC_F32] = fill_f32;
    fill[RLC_F64] = fill_f64;
    cast[RLC_BOOL] = cast[RLC_U8] = cast_bool;
    cast[RLC_I32] = cast_i32;
    cast[RLC_I64] = cast_i64;
    cast[RLC_F32] = cast_f32;
    cast[RLC_F64] = cast_f64;
    device->kernel[RLC_OP_from_bytes][RLC_U8] = from_bytes;
    device->kernel[RLC_OP_arange][RLC_F32] = arange_f32;
    device->kernel[RLC_OP_arange][RLC_I32] = arange_i32;
    device->kernel[RLC_OP_arange][RLC_I64] = arange_i64;
    device->kernel[RLC_OP_arange][RLC_F64] = arange_f64;
}
