/* look_ahead.h: returns of several steps, summed up when a step is sampled.
 *
 * multi_step.h sums them up when steps come in, which costs least, but keeps of each step what is `n_steps` later and not what
 * came next. Transforms that look back (buffer_transforms.h) need the single steps, one after the other; so the ring keeps
 * these, and a sample looks ahead in it. What it gets is the same, but for the newest n_steps - 1 steps, which are sampled too,
 * with returns of as many steps as there are behind them.
 */
#ifndef RLC_LOOK_AHEAD_H
#define RLC_LOOK_AHEAD_H

#include "collectors/buffer.h"

RLC_BEGIN

/* Records, for a sample of single steps [B] whose rows stand under `index`: next.reward becomes the discounted sum of up to
 * n_steps rewards, what is under `next` else that of the last of these steps; steps_to_next_obs, int64 [B, 1], is how many
 * they are. Returns the rows of the last steps, int64 [B]. */
rlc_tensor *rlc_look_ahead(const rlc_buffer *buffer, rlc_dict *sample);

RLC_END

#endif
