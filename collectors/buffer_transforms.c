#include "collectors/buffer_transforms.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "envs/transform.h"

enum { MAX_KEYS = 32 };

typedef struct key_set {
    const rlc_key *key[MAX_KEYS];
    int count;
} key_set;

struct rlc_buffer_transforms {
    rlc_transforms list;
    rlc_arena arena;
    rlc_state state;       /* constants, which are no part of a checkpoint */
    key_set reads, writes; /* from outside of the list; all that it writes */
    const rlc_key *next;
    int reach;
    bool of_step, of_next; /* whether a sample has all that is read of the step itself, and of what it led to */
};

static int find(const rlc_key *const *keys, int count, const rlc_key *key) {
    for (int i = 0; i < count; i++) {
        if (keys[i] == key) {
            return i;
        }
    }
    return -1;
}

static void add(key_set *set, const rlc_key *key) {
    if (find(set->key, set->count, key) >= 0) {
        return;
    }
    if (set->count == MAX_KEYS) {
        rlc_fail(RLC_INVALID, "buffer.transforms: more than %d entries", MAX_KEYS);
        return;
    }
    set->key[set->count++] = key;
}

static void add_source(rlc_buffer_transforms *b, const rlc_key *key) {
    if (key != NULL && find(b->writes.key, b->writes.count, key) < 0) {
        add(&b->reads, key);
    }
}

static void collect_keys(rlc_buffer_transforms *b) {
    for (int i = 0; i < b->list.count; i++) {
        const rlc_transform *t = b->list.items[i];
        for (int k = 0; k < t->entries.count; k++) {
            add_source(b, t->entries.in[k]);
        }
        add_source(b, t->also);
        for (int k = 0; k < t->entries.count; k++) {
            add(&b->writes, t->entries.out[k]);
        }
        b->reach += t->reach;
    }
}

rlc_status rlc_buffer_transforms_new(const rlc_registry *registry, rlc_device *device, const rlc_value *options,
                                     rlc_buffer_transforms **transforms) {
    const rlc_value *list = rlc_value_find(options, "transforms");
    *transforms = NULL;
    if (list == NULL || list->kind == RLC_NULL || (list->kind == RLC_LIST && list->count == 0)) {
        return RLC_OK;
    }
    rlc_buffer_transforms *b = rlc_calloc(1, sizeof *b);
    if (b == NULL) {
        return rlc_error_status();
    }
    b->list = (rlc_transforms){.device = device, .arena = &b->arena, .state = &b->state};
    b->next = rlc_key_intern("next");
    rlc_status status = rlc__transforms_build(&b->list, registry, "buffer.transforms", list);
    if (status == RLC_OK) {
        collect_keys(b);
        status = rlc_error_status();
    }
    if (status != RLC_OK) {
        rlc_buffer_transforms_free(b);
        return status;
    }
    *transforms = b;
    return RLC_OK;
}

void rlc_buffer_transforms_free(rlc_buffer_transforms *b) {
    if (b != NULL) {
        rlc_state_free(&b->state);
        rlc_arena_free(&b->arena);
        free(b);
    }
}

int rlc_buffer_transforms_reach(const rlc_buffer_transforms *b) {
    return b != NULL ? b->reach : 0;
}

/* The same key as it is called of the step itself, or under `next`. */
static const rlc_key *as_seen(const rlc_buffer_transforms *b, const rlc_key *key, bool next) {
    return next ? rlc_key_join(b->next, key) : key;
}

/* Takes what the list writes on one side out of the keys; returns whether there was any. */
static bool take_out(const rlc_buffer_transforms *b, bool next, const rlc_key **keys, int *count) {
    bool any = false;
    for (int i = 0; i < b->writes.count; i++) {
        const int at = find(keys, *count, as_seen(b, b->writes.key[i], next));
        if (at >= 0) {
            memmove(keys + at, keys + at + 1, (size_t)(*count - at - 1) * sizeof *keys);
            --*count;
            any = true;
        }
    }
    return any;
}

static void put_in(const rlc_key *key, const rlc_key **keys, int *count, int room) {
    if (find(keys, *count, key) >= 0) {
        return;
    }
    if (*count == room) {
        rlc_fail(RLC_INVALID, "buffer.transforms: a buffer keeps at most %d entries", room);
        return;
    }
    keys[(*count)++] = key;
}

rlc_status rlc_buffer_transforms_sources(const rlc_buffer_transforms *b, const rlc_value *options, const rlc_key **keys,
                                         int *count, int room) {
    const bool here = take_out(b, false, keys, count), next = take_out(b, true, keys, count);
    if (!here && !next) {
        return rlc_value_fail(rlc_value_find(options, "transforms"),
                              "buffer.transforms: they write '%s', which neither the loss nor the advantage reads; see "
                              "out_keys",
                              b->writes.key[b->writes.count - 1]->name);
    }
    for (int i = 0; i < b->reads.count; i++) {
        if (here || b->reach > 0) {
            put_in(b->reads.key[i], keys, count, room);
        }
        if (next) {
            put_in(as_seen(b, b->reads.key[i], true), keys, count, room);
        }
    }
    if (b->reach > 0) {
        put_in(rlc_key_intern("next.done"), keys, count, room);
    }
    return rlc_error_status();
}

