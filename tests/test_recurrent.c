/* LSTM and GRU: cells, layers over steps and over sequences, against PyTorch and TorchRL (tests/golden/layers.py); a state
 * that an environment carries. */
#include "tests/with_model.h"

#include <stdio.h>

#include "collectors/rollout.h"
#include "modules/recurrent.h"

enum { ROWS = 5, STEPS = 6, IN = 4, HIDDEN = 3 };
static const char *const states[] = {"recurrent_state_h", "recurrent_state_c"};

/* A model whose dicts carry states of so many layers. */
static void expect_states(int layers) {
    rlc_spec spec = rlc_spec_unbounded(RLC_SHAPE(IN)), action = rlc_spec_one_hot(2);
    rlc_model_free(model);
    model = NULL;
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, IN)));
    rlc_dict_set(td, "is_init", rlc_zeros(RLC_BOOL, RLC_SHAPE(ROWS, 1)));
    rlc_dict_set(td, "h", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, HIDDEN)));
    rlc_dict_set(td, "c", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, HIDDEN)));
    for (int i = 0; i < RLC_COUNT(states); i++) {
        rlc_dict_set(td, states[i], rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, layers, HIDDEN)));
    }
    rlc_model_expect(model, &spec, &action, td);
    expect_ok(rlc_end(p));
}

/* Gives all parameters the golden values of the same names; `skip` is how much of a name stands before PyTorch's. */
static void load_all(const char *name, const char *path) {
    assert_true(model->num_parameters > 0);
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        assert_memory_equal(entry->name, path, strlen(path));
        const rlc_safetensors_entry *wanted = golden("layers", "%s%s", name, entry->name + strlen(path));
        assert_true(rlc_shape_equal(wanted->shape, rlc_shape_of(entry->tensor)));
        expect_ok(rlc_tensor_write(entry->tensor, wanted->data));
    }
}

static void check_cell(const char *name, const char *options, int count) {
    static const char *const next[] = {"next_h", "next_c"};
    expect_states(1);
    rlc_module *net = world_add(model, "net", options);
    expect_ok(rlc_model_allocate(model));
    load_all(name, "modules.net");
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "observation", golden_tensor("layers", "%s.input", name));
    rlc_dict_set(td, "h", golden_tensor("layers", "%s.h", name));
    rlc_dict_set(td, "c", golden_tensor("layers", "%s.c", name));
    rlc_module_call(net, td);
    for (int i = 0; i < count; i++) {
        expect_close(name, rlc_dict_get(td, next[i]), golden("layers", "%s.%s", name, next[i]), 1e-5, 1e-6);
    }
    expect_ok(rlc_end(p));
}

static void test_cells(void **state) {
    (void)state;
    check_cell("lstm_cell",
               "{type: LSTMCell, hidden_size: 3, in_keys: [observation, h, c], out_keys: [next_h, next_c]}", 2);
    check_cell("gru_cell", "{type: GRUCell, hidden_size: 3, in_keys: [observation, h], out_keys: [next_h]}", 1);
}

/* The same as functions of tensors, and without biases. */
static void test_cells_from_c(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_tensor *x = golden_tensor("layers", "lstm_cell.input"), *h = golden_tensor("layers", "lstm_cell.h"), *next_c;
    rlc_cell cell = {golden_tensor("layers", "lstm_cell.weight_ih"), golden_tensor("layers", "lstm_cell.weight_hh"),
                     golden_tensor("layers", "lstm_cell.bias_ih"), golden_tensor("layers", "lstm_cell.bias_hh")};
    rlc_tensor *next_h = rlc_lstm_cell(&cell, x, h, golden_tensor("layers", "lstm_cell.c"), &next_c);
    expect_close("h", next_h, golden("layers", "lstm_cell.next_h"), 1e-5, 1e-6);
    expect_close("c", next_c, golden("layers", "lstm_cell.next_c"), 1e-5, 1e-6);
    /* with weights of 0 and no bias all gates are half open */
    rlc_cell idle = {.weight_ih = rlc_zeros(RLC_F32, RLC_SHAPE(9, 1)),
                     .weight_hh = rlc_zeros(RLC_F32, RLC_SHAPE(9, 3))};
    EXPECT(rlc_gru_cell(&idle, rlc_ones(RLC_F32, RLC_SHAPE(1, 1)), rlc_ones(RLC_F32, RLC_SHAPE(1, 3))), .5, .5, .5);
    expect_ok(rlc_end(p));
}

