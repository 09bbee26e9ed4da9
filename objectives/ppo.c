/* ppo.c: on-policy losses: a policy climbs the advantages of the actions it took, a critic follows their returns.
 *
 * With r = pi(a|s) / pi_old(a|s) and the advantage A, normalised over the minibatch if asked:
 *     ClipPPO   - mean min(r A, clip(r, 1 - eps, 1 + eps) A)      Schulman et al., "Proximal Policy Optimization
 *     KLPENPPO  - mean (r A - beta KL(pi_old || pi))              Algorithms", 2017
 *     A2C       - mean (log pi(a|s) A)                            Mnih et al., "Asynchronous Methods for Deep
 *                                                                 Reinforcement Learning", ICML 2016
 * each minus entropy_coeff times the policy's entropy, plus critic_coeff times the distance of V(s) from value_target.
 * KLPENPPO doubles beta where the divergence is above 1.5 dtarg and halves it below dtarg / 1.5.
 */
#include <math.h>

#include "core/record.h"
#include "objectives/replay.h"
#include "objectives/temperature.h"

typedef struct on_policy_loss {
    rlc_loss base;
    const rlc_value *actor_option, *critic_option, *clip_option, *entropy_option;
    int loss_function;
    double critic_coeff, clip_value, beta, increment, decrement, dtarg;
    bool normalize_advantage;
    rlc_module *actor, *critic;
    rlc_schedule *clip_epsilon, *entropy_coeff;
    rlc_tensor *beta_now;
    rlc_distribution_family *family;
    rlc_stream *noise;
    const rlc_key *action, *old_log_prob, *advantage, *value_target, *value;
} on_policy_loss;

typedef on_policy_loss ClipPPOLoss;
typedef on_policy_loss KLPENPPOLoss;
typedef on_policy_loss A2CLoss;
typedef on_policy_loss ReinforceLoss;

#define NETWORKS                                                                                                       \
    {.name = "actor_network",                                                                                          \
     .type = RLC_OPTION_MODULE,                                                                                        \
     .offset = offsetof(on_policy_loss, actor_option),                                                                 \
     .required = true,                                                                                                 \
     .help = "the policy: a ProbabilisticActor"},                                                                      \
        {.name = "critic_network",                                                                                     \
         .type = RLC_OPTION_MODULE,                                                                                    \
         .offset = offsetof(on_policy_loss, critic_option),                                                            \
         .alias = "value_network",                                                                                     \
         .help = "writes state_value; without one no critic is trained"},                                              \
        RLC_ENUM(on_policy_loss, loss_function, "smooth_l1", RLC_DISTANCE_NAMES, "of the critic's differences",        \
                 .alias = "loss_critic_type"),                                                                         \
        RLC_FLOAT(on_policy_loss, critic_coeff, 1, 0, 1e6, "weight of the critic's loss"),                             \
        RLC_FLOAT(on_policy_loss, clip_value, 0, 0, 1e6,                                                               \
                  "how far the critic may go from the batch's state_value to get nearer to its target; 0: any way")
#define ENTROPY                                                                                                        \
    {                                                                                                                  \
        .name = "entropy_coeff", .type = RLC_OPTION_VALUE, .offset = offsetof(on_policy_loss, entropy_option),         \
        .alias = "entropy_coef", .help = "weight of the entropy, 0.01 unless given: a number or a schedule"            \
    }
#define NORMALIZE                                                                                                      \
    RLC_BOOL_OPTION(on_policy_loss, normalize_advantage, false,                                                        \
                    "give the advantages of a minibatch mean 0, deviation 1")

static const rlc_option clip_options[] = {
    NETWORKS,
    {.name = "clip_epsilon",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(ClipPPOLoss, clip_option),
     .help = "how far the ratio may go from 1, 0.2 unless given: a number or a schedule"},
    ENTROPY,
    NORMALIZE,
    {0},
};

static const rlc_option kl_options[] = {
    NETWORKS,
    ENTROPY,
    NORMALIZE,
    RLC_FLOAT(KLPENPPOLoss, dtarg, 0.01, 1e-9, 1e6, "divergence that beta aims at"),
    RLC_FLOAT(KLPENPPOLoss, beta, 1, 0, 1e9, "weight of the divergence at the start"),
    RLC_FLOAT(KLPENPPOLoss, increment, 2, 1, 1e6, "what beta is multiplied with where the divergence is too large"),
    RLC_FLOAT(KLPENPPOLoss, decrement, 0.5, 1e-6, 1, "the same where it is too small"),
    {0},
};

static const rlc_option a2c_options[] = {NETWORKS, ENTROPY, NORMALIZE, {0}};
static const rlc_option reinforce_options[] = {NETWORKS, NORMALIZE, {0}};

