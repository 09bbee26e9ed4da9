/* Noise on continuous actions: AdditiveGaussianModule and OrnsteinUhlenbeckProcessModule. */
#include "tests/with_model.h"

#include "modules/state_dict.h"

/* A model of actions in [-2, 2], so many rows at once. */
static void new_model(int64_t rows) {
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION)),
             action = rlc_spec_bounded(RLC_SHAPE(2), -2, 2);
    rlc_model_free(model);
    expect_ok(rlc_model_new(world_registry(), test_device(), 5, &model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(rows));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(rows, WORLD_OBSERVATION)));
    rlc_dict_set(td, "action", rlc_zeros(RLC_F32, RLC_SHAPE(rows, 2)));
    rlc_dict_set(td, "is_init", rlc_zeros(RLC_BOOL, RLC_SHAPE(rows, 1)));
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
}

static int start(void **state) {
    start_without_model(state);
    new_model(WORLD_BATCH);
    return 0;
}

enum { ROWS = 50000 };

/* The noise on actions of 0 has this mean and deviation, within five standard errors; where `begins`, all rows start anew. */
static void expect_noise(rlc_module *m, bool begins, double mean, double deviation) {
    rlc_begin(p);
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "action", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, 2)));
    rlc_dict_set(td, "is_init", rlc_full(RLC_BOOL, RLC_SHAPE(ROWS, 1), begins));
    rlc_module_call(m, td);
    double *values = read_doubles(rlc_dict_get(td, "action")), sum = 0, squares = 0;
    for (int i = 0; i < 2 * ROWS; i++) {
        sum += values[i];
        squares += (values[i] - mean) * (values[i] - mean);
    }
    free(values);
    assert_true(fabs(sum / (2 * ROWS) - mean) < 5 * deviation / sqrt(2 * ROWS));
    assert_true(fabs(sqrt(squares / (2 * ROWS)) - deviation) < 5 * deviation / sqrt(4 * ROWS));
    expect_ok(rlc_end(p));
}

static void test_gaussian(void **state) {
    (void)state;
    rlc_module *m = world_add(
        model, "noise", "{type: AdditiveGaussianModule, sigma_init: 0.4, sigma_end: 0.2, annealing_num_steps: 100}");
    expect_ok(rlc_model_allocate(model));
    const double wanted[] = {0.4, 0.3, 0.2, 0.2};
    for (int i = 0; i < RLC_COUNT(wanted); i++) {
        expect_noise(m, false, 0, wanted[i]);
        rlc_begin(p);
        rlc_module_step(m, 50);
        expect_ok(rlc_end(p));
    }
}

static void anneal(rlc_module *m, int64_t frames) {
    rlc_begin(p);
    rlc_module_step(m, frames);
    expect_ok(rlc_end(p));
}

/* a + sigma N(mean, std): sigma scales both. */
static void test_gaussian_mean_and_std(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "noise",
                              "{type: AdditiveGaussianModule, sigma_init: 0.5, sigma_end: 0.1, annealing_num_steps: "
                              "200, mean: 0.4, std: 0.3}");
    expect_ok(rlc_model_allocate(model));
    expect_noise(m, false, 0.2, 0.15);
    anneal(m, 100);
    expect_noise(m, false, 0.12, 0.09);
}

/* After k steps without a pull the process has taken k kicks of sigma sqrt(dt) each; eps is a factor of what is added. */
static void test_ornstein_uhlenbeck_kicks(void **state) {
    (void)state;
    new_model(ROWS);
    rlc_module *m = world_add(model, "noise",
                              "{type: OrnsteinUhlenbeckProcessModule, sigma: 0.5, dt: 0.04, theta: 0, eps_init: 2, "
                              "eps_end: 2}");
    expect_ok(rlc_model_allocate(model));
    for (int k = 1; k <= 3; k++) {
        expect_noise(m, k == 1, 0, 2 * 0.1 * sqrt(k));
    }
    expect_noise(m, true, 0, 2 * 0.1); /* an episode begins: what was is forgotten */
}

