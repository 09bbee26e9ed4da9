#include "collectors/multi_step.h"

#include "core/record.h"

static const rlc_option options[] = {
    RLC_LONG(rlc_multi_step_options, n_steps, RLC_REQUIRED, 1, 10000, "steps that a return is over"),
    RLC_FLOAT(rlc_multi_step_options, gamma, RLC_REQUIRED, 0, 1, "discount of a step, the same as the loss has"),
    {0},
};

/* What `n_steps` rewards from each step on sum up to, those of one episode; *steps is how many they are. */
static rlc_tensor *returns(rlc_tensor *reward, rlc_tensor *done, int64_t n_steps, double gamma, rlc_tensor **steps) {
    const int64_t envs = rlc_size(reward, 0), time = rlc_size(reward, 1);
    rlc_tensor *zero = rlc_scalar(0), *sum = reward;
    rlc_tensor *goes_on = rlc_logical_not(rlc_slice(done, 1, 0, time - 1));
    /* nothing follows the last step, and nothing is what lies behind it */
    goes_on = rlc_concatenate((rlc_tensor *[]){goes_on, rlc_zeros(RLC_BOOL, RLC_SHAPE(envs, n_steps, 1))}, 2, 1);
    reward = rlc_concatenate((rlc_tensor *[]){reward, rlc_zeros(RLC_F32, RLC_SHAPE(envs, n_steps, 1))}, 2, 1);
    rlc_tensor *there = rlc_ones(RLC_BOOL, RLC_SHAPE(envs, time, 1));
    double discount = 1;
    *steps = rlc_ones(RLC_I64, RLC_SHAPE(envs, time, 1));
    for (int64_t k = 1; k < n_steps; k++) {
        discount *= gamma;
        there = rlc_logical_and(there, rlc_slice(goes_on, 1, k - 1, time));
        sum = rlc_add(sum, rlc_where(there, rlc_mul_scalar(rlc_slice(reward, 1, k, time), discount), zero));
        *steps = rlc_add(*steps, rlc_cast(there, RLC_I64));
    }
    return sum;
}

/* For each step the entries of `next` that are steps - 1 steps later. */
static rlc_dict *later(const rlc_dict *next, rlc_tensor *steps) {
    const int64_t rows = rlc_shape_numel(next->batch);
    rlc_tensor *own = rlc_add_scalar(rlc_arange(RLC_I64, rows), -1);
    rlc_tensor *index = steps != NULL ? rlc_add(own, rlc_reshape(steps, RLC_SHAPE(rows))) : NULL;
    rlc_dict *flat = rlc_dict_index(rlc_dict_reshape(next, RLC_SHAPE(rows)), index);
    return rlc_dict_reshape(flat, next->batch);
}

rlc_dict *rlc_multi_step(const rlc_dict *td, int64_t n_steps, double gamma) {
    if (rlc__require_program("multi_step") == NULL || td == NULL) {
        return NULL;
    }
    if (td->batch.ndim != 2 || td->batch.size[1] < 1 || n_steps < 1) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("multi_step", "needs at least one step, and a dict [environments, time], not %s",
                     rlc_shape_text(td->batch, text));
        return NULL;
    }
    rlc_tensor *steps, *reward = rlc_dict_get(td, "next.reward"), *done = rlc_dict_get(td, "next.done");
    if (reward == NULL || done == NULL) {
        return NULL;
    }
    rlc_tensor *sum = returns(reward, done, n_steps, gamma, &steps);
    rlc_dict *result = rlc_dict_clone(td), *next = later(rlc_dict_get_dict(td, "next"), steps);
    if (result == NULL || next == NULL) {
        return NULL;
    }
    rlc_dict_set(next, "reward", sum);
    rlc_dict_set_dict(result, "next", next);
    rlc_dict_set(result, "steps_to_next_obs", steps);
    return result;
}

typedef struct building {
    rlc_waiting_steps *w;
    rlc_state *state;
    rlc_device *device;
    int skip; /* batch dimensions of the example */
} building;