typedef struct layers_case {
    const char *name, *options;
    int layers, states;
} layers_case;

static const layers_case cases[] = {
    {"lstm1", "{type: LSTMModule, hidden_size: 3, out_keys: [features]}", 1, 2},
    {"lstm2", "{type: LSTMModule, hidden_size: 3, num_layers: 2, out_keys: [features]}", 2, 2},
    {"gru1", "{type: GRUModule, hidden_size: 3, out_keys: [features]}", 1, 1},
    {"gru2", "{type: GRUModule, hidden_size: 3, num_layers: 2, out_keys: [features]}", 2, 1},
};

static rlc_module *build(const layers_case *c) {
    expect_states(c->layers);
    rlc_module *net = world_add(model, "net", c->options);
    expect_ok(rlc_model_allocate(model));
    load_all(c->name, "modules.net");
    return net;
}

/* Step by step, the state going on by its keys. */
static void test_steps(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const layers_case *c = &cases[i];
        rlc_module *net = build(c);
        rlc_begin(p);
        rlc_tensor *x = golden_tensor("layers", "%s.input", c->name), *out[STEPS], *behind[2][STEPS], *carried[2];
        rlc_tensor *is_init = golden_tensor("layers", "%s.is_init", c->name);
        for (int k = 0; k < c->states; k++) {
            carried[k] = golden_tensor("layers", "%s.%s", c->name, states[k]);
        }
        for (int t = 0; t < STEPS; t++) {
            rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
            rlc_dict_set(td, "observation", rlc_select(x, 1, t));
            rlc_dict_set(td, "is_init", rlc_select(is_init, 1, t));
            for (int k = 0; k < c->states; k++) {
                rlc_dict_set(td, states[k], carried[k]);
            }
            rlc_module_call(net, td);
            out[t] = rlc_dict_get(td, "features");
            for (int k = 0; k < c->states; k++) {
                carried[k] = behind[k][t] = rlc_dict_get(rlc_dict_get_dict(td, "next"), states[k]);
            }
        }
        expect_close(c->name, rlc_stack(out, STEPS, 1), golden("layers", "%s.output", c->name), 1e-5, 1e-6);
        for (int k = 0; k < c->states; k++) {
            expect_close(c->name, rlc_stack(behind[k], STEPS, 1), golden("layers", "%s.next_%s", c->name, states[k]),
                         1e-5, 1e-6);
        }
        expect_ok(rlc_end(p));
    }
}

static rlc_dict *whole(const layers_case *c) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS, STEPS));
    rlc_dict_set(td, "observation", golden_tensor("layers", "%s.input", c->name));
    rlc_dict_set(td, "is_init", golden_tensor("layers", "%s.is_init", c->name));
    for (int k = 0; k < c->states; k++) {
        rlc_dict_set(td, states[k], golden_tensor("layers", "%s.whole_%s", c->name, states[k]));
    }
    return td;
}

/* As a sequence, with the gradients of all weights. */
static void test_sequences(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const layers_case *c = &cases[i];
        rlc_module *net = build(c);
        rlc_begin(p);
        rlc_dict *td = whole(c);
        rlc_module_call(net, td);
        rlc_tensor *y = rlc_dict_get(td, "features");
        expect_close(c->name, y, golden("layers", "%s.sequence", c->name), 1e-5, 1e-6);
        expect_shape(rlc_dict_get(td, "next.recurrent_state_h"), RLC_F32, RLC_SHAPE(ROWS, STEPS, c->layers, HIDDEN));
        rlc_backward(rlc_sum(rlc_mul(y, golden_tensor("layers", "%s.g", c->name)), RLC_ALL, false));
        for (int k = 0; k < model->num_parameters; k++) {
            const rlc_parameter_entry *entry = &model->parameters[k];
            expect_close(entry->name, entry->tensor->grad,
                         golden("layers", "%s.d_%s", c->name, entry->name + strlen("modules.net.")), 1e-4, 1e-5);
        }
        expect_ok(rlc_end(p));
    }
}

