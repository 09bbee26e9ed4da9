/* acrobot_step.h: the dynamics of the Acrobot (Sutton, 1996, with the equations of Sutton and Barto's book) as Gymnasium's
 * Acrobot-v1 has them, for the CPU and the GPU alike. State: the first link's angle from hanging down, the second's
 * relative to the first, their angular velocities. Observation: cosine and sine of both angles, both velocities.
 */
#ifndef RLC_ACROBOT_STEP_H
#define RLC_ACROBOT_STEP_H

#include "core/env_call.h"

enum { ACROBOT_STATE = 4, ACROBOT_OBSERVATION = 6, ACROBOT_ACTIONS = 3 };

#define ACROBOT_MAX_SPEED_1 12.566370614359172f /* 4 pi */
#define ACROBOT_MAX_SPEED_2 28.274333882308138f /* 9 pi */

/* The derivative of the state at state + h slope. Links are 1 m and 1 kg with their centres of mass in the middle and
 * moments of inertia of 1, which makes the numbers here. */
RLC_INLINE void acrobot_slope(const float *state, const float *slope, float h, float torque, float *at) {
    const float gravity = 9.8f;
    float angle1 = state[0] + h * slope[0], angle2 = state[1] + h * slope[1];
    float spin1 = state[2] + h * slope[2], spin2 = state[3] + h * slope[3];
    float sine = rlc_sinf(angle2), cosine = rlc_cosf(angle2);
    float d1 = 3.5f + cosine, d2 = 1.25f + 0.5f * cosine;
    float phi2 = 0.5f * gravity * rlc_sinf(angle1 + angle2);
    float phi1 = -0.5f * spin2 * spin2 * sine - spin2 * spin1 * sine + 1.5f * gravity * rlc_sinf(angle1) + phi2;
    float turn2 = (torque + d2 / d1 * phi1 - 0.5f * spin1 * spin1 * sine - phi2) / (1.25f - d2 * d2 / d1);
    at[0] = spin1;
    at[1] = spin2;
    at[2] = -(d2 * turn2 + phi1) / d1;
    at[3] = turn2;
}

/* Turns the joint between the links by -1 (0), 0 (1) or 1 N m (2) for 0.2 s, in one step of Runge and Kutta's fourth order.
 * Returns whether the free end is a link's length above the fixed one. */
RLC_INLINE int acrobot_step(float *state, int action, float *reward) {
    const float tau = 0.2f, zero[ACROBOT_STATE] = {0}, torque = (float)(action - 1);
    float a[ACROBOT_STATE], b[ACROBOT_STATE], c[ACROBOT_STATE], d[ACROBOT_STATE];
    acrobot_slope(state, zero, 0.0f, torque, a);
    acrobot_slope(state, a, 0.5f * tau, torque, b);
    acrobot_slope(state, b, 0.5f * tau, torque, c);
    acrobot_slope(state, c, tau, torque, d);
    for (int k = 0; k < ACROBOT_STATE; k++) {
        state[k] = state[k] + tau / 6.0f * (a[k] + 2.0f * b[k] + 2.0f * c[k] + d[k]);
    }
    state[0] = rlc_wrap_anglef(state[0]);
    state[1] = rlc_wrap_anglef(state[1]);
    state[2] = rlc_clampf(state[2], -ACROBOT_MAX_SPEED_1, ACROBOT_MAX_SPEED_1);
    state[3] = rlc_clampf(state[3], -ACROBOT_MAX_SPEED_2, ACROBOT_MAX_SPEED_2);
    int there = -rlc_cosf(state[0]) - rlc_cosf(state[1] + state[0]) > 1.0f;
    *reward = there ? 0.0f : -1.0f;
    return there;
}

RLC_INLINE void acrobot_reset(float *state, const rlc_draw *draw) {
    rlc_block block = rlc_draw_block(draw, 0);
    for (int k = 0; k < ACROBOT_STATE; k++) {
        state[k] = rlc_between(block.word[k], -0.1f, 0.1f);
    }
}

RLC_INLINE void acrobot_observe(const float *state, float *observation) {
    observation[0] = rlc_cosf(state[0]);
    observation[1] = rlc_sinf(state[0]);
    observation[2] = rlc_cosf(state[1]);
    observation[3] = rlc_sinf(state[1]);
    observation[4] = state[2];
    observation[5] = state[3];
}

#endif
