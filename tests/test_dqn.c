/* DQNLoss against TorchRL (tests/golden/dqn_loss.py): the loss, td_error and the gradient of every parameter. */
#include "tests/golden_loss.h"

#include <stdio.h>

#include "objectives/loss.h"
#include "objectives/values.h"

enum { PARAMETERS = 6, ACTIONS = 3 };

static const char mixed[] = "plain.l2.one_hot.delay.mixed"; /* a case for tests of other things than numbers */

/* A model with the network of the golden file, a policy around it and a loss with these options. */
static rlc_loss *loss_of(rlc_spec action, const char *options) {
    rlc_model_free(model);
    model = world_model(1, action);
    world_add(model, "net", "{type: MLP, num_cells: [16, 8], out_keys: [action_value], out_features: 3}");
    world_add(model, "policy", "{type: Sequential, modules: [net, {type: QValueModule}]}");
    char text[256];
    snprintf(text, sizeof text, "{type: DQNLoss, value_network: policy, %s}", options);
    return add_loss(text);
}

static void check_case(const char *kind, const char *function, const char *encoding, bool delay, const char *flags) {
    char name[96], options[128];
    snprintf(name, sizeof name, "%s.%s.%s.%s.%s", kind, function, encoding, delay ? "delay" : "online", flags);
    snprintf(options, sizeof options, "loss_function: %s, gamma: 0.95, delay_value: %s, double_dqn: %s", function,
             delay ? "true" : "false", strcmp(kind, "double") == 0 ? "true" : "false");
    bool one_hot = strcmp(encoding, "one_hot") == 0;
    rlc_loss *loss = loss_of(one_hot ? rlc_spec_one_hot(ACTIONS) : rlc_spec_categorical(ACTIONS), options);
    rlc_module *net = rlc_model_find(model, "net");
    load_network(net, "dqn_loss", name, "online");
    assert_int_equal(loss->num_targets, delay);
    if (delay) {
        load_network(loss->targets[0].target, "dqn_loss", name, "target");
    }
    rlc_begin(p);
    int64_t size = golden("dqn_loss", "%s.observation", name)->shape.size[0];
    rlc_dict *td = golden_batch("dqn_loss", name, size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_close(name, rlc_dict_get(out, "loss"), golden("dqn_loss", "%s.loss", name), 1e-5, 1e-6);
    expect_close(name, rlc_dict_get(td, "td_error"), golden("dqn_loss", "%s.td_error", name), 1e-5, 1e-6);
    expect_gradients(net, "dqn_loss", name, "grad", 1e-5, 1e-6);
    for (int i = PARAMETERS; i < model->num_parameters; i++) {
        assert_false(model->parameters[i].tensor->flags & (RLC_HAS_GRAD | RLC_REQUIRES_GRAD));
    }
    expect_ok(rlc_end(p));
}

static void test_against_torchrl(void **state) {
    (void)state;
    static const char *const functions[] = {"l2", "smooth_l1", "l1"}, *const encodings[] = {"one_hot", "categorical"};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 2; k++) {
            check_case("plain", functions[i], encodings[k], true, "mixed");
            check_case("plain", functions[i], encodings[k], false, "mixed");
            check_case("double", functions[i], encodings[k], true, "mixed");
        }
    }
    static const char *const kinds[] = {"plain", "double"};
    for (int i = 0; i < 2; i++) {
        check_case(kinds[i], "l2", "one_hot", true, "all");
        check_case(kinds[i], "l2", "one_hot", true, "none");
        check_case(kinds[i], "l2", "one_hot", true, "single");
        check_case(kinds[i], "smooth_l1", "categorical", true, "single");
        check_case(kinds[i], "smooth_l1", "one_hot", true, "last");
    }
}

static void test_defaults(void **state) {
    (void)state;
    double numbers[2];
    static const char *const options[] = {"gamma: 0.99, loss_function: l2, delay_value: true, double_dqn: false", ""};
    for (int i = 0; i < 2; i++) {
        rlc_loss *loss = loss_of(rlc_spec_one_hot(ACTIONS), options[i]);
        load_network(rlc_model_find(model, "net"), "dqn_loss", mixed, "online");
        load_network(loss->targets[0].target, "dqn_loss", mixed, "target");
        rlc_begin(p);
        numbers[i] = rlc_item(rlc_dict_get(rlc_loss_call(loss, golden_batch("dqn_loss", mixed, 24)), "loss"));
        expect_ok(rlc_end(p));
    }
    assert_true(numbers[0] == numbers[1]);
}

