/* Transforms that scale: VecNorm, ObservationNorm, RewardScaling, RewardClipping, DoubleToFloat against TorchRL
 * (tests/golden/transforms.py), and that an environment in evaluation learns nothing. */
#include "tests/echo.h"
#include "tests/with_env.h"

#include "envs/transform.h"

enum { STEPS = 12 };

/* Row `index` of a golden entry against a tensor. */
static void expect_row(const char *what, rlc_tensor *got, const rlc_safetensors_entry *wanted, int64_t index) {
    const float *values = (const float *)wanted->data + index * got->numel;
    double *found = read_doubles(got);
    for (int64_t i = 0; i < got->numel; i++) {
        if (!(fabs(found[i] - (double)values[i]) <= 1e-4 + 1e-4 * fabs((double)values[i]))) {
            fail_msg("%s %lld, number %lld is %.9g, wanted %.9g", what, (long long)index, (long long)i, found[i],
                     (double)values[i]);
        }
    }
    free(found);
}

/* Goes the way of the golden file, one program a step. */
static void check_vec_norm(const char *name, const char *options) {
    env = echo_env(options);
    const rlc_safetensors_entry *started = golden("transforms", "vec_norm.%s.started", name);
    const float *action = golden("transforms", "vec_norm.%s.action", name)->data;
    rlc_begin(p);
    expect_row("first observation", rlc_dict_get(rlc_env_kept(env), "observation"), started, 0);
    expect_ok(rlc_end(p));
    for (int t = 0; t < STEPS; t++) {
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env), *root = echo_act(env, td, action + t * env->num_envs * 2);
        expect_row("observation", rlc_dict_get(td, "next.observation"),
                   golden("transforms", "vec_norm.%s.observation", name), t);
        expect_row("reward", rlc_dict_get(td, "next.reward"), golden("transforms", "vec_norm.%s.reward", name), t);
        expect_row("started", rlc_dict_get(root, "observation"), started, t + 1);
        rlc_env_keep(env, root);
        expect_ok(rlc_end(p));
    }
    rlc_env_free(env);
    env = NULL;
}

static void test_vec_norm(void **state) {
    (void)state;
    check_vec_norm("batch", "num_envs: 5, transforms: [{type: VecNorm, decay: 0.9}]");
    check_vec_norm("slow", "num_envs: 5, transforms: [{type: VecNorm}]");
    check_vec_norm("one", "num_envs: 1, transforms: [{type: VecNorm, decay: 0.9, eps: 0.01}]");
}

/* Of rows that go on, the next step starts from what the last one showed, bit for bit; only the others are learned from
 * again. */
static void test_vec_norm_learns_from_rows_that_start(void **state) {
    (void)state;
    env = echo_env("num_envs: 3, transforms: [{type: VecNorm, decay: 1, in_keys: [observation]}]");
    rlc_begin(p);
    rlc_tensor *count = env->learned.items[2].tensor;
    assert_string_equal(env->learned.items[2].name, "transforms.0.observation_count");
    EXPECT(count, 3);
    rlc_dict *td = rlc_env_kept(env), *root = echo_act(env, td, (float[]){1, 2, -3, 4, 5, 0});
    EXPECT(count, 3 + 3 + 1);
    EXPECT(env->learned.items[0].tensor, 3 * 0.5 + 3 + 0.5, 3 * -0.5 + 6 - 0.5);
    EXPECT(env->learned.items[1].tensor, 4 * 0.25 + 35, 4 * 0.25 + 20);
    double *last = read_doubles(rlc_dict_get(td, "next.observation")),
           *first = read_doubles(rlc_dict_get(root, "observation"));
    assert_true(memcmp(last, first, 2 * sizeof *last) == 0 && memcmp(last + 4, first + 4, 2 * sizeof *last) == 0);
    assert_true(first[2] != last[2] && first[3] != last[3]);
    td = root;
    echo_act(env, td, (float[]){1, 2, -3, 2, 5, 0});
    EXPECT(count, 10);
    free(last);
    free(first);
    expect_ok(rlc_end(p));
}

static void test_following(void **state) {
    (void)state;
    static const char *const options = "num_envs: 2, transforms: [{type: RewardSum}, {type: VecNorm, decay: 0.9}]";
    env = echo_env(options);
    rlc_env *other = echo_env(options);
    rlc_begin(p);
    echo_act(env, echo_act(env, rlc_env_kept(env), (float[]){3, 1, -2, 2}), (float[]){1, -1, 0, 2.5f});
    expect_ok(rlc_end(p));
    assert_true(env->learned.count == 6 && other->learned.count == 6);
    for (int t = 0; t < 3; t++) {
        rlc_begin(p);
        if (t == 0) {
            rlc_env_follow(other, env);
        }
        rlc_dict *td = t == 0 ? rlc_env_reset(other) : rlc_env_kept(other);
        rlc_env_keep(other, echo_act(other, td, (float[]){5, 3.5f, 4, 2}));
        expect_ok(rlc_end(p));
        for (int i = 0; i < env->learned.count; i++) {
            double *a = read_doubles(env->learned.items[i].tensor), *b = read_doubles(other->learned.items[i].tensor);
            assert_true(memcmp(a, b, (size_t)env->learned.items[i].tensor->numel * sizeof *a) == 0);
            free(a);
            free(b);
        }
    }
    rlc_env_free(other);
}

