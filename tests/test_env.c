/* CartPole against Gymnasium (tests/golden/cartpole.py), and what every batch of environments does: resets, flags, time
 * limits, actions. */
#include "tests/with_env.h"

#include <stdio.h>

/* Categorical actions, 0 and 1 in a pattern that differs from row to row and step to step. */
static rlc_tensor *pattern(int64_t rows, int step) {
    int64_t *index = calloc((size_t)rows, sizeof *index);
    assert_non_null(index);
    for (int64_t i = 0; i < rows; i++) {
        index[i] = (i * 7 + step * 5 + i * step % 3) % 3 == 0;
    }
    rlc_tensor *action = rlc_from_data(RLC_I64, RLC_SHAPE(rows), index);
    free(index);
    return action;
}

/* Steps with the pattern, encoded as the environment reads it. */
static rlc_dict *step(rlc_env *e, rlc_dict *td, int t) {
    rlc_dict_set(td, "action", rlc_spec_encode(&e->action, pattern(e->num_envs, t)));
    return rlc_env_step(e, td);
}

/* Overwrites the state of one row; a program need not be open. */
static void place(rlc_env *e, int64_t row, float x, float v, float angle, float spin) {
    const float values[] = {x, v, angle, spin};
    float *all = malloc((size_t)e->states->numel * sizeof *all);
    assert_non_null(all);
    expect_ok(rlc_tensor_read(e->states, all));
    for (int k = 0; k < 4; k++) {
        all[k * e->num_envs + row] = values[k];
    }
    expect_ok(rlc_tensor_write(e->states, all));
    free(all);
}

/* One step from 100,000 states at once, rows of the golden matrix becoming columns of the structure of arrays. */
static void check_against_gymnasium(const char *options) {
    const rlc_safetensors_entry *wanted = golden("cartpole", "next_state");
    int64_t n = wanted->shape.size[0];
    env = world_env(1, options);
    rlc_begin(p);
    rlc_assign(env->states, rlc_transpose(golden_tensor("cartpole", "state"), 0, 1));
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", rlc_spec_encode(&env->action, rlc_cast(golden_tensor("cartpole", "action"), RLC_I64)));
    rlc_env_step(env, td);
    expect_close("next state", rlc_dict_get(td, "next.observation"), wanted, 1e-5, 1e-6);
    rlc_tensor *reward = rlc_dict_get(td, "next.reward");
    expect_shape(reward, RLC_F32, RLC_SHAPE(n, 1));
    expect_close("reward", rlc_reshape(reward, RLC_SHAPE(n)), golden("cartpole", "reward"), 0, 0);
    double *ended = read_doubles(rlc_dict_get(td, "next.terminated"));
    double *truncated = read_doubles(rlc_dict_get(td, "next.truncated"));
    double *done = read_doubles(rlc_dict_get(td, "next.done"));
    const uint8_t *known = golden("cartpole", "terminated_known")->data;
    const uint8_t *terminated = golden("cartpole", "terminated")->data;
    int64_t compared = 0, count = 0;
    for (int64_t i = 0; i < n; i++) {
        assert_true(!known[i] || ended[i] == terminated[i]);
        assert_true(truncated[i] == 0 && done[i] == ended[i]);
        compared += known[i];
        count += terminated[i];
    }
    assert_true(compared > n - 100 && count > n / 10 && count < n * 9 / 10);
    free(ended);
    free(truncated);
    free(done);
    expect_ok(rlc_end(p));
}

static void test_step_against_gymnasium(void **state) {
    (void)state;
    check_against_gymnasium("{type: CartPole, num_envs: 100_000, action_encoding: categorical}");
    rlc_env_free(env);
    check_against_gymnasium("{type: CartPole, num_envs: 100_000, action_encoding: one_hot}");
}

