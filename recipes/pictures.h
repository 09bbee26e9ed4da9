/* pictures.h: what a module makes of noise, as pictures, while it is trained: section `pictures` of a recipe.
 *
 *     pictures: {module: loss.generator, every: 1_000, rows: 8, columns: 8, shape: [28, 28]}
 *
 * RUN/pictures/000001000.png is the picture at frame 1000: rows x columns samples with a line of grey between them. The noise
 * is N(0, 1) from a stream that begins anew each time, so pictures differ by what was learned alone, those of a resumed run
 * are the ones that it would have had, and nothing of it is kept in a checkpoint.
 */
#ifndef RLC_PICTURES_H
#define RLC_PICTURES_H

#include "core/class.h"

RLC_BEGIN

typedef struct rlc_run rlc_run;
typedef struct rlc_module rlc_module;

/* The section, and the module that it names: NULL without the section. */
typedef struct rlc_pictures {
    const rlc_value *module_name;
    int64_t every;
    int rows, columns;
    rlc_ints shape; /* [H, W] or [3, H, W] */
    double low, high;
    rlc_module *module;
} rlc_pictures;

extern const rlc_option rlc__pictures_options[];

/* Reads the section and finds its module, once modules are declared; checks that pictures can be written here. */
rlc_status rlc__pictures_read(rlc_run *run);

/* Draws one; `path` is where it goes, NULL for nowhere, which only finds out whether it can be drawn. */
rlc_status rlc__pictures_draw(rlc_run *run, const char *path);

/* For a run's folder: draws the picture of this frame there; and removes those of a run that is replaced. */
rlc_status rlc__pictures_write(rlc_run *run, const char *folder);
rlc_status rlc__pictures_remove(const char *folder);

RLC_END

#endif
