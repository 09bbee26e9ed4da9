/* distributional_dqn.c: the distribution of Q(s, a) against that of r + gamma (1 - terminated) Q'(s', a').
 *
 * Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement Learning", ICML 2017, algorithm 1 (C51):
 * the atoms of the next distribution are moved by the Bellman operator, projected onto the support, and the cross
 * entropy to the result is the loss. As TorchRL's DistributionalDQNLoss: the network that is trained chooses a', the
 * target values it; double_dqn: false lets the target choose too, as the paper does. Gives `loss`; writes td_error, the
 * cross entropy. It heeds what a replay buffer adds to a batch (objectives/replay.h).
 */
#include "modules/distributional.h"
#include "objectives/distributional.h"

typedef struct DistributionalDQNLoss {
    rlc__distributional_loss base;
    const rlc_support *support;
} DistributionalDQNLoss;

static const rlc_option options[] = {
    RLC__DISTRIBUTIONAL_OPTIONS("a DistributionalQValueActor, or what ends in such a module", true),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    DistributionalDQNLoss *m = (DistributionalDQNLoss *)self;
    if (rlc__distributional_init(&m->base, build)) {
        m->support = rlc_module_support(m->base.online);
    }
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

static void forward(rlc_module *self, rlc_dict *td) {
    DistributionalDQNLoss *m = (DistributionalDQNLoss *)self;
    rlc_tensor *value = rlc__distributional_value(&m->base, td);
    bool was = rlc_no_grad(true);
    rlc_tensor *next = rlc_exp(rlc__distributional_next(&m->base, td));
    rlc_tensor *target = project(m->support, rlc__distributional_moved(&m->base, td, m->support->atoms), next);
    rlc_no_grad(was);
    rlc__distributional_set(&m->base, td, rlc_neg(rlc_sum(rlc_mul(target, value), -1, true)));
}

const rlc_module_class rlc_distributional_dqn_loss_class = {
    .base = RLC_CLASS("loss", DistributionalDQNLoss, .doc = "Q-learning of distributions of values (C51)",
                      .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
