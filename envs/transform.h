/* transform.h: what stands between an environment and those who see it, adding or changing entries, or actions; or between
 * what a replay buffer keeps and those who learn from it (buffer_transforms.h).
 *
 *     env: {type: Pendulum, transforms: [{type: ActionScaling}, {type: VecNorm, in_keys: [observation]}, {type: RewardSum}]}
 *
 * Transforms of one environment are called in the order of the recipe, for actions in the opposite one: the first of them
 * is next to the environment.
 */
#ifndef RLC_TRANSFORM_H
#define RLC_TRANSFORM_H

#include "envs/env.h"

RLC_BEGIN

typedef struct rlc_transform_class {
    rlc_class base;

    /* Each of these is optional.
     *
     * Gets what it needs; tensors that must survive a step come from env->state, what is learned and a policy depends on
     * from env->learned. One that changes actions sets env->action to what those who act are to see, and one that takes
     * the place of the observation sets env->observed. `env` is NULL in a replay buffer, where only those that have
     * `apply` or `look_back` can be. */
    void (*init)(rlc_transform *self, rlc_env *env);

    /* Adds to or changes the dict of a reset. `rows`, bool [N, 1], says which rows that concerns; what it does to others
     * is dropped. NULL for all. */
    void (*reset)(rlc_transform *self, rlc_dict *root, rlc_tensor *rows);

    /* Adds to or changes what a step wrote. `td` is what it started from, `next` stands under its key of that name. A
     * transform that ends episodes sets `truncated` and `done`. */
    void (*step)(rlc_transform *self, const rlc_dict *td, rlc_dict *next);

    /* In place of reset and step, for what follows from one moment alone: changes the dict of a reset, or what a step
     * wrote. */
    void (*apply)(rlc_transform *self, rlc_dict *dict);

    /* The same for what follows from an entry as it was at self->reach moments before, too: given those and the moment
     * itself, [reach + T, N, ...], the oldest first, gives T results [T, N, ...]. Before an episode began its first
     * moment stands again and again; with self->wants_age, `age`, int64 [reach + T, N], says how many steps each is
     * from that, else it is NULL. */
    rlc_tensor *(*look_back)(rlc_transform *self, rlc_tensor *moments, rlc_tensor *age);

    /* What the environment is to get for an action (TorchRL's inverse transform). */
    rlc_tensor *(*inverse)(rlc_transform *self, rlc_tensor *action);
} rlc_transform_class;

/* The keys a transform reads and those it writes, pairwise. */
typedef struct rlc_key_pairs {
    int count;
    const rlc_key **in, **out;
} rlc_key_pairs;

struct rlc_transform {
    const rlc_transform_class *type;
    rlc_env *env; /* NULL in a replay buffer */
    rlc_device *device;
    rlc_arena *arena;         /* the environment's, or the buffer's, */
    rlc_state *state;         /* and what that keeps from step to step */
    int index;                /* in its list */
    const char *path;         /* "env.transforms.0", for messages */
    const rlc_value *options; /* where the recipe has it */
    rlc_key_pairs entries;    /* that it reads and writes, and */
    const rlc_key *also;      /* one more that it reads, or NULL */
    int reach;                /* of one that looks back: so many steps, at most RLC_MAX_REACH */
    bool wants_age;
    int times;               /* of one that repeats actions: how many steps it makes of each, else 0 */
    rlc_tensor **kept, *age; /* in an environment: the last `reach` moments of each entry, and the age [1, N] */
};

enum { RLC_MAX_REACH = 64 };

/* A list of transforms. */
typedef struct rlc_transforms {
    rlc_transform **items;
    int count;
    rlc_env *env;
    rlc_device *device;
    rlc_arena *arena;
    rlc_state *state;
} rlc_transforms;

/* For init: interns the lists; without out_keys each entry is changed in its place. */
void rlc_transform_keys(const rlc_transform *self, rlc_strings in_keys, rlc_strings out_keys, rlc_key_pairs *pairs);

/* For init of one whose class has apply or look_back: the same, kept as self->entries. Where an entry is what the environment is
 * seen by, what is written is so from here on. */
void rlc_transform_reads(rlc_transform *self, rlc_strings in_keys, rlc_strings out_keys);

/* For apply: each entry becomes what `f` makes of it. */
void rlc_transform_each(rlc_transform *self, rlc_dict *dict, rlc_tensor *(*f)(rlc_transform *self, rlc_tensor *x));

/* For init: a float32 tensor [n] of self->state, "transforms.INDEX.NAME", with the numbers of an option: one, or a list. */
rlc_tensor *rlc_transform_numbers(const rlc_transform *self, const char *name, const rlc_value *numbers);

/* `rows` with as many dimensions as a tensor [N, ...], so that the two broadcast. */
rlc_tensor *rlc_transform_rows(rlc_tensor *rows, const rlc_tensor *like);

/* Inside of envs/: building a list of transforms from a recipe's, of an environment or of a buffer, and the ways through
 * those of an environment. */
rlc_status rlc__transforms_build(rlc_transforms *list, const rlc_registry *registry, const char *path,
                                 const rlc_value *options);

/* Around what a transform does: its ops' messages name it, as they name modules, and say where the recipe has it. */
typedef struct rlc_transform_at {
    rlc_program *program;
    const char *where;
    bool was_good;
} rlc_transform_at;
rlc_transform_at rlc__transform_enter(const rlc_transform *self);
void rlc__transform_leave(const rlc_transform *self, rlc_transform_at at);

/* Whether any changes what a reset or a step wrote: one that has `inverse` alone does not. */
bool rlc__transforms_change_dicts(const rlc_env *env);

void rlc__transforms_reset(rlc_env *env, rlc_dict *root, rlc_tensor *rows);
void rlc__transform_step(rlc_transform *self, const rlc_dict *td, rlc_dict *next);
rlc_tensor *rlc__transforms_inverse(rlc_env *env, rlc_tensor *action);

/* look_back.c: one that looks back, in an environment; and the ages of the last `count` moments up to that of this age. */
void rlc__look_back_reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows);
void rlc__look_back_step(rlc_transform *self, rlc_dict *next);
rlc_tensor *rlc__ages_before(rlc_tensor *age, int count);

/* Records one step of the environment itself with the action that it last got, and the first `count` transforms over it;
 * returns what goes under `next`. FrameSkipTransform steps again with this. */
rlc_dict *rlc__env_advance(rlc_env *env, const rlc_dict *td, int count);

/* The classes that rlc brings. */
extern const rlc_transform_class rlc_reward_sum_class, rlc_step_counter_class, rlc_init_tracker_class,
    rlc_observation_norm_class, rlc_vec_norm_class, rlc_reward_scaling_class, rlc_reward_clipping_class,
    rlc_action_scaling_class, rlc_frame_skip_class, rlc_cat_tensors_class, rlc_double_to_float_class,
    rlc_tensordict_primer_class, rlc_compose_class, rlc_to_tensor_image_class, rlc_gray_scale_class, rlc_resize_class,
    rlc_center_crop_class, rlc_cart_crop_class, rlc_cat_frames_class, rlc_frame_difference_class,
    rlc_flatten_observation_class;
extern const rlc_env_class rlc_cartpole_class, rlc_pendulum_class, rlc_acrobot_class, rlc_mountain_car_class,
    rlc_mountain_car_continuous_class, rlc_catch_class, rlc_breakout_class, rlc_pong_class;

RLC_END

#endif