/* The first that the list reads and nobody keeps, or NULL. */
static const rlc_key *not_kept(const rlc_buffer_transforms *b, const rlc_dict *storage, bool next) {
    for (int i = 0; i < b->reads.count; i++) {
        if (rlc_dict_find_key(storage, as_seen(b, b->reads.key[i], next)) == NULL) {
            return b->reads.key[i];
        }
    }
    return NULL;
}

bool rlc_buffer_transforms_gather(const rlc_buffer_transforms *b, const rlc_key *key) {
    for (int i = 0; b != NULL && i < b->reads.count; i++) {
        if ((b->of_step && key == b->reads.key[i]) || (b->of_next && key == as_seen(b, b->reads.key[i], true))) {
            return true;
        }
    }
    return false;
}

rlc_status rlc_buffer_transforms_attach(rlc_buffer_transforms *b, const rlc_buffer *buffer) {
    const rlc_key *missing = not_kept(b, buffer->storage, false);
    b->of_step = missing == NULL;
    b->of_next = not_kept(b, buffer->storage, true) == NULL;
    if (b->of_step || (b->of_next && b->reach == 0)) {
        return rlc_error_status();
    }
    return rlc_value_fail(
        buffer->transform_options, "buffer.transforms: they read '%s', which is not kept; keep it in the example%s",
        missing->name, b->reach > 0 ? ", for they look back at it" : ", or what they read under 'next'");
}

/* How many of the `reach` steps before each of these rows are in the ring and of the same episode, int64 [B]. */
static rlc_tensor *steps_before(const rlc_buffer *buffer, int reach, rlc_tensor *rows) {
    const double envs = (double)buffer->num_envs;
    rlc_tensor *back = rlc_reshape(rlc_add_scalar(rlc_arange(RLC_I64, reach), 1), RLC_SHAPE(reach, 1));
    rlc_tensor *past = rlc_buffer_around(buffer, rlc_sub(rows, rlc_mul_scalar(back, envs)));
    rlc_tensor *ended = rlc_buffer_ended(buffer, past);
    rlc_tensor *gone = rlc_logical_or(ended, rlc_gt(back, rlc_buffer_steps_kept(buffer, rows)));
    return rlc_sum(rlc_cast(rlc_buffer_unbroken(gone), RLC_I64), 0, false);
}

/* Row numbers of `reach` steps, int64 [reach * B], the newest of which is `nearest` before each row, the oldest first; the first
 * of an episode again and again. */
static rlc_tensor *rows_before(const rlc_buffer *buffer, int reach, int nearest, rlc_tensor *rows, rlc_tensor *there) {
    rlc_tensor *back = rlc_arange_step(RLC_I64, reach + nearest - 1, nearest - 1, -1);
    back = rlc_reshape(back, RLC_SHAPE(reach, 1));
    rlc_tensor *steps = rlc_mul_scalar(rlc_minimum(back, there), (double)buffer->num_envs);
    return rlc_reshape(rlc_buffer_around(buffer, rlc_sub(rows, steps)), RLC_SHAPE(-1));
}

/* One pass of a list over a sample: the moments it looks back at, then these rows' own and what they led to, or one of the
 * two. */
typedef struct pass {
    const rlc_buffer_transforms *transforms;
    const rlc_buffer *buffer;
    rlc_dict *sample;
    rlc_tensor *rows;
    bool of_step, of_next;
} pass;

/* Rows of a ring, gathered to where they stand in `whole`, from *at on, which moves behind them. Returns that part. */
static rlc_tensor *gather(rlc_tensor *ring, rlc_tensor *rows, rlc_tensor *whole, int64_t *at) {
    rlc_tensor *to = rlc_slice(whole, 0, *at, rlc_size(rows, 0));
    rlc__assign_fresh(to, rlc_index_select(ring, rows));
    *at += rlc_size(rows, 0);
    return to;
}

/* The same of a sample's entry, which it gets where it has none: a class may have changed that. */
static void gather_own(const pass *s, const rlc_key *key, rlc_tensor *whole, int64_t *at) {
    rlc_tensor *there = rlc_dict_find_key(s->sample, key);
    if (there == NULL) {
        rlc_tensor *ring = rlc_dict_get_key(s->buffer->storage, key);
        rlc_dict_set_key(s->sample, key, gather(ring, s->rows, whole, at));
        return;
    }
    rlc_assign(rlc_slice(whole, 0, *at, there->shape[0]), there);
    *at += there->shape[0];
}

/* An entry at all moments of a pass, [moments * B, ...]. */
static rlc_tensor *moments_of(const pass *s, const rlc_key *key, rlc_tensor *before, int64_t count) {
    const rlc_key *next = as_seen(s->transforms, key, true);
    rlc_tensor *ring = rlc_dict_get_key(s->buffer->storage, s->of_step || before != NULL ? key : next);
    rlc_shape shape = rlc_shape_of(ring);
    shape.size[0] = count;
    rlc_tensor *whole = rlc_empty((rlc_dtype)ring->dtype, shape);
    int64_t at = 0;
    if (before != NULL) {
        gather(ring, before, whole, &at);
    }
    if (s->of_step) {
        gather_own(s, key, whole, &at);
    }
    if (s->of_next) {
        gather_own(s, next, whole, &at);
    }
    return whole;
}

