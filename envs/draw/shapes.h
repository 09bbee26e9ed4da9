/* shapes.h: Cairo shapes as pygame's gfxdraw draws them, because pictures are to be Gymnasium's.
 *
 * gfxdraw cuts coordinates to whole pixels and calls a pixel by its corner, while Cairo's coordinates lie between pixels:
 * a point of gfxdraw is Cairo's half a pixel further. Its shapes include their edge: they are wider by the pen, a pixel.
 * All pictures have y upwards; surface.c turns them over.
 */
#ifndef RLC_SHAPES_H
#define RLC_SHAPES_H

#include <cairo/cairo.h>
#include <stdint.h>

typedef struct point {
    double x, y;
} point;

typedef struct color {
    uint8_t red, green, blue;
} color;

static const color BLACK = {0, 0, 0};

/* gfxdraw's aapolygon and filled_polygon; filled_circle and aacircle; hline and vline, both ends included. */
void polygon(cairo_t *cr, const point *corners, int count, color c);
void disc(cairo_t *cr, double x, double y, double radius, color c);
void bar(cairo_t *cr, int x, int y, int width, int height, color c);

/* pygame.draw.aalines: each pixel of a column (of a row, where it is steep) shares its weight with the one above. */
void thin_line(cairo_t *cr, point from, point to);

/* The corners of a rectangle, turned by an angle about the origin and then moved there. */
typedef struct box {
    double left, right, top, bottom;
} box;
void turned_box(cairo_t *cr, box b, double angle, point origin, color c);
point turned(double x, double y, double angle, point origin);

#endif
