/* mountain_car_step.h: the dynamics of MountainCar (Moore, 1990) as Gymnasium's MountainCar-v0 has them, for the CPU and
 * the GPU alike. State and observation: position and velocity.
 */
#ifndef RLC_MOUNTAIN_CAR_STEP_H
#define RLC_MOUNTAIN_CAR_STEP_H

#include "core/env_call.h"

enum { MOUNTAIN_CAR_STATE = 2, MOUNTAIN_CAR_OBSERVATION = 2, MOUNTAIN_CAR_ACTIONS = 3 };

#define MOUNTAIN_CAR_MIN_POSITION -1.2f
#define MOUNTAIN_CAR_MAX_POSITION 0.6f
#define MOUNTAIN_CAR_MAX_SPEED 0.07f
#define MOUNTAIN_CAR_GOAL 0.5f

/* Accelerates to the left (0), not at all (1) or to the right (2). Returns whether the car is at the goal. */
RLC_INLINE int mountain_car_step(float *state, int action, float *reward) {
    const float force = 0.001f, gravity = 0.0025f;
    float x = state[0], v = state[1];
    v = v + ((float)(action - 1) * force + rlc_cosf(3.0f * x) * -gravity);
    v = rlc_clampf(v, -MOUNTAIN_CAR_MAX_SPEED, MOUNTAIN_CAR_MAX_SPEED);
    x = x + v;
    int wall = (x <= MOUNTAIN_CAR_MIN_POSITION) & (v < 0.0f); /* on the left, where the car stops */
    x = rlc_clampf(x, MOUNTAIN_CAR_MIN_POSITION, MOUNTAIN_CAR_MAX_POSITION);
    v = rlc_selectf(wall, 0.0f, v);
    state[0] = x;
    state[1] = v;
    *reward = -1.0f;
    return (x >= MOUNTAIN_CAR_GOAL) & (v >= 0.0f);
}

RLC_INLINE void mountain_car_reset(float *state, const rlc_draw *draw) {
    rlc_block block = rlc_draw_block(draw, 0);
    state[0] = rlc_between(block.word[0], -0.6f, -0.4f);
    state[1] = 0.0f;
}

RLC_INLINE void mountain_car_observe(const float *state, float *observation) {
    observation[0] = state[0];
    observation[1] = state[1];
}

#endif
