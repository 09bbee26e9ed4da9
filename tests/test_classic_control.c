/* Pendulum, Acrobot and both MountainCars against Gymnasium: one step from 100,000 random states each
 * (tests/golden/NAME.py, with states drawn as tests/golden/draws.py draws them), resets, bounds of actions. */
#include "tests/with_env.h"

#include <stdio.h>

enum { COUNT = 100000 };

static const float pi = 3.14159265358979f;

/* One column of draws: word `word` of block i. */
static float uniform(uint64_t key, int i, int word, float low, float high) {
    return rlc_between(rlc_philox(key, (uint64_t)i, 0).word[word], low, high);
}

static rlc_env *make(const char *type, int64_t rows, const char *more) {
    char options[128];
    snprintf(options, sizeof options, "{type: %s, num_envs: %lld%s}", type, (long long)rows, more);
    return world_env(1, options);
}

/* Steps all rows from `state`, an array [state_size][num_envs], and returns the step's dict. */
static rlc_dict *step_from(const float *state, rlc_tensor *action) {
    rlc_assign(env->states, rlc_from_data(RLC_F32, rlc_shape_of(env->states), state));
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", action);
    rlc_env_step(env, td);
    return td;
}

static void expect_near(const char *what, int row, double got, double wanted, double tolerance) {
    if (!(fabs(got - wanted) <= tolerance * (1 + fabs(wanted)))) {
        fail_msg("%s of row %d is %.9g, wanted %.9g", what, row, got, wanted);
    }
}

static const float *golden_floats(const char *file, const char *name) {
    return golden(file, name)->data;
}

/* `wanted` holds 0, 1, or 2 where float32 and float64 may disagree, at most `unknown` times. Both values must be met. */
static void expect_flags(const rlc_dict *td, const uint8_t *wanted, int unknown) {
    double *ended = read_doubles(rlc_dict_get(td, "next.terminated"));
    double *truncated = read_doubles(rlc_dict_get(td, "next.truncated"));
    double *done = read_doubles(rlc_dict_get(td, "next.done"));
    int count[3] = {0};
    for (int i = 0; i < COUNT; i++) {
        assert_true(wanted[i] == 2 || ended[i] == wanted[i]);
        assert_true(truncated[i] == 0 && done[i] == ended[i]);
        count[wanted[i]]++;
    }
    assert_true(count[0] > COUNT / 100 && count[1] > COUNT / 100 && count[2] <= unknown);
    free(ended);
    free(truncated);
    free(done);
}

static void test_pendulum(void **unused) {
    (void)unused;
    static float state[3][COUNT], torque[COUNT];
    for (int i = 0; i < COUNT; i++) {
        state[0][i] = uniform(11, i, 0, -10, 10);
        state[1][i] = uniform(11, i, 1, -8, 8);
        torque[i] = uniform(11, i, 2, -3, 3);
    }
    env = make("Pendulum", COUNT, "");
    rlc_begin(p);
    const rlc_dict *td = step_from(state[0], rlc_from_data(RLC_F32, RLC_SHAPE(COUNT, 1), torque));
    const float *angle = golden_floats("pendulum", "angle"), *spin = golden_floats("pendulum", "spin");
    double *got = read_doubles(rlc_dict_get(td, "next.observation"));
    double *done = read_doubles(rlc_dict_get(td, "next.done"));
    for (int i = 0; i < COUNT; i++) {
        expect_near("cosine", i, got[3 * i], cos((double)angle[i]), 1e-5);
        expect_near("sine", i, got[3 * i + 1], sin((double)angle[i]), 1e-5);
        expect_near("spin", i, got[3 * i + 2], (double)spin[i], 1e-5);
        assert_true(done[i] == 0);
    }
    rlc_tensor *reward = rlc_dict_get(td, "next.reward");
    expect_shape(reward, RLC_F32, RLC_SHAPE(COUNT, 1));
    expect_close("reward", rlc_reshape(reward, RLC_SHAPE(COUNT)), golden("pendulum", "reward"), 1e-5, 1e-5);
    free(got);
    free(done);
    expect_ok(rlc_end(p));
}

