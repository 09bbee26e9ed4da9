/* op_split.c: taking tensors apart, and laying copies of one side by side. */
#include "core/record.h"

/* Writes slices of `size` along `dim` to `parts`, the last one shorter where they do not come out even. */
static int split(const char *op, rlc_tensor *x, int64_t size, int dim, rlc_tensor **parts, int room) {
    int64_t length = x->shape[dim], count = (length + size - 1) / size;
    count = count > 0 ? count : 1; /* an empty tensor is one empty part */
    if (count > room) {
        rlc__op_fail(op, "gives %lld parts, but there is room for %d", (long long)count, room);
        return 0;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t left = length - i * size;
        parts[i] = rlc_slice(x, dim, i * size, left < size ? left : size);
    }
    return (int)count;
}

int rlc_split(rlc_tensor *x, int64_t size, int dim, rlc_tensor **parts, int room) {
    if (x == NULL || rlc__require_program("split") == NULL || (dim = rlc__dim("split", x, dim)) < 0) {
        return 0;
    }
    if (x->ndim == 0 || size < 1) {
        rlc__op_fail("split", "needs a dimension to split and parts of at least 1, not %lld", (long long)size);
        return 0;
    }
    return split("split", x, size, dim, parts, room);
}

int rlc_chunk(rlc_tensor *x, int64_t count, int dim, rlc_tensor **parts, int room) {
    if (x == NULL || rlc__require_program("chunk") == NULL || (dim = rlc__dim("chunk", x, dim)) < 0) {
        return 0;
    }
    if (x->ndim == 0 || count < 1) {
        rlc__op_fail("chunk", "needs a dimension to split and at least one part, not %lld", (long long)count);
        return 0;
    }
    int64_t size = (x->shape[dim] + count - 1) / count;
    return split("chunk", x, size > 0 ? size : 1, dim, parts, room);
}

int rlc_unbind(rlc_tensor *x, int dim, rlc_tensor **parts, int room) {
    if (x == NULL || rlc__require_program("unbind") == NULL || (dim = rlc__dim("unbind", x, dim)) < 0) {
        return 0;
    }
    int64_t count = x->ndim > 0 ? x->shape[dim] : 0;
    if (x->ndim == 0 || count > room) {
        rlc__op_fail("unbind", "cannot take %lld parts of dimension %d; there is room for %d", (long long)count, dim,
                     room);
        return 0;
    }
    for (int64_t i = 0; i < count; i++) {
        parts[i] = rlc_select(x, dim, i);
    }
    return (int)count;
}

/* One dimension at a time: as many copies side by side. */
static rlc_tensor *repeat_along(rlc_program *p, rlc_tensor *x, int dim, int64_t times) {
    if (x == NULL || times == 1) {
        return x;
    }
    if (times == 0) {
        return rlc_slice(x, dim, 0, 0);
    }
    rlc_tensor **copies = rlc__aux(p, (size_t)times * sizeof *copies);
    for (int64_t i = 0; copies != NULL && i < times; i++) {
        copies[i] = x;
    }
    return copies != NULL ? rlc_concatenate(copies, (int)times, dim) : NULL;
}

rlc_tensor *rlc_repeat(rlc_tensor *x, rlc_shape times) {
    rlc_program *p = rlc__require_program("repeat");
    if (p == NULL || x == NULL) {
        return NULL;
    }
    bool fits = times.ndim >= x->ndim;
    for (int i = 0; i < times.ndim && fits; i++) {
        fits = times.size[i] >= 0 && times.size[i] <= UINT16_MAX;
    }
    if (!fits) {
        char tx[RLC_SHAPE_TEXT], tt[RLC_SHAPE_TEXT];
        return rlc__op_fail("repeat", "%s does not say for each dimension of shape %s how often, 0 to %d times",
                            rlc_shape_text(times, tt), rlc_shape_text(rlc_shape_of(x), tx), UINT16_MAX);
    }
    rlc_tensor *result = x;
    while (result != NULL && result->ndim < times.ndim) {
        result = rlc_unsqueeze(result, 0);
    }
    for (int i = times.ndim - 1; i >= 0; i--) {
        result = repeat_along(p, result, i, times.size[i]);
    }
    return result == x ? rlc_clone(x) : rlc_contiguous(result);
}
