/* discrete_sac.c: soft actor-critic over discrete actions, with exact expectations in place of samples.
 *
 * Christodoulou, "Soft Actor-Critic for Discrete Action Settings", 2019. With pi and Q the probabilities and the values of
 * all actions:
 *     critics   y = r + gamma (1 - terminated) sum pi(s') (min Q'(s') - alpha log pi(s'))
 *     actor     sum pi(s) (alpha log pi(s) - min Q(s))
 *     alpha     - log_alpha (sum pi log pi + target_entropy), target_entropy = target_entropy_weight log n unless given
 */
#include <math.h>

#include "objectives/critics.h"
#include "objectives/replay.h"
#include "objectives/temperature.h"

typedef struct DiscreteSACLoss {
    rlc_loss base;
    const rlc_value *actor_network, *qvalue_network;
    int loss_function, num_qvalue_nets;
    double gamma, target_entropy_weight;
    rlc_temperature temperature;
    rlc_critics critics;
    rlc_module *actor;
} DiscreteSACLoss;

static const rlc_option options[] = {
    RLC_MODULE(DiscreteSACLoss, actor_network, "the policy: a ProbabilisticActor with a categorical distribution",
               .required = true),
    RLC_MODULE(DiscreteSACLoss, qvalue_network, "the first critic: reads observation, writes action_value",
               .required = true),
    RLC_INT(DiscreteSACLoss, num_qvalue_nets, 2, 1, RLC_MAX_CRITICS, "critics, of which the smallest target counts"),
    RLC_ENUM(DiscreteSACLoss, loss_function, "smooth_l1", RLC_DISTANCE_NAMES, "of the critics' differences"),
    RLC_FLOAT(DiscreteSACLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_FLOAT(DiscreteSACLoss, target_entropy_weight, 0.98, 0, 1e6,
              "what target_entropy is when it is auto, as a share of that of equal chances"),
    RLC_TEMPERATURE_OPTIONS(DiscreteSACLoss, temperature, 0, 0),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    DiscreteSACLoss *m = (DiscreteSACLoss *)self;
    double most = log((double)rlc_spec_size(build->action));
    m->critics.discrete = true;
    if (!rlc_temperature_init(&m->temperature, &m->base, m->target_entropy_weight * most)) {
        return;
    }
    m->actor =
        rlc_critics_build_soft(&m->critics, &m->base, build, m->actor_network, m->qvalue_network, m->num_qvalue_nets);
}

/* log pi of all actions, [*batch, n]. */
static rlc_tensor *log_probs(const DiscreteSACLoss *m, const rlc_dict *td) {
    rlc_distribution d;
    rlc_dict *mine = rlc_dict_clone(td);
    return mine != NULL && rlc_module_distribution(m->actor, mine, &d) ? rlc_distribution_log_probs(&d) : NULL;
}

/* sum pi x, [*batch, 1] */
static rlc_tensor *expect(rlc_tensor *log_pi, rlc_tensor *x) {
    return rlc_sum(rlc_mul(rlc_exp(log_pi), x), -1, true);
}

static rlc_tensor *target_of(const DiscreteSACLoss *m, const rlc_dict *td, rlc_tensor *alpha) {
    const rlc_dict *next = rlc_dict_get_dict(td, "next");
    bool was = rlc_no_grad(true);
    rlc_tensor *log_pi = log_probs(m, next);
    rlc_tensor *soft = rlc_sub(rlc_critics_target_min(&m->critics, next), rlc_mul(alpha, log_pi));
    rlc_tensor *target = rlc_critics_td0(&m->critics, td, expect(log_pi, soft), m->gamma);
    rlc_no_grad(was);
    return target;
}

/* The actor learns from what the critics said when their own loss was computed: the same states, no gradient. */
static void forward(rlc_module *self, rlc_dict *td) {
    DiscreteSACLoss *m = (DiscreteSACLoss *)self;
    rlc_tensor *values[RLC_MAX_CRITICS], *alpha = rlc_temperature_value(&m->temperature);
    rlc_tensor *critics = rlc_critics_loss(&m->critics, td, target_of(m, td, alpha), m->loss_function, values);
    rlc_tensor *least = rlc_detach(values[0]), *log_pi = log_probs(m, td);
    for (int i = 1; i < m->critics.count; i++) {
        least = rlc_minimum(least, rlc_detach(values[i]));
    }
    rlc_tensor *actor = rlc_replay_mean(td, expect(log_pi, rlc_sub(rlc_mul(alpha, log_pi), least)));
    rlc_loss_set(&m->base, "loss_actor", actor);
    rlc_loss_set(&m->base, "loss_qvalue", critics);
    rlc_tensor *held = rlc_detach(log_pi), *negentropy = expect(held, held);
    rlc_loss_set(&m->base, "entropy", rlc_neg(rlc_mean(negentropy, RLC_ALL, false)));
    rlc_tensor *loss = rlc_add(actor, critics);
    rlc_loss_set(&m->base, "loss", rlc_temperature_add(&m->temperature, &m->base, td, loss, alpha, negentropy));
}

const rlc_module_class rlc_discrete_sac_loss_class = {
    .base = RLC_CLASS("loss", DiscreteSACLoss, .doc = "soft actor-critic over discrete actions", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
