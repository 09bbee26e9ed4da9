/* reward_clipping.c: rewards kept between two bounds. */
#include "envs/transform.h"

typedef struct RewardClipping {
    rlc_transform base;
    double clamp_min, clamp_max;
    rlc_strings in_keys, out_keys;
    rlc_key_pairs keys;
} RewardClipping;

static const rlc_option options[] = {
    RLC_FLOAT(RewardClipping, clamp_min, -INFINITY, -INFINITY, INFINITY, "the least reward"),
    RLC_FLOAT(RewardClipping, clamp_max, INFINITY, -INFINITY, INFINITY, "the largest reward"),
    RLC_STRINGS(RewardClipping, in_keys, "[reward]", "the entries"),
    RLC_STRINGS(RewardClipping, out_keys, NULL, "where they are written; where they were unless given"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    RewardClipping *c = (RewardClipping *)self;
    (void)env;
    if (c->clamp_min > c->clamp_max) {
        rlc_value_fail(self->options, "%s: clamp_min (%g) is above clamp_max (%g)", self->path, c->clamp_min,
                       c->clamp_max);
        return;
    }
    rlc_transform_keys(self, c->in_keys, c->out_keys, &c->keys);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const RewardClipping *c = (const RewardClipping *)self;
    (void)td;
    for (int i = 0; i < c->keys.count; i++) {
        rlc_tensor *r = rlc_dict_get_key(next, c->keys.in[i]);
        rlc_dict_set_key(next, c->keys.out[i], rlc_clamp(r, c->clamp_min, c->clamp_max));
    }
}

const rlc_transform_class rlc_reward_clipping_class = {
    .base = RLC_CLASS("transform", RewardClipping, .doc = "keeps rewards between two bounds", .options = options),
    .init = init,
    .step = step,
};
