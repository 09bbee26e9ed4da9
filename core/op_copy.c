/* op_copy.c: copies, conversions, and putting tensors together. */
#include <string.h>

#include "core/record.h"

/* out <- x, broadcast; both have one type. */
static rlc_tensor *copy(rlc_program *p, rlc_tensor *out, rlc_tensor *x, rlc_op op, rlc_dtype key) {
    const rlc_walk *walk;
    if (out == NULL || !rlc__walk(p, out, &x, 1, &walk)) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = (uint16_t)op,
                                 .out = out,
                                 .in = {x},
                                 .p = {{.i = out->dtype}},
                                 .aux = walk,
                                 .aux_size = rlc__walk_size(walk)};
    return rlc__commit(p, key);
}

rlc_tensor *rlc_clone(rlc_tensor *x) {
    rlc_program *p = rlc__require_program("clone");
    if (p == NULL || x == NULL) {
        return NULL;
    }
    return copy(p, rlc__result_like(p, (rlc_dtype)x->dtype, x), x, RLC_OP_copy, (rlc_dtype)x->dtype);
}

rlc_tensor *rlc_contiguous(rlc_tensor *x) {
    return x == NULL || (x->flags & RLC_CONTIGUOUS) ? x : rlc_clone(x);
}

rlc_tensor *rlc_cast(rlc_tensor *x, rlc_dtype dtype) {
    if (x == NULL || x->dtype == dtype) {
        return x;
    }
    rlc_program *p = rlc__require_program("cast");
    if (p == NULL) {
        return NULL;
    }
    rlc_tensor *out = rlc__result_like(p, dtype, x);
    return copy(p, out, x, RLC_OP_cast, (rlc_dtype)x->dtype);
}

rlc_tensor *rlc_from_bytes(rlc_tensor *x, rlc_tensor *less) {
    rlc_program *p = rlc__require_program("from_bytes");
    if (p == NULL || x == NULL) {
        return NULL;
    }
    rlc_tensor *const in[] = {x, less};
    const int count = less != NULL ? 2 : 1;
    for (int i = 0; i < count; i++) {
        char text[RLC_SHAPE_TEXT];
        if (in[i]->dtype != RLC_U8 || !rlc__same_shape(in[i], x)) {
            return rlc__op_fail("from_bytes", "operand %d is %s %s; uint8 is needed, and one shape", i,
                                rlc_dtype_name((rlc_dtype)in[i]->dtype), rlc_shape_text(rlc_shape_of(in[i]), text));
        }
    }
    const rlc_walk *walk;
    rlc_tensor *out = rlc__result_like(p, RLC_F32, x);
    if (out == NULL || !rlc__walk(p, out, in, count, &walk)) {
        return NULL;
    }
    *rlc__append(p) =
        (rlc_node){.op = RLC_OP_from_bytes, .out = out, .in = {x, less}, .aux = walk, .aux_size = rlc__walk_size(walk)};
    return rlc__commit(p, RLC_U8);
}

void rlc_assign(rlc_tensor *target, rlc_tensor *x) {
    rlc_program *p = rlc__require_program("assign");
    if (p == NULL || target == NULL || x == NULL) {
        return;
    }
    if ((target->flags & RLC_REQUIRES_GRAD) && !p->no_grad) {
        rlc__op_fail("assign", "the target requires a gradient; write to it under rlc_no_grad(true)");
        return;
    }
    bool was = rlc_no_grad(true);
    if (!rlc__same_shape(target, x)) {
        x = rlc_expand(x, rlc_shape_of(target)); /* or an error */
    }
    if (x != NULL) {
        copy(p, target, x, x->dtype == target->dtype ? RLC_OP_copy : RLC_OP_cast, (rlc_dtype)x->dtype);
    }
    rlc_no_grad(was);
}

void rlc__assign_fresh(rlc_tensor *target, rlc_tensor *x) {
    rlc_program *p = rlc_current();
    if (p == NULL || !p->no_grad || target == NULL || x == NULL || !rlc__redirect(p, x, target)) {
        rlc_assign(target, x);
    }
}

void rlc__gradient_copy(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc__accumulate(p, node->in[0], g);
}

void rlc__gradient_cast(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc__accumulate(p, node->in[0], rlc_cast(g, (rlc_dtype)node->in[0]->dtype));
}

