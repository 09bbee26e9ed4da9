/* Every allocation fails once, in rlc and in the libraries it uses: what is under way ends with an error that speaks of
 * memory, leaks nothing, claims nothing that is not so, and the next try succeeds as if nothing had been.
 *
 * Arenas have tiny chunks here, so that each request of one is an allocation. One in many is failed; all of them with
 * RLC_TORTURE=1 (`make torture`), each alone and together with all that come after it.
 */
#include "tests/allocator.h"

#include <execinfo.h>
#include <sys/mman.h>

#include "modules/state_dict.h"
#include "recipes/files.h"
#include "tests/command.h"

#define SMALL                                                                                                          \
    "collector.frames_per_batch=4", "collector.total_frames=12", "collector.init_random_frames=4", "log.every=4",      \
        "checkpoint.every=8", "eval.episodes=2", "modules.value_net.num_cells=[3]", "buffer.batch_size=2",             \
        "env.max_episode_steps=3", "buffer.capacity=16"

static const char *const small[] = {SMALL};
static const char *const with_shapes[] = {"collector.frames_per_batch=8", "collector.total_frames=16",
                                          "train.minibatch_size=4", "train.epochs=1"};

static const char *const with_weights[] = {SMALL, "modules.value_net.num_cells=[16, 8]",
                                           "modules.value_net.state_dict=../tests/golden/state_dict_f16.safetensors"};

static char folder[512];

/* A disk takes its time, and what is not under test here is whether it keeps its word. */
int fsync(int file) {
    (void)file;
    return 0;
}

static rlc_status check_recipe(const char *path, const char *const *overrides, int count) {
    rlc_run *run = NULL;
    RLC_TRY(rlc_run_load(path, overrides, count, &run));
    rlc_status status = rlc_run_check(run);
    rlc_run_free(run);
    return status;
}

static rlc_status check_dqn(void) {
    return check_recipe("recipes/dqn.yaml", small, RLC_COUNT(small));
}

/* Minibatches without a buffer, an advantage. */
static rlc_status check_ppo(void) {
    return check_recipe("tests/shapes/ppo.yaml", with_shapes, RLC_COUNT(with_shapes));
}

/* Weights of 16 bits, and a list of names that do not fit. */
static rlc_status load_weights(void) {
    rlc_run *run = NULL;
    rlc_load_report report = {0};
    RLC_TRY(rlc_run_load("recipes/dqn.yaml", with_weights, RLC_COUNT(with_weights), &run));
    rlc_status status = rlc_module_load(rlc_run_module(run, "value_net"), "tests/golden/state_dict_torchrl.safetensors",
                                        "module.0.", RLC_STRICT, &report);
    if (report.unexpected.count == 4 && strstr(rlc_error(), "does not fit") != NULL) { /* as it should be */
        rlc_error_clear();
        status = RLC_OK;
    }
    rlc_load_report_free(&report);
    rlc_run_free(run);
    return status;
}

/* To the end, with logs, evaluations, checkpoints and the summary. */
static rlc_status train(void) {
    rlc_run *run = NULL;
    rlc_output *output = NULL;
    RLC_TRY(rlc_run_load("recipes/dqn.yaml", small, RLC_COUNT(small), &run));
    rlc_status status = rlc_output_create(run, folder, true, &output);
    if (status == RLC_OK) {
        output->quiet = true;
        status = rlc_run_train(run, output);
        rlc_status closed = rlc_output_close(output);
        status = status == RLC_OK ? closed : status;
    }
    rlc_run_free(run);
    return status;
}

/* Goes on from what `train` left: it is at its end, so that this loads and saves. */
static rlc_status resume(void) {
    rlc_run *run = NULL;
    rlc_output *output = NULL;
    char path[600];
    snprintf(path, sizeof path, "%s/recipe.yaml", folder);
    RLC_TRY(rlc_run_load(path, NULL, 0, &run));
    rlc_status status = rlc_output_resume(run, folder, &output);
    if (status == RLC_OK) {
        output->quiet = true;
        status = rlc_output_checkpoint(output, run);
        status = status == RLC_OK ? rlc_run_train(run, output) : status;
        rlc_status closed = rlc_output_close(output);
        status = status == RLC_OK ? closed : status;
    }
    rlc_run_free(run);
    return status;
}

static char *read_result(const char *name, size_t *size) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_file(path, size);
}

/* What a run that did not fail left behind, for those that say that they did not fail either. */
static const char *const results[] = {"recipe.yaml", "scalars.csv", "checkpoint.safetensors", "resume.safetensors"};
static struct {
    char *text;
    size_t size;
} wanted[RLC_COUNT(results)];

static void keep_results(void) {
    for (int i = 0; i < RLC_COUNT(results); i++) {
        wanted[i].text = read_result(results[i], &wanted[i].size);
        assert_non_null(wanted[i].text);
    }
}

static bool same_results(void) {
    bool same = true;
    for (int i = 0; i < RLC_COUNT(results) && same; i++) {
        size_t size = 0;
        char *text = read_result(results[i], &size);
        same = text != NULL && size == wanted[i].size && memcmp(text, wanted[i].text, size) == 0;
        free(text);
    }
    return same;
}

