/* board.h: the picture of a game on a board of 10 by 10 cells, as a network sees it.
 *
 * uint8 [H, W, C], channels last as cameras and renderers have them, 0 or 255 where MinAtar has 0 or 1:
 *
 * - minatar: [10, 10, planes], a plane for each kind of thing, as in MinAtar (Young and Tian, 2019, arXiv:1903.03176);
 * - atari:   [84, 84, 1], the size to which Mnih et al. (2015) shrink Atari's screen: each cell 8 pixels wide behind an
 *            edge of 2, and a shade of grey for each kind of thing.
 *
 * A board may be drawn in parts, bands of whole rows of cells: a GPU gives each band to a thread.
 *
 *     board_clear(board);
 *     board_put(board, x, y, PLANE_BALL);
 */
#ifndef RLC_BOARD_H
#define RLC_BOARD_H

#include "core/env_call.h"

enum { BOARD_SIDE = 10, BOARD_CELL = 8, BOARD_EDGE = 2, BOARD_WIDTH = BOARD_SIDE * BOARD_CELL + 2 * BOARD_EDGE };

typedef struct rlc_board {
    uint8_t *pixels;
    int picture, planes;
    int first, last; /* the rows of cells to be drawn: first .. last - 1 */
} rlc_board;

/* The bytes of one picture. */
RLC_INLINE int64_t board_bytes(int picture, int planes) {
    return picture == RLC_PICTURE_ATARI ? BOARD_WIDTH * BOARD_WIDTH : BOARD_SIDE * BOARD_SIDE * planes;
}

/* Where row y of cells begins; the edges belong to the outermost rows. */
RLC_INLINE int64_t board_row(const rlc_board *b, int y) {
    if (b->picture == RLC_PICTURE_MINATAR) {
        return (int64_t)y * BOARD_SIDE * b->planes;
    }
    return y == 0 ? 0 : y == BOARD_SIDE ? BOARD_WIDTH * BOARD_WIDTH : (BOARD_EDGE + y * BOARD_CELL) * BOARD_WIDTH;
}

RLC_INLINE void board_clear(const rlc_board *b) {
    for (int64_t i = board_row(b, b->first); i < board_row(b, b->last); i++) {
        b->pixels[i] = 0;
    }
}

/* Shades of grey, and what has one: -1 for an empty cell. */
RLC_INLINE uint8_t board_shade(int plane) {
    return (uint8_t)(255 - 48 * plane);
}

RLC_INLINE int board_plane(uint8_t shade) {
    return shade == 0 ? -1 : (255 - shade) / 48;
}

/* What is put later covers what was there. */
RLC_INLINE void board_put(const rlc_board *b, int x, int y, int plane) {
    if (y < b->first || y >= b->last) {
        return;
    }
    if (b->picture == RLC_PICTURE_MINATAR) {
        b->pixels[(y * BOARD_SIDE + x) * b->planes + plane] = 255;
        return;
    }
    const uint8_t shade = board_shade(plane);
    for (int row = 0; row < BOARD_CELL; row++) {
        for (int column = 0; column < BOARD_CELL; column++) {
            b->pixels[(BOARD_EDGE + y * BOARD_CELL + row) * BOARD_WIDTH + BOARD_EDGE + x * BOARD_CELL + column] = shade;
        }
    }
}

/* A cell's number kept on the board. */
RLC_INLINE int board_clip(int x, int low, int high) {
    return x < low ? low : x > high ? high : x;
}

#endif
