/* prioritized.c: a replay buffer that shows oftener what was learned from least.
 *
 * TorchRL's TensorDictPrioritizedReplayBuffer: core/priority.h has the formulas. A sample has its importance weights
 * under `priority_weight` [batch_size], which losses take into account; priorities are what the loss writes under
 * td_error. beta may rise to beta_end as samples are drawn, which takes the bias away towards the end of a run.
 */
#include "collectors/buffer.h"
#include "core/priority.h"

typedef struct PrioritizedReplayBuffer {
    rlc_buffer base;
    double alpha, beta, beta_end, eps;
    int64_t annealing_num_steps;
    const char *priority_key;
    const rlc_key *error, *weight, *index;
    rlc_tensor *tree, *largest, *samples, *beta_now;
    rlc_priority settings;
} PrioritizedReplayBuffer;

static const rlc_option options[] = {
    RLC_FLOAT(PrioritizedReplayBuffer, alpha, 0.6, 0, 100, "how much priorities count; 0 is uniform"),
    RLC_FLOAT(PrioritizedReplayBuffer, beta, 0.4, 0, 100, "how much weights make up for that; 1 is wholly"),
    RLC_FLOAT(PrioritizedReplayBuffer, beta_end, 1, 0, 100, "beta after annealing_num_steps"),
    RLC_LONG(PrioritizedReplayBuffer, annealing_num_steps, 0, 0, 1e15,
             "samples over which beta goes to beta_end; 0 leaves it as it is"),
    RLC_FLOAT(PrioritizedReplayBuffer, eps, 1e-8, 0, 1e6, "added to the size of an error"),
    RLC_STRING(PrioritizedReplayBuffer, priority_key, "td_error", "what the loss writes of each row's error"),
    {0},
};

static void init(rlc_buffer *self) {
    PrioritizedReplayBuffer *b = (PrioritizedReplayBuffer *)self;
    rlc_state *s = &self->state;
    b->settings = (rlc_priority){.alpha = b->alpha, .eps = b->eps, .capacity = self->capacity};
    b->error = rlc_key_intern(b->priority_key);
    b->weight = rlc_key_intern("priority_weight");
    b->index = rlc_key_intern("index");
    b->tree = rlc_state_tensor(s, self->device, "priorities", RLC_F64, rlc_priority_shape(self->capacity));
    b->largest = rlc_state_tensor(s, self->device, "largest_priority", RLC_F64, (rlc_shape){0});
    b->samples = rlc_state_tensor(s, self->device, "samples", RLC_F64, (rlc_shape){0});
    b->beta_now = rlc_state_tensor(s, self->device, "beta", RLC_F32, (rlc_shape){0});
    if (b->tree != NULL && b->largest != NULL && b->beta_now != NULL && rlc_priority_clear(b->tree) == RLC_OK &&
        rlc_tensor_write(b->largest, &(double){1}) == RLC_OK) {
        rlc_tensor_write(b->beta_now, &(float){(float)b->beta});
    }
}

static void extend(rlc_buffer *self, const rlc_dict *rows) {
    PrioritizedReplayBuffer *b = (PrioritizedReplayBuffer *)self;
    if (rows != NULL) {
        rlc_priority_extend(b->tree, b->largest, self->cursor, rlc_shape_numel(rows->batch), &b->settings);
        rlc_buffer_write(self, rows);
    }
}

/* From the count of samples, so that rounding does not add up. */
static void anneal(PrioritizedReplayBuffer *b) {
    if (b->annealing_num_steps == 0) {
        return;
    }
    rlc_tensor *count = rlc_add_scalar(b->samples, 1);
    rlc_tensor *share = rlc_clamp(rlc_mul_scalar(count, 1 / (double)b->annealing_num_steps), 0, 1);
    rlc_assign(b->samples, count);
    rlc_assign(b->beta_now, rlc_add_scalar(rlc_mul_scalar(share, b->beta_end - b->beta), b->beta));
}

static rlc_dict *sample(rlc_buffer *self) {
    PrioritizedReplayBuffer *b = (PrioritizedReplayBuffer *)self;
    rlc_tensor *index = rlc_priority_sample(self->stream, b->tree, self->batch_size);
    rlc_dict *rows = rlc_buffer_rows(self, index);
    if (rows != NULL) {
        rlc_dict_set_key(rows, b->weight, rlc_priority_weight(b->tree, index, b->beta_now));
        anneal(b);
    }
    return rows;
}

static void update(rlc_buffer *self, const rlc_dict *rows) {
    PrioritizedReplayBuffer *b = (PrioritizedReplayBuffer *)self;
    rlc_priority_update(b->tree, b->largest, rlc_dict_get_key(rows, b->index), rlc_dict_get_key(rows, b->error),
                        &b->settings);
}

const rlc_buffer_class rlc_prioritized_replay_buffer_class = {
    .base = RLC_CLASS("buffer", PrioritizedReplayBuffer, .doc = "a ring of rows, sampled by what the loss said of them",
                      .options = options),
    .init = init,
    .extend = extend,
    .sample = sample,
    .update = update,
};
