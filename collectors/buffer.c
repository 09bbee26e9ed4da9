#include "collectors/buffer.h"

#include <stdlib.h>

#include "collectors/buffer_transforms.h"
#include "collectors/look_ahead.h"
#include "core/device.h"
#include "core/record.h"
#include "core/update.h"

const rlc_option rlc__buffer_options[] = {
    RLC_LONG(rlc_buffer, capacity, RLC_REQUIRED, 1, 1e12, "rows it keeps", .alias = "max_size"),
    RLC_LONG(rlc_buffer, batch_size, RLC_REQUIRED, 1, 1e9, "rows in a sample"),
    {.name = "multi_step",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(rlc_buffer, multi_step_options),
     .help = "{n_steps: 3, gamma: 0.99} keeps returns of several steps in place of single rewards"},
    {.name = "transforms",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(rlc_buffer, transform_options),
     .help = "a list of transforms that samples go through, [{type: ToTensorImage, out_keys: [observation]}]"},
    {0},
};

/* A ring for one entry: capacity rows of its shape behind the batch dimensions. */
static void make_ring(const rlc_key *key, rlc_tensor *tensor, void *data) {
    rlc_buffer *b = data;
    char name[256];
    rlc_shape shape = RLC_SHAPE(b->capacity);
    for (int i = (int)b->storage->batch.ndim; i < tensor->ndim; i++) {
        shape.size[shape.ndim++] = tensor->shape[i];
    }
    snprintf(name, sizeof name, "storage.%s", key->name);
    rlc_tensor *ring = rlc_state_tensor(&b->state, b->device, name, (rlc_dtype)tensor->dtype, shape);
    rlc_shape batch = b->storage->batch;
    b->storage->batch = RLC_SHAPE(b->capacity);
    rlc_dict_set_key(b->storage, key, ring);
    b->storage->batch = batch;
    b->keys[b->num_rings] = key;
    b->rings[b->num_rings++] = ring;
}

static void count_one(const rlc_key *key, rlc_tensor *tensor, void *data) {
    (void)key, (void)tensor;
    ++*(size_t *)data;
}

static void add_bytes(const rlc_key *key, rlc_tensor *tensor, void *data) {
    (void)key;
    *(double *)data += (double)tensor->numel * (double)rlc_dtype_size((rlc_dtype)tensor->dtype);
}

/* All rings together, when they are full: until then they take less, so nothing else would tell. */
static rlc_status check_memory(const rlc_buffer *b, const rlc_value *options, const rlc_dict *example) {
    double rows = (double)rlc_shape_numel(example->batch), bytes = 0;
    char what[64];
    rlc_dict_each(example, add_bytes, &bytes);
    snprintf(what, sizeof what, "buffer of %lld rows: it", (long long)b->capacity);
    if (b->device->memory.on_host && rows > 0 && rlc_memory_check(bytes / rows * (double)b->capacity, what) != RLC_OK) {
        const rlc_value *capacity = rlc_value_find(options, "capacity");
        rlc_value_locate(capacity != NULL ? capacity : options);
    }
    return rlc_error_status();
}

/* Returns of several steps come with one more entry, which counts them. Where samples need single steps, to look back at,
 * these are kept, and summed up when they are sampled. */
static rlc_status build_multi_step(rlc_buffer *b, const rlc_dict *example) {
    if (b->multi_step_options == NULL || b->multi_step_options->kind == RLC_NULL) {
        return RLC_OK;
    }
    RLC_TRY(rlc_multi_step_parse(&b->arena, b->multi_step_options, &b->multi_step));
    if (rlc_dict_find(example, "next.reward") == NULL || rlc_dict_find(example, "next.done") == NULL) {
        return rlc_value_fail(b->multi_step_options, "buffer.multi_step: needs the entries next.reward and next.done");
    }
    if (rlc_buffer_transforms_reach(b->transforms) > 0) {
        return RLC_OK;
    }
    b->waiting = rlc_waiting_steps_new(&b->arena, &b->state, b->device, b->multi_step, example);
    rlc_tensor steps = {0};
    rlc_shape shape = rlc_shape_concat(example->batch, RLC_SHAPE(1));
    rlc__tensor_layout(&steps, RLC_I64, shape.ndim, shape.size);
    make_ring(rlc_key_intern("steps_to_next_obs"), &steps, b);
    return rlc_error_status();
}

