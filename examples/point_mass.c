/* point_mass.c: an environment of one's own: bring a mass to rest at the origin by pushing it left or right (the double
 * integrator of every control textbook).
 *
 *     cc -shared -fPIC point_mass.c $(pkg-config --cflags rlc) -o point_mass.so
 *
 * examples/point_mass.yaml trains in it. An environment is three functions on one row of the batch, and numbers about
 * it; ENV_DISCRETE makes the loop over all rows of them. rlc_check_env (envs/check.h) tells whether it keeps its
 * promises. A fourth function draws a state, for those who look on: rlrun play runs/point_mass/seed-1 --term.
 */
#include <kernels/cpu/env_loop.h>
#include <rlc.h>

enum { POINT_MASS_STATE = 2, POINT_MASS_OBSERVATION = 2, POINT_MASS_ACTIONS = 3 };
enum { HEIGHT = 40, WIDTH = 240, MIDDLE = WIDTH / 2, MASS = 8 }; /* of a picture, in pixels; half the mass's width */

static const float edge = 3.0f; /* of the track, in m */

/* State: position in m and velocity in m/s. Action 0 pushes to the left, 1 not at all, 2 to the right, for 0.1 s.
 * Returns whether the mass has left the track. */
RLC_INLINE int point_mass_step(float *state, int action, float *reward) {
    const float push = 1.0f, tau = 0.1f;
    float position = state[0], velocity = state[1];
    velocity += tau * push * (float)(action - 1);
    position += tau * velocity;
    state[0] = position;
    state[1] = velocity;
    *reward = 1.0f - position * position - 0.1f * velocity * velocity;
    return (position < -edge) | (position > edge);
}

/* Somewhere within 1 m of the origin, at no more than 0.5 m/s. A draw gives four random words a block. */
RLC_INLINE void point_mass_reset(float *state, const rlc_draw *draw) {
    rlc_block block = rlc_draw_block(draw, 0);
    state[0] = rlc_between(block.word[0], -1.0f, 1.0f);
    state[1] = rlc_between(block.word[1], -0.5f, 0.5f);
}

RLC_INLINE void point_mass_observe(const float *state, float *observation) {
    observation[0] = state[0];
    observation[1] = state[1];
}

ENV_DISCRETE(point_mass, POINT_MASS)

static void fill(uint8_t *rgb, int left, int top, int width, int height, uint8_t grey) {
    for (int y = top; y < top + height; y++) {
        for (int x = left < 0 ? 0 : left; x < left + width && x < WIDTH; x++) {
            memset(rgb + 3 * (y * WIDTH + x), grey, 3);
        }
    }
}

/* The track, a mark at the origin, the mass. */
static void point_mass_render(const float *state, uint8_t *rgb) {
    const int x = MIDDLE + (int)(state[0] / edge * MIDDLE);
    fill(rgb, 0, 0, WIDTH, HEIGHT, 255);
    fill(rgb, 0, HEIGHT / 2 + MASS, WIDTH, 1, 0);
    fill(rgb, MIDDLE, HEIGHT / 2 + MASS, 1, 6, 0);
    fill(rgb, x - MASS, HEIGHT / 2 - MASS, 2 * MASS, 2 * MASS, 90);
}

typedef rlc_env PointMass;

static const rlc_env_class point_mass = {
    .base = RLC_CLASS("env", PointMass, .doc = "bring a mass to rest at the origin"),
    .state_size = POINT_MASS_STATE,
    .observation_size = POINT_MASS_OBSERVATION,
    .num_actions = POINT_MASS_ACTIONS,
    .max_steps = 100,
    .threshold = 85,
    .kernel = point_mass_loop,
    .frame_height = HEIGHT,
    .frame_width = WIDTH,
    .frames_per_second = 20,
    .render = point_mass_render,
    .host_fallback = true, /* on a GPU it would have no kernel at all */
};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &point_mass.base);
}
