/* What goes on from step to step: step_mdp, dicts kept for another program, statistics; and what is refused. */
#include "tests/with_env.h"

#include <stdio.h>

/* Steps with action 0 or 1 in all rows. */
static rlc_dict *step(rlc_env *e, rlc_dict *td, int action) {
    rlc_dict_set(td, "action", rlc_spec_encode(&e->action, rlc_full(RLC_I64, RLC_SHAPE(e->num_envs), action)));
    return rlc_env_step(e, td);
}

static void test_step_mdp(void **state) {
    (void)state;
    static const char *const root_keys[] = {"observation", "action",    "reward",   "done",
                                            "terminated",  "truncated", "hidden.h", "extra"};
    static const char *const next_keys[] = {"observation", "reward",     "done",  "terminated",
                                            "truncated",   "step_count", "deep.x"};
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2)), *next = rlc_dict_new(RLC_SHAPE(2));
    for (int i = 0; i < RLC_COUNT(root_keys); i++) {
        rlc_dict_set(td, root_keys[i], rlc_zeros(RLC_F32, RLC_SHAPE(2)));
    }
    for (int i = 0; i < RLC_COUNT(next_keys); i++) {
        rlc_dict_set(next, next_keys[i], rlc_zeros(RLC_F32, RLC_SHAPE(2)));
    }
    rlc_dict_set_dict(td, "next", next);
    rlc_dict *root = rlc_step_mdp(td);
    static const char *const lifted[] = {"observation", "done", "terminated", "truncated", "step_count", "deep.x"};
    for (int i = 0; i < RLC_COUNT(lifted); i++) {
        assert_ptr_equal(rlc_dict_get(root, lifted[i]), rlc_dict_get(next, lifted[i]));
    }
    static const char *const kept[] = {"hidden.h", "extra"};
    for (int i = 0; i < RLC_COUNT(kept); i++) {
        assert_ptr_equal(rlc_dict_get(root, kept[i]), rlc_dict_get(td, kept[i]));
    }
    assert_int_equal(root->count, RLC_COUNT(lifted) + RLC_COUNT(kept));
    assert_null(rlc_dict_find(root, "action"));
    assert_null(rlc_dict_find(root, "reward"));
    assert_null(rlc_dict_find_dict(root, "next"));
    assert_int_equal(td->count, 9); /* as it was */
    assert_null(rlc_step_mdp(NULL));
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_step_mdp(rlc_dict_new(RLC_SHAPE(2)));
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'next'");
}

/* Ten programs of two steps each must go the way of one program of twenty. */
static void test_keep(void **state) {
    (void)state;
    static const char *const options = "{type: CartPole, num_envs: 3, max_episode_steps: 8,\n"
                                       " transforms: [{type: RewardSum}, {type: StepCounter}]}";
    static const char *const keys[] = {"observation", "episode_reward", "step_count"};
    rlc_env *other = world_env(4, options);
    env = world_env(4, options);
    double *wanted[10][RLC_COUNT(keys)];
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    for (int t = 0; t < 20; t++) {
        td = step(env, td, t % 2);
        for (int k = 0; k < RLC_COUNT(keys) && t % 2 == 1; k++) {
            wanted[t / 2][k] = read_doubles(rlc_dict_get(td, keys[k]));
        }
    }
    expect_ok(rlc_end(p));
    for (int t = 0; t < 10; t++) {
        rlc_begin(p);
        rlc_env_keep(other, step(other, step(other, rlc_env_kept(other), 0), 1));
        expect_ok(rlc_end(p));
        rlc_begin(p); /* what a program computed is gone now, what was kept is not */
        const rlc_dict *kept = rlc_env_kept(other);
        for (int k = 0; k < RLC_COUNT(keys); k++) {
            rlc_tensor *tensor = rlc_dict_get(kept, keys[k]);
            expect_elements(keys[k], tensor, (int)tensor->numel, wanted[t][k], 0);
            free(wanted[t][k]);
        }
        EXPECT(rlc_dict_get(kept, "done"), 0, 0, 0);
        expect_ok(rlc_end(p));
    }
    rlc_env_free(other);
}

static void test_kept_is_a_copy(void **state) {
    (void)state;
    env = world_env(4, "{type: CartPole, num_envs: 2}");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env); /* before the first keep: that of a reset */
    double *states = read_doubles(env->states);
    double *observation = read_doubles(rlc_dict_get(td, "observation"));
    for (int i = 0; i < 8; i++) {
        assert_true(fabs(observation[i]) <= 0.05f && observation[i] == states[i % 4 * 2 + i / 4]);
    }
    free(states);
    step(env, td, 1);
    assert_non_null(rlc_dict_find(td, "action"));
    rlc_dict *again = rlc_env_kept(env);
    assert_null(rlc_dict_find(again, "action"));
    assert_null(rlc_dict_find_dict(again, "next"));
    expect_elements("kept observation", rlc_dict_get(again, "observation"), 8, observation, 0);
    free(observation);
    rlc_env_keep(env, NULL); /* what failed has nothing to keep */
    expect_ok(rlc_end(p));
}

