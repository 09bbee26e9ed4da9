/* op_matrix.c: matrix products, alone and as layers with bias and activation. */
#include "core/matrix.h"

#include <string.h>

#include "core/record.h"

/* A matrix as the kernel wants it: rows of contiguous elements, or the transpose of such. Anything else is copied. */
static rlc_tensor *as_rows(rlc_tensor *x, bool *transposed) {
    int m = x->ndim - 2, n = x->ndim - 1;
    *transposed = x->ndim == 2 && !(x->flags & RLC_CONTIGUOUS) && x->stride[m] == 1 && x->stride[n] == x->shape[m];
    return *transposed ? x : rlc_contiguous(x);
}

/* The product of all but the last `inner` dimensions. */
static int64_t leading(const rlc_tensor *x, int inner) {
    int64_t product = 1;
    for (int i = 0; i < x->ndim - inner; i++) {
        product *= x->shape[i];
    }
    return product;
}

/* out (+)= a b, with a and b transposed or not; batches as in `batch`. A node with in[2], the value of the activation in p[0],
 * then multiplies out by the activation's derivative. */
static rlc_tensor *gemm(rlc_program *p, rlc_tensor *out, rlc_tensor *a, rlc_tensor *b, rlc_gemm_aux aux) {
    rlc_gemm_aux *kept = rlc__aux(p, sizeof *kept);
    if (out == NULL || kept == NULL) {
        return NULL;
    }
    *kept = aux;
    kept->precision = (uint8_t)p->precision;
    *rlc__append(p) = (rlc_node){.op = RLC_OP_gemm, .out = out, .in = {a, b}, .aux = kept, .aux_size = sizeof *kept};
    return rlc__commit(p, (rlc_dtype)out->dtype);
}

static rlc_tensor *misfit(const char *op, const rlc_tensor *a, const rlc_tensor *b, const char *why) {
    char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    return rlc__op_fail(op, "shapes %s and %s do not fit: %s", rlc_shape_text(rlc_shape_of(a), ta),
                        rlc_shape_text(rlc_shape_of(b), tb), why);
}

/* x with leading dimensions as in `leading`, its last two as they are. */
static rlc_tensor *spread(rlc_tensor *x, rlc_shape leading) {
    leading.size[leading.ndim] = rlc_size(x, -2);
    leading.size[leading.ndim + 1] = rlc_size(x, -1);
    leading.ndim += 2;
    return rlc_contiguous(rlc_expand(x, leading));
}

/* Leading dimensions that differ broadcast; the operands are copied out to what they become. */
static rlc_tensor *broadcast(rlc_tensor *a, rlc_tensor *b) {
    rlc_shape leading = {.ndim = (a->ndim > b->ndim ? a->ndim : b->ndim) - 2};
    for (int i = 0; i < leading.ndim; i++) {
        int ia = i - (leading.ndim + 2 - a->ndim), ib = i - (leading.ndim + 2 - b->ndim);
        int64_t sa = ia < 0 ? 1 : a->shape[ia], sb = ib < 0 ? 1 : b->shape[ib];
        if (sa != sb && sa != 1 && sb != 1) {
            return misfit("matmul", a, b, "leading dimensions must be equal, or 1 or absent on one side");
        }
        leading.size[i] = sa == 1 ? sb : sa;
    }
    return rlc_matmul(spread(a, leading), spread(b, leading));
}

/* A vector is a row on the left and a column on the right; the result does not have that dimension. */
static rlc_tensor *vectors(rlc_tensor *a, rlc_tensor *b) {
    if (a->ndim == 0 || b->ndim == 0) {
        return misfit("matmul", a, b, "both need at least one dimension");
    }
    if (rlc_size(a, -1) != rlc_size(b, b->ndim == 1 ? 0 : -2)) {
        return misfit("matmul", a, b, "the columns of the first must be as many as the rows of the second");
    }
    rlc_tensor *out = rlc_matmul(a->ndim == 1 ? rlc_unsqueeze(a, 0) : a, b->ndim == 1 ? rlc_unsqueeze(b, 1) : b);
    out = a->ndim == 1 ? rlc_squeeze(out, -2) : out;
    return b->ndim == 1 ? rlc_squeeze(out, -1) : out;
}

