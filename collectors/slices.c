/* slices.c: a replay buffer that hands out stretches of consecutive steps: TorchRL's SliceSampler over a ring.
 *
 * Rows lie in the order of time, those of the environments side by side: the step behind row r is r + num_envs, around the
 * ring's end. A slice is told by its last row. Row r can be that of a slice of n steps if its episode has n steps up to
 * r, all of them still there: `age` says how many it had when it was written, and what is overwritten takes the oldest
 * n - 1 steps of each environment from the choice. Whether a row can be chosen, 1 or 0, is the leaf of a tree of sums
 * (core/priority.h), so a draw is uniform over all slices and costs the logarithm of the capacity; only what a batch
 * changes is looked at.
 *
 * Without strict_length what is shorter than n can be chosen as a whole, too: an episode, or what is left of one at
 * either end of the ring. Its last row is repeated up to n; `mask` [batch_size, 1] is false there, and so is
 * `priority_weight` 0, which has losses leave those rows out.
 */
#include "collectors/buffer.h"
#include "core/priority.h"
#include "core/record.h"
#include "core/update.h"

typedef struct SliceReplayBuffer {
    rlc_buffer base;
    int64_t wanted_len, num_slices;
    bool strict_length, ready;                        /* ready: there has been a slice to choose */
    rlc_tensor *ages, *done, *tree, *largest, *count; /* done is the ring of next.done; how many slices there are */
    const rlc_key *done_key, *truncated, *is_init, *mask, *weight;
    rlc_priority settings;
} SliceReplayBuffer;

static const rlc_option options[] = {
    {.name = "slice_len",
     .type = RLC_OPTION_LONG,
     .offset = offsetof(SliceReplayBuffer, wanted_len),
     .number = 0,
     .min = 0,
     .max = 1e9,
     .help = "steps of a slice; batch_size is a multiple"},
    RLC_LONG(SliceReplayBuffer, num_slices, 0, 0, 1e9, "slices of a sample, in place of slice_len"),
    RLC_BOOL_OPTION(SliceReplayBuffer, strict_length, true,
                    "leave out what is shorter; false: fill it up, with a mask"),
    {0},
};

/* Finds the length of a slice; false with an error. */
static bool choose_length(SliceReplayBuffer *b) {
    rlc_buffer *self = &b->base;
    long long batch = (long long)self->batch_size, steps = (long long)(self->capacity / self->num_envs);
    if ((b->wanted_len > 0) == (b->num_slices > 0)) {
        rlc_fail(RLC_INVALID, "give either slice_len or num_slices");
        return false;
    }
    int64_t given = b->wanted_len > 0 ? b->wanted_len : b->num_slices;
    if (batch % given != 0) {
        rlc_fail(RLC_INVALID, "batch_size (%lld) must be a multiple of %s (%lld)", batch,
                 b->wanted_len > 0 ? "slice_len" : "num_slices", (long long)given);
        return false;
    }
    self->slice_len = b->wanted_len > 0 ? b->wanted_len : batch / b->num_slices;
    b->num_slices = batch / self->slice_len;
    if (self->capacity % self->num_envs != 0 || self->slice_len > steps) {
        rlc_fail(RLC_INVALID,
                 "its %lld rows must be a multiple of the %lld environments, with room for a slice of %lld steps "
                 "of each",
                 (long long)self->capacity, (long long)self->num_envs, (long long)self->slice_len);
        return false;
    }
    return true;
}

static void init(rlc_buffer *self) {
    SliceReplayBuffer *b = (SliceReplayBuffer *)self;
    b->done = rlc_dict_find(self->storage, "next.done");
    if (b->done == NULL || self->multi_step.n_steps > 0) {
        rlc_fail(RLC_INVALID, b->done == NULL ? "slices need the entry next.done, which tells episodes apart"
                                              : "slices are of single steps: there can be no multi_step");
        return;
    }
    if (!choose_length(b)) {
        return;
    }
    self->in_order_of_time = true;
    b->settings = (rlc_priority){.alpha = 1, .eps = 0, .capacity = self->capacity};
    b->ages = rlc_state_tensor(&self->state, self->device, "ages", RLC_I64, RLC_SHAPE(self->capacity));
    b->tree = rlc_state_tensor(&self->state, self->device, "choices", RLC_F64, rlc_priority_shape(self->capacity));
    b->largest = rlc_state_tensor(&self->state, self->device, "largest_choice", RLC_F64, (rlc_shape){0});
    b->count = rlc_state_tensor(&self->state, self->device, "slices", RLC_F64, (rlc_shape){0});
    b->done_key = rlc_key_intern("next.done");
    b->truncated = rlc_key_intern("next.truncated");
    b->is_init = rlc_key_intern("is_init");
    b->mask = rlc_key_intern("mask");
    b->weight = rlc_key_intern("priority_weight");
    if (b->ages != NULL && b->tree != NULL && b->largest != NULL && b->count != NULL) {
        rlc_priority_clear(b->tree);
    }
}