static void count_one(const rlc_key *key, rlc_tensor *tensor, void *data) {
    (void)key, (void)tensor;
    ++*(size_t *)data;
}

static void hold_one(const rlc_key *key, rlc_tensor *tensor, void *data) {
    const building *b = data;
    rlc_shape shape = RLC_SHAPE(b->w->num_envs, b->w->options.n_steps - 1);
    char name[256];
    for (int i = b->skip; i < tensor->ndim; i++) {
        shape.size[shape.ndim++] = tensor->shape[i];
    }
    snprintf(name, sizeof name, "held.%s", key->name);
    b->w->keys[b->w->count] = key;
    b->w->held[b->w->count++] = rlc_state_tensor(b->state, b->device, name, (rlc_dtype)tensor->dtype, shape);
}

rlc_status rlc_multi_step_parse(rlc_arena *arena, const rlc_value *value, rlc_multi_step_options *to) {
    return rlc_options_apply(arena, "buffer.multi_step", value, to, options, NULL);
}

rlc_waiting_steps *rlc_waiting_steps_new(rlc_arena *arena, rlc_state *state, rlc_device *device,
                                         rlc_multi_step_options with, const rlc_dict *example) {
    size_t count = 0;
    rlc_waiting_steps *w = rlc_arena_calloc(arena, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    w->options = with;
    rlc_dict_each(example, count_one, &count);
    w->num_envs = example->batch.size[0];
    w->keys = rlc_arena_calloc(arena, count * sizeof *w->keys);
    w->held = rlc_arena_calloc(arena, count * sizeof *w->held);
    w->seen = rlc_state_counter(state, "steps");
    if (w->keys != NULL && w->held != NULL) {
        rlc_dict_each(example, hold_one, &(building){w, state, device, example->batch.ndim});
    }
    return rlc_error_status() == RLC_OK ? w : NULL;
}

/* What waited and what came, [environments, n_steps - 1 + time]; its last n_steps - 1 steps wait from now on. */
static rlc_dict *window_of(const rlc_waiting_steps *w, const rlc_dict *batch) {
    const int64_t wait = w->options.n_steps - 1, time = batch->batch.size[1];
    rlc_dict *window = rlc_dict_new(RLC_SHAPE(w->num_envs, wait + time));
    for (int i = 0; i < w->count && window != NULL; i++) {
        rlc_tensor *parts[] = {w->held[i], rlc_dict_get_key(batch, w->keys[i])};
        rlc_tensor *both = parts[1] != NULL ? rlc_concatenate(parts, 2, 1) : NULL;
        if (both == NULL) {
            return NULL;
        }
        rlc_dict_set_key(window, w->keys[i], both);
        rlc_assign(w->held[i], rlc_slice(both, 1, time, wait));
    }
    return window;
}

typedef struct columns {
    int64_t first, count;
} columns;

static rlc_tensor *take_columns(rlc_tensor *tensor, void *data) {
    const columns *c = data;
    return rlc_slice(tensor, 1, c->first, c->count);
}

rlc_dict *rlc_waiting_steps_pass(rlc_waiting_steps *w, const rlc_dict *batch) {
    if (batch == NULL) {
        return NULL;
    }
    if (batch->batch.ndim != 2 || batch->batch.size[0] != w->num_envs) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("multi_step", "a batch of %lld environments over time is needed, not %s", (long long)w->num_envs,
                     rlc_shape_text(batch->batch, text));
        return NULL;
    }
    const int64_t wait = w->options.n_steps - 1, time = batch->batch.size[1];
    const int64_t unused = *w->seen < wait ? wait - *w->seen : 0; /* room for steps that have not been yet */
    rlc_dict *window = window_of(w, batch);
    *w->seen += time;
    if (window == NULL || unused >= time) {
        return NULL;
    }
    const columns ready = {unused, time - unused};
    return rlc_dict_apply(rlc_multi_step(window, w->options.n_steps, w->options.gamma),
                          RLC_SHAPE(w->num_envs, ready.count), take_columns, (void *)&ready);
}
