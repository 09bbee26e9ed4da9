/* op_create.c: tensors from nothing and from host memory. */
#include <math.h>
#include <string.h>

#include "core/record.h"

rlc_tensor *rlc_empty(rlc_dtype dtype, rlc_shape shape) {
    rlc_program *p = rlc__require_program("empty");
    return p != NULL ? rlc__result(p, dtype, shape.ndim, shape.size) : NULL;
}

static rlc_tensor *fill(const char *op, rlc_dtype dtype, rlc_shape shape, double value) {
    rlc_program *p = rlc__require_program(op);
    value = dtype == RLC_BOOL ? value != 0 : value;
    rlc_tensor *out = p != NULL ? rlc__result(p, dtype, shape.ndim, shape.size) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_fill, .out = out, .p = {{.f = value}}};
    return rlc__commit(p, dtype);
}

rlc_tensor *rlc_full(rlc_dtype dtype, rlc_shape shape, double value) {
    return fill("full", dtype, shape, value);
}

rlc_tensor *rlc_zeros(rlc_dtype dtype, rlc_shape shape) {
    return fill("zeros", dtype, shape, 0);
}

rlc_tensor *rlc_scalar(double value) {
    return fill("scalar", RLC_F32, (rlc_shape){0}, value);
}

rlc_tensor *rlc_ones(rlc_dtype dtype, rlc_shape shape) {
    return fill("ones", dtype, shape, 1);
}

/* start + i step */
static rlc_tensor *sequence(const char *op, rlc_dtype dtype, int64_t count, double start, double step) {
    rlc_program *p = rlc__require_program(op);
    rlc_tensor *out = p != NULL ? rlc__result(p, dtype, 1, &count) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_arange, .out = out, .p = {{.f = start}, {.f = step}}};
    return rlc__commit(p, dtype);
}

rlc_tensor *rlc_arange(rlc_dtype dtype, int64_t count) {
    return sequence("arange", dtype, count, 0, 1);
}

rlc_tensor *rlc_arange_step(rlc_dtype dtype, double start, double end, double step) {
    double count = ceil((end - start) / step);
    if (!(count >= 0 && count < 0x1p53)) {
        return rlc__op_fail("arange_step", "there is no way from %g to %g in steps of %g", start, end, step);
    }
    return sequence("arange_step", dtype, (int64_t)count, start, step);
}

/* The second half is counted from the end, as PyTorch does, so that the last element is `end` exactly. */
rlc_tensor *rlc_linspace(rlc_dtype dtype, double start, double end, int64_t count) {
    if (count < 0) {
        return rlc__op_fail("linspace", "the number of elements must be at least 0, not %lld", (long long)count);
    }
    double step = count > 1 ? (end - start) / (double)(count - 1) : 0;
    int64_t half = count > 1 ? count / 2 : count;
    rlc_tensor *parts[2] = {sequence("linspace", dtype, half, start, step),
                            sequence("linspace", dtype, count - half, end - step * (double)(count - half - 1), step)};
    return half == count ? parts[0] : rlc_concatenate(parts, 2, 0);
}

rlc_tensor *rlc_from_data(rlc_dtype dtype, rlc_shape shape, const void *data) {
    rlc_program *p = rlc__require_program("from_data");
    rlc_tensor *out = p != NULL ? rlc__result(p, dtype, shape.ndim, shape.size) : NULL;
    if (out == NULL || out->data == NULL) {
        return out;
    }
    rlc_status status =
        out->device->from_host(out->device, out->data, data, (size_t)out->numel * rlc_dtype_size(dtype));
    if (status != RLC_OK) {
        rlc_current()->status = status;
        return NULL;
    }
    return out;
}
