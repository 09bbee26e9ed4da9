/* Section pictures: what is written when, the same for a run that was stopped on the way, and what is refused. */
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
        cmocka_unit_test(test_resume),
    };
    return cmocka_run_group_tests_name("pictures", tests, make_work_folder, remove_work_folder);
}
