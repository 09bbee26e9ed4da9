/* rlrun_term.c: pictures in a terminal, as fast as the environment's clock runs. A character shows two pixels, one above the
 * other: its upper half in the foreground's colour, the rest in the background's, both of 24 bits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "recipes/rlrun.h"

typedef struct terminal {
    rlc_film base;       /* first */
    int height, width;   /* in pixels of the terminal; the height is even */
    uint8_t *small;      /* the picture at that size */
    struct timespec due; /* when the next picture is to be shown */
    struct termios before;
    bool keeps_output; /* as long as it plays, where it was otherwise before */
} terminal;

#define HALF_BLOCK "\xe2\x96\x80"
#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define CLEAR "\033[2J"
#define HOME "\033[H"
#define PLAIN "\033[0m"

/* As large as fits, a line left free for what comes after; never larger than the picture. */
static void choose_size(terminal *t) {
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2 || size.ws_row < 2) {
        size = (struct winsize){.ws_col = 80, .ws_row = 24};
    }
    const int columns = size.ws_col, rows = 2 * (size.ws_row - 1);
    t->width = columns < t->base.width ? columns : t->base.width;
    t->height = (int)((int64_t)t->width * t->base.height / t->base.width);
    if (t->height > rows) {
        t->height = rows;
        t->width = (int)((int64_t)rows * t->base.width / t->base.height);
    }
    t->width = t->width > 0 ? t->width : 1;
    t->height = t->height > 2 ? t->height / 2 * 2 : 2;
}

/* A terminal throws away what it has not shown yet just after it has sent the signal of Ctrl-C, and might so swallow what
 * brings the cursor back. Only who has the terminal may change that. */
static void keep_output(terminal *t) {
    if (tcgetpgrp(STDOUT_FILENO) != getpgrp() || tcgetattr(STDOUT_FILENO, &t->before) != 0 ||
        (t->before.c_lflag & NOFLSH) != 0) {
        return;
    }
    struct termios now = t->before;
    now.c_lflag |= NOFLSH;
    t->keeps_output = tcsetattr(STDOUT_FILENO, TCSANOW, &now) == 0;
}

static rlc_film *open_terminal(const char *path, rlc_film film) {
    (void)path;
    if (!isatty(STDOUT_FILENO)) {
        rlc_fail(RLC_INVALID, "--term: standard output is not a terminal; use --gif F, --png DIR or --mp4 F");
        return NULL;
    }
    terminal *t = rlc_calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->base = film;
    choose_size(t);
    t->small = rlc_calloc((size_t)t->height * (size_t)t->width, 3);
    if (t->small == NULL) {
        free(t);
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &t->due);
    keep_output(t);
    fputs(HIDE_CURSOR CLEAR, stdout);
    return &t->base;
}

/* Each pixel of the terminal is the mean of those it stands for. */
static void shrink(const terminal *t, const uint8_t *rgb) {
    uint8_t *out = t->small;
    for (int y = 0; y < t->height; y++) {
        const int top = y * t->base.height / t->height, bottom = (y + 1) * t->base.height / t->height;
        for (int x = 0; x < t->width; x++, out += 3) {
            const int left = x * t->base.width / t->width, right = (x + 1) * t->base.width / t->width;
            unsigned sums[3] = {0}, count = 0;
            for (int v = top; v < bottom || v == top; v++) {
                for (int u = left; u < right || u == left; u++, count++) {
                    const uint8_t *pixel = rgb + 3 * ((int64_t)v * t->base.width + u);
                    for (int k = 0; k < 3; k++) {
                        sums[k] += pixel[k];
                    }
                }
            }
            for (int k = 0; k < 3; k++) {
                out[k] = (uint8_t)((sums[k] + count / 2) / count);
            }
        }
    }
}

/* Two rows of pixels; colours are said where they change. */
static void put_line(const terminal *t, const uint8_t *upper, const uint8_t *lower) {
    for (int x = 0; x < t->width; x++, upper += 3, lower += 3) {
        if (x == 0 || memcmp(upper, upper - 3, 3) != 0) {
            printf("\033[38;2;%d;%d;%dm", upper[0], upper[1], upper[2]);
        }
        if (x == 0 || memcmp(lower, lower - 3, 3) != 0) {
            printf("\033[48;2;%d;%d;%dm", lower[0], lower[1], lower[2]);
        }
        fputs(HALF_BLOCK, stdout);
    }
    fputs(PLAIN "\r\n", stdout);
}

static rlc_status put_frame(rlc_film *film, const uint8_t *rgb) {
    terminal *t = (terminal *)film;
    const size_t row = 3 * (size_t)t->width;
    shrink(t, rgb);
    fputs(HOME, stdout);
    for (int y = 0; y < t->height; y += 2) {
        put_line(t, t->small + (size_t)y * row, t->small + (size_t)(y + 1) * row);
    }
    if (fflush(stdout) != 0) {
        return rlc_fail(RLC_FAILED, "the terminal could not be written to: %s", strerror(errno));
    }
    t->due.tv_nsec += 1000000000 / film->frames_per_second;
    t->due.tv_sec += t->due.tv_nsec / 1000000000;
    t->due.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t->due, NULL); /* a signal ends it early, as it should */
    film->frames++;
    return RLC_OK;
}

static rlc_status close_terminal(rlc_film *film) {
    terminal *t = (terminal *)film;
    fputs(PLAIN SHOW_CURSOR, stdout);
    fflush(stdout);
    if (t->keeps_output) {
        tcsetattr(STDOUT_FILENO, TCSANOW, &t->before);
    }
    free(t->small);
    free(t);
    return rlc_error_status();
}

const rlc_film_class rlrun_term_class = {.open = open_terminal, .frame = put_frame, .close = close_terminal};
