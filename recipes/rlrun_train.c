/* rlrun_train.c: training, resuming and evaluating. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recipes/files.h"
#include "recipes/rlrun.h"

static rlc_status finish(rlc_run *run, rlc_output *output) {
    rlc_status status = rlc_run_train(run, output);
    bool quiet = output->quiet;
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", output->folder);
    rlc_status closed = rlc_output_close(output);
    status = status == RLC_OK ? closed : status;
    if (!quiet) {
        printf("%s%s\n", isatty(STDOUT_FILENO) ? "\r\033[K" : "",
               status == RLC_OK            ? "done"
               : status == RLC_INTERRUPTED ? "stopped"
                                           : "failed");
        printf("results are in %s\n", folder);
    }
    return status;
}

rlc_status rlrun_train(const rlrun_arguments *a) {
    rlc_run *run;
    if (a->seeds != NULL) {
        return rlrun_train_seeds(a);
    }
    RLC_TRY(rlc_run_load(a->target, a->overrides, a->num_overrides, &run));
    rlc_status status = rlc_run_check(run);
    rlc_output *output = NULL;
    char folder[4096], place[RLC_PLACE_TEXT];
    if (status == RLC_OK) {
        if (a->out != NULL) {
            snprintf(folder, sizeof folder, "%s", a->out);
        } else {
            snprintf(folder, sizeof folder, "runs/%s/seed-%lld", run->recipe.name, (long long)run->recipe.seed);
        }
        status = rlc_output_create(run, folder, a->overwrite, &output);
    }
    if (status == RLC_OK) {
        output->quiet = a->quiet;
        if (!a->quiet) {
            printf("%s, seed %lld, on %s: %s\n", run->recipe.name, (long long)run->recipe.seed,
                   rlc_run_place(run, place), output->folder);
        }
        status = finish(run, output);
    }
    rlc_run_free(run);
    return status;
}

/* The recipe in a run's folder, with changes. Where it has that checkpoint, the caller loads it next. */
static rlc_status load_folder(const char *folder, const char *const *changes, int count, const char *checkpoint,
                              rlc_run **run) {
    char path[4096], state[4096];
    struct stat info;
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return rlc_fail(RLC_INVALID, "%s: there is no such folder; give that of a run, such as runs/dqn/seed-1",
                        folder);
    }
    if (rlrun_holds_seeds(folder)) {
        return rlc_fail(RLC_INVALID, "%s: this folder holds the runs of several seeds; give one of them, %s/seed-1",
                        folder, folder);
    }
    if (snprintf(path, sizeof path, "%s/recipe.yaml", folder) >= (int)sizeof path || access(path, R_OK) != 0) {
        return rlc_fail(RLC_INVALID, "%s: there is no run in this folder: it holds no recipe.yaml", folder);
    }
    const bool there =
        snprintf(state, sizeof state, "%s/%s", folder, checkpoint) < (int)sizeof state && access(state, F_OK) == 0;
    return (there ? rlc_run_load_for_checkpoint : rlc_run_load)(path, changes, count, run);
}

rlc_status rlrun_resume(const rlrun_arguments *a) {
    rlc_run *run;
    char place[RLC_PLACE_TEXT];
    rlc_output *output = NULL;
    if (a->num_overrides > 0) {
        return rlc_fail(RLC_INVALID, "a resumed run goes on with its own recipe; '%s' cannot change it",
                        a->overrides[0]);
    }
    if (rlrun_holds_seeds(a->target)) {
        return rlrun_resume_seeds(a);
    }
    RLC_TRY(load_folder(a->target, NULL, 0, "resume.safetensors", &run));
    rlc_status status = rlc_output_resume(run, a->target, &output);
    if (status == RLC_OK) {
        output->quiet = a->quiet;
        if (!a->quiet) {
            printf("%s, seed %lld, on %s: %s, from frame %lld\n", run->recipe.name, (long long)run->recipe.seed,
                   rlc_run_place(run, place), output->folder, (long long)*run->collector->frames);
        }
        status = finish(run, output);
    }
    rlc_run_free(run);
    return status;
}

rlc_status rlrun_load_trained(const char *folder, const char *const *changes, int count, rlc_run **run) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/checkpoint.safetensors", folder) >= (int)sizeof path) {
        return rlc_fail(RLC_INVALID, "%s: the path is too long", folder);
    }
    RLC_TRY(load_folder(folder, changes, count, "checkpoint.safetensors", run));
    rlc_status status = rlc_load_parameters(*run, path);
    if (status != RLC_OK) {
        rlc_run_free(*run);
    }
    return status;
}

rlc_status rlrun_eval(const rlrun_arguments *a) {
    rlc_run *run;
    rlc_evaluation result = {0};
    RLC_TRY(rlrun_load_trained(a->target, NULL, 0, &run));
    rlc_status status = rlc_run_evaluate(run, a->episodes > 0 ? a->episodes : run->eval.episodes, false, &result);
    if (status == RLC_OK) {
        printf("episodes %lld  return_mean %.6g  return_std %.6g  length_mean %.6g\n", (long long)result.episodes,
               result.return_mean, result.return_std, result.length_mean);
    }
    rlc_run_free(run);
    return status;
}