/* Where it settles: the pull takes away as much as the kicks bring, (1 - theta dt)^2 v + sigma^2 dt = v. */
static void test_ornstein_uhlenbeck_settles(void **state) {
    (void)state;
    new_model(ROWS);
    rlc_module *m =
        world_add(model, "noise",
                  "{type: OrnsteinUhlenbeckProcessModule, sigma: 0.5, dt: 0.1, theta: 4, mu: 0.3, eps_init: "
                  "1, eps_end: 1}");
    expect_ok(rlc_model_allocate(model));
    double mean = 0, variance = 0;
    for (int k = 0; k < 12; k++) {
        mean += 4 * 0.1 * (0.3 - mean);
        variance = 0.6 * 0.6 * variance + 0.25 * 0.1;
        expect_noise(m, k == 0, mean, sqrt(variance));
    }
    assert_true(fabs(variance - 0.025 / 0.64) < 1e-4);
}

static void test_ornstein_uhlenbeck_anneals(void **state) {
    (void)state;
    new_model(ROWS);
    rlc_module *m =
        world_add(model, "noise",
                  "{type: OrnsteinUhlenbeckProcessModule, sigma: 0.4, sigma_min: 0.2, dt: 0.25, eps_init: 1, "
                  "eps_end: 0.5, annealing_num_steps: 100}");
    expect_ok(rlc_model_allocate(model));
    const double eps[] = {1, 0.75, 0.5, 0.5}, sigma[] = {0.4, 0.3, 0.2, 0.2};
    for (int i = 0; i < RLC_COUNT(eps); i++) {
        expect_noise(m, true, 0, eps[i] * sigma[i] * 0.5);
        anneal(m, 50);
    }
}

/* One call with `explore` on WORLD_BATCH rows of actions near a bound; the first row of them begins an episode. */
static double *act(rlc_module *m, rlc_exploration explore, double action) {
    rlc_begin(p);
    rlc_set_exploration(explore);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(WORLD_BATCH));
    rlc_dict_set(td, "action", rlc_full(RLC_F32, RLC_SHAPE(WORLD_BATCH, 2), action));
    rlc_dict_set(
        td, "is_init",
        rlc_from_data(RLC_BOOL, RLC_SHAPE(WORLD_BATCH, 1), (bool[WORLD_BATCH]){true, false, false, false, false}));
    rlc_module_call(m, td);
    double *values = read_doubles(rlc_dict_get(td, "action"));
    expect_ok(rlc_end(p));
    return values;
}

/* What the noise takes out of bounds comes back to the bound, on both sides. */
static void check_bounds(const char *options) {
    int at_high = 0, at_low = 0;
    new_model(WORLD_BATCH);
    rlc_module *m = world_add(model, "noise", options);
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < 40; i++) {
        double *values = act(m, RLC_EXPLORE_RANDOM, i % 2 == 0 ? 1.9 : -1.9);
        for (int k = 0; k < 2 * WORLD_BATCH; k++) {
            assert_true(values[k] >= -2 && values[k] <= 2);
            at_high += values[k] == 2;
            at_low += values[k] == -2;
        }
        free(values);
    }
    assert_true(at_high > 50 && at_low > 50);
}

/* Without random exploration actions are the policy's, and the process stays where it is. */
static void check_quiet(const char *options) {
    new_model(WORLD_BATCH);
    rlc_module *m = world_add(model, "noise", options);
    expect_ok(rlc_model_allocate(model));
    for (rlc_exploration e = RLC_EXPLORE_RANDOM; e <= RLC_EXPLORE_MEDIAN; e++) {
        double *values = act(m, e, 0.25);
        int changed = 0;
        for (int k = 0; k < 2 * WORLD_BATCH; k++) {
            changed += values[k] != 0.25;
        }
        free(values);
        assert_int_equal(changed, e == RLC_EXPLORE_RANDOM ? 2 * WORLD_BATCH : 0);
    }
}

static const char wild_gaussian[] = "{type: AdditiveGaussianModule, sigma_init: 5, sigma_end: 5}";
static const char wild_process[] = "{type: OrnsteinUhlenbeckProcessModule, sigma: 5, dt: 1, theta: 1, eps_end: 1}";

static void test_bounds(void **state) {
    (void)state;
    check_bounds(wild_gaussian);
    check_bounds(wild_process);
}

static void test_only_random_exploration(void **state) {
    (void)state;
    check_quiet(wild_gaussian);
    check_quiet(wild_process);
}