static void check_mountain_car(const char *type, const char *file, const float *state, rlc_tensor *action) {
    const rlc_dict *td = step_from(state, action);
    expect_close(type, rlc_dict_get(td, "next.observation"), golden(file, "state"), 1e-5, 1e-6);
    expect_flags(td, golden(file, "terminated")->data, 20);
    rlc_tensor *reward = rlc_dict_get(td, "next.reward");
    if (has_golden(file, "reward")) {
        /* a hundred too much or too little where the flag is not known */
        rlc_tensor *known = rlc_ne(golden_tensor(file, "terminated"), rlc_full(RLC_U8, RLC_SHAPE(1), 2));
        rlc_tensor *wanted = golden_tensor(file, "reward");
        rlc_tensor *off = rlc_absolute_error(rlc_reshape(reward, RLC_SHAPE(COUNT)), wanted);
        rlc_tensor *allowed = rlc_add_scalar(rlc_mul_scalar(rlc_abs(wanted), 1e-5), 1e-5);
        assert_true(rlc_item(rlc_any(rlc_logical_and(known, rlc_gt(off, allowed)), RLC_ALL, false)) == 0);
    } else {
        assert_true(rlc_item(rlc_min(reward, RLC_ALL, false)) == -1 && rlc_item(rlc_max(reward, RLC_ALL, false)) == -1);
    }
}

static void test_mountain_car(void **unused) {
    (void)unused;
    static float state[2][COUNT];
    static int64_t action[COUNT];
    for (int i = 0; i < COUNT; i++) {
        state[0][i] = uniform(14, i, 0, -1.2f, 0.6f);
        state[1][i] = uniform(14, i, 1, -0.07f, 0.07f);
        action[i] = rlc_below(rlc_philox(14, (uint64_t)i, 0).word[2], 3);
    }
    env = make("MountainCar", COUNT, ", action_encoding: categorical");
    rlc_begin(p);
    check_mountain_car("MountainCar", "mountain_car", state[0], rlc_from_data(RLC_I64, RLC_SHAPE(COUNT), action));
    expect_ok(rlc_end(p));
}

static void test_mountain_car_continuous(void **unused) {
    (void)unused;
    static float state[2][COUNT], force[COUNT];
    for (int i = 0; i < COUNT; i++) {
        state[0][i] = uniform(15, i, 0, -1.2f, 0.6f);
        state[1][i] = uniform(15, i, 1, -0.07f, 0.07f);
        force[i] = uniform(15, i, 2, -1.5f, 1.5f);
    }
    env = make("MountainCarContinuous", COUNT, "");
    rlc_begin(p);
    check_mountain_car("MountainCarContinuous", "mountain_car_continuous", state[0],
                       rlc_from_data(RLC_F32, RLC_SHAPE(COUNT, 1), force));
    expect_ok(rlc_end(p));
}

/* With speeds up to the bounds (every eighth row) one step multiplies the rounding of a state by up to a thousand, so
 * that a float32 step cannot always be within 1e-5: how often it is not, and by how much, is bounded. */
static void check_acrobot_rows(const double *got) {
    const float *angle = golden_floats("acrobot", "angle"), *spin = golden_floats("acrobot", "spin");
    int off = 0;
    for (int i = 0; i < COUNT; i++) {
        int link = i % 2; /* whose angle the file holds */
        const double wanted[4] = {cos((double)angle[i]), sin((double)angle[i]), (double)spin[2 * i],
                                  (double)spin[2 * i + 1]};
        const double values[4] = {got[6 * i + 2 * link], got[6 * i + 2 * link + 1], got[6 * i + 4], got[6 * i + 5]};
        bool far = false;
        for (int k = 0; k < 4; k++) {
            far |= fabs(values[k] - wanted[k]) > 1e-5 + 1e-5 * fabs(wanted[k]);
            expect_near("observation", i, values[k], wanted[k], i % 8 == 7 ? 5e-3 : 1e-5);
        }
        off += far;
    }
    assert_true(off < COUNT / 8 / 100);
}

