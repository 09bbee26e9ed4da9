/* munchausen.c: a loss of one's own: Munchausen DQN (Vieillard, Pietquin and Geist, "Munchausen Reinforcement
 * Learning", NeurIPS 2020). The reward is raised by how sure the policy softmax(q / tau) was of the action taken, and
 * the next state is worth its soft value:
 *
 *     r + alpha max(tau log pi(a|s), low)
 *       + gamma (1 - terminated) sum over a' of pi(a'|s') (q(s',a') - tau log pi(a'|s'))
 *
 * where q and pi are those of the target network.
 *
 *     cc -shared -fPIC munchausen.c $(pkg-config --cflags rlc) -o munchausen.so
 *
 * examples/munchausen.yaml trains with it.
 */
#include <rlc.h>

typedef struct {
    rlc_loss base;            /* first */
    const rlc_value *network; /* from the recipe, as are the numbers */
    double gamma, alpha, tau, low;
    rlc_module *online, *target;
    bool one_hot;
} MunchausenLoss;

static const rlc_option options[] = {
    RLC_MODULE(MunchausenLoss, network, "writes action_value", .alias = "value_network", .required = true),
    RLC_FLOAT(MunchausenLoss, gamma, 0.99, 0, 1, "discount of a step"),
    RLC_FLOAT(MunchausenLoss, alpha, 0.9, 0, 1, "weight of the log-probability of the action"),
    RLC_FLOAT(MunchausenLoss, tau, 0.03, 1e-6, 1e6, "temperature of the policy"),
    RLC_FLOAT(MunchausenLoss, low, -1, -1e6, 0, "the log-probability, times tau, counts as no less"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    MunchausenLoss *m = (MunchausenLoss *)self;
    static const char *const keys[] = {"action", "next.reward", "next.terminated"};
    m->online = rlc_module_build(self, build, m->network, "network");
    if (m->online == NULL) {
        return;
    }
    m->target = rlc_loss_target(&m->base, build, m->online, "target_network");
    rlc_loss_group(&m->base, "value", m->online);
    rlc_loss_reads(&m->base, m->online, true, keys, RLC_COUNT(keys));
    m->one_hot = build->action->kind == RLC_SPEC_ONE_HOT;
}

/* What the entries of `td` make a network write under action_value. */
static rlc_tensor *values(rlc_module *network, const rlc_dict *td) {
    rlc_dict *copy = rlc_dict_clone(td);
    rlc_module_call(network, copy);
    return rlc_dict_get(copy, "action_value");
}

/* tau log softmax(q / tau), the largest value taken off first so that nothing overflows. */
static rlc_tensor *log_policy(rlc_tensor *q, double tau) {
    rlc_tensor *below = rlc_sub(q, rlc_max(q, -1, true));
    rlc_tensor *total = rlc_sum(rlc_exp(rlc_mul_scalar(below, 1 / tau)), -1, true);
    return rlc_sub(below, rlc_mul_scalar(rlc_log(total), tau));
}

static rlc_tensor *of_action(const MunchausenLoss *m, rlc_tensor *x, rlc_tensor *action) {
    return m->one_hot ? rlc_sum(rlc_mul(x, rlc_cast(action, RLC_F32)), -1, true)
                      : rlc_gather(x, -1, rlc_unsqueeze(action, -1));
}

static void forward(rlc_module *self, rlc_dict *td) {
    MunchausenLoss *m = (MunchausenLoss *)self;
    rlc_tensor *action = rlc_dict_get(td, "action");

    bool was = rlc_no_grad(true); /* the target is a constant */
    rlc_tensor *bonus = of_action(m, log_policy(values(m->target, td), m->tau), action);
    rlc_tensor *next = values(m->target, rlc_dict_get_dict(td, "next")), *log_pi = log_policy(next, m->tau);
    rlc_tensor *pi = rlc_exp(rlc_mul_scalar(log_pi, 1 / m->tau));
    rlc_tensor *soft_value = rlc_sum(rlc_mul(pi, rlc_sub(next, log_pi)), -1, true);
    rlc_tensor *reward =
        rlc_add(rlc_dict_get(td, "next.reward"), rlc_mul_scalar(rlc_clamp(bonus, m->low, 0), m->alpha));
    rlc_tensor *target = rlc_td0(reward, rlc_dict_get(td, "next.terminated"), soft_value, m->gamma);
    rlc_no_grad(was);

    rlc_tensor *value = of_action(m, values(m->online, td), action);
    rlc_loss_set(&m->base, "loss", rlc_mean(rlc_smooth_l1(value, target, 1), RLC_ALL, false));
}

static const rlc_module_class munchausen = {
    .base = RLC_CLASS("loss", MunchausenLoss, .doc = "Munchausen DQN", .options = options),
    .out_keys = {"loss"},
    .init = init,
    .forward = forward,
};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &munchausen.base);
}
