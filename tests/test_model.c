/* Modules that refer to each other by name, second instances of them, and what is said when they do not fit. */
#include "tests/with_model.h"

#include <stdio.h>

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_one_hot(2));
    return 0;
}

/* A network, one that starts as a copy of it, and one that starts anew. */
typedef struct Twins {
    rlc_module base;
    const rlc_value *network;
    rlc_module *first, *copy, *other;
} Twins;

static const rlc_option twins_options[] = {RLC_MODULE(Twins, network, "what there are three of", .required = true),
                                           {0}};

static void twins_init(rlc_module *self, const rlc_build *build) {
    Twins *m = (Twins *)self;
    m->first = rlc_module_build(self, build, m->network, "network");
    m->copy = rlc_module_clone(self, build, m->first, "copy", true);
    m->other = rlc_module_clone(self, build, m->first, "other", false);
}

static void twins_forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, rlc_in(self, td, 0));
}

static const rlc_module_class twins = {
    .base = RLC_CLASS("module", Twins, .doc = "for a test", .options = twins_options),
    .in_keys = {"observation"},
    .out_keys = {"same"},
    .init = twins_init,
    .forward = twins_forward,
};

static int add_twins(void **state) {
    (void)state;
    return rlc_register(world_registry(), &twins.base);
}

#define NET "{type: MLP, num_cells: [6], out_keys: [action_value], out_features: 2}"

static void test_references(void **state) {
    (void)state;
    expect_ok(
        rlc_model_define(model, world_value("behavior: {type: Sequential, modules: [policy, {type: EGreedyModule}]}\n"
                                            "policy: {type: Sequential, modules: [net, {type: QValueModule}]}\n"
                                            "net: " NET "\n"
                                            "greedy: {type: Sequential, modules: [net, policy]}\n")));
    rlc_module *net = rlc_model_find(model, "net"), *policy = rlc_model_find(model, "modules.policy");
    rlc_module *greedy = rlc_model_find(model, "greedy");
    assert_string_equal(net->path, "modules.net");
    assert_ptr_equal(policy->members[0], net); /* though it stands further down */
    assert_ptr_equal(rlc_model_find(model, "behavior")->members[0], policy);
    assert_ptr_equal(greedy->members[0], net);
    assert_ptr_equal(greedy->members[1]->members[0], net);
    assert_string_equal(policy->members[1]->path, "modules.policy.1");
    assert_ptr_equal(rlc_model_find(model, "modules.policy.1"), policy->members[1]);
    assert_null(rlc_model_find(model, "nothing"));
    assert_int_equal(model->num_parameters, 4); /* built once */
    int indices[8];
    assert_int_equal(rlc_module_parameters(greedy, indices, 8), 4); /* counted once */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(indices[i], i);
    }
    assert_int_equal(rlc_module_parameters(greedy, indices, 2), 4);
}

typedef struct misuse {
    const char *text, *message;
} misuse;

static void expect_refused(const misuse *cases, int count, bool whole) {
    int failures = 0;
    for (int i = 0; i < count; i++) {
        rlc_model_free(model);
        model = world_model(1, rlc_spec_one_hot(2));
        char text[512];
        snprintf(text, sizeof text, whole ? "%s" : "net: " NET "\nx: %s\n", cases[i].text);
        rlc_status status = rlc_model_define(model, world_value(text));
        if (status != RLC_INVALID || strstr(rlc_error(), cases[i].message) == NULL) {
            print_error("%s: wanted '%s', got %d '%s'\n", text, cases[i].message, status, rlc_error());
            failures++;
        }
        rlc_error_clear();
    }
    assert_int_equal(failures, 0);
}

