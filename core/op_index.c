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

rlc_tensor *rlc_gather(rlc_tensor *x, int dim, rlc_tensor *index) {
    rlc_program *p = rlc__require_program("gather");
    if (p == NULL || x == NULL || index == NULL || (dim = rlc__dim("gather", x, dim)) < 0 ||
        !is_index("gather", index)) {
        return NULL;
    }
    bool fits = index->ndim == x->ndim;
    for (int i = 0; i < x->ndim && fits; i++) {
        fits = i == dim || index->shape[i] == x->shape[i];
    }
    if (!fits) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc__op_fail("gather", "index of shape %s does not fit %s: they may differ in dimension %d only",
                            rlc_shape_text(rlc_shape_of(index), tb), rlc_shape_text(rlc_shape_of(x), ta), dim);
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
