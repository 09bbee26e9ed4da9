/* buffer.h: a replay buffer: keeps experience, hands out random parts of it.
 *
 *     buffer: {type: ReplayBuffer, capacity: 10_000, batch_size: 128}
 *
 *     buffer: {type: PrioritizedReplayBuffer, capacity: 10_000, batch_size: 128, alpha: 0.6, beta: 0.4}
 *
 * It keeps the entries that it was prepared for, each in a ring of `capacity` rows; the oldest are overwritten.
 */
#ifndef RLC_BUFFER_H
#define RLC_BUFFER_H

#include "collectors/multi_step.h"
#include "core/class.h"
#include "core/state.h"
#include "tensordict/dict.h"

RLC_BEGIN

typedef struct rlc_buffer rlc_buffer;

typedef struct rlc_buffer_class {
    rlc_class base;
    void (*init)(rlc_buffer *self);                         /* optional */
    void (*extend)(rlc_buffer *self, const rlc_dict *rows); /* rows: one batch dimension */
    rlc_dict *(*sample)(rlc_buffer *self);
    /* Optional: what the loss found out about a sample, its td_error for priorities. */
    void (*update)(rlc_buffer *self, const rlc_dict *sample);
} rlc_buffer_class;

struct rlc_buffer {
    const rlc_buffer_class *type;
    rlc_device *device;
    int64_t capacity, batch_size;
    rlc_arena arena;
    rlc_state state;
    rlc_stream *stream;
    rlc_dict *storage;         /* roots [capacity, ...] */
    const rlc_key **keys;      /* their keys, and they, once more as lists */
    rlc_tensor **rings;
    int num_rings;
    rlc_tensor *cursor, *size; /* int64 {head, size}, and a view of the second */
    const rlc_value *multi_step_options;
    rlc_waiting_steps *multi_step; /* NULL without returns of several steps */
};

/* Builds a buffer that keeps what `example`, a dict of one or more batch dimensions, has (shapes are enough). */
rlc_status rlc_buffer_new(const rlc_registry *registry, rlc_device *device, uint64_t seed, const rlc_value *options,
                          const rlc_dict *example, rlc_buffer **buffer);
rlc_status rlc_buffer_make(const rlc_registry *registry, rlc_device *device, uint64_t seed, const char *options,
                           const rlc_dict *example, rlc_buffer **buffer);
void rlc_buffer_free(rlc_buffer *buffer);

/* Records the writing of a batch, whose batch dimensions are flattened; entries the buffer does not keep are left. With
 * multi_step a batch is [environments, time], each going on where the one before ended. */
void rlc_buffer_extend(rlc_buffer *buffer, const rlc_dict *batch);

/* Whether what came in so far is too little for the first return of several steps. */
bool rlc_buffer_is_waiting(const rlc_buffer *buffer);

/* Records a sample: a dict [batch_size], drawn with replacement, with its rows' numbers under `index`. An empty buffer
 * is an error when it runs. */
rlc_dict *rlc_buffer_sample(rlc_buffer *buffer);

/* Tells the buffer what became of a sample. */
void rlc_buffer_update(rlc_buffer *buffer, const rlc_dict *sample);

/* For classes: records the writing of rows into the rings, whose cursor moves on; and the rows with these numbers,
 * which stand under `index`. */
void rlc_buffer_write(rlc_buffer *buffer, const rlc_dict *rows);
rlc_dict *rlc_buffer_rows(rlc_buffer *buffer, rlc_tensor *index);

extern const rlc_option rlc__buffer_options[];
extern const rlc_buffer_class rlc_replay_buffer_class, rlc_prioritized_replay_buffer_class;

RLC_END

#endif
