/* Modules for images against PyTorch and TorchRL (tests/golden/conv_net.py): names and shapes of parameters, outputs,
 * gradients; how they begin, and what they refuse. */
#include "tests/with_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *options;
    rlc_shape input; /* behind the batch of five */
    int parameters;
} cases[] = {
    {"conv",
     "{type: Conv2d, out_channels: 6, kernel_size: [3, 2], stride: 2, padding: [1, 0], dilation: [1, 2], groups: 3, "
     "out_keys: [y]}",
     {3, {3, 9, 8}},
     2},
    {"transposed",
     "{type: ConvTranspose2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1, bias: false, "
     "out_keys: [y]}",
     {3, {3, 4, 5}},
     1},
    {"max", "{type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1, out_keys: [y]}", {3, {2, 7, 8}}, 0},
    {"avg",
     "{type: AvgPool2d, kernel_size: [2, 3], count_include_pad: false, padding: 1, out_keys: [y]}",
     {3, {2, 7, 8}},
     0},
    {"adaptive", "{type: AdaptiveAvgPool2d, output_size: [2, 3], out_keys: [y]}", {3, {2, 7, 8}}, 0},
    {"flatten", "{type: Flatten, out_keys: [y]}", {3, {2, 3, 4}}, 0},
    {"standard", "{type: ConvNet, in_features: 3, out_keys: [y]}", {3, {3, 9, 10}}, 6},
    {"atari",
     "{type: ConvNet, num_cells: [8, 12, 12], kernel_sizes: [8, 4, 3], strides: [4, 2, 1], activation_class: nn.ReLU, "
     "out_keys: [y]}",
     {3, {4, 44, 36}},
     6},
    {"depth",
     "{type: ConvNet, depth: 2, num_cells: 5, kernel_sizes: [4, 3], strides: 2, paddings: 1, activation: tanh, "
     "out_keys: [y]}",
     {3, {2, 11, 12}},
     4},
    {"dueling",
     "{type: DuelingCnnDQNet, out_features: 3, cnn_kwargs: {num_cells: [6, 7], kernel_sizes: [3, 2], strides: [2, 1]}, "
     "mlp_kwargs: {num_cells: 9}, out_keys: [y]}",
     {3, {2, 8, 9}},
     12},
    {"deep",
     "{type: DuelingCnnDQNet, out_features: 2, cnn_kwargs: {num_cells: [4], kernel_sizes: [3], strides: [1], "
     "activation: relu}, mlp_kwargs: {depth: 2, num_cells: [8, 6], activation_class: Tanh}, out_keys: [y]}",
     {3, {2, 5, 4}},
     14},
};

/* A model of a world that shows images of that type. */
static rlc_model *model_of_images(rlc_dtype dtype, rlc_shape image) {
    rlc_spec observation = rlc_spec_unbounded(image), action = rlc_spec_one_hot(3);
    rlc_model *m = NULL;
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &m));
    rlc_begin(test_program());
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(5));
    rlc_dict_set(td, "pixels", rlc_zeros(dtype, rlc_shape_concat(RLC_SHAPE(5), image)));
    rlc_model_expect(m, &observation, &action, td);
    expect_ok(rlc_end(test_program()));
    return m;
}

static void load(const char *name) {
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        const rlc_safetensors_entry *value = golden("conv_net", "%s.%s", name, entry->name + strlen("modules.net."));
        assert_true(rlc_shape_equal(value->shape, rlc_shape_of(entry->tensor)));
        expect_ok(rlc_tensor_write(entry->tensor, value->data));
    }
}

