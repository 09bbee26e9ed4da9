/* iterate.c: one batch: collecting it and learning from it. */
#include <string.h>

#include "core/update.h"
#include "recipes/run.h"

/* Adds the loss's numbers to the sums that the log averages. */
static void sum_up(rlc_run *run, const rlc_dict *out) {
    rlc_tensor *totals[RLC_MAX_SUMS], *values[RLC_MAX_SUMS];
    int count = 0;
    for (int i = 0; i < run->num_sums; i++) {
        rlc_tensor *value = rlc_dict_find_key(out, run->sums[i].key);
        if (value != NULL) {
            totals[count] = run->sums[i].total;
            values[count++] = value;
            ++*run->sums[i].updates;
        }
    }
    if (count > 0) {
        rlc_tally(totals, values, count);
    }
}

/* Learns once from a sample or minibatch, inside the open program. */
static void learn(rlc_run *run, rlc_dict *rows) {
    rlc_dict *out = rlc_loss_call(run->loss, rows);
    rlc_backward(out != NULL ? rlc_dict_get(out, "loss") : NULL);
    for (int i = 0; i < run->num_optims; i++) {
        rlc_optim_step(run->optims[i]);
    }
    if (run->target != NULL) {
        rlc_target_step(run->target);
    }
    if (run->buffer != NULL) {
        rlc_buffer_update(run->buffer, rows);
    }
    sum_up(run, out);
    ++*run->updates;
}

/* A sample, with advantages where the recipe has them, which are those of its slices. A recurrent network sees slices as
 * they are, others rows. */
static rlc_dict *sample(rlc_run *run) {
    const rlc_buffer *buffer = run->buffer;
    rlc_dict *rows = rlc_buffer_sample(run->buffer);
    if (rows == NULL || buffer->slice_len == 0 || (run->advantage == NULL && !run->sequences)) {
        return rows;
    }
    bool was = rlc_no_grad(true);
    rlc_dict *slices = rlc_dict_reshape(rows, RLC_SHAPE(buffer->batch_size / buffer->slice_len, buffer->slice_len));
    if (slices != NULL && run->advantage != NULL) {
        rlc_module_call(run->advantage, slices);
    }
    rows = run->sequences ? slices : rlc_dict_reshape(slices, RLC_SHAPE(buffer->batch_size));
    rlc_no_grad(was);
    return rows;
}

/* How many of a batch's rows a minibatch has: frames, or environments' sequences. */
static int64_t rows_of_minibatch(const rlc_run *run) {
    return run->train.minibatch_size * run->order->numel / run->collector->frames_per_batch;
}

static rlc_status learn_from_buffer(rlc_run *run) {
    for (int64_t i = 0; i < run->train.optim_steps_per_batch; i++) {
        rlc_begin(run->updating);
        learn(run, sample(run));
        RLC_TRY(rlc_end(run->updating));
        RLC_TRY(rlc_run_check_update(run));
    }
    return RLC_OK;
}

/* The rows of the next minibatch. Where it begins is a tensor, so every minibatch records the same list. */
static rlc_dict *next_minibatch(rlc_run *run, const rlc_dict *rows) {
    int64_t size = rows_of_minibatch(run);
    rlc_tensor *places = rlc_add(rlc_arange(RLC_I64, size), run->place);
    rlc_dict *minibatch = rlc_dict_index(rows, rlc_index_select(run->order, places));
    rlc_assign(run->place, rlc_add_scalar(run->place, (double)size));
    return minibatch;
}

/* `rows` are of the program that collected them, which stays as it is until the next batch. */
static rlc_status learn_from_batch(rlc_run *run, const rlc_dict *rows) {
    int64_t count = run->collector->frames_per_batch / run->train.minibatch_size;
    for (int64_t epoch = 0; epoch < run->train.epochs; epoch++) {
        for (int64_t i = 0; i < count; i++) {
            rlc_begin(run->updating);
            if (i == 0) {
                rlc_assign(run->order, rlc_randperm(run->shuffle, run->order->numel));
                rlc_assign(run->place, rlc_zeros(RLC_I64, (rlc_shape){0}));
            }
            learn(run, next_minibatch(run, rows));
            RLC_TRY(rlc_end(run->updating));
            RLC_TRY(rlc_run_check_update(run));
        }
    }
    return RLC_OK;
}

/* Collects a batch into the buffer; without one hands out its rows, with advantages. */
static rlc_status collect(rlc_run *run, rlc_dict **rows) {
    rlc_begin(run->collecting);
    rlc_dict *batch = rlc_collect(run->collector, run->wanted, run->num_wanted);
    bool was = rlc_no_grad(true);
    if (batch != NULL && run->advantage != NULL && run->buffer == NULL) {
        rlc_module_call(run->advantage, batch);
    }
    if (run->buffer != NULL) {
        rlc_buffer_extend(run->buffer, batch);
    } else if (batch != NULL) { /* as from a buffer: what the loss reads */
        batch = rlc_dict_select_present(batch, run->loss->base.in_keys, run->loss->base.num_in);
        *rows = run->sequences ? batch : rlc_dict_reshape(batch, RLC_SHAPE(run->collector->frames_per_batch));
    }
    rlc_no_grad(was);
    return rlc_end(run->collecting);
}

rlc_status rlc_run_iterate(rlc_run *run) {
    rlc_dict *rows = NULL;
    RLC_TRY(collect(run, &rows));
    if (rlc_collector_was_random(run->collector) || (run->buffer != NULL && rlc_buffer_is_waiting(run->buffer))) {
        return RLC_OK;
    }
    return run->buffer != NULL ? learn_from_buffer(run) : learn_from_batch(run, rows);
}