static void test_references_that_lead_nowhere(void **state) {
    (void)state;
    static const misuse cases[] = {
        {"{type: Sequential, modules: [nett]}", "test:2: modules.x: there is no module 'nett' (did you mean 'net'?)"},
        {"{type: Sequential, modules: [net,\n  elephant]}", "test:3: modules.x: there is no module 'elephant'"},
        {"{type: Sequential, modules: [x]}", "test:2: modules.x refers to itself: x -> x"},
        {"{type: Actor, module: {type: Sequential, modules: [x]}}", "test:2: modules.x refers to itself: x -> x"},
        {"net", "test:2: modules.x: must be a map such as {type: ...}, not 'net'"},
        {"{modules: [net]}", "test:2: modules.x: 'type' is missing: which module is this?"},
        {"{type: Sequentiall, modules: [net]}",
         "test:2: there is no module of type 'Sequentiall' (did you mean 'Sequential'?)"},
        {"{type: CartPole}", "test:2: there is no module of type 'CartPole'"},
        {"{type: Sequential, modules: [{type: MPL}]}",
         "test:2: there is no module of type 'MPL' (did you mean 'MLP'?)"},
        {"{type: Sequential}", "test:2: modules.x: give either 'modules', a list, or 'module'"},
        {"{type: Sequential, modules: [net], module: net}",
         "test:2: modules.x: give either 'modules', a list, or 'module'"},
    };
    expect_refused(cases, RLC_COUNT(cases), false);
    static const misuse wholes[] = {
        {"a: {type: Sequential, modules: [b]}\nb: {type: Sequential, modules: [c]}\nc: {type: Sequential, modules: "
         "[b]}\n",
         "test:3: modules.b refers to itself: a -> b -> c -> b"},
        {"a.b: " NET, "test:1: modules: 'a.b' is no name for a module: it holds a dot"},
        {"[1]", "test:1: modules: must be a map of names to modules, not a list"},
    };
    expect_refused(wholes, RLC_COUNT(wholes), true);
}

static void test_references_too_deep(void **state) {
    (void)state;
    char text[4096] = "";
    for (int i = 0; i < 40; i++) {
        snprintf(text + strlen(text), 96, "m%d: {type: Sequential, modules: [m%d]}\n", i, i + 1);
    }
    strcat(text, "m40: " NET "\n");
    expect_error(rlc_model_define(model, world_value(text)), RLC_INVALID,
                 "modules refer to each other more than 32 deep");
}

static void test_wrong_keys_and_shapes(void **state) {
    (void)state;
    static const misuse cases[] = {
        {"{type: MLP, in_keys: [pixels], out_keys: [y], out_features: 1}",
         "test:2: modules.x: dict: there is no key 'pixels'; keys are observation, action, next.observation,"},
        {"{type: MLP, in_keys: [next], out_keys: [y], out_features: 1}", "test:2: modules.x: "},
        {"{type: MLP, in_keys: [a..b], out_keys: [y], out_features: 1}", "'a..b' is no key"},
        {"{type: MLP, out_features: 1}", "test:2: modules.x: option 'out_keys' is required: which keys does it write?"},
        {"{type: MLP, out_keys: [y]}", "test:2: modules.x: option 'out_features' is required"},
        {"{type: MLP, out_keys: [y], out_features: 1, in_features: 7}",
         "test:2: modules.x: in_features is 7, but observation has a last dimension of 4"},
        {"{type: Linear, out_keys: [y], out_features: 1, in_features: 7}", "test:2: modules.x: in_features is 7, but"},
        {"{type: MLP, out_keys: [y], out_features: 1, num_cell: [4]}",
         "test:2: modules.x: unknown option 'num_cell' (did you mean 'num_cells'?)"},
        {"{type: MLP, out_keys: [y], out_features: 1, depth: 64}",
         "modules.x: option 'depth' must be between -1 and 63"},
        {"{type: MLP, out_keys: [y, z], out_features: 1}", "test:2: modules.x: "},
        {"{type: QValueModule, in_keys: [observation]}",
         "test:2: modules.x: observation has 4 values, but the environment has 2 actions"},
        {"{type: QValueModule, action_space: categorical}",
         "test:2: modules.x: it would write categorical actions, but the environment reads OneHot(2)"},
        {"{type: QValueModule, out_keys: [a]}", "modules.x: QValueModule: asks for out_keys[1], but out_keys has 1"},
        {"{type: Sequential, modules: [net, {type: QValueModule, in_keys: [q]}]}",
         "test:2: modules.x.1: dict: there is no key 'q'; keys are "},
        {"{type: QValueActor, module: {type: MLP, out_features: 3}}",
         "test:2: modules.x.1: action_value has 3 values, but the environment has 2 actions"},
        {"{type: Actor, module: net, in_keys: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]}",
         "test:2: modules.x: in_keys has 17 keys; at most 16 are possible"},
    };
    expect_refused(cases, RLC_COUNT(cases), false);
}

