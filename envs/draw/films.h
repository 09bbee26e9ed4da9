/* films.h: the films that need a library: GIF by giflib, a folder of PNGs (00000.png, 00001.png, ...) by Cairo. */
#ifndef RLC_FILMS_H
#define RLC_FILMS_H

#include "envs/film.h"

extern const rlc_film_class rlc_gif_class, rlc_png_class;

/* Writes one picture, uint8 [height, width, 3], as a PNG file, whole or not at all. */
rlc_status rlc_png_save(const char *path, int height, int width, const uint8_t *rgb);

#endif
