/* train.c: the training loop, and what it tells people and files on the way. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "recipes/files.h"

static volatile sig_atomic_t stop_signal;

/* The first signal ends the run after its current batch; a second one ends it at once, as it would by default. */
static void note_signal(int signal_number) {
    stop_signal = signal_number;
    signal(signal_number, SIG_DFL);
}

/* Whether a batch that ended at `frames` crossed a multiple of `every`. */
static bool is_due(int64_t frames, int64_t batch, int64_t every) {
    return every > 0 && frames / every != (frames - batch) / every;
}

/* Writes the numbers that states want reported, a module's epsilon or an optimiser's rate. */
static rlc_status log_state(rlc_output *output, int64_t step, const char *prefix, const rlc_state *state) {
    for (int i = 0; i < state->count; i++) {
        if (!state->items[i].logged) {
            continue;
        }
        float value;
        char name[256];
        RLC_TRY(rlc_tensor_read(state->items[i].tensor, &value));
        snprintf(name, sizeof name, "%s%s", prefix, state->items[i].name);
        rlc_output_scalar(output, step, name, (double)value);
    }
    return RLC_OK;
}

/* The mean of each of the loss's numbers since the last line; *loss stays NAN before the first update. */
static rlc_status log_losses(rlc_run *run, rlc_output *output, int64_t step, double *loss) {
    *loss = (double)NAN;
    RLC_TRY(rlc_run_check_losses(run));
    for (int i = 0; i < run->num_sums; i++) {
        const rlc_running_sum *sum = &run->sums[i];
        double mean;
        if (*sum->updates == 0) {
            continue;
        }
        RLC_TRY(rlc_tensor_read(sum->total, &mean));
        mean /= (double)*sum->updates;
        rlc_output_scalar(output, step, sum->name, mean);
        *loss = strcmp(sum->name, "loss.loss") == 0 ? mean : *loss;
        RLC_TRY(rlc_tensor_write(sum->total, &(double){0}));
        *sum->updates = 0;
    }
    return RLC_OK;
}

/* A line for people: one that is overwritten on a terminal, else a line each. */
static void tell(const rlc_run *run, const rlc_output *output, const rlc_env_stats *stats, double loss) {
    bool live = isatty(STDOUT_FILENO);
    int64_t frames = *run->collector->frames, total = run->collector->total_frames;
    if (output->quiet) {
        return;
    }
    printf("%s%3d%%  %9lld frames  %6lld episodes", live ? "\r" : "", (int)(100 * frames / total), (long long)frames,
           (long long)stats->episodes);
    if (stats->episodes > 0) {
        printf("  return %8.2f", stats->return_mean);
    }
    if (isfinite(loss)) {
        printf("  loss %9.3g", loss);
    }
    printf("  %8.0f frames/s%s", rlc_output_frames_per_s(output, frames), live ? "\033[K" : "\n");
    fflush(stdout);
}

static rlc_status log_line(rlc_run *run, rlc_output *output) {
    rlc_env_stats stats;
    double loss;
    int64_t step = *run->collector->frames;
    RLC_TRY(rlc_env_read_stats(run->env, &stats));
    if (stats.episodes > 0) {
        rlc_output_scalar(output, step, "train.return_mean", stats.return_mean);
        rlc_output_scalar(output, step, "train.length_mean", stats.length_mean);
    }
    rlc_output_scalar(output, step, "train.episodes", (double)stats.episodes);
    RLC_TRY(log_losses(run, output, step, &loss));
    RLC_TRY(log_state(output, step, "", &run->model->state));
    for (int i = 0; i < run->num_optims; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "optim.%d.", i);
        RLC_TRY(log_state(output, step, prefix, &run->optims[i]->state));
    }
    rlc_output_timing(output, step);
    tell(run, output, &stats, loss);
    return RLC_OK;
}

static rlc_status evaluate(rlc_run *run, rlc_output *output, rlc_evaluation *result) {
    int64_t step = *run->collector->frames;
    RLC_TRY(rlc_run_evaluate(run, run->eval.episodes, false, result));
    if (output == NULL) {
        return RLC_OK;
    }
    rlc_output_scalar(output, step, "eval.return_mean", result->return_mean);
    rlc_output_scalar(output, step, "eval.return_std", result->return_std);
    rlc_output_scalar(output, step, "eval.length_mean", result->length_mean);
    if (!output->quiet) {
        printf("%s%9lld frames  evaluation of %lld episodes: return %.2f +- %.2f\n",
               isatty(STDOUT_FILENO) ? "\r\033[K" : "", (long long)step, (long long)result->episodes,
               result->return_mean, result->return_std);
    }
    return RLC_OK;
}

/* What is due after a batch; `evaluation` is that of the last frame, if there is one. */
static rlc_status report(rlc_run *run, rlc_output *output, rlc_evaluation *evaluation) {
    int64_t frames = *run->collector->frames, batch = run->collector->frames_per_batch;
    bool last = frames >= run->collector->total_frames;
    if (output != NULL && (last || is_due(frames, batch, run->log.every))) {
        RLC_TRY(log_line(run, output));
    }
    if (run->eval_policy != NULL && (last || is_due(frames, batch, run->eval.every))) {
        RLC_TRY(evaluate(run, output, evaluation));
    }
    if (output != NULL && run->pictures.module != NULL && (last || is_due(frames, batch, run->pictures.every))) {
        RLC_TRY(rlc__pictures_write(run, output->folder));
    }
    if (output != NULL && (last || is_due(frames, batch, run->checkpoint.every))) {
        RLC_TRY(rlc_output_checkpoint(output, run));
    }
    return RLC_OK;
}

static rlc_status train(rlc_run *run, rlc_output *output) {
    rlc_evaluation evaluation = {0};
    while (*run->collector->frames < run->collector->total_frames) {
        RLC_TRY(rlc_run_iterate(run));
        RLC_TRY(report(run, output, &evaluation));
        if (stop_signal != 0 && output != NULL && *run->collector->frames < run->collector->total_frames) {
            RLC_TRY(rlc_output_checkpoint(output, run));
            return rlc_fail(RLC_INTERRUPTED, "stopped at frame %lld; go on with `rlrun resume %s`",
                            (long long)*run->collector->frames, output->folder);
        }
    }
    if (output == NULL) {
        return RLC_OK;
    }
    /* a run that is resumed after its end has not evaluated anything yet */
    if (run->eval_policy != NULL && evaluation.episodes == 0) {
        RLC_TRY(rlc_run_evaluate(run, run->eval.episodes, false, &evaluation));
    }
    return rlc_output_summary(output, run, run->eval_policy != NULL ? &evaluation : NULL);
}

rlc_status rlc_run_train(rlc_run *run, rlc_output *output) {
    struct sigaction action = {.sa_handler = note_signal}, old_int, old_term;
    stop_signal = 0;
    if (output != NULL) {
        sigaction(SIGINT, &action, &old_int);
        sigaction(SIGTERM, &action, &old_term);
    }
    rlc_status status = train(run, output);
    if (output != NULL) {
        sigaction(SIGINT, &old_int, NULL);
        sigaction(SIGTERM, &old_term, NULL);
    }
    return status;
}
