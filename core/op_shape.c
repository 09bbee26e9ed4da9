/* op_shape.c: views, which move no data, and copies, which do. */
#include <string.h>

#include "core/record.h"

int rlc__dim(const char *op, const rlc_tensor *x, int dim) {
    int ndim = x->ndim > 0 ? x->ndim : 1;
    if (dim < -ndim || dim >= ndim) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "dimension %d is outside of shape %s", dim, rlc_shape_text(rlc_shape_of(x), text));
        return -1;
    }
    return dim < 0 ? dim + ndim : dim;
}

static void note_contiguity(rlc_tensor *t) {
    int64_t expected = 1;
    bool contiguous = true;
    for (int i = t->ndim - 1; i >= 0; i--) {
        contiguous = contiguous && (t->shape[i] == 1 || t->stride[i] == expected);
        expected *= t->shape[i];
    }
    t->numel = expected;
    t->flags = (uint8_t)((t->flags & ~RLC_CONTIGUOUS) | (contiguous || expected == 0 ? RLC_CONTIGUOUS : 0));
}

/* Starts a view of x; NULL when x is, or when no program is open. */
static rlc_tensor *start(const char *op, rlc_tensor *x) {
    rlc_program *p = rlc__require_program(op);
    return p != NULL && x != NULL ? rlc__view(p, x) : NULL;
}

/* What autograd must undo. */
typedef enum view_kind { RESHAPE, TRANSPOSE, PERMUTE, EXPAND, SLICE } view_kind;

/* A view costs a node only where a gradient may have to pass. */
static rlc_tensor *finish(rlc_tensor *view, rlc_tensor *x, view_kind kind, int64_t dim, int64_t at) {
    rlc_program *p = rlc_current();
    note_contiguity(view);
    if (p->no_grad || !(x->flags & RLC_REQUIRES_GRAD)) {
        return view;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_view, .out = view, .in = {x}, .p = {{.i = kind}, {.i = dim}, {.i = at}}};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}

/* Fills in a size of -1 from the number of elements; false when the shape does not hold them. */
static bool complete_shape(rlc_shape *shape, int64_t numel) {
    int64_t known = 1;
    int unknown = -1;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->size[i] == -1 && unknown < 0) {
            unknown = i;
        } else if (shape->size[i] < 0 || __builtin_mul_overflow(known, shape->size[i], &known)) {
            return false;
        }
    }
    if (unknown >= 0) {
        if (known == 0 || numel % known != 0) {
            return false;
        }
        shape->size[unknown] = numel / known;
        known *= shape->size[unknown];
    }
    return known == numel;
}

rlc_tensor *rlc_reshape(rlc_tensor *x, rlc_shape shape) {
    if (x == NULL) {
        return NULL;
    }
    rlc_shape wanted = shape;
    if (!complete_shape(&shape, x->numel)) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc__op_fail("reshape", "shape %s cannot hold the elements of %s", rlc_shape_text(wanted, tb),
                            rlc_shape_text(rlc_shape_of(x), ta));
    }
    x = rlc_contiguous(x);
    rlc_tensor *view = start("reshape", x);
    if (view == NULL) {
        return NULL;
    }
    uint8_t flags = view->flags;
    rlc__tensor_layout(view, (rlc_dtype)x->dtype, shape.ndim, shape.size);
    view->flags |= flags;
    return finish(view, x, RESHAPE, 0, 0);
}

rlc_tensor *rlc_flatten(rlc_tensor *x, int first_dim, int last_dim) {
    if (x == NULL || (first_dim = rlc__dim("flatten", x, first_dim)) < 0 ||
        (last_dim = rlc__dim("flatten", x, last_dim)) < 0 || rlc__require_program("flatten") == NULL) {
        return NULL;
    }
    if (first_dim > last_dim) {
        return rlc__op_fail("flatten", "the first dimension, %d, comes after the last, %d", first_dim, last_dim);
    }
    rlc_shape shape = {0};
    if (x->ndim == 0) {
        shape = RLC_SHAPE(1);
    }
    for (int i = 0; i < x->ndim; i++) {
        if (i > first_dim && i <= last_dim) {
            shape.size[shape.ndim - 1] *= x->shape[i];
        } else {
            shape.size[shape.ndim++] = x->shape[i];
        }
    }
    return rlc_reshape(x, shape);
}

rlc_tensor *rlc_squeeze(rlc_tensor *x, int dim) {
    if (x == NULL || (dim = rlc__dim("squeeze", x, dim)) < 0) {
        return NULL;
    }
    if (x->ndim == 0 || x->shape[dim] != 1) {
        return x;
    }
    rlc_tensor *view = start("squeeze", x);
    if (view == NULL) {
        return NULL;
    }
    for (int i = dim; i + 1 < x->ndim; i++) {
        view->shape[i] = x->shape[i + 1];
        view->stride[i] = x->stride[i + 1];
    }
    view->ndim--;
    return finish(view, x, RESHAPE, 0, 0);
}

