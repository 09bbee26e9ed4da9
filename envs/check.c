#include "envs/check.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "core/record.h"
#include "envs/keys.h"
#include "envs/transform.h"
#include "tensordict/composite.h"

enum { STEPS = 200, FEW_STEPS = 10, MANY_ROWS = 50000, SHORT_EPISODE = 5, SHORT_STEPS = 4 * SHORT_EPISODE };

/* What an entry held at a step, in eight bytes. */
typedef struct mark {
    const rlc_key *key;
    uint64_t hash;
    int step;
} mark;

/* What a number of steps left behind, to be compared with what they leave another time. */
typedef struct trace {
    mark *marks;
    int count, room;
} trace;

typedef struct checker {
    rlc_env *env;
    rlc_program *program;
    rlc_arena arena;
    rlc_composite *start, *stepped; /* what a step starts from, and the same dict when it is done */
    int64_t *elapsed;               /* steps since the episode began, by row, before the step */
    const rlc_dict *next;           /* of the step, while its root is looked at */
    const uint8_t *done;
    int step;     /* 0 is the reset */
    trace *trace; /* being written, or NULL */
} checker;

static rlc_status wrong(const checker *c, const char *format, ...) RLC_PRINTF(2, 3);
static rlc_status wrong(const checker *c, const char *format, ...) {
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return rlc_fail(RLC_INVALID, "env %s, step %d: %s", c->env->type->base.name, c->step, message);
}

/* The elements of a tensor of the open program, valid until the program begins again; NULL with an error. */
static const void *fetch(const checker *c, rlc_tensor *tensor) {
    size_t size = tensor != NULL ? (size_t)tensor->numel * rlc_dtype_size((rlc_dtype)tensor->dtype) : 0;
    void *copy = tensor != NULL ? rlc__aux(c->program, size) : NULL;
    return copy != NULL && rlc_read(tensor, copy) == RLC_OK ? copy : NULL;
}

/* The specs of what a reset leaves: those the environment has; what transforms add keeps its type and shape. */
static void add_spec(const rlc_key *key, rlc_tensor *tensor, void *data) {
    checker *c = data;
    const rlc_env_keys *k = rlc__env_keys();
    rlc_shape shape = {.ndim = tensor->ndim - 1};
    memcpy(shape.size, tensor->shape + 1, (size_t)shape.ndim * sizeof *shape.size);
    rlc_spec spec = rlc_spec_as(rlc_spec_unbounded(shape), (rlc_dtype)tensor->dtype);
    if (key == c->env->observed) {
        spec = c->env->observation;
    } else if (key == k->pixels && c->env->from_pixels && rlc_spec_fits(&c->env->pixels_spec, tensor)) {
        spec = c->env->pixels_spec;
    } else if (key == k->done || key == k->terminated || key == k->truncated) {
        spec = rlc_spec_binary(RLC_SHAPE(1));
    }
    rlc_composite_set(c->start, key->name, spec);
    rlc_composite_set(c->stepped, key->name, spec);
}

/* Where a step leaves the observation, which a transform may have put in another place. */
static const char *next_observed(const checker *c) {
    const rlc_key *key = rlc_key_join(rlc__env_keys()->next, c->env->observed);
    return key != NULL ? key->name : "next.observation";
}

static rlc_status make_specs(checker *c, const rlc_dict *reset) {
    static const char *const flags[] = {"next.terminated", "next.truncated", "next.done"};
    c->start = rlc_composite_new(&c->arena, RLC_SHAPE(c->env->num_envs));
    c->stepped = rlc_composite_new(&c->arena, RLC_SHAPE(c->env->num_envs));
    if (c->start == NULL || c->stepped == NULL) {
        return rlc_error_status();
    }
    rlc_dict_each(reset, add_spec, c);
    rlc_composite_set(c->stepped, "action", c->env->action);
    rlc_composite_set(c->stepped, next_observed(c), c->env->observation);
    rlc_composite_set(c->stepped, "next.reward", rlc_spec_unbounded(RLC_SHAPE(1)));
    for (int i = 0; i < RLC_COUNT(flags); i++) {
        rlc_composite_set(c->stepped, flags[i], rlc_spec_binary(RLC_SHAPE(1)));
    }
    return rlc_error_status();
}

static void check_shapes(const checker *c, const rlc_composite *specs, const rlc_dict *td) {
    if (rlc_composite_check(specs, td) != RLC_OK) {
        rlc_error_prefix("env %s, step %d: ", c->env->type->base.name, c->step);
    }
}

/* The checks of one entry, which rlc_dict_each goes through. They end with the first error. */

