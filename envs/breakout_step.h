/* breakout_step.h: the rules of MinAtar's Breakout (Young and Tian, 2019, arXiv:1903.03176; version 1.0.15) without its
 * sticky actions, for the CPU and the GPU alike.
 *
 * The ball moves along diagonals, the paddle in the bottom row stays (0), moves left (1) or moves right (2). A brick that is
 * hit is gone, for a reward of 1, and sends the ball back; it strikes no second one before it has been clear of bricks for
 * a step. Three new rows of bricks come when all are gone and the ball is at the bottom. The episode ends when the
 * paddle misses it. The trail is where the ball was, so that a picture tells where it goes.
 */
#ifndef RLC_BREAKOUT_STEP_H
#define RLC_BREAKOUT_STEP_H

#include "envs/board.h"

enum {
    BREAKOUT_BALL_X,
    BREAKOUT_BALL_Y,
    BREAKOUT_LAST_X,
    BREAKOUT_LAST_Y,
    BREAKOUT_DX, /* -1 or 1 */
    BREAKOUT_DY,
    BREAKOUT_PADDLE,
    BREAKOUT_STRIKE, /* whether the ball has struck a brick and is not clear of them yet */
    BREAKOUT_BRICKS, /* of each row, from the top: bit x is that of column x */
    BREAKOUT_ROWS = 3,
    BREAKOUT_STATE = BREAKOUT_BRICKS + BREAKOUT_ROWS
};
enum { BREAKOUT_TOP = 1, BREAKOUT_FULL = (1 << BOARD_SIDE) - 1 };
enum { BREAKOUT_ACTIONS = 3 };
enum { BREAKOUT_PLANE_PADDLE, BREAKOUT_PLANE_BALL, BREAKOUT_PLANE_TRAIL, BREAKOUT_PLANE_BRICK, BREAKOUT_PLANES };

RLC_INLINE int breakout_is_brick(const float *state, int x, int y) {
    const int row = y - BREAKOUT_TOP;
    return row >= 0 && row < BREAKOUT_ROWS && ((int)state[BREAKOUT_BRICKS + row] >> x & 1);
}

RLC_INLINE void breakout_lay_bricks(float *state) {
    for (int row = 0; row < BREAKOUT_ROWS; row++) {
        state[BREAKOUT_BRICKS + row] = BREAKOUT_FULL;
    }
}

/* The ball comes from column x to the bottom row at *next_x. Returns whether the paddle misses it. */
RLC_INLINE int breakout_at_bottom(float *state, int x, int next_x, int *next_y) {
    const int paddle = (int)state[BREAKOUT_PADDLE];
    float bricks = 0;
    for (int row = 0; row < BREAKOUT_ROWS; row++) {
        bricks += state[BREAKOUT_BRICKS + row];
    }
    if (bricks == 0) {
        breakout_lay_bricks(state);
    }
    if (x != paddle && next_x != paddle) {
        return 1;
    }
    if (x != paddle) { /* its edge sends the ball back where it came from */
        state[BREAKOUT_DX] = -state[BREAKOUT_DX];
    }
    state[BREAKOUT_DY] = -state[BREAKOUT_DY];
    *next_y = (int)state[BREAKOUT_LAST_Y];
    return 0;
}

RLC_INLINE int breakout_step(float *state, int action, float *reward) {
    const int x = (int)state[BREAKOUT_BALL_X], y = (int)state[BREAKOUT_BALL_Y];
    int next_x = x + (int)state[BREAKOUT_DX], next_y = y + (int)state[BREAKOUT_DY], missed = 0, among_bricks = 0;
    const int move = action == 0 ? 0 : 2 * action - 3;
    state[BREAKOUT_PADDLE] = (float)board_clip((int)state[BREAKOUT_PADDLE] + move, 0, BOARD_SIDE - 1);
    state[BREAKOUT_LAST_X] = (float)x;
    state[BREAKOUT_LAST_Y] = (float)y;
    *reward = 0;
    if (next_x < 0 || next_x >= BOARD_SIDE) {
        next_x = x;
        state[BREAKOUT_DX] = -state[BREAKOUT_DX];
    }
    if (next_y < 0) {
        next_y = 0;
        state[BREAKOUT_DY] = -state[BREAKOUT_DY];
    } else if (breakout_is_brick(state, next_x, next_y)) {
        among_bricks = 1;
        if (state[BREAKOUT_STRIKE] == 0) {
            *reward = 1;
            state[BREAKOUT_BRICKS + next_y - BREAKOUT_TOP] -= (float)(1 << next_x);
            state[BREAKOUT_DY] = -state[BREAKOUT_DY];
            next_y = y;
        }
    } else if (next_y == BOARD_SIDE - 1) {
        missed = breakout_at_bottom(state, x, next_x, &next_y);
    }
    state[BREAKOUT_STRIKE] = (float)among_bricks;
    state[BREAKOUT_BALL_X] = (float)next_x;
    state[BREAKOUT_BALL_Y] = (float)next_y;
    return missed;
}

/* The ball starts at the left or at the right, on its way to the middle. */
RLC_INLINE void breakout_reset(float *state, const rlc_draw *draw) {
    const int right = (int)(rlc_draw_block(draw, 0).word[0] >> 31);
    state[BREAKOUT_BALL_X] = state[BREAKOUT_LAST_X] = right ? (float)(BOARD_SIDE - 1) : 0.0f;
    state[BREAKOUT_BALL_Y] = state[BREAKOUT_LAST_Y] = BREAKOUT_TOP + 2;
    state[BREAKOUT_DX] = right ? -1.0f : 1.0f;
    state[BREAKOUT_DY] = 1;
    state[BREAKOUT_PADDLE] = 4;
    state[BREAKOUT_STRIKE] = 0;
    breakout_lay_bricks(state);
}

RLC_INLINE void breakout_draw(const float *state, const rlc_board *board) {
    board_clear(board);
    for (int row = 0; row < BREAKOUT_ROWS; row++) {
        for (int x = 0; x < BOARD_SIDE; x++) {
            if (breakout_is_brick(state, x, BREAKOUT_TOP + row)) {
                board_put(board, x, BREAKOUT_TOP + row, BREAKOUT_PLANE_BRICK);
            }
        }
    }
    board_put(board, (int)state[BREAKOUT_LAST_X], (int)state[BREAKOUT_LAST_Y], BREAKOUT_PLANE_TRAIL);
    board_put(board, (int)state[BREAKOUT_PADDLE], BOARD_SIDE - 1, BREAKOUT_PLANE_PADDLE);
    board_put(board, (int)state[BREAKOUT_BALL_X], (int)state[BREAKOUT_BALL_Y], BREAKOUT_PLANE_BALL);
}

#endif
