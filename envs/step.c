/* step.c: recording resets and steps. */
#include <math.h>
#include <string.h>

#include "core/record.h"
#include "envs/env.h"
#include "envs/keys.h"
#include "envs/render.h"
#include "envs/transform.h"

/* Which operands, beside the result, a kernel that runs on the host reads and writes, of those that do not lie there. */
#define BIT(operand) ((int64_t)1 << RLC_ENV_##operand)
static const struct {
    int64_t reads, writes;
} moved[] = {
    [RLC_ENV_STEP] = {BIT(ACTION), BIT(DONE) | BIT(REWARD) | BIT(TERMINATED) | BIT(TRUNCATED)},
    [RLC_ENV_RESET] = {BIT(DONE) | BIT(NEXT_OBSERVATION), 0},
    [RLC_ENV_RESET_ALL] = {BIT(DONE), 0},
};

/* Records one node of the environment's kernel. `out` is the observation it computes; operands beyond those that every
 * call has are in `rest`. */
static void record(rlc_env *env, rlc_env_mode mode, rlc_tensor *out, rlc_tensor *done, rlc_tensor *next_observation,
                   rlc_tensor *const *rest, int count) {
    rlc_program *p = rlc_current();
    enum { COMMON = RLC_ENV_NEXT_OBSERVATION + 1 };
    rlc_tensor **more = rlc__aux(p, (size_t)(COMMON + count) * sizeof *more);
    rlc_env_call *call = rlc__aux(p, sizeof *call);
    for (int i = 0; i < count; i++) {
        if (rest[i] == NULL) {
            return;
        }
    }
    if (more == NULL || call == NULL || done == NULL || next_observation == NULL || p->shapes_only) {
        return;
    }
    more[RLC_ENV_STATE] = env->states;
    more[RLC_ENV_ELAPSED] = env->elapsed;
    more[RLC_ENV_RETURN] = env->episode_return;
    more[RLC_ENV_COUNTER] = env->stream->counter;
    more[RLC_ENV_TOTALS] = env->totals;
    more[RLC_ENV_RETURNS] = env->returns;
    more[RLC_ENV_LENGTHS] = env->lengths;
    more[RLC_ENV_DONE] = done;
    more[RLC_ENV_NEXT_OBSERVATION] = next_observation;
    memcpy(more + COMMON, rest, (size_t)count * sizeof *more);
    *call = (rlc_env_call){.num_envs = env->num_envs,
                           .max_steps = env->max_episode_steps,
                           .picture = env->picture,
                           .threshold = env->type->threshold,
                           .key = env->stream->key,
                           .encoding = env->action_encoding,
                           .mode = mode};
    *rlc__append(p) = (rlc_node){.op = RLC_OP_env,
                                 .run = env->kernel,
                                 .out = out,
                                 .more = more,
                                 .num_more = (uint16_t)(COMMON + count),
                                 .p = {[RLC_HOST_CALL_KERNEL] = {.run = env->host_kernel},
                                       [RLC_HOST_CALL_READS] = {.i = moved[mode].reads},
                                       [RLC_HOST_CALL_WRITES] = {.i = moved[mode].writes}},
                                 .aux = call,
                                 .aux_size = sizeof *call};
    bool was = rlc_no_grad(true);
    rlc__commit(p, RLC_F32);
    rlc_no_grad(was);
}

/* Both are for the environment to fill, several times a step. */
static rlc_tensor *observation_tensor(const rlc_env *env) {
    const rlc_shape *shape = &env->shown_spec.shape;
    int64_t size[RLC_MAX_DIMS + 1] = {env->num_envs};
    for (int i = 0; i < shape->ndim; i++) {
        size[i + 1] = shape->size[i];
    }
    return rlc__result(rlc_current(), env->shown_spec.dtype, shape->ndim + 1, size);
}

static rlc_tensor *column(const rlc_env *env, rlc_dtype dtype) {
    return rlc__result(rlc_current(), dtype, 2, (const int64_t[]){env->num_envs, 1});
}

/* What is seen of a state. */
static void set_seen(const rlc_env *env, rlc_dict *td, rlc_tensor *observation, rlc_tensor *pixels) {
    const rlc_env_keys *k = rlc__env_keys();
    if (!env->pixels_only) {
        rlc_dict_set_key(td, env->shown, observation);
    }
    if (env->from_pixels) {
        rlc_dict_set_key(td, k->pixels, pixels);
    }
}

/* The flags and the observation that a step starts from. */
static void set_root(const rlc_env *env, rlc_dict *root, rlc_tensor *observation) {
    const rlc_env_keys *k = rlc__env_keys();
    set_seen(env, root, observation, env->first_pixels);
    rlc_dict_set_key(root, k->done, env->flags_down);
    rlc_dict_set_key(root, k->terminated, env->flags_down);
    rlc_dict_set_key(root, k->truncated, env->flags_down);
}

