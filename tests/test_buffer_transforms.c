/* Transforms in replay buffers: what is sampled is what the same transforms made in the environment, over the ends of
 * episodes and around the ring's end; what is stored are bytes. */
#include "tests/with_env.h"

#include <stdio.h>

#include "collectors/buffer.h"
#include "collectors/buffer_transforms.h"
#include "collectors/rollout.h"
#include "recipes/run.h"
#include "tests/command.h"

static rlc_buffer *buffer;

static int free_all(void **state) {
    rlc_buffer_free(buffer);
    buffer = NULL;
    return free_env(state);
}

enum { ENVS = 3, CAPACITY = 60 };

static const char *const entries[] = {"pixels", "observation", "next.pixels", "next.observation", "next.done"};

static rlc_dict *selected(const rlc_dict *td, const char *const *names, int count) {
    const rlc_key *keys[8];
    for (int i = 0; i < count; i++) {
        keys[i] = rlc_key_intern(names[i]);
    }
    return rlc_dict_select(td, keys, count);
}

/* An environment whose policy sees `observation`, made from `pixels` by these transforms, and a buffer that stores both, but
 * makes `observation` of pixels when it samples: the stored one, as `seen`, is what must come out. */
static void make(const char *env_options, const char *type, const char *env_transforms, const char *transforms) {
    char options[1024];
    rlc_program *shapes;
    snprintf(options, sizeof options, "{%s, num_envs: %d, transforms: [%s]}", env_options, ENVS, env_transforms);
    env = world_env(4, options);
    snprintf(options, sizeof options, "{type: %s, capacity: %d, batch_size: 24%s, transforms: [%s]}", type, CAPACITY,
             strcmp(type, "SliceReplayBuffer") == 0 ? ", slice_len: 3" : "", transforms);
    expect_ok(rlc_program_new(test_device(), "example", &shapes));
    rlc_begin_shapes(shapes);
    rlc_dict *td = rlc_env_reset(env);
    rlc_dict_set(td, "action", rlc_spec_zeros(&env->action, RLC_SHAPE(ENVS)));
    rlc_env_step(env, td);
    rlc_dict *kept = selected(td, entries, RLC_COUNT(entries));
    rlc_dict_rename(kept, "observation", "seen");
    rlc_dict_set(kept, "next.seen", rlc_dict_get(kept, "next.observation"));
    rlc_dict_del(kept, "next.observation");
    expect_ok(rlc_end(shapes));
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 5, options, kept, &buffer));
    rlc_program_free(shapes);
}

static void collect(int steps) {
    rlc_begin(p);
    rlc_dict *batch = rlc_rollout_with(env, NULL, steps, (rlc_rollout_options){.keep_going = true, .no_reset = true});
    rlc_dict_set(batch, "seen", rlc_dict_get(batch, "observation"));
    rlc_dict_set(batch, "next.seen", rlc_dict_get(batch, "next.observation"));
    rlc_buffer_extend(buffer, batch);
    expect_ok(rlc_end(p));
}

static bool same(rlc_tensor *a, rlc_tensor *b) {
    expect_shape(a, (rlc_dtype)b->dtype, rlc_shape_of(b));
    return rlc_item(rlc_all(rlc_eq(a, b), RLC_ALL, false)) == 1;
}

/* Samples; rows whose past is no longer in the ring, its oldest `reach` steps, are left out. */
static int compare_samples(int reach) {
    rlc_begin(p);
    rlc_dict *sample = rlc_buffer_sample(buffer);
    double *steps =
        read_doubles(rlc_buffer_around(buffer, rlc_sub(rlc_dict_get(sample, "index"), rlc_buffer_oldest(buffer))));
    int compared = 0;
    for (int row = 0; row < buffer->batch_size; row++) {
        if (steps[row] < reach * ENVS) {
            continue;
        }
        rlc_dict *one = rlc_dict_at(sample, 0, row);
        assert_true(same(rlc_dict_get(one, "observation"), rlc_dict_get(one, "seen")));
        assert_true(same(rlc_dict_get(one, "next.observation"), rlc_dict_get(one, "next.seen")));
        compared++;
    }
    free(steps);
    expect_ok(rlc_end(p));
    return compared;
}

