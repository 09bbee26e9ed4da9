/* mountain_car_continuous_step.h: the dynamics of Gymnasium's MountainCarContinuous-v0, for the CPU and the GPU alike.
 * State and observation: position and velocity. Action: how hard the engine pulls, to the right if positive. The engine,
 * the goal and the reward are not those of mountain_car_step.h.
 */
#ifndef RLC_MOUNTAIN_CAR_CONTINUOUS_STEP_H
#define RLC_MOUNTAIN_CAR_CONTINUOUS_STEP_H

#include "core/env_call.h"

enum {
    MOUNTAIN_CAR_CONTINUOUS_STATE = 2,
    MOUNTAIN_CAR_CONTINUOUS_OBSERVATION = 2,
    MOUNTAIN_CAR_CONTINUOUS_ACTIONS = 1
};

#define MOUNTAIN_CAR_CONTINUOUS_MIN_POSITION -1.2f
#define MOUNTAIN_CAR_CONTINUOUS_MAX_POSITION 0.6f
#define MOUNTAIN_CAR_CONTINUOUS_MAX_SPEED 0.07f
#define MOUNTAIN_CAR_CONTINUOUS_GOAL 0.45f

/* Returns whether the car is at the goal. The engine gets the clipped action, but the reward counts what was asked for:
 * Gymnasium's does. */
RLC_INLINE int mountain_car_continuous_step(float *state, const float *action, float *reward) {
    const float power = 0.0015f, gravity = 0.0025f;
    float x = state[0], v = state[1];
    v = v + (rlc_clampf(action[0], -1.0f, 1.0f) * power - gravity * rlc_cosf(3.0f * x));
    v = rlc_clampf(v, -MOUNTAIN_CAR_CONTINUOUS_MAX_SPEED, MOUNTAIN_CAR_CONTINUOUS_MAX_SPEED);
    x = x + v;
    int wall = (x <= MOUNTAIN_CAR_CONTINUOUS_MIN_POSITION) & (v < 0.0f); /* on the left, where the car stops */
    x = rlc_clampf(x, MOUNTAIN_CAR_CONTINUOUS_MIN_POSITION, MOUNTAIN_CAR_CONTINUOUS_MAX_POSITION);
    v = rlc_selectf(wall, 0.0f, v);
    int there = (x >= MOUNTAIN_CAR_CONTINUOUS_GOAL) & (v >= 0.0f);
    state[0] = x;
    state[1] = v;
    *reward = rlc_selectf(there, 100.0f, 0.0f) - action[0] * action[0] * 0.1f;
    return there;
}

RLC_INLINE void mountain_car_continuous_reset(float *state, const rlc_draw *draw) {
    rlc_block block = rlc_draw_block(draw, 0);
    state[0] = rlc_between(block.word[0], -0.6f, -0.4f);
    state[1] = 0.0f;
}

RLC_INLINE void mountain_car_continuous_observe(const float *state, float *observation) {
    observation[0] = state[0];
    observation[1] = state[1];
}

#endif