static void test_discrete_choices_in_a_continuous_world(void **state) {
    (void)state;
    rlc_model_free(model);
    model = world_model(1, rlc_spec_bounded(RLC_SHAPE(1), -2, 2));
    rlc_module *m;
    expect_error(
        rlc_model_add(model, "explore", "{type: EGreedyModule}", &m), RLC_INVALID,
        "modules.explore: it explores among discrete actions, but those of the environment are Bounded([1], -2, 2");
    expect_error(rlc_model_add(model, "choice", "{type: QValueModule, in_keys: [observation]}", &m), RLC_INVALID,
                 "modules.choice: it chooses among discrete actions, but those of the environment are Bounded");
}

/* An action that is written otherwise than the environment reads it is named, not left to broadcasting. */
static void test_exploring_on_other_actions(void **state) {
    (void)state;
    rlc_module *m;
    expect_error(rlc_model_add(model, "explore", "{type: EGreedyModule, in_keys: [done]}", &m), RLC_INVALID,
                 "OneHot(2)");
    rlc_model_free(model);
    model = world_model(1, rlc_spec_categorical(2));
    expect_error(rlc_model_add(model, "explore", "{type: EGreedyModule, in_keys: [observation]}", &m), RLC_INVALID,
                 "Categorical(2)");
}

static void test_adding_too_late_or_twice(void **state) {
    (void)state;
    rlc_module *m;
    world_add(model, "net", NET);
    expect_error(rlc_model_add(model, "net", NET, &m), RLC_INVALID, "there is a module 'modules.net' already");
    expect_ok(rlc_model_allocate(model));
    expect_error(rlc_model_add(model, "other", NET, &m), RLC_INVALID,
                 "modules.other: the model is allocated; modules must be added before");
}

/* In a step, too, the message names the module, and both shapes. */
static void test_calls_that_fail(void **state) {
    (void)state;
    rlc_module *policy = world_add(model, "policy", "{type: QValueActor, module: {type: MLP, out_features: 2}}");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(7));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(7, 3)));
    rlc_module_call(policy, td);
    rlc_status status = rlc_end(p);
    assert_memory_equal(rlc_error(), "modules.policy.0: ", 18);
    assert_non_null(strstr(rlc_error(), "[7, 3]"));
    expect_error(status, RLC_INVALID, "[32, 4]");
    rlc_begin(p);
    rlc_module_call(policy, rlc_dict_new(RLC_SHAPE(7)));
    expect_error(rlc_end(p), RLC_INVALID, "modules.policy.0: dict: there is no key 'observation'; keys are none");
    rlc_module_call(policy, NULL);
    expect_error(rlc_error_status(), RLC_INVALID, "modules.policy: no program is open");
}

/* 0 when all parameters of b, pairwise, have the values of those of a; else how many differ in every element. */
static int different(rlc_module *a, rlc_module *b) {
    int of_a[16], of_b[16], count = rlc_module_parameters(a, of_a, 16), differ = 0;
    assert_int_equal(rlc_module_parameters(b, of_b, 16), count);
    for (int i = 0; i < count; i++) {
        assert_true(of_a[i] != of_b[i]);
        rlc_tensor *x = model->parameters[of_a[i]].tensor, *y = model->parameters[of_b[i]].tensor;
        assert_true(rlc_shape_equal(rlc_shape_of(x), rlc_shape_of(y)) && x->data != y->data);
        const float *xs = peek(x), *ys = peek(y);
        bool same = memcmp(xs, ys, (size_t)x->numel * sizeof(float)) == 0, apart = true;
        for (int64_t k = 0; k < x->numel; k++) {
            apart = apart && xs[k] != ys[k];
        }
        assert_true(same || apart);
        differ += apart;
    }
    return differ;
}