static void check(const char *env_options, const char *type, const char *env_transforms, const char *transforms,
                  int reach) {
    make(env_options, type, env_transforms, transforms);
    assert_true(rlc_dict_get(buffer->storage, "pixels")->dtype == RLC_U8);
    assert_true(rlc_dict_get(buffer->storage, "next.pixels")->dtype == RLC_U8);
    int compared = 0;
    for (int batch = 0; batch < 20; batch++) { /* around the ring several times, by steps that do not divide it */
        collect(batch % 4 + 3);
        compared += compare_samples(reach);
    }
    assert_true(compared > 20 * 24 / 2);
    free_all(NULL);
    env = NULL;
}

#define TO_OBSERVATION "{type: ToTensorImage, in_keys: [pixels], out_keys: [observation]}"
#define STACK ", {type: CatFrames, N: 4, dim: -3, in_keys: [observation]}"
#define CONSTANT ", {type: CatFrames, N: 3, dim: -3, padding: constant, padding_value: 0.25, in_keys: [observation]}"
#define MOVED ", {type: FrameDifference, in_keys: [observation]}"
#define NORM ", {type: ObservationNorm, loc: 0.2, scale: 0.4, standard_normal: true}"
#define AS_FLOAT ", {type: DoubleToFloat, in_keys: [observation]}"
#define SMALLER ", {type: Resize, w: 6, h: 5, in_keys: [observation]}"

static void test_of_one_moment(void **unused) {
    (void)unused;
    check("type: Catch", "ReplayBuffer", TO_OBSERVATION SMALLER, TO_OBSERVATION SMALLER, 0);
    check("type: Pong, size: atari", "PrioritizedReplayBuffer", TO_OBSERVATION, TO_OBSERVATION, 0);
    check("type: Catch", "ReplayBuffer", TO_OBSERVATION NORM, TO_OBSERVATION NORM AS_FLOAT, 0);
    check("type: Catch", "SliceReplayBuffer", TO_OBSERVATION, "{type: Compose, transforms: [" TO_OBSERVATION "]}", 0);
}

/* Catch's episodes have nine steps, so that most samples reach beyond a beginning; Breakout's have more. */
static void test_that_look_back(void **unused) {
    (void)unused;
    static const char *const types[] = {"ReplayBuffer", "PrioritizedReplayBuffer", "SliceReplayBuffer"};
    static const char *const lists[] = {TO_OBSERVATION STACK, TO_OBSERVATION CONSTANT, TO_OBSERVATION MOVED,
                                        TO_OBSERVATION MOVED STACK, TO_OBSERVATION CONSTANT MOVED SMALLER};
    static const int reach[] = {3, 2, 1, 4, 3};
    for (int k = 0; k < RLC_COUNT(lists); k++) {
        for (int t = 0; t < RLC_COUNT(types); t++) {
            check("type: Catch", types[t], lists[k], lists[k], reach[k]);
        }
        check("type: Breakout, max_episode_steps: 6", "ReplayBuffer", lists[k], lists[k], reach[k]);
    }
}

/* The oldest rows of a ring that is full have lost their past: the oldest moment that is left stands for it. */
static void test_the_oldest_rows(void **unused) {
    (void)unused;
    make("type: Breakout, max_episode_steps: 0", "ReplayBuffer", TO_OBSERVATION, TO_OBSERVATION MOVED);
    for (int batch = 0; batch < 6; batch++) {
        collect(7);
    }
    int oldest = 0;
    for (int draw = 0; draw < 20; draw++) {
        rlc_begin(p);
        rlc_dict *sample = rlc_buffer_sample(buffer);
        rlc_tensor *first =
            rlc_buffer_around(buffer, rlc_sub(rlc_dict_get(sample, "index"), rlc_buffer_oldest(buffer)));
        double *steps = read_doubles(first);
        double *moved = read_doubles(
            rlc_sum(rlc_abs(rlc_reshape(rlc_dict_get(sample, "observation"), RLC_SHAPE(24, 400))), 1, false));
        for (int row = 0; row < 24; row++) {
            if (steps[row] < ENVS) {
                assert_true(moved[row] == 0);
                oldest++;
            }
        }
        free(steps);
        free(moved);
        expect_ok(rlc_end(p));
    }
    assert_true(oldest > 0);
}

