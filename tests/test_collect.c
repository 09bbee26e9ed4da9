/* Rollouts and collectors: what they hand out, where they stop, how they go on. */
#include "tests/world.h"

#include <stdio.h>

#include "collectors/collector.h"
#include "collectors/rollout.h"

static rlc_program *p;
static rlc_env *env;
static rlc_model *model;
static rlc_module *policy;

#define NETWORK "{type: QValueActor, module: {type: MLP, num_cells: [8], out_features: 2}}"

/* An environment of five, as the model expects it, and a policy that is greedy by an untrained network. */
static int start(void **state) {
    fresh_start(state);
    p = test_program();
    env = world_env(3, "{type: CartPole, num_envs: 5}");
    model = world_model(3, rlc_spec_one_hot(2));
    policy = world_add(model, "policy", NETWORK);
    return 0;
}

static int stop(void **state) {
    (void)state;
    rlc_env_free(env);
    rlc_model_free(model);
    return 0;
}

/* Element (row, t, k) of an entry [rows, steps, ...]. */
typedef struct entry {
    double *values;
    int64_t steps, width;
} entry;

static entry open_entry(const rlc_dict *td, const char *key) {
    rlc_tensor *tensor = rlc_dict_get(td, key);
    assert_non_null(tensor);
    return (entry){read_doubles(tensor), tensor->shape[1], tensor->numel / tensor->shape[0] / tensor->shape[1]};
}

static double at(const entry *e, int64_t row, int64_t t, int64_t k) {
    return e->values[(row * e->steps + t) * e->width + k];
}

/* Each step must start where the last one led to, or anew where an episode ended. Returns how many ended. */
static int check_chain(const rlc_dict *td) {
    int ended = 0;
    entry root = open_entry(td, "observation"), next = open_entry(td, "next.observation"),
          done = open_entry(td, "next.done");
    for (int64_t i = 0; i < td->batch.size[0]; i++) {
        for (int64_t t = 0; t < root.steps; t++) {
            ended += at(&done, i, t, 0) != 0;
            for (int k = 0; k < 4 && t > 0; k++) {
                double from = at(&next, i, t - 1, k), to = at(&root, i, t, k);
                assert_true(at(&done, i, t - 1, 0) != 0 ? fabs(to) <= 0.05f && to != from : to == from);
            }
        }
    }
    free(root.values);
    free(next.values);
    free(done.values);
    return ended;
}

static void test_rollout(void **state) {
    (void)state;
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_dict *td = rlc_rollout(env, policy, 6);
    assert_true(rlc_shape_equal(td->batch, RLC_SHAPE(5, 6)));
    expect_shape(rlc_dict_get(td, "observation"), RLC_F32, RLC_SHAPE(5, 6, 4));
    expect_shape(rlc_dict_get(td, "action"), RLC_I64, RLC_SHAPE(5, 6, 2));
    expect_shape(rlc_dict_get(td, "chosen_action_value"), RLC_F32, RLC_SHAPE(5, 6, 1));
    expect_shape(rlc_dict_get(td, "next.reward"), RLC_F32, RLC_SHAPE(5, 6, 1));
    expect_shape(rlc_dict_get(td, "next.done"), RLC_BOOL, RLC_SHAPE(5, 6, 1));
    assert_int_equal(check_chain(td), 0);
    rlc_dict *again = rlc_dict_new(RLC_SHAPE(5, 6));
    rlc_dict_set(again, "observation", rlc_dict_get(td, "observation"));
    rlc_module_call(policy, again);
    double *wanted = read_doubles(rlc_dict_get(again, "action"));
    expect_elements("action", rlc_dict_get(td, "action"), 60, wanted, 0);
    free(wanted);
    assert_false(rlc_dict_get(td, "chosen_action_value")->flags & RLC_REQUIRES_GRAD);
    assert_true(rlc_dict_get(again, "action_value")->flags & RLC_REQUIRES_GRAD); /* the setting is as it was */
    expect_ok(rlc_end(p));
}

static void test_rollout_stops_at_the_first_end(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_dict *td = rlc_rollout(env, NULL, 500);
    int64_t steps = td->batch.size[1];
    assert_true(steps > 5 && steps < 100); /* random actions do not keep five poles up for long */
    entry done = open_entry(td, "next.done");
    int last = 0;
    for (int i = 0; i < 5; i++) {
        for (int64_t t = 0; t < steps - 1; t++) {
            assert_true(at(&done, i, t, 0) == 0);
        }
        last += at(&done, i, steps - 1, 0) != 0;
    }
    assert_true(last >= 1);
    free(done.values);
    check_chain(td);
    expect_ok(rlc_end(p));
}

