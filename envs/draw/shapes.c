#include "core/base.h"
#include "envs/draw/shapes.h"

#include <math.h>

/* The pen, of which half goes beyond the corners that gfxdraw was given; what its circles have beyond their radius. */
#define PEN 1.0
#define RIM 0.6

static void set_color(cairo_t *cr, color c) {
    cairo_set_source_rgb(cr, c.red / 255.0, c.green / 255.0, c.blue / 255.0);
}

void polygon(cairo_t *cr, const point *corners, int count, color c) {
    cairo_new_path(cr);
    for (int i = 0; i < count; i++) {
        cairo_line_to(cr, trunc(corners[i].x) + 0.5, trunc(corners[i].y) + 0.5);
    }
    cairo_close_path(cr);
    set_color(cr, c);
    cairo_set_line_width(cr, PEN);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_MITER);
    cairo_fill_preserve(cr);
    cairo_stroke(cr);
}

void disc(cairo_t *cr, double x, double y, double radius, color c) {
    cairo_new_path(cr);
    cairo_arc(cr, trunc(x) + 0.5, trunc(y) + 0.5, trunc(radius) + RIM, 0, 2 * M_PI);
    set_color(cr, c);
    cairo_fill(cr);
}

void bar(cairo_t *cr, int x, int y, int width, int height, color c) {
    cairo_rectangle(cr, x, y, width, height);
    set_color(cr, c);
    cairo_fill(cr);
}

void thin_line(cairo_t *cr, point from, point to) {
    const double width = to.x - from.x, height = to.y - from.y;
    cairo_new_path(cr);
    if (fabs(width) >= fabs(height)) {
        for (double x = ceil(fmin(from.x, to.x)); x <= fmax(from.x, to.x); x++) {
            cairo_rectangle(cr, x, from.y + (x - from.x) * height / width, 1, 1);
        }
    } else {
        for (double y = ceil(fmin(from.y, to.y)); y <= fmax(from.y, to.y); y++) {
            cairo_rectangle(cr, from.x + (y - from.y) * width / height, y, 1, 1);
        }
    }
    set_color(cr, BLACK);
    cairo_fill(cr);
}

point turned(double x, double y, double angle, point origin) {
    const double sine = sin(angle), cosine = cos(angle);
    return (point){origin.x + x * cosine - y * sine, origin.y + x * sine + y * cosine};
}

void turned_box(cairo_t *cr, box b, double angle, point origin, color c) {
    const point corners[] = {
        turned(b.left, b.bottom, angle, origin),
        turned(b.left, b.top, angle, origin),
        turned(b.right, b.top, angle, origin),
        turned(b.right, b.bottom, angle, origin),
    };
    polygon(cr, corners, RLC_COUNT(corners), c);
}
