/* normal.h: what the distributions of continuous actions share; for the files that define them.
 *
 * The last dimension of an action is one event. With z = (x - loc) / scale, log N(x) = -z^2 / 2 - log scale - log(2 pi) / 2,
 * summed over the event.
 */
#ifndef RLC_NORMAL_H
#define RLC_NORMAL_H

#include <math.h>

#include "modules/distribution.h"

#define LOG_2PI 1.8378770664093453

static inline rlc_tensor *loc_of(const rlc_distribution *d) {
    return d->parameter[0];
}

static inline rlc_tensor *scale_of(const rlc_distribution *d) {
    return d->parameter[1];
}

static inline rlc_tensor *draw(const rlc_distribution *d, rlc_stream *stream) {
    return rlc_normal_draw(stream, loc_of(d), scale_of(d));
}

/* Element by element: log N. */
static inline rlc_tensor *density(const rlc_distribution *d, rlc_tensor *x) {
    return rlc_normal_log_prob(rlc_sub(x, loc_of(d)), scale_of(d));
}

/* The sum over the event, with what `each` element adds. */
static inline rlc_tensor *sum_event(rlc_tensor *x, double each) {
    rlc_tensor *sum = rlc_sum(x, -1, false);
    return sum != NULL && each != 0 ? rlc_add_scalar(sum, each * (double)rlc_size(x, -1)) : sum;
}

/* What those in an interval have in common: [low, high], the environment's unless a recipe says otherwise. */
typedef struct bounded {
    rlc_distribution_family base;
    double low, high;
} bounded;

#define BOUNDS                                                                                                         \
    RLC_FLOAT(bounded, low, -INFINITY, -INFINITY, 1e30, "smallest action; -inf: the environment's"),                   \
        RLC_FLOAT(bounded, high, INFINITY, -1e30, INFINITY, "largest action; inf: the environment's")

static inline bool bounded_init(rlc_distribution_family *self, const char *what, const rlc_spec *action) {
    bounded *b = (bounded *)self;
    bool given = action->kind == RLC_SPEC_BOUNDED;
    if (given && action->lows != NULL && (isinf(b->low) || isinf(b->high))) {
        rlc_fail(RLC_INVALID,
                 "%s: the environment's bounds differ from element to element; put {type: ActionScaling} among its "
                 "transforms, so that the policy acts in [-1, 1]",
                 what);
        return false;
    }
    b->low = isinf(b->low) ? (given ? action->low : -1) : b->low;
    b->high = isinf(b->high) ? (given ? action->high : 1) : b->high;
    if (!(b->low < b->high)) {
        rlc_fail(RLC_INVALID, "%s: low (%g) must be below high (%g)", what, b->low, b->high);
    }
    return b->low < b->high;
}

/* From [-1, 1] to [low, high]. */
static inline rlc_tensor *stretch(const bounded *b, rlc_tensor *t) {
    double half = 0.5 * (b->high - b->low), middle = 0.5 * (b->high + b->low);
    t = half != 1 ? rlc_mul_scalar(t, half) : t;
    return middle != 0 ? rlc_add_scalar(t, middle) : t;
}

static inline const bounded *bounds_of(const rlc_distribution *d) {
    return (const bounded *)d->family;
}

/* Where there is no closed form: minus the log-probability of one sample. */
static inline rlc_tensor *entropy_by_sample(rlc_distribution *d, rlc_stream *stream) {
    rlc_distribution again = *d;
    return rlc_neg(rlc_distribution_log_prob(&again, rlc_distribution_sample(&again, stream)));
}

#endif