/* What must be stored for what is wanted. */
static void test_sources(void **unused) {
    (void)unused;
    static const struct {
        const char *options, *wanted[4], *kept[6];
    } cases[] = {
        {"{transforms: [" TO_OBSERVATION "]}",
         {"observation", "action", "next.observation", "next.reward"},
         {"action", "next.reward", "pixels", "next.pixels"}},
        {"{transforms: [" TO_OBSERVATION "]}", {"observation", "action"}, {"action", "pixels"}},
        {"{transforms: [" TO_OBSERVATION MOVED "]}", {"next.observation"}, {"pixels", "next.pixels", "next.done"}},
        {"{transforms: [{type: ToTensorImage}, {type: CartCrop}]}", {"pixels"}, {"pixels", "observation"}},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const rlc_key *keys[16];
        int count = 0;
        rlc_buffer_transforms *transforms;
        const rlc_value *options = world_value(cases[i].options);
        for (; count < RLC_COUNT(cases[i].wanted) && cases[i].wanted[count] != NULL; count++) {
            keys[count] = rlc_key_intern(cases[i].wanted[count]);
        }
        expect_ok(rlc_buffer_transforms_new(world_registry(), test_device(), options, &transforms));
        expect_ok(rlc_buffer_transforms_sources(transforms, options, keys, &count, RLC_COUNT(keys)));
        for (int k = 0; k < RLC_COUNT(cases[i].kept); k++) {
            assert_true((cases[i].kept[k] != NULL) == (k < count));
            if (k < count) {
                assert_string_equal(keys[k]->name, cases[i].kept[k]);
            }
        }
        rlc_buffer_transforms_free(transforms);
    }
}

/* A buffer of these entries, pictures all of them. */
static rlc_status make_of(const char *const *names, int count, const char *transforms) {
    char options[512];
    rlc_program *shapes;
    snprintf(options, sizeof options, "{type: ReplayBuffer, capacity: 8, batch_size: 4, transforms: [%s]}", transforms);
    expect_ok(rlc_program_new(test_device(), "example", &shapes));
    rlc_begin_shapes(shapes);
    rlc_dict *kept = rlc_dict_new(RLC_SHAPE(2));
    for (int i = 0; i < count; i++) {
        rlc_dict_set(kept, names[i], rlc_zeros(RLC_U8, RLC_SHAPE(2, 3, 3, 1)));
    }
    expect_ok(rlc_end(shapes));
    rlc_status status = rlc_buffer_make(world_registry(), test_device(), 5, options, kept, &buffer);
    rlc_program_free(shapes);
    return status;
}

#define OTHER "{type: ToTensorImage, in_keys: [other], out_keys: [second]}"

/* What is computed is that for which all is there: of the step, or of what it led to. */
static void test_what_is_kept(void **unused) {
    (void)unused;
    static const struct {
        const char *kept[3];
        bool of_step, of_next;
    } cases[] = {
        {{"pixels", "other", "next.pixels"}, true, false},
        {{"next.other", "next.pixels", "pixels"}, false, true},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        expect_ok(make_of(cases[i].kept, RLC_COUNT(cases[i].kept), TO_OBSERVATION ", " OTHER));
        rlc_begin(p);
        rlc_dict *batch = rlc_dict_new(RLC_SHAPE(2));
        for (int k = 0; k < RLC_COUNT(cases[i].kept); k++) {
            rlc_dict_set(batch, cases[i].kept[k], rlc_full(RLC_U8, RLC_SHAPE(2, 3, 3, 1), 255));
        }
        rlc_buffer_extend(buffer, batch);
        rlc_dict *sample = rlc_buffer_sample(buffer);
        assert_true((rlc_dict_find(sample, "observation") != NULL) == cases[i].of_step);
        assert_true((rlc_dict_find(sample, "next.observation") != NULL) == cases[i].of_next);
        rlc_tensor *second = rlc_dict_get(sample, cases[i].of_step ? "second" : "next.second");
        expect_shape(second, RLC_F32, RLC_SHAPE(4, 1, 3, 3));
        assert_true(rlc_item(rlc_all(rlc_eq(second, rlc_scalar(1)), RLC_ALL, false)) == 1);
        expect_ok(rlc_end(p));
        free_all(NULL);
    }
}

