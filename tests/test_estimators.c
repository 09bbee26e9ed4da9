/* The modules that write advantages: against TorchRL's (tests/golden/values.py), and what a recipe may say wrongly. */
#include "tests/with_model.h"

#include <stdio.h>

#include "objectives/values.h"

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_one_hot(2));
    return 0;
}

/* A linear critic and these estimators, with the golden weights. */
static void build(const char *const *options, int count, rlc_module **estimators) {
    world_add(model, "critic", "{type: Linear, out_keys: [state_value], out_features: 1}");
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "a%d", i);
        estimators[i] = world_add(model, name, options[i]);
    }
    expect_ok(rlc_model_allocate(model));
    rlc_tensor *weight = world_parameter(model, "modules.critic.weight");
    rlc_tensor *bias = world_parameter(model, "modules.critic.bias");
    expect_ok(rlc_tensor_write(weight, golden("values", "module.weight")->data));
    expect_ok(rlc_tensor_write(bias, golden("values", "module.bias")->data));
}

static rlc_dict *golden_batch(void) {
    static const char *const keys[] = {"observation", "next.observation", "next.reward", "next.done",
                                       "next.terminated"};
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(6, 11));
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        rlc_dict_set(td, keys[i], golden_tensor("values", "module.%s", keys[i]));
    }
    return td;
}

/* What TorchRL's module of that name wrote. */
static void expect_golden(const char *name, const rlc_dict *td) {
    static const char *const keys[] = {"advantage", "value_target", "state_value", "next.reward"};
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        char what[64];
        snprintf(what, sizeof what, "module.%s.%s", name, keys[i]);
        expect_close(what, rlc_dict_get(td, keys[i]), golden("values", "%s", what), 1e-5, 1e-5);
    }
}

static const struct {
    const char *name, *options;
} cases[] = {
    {"td0", "{type: TD0Estimator, value_network: critic, gamma: 0.9"},
    {"td0_average", "{type: TD0Estimator, value_network: critic, gamma: 0.9, average_rewards: true"},
    {"td1", "{type: TD1Estimator, value_network: critic, gamma: 0.9"},
    {"td1_average", "{type: TD1Estimator, value_network: critic, gamma: 0.9, average_rewards: true"},
    {"td_lambda", "{type: TDLambdaEstimator, value_network: critic, gamma: 0.9, lmbda: 0.8"},
    {"td_lambda_average",
     "{type: TDLambdaEstimator, value_network: critic, gamma: 0.9, lmbda: 0.8, average_rewards: true"},
    {"gae", "{type: GAE, value_network: critic, gamma: 0.9, lmbda: 0.8"},
    {"gae_average", "{type: GAE, value_network: critic, gamma: 0.9, lmbda: 0.8, average_gae: true"},
};
enum { CASES = RLC_COUNT(cases) };

/* With and without calling the network on the next states too. */
static void test_against_torchrl(void **state) {
    (void)state;
    static char texts[2 * CASES][160];
    const char *options[2 * CASES];
    rlc_module *estimators[2 * CASES];
    for (int i = 0; i < 2 * CASES; i++) {
        snprintf(texts[i], sizeof texts[i], "%s, shifted: %s}", cases[i / 2].options, i % 2 ? "true" : "false");
        options[i] = texts[i];
    }
    build(options, 2 * CASES, estimators);
    for (int i = 0; i < 2 * CASES; i++) {
        rlc_begin(p);
        rlc_dict *td = golden_batch();
        rlc_module_call(estimators[i], td);
        expect_golden(cases[i / 2].name, td);
        assert_null(rlc_dict_find(td, "next.state_value"));
        assert_false(rlc_dict_get(td, "advantage")->flags & RLC_REQUIRES_GRAD);
        assert_false(rlc_dict_get(td, "value_target")->flags & RLC_REQUIRES_GRAD);
        assert_false(rlc_dict_get(td, "state_value")->flags & RLC_REQUIRES_GRAD);
        expect_ok(rlc_end(p));
    }
}

/* The module is the function on what the network says of both ends of a step. */
static void test_against_the_function(void **state) {
    (void)state;
    rlc_module *gae;
    build(&(const char *){"{type: GAE, value_network: critic}"}, 1, &gae);
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_dict *td = golden_batch(), *now = rlc_dict_clone(td), *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    rlc_module_call(gae, td);
    rlc_module_call(gae->members[0], now);
    rlc_module_call(gae->members[0], next);
    rlc_trajectory steps = {rlc_dict_get(td, "next.reward"), rlc_dict_get(td, "next.done"),
                            rlc_dict_get(td, "next.terminated"), rlc_dict_get(now, "state_value"),
                            rlc_dict_get(next, "state_value")};
    rlc_tensor *target = NULL, *advantage = rlc_gae(&steps, 0.99, 0.95, &target);
    double *wanted = read_doubles(advantage), *wanted_target = read_doubles(target);
    expect_elements("advantage", rlc_dict_get(td, "advantage"), 66, wanted, 0);
    expect_elements("value_target", rlc_dict_get(td, "value_target"), 66, wanted_target, 0);
    free(wanted);
    free(wanted_target);
    expect_ok(rlc_end(p));
}

