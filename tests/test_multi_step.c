/* Returns of several steps against TorchRL (tests/golden/multi_step.py): whole trajectories, batches that come one
 * after the other, and what DQNLoss makes of their numbers and of importance weights. */
#include "tests/world.h"

#include <stdio.h>

#include "collectors/buffer.h"
#include "objectives/loss.h"
#include "recipes/run.h"

static rlc_program *p;
static rlc_model *model;
static rlc_buffer *buffer;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    model = NULL;
    buffer = NULL;
    return 0;
}

static int stop(void **state) {
    (void)state;
    rlc_buffer_free(buffer);
    rlc_model_free(model);
    return 0;
}

static const char *const keys[] = {"observation", "action",          "next.observation", "next.reward",
                                   "next.done",   "next.terminated", "steps_to_next_obs"};

/* Those of the entries that the golden file has. */
static rlc_dict *golden_dict(const char *name) {
    rlc_shape batch = golden("multi_step", "%s.next.reward", name)->shape;
    batch.ndim--; /* rewards are [*batch, 1] */
    rlc_dict *td = rlc_dict_new(batch);
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        if (has_golden("multi_step", "%s.%s", name, keys[i])) {
            rlc_dict_set(td, keys[i], golden_tensor("multi_step", "%s.%s", name, keys[i]));
        }
    }
    return td;
}

static void test_whole_trajectories(void **state) {
    (void)state;
    for (int i = 0; i < 8; i++) {
        char name[32];
        const double *settings = golden("multi_step", "whole.%d.settings", i)->data;
        snprintf(name, sizeof name, "whole.%d", i);
        rlc_begin(p);
        rlc_dict *td = golden_dict(name), *out = rlc_multi_step(td, (int64_t)settings[0], settings[1]);
        for (int k = 0; k < RLC_COUNT(keys); k++) {
            expect_close(keys[k], rlc_dict_get(out, keys[k]), golden("multi_step", "%s.out.%s", name, keys[k]), 1e-5,
                         1e-6);
        }
        assert_null(rlc_dict_find(td, "steps_to_next_obs")); /* what was given is as it was */
        expect_close(name, rlc_dict_get(td, "next.reward"), golden("multi_step", "%s.next.reward", name), 0, 0);
        expect_ok(rlc_end(p));
    }
}

/* A number that is none behind the end of an episode has no part in it. */
static void test_episodes_are_apart(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(1, 3));
    rlc_shape column = RLC_SHAPE(1, 3, 1);
    rlc_dict_set(td, "next.reward", rlc_from_data(RLC_F32, column, (float[]){1, 2, NAN}));
    rlc_dict_set(td, "next.done", rlc_from_data(RLC_BOOL, column, (bool[]){false, true, false}));
    rlc_dict *out = rlc_multi_step(td, 5, 0.5);
    EXPECT(rlc_slice(rlc_dict_get(out, "next.reward"), 1, 0, 2), 2, 2);
    EXPECT(rlc_dict_get(out, "steps_to_next_obs"), 2, 1, 1);
    EXPECT(rlc_dict_get(out, "next.done"), 1, 1, 0);
    expect_ok(rlc_end(p));
}

/* Columns `first` .. of a golden dict [environments, time]. */
static rlc_dict *columns(const char *name, int64_t first, int64_t count) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2, count));
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        if (has_golden("multi_step", "%s.%s", name, keys[i])) {
            rlc_dict_set(td, keys[i], rlc_slice(golden_tensor("multi_step", "%s.%s", name, keys[i]), 1, first, count));
        }
    }
    return td;
}

static void expect_equal_dicts(const rlc_dict *got, const rlc_dict *wanted) {
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        rlc_tensor *tensor = rlc_dict_get(wanted, keys[i]);
        double *values = read_doubles(tensor);
        expect_elements(keys[i], rlc_dict_get(got, keys[i]), (int)tensor->numel, values, 1e-5);
        free(values);
    }
}

