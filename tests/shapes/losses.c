/* losses.c: stand-ins for the losses of actors and critics. */
#include "objectives/values.h"
#include "tests/shapes/shapes.h"

typedef struct ClipPPOLoss {
    rlc_loss base;
    const rlc_value *actor_network, *critic_network;
    double clip_epsilon, entropy_coeff, critic_coeff;
    bool normalize_advantage;
    rlc_module *actor, *critic;
} ClipPPOLoss;

static const rlc_option ppo_options[] = {
    RLC_MODULE(ClipPPOLoss, actor_network, "the policy", .required = true),
    RLC_MODULE(ClipPPOLoss, critic_network, "the critic", .required = true),
    RLC_FLOAT(ClipPPOLoss, clip_epsilon, 0.2, 0, 1, "how far the ratio may go"),
    RLC_FLOAT(ClipPPOLoss, entropy_coeff, 0.01, 0, 1e6, "weight of the entropy"),
    RLC_FLOAT(ClipPPOLoss, critic_coeff, 1, 0, 1e6, "weight of the critic's loss"),
    RLC_BOOL_OPTION(ClipPPOLoss, normalize_advantage, false, "over each minibatch"),
    {0},
};

static void ppo_init(rlc_module *self, const rlc_build *build) {
    ClipPPOLoss *m = (ClipPPOLoss *)self;
    static const char *const keys[] = {"action", "action_log_prob", "advantage", "value_target"};
    m->actor = rlc_module_build(self, build, m->actor_network, "actor_network");
    m->critic = rlc_module_build(self, build, m->critic_network, "critic_network");
    if (m->actor != NULL && m->critic != NULL) {
        rlc_loss_group(&m->base, "actor", m->actor);
        rlc_loss_group(&m->base, "critic", m->critic);
        rlc_loss_reads(&m->base, m->actor, false, keys, RLC_COUNT(keys));
    }
}

static void ppo_forward(rlc_module *self, rlc_dict *td) {
    ClipPPOLoss *m = (ClipPPOLoss *)self;
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->actor, now);
    rlc_module_call(m->critic, now);
    rlc_tensor *ratio = rlc_exp(rlc_sub(rlc_dict_get(now, "action_log_prob"), rlc_dict_get(td, "action_log_prob")));
    rlc_tensor *advantage = rlc_squeeze(rlc_dict_get(td, "advantage"), -1);
    rlc_tensor *objective = rlc_neg(rlc_mean(rlc_mul(ratio, advantage), RLC_ALL, false));
    rlc_tensor *critic =
        rlc_mean(rlc_squared_error(rlc_dict_get(now, "state_value"), rlc_dict_get(td, "value_target")), RLC_ALL, false);
    rlc_loss_set(&m->base, "loss_objective", objective);
    rlc_loss_set(&m->base, "loss_critic", critic);
    rlc_loss_set(&m->base, "loss", rlc_add(objective, rlc_mul_scalar(critic, m->critic_coeff)));
}

const rlc_module_class shapes_ppo_loss = {
    .base = RLC_CLASS("loss", ClipPPOLoss, .doc = "a stand-in", .options = ppo_options),
    .out_keys = {"loss"},
    .init = ppo_init,
    .forward = ppo_forward,
};

/* What SAC and TD3 have in common: an actor, an ensemble of critics, targets of those. */
enum { MAX_CRITICS = 10 };
typedef struct critics {
    rlc_loss base;
    const rlc_value *actor_network, *qvalue_network;
    int num_qvalue_nets, policy_update_delay;
    const char *target_entropy;
    rlc_module *actor, *target_actor, *online[MAX_CRITICS], *target[MAX_CRITICS];
    rlc_tensor *log_alpha;
    int64_t *calls;
} critics;

typedef critics SACLoss;
typedef critics TD3Loss;

static const rlc_option sac_options[] = {
    RLC_MODULE(critics, actor_network, "the policy", .required = true),
    RLC_MODULE(critics, qvalue_network, "the first critic", .required = true),
    RLC_INT(critics, num_qvalue_nets, 2, 1, MAX_CRITICS, "how many critics"),
    RLC_STRING(critics, target_entropy, "auto", "what the temperature aims at"),
    {0},
};

static const rlc_option td3_options[] = {
    RLC_MODULE(critics, actor_network, "the policy", .required = true),
    RLC_MODULE(critics, qvalue_network, "the first critic", .required = true),
    RLC_INT(critics, num_qvalue_nets, 2, 1, MAX_CRITICS, "how many critics"),
    RLC_INT(critics, policy_update_delay, 2, 1, 1000, "updates of the critics for one of the actor"),
    {0},
};

