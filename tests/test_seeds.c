/* Many seeds: their statistics against NumPy's, and rlrun --seeds: the same runs as one by one, also where they are
 * stopped or some of them fail. */
#include <cjson/cJSON.h>
#include <math.h>

#include "recipes/json.h"
#include "recipes/statistics.h"
#include "tests/command.h"

/* Long enough to be stopped behind its first checkpoint, and before its end. */
#define LONG "recipes/ppo.yaml collector.total_frames=81_920 checkpoint.every=4_096 eval.every=40_960 eval.episodes=4 "
#define SHORT "recipes/ppo.yaml collector.total_frames=4_096 eval.every=2_048 eval.episodes=4 "

static void expect_within(double value, double wanted, double bound) {
    if (!(fabs(value - wanted) <= bound)) {
        fail_msg("expected %.9g +- %g, got %.9g", wanted, bound, value);
    }
}

/* The last two numbers of each row: a million draws of NumPy's, so ours are close to them and not equal. */
static void test_statistics(void **state) {
    (void)state;
    const double values[] = {500, 500, (double)NAN, 450, 302, 500, 480, 12.5, 499};
    rlc_statistics s, again;
    expect_ok(rlc_statistics_of(values, RLC_COUNT(values), &s));
    assert_int_equal(s.count, 8);
    expect_within(s.mean, 405.4375, 1e-9);
    expect_within(s.std, 172.47141326, 1e-6);
    expect_within(s.iqm, 482.25, 1e-9);
    expect_within(s.smallest, 12.5, 0);
    expect_within(s.largest, 500, 0);
    expect_within(s.mean_low, 283.5625, 6);
    expect_within(s.mean_high, 493.375, 3);
    expect_within(s.iqm_low, 311.125, 15);
    expect_within(s.iqm_high, 500, 2);
    expect_ok(rlc_statistics_of(values, RLC_COUNT(values), &again));
    assert_memory_equal(&s, &again, sizeof s);
}

static void test_few_values(void **state) {
    (void)state;
    rlc_statistics s;
    expect_ok(rlc_statistics_of(NULL, 0, &s));
    assert_true(s.count == 0 && isnan(s.mean) && isnan(s.std) && isnan(s.iqm) && isnan(s.mean_low));
    expect_ok(rlc_statistics_of((double[]){3}, 1, &s));
    assert_true(s.count == 1 && s.mean == 3 && s.iqm == 3 && isnan(s.std) && isnan(s.iqm_high));
    /* of five values the outer two of the middle three count three quarters */
    expect_ok(rlc_statistics_of((double[]){9, 1, 2, 4, 100}, 5, &s));
    expect_within(s.iqm, (0.75 * 2 + 4 + 0.75 * 9) / 2.5, 1e-12);
}

static void train(const char *arguments, const char *folder, int status, const char *text) {
    char all[2048];
    snprintf(all, sizeof all, "%s --out %s", arguments, in_work_folder(folder));
    expect_rlrun(all, status, text);
}

static void expect_same_run(const char *a, const char *b) {
    static const char *const files[] = {"recipe.yaml", "scalars.csv", "checkpoint.safetensors", "resume.safetensors"};
    for (int i = 0; i < RLC_COUNT(files); i++) {
        expect_equal_files(a, b, files[i]);
    }
}

static cJSON *read_json(const char *name) {
    cJSON *object;
    expect_ok(rlc__json_read(in_work_folder(name), &object));
    return object;
}

static void test_same_as_one_by_one(void **state) {
    (void)state;
    train(SHORT "--seed 4", "four", 0, "done");
    train(SHORT "--seeds 2..3,4 --jobs 2", "many", 0, "3 of 3 seeds: return ");
    expect_same_run("four", "many/seed-4");
    cJSON *aggregate = read_json("many/aggregate.json"), *summary = read_json("four/summary.json");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(aggregate, "recipe")), "ppo");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(aggregate, "seeds")), 3);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(aggregate, "missing")), 0);
    const cJSON *returns = cJSON_GetObjectItem(aggregate, "eval.return_mean");
    const cJSON *values = cJSON_GetObjectItem(returns, "values");
    double total = 0;
    for (int i = 0; i < 3; i++) {
        total += cJSON_GetArrayItem(values, i)->valuedouble;
    }
    expect_within(cJSON_GetArrayItem(values, 2)->valuedouble, rlc__json_get(summary, "eval.return_mean"), 0);
    expect_within(rlc__json_get(returns, "mean"), total / 3, 1e-9);
    /* nobody has solved it yet */
    assert_null(cJSON_GetObjectItem(aggregate, "train.solved_at_frames"));
    cJSON_Delete(aggregate);
    cJSON_Delete(summary);
}

