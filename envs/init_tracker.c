/* init_tracker.c: whether an episode begins here, under `is_init`: what recurrent modules and noise start anew by. */
#include "envs/transform.h"

typedef struct InitTracker {
    rlc_transform base;
    const char *init_key;
    const rlc_key *key;
} InitTracker;

static const rlc_option options[] = {
    RLC_STRING(InitTracker, init_key, "is_init", "where it is written"),
    {0},
};

static void init(rlc_transform *self, rlc_env *env) {
    (void)env;
    ((InitTracker *)self)->key = rlc_key_intern(((InitTracker *)self)->init_key);
}

static void write(const rlc_transform *self, rlc_dict *dict, double value) {
    rlc_dict_set_key(dict, ((const InitTracker *)self)->key,
                     rlc_full(RLC_BOOL, RLC_SHAPE(self->env->num_envs, 1), value));
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    write(self, root, 1);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)td;
    write(self, next, 0);
}

const rlc_transform_class rlc_init_tracker_class = {
    .base = RLC_CLASS("transform", InitTracker, .doc = "says where an episode begins: is_init", .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};