static void check_finite(const rlc_key *key, rlc_tensor *tensor, void *data) {
    const checker *c = data;
    if (!rlc_dtype_is_float((rlc_dtype)tensor->dtype)) {
        return; /* all there is, and pictures are many numbers */
    }
    const void *values = rlc_error_status() == RLC_OK ? fetch(c, rlc_cast(tensor, RLC_F64)) : NULL;
    const double *number = values;
    for (int64_t i = 0; number != NULL && i < tensor->numel; i++) {
        if (!isfinite(number[i])) {
            wrong(c, "'%s' of row %lld is %g", key->name, (long long)(i / (tensor->numel / c->env->num_envs)),
                  number[i]);
            return;
        }
    }
}

static void check_bounds(const checker *c, const rlc_composite *specs, const rlc_dict *td, const char *key) {
    const rlc_spec *spec = rlc_composite_find(specs, key);
    const uint8_t *good = rlc_error_status() == RLC_OK ? fetch(c, rlc_spec_is_in(spec, rlc_dict_get(td, key))) : NULL;
    char text[RLC_SPEC_TEXT];
    for (int64_t i = 0; good != NULL && i < c->env->num_envs; i++) {
        if (!good[i]) {
            wrong(c, "'%s' of row %lld is none of its spec, %s", key, (long long)i, rlc_spec_text(spec, text));
            return;
        }
    }
}

/* Rows that are not done go on from what stands under `next`. */
static void check_carried_on(const rlc_key *key, rlc_tensor *tensor, void *data) {
    const checker *c = data;
    const rlc_env_keys *k = rlc__env_keys();
    rlc_tensor *from = rlc_dict_find_key(c->next, key);
    if (from == NULL || key == k->done || key == k->terminated || key == k->truncated || rlc_error_status() != RLC_OK) {
        return;
    }
    if (from->dtype != tensor->dtype || from->numel != tensor->numel) {
        wrong(c, "'%s' is not of the type and shape that it has under next", key->name);
        return;
    }
    const size_t size = (size_t)tensor->numel * rlc_dtype_size((rlc_dtype)tensor->dtype);
    const size_t row = size / (size_t)c->env->num_envs;
    const char *now = fetch(c, tensor), *then = fetch(c, from);
    for (int64_t i = 0; now != NULL && then != NULL && i < c->env->num_envs; i++) {
        if (!c->done[i] && memcmp(now + (size_t)i * row, then + (size_t)i * row, row) != 0) {
            wrong(c, "row %lld is not done, but its next step starts from another '%s' than this one led to",
                  (long long)i, key->name);
            return;
        }
    }
}

/* Fowler, Noll and Vo's FNV-1a, but of eight bytes at a time, because pictures are many. */
static uint64_t hash_of(const uint8_t *bytes, size_t size) {
    const uint64_t prime = 0x100000001b3;
    uint64_t hash = 0xcbf29ce484222325, eight;
    for (; size >= sizeof eight; bytes += sizeof eight, size -= sizeof eight) {
        memcpy(&eight, bytes, sizeof eight);
        hash = (hash ^ eight) * prime;
        hash ^= hash >> 32; /* a product carries upwards only */
    }
    for (; size > 0; bytes++, size--) {
        hash = (hash ^ *bytes) * prime;
    }
    return hash;
}

/* Notes what an entry holds. */
static void note(const rlc_key *key, rlc_tensor *tensor, void *data) {
    checker *c = data;
    trace *t = c->trace;
    const uint8_t *bytes = rlc_error_status() == RLC_OK ? fetch(c, tensor) : NULL;
    if (bytes != NULL && t->count == t->room) {
        int room = t->room != 0 ? 2 * t->room : 256;
        mark *more = rlc_arena_calloc(&c->arena, (size_t)room * sizeof *more);
        if (more == NULL) {
            return;
        }
        if (t->count > 0) {
            memcpy(more, t->marks, (size_t)t->count * sizeof *more);
        }
        t->marks = more;
        t->room = room;
    }
    if (bytes != NULL) {
        const size_t size = (size_t)tensor->numel * rlc_dtype_size((rlc_dtype)tensor->dtype);
        t->marks[t->count++] = (mark){key, hash_of(bytes, size), c->step};
    }
}