/* The batch as [5], and as [5, 1, 1], whose dimensions come back. */
static void test_against_pytorch(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const char *name = cases[i].name;
        model = model_of_images(RLC_F32, cases[i].input);
        rlc_module *net = world_add(model, "net", cases[i].options);
        load(name);
        assert_int_equal(model->num_parameters, cases[i].parameters);
        rlc_begin(p);
        for (int dims = 1; dims <= 3; dims += 2) {
            const rlc_shape batch = {dims, {5, 1, 1}};
            rlc_dict *td = rlc_dict_new(batch);
            rlc_tensor *x = golden_tensor("conv_net", "%s.input", name);
            rlc_dict_set(td, "pixels", rlc_reshape(x, rlc_shape_concat(batch, cases[i].input)));
            rlc_module_call(net, td);
            rlc_tensor *y = rlc_dict_get(td, "y");
            const rlc_safetensors_entry *wanted = golden("conv_net", "%s.output", name);
            assert_int_equal(y->ndim, wanted->shape.ndim + dims - 1);
            y = rlc_reshape(y, wanted->shape);
            expect_close(name, y, wanted, 1e-5, 1e-5);
            if (dims == 1 && cases[i].parameters > 0) {
                rlc_backward(rlc_sum(rlc_mul(y, golden_tensor("conv_net", "%s.v", name)), RLC_ALL, false));
            }
        }
        for (int k = 0; k < model->num_parameters; k++) {
            const rlc_parameter_entry *entry = &model->parameters[k];
            expect_close(entry->name, entry->tensor->grad,
                         golden("conv_net", "%s.grad.%s", name, entry->name + strlen("modules.net.")), 1e-5, 1e-5);
        }
        expect_ok(rlc_end(p));
        rlc_model_free(model);
        model = NULL;
    }
}

/* As torch.nn.Conv2d; the biases of DuelingCnnDQNet are 0. */
static void test_begins(void **state) {
    (void)state;
    model = model_of_images(RLC_F32, RLC_SHAPE(4, 84, 84));
    world_add(model, "net", "{type: DuelingCnnDQNet, out_features: 6, out_keys: [y]}");
    world_add(model, "conv", "{type: Conv2d, out_channels: 200, kernel_size: 3, groups: 2, out_keys: [z]}");
    expect_ok(rlc_model_allocate(model));
    static const struct {
        const char *name;
        rlc_shape shape;
        double bound;
    } parameters[] = {
        {"modules.net.features.0.weight", {4, {32, 4, 8, 8}}, 1 / 16.0},
        {"modules.net.features.0.bias", {1, {32}}, 0},
        {"modules.net.features.2.weight", {4, {64, 32, 4, 4}}, 0.04419417382},
        {"modules.net.features.4.weight", {4, {64, 64, 3, 3}}, 1 / 24.0},
        {"modules.net.advantage.0.weight", {2, {512, 3136}}, 1 / 56.0},
        {"modules.net.advantage.2.weight", {2, {6, 512}}, 0.04419417382},
        {"modules.net.value.2.weight", {2, {1, 512}}, 0.04419417382},
        {"modules.net.value.2.bias", {1, {1}}, 0},
        {"modules.conv.weight", {4, {200, 2, 3, 3}}, 0.2357022604},
        {"modules.conv.bias", {1, {200}}, 0.2357022604},
    };
    rlc_begin(p);
    for (int i = 0; i < RLC_COUNT(parameters); i++) {
        rlc_tensor *t = world_parameter(model, parameters[i].name);
        expect_shape(t, RLC_F32, parameters[i].shape);
        const double most = rlc_item(rlc_max(rlc_abs(t), RLC_ALL, false));
        assert_true(most <= parameters[i].bound * (1 + 1e-6) && most >= 0.95 * parameters[i].bound);
    }
    expect_ok(rlc_end(p));
}

#define EIGHT "2, 2, 2, 2, 2, 2, 2, 2"
#define MANY "[" EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ", " EIGHT "]"

