/* pong_step.h: a game after Atari's Pong (1972) on a board of 10 by 10 cells, rules of our own, for the CPU and the GPU alike.
 *
 * Paddles of three cells stand in the outermost columns, the player's at the right: it stays (0), moves up (1) or moves
 * down (2), a cell a step. The ball moves a column a step; walls above and below reflect it, and a paddle sends it back
 * straight from its middle, up from its upper and down from its lower end. The opponent goes after the ball, but rests
 * while that is in every third column, so that balls from an end get past it. Who misses the ball gives the other a
 * point, a reward of 1 or -1, and there is a new ball in the middle; five points end the episode.
 *
 * A step draws no random numbers: where balls are served is a sequence, x' = (75 x + 74) mod 65537, whose beginning is drawn
 * by the reset. The trail is where the ball was, so that a picture tells where it goes.
 */
#ifndef RLC_PONG_STEP_H
#define RLC_PONG_STEP_H

#include "envs/board.h"

enum {
    PONG_BALL_X,
    PONG_BALL_Y,
    PONG_LAST_X,
    PONG_LAST_Y,
    PONG_DX,     /* -1 or 1 */
    PONG_DY,     /* -1, 0 or 1 */
    PONG_PLAYER, /* the rows of the paddles' middles */
    PONG_OPPONENT,
    PONG_PLAYER_POINTS,
    PONG_OPPONENT_POINTS,
    PONG_SERVES,
    PONG_STATE
};
enum { PONG_ACTIONS = 3, PONG_POINTS = 5 };
enum { PONG_PLANE_PLAYER, PONG_PLANE_BALL, PONG_PLANE_TRAIL, PONG_PLANE_OPPONENT, PONG_PLANES };

RLC_INLINE int pong_move(float row, int by) {
    return board_clip((int)row + by, 1, BOARD_SIDE - 2);
}

RLC_INLINE void pong_serve(float *state) {
    const int next = ((int)state[PONG_SERVES] * 75 + 74) % 65537;
    state[PONG_SERVES] = (float)next;
    state[PONG_BALL_X] = state[PONG_LAST_X] = (float)(4 + (next & 1));
    state[PONG_BALL_Y] = state[PONG_LAST_Y] = (float)(4 + (next >> 1 & 1));
    state[PONG_DX] = next & 4 ? 1.0f : -1.0f;
    state[PONG_DY] = next & 8 ? 1.0f : -1.0f;
    state[PONG_PLAYER] = state[PONG_OPPONENT] = 4;
}

RLC_INLINE int pong_step(float *state, int action, float *reward) {
    const int x = (int)state[PONG_BALL_X], y = (int)state[PONG_BALL_Y], next_x = x + (int)state[PONG_DX];
    int next_y = y + (int)state[PONG_DY];
    state[PONG_PLAYER] = (float)pong_move(state[PONG_PLAYER], action == 0 ? 0 : 2 * action - 3);
    if (x % 3 != 0) {
        const int opponent = (int)state[PONG_OPPONENT];
        state[PONG_OPPONENT] = (float)pong_move(state[PONG_OPPONENT], (y > opponent) - (y < opponent));
    }
    state[PONG_LAST_X] = (float)x;
    state[PONG_LAST_Y] = (float)y;
    *reward = 0;
    if (next_y < 0 || next_y >= BOARD_SIDE) {
        state[PONG_DY] = -state[PONG_DY];
        next_y = y + (int)state[PONG_DY];
    }
    state[PONG_BALL_Y] = (float)next_y;
    if (next_x > 0 && next_x < BOARD_SIDE - 1) {
        state[PONG_BALL_X] = (float)next_x;
        return 0;
    }
    const int mine = next_x > 0, off = next_y - (int)state[mine ? PONG_PLAYER : PONG_OPPONENT];
    if (off >= -1 && off <= 1) {
        state[PONG_DX] = -state[PONG_DX];
        state[PONG_DY] = (float)off;
        return 0;
    }
    *reward = mine ? -1.0f : 1.0f;
    state[mine ? PONG_OPPONENT_POINTS : PONG_PLAYER_POINTS] += 1;
    pong_serve(state);
    return state[PONG_PLAYER_POINTS] == PONG_POINTS || state[PONG_OPPONENT_POINTS] == PONG_POINTS;
}

RLC_INLINE void pong_reset(float *state, const rlc_draw *draw) {
    state[PONG_SERVES] = (float)(rlc_draw_block(draw, 0).word[0] >> 16);
    state[PONG_PLAYER_POINTS] = state[PONG_OPPONENT_POINTS] = 0;
    pong_serve(state);
}

RLC_INLINE void pong_draw(const float *state, const rlc_board *board) {
    board_clear(board);
    board_put(board, (int)state[PONG_LAST_X], (int)state[PONG_LAST_Y], PONG_PLANE_TRAIL);
    for (int part = -1; part <= 1; part++) {
        board_put(board, BOARD_SIDE - 1, (int)state[PONG_PLAYER] + part, PONG_PLANE_PLAYER);
        board_put(board, 0, (int)state[PONG_OPPONENT] + part, PONG_PLANE_OPPONENT);
    }
    board_put(board, (int)state[PONG_BALL_X], (int)state[PONG_BALL_Y], PONG_PLANE_BALL);
}

#endif
