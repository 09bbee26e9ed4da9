/* reward_sum.c: the reward since the episode began, under `episode_reward`. */
#include "envs/keys.h"
#include "envs/transform.h"

typedef struct RewardSum {
    rlc_transform base;
    const rlc_key *sum;
} RewardSum;

static void init(rlc_transform *self, rlc_env *env) {
    (void)env;
    ((RewardSum *)self)->sum = rlc_key_intern("episode_reward");
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    rlc_dict_set_key(root, ((RewardSum *)self)->sum, rlc_zeros(RLC_F32, RLC_SHAPE(self->env->num_envs, 1)));
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const RewardSum *s = (const RewardSum *)self;
    rlc_tensor *reward = rlc_dict_get_key(next, rlc__env_keys()->reward);
    rlc_dict_set_key(next, s->sum, rlc_add(rlc_dict_get_key(td, s->sum), reward));
}

const rlc_transform_class rlc_reward_sum_class = {
    .base = RLC_CLASS("transform", RewardSum, .doc = "writes the reward since the episode began: episode_reward"),
    .init = init,
    .reset = reset,
    .step = step,
};