/* All done, nothing done, one step, one trajectory without a batch dimension beside time: the same either way. */
static void test_shifted_at_the_edges(void **state) {
    (void)state;
    static const char *const options[] = {"{type: GAE, value_network: critic}",
                                          "{type: GAE, value_network: critic, shifted: true}"};
    static const rlc_shape batches[] = {{2, {3, 7}}, {2, {3, 1}}, {1, {9}}, {3, {2, 2, 4}}};
    rlc_module *estimators[2];
    build(options, 2, estimators);
    for (int i = 0; i < 3 * RLC_COUNT(batches); i++) {
        rlc_begin(p);
        rlc_shape batch = batches[i / 3], column = rlc_shape_concat(batch, RLC_SHAPE(1)), later = batch;
        later.size[batch.ndim - 1]++; /* one state more than steps */
        rlc_tensor *x = rlc_sin(rlc_arange(RLC_F32, 4 * rlc_shape_numel(later)));
        x = rlc_reshape(x, rlc_shape_concat(later, RLC_SHAPE(4)));
        rlc_dict *td = rlc_dict_new(batch);
        rlc_dict_set(td, "observation", rlc_slice(x, -2, 0, batch.size[batch.ndim - 1]));
        rlc_dict_set(td, "next.observation", rlc_slice(x, -2, 1, batch.size[batch.ndim - 1]));
        rlc_dict_set(td, "next.reward", rlc_ones(RLC_F32, column));
        rlc_dict_set(td, "next.done", (i % 3 == 0 ? rlc_zeros : rlc_ones)(RLC_BOOL, column));
        rlc_dict_set(td, "next.terminated", (i % 3 == 2 ? rlc_ones : rlc_zeros)(RLC_BOOL, column));
        rlc_dict *shifted = rlc_dict_clone(td);
        rlc_module_call(estimators[0], td);
        rlc_module_call(estimators[1], shifted);
        double *wanted = read_doubles(rlc_dict_get(td, "advantage"));
        for (int64_t k = 0; k < rlc_shape_numel(batch); k++) {
            assert_true(isfinite(wanted[k]));
        }
        expect_elements("advantage", rlc_dict_get(shifted, "advantage"), (int)rlc_shape_numel(batch), wanted, 1e-6);
        free(wanted);
        expect_ok(rlc_end(p));
    }
}

static void expect_refusal(const char *name, const char *options, const char *message) {
    rlc_module *module = NULL;
    expect_error(rlc_model_add(model, name, options, &module), RLC_INVALID, message);
}

static void test_misuse(void **state) {
    (void)state;
    world_add(model, "q", "{type: Linear, out_keys: [action_value], out_features: 2}");
    world_add(model, "two", "{type: Linear, out_keys: [state_value], out_features: 2}");
    expect_refusal("a", "{type: GAE, value_network: q}",
                   "modules.a: value_network: modules.q does not write state_value, but action_value");
    expect_refusal("b", "{type: GAE, gamma: 1}", "value_network");
    expect_refusal("c", "{type: GAE, value_network: q, gamma: 1.5}", "gamma");
    expect_refusal("d", "{type: TD1Estimator, value_network: q, lmbda: 0.9}", "unknown option 'lmbda'");
    expect_refusal("e", "{type: GAE, value_network: two}",
                   "modules.e: gae: value has shape [5, 2], but reward has [5, 1]");
    expect_refusal("f", "{type: TD0Estimator, value_network: two}",
                   "modules.f: td0: next_value has shape [5, 2], but reward has [5, 1]");
    expect_refusal("g", "{type: TDLambdaEstimator, value_network: two}",
                   "modules.g: td_lambda: next_value has shape [5, 2], but reward has [5, 1]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torchrl, start, free_model),
        cmocka_unit_test_setup_teardown(test_against_the_function, start, free_model),
        cmocka_unit_test_setup_teardown(test_shifted_at_the_edges, start, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start, free_model),
    };
    return cmocka_run_group_tests_name("estimators of advantages", tests, NULL, NULL);
}
