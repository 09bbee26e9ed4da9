#include "collectors/collector.h"

#include <stdlib.h>

#include "collectors/columns.h"
#include "collectors/rollout.h"
#include "core/record.h"
#include "core/resting.h"

const rlc_option rlc__collector_options[] = {
    {.name = "policy",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(rlc_collector, policy_name),
     .required = true,
     .help = "the module that chooses actions"},
    RLC_LONG(rlc_collector, frames_per_batch, RLC_REQUIRED, 1, 1e12, "frames of all environments in one batch"),
    RLC_LONG(rlc_collector, total_frames, RLC_REQUIRED, 1, 1e15, "frames of the whole run"),
    RLC_LONG(rlc_collector, init_random_frames, 0, 0, 1e15, "frames at the start with random actions and no updates"),
    {0},
};

static rlc_status check(const rlc_collector *c, const rlc_value *options) {
    int64_t steps = c->frames_per_batch / c->env->num_envs;
    if (c->frames_per_batch % c->env->num_envs != 0) {
        return rlc_value_fail(options, "collector: frames_per_batch (%lld) must be a multiple of env.num_envs (%lld)",
                              (long long)c->frames_per_batch, (long long)c->env->num_envs);
    }
    if (steps > UINT16_MAX) {
        return rlc_value_fail(options, "collector: frames_per_batch gives %lld steps a batch; at most %d are possible",
                              (long long)steps, UINT16_MAX);
    }
    return RLC_OK;
}

/* Whether the policy writes actions as the environment reads them, judged by shapes alone. */
static rlc_status check_policy(rlc_collector *c, const rlc_model *model, const rlc_value *options) {
    rlc__program_resume(model->shapes);
    rlc_dict *td = rlc_dict_clone(model->example);
    if (td != NULL) {
        rlc_dict_del(td, "action");
        rlc_module_call(c->policy, td);
    }
    const rlc_tensor *action = td != NULL ? rlc_dict_find(td, "action") : NULL;
    rlc_status status = rlc_end(model->shapes);
    if (status != RLC_OK) {
        return status;
    }
    char spec[RLC_SHAPE_TEXT + 64], ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    rlc_shape wanted = rlc_shape_concat(RLC_SHAPE(c->env->num_envs), c->env->action.shape);
    if (action == NULL) {
        return rlc_value_fail(options, "collector: the policy %s writes no 'action'", c->policy->path);
    }
    if (action->dtype != c->env->action.dtype || !rlc_shape_equal(rlc_shape_of(action), wanted)) {
        return rlc_value_fail(
            options, "collector: the policy %s writes actions %s %s, but the environment reads %s, %s %s",
            c->policy->path, rlc_dtype_name((rlc_dtype)action->dtype), rlc_shape_text(rlc_shape_of(action), ta),
            rlc_spec_text(&c->env->action, spec), rlc_dtype_name(c->env->action.dtype), rlc_shape_text(wanted, tb));
    }
    return RLC_OK;
}

