/* What holds for every environment and any number of rows: only done rows start anew, equal seeds give equal rollouts,
 * restored state goes on as the saved one did, and an environment of one's own takes part with its own loop. */
#include "kernels/cpu/env_loop.h"
#include "tests/with_env.h"

#include <stdio.h>

/* An environment as a plug-in would bring it: two actions are added to a state that ends beyond 3. */
enum { WALK_STATE = 2, WALK_OBSERVATION = 2, WALK_ACTIONS = 2 };

static inline int walk_step(float *state, const float *action, float *reward) {
    state[0] += action[0];
    state[1] += action[1];
    *reward = action[0] - action[1];
    return (state[0] > 3) | (state[0] < -3);
}

static inline void walk_reset(float *state, const rlc_draw *draw) {
    state[0] = rlc_between(rlc_draw_block(draw, 0).word[0], -0.1f, 0.1f);
    state[1] = 0;
}

static inline void walk_observe(const float *state, float *observation) {
    observation[0] = state[0];
    observation[1] = state[1];
}

ENV_CONTINUOUS(walk, WALK)

typedef rlc_env Walk;

static const rlc_env_class walk = {
    .base = RLC_CLASS("env", Walk, .doc = "of this test"),
    .state_size = WALK_STATE,
    .observation_size = WALK_OBSERVATION,
    .action_size = WALK_ACTIONS,
    .action_low = -1,
    .action_high = 1,
    .max_steps = 9,
    .threshold = NAN,
    .kernel = walk_loop,
};

static const struct {
    const char *name;
    int limit;       /* Gymnasium's */
    int num_actions; /* 0 for continuous ones */
} types[] = {{"CartPole", 500, 2},
             {"Pendulum", 200, 0},
             {"Acrobot", 500, 3},
             {"MountainCar", 200, 3},
             {"MountainCarContinuous", 999, 0},
             {"Walk", 9, 0}};
static const int rows[] = {1, 7, 64};

static rlc_env *make(int type, int count, uint64_t seed, const char *more) {
    static bool registered;
    if (!registered) {
        expect_ok(rlc_register(world_registry(), &walk.base));
        registered = true;
    }
    char options[128];
    snprintf(options, sizeof options, "{type: %s, num_envs: %d%s}", types[type].name, count, more);
    return world_env(seed, options);
}

static rlc_dict *random_step(rlc_env *e, rlc_dict *td) {
    rlc_dict_set(td, "action", rlc_spec_sample(&e->action, RLC_SHAPE(e->num_envs), e->action_stream));
    return rlc_env_step(e, td);
}

/* Steps to and over the ends of episodes; time limits that differ from row to row make some rows done at each step. */
static void check_resets(int type, int count) {
    env = make(type, count, 3, ", max_episode_steps: 20");
    rlc_begin(p);
    rlc_assign(env->elapsed, rlc_arange(RLC_I64, count));
    expect_ok(rlc_end(p));
    int ended = 0;
    for (int t = 1; t <= 25; t++) {
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env), *root = random_step(env, td);
        double *last = read_doubles(rlc_dict_get(td, "next.observation")),
               *done = read_doubles(rlc_dict_get(td, "next.done"));
        double *first = read_doubles(rlc_dict_get(root, "observation")), *elapsed = read_doubles(env->elapsed);
        int size = env->type->observation_size;
        for (int i = 0; i < count; i++) {
            bool same = memcmp(first + i * size, last + i * size, (size_t)size * sizeof *first) == 0;
            assert_true(same == (done[i] == 0) && (elapsed[i] == 0) == (done[i] != 0));
            ended += done[i] != 0;
        }
        free(last);
        free(done);
        free(first);
        free(elapsed);
        rlc_env_keep(env, root);
        expect_ok(rlc_end(p));
    }
    assert_true(ended >= count);
    rlc_env_free(env);
    env = NULL;
}

static void test_only_done_rows_start_anew(void **state) {
    (void)state;
    for (int type = 0; type < RLC_COUNT(types); type++) {
        for (int i = 0; i < RLC_COUNT(rows); i++) {
            check_resets(type, rows[i]);
        }
    }
}

/* A number made of all that `steps` steps with random actions show. */
static double fingerprint(rlc_env *e, int steps) {
    double sum = 0;
    for (int t = 0; t < steps; t++) {
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(e), *root = random_step(e, td);
        static const char *const keys[] = {"observation", "next.observation", "next.reward"};
        for (int k = 0; k < RLC_COUNT(keys); k++) {
            rlc_tensor *tensor = rlc_dict_get(td, keys[k]);
            double *values = read_doubles(tensor);
            for (int64_t i = 0; i < tensor->numel; i++) {
                sum = sum * 0.999 + values[i] * (double)(i + 1);
            }
            free(values);
        }
        rlc_env_keep(e, root);
        expect_ok(rlc_end(p));
    }
    return sum;
}

