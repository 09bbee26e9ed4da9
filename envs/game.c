#include "envs/game.h"

const rlc_option rlc__game_options[] = {
    {.name = "size",
     .type = RLC_OPTION_ENUM,
     .offset = offsetof(rlc_env, picture),
     .text = "minatar",
     .choices = "minatar|atari",
     .help = "the picture: [10, 10, planes], a plane for each kind of thing, or [84, 84, 1], shades of grey"},
    {0},
};

rlc_spec rlc__game_spec(const rlc_env *env) {
    const rlc_shape planes = RLC_SHAPE(BOARD_SIDE, BOARD_SIDE, env->type->planes);
    const rlc_shape screen = RLC_SHAPE(BOARD_WIDTH, BOARD_WIDTH, 1);
    return rlc_spec_as(rlc_spec_bounded(env->picture == RLC_PICTURE_ATARI ? screen : planes, 0, 255), RLC_U8);
}
