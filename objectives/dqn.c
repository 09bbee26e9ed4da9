/* dqn.c: Q-learning: Q(s, a) against r + gamma (1 - terminated) Q'(s', a').
 *
 * Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015: Q' is a target network, a' its
 * greedy action. With double_dqn a' is the greedy action of the network that is trained (van Hasselt, Guez and Silver,
 * "Deep Reinforcement Learning with Double Q-learning", AAAI 2016). Gives `loss`; writes td_error, the squared difference.
 *
 * DiscreteCQLLoss, for recorded data, halves that and adds log sum exp Q(s, .) - Q(s, a), which presses down what the data's
 * action does not earn (Kumar et al., "Conservative Q-Learning for Offline Reinforcement Learning", NeurIPS 2020).
 *
 * It heeds the importance weights and the number of steps that a replay buffer adds to a batch (objectives/replay.h).
 */
#include "objectives/loss.h"
#include "objectives/replay.h"

typedef struct DQNLoss {
    rlc_loss base;
    const rlc_value *value_network;
    int loss_function;
    double gamma;
    bool delay_value, double_dqn;
    rlc_module *online, *target;
    const rlc_key *action, *action_value, *chosen, *reward, *terminated, *td_error;
    rlc_spec spec;
} DQNLoss;

typedef DQNLoss DiscreteCQLLoss;

#define COMMON_OPTIONS                                                                                                 \
    RLC_MODULE(DQNLoss, value_network, "writes action, action_value and chosen_action_value", .required = true),       \
        RLC_ENUM(DQNLoss, loss_function, "l2", RLC_DISTANCE_NAMES, "of the difference"),                               \
        RLC_FLOAT(DQNLoss, gamma, 0.99, 0, 1, "discount of a step"),                                                   \
        RLC_BOOL_OPTION(DQNLoss, delay_value, true, "use a target network, which a target updater follows up")

static const rlc_option cql_options[] = {COMMON_OPTIONS, {0}};

static const rlc_option options[] = {
    COMMON_OPTIONS,
    RLC_BOOL_OPTION(DQNLoss, double_dqn, false, "the trained network chooses the next action, the target values it"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    DQNLoss *m = (DQNLoss *)self;
    static const char *const keys[] = {"action", "next.reward", "next.terminated"};
    if (m->double_dqn && !m->delay_value) {
        rlc_fail(RLC_INVALID, "%s: double_dqn needs a target network; set delay_value: true", self->path);
        return;
    }
    m->online = rlc_module_build(self, build, m->value_network, "value_network");
    if (m->online == NULL) {
        return;
    }
    m->target = m->delay_value ? rlc_loss_target(&m->base, build, m->online, "target_value_network") : m->online;
    rlc_loss_group(&m->base, "value", m->online);
    rlc_loss_reads(&m->base, m->online, true, keys, RLC_COUNT(keys));
    m->action = rlc_key_intern("action");
    m->action_value = rlc_key_intern("action_value");
    m->chosen = rlc_key_intern("chosen_action_value");
    m->reward = rlc_key_intern("next.reward");
    m->terminated = rlc_key_intern("next.terminated");
    m->td_error = rlc_key_intern("td_error");
    m->spec = *build->action;
}

/* What the next state is worth. No gradient passes. */
static rlc_tensor *next_value(const DQNLoss *m, const rlc_dict *td) {
    const rlc_dict *next = rlc_dict_get_dict(td, "next");
    rlc_dict *by_target = rlc_dict_clone(next), *by_online = rlc_dict_clone(next);
    bool was = rlc_no_grad(true);
    rlc_tensor *value;
    rlc_module_call(m->target, by_target);
    if (m->double_dqn) {
        rlc_module_call(m->online, by_online);
        value = rlc_chosen_value(&m->spec, rlc_dict_get_key(by_target, m->action_value),
                                 rlc_dict_get_key(by_online, m->action));
    } else {
        value = rlc_dict_get_key(by_target, m->chosen);
    }
    rlc_no_grad(was);
    return value;
}

/* The values of all actions, that of the batch's, and what it is to become; writes td_error. */
static rlc_tensor *judge(DQNLoss *m, rlc_dict *td, rlc_tensor **values, rlc_tensor **target) {
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->online, now);
    *values = rlc_dict_get_key(now, m->action_value);
    rlc_tensor *value = rlc_chosen_value(&m->spec, *values, rlc_dict_get_key(td, m->action));
    *target = rlc_replay_td0(td, rlc_dict_get_key(td, m->reward), rlc_dict_get_key(td, m->terminated),
                             next_value(m, td), m->gamma);
    rlc_dict_set_key(td, m->td_error, rlc_squared_error(rlc_detach(value), *target));
    return value;
}

static void forward(rlc_module *self, rlc_dict *td) {
    DQNLoss *m = (DQNLoss *)self;
    rlc_tensor *values, *target, *value = judge(m, td, &values, &target);
    rlc_loss_set(&m->base, "loss", rlc_replay_mean(td, rlc_distance(m->loss_function, value, target)));
}

static void cql_forward(rlc_module *self, rlc_dict *td) {
    DQNLoss *m = (DQNLoss *)self;
    rlc_tensor *values, *target, *value = judge(m, td, &values, &target);
    rlc_tensor *loss = rlc_mul_scalar(rlc_replay_mean(td, rlc_distance(m->loss_function, value, target)), 0.5);
    rlc_tensor *cost = rlc_replay_mean(td, rlc_sub(rlc_logsumexp(values, -1, true), value));
    rlc_loss_set(&m->base, "loss_qvalue", loss);
    rlc_loss_set(&m->base, "loss_cql", cost);
    rlc_loss_set(&m->base, "pred_value", rlc_mean(rlc_detach(values), RLC_ALL, false));
    rlc_loss_set(&m->base, "target_value", rlc_mean(target, RLC_ALL, false));
    rlc_loss_set(&m->base, "loss", rlc_add(loss, cost));
}

const rlc_module_class rlc_dqn_loss_class = {
    .base = RLC_CLASS("loss", DQNLoss, .doc = "Q-learning with a target network", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};

const rlc_module_class rlc_discrete_cql_loss_class = {
    .base = RLC_CLASS("loss", DiscreteCQLLoss, .doc = "conservative Q-learning over discrete actions",
                      .options = cql_options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = cql_forward,
};