static void test_acrobot(void **unused) {
    (void)unused;
    static float state[4][COUNT];
    static int64_t action[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const float high[4] = {pi, pi, 4 * pi, 9 * pi};
        for (int k = 0; k < 4; k++) {
            state[k][i] = (k < 2 || i % 8 == 7 ? 1.0f : 0.5f) * uniform(12, i, k, -high[k], high[k]);
        }
        action[i] = rlc_below(rlc_philox(13, (uint64_t)i, 0).word[0], 3);
    }
    env = make("Acrobot", COUNT, "");
    rlc_begin(p);
    rlc_tensor *index = rlc_from_data(RLC_I64, RLC_SHAPE(COUNT), action);
    const rlc_dict *td = step_from(state[0], rlc_spec_encode(&env->action, index));
    double *got = read_doubles(rlc_dict_get(td, "next.observation"));
    check_acrobot_rows(got);
    free(got);
    const uint8_t *wanted = golden("acrobot", "terminated")->data;
    expect_flags(td, wanted, 50);
    double *reward = read_doubles(rlc_dict_get(td, "next.reward"));
    for (int i = 0; i < COUNT; i++) {
        assert_true(wanted[i] == 2 || reward[i] == (wanted[i] != 0 ? 0 : -1));
    }
    free(reward);
    expect_ok(rlc_end(p));
}

/* The least and the largest of each number of the state over many resets must be the bounds, and the mean their middle. */
static void test_resets(void **unused) {
    (void)unused;
    enum { ROWS = 20000 };
    static const struct {
        const char *type;
        int size;
        float low[4], high[4];
    } cases[] = {
        {"Pendulum", 2, {-3.14159265f, -1}, {3.14159265f, 1}},
        {"Acrobot", 4, {-0.1f, -0.1f, -0.1f, -0.1f}, {0.1f, 0.1f, 0.1f, 0.1f}},
        {"MountainCar", 2, {-0.6f, 0}, {-0.4f, 0}},
        {"MountainCarContinuous", 2, {-0.6f, 0}, {-0.4f, 0}},
    };
    for (int c = 0; c < RLC_COUNT(cases); c++) {
        env = make(cases[c].type, ROWS, "");
        double *states = read_doubles(env->states);
        for (int k = 0; k < cases[c].size; k++) {
            double least = INFINITY, most = -INFINITY, sum = 0;
            for (int i = 0; i < ROWS; i++) {
                double x = states[k * ROWS + i];
                least = fmin(least, x);
                most = fmax(most, x);
                sum += x;
            }
            double low = (double)cases[c].low[k], high = (double)cases[c].high[k], width = high - low;
            assert_true(least >= low && least <= low + width / 1000 && most <= high && most >= high - width / 1000);
            /* five standard deviations */
            assert_true(fabs(sum / ROWS - (low + high) / 2) <= 5 * width / sqrt(12.0 * ROWS));
        }
        free(states);
        rlc_env_free(env);
        env = NULL;
    }
}

/* The torque is clipped in the cost too; the force of MountainCarContinuous only in the motion. */
static void test_actions_out_of_bounds(void **unused) {
    (void)unused;
    static const float pendulum[3][6] = {{0}}, car[2][4] = {{-0.5f, -0.5f, -0.5f, -0.5f}};
    env = make("Pendulum", 6, "");
    rlc_begin(p);
    const float torques[] = {2, 7, INFINITY, -2, -2.5f, -INFINITY};
    const rlc_dict *td = step_from(pendulum[0], rlc_from_data(RLC_F32, RLC_SHAPE(6, 1), torques));
    EXPECT(rlc_dict_get(td, "next.reward"), -0.004, -0.004, -0.004, -0.004, -0.004, -0.004);
    rlc_tensor *spin = rlc_select(rlc_dict_get(td, "next.observation"), 1, 2);
    EXPECT(spin, 0.3, 0.3, 0.3, -0.3, -0.3, -0.3);
    expect_ok(rlc_end(p));
    rlc_env_free(env);
    env = make("MountainCarContinuous", 4, "");
    rlc_begin(p);
    td = step_from(car[0], rlc_from_data(RLC_F32, RLC_SHAPE(4, 1), (float[]){1, 2, -1, -3}));
    EXPECT(rlc_dict_get(td, "next.reward"), -0.1, -0.4, -0.1, -0.9);
    double *speed = read_doubles(rlc_select(rlc_dict_get(td, "next.observation"), 1, 1));
    assert_true(speed[0] == speed[1] && speed[2] == speed[3] && speed[0] > 0 && speed[2] < 0);
    free(speed);
    expect_ok(rlc_end(p));
}

