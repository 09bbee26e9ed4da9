/* rlrun play: what a run has learned as a GIF, as PNGs, as a video, in a terminal; and runs in an environment that draws
 * itself. */
#include <cairo/cairo.h>
#include <gif_lib.h>
#include <math.h>
#include <pty.h>

#include "tests/stopped_run.h"

#define SHORT                                                                                                          \
    "recipes/dqn.yaml --quiet collector.total_frames=1_500 collector.init_random_frames=500 eval.every=1_000 "         \
    "eval.episodes=2 env.max_episode_steps=12 "

enum { HEIGHT = 400, WIDTH = 600, PICTURES = 2 * 13 }; /* two episodes of 12 steps at most, and where they start */

static int short_run(void **state) {
    if (make_work_folder(state) != 0) {
        return -1;
    }
    char arguments[512];
    snprintf(arguments, sizeof arguments, SHORT "--out %s", in_work_folder("run"));
    expect_rlrun(arguments, 0, "");
    return 0;
}

/* `rlrun play` of that run, with %s in `options` standing for the work folder. */
static const char *play(const char *options) {
    static char text[1024];
    int length = snprintf(text, sizeof text, "play %s/run ", work_folder);
    snprintf(text + length, sizeof text - (size_t)length, options, work_folder, work_folder);
    return text;
}

static int count_pictures(const char *folder) {
    int count = 0;
    char name[64];
    do {
        snprintf(name, sizeof name, "%s/%05d.png", folder, count);
    } while (exists(in_work_folder(name)) && ++count);
    return count;
}

static cairo_surface_t *read_picture(const char *folder, int index) {
    char name[64];
    snprintf(name, sizeof name, "%s/%05d.png", folder, index);
    cairo_surface_t *picture = cairo_image_surface_create_from_png(in_work_folder(name));
    assert_int_equal(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(picture), WIDTH);
    assert_int_equal(cairo_image_surface_get_height(picture), HEIGHT);
    return picture;
}

/* Lays a GIF's image over the canvas, [HEIGHT][WIDTH][3]. */
static void lay_over(uint8_t *canvas, const SavedImage *image) {
    const GifImageDesc *d = &image->ImageDesc;
    assert_non_null(d->ColorMap);
    assert_true(d->Left + d->Width <= WIDTH && d->Top + d->Height <= HEIGHT);
    for (int y = 0; y < d->Height; y++) {
        for (int x = 0; x < d->Width; x++) {
            const int index = image->RasterBits[y * d->Width + x];
            assert_true(index < d->ColorMap->ColorCount);
            const GifColorType c = d->ColorMap->Colors[index];
            memcpy(canvas + 3 * ((d->Top + y) * WIDTH + d->Left + x), (uint8_t[]){c.Red, c.Green, c.Blue}, 3);
        }
    }
}

/* A palette's cells are 8 levels wide. */
static void expect_same_picture(const uint8_t *canvas, cairo_surface_t *picture) {
    const uint8_t *row = cairo_image_surface_get_data(picture);
    for (int y = 0; y < HEIGHT; y++, row += cairo_image_surface_get_stride(picture)) {
        for (int x = 0; x < WIDTH; x++, canvas += 3) {
            for (int k = 0; k < 3; k++) {
                assert_true(abs(canvas[k] - row[4 * x + 2 - k]) < 8);
            }
        }
    }
}