static void test_rollout_that_keeps_going(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_dict *td = rlc_rollout_with(env, NULL, 80, (rlc_rollout_options){.keep_going = true});
    assert_true(rlc_shape_equal(td->batch, RLC_SHAPE(5, 80)));
    assert_true(check_chain(td) >= 5);
    expect_ok(rlc_end(p));
}

/* The same steps in one rollout and in pieces that go on from each other. */
static void check_pieces(const rlc_rollout_options *going_on, int pieces, int steps) {
    static const char *const keys[] = {"observation", "action", "next.observation", "next.done", "next.reward"};
    rlc_env *other = world_env(3, "{type: CartPole, num_envs: 5}");
    rlc_program *whole;
    expect_ok(rlc_program_new(test_device(), "whole", &whole));
    rlc_begin(whole);
    rlc_dict *all = rlc_rollout_with(other, NULL, pieces * steps, (rlc_rollout_options){.keep_going = true});
    entry wanted[RLC_COUNT(keys)];
    for (int k = 0; k < RLC_COUNT(keys); k++) {
        wanted[k] = open_entry(all, keys[k]);
    }
    expect_ok(rlc_end(whole));
    rlc_program_free(whole);
    for (int piece = 0; piece < pieces; piece++) {
        rlc_begin(p);
        rlc_rollout_options options = piece > 0 ? *going_on : (rlc_rollout_options){.keep_going = true};
        rlc_dict *td = rlc_rollout_with(env, NULL, steps, options);
        assert_true(rlc_shape_equal(td->batch, RLC_SHAPE(5, steps)));
        for (int k = 0; k < RLC_COUNT(keys); k++) {
            entry got = open_entry(td, keys[k]);
            for (int64_t i = 0; i < 5 * steps * got.width; i++) {
                int64_t row = i / (steps * got.width), t = i / got.width % steps, c = i % got.width;
                if (at(&got, row, t, c) != at(&wanted[k], row, piece * steps + t, c)) {
                    fail_msg("'%s' of step %d of piece %d is not that of one long rollout", keys[k], (int)t, piece);
                }
            }
            free(got.values);
        }
        expect_ok(rlc_end(p));
    }
    for (int k = 0; k < RLC_COUNT(keys); k++) {
        free(wanted[k].values);
    }
    rlc_env_free(other);
}

static void test_rollout_that_goes_on(void **state) {
    (void)state;
    check_pieces(&(rlc_rollout_options){.no_reset = true}, 2, 4); /* before the first end */
}

static void test_rollout_that_goes_on_past_ends(void **state) {
    (void)state;
    check_pieces(&(rlc_rollout_options){.no_reset = true, .keep_going = true}, 12, 7);
}

static void test_rollout_of_no_length(void **state) {
    (void)state;
    static const int64_t lengths[] = {0, -1, 65536, INT64_MAX};
    for (int i = 0; i < RLC_COUNT(lengths); i++) {
        char message[96];
        rlc_begin(p);
        assert_null(rlc_rollout(env, NULL, lengths[i]));
        snprintf(message, sizeof message, "the number of steps must be 1 to 65535, not %lld", (long long)lengths[i]);
        expect_error(rlc_end(p), RLC_INVALID, message);
    }
    assert_null(rlc_rollout(env, NULL, 5));
    expect_error(rlc_error_status(), RLC_INVALID, "no program is open");
}

static rlc_collector *collector_of(const char *options) {
    rlc_collector *c = NULL;
    expect_ok(rlc_collector_new(model, env, world_value(options), &c));
    return c;
}

/* Whether all actions of a batch are those of the policy. */
static bool is_greedy(const rlc_dict *batch) {
    rlc_dict *td = rlc_dict_new(batch->batch);
    rlc_dict_set(td, "observation", rlc_dict_get(batch, "observation"));
    rlc_module_call(policy, td);
    return rlc_item(rlc_all(rlc_eq(rlc_dict_get(td, "action"), rlc_dict_get(batch, "action")), RLC_ALL, false)) != 0;
}

