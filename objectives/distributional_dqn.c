/* distributional_dqn.c: the distribution of Q(s, a) against that of r + gamma (1 - terminated) Q'(s', a').
 *
 * Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement Learning", ICML 2017, algorithm 1 (C51):
 * the atoms of the next distribution are moved by the Bellman operator, projected onto the support, and the cross entropy
 * to the result is the loss. As TorchRL's DistributionalDQNLoss: the network that is trained chooses a', the target values
 * it; double_dqn: false lets the target choose too, as the paper does. Gives `loss`; writes td_error, the cross entropy.
 * It heeds what a replay buffer adds to a batch (objectives/replay.h).
 */
#include "modules/distributional.h"
#include "objectives/loss.h"
#include "objectives/replay.h"

typedef struct DistributionalDQNLoss {
    rlc_loss base;
    const rlc_value *value_network;
    double gamma;
    bool delay_value, double_dqn;
    rlc_module *online, *target;
    const rlc_support *support;
    const rlc_key *action, *action_value, *reward, *terminated, *td_error;
    bool one_hot;
} DistributionalDQNLoss;

static const rlc_option options[] = {
    RLC_MODULE(DistributionalDQNLoss, value_network, "a DistributionalQValueActor, or what ends in such a module",
               .required = true),
    RLC_FLOAT(DistributionalDQNLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_BOOL_OPTION(DistributionalDQNLoss, delay_value, true,
                    "use a target network, which a target updater follows up"),
    RLC_BOOL_OPTION(DistributionalDQNLoss, double_dqn, true,
                    "the trained network chooses the next action; false: the target network does"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    DistributionalDQNLoss *m = (DistributionalDQNLoss *)self;
    static const char *const keys[] = {"action", "next.reward", "next.terminated"};
    m->online = rlc_module_build(self, build, m->value_network, "value_network");
    m->support = m->online != NULL ? rlc_module_support(m->online) : NULL;
    if (m->support == NULL) {
        return;
    }
    m->target = m->delay_value ? rlc_loss_target(&m->base, build, m->online, "target_value_network") : m->online;
    rlc_loss_group(&m->base, "value", m->online);
    rlc_loss_reads(&m->base, m->online, true, keys, RLC_COUNT(keys));
    m->action = rlc_key_intern("action");
    m->action_value = rlc_key_intern("action_value");
    m->reward = rlc_key_intern("next.reward");
    m->terminated = rlc_key_intern("next.terminated");
    m->td_error = rlc_key_intern("td_error");
    m->one_hot = build->action->kind == RLC_SPEC_ONE_HOT;
}

/* The probabilities [*, num_atoms] of what the next action is worth. */
static rlc_tensor *next_probabilities(const DistributionalDQNLoss *m, const rlc_dict *td) {
    const rlc_dict *next = rlc_dict_get_dict(td, "next");
    rlc_dict *by_target = rlc_dict_clone(next), *by_online = by_target;
    rlc_module_call(m->target, by_target);
    if (m->double_dqn && m->target != m->online) {
        by_online = rlc_dict_clone(next);
        rlc_module_call(m->online, by_online);
    }
    return rlc_exp(rlc_of_action(rlc_dict_get_key(by_target, m->action_value), rlc_dict_get_key(by_online, m->action),
                                 m->one_hot));
}

/* Each moved atom's probability goes to the two atoms of the support that it lies between, in proportion. */
static rlc_tensor *project(const rlc_support *s, rlc_tensor *moved, rlc_tensor *probability) {
    const double last = (double)(s->num_atoms - 1), spacing = (s->v_max - s->v_min) / last;
    rlc_tensor *place = rlc_mul_scalar(rlc_add_scalar(rlc_clamp(moved, s->v_min, s->v_max), -s->v_min), 1 / spacing);
    place = rlc_clamp(place, 0, last); /* rounding may lead out of the support */
    rlc_tensor *low = rlc_floor(place), *up = rlc_clamp(rlc_add_scalar(low, 1), 0, last);
    rlc_tensor *to_up = rlc_mul(probability, rlc_sub(place, low)), *to_low = rlc_sub(probability, to_up);
    rlc_tensor *result = probability != NULL ? rlc_zeros(RLC_F32, rlc_shape_of(probability)) : NULL;
    result = rlc_scatter_add(result, -1, rlc_cast(low, RLC_I64), to_low);
    return rlc_scatter_add(result, -1, rlc_cast(up, RLC_I64), to_up);
}

/* What the distribution of Q(s, a) should be. No gradient passes. */
static rlc_tensor *target_of(const DistributionalDQNLoss *m, const rlc_dict *td) {
    bool was = rlc_no_grad(true);
    rlc_tensor *probability = next_probabilities(m, td);
    rlc_tensor *discount =
        rlc_where(rlc_dict_get_key(td, m->terminated), rlc_scalar(0), rlc_replay_discount(td, m->gamma));
    rlc_tensor *moved = rlc_add(rlc_dict_get_key(td, m->reward), rlc_mul(discount, m->support->atoms));
    rlc_tensor *target = project(m->support, moved, probability);
    rlc_no_grad(was);
    return target;
}

static void forward(rlc_module *self, rlc_dict *td) {
    DistributionalDQNLoss *m = (DistributionalDQNLoss *)self;
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->online, now);
    rlc_tensor *value =
        rlc_of_action(rlc_dict_get_key(now, m->action_value), rlc_dict_get_key(td, m->action), m->one_hot);
    rlc_tensor *loss = rlc_neg(rlc_sum(rlc_mul(target_of(m, td), value), -1, true));
    rlc_dict_set_key(td, m->td_error, rlc_detach(loss));
    rlc_loss_set(&m->base, "loss", rlc_replay_mean(td, loss));
}

const rlc_module_class rlc_distributional_dqn_loss_class = {
    .base = RLC_CLASS("loss", DistributionalDQNLoss, .doc = "Q-learning of distributions of values (C51)",
                      .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
