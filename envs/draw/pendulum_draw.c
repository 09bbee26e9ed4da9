/* pendulum_draw.c: a rod with round ends, turned by its angle, and an arrow as large as the torque; 500 x 500. */
#include <math.h>

#include "envs/pendulum_step.h"
#include "envs/draw/scenes.h"

enum { SIZE = 500, MIDDLE = SIZE / 2 };
static const double scale = SIZE / 4.4; /* pixels a metre */

/* Gymnasium's picture of an arrow, clockwise from the top round to the left, 329 x 312 pixels. */
static void arrow_path(cairo_t *cr) {
    cairo_arc(cr, 173.3, 156, 151, -1.59, M_PI);
    cairo_set_line_width(cr, 9.8);
    cairo_stroke(cr);
    cairo_move_to(cr, 22, 109);
    cairo_line_to(cr, 45, 170);
    cairo_line_to(cr, 22, 153);
    cairo_line_to(cr, 0, 170);
    cairo_fill(cr);
}

/* The picture is scaled to a square that is 1 m wide at the full torque, and mirrored for one to the left. */
static void draw_arrow(cairo_t *cr, double torque) {
    const double size = trunc(scale * fabs(torque) / 2), left = MIDDLE - trunc(size / 2);
    if (!(size >= 1)) { /* nor a NaN: Cairo would never draw again */
        return;
    }
    cairo_save(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_translate(cr, torque > 0 ? left + size : left, left + size);
    cairo_scale(cr, (torque > 0 ? -size : size) / 329, -size / 312);
    arrow_path(cr);
    cairo_restore(cr);
}

void draw_pendulum(cairo_t *cr, const float *state) {
    const double angle = (double)state[0] + M_PI / 2, width = 0.2 * scale;
    const color red = {204, 77, 77};
    const point middle = {MIDDLE, MIDDLE}, end = turned(scale, 0, angle, middle);
    turned_box(cr, (box){0, scale, width / 2, -width / 2}, angle, middle, red);
    disc(cr, MIDDLE, MIDDLE, width / 2, red);
    disc(cr, end.x, end.y, width / 2, red);
    draw_arrow(cr, (double)state[PENDULUM_TORQUE]);
    disc(cr, MIDDLE, MIDDLE, 0.05 * scale, BLACK);
}
