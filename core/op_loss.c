/* op_loss.c: losses of classifications, for each element of the batch. */
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