/* Those that look back count rows of single steps. */
static rlc_status attach_transforms(rlc_buffer *b) {
    RLC_TRY(b->transforms != NULL ? rlc_buffer_transforms_attach(b->transforms, b) : RLC_OK);
    const int64_t back = rlc_buffer_transforms_reach(b->transforms), ahead = b->multi_step.n_steps;
    const int64_t steps = ahead > back + 1 ? ahead : back + 1;
    if (back == 0) {
        return RLC_OK;
    }
    b->in_order_of_time = true;
    if (steps * b->num_envs > b->capacity) {
        return rlc_value_fail(b->transform_options,
                              "buffer.transforms: %lld rows have no room for the %lld steps of %lld "
                              "environments that they look at",
                              (long long)b->capacity, (long long)steps, (long long)b->num_envs);
    }
    return rlc_dict_find(b->storage, "next.done") != NULL
               ? RLC_OK
               : rlc_value_fail(b->transform_options,
                                "buffer.transforms: they look back, and next.done tells episodes apart: keep "
                                "next.done in the example");
}

static rlc_status build(rlc_buffer *b, const rlc_registry *registry, uint64_t seed, const rlc_value *options,
                        const rlc_dict *example) {
    options = rlc_value_clone(&b->arena, options);
    if (options == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(rlc_options_apply(&b->arena, "buffer", options, b, rlc__buffer_options, b->type->base.options));
    if (b->batch_size > b->capacity) {
        return rlc_value_fail(options, "buffer: batch_size (%lld) is above its capacity (%lld)",
                              (long long)b->batch_size, (long long)b->capacity);
    }
    RLC_TRY(check_memory(b, options, example));
    b->stream = rlc_state_stream(&b->state, b->device, seed, "buffer");
    b->cursor = rlc_state_tensor(&b->state, b->device, "cursor", RLC_I64, RLC_SHAPE(2));
    b->storage = rlc_dict_new_in(&b->arena, example->batch);
    b->num_envs = rlc_shape_numel(example->batch);
    size_t count = 0;
    rlc_dict_each(example, count_one, &count);
    b->keys = rlc_arena_calloc(&b->arena, (count + 1) * sizeof *b->keys); /* one more for multi_step */
    b->rings = rlc_arena_calloc(&b->arena, (count + 1) * sizeof *b->rings);
    if (b->stream == NULL || b->cursor == NULL || b->storage == NULL || b->keys == NULL || b->rings == NULL) {
        return rlc_error_status();
    }
    b->size = rlc_tensor_over(b->device, RLC_I64, RLC_SHAPE(1), (int64_t *)b->cursor->data + 1);
    rlc_dict_each(example, make_ring, b);
    RLC_TRY(rlc_buffer_transforms_new(registry, b->device, options, &b->transforms));
    RLC_TRY(build_multi_step(b, example));
    b->storage->batch = RLC_SHAPE(b->capacity);
    RLC_TRY(attach_transforms(b));
    if (b->type->init != NULL) {
        b->type->init(b);
    }
    if (rlc_error_status() != RLC_OK) {
        rlc_error_prefix("buffer of %lld rows: ", (long long)b->capacity);
    }
    return rlc_error_status();
}

rlc_status rlc_buffer_new(const rlc_registry *registry, rlc_device *device, uint64_t seed, const rlc_value *options,
                          const rlc_dict *example, rlc_buffer **out) {
    const rlc_buffer_class *type =
        (const rlc_buffer_class *)rlc_registry_type_of(registry, "buffer", "buffer", options);
    rlc_buffer *b = type != NULL ? rlc_calloc(1, type->base.size) : NULL;
    if (b == NULL) {
        return rlc_error_status();
    }
    b->type = type;
    b->device = device;
    rlc_status status = build(b, registry, seed, options, example);
    if (status != RLC_OK) {
        rlc_buffer_free(b);
        return status;
    }
    *out = b;
    return RLC_OK;
}

rlc_status rlc_buffer_make(const rlc_registry *registry, rlc_device *device, uint64_t seed, const char *options,
                           const rlc_dict *example, rlc_buffer **buffer) {
    rlc_arena arena = {0};
    rlc_value *value;
    rlc_status status = rlc_value_parse(&arena, "buffer", options, &value);
    if (status == RLC_OK) {
        status = rlc_buffer_new(registry, device, seed, value, example, buffer);
    }
    rlc_arena_free(&arena);
    return status;
}

void rlc_buffer_free(rlc_buffer *b) {
    if (b != NULL) {
        rlc_buffer_transforms_free(b->transforms);
        rlc_tensor_free(b->size);
        rlc_state_free(&b->state);
        rlc_arena_free(&b->arena);
        free(b);
    }
}

static rlc_tensor *swapped(rlc_tensor *tensor, void *data) {
    (void)data;
    return rlc_transpose(tensor, 0, 1);
}

/* A batch of one environment's steps after the other's as rows, of one step after the other where that is asked for. */
static rlc_dict *rows_of(const rlc_buffer *b, const rlc_dict *batch, int64_t rows) {
    const int64_t envs = b->num_envs, steps = rows / envs;
    if (!b->in_order_of_time || envs == 1) {
        return rlc_dict_reshape(batch, RLC_SHAPE(rows));
    }
    if (rows % envs != 0) {
        rlc__op_fail("buffer", "a batch of %lld rows is not one of %lld environments over time", (long long)rows,
                     (long long)envs);
        return NULL;
    }
    rlc_dict *lanes = rlc_dict_reshape(batch, RLC_SHAPE(envs, steps));
    rlc_dict *times = lanes != NULL ? rlc_dict_apply(lanes, RLC_SHAPE(steps, envs), swapped, NULL) : NULL;
    return times != NULL ? rlc_dict_reshape(times, RLC_SHAPE(rows)) : NULL;
}

void rlc_buffer_extend(rlc_buffer *b, const rlc_dict *batch) {
    if (batch == NULL || rlc__require_program("buffer_extend") == NULL) {
        return;
    }
    bool was = rlc_no_grad(true);
    batch = b->waiting != NULL ? rlc_waiting_steps_pass(b->waiting, batch) : batch;
    int64_t rows = batch != NULL ? rlc_shape_numel(batch->batch) : 0;
    if (rows > b->capacity) {
        rlc__op_fail("buffer", "a batch of %lld rows does not fit its capacity of %lld", (long long)rows,
                     (long long)b->capacity);
    } else if (batch != NULL) {
        b->type->extend(b, rows_of(b, batch, rows));
    }
    rlc_no_grad(was);
}

bool rlc_buffer_is_waiting(rlc_buffer *b) {
    return (b->waiting != NULL && *b->waiting->seen < b->multi_step.n_steps) ||
           (b->type->is_waiting != NULL && b->type->is_waiting(b));
}

/* Whether several steps become one when they are sampled. */
static bool looks_ahead(const rlc_buffer *b) {
    return b->multi_step.n_steps > 0 && b->waiting == NULL;
}

rlc_dict *rlc_buffer_sample(rlc_buffer *b) {
    if (rlc__require_program("buffer_sample") == NULL) {
        return NULL;
    }
    bool was = rlc_no_grad(true);
    rlc_dict *sample = b->type->sample(b);
    rlc_tensor *last = looks_ahead(b) && sample != NULL ? rlc_look_ahead(b, sample) : NULL;
    if (sample != NULL && b->transforms != NULL) {
        rlc_buffer_transforms_apply(b->transforms, b, sample, last);
    }
    rlc_no_grad(was);
    return sample;
}

void rlc_buffer_update(rlc_buffer *b, const rlc_dict *sample) {
    if (b->type->update != NULL && sample != NULL) {
        b->type->update(b, sample);
    }
}

void rlc_buffer_write(rlc_buffer *b, const rlc_dict *rows) {
    for (int i = 0; rows != NULL && i < b->num_rings; i++) {
        rlc_ring_write(b->rings[i], rlc_dict_get_key(rows, b->keys[i]), b->cursor);
    }
    if (rows != NULL) {
        rlc_ring_advance(b->cursor, rlc_shape_numel(rows->batch), b->capacity);
    }
}

/* What a sample is taken from: `next` is of a later row, where one looks ahead; and what transforms gather themselves is left
 * to them, but for flags, which slices change. */
static const rlc_dict *sampled_part(const rlc_buffer *b) {
    const rlc_key *next = rlc_key_intern("next");
    const rlc_dict *part = looks_ahead(b) ? rlc_dict_exclude(b->storage, &next, 1) : b->storage;
    for (int i = 0; part != NULL && i < b->num_rings; i++) {
        if (b->rings[i]->dtype != RLC_BOOL && rlc_buffer_transforms_gather(b->transforms, b->keys[i])) {
            part = rlc_dict_exclude(part, &b->keys[i], 1);
        }
    }
    return part;
}

rlc_dict *rlc_buffer_rows(rlc_buffer *b, rlc_tensor *index) {
    rlc_dict *rows = rlc_dict_index(sampled_part(b), index);
    if (rows != NULL) {
        rlc_dict_set(rows, "index", index);
    }
    return rows;
}

rlc_tensor *rlc_buffer_number(int64_t number) {
    return rlc_full(RLC_I64, (rlc_shape){0}, (double)number);
}

rlc_tensor *rlc_buffer_around(const rlc_buffer *b, rlc_tensor *rows) {
    rlc_tensor *none = rlc_buffer_number(0), *all = rlc_buffer_number(b->capacity);
    rows = rlc_where(rlc_lt(rows, none), rlc_add_scalar(rows, (double)b->capacity), rows);
    return rlc_where(rlc_ge(rows, all), rlc_add_scalar(rows, -(double)b->capacity), rows);
}

rlc_tensor *rlc_buffer_head(const rlc_buffer *b) {
    return rlc_select(b->cursor, 0, 0);
}

rlc_tensor *rlc_buffer_oldest(const rlc_buffer *b) {
    return rlc_buffer_around(b, rlc_sub(rlc_buffer_head(b), rlc_select(b->cursor, 0, 1)));
}

/* Whole steps among as many rows. int64 has no division, and float64 is exact for as many rows as there can be. */
static rlc_tensor *steps_of(const rlc_buffer *b, rlc_tensor *rows) {
    rlc_tensor *envs = rlc_full(RLC_F64, (rlc_shape){0}, (double)b->num_envs);
    return rlc_cast(rlc_floor(rlc_div(rlc_cast(rlc_buffer_around(b, rows), RLC_F64), envs)), RLC_I64);
}

rlc_tensor *rlc_buffer_steps_kept(const rlc_buffer *b, rlc_tensor *rows) {
    return steps_of(b, rlc_sub(rows, rlc_buffer_oldest(b)));
}

rlc_tensor *rlc_buffer_steps_behind(const rlc_buffer *b, rlc_tensor *rows) {
    return steps_of(b, rlc_sub(rlc_add_scalar(rlc_buffer_head(b), -1), rows));
}

rlc_tensor *rlc_buffer_ended(const rlc_buffer *b, rlc_tensor *rows) {
    rlc_tensor *done = rlc_index_select(rlc_dict_get(b->storage, "next.done"), rlc_reshape(rows, RLC_SHAPE(-1)));
    return rows != NULL ? rlc_reshape(done, rlc_shape_of(rows)) : NULL;
}

rlc_tensor *rlc_buffer_unbroken(rlc_tensor *gone) {
    return rlc_eq(rlc_cumsum(rlc_cast(gone, RLC_I64), 0), rlc_buffer_number(0));
}

/* TorchRL's ReplayBuffer with a lazy tensor storage and a random sampler. */
static rlc_dict *sample(rlc_buffer *b) {
    return rlc_buffer_rows(b, rlc_random_index(b->stream, b->size, b->batch_size));
}

typedef rlc_buffer ReplayBuffer;

const rlc_buffer_class rlc_replay_buffer_class = {
    .base = RLC_CLASS("buffer", ReplayBuffer, .doc = "a ring of rows, sampled uniformly with replacement"),
    .extend = rlc_buffer_write,
    .sample = sample,
};
