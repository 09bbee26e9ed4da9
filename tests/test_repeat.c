/* A run repeats bit for bit: twice the same, and however it was stopped and resumed on the way. */
#include "tests/stopped_run.h"

/* Long enough to be caught in the middle, with several checkpoints, lines of the log and an evaluation. */
#define RUN                                                                                                      \
    "recipes/dqn.yaml --quiet --seed 3 collector.total_frames=60_000 checkpoint.every=10_000 log.every=3_000 "   \
    "eval.every=20_000 eval.episodes=5 modules.explore.annealing_num_steps=30_000 collector.init_random_frames=2_000 "

static const char *run_with(const char *overrides, const char *folder) {
    static char arguments[1024];
    snprintf(arguments, sizeof arguments, RUN "%s --out %s", overrides, in_work_folder(folder));
    return arguments;
}

static const char *run_in(const char *folder) {
    return run_with("", folder);
}

/* The run that all others are compared with. */
static int reference(void **state) {
    if (make_work_folder(state) != 0) {
        return -1;
    }
    expect_rlrun(run_in("whole"), 0, "");
    return 0;
}

static void test_twice(void **state) {
    (void)state;
    expect_rlrun(run_in("twice"), 0, "");
    expect_equal_runs("whole", "twice");
}

static void test_other_seed(void **state) {
    (void)state;
    char arguments[1024];
    snprintf(arguments, sizeof arguments, RUN "--seed 4 --out %s", in_work_folder("other"));
    expect_rlrun(arguments, 0, "");
    size_t size;
    char *a = read_file(in_work_folder("whole/scalars.csv"), NULL), *b = read_file(in_work_folder("other/scalars.csv"), &size);
    assert_true(a != NULL && b != NULL && strcmp(a, b) != 0);
    free(a);
    free(b);
}

/* The resolved recipe that a run leaves repeats it. */
static void test_from_its_recipe(void **state) {
    (void)state;
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "%s --quiet --out %s", in_work_folder("whole/recipe.yaml"),
             in_work_folder("again"));
    expect_rlrun(arguments, 0, "");
    expect_equal_runs("whole", "again");
    expect_equal_files("whole", "again", "recipe.yaml");
}

static int stop_in(const char *folder, int signal_number, const char *once_there) {
    return stop_run(run_in(folder), folder, signal_number, once_there);
}

static void test_interrupted(void **state) {
    (void)state;
    assert_int_equal(stop_in("interrupted", SIGINT, "scalars.csv"), 130);
    assert_false(exists(in_work_folder("interrupted/summary.json")));
    expect_rlrun(resume("interrupted"), 0, "");
    expect_equal_runs("whole", "interrupted");
    expect_rlrun(resume("interrupted"), 0, "done"); /* at its end there is nothing left to do */
    expect_equal_runs("whole", "interrupted");
}

static void test_terminated(void **state) {
    (void)state;
    assert_int_equal(stop_in("terminated", SIGTERM, "resume.safetensors"), 130);
    expect_rlrun(resume("terminated"), 0, "");
    expect_equal_runs("whole", "terminated");
}

static void test_killed(void **state) {
    (void)state;
    assert_int_equal(stop_in("killed", SIGKILL, "checkpoint.safetensors"), 1000 + SIGKILL);
    expect_rlrun(resume("killed"), 0, "from frame");
    expect_equal_runs("whole", "killed");
}

/* Twice killed: once before its first checkpoint, so that it starts over, and once more behind it. */
static void test_killed_early(void **state) {
    (void)state;
    pid_t child = start_rlrun(run_in("early"));
    await(in_work_folder("early/recipe.yaml"));
    kill(child, SIGKILL);
    finish_rlrun(child);
    child = start_rlrun(resume("early"));
    await(in_work_folder("early/resume.safetensors"));
    kill(child, SIGKILL);
    finish_rlrun(child);
    expect_rlrun(resume("early"), 0, "");
    expect_equal_runs("whole", "early");
}

/* Runs once to the end, and once more killed at its first checkpoint and resumed. */
static void expect_resumable(const char *overrides, const char *name) {
    char whole[32], stopped[32], checkpoint[64];
    snprintf(whole, sizeof whole, "%s_whole", name);
    snprintf(stopped, sizeof stopped, "%s_stopped", name);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.safetensors", stopped);
    expect_rlrun(run_with(overrides, whole), 0, "");
    pid_t child = start_rlrun(run_with(overrides, stopped));
    await(in_work_folder(checkpoint));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(finish_rlrun(child), 1000 + SIGKILL);
    expect_rlrun(resume(stopped), 0, "from frame");
    expect_equal_runs(whole, stopped);
}

/* What the other optimisers keep, and schedules that keep nothing, go on as well. */
static void test_optimisers(void **state) {
    (void)state;
    expect_resumable("'optim={type: SGD, lr: {type: cosine, from: 1e-4, warmup: 5_000}, momentum: 0.9, dampening: 0.1, "
                     "max_grad_norm: 10}'",
                     "sgd");
    expect_resumable("'optim={type: RMSprop, lr: {type: step, from: 1e-4, step_size: 7_000}, momentum: 0.5, "
                     "centered: true, max_grad_value: 1}'",
                     "rmsprop");
    expect_resumable("'optim={type: AdamW, lr: {type: exponential, from: 1e-3, gamma: 0.9999}, amsgrad: true}'",
                     "adamw");
}

/* A prioritised buffer keeps its priorities, one of slices which there are and how far its weights have come, one of several steps those that wait,
 * and noisy layers where their noise is. */
static void test_buffers(void **state) {
    (void)state;
    expect_resumable("'buffer={type: PrioritizedReplayBuffer, capacity: 5_000, batch_size: 32, "
                     "annealing_num_steps: 4_000}'",
                     "prioritized");
    expect_resumable("'buffer={type: SliceReplayBuffer, capacity: 5_000, batch_size: 32, slice_len: 8, "
                     "strict_length: false}'",
                     "slices");
    expect_resumable("'buffer={type: PrioritizedReplayBuffer, capacity: 5_000, batch_size: 32, "
                     "multi_step: {n_steps: 7, gamma: 0.99}}' collector.frames_per_batch=4 "
                     "modules.value_net.layer=noisy",
                     "noisy");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twice),       cmocka_unit_test(test_other_seed), cmocka_unit_test(test_from_its_recipe),
        cmocka_unit_test(test_interrupted), cmocka_unit_test(test_terminated), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_killed_early),
        cmocka_unit_test(test_optimisers),
        cmocka_unit_test(test_buffers),
    };
    return cmocka_run_group_tests_name("runs repeat", tests, reference, remove_work_folder);
}
