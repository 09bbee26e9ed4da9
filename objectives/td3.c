/* td3.c: DDPG and TD3: a deterministic actor climbs the value that a critic gives its actions.
 *
 * DDPG (Lillicrap et al., "Continuous control with deep reinforcement learning", ICLR 2016): the critic learns
 * r + gamma (1 - terminated) Q'(s', mu'(s')), the actor maximises Q(s, mu(s)).
 * TD3 (Fujimoto, van Hoof and Meger, "Addressing Function Approximation Error in Actor-Critic Methods", ICML 2018): the
 * smaller of two targets, clipped noise on the target's action, and an actor that learns from every second update only.
 */
#include "objectives/critics.h"
#include "objectives/replay.h"

typedef struct deterministic_loss {
    rlc_loss base;
    const rlc_value *actor_option, *qvalue_option;
    int loss_function, num_qvalue_nets;
    double gamma, policy_noise, noise_clip;
    int64_t policy_update_delay;
    rlc_critics critics;
    rlc_module *actor, *target_actor;
    rlc_stream *noise;
    int64_t *calls;
} deterministic_loss;

typedef deterministic_loss DDPGLoss;
typedef deterministic_loss TD3Loss;

#define COMMON_OPTIONS(distance)                                                                                       \
    {.name = "actor_network",                                                                                          \
     .type = RLC_OPTION_MODULE,                                                                                        \
     .offset = offsetof(deterministic_loss, actor_option),                                                             \
     .required = true,                                                                                                 \
     .help = "the policy: writes action"},                                                                             \
        {.name = "qvalue_network",                                                                                     \
         .type = RLC_OPTION_MODULE,                                                                                    \
         .offset = offsetof(deterministic_loss, qvalue_option),                                                        \
         .alias = "value_network",                                                                                     \
         .required = true,                                                                                             \
         .help = "the critic: reads action, writes state_action_value"},                                               \
        RLC_ENUM(deterministic_loss, loss_function, distance, RLC_DISTANCE_NAMES, "of the critics' differences"),      \
        RLC_FLOAT(deterministic_loss, gamma, 0.99, 0, 1, "discount of a step")

static const rlc_option ddpg_options[] = {COMMON_OPTIONS("l2"), {0}};

static const rlc_option td3_options[] = {
    COMMON_OPTIONS("smooth_l1"),
    RLC_INT(TD3Loss, num_qvalue_nets, 2, 1, RLC_MAX_CRITICS, "critics, of which the smallest target counts"),
    RLC_FLOAT(TD3Loss, policy_noise, 0.2, 0, 1e6, "standard deviation of the noise on the target's action"),
    RLC_FLOAT(TD3Loss, noise_clip, 0.5, 0, 1e6, "largest noise on the target's action"),
    RLC_LONG(TD3Loss, policy_update_delay, 2, 1, 1e6, "updates of the critics for one of the actor"),
    {0},
};

static void build(deterministic_loss *m, const rlc_build *build) {
    rlc_module *self = &m->base.base;
    m->actor = rlc_module_build(self, build, m->actor_option, "actor_network");
    m->target_actor = m->actor != NULL ? rlc_loss_target(&m->base, build, m->actor, "target_actor_network") : NULL;
    if (m->target_actor == NULL ||
        !rlc_critics_build(&m->critics, &m->base, build, m->qvalue_option, m->num_qvalue_nets)) {
        return;
    }
    rlc_loss_group(&m->base, "actor", m->actor);
    rlc_critics_reads(&m->critics, &m->base, m->actor);
    m->calls = rlc_state_counter(&self->model->state, "loss.calls");
}

static void ddpg_init(rlc_module *self, const rlc_build *b) {
    DDPGLoss *m = (DDPGLoss *)self;
    m->num_qvalue_nets = 1;
    m->policy_update_delay = 1;
    build(m, b);
}

static void td3_init(rlc_module *self, const rlc_build *b) {
    TD3Loss *m = (TD3Loss *)self;
    m->noise = rlc_module_stream(self, "noise");
    build(m, b);
}

/* Noise on the target's action, so that the value of near actions counts too. */
static rlc_tensor *smooth(const deterministic_loss *m, rlc_tensor *action) {
    if (m->noise == NULL || m->policy_noise == 0 || action == NULL) {
        return action;
    }
    rlc_tensor *noise = rlc_mul_scalar(rlc_randn(m->noise, rlc_shape_of(action)), m->policy_noise);
    action = rlc_add(action, rlc_clamp(noise, -m->noise_clip, m->noise_clip));
    return rlc_spec_clamp(&m->critics.action, action);
}

static rlc_tensor *critics_loss(deterministic_loss *m, rlc_dict *td) {
    bool was = rlc_no_grad(true);
    rlc_dict *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    rlc_tensor *target = NULL;
    if (next != NULL) {
        rlc_module_call(m->target_actor, next);
        rlc_dict_set_key(next, m->critics.action_key, smooth(m, rlc_dict_get_key(next, m->critics.action_key)));
        target = rlc_critics_td0(&m->critics, td, rlc_critics_target_min(&m->critics, next), m->gamma);
    }
    rlc_no_grad(was);
    return rlc_critics_loss(&m->critics, td, target, m->loss_function, NULL);
}

/* Through the first critic only, which is held constant. */
static rlc_tensor *actor_loss(deterministic_loss *m, const rlc_dict *td) {
    rlc_dict *now = rlc_dict_clone(td);
    if (now == NULL) {
        return NULL;
    }
    rlc_module_call(m->actor, now);
    return rlc_neg(rlc_replay_mean(td, rlc_critics_held_value(&m->critics, 0, now)));
}

/* Where the actor does not learn it gets no gradient, and its optimiser leaves it alone. */
static void forward(rlc_module *self, rlc_dict *td) {
    deterministic_loss *m = (deterministic_loss *)self;
    rlc_tensor *loss = critics_loss(m, td);
    rlc_loss_set(&m->base, "loss_qvalue", loss);
    bool shapes = rlc_current()->shapes_only;
    if (shapes || *m->calls % m->policy_update_delay == 0) {
        rlc_tensor *actor = actor_loss(m, td);
        rlc_loss_set(&m->base, "loss_actor", actor);
        loss = rlc_add(loss, actor);
    }
    *m->calls += !shapes;
    rlc_loss_set(&m->base, "loss", loss);
}

const rlc_module_class rlc_ddpg_loss_class = {
    .base = RLC_CLASS("loss", DDPGLoss, .doc = "a deterministic actor and a critic, with target networks",
                      .options = ddpg_options),
    .out_keys = {"loss", "td_error"},
    .init = ddpg_init,
    .forward = forward,
};

const rlc_module_class rlc_td3_loss_class = {
    .base = RLC_CLASS("loss", TD3Loss, .doc = "DDPG with twin critics, smoothed targets and a delayed actor",
                      .options = td3_options),
    .out_keys = {"loss", "td_error"},
    .init = td3_init,
    .forward = forward,
};
