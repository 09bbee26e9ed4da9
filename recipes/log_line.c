#include "recipes/log_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/record.h"
#include "recipes/files.h"

/* A number that a state wants reported, a module's epsilon or an optimiser's rate, and its copy. */
typedef struct report {
    char name[256];
    const rlc_tensor *from;
    rlc_tensor *copy; /* float32 */
} report;

struct rlc_log_line {
    rlc_device *device;
    rlc_program *program;
    void *mark;
    bool taken;
    int64_t step, updates[RLC_MAX_SUMS]; /* how often the loss gave each number */
    rlc_state copies;                    /* owns what follows; never saved */
    rlc_tensor *totals, *returns, *lengths, *sums[RLC_MAX_SUMS];
    report *reports;
    int num_reports;
};

static rlc_tensor *copy_of(rlc_log_line *line, const rlc_tensor *from) {
    return rlc_state_tensor(&line->copies, line->device->shared, "", (rlc_dtype)from->dtype, rlc_shape_of(from));
}

/* Enters what a state wants reported; with `reports` NULL only counts. */
static int add_reports(rlc_log_line *line, report *reports, const char *prefix, const rlc_state *state) {
    int count = 0;
    for (int i = 0; i < state->count; i++) {
        if (state->items[i].logged && reports != NULL) {
            report *r = &reports[count];
            snprintf(r->name, sizeof r->name, "%s%s", prefix, state->items[i].name);
            r->from = state->items[i].tensor;
            r->copy = copy_of(line, r->from);
        }
        count += state->items[i].logged;
    }
    return count;
}

static int add_all_reports(rlc_log_line *line, report *reports, const rlc_run *run) {
    int count = add_reports(line, reports, "", &run->model->state);
    for (int i = 0; i < run->num_optims; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "optim.%d.", i);
        count += add_reports(line, reports != NULL ? reports + count : NULL, prefix, &run->optims[i]->state);
    }
    return count;
}

rlc_status rlc_log_line_new(rlc_run *run, rlc_log_line **out) {
    rlc_log_line *line = rlc_calloc(1, sizeof *line);
    if (line == NULL) {
        return rlc_error_status();
    }
    *out = line;
    line->device = run->device;
    line->totals = copy_of(line, run->env->totals);
    line->returns = copy_of(line, run->env->returns);
    line->lengths = copy_of(line, run->env->lengths);
    for (int i = 0; i < run->num_sums; i++) {
        line->sums[i] = copy_of(line, run->sums[i].total);
    }
    line->num_reports = add_all_reports(line, NULL, run);
    line->reports = rlc_calloc((size_t)line->num_reports + 1, sizeof *line->reports);
    if (line->reports != NULL) {
        add_all_reports(line, line->reports, run);
    }
    return rlc_error_status() == RLC_OK ? rlc_program_new(run->device, "log", &line->program) : rlc_error_status();
}

void rlc_log_line_free(rlc_log_line *line) {
    if (line != NULL) {
        if (line->mark != NULL) {
            line->device->unmark(line->device, line->mark);
        }
        rlc_program_free(line->program);
        rlc_state_free(&line->copies);
        free(line->reports);
        free(line);
    }
}

rlc_status rlc_log_line_take(rlc_run *run) {
    rlc_log_line *line = run->line;
    rlc_begin(line->program);
    rlc_no_grad(true);
    rlc_assign(line->totals, run->env->totals);
    rlc_assign(line->returns, run->env->returns);
    rlc_assign(line->lengths, run->env->lengths);
    for (int i = 0; i < run->num_sums; i++) {
        rlc_assign(line->sums[i], run->sums[i].total);
        rlc_assign(run->sums[i].total, rlc_zeros(RLC_F64, (rlc_shape){0}));
        line->updates[i] = *run->sums[i].updates;
        *run->sums[i].updates = 0;
    }
    for (int i = 0; i < line->num_reports; i++) {
        rlc_assign(line->reports[i].copy, (rlc_tensor *)line->reports[i].from);
    }
    RLC_TRY(rlc_end(line->program));
    line->step = *run->collector->frames;
    line->taken = true;
    return line->device->mark != NULL ? line->device->mark(line->device, &line->mark) : RLC_OK;
}

/* The mean of each of the loss's numbers since the last line; *loss stays NAN before the first update. */
static rlc_status write_losses(const rlc_run *run, rlc_output *output, double *loss) {
    const rlc_log_line *line = run->line;
    *loss = (double)NAN;
    for (int i = 0; i < run->num_sums; i++) {
        double total = *(const double *)line->sums[i]->data;
        if (!isfinite(total)) {
            return rlc_run_refuse(run->sums[i].name, total, line->step);
        }
    }
    for (int i = 0; i < run->num_sums; i++) {
        if (line->updates[i] > 0) {
            double mean = *(const double *)line->sums[i]->data / (double)line->updates[i];
            rlc_output_scalar(output, line->step, run->sums[i].name, mean);
            *loss = strcmp(run->sums[i].name, "loss.loss") == 0 ? mean : *loss;
        }
    }
    return RLC_OK;
}

/* A line for people: one that is overwritten on a terminal, else a line each. */
static void tell(const rlc_run *run, const rlc_output *output, const rlc_env_stats *stats, double loss) {
    bool live = isatty(STDOUT_FILENO);
    int64_t frames = run->line->step, total = run->collector->total_frames;
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

static rlc_status write_line(const rlc_run *run, rlc_output *output) {
    const rlc_log_line *line = run->line;
    const rlc_env_stats stats = rlc_env_stats_of(line->totals->data, line->returns->data, line->lengths->data);
    double loss;
    if (stats.episodes > 0) {
        rlc_output_scalar(output, line->step, "train.return_mean", stats.return_mean);
        rlc_output_scalar(output, line->step, "train.length_mean", stats.length_mean);
    }
    rlc_output_scalar(output, line->step, "train.episodes", (double)stats.episodes);
    RLC_TRY(write_losses(run, output, &loss));
    for (int i = 0; i < line->num_reports; i++) {
        rlc_output_scalar(output, line->step, line->reports[i].name,
                          (double)*(const float *)line->reports[i].copy->data);
    }
    rlc_output_timing(output, line->step);
    tell(run, output, &stats, loss);
    return RLC_OK;
}

rlc_status rlc_log_line_settle(rlc_run *run, rlc_output *output, bool wait) {
    rlc_log_line *line = run->line;
    bool is_there = true;
    if (!line->taken) {
        return RLC_OK;
    }
    if (line->mark != NULL) {
        RLC_TRY(line->device->reached(line->device, line->mark, wait, &is_there));
    }
    line->taken = !is_there;
    return is_there ? write_line(run, output) : RLC_OK;
}
