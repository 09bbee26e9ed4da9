/* In a steady state nothing is allocated, and a run stays small. */
#include <sys/resource.h>

#include "recipes/run.h"
#include "tests/allocator.h"
#include "tests/support.h"

/* Goes through `rounds` batches and their updates; returns what they allocated. */
static long allocations_of(rlc_run *run, int rounds) {
    long before = allocations;
    for (int i = 0; i < rounds; i++) {
        expect_ok(rlc_run_iterate(run));
    }
    return allocations - before;
}

static void check_recipe(const char *path, const char *const *overrides, int count) {
    rlc_run *run;
    expect_ok(rlc_run_load(path, overrides, count, &run));
    allocations_of(run, 120); /* random frames, the first updates, a target's: arenas and lists reach their size */
    assert_true(allocations > 0);
    assert_int_equal(allocations_of(run, 500), 0);
    rlc_run_free(run);
}

static void test_recipes(void **state) {
    (void)state;
    static const char *const overrides[] = {"collector.init_random_frames=100"};
    check_recipe("recipes/dqn.yaml", overrides, 1);
    check_recipe("recipes/double_dqn.yaml", overrides, 1);
    check_recipe("recipes/dueling_dqn.yaml", overrides, 1);
    check_recipe("recipes/dqn_per.yaml", overrides, 1);
    check_recipe("recipes/c51.yaml", overrides, 1);
    check_recipe("recipes/rainbow.yaml", overrides, 1);
    check_recipe("recipes/qr_dqn.yaml", overrides, 1);
    check_recipe("recipes/discrete_sac.yaml", overrides, 1);
    check_recipe("recipes/redq.yaml", overrides, 1);
}

/* Each optimiser with all that it can keep, clipping and a schedule. */
static void test_optimisers(void **state) {
    (void)state;
    static const char *const optimisers[] = {
        "optim={type: AdamW, lr: {type: cosine, from: 1e-3, warmup: 50}, amsgrad: true, max_grad_value: 1, "
        "max_grad_norm: 1}",
        "optim={type: SGD, lr: {type: step, from: 1e-3, step_size: 50}, momentum: 0.9, nesterov: true, max_grad_norm: "
        "1}",
        "optim={type: RMSprop, lr: {type: exponential, from: 1e-3, gamma: 0.999}, momentum: 0.9, centered: true}",
    };
    for (int i = 0; i < RLC_COUNT(optimisers); i++) {
        const char *overrides[] = {"collector.init_random_frames=100", optimisers[i]};
        check_recipe("recipes/dqn.yaml", overrides, 2);
    }
}

/* Minibatches of whole batches, ensembles, a delayed actor. */
static void test_other_shapes(void **state) {
    (void)state;
    static const char *const overrides[] = {"collector.total_frames=1_000_000"};
    static const char *const recipes[] = {"tests/shapes/ppo.yaml", "tests/shapes/sac.yaml", "tests/shapes/td3.yaml"};
    for (int i = 0; i < RLC_COUNT(recipes); i++) {
        rlc_run *run;
        expect_ok(rlc_run_load(recipes[i], overrides, RLC_COUNT(overrides), &run));
        allocations_of(run, i == 0 ? 3 : 110);
        assert_int_equal(allocations_of(run, i == 0 ? 5 : 50), 0);
        rlc_run_free(run);
    }
}

/* Losses that no recipe has: with data of their own policy they train as any other. */
static void test_other_losses(void **state) {
    (void)state;
    static const char *const losses[][2] = {
        {"tests/shapes/sac.yaml", "loss={type: CQLLoss, actor_network: actor, qvalue_network: qvalue, num_random: 2, "
                                  "with_lagrange: true, policy_eval_start: 5}"},
        {"tests/shapes/sac.yaml", "loss={type: IQLLoss, actor_network: actor, qvalue_network: qvalue, value_network: "
                                  "{type: ValueOperator, module: {type: MLP, out_features: 1, num_cells: [64]}}}"},
        {"recipes/discrete_sac.yaml",
         "loss={type: DiscreteIQLLoss, actor_network: actor, qvalue_network: qvalue, value_network: "
         "{type: ValueOperator, module: {type: MLP, out_features: 1, num_cells: [64]}}}"},
        {"recipes/dqn.yaml", "loss={type: DiscreteCQLLoss, value_network: policy}"},
    };
    for (int i = 0; i < RLC_COUNT(losses); i++) {
        const char *overrides[] = {losses[i][1], "optim={type: Adam, lr: 1e-3}", "buffer.batch_size=32",
                                   "collector.init_random_frames=20", "collector.total_frames=1_000_000"};
        rlc_run *run;
        expect_ok(rlc_run_load(losses[i][0], overrides, RLC_COUNT(overrides), &run));
        expect_ok(rlc_run_check(run));
        allocations_of(run, 120);
        assert_int_equal(allocations_of(run, 100), 0);
        rlc_run_free(run);
    }
}

/* Convolutions work in room of the program's. */
static void test_convolutions(void **state) {
    (void)state;
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(8, 4, 30, 30));
    rlc_tensor *w = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(16, 4, 5, 5));
    assert_true(x != NULL && w != NULL);
    expect_ok(rlc_requires_grad(x));
    expect_ok(rlc_requires_grad(w));
    long before = 0;
    for (int round = 0; round < 20; round++) {
        before = round == 5 ? allocations : before;
        rlc_begin(test_program());
        rlc_tensor *y = rlc_conv2d(x, w, NULL, (rlc_conv){.stride = {2, 2}, .padding = {1, 1}});
        rlc_backward(rlc_sum(rlc_max_pool2d(y, (rlc_pool){.kernel = {2, 2}}), RLC_ALL, false));
        expect_ok(rlc_end(test_program()));
    }
    assert_int_equal(allocations - before, 0);
    rlc_tensor_free(x);
    rlc_tensor_free(w);
}

static void test_evaluation_repeats(void **state) {
    (void)state;
    rlc_run *run;
    rlc_evaluation first, second;
    expect_ok(rlc_run_load("recipes/dqn.yaml", NULL, 0, &run));
    expect_ok(rlc_run_evaluate(run, 10, false, &first));
    allocations_of(run, 20); /* training in between does not move the starts */
    expect_ok(rlc_run_evaluate(run, 10, false, &second));
    assert_true(first.return_mean == second.return_mean && first.return_std == second.return_std);
    rlc_run_free(run);
}

static void test_resident_size(void **state) {
    (void)state;
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    print_message("largest resident size: %ld MB\n", usage.ru_maxrss / 1024);
    assert_true(usage.ru_maxrss < 100 * 1024);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipes),
        cmocka_unit_test(test_optimisers),
        cmocka_unit_test(test_other_losses),
        cmocka_unit_test(test_other_shapes),
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_evaluation_repeats),
        cmocka_unit_test(test_resident_size),
    };
    return cmocka_run_group_tests_name("steady state", tests, NULL, NULL);
}