static void test_second_instances(void **state) {
    (void)state;
    expect_ok(
        rlc_model_define(model, world_value("body: {type: MLP, num_cells: [6], out_keys: [h], out_features: 3}\n"
                                            "head: {type: Sequential, modules: [body, {type: Linear,\n"
                                            "       in_keys: [h], out_keys: [action_value], out_features: 2}]}\n"
                                            "policy: {type: Sequential, modules: [body, head, {type: QValueModule}]}\n"
                                            "twins: {type: Twins, network: policy}\n")));
    const Twins *t = (const Twins *)rlc_model_find(model, "twins");
    int indices[16];
    assert_int_equal(rlc_module_parameters(t->first, indices, 16), 6);
    assert_int_equal(rlc_module_parameters(t->copy, indices, 16),
                     6); /* what is shared in the one is shared in the other */
    assert_ptr_equal(t->copy->members[0], t->copy->members[1]->members[0]);
    assert_ptr_not_equal(t->copy->members[0], t->first->members[0]);
    assert_int_equal(model->num_parameters, 18);
    for (int i = 6; i < 18; i++) {
        const char *prefix = i < 12 ? "modules.twins.copy." : "modules.twins.other.";
        assert_memory_equal(model->parameters[i].name, prefix, strlen(prefix));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(model->parameters[i].name, model->parameters[k].name);
        }
    }
    expect_ok(rlc_model_allocate(model));
    assert_int_equal(different(t->first, t->copy), 0);
    assert_int_equal(different(t->first, t->other), 6);
    assert_string_equal(t->copy->in_keys[0]->name, "observation");
    assert_int_equal(t->copy->num_out, t->first->num_out);
}

static void test_second_instance_of_what_stands_inside(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "twins",
                              "{type: Twins, network: {type: Actor, in_keys: [next.observation],\n"
                              " module: {type: MLP, num_cells: [5], out_features: 2}}}");
    const Twins *t = (const Twins *)m;
    expect_ok(rlc_model_allocate(model));
    assert_string_equal(t->copy->in_keys[0]->name, "next.observation");
    assert_string_equal(t->copy->out_keys[0]->name, "action");
    assert_int_equal(different(t->first, t->copy), 0);
    assert_int_equal(different(t->first, t->other), 4);
    assert_non_null(world_parameter(model, "modules.twins.network.0.2.weight"));
    assert_non_null(world_parameter(model, "modules.twins.copy.0.2.weight"));
}

/* Gradients pass through a network whose parameters are held constant, and do not reach them. */
static void test_detached_calls(void **state) {
    (void)state;
    rlc_module *net = world_add(model, "net", NET);
    expect_ok(rlc_model_allocate(model));
    rlc_tensor *weight = world_parameter(model, "modules.net.0.weight"), *x;
    x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3, 4));
    expect_ok(rlc_requires_grad(x));
    for (int round = 0; round < 3; round++) {
        bool reaches = round == 1;
        rlc_begin(p);
        rlc_module_requires_grad(net, round < 2);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(3));
        rlc_dict_set(td, "observation", x);
        (round == 0 ? rlc_module_call_detached : rlc_module_call)(net, td);
        rlc_backward(rlc_sum(rlc_square(rlc_dict_get(td, "action_value")), RLC_ALL, false));
        expect_ok(rlc_end(p));
        assert_true((x->flags & RLC_HAS_GRAD) != 0);
        assert_true(((weight->flags & RLC_HAS_GRAD) != 0) == reaches);
        assert_true(((weight->flags & RLC_REQUIRES_GRAD) != 0) == (round < 2));
        double *grad = read_doubles(x->grad), sum = 0;
        for (int i = 0; i < 12; i++) {
            sum += fabs(grad[i]);
        }
        free(grad);
        assert_true(sum > 1e-3);
        rlc_zero_grad(x);
        rlc_zero_grad(weight);
    }
    rlc_tensor_free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_references, start, free_model),
        cmocka_unit_test_setup_teardown(test_references_that_lead_nowhere, start, free_model),
        cmocka_unit_test_setup_teardown(test_references_too_deep, start, free_model),
        cmocka_unit_test_setup_teardown(test_wrong_keys_and_shapes, start, free_model),
        cmocka_unit_test_setup_teardown(test_discrete_choices_in_a_continuous_world, start, free_model),
        cmocka_unit_test_setup_teardown(test_exploring_on_other_actions, start, free_model),
        cmocka_unit_test_setup_teardown(test_adding_too_late_or_twice, start, free_model),
        cmocka_unit_test_setup_teardown(test_calls_that_fail, start, free_model),
        cmocka_unit_test_setup_teardown(test_second_instances, start, free_model),
        cmocka_unit_test_setup_teardown(test_second_instance_of_what_stands_inside, start, free_model),
        cmocka_unit_test_setup_teardown(test_detached_calls, start, free_model),
    };
    return cmocka_run_group_tests_name("modules that refer to each other", tests, add_twins, NULL);
}
