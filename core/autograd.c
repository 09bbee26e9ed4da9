/* autograd.c: the backward walk. The rules themselves stand beside the ops they belong to. */
#include "core/record.h"

static void check_scalar(const rlc_tensor *loss) {
    char text[RLC_SHAPE_TEXT];
    if (loss->program != NULL && loss->program != rlc_current()) {
        rlc__op_fail("rlc_backward", "the tensor belongs to another program, '%s'", loss->program->name);
    } else if (loss->program != NULL && loss->generation != loss->program->generation) {
        rlc__op_fail("rlc_backward", "the tensor is from before the last rlc_begin of program '%s'",
                     loss->program->name);
    } else if (loss->numel != 1) {
        rlc__op_fail("rlc_backward",
                     "needs a tensor with one element, got shape %s; reduce it first, with rlc_mean say",
                     rlc_shape_text(rlc_shape_of(loss), text));
    } else if (!(loss->flags & RLC_REQUIRES_GRAD) || loss->node < 0) {
        rlc__op_fail("rlc_backward", "the tensor does not depend on anything that requires a gradient");
    }
}

void rlc_backward(rlc_tensor *loss) {
    rlc_program *p = rlc__require_program("rlc_backward");
    if (p == NULL || loss == NULL) {
        return;
    }
    check_scalar(loss);
    if (p->status != RLC_OK || p->shapes_only) {
        return;
    }
    bool was = rlc_no_grad(true);
    const char *where = p->where;
    loss->grad = rlc_full((rlc_dtype)loss->dtype, rlc_shape_of(loss), 1);
    for (int i = loss->node; i >= 0 && p->status == RLC_OK; i--) {
        rlc_node node = p->nodes[i]; /* a copy: the list may move as gradient nodes are appended */
        rlc_tensor *g = node.needs != 0 ? node.out->grad : NULL;
        rlc_gradient *gradient = rlc__gradients[node.op];
        if (g == NULL || gradient == NULL) {
            continue;
        }
        p->where = node.where;
        node.out->grad = NULL; /* kept for roots only, so that a second backward() starts anew */
        /* some operands may now share it: nobody adds to it in place, and only what needs it alone changes its node */
        g->flags &= (uint8_t) ~(node.op == RLC_OP_linear ? RLC_OF_PARTS : RLC_OF_PARTS | RLC_OWN_PRODUCT);
        gradient(p, &node, g);
    }
    p->where = where;
    rlc_no_grad(was);
}

rlc_tensor *rlc__root_gradient(rlc_tensor *root, bool *accumulate) {
    *accumulate = root->flags & RLC_HAS_GRAD;
    root->flags |= RLC_HAS_GRAD;
    return root->grad;
}

void rlc__accumulate(rlc_program *p, rlc_tensor *operand, rlc_tensor *g) {
    (void)p;
    g = rlc__sum_to(g, operand);
    if (g == NULL) {
        return;
    }
    if (operand->program != NULL) {
        operand->grad = operand->grad != NULL ? rlc_add(operand->grad, g) : g;
        return;
    }
    bool accumulate;
    rlc_tensor *grad = rlc__root_gradient(operand, &accumulate);
    rlc_assign(grad, accumulate ? rlc_add(grad, g) : g);
}

void rlc__accumulate_fresh(rlc_program *p, rlc_tensor *operand, rlc_tensor *g) {
    bool first = operand->program == NULL && !(operand->flags & RLC_HAS_GRAD);
    if (first && g != NULL && rlc__redirect(p, g, operand->grad)) {
        operand->flags |= RLC_HAS_GRAD;
    } else {
        rlc__accumulate(p, operand, g);
    }
}

void rlc_zero_grad(rlc_tensor *root) {
    if (root != NULL) {
        root->flags &= (uint8_t)~RLC_HAS_GRAD;
    }
}
