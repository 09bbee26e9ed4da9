/* op_norm.c: layer and batch normalisation: elements standardised by the mean and the variance of their group, then
 * scaled and shifted.
 *
 * Both are one kernel over x as [outer, groups, inner]: a group is what has the same place in the middle. Of layer norm
 * that is a row, with outer 1; of batch norm a channel. Nodes say what function follows, RLC_IDENTITY or RLC_RELU, then `inner`.
 */
#include "core/record.h"
#include "core/update.h"

/* (x - mean) / sqrt(var + eps) with the biased variance, times weight, plus bias, which have a number a group; the bias may be NULL,
 * or both. Then the function. *mean and *var get those of the groups. */
static rlc_tensor *standardise(rlc_tensor *x, int64_t groups, int64_t inner, rlc_tensor *weight, rlc_tensor *bias,
                               double eps, rlc_activation activation, rlc_tensor **mean, rlc_tensor **var) {
    rlc_program *p = rlc_current();
    rlc_dtype dtype = (rlc_dtype)x->dtype;
    rlc_tensor **more = rlc__aux(p, 2 * sizeof *more), *out = rlc__result_like(p, dtype, x);
    *mean = rlc__result(p, dtype, 1, &groups);
    *var = rlc__result(p, dtype, 1, &groups);
    if (more == NULL || out == NULL || *mean == NULL || *var == NULL) {
        return NULL;
    }
    more[0] = *mean;
    more[1] = *var;
    *rlc__append(p) = (rlc_node){.op = RLC_OP_standardise,
                                 .out = out,
                                 .in = {x, weight, bias},
                                 .more = more,
                                 .num_more = 2,
                                 .p = {{.i = activation}, {.i = inner}, {.f = eps}}};
    return rlc__commit(p, dtype);
}

/* With y = (x - mean) / sqrt(var + eps): (g - mean of g - y mean of g y) weight / sqrt(var + eps); of the bias the sum of g, of the
 * weight that of g y. A function's own derivative comes first. */
void rlc__gradient_standardise(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    const rlc_dtype dtype = (rlc_dtype)g->dtype;
    const int64_t groups = node->more[0]->numel;
    const int count = node->in[2] != NULL ? 5 : 4;
    rlc_tensor **more = rlc__aux(p, 5 * sizeof *more), *out = rlc__result_like(p, dtype, node->out);
    rlc_tensor *bias = rlc__result(p, dtype, 1, &groups), *weight = rlc__result(p, dtype, 1, &groups);
    g = rlc_contiguous(g);
    if (more == NULL || out == NULL || bias == NULL || weight == NULL || g == NULL) {
        return;
    }
    more[0] = node->more[0];
    more[1] = node->more[1];
    more[2] = bias;
    more[3] = weight;
    more[4] = node->in[2];
    *rlc__append(p) = (rlc_node){.op = RLC_OP_standardise_grad,
                                 .out = out,
                                 .in = {g, node->in[0], node->in[1]},
                                 .more = more,
                                 .num_more = (uint16_t)count,
                                 .p = {node->p[0], node->p[1], node->p[2]}};
    out = rlc__commit(p, dtype);
    if (node->needs & 1) {
        rlc__accumulate_fresh(p, node->in[0], out);
    }
    if (node->needs & 2) {
        rlc__accumulate(p, node->in[1], weight);
    }
    if (node->needs & 4) {
        rlc__accumulate(p, node->in[2], bias);
    }
}

/* x factor + summand, which have a number a group, and then the function. */
static rlc_tensor *scale_shift(rlc_tensor *x, int64_t inner, rlc_tensor *factor, rlc_tensor *summand,
                               rlc_activation activation) {
    rlc_program *p = rlc_current();
    if (x == NULL || factor == NULL || summand == NULL) {
        return NULL;
    }
    rlc_tensor *out = rlc__result_like(p, (rlc_dtype)x->dtype, x);
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){
        .op = RLC_OP_scale_shift, .out = out, .in = {x, factor, summand}, .p = {{.i = activation}, {.i = inner}}};
    return rlc__commit(p, (rlc_dtype)x->dtype);
}

