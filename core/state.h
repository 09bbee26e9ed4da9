/* state.h: what must be kept for a run to go on where it stopped: named tensors, which this owns.
 *
 * Everything that remembers something from one step to the next (an environment, a buffer, an optimiser, exploration)
 * has one of these and keeps its memory there; a checkpoint is all of them together.
 *
 *     rlc_tensor *count = rlc_state_tensor(&env->state, device, "elapsed", RLC_I64, RLC_SHAPE(n));
 */
#ifndef RLC_STATE_H
#define RLC_STATE_H

#include "core/arena.h"
#include "core/rng.h"
#include "core/tensor.h"

RLC_BEGIN

typedef struct rlc_state_item {
    const char *name;
    rlc_tensor *tensor;
    bool logged; /* one number that training reports, epsilon say */
} rlc_state_item;

typedef struct rlc_state {
    rlc_arena arena;
    rlc_state_item *items;
    int count, room;
} rlc_state;

/* A cleared root that the state owns; NULL with an error. */
rlc_tensor *rlc_state_tensor(rlc_state *state, rlc_device *device, const char *name, rlc_dtype dtype, rlc_shape shape);

/* A number on the host, for counters that only the host looks at. Always in the same place. */
int64_t *rlc_state_counter(rlc_state *state, const char *name);
int64_t *rlc_state_counters(rlc_state *state, const char *name, rlc_shape shape); /* as many as the shape has elements */

/* A random stream whose counter the state keeps as "NAME.counter". */
rlc_stream *rlc_state_stream(rlc_state *state, rlc_device *device, uint64_t seed, const char *name);

/* Has the value of `tensor`, which must be of the state, reported by training. */
void rlc_state_log(rlc_state *state, const rlc_tensor *tensor);

void rlc_state_free(rlc_state *state);

RLC_END

#endif
