/* catch.c: Catch: a falling ball is caught with a paddle; 1 or -1 at the end of an episode of nine steps. */
#include "envs/catch_step.h"

#include "envs/game.h"
#include "envs/transform.h"

typedef rlc_env Catch;

GAME_RENDER(catch, CATCH)

const rlc_env_class rlc_catch_class = {
    .base = RLC_CLASS("env", Catch, .doc = "catch a falling ball (bsuite's Catch, ten columns); pixels",
                      .options = rlc__game_options),
    .state_size = CATCH_STATE,
    .planes = CATCH_PLANES,
    .num_actions = CATCH_ACTIONS,
    .threshold = 0.95,
    .frame_height = GAME_WIDTH,
    .frame_width = GAME_WIDTH,
    .frames_per_second = 4,
    .render = catch_render,
};
