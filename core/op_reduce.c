/* op_reduce.c: reductions. A kernel sees its operand as [outer, n, inner] and reduces the middle. */
#include <math.h>

#include "core/record.h"

typedef struct reduction {
    rlc_tensor *x;
    rlc_shape shape; /* of the result */
    int64_t n, inner;
} reduction;

/* Works out what reducing `dim` means; false with x NULL or an error. */
static bool plan(const char *op, rlc_tensor *x, int dim, bool keepdim, reduction *r) {
    if (x == NULL || rlc__require_program(op) == NULL) {
        return false;
    }
    bool all = dim == RLC_ALL || x->ndim == 0;
    if (!all && (dim = rlc__dim(op, x, dim)) < 0) {
        return false;
    }
    *r = (reduction){.x = rlc_contiguous(x), .n = all ? x->numel : x->shape[dim], .inner = 1};
    for (int i = 0; i < x->ndim; i++) {
        bool reduced = all || i == dim;
        if (!reduced || keepdim) {
            r->shape.size[r->shape.ndim++] = reduced ? 1 : x->shape[i];
        }
        if (!all && i > dim) {
            r->inner *= x->shape[i];
        }
    }
    return r->x != NULL;
}

static rlc_tensor *reduce(rlc_op op, const reduction *r, rlc_dtype dtype, double divisor) {
    rlc_program *p = rlc_current();
    rlc_tensor *out = rlc__result(p, dtype, r->shape.ndim, r->shape.size);
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) =
        (rlc_node){.op = (uint16_t)op, .out = out, .in = {r->x}, .p = {{.i = r->n}, {.i = r->inner}, {.f = divisor}}};
    return rlc__commit(p, (rlc_dtype)r->x->dtype);
}

/* A sum of single elements is the operand by another shape, as the log-probability of an action of one number is. Not that of
 * a root: those change, and their sums do not. */
static bool is_itself(const rlc_tensor *x, const reduction *r) {
    return r->n == 1 && x->program == rlc_current() && (x->flags & RLC_CONTIGUOUS);
}

rlc_tensor *rlc_sum(rlc_tensor *x, int dim, bool keepdim) {
    reduction r;
    if (x != NULL && !rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        x = rlc_cast(x, RLC_I64);
    }
    if (!plan("sum", x, dim, keepdim, &r)) {
        return NULL;
    }
    return is_itself(x, &r) ? rlc_reshape(x, r.shape) : reduce(RLC_OP_sum, &r, (rlc_dtype)x->dtype, 1);
}

rlc_tensor *rlc_mean(rlc_tensor *x, int dim, bool keepdim) {
    reduction r;
    if (x != NULL && !rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        return rlc__op_fail("mean", "needs a float tensor, got %s; cast it first", rlc_dtype_name((rlc_dtype)x->dtype));
    }
    return plan("mean", x, dim, keepdim, &r) ? reduce(RLC_OP_sum, &r, (rlc_dtype)x->dtype, (double)r.n) : NULL;
}

/* g, with the reduced dimensions back at size 1, spreads over x. */
void rlc__gradient_sum(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0];
    int64_t n = node->p[0].i, inner = node->p[1].i, behind = 1;
    rlc_shape kept = rlc_shape_of(x);
    if (node->out->numel == 1) {
        kept = (rlc_shape){0};
    } else {
        for (int i = x->ndim - 1; i >= 0; behind *= x->shape[i--]) {
            if (behind == inner && x->shape[i] == n) {
                kept.size[i] = 1;
                break;
            }
        }
    }
    if (node->p[2].f != 1) {
        g = rlc_mul_scalar(g, 1 / node->p[2].f);
    }
    rlc__accumulate(p, x, rlc_expand(rlc_reshape(g, kept), rlc_shape_of(x)));
}

/* Around the mean, which is a constant where it is subtracted but not where it is differentiated. */
rlc_tensor *rlc_var(rlc_tensor *x, int dim, bool keepdim, double correction) {
    rlc_tensor *mean = rlc__require_program("var") != NULL ? rlc_mean(x, dim, true) : NULL;
    if (mean == NULL) {
        return NULL;
    }
    double count = mean->numel > 0 ? (double)(x->numel / mean->numel) : 0;
    rlc_tensor *sum = rlc_sum(rlc_square(rlc_sub(x, mean)), dim, keepdim);
    double divisor = count - correction;
    return rlc_mul_scalar(sum, divisor > 0 ? 1 / divisor : INFINITY); /* NaN or infinity, as PyTorch warns */
}

