/* Transforms that change who sees what: ActionScaling, FrameSkipTransform, CatTensors, InitTracker, Compose; the specs
 * that modules get; state that is saved and restored; what is refused. */
#include "tests/echo.h"
#include "tests/with_env.h"

#include "envs/transform.h"

static void test_action_scaling(void **state) {
    (void)state;
    env = echo_env("num_envs: 6, transforms: [{type: ActionScaling}]");
    assert_int_equal(env->action.kind, RLC_SPEC_BOUNDED);
    assert_true(env->action.low == -1 && env->action.high == 1 && env->action.shape.size[0] == 2);
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    echo_act(env, td, golden("transforms", "x")->data);
    expect_close("observation", rlc_dict_get(td, "next.observation"), golden("transforms", "action_scaling"), 1e-6,
                 1e-6);
    expect_close("action", rlc_dict_get(td, "action"), golden("transforms", "x"), 0, 0); /* what was chosen stays */
    expect_ok(rlc_end(p));
    rlc_env_free(env);
    /* twice: the second one sees what the first one shows; the environment gets ((a 0.5 + 0.5) 10 - 4) */
    env = echo_env("num_envs: 2, transforms: [{type: ActionScaling, standard_normal: false}, {type: ActionScaling}]");
    assert_true(env->action.low == -1 && env->action.high == 1);
    rlc_begin(p);
    td = rlc_env_kept(env);
    echo_act(env, td, (float[]){-1, 0, 0.5f, 0});
    EXPECT(rlc_dict_get(td, "next.observation"), -4, 1, 3.5, 1);
    rlc_tensor *sample = rlc_spec_sample(&env->action, RLC_SHAPE(1000), env->action_stream);
    assert_true(rlc_item(rlc_min(sample, RLC_ALL, false)) >= -1 && rlc_item(rlc_max(sample, RLC_ALL, false)) <= 1);
    expect_ok(rlc_end(p));
}

static void test_pendulum_gets_its_torque(void **state) {
    (void)state;
    static const char *const options[] = {"{type: Pendulum, num_envs: 1, transforms: [{type: ActionScaling}]}",
                                          "{type: Pendulum, num_envs: 1}"};
    double *seen[2];
    for (int i = 0; i < 2; i++) {
        env = world_env(1, options[i]);
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env);
        rlc_dict_set(td, "action", rlc_full(RLC_F32, RLC_SHAPE(1, 1), i == 0 ? -0.25 : -0.5));
        rlc_env_step(env, td);
        seen[i] = read_doubles(rlc_dict_get(td, "next.observation"));
        expect_ok(rlc_end(p));
        rlc_env_free(env);
        env = NULL;
    }
    assert_memory_equal(seen[0], seen[1], 3 * sizeof(double));
    free(seen[0]);
    free(seen[1]);
}

/* MountainCarContinuous repeated by the transform, and by hand. */
static void test_frame_skip(void **state) {
    (void)state;
    enum { ROWS = 3, SKIP = 4, STEPS = 20 };
    static const char *const text = "{type: MountainCarContinuous, num_envs: 3%s}";
    char options[128];
    snprintf(options, sizeof options, text, "");
    rlc_env *plain = world_env(7, options);
    snprintf(options, sizeof options, text, ", transforms: [{type: FrameSkipTransform, frame_skip: 4}]");
    env = world_env(7, options);
    for (int t = 0; t < STEPS; t++) {
        rlc_begin(p);
        rlc_tensor *action = rlc_from_data(RLC_F32, RLC_SHAPE(ROWS, 1), (float[]){(float)(t % 3) - 1, 0.3f, -0.7f});
        rlc_dict *td = rlc_env_kept(env), *single = rlc_env_kept(plain);
        rlc_dict_set(td, "action", action);
        rlc_env_keep(env, rlc_env_step(env, td));
        double sum[ROWS] = {0};
        for (int k = 0; k < SKIP; k++) {
            rlc_dict_set(single, "action", action);
            rlc_dict *after = rlc_env_step(plain, single);
            double *reward = read_doubles(rlc_dict_get(single, "next.reward"));
            for (int i = 0; i < ROWS; i++) {
                sum[i] += reward[i];
            }
            free(reward);
            single = after;
        }
        expect_elements("reward", rlc_dict_get(td, "next.reward"), ROWS, sum, 1e-5);
        double *wanted = read_doubles(rlc_dict_get(single, "observation"));
        expect_elements("observation", rlc_dict_get(td, "next.observation"), 2 * ROWS, wanted, 0);
        free(wanted);
        rlc_env_keep(plain, single);
        expect_ok(rlc_end(p));
    }
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(env, &stats));
    assert_int_equal(stats.frames, STEPS * ROWS); /* repetitions are none */
    rlc_env_free(plain);
}

