#include "objectives/estimators.h"

#include "core/record.h"
#include "modules/distribution.h"
#include "objectives/values.h"

typedef struct Estimator {
    rlc_module base;
    const rlc_value *value_network;
    double gamma, lmbda;
    bool average_rewards, average_gae, shifted;
    rlc_module *network;
    const rlc_key *next, *value;
} Estimator;

typedef Estimator TD0Estimator, TD1Estimator, TDLambdaEstimator, GAE;

typedef struct VTrace {
    Estimator base;
    const rlc_value *actor_network;
    double rho_thresh, c_thresh;
    bool average_adv;
    rlc_module *actor;
    const rlc_key *action, *log_prob;
} VTrace;

enum { TIME = -2 };
enum { REWARD, DONE, TERMINATED, SIGNALS };
static const char *const signals[SIGNALS] = {
    [REWARD] = "next.reward", [DONE] = "next.done", [TERMINATED] = "next.terminated"};

static bool writes(const rlc_module *network, const rlc_key *key) {
    for (int i = 0; i < network->num_out; i++) {
        if (network->out_keys[i] == key) {
            return true;
        }
    }
    return false;
}

/* It reads the signals, then what the network reads of both ends of a step. */
static void init(rlc_module *self, const rlc_build *build) {
    Estimator *m = (Estimator *)self;
    const rlc_key *keys[SIGNALS + 2 * RLC_MAX_KEYS];
    int count = 0;
    m->next = rlc_key_intern("next");
    m->value = rlc_key_intern("state_value");
    m->network = rlc_module_build(self, build, m->value_network, "value_network");
    if (m->network == NULL) {
        return;
    }
    if (!writes(m->network, m->value)) {
        rlc_fail(RLC_INVALID, "%s: value_network: %s does not write state_value, but %s", self->path, m->network->path,
                 m->network->num_out > 0 ? m->network->out_keys[0]->name : "nothing");
        return;
    }
    for (int i = 0; i < SIGNALS; i++) {
        keys[count++] = rlc_key_intern(signals[i]);
    }
    for (int i = 0; i < m->network->num_in; i++) {
        keys[count++] = m->network->in_keys[i];
        keys[count++] = rlc_key_join(m->next, m->network->in_keys[i]);
    }
    rlc_module_set_in_keys(self, keys, count);
}

/* It also reads what the actor reads, what was done, and how likely that was. */
static void vtrace_init(rlc_module *self, const rlc_build *build) {
    VTrace *m = (VTrace *)self;
    const rlc_key *keys[2 * RLC_MAX_KEYS + 2];
    init(self, build);
    m->actor = rlc_error_status() == RLC_OK ? rlc_module_build(self, build, m->actor_network, "actor_network") : NULL;
    if (m->actor == NULL) {
        return;
    }
    m->action = rlc_key_intern("action");
    m->log_prob = rlc_key_intern("action_log_prob");
    int count = 0;
    for (int i = 0; i < self->num_in; i++) {
        keys[count++] = self->in_keys[i];
    }
    for (int i = 0; i < m->actor->num_in; i++) {
        keys[count++] = m->actor->in_keys[i];
    }
    keys[count++] = m->action;
    keys[count++] = m->log_prob;
    rlc_module_set_in_keys(self, keys, count);
}

/* The value of the states in a dict, which stays as it is. */
static rlc_tensor *value_of(const Estimator *m, const rlc_dict *states) {
    rlc_dict *td = states != NULL ? rlc_dict_clone(states) : NULL;
    if (td == NULL) {
        return NULL;
    }
    rlc_module_call(m->network, td);
    return rlc_dict_get_key(td, m->value);
}

/* x as seen one step later; the last step stays. */
static rlc_tensor *one_later(rlc_tensor *x) {
    int64_t steps = rlc_size(x, TIME);
    rlc_tensor *parts[] = {rlc_slice(x, TIME, 1, steps - 1), rlc_slice(x, TIME, steps - 1, 1)};
    return rlc_concatenate(parts, 2, TIME);
}

/* Where the value of the next state is not that of the next step's: numbers of the steps in the whole batch,
 * [count]. */
static rlc_tensor *ends_of(const rlc_trajectory *steps) {
    int64_t count = rlc_size(steps->done, TIME);
    rlc_tensor *last = rlc_eq(rlc_arange(RLC_I64, count), rlc_full(RLC_I64, (rlc_shape){0}, (double)count - 1));
    rlc_tensor *truncated = rlc_logical_and(steps->done, rlc_logical_not(steps->terminated));
    rlc_tensor *ends = rlc_logical_or(truncated, rlc_unsqueeze(last, -1));
    return rlc_reshape(rlc_nonzero(rlc_reshape(ends, RLC_SHAPE(-1))), RLC_SHAPE(-1));
}