/* The keys under which the policy left the parameters of its distribution: what KLPENPPO needs of the old policy. */
static void read_parameters(on_policy_loss *m) {
    const rlc_module *self = &m->base.base;
    rlc_distribution d;
    rlc_dict *td = rlc_dict_clone(self->example);
    if (td != NULL && rlc_module_distribution(m->actor, td, &d)) {
        m->family = (rlc_distribution_family *)d.family;
        const char *const *keys = d.family->type->keys;
        int count = 0;
        while (keys[count] != NULL) {
            count++;
        }
        rlc_loss_reads(&m->base, NULL, false, keys, count);
    }
}

static void init(rlc_module *self, const rlc_build *build, bool compares) {
    on_policy_loss *m = (on_policy_loss *)self;
    static const char *const keys[] = {"action", "advantage", "value_target", "action_log_prob"};
    m->actor = rlc_module_build(self, build, m->actor_option, "actor_network");
    if (m->actor == NULL || !rlc_loss_expect_stochastic(&m->base, m->actor)) {
        return;
    }
    if (m->critic_option != NULL) {
        m->critic = rlc_module_build(self, build, m->critic_option, "critic_network");
        if (m->critic == NULL) {
            return;
        }
        rlc_loss_group(&m->base, "critic", m->critic);
        rlc_loss_reads(&m->base, m->critic, false, (const char *const[]){"state_value"}, m->clip_value > 0);
    }
    rlc_loss_group(&m->base, "actor", m->actor);
    rlc_loss_reads(&m->base, m->actor, false, keys, compares ? 4 : m->critic != NULL ? 3 : 2);
    m->entropy_coeff = rlc_loss_schedule(&m->base, "entropy_coeff", m->entropy_option, 0.01);
    m->clip_epsilon = rlc_loss_schedule(&m->base, "clip_epsilon", m->clip_option, 0.2);
    m->noise = rlc_module_stream(self, "noise");
    m->action = rlc_key_intern("action");
    m->old_log_prob = rlc_key_intern("action_log_prob");
    m->advantage = rlc_key_intern("advantage");
    m->value_target = rlc_key_intern("value_target");
    m->value = rlc_key_intern("state_value");
}

static void compares(rlc_module *self, const rlc_build *build) {
    init(self, build, true);
}

static void compares_distributions(rlc_module *self, const rlc_build *build) {
    KLPENPPOLoss *m = (KLPENPPOLoss *)self;
    init(self, build, true);
    if (rlc_error_status() != RLC_OK) {
        return;
    }
    m->beta_now = rlc_module_buffer(self, "beta", RLC_F32, (rlc_shape){0});
    if (m->beta_now != NULL) {
        rlc_tensor_write(m->beta_now, &(float){(float)m->beta});
        rlc_state_log(&self->model->state, m->beta_now);
    }
    read_parameters(m);
}

static void follows(rlc_module *self, const rlc_build *build) {
    init(self, build, false);
}

/* (A - mean A) / std A, of the minibatch at hand; one element has no deviation and stays as it is, as in TorchRL. */
static rlc_tensor *advantage_of(const on_policy_loss *m, const rlc_dict *td) {
    rlc_tensor *a = rlc_dict_get_key(td, m->advantage);
    if (a == NULL || !m->normalize_advantage || a->numel == 1) {
        return a;
    }
    /* rlc_std, but for what both want of the mean */
    rlc_tensor *centred = rlc_sub(a, rlc_mean(a, RLC_ALL, false));
    rlc_tensor *squares = rlc_sum(rlc_square(centred), RLC_ALL, false);
    rlc_tensor *deviation = rlc_sqrt(rlc_mul_scalar(squares, 1 / (double)(a->numel - 1)));
    return rlc_div(centred, rlc_clamp(deviation, 1e-6, INFINITY));
}

/* The policy now, for the batch; the log-probability of what was done as [*batch, 1]. */
static rlc_tensor *reconsider(const on_policy_loss *m, const rlc_dict *td, rlc_distribution *d) {
    rlc_dict *now = rlc_dict_clone(td);
    if (now == NULL || !rlc_module_distribution(m->actor, now, d)) {
        return NULL;
    }
    return rlc_unsqueeze(rlc_distribution_log_prob(d, rlc_dict_get_key(td, m->action)), -1);
}

/* What the critic loses, element by element. With clip_value the larger of its distance and of that of V clipped to
 * V_old +- clip_value, as in the code of the PPO paper. */