static rlc_env_stats stats_of(const rlc_env *e) {
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(e, &stats));
    return stats;
}

/* 150 episodes of lengths that are known: episode k falls over in its step 1 + k % 7. */
static void test_statistics(void **state) {
    (void)state;
    env = world_env(1, "{type: CartPole}");
    rlc_env_stats stats = stats_of(env);
    assert_true(stats.frames == 0 && stats.episodes == 0 && stats.solved_at == -1);
    assert_true(isnan(stats.return_mean) && isnan(stats.length_mean));
    static const float upright[4] = {0}, falling[4] = {0, 0, 0.3f, 0};
    int64_t frames = 0;
    double sum = 0;
    for (int episode = 0; episode < 150; episode++) {
        int length = 1 + episode % 7;
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env);
        for (int t = 1; t <= length; t++) {
            rlc_assign(env->states, rlc_from_data(RLC_F32, RLC_SHAPE(4, 1), t == length ? falling : upright));
            td = step(env, td, 0);
        }
        rlc_env_keep(env, td);
        expect_ok(rlc_end(p));
        frames += length;
        sum += length - (episode >= 100 ? 1 + (episode - 100) % 7 : 0);
        stats = stats_of(env);
        assert_true(stats.frames == frames && stats.episodes == episode + 1);
        double mean = sum / (episode < 100 ? episode + 1 : 100); /* of the last hundred */
        assert_true(fabs(stats.return_mean - mean) < 1e-9 && fabs(stats.length_mean - mean) < 1e-9);
    }
    assert_int_equal(stats.solved_at, -1);
}

/* Poles held upright until time is up: solved when a hundred episodes have a mean of 475, not before. */
static void check_solved(int envs, int length, int64_t wanted) {
    char options[96];
    snprintf(options, sizeof options, "{type: CartPole, num_envs: %d, max_episode_steps: %d}", envs, length);
    rlc_env *e = world_env(1, options);
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(e);
    for (int t = 0; t < 2 * length; t++) {
        rlc_assign(e->states, rlc_scalar(0));
        td = step(e, td, 0);
    }
    rlc_env_keep(e, td);
    expect_ok(rlc_end(p));
    rlc_env_stats stats = stats_of(e);
    assert_true(stats.episodes == 2 * envs && stats.return_mean == length && stats.length_mean == length);
    assert_int_equal(stats.solved_at, wanted);
    rlc_env_free(e);
}

static void test_solved_at(void **state) {
    (void)state;
    check_solved(100, 500, 100 * 500);
    check_solved(100, 475, 100 * 475);
    check_solved(100, 474, -1);
    check_solved(50, 500, 50 * 1000); /* a hundred episodes are there only the second time */
    check_solved(49, 500, -1);
}

/* One step with this action must fail so. */
static void expect_step_fails(rlc_env *e, rlc_dtype dtype, rlc_shape shape, const void *action, rlc_status status,
                              const char *message) {
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(e);
    rlc_dict_set(td, "action", rlc_from_data(dtype, shape, action));
    rlc_env_step(e, td);
    expect_error(rlc_end(p), status, message);
}

static void test_illegal_actions(void **state) {
    (void)state;
    static const char *const message = "an action is none of the environment's";
    static const int64_t numbers[] = {2, -1, INT64_MAX, INT64_MIN, 4294967296};
    env = world_env(1, "{type: CartPole, num_envs: 2, action_encoding: categorical}");
    for (int i = 0; i < RLC_COUNT(numbers); i++) {
        for (int row = 0; row < 2; row++) {
            int64_t action[2] = {0};
            action[row] = numbers[i];
            expect_step_fails(env, RLC_I64, RLC_SHAPE(2), action, RLC_FAILED, message);
        }
    }
    rlc_env_free(env);
    env = world_env(1, "{type: CartPole, num_envs: 2}");
    static const int64_t rows[][2] = {{0, 0}, {2, 0}, {0, 2}, {-1, 1}, {3, 3}, {0, -1}, {256, 0}};
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        int64_t action[4] = {1, 0, rows[i][0], rows[i][1]};
        expect_step_fails(env, RLC_I64, RLC_SHAPE(2, 2), action, RLC_FAILED, message);
    }
}