rlc_tensor *rlc_std(rlc_tensor *x, int dim, bool keepdim, double correction) {
    return rlc__require_program("std") != NULL ? rlc_sqrt(rlc_var(x, dim, keepdim, correction)) : NULL;
}

rlc_tensor *rlc_any(rlc_tensor *x, int dim, bool keepdim) {
    reduction r;
    if (rlc__require_program("any") == NULL) {
        return NULL;
    }
    return plan("any", rlc_cast(x, RLC_BOOL), dim, keepdim, &r) ? reduce(RLC_OP_any, &r, RLC_BOOL, 1) : NULL;
}

rlc_tensor *rlc_all(rlc_tensor *x, int dim, bool keepdim) {
    if (rlc__require_program("all") == NULL) {
        return NULL;
    }
    return rlc_logical_not(rlc_any(rlc_logical_not(x), dim, keepdim));
}

static rlc_tensor *extreme_index(rlc_op op, const char *name, rlc_tensor *x, int dim, bool keepdim) {
    reduction r;
    if (rlc__require_program(name) == NULL) {
        return NULL;
    }
    if (x != NULL && !rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        x = rlc_cast(x, RLC_I64);
    }
    if (!plan(name, x, dim, keepdim, &r)) {
        return NULL;
    }
    if (r.n == 0) {
        return rlc__op_fail(name, "nothing to choose from: the dimension has size 0");
    }
    return reduce(op, &r, RLC_I64, 1);
}

rlc_tensor *rlc_argmax(rlc_tensor *x, int dim, bool keepdim) {
    return extreme_index(RLC_OP_argmax, "argmax", x, dim, keepdim);
}

rlc_tensor *rlc_argmin(rlc_tensor *x, int dim, bool keepdim) {
    return extreme_index(RLC_OP_argmin, "argmin", x, dim, keepdim);
}

/* The value at the index: gather gives the gradient to that element. */
static rlc_tensor *extreme(rlc_op op, const char *name, rlc_tensor *x, int dim, bool keepdim) {
    if (x == NULL || rlc__require_program(name) == NULL) {
        return NULL;
    }
    rlc_shape kept = rlc_shape_of(x);
    if (dim == RLC_ALL || x->ndim == 0) {
        x = rlc_reshape(x, RLC_SHAPE(-1));
        dim = 0;
        for (int i = 0; i < kept.ndim; i++) {
            kept.size[i] = 1;
        }
        rlc_tensor *value = rlc_gather(x, 0, extreme_index(op, name, x, 0, true));
        return rlc_reshape(value, keepdim ? kept : (rlc_shape){0});
    }
    rlc_tensor *value = rlc_gather(x, dim, extreme_index(op, name, x, dim, true));
    return keepdim ? value : rlc_squeeze(value, dim);
}

rlc_tensor *rlc_max(rlc_tensor *x, int dim, bool keepdim) {
    return extreme(RLC_OP_argmax, "max", x, dim, keepdim);
}

rlc_tensor *rlc_min(rlc_tensor *x, int dim, bool keepdim) {
    return extreme(RLC_OP_argmin, "min", x, dim, keepdim);
}

rlc_tensor *rlc__sum_to(rlc_tensor *g, const rlc_tensor *shape) {
    if (g == NULL) {
        return NULL;
    }
    if (shape->numel == 1 && g->numel != 1) {
        return rlc_reshape(rlc_sum(g, RLC_ALL, false), rlc_shape_of(shape));
    }
    int missing = g->ndim - shape->ndim;
    if (missing > 0) {
        g = rlc_flatten(g, 0, missing - 1);
        g = g != NULL && g->shape[0] == 1 ? rlc_squeeze(g, 0) : rlc_sum(g, 0, false);
    }
    for (int i = 0; g != NULL && i < shape->ndim; i++) {
        if (shape->shape[i] == 1 && g->shape[i] != 1) {
            g = rlc_sum(g, i, true);
        }
    }
    return g;
}