static void test_specs_and_shapes(void **state) {
    (void)state;
    env = world_env(1, "{type: CartPole, num_envs: 3}");
    assert_int_equal(env->action.kind, RLC_SPEC_ONE_HOT); /* unless told otherwise */
    assert_int_equal(env->action.n, 2);
    assert_true(rlc_shape_equal(env->observation.shape, RLC_SHAPE(4)));
    rlc_begin(p);
    rlc_dict *td = rlc_env_reset(env), *root = step(env, td, 0);
    static const struct {
        const char *key;
        rlc_dtype dtype;
        int64_t columns;
    } entries[] = {{"observation", RLC_F32, 4},    {"done", RLC_BOOL, 1},      {"terminated", RLC_BOOL, 1},
                   {"truncated", RLC_BOOL, 1},     {"action", RLC_I64, 2},     {"next.observation", RLC_F32, 4},
                   {"next.reward", RLC_F32, 1},    {"next.done", RLC_BOOL, 1}, {"next.terminated", RLC_BOOL, 1},
                   {"next.truncated", RLC_BOOL, 1}};
    for (int i = 0; i < RLC_COUNT(entries); i++) {
        expect_shape(rlc_dict_get(td, entries[i].key), entries[i].dtype, RLC_SHAPE(3, entries[i].columns));
        bool stays = i < 4; /* the rest is not there when the next step starts */
        assert_true((rlc_dict_find(root, entries[i].key) != NULL) == stays);
    }
    assert_int_equal(td->count, 6);
    assert_int_equal(root->count, 4);
    EXPECT(rlc_dict_get(root, "done"), 0, 0, 0);
    expect_ok(rlc_end(p));
    rlc_program *shapes;
    expect_ok(rlc_program_new(test_device(), "shapes", &shapes));
    const rlc_dict *example = rlc_env_example(env, shapes);
    for (int i = 0; i < RLC_COUNT(entries); i++) {
        expect_shape(rlc_dict_get(example, entries[i].key), entries[i].dtype, RLC_SHAPE(3, entries[i].columns));
    }
    rlc_program_free(shapes);
}

/* U(-0.05, 0.05) in each of the four numbers, no two rows alike, no two resets alike. */
static void test_reset(void **state) {
    (void)state;
    enum { ROWS = 20000, BINS = 10 };
    env = world_env(1, "{type: CartPole, num_envs: 20_000}");
    rlc_begin(p);
    rlc_dict *td = rlc_env_reset(env);
    double *first = read_doubles(rlc_dict_get(td, "observation"));
    double *states = read_doubles(env->states);
    double *second = read_doubles(rlc_dict_get(rlc_env_reset(env), "observation"));
    EXPECT(rlc_sum(rlc_cast(rlc_dict_get(td, "done"), RLC_F32), RLC_ALL, false), 0);
    for (int k = 0; k < 4; k++) {
        double bins[BINS] = {0};
        for (int i = 0; i < ROWS; i++) {
            double x = first[4 * i + k];
            assert_true(x >= -0.05f && x <= 0.05f);
            assert_true(x == states[k * ROWS + i]);
            bins[(int)fmin((x + 0.05f) * 100, BINS - 1)]++;
        }
        for (int b = 0; b < BINS; b++) { /* five standard deviations around 2000 */
            assert_true(fabs(bins[b] - ROWS / BINS) < 5 * 42.5);
        }
    }
    for (int i = 0; i < ROWS; i++) {
        assert_true(memcmp(first + 4 * i, second + 4 * i, 4 * sizeof *first) != 0);
        assert_true(i == 0 || memcmp(first + 4 * i, first + 4 * (i - 1), 4 * sizeof *first) != 0);
    }
    free(first);
    free(states);
    free(second);
    expect_ok(rlc_end(p));
}

