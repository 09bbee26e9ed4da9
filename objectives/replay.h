/* replay.h: what a replay buffer adds to a batch, and what losses make of it.
 *
 * priority_weight [*batch]: importance weights, of a PrioritizedReplayBuffer. steps_to_next_obs, int64 [*batch, 1]: how
 * many steps later `next` is, of one with multi_step; the reward is then the discounted sum of so many. A batch without
 * them is one of equal weights and of single steps.
 *
 *     rlc_tensor *target = rlc_replay_td0(td, reward, terminated, next_value, gamma);
 *     rlc_loss_set(loss, "loss", rlc_replay_mean(td, rlc_squared_error(value, target)));
 */
#ifndef RLC_REPLAY_H
#define RLC_REPLAY_H

#include "tensordict/dict.h"

RLC_BEGIN

/* The mean of what each element loses, [*batch, 1]; with weights sum(w l) / sum(w). */
rlc_tensor *rlc_replay_mean(const rlc_dict *td, rlc_tensor *losses);

/* gamma^steps_to_next_obs, [*batch, 1]; for single steps gamma alone, without dimensions. */
rlc_tensor *rlc_replay_discount(const rlc_dict *td, double gamma);

/* r + gamma^steps (1 - terminated) V' */
rlc_tensor *rlc_replay_td0(const rlc_dict *td, rlc_tensor *reward, rlc_tensor *terminated, rlc_tensor *next_value,
                           double gamma);

RLC_END

#endif
