/* render.h: pictures of environments, of Gymnasium's look and size; of games, their board in MinAtar's colours.
 *
 *     uint8_t *rgb = rlc_calloc(rlc_env_frame_bytes(env), 1);
 *     RLC_TRY(rlc_env_render(env, 0, rgb));                  // row 0 as it is now, uint8 [400, 600, 3] for CartPole
 *
 * A class has a function `render`, as games have; those that rlc brings without one are drawn by rlc_draw.so. In a recipe,
 * `from_pixels: true` has every step draw its rows, see env.h.
 */
#ifndef RLC_RENDER_H
#define RLC_RENDER_H

#include "envs/env.h"

RLC_BEGIN

/* Draws the state of a row into uint8 [frame_height, frame_width, 3]. It is the state that has been computed: of an open
 * program, what ran so far. An error for a class that cannot be drawn, and where rlc_draw.so is not there. What it
 * needs is opened once. */
rlc_status rlc_env_render(rlc_env *env, int64_t row, uint8_t *rgb);

size_t rlc_env_frame_bytes(const rlc_env *env);

/* Has all steps and resets draw their rows from now on, for somebody who looks at env->pixels and env->first_pixels. An error
 * on another device than the CPU, and as above. */
rlc_status rlc_env_draw_steps(rlc_env *env);

/* Inside of envs/: gets ready to draw; forgets what that took. */
rlc_status rlc__renderer_open(rlc_env *env);
void rlc__renderer_free(rlc_renderer *renderer);

/* Records that all rows are drawn, uint8 [N, height, width, 3]; with `done`, bool [N, 1], only rows that are, and the others
 * stay what they are in `before`. NULL, and nothing recorded, unless steps draw. */
rlc_tensor *rlc__env_draw(rlc_env *env, rlc_tensor *done, rlc_tensor *before);

RLC_END

#endif