/* Whatever the lengths of batches, all steps come out in order, each as soon as those behind it are there. */
static void test_batches(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        char name[32], result[40];
        const rlc_safetensors_entry *lengths = golden("multi_step", "batches.%d.lengths", i);
        const int64_t n = (int64_t) * (const double *)golden("multi_step", "batches.%d.settings", i)->data;
        snprintf(name, sizeof name, "batches.%d", i);
        snprintf(result, sizeof result, "%s.out", name);
        rlc_arena arena = {0};
        rlc_state kept = {0};
        rlc_begin(p);
        rlc_waiting_steps *w =
            rlc_waiting_steps_new(&arena, &kept, test_device(), (rlc_multi_step_options){n, 0.9}, columns(name, 0, 1));
        assert_non_null(w);
        int64_t in = 0, out = 0;
        for (int64_t k = 0; k < lengths->shape.size[0]; k++) {
            int64_t length = ((const int64_t *)lengths->data)[k];
            rlc_dict *passed = rlc_waiting_steps_pass(w, columns(name, in, length));
            in += length;
            int64_t count = in - (n - 1) - out;
            assert_int_equal(passed != NULL, count > 0);
            if (passed != NULL) {
                assert_true(rlc_shape_equal(passed->batch, RLC_SHAPE(2, count)));
                expect_equal_dicts(passed, columns(result, out, count));
                out += count;
            }
        }
        assert_true(out >= *(const int64_t *)golden("multi_step", "%s.torchrl_count", name)->data);
        expect_ok(rlc_end(p));
        rlc_state_free(&kept);
        rlc_arena_free(&arena);
    }
}

/* Through a buffer, which keeps the count of steps too. */
static void test_buffer(void **state) {
    (void)state;
    rlc_begin(p);
    expect_ok(
        rlc_buffer_make(world_registry(), test_device(), 1,
                        "{type: ReplayBuffer, capacity: 100, batch_size: 4, multi_step: {n_steps: 3, gamma: 0.9}}",
                        columns("batches.0", 0, 1), &buffer));
    assert_true(rlc_buffer_is_waiting(buffer));
    for (int i = 0; i < 12; i++) { /* one step at a time */
        rlc_buffer_extend(buffer, columns("batches.0", i, 1));
        assert_int_equal(rlc_buffer_is_waiting(buffer), i < 2);
    }
    EXPECT(buffer->cursor, 20, 20);
    expect_shape(rlc_dict_get(buffer->storage, "steps_to_next_obs"), RLC_I64, RLC_SHAPE(100, 1));
    for (int i = 0; i < 10; i++) { /* rows 2 i and 2 i + 1 are step i of the environments */
        rlc_dict *wanted = columns("batches.0.out", i, 1);
        rlc_tensor *index = rlc_add_scalar(rlc_arange(RLC_I64, 2), 2 * i);
        expect_equal_dicts(rlc_dict_index(buffer->storage, index), wanted);
    }
    expect_shape(rlc_dict_get(rlc_buffer_sample(buffer), "steps_to_next_obs"), RLC_I64, RLC_SHAPE(4, 1));
    expect_ok(rlc_end(p));
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{n_steps: 3}", "buffer.multi_step: option 'gamma' is required"},
        {"{gamma: 0.9}", "buffer.multi_step: option 'n_steps' is required"},
        {"{n_steps: 0, gamma: 0.9}", "option 'n_steps' must be between 1 and"},
        {"{steps: 2, n_steps: 2, gamma: 0.9}", "buffer.multi_step: unknown option 'steps'"},
    };
    char text[128];
    rlc_begin(p);
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        snprintf(text, sizeof text, "{type: ReplayBuffer, capacity: 9, batch_size: 4, multi_step: %s}", cases[i][0]);
        expect_error(rlc_buffer_make(world_registry(), test_device(), 1, text, columns("batches.0", 0, 1), &buffer),
                     RLC_INVALID, cases[i][1]);
    }
    rlc_dict *bare = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(bare, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(2, 1)));
    snprintf(text, sizeof text,
             "{type: ReplayBuffer, capacity: 9, batch_size: 4, multi_step: {n_steps: 2, gamma: 0.9}}");
    expect_error(rlc_buffer_make(world_registry(), test_device(), 1, text, bare, &buffer), RLC_INVALID,
                 "needs the entries next.reward and next.done");
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 1, text, columns("batches.0", 0, 1), &buffer));
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_buffer_extend(buffer, rlc_dict_reshape(columns("batches.0", 0, 1), RLC_SHAPE(2)));
    expect_error(rlc_end(p), RLC_INVALID, "a batch of 2 environments over time is needed, not [2]");
    rlc_begin(p);
    rlc_multi_step(columns("batches.0", 0, 1), 0, 0.9);
    expect_error(rlc_end(p), RLC_INVALID, "needs at least one step");
}

