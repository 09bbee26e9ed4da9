/* op_index.c: choosing elements by index. Indices are int64 and are checked by the kernels, as they run. */
#include "core/record.h"

/* x seen as [outer, n, inner] around `dim`. */
static void around(const rlc_tensor *x, int dim, int64_t *n, int64_t *inner) {
    *n = x->ndim > 0 ? x->shape[dim] : 1;
    *inner = 1;
    for (int i = dim + 1; i < x->ndim; i++) {
        *inner *= x->shape[i];
    }
}

static bool is_index(const char *op, const rlc_tensor *index) {
    if (index->dtype != RLC_I64) {
        rlc__op_fail(op, "indices must be int64, got %s", rlc_dtype_name((rlc_dtype)index->dtype));
        return false;
    }
    return true;
}

/* Records `op` that writes `out` and looks at `index`; n and inner describe the indexed tensor. */
static rlc_tensor *record(rlc_op op, rlc_tensor *out, rlc_tensor *x, rlc_tensor *index, int64_t n, int64_t inner,
                          int dim) {
    rlc_program *p = rlc_current();
    if (out == NULL || index == NULL) {
        return NULL;
    }
    *rlc__append(p) =
        (rlc_node){.op = (uint16_t)op, .out = out, .in = {x, index}, .p = {{.i = n}, {.i = inner}, {.i = dim}}};
    return rlc__commit(p, (rlc_dtype)out->dtype);
}

/* Whether the index has as many dimensions as x and is nowhere longer but along `dim`. */
static bool index_fits(const char *op, const rlc_tensor *x, int dim, const rlc_tensor *index) {
    bool fits = index->ndim == x->ndim;
    for (int i = 0; i < x->ndim && fits; i++) {
        fits = i == dim || index->shape[i] <= x->shape[i];
    }
    if (!fits) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "index of shape %s does not fit %s: it may be longer in dimension %d only",
                     rlc_shape_text(rlc_shape_of(index), tb), rlc_shape_text(rlc_shape_of(x), ta), dim);
    }
    return fits;
}

/* The part of x that an index reaches: it need not be as long as x in the other dimensions. */
static rlc_tensor *reached(rlc_tensor *x, int dim, const rlc_tensor *index) {
    for (int i = 0; x != NULL && i < index->ndim; i++) {
        if (i != dim && index->shape[i] != x->shape[i]) {
            x = rlc_slice(x, i, 0, index->shape[i]);
        }
    }
    return x;
}

rlc_tensor *rlc_gather(rlc_tensor *x, int dim, rlc_tensor *index) {
    rlc_program *p = rlc__require_program("gather");
    if (p == NULL || x == NULL || index == NULL || (dim = rlc__dim("gather", x, dim)) < 0 ||
        !is_index("gather", index) || !index_fits("gather", x, dim, index) ||
        (x = reached(x, dim, index)) == NULL) {
        return NULL;
    }
    int64_t n, inner;
    around(x, dim, &n, &inner);
    rlc_tensor *out = rlc__result_like(p, (rlc_dtype)x->dtype, index);
    return record(RLC_OP_gather, out, rlc_contiguous(x), rlc_contiguous(index), n, inner, dim);
}

void rlc__gradient_gather(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0];
    rlc_tensor *whole = rlc_zeros((rlc_dtype)x->dtype, rlc_shape_of(x));
    whole = record(RLC_OP_scatter_add, whole, rlc_contiguous(g), node->in[1], node->p[0].i, node->p[1].i, 0);
    rlc__accumulate(p, x, whole);
}

/* A copy of x that the kernel then changes where the index points. */
static rlc_tensor *scatter(rlc_op op, rlc_tensor *x, int dim, rlc_tensor *index, rlc_tensor *source) {
    const char *name = rlc_op_name(op);
    rlc_program *p = rlc__require_program(name);
    if (p == NULL || x == NULL || index == NULL || source == NULL || (dim = rlc__dim(name, x, dim)) < 0 ||
        !is_index(name, index) || !index_fits(name, x, dim, index)) {
        return NULL;
    }
    bool whole = rlc__same_shape(index, source) && source->dtype == x->dtype;
    for (int i = 0; i < x->ndim && whole; i++) {
        whole = i == dim || index->shape[i] == x->shape[i];
    }
    if (!whole) {
        char ti[RLC_SHAPE_TEXT], ts[RLC_SHAPE_TEXT], tx[RLC_SHAPE_TEXT];
        return rlc__op_fail(name, "index %s and source %s (%s) must have one shape, that of %s (%s) but for dimension %d",
                            rlc_shape_text(rlc_shape_of(index), ti), rlc_shape_text(rlc_shape_of(source), ts),
                            rlc_dtype_name((rlc_dtype)source->dtype), rlc_shape_text(rlc_shape_of(x), tx),
                            rlc_dtype_name((rlc_dtype)x->dtype), dim);
    }
    int64_t n, inner;
    around(x, dim, &n, &inner);
    x = rlc_contiguous(x);
    source = rlc_contiguous(source);
    index = rlc_contiguous(index);
    rlc_tensor *out = x != NULL ? rlc__result_like(p, (rlc_dtype)x->dtype, x) : NULL;
    if (out == NULL || source == NULL || index == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){
        .op = (uint16_t)op, .out = out, .in = {source, index, x}, .p = {{.i = n}, {.i = inner}, {.i = dim}}};
    return rlc__commit(p, (rlc_dtype)out->dtype);
}

