/* tanh_normal.c: TanhNormal, a Gaussian squashed into the bounds of the action. */
#include "modules/normal.h"

typedef struct TanhNormal {
    bounded base;
    double upscale;
    bool tanh_loc;
} TanhNormal;

static const rlc_option tanh_options[] = {
    BOUNDS,
    RLC_BOOL_OPTION(TanhNormal, tanh_loc, false,
                    "keep loc within upscale of the middle of the bounds: upscale tanh(loc / upscale) + middle"),
    RLC_FLOAT(TanhNormal, upscale, 5, 1e-6, 1e6, "bound of loc under tanh_loc"),
    {0},
};

/* Holds loc back where the recipe asks for it; as in TorchRL, around the middle of the bounds. */
static void prepare(rlc_distribution *d) {
    const TanhNormal *f = (const TanhNormal *)d->family;
    if (f->tanh_loc) {
        rlc_tensor *held = rlc_mul_scalar(rlc_tanh(rlc_mul_scalar(d->parameter[0], 1 / f->upscale)), f->upscale);
        d->parameter[0] = rlc_add_scalar(held, 0.5 * (f->base.low + f->base.high));
    }
}

static rlc_tensor *tanh_sample(rlc_distribution *d, rlc_stream *stream) {
    d->raw = draw(d, stream);
    return stretch(bounds_of(d), rlc_tanh(d->raw));
}

static rlc_tensor *tanh_choice(rlc_distribution *d) {
    return stretch(bounds_of(d), rlc_tanh(loc_of(d)));
}

/* What the action was before it was squashed: known for the last sample, else by the inverse, kept off the ends as
 * TorchRL's SafeTanhTransform does, by the resolution of float32. */
static rlc_tensor *unsquash(rlc_distribution *d, rlc_tensor *value) {
    const bounded *b = bounds_of(d);
    if (value == d->drawn && d->raw != NULL) {
        return d->raw;
    }
    double half = 0.5 * (b->high - b->low), middle = 0.5 * (b->high + b->low), most = 1 - 1e-6;
    rlc_tensor *t = rlc_mul_scalar(rlc_add_scalar(value, -middle), 1 / half);
    t = rlc_clamp(t, -most, most);
    return rlc_mul_scalar(rlc_sub(rlc_log1p(t), rlc_log1p(rlc_neg(t))), 0.5);
}

/* log N(x) - log |da/dx|, with log(1 - tanh^2 x) = 2 (log 2 - x - softplus(-2x)), which keeps its digits (Haarnoja et al.,
 * "Soft Actor-Critic Algorithms and Applications", 2018, appendix C). */
static rlc_tensor *tanh_log_prob(rlc_distribution *d, rlc_tensor *value) {
    const bounded *b = bounds_of(d);
    rlc_tensor *x = unsquash(d, value);
    rlc_tensor *slope = rlc_add(x, rlc_softplus(rlc_mul_scalar(x, -2)));
    rlc_tensor *sum = rlc_add(density(d, x), rlc_mul_scalar(slope, 2));
    return sum_event(sum, -2 * M_LN2 - log(0.5 * (b->high - b->low)));
}

const rlc_distribution_class rlc_tanh_normal_class = {
    .base = RLC_CLASS("distribution", TanhNormal, .doc = "a Gaussian squashed by tanh into the action's bounds",
                      .options = tanh_options),
    .keys = {"loc", "scale"},
    .num_required = 2,
    .init = bounded_init,
    .prepare = prepare,
    .sample = tanh_sample,
    .deterministic = tanh_choice,
    .mode = tanh_choice,
    .log_prob = tanh_log_prob,
    .entropy = entropy_by_sample,
};
