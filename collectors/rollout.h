/* rollout.h: steps of a policy in an environment, stacked along a trailing time dimension.
 *
 *     rlc_begin(program);
 *     rlc_dict *td = rlc_rollout(env, policy, 10);        // batch shape [num_envs, 10]
 *     rlc_dict_print(td, stdout);
 *     rlc_end(program);
 */
#ifndef RLC_ROLLOUT_H
#define RLC_ROLLOUT_H

#include "envs/env.h"
#include "modules/module.h"

RLC_BEGIN

typedef struct rlc_rollout_options {
    bool no_reset;   /* go on from where the environment was left */
    bool keep_going; /* past the end of an episode, which resets itself; else the first `done` of any row stops */
} rlc_rollout_options;

/* Records at most `steps` steps. Without a policy actions are drawn from the environment's spec. Gradients are not
 * recorded; how the policy explores is the program's setting (rlc_set_exploration). */
rlc_dict *rlc_rollout_with(rlc_env *env, rlc_module *policy, int64_t steps, rlc_rollout_options options);

/* From a reset, until the first episode ends. */
rlc_dict *rlc_rollout(rlc_env *env, rlc_module *policy, int64_t steps);

/* One step of a rollout: has td's action chosen and steps; returns what the next step starts from. */
rlc_dict *rlc_rollout_step(rlc_env *env, rlc_module *policy, rlc_dict *td);

RLC_END

#endif
