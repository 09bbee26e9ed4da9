/* shown.h: a transform for tests that puts entries of the test's own into what an environment shows, and ends the episodes
 * that the test says.
 *
 *     shown_entries = one_picture; {type: CartPole, num_envs: 2, transforms: [{type: Shown}, {type: Resize, w: 8}]}
 */
#ifndef RLC_TEST_SHOWN_H
#define RLC_TEST_SHOWN_H

#include "envs/transform.h"
#include "tests/with_env.h"

/* Sets what is to be seen in the dict of a reset, or in that of a step. */
static void (*shown_entries)(rlc_dict *dict, bool is_reset);
static const uint8_t *shown_ends; /* bool [N]: which rows end their episode with this step; NULL for none */

static void shown_reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)self, (void)rows;
    shown_entries(root, true);
}

static void shown_step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)td;
    static const uint8_t none[64];
    rlc_tensor *ends =
        rlc_from_data(RLC_BOOL, RLC_SHAPE(self->env->num_envs, 1), shown_ends != NULL ? shown_ends : none);
    rlc_dict_set(next, "terminated", rlc_zeros(RLC_BOOL, RLC_SHAPE(self->env->num_envs, 1)));
    rlc_dict_set(next, "truncated", ends);
    rlc_dict_set(next, "done", ends);
    shown_entries(next, false);
}

typedef rlc_transform Shown;
static const rlc_transform_class shown_class = {
    .base = RLC_CLASS("transform", Shown, .doc = "shows what the test says"),
    .reset = shown_reset,
    .step = shown_step,
};

static inline int register_shown(void **state) {
    (void)state;
    return rlc_register(world_registry(), &shown_class.base);
}

/* An environment of `rows` rows that shows such entries, with more transforms behind: ", {type: Resize, w: 8}". */
static inline rlc_status shown_make(int64_t rows, const char *transforms, rlc_env **made) {
    char options[512];
    snprintf(options, sizeof options,
             "{type: CartPole, num_envs: %lld, max_episode_steps: 0, transforms: [{type: Shown}%s]}", (long long)rows,
             transforms);
    return rlc_env_make(world_registry(), test_device(), 1, options, made);
}

/* A step with action 0, kept; the dict stays valid until the program begins again. */
static inline rlc_dict *shown_go_on(rlc_dict **root) {
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", rlc_spec_encode(&env->action, rlc_zeros(RLC_I64, RLC_SHAPE(env->num_envs))));
    *root = rlc_env_step(env, td);
    return td;
}

#endif