rlc_tensor *rlc_matmul(rlc_tensor *a, rlc_tensor *b) {
    rlc_program *p = rlc__require_program("matmul");
    if (p == NULL || a == NULL || b == NULL) {
        return NULL;
    }
    if (a->ndim < 2 || b->ndim < 2) {
        return vectors(a, b);
    }
    if (a->dtype != b->dtype || !rlc_dtype_is_float((rlc_dtype)a->dtype)) {
        return rlc__op_fail("matmul", "needs two tensors of one float type, got %s and %s",
                            rlc_dtype_name((rlc_dtype)a->dtype), rlc_dtype_name((rlc_dtype)b->dtype));
    }
    int64_t m = rlc_size(a, -2), k = rlc_size(a, -1), n = rlc_size(b, -1);
    if (rlc_size(b, -2) != k) {
        return misfit("matmul", a, b, "the columns of the first must be as many as the rows of the second");
    }
    rlc_shape shape = rlc_shape_of(a->ndim >= b->ndim ? a : b);
    int64_t batch_a = leading(a, 2), batch_b = leading(b, 2);
    bool same = a->ndim == b->ndim && memcmp(a->shape, b->shape, (a->ndim - 2u) * sizeof a->shape[0]) == 0;
    if (!same && a->ndim > 2 && b->ndim > 2) {
        return broadcast(a, b);
    }
    shape.size[shape.ndim - 2] = m;
    shape.size[shape.ndim - 1] = n;
    bool ta, tb;
    a = as_rows(a, &ta);
    b = as_rows(b, &tb);
    if (a == NULL || b == NULL) {
        return NULL;
    }
    rlc_tensor *out = rlc__result(p, (rlc_dtype)a->dtype, shape.ndim, shape.size);
    rlc_gemm_aux aux = {.m = m, .n = n, .k = k, .batch = a->ndim > 2 ? batch_a : batch_b, .ta = ta, .tb = tb};
    aux.step_a = a->ndim > 2 ? m * k : 0;
    aux.step_b = b->ndim > 2 ? k * n : 0;
    if (a->ndim > 2 && b->ndim == 2) { /* one matrix for all rows of the batch: one tall product */
        aux.m = m * aux.batch;
        aux.batch = 1;
    }
    return gemm(p, out, a, b, aux);
}

void rlc__gradient_gemm(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *a = node->in[0], *b = node->in[1];
    if (node->needs & 1) {
        rlc__accumulate(p, a, rlc_matmul(g, rlc_transpose(b, -1, -2)));
    }
    if (node->needs & 2) {
        if (b->ndim == 2 && a->ndim > 2) { /* b served the whole batch */
            a = rlc_flatten(a, 0, -2);
            g = rlc_flatten(g, 0, -2);
        }
        rlc__accumulate(p, b, rlc_matmul(rlc_transpose(a, -1, -2), g));
    }
}

rlc_tensor *rlc_affine(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_activation activation) {
    rlc_program *p = rlc__require_program("linear");
    if (p == NULL || x == NULL || weight == NULL) {
        return NULL;
    }
    if (x->ndim < 1 || weight->ndim != 2 || rlc_size(x, -1) != weight->shape[1]) {
        return misfit("linear", x, weight, "the last dimension of the input must be the weight's second");
    }
    if (bias != NULL && (bias->ndim != 1 || bias->shape[0] != weight->shape[0])) {
        return misfit("linear", weight, bias, "the bias must have one number for each row of the weight");
    }
    if (x->dtype != weight->dtype || (bias != NULL && bias->dtype != weight->dtype)) {
        const rlc_tensor *other = x->dtype != weight->dtype ? x : bias;
        return rlc__op_fail("linear", "the %s is %s, the weight %s; cast one of them", other == x ? "input" : "bias",
                            rlc_dtype_name((rlc_dtype)other->dtype), rlc_dtype_name((rlc_dtype)weight->dtype));
    }
    if (!(x->flags & weight->flags & (bias != NULL ? bias->flags : RLC_CONTIGUOUS) & RLC_CONTIGUOUS)) {
        x = rlc_contiguous(x);
        weight = rlc_contiguous(weight);
        bias = rlc_contiguous(bias);
        if (x == NULL || weight == NULL) {
            return NULL;
        }
    }
    int64_t size[RLC_MAX_DIMS];
    for (int i = 0; i < x->ndim - 1; i++) {
        size[i] = x->shape[i];
    }
    size[x->ndim - 1] = weight->shape[0];
    rlc_tensor *out = rlc__result(p, (rlc_dtype)x->dtype, x->ndim, size);
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){
        .op = RLC_OP_linear, .out = out, .in = {x, weight, bias}, .p = {{.i = activation}, {.i = p->precision}}};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}

