/* mountain_car_draw.c: a car on wheels in its valley, and a flag at the goal; 600 x 400. Both MountainCars look alike but
 * for where the flag stands. */
#include <math.h>

#include "core/base.h"
#include "envs/draw/scenes.h"

enum { WIDTH = 600, HILL_POINTS = 100 };
/* In double, as Gymnasium has them: a float more or less decides about a pixel. */
static const double left = -1.2, right = 0.6, goal = 0.5, goal_of_continuous = 0.45;

/* Of the ground at a position, in pixels. */
static point ground(double position) {
    const double scale = WIDTH / (right - left);
    return (point){(position - left) * scale, (sin(3 * position) * 0.45 + 0.55) * scale};
}

void draw_hill(cairo_t *cr) {
    point last = ground(left);
    for (int i = 1; i < HILL_POINTS; i++) {
        const point next = ground(left + (right - left) * i / (HILL_POINTS - 1));
        thin_line(cr, last, next);
        last = next;
    }
}

static void draw_car(cairo_t *cr, double position) {
    const double width = 40, height = 20, clearance = 10, slope = cos(3 * position);
    const point at = ground(position), bottom = {at.x, at.y + clearance};
    const color grey = {128, 128, 128};
    turned_box(cr, (box){-width / 2, width / 2, height, 0}, slope, bottom, BLACK);
    for (int side = 1; side >= -1; side -= 2) {
        const point wheel = turned(side * width / 4, 0, slope, bottom);
        disc(cr, wheel.x, wheel.y, height / 2.5, grey);
    }
}

static void draw_flag(cairo_t *cr, double position) {
    const point foot = ground(position);
    const int x = (int)foot.x, y = (int)foot.y, top = y + 50;
    const point cloth[] = {{x, top}, {x, top - 10}, {x + 25, top - 5}};
    bar(cr, x, y, 1, top - y + 1, BLACK);
    polygon(cr, cloth, RLC_COUNT(cloth), (color){204, 204, 0});
}

void draw_mountain_car(cairo_t *cr, const float *state) {
    draw_car(cr, (double)state[0]);
    draw_flag(cr, goal);
}

void draw_mountain_car_continuous(cairo_t *cr, const float *state) {
    draw_car(cr, (double)state[0]);
    draw_flag(cr, goal_of_continuous);
}