/* All observations, rewards and flags of `steps` steps with the pattern, as one list of numbers; free it. */
static double *trajectory(uint64_t seed, const char *options, int steps, int64_t *count) {
    static const char *const keys[] = {"observation",     "next.observation", "next.reward",
                                       "next.terminated", "next.truncated",   "next.done"};
    rlc_env *e = world_env(seed, options);
    int64_t room = (int64_t)steps * e->num_envs * 12;
    double *all = malloc((size_t)room * sizeof *all);
    assert_non_null(all);
    *count = 0;
    rlc_begin(p);
    rlc_dict *td = rlc_env_reset(e);
    for (int t = 0; t < steps; t++) {
        rlc_dict *root = step(e, td, t);
        for (int i = 0; i < RLC_COUNT(keys); i++) {
            rlc_tensor *tensor = rlc_dict_get(td, keys[i]);
            double *values = read_doubles(tensor);
            memcpy(all + *count, values, (size_t)tensor->numel * sizeof *values);
            *count += tensor->numel;
            free(values);
        }
        td = root;
    }
    expect_ok(rlc_end(p));
    assert_int_equal(*count, room);
    rlc_env_free(e);
    return all;
}

static void test_seeds_and_encodings(void **state) {
    (void)state;
    static const char *const one_hot = "{type: CartPole, num_envs: 300}";
    int64_t n;
    double *a = trajectory(5, one_hot, 60, &n), *again = trajectory(5, one_hot, 60, &n);
    double *other = trajectory(6, one_hot, 60, &n);
    double *categorical = trajectory(5, "{type: CartPole, num_envs: 300, action_encoding: categorical}", 60, &n);
    double done = 0;
    for (int64_t i = 0; i < n; i++) {
        assert_true(a[i] == again[i] && a[i] == categorical[i]);
        done += i % (300 * 12) >= 300 * 11 ? a[i] : 0;
    }
    assert_true(done > 300); /* episodes ended on the way */
    for (int64_t i = 0; i < 300 * 4; i++) {
        assert_true(a[i] != other[i]);
    }
    free(a);
    free(again);
    free(other);
    free(categorical);
}

/* Row i of a batch of one is the same whatever stands beside it. */
static void test_rows_do_not_depend_on_the_batch(void **state) {
    (void)state;
    int64_t few, many;
    double *narrow = trajectory(5, "{type: CartPole, num_envs: 3}", 1, &few);
    double *wide = trajectory(5, "{type: CartPole, num_envs: 700}", 1, &many);
    for (int i = 0; i < 3 * 4; i++) {
        assert_true(narrow[i] == wide[i]);
    }
    free(narrow);
    free(wide);
}

/* Rows 1 and 3 leave the track; row 2 is one step before. */
static void test_auto_reset(void **state) {
    (void)state;
    env = world_env(3, "{type: CartPole, num_envs: 5}");
    place(env, 1, 2.39f, 3, 0, 0);
    place(env, 3, 0, 0, -0.2f, -2);
    double *before = read_doubles(env->states);
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env), *root = step(env, td, 0);
    EXPECT(rlc_dict_get(td, "next.terminated"), 0, 1, 0, 1, 0);
    EXPECT(rlc_dict_get(td, "next.done"), 0, 1, 0, 1, 0);
    EXPECT(rlc_dict_get(td, "next.truncated"), 0, 0, 0, 0, 0);
    EXPECT(rlc_dict_get(td, "next.reward"), 1, 1, 1, 1, 1); /* the last step counts, too */
    EXPECT(rlc_dict_get(root, "done"), 0, 0, 0, 0, 0);
    EXPECT(rlc_dict_get(root, "terminated"), 0, 0, 0, 0, 0);
    EXPECT(env->elapsed, 1, 0, 1, 0, 1);
    EXPECT(env->episode_return, 1, 0, 1, 0, 1);
    double *last = read_doubles(rlc_dict_get(td, "next.observation"));
    double *first = read_doubles(rlc_dict_get(root, "observation"));
    double *states = read_doubles(env->states);
    assert_true(last[4 * 1] > 2.4 && last[4 * 3 + 2] < -0.2095);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 4; k++) {
            bool reset = i == 1 || i == 3;
            assert_true(first[4 * i + k] == states[k * 5 + i]);
            assert_true(reset ? fabs(first[4 * i + k]) <= 0.05f : first[4 * i + k] == last[4 * i + k]);
            assert_true(reset || k % 2 == 0 || last[4 * i + k] != before[k * 5 + i]);
        }
    }
    free(before);
    free(last);
    free(first);
    free(states);
    expect_ok(rlc_end(p));
}

