/* window.h: what convolutions and pools say when numbers, or sizes, do not fit together. Pairs are of rows, then of columns. */
#ifndef RLC_WINDOW_H
#define RLC_WINDOW_H

#include "core/record.h"

/* Whether both numbers are `least` or more; else false, with an error that ends in `remark` if there is one. */
bool rlc__pair_is_sound(const char *op, const char *name, const int64_t pair[2], int64_t least, const char *remark);

/* How many rows or columns a kernel covers. */
static inline int64_t rlc__span(int64_t kernel, int64_t dilation) {
    return (kernel - 1) * dilation + 1;
}

/* The error of a kernel that does not fit into the image x along d, 0 for rows. Returns NULL. */
rlc_tensor *rlc__kernel_too_large(const char *op, const rlc_tensor *x, int d, int64_t kernel, int64_t dilation,
                                  int64_t padding);

static inline const char *rlc__rows_or_columns(int d) {
    return d == 0 ? "rows" : "columns";
}

#endif
