/* delta.c: Delta and TanhDelta: all probability on one point, a deterministic policy in a distribution's clothes. */
#include "modules/normal.h"

typedef struct Delta {
    rlc_distribution_family base;
    double atol, rtol;
} Delta;

static const rlc_option delta_options[] = {
    RLC_FLOAT(Delta, atol, 1e-6, 0, 1e30, "how near a value must be to count as the point"),
    RLC_FLOAT(Delta, rtol, 1e-6, 0, 1e30, "the same, relative to the point"),
    {0},
};

static rlc_tensor *delta_sample(rlc_distribution *d, rlc_stream *stream) {
    (void)stream;
    return d->parameter[0];
}

static rlc_tensor *delta_choice(rlc_distribution *d) {
    return d->parameter[0];
}

/* Infinite on the point, minus infinity elsewhere, as TorchRL's Delta. */
static rlc_tensor *point_log_prob(rlc_tensor *point, rlc_tensor *value, double atol, double rtol) {
    rlc_tensor *room = rlc_add_scalar(rlc_mul_scalar(rlc_abs(point), rtol), atol);
    rlc_tensor *hit = rlc_all(rlc_le(rlc_absolute_error(value, point), room), -1, false);
    return rlc_where(hit, rlc_scalar((double)INFINITY), rlc_scalar((double)-INFINITY));
}

static rlc_tensor *delta_log_prob(rlc_distribution *d, rlc_tensor *value) {
    const Delta *f = (const Delta *)d->family;
    return point_log_prob(d->parameter[0], value, f->atol, f->rtol);
}

static rlc_tensor *no_entropy(rlc_distribution *d, rlc_stream *stream) {
    (void)stream;
    return d->parameter[0] != NULL ? rlc_mul_scalar(rlc_sum(d->parameter[0], -1, false), 0) : NULL;
}

const rlc_distribution_class rlc_delta_class = {
    .base = RLC_CLASS("distribution", Delta, .doc = "one point: a deterministic policy", .options = delta_options),
    .keys = {"param"},
    .num_required = 1,
    .sample = delta_sample,
    .deterministic = delta_choice,
    .mode = delta_choice,
    .mean = delta_choice,
    .log_prob = delta_log_prob,
    .entropy = no_entropy,
};

typedef bounded TanhDelta;

static const rlc_option bound_options[] = {BOUNDS, {0}};

static rlc_tensor *tanh_delta_choice(rlc_distribution *d) {
    return stretch(bounds_of(d), rlc_tanh(d->parameter[0]));
}

static rlc_tensor *tanh_delta_sample(rlc_distribution *d, rlc_stream *stream) {
    (void)stream;
    return tanh_delta_choice(d);
}

static rlc_tensor *tanh_delta_log_prob(rlc_distribution *d, rlc_tensor *value) {
    return point_log_prob(tanh_delta_choice(d), value, 1e-6, 1e-6);
}

const rlc_distribution_class rlc_tanh_delta_class = {
    .base = RLC_CLASS("distribution", TanhDelta, .doc = "one point, squashed by tanh into the action's bounds",
                      .options = bound_options),
    .keys = {"param"},
    .num_required = 1,
    .init = bounded_init,
    .sample = tanh_delta_sample,
    .deterministic = tanh_delta_choice,
    .mode = tanh_delta_choice,
    .mean = tanh_delta_choice,
    .log_prob = tanh_delta_log_prob,
    .entropy = no_entropy,
};
