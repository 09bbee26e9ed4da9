/* truncated_normal.c: TruncatedNormal, a Gaussian of which only what lies within the bounds of the action counts. */
#include "modules/normal.h"

typedef bounded TruncatedNormal;

static const rlc_option bound_options[] = {BOUNDS, {0}};

/* Phi(z), and the standardised bounds. */
static rlc_tensor *cumulative(rlc_tensor *z) {
    return rlc_add_scalar(rlc_mul_scalar(rlc_erf(rlc_mul_scalar(z, M_SQRT1_2)), 0.5), 0.5);
}

static rlc_tensor *standardised(const rlc_distribution *d, double bound) {
    return rlc_div(rlc_add_scalar(rlc_neg(loc_of(d)), bound), scale_of(d));
}

/* The probability between the bounds, kept above 0. */
static rlc_tensor *inside(const rlc_distribution *d) {
    const bounded *b = bounds_of(d);
    rlc_tensor *mass = rlc_sub(cumulative(standardised(d, b->high)), cumulative(standardised(d, b->low)));
    return rlc_clamp(mass, 1e-6, 1);
}

/* Drawn until inside would need a host read; the inverse of Phi by a quantile of the normal (Giles, "Approximating the
 * erfinv function", GPU Computing Gems 2, 2011, single precision) maps a uniform share of the mass inside. */
static rlc_tensor *quantile(rlc_tensor *share) {
    static const double centre[] = {2.81022636e-08,  3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                                    -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
    static const double tail[] = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                                  -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
    rlc_tensor *x = rlc_add_scalar(rlc_mul_scalar(share, 2), -1);
    x = rlc_clamp(x, -0.9999999, 0.9999999);
    rlc_tensor *w = rlc_neg(rlc_add(rlc_log1p(x), rlc_log1p(rlc_neg(x))));
    rlc_tensor *near = rlc_add_scalar(w, -2.5), *far = rlc_add_scalar(rlc_sqrt(w), -3);
    rlc_tensor *p = rlc_scalar(centre[0]), *q = rlc_scalar(tail[0]);
    for (int i = 1; i < RLC_COUNT(centre); i++) {
        p = rlc_add_scalar(rlc_mul(p, near), centre[i]);
        q = rlc_add_scalar(rlc_mul(q, far), tail[i]);
    }
    rlc_tensor *five = rlc_scalar(5);
    return rlc_mul_scalar(rlc_mul(x, rlc_where(rlc_lt(w, five), p, q)), M_SQRT2);
}

static rlc_tensor *truncated_sample(rlc_distribution *d, rlc_stream *stream) {
    const bounded *b = bounds_of(d);
    rlc_tensor *loc = loc_of(d), *low = cumulative(standardised(d, b->low));
    if (low == NULL) {
        return NULL;
    }
    rlc_tensor *share = rlc_add(low, rlc_mul(rlc_rand(stream, rlc_shape_of(loc)), inside(d)));
    return rlc_clamp(rlc_add(loc, rlc_mul(scale_of(d), quantile(share))), b->low, b->high);
}

static rlc_tensor *truncated_mode(rlc_distribution *d) {
    return rlc_clamp(loc_of(d), bounds_of(d)->low, bounds_of(d)->high);
}

/* phi(z), the standard normal's density. */
static rlc_tensor *bell(rlc_tensor *z) {
    return rlc_mul_scalar(rlc_exp(rlc_mul_scalar(rlc_square(z), -0.5)), exp(-0.5 * LOG_2PI));
}

/* loc + scale (phi(a) - phi(b)) / Z, with a and b the standardised bounds and Z the probability between them. */
static rlc_tensor *truncated_mean(rlc_distribution *d) {
    const bounded *b = bounds_of(d);
    rlc_tensor *fall = rlc_sub(bell(standardised(d, b->low)), bell(standardised(d, b->high)));
    rlc_tensor *mean = rlc_add(loc_of(d), rlc_mul(scale_of(d), rlc_div(fall, inside(d))));
    return rlc_clamp(mean, b->low, b->high);
}

/* 1/2 + log(2 pi) / 2 + log(scale Z) + (a phi(a) - b phi(b)) / (2 Z) */
static rlc_tensor *truncated_entropy(rlc_distribution *d, rlc_stream *stream) {
    (void)stream;
    rlc_tensor *a = standardised(d, bounds_of(d)->low), *b = standardised(d, bounds_of(d)->high), *mass = inside(d);
    rlc_tensor *edges = rlc_div(rlc_sub(rlc_mul(a, bell(a)), rlc_mul(b, bell(b))), mass);
    rlc_tensor *size = rlc_add(rlc_log(scale_of(d)), rlc_log(mass));
    return sum_event(rlc_add(size, rlc_mul_scalar(edges, 0.5)), 0.5 + 0.5 * LOG_2PI);
}

/* Minus infinity for an action with an element out of bounds, where the density is 0. */
static rlc_tensor *truncated_log_prob(rlc_distribution *d, rlc_tensor *value) {
    const bounded *b = bounds_of(d);
    rlc_tensor *x = rlc_clamp(value, b->low, b->high);
    rlc_tensor *sum = sum_event(rlc_sub(density(d, x), rlc_log(inside(d))), 0);
    return rlc_where(rlc_all(rlc_eq(x, value), -1, false), sum, rlc_scalar((double)-INFINITY));
}

const rlc_distribution_class rlc_truncated_normal_class = {
    .base = RLC_CLASS("distribution", TruncatedNormal, .doc = "a Gaussian of which only what is in bounds counts",
                      .options = bound_options),
    .keys = {"loc", "scale"},
    .num_required = 2,
    .init = bounded_init,
    .sample = truncated_sample,
    .deterministic = truncated_mean,
    .mode = truncated_mode,
    .mean = truncated_mean,
    .log_prob = truncated_log_prob,
    .entropy = truncated_entropy,
};