static void test_gif_and_png(void **state) {
    (void)state;
    static uint8_t canvas[3 * WIDTH * HEIGHT];
    int error = 0;
    expect_rlrun(play("--gif %s/film.gif --png %s/pictures --episodes 2"), 0, "film.gif: ");
    GifFileType *gif = DGifOpenFileName(in_work_folder("film.gif"), &error);
    assert_non_null(gif);
    assert_int_equal(DGifSlurp(gif), GIF_OK);
    assert_int_equal(gif->SWidth, WIDTH);
    assert_int_equal(gif->SHeight, HEIGHT);
    assert_int_equal(gif->ImageCount, count_pictures("pictures"));
    assert_true(gif->ImageCount > 2 * 8 && gif->ImageCount <= PICTURES);
    for (int i = 0; i < gif->ImageCount; i++) {
        GraphicsControlBlock control;
        assert_int_equal(DGifSavedExtensionToGCB(gif, i, &control), GIF_OK);
        assert_int_equal(control.DelayTime, 2); /* hundredths: 50 a second */
        lay_over(canvas, &gif->SavedImages[i]);
        cairo_surface_t *picture = read_picture("pictures", i);
        expect_same_picture(canvas, picture);
        cairo_surface_destroy(picture);
    }
    assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
}

/* The same seed gives the same pictures, the evaluation's unless one is given; a folder is taken over as a whole. */
static void test_seeds(void **state) {
    (void)state;
    expect_rlrun(play("--png %s/a --episodes 2 --quiet"), 0, "");
    expect_rlrun(play("--png %s/b --seed 0 --quiet"), 0, "");
    expect_rlrun(play("--png %s/c --seed 8 --quiet"), 0, "");
    expect_equal_files("a", "b", "00005.png");
    size_t size_a, size_c;
    char *a = read_file(in_work_folder("a/00000.png"), &size_a), *c = read_file(in_work_folder("c/00000.png"), &size_c);
    assert_true(size_a != size_c || memcmp(a, c, size_a) != 0);
    free(a);
    free(c);
    const int two = count_pictures("a");
    expect_rlrun(play("--png %s/a --overwrite --quiet"), 0, "");
    assert_true(count_pictures("a") < two && count_pictures("a") == count_pictures("b"));
}

/* What rlrun said last of its episodes. */
static double said(const char *name) {
    char *log = read_file(in_work_folder("log"), NULL), *at = log != NULL ? strstr(log, name) : NULL;
    if (at == NULL) {
        fail_msg("'%s' was not said", name);
    }
    const double value = strtod(at + strlen(name), NULL);
    free(log);
    return value;
}

/* The episode that is shown first is the first of an evaluation, however many there are; another seed's is another one. */
static void test_shows_what_is_evaluated(void **state) {
    (void)state;
    char arguments[512];
    static const char *const ways[] = {"eval %s --episodes 1", "eval %s --episodes 2", "play %s --png %s --overwrite",
                                       "play %s --png %s --overwrite --seed 4"};
    double mean[4], length[4], spread = 0;
    snprintf(arguments, sizeof arguments,
             "recipes/ppo_pendulum.yaml --quiet collector.frames_per_batch=400 collector.total_frames=400 "
             "train.minibatch_size=100 env.max_episode_steps=60 eval.episodes=2 --out %s 'env.transforms=[{type: "
             "ActionScaling}, {type: FrameSkipTransform, frame_skip: 2}, {type: RewardScaling, loc: 0, scale: 3}]'",
             in_work_folder("pendulum"));
    expect_rlrun(arguments, 0, "");
    for (int i = 0; i < 4; i++) {
        snprintf(arguments, sizeof arguments, ways[i], in_work_folder("pendulum"), in_work_folder("swings"));
        expect_rlrun(arguments, 0, "episodes ");
        mean[i] = said("return_mean ");
        length[i] = said("length_mean ");
        spread = i == 1 ? said("return_std ") : spread;
    }
    assert_true(mean[2] == mean[0] && length[2] == length[0] && length[0] == 30);
    assert_true(fabs(fabs(mean[2] - mean[1]) - spread) <= 1e-5 * fabs(mean[2])); /* two lie so far from their mean */
    assert_true(spread > 1 && fabs(mean[3] - mean[2]) > 1);
}

/* A game's policy sees what it was trained on, not the picture that is shown: it catches most balls, while one that moves at
 * random gets -0.8. */
