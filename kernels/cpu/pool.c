/* pool.c: what works on the planes of images one by one: pools, their gradients, padding. */
#include <string.h>

#include "kernels/cpu/isa.h"
#include "kernels/pools.h"

/* `out` is planes of rows x columns numbers, each of which `value` computes at (i, j) of plane n; x is in planes of `from`
 * numbers, and `place` in planes of as many as there are windows. */
#define FOR_EACH_PLACE(name, T, rows, columns, from, value)                                                            \
    static void name(const rlc_node *node) {                                                                           \
        const rlc_pool_shape *s = node->aux;                                                                           \
        const T *x = node->in[0]->data;                                                                                \
        int32_t *place = node->in[1] != NULL ? node->in[1]->data : NULL;                                               \
        T *out = node->out->data;                                                                                      \
        const int64_t windows = s->count[0] * s->count[1];                                                             \
        (void)windows, (void)place;                                                                                    \
        for (int64_t n = 0; n < s->planes; n++, x += from) {                                                           \
            for (int64_t i = 0; i < (rows); i++) {                                                                     \
                for (int64_t j = 0; j < (columns); j++) {                                                              \
                    *out++ = value;                                                                                    \
                }                                                                                                      \
            }                                                                                                          \
            place = place != NULL ? place + windows : NULL;                                                            \
        }                                                                                                              \
    }

#define POOLS(T, TYPED)                                                                                                \
    RLC_POOLS(T, TYPED)                                                                                                \
    FOR_EACH_PLACE(TYPED(max_pool), T, s->count[0], s->count[1], s->size[0] * s->size[1],                              \
                   TYPED(max)(s, x, i, j, place + i * s->count[1] + j))                                                \
    FOR_EACH_PLACE(TYPED(max_pool_grad), T, s->size[0], s->size[1], windows, TYPED(max_grad)(s, x, place, i, j))       \
    FOR_EACH_PLACE(TYPED(avg_pool), T, s->count[0], s->count[1], s->size[0] * s->size[1], TYPED(mean)(s, x, i, j))     \
    FOR_EACH_PLACE(TYPED(avg_pool_grad), T, s->size[0], s->size[1], windows, TYPED(mean_grad)(s, x, i, j))             \
    static void TYPED(pad)(const rlc_node *node) {                                                                     \
        const rlc_tensor *x = node->in[0], *y = node->out;                                                             \
        const int64_t rows = rlc_size(x, -2), columns = rlc_size(x, -1), height = rlc_size(y, -2),                     \
                      width = rlc_size(y, -1), left = node->p[0].i, top = node->p[1].i;                                \
        const T *from = x->data, value = (T)node->p[2].f;                                                              \
        T *out = y->data;                                                                                              \
        for (int64_t line = 0, lines = width > 0 ? y->numel / width : 0; line < lines; line++, out += width) {         \
            const int64_t row = line % height - top;                                                                   \
            const int64_t inside = row >= 0 && row < rows ? columns : 0, before = inside > 0 ? left : width;           \
            for (int64_t j = 0; j < before; j++) {                                                                     \
                out[j] = value;                                                                                        \
            }                                                                                                          \
            if (inside > 0) {                                                                                          \
                memcpy(out + left, from, (size_t)columns * sizeof *out);                                               \
                from += columns;                                                                                       \
            }                                                                                                          \
            for (int64_t j = before + inside; j < width; j++) {                                                        \
                out[j] = value;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(enter)(rlc_device * device, rlc_dtype dtype) {                                                   \
        device->kernel[RLC_OP_max_pool2d][dtype] = TYPED(max_pool);                                                    \
        device->kernel[RLC_OP_max_pool2d_grad][dtype] = TYPED(max_pool_grad);                                          \
        device->kernel[RLC_OP_avg_pool2d][dtype] = TYPED(avg_pool);                                                    \
        device->kernel[RLC_OP_avg_pool2d_grad][dtype] = TYPED(avg_pool_grad);                                          \
        device->kernel[RLC_OP_pad][dtype] = TYPED(pad);                                                                \
    }

#define F32(name) name##_f32
POOLS(float, F32)

#ifdef RLC_BASE
#define F64(name) name##_f64
POOLS(double, F64)
#endif

void ISA(kernels_pool)(rlc_device *device) {
    enter_f32(device, RLC_F32);
#ifdef RLC_BASE
    enter_f64(device, RLC_F64);
#endif
}
