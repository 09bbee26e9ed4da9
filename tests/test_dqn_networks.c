/* DuelingMLP and noisy layers against TorchRL (tests/golden/dqn_networks.py): names and shapes of parameters, outputs,
 * gradients; and when noise is drawn. */
#include "tests/with_model.h"

#include <stdio.h>

#include "modules/layers.h"

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_one_hot(3));
    return 0;
}

/* Builds the module "net" and gives its parameters the values of the golden file. */
static rlc_module *load(const char *name, const char *options) {
    rlc_module *net = world_add(model, "net", options);
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        const rlc_safetensors_entry *value =
            golden("dqn_networks", "%s.%s", name, entry->name + strlen("modules.net."));
        assert_true(rlc_shape_equal(value->shape, rlc_shape_of(entry->tensor)));
        expect_ok(rlc_tensor_write(entry->tensor, value->data));
    }
    return net;
}

static void expect_gradients(const char *name, rlc_tensor *output) {
    rlc_backward(rlc_sum(rlc_mul(output, golden_tensor("dqn_networks", "%s.v", name)), RLC_ALL, false));
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        assert_true(entry->tensor->flags & RLC_HAS_GRAD);
        expect_close(entry->name, entry->tensor->grad,
                     golden("dqn_networks", "%s.grad.%s", name, entry->name + strlen("modules.net.")), 1e-5, 1e-5);
    }
}

static rlc_dict *golden_input(const char *name) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
    rlc_dict_set(td, "observation", golden_tensor("dqn_networks", "%s.input", name));
    return td;
}

static void test_dueling(void **state) {
    (void)state;
    static const struct {
        const char *name, *options;
        int parameters;
    } cases[] = {
        {"plain", "{type: DuelingMLP, num_cells: [12], stream_cells: [8], out_features: 3}", 10},
        {"deep", "{type: DuelingMLP, num_cells: [12, 10], stream_cells: [8, 6], out_features: 2}", 16},
        {"atoms", "{type: DuelingMLP, num_cells: [12], stream_cells: [8], num_atoms: 5, out_features: 3}", 10},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_module *net = load(cases[i].name, cases[i].options);
        assert_int_equal(model->num_parameters, cases[i].parameters);
        rlc_begin(p);
        rlc_dict *td = golden_input(cases[i].name);
        rlc_module_call(net, td);
        rlc_tensor *out = rlc_dict_get(td, "action_value");
        expect_close(cases[i].name, out, golden("dqn_networks", "%s.output", cases[i].name), 1e-5, 1e-5);
        expect_gradients(cases[i].name, out);
        expect_ok(rlc_end(p));
        rlc_model_free(model);
        model = world_model(1, rlc_spec_one_hot(3));
    }
}

/* Biases begin at 0, weights as torch.nn.Linear's. */
static void test_dueling_begins(void **state) {
    (void)state;
    world_add(model, "net", "{type: DuelingMLP, out_features: 2}");
    expect_ok(rlc_model_allocate(model));
    static const struct {
        const char *name;
        rlc_shape shape;
    } shapes[] = {{"modules.net.features.0.weight", {2, {256, 4}}},
                  {"modules.net.features.4.weight", {2, {256, 256}}},
                  {"modules.net.advantage.0.weight", {2, {512, 256}}},
                  {"modules.net.advantage.2.weight", {2, {2, 512}}},
                  {"modules.net.value.2.weight", {2, {1, 512}}}};
    for (int i = 0; i < RLC_COUNT(shapes); i++) {
        expect_shape(world_parameter(model, shapes[i].name), RLC_F32, shapes[i].shape);
    }
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_tensor *t = model->parameters[i].tensor;
        const float *values = peek(t);
        float largest = 0, bound = t->ndim == 1 ? 0 : (float)(1 / sqrt((double)t->shape[1]));
        for (int64_t k = 0; k < t->numel; k++) {
            largest = fmaxf(largest, fabsf(values[k]));
        }
        assert_true(largest <= bound && largest >= 0.9f * bound);
    }
}

/* MLP gives [*, num_atoms, out_features] in the order of one wide layer. */
static void test_atoms_of_an_mlp(void **state) {
    (void)state;
    rlc_module *wide = world_add(model, "wide", "{type: MLP, num_cells: [], out_keys: [q], out_features: 6}");
    rlc_module *net =
        world_add(model, "net", "{type: MLP, num_cells: [], out_keys: [q], num_atoms: 2, out_features: 3}");
    expect_ok(rlc_model_allocate(model));
    rlc_tensor *from = world_parameter(model, "modules.wide.0.weight"),
               *to = world_parameter(model, "modules.net.0.weight");
    expect_ok(rlc_tensor_write(to, peek(from)));
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.net.0.bias"),
                               peek(world_parameter(model, "modules.wide.0.bias"))));
    rlc_begin(p);
    rlc_dict *a = golden_input("plain"), *b = golden_input("plain");
    rlc_module_call(wide, a);
    rlc_module_call(net, b);
    expect_shape(rlc_dict_get(b, "q"), RLC_F32, RLC_SHAPE(10, 2, 3));
    double *wanted = read_doubles(rlc_dict_get(a, "q"));
    expect_elements("atoms", rlc_dict_get(b, "q"), 60, wanted, 0);
    free(wanted);
    expect_ok(rlc_end(p));
}

