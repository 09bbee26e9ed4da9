/* op_rows.c: what works along one dimension and keeps it: softmax, cumulative sums, sorting.
 *
 * The kernels see rows: any other dimension than the last is brought there first and taken back afterwards.
 */
#include <math.h>

#include "core/record.h"

/* x with `dim` last and contiguous; NULL with an error. *dim is normalised. */
static rlc_tensor *to_rows(const char *op, rlc_tensor *x, int *dim) {
    if (x == NULL || rlc__require_program(op) == NULL || (*dim = rlc__dim(op, x, *dim)) < 0) {
        return NULL;
    }
    return rlc_contiguous(x->ndim > 1 ? rlc_transpose(x, *dim, -1) : x);
}

static rlc_tensor *from_rows(rlc_tensor *rows, int dim) {
    return rows == NULL || rows->ndim < 2 ? rows : rlc_contiguous(rlc_transpose(rows, dim, -1));
}

static int64_t row_length(const rlc_tensor *x) {
    return x->ndim > 0 ? x->shape[x->ndim - 1] : 1;
}

/* Records a kernel over the rows of x; `option` is its second parameter. */
static rlc_tensor *over_rows(rlc_op op, rlc_dtype dtype, rlc_tensor *x, rlc_tensor *other, int64_t option) {
    rlc_program *p = rlc_current();
    rlc_tensor *out = rlc__result_like(p, dtype, x);
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){
        .op = (uint16_t)op, .out = out, .in = {x, other}, .p = {{.i = row_length(x)}, {.i = option}}};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}

static rlc_tensor *as_float(rlc_tensor *x) {
    return x == NULL || rlc_dtype_is_float((rlc_dtype)x->dtype) ? x : rlc_cast(x, RLC_F32);
}

static rlc_tensor *normalised(rlc_op op, rlc_tensor *x, int dim) {
    x = rlc__require_program(rlc_op_name(op)) != NULL ? to_rows(rlc_op_name(op), as_float(x), &dim) : NULL;
    return x != NULL ? from_rows(over_rows(op, (rlc_dtype)x->dtype, x, NULL, 0), dim) : NULL;
}

rlc_tensor *rlc_softmax(rlc_tensor *x, int dim) {
    return normalised(RLC_OP_softmax, x, dim);
}

rlc_tensor *rlc_log_softmax(rlc_tensor *x, int dim) {
    return normalised(RLC_OP_log_softmax, x, dim);
}

/* Both derivatives need the result alone: y (g - sum g y) and g - e^y sum g. */
void rlc__gradient_softmax(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_op op = node->op == RLC_OP_softmax ? RLC_OP_softmax_grad : RLC_OP_log_softmax_grad;
    rlc__accumulate(p, node->in[0], over_rows(op, (rlc_dtype)g->dtype, rlc_contiguous(g), node->out, 0));
}

/* The largest element, or 0 where that is infinite, keeps e^x in range; it is a constant to the gradient. */
rlc_tensor *rlc_logsumexp(rlc_tensor *x, int dim, bool keepdim) {
    if (x == NULL || rlc__require_program("logsumexp") == NULL) {
        return NULL;
    }
    x = as_float(x);
    rlc_tensor *largest = rlc_max(rlc_detach(x), dim, true);
    rlc_tensor *infinity = rlc_full((rlc_dtype)x->dtype, (rlc_shape){0}, INFINITY);
    rlc_tensor *zero = rlc_zeros((rlc_dtype)x->dtype, (rlc_shape){0});
    largest = rlc_where(rlc_eq(rlc_abs(largest), infinity), zero, largest);
    rlc_tensor *sum = rlc_sum(rlc_exp(rlc_sub(x, largest)), dim, keepdim);
    rlc_tensor *log = rlc_log(sum);
    return log != NULL ? rlc_add(log, rlc_reshape(largest, rlc_shape_of(log))) : NULL;
}

/* Integers of all sizes work as int64. */
static rlc_tensor *counted(rlc_tensor *x) {
    bool counts = x != NULL && !rlc_dtype_is_float((rlc_dtype)x->dtype) && rlc_current() != NULL;
    return counts ? rlc_cast(x, RLC_I64) : x;
}

static rlc_tensor *cumulative(rlc_tensor *x, int dim, bool from_the_end) {
    x = to_rows("cumsum", counted(x), &dim);
    return x != NULL ? from_rows(over_rows(RLC_OP_cumsum, (rlc_dtype)x->dtype, x, NULL, from_the_end), dim) : NULL;
}

rlc_tensor *rlc_cumsum(rlc_tensor *x, int dim) {
    return cumulative(x, dim, false);
}

/* Each element counts in all sums from its own place on. */
void rlc__gradient_cumsum(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc__accumulate(p, node->in[0], cumulative(g, -1, !node->p[1].i));
}

rlc_tensor *rlc_argsort(rlc_tensor *x, int dim, bool descending) {
    x = to_rows("argsort", counted(x), &dim);
    rlc_tensor *room = x != NULL ? rlc__result_like(rlc_current(), RLC_I64, x) : NULL; /* the kernel merges into it */
    return room != NULL ? from_rows(over_rows(RLC_OP_argsort, RLC_I64, x, room, descending), dim) : NULL;
}

rlc_tensor *rlc_sort(rlc_tensor *x, int dim, bool descending, rlc_tensor **indices) {
    rlc_tensor *order = rlc__require_program("sort") != NULL ? rlc_argsort(x, dim, descending) : NULL;
    if (indices != NULL) {
        *indices = order;
    }
    return rlc_gather(x, dim, order);
}

rlc_tensor *rlc_topk(rlc_tensor *x, int64_t k, int dim, bool largest, rlc_tensor **indices) {
    if (x == NULL || rlc__require_program("topk") == NULL) {
        return NULL;
    }
    if ((dim = rlc__dim("topk", x, dim)) < 0) {
        return NULL;
    }
    if (x->ndim == 0 || k < 0 || k > x->shape[dim]) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("topk", "cannot take %lld of dimension %d of shape %s", (long long)k, dim,
                            rlc_shape_text(rlc_shape_of(x), text));
    }
    rlc_tensor *order = rlc_contiguous(rlc_slice(rlc_argsort(x, dim, largest), dim, 0, k));
    if (indices != NULL) {
        *indices = order;
    }
    return rlc_gather(x, dim, order);
}