static rlc_status build(rlc_collector *c, rlc_model *model, const rlc_value *options) {
    RLC_TRY(rlc_options_apply(&c->arena, "collector", options, c, rlc__collector_options, c->type->base.options));
    RLC_TRY(check(c, options));
    c->frames = rlc_state_counter(&c->state, "frames");
    if (c->frames == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(rlc_program_new(model->device, "collect", &c->stretch));
    RLC_TRY(rlc_model_refer(model, "collector.policy", c->policy_name, &c->policy));
    return check_policy(c, model, options);
}

rlc_status rlc_collector_new(rlc_model *model, rlc_env *env, const rlc_value *options, rlc_collector **out) {
    const rlc_collector_class *type =
        (const rlc_collector_class *)rlc_registry_type_of(model->registry, "collector", "collector", options);
    rlc_collector *c = type != NULL ? rlc_calloc(1, type->base.size) : NULL;
    if (c == NULL) {
        return rlc_error_status();
    }
    c->type = type;
    c->env = env;
    rlc_status status = build(c, model, options);
    if (status != RLC_OK) {
        rlc_collector_free(c);
        return status;
    }
    *out = c;
    return RLC_OK;
}

void rlc_collector_free(rlc_collector *c) {
    if (c != NULL) {
        rlc_program_free(c->stretch);
        rlc_state_free(&c->state);
        rlc_arena_free(&c->arena);
        free(c);
    }
}

rlc_dict *rlc_collect(rlc_collector *c, const rlc_key *const *keys, int count) {
    const bool was = rlc_no_grad(true), was_resting = rlc_set_resting(true);
    rlc_dict *batch = c->type->collect(c, keys, count);
    rlc_no_grad(was);
    rlc_set_resting(was_resting);
    *c->frames += batch != NULL ? c->frames_per_batch : 0;
    return batch;
}

/* Records so many steps of all environments, and what they end in for the next ones to go on from. All entries of the steps
 * are put together, or those under `keys`. */
static rlc_dict *take_steps(rlc_collector *c, int steps, const rlc_key *const *keys, int count) {
    rlc_program *p = rlc__require_program("collect");
    rlc_dict **taken = p != NULL ? rlc__aux(p, (size_t)steps * sizeof *taken) : NULL;
    rlc_dict *td = taken != NULL ? rlc_env_kept(c->env) : NULL;
    rlc_module *policy = rlc_collector_is_random(c) ? NULL : c->policy;
    rlc_columns *kept = NULL;
    for (int t = 0; t < steps && td != NULL; t++) {
        taken[t] = td;
        td = rlc_rollout_step(c->env, policy, taken[t]);
        if (count > 0) { /* at once: the next step may write into dicts that this one has, too */
            kept = t == 0 ? rlc_columns_new(taken[0], keys, count, steps) : kept;
            rlc_columns_add(kept, taken[t]);
        }
        rlc_module_step(c->policy, c->env->num_envs);
    }
    if (td == NULL) {
        return NULL;
    }
    rlc_dict *batch = count > 0 ? rlc_columns_stack(kept) : rlc_dict_stack(taken, steps, 1);
    rlc_env_keep(c->env, td);
    return batch;
}

/* Steps of one stretch. What they leave behind, some 10 KB each for a small network, stays in a core's second cache. */
enum { STRETCH = 64 };

/* The same in a program of their own, which runs them. */
static rlc_dict *run_stretch(rlc_collector *c, const rlc_program *p, int steps, const rlc_key *const *keys, int count) {
    rlc_begin(c->stretch);
    c->stretch->where = p->where;
    c->stretch->exploration = p->exploration;
    c->stretch->precision = p->precision;
    c->stretch->training = p->training;
    c->stretch->no_grad = true;
    c->stretch->resting = p->resting;
    rlc_dict *rows = take_steps(c, steps, keys, count);
    return rlc_end(c->stretch) == RLC_OK ? rows : NULL;
}

typedef struct placing {
    rlc_dict *batch;
    int64_t first, steps; /* where the stretch begins, and how many there are in all */
} placing;

static void place_entry(const rlc_key *key, rlc_tensor *rows, void *data) {
    const placing *to = data;
    rlc_tensor *all = rlc_dict_find_key(to->batch, key);
    if (all == NULL) {
        rlc_shape shape = rlc_shape_of(rows);
        shape.size[1] = to->steps;
        all = rlc_empty((rlc_dtype)rows->dtype, shape);
        rlc_dict_set_key(to->batch, key, all);
    }
    rlc_assign(rlc_slice(all, 1, to->first, rlc_size(rows, 1)), rows);
}

/* Many steps, a stretch after the other in the same memory, and of each only the entries of the batch are kept. */
static rlc_dict *collect_stretches(rlc_collector *c, rlc_program *p, int steps, const rlc_key *const *keys, int count) {
    placing to = {.batch = rlc_dict_new(RLC_SHAPE(c->env->num_envs, steps)), .steps = steps};
    if (rlc__flush(p) != RLC_OK) { /* after an error nothing runs, these steps neither */
        return NULL;
    }
    for (; to.batch != NULL && to.first < steps; to.first += STRETCH) {
        const int left = steps - (int)to.first;
        rlc_dict *rows = run_stretch(c, p, left < STRETCH ? left : STRETCH, keys, count);
        if (rows == NULL) {
            return NULL;
        }
        rlc_dict_each(rows, place_entry, &to);
        if (rlc__flush(p) != RLC_OK) { /* before the next stretch takes the memory */
            return NULL;
        }
    }
    return to.batch;
}

/* Steps all environments together, in this thread. A device that works on its own gets one list, to be replayed as a whole. */
static rlc_dict *collect(rlc_collector *c, const rlc_key *const *keys, int count) {
    rlc_program *p = rlc__require_program("collect");
    const int steps = (int)(c->frames_per_batch / c->env->num_envs);
    if (p == NULL || steps <= STRETCH || p->shapes_only || p->device->mark != NULL) {
        return take_steps(c, steps, keys, count);
    }
    return collect_stretches(c, p, steps, keys, count);
}

typedef rlc_collector Collector;

const rlc_collector_class rlc_collector_class_default = {
    .base = RLC_CLASS("collector", Collector, .doc = "steps all environments together and hands out batches"),
    .collect = collect,
};