rlc_tensor *rlc_unsqueeze(rlc_tensor *x, int dim) {
    if (x == NULL) {
        return NULL;
    }
    if (dim < -x->ndim - 1 || dim > x->ndim || x->ndim == RLC_MAX_DIMS) {
        return rlc__op_fail("unsqueeze", "dimension %d does not fit a tensor of %d dimensions (at most %d)", dim,
                            x->ndim, RLC_MAX_DIMS);
    }
    dim = dim < 0 ? dim + x->ndim + 1 : dim;
    rlc_tensor *view = start("unsqueeze", x);
    if (view == NULL) {
        return NULL;
    }
    for (int i = x->ndim; i > dim; i--) {
        view->shape[i] = x->shape[i - 1];
        view->stride[i] = x->stride[i - 1];
    }
    view->shape[dim] = 1;
    view->stride[dim] = 1;
    view->ndim++;
    return finish(view, x, RESHAPE, 0, 0);
}

rlc_tensor *rlc_transpose(rlc_tensor *x, int dim_a, int dim_b) {
    if (x == NULL || (dim_a = rlc__dim("transpose", x, dim_a)) < 0 || (dim_b = rlc__dim("transpose", x, dim_b)) < 0) {
        return NULL;
    }
    rlc_tensor *view = start("transpose", x);
    if (view == NULL || x->ndim == 0) {
        return view == NULL ? NULL : x;
    }
    view->shape[dim_a] = x->shape[dim_b];
    view->stride[dim_a] = x->stride[dim_b];
    view->shape[dim_b] = x->shape[dim_a];
    view->stride[dim_b] = x->stride[dim_a];
    return finish(view, x, TRANSPOSE, dim_a, dim_b);
}

/* Dimension i of the result is dims[i] of x: four bits each of one number, for the gradient to undo. */
rlc_tensor *rlc_permute(rlc_tensor *x, const int *dims) {
    rlc_tensor *view = start("permute", x);
    int64_t order = 0;
    unsigned seen = 0;
    for (int i = 0; view != NULL && i < x->ndim; i++) {
        int dim = rlc__dim("permute", x, dims[i]);
        if (dim < 0) {
            return NULL;
        }
        seen |= 1u << dim;
        order |= (int64_t)dim << (4 * i);
        view->shape[i] = x->shape[dim];
        view->stride[i] = x->stride[dim];
    }
    if (view != NULL && seen != (1u << x->ndim) - 1) {
        return rlc__op_fail("permute", "each of the %d dimensions must be named once", x->ndim);
    }
    return view != NULL ? finish(view, x, PERMUTE, order, 0) : NULL;
}

rlc_tensor *rlc_expand(rlc_tensor *x, rlc_shape shape) {
    rlc_tensor *view = start("expand", x);
    if (view == NULL) {
        return NULL;
    }
    int missing = shape.ndim - x->ndim;
    bool fits = missing >= 0;
    for (int i = 0; i < shape.ndim && fits; i++) {
        int64_t size = i < missing ? 1 : x->shape[i - missing];
        fits = size == shape.size[i] || (size == 1 && shape.size[i] >= 0);
        view->shape[i] = shape.size[i];
        view->stride[i] = size == 1 ? 0 : x->stride[i - missing];
    }
    if (!fits) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc__op_fail("expand", "shape %s does not broadcast to %s", rlc_shape_text(rlc_shape_of(x), ta),
                            rlc_shape_text(shape, tb));
    }
    if (rlc_shape_numel(shape) < 0) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("expand", "the shape %s is too large", rlc_shape_text(shape, text));
    }
    view->ndim = (uint8_t)shape.ndim;
    return finish(view, x, EXPAND, 0, 0);
}

/* `length` elements from `start_at` on, `step` apart. The gradient finds dimension and step in one number. */
static rlc_tensor *slice(rlc_tensor *x, int dim, int64_t start_at, int64_t length, int64_t step) {
    rlc_tensor *view = start("slice", x);
    if (view == NULL) {
        return NULL;
    }
    view->shape[dim] = length;
    view->stride[dim] *= step;
    if (x->data != NULL) {
        view->data = (char *)x->data + start_at * x->stride[dim] * (int64_t)rlc_dtype_size((rlc_dtype)x->dtype);
    }
    return finish(view, x, SLICE, dim | step << 4, start_at);
}