/* Row numbers first + 0, 1, ... count - 1. */
static rlc_tensor *rows_from(const SliceReplayBuffer *b, rlc_tensor *first, int64_t count) {
    return rlc_buffer_around(&b->base, rlc_add(rlc_arange(RLC_I64, count), first));
}

static rlc_tensor *backwards(rlc_tensor *x) {
    int64_t steps = rlc_size(x, 0);
    rlc_tensor *last = rlc_buffer_number(steps - 1);
    return steps > 1 ? rlc_take(x, 0, rlc_sub(last, rlc_arange(RLC_I64, steps))) : x;
}

/* The ages of new rows, int64 [time, environments]: one more than that of the step before, 1 behind an end. */
static rlc_tensor *ages_of(rlc_tensor *done, rlc_tensor *age_before, rlc_tensor *done_before) {
    rlc_tensor *flags[] = {rlc_unsqueeze(done_before, 0), rlc_slice(done, 0, 0, rlc_size(done, 0) - 1)};
    rlc_tensor *goes_on = rlc_cast(rlc_logical_not(rlc_concatenate(flags, 2, 0)), RLC_F64);
    rlc_tensor *end = rlc_cast(rlc_unsqueeze(age_before, 0), RLC_F64);
    rlc_tensor *ones = rlc_ones(RLC_F64, rlc_shape_of(done));
    return rlc_cast(backwards(rlc_discounted_scan(ones, backwards(goes_on), end, 0)), RLC_I64);
}

static void choose(const SliceReplayBuffer *b, rlc_tensor *rows, rlc_tensor *may_be) {
    may_be = rlc_reshape(rlc_cast(may_be, RLC_F32), RLC_SHAPE(-1));
    rlc_priority_update(b->tree, b->largest, rlc_reshape(rows, RLC_SHAPE(-1)), may_be, &b->settings);
}

/* After a write: slices that end in the oldest n - 1 steps have lost their beginning. What is left of an episode that
 * ended there, or goes on at the ring's head, may still be chosen as a whole. */
static void leave_out_oldest(const SliceReplayBuffer *b) {
    const int64_t envs = b->base.num_envs, count = (b->base.slice_len - 1) * envs;
    if (count == 0) {
        return;
    }
    rlc_tensor *rows = rows_from(b, rlc_buffer_oldest(&b->base), count),
               *may_be = rlc_zeros(RLC_BOOL, RLC_SHAPE(count));
    if (!b->strict_length) {
        rlc_tensor *steps_before_head = rlc_sub(rlc_select(b->base.cursor, 0, 1), rlc_arange(RLC_I64, count));
        rlc_tensor *is_there = rlc_gt(steps_before_head, rlc_buffer_number(0));
        rlc_tensor *newest = rlc_logical_and(is_there, rlc_le(steps_before_head, rlc_buffer_number(envs)));
        rlc_tensor *ends = rlc_reshape(rlc_index_select(b->done, rows), RLC_SHAPE(-1));
        may_be = rlc_logical_or(rlc_logical_and(ends, is_there), newest);
    }
    choose(b, rows, may_be);
}

static void extend(rlc_buffer *self, const rlc_dict *rows) {
    SliceReplayBuffer *b = (SliceReplayBuffer *)self;
    int64_t count = rows != NULL ? rlc_shape_numel(rows->batch) : 0, envs = self->num_envs, steps = count / envs;
    if (count == 0) {
        return;
    }
    rlc_tensor *done = rlc_reshape(rlc_dict_get_key(rows, b->done_key), RLC_SHAPE(steps, envs));
    rlc_tensor *before = rows_from(b, rlc_add_scalar(rlc_buffer_head(self), -(double)envs), envs);
    rlc_tensor *age_before = rlc_index_select(b->ages, before);
    rlc_tensor *done_before = rlc_reshape(rlc_index_select(b->done, before), RLC_SHAPE(envs));
    rlc_tensor *ages = ages_of(done, age_before, done_before), *length = rlc_buffer_number(self->slice_len);
    rlc_tensor *new_rows = rows_from(b, rlc_buffer_head(self), count), *may_be = rlc_ge(ages, length);
    if (ages == NULL || new_rows == NULL) {
        return;
    }
    if (!b->strict_length) { /* the last step so far ends what may be chosen as a whole, until there is another */
        rlc_tensor *last = rlc_eq(rlc_arange(RLC_I64, steps), rlc_buffer_number(steps - 1));
        may_be = rlc_logical_or(may_be, rlc_logical_or(done, rlc_unsqueeze(last, -1)));
        choose(b, before, rlc_logical_or(rlc_ge(age_before, length), done_before));
    }
    choose(b, new_rows, may_be);
    rlc_ring_write(b->ages, rlc_reshape(ages, RLC_SHAPE(-1)), self->cursor);
    rlc_buffer_write(self, rows);
    leave_out_oldest(b);
    rlc_assign(b->count, rlc_select(rlc_select(b->tree, 0, 0), 0, 1)); /* the root of the sums */
}