/* x [moments * B, ...] without its first moments, as many as `skip`. */
static rlc_tensor *later(rlc_tensor *x, int64_t skip, int64_t batch) {
    return x != NULL ? rlc_slice(x, 0, skip * batch, x->shape[0] - skip * batch) : NULL;
}

typedef struct skipping {
    rlc_dict *to;
    int64_t skip, batch;
} skipping;

static void skip_entry(const rlc_key *key, rlc_tensor *x, void *data) {
    const skipping *s = data;
    rlc_dict_set_key(s->to, key, later(x, s->skip, s->batch));
}

/* Has a transform look back; returns the dict of the moments that are left. */
static rlc_dict *look_back(rlc_transform *t, rlc_dict *moments, rlc_tensor **age, int64_t batch) {
    const int64_t count = rlc_shape_numel(moments->batch) / batch - t->reach;
    rlc_dict *left = rlc_dict_new(RLC_SHAPE(count * batch));
    rlc_dict_each(moments, skip_entry, &(skipping){left, t->reach, batch});
    for (int i = 0; i < t->entries.count && left != NULL; i++) {
        rlc_tensor *x = rlc_dict_get_key(moments, t->entries.in[i]);
        rlc_shape shape = {.ndim = 0}, flat = {.ndim = 0};
        if (x == NULL) {
            return NULL;
        }
        flat = rlc_shape_of(x);
        flat.size[0] = batch;
        shape = rlc_shape_concat(RLC_SHAPE(count + t->reach), flat);
        rlc_tensor *seen = t->type->look_back(t, rlc_reshape(x, shape), t->wants_age ? *age : NULL);
        rlc_dict_set_key(left, t->entries.out[i], rlc_flatten(seen, 0, 1));
    }
    *age = *age != NULL ? rlc_slice(*age, 0, t->reach, count) : NULL;
    return left;
}

/* Sets what the list wrote: the last moments of it are those of the sample, `next` behind the step's own. */
static void hand_out(const pass *s, const rlc_dict *moments, int64_t batch) {
    const rlc_buffer_transforms *b = s->transforms;
    for (int i = 0; i < b->writes.count; i++) {
        rlc_tensor *x = rlc_dict_find_key(moments, b->writes.key[i]); /* another of the list may have dropped it */
        for (int side = 0; x != NULL && side < 2; side++) {
            if (side == 0 ? s->of_step : s->of_next) {
                const int64_t at = x->shape[0] - (side == 0 && s->of_next ? 2 : 1) * batch;
                rlc_dict_set_key(s->sample, as_seen(b, b->writes.key[i], side == 1), rlc_slice(x, 0, at, batch));
            }
        }
    }
}

static void run_pass(const pass *s) {
    const rlc_buffer_transforms *b = s->transforms;
    const int64_t batch = rlc_shape_numel(s->sample->batch);
    rlc_tensor *there = NULL, *before = NULL, *age = NULL;
    if (b->reach > 0) {
        there = steps_before(s->buffer, b->reach, s->rows);
        before =
            rows_before(s->buffer, b->reach, s->of_step ? 1 : 0, s->rows, there); /* what is next follows its step */
        rlc_tensor *last = there != NULL && s->of_next ? rlc_add_scalar(there, 1) : there;
        age = last != NULL ? rlc__ages_before(last, b->reach + s->of_step + s->of_next) : NULL;
    }
    const int64_t count = (b->reach + s->of_step + s->of_next) * batch;
    rlc_dict *moments = rlc_dict_new(RLC_SHAPE(count));
    for (int i = 0; i < b->reads.count && moments != NULL; i++) {
        rlc_dict_set_key(moments, b->reads.key[i], moments_of(s, b->reads.key[i], before, count));
    }
    for (int i = 0; i < b->list.count && moments != NULL; i++) {
        rlc_transform *t = b->list.items[i];
        const rlc_transform_at at = rlc__transform_enter(t);
        if (t->type->look_back != NULL) {
            moments = look_back(t, moments, &age, batch);
        } else {
            t->type->apply(t, moments);
        }
        rlc__transform_leave(t, at);
    }
    if (moments != NULL) {
        hand_out(s, moments, batch);
    }
}

void rlc_buffer_transforms_apply(rlc_buffer_transforms *b, const rlc_buffer *buffer, rlc_dict *sample,
                                 rlc_tensor *last) {
    pass all = {b, buffer, sample, rlc_dict_get(sample, "index"), .of_step = b->of_step, .of_next = b->of_next};
    if (last == NULL || !b->of_next) {
        run_pass(&all);
        return;
    }
    pass own = all, later = all;
    own.of_next = false;
    later.rows = last;
    later.of_step = false;
    run_pass(&own);
    run_pass(&later);
}
