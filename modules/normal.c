/* normal.c: Normal, a Gaussian for each element of an action. */
#include "modules/normal.h"

typedef struct Normal {
    rlc_distribution_family base;
} Normal;

static rlc_tensor *normal_sample(rlc_distribution *d, rlc_stream *stream) {
    return d->raw = draw(d, stream);
}

static rlc_tensor *normal_choice(rlc_distribution *d) {
    return loc_of(d);
}

static rlc_tensor *normal_log_prob(rlc_distribution *d, rlc_tensor *value) {
    return sum_event(density(d, value), 0);
}

/* 1/2 + log(2 pi) / 2 + log scale, whatever loc is; the scale may be one for the whole batch. */
static rlc_tensor *normal_entropy(rlc_distribution *d, rlc_stream *stream) {
    (void)stream;
    rlc_tensor *loc = loc_of(d), *log_scale = rlc_log(scale_of(d));
    return loc != NULL ? sum_event(rlc_expand(log_scale, rlc_shape_of(loc)), 0.5 + 0.5 * LOG_2PI) : NULL;
}

/* log(sq / sp) + (sp^2 + (mp - mq)^2) / (2 sq^2) - 1/2 */
static rlc_tensor *normal_kl(rlc_distribution *p, rlc_distribution *q) {
    rlc_tensor *ratio = rlc_square(rlc_div(scale_of(p), scale_of(q)));
    rlc_tensor *shift = rlc_square(rlc_div(rlc_sub(loc_of(p), loc_of(q)), scale_of(q)));
    rlc_tensor *sum = rlc_sub(rlc_add(shift, ratio), rlc_log(ratio));
    return sum_event(rlc_mul_scalar(sum, 0.5), -0.5);
}

const rlc_distribution_class rlc_normal_class = {
    .base = RLC_CLASS("distribution", Normal, .doc = "a Gaussian for each element of an action"),
    .keys = {"loc", "scale"},
    .num_required = 2,
    .sample = normal_sample,
    .deterministic = normal_choice,
    .mode = normal_choice,
    .mean = normal_choice,
    .log_prob = normal_log_prob,
    .entropy = normal_entropy,
    .kl = normal_kl,
};
