/* cql.c: conservative Q-learning, for recorded data: SAC whose critics are pressed down on actions that the data lacks.
 *
 * Kumar et al., "Conservative Q-Learning for Offline Reinforcement Learning", NeurIPS 2020. To the losses of SAC
 * (objectives/sac.c) each critic adds
 *     min_q_weight (T log sum exp((Q(s, a) - log mu(a)) / T) - Q(s, a of the data))
 * where the sum is over three actions a ~ mu: a uniform one, one of the policy in s, and one of the policy in s', valued
 * there; the mean is over num_random such triples, as TorchRL has it (the paper sums over all samples of a state).
 *
 * With with_lagrange the penalty is multiplied by alpha', which grows while the penalty is above lagrange_thresh:
 *     alpha'    - alpha' (mean penalty of a critic - lagrange_thresh)
 * The target is min Q'(s', a'), without the entropy unless deterministic_backup is off; with max_q_backup each target
 * says the largest value of num_random actions. For the first policy_eval_start updates the actor imitates the data:
 *     actor     alpha log pi(a'|s) - log pi(a|s)
 */
#include <math.h>

#include "objectives/critics.h"
#include "objectives/replay.h"
#include "objectives/temperature.h"

enum { CRITICS = 2 };

typedef struct CQLLoss {
    rlc_loss base;
    const rlc_value *actor_network, *qvalue_network;
    int loss_function, num_random;
    int64_t policy_eval_start, *calls;
    double gamma, temperature, min_q_weight, lagrange_thresh;
    bool max_q_backup, deterministic_backup, with_lagrange;
    rlc_temperature entropy;
    rlc_critics critics;
    rlc_module *actor;
    rlc_tensor *log_alpha_prime; /* NULL without */
    rlc_stream *noise, *actions;
    double log_density;                /* of uniform actions */
    const rlc_key *keys[RLC_MAX_KEYS]; /* what networks read in a state, and the action behind them */
    int num_keys;
} CQLLoss;