static void check_flags(checker *c) {
    const rlc_env_keys *k = rlc__env_keys();
    const uint8_t *terminated = fetch(c, rlc_dict_get_key(c->next, k->terminated));
    const uint8_t *truncated = fetch(c, rlc_dict_get_key(c->next, k->truncated));
    const int64_t limit = c->env->max_episode_steps;
    c->done = fetch(c, rlc_dict_get_key(c->next, k->done));
    if (rlc_error_status() != RLC_OK || terminated == NULL || truncated == NULL || c->done == NULL) {
        return;
    }
    for (int64_t i = 0; i < c->env->num_envs; i++) {
        if ((terminated[i] | truncated[i] | c->done[i]) > 1) {
            wrong(c, "a flag of row %lld is neither true nor false", (long long)i);
        } else if (c->done[i] != (terminated[i] | truncated[i])) {
            wrong(c, "row %lld has done %d, terminated %d and truncated %d; done must be either of the others",
                  (long long)i, c->done[i], terminated[i], truncated[i]);
        } else if (limit > 0 && c->elapsed[i] + 1 >= limit && !c->done[i]) {
            wrong(c, "row %lld has made all %lld steps of an episode, but is neither terminated nor truncated",
                  (long long)i, (long long)limit);
        }
    }
}

/* What a reset or a step leaves for the next step to start from. */
static void check_start(checker *c, const rlc_dict *root) {
    const rlc_env_keys *k = rlc__env_keys();
    const rlc_key *flags[] = {k->done, k->terminated, k->truncated};
    check_shapes(c, c->start, root);
    rlc_dict_each(root, check_finite, c);
    check_bounds(c, c->start, root, c->env->observed->name);
    for (int f = 0; f < RLC_COUNT(flags) && rlc_error_status() == RLC_OK; f++) {
        const uint8_t *up = fetch(c, rlc_dict_get_key(root, flags[f]));
        for (int64_t i = 0; up != NULL && i < c->env->num_envs; i++) {
            if (up[i]) {
                wrong(c, "the next step starts from a '%s' that is true in row %lld", flags[f]->name, (long long)i);
            }
        }
    }
}

/* How many steps of its own the environment makes of one, in rows that are not done on the way. */
static int64_t times_of(const rlc_env *env) {
    int64_t times = 1;
    for (int i = 0; i < env->num_transforms; i++) {
        times *= env->transforms[i]->times > 0 ? env->transforms[i]->times : 1;
    }
    return times;
}

/* The environment counts the steps of each episode: from 0 where it was reset, on by its own steps elsewhere. */
static void check_elapsed(checker *c) {
    const int64_t times = times_of(c->env);
    const int64_t *now = rlc_error_status() == RLC_OK ? fetch(c, c->env->elapsed) : NULL;
    for (int64_t i = 0; now != NULL && i < c->env->num_envs; i++) {
        int64_t wanted = c->next == NULL || c->done[i] ? 0 : c->elapsed[i] + times;
        if (now[i] != wanted) {
            wrong(c, "row %lld is %sdone, but env->elapsed counts %lld steps where it should count %lld", (long long)i,
                  c->next == NULL || c->done[i] ? "" : "not ", (long long)now[i], (long long)wanted);
        }
        c->elapsed[i] = now[i];
    }
}

/* The first reset, which the environment made when it was built. */
static rlc_status check_reset(checker *c) {
    rlc_begin(c->program);
    rlc_dict *root = rlc_env_kept(c->env);
    if (root != NULL && make_specs(c, root) == RLC_OK) {
        check_start(c, root);
        check_elapsed(c);
    }
    rlc_status status = rlc_end(c->program);
    return rlc_error_status() != RLC_OK ? rlc_error_status() : status;
}

static rlc_status check_step(checker *c) {
    rlc_env *env = c->env;
    c->step++;
    rlc_begin(c->program);
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", rlc_spec_sample(&env->action, RLC_SHAPE(env->num_envs), env->action_stream));
    rlc_dict *root = rlc_env_step(env, td);
    c->next = root != NULL ? rlc_dict_find_dict_key(td, rlc__env_keys()->next) : NULL;
    if (c->next != NULL) {
        check_shapes(c, c->stepped, td);
        if (rlc_error_status() == RLC_OK) {
            check_flags(c);
            rlc_dict_each(td, check_finite, c);
            check_bounds(c, c->stepped, td, "action");
            check_bounds(c, c->stepped, td, next_observed(c));
            check_start(c, root);
            check_elapsed(c);
            rlc_dict_each(root, check_carried_on, c);
            rlc_env_keep(env, root);
        }
        if (c->trace != NULL) {
            rlc_dict_each(td, note, c);
        }
    }
    c->next = NULL;
    rlc_status status = rlc_end(c->program);
    return rlc_error_status() != RLC_OK ? rlc_error_status() : status;
}

static rlc_status check_steps(checker *c, int count, trace *t) {
    c->trace = t;
    for (int i = 0; i < count; i++) {
        RLC_TRY(check_step(c));
    }
    return RLC_OK;
}