/* From C an example may lack what transforms read; that is said when the buffer is built. */
static void test_what_is_not_kept(void **unused) {
    (void)unused;
    static const char *const kept[] = {"next.pixels", "pixels"};
    expect_error(make_of(kept, 2, OTHER), RLC_INVALID,
                 "buffer.transforms: they read 'other', which is not kept; keep it in the example, or what they read "
                 "under 'next'");
    expect_error(
        make_of(kept, 2, TO_OBSERVATION MOVED), RLC_INVALID,
        "buffer:1: buffer.transforms: they look back, and next.done tells episodes apart: keep next.done in the "
        "example");
    expect_error(make_of(kept, 1, TO_OBSERVATION MOVED), RLC_INVALID,
                 "buffer.transforms: they read 'pixels', which is not kept; keep it in the example, for they look back "
                 "at it");
}

/* In a whole run what is collected and kept are bytes, and updates run; test_resume.c stops one and goes on. */
static void test_run(void **unused) {
    (void)unused;
    static const char *const kept[] = {"pixels", "next.pixels"};
    static const char *const overrides[] = {"collector.init_random_frames=64"};
    rlc_run *run;
    expect_ok(rlc_run_load("recipes/dqn_catch.yaml", overrides, 1, &run));
    for (int i = 0; i < RLC_COUNT(kept); i++) {
        expect_shape(rlc_dict_get(run->buffer->storage, kept[i]), RLC_U8, RLC_SHAPE(10000, 10, 10, 2));
    }
    assert_null(rlc_dict_find(run->buffer->storage, "observation"));
    for (int i = 0; i < 30; i++) {
        expect_ok(rlc_run_iterate(run));
    }
    assert_true(*run->updates == 30 - 8);
    rlc_run_free(run);
}

static void test_mistakes(void **unused) {
    (void)unused;
    static const char *const cases[][2] = {
        {"buffer.transforms=[{type: RewardSum}]", "buffer.transforms.0: RewardSum works in an environment only"},
        {"buffer.transforms=[{type: DoubleToFloat}]",
         "buffer.transforms.0: in_keys must say which entries the buffer is to keep as float64"},
        {"buffer.transforms={type: ToTensorImage}", "buffer.transforms: must be a list"},
        {"buffer.transforms=[{type: ToTensorImage}]",
         "buffer.transforms: they write 'pixels', which neither the loss nor the advantage reads; see out_keys"},
        {"buffer.transforms=[{type: ToTensorImage, in_keys: [picture], out_keys: [observation]}]", "'picture'"},
        {"buffer={type: ReplayBuffer, capacity: 32, batch_size: 8, multi_step: {n_steps: 9, gamma: 0.99}, transforms: "
         "\"${env.transforms}\"}",
         "buffer.transforms: 32 rows have no room for the 9 steps of 4 environments that they look at"},
        {"buffer.transforms=[" TO_OBSERVATION "]", "modules.value_net"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        char command[512];
        snprintf(command, sizeof command, "check recipes/dqn_catch.yaml '%s'", cases[i][0]);
        expect_rlrun(command, 2, cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_one_moment, start_without_env, free_all),
        cmocka_unit_test_setup_teardown(test_that_look_back, start_without_env, free_all),
        cmocka_unit_test_setup_teardown(test_the_oldest_rows, start_without_env, free_all),
        cmocka_unit_test_setup(test_sources, start_without_env),
        cmocka_unit_test_setup_teardown(test_what_is_kept, start_without_env, free_all),
        cmocka_unit_test_setup_teardown(test_what_is_not_kept, start_without_env, free_all),
        cmocka_unit_test_setup(test_run, start_without_env),
        cmocka_unit_test_setup(test_mistakes, start_without_env),
    };
    return cmocka_run_group_tests_name("transforms of samples", tests, make_work_folder, remove_work_folder);
}
