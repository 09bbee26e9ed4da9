/* vec_norm.c: entries brought to mean 0 and variance 1 by statistics of what was seen so far: TorchRL's VecNorm.
 *
 * Sums, sums of squares and counts fade by `decay` with each step of the batch; each new step counts before it is
 * normalised. Rows that start anew count with their first observation. The statistics belong to a checkpoint, and an
 * environment in which a policy is evaluated uses those of the one it is trained in.
 */
#include "envs/transform.h"

#include <string.h>

/* Float64, because a variance is a difference of large numbers. */
typedef struct statistics {
    rlc_tensor *sum, *ssq, *count;
} statistics;

typedef struct VecNorm {
    rlc_transform base;
    rlc_strings in_keys, out_keys;
    double decay, eps;
    rlc_key_pairs keys;
    statistics *statistics; /* one an entry, made when it is first seen */
} VecNorm;

static const rlc_option options[] = {
    RLC_STRINGS(VecNorm, in_keys, "[observation, reward]", "the entries"),
    RLC_STRINGS(VecNorm, out_keys, NULL, "where they are written; where they were unless given"),
    RLC_FLOAT(VecNorm, decay, 0.9999, 0, 1, "how much of the past is left after each step"),
    RLC_FLOAT(VecNorm, eps, 1e-4, 0, 1e30, "the least variance, and the least standard deviation"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    VecNorm *v = (VecNorm *)self;
    rlc_transform_keys(self, v->in_keys, v->out_keys, &v->keys);
    v->statistics = rlc_arena_calloc(&env->arena, ((size_t)v->keys.count + 1) * sizeof *v->statistics);
}

static rlc_tensor *root(const VecNorm *v, const rlc_key *key, const char *what, rlc_shape shape) {
    rlc_env *env = v->base.env;
    char name[256];
    snprintf(name, sizeof name, "transforms.%d.%s_%s", v->base.index, key->name, what);
    return rlc_state_tensor(&env->learned, env->device, name, RLC_F64, shape);
}

/* The statistics of entry i; false when there is no memory for them. */
static bool find(const VecNorm *v, int i, const rlc_tensor *x, statistics *s) {
    if (v->statistics[i].sum == NULL) {
        rlc_shape shape = {.ndim = x->ndim - 1};
        memcpy(shape.size, x->shape + 1, (size_t)shape.ndim * sizeof *shape.size);
        v->statistics[i] = (statistics){root(v, v->keys.in[i], "sum", shape), root(v, v->keys.in[i], "ssq", shape),
                                        root(v, v->keys.in[i], "count", RLC_SHAPE(1))};
    }
    *s = v->statistics[i];
    return s->sum != NULL && s->ssq != NULL && s->count != NULL;
}

/* total <- fade total + added */
static void fade(rlc_tensor *total, rlc_tensor *by, rlc_tensor *added) {
    rlc_assign(total, rlc_add(rlc_mul(total, by), added));
}

/* Takes in the rows of x, all or those that `rows` names; without any, nothing fades. */
static void learn(const VecNorm *v, const statistics *s, rlc_tensor *x, rlc_tensor *rows) {
    rlc_tensor *decay = rlc_full(RLC_F64, RLC_SHAPE(1), v->decay), *one = rlc_full(RLC_F64, RLC_SHAPE(1), 1);
    rlc_tensor *wide = rlc_cast(x, RLC_F64), *count = rlc_full(RLC_F64, RLC_SHAPE(1), (double)x->shape[0]);
    if (rows != NULL) {
        wide = rlc_where(rlc_transform_rows(rows, x), wide, rlc_full(RLC_F64, RLC_SHAPE(1), 0));
        count = rlc_reshape(rlc_sum(rlc_cast(rows, RLC_F64), RLC_ALL, false), RLC_SHAPE(1));
        decay = rlc_where(rlc_reshape(rlc_any(rows, RLC_ALL, false), RLC_SHAPE(1)), decay, one);
    }
    fade(s->sum, decay, rlc_sum(wide, 0, false));
    fade(s->ssq, decay, rlc_sum(rlc_square(wide), 0, false));
    fade(s->count, decay, count);
}

static rlc_tensor *normalise(const VecNorm *v, const statistics *s, rlc_tensor *x) {
    rlc_tensor *mean = rlc_div(s->sum, s->count);
    rlc_tensor *variance = rlc_sub(rlc_div(s->ssq, s->count), rlc_square(mean));
    rlc_tensor *deviation = rlc_clamp(rlc_sqrt(rlc_clamp(variance, v->eps, INFINITY)), v->eps, INFINITY);
    return rlc_div(rlc_sub(x, rlc_cast(mean, RLC_F32)), rlc_cast(deviation, RLC_F32));
}

/* Entries that are not there are passed over: a reset gives no reward. */
static void apply(const VecNorm *v, rlc_dict *dict, rlc_tensor *rows) {
    for (int i = 0; i < v->keys.count; i++) {
        rlc_tensor *x = rlc_dict_find_key(dict, v->keys.in[i]);
        statistics s;
        if (x != NULL && find(v, i, x, &s)) {
            if (!v->base.env->frozen) {
                learn(v, &s, x, rows);
            }
            rlc_dict_set_key(dict, v->keys.out[i], normalise(v, &s, x));
        }
    }
}

static void reset(rlc_transform *self, rlc_dict *dict, rlc_tensor *rows) {
    apply((VecNorm *)self, dict, rows);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)td;
    apply((VecNorm *)self, next, NULL);
}

const rlc_transform_class rlc_vec_norm_class = {
    .base = RLC_CLASS("transform", VecNorm, .doc = "brings entries to mean 0 and variance 1 by what was seen so far",
                      .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};