/* A step behind a `done` begins with the state that stands in the dict, as one that is_init marks does. */
static void test_done(void **state) {
    (void)state;
    rlc_module *net = build(&cases[1]);
    rlc_begin(p);
    rlc_dict *marked = whole(&cases[1]), *ended = whole(&cases[1]);
    rlc_tensor *step = rlc_reshape(rlc_arange(RLC_I64, STEPS), RLC_SHAPE(1, STEPS, 1)),
               *three = rlc_full(RLC_I64, (rlc_shape){0}, 3), *two = rlc_full(RLC_I64, (rlc_shape){0}, 2);
    const rlc_shape flags = RLC_SHAPE(ROWS, STEPS, 1);
    rlc_dict_set(marked, "is_init", rlc_contiguous(rlc_expand(rlc_eq(step, three), flags)));
    rlc_dict_set(ended, "is_init", rlc_zeros(RLC_BOOL, flags));
    rlc_dict_set(ended, "done", rlc_contiguous(rlc_expand(rlc_eq(step, two), flags)));
    rlc_module_call(net, marked);
    rlc_module_call(net, ended);
    double *wanted = read_doubles(rlc_dict_get(marked, "features"));
    expect_elements("behind done", rlc_dict_get(ended, "features"), ROWS * STEPS * HIDDEN, wanted, 0);
    free(wanted);
    expect_ok(rlc_end(p));
}

/* Between layers only, and in training only. */
static void test_dropout_between_layers(void **state) {
    (void)state;
    layers_case c = cases[3];
    c.options = "{type: GRUModule, hidden_size: 3, num_layers: 2, dropout: 1, out_keys: [features]}";
    rlc_module *net = build(&c);
    rlc_begin(p);
    rlc_dict *td = whole(&c);
    rlc_module_call(net, td);
    expect_close("outside of training", rlc_dict_get(td, "features"), golden("layers", "gru2.sequence"), 1e-5, 1e-6);
    rlc_set_training(true);
    rlc_dict *a = whole(&c), *b = whole(&c);
    rlc_dict_set(b, "observation", rlc_neg(rlc_dict_get(b, "observation")));
    rlc_module_call(net, a);
    rlc_module_call(net, b);
    rlc_tensor *same = rlc_eq(rlc_dict_get(a, "features"), rlc_dict_get(b, "features"));
    assert_true(rlc_item(rlc_all(same, RLC_ALL, false)) != 0); /* nothing reaches the second layer */
    expect_ok(rlc_end(p));
}