static void test_actions_that_are_no_numbers(void **unused) {
    (void)unused;
    static const char *const types[] = {"Pendulum", "MountainCarContinuous"};
    for (int c = 0; c < RLC_COUNT(types); c++) {
        for (int row = 0; row < 3; row++) {
            env = make(types[c], 3, "");
            float action[3] = {0};
            action[row] = NAN;
            rlc_begin(p);
            rlc_dict *td = rlc_env_kept(env);
            rlc_dict_set(td, "action", rlc_from_data(RLC_F32, RLC_SHAPE(3, 1), action));
            rlc_env_step(env, td);
            expect_error(rlc_end(p), RLC_FAILED, "an action is none of the environment's");
            rlc_env_free(env);
            env = NULL;
        }
    }
}

/* The wall stops the car; the goal needs a speed that is not negative. */
static void test_mountain_car_walls(void **unused) {
    (void)unused;
    static const char *const types[] = {"MountainCar", "MountainCarContinuous"};
    static const float state[2][4] = {{-1.19f, 0.59f, 0.52f, -1.2f}, {-0.07f, 0.07f, -0.01f, 0}};
    for (int c = 0; c < RLC_COUNT(types); c++) {
        env = make(types[c], 4, "");
        rlc_begin(p);
        rlc_tensor *action = c == 0 ? rlc_spec_encode(&env->action, rlc_full(RLC_I64, RLC_SHAPE(4), 1))
                                    : rlc_zeros(RLC_F32, RLC_SHAPE(4, 1));
        const rlc_dict *td = step_from(state[0], action);
        double *got = read_doubles(rlc_dict_get(td, "next.observation"));
        assert_true(got[0] == -1.2f && got[1] == 0 && got[2] == 0.6f && got[6] > -1.2f && got[7] > 0);
        free(got);
        EXPECT(rlc_dict_get(td, "next.terminated"), 0, 1, 0, 0);
        expect_ok(rlc_end(p));
        rlc_env_free(env);
        env = NULL;
    }
}

/* Left alone it spins for ever: the angle that is kept stays within one turn, so that nothing is lost. */
static void test_pendulum_keeps_its_angle_small(void **unused) {
    (void)unused;
    env = make("Pendulum", 2, ", max_episode_steps: 0");
    static const float state[3][2] = {{0, 3}, {8, -8}};
    rlc_begin(p);
    rlc_dict *td = step_from(state[0], rlc_full(RLC_F32, RLC_SHAPE(2, 1), 2));
    for (int t = 0; t < 500; t++) {
        td = rlc_step_mdp(td);
        rlc_dict_set(td, "action", rlc_full(RLC_F32, RLC_SHAPE(2, 1), 2));
        rlc_env_step(env, td);
    }
    double *angle = read_doubles(env->states);
    assert_true(fabs(angle[0]) < 3.6 && fabs(angle[1]) < 3.6);
    free(angle);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pendulum, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_mountain_car, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_mountain_car_continuous, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_acrobot, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_resets, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_actions_out_of_bounds, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_actions_that_are_no_numbers, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_mountain_car_walls, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_pendulum_keeps_its_angle_small, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("classic control", tests, NULL, NULL);
}
