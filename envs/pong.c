/* pong.c: a game after Pong, to five points. */
#include "envs/pong_step.h"

#include "envs/game.h"
#include "envs/transform.h"

typedef rlc_env Pong;

GAME_RENDER(pong, PONG)

const rlc_env_class rlc_pong_class = {
    .base = RLC_CLASS("env", Pong, .doc = "play Pong to five points on a board of 10 by 10; pixels",
                      .options = rlc__game_options),
    .state_size = PONG_STATE,
    .planes = PONG_PLANES,
    .num_actions = PONG_ACTIONS,
    .max_steps = 1000,
    .threshold = 4.5,
    .frame_height = GAME_WIDTH,
    .frame_width = GAME_WIDTH,
    .frames_per_second = 10,
    .render = pong_render,
};
