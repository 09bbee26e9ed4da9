/* dqn.c: Q(s, a) against r + gamma (1 - terminated) Q'(s', a').
 *
 * Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015: Q' is a target network, a' its
 * greedy action. With double_dqn a' is the greedy action of the network that is trained (van Hasselt, Guez and Silver,
 * "Deep Reinforcement Learning with Double Q-learning", AAAI 2016). Gives `loss`; writes td_error, the squared difference.
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

static const rlc_option options[] = {
    RLC_MODULE(DQNLoss, value_network, "writes action, action_value and chosen_action_value", .required = true),
    RLC_ENUM(DQNLoss, loss_function, "l2", RLC_DISTANCE_NAMES, "of the difference"),
    RLC_FLOAT(DQNLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_BOOL_OPTION(DQNLoss, delay_value, true, "use a target network, which a target updater follows up"),
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

static void forward(rlc_module *self, rlc_dict *td) {
    DQNLoss *m = (DQNLoss *)self;
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->online, now);
    rlc_tensor *value =
        rlc_chosen_value(&m->spec, rlc_dict_get_key(now, m->action_value), rlc_dict_get_key(td, m->action));
    rlc_tensor *target = rlc_replay_td0(td, rlc_dict_get_key(td, m->reward), rlc_dict_get_key(td, m->terminated),
                                        next_value(m, td), m->gamma);
    rlc_dict_set_key(td, m->td_error, rlc_squared_error(rlc_detach(value), target));
    rlc_loss_set(&m->base, "loss", rlc_replay_mean(td, rlc_distance(m->loss_function, value, target)));
}

const rlc_module_class rlc_dqn_loss_class = {
    .base = RLC_CLASS("loss", DQNLoss, .doc = "Q-learning with a target network", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