rlc_tensor *rlc_scatter(rlc_tensor *x, int dim, rlc_tensor *index, rlc_tensor *source) {
    return scatter(RLC_OP_scatter, x, dim, index, source);
}

rlc_tensor *rlc_scatter_add(rlc_tensor *x, int dim, rlc_tensor *index, rlc_tensor *source) {
    return scatter(RLC_OP_scatter_add, x, dim, index, source);
}

/* The source is found again where it went; what was overwritten has no gradient. */
void rlc__gradient_scatter(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    int dim = (int)node->p[2].i;
    rlc_tensor *index = node->in[1];
    if (node->needs & 1) {
        rlc__accumulate(p, node->in[0], rlc_gather(g, dim, index));
    }
    if (node->needs & 4) {
        rlc_tensor *kept = g;
        if (node->op == RLC_OP_scatter) {
            kept = rlc_scatter(g, dim, index, rlc_zeros((rlc_dtype)g->dtype, rlc_shape_of(index)));
        }
        rlc__accumulate(p, node->in[2], kept);
    }
}

rlc_tensor *rlc_index_select(rlc_tensor *x, rlc_tensor *index) {
    rlc_program *p = rlc__require_program("index_select");
    if (p == NULL || x == NULL || index == NULL || !is_index("index_select", index)) {
        return NULL;
    }
    if (x->ndim == 0 || index->ndim != 1) {
        return rlc__op_fail("index_select",
                            "needs a tensor with rows and an index of one dimension, got %d and %d "
                            "dimensions",
                            x->ndim, index->ndim);
    }
    rlc_shape shape = rlc_shape_of(x);
    shape.size[0] = index->numel;
    int64_t n, inner;
    around(x, 0, &n, &inner);
    rlc_tensor *out = rlc__result(p, (rlc_dtype)x->dtype, shape.ndim, shape.size);
    return record(RLC_OP_index_select, out, rlc_contiguous(x), rlc_contiguous(index), n, inner, 0);
}

void rlc__gradient_index_select(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0];
    rlc_tensor *whole = rlc_zeros((rlc_dtype)x->dtype, rlc_shape_of(x));
    whole = record(RLC_OP_index_add, whole, rlc_contiguous(g), node->in[1], node->p[0].i, node->p[1].i, 0);
    rlc__accumulate(p, x, whole);
}

rlc_tensor *rlc_one_hot(rlc_tensor *index, int64_t classes) {
    rlc_program *p = rlc__require_program("one_hot");
    if (p == NULL || index == NULL || !is_index("one_hot", index)) {
        return NULL;
    }
    if (index->ndim == RLC_MAX_DIMS || classes < 1) {
        return rlc__op_fail("one_hot", "needs at least one class and at most %d dimensions", RLC_MAX_DIMS - 1);
    }
    rlc_shape shape = rlc_shape_concat(rlc_shape_of(index), RLC_SHAPE(classes));
    rlc_tensor *out = rlc__result(p, RLC_I64, shape.ndim, shape.size);
    return record(RLC_OP_one_hot, out, NULL, rlc_contiguous(index), classes, 1, 0);
}

rlc_tensor *rlc_take(rlc_tensor *x, int dim, rlc_tensor *index) {
    if (x == NULL || index == NULL || rlc__require_program("take") == NULL || (dim = rlc__dim("take", x, dim)) < 0) {
        return NULL;
    }
    if (x->ndim == 0) {
        return rlc__op_fail("take", "a tensor without dimensions has nothing to choose from");
    }
    rlc_shape shape = {0}; /* x's, with that of the index in place of `dim` */
    for (int i = 0; i < x->ndim; i++) {
        for (int k = 0; k < (i == dim ? index->ndim : 1); k++) {
            if (shape.ndim == RLC_MAX_DIMS) {
                return rlc__op_fail("take", "the result would have more than %d dimensions", RLC_MAX_DIMS);
            }
            shape.size[shape.ndim++] = i == dim ? index->shape[k] : x->shape[i];
        }
    }
    rlc_tensor *flat = rlc_reshape(index, RLC_SHAPE(-1));
    if (dim == 0) {
        return rlc_reshape(rlc_index_select(x, flat), shape);
    }
    return rlc_reshape(rlc_transpose(rlc_index_select(rlc_transpose(x, 0, dim), flat), 0, dim), shape);
}
