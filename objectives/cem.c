/* cem.c: the cross-entropy method, the simplest baseline there is: imitate your own best episodes.
 *
 * EliteEpisodes finds the best share of a batch's episodes; CEMLoss makes what was done in them more likely,
 *     - sum(w log pi(a|s)) / sum(w),      w = 1 in elite episodes, 0 in the others
 * which is the cross entropy of the elite's actions and the policy (Rubinstein, "The Cross-Entropy Method for Combinatorial
 * and Continuous Optimization", 1999; de Boer et al., "A Tutorial on the Cross-Entropy Method", 2005, with a policy's
 * actions for the samples).
 */
#include <math.h>

#include "core/record.h"
#include "objectives/estimators.h"
#include "objectives/temperature.h"

typedef struct EliteEpisodes {
    rlc_module base;
    double share;
} EliteEpisodes;

enum { TIME = -2 };
enum { RETURN, DONE };

static const rlc_option elite_options[] = {
    RLC_FLOAT(EliteEpisodes, share, 0.3, 1e-6, 1, "how many of the episodes count, the best ones first"),
    {0},
};

/* x at the end of each step's episode: it is carried back from there; 0 where an episode has not ended yet. */
static rlc_tensor *at_end(rlc_tensor *x, rlc_tensor *done) {
    return rlc_discounted_scan(rlc_mul(x, done), rlc_add_scalar(rlc_neg(done), 1), NULL, TIME);
}

/* The return that an episode must have, [1]: that of the last of the best ceil(share n) of n. */
static rlc_tensor *threshold(rlc_tensor *returns, rlc_tensor *done, double share) {
    rlc_tensor *ended = rlc_where(rlc_ne(done, rlc_scalar(0)), returns, rlc_scalar((double)-INFINITY));
    rlc_tensor *sorted = rlc_sort(rlc_reshape(ended, RLC_SHAPE(-1)), 0, true, NULL);
    rlc_tensor *count = rlc_neg(rlc_floor(rlc_mul_scalar(rlc_sum(done, RLC_ALL, false), -share)));
    rlc_tensor *rank = rlc_clamp(rlc_add_scalar(count, -1), 0, INFINITY);
    return rlc_index_select(sorted, rlc_reshape(rlc_cast(rank, RLC_I64), RLC_SHAPE(1)));
}

static void elite_forward(rlc_module *self, rlc_dict *td) {
    const EliteEpisodes *m = (const EliteEpisodes *)self;
    bool was = rlc_no_grad(true);
    rlc_tensor *returns = rlc_in(self, td, RETURN), *done = rlc_cast(rlc_in(self, td, DONE), RLC_F32);
    rlc_tensor *good = rlc_ge(at_end(returns, done), threshold(returns, done, m->share));
    rlc_out(self, td, 0, rlc_mul(at_end(done, done), rlc_cast(good, RLC_F32)));
    rlc_no_grad(was);
}

const rlc_module_class rlc_elite_episodes_class = {
    .base = RLC_CLASS("module", EliteEpisodes, .doc = "which steps belong to a batch's best episodes",
                      .options = elite_options),
    .in_keys = {"next.episode_reward", "next.done"},
    .out_keys = {"elite"},
    .forward = elite_forward,
};

typedef struct CEMLoss {
    rlc_loss base;
    const rlc_value *actor_network;
    rlc_module *actor;
    const rlc_key *action, *elite;
} CEMLoss;

static const rlc_option loss_options[] = {
    RLC_MODULE(CEMLoss, actor_network, "the policy: a ProbabilisticActor", .required = true),
    {0},
};

static void loss_init(rlc_module *self, const rlc_build *build) {
    CEMLoss *m = (CEMLoss *)self;
    static const char *const keys[] = {"action", "elite"};
    m->actor = rlc_module_build(self, build, m->actor_network, "actor_network");
    if (m->actor == NULL || !rlc_loss_expect_stochastic(&m->base, m->actor)) {
        return;
    }
    rlc_loss_group(&m->base, "actor", m->actor);
    rlc_loss_reads(&m->base, m->actor, false, keys, RLC_COUNT(keys));
    m->action = rlc_key_intern(keys[0]);
    m->elite = rlc_key_intern(keys[1]);
}

/* Without any elite step, where no episode has ended, the loss is 0. */
static void loss_forward(rlc_module *self, rlc_dict *td) {
    CEMLoss *m = (CEMLoss *)self;
    rlc_distribution d;
    rlc_dict *now = rlc_dict_clone(td);
    if (now == NULL || !rlc_module_distribution(m->actor, now, &d)) {
        return;
    }
    rlc_tensor *log_prob = rlc_distribution_log_prob(&d, rlc_dict_get_key(td, m->action));
    rlc_tensor *elite = rlc_dict_get_key(td, m->elite), *count = rlc_sum(elite, RLC_ALL, false);
    rlc_tensor *total = rlc_sum(rlc_mul(elite, rlc_unsqueeze(log_prob, -1)), RLC_ALL, false);
    rlc_loss_set(&m->base, "elite_share", rlc_mean(elite, RLC_ALL, false));
    rlc_loss_set(&m->base, "loss", rlc_neg(rlc_div(total, rlc_clamp(count, 1, INFINITY))));
}

const rlc_module_class rlc_cem_loss_class = {
    .base =
        RLC_CLASS("loss", CEMLoss, .doc = "cross-entropy method: imitates the best episodes", .options = loss_options),
    .out_keys = {"loss"},
    .init = loss_init,
    .forward = loss_forward,
};
