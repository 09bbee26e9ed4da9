/* env.c: the built-in environments, each the loop around its three functions. */
#include "kernels/cpu/isa.h"
/* after isa.h, which says how a loop's iterations are declared independent */
#include "envs/cartpole_step.h"
#include "kernels/cpu/env_loop.h"

ENV_DISCRETE(cartpole, CARTPOLE)

void ISA(kernels_env)(rlc_device *device) {
    rlc__device_name_kernel(device, "env.CartPole", cartpole_loop);
}
