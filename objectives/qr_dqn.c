/* qr_dqn.c: quantiles of Q(s, a) against those of r + gamma (1 - terminated) Q'(s', a').
 *
 * Dabney, Rowland, Bellemare and Munos, "Distributional Reinforcement Learning with Quantile Regression", AAAI 2018:
 * with u = T theta'_j - theta_i and tau_i = (i + 1/2) / N, a row loses sum_i mean_j |tau_i - 1(u < 0)| H(u) / kappa, H
 * being Huber's loss (algorithm 1). double_dqn lets the trained network choose a'. Gives `loss`; writes td_error, what
 * each row loses. It heeds what a replay buffer adds to a batch (objectives/replay.h).
 */
#include "objectives/distributional.h"

typedef struct QRDQNLoss {
    rlc__distributional_loss base;
    double kappa;
} QRDQNLoss;

static const rlc_option options[] = {
    RLC__DISTRIBUTIONAL_OPTIONS("gives action_value [*, num_quantiles, num_actions]; ends in a QuantileQValueModule",
                                false),
    RLC_FLOAT(QRDQNLoss, kappa, 1, 1e-9, 1e9, "where Huber's loss becomes linear"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    rlc__distributional_init((rlc__distributional_loss *)self, build);
}

/* tau_1 .. tau_N as a column. */
static rlc_tensor *midpoints(int64_t n) {
    return rlc_unsqueeze(rlc_mul_scalar(rlc_add_scalar(rlc_arange(RLC_F32, n), 0.5), 1 / (double)n), -1);
}

static void forward(rlc_module *self, rlc_dict *td) {
    QRDQNLoss *m = (QRDQNLoss *)self;
    rlc_tensor *theta = rlc__distributional_value(&m->base, td);
    bool was = rlc_no_grad(true);
    rlc_tensor *target = rlc__distributional_moved(&m->base, td, rlc__distributional_next(&m->base, td));
    target = rlc_unsqueeze(target, -2);
    rlc_tensor *above = rlc_cast(rlc_gt(rlc_unsqueeze(theta, -1), target), RLC_F32); /* u < 0 */
    rlc_tensor *weight = theta != NULL ? rlc_abs(rlc_sub(midpoints(rlc_size(theta, -1)), above)) : NULL;
    rlc_no_grad(was);
    rlc_tensor *distance = rlc_mul_scalar(rlc_huber(rlc_unsqueeze(theta, -1), target, m->kappa), 1 / m->kappa);
    rlc_tensor *losses = rlc_mean(rlc_mul(weight, distance), -1, false);
    rlc__distributional_set(&m->base, td, rlc_sum(losses, -1, true));
}

const rlc_module_class rlc_qr_dqn_loss_class = {
    .base = RLC_CLASS("loss", QRDQNLoss, .doc = "Q-learning of quantiles of values (QR-DQN)", .options = options),
    .out_keys = {"loss", "td_error"},
    .init = init,
    .forward = forward,
};