/* Keeps all poles upright by putting them back before each of `steps` steps, and counts the truncated ones. The first
 * one of row 0 must be at step `wanted`, 0 for none. */
static void check_time_limit(const char *options, int steps, int wanted) {
    rlc_env *e = world_env(1, options);
    int first = 0;
    for (int t = 1; t <= steps; t++) {
        rlc_begin(p);
        rlc_assign(e->states, rlc_scalar(0));
        rlc_dict *td = rlc_env_kept(e), *root = step(e, td, t);
        rlc_env_keep(e, root);
        double *truncated = read_doubles(rlc_dict_get(td, "next.truncated"));
        double *done = read_doubles(rlc_dict_get(td, "next.done"));
        double *terminated = read_doubles(rlc_dict_get(td, "next.terminated"));
        for (int64_t i = 0; i < e->num_envs; i++) {
            bool over = wanted > 0 && t % wanted == 0;
            assert_true(truncated[i] == over && done[i] == over && terminated[i] == 0);
        }
        first = first == 0 && truncated[0] != 0 ? t : first;
        free(truncated);
        free(done);
        free(terminated);
        expect_ok(rlc_end(p));
    }
    assert_int_equal(first, wanted);
    rlc_env_free(e);
}

static void test_time_limit(void **state) {
    (void)state;
    check_time_limit("{type: CartPole, num_envs: 2}", 1001, 500);
    check_time_limit("{type: CartPole, num_envs: 2, max_episode_steps: -1}", 501, 500);
    check_time_limit("{type: CartPole, num_envs: 3, max_episode_steps: 7}", 30, 7);
    check_time_limit("{type: CartPole, max_episode_steps: 1}", 3, 1);
    check_time_limit("{type: CartPole, max_episode_steps: 0}", 1100, 0);
}

/* A task may end in the very step in which time runs out: both are said. */
static void test_terminated_at_the_time_limit(void **state) {
    (void)state;
    env = world_env(1, "{type: CartPole, num_envs: 2, max_episode_steps: 1}");
    place(env, 0, 2.39f, 3, 0, 0);
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    step(env, td, 0);
    EXPECT(rlc_dict_get(td, "next.terminated"), 1, 0);
    EXPECT(rlc_dict_get(td, "next.truncated"), 1, 1);
    EXPECT(rlc_dict_get(td, "next.done"), 1, 1);
    expect_ok(rlc_end(p));
}

static void test_done_is_terminated_or_truncated(void **state) {
    (void)state;
    enum { ROWS = 50, STEPS = 60 };
    int64_t n, seen[4] = {0};
    double *all = trajectory(2, "{type: CartPole, num_envs: 50, max_episode_steps: 12}", STEPS, &n);
    for (int t = 0; t < STEPS; t++) {
        const double *reward = all + t * ROWS * 12 + ROWS * 8;
        for (int i = 0; i < ROWS; i++) {
            bool terminated = reward[ROWS + i] != 0, truncated = reward[2 * ROWS + i] != 0;
            assert_true(reward[i] == 1);
            assert_true((reward[3 * ROWS + i] != 0) == (terminated || truncated));
            seen[terminated + 2 * truncated]++;
        }
    }
    free(all);
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_step_against_gymnasium, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_specs_and_shapes, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_reset, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_seeds_and_encodings, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_rows_do_not_depend_on_the_batch, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_auto_reset, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_time_limit, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_terminated_at_the_time_limit, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_done_is_terminated_or_truncated, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("environments", tests, NULL, NULL);
}
