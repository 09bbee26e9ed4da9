/* reward_scaling.c: rewards scaled and moved by constants: r scale + loc, or with standard_normal (r - loc) / scale. */
#include "envs/transform.h"

typedef struct RewardScaling {
    rlc_transform base;
    double loc, scale;
    bool standard_normal;
    rlc_strings in_keys, out_keys;
    rlc_key_pairs keys;
} RewardScaling;

static const rlc_option options[] = {
    RLC_FLOAT(RewardScaling, loc, RLC_REQUIRED, -1e30, 1e30, "what is added, or with standard_normal taken off"),
    RLC_FLOAT(RewardScaling, scale, RLC_REQUIRED, 1e-6, 1e30,
              "what is multiplied by, or with standard_normal divided by"),
    RLC_BOOL_OPTION(RewardScaling, standard_normal, false, "(r - loc) / scale in place of r scale + loc"),
    RLC_STRINGS(RewardScaling, in_keys, "[reward]", "the entries"),
    RLC_STRINGS(RewardScaling, out_keys, NULL, "where they are written; where they were unless given"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    RewardScaling *s = (RewardScaling *)self;
    (void)env;
    rlc_transform_keys(self, s->in_keys, s->out_keys, &s->keys);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const RewardScaling *s = (const RewardScaling *)self;
    (void)td;
    for (int i = 0; i < s->keys.count; i++) {
        rlc_tensor *r = rlc_dict_get_key(next, s->keys.in[i]);
        r = s->standard_normal ? rlc_mul_scalar(rlc_add_scalar(r, -s->loc), 1 / s->scale)
                               : rlc_add_scalar(rlc_mul_scalar(r, s->scale), s->loc);
        rlc_dict_set_key(next, s->keys.out[i], r);
    }
}

const rlc_transform_class rlc_reward_scaling_class = {
    .base = RLC_CLASS("transform", RewardScaling, .doc = "scales and moves rewards", .options = options),
    .init = init,
    .step = step,
};
