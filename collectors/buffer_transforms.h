/* buffer_transforms.h: transforms of what a replay buffer hands out: TorchRL's ReplayBuffer(transform=...).
 *
 *     buffer: {type: ReplayBuffer, capacity: 100_000, batch_size: 32,
 *              transforms: [{type: ToTensorImage, in_keys: [pixels], out_keys: [observation]}, {type: CatFrames, N: 4,
 *                           dim: -3, in_keys: [observation]}]}
 *
 * The buffer keeps `pixels` and `next.pixels`, bytes, and computes what a loss reads, `observation` and `next.observation`,
 * from them when it samples. The same list among the environment's transforms serves the policy that acts. Keys are
 * those of a step; what is under `next` is transformed alike.
 *
 * Transforms that look back (CatFrames, FrameDifference) find the steps before each row in the ring, whose rows then lie in
 * the order of time, those of the environments side by side. Before the first step of an episode, or the oldest that the
 * ring still has, that one stands again and again, as in an environment. The ring keeps single steps for them; returns of
 * several (multi_step) are summed up in samples (look_ahead.h).
 *
 * Memory: each row has both `pixels` and `next.pixels`, 2 x 7056 bytes for one grey picture of 84 x 84, so 14 GB a million; 56
 * where an environment stacks four of them before they are stored.
 */
#ifndef RLC_BUFFER_TRANSFORMS_H
#define RLC_BUFFER_TRANSFORMS_H

#include "collectors/buffer.h"

RLC_BEGIN

typedef struct rlc_buffer_transforms rlc_buffer_transforms;

/* Builds those that `options`, the buffer's, say; NULL in *transforms where there are none. */
rlc_status rlc_buffer_transforms_new(const rlc_registry *registry, rlc_device *device, const rlc_value *options,
                                     rlc_buffer_transforms **transforms);
void rlc_buffer_transforms_free(rlc_buffer_transforms *transforms);

/* How many steps before a row they look at. */
int rlc_buffer_transforms_reach(const rlc_buffer_transforms *transforms);

/* Which entries must be kept so that those under `keys` can be handed out: replaces what the transforms write by what they
 * read. There is room for `room` keys. An error where they write nothing that is wanted. */
rlc_status rlc_buffer_transforms_sources(const rlc_buffer_transforms *transforms, const rlc_value *options,
                                         const rlc_key **keys, int *count, int room);

/* Finds out what this buffer, which has its rings, keeps for them: what a step shows, what is under `next`, or both. An error
 * where it is neither, or, when they look back, not the first. */
rlc_status rlc_buffer_transforms_attach(rlc_buffer_transforms *transforms, const rlc_buffer *buffer);

/* Whether they gather this entry of the ring themselves, so that a sample need not have it when they are applied. */
bool rlc_buffer_transforms_gather(const rlc_buffer_transforms *transforms, const rlc_key *key);

/* Records what they make of a sample, whose rows stand under `index`, and sets it there, with what they gather. What is under
 * `next` may be that of later rows than the sample's own, `last`; NULL where it is not. */
void rlc_buffer_transforms_apply(rlc_buffer_transforms *transforms, const rlc_buffer *buffer, rlc_dict *sample,
                                 rlc_tensor *last);

RLC_END

#endif