static void build_critics(critics *m, const rlc_build *build) {
    static const char *const keys[] = {"action", "next.reward", "next.terminated"};
    rlc_module *self = &m->base.base;
    m->actor = rlc_module_build(self, build, m->actor_network, "actor_network");
    m->online[0] = rlc_module_build(self, build, m->qvalue_network, "qvalue_network");
    for (int i = 0; i < m->num_qvalue_nets && m->online[0] != NULL; i++) {
        char name[64], target[64];
        snprintf(name, sizeof name, "qvalue_network_%d", i);
        snprintf(target, sizeof target, "target_qvalue_network_%d", i);
        if (i > 0) {
            m->online[i] = rlc_module_clone(self, build, m->online[0], name, false); /* initialised anew */
        }
        m->target[i] = rlc_loss_target(&m->base, build, m->online[i], target);
        rlc_loss_group(&m->base, "qvalue", m->online[i]);
    }
    if (m->actor != NULL) {
        rlc_loss_group(&m->base, "actor", m->actor);
        rlc_loss_reads(&m->base, m->actor, true, keys, RLC_COUNT(keys));
    }
}

/* The smallest of the critics' values. */
static rlc_tensor *smallest(const critics *m, rlc_module *const *nets, rlc_dict *td, bool detached) {
    rlc_tensor *least = NULL;
    for (int i = 0; i < m->num_qvalue_nets; i++) {
        rlc_dict *mine = rlc_dict_clone(td);
        (detached ? rlc_module_call_detached : rlc_module_call)(nets[i], mine);
        rlc_tensor *value = rlc_dict_get(mine, "state_action_value");
        least = i == 0 ? value : rlc_minimum(least, value);
    }
    return least;
}

static rlc_tensor *critic_loss(critics *m, rlc_dict *td, rlc_module *actor) {
    bool was = rlc_no_grad(true);
    rlc_dict *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    rlc_module_call(actor, next);
    rlc_tensor *target = rlc_td0(rlc_dict_get(td, "next.reward"), rlc_dict_get(td, "next.terminated"),
                                 smallest(m, m->target, next, false), 0.99);
    rlc_no_grad(was);
    rlc_tensor *total = NULL;
    for (int i = 0; i < m->num_qvalue_nets; i++) {
        rlc_dict *now = rlc_dict_clone(td);
        rlc_module_call(m->online[i], now);
        rlc_tensor *loss = rlc_mean(rlc_squared_error(rlc_dict_get(now, "state_action_value"), target), RLC_ALL, false);
        total = i == 0 ? loss : rlc_add(total, loss);
    }
    rlc_loss_set(&m->base, "loss_qvalue", total);
    return total;
}

static rlc_tensor *actor_loss(critics *m, rlc_dict *td) {
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->actor, now);
    rlc_tensor *loss = rlc_neg(rlc_mean(smallest(m, m->online, now, true), RLC_ALL, false));
    rlc_loss_set(&m->base, "loss_actor", loss);
    return loss;
}

static void sac_init(rlc_module *self, const rlc_build *build) {
    critics *m = (critics *)self;
    m->log_alpha = rlc_parameter_new(self, "log_alpha", (rlc_shape){0}, (rlc_init){RLC_INIT_CONSTANT, 0});
    build_critics(m, build);
    if (m->log_alpha != NULL) {
        rlc_loss_group_parameter(&m->base, "alpha", m->log_alpha);
    }
}

static void sac_forward(rlc_module *self, rlc_dict *td) {
    critics *m = (critics *)self;
    rlc_tensor *alpha = rlc_mul_scalar(m->log_alpha, -1);
    rlc_loss_set(&m->base, "loss_alpha", alpha);
    rlc_loss_set(&m->base, "loss", rlc_add(rlc_add(critic_loss(m, td, m->actor), actor_loss(m, td)), alpha));
}

const rlc_module_class shapes_sac_loss = {
    .base = RLC_CLASS("loss", SACLoss, .doc = "a stand-in", .options = sac_options),
    .out_keys = {"loss"},
    .init = sac_init,
    .forward = sac_forward,
};

static void td3_init(rlc_module *self, const rlc_build *build) {
    critics *m = (critics *)self;
    m->calls = rlc_state_counter(&self->model->state, "loss.calls");
    build_critics(m, build);
    if (m->actor != NULL) {
        m->target_actor = rlc_loss_target(&m->base, build, m->actor, "target_actor_network");
    }
}

/* The actor comes along every second time only; its optimiser then finds no gradient and leaves it alone. */
static void td3_forward(rlc_module *self, rlc_dict *td) {
    critics *m = (critics *)self;
    rlc_tensor *loss = critic_loss(m, td, m->target_actor);
    if (*m->calls % m->policy_update_delay == 0) {
        loss = rlc_add(loss, actor_loss(m, td));
    }
    *m->calls += !rlc_current()->shapes_only;
    rlc_loss_set(&m->base, "loss", loss);
}

const rlc_module_class shapes_td3_loss = {
    .base = RLC_CLASS("loss", TD3Loss, .doc = "a stand-in", .options = td3_options),
    .out_keys = {"loss"},
    .init = td3_init,
    .forward = td3_forward,
};