static void test_misuse(void **state) {
    (void)state;
    static const struct {
        rlc_dtype dtype;
        rlc_shape image;
        const char *options, *message;
    } mistakes[] = {
        {RLC_U8,
         {3, {3, 8, 8}},
         "{type: ConvNet, out_keys: [y]}",
         "modules.net: pixels is uint8, not float32; put {type: ToTensorImage} among the environment's transforms"},
        {RLC_F32,
         {2, {8, 8}},
         "{type: Conv2d, out_channels: 2, kernel_size: 3, out_keys: [y]}",
         "pixels has shape [5, 8, 8], but images are [*, channels, height, width]"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: Conv2d, out_channels: 2, kernel_size: 9, out_keys: [y]}",
         "the kernel is larger than the input with its padding"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: Conv2d, out_channels: 4, kernel_size: 3, groups: 2, out_keys: [y]}",
         "groups is 2, which does not divide 3 channels that come in and 4 that go out"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: Conv2d, out_channels: 4, in_channels: 4, kernel_size: 3, out_keys: [y]}",
         "in_channels is 4, but pixels has 3 channels"},
        {RLC_F32, {3, {3, 8, 8}}, "{type: Conv2d, out_channels: 4, out_keys: [y]}", "option 'kernel_size' is required"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: Conv2d, out_channels: 4, kernel_size: [1, 2, 3], out_keys: [y]}",
         "kernel_size has 3 numbers; it is one, or two for rows and columns"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: Conv2d, out_channels: 4, kernel_size: {a: 1}, out_keys: [y]}",
         "option 'kernel_size' must be an integer, or a list of integers"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: Conv2d, out_channels: 4, kernel_size: 0, out_keys: [y]}",
         "option 'kernel_size' must be between 1 and"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: MaxPool2d, kernel_size: 9, out_keys: [y]}",
         "max_pool2d: the kernel is larger than the input with its padding: it covers 9 rows"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: ConvNet, kernel_sizes: [3, 2], out_keys: [y]}",
         "kernel_sizes has 2 numbers for 3 layers; give as many, or one for all"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: ConvNet, in_features: 4, out_keys: [y]}",
         "in_features is 4, but pixels has 3 channels"},
        {RLC_F32,
         {3, {3, 8, 8}},
         "{type: DuelingCnnDQNet, out_features: 2, cnn_kwargs: {num_cell: 3}}",
         "modules.net: cnn_kwargs: unknown option 'num_cell' (did you mean 'num_cells'?)"},
        {RLC_F32, {3, {3, 8, 8}}, "{type: DuelingCnnDQNet, out_features: 2}", "the kernel is larger than the input"},
        {RLC_F32,
         {3, {3, 9, 9}},
         "{type: DuelingCnnDQNet, out_features: 2, cnn_kwargs: {kernel_sizes: 1}, mlp_kwargs: {depth: 3, num_cells: "
         "[2, 3]}}",
         "mlp_kwargs: num_cells has 2 numbers for 3 layers"},
        {RLC_F32,
         {3, {3, 9, 9}},
         "{type: ConvNet, num_cells: " MANY ", out_keys: [y]}",
         "64 layers; 1 to 32 are possible"},
        {RLC_F32,
         {3, {3, 9, 9}},
         "{type: DuelingCnnDQNet, out_features: 2, cnn_kwargs: {num_cells: " MANY ", kernel_sizes: 1, strides: 1}}",
         "64 layers; 1 to 32 are possible"},
        {RLC_F32,
         {3, {3, 9, 9}},
         "{type: DuelingCnnDQNet, out_features: 2, cnn_kwargs: {kernel_sizes: 1}, mlp_kwargs: {num_cells: " MANY "}}",
         "mlp_kwargs: 64 layers; 0 to 63 are possible"},
    };
    for (int i = 0; i < RLC_COUNT(mistakes); i++) {
        rlc_module *net = NULL;
        model = model_of_images(mistakes[i].dtype, mistakes[i].image);
        expect_error(rlc_model_add(model, "net", mistakes[i].options, &net), RLC_INVALID, mistakes[i].message);
        rlc_model_free(model);
        model = NULL;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_pytorch, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_begins, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("modules for images", tests, NULL, NULL);
}