/* Rows that end in a repetition stay there and are reset once; lengths and returns are those up to the end. */
static void test_frame_skip_stops_at_the_end(void **state) {
    (void)state;
    env = echo_env("num_envs: 3, max_episode_steps: 3,\n"
                   " transforms: [{type: StepCounter}, {type: FrameSkipTransform, frame_skip: 2}, {type: RewardSum}]");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env), *root = echo_act(env, td, (float[]){1, 0, 2, 3.5f, 5, -1});
    EXPECT(rlc_dict_get(td, "next.reward"), 2, 2, 10);
    EXPECT(rlc_dict_get(td, "next.step_count"), 2, 1, 2); /* a transform before it sees each repetition */
    EXPECT(rlc_dict_get(td, "next.episode_reward"), 2, 2, 10);
    EXPECT(rlc_dict_get(td, "next.done"), 0, 1, 0);
    EXPECT(rlc_dict_get(root, "step_count"), 2, 0, 2);
    EXPECT(rlc_dict_get(root, "observation"), 1, 0, 0.5, -0.5, 5, -1);
    EXPECT(env->elapsed, 2, 0, 2);
    EXPECT(env->episode_return, 2, 0, 10);
    EXPECT(env->reward, 2, 2, 10);
    td = root;
    root = echo_act(env, td, (float[]){1, 0, 2, 0, 5, -1}); /* the limit of three steps falls between two repetitions */
    EXPECT(rlc_dict_get(td, "next.truncated"), 1, 0, 1);
    EXPECT(rlc_dict_get(td, "next.reward"), 1, 4, 5);
    EXPECT(env->elapsed, 0, 2, 0);
    EXPECT(rlc_dict_get(root, "episode_reward"), 0, 4, 0);
    expect_ok(rlc_end(p));
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(env, &stats));
    assert_true(stats.frames == 6 && stats.episodes == 3);
    assert_true(fabs(stats.length_mean - 7.0 / 3) < 1e-9 && fabs(stats.return_mean - (2 + 3 + 15) / 3.0) < 1e-6);
}

static void test_init_tracker(void **state) {
    (void)state;
    env = echo_env("num_envs: 2, transforms: [{type: InitTracker}]");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    expect_shape(rlc_dict_get(td, "is_init"), RLC_BOOL, RLC_SHAPE(2, 1));
    EXPECT(rlc_dict_get(td, "is_init"), 1, 1);
    rlc_dict *root = echo_act(env, td, (float[]){0, 0, 0, 5});
    EXPECT(rlc_dict_get(td, "next.is_init"), 0, 0);
    EXPECT(rlc_dict_get(root, "is_init"), 0, 1);
    root = echo_act(env, root, (float[]){0, 0, 0, 0});
    EXPECT(rlc_dict_get(root, "is_init"), 0, 0);
    expect_ok(rlc_end(p));
}