static void test_noisy_against_torchrl(void **state) {
    (void)state;
    rlc_module *net = load("noisy", "{type: NoisyLinear, out_keys: [y], out_features: 3}");
    rlc_layer layer = {
        {world_parameter(model, "modules.net.weight_mu"), world_parameter(model, "modules.net.bias_mu")},
        {world_parameter(model, "modules.net.weight_sigma"), world_parameter(model, "modules.net.bias_sigma")},
        NULL};
    rlc_begin(p);
    rlc_tensor *out = rlc_layer_apply_noise(&layer, golden_tensor("dqn_networks", "noisy.input"),
                                            golden_tensor("dqn_networks", "noisy.noise_in"),
                                            golden_tensor("dqn_networks", "noisy.noise_out"), RLC_IDENTITY);
    expect_close("noisy", out, golden("dqn_networks", "noisy.output"), 1e-5, 1e-6);
    expect_gradients("noisy", out);
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    rlc_dict *td = golden_input("noisy");
    rlc_module_call(net, td);
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    expect_close("without noise", rlc_dict_get(td, "y"), golden("dqn_networks", "noisy.deterministic"), 1e-5, 1e-6);
    expect_ok(rlc_end(p));
}

/* A few rows go another way than many, to the same end. */
static void test_noisy_rows(void **state) {
    (void)state;
    load("noisy", "{type: NoisyLinear, out_keys: [y], out_features: 3}");
    rlc_layer layer = {
        {world_parameter(model, "modules.net.weight_mu"), world_parameter(model, "modules.net.bias_mu")},
        {world_parameter(model, "modules.net.weight_sigma"), world_parameter(model, "modules.net.bias_sigma")},
        NULL};
    rlc_begin(p);
    rlc_tensor *x = golden_tensor("dqn_networks", "noisy.input"), *in = golden_tensor("dqn_networks", "noisy.noise_in");
    rlc_tensor *noise = golden_tensor("dqn_networks", "noisy.noise_out");
    static const rlc_activation activations[] = {RLC_IDENTITY, RLC_RELU, RLC_TANH, RLC_SIGMOID, RLC_ELU};
    for (int i = 0; i < RLC_COUNT(activations); i++) {
        double *many = read_doubles(rlc_layer_apply_noise(&layer, x, in, noise, activations[i]));
        for (int first = 0; first < 9; first += 2) {
            rlc_tensor *rows = rlc_contiguous(rlc_slice(x, 0, first, 2));
            expect_elements("rows", rlc_layer_apply_noise(&layer, rows, in, noise, activations[i]), 6, many + 3 * first,
                            1e-5);
        }
        free(many);
    }
    rlc_tensor *out = rlc_layer_apply_noise(&layer, rlc_slice(x, 0, 0, 3), in, noise, RLC_IDENTITY);
    rlc_tensor *rest = rlc_layer_apply_noise(&layer, rlc_slice(x, 0, 3, 7), in, noise, RLC_IDENTITY);
    expect_gradients("noisy", rlc_concatenate((rlc_tensor *[]){out, rest}, 2, 0));
    expect_ok(rlc_end(p));
}

static void test_noisy_begins(void **state) {
    (void)state;
    world_add(model, "net", "{type: NoisyLinear, out_keys: [y], out_features: 3}");
    world_add(model, "wide", "{type: NoisyLinear, out_keys: [y], out_features: 300, std_init: 0.1}");
    expect_ok(rlc_model_allocate(model));
    static const char *const names[] = {"weight_sigma", "bias_sigma"};
    rlc_begin(p);
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "modules.net.%s", names[i]);
        expect_close(name, world_parameter(model, name), golden("dqn_networks", "noisy.initial.%s", names[i]), 1e-6, 0);
    }
    EXPECT(rlc_max(world_parameter(model, "modules.wide.weight_sigma"), RLC_ALL, false), 0.1 / 2);
    EXPECT(rlc_min(world_parameter(model, "modules.wide.bias_sigma"), RLC_ALL, false), 0.1 / sqrt(300));
    double *mu = read_doubles(world_parameter(model, "modules.wide.weight_mu")), low = 0, high = 0;
    for (int i = 0; i < 1200; i++) {
        low = fmin(low, mu[i]);
        high = fmax(high, mu[i]);
    }
    free(mu);
    assert_true(low >= -0.5 && low < -0.49 && high <= 0.5 && high > 0.49);
    expect_ok(rlc_end(p));
}

