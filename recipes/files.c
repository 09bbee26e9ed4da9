#include "recipes/files.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "recipes/json.h"

static const char *const run_files[] = {"recipe.yaml",        "scalars.csv", "timing.csv", "checkpoint.safetensors",
                                        "resume.safetensors", "summary.json"};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { PATH_SIZE = 4096 };

static rlc_status path_of(const char *folder, const char *file, char path[PATH_SIZE]) {
    if (snprintf(path, PATH_SIZE, "%s/%s", folder, file) >= PATH_SIZE) {
        return rlc_fail(RLC_INVALID, "%s: the path is too long", folder);
    }
    return RLC_OK;
}

static rlc_status refuse_or_empty(const char *folder, bool overwrite) {
    char path[PATH_SIZE];
    for (int i = 0; i < RLC_COUNT(run_files); i++) {
        RLC_TRY(path_of(folder, run_files[i], path));
        if (access(path, F_OK) != 0) {
            continue;
        }
        if (!overwrite) {
            return rlc_fail(RLC_INVALID,
                            "%s: there is a run here already; go on with `rlrun resume %s`, choose another folder with "
                            "--out, or replace it with --overwrite",
                            folder, folder);
        }
        if (unlink(path) != 0) {
            return rlc_fail(RLC_FAILED, "%s: could not be removed: %s", path, strerror(errno));
        }
    }
    return overwrite ? rlc__pictures_remove(folder) : RLC_OK;
}

static rlc_status open_log(const char *folder, const char *file, const char *header, FILE **log) {
    char path[PATH_SIZE];
    RLC_TRY(path_of(folder, file, path));
    *log = fopen(path, "a");
    if (*log == NULL) {
        return rlc_fail(RLC_FAILED, "%s: could not be opened: %s", path, strerror(errno));
    }
    fseeko(*log, 0, SEEK_END);
    if (ftello(*log) == 0) {
        fputs(header, *log);
    }
    return RLC_OK;
}

static rlc_status new_output(rlc_run *run, const char *folder, rlc_output **out) {
    rlc_output *output = rlc_calloc(1, sizeof *output);
    char *copy = output != NULL ? rlc_strdup(folder) : NULL;
    if (copy == NULL) {
        free(output);
        return rlc_error_status();
    }
    output->folder = copy;
    output->started = now();
    output->scalars_size = rlc_state_counter(&run->state, "scalars_size");
    if (output->scalars_size == NULL) {
        rlc_output_close(output);
        return rlc_error_status();
    }
    *out = output;
    return RLC_OK;
}

static rlc_status open_logs(rlc_output *output) {
    RLC_TRY(open_log(output->folder, "scalars.csv", "step,name,value\n", &output->scalars));
    return open_log(output->folder, "timing.csv", "step,wall_s,frames_per_s\n", &output->timing);
}

rlc_status rlc_output_create(rlc_run *run, const char *folder, bool overwrite, rlc_output **out) {
    char path[PATH_SIZE];
    RLC_TRY(rlc_folder_make(folder));
    RLC_TRY(refuse_or_empty(folder, overwrite));
    RLC_TRY(path_of(folder, "recipe.yaml", path));
    RLC_TRY(rlc_recipe_save(&run->recipe, path));
    RLC_TRY(new_output(run, folder, out));
    rlc_status status = open_logs(*out);
    if (status != RLC_OK) {
        rlc_output_close(*out);
        *out = NULL;
    }
    return status;
}

/* Seconds in the last line of timing.csv, which is what the run took before. */
static rlc_status last_wall(const char *folder, double *wall) {
    char path[PATH_SIZE], line[256];
    RLC_TRY(path_of(folder, "timing.csv", path));
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof line, in) != NULL) {
        double found;
        *wall = sscanf(line, "%*d,%lf", &found) == 1 ? found : *wall;
    }
    fclose(in);
    return RLC_OK;
}

rlc_status rlc_output_resume(rlc_run *run, const char *folder, rlc_output **out) {
    char path[PATH_SIZE];
    RLC_TRY(path_of(folder, "resume.safetensors", path));
    bool started = access(path, F_OK) == 0;
    if (!started && run->awaits_checkpoint) { /* what it has instead are not the values that it began with */
        return rlc_fail(RLC_FAILED, "%s: %s", path, strerror(errno));
    }
    RLC_TRY(new_output(run, folder, out));
    rlc_status status = RLC_OK;
    if (started) {
        status = rlc__output_restore(*out, run);
        status = status == RLC_OK ? last_wall(folder, &(*out)->wall_before) : status;
    } else { /* killed before its first checkpoint: nothing to go on from but the recipe */
        for (int i = 1; i < RLC_COUNT(run_files) && status == RLC_OK; i++) {
            status = path_of(folder, run_files[i], path);
            unlink(path);
        }
    }
    if (status == RLC_OK) {
        status = open_logs(*out);
    }
    (*out)->frames_before = *run->collector->frames;
    if (status != RLC_OK) {
        rlc_output_close(*out);
        *out = NULL;
    }
    return status;
}

