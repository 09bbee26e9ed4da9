/* rlrun_mp4.c: a video, by the program ffmpeg, which gets the pictures through a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recipes/rlrun.h"

extern char **environ;

typedef struct mp4 {
    rlc_film base; /* first */
    FILE *pipe;
    pid_t ffmpeg;
    void (*old_handler)(int); /* of SIGPIPE */
} mp4;

/* What players want: an even number of pixels to each side, and colours at half the resolution. */
#define LOOKS "pad=ceil(iw/2)*2:ceil(ih/2)*2"

static int spawn(const char *path, rlc_film film, int input, pid_t *child) {
    char size[64], rate[32];
    snprintf(size, sizeof size, "%dx%d", film.width, film.height);
    snprintf(rate, sizeof rate, "%d", film.frames_per_second);
    const char *const words[] = {"ffmpeg", "-loglevel", "error",   "-y", "-f",  "rawvideo", "-pix_fmt", "rgb24",
                                 "-s",     size,        "-r",      rate, "-i",  "-",        "-vf",      LOOKS,
                                 "-an",    "-pix_fmt",  "yuv420p", "-f", "mp4", path,       NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes; /* a group of its own: Ctrl-C is for rlrun, which then closes the film */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = posix_spawnp(child, words[0], &actions, &attributes, (char *const *)words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* A pipe whose end for writing is a stream; ends[0] is the other. */
static bool open_pipe(FILE **writing, int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    *writing = fdopen(ends[1], "wb");
    if (*writing == NULL) {
        close(ends[0]);
        close(ends[1]);
    }
    return *writing != NULL;
}

static rlc_film *open_mp4(const char *path, rlc_film film) {
    mp4 *m = rlc_calloc(1, sizeof *m);
    int ends[2];
    if (m == NULL) {
        return NULL;
    }
    if (!open_pipe(&m->pipe, ends)) {
        rlc_fail(RLC_FAILED, "%s: no pipe to ffmpeg: %s", path, strerror(errno));
        free(m);
        return NULL;
    }
    const int error = spawn(path, film, ends[0], &m->ffmpeg);
    close(ends[0]);
    m->base = film;
    if (error != 0) {
        fclose(m->pipe);
        free(m);
        rlc_fail(RLC_FAILED,
                 "%s: videos are made by the program ffmpeg, which cannot be started: %s; install it, or use "
                 "--gif or --png",
                 path, strerror(error));
        return NULL;
    }
    /* an ffmpeg that ends early is an error that close_mp4 reports, not the end of rlrun */
    m->old_handler = signal(SIGPIPE, SIG_IGN);
    return &m->base;
}

static rlc_status put_frame(rlc_film *film, const uint8_t *rgb) {
    mp4 *m = (mp4 *)film;
    film->frames++;
    if (fwrite(rgb, 3 * (size_t)film->width, (size_t)film->height, m->pipe) != (size_t)film->height) {
        return rlc_fail(RLC_FAILED, "ffmpeg has stopped reading pictures: %s", strerror(errno));
    }
    return RLC_OK;
}

static rlc_status close_mp4(rlc_film *film) {
    mp4 *m = (mp4 *)film;
    int status = 0;
    const bool lost = fclose(m->pipe) != 0;
    while (waitpid(m->ffmpeg, &status, 0) < 0 && errno == EINTR) {
    }
    signal(SIGPIPE, m->old_handler);
    if (lost || status != 0) {
        rlc_fail(RLC_FAILED, "ffmpeg has failed (%s %d); it may have said why above",
                 WIFEXITED(status) ? "exit status" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    free(m);
    return rlc_error_status();
}

const rlc_film_class rlrun_mp4_class = {.open = open_mp4, .frame = put_frame, .close = close_mp4};
