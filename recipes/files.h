/* files.h: the folder of a run.
 *
 *     recipe.yaml               as resolved: `rlrun DIR/recipe.yaml` repeats the run
 *     scalars.csv               step,name,value; the same for every repetition
 *     timing.csv                step,wall_s,frames_per_s
 *     checkpoint.safetensors    parameters under PyTorch's names and layouts
 *     resume.safetensors        all that a resume needs, the parameters included
 *     summary.json              the result
 *     pictures/000001000.png    what section `pictures` asks for, see pictures.h
 *
 * A checkpoint is written to temporary files that are synced and renamed, resume.safetensors first: whenever a run is
 * killed, there is one whole file to go on from. It remembers how long the logs were; a resume cuts them back to that.
 */
#ifndef RLC_FILES_H
#define RLC_FILES_H

#include <stdio.h>

#include "recipes/run.h"

RLC_BEGIN

struct rlc_output {
    char *folder;
    FILE *scalars, *timing;
    bool quiet;         /* nothing on standard output */
    double wall_before; /* seconds that earlier parts of the run took */
    double started;
    int64_t frames_before; /* frames when this part of the run began */
    int64_t *scalars_size; /* in the run's state: bytes of scalars.csv at the last checkpoint */
};

/* Makes the folder of a new run and writes its recipe. A folder that holds a run already is refused, or with
 * `overwrite` emptied of it. */
rlc_status rlc_output_create(rlc_run *run, const char *folder, bool overwrite, rlc_output **output);

/* Opens the folder of a run that was stopped, loads its state into the run and cuts the logs back to it; with no
 * checkpoint there the run starts over, or, built for one (rlc_run_load_for_checkpoint), is refused. */
rlc_status rlc_output_resume(rlc_run *run, const char *folder, rlc_output **output);

/* Frees the output; an error when some lines of the logs could not be written. */
rlc_status rlc_output_close(rlc_output *output);

/* Adds lines to the logs. */
void rlc_output_scalar(rlc_output *output, int64_t step, const char *name, double value);
void rlc_output_timing(rlc_output *output, int64_t step);

double rlc_output_wall(const rlc_output *output);
double rlc_output_frames_per_s(const rlc_output *output, int64_t frames);

/* Saves a checkpoint. */
rlc_status rlc_output_checkpoint(rlc_output *output, const rlc_run *run);

/* Writes summary.json; `evaluation` may be NULL. */
rlc_status rlc_output_summary(const rlc_output *output, const rlc_run *run, const rlc_evaluation *evaluation);

/* For the two files that know an output: loads the state that a folder holds, and cuts its logs back to it. */
rlc_status rlc__output_restore(rlc_output *output, rlc_run *run);

/* Loads only the parameters of a run's checkpoint, for an evaluation. */
rlc_status rlc_load_parameters(rlc_run *run, const char *path);

RLC_END

#endif
