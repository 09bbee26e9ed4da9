/* cartpole_draw.c: a cart on its track, the pole on it turned by its angle; 600 x 400. */
#include "core/math.h"
#include "envs/cartpole_step.h"
#include "envs/draw/scenes.h"

enum { WIDTH = 600, TRACK = 100 };

void draw_track(cairo_t *cr) {
    bar(cr, 0, TRACK, WIDTH, 1, BLACK);
}

void draw_cartpole(cairo_t *cr, const float *state) {
    const double scale = WIDTH / (2.0 * (double)CARTPOLE_MAX_POSITION), pole = 1.0 * scale;
    const double cart_width = 50, cart_height = 30, pole_width = 10;
    const color wood = {202, 152, 101}, metal = {129, 132, 203};
    const point cart = {(double)state[0] * scale + WIDTH / 2.0, TRACK}, axle = {cart.x, TRACK + cart_height / 4};
    const box body = {-cart_width / 2, cart_width / 2, cart_height / 2, -cart_height / 2};
    const box rod = {-pole_width / 2, pole_width / 2, pole - pole_width / 2, -pole_width / 2};
    turned_box(cr, body, 0, cart, BLACK);
    turned_box(cr, rod, -(double)state[2], axle, wood);
    disc(cr, axle.x, axle.y, pole_width / 2, metal);
    draw_track(cr);
}
