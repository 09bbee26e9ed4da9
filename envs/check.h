/* check.h: whether an environment and its transforms keep what env.h promises, for those who write one.
 *
 *     if (rlc_check_env(registry, cpu, "{type: PointMass, num_envs: 3}", 0) != RLC_OK)
 *         fprintf(stderr, "%s\n", rlc_error());
 *
 * `rlrun check` does the same with the environment of a recipe.
 *
 * The environment is built, reset and stepped with random actions, some 200 steps and then some with episodes cut
 * short. At every step:
 *
 * - every entry has the type and shape that its spec and the batch say, numbers are finite and within its bounds;
 * - reward is float32 [N, 1]; terminated, truncated and done are bool [N, 1], and done is either of the others; the
 *   step at which time runs out ends the episode; the dict that the next step starts from has all three down;
 * - rows that are done are reset, and only those: in all others the next step starts from what stands under `next`;
 *
 * and then, bit for bit:
 *
 * - a second environment of the same seed goes the same way;
 * - what env->state held half-way, written back, gives the second half again, which is what a resume rests on.
 */
#ifndef RLC_ENV_CHECK_H
#define RLC_ENV_CHECK_H

#include "envs/env.h"

RLC_BEGIN

/* Checks what `options` describe, text such as "{type: CartPole, num_envs: 8}". The first promise that is broken is
 * RLC_INVALID with a message that names the entry, the row and the step. With `steps` of 0 it makes 200, fewer of a
 * large batch. */
rlc_status rlc_check_env(const rlc_registry *registry, rlc_device *device, const char *options, int steps);

/* The same for options that have been read already, those of a recipe's env, and a seed. */
rlc_status rlc_check_env_options(const rlc_registry *registry, rlc_device *device, uint64_t seed,
                                 const rlc_value *options, int steps);

RLC_END

#endif
