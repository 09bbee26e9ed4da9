/* cartpole_step.h: the dynamics of CartPole (Barto, Sutton and Anderson, 1983) as Gymnasium's CartPole-v1 has them, for the
 * CPU and the GPU alike. State and observation: cart position, cart velocity, pole angle, pole angular velocity, in SI
 * units and radians.
 */
#ifndef RLC_CARTPOLE_STEP_H
#define RLC_CARTPOLE_STEP_H

#include "core/env_call.h"

enum { CARTPOLE_STATE = 4, CARTPOLE_OBSERVATION = 4, CARTPOLE_ACTIONS = 2 };

#define CARTPOLE_MAX_POSITION 2.4f
#define CARTPOLE_MAX_ANGLE 0.20943951023931953f /* 12 degrees */

/* Pushes to the left (0) or right (1) for 0.02 s, Euler's method. Returns whether the pole fell or the cart left. */
RLC_INLINE int cartpole_step(float *state, int action, float *reward) {
    const float gravity = 9.8f, total_mass = 1.1f, pole_mass = 0.1f, half_length = 0.5f, tau = 0.02f;
    const float mass_length = pole_mass * half_length;
    float x = state[0], v = state[1], angle = state[2], spin = state[3];
    float force = action == 1 ? 10.0f : -10.0f;
    float sine = rlc_sinf(angle), cosine = rlc_cosf(angle);
    float push = (force + mass_length * spin * spin * sine) / total_mass;
    float turn =
        (gravity * sine - cosine * push) / (half_length * (4.0f / 3.0f - pole_mass * cosine * cosine / total_mass));
    float pull = push - mass_length * turn * cosine / total_mass;
    x += tau * v;
    v += tau * pull;
    angle += tau * spin;
    spin += tau * turn;
    state[0] = x;
    state[1] = v;
    state[2] = angle;
    state[3] = spin;
    *reward = 1.0f;
    return (x < -CARTPOLE_MAX_POSITION) | (x > CARTPOLE_MAX_POSITION) | (angle < -CARTPOLE_MAX_ANGLE) |
           (angle > CARTPOLE_MAX_ANGLE);
}

RLC_INLINE void cartpole_reset(float *state, const rlc_draw *draw) {
    rlc_block block = rlc_draw_block(draw, 0);
    for (int k = 0; k < CARTPOLE_STATE; k++) {
        state[k] = rlc_between(block.word[k], -0.05f, 0.05f);
    }
}

RLC_INLINE void cartpole_observe(const float *state, float *observation) {
    for (int k = 0; k < CARTPOLE_OBSERVATION; k++) {
        observation[k] = state[k];
    }
}

#endif
