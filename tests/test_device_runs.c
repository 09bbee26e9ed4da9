/* Whole runs on another device: the numbers of the CPU, the same bits whatever the order of threads, lists replayed. */
#include "core/safetensors.h"
#include "tests/other_device.h"

/* Recipes, small and short, so that the host gets through. */
static const struct {
    const char *name, *arguments;
    const char *program, *lists; /* what one of its programs is to know in the end */
} runs[] = {
    {"on_host",
     "recipes/dqn.yaml env.device=cpu env.num_envs=5 collector.total_frames=3000 collector.init_random_frames=1000 "
     "eval.episodes=2",
     "update", "2 lists were unknown"},
    {"dqn", "recipes/dqn.yaml collector.total_frames=3000 collector.init_random_frames=1000 eval.episodes=2", "update",
     "2 lists were unknown"},
    {"per", "recipes/dqn_per.yaml collector.total_frames=2000 collector.init_random_frames=1000 eval.episodes=2",
     "update", "2 lists were unknown"},
    {"ppo", "tests/shapes/ppo.yaml collector.total_frames=4096", "update", "2 lists were unknown"},
    {"sac",
     "tests/shapes/sac.yaml eval.episodes=2 collector.total_frames=300 'modules.actor_net.num_cells=[32, 16]' "
     "'modules.qvalue.num_cells=[16, 32]'",
     "update", "1 lists were unknown"},
    {"td3",
     "tests/shapes/td3.yaml eval.episodes=2 collector.total_frames=300 'modules.actor.modules.0.num_cells=[32, 16]' "
     "'modules.qvalue.num_cells=[16, 32]'",
     "update", "2 lists were unknown"},
    /* an environment that runs on the host does not cut the list */
    {"plug-in",
     "examples/point_mass.yaml plugins.0=../" TEST_EXAMPLES "/point_mass.so collector.total_frames=2000 "
     "collector.frames_per_batch=50 collector.init_random_frames=0 eval.episodes=2",
     "collect", "1 lists were unknown, 1 were captured"},
};

static void run_on(int i, const char *device, const char *machine, const char *folder) {
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "%s log.every=500 --quiet --device %s --out %s", runs[i].arguments, device,
             in_work_folder(folder));
    setenv("RLC_LOG", "graph", 1);
    expect_on_machine(machine, arguments, 0, "");
    unsetenv("RLC_LOG");
}

/* In the log of the last run: what a program knew in the end. */
static void expect_replays(const char *name, const char *program, const char *lists) {
    char wanted[128], which[64];
    char *log = read_file(in_work_folder("log"), NULL), *last = NULL;
    assert_non_null(log);
    snprintf(which, sizeof which, "program '%s': ", program);
    for (char *at = log; (at = strstr(at, which)) != NULL; at++) {
        last = at;
    }
    assert_non_null(last);
    snprintf(wanted, sizeof wanted, "%s%s", which, lists);
    if (strncmp(last, wanted, strlen(wanted)) != 0) {
        fail_msg("%s: expected that at the end '%s', got '%.100s'", name, wanted, last);
    }
    free(log);
}

/* The numbers of two scalars.csv, which may differ by what the rounding of matrix products makes of them; on a GPU, which rounds
 * all of them in its own way, until that has made a run take another turn. */
static void expect_similar(const char *name, const char *folder_a, const char *folder_b) {
    char path[2][128];
    FILE *in[2];
    char line[2][256];
    int lines = 0;
    snprintf(path[0], sizeof path[0], "%s/scalars.csv", folder_a);
    snprintf(path[1], sizeof path[1], "%s/scalars.csv", folder_b);
    for (int i = 0; i < 2; i++) {
        in[i] = fopen(in_work_folder(path[i]), "r");
        assert_non_null(in[i]);
    }
    while (fgets(line[0], sizeof line[0], in[0]) != NULL) {
        assert_non_null(fgets(line[1], sizeof line[1], in[1]));
        char *value[2] = {strrchr(line[0], ','), strrchr(line[1], ',')};
        assert_memory_equal(line[0], line[1], (size_t)(value[0] - line[0]));
        if (lines++ > 0 && (is_emulated() || atof(line[0]) <= 1000)) {
            const double a = atof(value[0] + 1), b = atof(value[1] + 1);
            if (!(fabs(a - b) <= 0.02 * fabs(a) + 1e-3)) {
                fail_msg("%s, %.*s: %g on the CPU, %g there", name, (int)(value[0] - line[0]), line[0], a, b);
            }
        }
    }
    assert_null(fgets(line[1], sizeof line[1], in[1]));
    assert_true(lines > 3);
    fclose(in[0]);
    fclose(in[1]);
}

