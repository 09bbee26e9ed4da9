/* pendulum.c: Pendulum-v1: swing a pendulum up with too weak a motor and keep it there, for 200 steps; the reward is minus
 * the cost of the angle, the speed and the torque. */
#include "envs/pendulum_step.h"

#include "envs/transform.h"

typedef rlc_env Pendulum;

const rlc_env_class rlc_pendulum_class = {
    .base = RLC_CLASS("env", Pendulum, .doc = "swing a pendulum up and hold it (Gymnasium's Pendulum-v1)"),
    .state_size = PENDULUM_STATE,
    .observation_size = PENDULUM_OBSERVATION,
    .action_size = PENDULUM_ACTIONS,
    .action_low = -PENDULUM_MAX_TORQUE,
    .action_high = PENDULUM_MAX_TORQUE,
    .max_steps = 200,
    .threshold = NAN,
    .frame_height = 500,
    .frame_width = 500,
    .frames_per_second = 30,
};