static void test_game(void **state) {
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments, "recipes/dqn_catch.yaml --quiet --out %s", in_work_folder("catch"));
    expect_rlrun(arguments, 0, "");
    snprintf(arguments, sizeof arguments, "play %s --png %s --episodes 5", in_work_folder("catch"),
             in_work_folder("balls"));
    expect_rlrun(arguments, 0, "episodes 5  return_mean ");
    assert_int_equal(count_pictures("balls"), 5 * 10);
    assert_true(said("return_mean ") > 0);
}

/* A program called ffmpeg that keeps its words and counts what it is given. */
static void make_ffmpeg(const char *script) {
    mkdir(in_work_folder("bin"), 0777);
    FILE *out = fopen(in_work_folder("bin/ffmpeg"), "w");
    assert_non_null(out);
    fputs(script, out);
    fclose(out);
    assert_int_equal(chmod(in_work_folder("bin/ffmpeg"), 0755), 0);
}

static void test_mp4(void **state) {
    (void)state;
    char old[4096], path[5000];
    snprintf(old, sizeof old, "%s", getenv("PATH"));
    snprintf(path, sizeof path, "%s:%s", in_work_folder("bin"), old);
    setenv("PATH", path, 1);
    make_ffmpeg("#!/bin/sh\nfor last; do :; done; printf '%s\\n' \"$@\" >\"$last\"; wc -c >>\"$last\"\n");
    expect_rlrun(play("--mp4 %s/film.mp4 --png %s/scenes"), 0, "film.mp4: ");
    char *words = read_file(in_work_folder("film.mp4"), NULL), wanted[64];
    snprintf(wanted, sizeof wanted, "\n%d\n", count_pictures("scenes") * HEIGHT * WIDTH * 3);
    assert_non_null(strstr(words, "600x400"));
    assert_non_null(strstr(words, "\n-r\n50\n"));
    assert_non_null(strstr(words, wanted));
    free(words);
    make_ffmpeg("#!/bin/sh\nexit 3\n");
    expect_rlrun(play("--mp4 %s/broken.mp4"), 1, "ffmpeg has");
    setenv("PATH", in_work_folder("nothing"), 1);
    char command[256];
    snprintf(command, sizeof command, "--mp4 %s/none.mp4", work_folder);
    expect_rlrun(play(command), 1, "by the program ffmpeg, which cannot be started: No such file");
    setenv("PATH", old, 1);
}

/* Whether the terminal drops output when Ctrl-C is typed. */
static bool drops_output(int terminal) {
    struct termios settings;
    assert_int_equal(tcgetattr(terminal, &settings), 0);
    return (settings.c_lflag & NOFLSH) == 0;
}

/* Runs `rlrun play --term` in a terminal of 40 x 12 and reads all that it writes; after `stop_after` bytes Ctrl-C is typed. */
static char *play_in_terminal(size_t stop_after, int *status) {
    const struct winsize size = {.ws_row = 12, .ws_col = 40};
    enum { ROOM = 1 << 22 };
    char *text = calloc(1, ROOM), command[2048];
    size_t length = 0;
    int terminal;
    bool stopped = false;
    assert_non_null(text);
    snprintf(command, sizeof command, "exec %s %s", TEST_RLRUN, play("--term --episodes 50"));
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (ssize_t count; (count = read(terminal, text + length, ROOM - 1 - length)) > 0; length += (size_t)count) {
        if (!stopped && length > stop_after) {
            assert_false(drops_output(terminal)); /* what brings the cursor back would now and then be lost */
            assert_int_equal(write(terminal, "\003", 1), 1);
            stopped = true;
        }
    }
    *status = finish_rlrun(child);
    assert_true(drops_output(terminal)); /* as it was before */
    close(terminal);
    return text;
}

