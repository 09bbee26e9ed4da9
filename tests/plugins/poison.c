/* poison.c: numbers that are none, after a while: environments whose reward is NaN at their 500th step, and a loss that is
 * 0 but whose gradient is 0 / 0 at its 20th call. */
#include "kernels/cpu/env_loop.h"

#include "envs/env.h"
#include "objectives/loss.h"

enum { POISON_STATE = 1, POISON_OBSERVATION = 1, POISON_STEP = 500 };
enum { PICK_STATE = POISON_STATE, PICK_OBSERVATION = POISON_OBSERVATION, PICK_ACTIONS = 2 };
enum { PUSH_STATE = POISON_STATE, PUSH_OBSERVATION = POISON_OBSERVATION, PUSH_ACTIONS = 1 };

RLC_INLINE int step(float *state, float action, float *reward) {
    state[0] += 1;
    *reward = state[0] == (float)POISON_STEP ? NAN : action;
    return 0;
}

RLC_INLINE int pick_step(float *state, int action, float *reward) {
    return step(state, (float)action, reward);
}

RLC_INLINE int push_step(float *state, const float *action, float *reward) {
    return step(state, action[0], reward);
}

RLC_INLINE void pick_reset(float *state, const rlc_draw *draw) {
    (void)draw;
    state[0] = 0;
}
#define push_reset pick_reset

RLC_INLINE void pick_observe(const float *state, float *observation) {
    observation[0] = state[0] / POISON_STEP;
}
#define push_observe pick_observe

ENV_DISCRETE(pick, PICK)
ENV_CONTINUOUS(push, PUSH)

typedef rlc_env PoisonPick, PoisonPush;

#define POISON(Type, ...)                                                                                              \
    {                                                                                                                  \
        .base = RLC_CLASS("env", Type, .doc = "has one reward that is no number"), .state_size = POISON_STATE,         \
        .observation_size = POISON_OBSERVATION, .threshold = NAN, __VA_ARGS__                                          \
    }

static const rlc_env_class pick = POISON(PoisonPick, .num_actions = PICK_ACTIONS, .kernel = pick_loop);
static const rlc_env_class push =
    POISON(PoisonPush, .action_size = PUSH_ACTIONS, .action_low = -1, .action_high = 1, .kernel = push_loop);

typedef struct SteepLoss {
    rlc_loss base;
    const rlc_value *option;
    rlc_module *network;
    int64_t *calls;
} SteepLoss;

static const rlc_option options[] = {
    {.name = "network",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(SteepLoss, option),
     .required = true,
     .help = "writes chosen_action_value"},
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    SteepLoss *m = (SteepLoss *)self;
    m->network = rlc_module_build(self, build, m->option, "network");
    rlc_loss_group(&m->base, "value", m->network);
    rlc_loss_reads(&m->base, m->network, false, NULL, 0);
    m->calls = rlc_state_counter(&self->model->state, "loss.calls");
}

static void forward(rlc_module *self, rlc_dict *td) {
    SteepLoss *m = (SteepLoss *)self;
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->network, now);
    rlc_tensor *nothing = rlc_mul_scalar(rlc_dict_get(now, "chosen_action_value"), 0);
    *m->calls += !rlc_current()->shapes_only;
    bool steep = *m->calls >= 20;
    rlc_loss_set(&m->base, "loss", rlc_mean(steep ? rlc_sqrt(rlc_square(nothing)) : nothing, RLC_ALL, false));
}

static const rlc_module_class steep = {
    .base = RLC_CLASS("loss", SteepLoss, .doc = "0, with a gradient that is none", .options = options),
    .out_keys = {"loss"},
    .init = init,
    .forward = forward,
};

RLC_PLUGIN(registry) {
    rlc_register(registry, &pick.base);
    rlc_register(registry, &push.base);
    return rlc_register(registry, &steep.base);
}
