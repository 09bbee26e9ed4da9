/* values.h: estimates of what a state is worth, from rewards and what the next state is said to be worth.
 *
 * All operands have the shape [*batch, T, 1]: T steps of one trajectory, or of several that follow one another.
 * `done` says where one ends; `terminated`, that nothing comes after it. So the value of a truncated step (done,
 * not terminated) bootstraps, that of a terminated one does not, and neither looks into the episode behind it. The
 * last step of T bootstraps unless it is terminated, done or not.
 *
 *     rlc_trajectory steps = {.reward = r, .done = d, .terminated = e, .value = v, .next_value = nv};
 *     rlc_tensor *target, *advantage = rlc_gae(&steps, 0.99, 0.95, &target);
 *
 * Below, V' is the next value, 0 where the step is terminated, and an index t+1 is of the same episode: where step
 * t is done or the last one, what the text says instead holds. The results are those of
 * torchrl.objectives.value.functional. They are constants: no gradient passes, but for rlc_td0. Where a value does
 * not count it may be anything, NaN too.
 */
#ifndef RLC_VALUES_H
#define RLC_VALUES_H

#include "core/op.h"

RLC_BEGIN

/* What estimates are made of. reward, value and next_value are of one float type; done and terminated are bool. */
typedef struct rlc_trajectory {
    rlc_tensor *reward, *done, *terminated;
    rlc_tensor *value, *next_value; /* of the states before and after each step */
} rlc_trajectory;

/* r + gamma V' (Sutton and Barto, Reinforcement Learning, 2nd ed., equation 6.2). Operands of any shape. */
rlc_tensor *rlc_td0(rlc_tensor *reward, rlc_tensor *terminated, rlc_tensor *next_value, double gamma);

/* The lambda-return G[t] = r + gamma ((1 - lmbda) V' + lmbda G[t+1]), with V' for G[t+1] behind an end (ibid., section
 * 12.8). Of a trajectory it reads all but `value`. */
rlc_tensor *rlc_td_lambda(const rlc_trajectory *steps, double gamma, double lmbda);

/* The return G[t] = r + gamma G[t+1], with V' for G[t+1] behind an end: lambda is 1 (ibid., equation 3.9). */
rlc_tensor *rlc_td1(const rlc_trajectory *steps, double gamma);

/* The same without values: what lies behind an end counts nothing. */
rlc_tensor *rlc_reward_to_go(rlc_tensor *reward, rlc_tensor *done, double gamma);

/* The generalised advantage A[t] = delta[t] + gamma lmbda A[t+1], with delta = r + gamma V' - V and 0 for A[t+1]
 * behind an end (Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation",
 * ICLR 2016, equation 16). *target, unless target is NULL, gets A + V. */
rlc_tensor *rlc_gae(const rlc_trajectory *steps, double gamma, double lmbda, rlc_tensor **target);

/* V-trace, for actions that another policy took (Espeholt et al., "IMPALA", ICML 2018, equation 1 and section 4.2),
 * with rho = pi(a) / mu(a), pi the policy that learns and mu the one that acted, both given as log-probabilities
 * [*batch, T, 1]:
 *
 *     *target: v[t] = V + min(rho_threshold, rho) delta + gamma min(c_threshold, rho) (v[t+1] - V[t+1])
 *     advantage:      min(rho_threshold, rho) (r + gamma v[t+1] - V)
 *
 * delta is that of rlc_gae; behind an end the difference is 0 in the first, and V' stands for v[t+1] in the second. */
rlc_tensor *rlc_vtrace(const rlc_trajectory *steps, rlc_tensor *log_pi, rlc_tensor *log_mu, double gamma,
                       double rho_threshold, double c_threshold, rlc_tensor **target);

RLC_END

#endif
