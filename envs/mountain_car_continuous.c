/* mountain_car_continuous.c: MountainCarContinuous-v0: the same with an engine that can be set to anything in [-1, 1]; 100
 * for getting out within 999 steps, less a tenth of each action's square. */
#include "envs/mountain_car_continuous_step.h"

#include "envs/transform.h"

typedef rlc_env MountainCarContinuous;

const rlc_env_class rlc_mountain_car_continuous_class = {
    .base = RLC_CLASS("env", MountainCarContinuous,
                      .doc = "drive out of a valley, sparing the engine (Gymnasium's MountainCarContinuous-v0)"),
    .state_size = MOUNTAIN_CAR_CONTINUOUS_STATE,
    .observation_size = MOUNTAIN_CAR_CONTINUOUS_OBSERVATION,
    .action_size = MOUNTAIN_CAR_CONTINUOUS_ACTIONS,
    .action_low = -1,
    .action_high = 1,
    .max_steps = 999,
    .threshold = 90,
    .frame_height = 400,
    .frame_width = 600,
    .frames_per_second = 30,
};
