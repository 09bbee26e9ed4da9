/* buffer.h: a replay buffer: keeps experience, hands out random parts of it.
 *
 *     buffer: {type: ReplayBuffer, capacity: 10_000, batch_size: 128}
 *
 *     buffer: {type: PrioritizedReplayBuffer, capacity: 10_000, batch_size: 128, alpha: 0.6, beta: 0.4}
 *
 *     buffer: {type: SliceReplayBuffer, capacity: 10_000, batch_size: 128, slice_len: 16}
 *
 * It keeps the entries that it was prepared for, each in a ring of `capacity` rows; the oldest are overwritten. Entries keep
 * their types: pictures of bytes stay bytes, and `transforms` make of them what a loss reads (buffer_transforms.h).
 *
 * A SliceReplayBuffer hands out consecutive steps of one episode and environment: a sample is batch_size / slice_len
 * slices one after the other, its steps in their order, drawn uniformly among all slices there are. No slice crosses the
 * end of an episode, nor the place where the ring overwrites. The last step of each is marked as truncated and done, for
 * what comes behind it is not in the sample. Batches must go on where the ones before ended, [environments, time]; the
 * capacity is a multiple of the environments. An `advantage:` section is computed on slices, [slices, slice_len].
 */
#ifndef RLC_BUFFER_H
#define RLC_BUFFER_H

#include "collectors/multi_step.h"
#include "core/class.h"
#include "core/state.h"
#include "tensordict/dict.h"

RLC_BEGIN

typedef struct rlc_buffer rlc_buffer;
struct rlc_buffer_transforms;

typedef struct rlc_buffer_class {
    rlc_class base;
    const char *reads[4];                                   /* entries it needs besides those that a loss reads */
    void (*init)(rlc_buffer *self);                         /* optional */
    void (*extend)(rlc_buffer *self, const rlc_dict *rows); /* rows: one batch dimension */
    rlc_dict *(*sample)(rlc_buffer *self);
    /* Optional: what the loss found out about a sample, its td_error for priorities. */
    void (*update)(rlc_buffer *self, const rlc_dict *sample);
    /* Optional: whether what came in so far is too little for a sample, and more may help. */
    bool (*is_waiting)(rlc_buffer *self);
} rlc_buffer_class;

struct rlc_buffer {
    const rlc_buffer_class *type;
    rlc_device *device;
    int64_t capacity, batch_size;
    int64_t num_envs;  /* of its example's batch */
    int64_t slice_len; /* of a class that samples slices; 0 for single rows */
    rlc_arena arena;
    rlc_state state;
    rlc_stream *stream;
    rlc_dict *storage;    /* roots [capacity, ...] */
    const rlc_key **keys; /* their keys, and they, once more as lists */
    rlc_tensor **rings;
    int num_rings;
    rlc_tensor *cursor, *size; /* int64 {head, size}, and a view of the second */
    const rlc_value *multi_step_options;
    rlc_multi_step_options multi_step;
    rlc_waiting_steps *waiting; /* for returns of several steps; NULL without, or where samples look ahead */
    const rlc_value *transform_options;
    struct rlc_buffer_transforms *transforms; /* of samples, or NULL */
    bool in_order_of_time; /* rows of a step lie side by side, one for each environment, before those of the next */
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

/* Whether what came in so far is too little for a sample: for the first return of several steps, or the first slice. */
bool rlc_buffer_is_waiting(rlc_buffer *buffer);

/* Records a sample: a dict [batch_size], drawn with replacement, with its rows' numbers under `index`. An empty buffer
 * is an error when it runs, and so is one without a slice that is long enough. */
rlc_dict *rlc_buffer_sample(rlc_buffer *buffer);

/* Tells the buffer what became of a sample. */
void rlc_buffer_update(rlc_buffer *buffer, const rlc_dict *sample);

/* For classes: records the writing of rows into the rings, whose cursor moves on; and the rows with these numbers,
 * which stand under `index`; without `next` where that is of a later row (look_ahead.h), and without what transforms gather. */
void rlc_buffer_write(rlc_buffer *buffer, const rlc_dict *rows);
rlc_dict *rlc_buffer_rows(rlc_buffer *buffer, rlc_tensor *index);

/* For what counts rows: a number to compare them with, int64 []; numbers from -capacity to 2 capacity - 1 as places in the
 * ring; its head, where the next row goes, and the oldest row. */
rlc_tensor *rlc_buffer_number(int64_t number);
rlc_tensor *rlc_buffer_around(const rlc_buffer *buffer, rlc_tensor *rows);
rlc_tensor *rlc_buffer_head(const rlc_buffer *buffer);
rlc_tensor *rlc_buffer_oldest(const rlc_buffer *buffer);

/* How many steps before, or behind, each of these rows the ring has of its own environment, int64. Rows are in order of time. */
rlc_tensor *rlc_buffer_steps_kept(const rlc_buffer *buffer, rlc_tensor *rows);
rlc_tensor *rlc_buffer_steps_behind(const rlc_buffer *buffer, rlc_tensor *rows);

/* Of moments on the way from a row, one behind the other, [n, B]: whether the steps of these rows end an episode; and which come
 * before the first that is gone. Both bool. */
rlc_tensor *rlc_buffer_ended(const rlc_buffer *buffer, rlc_tensor *rows);
rlc_tensor *rlc_buffer_unbroken(rlc_tensor *gone);

extern const rlc_option rlc__buffer_options[];
extern const rlc_buffer_class rlc_replay_buffer_class, rlc_prioritized_replay_buffer_class,
    rlc_slice_replay_buffer_class;

RLC_END

#endif
