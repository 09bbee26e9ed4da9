/* Noise on continuous actions: AdditiveGaussianModule and OrnsteinUhlenbeckProcessModule. */
#include "tests/with_model.h"

static int start(void **state) {
    start_without_model(state);
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION)),
             action = rlc_spec_bounded(RLC_SHAPE(2), -2, 2);
    model = world_model(5, action);
    rlc_begin(p);
    rlc_dict *td = rlc_dict_clone(model->example);
    rlc_dict_set(td, "is_init", rlc_zeros(RLC_BOOL, RLC_SHAPE(WORLD_BATCH, 1)));
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
    return 0;
}

enum { ROWS = 50000 };

/* The noise on actions of 0 has this mean and deviation, within five standard errors. */
static void expect_noise(rlc_module *m, double mean, double deviation) {
    rlc_begin(p);
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "action", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, 2)));
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
        expect_noise(m, 0, wanted[i]);
        rlc_begin(p);
        rlc_module_step(m, 50);
        expect_ok(rlc_end(p));
    }
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
        cmocka_unit_test_setup_teardown(test_ornstein_uhlenbeck_drifts, start, free_model),
    };
    return cmocka_run_group_tests_name("exploration", tests, NULL, NULL);
}
