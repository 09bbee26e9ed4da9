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
    uint8_t *backdrop;     /* the surface's bytes before a state is drawn on it */
    uint8_t *backdrop_rgb; /* the same as a picture */
};

static void close_drawing(rlc_drawing *d) {
    cairo_destroy(d->cr);
    cairo_surface_destroy(d->surface);
    free(d->backdrop);
    free(d->backdrop_rgb);
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

/* A pixel of the surface is a 32-bit number, red above green above blue. */
static void convert(const uint8_t *row, int width, uint8_t *rgb) {
    const uint32_t *pixel = (const uint32_t *)(const void *)row;
    for (int x = 0; x < width; x++, rgb += 3) {
        rgb[0] = (uint8_t)(pixel[x] >> 16);
        rgb[1] = (uint8_t)(pixel[x] >> 8);
        rgb[2] = (uint8_t)pixel[x];
    }
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
    d->backdrop_rgb = rlc_calloc((size_t)d->height, 3 * (size_t)d->width);
    RLC_TRY(rlc_error_status());
    memcpy(d->backdrop, cairo_image_surface_get_data(d->surface), (size_t)d->height * d->stride);
    for (int y = 0; y < d->height; y++) {
        convert(d->backdrop + (size_t)y * d->stride, d->width, d->backdrop_rgb + 3 * (size_t)y * (size_t)d->width);
    }
    return RLC_OK;
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

/* Takes the picture off the surface, and the state off the backdrop again: only of rows that the scene has touched. */
static void take(rlc_drawing *d, uint8_t *rgb) {
    const size_t width = (size_t)d->width;
    uint8_t *row = cairo_image_surface_get_data(d->surface);
    for (size_t y = 0; y < (size_t)d->height; y++, row += d->stride, rgb += 3 * width) {
        const uint8_t *clean = d->backdrop + y * d->stride;
        if (memcmp(row, clean, 4 * width) == 0) {
            memcpy(rgb, d->backdrop_rgb + 3 * y * width, 3 * width);
        } else {
            convert(row, d->width, rgb);
            memcpy(row, clean, 4 * width);
        }
    }
    cairo_surface_mark_dirty(d->surface);
}

static rlc_status draw(rlc_drawing *d, const float *state, uint8_t *rgb) {
    d->draw(d->cr, state);
    cairo_surface_flush(d->surface);
    if (cairo_status(d->cr) != CAIRO_STATUS_SUCCESS) {
        return rlc_fail(RLC_FAILED, "Cairo: %s", cairo_status_to_string(cairo_status(d->cr)));
    }
    take(d, rgb);
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
    .save_png = rlc_png_save,
};