static void test_seeds(void **state) {
    (void)state;
    for (int type = 0; type < RLC_COUNT(types); type++) {
        for (int i = 0; i < RLC_COUNT(rows); i++) {
            double sums[3];
            for (int k = 0; k < 3; k++) {
                env = make(type, rows[i], k < 2 ? 5 : 6, ", max_episode_steps: 13");
                sums[k] = fingerprint(env, 30);
                rlc_env_free(env);
                env = NULL;
            }
            assert_true(sums[0] == sums[1] && sums[0] != sums[2]);
        }
    }
}

/* What a checkpoint does: every tensor of the state, by name, into an environment built anew. */
static void restore(rlc_env *to, const rlc_env *from) {
    assert_int_equal(to->state.count, from->state.count);
    rlc_begin(p);
    for (int i = 0; i < to->state.count; i++) {
        assert_string_equal(to->state.items[i].name, from->state.items[i].name);
        rlc_assign(to->state.items[i].tensor, from->state.items[i].tensor);
    }
    expect_ok(rlc_end(p));
}

static void test_restored_state_goes_on(void **state) {
    (void)state;
    for (int type = 0; type < RLC_COUNT(types); type++) {
        env = make(type, 7, 5, ", max_episode_steps: 13, transforms: [{type: RewardSum}, {type: StepCounter}]");
        fingerprint(env, 20);
        rlc_env *other =
            make(type, 7, 5, ", max_episode_steps: 13, transforms: [{type: RewardSum}, {type: StepCounter}]");
        restore(other, env);
        assert_true(fingerprint(env, 30) == fingerprint(other, 30));
        rlc_env_stats a, b;
        expect_ok(rlc_env_read_stats(env, &a));
        expect_ok(rlc_env_read_stats(other, &b));
        assert_true(a.frames == 7 * 50 && a.frames == b.frames && a.episodes == b.episodes);
        assert_true(a.return_mean == b.return_mean && a.length_mean == b.length_mean);
        rlc_env_free(other);
        rlc_env_free(env);
        env = NULL;
    }
}

/* Row 0 is put back to where it began before each step, so that only time can end its episode. */
static void test_time_limits(void **state) {
    (void)state;
    for (int type = 0; type < RLC_COUNT(types); type++) {
        env = make(type, 2, 1, "");
        int steps = 0;
        for (bool over = false; !over;) {
            rlc_begin(p);
            rlc_assign(env->states, rlc_full(RLC_F32, rlc_shape_of(env->states), type == 0 ? 0 : -0.4));
            rlc_dict *td = rlc_env_kept(env);
            rlc_env_keep(env, random_step(env, td));
            over = rlc_item(rlc_any(rlc_dict_get(td, "next.done"), RLC_ALL, false)) != 0;
            EXPECT(rlc_dict_get(td, "next.truncated"), over, over);
            EXPECT(rlc_dict_get(td, "next.terminated"), 0, 0);
            expect_ok(rlc_end(p));
            steps++;
        }
        assert_int_equal(steps, types[type].limit);
        rlc_env_free(env);
        env = NULL;
    }
}

static void test_specs(void **state) {
    (void)state;
    for (int type = 0; type < RLC_COUNT(types); type++) {
        env = make(type, 7, 1, "");
        const rlc_env_class *class = env->type;
        assert_true(rlc_shape_equal(env->observation.shape, RLC_SHAPE(class->observation_size)));
        assert_int_equal(env->action.n, types[type].num_actions);
        if (types[type].num_actions == 0) {
            assert_int_equal(env->action.kind, RLC_SPEC_BOUNDED);
            assert_true(rlc_shape_equal(env->action.shape, RLC_SHAPE(class->action_size)));
            assert_true(env->action.low == class->action_low && env->action.high == class->action_high);
            rlc_begin(p);
            rlc_tensor *action = rlc_spec_sample(&env->action, RLC_SHAPE(7), env->action_stream);
            expect_shape(action, RLC_F32, RLC_SHAPE(7, class->action_size));
            expect_ok(rlc_end(p));
        }
        rlc_env_free(env);
        env = NULL;
    }
}

/* Both encodings mean the same three actions. */
static void test_encodings_of_three_actions(void **state) {
    (void)state;
    static const int64_t index[] = {0, 1, 2, 2, 1, 0, 1};
    double sums[2];
    for (int k = 0; k < 2; k++) {
        env = make(3, 7, 1, k == 0 ? "" : ", action_encoding: categorical");
        rlc_begin(p);
        rlc_dict *td = rlc_env_kept(env);
        rlc_dict_set(td, "action", rlc_spec_encode(&env->action, rlc_from_data(RLC_I64, RLC_SHAPE(7), index)));
        rlc_env_step(env, td);
        rlc_tensor *weights = rlc_add_scalar(rlc_arange(RLC_F32, 14), 1);
        sums[k] = rlc_item(rlc_sum(rlc_mul(weights, rlc_reshape(rlc_dict_get(td, "next.observation"), RLC_SHAPE(14))),
                                   RLC_ALL, false));
        expect_ok(rlc_end(p));
        rlc_env_free(env);
        env = NULL;
    }
    assert_true(sums[0] == sums[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_done_rows_start_anew, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_seeds, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_restored_state_goes_on, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_time_limits, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_specs, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_encodings_of_three_actions, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("all environments", tests, NULL, NULL);
}