/* One step with the golden x as actions; `key` must become the golden entry. */
static void check_step(const char *transforms, const char *key, const char *wanted, const char *untouched) {
    char options[256];
    snprintf(options, sizeof options, "num_envs: 6, transforms: [%s]", transforms);
    env = echo_env(options);
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    echo_act(env, td, golden("transforms", "x")->data);
    expect_close(wanted, rlc_dict_get(td, key), golden("transforms", "%s", wanted), 1e-6, 1e-6);
    if (untouched != NULL) {
        expect_close(untouched, rlc_dict_get(td, untouched), golden("transforms", "x"), 0, 0);
    }
    expect_ok(rlc_end(p));
    rlc_env_free(env);
    env = NULL;
}

static void test_constants(void **state) {
    (void)state;
    check_step("{type: ObservationNorm, loc: [0.25, -1.5], scale: [2, 0.5]}", "next.observation",
               "observation_norm.False", NULL);
    check_step("{type: ObservationNorm, loc: [0.25, -1.5], scale: [2, 0.5], standard_normal: true, out_keys: [seen]}",
               "next.seen", "observation_norm.True", "next.observation");
    check_step("{type: RewardScaling, loc: 0.75, scale: 3}", "next.reward", "reward_scaling.False", "next.observation");
    check_step("{type: RewardScaling, loc: 0.75, scale: 3, standard_normal: true, out_keys: [scaled]}", "next.scaled",
               "reward_scaling.True", "next.observation");
    check_step("{type: RewardClipping, clamp_min: -0.5, clamp_max: 0.75}", "next.reward", "reward_clipping", NULL);
}

/* Where an episode ends the reset's observation is scaled too, and what goes on stays as it was. */
static void test_observation_norm_over_a_reset(void **state) {
    (void)state;
    env = echo_env("num_envs: 2, transforms: [{type: ObservationNorm, loc: 1, scale: 2},\n"
                   " {type: ObservationNorm, loc: [0, 10], scale: 1}]");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    EXPECT(rlc_dict_get(td, "observation"), 2, 10, 2, 10);
    rlc_dict *root = echo_act(env, td, (float[]){2, 4, 3, 1});
    EXPECT(rlc_dict_get(td, "next.observation"), 5, 19, 7, 13);
    EXPECT(rlc_dict_get(root, "observation"), 2, 10, 7, 13);
    td = root;
    root = echo_act(env, td, (float[]){-1, 0, 3, 4});
    EXPECT(rlc_dict_get(td, "next.observation"), -1, 11, 7, 19);
    EXPECT(rlc_dict_get(root, "observation"), -1, 11, 2, 10);
    expect_ok(rlc_end(p));
}

/* Statistics count what the environment gave, not what a transform made of it. */
static void test_returns_are_the_environments_own(void **state) {
    (void)state;
    env = echo_env("num_envs: 1, transforms: [{type: RewardScaling, loc: 0, scale: 10}, {type: RewardSum}]");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    td = echo_act(env, td, (float[]){2, 0});
    EXPECT(env->reward, 2);
    echo_act(env, td, (float[]){3, 4});
    EXPECT(rlc_dict_get(td, "next.episode_reward"), 50);
    expect_ok(rlc_end(p));
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(env, &stats));
    assert_true(stats.episodes == 1 && stats.return_mean == 5);
}

/* No environment shows float64; the transforms get a dict made here. */
static void test_double_to_float(void **state) {
    (void)state;
    env = echo_env("num_envs: 2, transforms: [{type: DoubleToFloat},\n"
                   " {type: DoubleToFloat, in_keys: [observation], out_keys: [copy]}]");
    rlc_begin(p);
    static const char *const keys[] = {"a", "observation", "c"};
    static const rlc_dtype types[] = {RLC_F64, RLC_F64, RLC_I64};
    static const rlc_dtype wanted[2][3] = {{RLC_F32, RLC_F32, RLC_I64}, {RLC_F64, RLC_F64, RLC_I64}};
    for (int t = 0; t < 2; t++) {
        rlc_dict *next = rlc_dict_new(RLC_SHAPE(2));
        for (int i = 0; i < 3; i++) {
            rlc_dict_set(next, keys[i], rlc_full(types[i], RLC_SHAPE(2), 3));
        }
        env->transforms[t]->type->apply(env->transforms[t], next);
        for (int i = 0; i < 3; i++) {
            expect_shape(rlc_dict_get(next, keys[i]), wanted[t][i], RLC_SHAPE(2));
            EXPECT(rlc_dict_get(next, keys[i]), 3, 3);
        }
        assert_int_equal(next->count, 3 + t);
    }
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vec_norm, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_vec_norm_learns_from_rows_that_start, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_following, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_constants, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_observation_norm_over_a_reset, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_returns_are_the_environments_own, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_double_to_float, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("transforms that scale", tests, NULL, NULL);
}