/* Each call under random exploration draws anew from the layer's own stream, through f(x) = sign(x) sqrt|x|. */
static void test_when_noise_is_drawn(void **state) {
    (void)state;
    rlc_module *net = load("noisy", "{type: NoisyLinear, out_keys: [y], out_features: 3}");
    rlc_layer layer = {
        {world_parameter(model, "modules.net.weight_mu"), world_parameter(model, "modules.net.bias_mu")},
        {world_parameter(model, "modules.net.weight_sigma"), world_parameter(model, "modules.net.bias_sigma")},
        NULL};
    rlc_stream *same = rlc_stream_new(test_device(), 1, "modules.net.noise");
    rlc_begin(p);
    rlc_tensor *x = golden_tensor("dqn_networks", "noisy.input");
    double *first = NULL;
    for (int call = 0; call < 2; call++) {
        double *normal = read_doubles(rlc_randn(same, RLC_SHAPE(7)));
        float noise[7];
        for (int i = 0; i < 7; i++) {
            noise[i] = (float)(copysign(1, normal[i]) * sqrt(fabs(normal[i])));
        }
        free(normal);
        rlc_tensor *in = rlc_from_data(RLC_F32, RLC_SHAPE(4), noise);
        rlc_tensor *out = rlc_from_data(RLC_F32, RLC_SHAPE(3), noise + 4);
        double *wanted = read_doubles(rlc_layer_apply_noise(&layer, x, in, out, RLC_IDENTITY));
        rlc_dict *td = golden_input("noisy");
        rlc_module_call(net, td);
        expect_elements("noise", rlc_dict_get(td, "y"), 30, wanted, 1e-5);
        assert_true(first == NULL || fabs(first[0] - wanted[0]) > 1e-4);
        free(first);
        first = wanted;
    }
    free(first);
    expect_ok(rlc_end(p));
    rlc_stream_free(same);
}

/* In an MLP each layer has its own noise; a second instance of the network has another one. */
static void test_noisy_networks(void **state) {
    (void)state;
    rlc_module *net =
        world_add(model, "net", "{type: MLP, num_cells: [8], layer: noisy, out_keys: [y], out_features: 2}");
    rlc_module *duel = world_add(model, "duel",
                                 "{type: DuelingMLP, num_cells: [8], stream_cells: [8], layer: noisy, "
                                 "out_keys: [q], out_features: 2}");
    expect_ok(rlc_model_allocate(model));
    assert_int_equal(model->num_parameters, 2 * 4 + 5 * 4);
    expect_shape(world_parameter(model, "modules.net.2.weight_sigma"), RLC_F32, RLC_SHAPE(2, 8));
    expect_shape(world_parameter(model, "modules.duel.advantage.2.bias_sigma"), RLC_F32, RLC_SHAPE(2));
    int streams = 0;
    for (int i = 0; i < model->state.count; i++) {
        streams += strstr(model->state.items[i].name, "noise.counter") != NULL;
    }
    assert_int_equal(streams, 2 + 5);
    rlc_begin(p);
    static const rlc_exploration settings[] = {RLC_EXPLORE_RANDOM, RLC_EXPLORE_MODE, RLC_EXPLORE_DETERMINISTIC};
    for (int i = 0; i < RLC_COUNT(settings); i++) {
        rlc_dict *a = golden_input("noisy"), *b = golden_input("noisy");
        rlc_set_exploration(settings[i]);
        for (int k = 0; k < 2; k++) {
            rlc_module_call(net, k == 0 ? a : b);
            rlc_module_call(duel, k == 0 ? a : b);
        }
        bool noisy = settings[i] == RLC_EXPLORE_RANDOM;
        assert_int_equal(rlc_item(rlc_any(rlc_ne(rlc_dict_get(a, "y"), rlc_dict_get(b, "y")), RLC_ALL, false)), noisy);
        assert_int_equal(rlc_item(rlc_any(rlc_ne(rlc_dict_get(a, "q"), rlc_dict_get(b, "q")), RLC_ALL, false)), noisy);
    }
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    expect_ok(rlc_end(p));
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{type: DuelingMLP}", "option 'out_features' is required"},
        {"{type: DuelingMLP, out_features: 2, in_features: 3}",
         "in_features is 3, but observation has a last dimension of 4"},
        {"{type: NoisyLinear, out_keys: [y], out_features: 2, in_features: 5}", "in_features is 5"},
        {"{type: MLP, out_keys: [y], out_features: 2, layer: noisy, init: orthogonal}",
         "noisy layers have an initialisation of their own"},
        {"{type: MLP, out_keys: [y], out_features: 2, layer: noise}", "must be one of linear|noisy"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_module *net = NULL;
        rlc_model_free(model);
        model = world_model(1, rlc_spec_one_hot(3));
        expect_error(rlc_model_add(model, "net", cases[i][0], &net), RLC_INVALID, cases[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dueling, start, free_model),
        cmocka_unit_test_setup_teardown(test_dueling_begins, start, free_model),
        cmocka_unit_test_setup_teardown(test_atoms_of_an_mlp, start, free_model),
        cmocka_unit_test_setup_teardown(test_noisy_against_torchrl, start, free_model),
        cmocka_unit_test_setup_teardown(test_noisy_rows, start, free_model),
        cmocka_unit_test_setup_teardown(test_noisy_begins, start, free_model),
        cmocka_unit_test_setup_teardown(test_when_noise_is_drawn, start, free_model),
        cmocka_unit_test_setup_teardown(test_noisy_networks, start, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start, free_model),
    };
    return cmocka_run_group_tests_name("networks of the DQN family", tests, NULL, NULL);
}
