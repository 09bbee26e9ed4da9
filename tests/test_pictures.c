/* Section pictures: what is written when and what can be seen in it, the same for a run that was stopped on the way, and what
 * is refused. */
#include <cairo/cairo.h>

#include "tests/mistakes.h"
#include "tests/stopped_run.h"

#define GAN                                                                                                            \
    ENV "modules:\n  policy: {type: RandomPolicy}\n"                                                                   \
        "loss: {type: GANLoss, latent_dim: 5, generator: {type: MLP, num_cells: [8], out_features: 4}, "               \
        "discriminator: {type: MLP, num_cells: [8], out_features: 1}}\n"                                               \
        "collector: {type: Collector, policy: policy, frames_per_batch: 10, total_frames: 400}\n" BUFFER OPTIM
#define PICTURES(more) GAN "pictures: {module: loss.generator, rows: 3, columns: 2, " more "}\n"

static void test_refused(void **state) {
    (void)state;
    static const mistake cases[] = {
        {PICTURES("shape: [2, 2]"), NULL, 0, "loss.generator, 3 x 2 samples every 40 frames and at the end"},
        {PICTURES("every: 10"), NULL, 2, "@:8: pictures: option 'shape' is required"},
        {PICTURES("shape: [4]"), NULL, 2, "@:8: pictures: shape must be [height, width] or [3, height, width]\n"},
        {PICTURES("shape: [1, 2, 2]"), NULL, 2, "@:8: pictures: shape must be [height, width] or [3, height, width]\n"},
        {PICTURES("shape: [2, 3]"), NULL, 2,
         "@:8: pictures: loss.generator makes 4 numbers of each sample, but shape has room for 6\n"},
        {PICTURES("shape: [2, 2], low: 1"), NULL, 2, "@:8: pictures: low (1) must be below high (1)\n"},
        {GAN "pictures: {module: policy, shape: [2, 2]}\n", NULL, 2,
         "@:8: pictures: modules.policy reads 0 entries and writes 1; it must read one and write one\n"},
        {GAN "pictures: {module: painter, shape: [2, 2]}\n", NULL, 2, "'painter'"},
    };
    EXPECT_ANSWERS(cases);
}

static bool is_there(const char *name) {
    return access(in_work_folder(name), F_OK) == 0;
}

/* At each multiple of `every` and at the end; those of a run that is replaced go, what else lies there stays. */
static void test_names(void **state) {
    (void)state;
    static const char recipe[] = PICTURES("shape: [2, 2], every: 150");
    put("gan.yaml", recipe, strlen(recipe));
    expect_rlrun(filled("%/gan.yaml --quiet --out %/named"), 0, "");
    assert_true(is_there("named/pictures/000000150.png") && is_there("named/pictures/000000300.png"));
    assert_true(is_there("named/pictures/000000400.png") && !is_there("named/pictures/000000390.png"));
    put("named/pictures/mine.png", "", 0);
    expect_rlrun(filled("%/gan.yaml pictures.every=200 --quiet --overwrite --out %/named"), 0, "");
    assert_true(!is_there("named/pictures/000000150.png") && is_there("named/pictures/000000200.png"));
    assert_true(is_there("named/pictures/mine.png"));
}

/* Runs the recipe for a few frames and reads the picture of its end. Acrobot is seen as six numbers. */
static cairo_surface_t *picture_of(const char *options, int height, int width) {
    char arguments[512];
    snprintf(arguments, sizeof arguments,
             "%s --quiet --overwrite --out %s env.type=Acrobot loss.generator.out_features=6 collector.total_frames=20 "
             "%s",
             filled("%/gan.yaml"), filled("%/seen"), options);
    expect_rlrun(arguments, 0, "");
    cairo_surface_t *picture = cairo_image_surface_create_from_png(in_work_folder("seen/pictures/000000020.png"));
    assert_int_equal(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(picture), width);
    assert_int_equal(cairo_image_surface_get_height(picture), height);
    return picture;
}

/* Red, green or blue. */
static int shade(cairo_surface_t *picture, int y, int x, int colour) {
    const uint8_t *row = cairo_image_surface_get_data(picture) + y * cairo_image_surface_get_stride(picture);
    uint32_t pixel;
    memcpy(&pixel, row + 4 * x, sizeof pixel);
    return (int)(pixel >> (16 - 8 * colour) & 255);
}

enum { SAMPLES = 6, NUMBERS = 6, LINE_SHADE = 128 };
typedef int shades[SAMPLES][NUMBERS];

