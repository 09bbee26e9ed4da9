/* film.h: where pictures of an episode go, one after the other: a GIF, a folder of PNGs, a video, a terminal.
 *
 *     rlc_film *film = type->open("cartpole.gif", (rlc_film){400, 600, 50});
 *     RLC_TRY(type->frame(film, rgb));                              // uint8 [400, 600, 3], as often as there are pictures
 *     RLC_TRY(type->close(film));                                   // frees it; what was written is whole only after this
 *
 * `open` gives NULL with an error where nothing can be written. After a `frame` that failed, `close` is still owed.
 */
#ifndef RLC_FILM_H
#define RLC_FILM_H

#include "core/base.h"

RLC_BEGIN

/* What all films know; the first member of each kind. */
typedef struct rlc_film {
    int height, width, frames_per_second;
    int64_t frames; /* so far */
} rlc_film;

typedef struct rlc_film_class {
    rlc_film *(*open)(const char *path, rlc_film film);
    rlc_status (*frame)(rlc_film *film, const uint8_t *rgb);
    rlc_status (*close)(rlc_film *film);
} rlc_film_class;

RLC_END

#endif
