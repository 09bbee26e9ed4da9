/* mountain_car.c: MountainCar-v0: get out of a valley with an engine that is too weak for its slope; a reward of -1 for
 * each of at most 200 steps until the car is there. */
#include "envs/mountain_car_step.h"

#include "envs/transform.h"

typedef rlc_env MountainCar;

const rlc_env_class rlc_mountain_car_class = {
    .base = RLC_CLASS("env", MountainCar, .doc = "drive out of a valley (Gymnasium's MountainCar-v0)"),
    .state_size = MOUNTAIN_CAR_STATE,
    .observation_size = MOUNTAIN_CAR_OBSERVATION,
    .num_actions = MOUNTAIN_CAR_ACTIONS,
    .max_steps = 200,
    .threshold = -110,
    .frame_height = 400,
    .frame_width = 600,
    .frames_per_second = 30,
};