/* Samples of six grey rows below each other. */
static void read_column(const char *options, shades numbers) {
    char more[256];
    snprintf(more, sizeof more, "pictures.rows=6 pictures.columns=1 'pictures.shape=[6, 1]' %s", options);
    cairo_surface_t *picture = picture_of(more, 6 * 7 - 1, 1);
    for (int y = 0; y < 6 * 7 - 1; y++) {
        const int here = shade(picture, y, 0, 0);
        assert_true(here == shade(picture, y, 0, 1) && here == shade(picture, y, 0, 2));
        if (y % 7 == 6) {
            assert_int_equal(here, LINE_SHADE);
        } else {
            numbers[y / 7][y % 7] = here;
        }
    }
    cairo_surface_destroy(picture);
}

/* Samples of [3, h, w] in two rows of three: first what is red, then what is green, then what is blue. */
static void read_tiles(const char *options, int h, int w, shades numbers) {
    char more[256];
    const int height = 2 * (h + 1) - 1, width = 3 * (w + 1) - 1;
    snprintf(more, sizeof more, "pictures.rows=2 pictures.columns=3 'pictures.shape=[3, %d, %d]' %s", h, w, options);
    cairo_surface_t *picture = picture_of(more, height, width);
    for (int i = 0; i < height * width * 3; i++) {
        const int y = i / 3 / width, x = i / 3 % width, c = i % 3, row = y % (h + 1), column = x % (w + 1);
        if (row == h || column == w) {
            assert_int_equal(shade(picture, y, x, c), LINE_SHADE);
        } else {
            numbers[y / (h + 1) * 3 + x / (w + 1)][(c * h + row) * w + column] = shade(picture, y, x, c);
        }
    }
    cairo_surface_destroy(picture);
}

/* What the generator makes, number by number: where it goes in grey and in colours, and its shade. */
static void test_what_is_seen(void **state) {
    (void)state;
    static const char recipe[] = PICTURES("shape: [6, 1], every: 20");
    shades grey, fainter, middling, wide, high, black, white;
    int least = 255, most = 0;
    put("gan.yaml", recipe, strlen(recipe));
    read_column("pictures.low=-2 pictures.high=2", grey);
    read_column("pictures.low=-2 pictures.high=6", fainter);
    read_column("pictures.low=-1000 pictures.high=1000", middling);
    read_tiles("pictures.low=-2 pictures.high=2", 1, 2, wide);
    read_tiles("pictures.low=-2 pictures.high=2", 2, 1, high);
    read_column("pictures.low=1000 pictures.high=1001", black);
    read_column("pictures.low=-1001 pictures.high=-1000", white);
    for (int k = 0; k < SAMPLES * NUMBERS; k++) {
        const int i = k / NUMBERS, n = k % NUMBERS, one = grey[i][n];
        least = one < least ? one : least;
        most = one > most ? one : most;
        assert_true(wide[i][n] == one && high[i][n] == one);
        assert_true(abs(one - 2 * fainter[i][n]) <= 1);    /* of a range twice as wide */
        assert_true(middling[i][n] == 127 + (one >= 128)); /* all near 127.5, rounded as they are above or below */
        assert_true(black[i][n] == 0 && white[i][n] == 255);
    }
    assert_true(least > 0 && most < 255 && most - least > 20);
}

/* Pictures take nothing of a run's randomness, and are the same wherever it was stopped. */
static void test_resume(void **state) {
    (void)state;
    static const char recipe[] = PICTURES("shape: [2, 2], every: 20_000");
    const char *more = "collector.total_frames=60_000 checkpoint.every=2_000 --quiet";
    char arguments[512];
    put("gan.yaml", recipe, strlen(recipe));
    snprintf(arguments, sizeof arguments, "%s %s --out %s", filled("%/gan.yaml"), more, filled("%/whole"));
    expect_rlrun(arguments, 0, "");
    snprintf(arguments, sizeof arguments, "%s %s --out %s", filled("%/gan.yaml"), more, filled("%/stopped"));
    assert_int_equal(stop_run(arguments, "stopped", SIGTERM, "pictures/000020000.png"), 130);
    expect_rlrun(resume("stopped"), 0, "");
    expect_equal_runs("whole", "stopped");
    expect_equal_files("whole", "stopped", "pictures/000040000.png");
    expect_equal_files("whole", "stopped", "pictures/000060000.png");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_seen),
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests_name("pictures", tests, make_work_folder, remove_work_folder);
}