/* Only the rows that say so begin anew. */
static void test_rows_begin_by_themselves(void **state) {
    (void)state;
    rlc_module *m =
        world_add(model, "noise", "{type: OrnsteinUhlenbeckProcessModule, sigma: 0, x0: 1, mu: 0, theta: 0.5, dt: 1}");
    expect_ok(rlc_model_allocate(model));
    free(act(m, RLC_EXPLORE_RANDOM, 0)); /* the first row from 1 to 0.5, the others stay at 0 */
    rlc_tensor *n = NULL;
    for (int i = 0; i < model->state.count; i++) {
        n = strcmp(model->state.items[i].name, "modules.noise.state") == 0 ? model->state.items[i].tensor : n;
    }
    float values[2 * WORLD_BATCH];
    assert_non_null(n);
    for (int k = 0; k < 2 * WORLD_BATCH; k++) {
        values[k] = 0.8f;
    }
    expect_ok(rlc_tensor_write(n, values));
    double *got = act(m, RLC_EXPLORE_RANDOM, 0);
    for (int k = 0; k < 2 * WORLD_BATCH; k++) {
        assert_true(fabs(got[k] - (k < 2 ? 0.5 : 0.4)) < 1e-6);
    }
    free(got);
}

/* Where the process stands is each environment's: no part of what another run may load. */
static void test_ornstein_uhlenbeck_state_dict(void **state) {
    (void)state;
    rlc_arena arena = {0};
    rlc_named_tensor *list;
    int count;
    rlc_module *m = world_add(model, "noise", "{type: OrnsteinUhlenbeckProcessModule}");
    expect_ok(rlc_model_allocate(model));
    expect_ok(rlc_module_state_dict(m, &arena, &list, &count));
    assert_int_equal(count, 4); /* eps and sigma, and the frames that they count */
    for (int i = 0; i < count; i++) {
        assert_int_equal(list[i].tensor->numel, 1);
    }
    rlc_arena_free(&arena);
}

/* Without kicks the process returns to mu by itself: n <- n + theta (mu - n) dt, anew from x0 where an episode begins. */
static void test_ornstein_uhlenbeck_drifts(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "noise",
                              "{type: OrnsteinUhlenbeckProcessModule, sigma: 0, x0: 1, mu: 0.5, theta: 2, dt: 0.1}");
    expect_ok(rlc_model_allocate(model));
    double n = 1;
    for (int step = 0; step < 6; step++) {
        bool begins = step == 0 || step == 3;
        n = begins ? 1 : n;
        n += 2 * (0.5 - n) * 0.1;
        rlc_begin(p);
        rlc_set_exploration(RLC_EXPLORE_RANDOM);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(WORLD_BATCH));
        rlc_dict_set(td, "action", rlc_full(RLC_F32, RLC_SHAPE(WORLD_BATCH, 2), 0.25));
        rlc_dict_set(td, "is_init", rlc_full(RLC_BOOL, RLC_SHAPE(WORLD_BATCH, 1), begins));
        rlc_module_call(m, td);
        double wanted[2 * WORLD_BATCH];
        for (int i = 0; i < 2 * WORLD_BATCH; i++) {
            wanted[i] = 0.25 + n;
        }
        expect_elements("action", rlc_dict_get(td, "action"), 2 * WORLD_BATCH, wanted, 1e-6);
        expect_ok(rlc_end(p));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gaussian, start, free_model),
        cmocka_unit_test_setup_teardown(test_gaussian_mean_and_std, start, free_model),
        cmocka_unit_test_setup_teardown(test_ornstein_uhlenbeck_kicks, start, free_model),
        cmocka_unit_test_setup_teardown(test_ornstein_uhlenbeck_settles, start, free_model),
        cmocka_unit_test_setup_teardown(test_ornstein_uhlenbeck_anneals, start, free_model),
        cmocka_unit_test_setup_teardown(test_ornstein_uhlenbeck_drifts, start, free_model),
        cmocka_unit_test_setup_teardown(test_ornstein_uhlenbeck_state_dict, start, free_model),
        cmocka_unit_test_setup_teardown(test_bounds, start, free_model),
        cmocka_unit_test_setup_teardown(test_only_random_exploration, start, free_model),
        cmocka_unit_test_setup_teardown(test_rows_begin_by_themselves, start, free_model),
    };
    return cmocka_run_group_tests_name("exploration", tests, NULL, NULL);
}
