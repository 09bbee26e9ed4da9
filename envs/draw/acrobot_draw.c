/* acrobot_draw.c: two links that hang from the middle, and the line that the free end is to reach; 500 x 500. */
#include <math.h>

#include "envs/acrobot_step.h"
#include "envs/draw/scenes.h"

enum { SIZE = 500 };
static const double scale = SIZE / 4.4, middle = SIZE / 2.0; /* pixels a metre; links are 1 m */

void draw_acrobot_height(cairo_t *cr) {
    bar(cr, 0, (int)(middle + scale), SIZE, 1, BLACK);
}

static void draw_link(cairo_t *cr, point joint, double angle) {
    turned_box(cr, (box){0, scale, 0.1 * scale, -0.1 * scale}, angle, joint, (color){0, 204, 204});
    disc(cr, joint.x, joint.y, 0.1 * scale, (color){204, 204, 0});
}

void draw_acrobot(cairo_t *cr, const float *state) {
    const double first = (double)state[0] - M_PI / 2, second = first + (double)state[1];
    const point top = {middle, middle}, joint = turned(scale, 0, first, top);
    draw_link(cr, top, first);
    draw_link(cr, joint, second);
}
