/* shapes.c: a plug-in with stand-ins for classes that recipes of other algorithms name, to prove that the interfaces carry
 * them: probabilistic policies, ensembles of critics, a learned temperature, a delayed actor. The wiring is real: keys,
 * shapes, parameters, gradients, targets, optimisers. The arithmetic is only as much of it as that needs; nothing here is
 * meant to learn.
 */
#include "core/class.h"
#include "kernels/cpu/env_loop.h"
#include "tests/shapes/shapes.h"

enum { PENDULUM_STATE = 2, PENDULUM_OBSERVATION = 3, PENDULUM_ACTIONS = 1 };

static inline int pendulum_step(float *state, const float *action, float *reward) {
    *reward = -state[0] * state[0];
    state[1] += 0.05f * action[0];
    state[0] += 0.05f * state[1];
    return 0;
}

static inline void pendulum_reset(float *state, const rlc_draw *draw) {
    rlc_block block = rlc_draw_block(draw, 0);
    state[0] = rlc_between(block.word[0], -1, 1);
    state[1] = rlc_between(block.word[1], -1, 1);
}

static inline void pendulum_observe(const float *state, float *observation) {
    observation[0] = rlc_cosf(state[0]);
    observation[1] = rlc_sinf(state[0]);
    observation[2] = state[1];
}

ENV_CONTINUOUS(pendulum, PENDULUM)

typedef rlc_env Pendulum;

static const rlc_env_class pendulum = {
    .base = RLC_CLASS("env", Pendulum, .doc = "a stand-in with a continuous action"),
    .state_size = PENDULUM_STATE,
    .observation_size = PENDULUM_OBSERVATION,
    .action_size = PENDULUM_ACTIONS,
    .action_low = -2,
    .action_high = 2,
    .max_steps = 200,
    .threshold = NAN,
    .kernel = pendulum_loop,
};

RLC_PLUGIN(registry) {
    static const rlc_class *const classes[] = {
        &pendulum.base,
        &shapes_probabilistic_actor.base,
        &shapes_value_operator.base,
        &shapes_extractor.base,
        &shapes_tanh_module.base,
        &shapes_additive_gaussian.base,
        &shapes_ppo_loss.base,
        &shapes_sac_loss.base,
        &shapes_td3_loss.base,
    };
    for (int i = 0; i < RLC_COUNT(classes); i++) {
        RLC_TRY(rlc_register(registry, classes[i]));
    }
    return RLC_OK;
}
