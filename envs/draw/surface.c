/* surface.c: a Cairo surface for each kind of environment, used again for every picture; and the table that librlc sees. */
#include <stdlib.h>
#include <string.h>

#include "envs/draw/films.h"
#include "envs/draw/scenes.h"
#include "envs/drawing.h"

static const struct scene {
    const char *name; /* of the class */
    draw_backdrop *backdrop;
    draw_scene *draw;
} scenes[] = {
    {"CartPole", draw_track, draw_cartpole},
    {"Pendulum", NULL, draw_pendulum},
    {"Acrobot", draw_acrobot_height, draw_acrobot},
    {"MountainCar", draw_hill, draw_mountain_car},
    {"MountainCarContinuous", draw_hill, draw_mountain_car_continuous},
};

struct rlc_drawing {
    draw_scene *draw;
    int height, width;
    size_t stride; /* bytes from one row of the surface to the next */
    cairo_surface_t *surface;
    cairo_t *cr;
    uint8_t *backdrop; /* the surface's bytes before a state is drawn on it */
};

static void close_drawing(rlc_drawing *d) {
    cairo_destroy(d->cr);
    cairo_surface_destroy(d->surface);
    free(d->backdrop);
    free(d);
}

static const struct scene *find_scene(const char *name) {
    for (int i = 0; i < RLC_COUNT(scenes); i++) {
        if (strcmp(scenes[i].name, name) == 0) {
            return &scenes[i];
        }
    }
    rlc_fail(RLC_INVALID, "rlc_draw.so cannot draw %s; its class needs a function `render`", name);
    return NULL;
}

static rlc_status draw_backdrop_once(rlc_drawing *d, draw_backdrop *backdrop) {
    cairo_set_source_rgb(d->cr, 1, 1, 1);
    cairo_paint(d->cr);
    cairo_translate(d->cr, 0, d->height);
    cairo_scale(d->cr, 1, -1);
    if (backdrop != NULL) {
        backdrop(d->cr);
    }
    if (cairo_status(d->cr) != CAIRO_STATUS_SUCCESS) {
        return rlc_fail(RLC_FAILED, "Cairo: %s", cairo_status_to_string(cairo_status(d->cr)));
    }
    cairo_surface_flush(d->surface);
    d->stride = (size_t)cairo_image_surface_get_stride(d->surface);
    d->backdrop = rlc_calloc((size_t)d->height, d->stride);
    if (d->backdrop != NULL) {
        memcpy(d->backdrop, cairo_image_surface_get_data(d->surface), (size_t)d->height * d->stride);
    }
    return rlc_error_status();
}

static rlc_drawing *open_drawing(const char *name, int height, int width) {
    const struct scene *scene = find_scene(name);
    rlc_drawing *d = scene != NULL ? rlc_calloc(1, sizeof *d) : NULL;
    if (d == NULL) {
        return NULL;
    }
    d->draw = scene->draw;
    d->height = height;
    d->width = width;
    d->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    d->cr = cairo_create(d->surface);
    if (draw_backdrop_once(d, scene->backdrop) != RLC_OK) {
        close_drawing(d);
        return NULL;
    }
    return d;
}

/* A pixel of the surface is a 32-bit number, red above green above blue. */
static void to_rgb(const rlc_drawing *d, uint8_t *rgb) {
    const uint8_t *row = cairo_image_surface_get_data(d->surface);
    for (int y = 0; y < d->height; y++, row += d->stride) {
        const uint32_t *pixel = (const uint32_t *)(const void *)row;
        for (int x = 0; x < d->width; x++, rgb += 3) {
            rgb[0] = (uint8_t)(pixel[x] >> 16);
            rgb[1] = (uint8_t)(pixel[x] >> 8);
            rgb[2] = (uint8_t)pixel[x];
        }
    }
}

static rlc_status draw(rlc_drawing *d, const float *state, uint8_t *rgb) {
    memcpy(cairo_image_surface_get_data(d->surface), d->backdrop, (size_t)d->height * d->stride);
    cairo_surface_mark_dirty(d->surface);
    d->draw(d->cr, state);
    cairo_surface_flush(d->surface);
    if (cairo_status(d->cr) != CAIRO_STATUS_SUCCESS) {
        return rlc_fail(RLC_FAILED, "Cairo: %s", cairo_status_to_string(cairo_status(d->cr)));
    }
    to_rgb(d, rgb);
    return RLC_OK;
}

extern const int rlc__drawing_abi;
extern const rlc_drawing_table rlc__drawing;

const int rlc__drawing_abi = RLC_ABI;
const rlc_drawing_table rlc__drawing = {
    .open = open_drawing,
    .draw = draw,
    .close = close_drawing,
    .gif = &rlc_gif_class,
    .png = &rlc_png_class,
};
