/* pendulum_step.h: the dynamics of Gymnasium's Pendulum-v1, for the CPU and the GPU alike. State: angle from upright and
 * angular velocity, in radians and seconds, and the torque of the last step, which pictures show. Observation: cosine and
 * sine of the angle, angular velocity. Action: the torque in N m.
 */
#ifndef RLC_PENDULUM_STEP_H
#define RLC_PENDULUM_STEP_H

#include "core/env_call.h"

enum { PENDULUM_STATE = 3, PENDULUM_TORQUE = 2, PENDULUM_OBSERVATION = 3, PENDULUM_ACTIONS = 1 };

#define PENDULUM_MAX_TORQUE 2.0f
#define PENDULUM_MAX_SPEED 8.0f

/* Turns the joint for 0.05 s, semi-implicit Euler. The cost is that of the state before; no state is an end. Gymnasium
 * lets the angle grow; here it is brought back to one turn before each step, which no observation shows, so that it stays
 * exact however long an episode is. */
RLC_INLINE int pendulum_step(float *state, const float *action, float *reward) {
    const float gravity = 10.0f, mass = 1.0f, length = 1.0f, tau = 0.05f;
    float angle = rlc_wrap_anglef(state[0]), spin = state[1];
    float torque = rlc_clampf(action[0], -PENDULUM_MAX_TORQUE, PENDULUM_MAX_TORQUE);
    *reward = -(angle * angle + 0.1f * (spin * spin) + 0.001f * (torque * torque));
    float turn = 3.0f * gravity / (2.0f * length) * rlc_sinf(angle) + 3.0f / (mass * length * length) * torque;
    spin = rlc_clampf(spin + turn * tau, -PENDULUM_MAX_SPEED, PENDULUM_MAX_SPEED);
    state[0] = angle + spin * tau;
    state[1] = spin;
    state[PENDULUM_TORQUE] = torque;
    return 0;
}

RLC_INLINE void pendulum_reset(float *state, const rlc_draw *draw) {
    const float pi = 3.14159265358979f;
    rlc_block block = rlc_draw_block(draw, 0);
    state[0] = rlc_between(block.word[0], -pi, pi);
    state[1] = rlc_between(block.word[1], -1.0f, 1.0f);
    state[PENDULUM_TORQUE] = 0.0f;
}

RLC_INLINE void pendulum_observe(const float *state, float *observation) {
    observation[0] = rlc_cosf(state[0]);
    observation[1] = rlc_sinf(state[0]);
    observation[2] = state[1];
}

#endif