/* The values of the next states where most of those are the next step's: the network is called on the ends only.
 * How many there are is read on the host. A terminated step gets the value of another episode, which nothing looks
 * at. */
static rlc_tensor *shifted_values(const Estimator *m, const rlc_dict *next, const rlc_trajectory *steps) {
    rlc_dict *states = rlc_dict_select(next, m->network->in_keys, m->network->num_in);
    rlc_tensor *ends = ends_of(steps);
    if (states == NULL || ends == NULL || steps->value == NULL) {
        return NULL;
    }
    rlc_tensor *found = value_of(m, rlc_dict_index(rlc_dict_reshape(states, RLC_SHAPE(-1)), ends));
    rlc_tensor *values = rlc_reshape(one_later(steps->value), RLC_SHAPE(-1, 1));
    return rlc_reshape(rlc_scatter(values, 0, rlc_unsqueeze(ends, -1), found), rlc_shape_of(steps->value));
}

static rlc_trajectory read_batch(const Estimator *m, const rlc_dict *td) {
    const rlc_dict *next = rlc_dict_get_dict_key(td, m->next);
    rlc_trajectory steps = {.reward = rlc_in(&m->base, td, REWARD),
                            .done = rlc_in(&m->base, td, DONE),
                            .terminated = rlc_in(&m->base, td, TERMINATED),
                            .value = value_of(m, td)};
    bool shifts = m->shifted && !rlc_current()->shapes_only;
    steps.next_value = shifts ? shifted_values(m, next, &steps) : value_of(m, next);
    return steps;
}

/* Mean 0 and deviation 1, unless the deviation is smaller than `least`. */
static rlc_tensor *standardised(rlc_tensor *x, double least) {
    rlc_tensor *deviation = rlc_maximum(rlc_std(x, RLC_ALL, false, 1), rlc_scalar(least));
    return rlc_div(rlc_sub(x, rlc_mean(x, RLC_ALL, false)), deviation);
}

typedef rlc_tensor *estimate(const Estimator *m, const rlc_trajectory *steps);

static void forward_target(rlc_module *self, rlc_dict *td, estimate *target_of, double least) {
    const Estimator *m = (const Estimator *)self;
    bool was = rlc_no_grad(true);
    rlc_trajectory steps = read_batch(m, td);
    if (m->average_rewards) {
        steps.reward = standardised(steps.reward, least);
        rlc_dict_set_key(td, self->in_keys[REWARD], steps.reward);
    }
    rlc_tensor *target = target_of(m, &steps);
    rlc_out(self, td, 0, rlc_sub(target, steps.value));
    rlc_out(self, td, 1, target);
    rlc_out(self, td, 2, steps.value);
    rlc_no_grad(was);
}

/* The others see to shapes themselves; rlc_td0 would broadcast. */
static rlc_tensor *td0(const Estimator *m, const rlc_trajectory *steps) {
    const rlc_tensor *value = steps->next_value, *reward = steps->reward;
    if (value != NULL && reward != NULL && !rlc__same_shape(value, reward)) {
        char tv[RLC_SHAPE_TEXT], tr[RLC_SHAPE_TEXT];
        return rlc__op_fail("td0", "next_value has shape %s, but reward has %s",
                            rlc_shape_text(rlc_shape_of(value), tv), rlc_shape_text(rlc_shape_of(reward), tr));
    }
    return rlc_td0(steps->reward, steps->terminated, steps->next_value, m->gamma);
}

static rlc_tensor *td1(const Estimator *m, const rlc_trajectory *steps) {
    return rlc_td1(steps, m->gamma);
}

static rlc_tensor *td_lambda(const Estimator *m, const rlc_trajectory *steps) {
    return rlc_td_lambda(steps, m->gamma, m->lmbda);
}

static void td0_forward(rlc_module *self, rlc_dict *td) {
    forward_target(self, td, td0, 1e-5);
}

static void td1_forward(rlc_module *self, rlc_dict *td) {
    forward_target(self, td, td1, 1e-5);
}

static void td_lambda_forward(rlc_module *self, rlc_dict *td) {
    forward_target(self, td, td_lambda, 1e-4);
}

static void gae_forward(rlc_module *self, rlc_dict *td) {
    const Estimator *m = (const Estimator *)self;
    bool was = rlc_no_grad(true);
    rlc_trajectory steps = read_batch(m, td);
    rlc_tensor *target, *advantage = rlc_gae(&steps, m->gamma, m->lmbda, &target);
    rlc_out(self, td, 0, m->average_gae ? standardised(advantage, 1e-4) : advantage);
    rlc_out(self, td, 1, target);
    rlc_out(self, td, 2, steps.value);
    rlc_no_grad(was);
}

