/* redq.c: randomized ensembled double Q-learning: SAC with an ensemble of critics, fit for many updates a frame.
 *
 * Chen et al., "Randomized Ensembled Double Q-Learning: Learning Fast Without a Model", ICLR 2021. With a' and log pi' of the
 * current policy and a random subset M of the N targets, drawn anew for every update:
 *     critics   y = r + gamma (1 - terminated) (min over M of Q'(s', a') - alpha log pi'), the mean over all N
 *     actor     alpha log pi - mean over N of Q(s, a)
 *     alpha     - alpha (log pi + target_entropy), over this state's action and the next one's, as TorchRL has it
 * Which targets count is tensor data: all of them are asked, so that every update records the same list of ops. That costs
 * a forward pass of N - |M| networks, a seventh of an update at the usual sizes.
 */
#include "objectives/critics.h"
#include "objectives/replay.h"
#include "objectives/temperature.h"

typedef struct REDQLoss {
    rlc_loss base;
    const rlc_value *actor_network, *qvalue_network;
    int loss_function, num_qvalue_nets, sub_sample_len;
    int64_t policy_update_delay;
    double gamma;
    rlc_temperature temperature;
    rlc_critics critics;
    rlc_module *actor;
    rlc_stream *noise, *subset;
    int64_t *calls;
} REDQLoss;

static const rlc_option options[] = {
    RLC_MODULE(REDQLoss, actor_network, "the policy: a ProbabilisticActor", .required = true),
    RLC_MODULE(REDQLoss, qvalue_network, "the first critic: reads action, writes state_action_value", .required = true),
    RLC_INT(REDQLoss, num_qvalue_nets, 10, 1, RLC_MAX_CRITICS, "critics"),
    RLC_INT(REDQLoss, sub_sample_len, 2, 1, RLC_MAX_CRITICS, "targets of which the smallest counts"),
    RLC_LONG(REDQLoss, policy_update_delay, 1, 1, 1e6, "updates of the critics for one of the actor"),
    RLC_ENUM(REDQLoss, loss_function, "smooth_l1", RLC_DISTANCE_NAMES, "of the critics' differences"),
    RLC_FLOAT(REDQLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_TEMPERATURE_OPTIONS(REDQLoss, temperature, 0.1, 10),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    REDQLoss *m = (REDQLoss *)self;
    if (m->sub_sample_len > m->num_qvalue_nets) {
        rlc_fail(RLC_INVALID, "%s: sub_sample_len (%d) must not be above num_qvalue_nets (%d)", self->path,
                 m->sub_sample_len, m->num_qvalue_nets);
        return;
    }
    m->temperature.of_alpha = true;
    if (!rlc_temperature_init(&m->temperature, &m->base, -(double)rlc_spec_size(build->action))) {
        return;
    }
    m->actor =
        rlc_critics_build_soft(&m->critics, &m->base, build, m->actor_network, m->qvalue_network, m->num_qvalue_nets);
    m->noise = rlc_module_stream(self, "noise");
    m->subset = rlc_module_stream(self, "subset");
    m->calls = rlc_state_counter(&self->model->state, "loss.calls");
}

/* The smallest of what a random subset of the targets says. */
static rlc_tensor *subset_min(const REDQLoss *m, const rlc_dict *td) {
    rlc_tensor *values[RLC_MAX_CRITICS];
    for (int i = 0; i < m->critics.count; i++) {
        values[i] = rlc_critics_value(&m->critics, m->critics.target[i], td);
    }
    rlc_tensor *chosen = rlc_slice(rlc_randperm(m->subset, m->critics.count), 0, 0, m->sub_sample_len);
    return rlc_min(rlc_index_select(rlc_stack(values, m->critics.count, 0), chosen), 0, false);
}

/* The mean of what all critics say, their parameters held constant. */
static rlc_tensor *held_mean(const REDQLoss *m, const rlc_dict *td) {
    rlc_tensor *sum = NULL;
    for (int i = 0; i < m->critics.count; i++) {
        rlc_tensor *value = rlc_critics_held_value(&m->critics, i, td);
        sum = i == 0 ? value : rlc_add(sum, value);
    }
    return rlc_mul_scalar(sum, 1.0 / m->critics.count);
}

/* *log_prob: of the next state's action. */
static rlc_tensor *critics_loss(REDQLoss *m, rlc_dict *td, rlc_tensor *alpha, rlc_tensor **log_prob) {
    bool was = rlc_no_grad(true);
    rlc_dict *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    rlc_tensor *target = NULL;
    *log_prob = rlc_critics_act(&m->critics, m->actor, next, m->noise);
    if (*log_prob != NULL) {
        target = rlc_critics_td0(&m->critics, td, rlc_sub(subset_min(m, next), rlc_mul(alpha, *log_prob)), m->gamma);
    }
    rlc_no_grad(was);
    rlc_tensor *sum = rlc_critics_loss(&m->critics, td, target, m->loss_function, NULL);
    return rlc_mul_scalar(sum, 1.0 / m->critics.count);
}

static rlc_tensor *actor_loss(REDQLoss *m, const rlc_dict *td, rlc_tensor *alpha, rlc_tensor **log_prob) {
    rlc_dict *now = rlc_dict_clone(td);
    *log_prob = rlc_critics_act(&m->critics, m->actor, now, m->noise);
    return *log_prob != NULL ? rlc_replay_mean(td, rlc_sub(rlc_mul(alpha, *log_prob), held_mean(m, now))) : NULL;
}

/* Where the actor does not learn, neither does the temperature: they get no gradient, and optimisers leave them alone. */
static void forward(rlc_module *self, rlc_dict *td) {
    REDQLoss *m = (REDQLoss *)self;
    bool shapes = rlc_current()->shapes_only;
    rlc_tensor *alpha = rlc_temperature_value(&m->temperature), *next_log_prob, *log_prob;
    rlc_tensor *loss = critics_loss(m, td, alpha, &next_log_prob);
    rlc_loss_set(&m->base, "loss_qvalue", loss);
    if (shapes || *m->calls % m->policy_update_delay == 0) {
        rlc_tensor *actor = actor_loss(m, td, alpha, &log_prob);
        rlc_tensor *both = rlc_mul_scalar(rlc_add(rlc_detach(log_prob), next_log_prob), 0.5);
        rlc_loss_set(&m->base, "loss_actor", actor);
        rlc_loss_set(&m->base, "entropy", rlc_neg(rlc_mean(both, RLC_ALL, false)));
        loss = rlc_temperature_add(&m->temperature, &m->base, td, rlc_add(loss, actor), alpha, both);
    }
    *m->calls += !shapes;
    rlc_loss_set(&m->base, "loss", loss);
}

const rlc_module_class rlc_redq_loss_class = {
    .base = RLC_CLASS("loss", REDQLoss, .doc = "soft actor-critic with an ensemble of critics", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