rlc_tensor *rlc_slice(rlc_tensor *x, int dim, int64_t start_at, int64_t length) {
    if (x == NULL || (dim = rlc__dim("slice", x, dim)) < 0) {
        return NULL;
    }
    if (x->ndim == 0 || start_at < 0 || length < 0 || start_at > x->shape[dim] - length) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("slice", "%lld elements from %lld on are outside of dimension %d of shape %s",
                            (long long)length, (long long)start_at, dim, rlc_shape_text(rlc_shape_of(x), text));
    }
    return slice(x, dim, start_at, length, 1);
}

/* As Python slices: negative places count from the end, what is beyond an end is cut. */
static int64_t place(int64_t at, int64_t size) {
    at = at < 0 ? at + size : at;
    return at < 0 ? 0 : at > size ? size : at;
}

rlc_tensor *rlc_slice_step(rlc_tensor *x, int dim, int64_t from, int64_t to, int64_t step) {
    if (x == NULL || rlc__require_program("slice_step") == NULL || (dim = rlc__dim("slice_step", x, dim)) < 0) {
        return NULL;
    }
    if (x->ndim == 0 || step < 1 || step > INT32_MAX) {
        return rlc__op_fail("slice_step", "needs a dimension and a step of at least 1, not %lld", (long long)step);
    }
    from = place(from, x->shape[dim]);
    to = place(to, x->shape[dim]);
    return slice(x, dim, from, to > from ? (to - from + step - 1) / step : 0, step);
}

rlc_tensor *rlc_view(rlc_tensor *x, rlc_shape shape) {
    if (x == NULL || rlc__require_program("view") == NULL) {
        return NULL;
    }
    if (!(x->flags & RLC_CONTIGUOUS)) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("view", "the tensor of shape %s has gaps; rlc_reshape copies it",
                            rlc_shape_text(rlc_shape_of(x), text));
    }
    return rlc_reshape(x, shape);
}

rlc_tensor *rlc_select(rlc_tensor *x, int dim, int64_t index) {
    if (x == NULL || (dim = rlc__dim("select", x, dim)) < 0 || rlc__require_program("select") == NULL) {
        return NULL;
    }
    int64_t size = rlc_size(x, dim);
    if (index < -size || index >= size) {
        char text[RLC_SHAPE_TEXT];
        return rlc__op_fail("select", "index %lld is outside of dimension %d of shape %s", (long long)index, dim,
                            rlc_shape_text(rlc_shape_of(x), text));
    }
    return rlc_squeeze(rlc_slice(x, dim, index < 0 ? index + rlc_size(x, dim) : index, 1), dim);
}

rlc_tensor *rlc_detach(rlc_tensor *x) {
    return start("detach", x); /* a view without RLC_REQUIRES_GRAD */
}

static rlc_tensor *unpermute(rlc_tensor *g, int64_t order) {
    int dims[RLC_MAX_DIMS] = {0};
    for (int i = 0; i < g->ndim; i++) {
        dims[order >> (4 * i) & 15] = i;
    }
    return rlc_permute(g, dims);
}

/* The gradient of a slice is that of the whole, 0 elsewhere. Only the first slice makes a whole; others add to their part of it, or
 * the gradient of a sequence would cost its length squared. A sum of it and another is a new tensor, which nobody writes to. */
static void accumulate_slice(rlc_program *p, rlc_tensor *x, int dim, int64_t step, int64_t first, rlc_tensor *g) {
    const bool adds = x->program != NULL && x->grad != NULL && x->grad->flags & RLC_OF_PARTS;
    rlc_tensor *whole = adds ? x->grad : rlc_zeros((rlc_dtype)x->dtype, rlc_shape_of(x));
    rlc_tensor *part = whole != NULL ? slice(whole, dim, first, g->shape[dim], step) : NULL;
    rlc_assign(part, adds ? rlc_add(part, g) : g);
    if (adds || whole == NULL) {
        return;
    }
    rlc__accumulate(p, x, whole);
    whole->flags |= x->program != NULL && x->grad == whole ? RLC_OF_PARTS : 0;
}

/* Each kind of view has its inverse. */
void rlc__gradient_view(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0];
    switch ((view_kind)node->p[0].i) {
    case RESHAPE: g = rlc_reshape(g, rlc_shape_of(x)); break;
    case TRANSPOSE: g = rlc_transpose(g, (int)node->p[1].i, (int)node->p[2].i); break;
    case PERMUTE: g = unpermute(g, node->p[1].i); break;
    case EXPAND: break; /* rlc__accumulate sums to the shape of x */
    case SLICE: accumulate_slice(p, x, (int)(node->p[1].i & 15), node->p[1].i >> 4, node->p[2].i, g); return;
    }
    rlc__accumulate(p, x, g);
}