static rlc_tensor *identity(rlc_tensor *x) {
    return x;
}

static rlc_tensor *elu(rlc_tensor *x) {
    return rlc_elu(x, 1);
}

rlc_tensor *rlc_activate(rlc_tensor *x, rlc_activation activation) {
    static rlc_tensor *(*const functions[RLC_ACTIVATION_COUNT])(rlc_tensor *) = {identity, rlc_relu, rlc_tanh,
                                                                                 rlc_sigmoid, elu};
    return functions[activation](x);
}

/* Adds a product to what `operand` has as gradient; a root's buffer takes it without a detour. */
static void accumulate_product(rlc_program *p, rlc_tensor *operand, rlc_tensor *a, rlc_tensor *b, rlc_gemm_aux aux) {
    if (operand->program == NULL) {
        rlc_tensor *grad = rlc__root_gradient(operand, &aux.accumulate);
        gemm(p, grad, a, b, aux);
    } else {
        rlc_tensor *g = gemm(p, rlc__result_like(p, (rlc_dtype)operand->dtype, operand), a, b, aux);
        if (g != NULL) {
            g->flags |= RLC_OWN_PRODUCT;
        }
        rlc__accumulate(p, operand, g);
    }
}

/* Where the product that computes g was recorded just now, it multiplies on its way out. */
rlc_tensor *rlc__activation_gradient(rlc_program *p, rlc_tensor *g, rlc_tensor *y, rlc_activation activation) {
    if (activation == RLC_IDENTITY) {
        return g;
    }
    rlc_node *last = p->num_nodes > p->num_run ? &p->nodes[p->num_nodes - 1] : NULL;
    if (last != NULL && last->out == g && last->op == RLC_OP_gemm && (g->flags & RLC_OWN_PRODUCT)) {
        g->flags &= (uint8_t)~RLC_OWN_PRODUCT;
        last->in[2] = y;
        last->p[0].i = activation;
        return g;
    }
    rlc_tensor *gz = rlc__result_like(p, (rlc_dtype)g->dtype, g);
    *rlc__append(p) = (rlc_node){.op = RLC_OP_activation_grad, .out = gz, .in = {g, y}, .p = {{.i = activation}}};
    return rlc__commit(p, (rlc_dtype)y->dtype);
}

/* With z = x W^T + b, y = f(z) and gz = g f'(z):  dx = gz W,  dW = gz^T x,  db = the sum of gz over rows. */
void rlc__gradient_linear(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0], *weight = node->in[1], *bias = node->in[2];
    int64_t out = weight->shape[0], in = weight->shape[1], rows = leading(x, 1);
    g = rlc_contiguous(g);
    g = g != NULL ? rlc__activation_gradient(p, g, node->out, (rlc_activation)node->p[0].i) : NULL;
    if (g == NULL) {
        return;
    }
    if (node->needs & 2) {
        accumulate_product(p, weight, g, x, (rlc_gemm_aux){.m = out, .n = in, .k = rows, .batch = 1, .ta = true});
    }
    if (node->needs & 4) {
        rlc__accumulate_fresh(p, bias, rlc_sum(rlc_reshape(g, RLC_SHAPE(rows, out)), 0, false));
    }
    if (node->needs & 1) {
        accumulate_product(p, x, g, weight, (rlc_gemm_aux){.m = rows, .n = in, .k = out, .batch = 1});
    }
}