static void test_actions_of_the_wrong_kind(void **state) {
    (void)state;
    static const int64_t zeros[8] = {0};
    env = world_env(1, "{type: CartPole, num_envs: 2}");
    expect_step_fails(env, RLC_I64, RLC_SHAPE(2), zeros, RLC_INVALID,
                      "actions are OneHot(2), int64 [2, 2], but 'action' is int64 [2]");
    expect_step_fails(env, RLC_F32, RLC_SHAPE(2, 2), zeros, RLC_INVALID,
                      "actions are OneHot(2), int64 [2, 2], but 'action' is float32 [2, 2]");
    expect_step_fails(env, RLC_I64, RLC_SHAPE(2, 3), zeros, RLC_INVALID, "but 'action' is int64 [2, 3]");
    rlc_env_free(env);
    env = world_env(1, "{type: CartPole, num_envs: 2, action_encoding: categorical}");
    expect_step_fails(env, RLC_I64, RLC_SHAPE(2, 1), zeros, RLC_INVALID,
                      "actions are Categorical(2), int64 [2], but 'action' is int64 [2, 1]");
    expect_step_fails(env, RLC_BOOL, RLC_SHAPE(2), zeros, RLC_INVALID, "but 'action' is bool [2]");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    assert_null(rlc_env_step(env, td));
    expect_error(rlc_end(p), RLC_INVALID,
                 "there is no key 'action'; keys are observation, done, terminated, truncated");
    rlc_begin(p);
    assert_null(rlc_env_step(env, NULL));
    expect_ok(rlc_end(p));
    assert_null(rlc_env_reset(env));
    expect_error(rlc_error_status(), RLC_INVALID, "no program is open");
}

/* Views are as good as tensors without gaps; of two ones the first counts. */
static void test_unusual_actions(void **state) {
    (void)state;
    env = world_env(1, "{type: CartPole, num_envs: 3}");
    rlc_env *other = world_env(1, "{type: CartPole, num_envs: 3}");
    rlc_begin(p);
    rlc_dict *a = rlc_env_kept(env), *b = rlc_env_kept(other);
    rlc_tensor *columns = rlc_from_data(RLC_I64, RLC_SHAPE(2, 3), (int64_t[]){1, 0, 1, 1, 1, 0});
    rlc_dict_set(a, "action", rlc_transpose(columns, 0, 1));
    rlc_dict_set(b, "action", rlc_one_hot(rlc_from_data(RLC_I64, RLC_SHAPE(3), (int64_t[]){0, 1, 0}), 2));
    rlc_env_step(env, a);
    rlc_env_step(other, b);
    double *wanted = read_doubles(rlc_dict_get(b, "next.observation"));
    expect_elements("next observation", rlc_dict_get(a, "next.observation"), 12, wanted, 0);
    free(wanted);
    expect_ok(rlc_end(p));
    rlc_env_free(other);
}

static void test_wrong_options(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{type: Cartpole}", "env:1: there is no env of type 'Cartpole' (did you mean 'CartPole'?)"},
        {"{type: Acrobat}", "env:1: there is no env of type 'Acrobat' (did you mean 'Acrobot'?)"},
        {"{type: Hopscotch}", "env:1: there is no env of type 'Hopscotch'; types are CartPole, Pendulum, Acrobot, "
                              "MountainCar, MountainCarContinuous"},
        {"{num_envs: 3}", "env:1: env: 'type' is missing: which env is this?"},
        {"CartPole", "env:1: env: must be a map such as {type: ...}, not 'CartPole'"},
        {"{type: CartPole, num_envs: 0}", "env:1: env: option 'num_envs' must be between 1 and"},
        {"{type: CartPole,\n num_env: 3}", "env:2: env: unknown option 'num_env' (did you mean 'num_envs'?)"},
        {"{type: CartPole, max_episode_steps: -2}", "env: option 'max_episode_steps' must be between -1 and"},
        {"{type: CartPole, action_encoding: onehot}",
         "env: option 'action_encoding' must be one of one_hot|categorical"},
        {"{type: CartPole, transforms: {type: RewardSum}}",
         "env.transforms: must be a list such as [{type: RewardSum}]"},
        {"{type: CartPole, transforms: [RewardSum]}", "env.transforms.0: must be a map such as {type: ...}"},
        {"{type: CartPole, transforms: [{type: RewardSum}, {type: StepCount}]}",
         "there is no transform of type 'StepCount' (did you mean 'StepCounter'?)"},
        {"{type: CartPole, transforms: [{type: RewardSum},\n {type: StepCounter, steps: 3}]}",
         "env:2: env.transforms.1: unknown option 'steps'"},
        {"{type: CartPole, transforms: [{type: StepCounter, max_steps: -1}]}",
         "option 'max_steps' must be between 0 and"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_env *none = NULL;
        expect_error(rlc_env_make(world_registry(), test_device(), 1, cases[i][0], &none), RLC_INVALID, cases[i][1]);
        assert_null(none);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_step_mdp, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_keep, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_kept_is_a_copy, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_statistics, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_solved_at, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_illegal_actions, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_actions_of_the_wrong_kind, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_unusual_actions, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_wrong_options, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("environments from step to step", tests, NULL, NULL);
}
