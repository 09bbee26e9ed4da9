#include "envs/game.h"

#include <math.h>
#include <string.h>

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

/* Of a kind of thing: seaborn's palette "cubehelix" of that many colours, which MinAtar shows; Green, "A colour scheme for the
 * display of astronomical intensity images" (2011, arXiv:1108.5083), at equal steps from black to white. */
static void color_of(int plane, int planes, uint8_t *rgb) {
    static const double red_green_blue[][2] = {{-0.14861, 1.78277}, {-0.29227, -0.90649}, {1.97294, 0}};
    const double brightness = (plane + 1.0) / (planes + 1), spread = brightness * (1 - brightness) / 2;
    const double angle = 2 * M_PI * (0.5 / 3 - 1.5 * brightness);
    for (int k = 0; k < 3; k++) {
        const double *c = red_green_blue[k], value = brightness + spread * (c[0] * cos(angle) + c[1] * sin(angle));
        rgb[k] = (uint8_t)(255 * value + 0.5);
    }
}

/* The shade of a cell's corner says which kind of thing lies on top there. */
void rlc__game_paint(const uint8_t *screen, int planes, uint8_t *rgb) {
    for (int y = 0; y < GAME_WIDTH; y++) {
        for (int cell = 0; cell < BOARD_SIDE; cell++, rgb += 3 * GAME_CELL) {
            const int row = BOARD_EDGE + y / GAME_CELL * BOARD_CELL, column = BOARD_EDGE + cell * BOARD_CELL;
            const int plane = board_plane(screen[row * BOARD_WIDTH + column]);
            uint8_t color[3] = {0};
            if (plane >= 0) {
                color_of(plane, planes, color);
            }
            for (int x = 0; x < GAME_CELL; x++) {
                memcpy(rgb + 3 * x, color, sizeof color);
            }
        }
    }
}
