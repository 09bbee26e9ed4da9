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

/* For people (render.h): each cell 20 pixels wide, in the colours of MinAtar's display. GAME_RENDER(catch, CATCH) defines
 * catch_render, a class's `render`. */
enum { GAME_CELL = 20, GAME_WIDTH = BOARD_SIDE * GAME_CELL };

#define GAME_RENDER(name, NAME)                                                                                        \
    static void name##_render(const float *state, uint8_t *rgb) {                                                      \
        uint8_t screen[BOARD_WIDTH * BOARD_WIDTH];                                                                     \
        name##_draw(state, &(rlc_board){screen, RLC_PICTURE_ATARI, NAME##_PLANES, 0, BOARD_SIDE});                     \
        rlc__game_paint(screen, NAME##_PLANES, rgb);                                                                   \
    }

/* Makes uint8 [GAME_WIDTH, GAME_WIDTH, 3] of the picture `atari` of a board with so many planes. */
void rlc__game_paint(const uint8_t *screen, int planes, uint8_t *rgb);

#endif
