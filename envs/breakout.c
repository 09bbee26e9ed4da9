/* breakout.c: MinAtar's Breakout: a reward of 1 for each brick, until the ball is missed. MinAtar has no time limit; 1000 steps are
 * gymnax's (Lange, 2022). */
#include "envs/breakout_step.h"

#include "envs/game.h"
#include "envs/transform.h"

typedef rlc_env Breakout;

GAME_RENDER(breakout, BREAKOUT)

const rlc_env_class rlc_breakout_class = {
    .base = RLC_CLASS("env", Breakout, .doc = "knock bricks out of a wall (MinAtar's Breakout); pixels",
                      .options = rlc__game_options),
    .state_size = BREAKOUT_STATE,
    .planes = BREAKOUT_PLANES,
    .num_actions = BREAKOUT_ACTIONS,
    .max_steps = 1000,
    .threshold = NAN,
    .frame_height = GAME_WIDTH,
    .frame_width = GAME_WIDTH,
    .frames_per_second = 10,
    .render = breakout_render,
};
