/* reward_sum.c: the reward since the episode began, under `episode_reward`. */
#include "envs/keys.h"
#include "envs/transform.h"

typedef struct RewardSum {
    rlc_transform base;
    const rlc_key *sum;
    rlc_tensor *zero;
} RewardSum;

static void init(rlc_transform *self, rlc_env *env) {
    RewardSum *s = (RewardSum *)self;
    s->sum = rlc_key_intern("episode_reward");
    s->zero = rlc_state_tensor(&env->state, env->device, "episode_reward.zero", RLC_F32, (rlc_shape){0});
}

static void reset(rlc_transform *self, rlc_dict *root) {
    rlc_dict_set_key(root, ((RewardSum *)self)->sum, rlc_zeros(RLC_F32, RLC_SHAPE(self->env->num_envs, 1)));
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const RewardSum *s = (const RewardSum *)self;
    rlc_tensor *reward = rlc_dict_get_key(next, rlc__env_keys()->reward);
    rlc_dict_set_key(next, s->sum, rlc_add(rlc_dict_get_key(td, s->sum), reward));
}

static void restart(rlc_transform *self, rlc_dict *root, rlc_tensor *done) {
    const RewardSum *s = (const RewardSum *)self;
    rlc_dict_set_key(root, s->sum, rlc_where(done, s->zero, rlc_dict_get_key(root, s->sum)));
}

const rlc_transform_class rlc_reward_sum_class = {
    .base = RLC_CLASS("transform", RewardSum, .doc = "writes the reward since the episode began: episode_reward"),
    .init = init,
    .reset = reset,
    .step = step,
    .restart = restart,
};
