/* echo.h: an environment that shows what it is told, for tests that must know what comes: its observation is the last
 * action, two numbers in [-4, 6], its reward the first of them, and it ends where the second is above 3. A reset shows
 * 0.5 and -0.5.
 */
#ifndef RLC_TEST_ECHO_H
#define RLC_TEST_ECHO_H

#include "kernels/cpu/env_loop.h"
#include "tests/world.h"

enum { ECHO_STATE = 2, ECHO_OBSERVATION = 2, ECHO_ACTIONS = 2 };

static inline int echo_step(float *state, const float *action, float *reward) {
    state[0] = action[0];
    state[1] = action[1];
    *reward = action[0];
    return action[1] > 3;
}

static inline void echo_reset(float *state, const rlc_draw *draw) {
    (void)draw;
    state[0] = 0.5f;
    state[1] = -0.5f;
}

static inline void echo_observe(const float *state, float *observation) {
    observation[0] = state[0];
    observation[1] = state[1];
}

ENV_CONTINUOUS(echo, ECHO)

typedef rlc_env Echo;

static const rlc_env_class echo = {
    .base = RLC_CLASS("env", Echo, .doc = "of these tests"),
    .state_size = ECHO_STATE,
    .observation_size = ECHO_OBSERVATION,
    .action_size = ECHO_ACTIONS,
    .action_low = -4,
    .action_high = 6,
    .threshold = NAN,
    .kernel = echo_loop,
};

/* Options such as "num_envs: 3, transforms: [...]". */
static inline rlc_status echo_make(const char *options, rlc_env **env) {
    static bool registered;
    if (!registered) {
        expect_ok(rlc_register(world_registry(), &echo.base));
        registered = true;
    }
    char text[512];
    assert_true(snprintf(text, sizeof text, "{type: Echo, %s}", options) < (int)sizeof text);
    return rlc_env_make(world_registry(), test_device(), 1, text, env);
}

static inline rlc_env *echo_env(const char *options) {
    rlc_env *env = NULL;
    expect_ok(echo_make(options, &env));
    return env;
}

/* Steps with these actions, [num_envs][2]. */
static inline rlc_dict *echo_act(rlc_env *env, rlc_dict *td, const float *action) {
    rlc_dict_set(td, "action", rlc_from_data(RLC_F32, RLC_SHAPE(env->num_envs, 2), action));
    return rlc_env_step(env, td);
}

#endif