static void test_terminal(void **state) {
    (void)state;
    int status;
    char *text = play_in_terminal(20000, &status);
    assert_int_equal(status, 130);
    assert_true(strncmp(text, "\033[?25l", 6) == 0);
    const char *shown = strstr(text, "\033[?25h"), *last = strrchr(text, '\033');
    assert_non_null(shown);
    assert_true(shown == last && strstr(shown, "stopped") != NULL);
    /* a picture of 33 x 22 pixels, which keeps its shape: eleven lines of half blocks */
    const char *picture = strstr(text, "\033[H"), *end = strstr(picture + 3, "\033[H");
    int lines = 0, blocks = 0;
    for (const char *at = picture; at < end; at++) {
        lines += *at == '\n';
        blocks += strncmp(at, "\xe2\x96\x80", 3) == 0;
    }
    assert_int_equal(lines, 11);
    assert_int_equal(blocks, 11 * 33);
    free(text);
}

static void test_mistakes(void **state) {
    (void)state;
    mkdir(in_work_folder("there"), 0777);
    fclose(fopen(in_work_folder("there.gif"), "w"));
    fclose(fopen(in_work_folder("file"), "w"));
    expect_rlrun(play(""), 2, "where are the pictures to go?");
    expect_rlrun(play("--gif %s/film.avi"), 2, "must end in .gif");
    expect_rlrun(play("--mp4 %s/film"), 2, "must end in .mp4");
    expect_rlrun(play("--gif %s/there.gif"), 2, "this file exists; give another one, or --overwrite");
    expect_rlrun(play("--png %s/there"), 2, "this folder exists; give another one, or --overwrite");
    expect_rlrun(play("--png %s/file"), 2, "this is a file; give a folder");
    expect_rlrun(play("--gif %s/nowhere/film.gif"), 1, "nowhere/film.gif: cannot be written: No such file");
    expect_rlrun(play("--png %s/file/pictures"), 1, "Not a directory");
    expect_rlrun(play("--gif"), 2, "--gif needs a value");
    expect_rlrun(play("--term"), 2, "standard output is not a terminal");
    expect_rlrun(play("--gif %s/x.gif --seed -1"), 2, "--seed must be 0 or a larger integer, not -1");
    expect_rlrun(play("--gif %s/x.gif --episodes 0"), 2, "--episodes must be 1 to");
    expect_rlrun(play("--gif %s/x.gif --jobs 2"), 2, "play does not take --jobs");
    expect_rlrun(play("--gif %s/x.gif loss.gamma=0.5"), 2, "play does not take loss.gamma=0.5");
    expect_rlrun("play", 2, "play what?");
    expect_rlrun("play nowhere --term", 2, "there is no such folder");
    expect_rlrun("play tests --term", 2, "there is no run in this folder");
    expect_rlrun("recipes/dqn.yaml --gif x.gif", 2, "train does not take --gif");
    expect_rlrun("check recipes/dqn.yaml env.pixels_only=true", 2, "pixels_only needs from_pixels: true");
    expect_rlrun("check recipes/dqn.yaml env.from_pixels=true --device cuda-host", 2,
                 "from_pixels: steps draw on the CPU");
    assert_false(exists(in_work_folder("x.gif")));
}

/* A run whose steps draw what it does not even look at goes on bit for bit. */
static void test_resume_with_pixels(void **state) {
    (void)state;
    char arguments[1024];
    static const char *const more = "env.from_pixels=true checkpoint.every=300 log.every=300";
    snprintf(arguments, sizeof arguments, SHORT "%s --out %s", more, in_work_folder("whole"));
    expect_rlrun(arguments, 0, "");
    snprintf(arguments, sizeof arguments, SHORT "%s --out %s", more, in_work_folder("killed"));
    assert_int_equal(stop_run(arguments, "killed", SIGKILL, "checkpoint.safetensors"), 1000 + SIGKILL);
    expect_rlrun(resume("killed"), 0, "from frame");
    expect_equal_runs("whole", "killed");
    expect_equal_files("whole", "run", "checkpoint.safetensors"); /* pictures change nothing */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gif_and_png),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_shows_what_is_evaluated),
        cmocka_unit_test(test_mp4),
        cmocka_unit_test(test_game),
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_resume_with_pixels),
    };
    return cmocka_run_group_tests_name("playing", tests, short_run, remove_work_folder);
}
