/* multi_step.h: returns of several steps in place of single rewards, found when steps come in; look_ahead.h finds them when
 * they are sampled.
 *
 *     buffer: {type: ReplayBuffer, capacity: 10_000, batch_size: 128, multi_step: {n_steps: 3, gamma: 0.99}}
 *
 * A buffer with this keeps, for each step, the discounted sum of its reward and those of the n_steps - 1 steps behind
 * it, and under `next` what came of the last of them; fewer where the episode ends before. How many they were stands
 * under steps_to_next_obs, int64 [*, 1], and losses discount the next value by gamma to that power.
 *
 * The last n_steps - 1 steps of each batch wait for the next batch, as with TorchRL's MultiStepTransform, so batches
 * may be as short as one step. Unlike there, the flags under `next` (done, terminated, truncated) are those of the last
 * step too: an episode that ends on the way has no value behind its end.
 */
#ifndef RLC_MULTI_STEP_H
#define RLC_MULTI_STEP_H

#include "core/class.h"
#include "core/state.h"
#include "tensordict/dict.h"

RLC_BEGIN

/* Records the returns of a dict [environments, time]; at the end of time they are cut short, as TorchRL's MultiStep
 * does. */
rlc_dict *rlc_multi_step(const rlc_dict *td, int64_t n_steps, double gamma);

/* What a recipe says of them; n_steps is 0 where there are none. */
typedef struct rlc_multi_step_options {
    int64_t n_steps;
    double gamma;
} rlc_multi_step_options;

rlc_status rlc_multi_step_parse(rlc_arena *arena, const rlc_value *value, rlc_multi_step_options *options);

typedef struct rlc_waiting_steps {
    rlc_multi_step_options options;
    int64_t num_envs, *seen; /* steps of each environment that came in so far */
    const rlc_key **keys;    /* of the entries, */
    rlc_tensor **held;       /* and of each the last n_steps - 1 steps, [environments, n_steps - 1, ...] */
    int count;
} rlc_waiting_steps;

/* Makes room for what waits of an example's entries, in the state and the arena. NULL with an error. */
rlc_waiting_steps *rlc_waiting_steps_new(rlc_arena *arena, rlc_state *state, rlc_device *device,
                                         rlc_multi_step_options options, const rlc_dict *example);

/* Takes in a batch [environments, time] and returns the steps whose wait is over; NULL when there are none yet. */
rlc_dict *rlc_waiting_steps_pass(rlc_waiting_steps *waiting, const rlc_dict *batch);

RLC_END

#endif
