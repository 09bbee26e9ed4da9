#include "collectors/look_ahead.h"

#include "collectors/buffer_transforms.h"
#include "core/record.h"

/* Which of the `n_steps` steps from each of these rows on are in the ring and of the same episode, bool [n_steps, B]; their row
 * numbers come out in *ahead. A step itself always is. */
static rlc_tensor *steps_there(const rlc_buffer *b, rlc_tensor *rows, rlc_tensor **ahead) {
    const int64_t n = b->multi_step.n_steps;
    rlc_tensor *count = rlc_reshape(rlc_arange(RLC_I64, n), RLC_SHAPE(n, 1));
    *ahead = rlc_buffer_around(b, rlc_add(rows, rlc_mul_scalar(count, (double)b->num_envs)));
    rlc_tensor *gone = rlc_gt(count, rlc_buffer_steps_behind(b, rows));
    if (n > 1) {
        rlc_tensor *ended = rlc_buffer_ended(b, rlc_slice(*ahead, 0, 0, n - 1));
        rlc_tensor *first = rlc_zeros(RLC_BOOL, RLC_SHAPE(1, rlc_size(rows, 0)));
        gone = rlc_logical_or(gone, rlc_concatenate((rlc_tensor *[]){first, ended}, 2, 0));
    }
    return rlc_buffer_unbroken(gone);
}

/* The rewards of these steps as one, [B, 1]; summed in order of time, as multi_step.c does. */
static rlc_tensor *returns(const rlc_buffer *b, rlc_tensor *ahead, rlc_tensor *there) {
    rlc_tensor *reward = rlc_dict_get(b->storage, "next.reward"), *sum = NULL;
    double discount = 1;
    for (int64_t k = 0; k < b->multi_step.n_steps; k++) {
        rlc_tensor *one = rlc_mul_scalar(rlc_index_select(reward, rlc_select(ahead, 0, k)), discount);
        rlc_tensor *counted = rlc_where(rlc_unsqueeze(rlc_select(there, 0, k), -1), one, rlc_scalar(0));
        sum = sum != NULL ? rlc_add(sum, counted) : one;
        discount *= b->multi_step.gamma;
    }
    return sum;
}

typedef struct looking {
    const rlc_buffer *buffer;
    rlc_dict *sample;
    rlc_tensor *last;
} looking;

static void take_last(const rlc_key *key, rlc_tensor *ring, void *data) {
    const looking *l = data;
    const rlc_key *next = rlc_key_join(rlc_key_intern("next"), key);
    if (!rlc_buffer_transforms_gather(l->buffer->transforms, next)) {
        rlc_dict_set_key(l->sample, next, rlc_index_select(ring, l->last));
    }
}

rlc_tensor *rlc_look_ahead(const rlc_buffer *b, rlc_dict *sample) {
    rlc_tensor *ahead, *rows = rlc_dict_get(sample, "index"), *there = steps_there(b, rows, &ahead);
    rlc_tensor *steps = rlc_sum(rlc_cast(there, RLC_I64), 0, false);
    rlc_tensor *further = rlc_mul_scalar(rlc_add_scalar(steps, -1), (double)b->num_envs);
    rlc_tensor *last = rlc_buffer_around(b, rlc_add(rows, further));
    rlc_tensor *sum = returns(b, ahead, there);
    rlc_dict_each(rlc_dict_get_dict(b->storage, "next"), take_last, &(looking){b, sample, last});
    rlc_dict_set(sample, "next.reward", sum);
    rlc_dict_set(sample, "steps_to_next_obs", rlc_unsqueeze(steps, -1));
    return last;
}
