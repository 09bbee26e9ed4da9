/* categorical.c: distributions over discrete actions, from logits: Categorical writes them as numbers, OneHotCategorical as
 * one-hot vectors, the masked ones never choose an action whose mask is false.
 */
#include <math.h>

#include "modules/distribution.h"

typedef rlc_distribution_family Categorical;
typedef rlc_distribution_family OneHotCategorical;
typedef rlc_distribution_family MaskedCategorical;
typedef rlc_distribution_family MaskedOneHotCategorical;

/* A masked action has no chance: its logit is as low as a float can be and leave a softmax finite. */
static void prepare(rlc_distribution *d) {
    if (d->parameter[1] != NULL) {
        d->parameter[0] = rlc_where(d->parameter[1], d->parameter[0], rlc_scalar(-1e30));
    }
}

static rlc_tensor *draw(rlc_distribution *d, rlc_stream *stream) {
    return rlc_random_categorical(stream, d->parameter[0]);
}

static rlc_tensor *most_likely(rlc_distribution *d) {
    return rlc_argmax(d->parameter[0], -1, false);
}

static rlc_tensor *one_hot(const rlc_distribution *d, rlc_tensor *index) {
    return rlc_one_hot(index, rlc_size(d->parameter[0], -1));
}

static rlc_tensor *draw_one_hot(rlc_distribution *d, rlc_stream *stream) {
    return one_hot(d, d->raw = draw(d, stream));
}

static rlc_tensor *most_likely_one_hot(rlc_distribution *d) {
    return one_hot(d, most_likely(d));
}

static rlc_tensor *log_prob(rlc_distribution *d, rlc_tensor *index) {
    return rlc_squeeze(rlc_gather(rlc_distribution_log_probs(d), -1, rlc_unsqueeze(index, -1)), -1);
}

/* The index of the last sample is known; any other vector is searched for its one. */
static rlc_tensor *log_prob_one_hot(rlc_distribution *d, rlc_tensor *value) {
    return log_prob(d, value == d->drawn && d->raw != NULL ? d->raw : rlc_argmax(value, -1, false));
}

/* - sum p log p */
static rlc_tensor *entropy(rlc_distribution *d, rlc_stream *stream) {
    (void)stream;
    rlc_tensor *log_p = rlc_distribution_log_probs(d);
    return rlc_neg(rlc_sum(rlc_mul(rlc_exp(log_p), log_p), -1, false));
}

static rlc_tensor *kl(rlc_distribution *p, rlc_distribution *q) {
    rlc_tensor *log_p = rlc_distribution_log_probs(p), *log_q = rlc_distribution_log_probs(q);
    return rlc_sum(rlc_mul(rlc_exp(log_p), rlc_sub(log_p, log_q)), -1, false);
}

/* A policy that writes its actions otherwise than the environment reads them is refused when it is built. */
static bool fits(const char *what, const rlc_spec *action, rlc_spec_kind kind, const char *better) {
    if (action->kind == kind || !rlc_spec_is_discrete(action)) {
        return true;
    }
    char text[RLC_SHAPE_TEXT + 64];
    rlc_fail(RLC_INVALID, "%s: the environment reads %s actions; use %s, or change env.action_encoding", what,
             rlc_spec_text(action, text), better);
    return false;
}

static bool fits_numbers(rlc_distribution_family *self, const char *what, const rlc_spec *action) {
    (void)self;
    return fits(what, action, RLC_SPEC_CATEGORICAL, "OneHotCategorical");
}

static bool fits_one_hot(rlc_distribution_family *self, const char *what, const rlc_spec *action) {
    (void)self;
    return fits(what, action, RLC_SPEC_ONE_HOT, "Categorical");
}

#define INDEX                                                                                                          \
    .discrete = true, .prepare = prepare, .init = fits_numbers, .sample = draw, .deterministic = most_likely,          \
    .mode = most_likely, .log_prob = log_prob, .entropy = entropy, .kl = kl
#define ONE_HOT                                                                                                        \
    .discrete = true, .prepare = prepare, .init = fits_one_hot, .sample = draw_one_hot,                                \
    .deterministic = most_likely_one_hot, .mode = most_likely_one_hot, .log_prob = log_prob_one_hot,                   \
    .entropy = entropy, .kl = kl

const rlc_distribution_class rlc_categorical_class = {
    .base = RLC_CLASS("distribution", Categorical, .doc = "one of n actions, as a number"),
    .keys = {"logits"},
    .num_required = 1,
    INDEX,
};

const rlc_distribution_class rlc_one_hot_categorical_class = {
    .base = RLC_CLASS("distribution", OneHotCategorical, .doc = "one of n actions, as a one-hot vector"),
    .keys = {"logits"},
    .num_required = 1,
    ONE_HOT,
};

const rlc_distribution_class rlc_masked_categorical_class = {
    .base = RLC_CLASS("distribution", MaskedCategorical, .doc = "one of the actions whose mask is true, as a number"),
    .keys = {"logits", "mask"},
    .num_required = 2,
    INDEX,
};

const rlc_distribution_class rlc_masked_one_hot_categorical_class = {
    .base = RLC_CLASS("distribution", MaskedOneHotCategorical,
                      .doc = "one of the actions whose mask is true, as a one-hot vector"),
    .keys = {"logits", "mask"},
    .num_required = 2,
    ONE_HOT,
};