static void test_stopped_and_resumed(void **state) {
    (void)state;
    char arguments[1024];
    snprintf(arguments, sizeof arguments, LONG "--seeds 1..3 --jobs 1 --out %s", in_work_folder("stopped"));
    pid_t child = start_rlrun(arguments);
    await(in_work_folder("stopped/seed-1/resume.safetensors"));
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(finish_rlrun(child), 130);
    assert_true(exists(in_work_folder("stopped/seed-1/resume.safetensors")));
    assert_false(exists(in_work_folder("stopped/seed-1/summary.json")));
    assert_false(exists(in_work_folder("stopped/seed-2")));
    cJSON *aggregate = read_json("stopped/aggregate.json");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(aggregate, "missing")), 3);
    cJSON_Delete(aggregate);
    snprintf(arguments, sizeof arguments, "resume %s --jobs 2", in_work_folder("stopped"));
    expect_rlrun(arguments, 0, "3 of 3 seeds: return ");
    for (int seed = 1; seed <= 3; seed += 2) {
        char name[32], other[32];
        snprintf(arguments, sizeof arguments, LONG "--seed %d", seed);
        snprintf(name, sizeof name, "whole-%d", seed);
        snprintf(other, sizeof other, "stopped/seed-%d", seed);
        train(arguments, name, 0, "done");
        expect_same_run(name, other);
    }
}

/* A file where one seed's folder should be. */
static void test_one_fails(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_work_folder("fails"), 0777), 0);
    FILE *file = fopen(in_work_folder("fails/seed-2"), "w");
    assert_non_null(file);
    fclose(file);
    train(SHORT "--seeds 1..3 --jobs 3", "fails", 1, "1 of 3 seeds failed; seed 2: ");
    cJSON *aggregate = read_json("fails/aggregate.json");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(aggregate, "missing")), 1);
    const cJSON *returns = cJSON_GetObjectItem(aggregate, "eval.return_mean");
    assert_true(cJSON_IsNull(cJSON_GetArrayItem(cJSON_GetObjectItem(returns, "values"), 1)));
    cJSON_Delete(aggregate);
}

static void test_mistakes(void **state) {
    (void)state;
    train(SHORT "--seeds 1..2", "taken", 0, "2 of 2 seeds");
    train(SHORT "--seeds 2..3", "taken", 2, "seed-2: there is a run here already");
    train(SHORT "--seeds 2..3 --overwrite", "taken", 0, "2 of 2 seeds");
    train(SHORT "--seeds 1..2 loss.foo=1", "never", 2, "unknown option 'foo'");
    assert_false(exists(in_work_folder("never")));
    static const char *const wrong[] = {"a",  "3..1", "1..",      "..2", "1,,2", "1,",
                                        ",1", "-1",   "1..20000", "1.5", "1...3"};
    for (int i = 0; i < RLC_COUNT(wrong); i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, SHORT "--seeds %s", wrong[i]);
        train(arguments, "never", 2, "--seeds must be like 1..5");
    }
    train(SHORT "--seeds 1,2,1", "never", 2, "1 is there twice");
    train(SHORT "--seeds 1..2 --seed 3", "never", 2, "seed=3 and --seeds");
    train(SHORT "--jobs 2", "never", 2, "--jobs goes with --seeds");
    train(SHORT "--seeds 1..2 --jobs 0", "never", 2, "--jobs must be 1 to");
    expect_rlrun("check recipes/ppo.yaml --seeds 1..2", 2, "check does not take --seeds");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics),         cmocka_unit_test(test_few_values),
        cmocka_unit_test(test_same_as_one_by_one), cmocka_unit_test(test_stopped_and_resumed),
        cmocka_unit_test(test_one_fails),          cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests_name("seeds", tests, make_work_folder, remove_work_folder);
}