rlc_dict *rlc_env_reset(rlc_env *env) {
    rlc_dict *root = rlc__require_program("env_reset") != NULL ? rlc_dict_new(RLC_SHAPE(env->num_envs)) : NULL;
    rlc_tensor *observation = root != NULL ? observation_tensor(env) : NULL;
    if (observation == NULL) {
        return NULL;
    }
    record(env, RLC_ENV_RESET_ALL, observation, env->flags_down, observation, &observation, 1);
    env->pixels = env->first_pixels = rlc__env_draw(env, NULL, NULL);
    set_root(env, root, observation);
    rlc__transforms_reset(env, root, NULL);
    return root;
}

/* Checks that the action is what the environment's spec says. */
static bool fits(const rlc_env *env, const rlc_tensor *action) {
    if (rlc_spec_fits(&env->action, action) && action->ndim == env->action.shape.ndim + 1 &&
        action->shape[0] == env->num_envs) {
        return true;
    }
    rlc_shape wanted = rlc_shape_concat(RLC_SHAPE(env->num_envs), env->action.shape);
    char spec[RLC_SHAPE_TEXT + 64], ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    rlc__op_fail("env_step", "actions are %s, %s %s, but 'action' is %s %s", rlc_spec_text(&env->action, spec),
                 rlc_dtype_name(env->action.dtype), rlc_shape_text(wanted, ta),
                 rlc_dtype_name((rlc_dtype)action->dtype), rlc_shape_text(rlc_shape_of(action), tb));
    return false;
}

/* Moves all environments on; returns the dict for td's `next`, before transforms. */
static rlc_dict *move(rlc_env *env) {
    const rlc_env_keys *k = rlc__env_keys();
    rlc_dict *next = rlc_dict_new(RLC_SHAPE(env->num_envs));
    rlc_tensor *observation = observation_tensor(env), *done = column(env, RLC_BOOL);
    rlc_tensor *rest[] = {env->taken, column(env, RLC_F32), column(env, RLC_BOOL), column(env, RLC_BOOL)};
    record(env, RLC_ENV_STEP, observation, done, observation, rest, RLC_COUNT(rest));
    env->pixels = rlc__env_draw(env, NULL, NULL);
    set_seen(env, next, observation, env->pixels);
    rlc_dict_append(next, (rlc_entry){.key = k->reward, .tensor = rest[1]});
    rlc_dict_append(next, (rlc_entry){.key = k->done, .tensor = done});
    rlc_dict_append(next, (rlc_entry){.key = k->terminated, .tensor = rest[2]});
    rlc_dict_append(next, (rlc_entry){.key = k->truncated, .tensor = rest[3]});
    env->last = observation;
    env->reward = rest[1];
    return next;
}

/* What a policy wrote under `next`, for its own next step, stays beside what the environment writes there. */
static void take_over(const rlc_dict *td, rlc_dict *next) {
    const rlc_dict *written = rlc_dict_find_dict_key(td, rlc__env_keys()->next);
    for (int i = 0; written != NULL && next != NULL && i < written->count; i++) {
        const rlc_entry *e = &written->entries[i];
        if (rlc_dict_find_key(next, e->key) == NULL && rlc_dict_find_dict_key(next, e->key) == NULL) {
            rlc_dict_append(next, *e);
        }
    }
}

rlc_dict *rlc__env_advance(rlc_env *env, const rlc_dict *td, int count) {
    rlc_dict *next = move(env);
    take_over(td, next);
    for (int i = 0; i < count; i++) {
        if (next != NULL) {
            rlc__transform_step(env->transforms[i], td, next);
        }
    }
    return next;
}

/* Where rows that are done take an entry from: their reset's dict. */
typedef struct restarting {
    rlc_env *env;
    rlc_dict *root;
    rlc_tensor *first, *done;
} restarting;

static void restart_entry(const rlc_key *key, rlc_tensor *fresh, void *data) {
    const restarting *r = data;
    rlc_tensor *lifted = rlc_dict_find_key(r->root, key);
    /* outside of the rows that were reset, the environment's own observation is the last one already, as its picture is */
    bool untouched =
        (fresh == r->first && lifted == r->env->last) || (fresh == r->env->first_pixels && lifted == r->env->pixels);
    if (lifted != NULL && !untouched && fresh != r->env->flags_down) {
        fresh = rlc_where(rlc_transform_rows(r->done, fresh), fresh, lifted);
    }
    rlc_dict_set_key(r->root, key, fresh);
}