static void test_collector(void **state) {
    (void)state;
    rlc_collector *c = collector_of("{type: Collector, policy: policy, frames_per_batch: 100, total_frames: 600,\n"
                                    " init_random_frames: 250}");
    expect_ok(rlc_model_allocate(model));
    assert_int_equal(c->total_frames, 600);
    double last[5][4];
    bool ended[5];
    for (int batch = 0; batch < 6; batch++) {
        rlc_begin(p);
        bool random = batch < 3; /* 250 frames are not over after two batches */
        assert_int_equal(*c->frames, 100 * batch);
        assert_true(rlc_collector_is_random(c) == random);
        rlc_dict *td = rlc_collect(c, NULL, 0);
        assert_int_equal(*c->frames, 100 * (batch + 1));
        assert_true(rlc_collector_was_random(c) == random);
        assert_true(rlc_shape_equal(td->batch, RLC_SHAPE(5, 20)));
        assert_true(is_greedy(td) != random);
        assert_true((rlc_dict_find(td, "action_value") != NULL) != random);
        check_chain(td);
        entry root = open_entry(td, "observation"), next = open_entry(td, "next.observation");
        entry done = open_entry(td, "next.done");
        for (int i = 0; i < 5; i++) {
            for (int k = 0; k < 4; k++) { /* episodes run on from batch to batch */
                double first = at(&root, i, 0, k);
                assert_true(batch == 0 || ended[i] ? fabs(first) <= 0.05f : first == last[i][k]);
                last[i][k] = at(&next, i, 19, k);
            }
            ended[i] = at(&done, i, 19, 0) != 0;
        }
        free(root.values);
        free(next.values);
        free(done.values);
        expect_ok(rlc_end(p));
    }
    rlc_env_stats stats;
    expect_ok(rlc_env_read_stats(env, &stats));
    assert_int_equal(stats.frames, 600);
    rlc_collector_free(c);
}

static void test_collector_hands_out_what_is_asked_for(void **state) {
    (void)state;
    rlc_collector *c = collector_of("{type: Collector, policy: policy, frames_per_batch: 10, total_frames: 20}");
    expect_ok(rlc_model_allocate(model));
    const rlc_key *keys[] = {rlc_key_intern("action"), rlc_key_intern("next.reward")};
    rlc_begin(p);
    assert_false(rlc_collector_is_random(c));
    rlc_dict *td = rlc_collect(c, keys, 2);
    assert_int_equal(td->count, 2);
    assert_int_equal(rlc_dict_get_dict(td, "next")->count, 1);
    expect_shape(rlc_dict_get(td, "action"), RLC_I64, RLC_SHAPE(5, 2, 2));
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_collect(c, (const rlc_key *[]){rlc_key_intern("pixels")}, 1);
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'pixels'; keys are observation,");
    rlc_collector_free(c);
}

/* What was recorded before a batch runs before its steps, of few of them as of many; after an error there are none. */
static void test_collector_follows_what_was_recorded(void **state) {
    (void)state;
    static const int steps[] = {3, 150};
    rlc_collector *c[] = {
        collector_of("{type: Collector, policy: policy, frames_per_batch: 15, total_frames: 750}"),
        collector_of("{type: Collector, policy: policy, frames_per_batch: 750, total_frames: 1500}"),
    };
    expect_ok(rlc_model_allocate(model));
    rlc_tensor *bias = world_parameter(model, "modules.policy.0.2.bias");
    for (int i = 0; i < 4; i++) {
        const int always = i % 2;
        rlc_begin(p);
        rlc_no_grad(true);
        rlc_assign(bias,
                   rlc_from_data(RLC_F32, RLC_SHAPE(2), (float[]){always == 0 ? 1e6f : 0, always == 1 ? 1e6f : 0}));
        rlc_tensor *action = rlc_dict_get(rlc_collect(c[i / 2], NULL, 0), "action");
        expect_shape(action, RLC_I64, RLC_SHAPE(5, steps[i / 2], 2));
        rlc_tensor *chosen = rlc_select(action, -1, always);
        assert_true(rlc_item(rlc_all(chosen, RLC_ALL, false)) == 1);
        expect_ok(rlc_end(p));
    }
    rlc_env_stats before, after;
    expect_ok(rlc_env_read_stats(env, &before));
    for (int i = 0; i < 2; i++) {
        rlc_begin(p);
        rlc_view(rlc_zeros(RLC_F32, RLC_SHAPE(2)), RLC_SHAPE(3));
        assert_null(rlc_collect(c[i], NULL, 0));
        expect_error(rlc_end(p), RLC_INVALID, "cannot hold the elements");
        rlc_collector_free(c[i]);
    }
    expect_ok(rlc_env_read_stats(env, &after));
    assert_int_equal(after.frames, before.frames);
}

/* Frames count for epsilon from the first one on, those of random actions too. */
static void test_collector_anneals(void **state) {
    (void)state;
    rlc_module *behavior = world_add(model, "behavior",
                                     "{type: Sequential, modules: [policy, {type: EGreedyModule, eps_end: 0,\n"
                                     " annealing_num_steps: 40}]}");
    rlc_collector *c = collector_of("{type: Collector, policy: behavior, frames_per_batch: 10, total_frames: 50,\n"
                                    " init_random_frames: 20}");
    expect_ok(rlc_model_allocate(model));
    assert_ptr_equal(c->policy, behavior);
    for (int batch = 1; batch <= 5; batch++) {
        rlc_begin(p);
        rlc_dict *td = rlc_collect(c, NULL, 0);
        assert_true(batch < 5 || is_greedy(td)); /* nothing is left of epsilon by then */
        expect_ok(rlc_end(p));
        double eps = -1;
        for (int i = 0; i < model->state.count; i++) {
            if (model->state.items[i].logged) {
                eps = (double)*(const float *)peek(model->state.items[i].tensor);
            }
        }
        assert_true(fabs(eps - fmax(0, 1 - batch / 4.0)) < 1e-6);
    }
    rlc_collector_free(c);
}