/* Both cat and stack see each operand as `outer` blocks of contiguous elements, laid side by side in the result. */
static rlc_tensor *join(rlc_op op, rlc_program *p, rlc_tensor *const *x, int count, rlc_tensor *out, int dim) {
    rlc_tensor **operands = rlc__aux(p, (size_t)count * sizeof *operands);
    if (out == NULL || operands == NULL) {
        return NULL;
    }
    int64_t outer = 1;
    for (int i = 0; i < dim; i++) {
        outer *= x[0]->shape[i];
    }
    for (int i = 0; i < count; i++) {
        operands[i] = rlc_contiguous(rlc_cast(x[i], (rlc_dtype)out->dtype));
        if (operands[i] == NULL) {
            return NULL;
        }
    }
    *rlc__append(p) = (rlc_node){
        .op = (uint16_t)op, .out = out, .more = operands, .num_more = (uint16_t)count, .p = {{.i = outer}, {.i = dim}}};
    return rlc__commit(p, (rlc_dtype)out->dtype);
}

/* Checks that the operands agree in all dimensions but `free` (-1: in all); `dim` is only named in the message. */
static bool agree(const char *op, rlc_tensor *const *x, int count, int free) {
    for (int i = 0; i < count; i++) {
        if (x[i] == NULL) {
            return false;
        }
        bool same = x[i]->ndim == x[0]->ndim;
        for (int d = 0; d < x[0]->ndim && same; d++) {
            same = d == free || x[i]->shape[d] == x[0]->shape[d];
        }
        if (!same) {
            char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
            rlc__op_fail(op, "operand %d has shape %s, operand 0 has %s", i, rlc_shape_text(rlc_shape_of(x[i]), ta),
                         rlc_shape_text(rlc_shape_of(x[0]), tb));
            return false;
        }
    }
    return true;
}

static rlc_dtype widest(rlc_tensor *const *x, int count) {
    rlc_dtype dtype = RLC_BOOL;
    for (int i = 0; i < count; i++) {
        dtype = x[i]->dtype > dtype ? (rlc_dtype)x[i]->dtype : dtype;
    }
    return dtype;
}

static rlc_program *start(const char *op, rlc_tensor *const *x, int count) {
    rlc_program *p = rlc__require_program(op);
    if (p != NULL && (count < 1 || count > UINT16_MAX)) {
        rlc__op_fail(op, "needs 1 to %d tensors, got %d", UINT16_MAX, count);
        return NULL;
    }
    return x[0] != NULL ? p : NULL;
}

rlc_tensor *rlc_concatenate(rlc_tensor *const *x, int count, int dim) {
    rlc_program *p = start("concatenate", x, count);
    if (p == NULL || (dim = rlc__dim("concatenate", x[0], dim)) < 0 || !agree("concatenate", x, count, dim)) {
        return NULL;
    }
    if (x[0]->ndim == 0) {
        return rlc__op_fail("concatenate", "tensors without dimensions have nothing to be joined along; use rlc_stack");
    }
    rlc_shape shape = rlc_shape_of(x[0]);
    for (int i = 1; i < count; i++) {
        shape.size[dim] += x[i]->shape[dim];
    }
    rlc_tensor *out = rlc__result(p, widest(x, count), shape.ndim, shape.size);
    return join(RLC_OP_concatenate, p, x, count, out, dim);
}

rlc_tensor *rlc_stack(rlc_tensor *const *x, int count, int dim) {
    rlc_program *p = start("stack", x, count);
    if (p == NULL || !agree("stack", x, count, -1)) {
        return NULL;
    }
    int ndim = x[0]->ndim;
    if (dim < -ndim - 1 || dim > ndim || ndim == RLC_MAX_DIMS) {
        return rlc__op_fail("stack", "dimension %d does not fit tensors of %d dimensions (at most %d)", dim, ndim,
                            RLC_MAX_DIMS);
    }
    dim = dim < 0 ? dim + ndim + 1 : dim;
    rlc_shape shape = {.ndim = ndim + 1};
    for (int i = 0, from = 0; i <= ndim; i++) {
        shape.size[i] = i == dim ? count : x[0]->shape[from++];
    }
    rlc_tensor *out = rlc__result(p, widest(x, count), shape.ndim, shape.size);
    return join(RLC_OP_stack, p, x, count, out, dim);
}

void rlc__gradient_concatenate(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    int dim = (int)node->p[1].i;
    int64_t at = 0;
    for (int i = 0; i < node->num_more; i++) {
        rlc_tensor *x = node->more[i];
        if (rlc__wants_gradient(p, x)) {
            rlc__accumulate(p, x, rlc_slice(g, dim, at, x->shape[dim]));
        }
        at += x->shape[dim];
    }
}

void rlc__gradient_stack(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    for (int i = 0; i < node->num_more; i++) {
        if (rlc__wants_gradient(p, node->more[i])) {
            rlc__accumulate(p, node->more[i], rlc_select(g, (int)node->p[1].i, i));
        }
    }
}
