/* broken_env.c: an environment whose reward is 0 / 0 at the origin, where it starts. */
#include "kernels/cpu/env_loop.h"

#include "envs/env.h"

enum { BROKEN_STATE = 1, BROKEN_OBSERVATION = 1, BROKEN_ACTIONS = 2 };

RLC_INLINE int broken_step(float *state, int action, float *reward) {
    *reward = state[0] / state[0];
    state[0] += (float)action;
    return state[0] > 3;
}

RLC_INLINE void broken_reset(float *state, const rlc_draw *draw) {
    (void)draw;
    state[0] = 0;
}

RLC_INLINE void broken_observe(const float *state, float *observation) {
    observation[0] = state[0];
}

ENV_DISCRETE(broken, BROKEN)

typedef rlc_env Broken;

static const rlc_env_class broken = {
    .base = RLC_CLASS("env", Broken, .doc = "has a reward that is no number"),
    .state_size = BROKEN_STATE,
    .observation_size = BROKEN_OBSERVATION,
    .num_actions = BROKEN_ACTIONS,
    .threshold = NAN,
    .kernel = broken_loop,
};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &broken.base);
}