static void test_cat_tensors(void **state) {
    (void)state;
    env = echo_env(
        "num_envs: 2, transforms: [{type: StepCounter}, {type: ObservationNorm, loc: 0, scale: 10, out_keys: [big]},\n"
        " {type: CatTensors, in_keys: [observation, big]}]");
    assert_true(rlc_shape_equal(env->observation.shape, RLC_SHAPE(4)));
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    assert_null(rlc_dict_find(td, "observation"));
    EXPECT(rlc_dict_get(td, "observation_vector"), 5, -5, 0.5, -0.5, 5, -5, 0.5, -0.5);
    expect_ok(rlc_end(p));
    rlc_env_free(env);
    env = echo_env(
        "num_envs: 2, transforms: [{type: RewardSum}, {type: CatTensors, in_keys: [observation, episode_reward],\n"
        " out_key: observation, del_keys: false, sort: false}, {type: ObservationNorm, loc: 1, scale: 1}]");
    assert_true(rlc_shape_equal(env->observation.shape, RLC_SHAPE(3)));
    rlc_begin(p);
    td = rlc_env_kept(env);
    for (int t = 1; t <= 2; t++) {
        rlc_dict *root = echo_act(env, td, t == 1 ? (float[]){1, 2, 3, -4} : (float[]){-1, 4, 2, 0});
        const double next[2][6] = {{2, 3, 2, 4, -3, 4}, {0, 5, 1, 3, 1, 6}};
        const double first[2][6] = {{2, 3, 2, 4, -3, 4}, {1.5, 0.5, 1, 3, 1, 6}};
        expect_elements("next", rlc_dict_get(td, "next.observation"), 6, next[t - 1], 1e-6);
        expect_elements("first", rlc_dict_get(root, "observation"), 6, first[t - 1], 1e-6);
        td = root;
    }
    expect_ok(rlc_end(p));
}

/* A list within the list is the same as its members in it. */
static void test_compose(void **state) {
    (void)state;
    env = echo_env("num_envs: 1, transforms: [{type: RewardScaling, loc: 1, scale: 2},\n"
                   " {type: Compose, transforms: [{type: RewardScaling, loc: 0, scale: 3},\n"
                   " {type: Compose, transforms: [{type: RewardSum}]}, {type: RewardClipping, clamp_max: 8}]},\n"
                   " {type: InitTracker, init_key: began}]");
    assert_int_equal(env->num_transforms, 5);
    assert_string_equal(env->transforms[2]->path, "env.transforms.1.transforms.1.transforms.0");
    rlc_begin(p);
    rlc_dict *td = rlc_env_kept(env);
    echo_act(env, td, (float[]){2, 0});
    EXPECT(rlc_dict_get(td, "next.reward"), 8);
    EXPECT(rlc_dict_get(td, "next.episode_reward"), 15);
    EXPECT(rlc_dict_get(td, "began"), 1);
    expect_ok(rlc_end(p));
}

/* All of them at once, for 1, 7 and 64 rows: what is saved after some steps goes on the same in an environment built anew;
 * equal seeds give equal steps. */
static const char *const everything =
    "{type: Pendulum, num_envs: %d, max_episode_steps: 11, transforms: [{type: ActionScaling}, {type: RewardScaling, "
    "loc: 1, scale: 0.5}, {type: FrameSkipTransform, frame_skip: 2}, {type: VecNorm, decay: 0.99}, {type: "
    "StepCounter}, "
    "{type: RewardSum}, {type: InitTracker}, {type: CatTensors, in_keys: [observation, step_count], del_keys: false}, "
    "{type: "
    "ObservationNorm, in_keys: [observation_vector], loc: 0.5, scale: [1, 2, 3, 4]}]}";

static double fingerprint(rlc_env *e, int steps) {
    double sum = 0;
    for (int t = 0; t < steps; t++) {
        static const char *const keys[] = {"observation_vector", "next.observation_vector", "next.reward",
                                           "next.episode_reward", "is_init"};
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(e);
        rlc_dict_set(td, "action", rlc_spec_sample(&e->action, RLC_SHAPE(e->num_envs), e->action_stream));
        rlc_dict *root = rlc_env_step(e, td);
        for (int k = 0; k < RLC_COUNT(keys); k++) {
            rlc_tensor *tensor = rlc_dict_get(td, keys[k]);
            double *values = read_doubles(tensor);
            for (int64_t i = 0; i < tensor->numel; i++) {
                assert_true(isfinite(values[i]));
                sum = sum * 0.999 + values[i] * (double)(i + 1);
            }
            free(values);
        }
        rlc_env_keep(e, root);
        expect_ok(rlc_end(p));
    }
    return sum;
}

