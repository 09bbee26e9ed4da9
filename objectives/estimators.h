/* estimators.h: modules that tell what a batch is worth before anything learns from it: TorchRL's value estimators,
 * which a recipe's `advantage:` section names.
 *
 *     advantage: {type: GAE, value_network: critic, gamma: 0.99, lmbda: 0.95}
 *
 * On a batch [*batch, T] of trajectory pieces they call the value network, which must write state_value, on both
 * ends of each step, and write
 *
 *     advantage, value_target, state_value          [*batch, T, 1]
 *
 * all constants to what learns from them. The formulas are in values.h: GAE has rlc_gae, VTrace rlc_vtrace; the value_target of
 * TD0Estimator, TD1Estimator and TDLambdaEstimator is rlc_td0, rlc_td1 and rlc_td_lambda, and their advantage what
 * it is above state_value. With `average_rewards` the batch's next.reward is replaced by rewards of mean 0 and
 * deviation 1 first, with `average_gae` the advantage is brought to that.
 *
 * With `shifted` the network is called on half as many states. It must look at each state by itself, and the batch
 * must be as a collector hands it out: the observation after a step is the one before the next, unless an episode
 * ended. Where one was truncated, and behind the last step, the network is asked as ever, so the results are the
 * same.
 *
 * VTrace also asks the actor how likely it would now do what was done, and reads how likely that was when it was done:
 * action_log_prob, which a ProbabilisticActor with return_log_prob leaves there.
 *
 * Reward2Go needs no network: value_target is the reward to go, rlc_reward_to_go, and advantage that or, with `baseline:
 * mean`, what it is above the mean of the batch. So a REINFORCE with a mean baseline is
 *
 *     advantage: {type: Reward2Go, gamma: 0.99, baseline: mean}
 *     loss: {type: ReinforceLoss, actor_network: actor}
 *
 * Of an episode that goes on behind the end of the batch only the rewards within it count, so its last steps look worse
 * than they are: let a batch be many episodes long.
 *
 * EliteEpisodes writes `elite`, 1 for the steps of the best `share` of the episodes that end in the batch and 0 for all
 * others; episodes as good as the worst of those count too. It reads the episodes' returns from the transform RewardSum, so
 * that one which began in an earlier batch counts whole. CEMLoss learns from it.
 */
#ifndef RLC_ESTIMATORS_H
#define RLC_ESTIMATORS_H

#include "modules/module.h"

RLC_BEGIN

extern const rlc_module_class rlc_td0_estimator_class, rlc_td1_estimator_class, rlc_td_lambda_estimator_class,
    rlc_gae_class, rlc_vtrace_class, rlc_reward2go_class, rlc_elite_episodes_class;

RLC_END

#endif