/* Whatever was under way, a file with this name is whole. */
static bool whole(const char *name) {
    rlc_safetensors *file = NULL;
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bool good = access(path, F_OK) != 0 || rlc_safetensors_open(path, &file) == RLC_OK;
    rlc_safetensors_close(file);
    rlc_error_clear();
    return good;
}

typedef struct workload {
    const char *name;
    rlc_status (*run)(void);
    bool writes;
} workload;

/* Where the allocation that failed last was asked for. */
static void *calls[40];
static int num_calls;
static void note_calls(void) {
    num_calls = backtrace(calls, RLC_COUNT(calls));
}

/* Whether the allocation that failed last was asked for below a function of that name. */
static bool below(const char *function) {
    for (int i = 0; i < num_calls; i++) {
        Dl_info info;
        if (dladdr(calls[i], &info) != 0 && info.dli_sname != NULL && strcmp(info.dli_sname, function) == 0) {
            return true;
        }
    }
    return false;
}

static int complain(const workload *w, long number, const char *what) {
    print_error("%s, allocation %ld%s: %s; status %d, '%s'\n", w->name, number, fail_after ? " and all behind it" : "",
                what, rlc_error_status(), rlc_error());
    fflush(NULL);
    backtrace_symbols_fd(calls, num_calls, STDERR_FILENO);
    return 1;
}

static rlc_status run_failing(const workload *w, long number) {
    rlc_error_clear();
    num_failed = 0;
    fail_at = allocations + number;
    rlc_status status = w->run();
    fail_at = 0;
    return status;
}

/* Fails one allocation of a workload; *reached says whether it has as many. */
static int fail_one(const workload *w, long number, bool *reached) {
    long before = live;
    rlc_status status = run_failing(w, number);
    if (live != before) { /* a message may have listed keys, whose names are kept for good; but only once */
        before = live;
        status = run_failing(w, number);
    }
    *reached = num_failed > 0;
    if (live != before) {
        return complain(w, number, "leaks");
    }
    /* the loader does without, or says in its own words that there is no plug-in */
    const bool loading = below("dlopen");
    if (status != RLC_OK && !loading && (status != RLC_FAILED || strstr(rlc_error(), "memory") == NULL)) {
        return complain(w, number, "does not say what happened");
    }
    if (status == RLC_OK && (rlc_error_status() != RLC_OK || (w->writes && !same_results()))) {
        return complain(w, number, "claims to have succeeded");
    }
    /* a file without a buffer is slow and nothing else */
    if (status == RLC_OK && *reached && !w->writes && !loading && !below("_IO_file_doallocate")) {
        return complain(w, number, "went on without");
    }
    if (w->writes && !(whole("resume.safetensors") && whole("checkpoint.safetensors"))) {
        return complain(w, number, "leaves half a file");
    }
    return 0;
}

/* In a process of its own, because a crash must not end the test; *number is shared with it. */
static int fail_many(const workload *w, long stride, bool after, long *number) {
    int failures = 0;
    bool reached = true;
    fail_after = after;
    for (*number = 1; reached && failures < 20; *number += stride) {
        failures += fail_one(w, *number, &reached);
        if (w->writes && !reached) {
            failures += w->run() != RLC_OK || !same_results();
        }
    }
    return failures;
}

static void torture(const workload *w, long most) {
    long *number = mmap(NULL, sizeof *number, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(number != MAP_FAILED);
    for (int i = 0; i < 2; i++) { /* keys are interned, libraries set themselves up, the loader at its second turn */
        expect_ok(w->run());
    }
    long before = allocations, kept = live;
    expect_ok(w->run());
    long count = allocations - before;
    assert_int_equal(live, kept);
    if (w->writes) {
        keep_results();
    }
    bool all = rlc_getenv_flag("RLC_TORTURE");
    for (int after = 0; after < 2; after++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL); /* cmocka's handlers would go on with the next test */
            signal(SIGABRT, SIG_DFL);
            _exit(fail_many(w, all ? 1 : count / most + 1, after, number));
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status)) {
            print_error("%s, allocation %ld: ended by signal %d\n", w->name, *number, WTERMSIG(status));
        }
        assert_int_equal(status, 0);
    }
    print_message("%s: %ld allocations\n", w->name, count);
    munmap(number, sizeof *number);
}

static void test_check(void **state) {
    (void)state;
    torture(&(workload){"check dqn", check_dqn, false}, 700);
    torture(&(workload){"check ppo", check_ppo, false}, 500);
    torture(&(workload){"load weights", load_weights, false}, 300);
}

static void test_train(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", in_work_folder("run"));
    torture(&(workload){"train", train, true}, 300);
    torture(&(workload){"resume", resume, true}, 300);
}

static int set_up(void **state) {
    void *first[4];
    backtrace(first, RLC_COUNT(first)); /* loads a library, once */
    on_failure = note_calls;
    rlc__arena_growth = (rlc__growth){.unit = 64, .factor = 0};
    return make_work_folder(state);
}

/* With an argument only the test of that name. */
int main(int argc, char **argv) {
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_check, fresh_start),
        cmocka_unit_test_setup(test_train, fresh_start),
    };
    return cmocka_run_group_tests_name("torture", tests, set_up, remove_work_folder);
}
