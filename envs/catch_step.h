/* catch_step.h: the rules of Catch, as in bsuite (Osband et al., 2020, arXiv:1908.03568; before that Mnih et al., 2014), on
 * a board of ten columns in place of five, for the CPU and the GPU alike.
 *
 * A ball falls from a random column of the top row, a row a step. The paddle in the bottom row moves left (0), stays (1) or
 * moves right (2). When the ball is down the episode ends: with a reward of 1 where the paddle is, else of -1.
 */
#ifndef RLC_CATCH_STEP_H
#define RLC_CATCH_STEP_H

#include "envs/board.h"

enum { CATCH_BALL_X, CATCH_BALL_Y, CATCH_PADDLE, CATCH_STATE };
enum { CATCH_ACTIONS = 3 };
enum { CATCH_PLANE_PADDLE, CATCH_PLANE_BALL, CATCH_PLANES };

RLC_INLINE int catch_step(float *state, int action, float *reward) {
    const int paddle = board_clip((int)state[CATCH_PADDLE] + action - 1, 0, BOARD_SIDE - 1);
    const int down = (int)state[CATCH_BALL_Y] + 1 >= BOARD_SIDE - 1;
    state[CATCH_PADDLE] = (float)paddle;
    state[CATCH_BALL_Y] += 1;
    *reward = !down ? 0.0f : paddle == (int)state[CATCH_BALL_X] ? 1.0f : -1.0f;
    return down;
}

RLC_INLINE void catch_reset(float *state, const rlc_draw *draw) {
    state[CATCH_BALL_X] = (float)rlc_below(rlc_draw_block(draw, 0).word[0], BOARD_SIDE);
    state[CATCH_BALL_Y] = 0;
    state[CATCH_PADDLE] = BOARD_SIDE / 2;
}

RLC_INLINE void catch_draw(const float *state, const rlc_board *board) {
    board_clear(board);
    board_put(board, (int)state[CATCH_PADDLE], BOARD_SIDE - 1, CATCH_PLANE_PADDLE);
    board_put(board, (int)state[CATCH_BALL_X], (int)state[CATCH_BALL_Y], CATCH_PLANE_BALL);
}

#endif
