/* step_counter.c: steps since the episode began, under `step_count`; an episode may be cut off after so many. */
#include "envs/keys.h"
#include "envs/transform.h"

typedef struct StepCounter {
    rlc_transform base;
    int64_t max_steps;
    const rlc_key *count;
} StepCounter;

static const rlc_option options[] = {
    RLC_LONG(StepCounter, max_steps, 0, 0, 1e15, "truncate episodes after so many steps; 0 for never"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    (void)env;
    ((StepCounter *)self)->count = rlc_key_intern("step_count");
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    rlc_dict_set_key(root, ((StepCounter *)self)->count, rlc_zeros(RLC_I64, RLC_SHAPE(self->env->num_envs, 1)));
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    const StepCounter *s = (const StepCounter *)self;
    const rlc_env_keys *k = rlc__env_keys();
    rlc_tensor *count = rlc_add_scalar(rlc_dict_get_key(td, s->count), 1);
    rlc_dict_set_key(next, s->count, count);
    if (s->max_steps > 0) {
        rlc_tensor *over = rlc_ge(count, rlc_full(RLC_I64, (rlc_shape){0}, (double)s->max_steps));
        rlc_dict_set_key(next, k->truncated, rlc_logical_or(rlc_dict_get_key(next, k->truncated), over));
        rlc_dict_set_key(next, k->done, rlc_logical_or(rlc_dict_get_key(next, k->done), over));
    }
}

const rlc_transform_class rlc_step_counter_class = {
    .base =
        RLC_CLASS("transform", StepCounter, .doc = "counts the steps of an episode: step_count", .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};
