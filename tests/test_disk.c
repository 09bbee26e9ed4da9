/* A disk that is full, and signals while files are written: what was there before is whole, and a run goes on from it. A
 * limit on the size of files stands for the disk: beyond it writes fail as they do on a full one.
 */
#include "tests/command.h"

/* The run that others are compared with, and that they go on with. */
#define RUN                                                                                                            \
    "recipes/dqn.yaml --quiet --seed 5 collector.total_frames=6_000 log.every=200 eval.episodes=3 "                    \
    "collector.init_random_frames=500 buffer.capacity=2_000 env.max_episode_steps=50 modules.value_net.num_cells=[8] "

static const char *const files[] = {"scalars.csv", "checkpoint.safetensors", "resume.safetensors"};

static const char *run_in(const char *folder, const char *more) {
    static char arguments[1024];
    snprintf(arguments, sizeof arguments, RUN "checkpoint.every=300 --out %s %s", in_work_folder(folder), more);
    return arguments;
}

static const char *resume(const char *folder) {
    static char arguments[512];
    snprintf(arguments, sizeof arguments, "resume %s --quiet", in_work_folder(folder));
    return arguments;
}

static const char *file_in(const char *folder, const char *file) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return in_work_folder(path);
}

static int reference(void **state) {
    if (make_work_folder(state) != 0) {
        return -1;
    }
    expect_rlrun(run_in("whole", ""), 0, "");
    return 0;
}

static void expect_equal_run(const char *folder) {
    for (int i = 0; i < RLC_COUNT(files); i++) {
        expect_equal_files("whole", folder, files[i]);
        char path[512];
        snprintf(path, sizeof path, "%s.tmp", file_in(folder, files[i]));
        assert_false(exists(path));
    }
}

static int64_t size_of(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

/* Stops a run once it has a checkpoint; a second signal would end it at once. */
static void stop_early(const char *folder) {
    pid_t child = start_rlrun(run_in(folder, ""));
    await(file_in(folder, "checkpoint.safetensors"));
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(finish_rlrun(child), 130);
}

/* Runs rlrun where no file can become larger than `bytes`. */
static void expect_limited(const char *arguments, int64_t bytes, const char *text) {
    struct rlimit old, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = (rlim_t)bytes;
    signal(SIGXFSZ, SIG_IGN); /* inherited: writes then fail with EFBIG */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    pid_t child = start_rlrun(arguments);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    int status = finish_rlrun(child);
    char *log = read_file(in_work_folder("log"), NULL);
    assert_non_null(log);
    if (status != 1 || strstr(log, text) == NULL) {
        fail_msg("rlrun %s: expected status 1 and '%s', got %d and: %s", arguments, text, status, log);
    }
    free(log);
}

static void test_full_at_a_checkpoint(void **state) {
    (void)state;
    stop_early("full");
    for (int i = 1; i < RLC_COUNT(files); i++) { /* room for the logs, and for one of the two files */
        size_t size, now;
        char *before = read_file(file_in("full", files[2]), &size), message[128];
        snprintf(message, sizeof message, "%s: could not be written: File too large; what was there before is kept",
                 files[2]);
        expect_limited(resume("full"), i == 1 ? size_of(file_in("full", files[2])) - 1 : 20000, message);
        char *after = read_file(file_in("full", files[2]), &now);
        assert_true(before != NULL && after != NULL && size == now && memcmp(before, after, size) == 0);
        free(before);
        free(after);
        assert_false(exists(file_in("full", "resume.safetensors.tmp")));
    }
    expect_rlrun(resume("full"), 0, "");
    expect_equal_run("full");
}

/* Lines of a log that are lost end the run at its next checkpoint, which would count on them. */
static void test_full_at_a_log(void **state) {
    (void)state;
    stop_early("lines");
    expect_limited(resume("lines"), size_of(file_in("lines", "scalars.csv")) + 20,
                   "scalars.csv: could not be written: ");
    assert_false(exists(file_in("lines", "summary.json")));
    expect_rlrun(resume("lines"), 0, "");
    expect_equal_run("lines");
}

static void test_full_from_the_start(void **state) {
    (void)state;
    expect_limited(run_in("none", ""), 100, "recipe.yaml: could not be written: File too large");
    assert_false(exists(file_in("none", "recipe.yaml")));
    assert_false(exists(file_in("none", "recipe.yaml.tmp")));
    expect_rlrun(run_in("none", ""), 0, ""); /* what is there is no run */
    expect_equal_run("none");
}

/* What a command says is its result, too. */
static void test_full_standard_output(void **state) {
    (void)state;
    static const char *const commands[] = {"check recipes/dqn.yaml", "list", "list DQNLoss", "devices"};
    for (int i = 0; i < RLC_COUNT(commands); i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "%s >/dev/full", commands[i]);
        expect_rlrun(arguments, 1, "rlrun: standard output could not be written");
    }
}

static void expect_whole(const char *folder) {
    for (int i = 1; i < RLC_COUNT(files); i++) {
        rlc_safetensors *file = NULL;
        if (exists(file_in(folder, files[i]))) {
            expect_ok(rlc_safetensors_open(file_in(folder, files[i]), &file));
            rlc_safetensors_close(file);
        }
    }
}

/* Sends signals to a run that saves all the time, at moments that move; each time it goes on from there. */
static void stop_again_and_again(const char *folder, int number, int times) {
    pid_t child = start_rlrun(run_in(folder, "checkpoint.every=60"));
    await(file_in(folder, "checkpoint.safetensors"));
    for (int i = 0; i < times; i++) {
        nap(2 + 5 * i % 17);
        kill(child, number);
        int status = finish_rlrun(child);
        /* it was done, or saved before it stopped, or had not begun to train */
        assert_true(status == 0 || status == 130 || status == 1000 + number);
        expect_whole(folder);
        child = start_rlrun(resume(folder));
        nap(10);
    }
    assert_int_equal(finish_rlrun(child), 0);
    expect_equal_files("whole", folder, "scalars.csv");
    expect_equal_files("whole", folder, "checkpoint.safetensors");
    assert_false(exists(file_in(folder, "resume.safetensors.tmp")));
}

static void test_terminated_while_saving(void **state) {
    (void)state;
    stop_again_and_again("terminated", SIGTERM, 8);
}

static void test_killed_while_saving(void **state) {
    (void)state;
    stop_again_and_again("killed", SIGKILL, 8);
}

/* The second signal does not wait for the batch, nor for a checkpoint under way. */
static void test_signalled_twice(void **state) {
    (void)state;
    pid_t child = start_rlrun(run_in("twice", "checkpoint.every=60"));
    await(file_in("twice", "checkpoint.safetensors"));
    kill(child, SIGTERM);
    nap(1);
    kill(child, SIGTERM);
    int status = finish_rlrun(child);
    assert_true(status == 130 || status == 1000 + SIGTERM);
    expect_whole("twice");
    expect_rlrun(resume("twice"), 0, "");
    expect_equal_files("whole", "twice", "checkpoint.safetensors");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_at_a_checkpoint),    cmocka_unit_test(test_full_at_a_log),
        cmocka_unit_test(test_full_from_the_start),     cmocka_unit_test(test_full_standard_output),
        cmocka_unit_test(test_terminated_while_saving), cmocka_unit_test(test_killed_while_saving),
        cmocka_unit_test(test_signalled_twice),
    };
    return cmocka_run_group_tests_name("full disks and signals", tests, reference, remove_work_folder);
}