void rlc__gradient_scale_shift(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0], *factor = node->in[1];
    const int64_t groups = factor->numel, inner = node->p[1].i;
    const int64_t outer = groups * inner != 0 ? x->numel / (groups * inner) : 0;
    const rlc_shape grouped = RLC_SHAPE(outer, groups, inner), beside = RLC_SHAPE(groups, 1);
    if (node->p[0].i == RLC_RELU) {
        g = rlc_where(rlc_gt(node->out, rlc_scalar(0)), g, rlc_zeros((rlc_dtype)g->dtype, (rlc_shape){0}));
    }
    g = g != NULL ? rlc_reshape(g, grouped) : NULL;
    if (node->needs & 1) {
        rlc_tensor *gx = rlc_mul(g, rlc_reshape(factor, beside));
        rlc__accumulate(p, x, gx != NULL ? rlc_reshape(gx, rlc_shape_of(x)) : NULL);
    }
    if (node->needs & 2) {
        rlc__accumulate(p, factor, rlc_sum(rlc_sum(rlc_mul(g, rlc_reshape(x, grouped)), 2, false), 0, false));
    }
    if (node->needs & 4) {
        rlc__accumulate(p, node->in[2], rlc_sum(rlc_sum(g, 2, false), 0, false));
    }
}

/* y weight + bias, whichever there are. */
static rlc_tensor *scaled(rlc_tensor *y, rlc_tensor *weight, rlc_tensor *bias) {
    y = weight != NULL ? rlc_mul(y, weight) : y;
    return bias != NULL ? rlc_add(y, bias) : y;
}

/* Whether an operand that may be missing is of x's type and has the shape that is wanted. */
static bool fits(const char *op, const char *what, const rlc_tensor *t, const rlc_tensor *x, rlc_shape wanted) {
    if (t == NULL || (t->dtype == x->dtype && rlc_shape_equal(rlc_shape_of(t), wanted))) {
        return true;
    }
    char tt[RLC_SHAPE_TEXT], tw[RLC_SHAPE_TEXT], tx[RLC_SHAPE_TEXT];
    rlc__op_fail(op, "the %s is %s %s; for an input %s %s it must be %s %s", what, rlc_dtype_name((rlc_dtype)t->dtype),
                 rlc_shape_text(rlc_shape_of(t), tt), rlc_dtype_name((rlc_dtype)x->dtype),
                 rlc_shape_text(rlc_shape_of(x), tx), rlc_dtype_name((rlc_dtype)x->dtype), rlc_shape_text(wanted, tw));
    return false;
}

/* Whether x, not NULL, is of a float type and has so many dimensions. */
static bool can_be_normalised(const char *op, const rlc_tensor *x, int at_least) {
    if (rlc_dtype_is_float((rlc_dtype)x->dtype) && x->ndim >= at_least) {
        return true;
    }
    char text[RLC_SHAPE_TEXT];
    rlc__op_fail(op, "the input is %s %s; a float type and at least %d dimensions are needed",
                 rlc_dtype_name((rlc_dtype)x->dtype), rlc_shape_text(rlc_shape_of(x), text), at_least);
    return false;
}

rlc_tensor *rlc_layer_norm(rlc_tensor *x, int dims, rlc_tensor *weight, rlc_tensor *bias, double eps) {
    static const char op[] = "layer_norm";
    if (rlc__require_program(op) == NULL || x == NULL || !can_be_normalised(op, x, dims)) {
        return NULL;
    }
    if (dims < 1) {
        return rlc__op_fail(op, "the number of dimensions to normalise over must be at least 1, not %d", dims);
    }
    rlc_shape row = {.ndim = dims};
    int64_t inner = 1, groups = 1;
    for (int i = 0; i < x->ndim; i++) {
        const bool in_row = i >= x->ndim - dims;
        *(in_row ? &inner : &groups) *= x->shape[i];
        if (in_row) {
            row.size[i - (x->ndim - dims)] = x->shape[i];
        }
    }
    if (!fits(op, "weight", weight, x, row) || !fits(op, "bias", bias, x, row)) {
        return NULL;
    }
    rlc_tensor *mean, *var, *dense = rlc_contiguous(x);
    rlc_tensor *y =
        dense != NULL ? standardise(dense, groups, inner, NULL, NULL, eps, RLC_IDENTITY, &mean, &var) : NULL;
    return scaled(y, weight, bias);
}