static rlc_tensor *critic_distance(on_policy_loss *m, const rlc_dict *td, rlc_tensor *value, rlc_tensor *target) {
    rlc_tensor *distance = rlc_distance(m->loss_function, value, target);
    if (m->clip_value == 0) {
        return distance;
    }
    rlc_tensor *old = rlc_dict_get_key(td, m->value), *step = rlc_sub(value, old);
    rlc_tensor *clipped = rlc_clamp(step, -m->clip_value, m->clip_value);
    bool was = rlc_no_grad(true);
    rlc_loss_set(&m->base, "value_clip_fraction", rlc_mean(rlc_cast(rlc_ne(clipped, step), RLC_F32), RLC_ALL, false));
    rlc_no_grad(was);
    return rlc_maximum(distance, rlc_distance(m->loss_function, rlc_add(old, clipped), target));
}

/* Adds the critic's part to a loss. */
static rlc_tensor *add_critic(on_policy_loss *m, rlc_dict *td, rlc_tensor *loss) {
    if (m->critic == NULL || m->critic_coeff == 0) {
        return loss;
    }
    rlc_dict *now = rlc_dict_clone(td);
    if (now == NULL) {
        return NULL;
    }
    rlc_module_call(m->critic, now);
    rlc_tensor *value = rlc_dict_get_key(now, m->value), *target = rlc_dict_get_key(td, m->value_target);
    rlc_tensor *distance = critic_distance(m, td, value, target);
    rlc_tensor *critic = rlc_mul_scalar(rlc_replay_mean(td, distance), m->critic_coeff);
    rlc_loss_set(&m->base, "loss_critic", critic);
    bool was = rlc_no_grad(true);
    rlc_tensor *spread = rlc_clamp(rlc_var(target, RLC_ALL, false, 0), 1e-12, INFINITY);
    rlc_tensor *left = rlc_div(rlc_var(rlc_sub(target, value), RLC_ALL, false, 0), spread);
    rlc_loss_set(&m->base, "explained_variance", rlc_add_scalar(rlc_neg(left), 1));
    rlc_no_grad(was);
    return rlc_add(loss, critic);
}

/* Adds minus the entropy's part to a loss. */
static rlc_tensor *add_entropy(on_policy_loss *m, rlc_distribution *d, rlc_tensor *loss) {
    if (!rlc_schedule_changes(m->entropy_coeff) && rlc_schedule_start(m->entropy_coeff) == 0) {
        return loss;
    }
    rlc_tensor *entropy = rlc_mean(rlc_distribution_entropy(d, m->noise), RLC_ALL, false);
    rlc_tensor *mine = rlc_neg(rlc_mul(entropy, rlc_loss_scheduled(&m->base, m->entropy_coeff)));
    rlc_loss_set(&m->base, "entropy", entropy);
    rlc_loss_set(&m->base, "loss_entropy", mine);
    return rlc_add(loss, mine);
}

/* What tells whether the steps are too large: how far the policy has moved since it collected the batch. */
static void report_ratio(on_policy_loss *m, rlc_tensor *log_ratio, rlc_tensor *ratio) {
    bool was = rlc_no_grad(true);
    rlc_tensor *kl = rlc_mean(rlc_sub(rlc_add_scalar(ratio, -1), log_ratio), RLC_ALL, false);
    rlc_tensor *mean = rlc_mean(ratio, RLC_ALL, false), *square = rlc_mean(rlc_square(ratio), RLC_ALL, false);
    rlc_loss_set(&m->base, "kl_approx", kl);
    rlc_loss_set(&m->base, "ESS", rlc_div(rlc_square(mean), square)); /* as a share of the batch */
    rlc_no_grad(was);
}

static rlc_tensor *log_ratio_of(const on_policy_loss *m, const rlc_dict *td, rlc_tensor *log_prob) {
    return rlc_sub(log_prob, rlc_unsqueeze(rlc_dict_get_key(td, m->old_log_prob), -1));
}

static void clip_forward(rlc_module *self, rlc_dict *td) {
    ClipPPOLoss *m = (ClipPPOLoss *)self;
    rlc_distribution d;
    rlc_tensor *log_prob = reconsider(m, td, &d), *advantage = advantage_of(m, td);
    if (log_prob == NULL) {
        return;
    }
    rlc_tensor *log_ratio = log_ratio_of(m, td, log_prob), *ratio = rlc_exp(log_ratio);
    rlc_tensor *epsilon = rlc_loss_scheduled(&m->base, m->clip_epsilon);
    rlc_tensor *low = rlc_add_scalar(rlc_neg(epsilon), 1), *high = rlc_add_scalar(epsilon, 1);
    rlc_tensor *clipped = rlc_minimum(rlc_maximum(ratio, low), high);
    rlc_tensor *gain = rlc_minimum(rlc_mul(ratio, advantage), rlc_mul(clipped, advantage));
    rlc_tensor *objective = rlc_neg(rlc_mean(gain, RLC_ALL, false));
    rlc_loss_set(&m->base, "loss_objective", objective);
    bool was = rlc_no_grad(true);
    rlc_loss_set(&m->base, "clip_fraction", rlc_mean(rlc_cast(rlc_ne(clipped, ratio), RLC_F32), RLC_ALL, false));
    rlc_no_grad(was);
    report_ratio(m, log_ratio, ratio);
    rlc_loss_set(&m->base, "loss", add_critic(m, td, add_entropy(m, &d, objective)));
}