/* DQNLoss with importance weights, with several steps, with both. */
static void check_loss(const char *what, bool twice) {
    static const char *const parts[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    char name[64], text[160];
    rlc_module *loss = NULL;
    snprintf(name, sizeof name, "loss.%s.%s", what, twice ? "double" : "plain");
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(3));
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [action_value], out_features: 3}");
    world_add(model, "policy", "{type: QValueActor, module: net}");
    snprintf(text, sizeof text, "{type: DQNLoss, value_network: policy, gamma: 0.9, delay_value: %s, double_dqn: %s}",
             twice ? "true" : "false", twice ? "true" : "false");
    expect_ok(rlc_model_build(model, "loss", "loss", world_value(text), &loss));
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < model->num_parameters; i++) { /* the target is a copy */
        expect_ok(rlc_tensor_write(model->parameters[i].tensor,
                                   golden("multi_step", "%s.online.%s", name, parts[i % 4])->data));
    }
    rlc_begin(p);
    rlc_dict *td = golden_dict(name);
    if (has_golden("multi_step", "%s.priority_weight", name)) {
        rlc_dict_set(td, "priority_weight", golden_tensor("multi_step", "%s.priority_weight", name));
    }
    rlc_dict *out = rlc_loss_call((rlc_loss *)loss, td);
    expect_close(name, rlc_dict_get(out, "loss"), golden("multi_step", "%s.loss", name), 1e-5, 1e-6);
    expect_close(name, rlc_dict_get(td, "td_error"), golden("multi_step", "%s.td_error", name), 1e-5, 1e-6);
    expect_ok(rlc_end(p));
}

static void test_loss(void **state) {
    (void)state;
    static const char *const what[] = {"weights", "steps", "both"};
    for (int i = 0; i < RLC_COUNT(what); i++) {
        check_loss(what[i], false);
        check_loss(what[i], true);
    }
}

/* Batches shorter than a return: training begins once the first return is there. */
static void test_short_batches(void **state) {
    (void)state;
    static const char *const overrides[] = {"buffer.multi_step={n_steps: 5, gamma: 0.99}", "env.num_envs=2",
                                            "collector.frames_per_batch=4", "collector.init_random_frames=0"};
    rlc_run *run;
    expect_ok(rlc_run_load("recipes/dqn.yaml", overrides, RLC_COUNT(overrides), &run));
    expect_ok(rlc_run_check(run));
    for (int i = 1; i <= 4; i++) {
        expect_ok(rlc_run_iterate(run));
        assert_int_equal(*run->updates, i < 3 ? 0 : i - 2);
    }
    rlc_run_free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_trajectories, start, stop),
        cmocka_unit_test_setup_teardown(test_episodes_are_apart, start, stop),
        cmocka_unit_test_setup_teardown(test_batches, start, stop),
        cmocka_unit_test_setup_teardown(test_buffer, start, stop),
        cmocka_unit_test_setup_teardown(test_misuse, start, stop),
        cmocka_unit_test_setup_teardown(test_loss, start, stop),
        cmocka_unit_test_setup_teardown(test_short_batches, start, stop),
    };
    return cmocka_run_group_tests_name("returns of several steps", tests, NULL, NULL);
}
