/* rlc_check_env: environments that keep their promises, and one or two that break each of them. */
#include "tests/world.h"

#include "envs/check.h"
#include "envs/transform.h"
#include "kernels/cpu/env_loop.h"

/* A walk on a line, from somewhere near 0 until it is 1 away. */
enum { WALK_STATE = 1, WALK_OBSERVATION = 1, WALK_ACTIONS = 3 };

RLC_INLINE int walk_step(float *state, int action, float *reward) {
    state[0] += 0.25f * (float)(action - 1);
    *reward = -state[0];
    return (state[0] < -1) | (state[0] > 1);
}

RLC_INLINE void walk_reset(float *state, const rlc_draw *draw) {
    state[0] = rlc_between(rlc_draw_block(draw, 0).word[0], -0.5f, 0.5f);
}

RLC_INLINE void walk_observe(const float *state, float *observation) {
    observation[0] = state[0];
}

ENV_DISCRETE(walk, WALK)

/* The same walk with something wrong in each step, or in each reset. */

#define AFTER_STEP(name, ...)                                                                                          \
    static void name(const rlc_node *node) {                                                                           \
        walk_loop(node);                                                                                               \
        const env_rows r = env_rows_of(node);                                                                          \
        if (r.call->mode == RLC_ENV_STEP) {                                                                            \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    }

AFTER_STEP(nan_reward, r.reward[2] = NAN)
AFTER_STEP(infinite_observation, r.next_observation[1] = -INFINITY)
AFTER_STEP(always_done, r.done[0] = 1)
AFTER_STEP(never_done, r.done[0] = 0)
AFTER_STEP(odd_flag, r.terminated[1] = 2)
AFTER_STEP(
    no_limit, for (int64_t i = 0; i < r.n; i++) {
        r.truncated[i] = 0;
        r.done[i] = r.terminated[i];
    })

#define IN_PLACE_OF_RESET(name, ...)                                                                                   \
    static void name(const rlc_node *node) {                                                                           \
        const env_rows r = env_rows_of(node);                                                                          \
        if (r.call->mode != RLC_ENV_RESET) {                                                                           \
            walk_loop(node);                                                                                           \
            return;                                                                                                    \
        }                                                                                                              \
        __VA_ARGS__;                                                                                                   \
    }

IN_PLACE_OF_RESET(resets_all, rlc_env_call all = *r.call; rlc_node other = *node; all.mode = RLC_ENV_RESET_ALL;
                  other.aux = &all; walk_loop(&other))
IN_PLACE_OF_RESET(resets_none, memcpy(r.observation, r.next_observation, (size_t)r.n * sizeof(float)))
IN_PLACE_OF_RESET(moves_all, walk_loop(node); r.observation[1] += 0.125f)

/* Remembers between calls what is in nobody's state: how often it has been built, how often it has stepped. */
static void counts_builds(const rlc_node *node) {
    static int builds;
    walk_loop(node);
    const env_rows r = env_rows_of(node);
    if (r.call->mode == RLC_ENV_RESET_ALL) {
        r.state[0] = r.observation[0] = 0.01f * (float)++builds;
    }
}

static void counts_steps(const rlc_node *node) {
    static int steps;
    walk_loop(node);
    const env_rows r = env_rows_of(node);
    if (r.call->mode == RLC_ENV_STEP) {
        r.reward[0] = (float)++steps;
    }
}

static void reset_nothing(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)self, (void)root, (void)rows;
}

static void step_nothing(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)self, (void)td, (void)next;
}

static void wide_reward(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)self, (void)td;
    rlc_dict_set(next, "reward", rlc_cast(rlc_dict_get(next, "reward"), RLC_F64));
}

static void flat_reward(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)self, (void)td;
    rlc_dict_set(next, "reward", rlc_squeeze(rlc_dict_get(next, "reward"), -1));
}

static void no_truncated(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)self, (void)td;
    rlc_dict_del(next, "truncated");
}

static void narrow_spec(rlc_transform *self, rlc_env *env) {
    (void)self;
    env->observation = rlc_spec_bounded(RLC_SHAPE(WALK_OBSERVATION), -0.75, 0.75);
}

static void raised_flag(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    rlc_dict_set(root, "done", rlc_ones(RLC_BOOL, RLC_SHAPE(self->env->num_envs, 1)));
}

typedef rlc_env Walk;
typedef rlc_transform Change;

static rlc_registry *registry;
static rlc_env_class walk = {.base = RLC_CLASS("env", Walk, .doc = "a walk on a line"),
                             .state_size = WALK_STATE,
                             .observation_size = WALK_OBSERVATION,
                             .num_actions = WALK_ACTIONS,
                             .max_steps = 30,
                             .threshold = NAN};
static rlc_transform_class change = {.base = RLC_CLASS("transform", Change, .doc = "changes what tests say")};

static int make_registry(void **state) {
    (void)state;
    return rlc_registry_new(&registry) != RLC_OK || rlc_register(registry, &walk.base) != RLC_OK ||
           rlc_register(registry, &change.base) != RLC_OK;
}

