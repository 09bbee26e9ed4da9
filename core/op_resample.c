/* op_resample.c: weighted sums of neighbours along one dimension. */
#include "core/record.h"

rlc_tensor *rlc_resample(rlc_tensor *x, int dim, rlc_tensor *first, rlc_tensor *weight) {
    rlc_program *p = rlc__require_program("resample");
    if (p == NULL || x == NULL || first == NULL || weight == NULL || (dim = rlc__dim("resample", x, dim)) < 0) {
        return NULL;
    }
    if (x->ndim == 0) {
        return rlc__op_fail("resample", "a tensor without dimensions has no neighbours");
    }
    if (first->dtype != RLC_I64 || first->ndim != 1 || weight->dtype != x->dtype || weight->ndim != 2 ||
        weight->shape[0] != first->shape[0]) {
        char tf[RLC_SHAPE_TEXT], tw[RLC_SHAPE_TEXT];
        return rlc__op_fail("resample", "places must be int64 [n] and weights %s [n, taps], not %s %s and %s %s",
                            rlc_dtype_name((rlc_dtype)x->dtype), rlc_dtype_name((rlc_dtype)first->dtype),
                            rlc_shape_text(rlc_shape_of(first), tf), rlc_dtype_name((rlc_dtype)weight->dtype),
                            rlc_shape_text(rlc_shape_of(weight), tw));
    }
    int64_t inner = 1;
    rlc_shape shape = rlc_shape_of(x);
    for (int i = dim + 1; i < x->ndim; i++) {
        inner *= x->shape[i];
    }
    shape.size[dim] = first->shape[0];
    x = rlc_contiguous(x);
    first = rlc_contiguous(first);
    weight = rlc_contiguous(weight);
    rlc_tensor *out = x != NULL && first != NULL && weight != NULL
                          ? rlc__result(p, (rlc_dtype)x->dtype, shape.ndim, shape.size)
                          : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_resample,
                                 .out = out,
                                 .in = {x, first, weight},
                                 .p = {{.i = x->shape[dim]}, {.i = inner}, {.i = weight->shape[1]}}};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}
