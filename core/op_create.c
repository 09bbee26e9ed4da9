/* op_create.c: tensors from nothing, from host memory, and from random streams. */
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

rlc_tensor *rlc_arange(rlc_dtype dtype, int64_t count) {
    rlc_program *p = rlc__require_program("arange");
    rlc_tensor *out = p != NULL ? rlc__result(p, dtype, 1, &count) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_arange, .out = out};
    return rlc__commit(p, dtype);
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

/* The stream's counter is an operand, because the kernel reads it and moves it on. */
static rlc_tensor *draw(const char *name, rlc_op op, rlc_dtype dtype, rlc_stream *stream, rlc_shape shape,
                        rlc_tensor *bound, int64_t low, int64_t high) {
    rlc_program *p = rlc__require_program(name);
    if (p == NULL || stream == NULL) {
        return NULL;
    }
    rlc_tensor *out = rlc__result(p, dtype, shape.ndim, shape.size);
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = (uint16_t)op,
                                 .out = out,
                                 .in = {stream->counter, bound},
                                 .p = {{.i = (int64_t)stream->key}, {.i = low}, {.i = high}}};
    return rlc__commit(p, dtype);
}

rlc_tensor *rlc_rand(rlc_stream *stream, rlc_shape shape) {
    return draw("rand", RLC_OP_random_uniform, RLC_F32, stream, shape, NULL, 0, 0);
}

rlc_tensor *rlc_randn(rlc_stream *stream, rlc_shape shape) {
    return draw("randn", RLC_OP_random_normal, RLC_F32, stream, shape, NULL, 0, 0);
}

rlc_tensor *rlc_randint(rlc_stream *stream, int64_t low, int64_t high, rlc_shape shape) {
    int64_t range;
    if (high <= low || __builtin_sub_overflow(high, low, &range) || range > (int64_t)UINT32_MAX) {
        return rlc__op_fail("randint", "needs low < high, less than 2^32 apart; got %lld and %lld", (long long)low,
                            (long long)high);
    }
    return draw("randint", RLC_OP_random_integer, RLC_I64, stream, shape, NULL, low, high);
}

rlc_tensor *rlc_random_index(rlc_stream *stream, rlc_tensor *bound, int64_t count) {
    if (bound == NULL) {
        return NULL;
    }
    if (bound->dtype != RLC_I64 || bound->numel != 1) {
        return rlc__op_fail("random_index", "the bound must be one int64");
    }
    return draw("random_index", RLC_OP_random_index, RLC_I64, stream, RLC_SHAPE(count), bound, 0, 0);
}

rlc_tensor *rlc_randperm(rlc_stream *stream, int64_t count) {
    rlc_program *p = rlc__require_program("randperm");
    rlc_tensor *room = p != NULL ? rlc__result(p, RLC_I64, 1, &count) : NULL; /* the kernel sorts */
    return room != NULL ? draw("randperm", RLC_OP_random_permutation, RLC_I64, stream, RLC_SHAPE(count), room, 0, 0)
                        : NULL;
}