static bool has_slice(SliceReplayBuffer *b) {
    double count = 0;
    if (!b->ready && rlc_read(b->count, &count) == RLC_OK) {
        b->ready = count > 0;
    }
    return b->ready;
}

/* Until the ring is full there may be a slice later. */
static bool is_waiting(rlc_buffer *self) {
    int64_t cursor[2] = {0, 0};
    return !has_slice((SliceReplayBuffer *)self) && rlc_read(self->cursor, cursor) == RLC_OK &&
           cursor[1] < self->capacity;
}

/* How many steps behind its first row a slice ends, int64 [num_slices, 1]; it ends in these rows. */
static rlc_tensor *last_step_of(const SliceReplayBuffer *b, rlc_tensor *ends) {
    const rlc_buffer *self = &b->base;
    if (b->strict_length) {
        return rlc_full(RLC_I64, RLC_SHAPE(b->num_slices, 1), (double)(self->slice_len - 1));
    }
    rlc_tensor *of_episode = rlc_add_scalar(rlc_index_select(b->ages, ends), -1);
    rlc_tensor *steps = rlc_minimum(rlc_buffer_steps_kept(self, ends), of_episode);
    return rlc_unsqueeze(rlc_minimum(steps, rlc_buffer_number(self->slice_len - 1)), -1);
}

/* The ends of slices are truncated, for what comes next is not there; a step that began an episode still does. */
static void mark(const SliceReplayBuffer *b, rlc_dict *rows, rlc_tensor *step, rlc_tensor *last) {
    const rlc_shape column = RLC_SHAPE(b->base.batch_size, 1);
    rlc_tensor *cut = rlc_reshape(rlc_ge(step, last), column);
    rlc_dict_set_key(rows, b->truncated, cut);
    rlc_dict_set_key(rows, b->done_key, rlc_logical_or(rlc_dict_get_key(rows, b->done_key), cut));
    rlc_tensor *began = rlc_dict_find_key(rows, b->is_init);
    if (began != NULL) {
        rlc_tensor *first = rlc_expand(rlc_eq(step, rlc_buffer_number(0)), RLC_SHAPE(b->num_slices, b->base.slice_len));
        rlc_dict_set_key(rows, b->is_init, rlc_logical_or(began, rlc_reshape(first, column)));
    }
    if (!b->strict_length) {
        rlc_tensor *mask = rlc_reshape(rlc_le(step, last), column);
        rlc_dict_set_key(rows, b->mask, mask);
        rlc_dict_set_key(rows, b->weight, rlc_reshape(rlc_cast(mask, RLC_F32), RLC_SHAPE(b->base.batch_size)));
    }
}

static rlc_dict *sample(rlc_buffer *self) {
    SliceReplayBuffer *b = (SliceReplayBuffer *)self;
    if (!has_slice(b)) {
        rlc__op_fail("buffer", "no episode among its rows has %lld steps in a row: slice_len is too long",
                     (long long)self->slice_len);
        return NULL;
    }
    rlc_tensor *ends = rlc_priority_sample(self->stream, b->tree, b->num_slices);
    rlc_tensor *last = last_step_of(b, ends), *step = rlc_unsqueeze(rlc_arange(RLC_I64, self->slice_len), 0);
    rlc_tensor *back = rlc_sub(last, rlc_minimum(step, last)); /* steps from each to the last */
    rlc_tensor *index =
        rlc_buffer_around(self, rlc_sub(rlc_unsqueeze(ends, -1), rlc_mul_scalar(back, (double)self->num_envs)));
    rlc_dict *rows = index != NULL ? rlc_buffer_rows(self, rlc_reshape(index, RLC_SHAPE(self->batch_size))) : NULL;
    if (rows != NULL) {
        mark(b, rows, step, last);
    }
    return rows;
}

const rlc_buffer_class rlc_slice_replay_buffer_class = {
    .base =
        RLC_CLASS("buffer", SliceReplayBuffer,
                  .doc = "a ring of rows, sampled as slices of consecutive steps of an episode", .options = options),
    .reads = {"next.done"},
    .init = init,
    .extend = extend,
    .sample = sample,
    .is_waiting = is_waiting,
};
