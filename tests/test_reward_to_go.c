/* Reward2Go against TorchRL's transform (tests/golden/reward_to_go.py), and what a recipe may say wrongly. */
#include "tests/with_model.h"

#include <stdio.h>

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_one_hot(2));
    return 0;
}

static rlc_dict *batch_of(int i) {
    rlc_shape column = golden("reward_to_go", "%d.reward", i)->shape, batch = column;
    batch.ndim--;
    rlc_dict *td = rlc_dict_new(batch);
    rlc_dict_set(td, "next.reward", golden_tensor("reward_to_go", "%d.reward", i));
    rlc_dict_set(td, "next.done", golden_tensor("reward_to_go", "%d.done", i));
    return td;
}

/* Without a baseline and with the batch's mean. */
static void expect_case(int i) {
    static const char *const baselines[] = {"none", "mean"}, *const wanted[] = {"to_go", "above_mean"};
    double *gamma = NULL;
    for (int k = 0; k < 2; k++) {
        char options[96], name[32];
        rlc_begin(p);
        gamma = read_doubles(golden_tensor("reward_to_go", "%d.gamma", i));
        expect_ok(rlc_end(p));
        snprintf(options, sizeof options, "{type: Reward2Go, gamma: %.9g, baseline: %s}", gamma[0], baselines[k]);
        free(gamma);
        snprintf(name, sizeof name, "case%d_%d", i, k);
        rlc_module *module = world_add(model, name, options);
        rlc_begin(p);
        rlc_dict *td = batch_of(i);
        rlc_module_call(module, td);
        expect_close(name, rlc_dict_get(td, "value_target"), golden("reward_to_go", "%d.to_go", i), 1e-5, 1e-5);
        expect_close(name, rlc_dict_get(td, "advantage"), golden("reward_to_go", "%d.%s", i, wanted[k]), 1e-5, 1e-5);
        expect_ok(rlc_end(p));
    }
}

static void test_against_torchrl(void **state) {
    (void)state;
    int count = 0;
    while (has_golden("reward_to_go", "%d.reward", count)) {
        expect_case(count++);
    }
    assert_int_equal(count, 30);
}

/* Unless told otherwise nothing is discounted and nothing is taken off. */
static void test_defaults(void **state) {
    (void)state;
    rlc_module *module = world_add(model, "plain", "{type: Reward2Go}");
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(4));
    rlc_dict_set(td, "next.reward", rlc_from_data(RLC_F32, RLC_SHAPE(4, 1), (float[]){1, 2, 4, 8}));
    rlc_dict_set(td, "next.done", rlc_from_data(RLC_BOOL, RLC_SHAPE(4, 1), (bool[]){false, true, false, false}));
    rlc_module_call(module, td);
    EXPECT(rlc_dict_get(td, "advantage"), 3, 2, 12, 8);
    expect_ok(rlc_end(p));
}

static void test_misuse(void **state) {
    (void)state;
    rlc_module *module = NULL;
    expect_error(rlc_model_add(model, "a", "{type: Reward2Go, gamma: 1.5}", &module), RLC_INVALID, "gamma");
    expect_error(rlc_model_add(model, "b", "{type: Reward2Go, baseline: median}", &module), RLC_INVALID, "median");
    expect_error(rlc_model_add(model, "c", "{type: Reward2Go, value_network: x}", &module), RLC_INVALID,
                 "unknown option 'value_network'");
    expect_error(rlc_model_add(model, "d", "{type: Reward2Go, in_keys: [next.reward, next.reward2]}", &module),
                 RLC_INVALID, "next.reward2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torchrl, start, free_model),
        cmocka_unit_test_setup_teardown(test_defaults, start, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start, free_model),
    };
    return cmocka_run_group_tests_name("rewards to go", tests, NULL, NULL);
}