static void restore(const rlc_state *to, const rlc_state *from) {
    assert_int_equal(to->count, from->count);
    rlc_begin(p);
    for (int i = 0; i < to->count; i++) {
        assert_string_equal(to->items[i].name, from->items[i].name);
        rlc_assign(to->items[i].tensor, from->items[i].tensor);
    }
    expect_ok(rlc_end(p));
}

static void test_everything_at_once(void **state) {
    (void)state;
    static const int rows[] = {1, 7, 64};
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        char options[1024];
        snprintf(options, sizeof options, everything, rows[i]);
        env = world_env(5, options);
        rlc_env *twin = world_env(5, options), *other = world_env(6, options);
        double sum = fingerprint(env, 17);
        assert_true(sum == fingerprint(twin, 17) && sum != fingerprint(other, 17));
        rlc_env_free(other);
        other = world_env(5, options);
        restore(&other->state, &env->state);
        restore(&other->learned, &env->learned);
        assert_true(fingerprint(env, 20) == fingerprint(other, 20));
        rlc_env_free(twin);
        rlc_env_free(other);
        rlc_env_free(env);
        env = NULL;
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *options;
        const char *message;
    } cases[] = {
        {"transforms: [{type: FrameSkipTransform, frame_skip: 0}]", "option 'frame_skip' must be between 1 and"},
        {"transforms: [{type: ObservationNorm, scale: 1}]", "env.transforms.0: option 'loc' is required"},
        {"transforms: [{type: ObservationNorm, loc: x, scale: 1}]",
         "env.transforms.0: option 'loc' must be a finite number, not 'x'"},
        {"transforms: [{type: ObservationNorm, loc: [], scale: 1}]", "env.transforms.0: option 'loc' is an empty list"},
        {"transforms: [{type: ObservationNorm, loc: [1, 2, 3], scale: 1}]",
         "env.transforms.0: loc has 3 numbers, but 'observation' is [1, 2]"},
        {"transforms: [{type: ObservationNorm, in_keys: [speed], loc: 0, scale: 1}]", "there is no key 'speed'"},
        {"transforms: [{type: ObservationNorm, out_keys: [a, b], loc: 0, scale: 1}]",
         "env.transforms.0: there are 1 in_keys and 2 out_keys"},
        {"transforms: [{type: RewardScaling, loc: 0}]", "option 'scale' is required"},
        {"transforms: [{type: RewardClipping, clamp_min: 1, clamp_max: 0}]", "clamp_min (1) is above clamp_max (0)"},
        {"transforms: [{type: CatTensors}]", "option 'in_keys' is required"},
        {"transforms: [{type: CatTensors, in_keys: [observation, place]}]", "there is no key 'place'"},
        {"transforms: [{type: VecNorm, decay: 1.5}]", "option 'decay' must be between 0 and 1"},
        {"transforms: [{type: RewardSum}, {type: Compose, transforms: [{type: RewardSums}]}]",
         "there is no transform of type 'RewardSums' (did you mean 'RewardSum'?)"},
        {"transforms: [{type: Compose, transforms: 3}]", "env.transforms.0.transforms: must be a list"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_env *none = NULL;
        expect_error(echo_make(cases[i].options, &none), RLC_INVALID, cases[i].message);
        assert_null(none);
        fresh_start(NULL);
    }
    rlc_env *none = NULL;
    expect_error(rlc_env_make(world_registry(), test_device(), 1,
                              "{type: CartPole, transforms: [{type: ActionScaling}]}", &none),
                 RLC_INVALID, "ActionScaling needs actions with bounds, but those of the environment are OneHot(2)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_action_scaling, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_pendulum_gets_its_torque, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_frame_skip, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_frame_skip_stops_at_the_end, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_init_tracker, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_cat_tensors, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_compose, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_everything_at_once, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_refused, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("wiring of transforms", tests, NULL, NULL);
}