static const rlc_option options[] = {
    RLC_MODULE(CQLLoss, actor_network, "the policy: a ProbabilisticActor", .required = true),
    RLC_MODULE(CQLLoss, qvalue_network, "the first of two critics: reads action, writes state_action_value",
               .required = true),
    RLC_ENUM(CQLLoss, loss_function, "smooth_l1", RLC_DISTANCE_NAMES, "of the critics' differences"),
    RLC_FLOAT(CQLLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_FLOAT(CQLLoss, temperature, 1, 1e-6, 1e6, "T: the smaller, the more the largest value alone is pressed down"),
    RLC_FLOAT(CQLLoss, min_q_weight, 1, 0, 1e6, "weight of the penalty"),
    RLC_BOOL_OPTION(CQLLoss, max_q_backup, false, "the target takes the best of num_random actions"),
    RLC_BOOL_OPTION(CQLLoss, deterministic_backup, true, "the target leaves the entropy out"),
    RLC_INT(CQLLoss, num_random, 10, 1, 1000, "actions of each kind that are drawn for a state"),
    RLC_BOOL_OPTION(CQLLoss, with_lagrange, false, "learn a multiplier of the penalty"),
    RLC_FLOAT(CQLLoss, lagrange_thresh, 0, -1e6, 1e6, "penalty that the multiplier aims at"),
    RLC_LONG(CQLLoss, policy_eval_start, 0, 0, 1e15, "updates in which the actor imitates the data first"),
    RLC_TEMPERATURE_OPTIONS(CQLLoss, entropy, 0, 0),
    {0},
};

static void read_key(CQLLoss *m, const rlc_key *key) {
    bool known = key == m->critics.action_key;
    for (int i = 0; i < m->num_keys; i++) {
        known = known || m->keys[i] == key;
    }
    if (!known && m->num_keys == RLC_MAX_KEYS - 1) {
        rlc_fail(RLC_INVALID, "%s: its networks read more than %d keys", m->base.base.path, RLC_MAX_KEYS - 1);
    } else if (!known) {
        m->keys[m->num_keys++] = key;
    }
}

/* Notes what networks read. */
static void read_keys(CQLLoss *m) {
    const rlc_module *critic = m->critics.online[0];
    for (int i = 0; i < m->actor->num_in; i++) {
        read_key(m, m->actor->in_keys[i]);
    }
    for (int i = 0; i < critic->num_in; i++) {
        read_key(m, critic->in_keys[i]);
    }
    m->keys[m->num_keys] = m->critics.action_key;
    for (int i = 0; i < m->num_keys; i++) {
        const char *names[] = {m->keys[i]->name, rlc_key_join(rlc_key_intern("next"), m->keys[i])->name};
        rlc_loss_reads(&m->base, NULL, false, names, RLC_COUNT(names));
    }
}

/* Uniform actions need bounds; false with an error. */
static bool measure_actions(CQLLoss *m, const rlc_spec *action) {
    char text[RLC_SPEC_TEXT];
    for (int64_t i = 0; i < rlc_shape_numel(action->shape) && action->kind == RLC_SPEC_BOUNDED; i++) {
        m->log_density -=
            action->lows != NULL ? log(action->highs[i] - action->lows[i]) : log(action->high - action->low);
    }
    if (action->kind != RLC_SPEC_BOUNDED || !isfinite(m->log_density)) {
        rlc_fail(RLC_INVALID, "%s: it draws uniform actions, which need bounds; those of the environment are %s",
                 m->base.base.path, rlc_spec_text(action, text));
        return false;
    }
    return true;
}

static void init(rlc_module *self, const rlc_build *build) {
    CQLLoss *m = (CQLLoss *)self;
    if (!measure_actions(m, build->action) ||
        !rlc_temperature_init(&m->entropy, &m->base, -(double)rlc_spec_size(build->action))) {
        return;
    }
    if (m->with_lagrange) {
        m->log_alpha_prime =
            rlc_parameter_new(self, "log_alpha_prime", (rlc_shape){0}, (rlc_init){RLC_INIT_CONSTANT, 0});
        rlc_loss_group_parameter(&m->base, "alpha_prime", m->log_alpha_prime);
    }
    m->actor = rlc_critics_build_soft(&m->critics, &m->base, build, m->actor_network, m->qvalue_network, CRITICS);
    if (m->actor != NULL) {
        read_keys(m);
    }
    m->noise = rlc_module_stream(self, "noise");
    m->actions = rlc_module_stream(self, "actions");
    m->calls = rlc_state_counter(&self->model->state, "loss.calls");
}

/* Every state num_random times, one after the other: a batch of one dimension, without actions. */
static rlc_dict *repeat(const CQLLoss *m, const rlc_dict *td) {
    rlc_dict *rows = td != NULL ? rlc_dict_reshape(rlc_dict_select(td, m->keys, m->num_keys), RLC_SHAPE(-1)) : NULL;
    if (rows == NULL) {
        return NULL;
    }
    int64_t count = rows->batch.size[0];
    rows = rlc_dict_expand(rlc_dict_unsqueeze(rows, 1), RLC_SHAPE(count, m->num_random));
    return rlc_dict_reshape(rows, RLC_SHAPE(count * m->num_random));
}

static rlc_tensor *best_of_many(const CQLLoss *m, const rlc_dict *next) {
    rlc_dict *many = repeat(m, next);
    rlc_tensor *least = NULL;
    if (rlc_critics_act(&m->critics, m->actor, many, m->noise) == NULL) {
        return NULL;
    }
    for (int i = 0; i < CRITICS; i++) {
        rlc_tensor *values = rlc_critics_value(&m->critics, m->critics.target[i], many);
        rlc_tensor *best = rlc_max(rlc_view(values, RLC_SHAPE(-1, m->num_random)), -1, true);
        least = i == 0 ? best : rlc_minimum(least, best);
    }
    return rlc_view(least, rlc_shape_concat(next->batch, RLC_SHAPE(1)));
}

static rlc_tensor *next_value(const CQLLoss *m, const rlc_dict *td, rlc_tensor *alpha) {
    rlc_dict *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    if (next == NULL || m->max_q_backup) {
        return next != NULL ? best_of_many(m, next) : NULL;
    }
    rlc_tensor *log_prob = rlc_critics_act(&m->critics, m->actor, next, m->noise);
    rlc_tensor *value = log_prob != NULL ? rlc_critics_target_min(&m->critics, next) : NULL;
    return m->deterministic_backup ? value : rlc_sub(value, rlc_mul(alpha, log_prob));
}

/* The rows with actions of the three kinds, [3 n], and the logarithms of their densities, [3, n]. */
static rlc_dict *draw_actions(const CQLLoss *m, const rlc_dict *td, rlc_tensor **log_density) {
    rlc_dict *rows[] = {repeat(m, td), repeat(m, td), repeat(m, rlc_dict_get_dict(td, "next"))};
    rlc_tensor *log_mu[RLC_COUNT(rows)];
    if (rows[0] == NULL || rows[1] == NULL || rows[2] == NULL) {
        return NULL;
    }
    rlc_dict_set_key(rows[0], m->critics.action_key, rlc_spec_sample(&m->critics.action, rows[0]->batch, m->actions));
    log_mu[0] = rlc_full(RLC_F32, rlc_shape_concat(rows[0]->batch, RLC_SHAPE(1)), m->log_density);
    for (int i = 1; i < RLC_COUNT(rows); i++) {
        log_mu[i] = rlc_critics_act(&m->critics, m->actor, rows[i], m->noise);
        rows[i] = rlc_dict_select(rows[i], m->keys, m->num_keys + 1);
    }
    *log_density = rlc_squeeze(rlc_stack(log_mu, RLC_COUNT(rows), 0), -1);
    return rlc_dict_cat(rows, RLC_COUNT(rows), 0);
}

/* What all critics are charged for valuing actions above the data's, [*batch, 1]: their sum. `values`: what they say of
 * the data's. */
static rlc_tensor *penalty(const CQLLoss *m, const rlc_dict *td, rlc_tensor *const *values) {
    bool was = rlc_no_grad(true);
    rlc_tensor *log_density = NULL, *sum = NULL;
    rlc_dict *rows = draw_actions(m, td, &log_density);
    rlc_no_grad(was);
    for (int i = 0; i < CRITICS && rows != NULL && log_density != NULL; i++) {
        rlc_tensor *q = rlc_critics_value(&m->critics, m->critics.online[i], rows);
        rlc_tensor *odds = rlc_sub(rlc_view(q, rlc_shape_of(log_density)), log_density);
        rlc_tensor *soft = rlc_logsumexp(rlc_mul_scalar(odds, 1 / m->temperature), 0, false);
        soft = rlc_mean(rlc_view(soft, RLC_SHAPE(-1, m->num_random)), -1, true);
        soft = rlc_view(rlc_mul_scalar(soft, m->temperature), rlc_shape_concat(td->batch, RLC_SHAPE(1)));
        rlc_tensor *mine = rlc_mul_scalar(rlc_sub(soft, values[i]), m->min_q_weight);
        sum = i == 0 ? mine : rlc_add(sum, mine);
    }
    return sum;
}

/* Multiplies the penalty by alpha', and adds what alpha' learns from, which trains nothing else. */
static rlc_tensor *weigh(CQLLoss *m, rlc_tensor *cost) {
    if (m->log_alpha_prime == NULL) {
        return cost;
    }
    rlc_tensor *alpha = rlc_clamp(rlc_exp(m->log_alpha_prime), 0, 1e6);
    rlc_tensor *excess = rlc_add_scalar(rlc_mul_scalar(rlc_detach(cost), 1.0 / CRITICS), -m->lagrange_thresh);
    rlc_tensor *mine = rlc_neg(rlc_mul(alpha, excess));
    rlc_loss_set(&m->base, "alpha_prime", rlc_detach(alpha));
    rlc_loss_set(&m->base, "loss_alpha_prime", mine);
    return rlc_add(rlc_mul(rlc_detach(alpha), cost), mine);
}

static rlc_tensor *critics_loss(CQLLoss *m, rlc_dict *td, rlc_tensor *alpha) {
    rlc_tensor *values[RLC_MAX_CRITICS];
    bool was = rlc_no_grad(true);
    rlc_tensor *target = rlc_critics_td0(&m->critics, td, next_value(m, td, alpha), m->gamma);
    rlc_no_grad(was);
    rlc_tensor *loss = rlc_critics_loss(&m->critics, td, target, m->loss_function, values);
    rlc_tensor *cost = rlc_replay_mean(td, penalty(m, td, values));
    rlc_loss_set(&m->base, "loss_qvalue", loss);
    rlc_loss_set(&m->base, "loss_cql", cost);
    return rlc_add(loss, weigh(m, cost));
}

/* *log_prob: of an action that the policy draws. */
static rlc_tensor *imitate(CQLLoss *m, const rlc_dict *td, rlc_tensor *alpha, rlc_tensor **log_prob) {
    rlc_distribution d;
    rlc_dict *now = rlc_dict_clone(td);
    if (now == NULL || !rlc_module_distribution(m->actor, now, &d)) {
        return NULL;
    }
    *log_prob = rlc_unsqueeze(rlc_distribution_log_prob(&d, rlc_distribution_sample(&d, m->noise)), -1);
    rlc_tensor *of_data = rlc_distribution_log_prob(&d, rlc_dict_get_key(td, m->critics.action_key));
    rlc_tensor *loss = rlc_replay_mean(td, rlc_sub(rlc_mul(alpha, *log_prob), rlc_unsqueeze(of_data, -1)));
    rlc_loss_set(&m->base, "loss_actor_bc", loss);
    return loss;
}

static rlc_tensor *improve(CQLLoss *m, const rlc_dict *td, rlc_tensor *alpha, rlc_tensor **log_prob) {
    rlc_dict *now = rlc_dict_clone(td);
    *log_prob = rlc_critics_act(&m->critics, m->actor, now, m->noise);
    if (*log_prob == NULL) {
        return NULL;
    }
    rlc_tensor *value = rlc_critics_held_min(&m->critics, now);
    rlc_tensor *loss = rlc_replay_mean(td, rlc_sub(rlc_mul(alpha, *log_prob), value));
    rlc_loss_set(&m->base, "loss_actor", loss);
    return loss;
}

static void forward(rlc_module *self, rlc_dict *td) {
    CQLLoss *m = (CQLLoss *)self;
    bool shapes = rlc_current()->shapes_only, imitates = *m->calls < m->policy_eval_start;
    rlc_tensor *alpha = rlc_temperature_value(&m->entropy), *log_prob = NULL, *actor = NULL;
    rlc_tensor *critics = critics_loss(m, td, alpha);
    if (imitates) {
        actor = imitate(m, td, alpha, &log_prob);
    }
    if (!imitates || shapes) {
        actor = improve(m, td, alpha, &log_prob);
    }
    *m->calls += !shapes;
    rlc_loss_set(&m->base, "entropy", rlc_neg(rlc_mean(rlc_detach(log_prob), RLC_ALL, false)));
    rlc_tensor *loss = rlc_add(actor, critics);
    rlc_loss_set(&m->base, "loss", rlc_temperature_add(&m->entropy, &m->base, td, loss, alpha, log_prob));
}

const rlc_module_class rlc_cql_loss_class = {
    .base = RLC_CLASS("loss", CQLLoss, .doc = "conservative Q-learning from recorded data", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