static rlc_status close_log(const rlc_output *output, const char *file, FILE *log) {
    bool lost = log != NULL && ferror(log);
    if (log == NULL || (fclose(log) == 0 && !lost)) {
        return RLC_OK;
    }
    return rlc_fail(RLC_FAILED, "%s/%s: could not be written: %s", output->folder, file,
                    lost ? "some lines are lost" : strerror(errno));
}

rlc_status rlc_output_close(rlc_output *output) {
    if (output == NULL) {
        return RLC_OK;
    }
    rlc_status scalars = close_log(output, "scalars.csv", output->scalars);
    rlc_status timing = close_log(output, "timing.csv", output->timing);
    free(output->folder);
    free(output);
    return scalars != RLC_OK ? scalars : timing;
}

/* Nine digits give every float back exactly. */
void rlc_output_scalar(rlc_output *output, int64_t step, const char *name, double value) {
    fprintf(output->scalars, "%lld,%s,%.9g\n", (long long)step, name, value);
}

double rlc_output_wall(const rlc_output *output) {
    return output->wall_before + now() - output->started;
}

double rlc_output_frames_per_s(const rlc_output *output, int64_t frames) {
    double seconds = now() - output->started;
    return seconds > 0 ? (double)(frames - output->frames_before) / seconds : 0;
}

void rlc_output_timing(rlc_output *output, int64_t step) {
    fprintf(output->timing, "%lld,%.3f,%.0f\n", (long long)step, rlc_output_wall(output),
            rlc_output_frames_per_s(output, step));
}

static bool add_training(cJSON *summary, const rlc_env_stats *stats) {
    cJSON *train = cJSON_AddObjectToObject(summary, "train");
    return rlc__json_number(train, "episodes", (double)stats->episodes) &&
           rlc__json_number(train, "return_mean_last100", stats->return_mean) &&
           rlc__json_number(train, "solved_at_frames", stats->solved_at >= 0 ? (double)stats->solved_at : (double)NAN);
}

static bool add_evaluation(cJSON *summary, const rlc_evaluation *evaluation) {
    if (evaluation == NULL) {
        return cJSON_AddNullToObject(summary, "eval") != NULL;
    }
    cJSON *eval = cJSON_AddObjectToObject(summary, "eval");
    return rlc__json_number(eval, "episodes", (double)evaluation->episodes) &&
           rlc__json_number(eval, "return_mean", evaluation->return_mean) &&
           rlc__json_number(eval, "return_std", evaluation->return_std) &&
           rlc__json_number(eval, "length_mean", evaluation->length_mean);
}

/* false when there is no memory */
static bool describe(cJSON *summary, const rlc_output *output, const rlc_run *run, const rlc_env_stats *stats,
                     const rlc_evaluation *evaluation) {
    double frames = (double)*run->collector->frames, wall = rlc_output_wall(output);
    return rlc__json_text(summary, "recipe", run->recipe.name) &&
           rlc__json_number(summary, "seed", (double)run->recipe.seed) &&
           rlc__json_text(summary, "device", run->device->name) &&
           rlc__json_text(summary, "precision", rlc_precision_name((rlc_precision)run->recipe.precision)) &&
           rlc__json_number(summary, "frames", frames) && rlc__json_number(summary, "updates", (double)*run->updates) &&
           rlc__json_number(summary, "wall_s", wall) &&
           rlc__json_number(summary, "frames_per_s", wall > 0 ? frames / wall : 0) && add_training(summary, stats) &&
           add_evaluation(summary, evaluation) && rlc__json_text(summary, "version", RLC_VERSION);
}

rlc_status rlc_output_summary(const rlc_output *output, const rlc_run *run, const rlc_evaluation *evaluation) {
    char path[PATH_SIZE];
    RLC_TRY(path_of(output->folder, "summary.json", path));
    rlc_env_stats stats;
    RLC_TRY(rlc_env_read_stats(run->env, &stats));
    cJSON *summary = cJSON_CreateObject();
    return rlc__json_write(path, summary, describe(summary, output, run, &stats, evaluation));
}
