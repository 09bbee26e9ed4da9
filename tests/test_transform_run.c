/* Transforms in a whole run: what VecNorm has learned goes into checkpoints and evaluations, which leave it as it is; an
 * evaluation counts the environment's own reward; modules and `rlrun check` see specs as transforms leave them. */
#include "tests/command.h"

#include "recipes/run.h"

#define TRANSFORMS                                                                                                     \
    "env.transforms=[{type: VecNorm, in_keys: [observation], decay: 0.999}, {type: RewardScaling, loc: 0, scale: "     \
    "0.1}]"

static const char *const overrides[] = {TRANSFORMS, "collector.init_random_frames=200", "collector.total_frames=2_000",
                                        "eval.episodes=5"};

/* All numbers that transforms have learned, one after the other. */
static int learned(const rlc_env *env, double numbers[16]) {
    int count = 0;
    for (int i = 0; i < env->learned.count; i++) {
        rlc_tensor *tensor = env->learned.items[i].tensor;
        assert_true(count + tensor->numel <= 16);
        expect_ok(rlc_tensor_read(tensor, numbers + count));
        count += (int)tensor->numel;
    }
    return count;
}

static void test_evaluations_learn_nothing(void **state) {
    (void)state;
    rlc_run *run;
    double before[16], after[16], followed[16];
    expect_ok(rlc_run_load("recipes/dqn.yaml", overrides, RLC_COUNT(overrides), &run));
    for (int i = 0; i < 60; i++) {
        expect_ok(rlc_run_iterate(run));
    }
    assert_int_equal(learned(run->env, before), 4 + 4 + 1);
    assert_true(before[8] > 400 && before[8] < 602); /* steps, fading, and starts */
    rlc_evaluation first, second, later;
    expect_ok(rlc_run_evaluate(run, 5, true, &first));
    expect_ok(rlc_run_evaluate(run, 5, true, &second));
    learned(run->env, after);
    learned(run->eval_env, followed);
    assert_memory_equal(before, after, 9 * sizeof *before);
    assert_memory_equal(before, followed, 9 * sizeof *before);
    assert_memory_equal(first.returns, second.returns, 5 * sizeof *first.returns);
    assert_true(first.return_mean == first.length_mean); /* CartPole pays 1 a step; what is learned from is 0.1 */
    expect_ok(rlc_run_iterate(run));
    expect_ok(rlc_run_evaluate(run, 5, false, &later));
    learned(run->env, after);
    learned(run->eval_env, followed);
    assert_memory_equal(after, followed, 9 * sizeof *after);
    assert_true(after[8] > before[8]);
    free(first.returns);
    free(second.returns);
    rlc_run_free(run);
}

/* `rlrun eval` reads the statistics from the checkpoint: its result is that at the end of training. */
static void test_checkpoints_hold_statistics(void **state) {
    (void)state;
    char arguments[1024];
    snprintf(arguments, sizeof arguments,
             "recipes/dqn.yaml '" TRANSFORMS "' --quiet collector.init_random_frames=200 collector.total_frames=3_000 "
             "eval.episodes=7 --out %s",
             in_work_folder("run"));
    expect_rlrun(arguments, 0, "");
    rlc_safetensors *file;
    expect_ok(rlc_safetensors_open(in_work_folder("run/checkpoint.safetensors"), &file));
    const rlc_safetensors_entry *sum = rlc_safetensors_find(file, "env.transforms.0.observation_sum");
    assert_non_null(sum);
    assert_true(rlc_shape_equal(sum->shape, RLC_SHAPE(4)));
    rlc_safetensors_close(file);
    char *summary = read_file(in_work_folder("run/summary.json"), NULL), wanted[64];
    const char *eval = summary != NULL ? strstr(summary, "\"eval\"") : NULL;
    const char *mean = eval != NULL ? strstr(eval, "\"return_mean\":") : NULL;
    assert_non_null(mean);
    snprintf(wanted, sizeof wanted, "return_mean %.6g ", strtod(mean + strlen("\"return_mean\":"), NULL));
    free(summary);
    snprintf(arguments, sizeof arguments, "eval %s", in_work_folder("run"));
    expect_rlrun(arguments, 0, wanted);
}

static void test_specs(void **state) {
    (void)state;
    expect_rlrun("check recipes/dqn.yaml 'env.transforms=[{type: RewardSum}, {type: CatTensors, in_keys: [observation, "
                 "episode_reward], out_key: observation, del_keys: false}]'",
                 0, "observation [1, 5]");
    expect_rlrun("check recipes/dqn.yaml 'env.transforms=[{type: CatTensors, in_keys: [observation]}]' "
                 "modules.value_net.in_keys=[observation_vector]",
                 0, "observation_vector [1, 4]");
    expect_rlrun("check recipes/dqn.yaml 'env.transforms=[{type: CatTensors, in_keys: [observation]}]'", 2,
                 "observation_vector");
    expect_rlrun("list VecNorm", 0, "decay");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluations_learn_nothing),
        cmocka_unit_test(test_checkpoints_hold_statistics),
        cmocka_unit_test(test_specs),
    };
    return cmocka_run_group_tests_name("transforms in a run", tests, make_work_folder, remove_work_folder);
}