/* The policy that collected the batch, from the parameters it left there. */
static rlc_tensor *divergence(on_policy_loss *m, const rlc_dict *td, rlc_distribution *now) {
    rlc_distribution old = {.family = m->family};
    for (int i = 0; m->family->type->keys[i] != NULL; i++) {
        old.parameter[i] = rlc_detach(rlc_dict_get(td, m->family->type->keys[i]));
    }
    return rlc_mean(rlc_distribution_kl(&old, now), RLC_ALL, false);
}

static void kl_forward(rlc_module *self, rlc_dict *td) {
    KLPENPPOLoss *m = (KLPENPPOLoss *)self;
    rlc_distribution d;
    rlc_tensor *log_prob = reconsider(m, td, &d), *advantage = advantage_of(m, td);
    if (log_prob == NULL) {
        return;
    }
    rlc_tensor *log_ratio = log_ratio_of(m, td, log_prob), *ratio = rlc_exp(log_ratio), *kl = divergence(m, td, &d);
    rlc_tensor *gain = rlc_mean(rlc_mul(ratio, advantage), RLC_ALL, false);
    rlc_tensor *objective = rlc_sub(rlc_mul(rlc_detach(rlc_clone(m->beta_now)), kl), gain);
    rlc_loss_set(&m->base, "loss_objective", objective);
    rlc_loss_set(&m->base, "kl", kl);
    report_ratio(m, log_ratio, ratio);
    bool was = rlc_no_grad(true);
    rlc_tensor *above = rlc_gt(kl, rlc_scalar(1.5 * m->dtarg)), *below = rlc_lt(kl, rlc_scalar(m->dtarg / 1.5));
    rlc_tensor *grown = rlc_mul_scalar(m->beta_now, m->increment), *shrunk = rlc_mul_scalar(m->beta_now, m->decrement);
    rlc_assign(m->beta_now, rlc_where(above, grown, rlc_where(below, shrunk, m->beta_now)));
    rlc_no_grad(was);
    rlc_loss_set(&m->base, "loss", add_critic(m, td, add_entropy(m, &d, objective)));
}

static rlc_tensor *policy_gradient(on_policy_loss *m, rlc_dict *td, rlc_distribution *d, const char *name) {
    rlc_tensor *log_prob = reconsider(m, td, d);
    rlc_tensor *objective = rlc_neg(rlc_mean(rlc_mul(log_prob, advantage_of(m, td)), RLC_ALL, false));
    rlc_loss_set(&m->base, name, objective);
    return objective;
}

static void a2c_forward(rlc_module *self, rlc_dict *td) {
    A2CLoss *m = (A2CLoss *)self;
    rlc_distribution d;
    rlc_tensor *objective = policy_gradient(m, td, &d, "loss_objective");
    if (objective != NULL) {
        rlc_loss_set(&m->base, "loss", add_critic(m, td, add_entropy(m, &d, objective)));
    }
}

static void reinforce_forward(rlc_module *self, rlc_dict *td) {
    ReinforceLoss *m = (ReinforceLoss *)self;
    rlc_distribution d;
    rlc_tensor *objective = policy_gradient(m, td, &d, "loss_actor");
    if (objective != NULL) {
        rlc_loss_set(&m->base, "loss", add_critic(m, td, objective));
    }
}

#define ON_POLICY(Type, text, table, begin, step)                                                                      \
    {                                                                                                                  \
        .base = RLC_CLASS("loss", Type, .doc = text, .options = table), .out_keys = {"loss"}, .init = begin,           \
        .forward = step,                                                                                               \
    }

const rlc_module_class rlc_clip_ppo_loss_class =
    ON_POLICY(ClipPPOLoss, "proximal policy optimisation with a clipped ratio", clip_options, compares, clip_forward);
const rlc_module_class rlc_kl_pen_ppo_loss_class =
    ON_POLICY(KLPENPPOLoss, "proximal policy optimisation with a penalty on the divergence", kl_options,
              compares_distributions, kl_forward);
const rlc_module_class rlc_a2c_loss_class =
    ON_POLICY(A2CLoss, "advantage actor-critic", a2c_options, follows, a2c_forward);
const rlc_module_class rlc_reinforce_loss_class =
    ON_POLICY(ReinforceLoss, "policy gradient (Williams, 1992)", reinforce_options, follows, reinforce_forward);