/* An environment carries the state from step to step and program to program, and clears it where an episode begins. */
static void test_environment(void **state) {
    (void)state;
    rlc_env *env = world_env(3, "{type: CartPole, num_envs: 2, max_episode_steps: 3, transforms: [{type: InitTracker}, "
                                "{type: TensorDictPrimer, primers: {recurrent_state_h: [1, 3]}}]}");
    rlc_program *shapes;
    expect_ok(rlc_program_new(test_device(), "shapes", &shapes));
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &model));
    rlc_model_expect(model, &env->observation, &env->action, rlc_env_example(env, shapes));
    world_add(model, "memory", "{type: GRUModule, hidden_size: 3, in_keys: [observation], out_keys: [features]}");
    rlc_module *policy = world_add(model, "policy",
                                   "{type: Sequential, modules: [memory, {type: QValueActor, module: "
                                   "{type: Linear, in_keys: [features], out_features: 2}}]}");
    assert_true(rlc_module_is_recurrent(policy));
    expect_ok(rlc_model_allocate(model));
    static const rlc_rollout_options go_on = {.no_reset = true, .keep_going = true};
    double *last = NULL;
    for (int round = 0; round < 3; round++) {
        rlc_begin(p);
        rlc_dict *td = rlc_rollout_with(env, policy, 4, go_on);
        rlc_tensor *now = rlc_dict_get(td, "recurrent_state_h"), *next = rlc_dict_get(td, "next.recurrent_state_h");
        expect_shape(next, RLC_F32, RLC_SHAPE(2, 4, 1, 3));
        rlc_tensor *is_init = rlc_unsqueeze(rlc_dict_get(td, "is_init"), -1);
        for (int t = 1; t < 4; t++) {
            rlc_tensor *wanted = rlc_where(rlc_select(is_init, 1, t), rlc_scalar(0), rlc_select(next, 1, t - 1));
            double *values = read_doubles(wanted);
            expect_elements("carried", rlc_select(now, 1, t), 6, values, 0);
            free(values);
        }
        if (last != NULL) { /* across programs */
            rlc_tensor *first =
                rlc_where(rlc_select(is_init, 1, 0), rlc_scalar(0), rlc_from_data(RLC_F64, RLC_SHAPE(2, 1, 3), last));
            double *values = read_doubles(first);
            expect_elements("kept", rlc_select(now, 1, 0), 6, values, 0);
            free(values);
            free(last);
        }
        last = read_doubles(rlc_select(next, 1, 3));
        assert_true(last[0] != 0);
        /* without a policy the state stays as it is */
        if (round == 2) {
            rlc_dict *random = rlc_rollout_with(env, NULL, 1, go_on);
            double *values = read_doubles(rlc_dict_get(random, "recurrent_state_h"));
            expect_elements("random", rlc_dict_get(random, "next.recurrent_state_h"), 6, values, 0);
            free(values);
        }
        expect_ok(rlc_end(p));
    }
    free(last);
    rlc_program_free(shapes);
    rlc_env_free(env);
}

/* A state under another name than the next step looks for would never be carried. */
static void test_bad_states(void **state) {
    (void)state;
    static const struct {
        const char *options, *message;
    } bad[] = {
        {"{type: GRUModule, hidden_size: 3, out_keys: [features, h]}",
         "out_keys must have 'next.recurrent_state_h' for the state 'recurrent_state_h', not 'h'"},
        {"{type: LSTMModule, hidden_size: 3, in_keys: [observation, h, c], out_keys: [features, next.h, next.d]}",
         "out_keys must have 'next.c' for the state 'c', not 'next.d'"},
        {"{type: LSTMModule, hidden_size: 3, out_keys: [features, next.recurrent_state_h]}", "states; got 3 and 2"}};
    rlc_env *env = world_env(3, "{type: CartPole, transforms: [{type: InitTracker}]}");
    rlc_program *shapes;
    expect_ok(rlc_program_new(test_device(), "shapes", &shapes));
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &model));
    rlc_model_expect(model, &env->observation, &env->action, rlc_env_example(env, shapes));
    for (int i = 0; i < RLC_COUNT(bad); i++) {
        char name[] = "memory0"; /* a name is taken, even by what is refused */
        rlc_module *module;
        name[6] += i;
        expect_error(rlc_model_add(model, name, bad[i].options, &module), RLC_INVALID, bad[i].message);
    }
    rlc_program_free(shapes);
    rlc_env_free(env);
}

static void test_bad_primers(void **state) {
    (void)state;
    static const struct {
        const char *options, *message;
    } bad[] = {{"primers: [h]", "primers must be a map of entries and their sizes"},
               {"primers: {h: 3}", "primers.h must be a list of sizes, [1, 64], not '3'"},
               {"primers: {h: [1, 0]}", "primers.h must be a list of sizes"},
               {"primers: {h: [3]}, default_value: 1", "unknown option 'default_value'"}, /* networks act from zeros */
               {"primers: ~", "option 'primers' is required"}};
    for (int i = 0; i < RLC_COUNT(bad); i++) {
        char options[160];
        rlc_env *env;
        snprintf(options, sizeof options, "{type: CartPole, transforms: [{type: TensorDictPrimer, %s}]}",
                 bad[i].options);
        expect_error(rlc_env_make(world_registry(), test_device(), 1, options, &env), RLC_INVALID, bad[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cells, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_cells_from_c, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_steps, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_sequences, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_done, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_dropout_between_layers, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_environment, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_bad_states, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_bad_primers, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("recurrent modules", tests, NULL, NULL);
}
