/* iql.c: implicit Q-learning, for recorded data: no action is valued that the data does not have.
 *
 * Kostrikov, Nair and Levine, "Offline Reinforcement Learning with Implicit Q-Learning", ICLR 2022. With min Q' the smaller
 * of the target critics and d = min Q'(s, a) - V(s), for an action a of the data:
 *     value     |expectile - 1[d <= 0]| d^2, so that V is an upper expectile of Q over the data's actions
 *     critics   y = r + gamma (1 - terminated) V(s')
 *     actor     - min(exp(temperature d), 100) log pi(a|s)
 * DiscreteIQLLoss is the same with critics that value every action at once.
 */
#include "objectives/critics.h"
#include "objectives/replay.h"
#include "objectives/temperature.h"

typedef struct IQLLoss {
    rlc_loss base;
    const rlc_value *actor_network, *qvalue_network, *value_network;
    int loss_function, num_qvalue_nets;
    double gamma, temperature, expectile;
    rlc_critics critics;
    rlc_module *actor, *value;
} IQLLoss;

typedef IQLLoss DiscreteIQLLoss;

enum { MOST_WEIGHT = 100 };

#define OPTIONS(critic)                                                                                                \
    RLC_MODULE(IQLLoss, actor_network, "the policy: a ProbabilisticActor", .required = true),                          \
        RLC_MODULE(IQLLoss, qvalue_network, critic, .required = true),                                                 \
        RLC_MODULE(IQLLoss, value_network, "what a state is worth: writes state_value", .required = true),             \
        RLC_INT(IQLLoss, num_qvalue_nets, 2, 1, RLC_MAX_CRITICS, "critics, of which the smallest target counts"),      \
        RLC_ENUM(IQLLoss, loss_function, "smooth_l1", RLC_DISTANCE_NAMES, "of the critics' differences"),              \
        RLC_FLOAT(IQLLoss, temperature, 1, 0, 1e6,                                                                     \
                  "how much the actor prefers better actions; 0: it imitates all of them"),                            \
        RLC_FLOAT(IQLLoss, expectile, 0.5, 0, 1, "which expectile the value learns; the nearer to 1, the bolder"),     \
        RLC_FLOAT(IQLLoss, gamma, 0.99, 0, 1, "discount of a step")

static const rlc_option options[] = {OPTIONS("the first critic: reads action, writes state_action_value"), {0}};
static const rlc_option discrete_options[] = {OPTIONS("the first critic: reads observation, writes action_value"), {0}};

static void init(rlc_module *self, const rlc_build *build) {
    IQLLoss *m = (IQLLoss *)self;
    static const char *const keys[] = {"action", "next.reward", "next.terminated"};
    m->actor = rlc_module_build(self, build, m->actor_network, "actor_network");
    if (m->actor == NULL || !rlc_loss_expect_stochastic(&m->base, m->actor)) {
        return;
    }
    m->value = rlc_module_build(self, build, m->value_network, "value_network");
    if (m->value == NULL || !rlc_critics_build(&m->critics, &m->base, build, m->qvalue_network, m->num_qvalue_nets)) {
        return;
    }
    rlc_loss_group(&m->base, "actor", m->actor);
    rlc_loss_group(&m->base, "value", m->value);
    rlc_loss_reads(&m->base, m->actor, false, keys, RLC_COUNT(keys));
    rlc_loss_reads(&m->base, m->critics.online[0], false, NULL, 0);
    rlc_loss_reads(&m->base, m->value, true, NULL, 0);
}

static void discrete_init(rlc_module *self, const rlc_build *build) {
    ((IQLLoss *)self)->critics.discrete = true;
    init(self, build);
}

/* What a state is worth, [*batch, 1]. */
static rlc_tensor *value_of(const IQLLoss *m, const rlc_dict *td) {
    rlc_dict *mine = rlc_dict_clone(td);
    if (mine == NULL) {
        return NULL;
    }
    rlc_module_call(m->value, mine);
    return rlc_dict_get_key(mine, m->value->out_keys[0]);
}

static rlc_tensor *critics_loss(IQLLoss *m, rlc_dict *td) {
    bool was = rlc_no_grad(true);
    rlc_tensor *target = rlc_critics_td0(&m->critics, td, value_of(m, rlc_dict_get_dict(td, "next")), m->gamma);
    rlc_no_grad(was);
    return rlc_critics_loss(&m->critics, td, target, m->loss_function, NULL);
}

/* d^2, weighted by the expectile where d is above 0, by the rest elsewhere. */
static rlc_tensor *expectile_loss(const IQLLoss *m, rlc_tensor *d) {
    rlc_tensor *above = rlc_gt(rlc_detach(d), rlc_scalar(0));
    return rlc_mul(rlc_where(above, rlc_scalar(m->expectile), rlc_scalar(1 - m->expectile)), rlc_square(d));
}

/* log pi of the action that the data has, [*batch, 1]. */
static rlc_tensor *log_prob_of_data(const IQLLoss *m, const rlc_dict *td) {
    rlc_distribution d;
    rlc_dict *mine = rlc_dict_clone(td);
    if (mine == NULL || !rlc_module_distribution(m->actor, mine, &d)) {
        return NULL;
    }
    return rlc_unsqueeze(rlc_distribution_log_prob(&d, rlc_dict_get_key(td, m->critics.action_key)), -1);
}

static void forward(rlc_module *self, rlc_dict *td) {
    IQLLoss *m = (IQLLoss *)self;
    rlc_tensor *critics = critics_loss(m, td);
    bool was = rlc_no_grad(true);
    rlc_tensor *least = rlc_critics_chosen(&m->critics, td, rlc_critics_target_min(&m->critics, td));
    rlc_no_grad(was);
    rlc_tensor *d = rlc_sub(least, value_of(m, td)), *log_prob = log_prob_of_data(m, td);
    rlc_tensor *value = rlc_replay_mean(td, expectile_loss(m, d));
    rlc_tensor *weight = rlc_clamp(rlc_exp(rlc_mul_scalar(rlc_detach(d), m->temperature)), 0, MOST_WEIGHT);
    rlc_tensor *actor = rlc_neg(rlc_replay_mean(td, rlc_mul(weight, log_prob)));
    rlc_loss_set(&m->base, "loss_actor", actor);
    rlc_loss_set(&m->base, "loss_qvalue", critics);
    rlc_loss_set(&m->base, "loss_value", value);
    rlc_loss_set(&m->base, "entropy", rlc_neg(rlc_mean(rlc_detach(log_prob), RLC_ALL, false)));
    rlc_loss_set(&m->base, "loss", rlc_add(rlc_add(actor, critics), value));
}

const rlc_module_class rlc_iql_loss_class = {
    .base = RLC_CLASS("loss", IQLLoss, .doc = "implicit Q-learning from recorded data", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};

const rlc_module_class rlc_discrete_iql_loss_class = {
    .base = RLC_CLASS("loss", DiscreteIQLLoss, .doc = "implicit Q-learning over discrete actions",
                      .options = discrete_options),
    .out_keys = {"loss", "td_error"},
    .init = discrete_init,
    .forward = forward,
};
