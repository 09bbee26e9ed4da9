/* pools.h: which numbers a pool's window looks at and what it makes of them, for the loops of the CPU and the kernels of a
 * GPU. */
#ifndef RLC_POOLS_H
#define RLC_POOLS_H

#include "core/math.h"
#include "core/pool.h"

/* Window i of rows (d = 0) or columns: the numbers [from, to) of the plane, and how long it is with its padding. */
typedef struct rlc_pool_window {
    int64_t from, to, length;
} rlc_pool_window;

RLC_INLINE rlc_pool_window rlc_pool_window_at(const rlc_pool_shape *s, int d, int64_t i) {
    rlc_pool_window w;
    if (s->adaptive) {
        w.from = i * s->size[d] / s->count[d];
        w.to = ((i + 1) * s->size[d] + s->count[d] - 1) / s->count[d];
        w.length = w.to - w.from;
        return w;
    }
    const int64_t end = s->size[d] + s->padding[d];
    w.from = i * s->stride[d] - s->padding[d];
    w.to = w.from + (s->kernel[d] - 1) * s->dilation[d] + 1;
    w.to = w.to < end ? w.to : end;
    w.length = w.to - w.from;
    w.to = w.to < s->size[d] ? w.to : s->size[d];
    w.from = w.from >= 0 ? w.from : (s->dilation[d] - 1) - (-w.from - 1) % s->dilation[d]; /* its first step inside */
    return w;
}

/* The windows [from, to) that may look at row or column `at`. */
RLC_INLINE rlc_pool_window rlc_pool_windows_over(const rlc_pool_shape *s, int d, int64_t at) {
    rlc_pool_window w;
    if (s->adaptive) {
        w.from = at * s->count[d] / s->size[d];
        w.to = ((at + 1) * s->count[d] + s->size[d] - 1) / s->size[d];
    } else {
        const int64_t before = at + s->padding[d] - (s->kernel[d] - 1) * s->dilation[d];
        w.from = before > 0 ? (before + s->stride[d] - 1) / s->stride[d] : 0;
        w.to = (at + s->padding[d]) / s->stride[d] + 1;
        w.to = w.to < s->count[d] ? w.to : s->count[d];
    }
    w.length = w.to - w.from;
    return w;
}

/* By how many numbers a mean divides. */
RLC_INLINE int64_t rlc_pool_divisor(const rlc_pool_shape *s, const rlc_pool_window *rows,
                                    const rlc_pool_window *columns) {
    return s->exclude_padding ? (rows->to - rows->from) * (columns->to - columns->from)
                              : rows->length * columns->length;
}

/* RLC_POOLS(T, TYPED) defines, under TYPED(name): the largest number of a window, with its place in the plane; the mean of a
 * window; and what the gradients of all windows mean for the number at (row, column). Each adds up in the order of windows,
 * so that all devices give the same bits. */
#define RLC_POOLS(T, TYPED)                                                                                            \
    RLC_INLINE T TYPED(max)(const rlc_pool_shape *s, const T *plane, int64_t i, int64_t j, int32_t *place) {           \
        const rlc_pool_window rows = rlc_pool_window_at(s, 0, i), columns = rlc_pool_window_at(s, 1, j);               \
        T most = -(T)INFINITY;                                                                                         \
        int64_t at = -1;                                                                                               \
        for (int64_t r = rows.from; r < rows.to; r += s->dilation[0]) {                                                \
            for (int64_t c = columns.from; c < columns.to; c += s->dilation[1]) {                                      \
                const T x = plane[r * s->size[1] + c];                                                                 \
                if (at < 0 || x > most || x != x) {                                                                    \
                    most = x;                                                                                          \
                    at = r * s->size[1] + c;                                                                           \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        *place = (int32_t)at;                                                                                          \
        return most;                                                                                                   \
    }                                                                                                                  \
    RLC_INLINE T TYPED(mean)(const rlc_pool_shape *s, const T *plane, int64_t i, int64_t j) {                          \
        const rlc_pool_window rows = rlc_pool_window_at(s, 0, i), columns = rlc_pool_window_at(s, 1, j);               \
        T sum = 0;                                                                                                     \
        for (int64_t r = rows.from; r < rows.to; r++) {                                                                \
            for (int64_t c = columns.from; c < columns.to; c++) {                                                      \
                sum += plane[r * s->size[1] + c];                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return sum / (T)rlc_pool_divisor(s, &rows, &columns);                                                          \
    }                                                                                                                  \
    RLC_INLINE T TYPED(max_grad)(const rlc_pool_shape *s, const T *g, const int32_t *places, int64_t row,              \
                                 int64_t column) {                                                                     \
        const rlc_pool_window down = rlc_pool_windows_over(s, 0, row), along = rlc_pool_windows_over(s, 1, column);    \
        T sum = 0;                                                                                                     \
        for (int64_t i = down.from; i < down.to; i++) {                                                                \
            for (int64_t j = along.from; j < along.to; j++) {                                                          \
                const int64_t k = i * s->count[1] + j;                                                                 \
                sum += places[k] == row * s->size[1] + column ? g[k] : 0;                                              \
            }                                                                                                          \
        }                                                                                                              \
        return sum;                                                                                                    \
    }                                                                                                                  \
    RLC_INLINE T TYPED(mean_grad)(const rlc_pool_shape *s, const T *g, int64_t row, int64_t column) {                  \
        const rlc_pool_window down = rlc_pool_windows_over(s, 0, row), along = rlc_pool_windows_over(s, 1, column);    \
        T sum = 0;                                                                                                     \
        for (int64_t i = down.from; i < down.to; i++) {                                                                \
            const rlc_pool_window rows = rlc_pool_window_at(s, 0, i);                                                  \
            for (int64_t j = along.from; j < along.to; j++) {                                                          \
                const rlc_pool_window columns = rlc_pool_window_at(s, 1, j);                                           \
                sum += g[i * s->count[1] + j] / (T)rlc_pool_divisor(s, &rows, &columns);                               \
            }                                                                                                          \
        }                                                                                                              \
        return sum;                                                                                                    \
    }

#endif
