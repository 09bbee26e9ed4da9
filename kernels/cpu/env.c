/* env.c: the built-in environments, each the loop around its three functions. */
#include "kernels/cpu/isa.h"
/* after isa.h, which says how a loop's iterations are declared independent */
#include "envs/acrobot_step.h"
#include "envs/breakout_step.h"
#include "envs/cartpole_step.h"
#include "envs/catch_step.h"
#include "envs/mountain_car_continuous_step.h"
#include "envs/mountain_car_step.h"
#include "envs/pendulum_step.h"
#include "envs/pong_step.h"
#include "kernels/cpu/env_loop.h"

ENV_DISCRETE(cartpole, CARTPOLE)
ENV_DISCRETE(acrobot, ACROBOT)
ENV_DISCRETE(mountain_car, MOUNTAIN_CAR)
ENV_CONTINUOUS(mountain_car_continuous, MOUNTAIN_CAR_CONTINUOUS)
ENV_CONTINUOUS(pendulum, PENDULUM)
ENV_GAME(catch, CATCH)
ENV_GAME(breakout, BREAKOUT)
ENV_GAME(pong, PONG)

void ISA(kernels_env)(rlc_device *device) {
    rlc__device_name_kernel(device, "env.CartPole", cartpole_loop);
    rlc__device_name_kernel(device, "env.Acrobot", acrobot_loop);
    rlc__device_name_kernel(device, "env.MountainCar", mountain_car_loop);
    rlc__device_name_kernel(device, "env.MountainCarContinuous", mountain_car_continuous_loop);
    rlc__device_name_kernel(device, "env.Pendulum", pendulum_loop);
    rlc__device_name_kernel(device, "env.Catch", catch_loop);
    rlc__device_name_kernel(device, "env.Breakout", breakout_loop);
    rlc__device_name_kernel(device, "env.Pong", pong_loop);
}