/* running <- (1 - momentum) running + momentum of the batch, whose variance is unbiased there. */
static void follow(rlc_tensor *running_mean, rlc_tensor *running_var, rlc_tensor *mean, rlc_tensor *var,
                   double momentum, double count) {
    bool was = rlc_no_grad(true);
    rlc_lerp(running_mean, mean, momentum);
    rlc_lerp(running_var, rlc_mul_scalar(var, count / (count - 1)), momentum);
    rlc_no_grad(was);
}

void rlc__batch_norm_map(rlc_tensor *mean, rlc_tensor *var, rlc_tensor *weight, rlc_tensor *bias, double eps,
                         rlc_tensor **factor, rlc_tensor **summand) {
    rlc_tensor *f = rlc_rsqrt(rlc_add_scalar(var, eps));
    f = weight != NULL ? rlc_mul(f, weight) : f;
    rlc_tensor *s = rlc_neg(rlc_mul(mean, f));
    *factor = f;
    *summand = bias != NULL ? rlc_add(s, bias) : s;
}

/* What batch norm needs of its operands; x is not NULL. */
static bool is_sound(const rlc_program *p, const rlc_tensor *x, const rlc_tensor *running_mean,
                     const rlc_tensor *running_var, const rlc_tensor *weight, const rlc_tensor *bias, bool training) {
    static const char op[] = "batch_norm";
    if (!can_be_normalised(op, x, 2)) {
        return false;
    }
    const int64_t channels = x->shape[1], count = channels > 0 ? x->numel / channels : 0;
    const rlc_shape wanted = RLC_SHAPE(channels);
    if (!fits(op, "running mean", running_mean, x, wanted) || !fits(op, "running variance", running_var, x, wanted) ||
        !fits(op, "weight", weight, x, wanted) || !fits(op, "bias", bias, x, wanted)) {
        return false;
    }
    if ((running_mean == NULL) != (running_var == NULL) || (running_mean == NULL && !training)) {
        rlc__op_fail(op, "%s",
                     training ? "give both the running mean and the running variance, or neither"
                              : "outside of training it needs the running mean and variance");
        return false;
    }
    if (training && count < 2 && !p->shapes_only) { /* a build's shapes have as few rows as environments */
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "training needs more than one value a channel, but the input is %s",
                     rlc_shape_text(rlc_shape_of(x), text));
        return false;
    }
    return true;
}

rlc_tensor *rlc_batch_norm(rlc_tensor *x, rlc_tensor *running_mean, rlc_tensor *running_var, rlc_tensor *weight,
                           rlc_tensor *bias, bool training, double momentum, double eps, rlc_activation activation) {
    const rlc_activation fused = activation == RLC_RELU ? RLC_RELU : RLC_IDENTITY;
    rlc_program *p = rlc__require_program("batch_norm");
    if (p == NULL || x == NULL || !is_sound(p, x, running_mean, running_var, weight, bias, training) ||
        (x = rlc_contiguous(x)) == NULL) {
        return NULL;
    }
    const int64_t channels = x->shape[1], count = channels > 0 ? x->numel / channels : 0;
    const int64_t inner = count / (x->shape[0] > 0 ? x->shape[0] : 1);
    rlc_tensor *mean, *var, *y;
    if (training) {
        if (weight == NULL && bias != NULL) { /* no operand follows a gap */
            weight = rlc_ones((rlc_dtype)x->dtype, RLC_SHAPE(channels));
        }
        y = standardise(x, channels, inner, rlc_contiguous(weight), rlc_contiguous(bias), eps, fused, &mean, &var);
    } else {
        rlc_tensor *factor, *summand;
        rlc__batch_norm_map(running_mean, running_var, weight, bias, eps, &factor, &summand);
        y = scale_shift(x, inner, factor, summand, fused);
    }
    if (training && running_mean != NULL && y != NULL) {
        follow(running_mean, running_var, mean, var, momentum, (double)count);
    }
    return activation == fused ? y : rlc_activate(y, activation);
}
