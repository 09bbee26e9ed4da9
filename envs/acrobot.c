/* acrobot.c: Acrobot-v1: swing the free end of two links up by turning the joint between them; a reward of -1 for each of
 * at most 500 steps until it is there. */
#include "envs/acrobot_step.h"

#include "envs/transform.h"

typedef rlc_env Acrobot;

const rlc_env_class rlc_acrobot_class = {
    .base = RLC_CLASS("env", Acrobot, .doc = "swing two links up by the joint between them (Gymnasium's Acrobot-v1)"),
    .state_size = ACROBOT_STATE,
    .observation_size = ACROBOT_OBSERVATION,
    .num_actions = ACROBOT_ACTIONS,
    .max_steps = 500,
    .threshold = -100,
    .frame_height = 500,
    .frame_width = 500,
    .frames_per_second = 15,
};
