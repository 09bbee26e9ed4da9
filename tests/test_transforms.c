/* Transforms: the sum of rewards and the count of steps, over the ends of episodes and with a limit of their own. */
#include "tests/with_env.h"

#include <stdio.h>

enum { ROWS = 4, STEPS = 60 };

/* Rows fall at different times: row i pushes to one side all i + 1 steps out of i + 2. */
static rlc_dict *step(rlc_dict *td, int t) {
    int64_t index[ROWS];
    for (int i = 0; i < ROWS; i++) {
        index[i] = t % (i + 2) == 0;
    }
    rlc_dict_set(td, "action", rlc_one_hot(rlc_from_data(RLC_I64, RLC_SHAPE(ROWS), index), 2));
    return rlc_env_step(env, td);
}

/* Steps and compares both transforms with a count on the host: every reward is 1, so the sum is the number of steps.
 * Returns how many episodes ended. */
static int check_counts(int limit) {
    int length[ROWS] = {0}, episodes = 0;
    for (int t = 0; t < STEPS; t++) {
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env), *root = step(td, t);
        double *done = read_doubles(rlc_dict_get(td, "next.done"));
        double *truncated = read_doubles(rlc_dict_get(td, "next.truncated"));
        double *terminated = read_doubles(rlc_dict_get(td, "next.terminated"));
        double before[ROWS], after[ROWS], reset[ROWS];
        for (int i = 0; i < ROWS; i++) {
            before[i] = length[i];
            after[i] = ++length[i];
            assert_true((truncated[i] != 0) == (limit > 0 && length[i] == limit));
            assert_true((done[i] != 0) == (truncated[i] != 0 || terminated[i] != 0));
            episodes += done[i] != 0;
            length[i] = done[i] != 0 ? 0 : length[i];
            reset[i] = length[i];
        }
        static const char *const keys[] = {"episode_reward", "step_count"};
        for (int k = 0; k < 2; k++) {
            char next[32];
            snprintf(next, sizeof next, "next.%s", keys[k]);
            expect_elements(keys[k], rlc_dict_get(td, keys[k]), ROWS, before, 0);
            expect_elements(next, rlc_dict_get(td, next), ROWS, after, 0); /* the last one of an episode stays here */
            expect_elements(keys[k], rlc_dict_get(root, keys[k]), ROWS, reset, 0);
        }
        free(done);
        free(truncated);
        free(terminated);
        rlc_env_keep(env, root); /* last: td holds the very tensors that are overwritten */
        expect_ok(rlc_end(p));
    }
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(env, &stats));
    assert_int_equal(stats.episodes, episodes);
    return episodes;
}

static void test_counts(void **state) {
    (void)state;
    env = world_env(2, "{type: CartPole, num_envs: 4, transforms: [{type: RewardSum}, {type: StepCounter}]}");
    assert_true(check_counts(0) > ROWS);
    rlc_env_free(env);
    env = world_env(
        2, "{type: CartPole, num_envs: 4, transforms: [{type: StepCounter, max_steps: 6}, {type: RewardSum}]}");
    assert_int_equal(check_counts(6), ROWS * (STEPS / 6)); /* too soon for any pole to fall */
    rlc_env_free(env);
    env = world_env(
        2, "{type: CartPole, num_envs: 4, transforms: [{type: StepCounter, max_steps: 20}, {type: RewardSum}]}");
    assert_true(check_counts(20) > ROWS * (STEPS / 20)); /* some fall, some are stopped */
}

static void test_limit_beside_the_environments_own(void **state) {
    (void)state;
    env = world_env(2, "{type: CartPole, num_envs: 4, max_episode_steps: 5,\n"
                       " transforms: [{type: StepCounter, max_steps: 8}, {type: RewardSum}]}");
    assert_int_equal(check_counts(5), ROWS * (STEPS / 5));
    rlc_env_free(env);
    env = world_env(2, "{type: CartPole, num_envs: 4, max_episode_steps: 8,\n"
                       " transforms: [{type: StepCounter, max_steps: 5}, {type: RewardSum}]}");
    assert_int_equal(check_counts(5), ROWS * (STEPS / 5));
}

/* Rows that a transform ends start anew in the environment too, and count in its statistics. */
static void test_limit_resets_the_environment(void **state) {
    (void)state;
    env = world_env(2, "{type: CartPole, num_envs: 4, transforms: [{type: StepCounter, max_steps: 3}]}");
    for (int t = 1; t <= 9; t++) {
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env), *root = step(td, t);
        rlc_env_keep(env, root);
        double *last = read_doubles(rlc_dict_get(td, "next.observation"));
        double *first = read_doubles(rlc_dict_get(root, "observation"));
        for (int i = 0; i < 4 * ROWS; i++) {
            assert_true(t % 3 == 0 ? fabs(first[i]) <= 0.05f && first[i] != last[i] : first[i] == last[i]);
        }
        free(last);
        free(first);
        EXPECT(env->elapsed, t % 3, t % 3, t % 3, t % 3);
        expect_ok(rlc_end(p));
    }
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(env, &stats));
    assert_true(stats.episodes == 3 * ROWS && stats.return_mean == 3 && stats.length_mean == 3);
}

static void test_shapes_and_reset(void **state) {
    (void)state;
    env = world_env(2, "{type: CartPole, num_envs: 4, transforms: [{type: RewardSum}, {type: StepCounter}]}");
    rlc_begin(p);
    rlc_dict *td = rlc_env_reset(env);
    step(step(td, 0), 1);
    expect_shape(rlc_dict_get(td, "next.episode_reward"), RLC_F32, RLC_SHAPE(ROWS, 1));
    expect_shape(rlc_dict_get(td, "next.step_count"), RLC_I64, RLC_SHAPE(ROWS, 1));
    td = rlc_env_reset(env);
    expect_shape(rlc_dict_get(td, "episode_reward"), RLC_F32, RLC_SHAPE(ROWS, 1));
    expect_shape(rlc_dict_get(td, "step_count"), RLC_I64, RLC_SHAPE(ROWS, 1));
    EXPECT(rlc_dict_get(td, "episode_reward"), 0, 0, 0, 0);
    EXPECT(rlc_dict_get(td, "step_count"), 0, 0, 0, 0);
    EXPECT(env->elapsed, 0, 0, 0, 0);
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_dict *bare = rlc_env_kept(env);
    rlc_dict_del(bare, "episode_reward");
    step(bare, 0);
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'episode_reward'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_limit_beside_the_environments_own, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_limit_resets_the_environment, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_shapes_and_reset, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("transforms", tests, NULL, NULL);
}
