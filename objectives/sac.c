/* sac.c: soft actor-critic: maximum return and maximum entropy.
 *
 * Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", 2018. With a' and log pi' of the current policy:
 *     critics   y = r + gamma (1 - terminated) (min Q'(s', a') - alpha log pi')
 *     actor     alpha log pi - min Q(s, a), through a sample that the policy's parameters shift and scale
 *     alpha     - log_alpha (log pi + target_entropy), target_entropy = -dim(action) unless given
 */
#include "objectives/critics.h"
#include "objectives/replay.h"
#include "objectives/temperature.h"

typedef struct SACLoss {
    rlc_loss base;
    const rlc_value *actor_option, *qvalue_option;
    int loss_function, num_qvalue_nets;
    double gamma;
    rlc_temperature temperature;
    rlc_critics critics;
    rlc_module *actor;
    rlc_stream *noise;
} SACLoss;

static const rlc_option options[] = {
    {.name = "actor_network",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(SACLoss, actor_option),
     .required = true,
     .help = "the policy: a ProbabilisticActor"},
    {.name = "qvalue_network",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(SACLoss, qvalue_option),
     .required = true,
     .help = "the first critic: reads action, writes state_action_value"},
    RLC_INT(SACLoss, num_qvalue_nets, 2, 1, RLC_MAX_CRITICS, "critics, of which the smallest target counts"),
    RLC_ENUM(SACLoss, loss_function, "smooth_l1", RLC_DISTANCE_NAMES, "of the critics' differences"),
    RLC_FLOAT(SACLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_TEMPERATURE_OPTIONS(SACLoss, temperature, 0, 0),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    SACLoss *m = (SACLoss *)self;
    if (!rlc_temperature_init(&m->temperature, &m->base, -(double)rlc_spec_size(build->action))) {
        return;
    }
    m->actor =
        rlc_critics_build_soft(&m->critics, &m->base, build, m->actor_option, m->qvalue_option, m->num_qvalue_nets);
    m->noise = rlc_module_stream(self, "noise");
}

static rlc_tensor *critics_loss(SACLoss *m, rlc_dict *td, rlc_tensor *alpha) {
    bool was = rlc_no_grad(true);
    rlc_dict *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    rlc_tensor *log_prob = rlc_critics_act(&m->critics, m->actor, next, m->noise);
    rlc_tensor *value = rlc_sub(rlc_critics_target_min(&m->critics, next), rlc_mul(alpha, log_prob));
    rlc_tensor *target = rlc_critics_td0(&m->critics, td, value, m->gamma);
    rlc_no_grad(was);
    return rlc_critics_loss(&m->critics, td, target, m->loss_function, NULL);
}

static void forward(rlc_module *self, rlc_dict *td) {
    SACLoss *m = (SACLoss *)self;
    rlc_tensor *alpha = rlc_temperature_value(&m->temperature);
    rlc_tensor *critics = critics_loss(m, td, alpha);
    rlc_dict *now = rlc_dict_clone(td);
    rlc_tensor *log_prob = rlc_critics_act(&m->critics, m->actor, now, m->noise);
    rlc_tensor *value = now != NULL ? rlc_critics_held_min(&m->critics, now) : NULL;
    rlc_tensor *actor = rlc_replay_mean(td, rlc_sub(rlc_mul(alpha, log_prob), value));
    rlc_loss_set(&m->base, "loss_actor", actor);
    rlc_loss_set(&m->base, "loss_qvalue", critics);
    rlc_loss_set(&m->base, "entropy", rlc_neg(rlc_mean(rlc_detach(log_prob), RLC_ALL, false)));
    rlc_tensor *loss = rlc_add(actor, critics);
    rlc_loss_set(&m->base, "loss", rlc_temperature_add(&m->temperature, &m->base, td, loss, alpha, log_prob));
}

const rlc_module_class rlc_sac_loss_class = {
    .base = RLC_CLASS("loss", SACLoss, .doc = "soft actor-critic, with a learned temperature", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
