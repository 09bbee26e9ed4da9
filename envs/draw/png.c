/* png.c: a folder with a PNG for each picture: 00000.png, 00001.png, ...; and a single one. */
#include <cairo/cairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/file.h"
#include "envs/draw/films.h"

enum { PATH_TEXT = 4096 };

typedef struct png {
    rlc_film base; /* first */
    char *folder;
    cairo_surface_t *surface;
} png;

static rlc_status close_png(rlc_film *film) {
    png *p = (png *)film;
    cairo_surface_destroy(p->surface);
    free(p->folder);
    free(p);
    return rlc_error_status();
}

static bool name_picture(const png *p, int64_t index, char path[PATH_TEXT]) {
    if (snprintf(path, PATH_TEXT, "%s/%05lld.png", p->folder, (long long)index) < PATH_TEXT) {
        return true;
    }
    rlc_fail(RLC_INVALID, "%s: the path is too long", p->folder);
    return false;
}

/* The pictures of an earlier episode, which may have been longer than this one. */
static bool remove_old(const png *p) {
    char path[PATH_TEXT];
    for (int64_t i = 0; name_picture(p, i, path); i++) {
        if (unlink(path) != 0) {
            return true;
        }
    }
    return false;
}

static rlc_film *open_png(const char *path, rlc_film film) {
    png *p = rlc_calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->base = film;
    p->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, film.width, film.height);
    p->folder = rlc_strdup(path);
    if (cairo_surface_status(p->surface) != CAIRO_STATUS_SUCCESS) {
        rlc_fail(RLC_FAILED, "Cairo: %s", cairo_status_to_string(cairo_surface_status(p->surface)));
    }
    if (p->folder == NULL || rlc_error_status() != RLC_OK || rlc_folder_make(path) != RLC_OK || !remove_old(p)) {
        close_png(&p->base);
        return NULL;
    }
    return &p->base;
}

static void fill_surface(cairo_surface_t *surface, const uint8_t *rgb) {
    uint8_t *row = cairo_image_surface_get_data(surface);
    const int height = cairo_image_surface_get_height(surface), width = cairo_image_surface_get_width(surface);
    for (int y = 0; y < height; y++, row += cairo_image_surface_get_stride(surface)) {
        uint32_t *pixel = (uint32_t *)(void *)row;
        for (int x = 0; x < width; x++, rgb += 3) {
            pixel[x] = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
        }
    }
    cairo_surface_mark_dirty(surface);
}

static rlc_status put_frame(rlc_film *film, const uint8_t *rgb) {
    png *p = (png *)film;
    char path[PATH_TEXT];
    if (!name_picture(p, film->frames, path)) {
        return rlc_error_status();
    }
    fill_surface(p->surface, rgb);
    const cairo_status_t status = cairo_surface_write_to_png(p->surface, path);
    if (status != CAIRO_STATUS_SUCCESS) {
        return rlc_fail(RLC_FAILED, "%s: cannot be written: %s", path, cairo_status_to_string(status));
    }
    film->frames++;
    return RLC_OK;
}

const rlc_film_class rlc_png_class = {.open = open_png, .frame = put_frame, .close = close_png};

static cairo_status_t put_bytes(void *out, const unsigned char *data, unsigned length) {
    return fwrite(data, 1, length, out) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static bool write_surface(FILE *out, void *surface) {
    return cairo_surface_write_to_png_stream(surface, put_bytes, out) == CAIRO_STATUS_SUCCESS;
}

rlc_status rlc_png_save(const char *path, int height, int width, const uint8_t *rgb) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    rlc_status status = RLC_OK;
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        status = rlc_fail(RLC_FAILED, "Cairo: %s", cairo_status_to_string(cairo_surface_status(surface)));
    } else {
        fill_surface(surface, rgb);
        status = rlc_file_write(path, write_surface, surface);
    }
    cairo_surface_destroy(surface);
    return status;
}
