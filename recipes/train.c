/* train.c: the training loop, and what it tells people and files on the way. */
#include <signal.h>
#include <unistd.h>

#include "recipes/files.h"
#include "recipes/log_line.h"

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

static rlc_status evaluate(rlc_run *run, rlc_output *output, rlc_evaluation *result) {
    int64_t step = *run->collector->frames;
    RLC_TRY(rlc_log_line_settle(run, output, true));
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

/* What was logged is written first: the next lines are behind it, and a number in it that is none must be seen. */
static rlc_status save(rlc_run *run, rlc_output *output) {
    RLC_TRY(rlc_log_line_settle(run, output, true));
    return rlc_output_checkpoint(output, run);
}

/* What is due after a batch; `evaluation` is that of the last frame, if there is one. */
static rlc_status report(rlc_run *run, rlc_output *output, rlc_evaluation *evaluation) {
    int64_t frames = *run->collector->frames, batch = run->collector->frames_per_batch;
    bool last = frames >= run->collector->total_frames;
    bool logs = output != NULL && (last || is_due(frames, batch, run->log.every));
    bool evaluates = run->eval_policy != NULL && (last || is_due(frames, batch, run->eval.every));
    RLC_TRY(rlc_log_line_settle(run, output, logs));
    if (logs) {
        RLC_TRY(rlc_log_line_take(run));
        RLC_TRY(rlc_log_line_settle(run, output, false));
    }
    if (evaluates) {
        RLC_TRY(evaluate(run, output, evaluation));
    }
    if (output != NULL && run->pictures.module != NULL && (last || is_due(frames, batch, run->pictures.every))) {
        RLC_TRY(rlc__pictures_write(run, output->folder));
    }
    if (output != NULL && (last || is_due(frames, batch, run->checkpoint.every))) {
        RLC_TRY(save(run, output));
    }
    return RLC_OK;
}

static rlc_status train(rlc_run *run, rlc_output *output) {
    rlc_evaluation evaluation = {0};
    while (*run->collector->frames < run->collector->total_frames) {
        RLC_TRY(rlc_run_iterate(run));
        RLC_TRY(report(run, output, &evaluation));
        if (stop_signal != 0 && output != NULL && *run->collector->frames < run->collector->total_frames) {
            RLC_TRY(save(run, output));
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
