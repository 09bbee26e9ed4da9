/* drawing.h: what rlc_draw.so does for librlc: drawing the environments that rlc brings, and writing pictures.
 *
 * Cairo draws, and Cairo pulls in fonts and X11, whose loading would double the time that rlrun takes to start. So all
 * that needs it lies in a shared object of its own beside librlc, opened when somebody asks for a picture. It exports two
 * symbols: `rlc__drawing_abi`, a const int with the value of RLC_ABI, and this table as `rlc__drawing`.
 */
#ifndef RLC_DRAWING_H
#define RLC_DRAWING_H

#include "envs/film.h"

RLC_BEGIN

typedef struct rlc_drawing rlc_drawing; /* a surface to draw one kind of environment on */

typedef struct rlc_drawing_table {
    /* For the environment of that class; NULL with an error when it cannot be drawn. */
    rlc_drawing *(*open)(const char *name, int height, int width);
    /* Draws a state, float32 [state_size], into uint8 [height, width, 3]. */
    rlc_status (*draw)(rlc_drawing *drawing, const float *state, uint8_t *rgb);
    void (*close)(rlc_drawing *drawing);
    const rlc_film_class *gif, *png;
    /* Writes one picture, uint8 [height, width, 3], whole or not at all. */
    rlc_status (*save_png)(const char *path, int height, int width, const uint8_t *rgb);
} rlc_drawing_table;

/* The table; NULL with an error that tells what to do when rlc_draw.so is not there. */
const rlc_drawing_table *rlc__drawing_load(void);

RLC_END

#endif