static void test_collector_that_cannot_be(void **state) {
    (void)state;
    world_add(model, "net", "{type: MLP, out_keys: [action_value], out_features: 2}");
    world_add(model, "explore", "{type: EGreedyModule}");
    world_add(model, "other", "{type: Linear, out_keys: [action], out_features: 2}");
    world_add(model, "wide", "{type: Linear, out_keys: [action], out_features: 3}");
    static const char *const cases[][2] = {
        {"policy: policy, frames_per_batch: 12, total_frames: 100}",
         "test:1: collector: frames_per_batch (12) must be a multiple of env.num_envs (5)"},
        {"policy: policy, frames_per_batch: 3, total_frames: 100}", "must be a multiple of env.num_envs (5)"},
        {"policy: policy, frames_per_batch: 327680, total_frames: 100}",
         "collector: frames_per_batch gives 65536 steps a batch; at most 65535 are possible"},
        {"policy: policy, frames_per_batch: 0, total_frames: 100}", "option 'frames_per_batch' must be between 1 and"},
        {"policy: policy, frames_per_batch: 5}", "option 'total_frames' is required"},
        {"policy: policy, total_frames: 5}", "option 'frames_per_batch' is required"},
        {"frames_per_batch: 5, total_frames: 5}", "option 'policy' is required"},
        {"policy: net, frames_per_batch: 5, total_frames: 5}", "collector: the policy modules.net writes no 'action'"},
        {"policy: other, frames_per_batch: 5, total_frames: 5}",
         "collector: the policy modules.other writes actions float32 [5, 2], but the environment reads OneHot(2), "
         "int64"},
        {"policy: wide, frames_per_batch: 5, total_frames: 5}",
         "writes actions float32 [5, 3], but the environment reads"},
        {"policy: explore, frames_per_batch: 5, total_frames: 5}", "modules.explore: dict: there is no key 'action'"},
        {"policy: polcy, frames_per_batch: 5, total_frames: 5}", "collector.policy: there is no module 'polcy'"},
        {"policy: policy, frame_per_batch: 5, total_frames: 5}",
         "unknown option 'frame_per_batch' (did you mean 'frames_per_batch'?)"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        char options[160];
        rlc_collector *c = NULL;
        snprintf(options, sizeof options, "{type: Collector, %s", cases[i][0]);
        expect_error(rlc_collector_new(model, env, world_value(options), &c), RLC_INVALID, cases[i][1]);
        assert_null(c);
    }
}

/* A policy may stand in the collector itself. */
static void test_policy_in_the_collector(void **state) {
    (void)state;
    rlc_collector *c = collector_of("{type: Collector, frames_per_batch: 5, total_frames: 5, policy: " NETWORK "}");
    expect_ok(rlc_model_allocate(model));
    assert_string_equal(c->policy->path, "collector.policy");
    assert_ptr_not_equal(c->policy, policy);
    rlc_begin(p);
    assert_true(rlc_shape_equal(rlc_collect(c, NULL, 0)->batch, RLC_SHAPE(5, 1)));
    expect_ok(rlc_end(p));
    rlc_collector_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rollout, start, stop),
        cmocka_unit_test_setup_teardown(test_rollout_stops_at_the_first_end, start, stop),
        cmocka_unit_test_setup_teardown(test_rollout_that_keeps_going, start, stop),
        cmocka_unit_test_setup_teardown(test_rollout_that_goes_on, start, stop),
        cmocka_unit_test_setup_teardown(test_rollout_that_goes_on_past_ends, start, stop),
        cmocka_unit_test_setup_teardown(test_rollout_of_no_length, start, stop),
        cmocka_unit_test_setup_teardown(test_collector, start, stop),
        cmocka_unit_test_setup_teardown(test_collector_hands_out_what_is_asked_for, start, stop),
        cmocka_unit_test_setup_teardown(test_collector_follows_what_was_recorded, start, stop),
        cmocka_unit_test_setup_teardown(test_collector_anneals, start, stop),
        cmocka_unit_test_setup_teardown(test_collector_that_cannot_be, start, stop),
        cmocka_unit_test_setup_teardown(test_policy_in_the_collector, start, stop),
    };
    return cmocka_run_group_tests_name("collecting", tests, NULL, NULL);
}
