/* game.h: environments that are games on a board and show its picture, uint8 [N, H, W, C] under `pixels`.
 *
 *     env: {type: Breakout, size: atari, num_envs: 8}
 */
#ifndef RLC_GAME_H
#define RLC_GAME_H

#include "envs/board.h"
#include "envs/env.h"

/* `size: minatar|atari`; see board.h. */
extern const rlc_option rlc__game_options[];

/* What the picture is, uint8 0 .. 255. */
rlc_spec rlc__game_spec(const rlc_env *env);

#endif