/* Where two traces part; `what` says of which promise that is the end. */
static rlc_status compare(const trace *a, const trace *b, int from, const char *name, const char *what) {
    for (int i = from; i < a->count; i++) {
        const mark *x = &a->marks[i], *y = &b->marks[i - from];
        if (i - from >= b->count || x->key != y->key || x->hash != y->hash) {
            return rlc_fail(RLC_INVALID, "env %s, step %d: '%s' is not the same %s", name, x->step, x->key->name, what);
        }
    }
    return RLC_OK;
}

/* All that a state holds, copied to the arena, and written back. */
static rlc_status save(checker *c, const rlc_state *state, void ***copies) {
    *copies = rlc_arena_calloc(&c->arena, ((size_t)state->count + 1) * sizeof **copies);
    for (int i = 0; i < state->count && *copies != NULL; i++) {
        const rlc_tensor *t = state->items[i].tensor;
        (*copies)[i] =
            rlc_arena_alloc(&c->arena, (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype), RLC_ALIGN_DATA);
        if ((*copies)[i] != NULL) {
            RLC_TRY(rlc_tensor_read(t, (*copies)[i]));
        }
    }
    return rlc_error_status();
}

static rlc_status restore(const rlc_state *state, void *const *copies) {
    for (int i = 0; i < state->count; i++) {
        RLC_TRY(rlc_tensor_write(state->items[i].tensor, copies[i]));
    }
    return RLC_OK;
}

static rlc_status check_env(checker *c, rlc_env *twin, int steps) {
    rlc_env *first = c->env;
    const char *name = first->type->base.name;
    trace whole = {0}, again = {0}, second = {0};
    void **half_way, **learned;
    RLC_TRY(check_reset(c));
    RLC_TRY(check_steps(c, steps / 2, &whole));
    const int middle = whole.count;
    RLC_TRY(save(c, &first->state, &half_way));
    RLC_TRY(save(c, &first->learned, &learned));
    RLC_TRY(check_steps(c, steps - steps / 2, &whole));

    c->step = steps / 2;
    RLC_TRY(restore(&first->state, half_way));
    RLC_TRY(restore(&first->learned, learned));
    RLC_TRY(rlc_tensor_read(first->elapsed, c->elapsed));
    RLC_TRY(check_steps(c, steps - steps / 2, &again));
    RLC_TRY(compare(&whole, &again, middle, name,
                    "after env->state was written back; what is remembered must lie there (rlc_state_tensor)"));

    c->env = twin;
    c->step = 0;
    RLC_TRY(check_reset(c));
    RLC_TRY(check_steps(c, steps, &second));
    RLC_TRY(compare(&whole, &second, 0, name,
                    "in a second environment of the same seed; randomness must come from the environment's streams"));

    twin->max_episode_steps = SHORT_EPISODE;
    return check_steps(c, SHORT_STEPS, NULL);
}

/* 200 steps, fewer of a large batch: it shows as much in them. */
static int steps_of(const rlc_env *env) {
    int64_t steps = MANY_ROWS / env->num_envs;
    return steps > STEPS ? STEPS : steps < FEW_STEPS ? FEW_STEPS : (int)steps;
}

rlc_status rlc_check_env_options(const rlc_registry *registry, rlc_device *device, uint64_t seed,
                                 const rlc_value *options, int steps) {
    checker c = {0};
    rlc_env *env = NULL, *twin = NULL;
    rlc_status status = rlc_env_new(registry, device, seed, "env", options, &env);
    status = status == RLC_OK ? rlc_env_new(registry, device, seed, "env", options, &twin) : status;
    status = status == RLC_OK ? rlc_program_new(device, "check_env", &c.program) : status;
    if (status == RLC_OK) {
        c.env = env;
        c.elapsed = rlc_arena_calloc(&c.arena, (size_t)env->num_envs * sizeof *c.elapsed);
        status = c.elapsed != NULL ? check_env(&c, twin, steps > 0 ? steps : steps_of(env)) : rlc_error_status();
    }
    rlc_program_free(c.program);
    rlc_arena_free(&c.arena);
    rlc_env_free(twin);
    rlc_env_free(env);
    return status;
}

rlc_status rlc_check_env(const rlc_registry *registry, rlc_device *device, const char *options, int steps) {
    rlc_arena arena = {0};
    rlc_value *value;
    rlc_status status = rlc_value_parse(&arena, "env", options, &value);
    if (status == RLC_OK) {
        status = rlc_check_env_options(registry, device, 1, value, steps);
    }
    rlc_arena_free(&arena);
    return status;
}
