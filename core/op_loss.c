/* op_loss.c: losses of classifications: for each element of the batch, and weighted and reduced. */
#include "core/record.h"

/* Classes stand in dimension 1, or 0 of a single row, as PyTorch has it. */
static int class_dimension(const rlc_tensor *x) {
    return x->ndim > 1 ? 1 : 0;
}

/* x's shape without the dimension of classes is the target's. */
static bool fits(const char *op, const rlc_tensor *x, const rlc_tensor *target) {
    bool same = target->ndim == x->ndim - 1;
    for (int i = 0; i < target->ndim && same; i++) {
        same = target->shape[i] == x->shape[i < class_dimension(x) ? i : i + 1];
    }
    if (!same) {
        char tx[RLC_SHAPE_TEXT], tt[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "targets of shape %s do not fit an input of shape %s, whose dimension %d is that of classes",
                     rlc_shape_text(rlc_shape_of(target), tt), rlc_shape_text(rlc_shape_of(x), tx), class_dimension(x));
    }
    return same;
}

rlc_tensor *rlc_nll(rlc_tensor *log_probability, rlc_tensor *target) {
    if (rlc__require_program("nll") == NULL || log_probability == NULL || target == NULL ||
        !fits("nll", log_probability, target)) {
        return NULL;
    }
    int dim = class_dimension(log_probability);
    return rlc_neg(rlc_squeeze(rlc_gather(log_probability, dim, rlc_unsqueeze(target, dim)), dim));
}

rlc_tensor *rlc_cross_entropy(rlc_tensor *logits, rlc_tensor *target) {
    if (rlc__require_program("cross_entropy") == NULL || logits == NULL || target == NULL) {
        return NULL;
    }
    if (logits->ndim == 0) {
        return rlc__op_fail("cross_entropy", "the input has no dimension of classes");
    }
    int dim = class_dimension(logits);
    rlc_tensor *log_probability = rlc_log_softmax(logits, dim);
    if (rlc_dtype_is_float((rlc_dtype)target->dtype) && rlc__same_shape(logits, target)) {
        return rlc_neg(rlc_sum(rlc_mul(target, log_probability), dim, false));
    }
    return fits("cross_entropy", logits, target) ? rlc_nll(log_probability, target) : NULL;
}

static rlc_tensor *reduced(rlc_tensor *loss, rlc_reduction reduction) {
    return reduction == RLC_REDUCE_NONE   ? loss
           : reduction == RLC_REDUCE_MEAN ? rlc_mean(loss, RLC_ALL, false)
                                          : rlc_sum(loss, RLC_ALL, false);
}

/* Whether there is a weight for each class of the input. */
static bool weighs(const char *op, const rlc_tensor *weight, const rlc_tensor *x) {
    const int64_t classes = x->ndim > 0 ? x->shape[class_dimension(x)] : 0;
    if (weight == NULL || (weight->ndim == 1 && weight->shape[0] == classes)) {
        return true;
    }
    char text[RLC_SHAPE_TEXT];
    rlc__op_fail(op, "the weight has shape %s; one number for each of the %lld classes is needed",
                 rlc_shape_text(rlc_shape_of(weight), text), (long long)classes);
    return false;
}

/* The loss of each element times its class's weight, reduced. Weights are constants. */
static rlc_tensor *weighted(rlc_tensor *loss, rlc_tensor *target, rlc_tensor *weight, rlc_reduction reduction) {
    if (weight == NULL) {
        return reduced(loss, reduction);
    }
    rlc_tensor *of_targets = rlc_take(rlc_detach(weight), 0, target);
    loss = rlc_mul(loss, of_targets);
    return reduction == RLC_REDUCE_MEAN ? rlc_div(rlc_sum(loss, RLC_ALL, false), rlc_sum(of_targets, RLC_ALL, false))
                                        : reduced(loss, reduction);
}

rlc_tensor *rlc_nll_loss(rlc_tensor *log_probability, rlc_tensor *target, rlc_tensor *weight, rlc_reduction reduction) {
    rlc_tensor *loss = rlc_nll(log_probability, target);
    return loss != NULL && weighs("nll_loss", weight, log_probability) ? weighted(loss, target, weight, reduction)
                                                                       : NULL;
}

/* Probabilities as targets weigh class by class, and a mean is then one over the elements. */
rlc_tensor *rlc_cross_entropy_loss(rlc_tensor *logits, rlc_tensor *target, rlc_tensor *weight,
                                   rlc_reduction reduction) {
    if (weight == NULL) {
        return reduced(rlc_cross_entropy(logits, target), reduction);
    }
    if (rlc__require_program("cross_entropy_loss") == NULL || logits == NULL || target == NULL ||
        !weighs("cross_entropy_loss", weight, logits)) {
        return NULL;
    }
    if (!rlc_dtype_is_float((rlc_dtype)target->dtype)) {
        return weighted(rlc_cross_entropy(logits, target), target, weight, reduction);
    }
    rlc_shape shape = {.ndim = logits->ndim - class_dimension(logits), .size = {weight->shape[0]}};
    for (int i = 1; i < shape.ndim; i++) {
        shape.size[i] = 1;
    }
    return reduced(rlc_cross_entropy(logits, rlc_mul(target, rlc_reshape(rlc_detach(weight), shape))), reduction);
}

/* Broadcasting would hide a target of another shape, and count it more than once. */
static bool same_shape(const char *op, const rlc_tensor *x, const rlc_tensor *target) {
    if (rlc__same_shape(x, target)) {
        return true;
    }
    char tx[RLC_SHAPE_TEXT], tt[RLC_SHAPE_TEXT];
    rlc__op_fail(op, "targets of shape %s do not fit an input of shape %s: the two must be the same",
                 rlc_shape_text(rlc_shape_of(target), tt), rlc_shape_text(rlc_shape_of(x), tx));
    return false;
}

static rlc_tensor *binary(rlc_tensor *loss, rlc_tensor *weight, rlc_reduction reduction) {
    return reduced(weight != NULL ? rlc_mul(loss, weight) : loss, reduction);
}

rlc_tensor *rlc_binary_cross_entropy(rlc_tensor *probability, rlc_tensor *target, rlc_tensor *weight,
                                     rlc_reduction reduction) {
    static const char op[] = "binary_cross_entropy";
    if (rlc__require_program(op) == NULL || probability == NULL || target == NULL ||
        !same_shape(op, probability, target)) {
        return NULL;
    }
    return binary(rlc_bce(probability, target), weight, reduction);
}

/* With w = pos_weight: (1 - t) x + (1 + (w - 1) t) softplus(-x). */
rlc_tensor *rlc_binary_cross_entropy_with_logits(rlc_tensor *logits, rlc_tensor *target, rlc_tensor *weight,
                                                 rlc_tensor *pos_weight, rlc_reduction reduction) {
    static const char op[] = "binary_cross_entropy_with_logits";
    if (rlc__require_program(op) == NULL || logits == NULL || target == NULL || !same_shape(op, logits, target)) {
        return NULL;
    }
    if (pos_weight == NULL) {
        return binary(rlc_bce_with_logits(logits, target), weight, reduction);
    }
    rlc_tensor *share = rlc_add_scalar(rlc_mul(rlc_add_scalar(pos_weight, -1), target), 1);
    rlc_tensor *no = rlc_mul(rlc_add_scalar(rlc_neg(target), 1), logits);
    return binary(rlc_add(no, rlc_mul(share, rlc_softplus(rlc_neg(logits)))), weight, reduction);
}