/* What the next step starts from: `root`, lifted from `next`, with the entries of a reset in the rows that are done. */
static void restart(rlc_env *env, rlc_dict *root, rlc_tensor *first, rlc_tensor *done) {
    if (!rlc__transforms_change_dicts(env)) {
        set_root(env, root, first);
        return;
    }
    rlc_dict *fresh = rlc_dict_new(RLC_SHAPE(env->num_envs));
    if (fresh != NULL) {
        set_root(env, fresh, first);
        rlc__transforms_reset(env, fresh, done);
        rlc_dict_each(fresh, restart_entry, &(restarting){env, root, first, done});
    }
}

rlc_dict *rlc_env_step(rlc_env *env, rlc_dict *td) {
    const rlc_env_keys *k = rlc__env_keys();
    /* those of another program may be gone */
    env->taken = env->last = env->reward = env->pixels = env->first_pixels = NULL;
    if (rlc__require_program("env_step") == NULL || td == NULL) {
        return NULL;
    }
    rlc_tensor *action = rlc_contiguous(rlc_dict_get_key(td, k->action));
    if (action == NULL || !fits(env, action)) {
        return NULL;
    }
    env->taken = rlc_contiguous(rlc__transforms_inverse(env, action));
    rlc_dict *next = rlc__env_advance(env, td, env->num_transforms);
    if (next == NULL) {
        return NULL;
    }
    rlc_dict_set_dict_key(td, k->next, next);
    rlc_dict *root = rlc_step_mdp(td);
    rlc_tensor *done = rlc_contiguous(rlc_dict_find_key(next, k->done)), *first = observation_tensor(env);
    if (root == NULL || first == NULL) {
        return NULL;
    }
    record(env, RLC_ENV_RESET, first, done, env->last, &first, 1);
    env->first_pixels = rlc__env_draw(env, done, env->pixels);
    restart(env, root, first, done);
    return root;
}

typedef struct keeping {
    rlc_env *env;
    const rlc_dict *from;
} keeping;

static void keep_one(const rlc_key *key, rlc_tensor *carrier, void *data) {
    const keeping *k = data;
    rlc_tensor *tensor = rlc_dict_get_key(k->from, key);
    if (tensor != NULL && carrier != k->env->flags_down) {
        rlc_assign(carrier, tensor);
    }
}

void rlc_env_keep(rlc_env *env, const rlc_dict *td) {
    if (td != NULL && rlc__require_program("env_keep") != NULL) {
        rlc_dict_each(env->carried, keep_one, &(keeping){env, td});
    }
}

/* A copy, so that what a step writes into it does not stay. */
rlc_dict *rlc_env_kept(rlc_env *env) {
    return rlc__require_program("env_kept") != NULL ? rlc_dict_clone(env->carried) : NULL;
}

void rlc_env_follow(rlc_env *env, const rlc_env *trained) {
    for (int i = 0; i < env->learned.count && i < trained->learned.count; i++) {
        rlc_assign(env->learned.items[i].tensor, trained->learned.items[i].tensor);
    }
    env->frozen = true;
}

rlc_dict *rlc_env_example(rlc_env *env, rlc_program *shapes) {
    rlc_begin_shapes(shapes);
    rlc_dict *td = rlc_env_reset(env);
    if (td != NULL) {
        rlc_dict_set(td, "action", rlc_spec_zeros(&env->action, RLC_SHAPE(env->num_envs)));
        rlc_env_step(env, td);
    }
    return rlc_end(shapes) == RLC_OK ? td : NULL;
}

rlc_env_stats rlc_env_stats_of(const int64_t *totals, const double *returns, const double *lengths) {
    double total_return = 0, total_length = 0;
    int64_t count = totals[RLC_ENV_EPISODES] < RLC_ENV_HISTORY ? totals[RLC_ENV_EPISODES] : RLC_ENV_HISTORY;
    for (int64_t i = 0; i < count; i++) {
        total_return += returns[i];
        total_length += lengths[i];
    }
    return (rlc_env_stats){.frames = totals[RLC_ENV_FRAMES],
                           .episodes = totals[RLC_ENV_EPISODES],
                           .solved_at = totals[RLC_ENV_SOLVED_AT],
                           .return_mean = count > 0 ? total_return / (double)count : (double)NAN,
                           .length_mean = count > 0 ? total_length / (double)count : (double)NAN};
}

rlc_status rlc_env_read_stats(const rlc_env *env, rlc_env_stats *stats) {
    int64_t totals[RLC_ENV_NUM_TOTALS];
    double returns[RLC_ENV_HISTORY + 1], lengths[RLC_ENV_HISTORY];
    RLC_TRY(rlc_tensor_read(env->totals, totals));
    RLC_TRY(rlc_tensor_read(env->returns, returns));
    RLC_TRY(rlc_tensor_read(env->lengths, lengths));
    *stats = rlc_env_stats_of(totals, returns, lengths);
    return RLC_OK;
}
