/* transform.h: what stands between an environment and those who see it, adding or changing entries.
 *
 *     env: {type: CartPole, transforms: [{type: RewardSum}, {type: StepCounter, max_steps: 200}]}
 *
 * Transforms of one environment are called in the order of the recipe.
 */
#ifndef RLC_TRANSFORM_H
#define RLC_TRANSFORM_H

#include "envs/env.h"

RLC_BEGIN

typedef struct rlc_transform_class {
    rlc_class base;

    /* Optional. Gets what it needs; tensors that must survive a step come from env->state. */
    void (*init)(rlc_transform *self, rlc_env *env);

    /* Adds its entries to the dict of a reset. */
    void (*reset)(rlc_transform *self, rlc_dict *root);

    /* Adds to or changes what a step wrote. `td` is what it started from, `next` stands under its key of that name. A
     * transform that ends episodes sets `truncated` and `done`. */
    void (*step)(rlc_transform *self, const rlc_dict *td, rlc_dict *next);

    /* Puts its entries of `root`, lifted from `next`, back to those of a reset in the rows that are done. */
    void (*restart)(rlc_transform *self, rlc_dict *root, rlc_tensor *done);
} rlc_transform_class;

struct rlc_transform {
    const rlc_transform_class *type;
    rlc_env *env;
};

/* The classes that rlc brings. */
extern const rlc_transform_class rlc_reward_sum_class, rlc_step_counter_class;
extern const rlc_env_class rlc_cartpole_class, rlc_pendulum_class, rlc_acrobot_class, rlc_mountain_car_class,
    rlc_mountain_car_continuous_class;

RLC_END

#endif
