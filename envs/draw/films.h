/* films.h: the films that need a library: GIF by giflib, a folder of PNGs (00000.png, 00001.png, ...) by Cairo. */
#ifndef RLC_FILMS_H
#define RLC_FILMS_H

#include "envs/film.h"

extern const rlc_film_class rlc_gif_class, rlc_png_class;

#endif
