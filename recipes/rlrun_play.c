/* rlrun_play.c: showing what a run has learned. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "envs/drawing.h"
#include "recipes/play.h"
#include "recipes/rlrun.h"

/* Where the pictures go; several places at once are welcome. */
typedef struct output {
    const char *option, *suffix, *path; /* suffix: of the file's name; NULL for a folder. No path: not asked for */
    const rlc_film_class *type;
    rlc_film *film;
} output;

/* In the order in which they are opened: first those that a machine may not have, so that nothing half made is left. */
enum { TERM, MP4, GIF, PNG, OUTPUTS };

static volatile sig_atomic_t stop_signal;

/* The first signal ends the film after the picture that is being drawn; a second one ends rlrun as it would by default. */
static void note_signal(int signal_number) {
    stop_signal = signal_number;
    signal(signal_number, SIG_DFL);
}

static bool ends_in(const char *text, const char *suffix) {
    const size_t length = strlen(text), wanted = strlen(suffix);
    return length > wanted && strcmp(text + length - wanted, suffix) == 0;
}

static rlc_status check_output(const output *o, bool overwrite) {
    struct stat info;
    if (o->suffix != NULL && !ends_in(o->path, o->suffix)) {
        return rlc_fail(RLC_INVALID, "%s %s: the name of the file must end in %s", o->option, o->path, o->suffix);
    }
    if (stat(o->path, &info) != 0) {
        return RLC_OK;
    }
    const bool is_folder = S_ISDIR(info.st_mode);
    if (is_folder != (o->suffix == NULL)) {
        return rlc_fail(RLC_INVALID, "%s %s: this is a %s; give a %s", o->option, o->path,
                        is_folder ? "folder" : "file", is_folder ? "file" : "folder");
    }
    return overwrite ? RLC_OK
                     : rlc_fail(RLC_INVALID, "%s %s: this %s exists; give another one, or --overwrite", o->option,
                                o->path, is_folder ? "folder" : "file");
}

static rlc_status check_outputs(const output *outputs, bool overwrite) {
    bool any = false;
    for (int i = 0; i < OUTPUTS; i++) {
        if (outputs[i].path != NULL) {
            RLC_TRY(i != TERM ? check_output(&outputs[i], overwrite) : RLC_OK);
            any = true;
        }
    }
    return any ? RLC_OK
               : rlc_fail(RLC_INVALID,
                          "play: where are the pictures to go? Say --gif FILE, --png FOLDER, --mp4 FILE or "
                          "--term");
}

static rlc_status open_outputs(output *outputs, const rlc_env_class *type) {
    const rlc_film film = {type->frame_height, type->frame_width,
                           type->frames_per_second > 0 ? type->frames_per_second : 30, 0};
    for (int i = 0; i < OUTPUTS; i++) {
        output *o = &outputs[i];
        if (o->path != NULL && o->film == NULL) {
            o->film = o->type->open(o->path, film);
            RLC_TRY(o->film != NULL ? RLC_OK : rlc_error_status());
        }
    }
    return RLC_OK;
}

/* Gets each picture; films are opened with the first one, when their size is known. */
static rlc_status show(void *data, const rlc_env *env, const uint8_t *rgb) {
    output *outputs = data;
    RLC_TRY(open_outputs(outputs, env->type));
    for (int i = 0; i < OUTPUTS; i++) {
        output *o = &outputs[i];
        RLC_TRY(o->path != NULL ? o->type->frame(o->film, rgb) : RLC_OK);
    }
    return stop_signal == 0 ? RLC_OK : rlc_fail(RLC_INTERRUPTED, "stopped; the pictures so far are kept");
}

static rlc_status close_outputs(output *outputs, bool quiet) {
    for (int i = OUTPUTS - 1; i >= 0; i--) {
        output *o = &outputs[i];
        const long long frames = o->film != NULL ? (long long)o->film->frames : 0;
        if (o->film != NULL) {
            o->type->close(o->film);
        }
        if (frames > 0 && i != TERM && !quiet) {
            printf("%s: %lld pictures\n", o->path, frames);
        }
    }
    return rlc_error_status();
}

static rlc_status play(rlc_run *run, rlc_play *play, output *outputs, bool quiet) {
    if (outputs[GIF].path != NULL || outputs[PNG].path != NULL) {
        const rlc_drawing_table *table = rlc__drawing_load();
        RLC_TRY(table != NULL ? RLC_OK : rlc_error_status());
        outputs[GIF].type = table->gif;
        outputs[PNG].type = table->png;
    }
    struct sigaction action = {.sa_handler = note_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    play->show = show;
    play->data = outputs;
    rlc_run_play(run, play);
    rlc_status status = close_outputs(outputs, quiet);
    if (status == RLC_OK && !quiet) {
        printf("episodes %lld  return_mean %.6g  length_mean %.6g\n", (long long)play->ended,
               play->total_return / (double)play->ended, (double)play->steps / (double)play->ended);
    }
    return status;
}

static rlc_status parse_seed(const char *text, int64_t *seed) {
    rlc_value value = {.kind = RLC_TEXT, .text = text};
    if (!rlc_value_integer(&value, seed) || *seed < 0) {
        return rlc_fail(RLC_INVALID, "--seed must be 0 or a larger integer, not %s", text);
    }
    return RLC_OK;
}

rlc_status rlrun_play(const rlrun_arguments *a) {
    static const char *const on_cpu[] = {"device=cpu", "precision=f32", "env.device=cpu"};
    output outputs[OUTPUTS] = {
        [GIF] = {.option = "--gif", .suffix = ".gif", .path = a->gif},
        [PNG] = {.option = "--png", .path = a->png},
        [MP4] = {.option = "--mp4", .suffix = ".mp4", .path = a->mp4, .type = &rlrun_mp4_class},
        [TERM] = {.option = "--term", .path = a->term ? "the terminal" : NULL, .type = &rlrun_term_class},
    };
    rlc_play film = {.episodes = a->episodes > 0 ? a->episodes : 1};
    rlc_run *run;
    RLC_TRY(check_outputs(outputs, a->overwrite));
    if (a->seed != NULL) {
        RLC_TRY(parse_seed(a->seed, &film.seed));
    }
    RLC_TRY(rlrun_load_trained(a->target, on_cpu, RLC_COUNT(on_cpu), &run));
    film.seed = a->seed != NULL ? film.seed : run->eval.seed;
    rlc_status status = play(run, &film, outputs, a->quiet);
    rlc_run_free(run);
    return status;
}