/* With the environment on the host, too, a batch is one list that is replayed, and nothing else in the run differs. */
static void test_environment_on_the_host(void **state) {
    (void)state;
    char arguments[512];
    static const char *const places[] = {"", "env.device=cpu"};
    for (int i = 0; i < 2; i++) {
        char folder[32];
        snprintf(folder, sizeof folder, "place_%d", i);
        snprintf(arguments, sizeof arguments,
                 "tests/shapes/ppo.yaml collector.total_frames=4096 %s --quiet --device %s --out %s", places[i],
                 parity_device(), in_work_folder(folder));
        setenv("RLC_LOG", "graph", 1);
        expect_on_machine("guard,late", arguments, 0, "");
        unsetenv("RLC_LOG");
        expect_replays(folder, "collect", "1 lists were unknown, 1 were captured, ");
    }
    expect_equal_files("place_0", "place_1", "scalars.csv");
    expect_equal_files("place_0", "place_1", "checkpoint.safetensors");
}

/* What cannot be captured is launched node by node, with the same numbers. */
static void test_nothing_can_be_captured(void **state) {
    (void)state;
    static const char *const machines[] = {"", "refuse"};
    char arguments[512];
    for (int i = 0; i < 2; i++) {
        snprintf(arguments, sizeof arguments,
                 "tests/shapes/ppo.yaml collector.total_frames=1024 --quiet --device %s --out %s", parity_device(),
                 in_work_folder(i == 0 ? "captured" : "refused"));
        setenv("RLC_LOG", "graph", 1);
        expect_on_machine(machines[i], arguments, 0,
                          i == 0 ? "has come twice: captured"
                                 : "CUDA cannot capture a list: operation failed due to a previous error during "
                                   "capture; it is launched node by node");
        unsetenv("RLC_LOG");
    }
    if (is_emulated()) {
        expect_replays("refused", "update", "2 lists were unknown, 0 were captured, 0 times one was replayed");
    }
    expect_equal_files("captured", "refused", "scalars.csv");
    expect_equal_files("captured", "refused", "checkpoint.safetensors");
}

/* Numbers of the log come late, but a checkpoint waits for them: the last one is of before they became none. */
static void test_lost_numbers(void **state) {
    (void)state;
    char arguments[512];
    rlc_safetensors *checkpoint;
    snprintf(arguments, sizeof arguments,
             "recipes/dqn.yaml collector.total_frames=3000 collector.init_random_frames=1000 "
             "'optim={type: SGD, lr: 1e6}' "
             "log.every=100 checkpoint.every=100 eval.every=100 eval.episodes=2 --quiet --device %s --out %s",
             parity_device(), in_work_folder("lost"));
    expect_rlrun(arguments, 1,
                 "loss.loss became nan before frame 1100; run again with RLC_CHECK_NAN=1 to see where it began");
    expect_ok(rlc_safetensors_open(in_work_folder("lost/checkpoint.safetensors"), &checkpoint));
    for (int i = 0; i < rlc_safetensors_count(checkpoint); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(checkpoint, i);
        for (size_t at = 0; entry->dtype == RLC_F32 && at + 4 <= entry->size; at += 4) {
            float value;
            memcpy(&value, (const char *)entry->data + at, 4);
            assert_true(isfinite(value));
        }
    }
    rlc_safetensors_close(checkpoint);
}

/* The same as on the CPU, but for rounding; the same bits whatever the order of threads, and however late the work is done;
 * and no lists that are unknown once the first rounds are over. */
static void test_runs(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(runs); i++) {
        char folder[3][32];
        for (int k = 0; k < 3; k++) {
            snprintf(folder[k], sizeof folder[k], "%s_%d", runs[i].name, k);
        }
        run_on(i, "cpu", "", folder[0]);
        run_on(i, parity_device(), "guard,late", folder[1]);
        expect_replays(runs[i].name, runs[i].program, runs[i].lists);
        expect_similar(runs[i].name, folder[0], folder[1]);
        run_on(i, parity_device(), "descending", folder[2]);
        expect_equal_files(folder[1], folder[2], "scalars.csv");
        expect_equal_files(folder[1], folder[2], "checkpoint.safetensors");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_runs, forget_machine),
        cmocka_unit_test_setup(test_environment_on_the_host, forget_machine),
        cmocka_unit_test_setup(test_nothing_can_be_captured, forget_machine),
        cmocka_unit_test_setup(test_lost_numbers, forget_machine),
    };
    return cmocka_run_group_tests_name("runs on another device", tests, open_all, close_all);
}