static int free_registry(void **state) {
    (void)state;
    rlc_registry_free(registry);
    return 0;
}

/* The walk and the transform as they should be. */
static int start(void **state) {
    walk.kernel = walk_loop;
    change.init = NULL;
    change.reset = reset_nothing;
    change.step = step_nothing;
    return fresh_start(state);
}

#define SKIP_TWICE                                                                                                     \
    "{type: CartPole, num_envs: 3, transforms: [{type: FrameSkipTransform, frame_skip: 2}, {type: StepCounter}, "      \
    "{type: FrameSkipTransform, frame_skip: 3}]}"

static void test_good_environments(void **state) {
    (void)state;
    static const char *const good[] = {
        "{type: CartPole}",
        "{type: CartPole, num_envs: 7, action_encoding: categorical}",
        "{type: CartPole, num_envs: 3, transforms: [{type: RewardSum}, {type: StepCounter, max_steps: 9}]}",
        "{type: Walk, num_envs: 4, max_episode_steps: 0}",
        "{type: Walk, num_envs: 4, transforms: [{type: Change}]}",
        "{type: Acrobot, max_episode_steps: 31, transforms: [{type: FrameSkipTransform, frame_skip: 4}]}",
        SKIP_TWICE,
    };
    for (int i = 0; i < RLC_COUNT(good); i++) {
        expect_ok(rlc_check_env(registry, test_device(), good[i], 0));
        expect_ok(rlc_check_env(registry, test_device(), good[i], 3));
    }
}

static void expect_broken(const char *options, const char *message) {
    expect_error(rlc_check_env(registry, test_device(), options, 0), RLC_INVALID, message);
}

static void test_broken_kernels(void **state) {
    (void)state;
    static const struct {
        rlc_kernel *kernel;
        const char *message;
    } cases[] = {
        {nan_reward, "env Walk, step 1: 'next.reward' of row 2 is nan"},
        {infinite_observation, "env Walk, step 1: 'next.observation' of row 1 is -inf"},
        {always_done, "env Walk, step 1: row 0 has done 1, terminated 0 and truncated 0; done must be either"},
        {never_done, ": row 0 has done 0, terminated 1 and truncated 0; done must be either"},
        {odd_flag, "env Walk, step 1: a flag of row 1 is neither true nor false"},
        {no_limit, " has made all 30 steps of an episode, but is neither terminated nor truncated"},
        {resets_all, "env Walk, step 1: row 0 is not done, but env->elapsed counts 0 steps where it should count 1"},
        {resets_none, " is done, but env->elapsed counts "},
        {moves_all, "row 1 is not done, but its next step starts from another 'observation' than this one led to"},
        {counts_builds, "is not the same in a second environment of the same seed"},
        {counts_steps, "'next.reward' is not the same after env->state was written back"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        walk.kernel = cases[i].kernel;
        expect_broken("{type: Walk, num_envs: 3}", cases[i].message);
    }
}

/* A limit longer than the check's steps is looked at too. */
static void test_broken_limit(void **state) {
    (void)state;
    walk.kernel = no_limit;
    expect_broken("{type: Walk, num_envs: 3, max_episode_steps: 10_000}", " has made all 5 steps of an episode");
}

static void test_broken_steps_of_transforms(void **state) {
    (void)state;
    static const struct {
        void (*step)(rlc_transform *, const rlc_dict *, rlc_dict *);
        const char *message;
    } cases[] = {
        {wide_reward, "step 1: 'next.reward' is float64 [3, 1], but its spec Unbounded([1]) wants float32 [3, 1]"},
        {flat_reward, "step 1: 'next.reward' is float32 [3], but its spec Unbounded([1]) wants float32 [3, 1]"},
        {no_truncated, "step 1: there is no tensor 'next.truncated'"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        change.step = cases[i].step;
        expect_broken("{type: Walk, num_envs: 3, transforms: [{type: Change}]}", cases[i].message);
    }
}

static void test_broken_specs(void **state) {
    (void)state;
    change.init = narrow_spec;
    expect_broken("{type: Walk, num_envs: 3, transforms: [{type: Change}]}", "is none of its spec, Bounded([1], -0.75");
    change.init = NULL;
    change.reset = raised_flag;
    expect_broken("{type: Walk, num_envs: 3, transforms: [{type: Change}]}", "starts from a 'done' that is true");
}

static void test_options_are_checked(void **state) {
    (void)state;
    expect_broken("{type: Wolk}", "did you mean 'Walk'?");
    expect_broken("{type: Walk, num_envs: 0}", "num_envs");
    expect_broken("{type: [", "env");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good_environments, start),
        cmocka_unit_test_setup(test_broken_kernels, start),
        cmocka_unit_test_setup(test_broken_limit, start),
        cmocka_unit_test_setup(test_broken_steps_of_transforms, start),
        cmocka_unit_test_setup(test_broken_specs, start),
        cmocka_unit_test_setup(test_options_are_checked, start),
    };
    return cmocka_run_group_tests_name("checks of environments", tests, make_registry, free_registry);
}