/* What a loss leaves behind: td_error in the batch, its numbers in a dict of their own, gradients that add up. */
static void test_what_a_call_leaves(void **state) {
    (void)state;
    rlc_loss *loss = loss_of(rlc_spec_one_hot(ACTIONS), "double_dqn: true");
    rlc_tensor *bias = world_parameter(model, "modules.net.4.bias");
    double *once = NULL;
    for (int calls = 1; calls <= 2; calls++) {
        rlc_begin(p);
        rlc_dict *td = rlc_dict_reshape(golden_batch("dqn_loss", mixed, 24), RLC_SHAPE(4, 6));
        int before = td->count;
        rlc_tensor *action = rlc_dict_get(td, "action");
        for (int i = 0; i < calls; i++) {
            rlc_dict *out = rlc_loss_call(loss, td);
            assert_int_equal(out->count, 1);
            assert_int_equal(out->batch.ndim, 0);
            expect_shape(rlc_dict_get(out, "loss"), RLC_F32, (rlc_shape){0});
            rlc_backward(rlc_dict_get(out, "loss"));
        }
        expect_shape(rlc_dict_get(td, "td_error"), RLC_F32, RLC_SHAPE(4, 6, 1));
        assert_false(rlc_dict_get(td, "td_error")->flags & RLC_REQUIRES_GRAD);
        assert_int_equal(td->count, before + 1);
        assert_int_equal(rlc_dict_get_dict(td, "next")->count, 4);
        assert_ptr_equal(rlc_dict_get(td, "action"), action);
        double *grad = read_doubles(bias->grad);
        for (int i = 0; i < ACTIONS && once != NULL; i++) {
            assert_true(fabs(grad[i] - 2 * once[i]) < 1e-6);
        }
        free(once);
        once = grad;
        expect_ok(rlc_end(p));
        rlc_zero_grad(bias);
    }
    free(once);
    assert_null(rlc_loss_call(loss, NULL));
}

static void test_keys_and_groups(void **state) {
    (void)state;
    rlc_loss *loss = loss_of(rlc_spec_one_hot(ACTIONS), "gamma: 0.9");
    static const char *const reads[] = {"observation", "next.observation", "action", "next.reward", "next.terminated"};
    assert_int_equal(loss->base.num_in, RLC_COUNT(reads));
    for (int i = 0; i < RLC_COUNT(reads); i++) {
        bool found = false;
        for (int k = 0; k < loss->base.num_in; k++) {
            found = found || loss->base.in_keys[k] == rlc_key_intern(reads[i]);
        }
        assert_true(found);
    }
    int indices[2 * PARAMETERS];
    assert_int_equal(rlc_loss_parameters(loss, NULL, indices, 2 * PARAMETERS), PARAMETERS);
    assert_int_equal(rlc_loss_parameters(loss, "value", indices, 2 * PARAMETERS), PARAMETERS);
    for (int i = 0; i < PARAMETERS; i++) { /* of the network that learns, not of its target */
        assert_memory_equal(model->parameters[indices[i]].name, "modules.net.", 12);
    }
    assert_int_equal(rlc_loss_parameters(loss, "actor", indices, 2 * PARAMETERS), -1);
}