/* The log-probability of what was done, to the policy as it is now: [*batch, T, 1]. */
static rlc_tensor *log_prob_now(const VTrace *m, const rlc_dict *td) {
    rlc_dict *now = rlc_dict_clone(td);
    rlc_distribution d;
    if (now == NULL || !rlc_module_distribution(m->actor, now, &d)) {
        return NULL;
    }
    return rlc_unsqueeze(rlc_distribution_log_prob(&d, rlc_dict_get_key(td, m->action)), -1);
}

static void vtrace_forward(rlc_module *self, rlc_dict *td) {
    const VTrace *m = (const VTrace *)self;
    bool was = rlc_no_grad(true);
    rlc_trajectory steps = read_batch(&m->base, td);
    rlc_tensor *log_pi = log_prob_now(m, td), *log_mu = rlc_unsqueeze(rlc_dict_get_key(td, m->log_prob), -1), *target;
    rlc_tensor *advantage = rlc_vtrace(&steps, log_pi, log_mu, m->base.gamma, m->rho_thresh, m->c_thresh, &target);
    rlc_out(self, td, 0, m->average_adv ? standardised(advantage, 1e-5) : advantage);
    rlc_out(self, td, 1, target);
    rlc_out(self, td, 2, steps.value);
    rlc_no_grad(was);
}

#define NETWORK RLC_MODULE(Estimator, value_network, "writes state_value", .required = true)
#define GAMMA RLC_FLOAT(Estimator, gamma, 0.99, 0, 1, "discount of a step")
#define LMBDA                                                                                                          \
    RLC_FLOAT(Estimator, lmbda, 0.95, 0, 1, "weight of what lies further off: 0 is one step, 1 the whole return")
#define SHIFTED                                                                                                        \
    RLC_BOOL_OPTION(Estimator, shifted, false,                                                                         \
                    "take the next step's value for the next state's unless an episode ended")
#define AVERAGE_REWARDS                                                                                                \
    RLC_BOOL_OPTION(Estimator, average_rewards, false, "bring a batch's rewards to mean 0 and deviation 1")
#define AVERAGE_GAE                                                                                                    \
    RLC_BOOL_OPTION(Estimator, average_gae, false, "bring a batch's advantages to mean 0 and deviation 1")

static const rlc_option return_options[] = {NETWORK, GAMMA, AVERAGE_REWARDS, SHIFTED, {0}};
static const rlc_option td_lambda_options[] = {NETWORK, GAMMA, LMBDA, AVERAGE_REWARDS, SHIFTED, {0}};
static const rlc_option gae_options[] = {NETWORK, GAMMA, LMBDA, AVERAGE_GAE, SHIFTED, {0}};

static const rlc_option vtrace_options[] = {
    NETWORK,
    RLC_MODULE(VTrace, actor_network, "the policy that learns: a ProbabilisticActor", .required = true),
    GAMMA,
    RLC_FLOAT(VTrace, rho_thresh, 1, 0, 1e9, "largest weight of a step's own surprise"),
    RLC_FLOAT(VTrace, c_thresh, 1, 0, 1e9, "largest weight of what lies behind a step"),
    RLC_BOOL_OPTION(VTrace, average_adv, false, "bring a batch's advantages to mean 0 and deviation 1"),
    SHIFTED,
    {0},
};

#define ESTIMATOR(class_name, Type, its_options, its_init, its_forward, text)                                          \
    const rlc_module_class class_name = {                                                                              \
        .base = RLC_CLASS("module", Type, .doc = text, .options = its_options),                                        \
        .out_keys = {"advantage", "value_target", "state_value"},                                                      \
        .init = its_init,                                                                                              \
        .forward = its_forward,                                                                                        \
    }

ESTIMATOR(rlc_td0_estimator_class, TD0Estimator, return_options, init, td0_forward, "advantages from one step");
ESTIMATOR(rlc_td1_estimator_class, TD1Estimator, return_options, init, td1_forward, "advantages from whole returns");
ESTIMATOR(rlc_td_lambda_estimator_class, TDLambdaEstimator, td_lambda_options, init, td_lambda_forward,
          "advantages from lambda-returns");
ESTIMATOR(rlc_gae_class, GAE, gae_options, init, gae_forward, "generalised advantage estimates");
ESTIMATOR(rlc_vtrace_class, VTrace, vtrace_options, vtrace_init, vtrace_forward,
          "advantages of actions that an earlier policy took");
