/* cartpole.c: CartPole-v1: keep a pole upright on a cart for 500 steps; a reward of 1 for each. */
#include "envs/cartpole_step.h"

#include "envs/transform.h"

typedef rlc_env CartPole;

const rlc_env_class rlc_cartpole_class = {
    .base = RLC_CLASS("env", CartPole, .doc = "balance a pole on a cart (Gymnasium's CartPole-v1)"),
    .state_size = CARTPOLE_STATE,
    .observation_size = CARTPOLE_OBSERVATION,
    .num_actions = CARTPOLE_ACTIONS,
    .max_steps = 500,
    .threshold = 475,
    .frame_height = 400,
    .frame_width = 600,
    .frames_per_second = 50,
};