/* The target is a copy: of the same values, in other memory, untouched by gradients. */
static void test_target_is_a_copy(void **state) {
    (void)state;
    rlc_loss *loss = loss_of(rlc_spec_one_hot(ACTIONS), "gamma: 0.9");
    assert_ptr_equal(loss->targets[0].online, rlc_model_find(model, "policy"));
    int online[PARAMETERS], target[PARAMETERS];
    assert_int_equal(rlc_module_parameters(loss->targets[0].online, online, PARAMETERS), PARAMETERS);
    assert_int_equal(rlc_module_parameters(loss->targets[0].target, target, PARAMETERS), PARAMETERS);
    assert_int_equal(model->num_parameters, 2 * PARAMETERS);
    for (int i = 0; i < PARAMETERS; i++) {
        const rlc_parameter_entry *a = &model->parameters[online[i]], *b = &model->parameters[target[i]];
        assert_memory_equal(b->name, "loss.target_value_network.", 26);
        assert_true(rlc_shape_equal(rlc_shape_of(a->tensor), rlc_shape_of(b->tensor)));
        assert_ptr_not_equal(a->tensor->data, b->tensor->data);
        assert_memory_equal(peek(a->tensor), peek(b->tensor), (size_t)a->tensor->numel * sizeof(float));
        assert_false(b->tensor->flags & RLC_REQUIRES_GRAD);
    }
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"value_network: policy, delay_value: false, double_dqn: true",
         "test:1: loss: double_dqn needs a target network; set delay_value: true"},
        {"gamma: 0.9", "test:1: loss: option 'value_network' is required"},
        {"value_network: policy, gamma: 1.5", "test:1: loss: option 'gamma' must be between 0 and 1, not 1.5"},
        {"value_network: policy, loss_function: huber",
         "test:1: loss: option 'loss_function' must be one of l2|l1|smooth_l1"},
        {"value_network: polisy", "test:1: loss: there is no module 'polisy'"},
        {"value_network: policy, gama: 0.9", "test:1: loss: unknown option 'gama' (did you mean 'gamma'?)"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_module *loss = NULL;
        char text[256];
        rlc_model_free(model);
        model = world_model(1, rlc_spec_one_hot(ACTIONS));
        world_add(model, "policy", "{type: QValueActor, module: {type: MLP, out_features: 3}}");
        snprintf(text, sizeof text, "{type: DQNLoss, %s}", cases[i][0]);
        expect_error(rlc_model_build(model, "loss", "loss", world_value(text), &loss), RLC_INVALID, cases[i][1]);
    }
}

static void test_missing_entries(void **state) {
    (void)state;
    rlc_module *none = NULL;
    model = world_model(1, rlc_spec_one_hot(ACTIONS));
    world_add(model, "odd", "{type: MLP, out_keys: [q], out_features: 3}"); /* writes no action values */
    rlc_status status =
        rlc_model_build(model, "loss", "loss", world_value("{type: DQNLoss, value_network: odd}"), &none);
    assert_non_null(strstr(rlc_error(), "there is no key 'action_value'"));
    expect_error(status, RLC_INVALID, "test:1: loss");
    rlc_loss *loss = loss_of(rlc_spec_one_hot(ACTIONS), "gamma: 0.9");
    rlc_begin(p);
    rlc_dict *td = golden_batch("dqn_loss", mixed, 24);
    rlc_dict_del(td, "next.reward");
    rlc_loss_call(loss, td);
    expect_error(rlc_end(p), RLC_INVALID, "loss: dict: there is no key 'next.reward'; keys are observation, action");
}

/* r = 1..5, V' = .4 .3 .9 .1 .7, terminated = 0 1 0 0 0, by hand; a terminated step does not look at V' at all. */
static void test_td0(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_shape column = RLC_SHAPE(5, 1);
    rlc_tensor *reward = rlc_from_data(RLC_F32, column, (float[]){1, 2, 3, 4, 5});
    rlc_tensor *terminated = rlc_from_data(RLC_BOOL, column, (bool[]){false, true, false, false, false});
    rlc_tensor *value = rlc_from_data(RLC_F32, column, (float[]){.4f, .3f, .9f, .1f, .7f});
    rlc_tensor *broken = rlc_from_data(RLC_F32, column, (float[]){.4f, NAN, .9f, .1f, .7f});
    rlc_tensor *target = rlc_td0(reward, terminated, value, 0.99);
    expect_shape(target, RLC_F32, column);
    EXPECT(target, 1.396, 2, 3.891, 4.099, 5.693);
    EXPECT(rlc_td0(reward, terminated, broken, 0.99), 1.396, 2, 3.891, 4.099, 5.693);
    EXPECT(rlc_td0(reward, terminated, value, 0), 1, 2, 3, 4, 5);
    EXPECT(rlc_td0(reward, terminated, value, 1), 1.4, 2, 3.9, 4.1, 5.7);
    expect_ok(rlc_end(p));
}

static void test_distances(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_tensor *a = rlc_from_data(RLC_F32, RLC_SHAPE(4), (float[]){0, 1, -3, 2.5f});
    rlc_tensor *b = rlc_from_data(RLC_F32, RLC_SHAPE(4), (float[]){0.5f, 1, 1, 1.5f});
    EXPECT(rlc_distance(0, a, b), 0.25, 0, 16, 1);
    EXPECT(rlc_distance(1, a, b), 0.5, 0, 4, 1);
    EXPECT(rlc_distance(2, a, b), 0.125, 0, 3.5, 0.5);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torchrl, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_defaults, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_what_a_call_leaves, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_keys_and_groups, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_target_is_a_copy, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_missing_entries, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_td0, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_distances, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("DQNLoss", tests, NULL, NULL);
}
