/* Normalisations, Dropout, Embedding, activations, and the train mode they go by: against PyTorch
 * (tests/golden/layers.py). */
#define GOLDEN_CASES "layers"
#include "tests/golden_case.h"
#include "tests/with_model.h"

#include "objectives/target.h"

/* A model whose `observation` has this type and shape. */
static void expect(rlc_dtype dtype, rlc_shape shape) {
    rlc_spec spec = rlc_spec_unbounded(RLC_SHAPE(1)), action = rlc_spec_one_hot(2);
    rlc_model_free(model);
    model = NULL;
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(shape.size[0]));
    rlc_dict_set(td, "observation", rlc_zeros(dtype, shape));
    rlc_model_expect(model, &spec, &action, td);
    expect_ok(rlc_end(p));
}

static rlc_tensor *buffer_of(const rlc_model *m, const char *name) {
    for (int i = 0; i < m->state.count; i++) {
        if (strcmp(m->state.items[i].name, name) == 0) {
            return m->state.items[i].tensor;
        }
    }
    fail_msg("the model has no buffer '%s'", name);
    return NULL;
}

static void load(const char *parameter, const char *what) {
    expect_ok(rlc_tensor_write(world_parameter(model, parameter), golden("layers", "%s", what)->data));
}

/* Output of a module on one input of a batch shape of one dimension. */
static rlc_tensor *apply(rlc_module *net, rlc_tensor *x) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(rlc_size(x, 0)));
    rlc_dict_set(td, "observation", x);
    rlc_module_call(net, td);
    return rlc_dict_get(td, "y");
}

/* Three batches in training, one outside of it, and what the running statistics became. */
static void check_batch_norm(const char *name, const char *options) {
    char what[64];
    const rlc_shape all = golden("layers", "%s.input", name)->shape;
    rlc_shape one = {.ndim = all.ndim - 1};
    memcpy(one.size, all.size + 1, (size_t)one.ndim * sizeof *one.size);
    expect(RLC_F32, one);
    rlc_module *net = world_add(model, "net", options);
    expect_ok(rlc_model_allocate(model));
    snprintf(what, sizeof what, "%s.weight", name);
    load("modules.net.weight", what);
    snprintf(what, sizeof what, "%s.bias", name);
    load("modules.net.bias", what);
    rlc_begin(p);
    rlc_tensor *input = golden_tensor("layers", "%s.input", name), *outputs[4];
    for (int i = 0; i < 4; i++) {
        rlc_set_training(i < 3);
        outputs[i] = apply(net, rlc_contiguous(rlc_select(input, 0, i)));
    }
    expect_close(name, rlc_stack(outputs, 4, 0), golden("layers", "%s.output", name), 1e-4, 1e-5);
    static const char *const buffers[] = {"running_mean", "running_var", "num_batches_tracked"};
    for (int i = 0; i < RLC_COUNT(buffers); i++) {
        snprintf(what, sizeof what, "modules.net.%s", buffers[i]);
        expect_close(what, buffer_of(model, what), golden("layers", "%s.%s", name, buffers[i]), 1e-5, 1e-6);
    }
    expect_ok(rlc_end(p));
}

static void test_batch_norm(void **state) {
    (void)state;
    check_batch_norm("bn1d", "{type: BatchNorm1d, out_keys: [y]}");
    check_batch_norm("bn1d_length", "{type: BatchNorm1d, out_keys: [y], eps: 1e-3, momentum: 0.3, num_features: 4}");
    check_batch_norm("bn2d", "{type: BatchNorm2d, out_keys: [y]}");
}

/* The option is what stands behind the layer, in training and outside of it. */
static void test_batch_norm_activation(void **state) {
    (void)state;
    expect(RLC_F32, RLC_SHAPE(6, 3, 4, 5));
    rlc_module *plain = world_add(model, "plain", "{type: BatchNorm2d, out_keys: [y]}");
    rlc_module *fused = world_add(model, "fused", "{type: BatchNorm2d, out_keys: [y], activation: relu}");
    rlc_module *other = world_add(model, "other", "{type: BatchNorm2d, out_keys: [y], activation: tanh}");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_stream *stream = rlc_stream_new(test_device(), 3, "layers");
    rlc_tensor *x = rlc_randn(stream, RLC_SHAPE(6, 3, 4, 5));
    for (int training = 1; training >= 0; training--) {
        rlc_set_training(training);
        rlc_tensor *y = apply(plain, x), *relu = apply(fused, x), *tanh = apply(other, x);
        assert_true(rlc_item(rlc_all(rlc_eq(relu, rlc_relu(y)), RLC_ALL, false)) == 1);
        assert_true(rlc_item(rlc_all(rlc_eq(tanh, rlc_tanh(y)), RLC_ALL, false)) == 1);
    }
    expect_ok(rlc_end(p));
    rlc_stream_free(stream);
}

static bool recorded(rlc_op op, int first) {
    bool found = false;
    for (int i = first; i < p->num_nodes; i++) {
        found = found || p->nodes[i].op == op;
    }
    return found;
}

static double largest(rlc_tensor *x) {
    return rlc_item(rlc_max(rlc_abs(rlc_flatten(x, 0, -1)), 0, false));
}

/* A chain of a convolution and a batch norm computes what the two called in turn do, and so do its gradients; `one` says
 * whether it is a single pass where the statistics stand. */
static void compare_with_calls(rlc_module *const *layers, rlc_module *net, rlc_tensor *x, bool training, bool one) {
    rlc_tensor *weight = world_parameter(model, "modules.conv.weight");
    rlc_set_training(training);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(rlc_size(x, 0)));
    rlc_dict_set(td, "observation", x);
    rlc_module_call(layers[0], td);
    rlc_module_call(layers[1], td);
    int first = p->num_nodes;
    rlc_tensor *y = apply(net, x), *wanted = rlc_dict_get(td, "y");
    assert_true(recorded(RLC_OP_scale_shift, first) == (!training && !one));
    assert_true(largest(rlc_sub(y, wanted)) <= (training || !one ? 0 : 1e-5 * largest(wanted)));
    rlc_backward(rlc_sum(rlc_exp(wanted), RLC_ALL, false));
    const double slope = largest(weight->grad);
    rlc_zero_grad(weight);
    rlc_backward(rlc_sum(rlc_sub(rlc_exp(y), rlc_exp(wanted)), RLC_ALL, false));
    assert_true(slope > 0.01 && largest(weight->grad) <= 1e-4 * slope);
    rlc_zero_grad(weight);
}

static void test_conv_with_batch_norm(void **state) {
    (void)state;
    static const struct {
        const char *conv, *norm;
        bool one;
    } cases[] = {
        {"", "", true},
        {"", ", activation: relu", true},
        {"", ", activation: tanh", true},
        {", bias: false", ", eps: 0.01", true},
        {", groups: 3, padding: 1", ", affine: false", true},
        {", activation: relu", "", false},
        {", out_keys: [h]", ", in_keys: [h]", false},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        char options[160];
        expect(RLC_F32, RLC_SHAPE(5, 3, 7, 6));
        snprintf(options, sizeof options, "{type: Conv2d, out_channels: 6, kernel_size: 3, in_keys: [observation]%s%s}",
                 strstr(cases[i].conv, "out_keys") == NULL ? ", out_keys: [y]" : "", cases[i].conv);
        rlc_module *layers[2] = {world_add(model, "conv", options)};
        snprintf(options, sizeof options, "{type: BatchNorm2d, out_keys: [y]%s%s}",
                 strstr(cases[i].norm, "in_keys") == NULL ? ", in_keys: [y]" : "", cases[i].norm);
        layers[1] = world_add(model, "norm", options);
        rlc_module *net = world_add(model, "net", "{type: Sequential, modules: [conv, norm]}");
        expect_ok(rlc_model_allocate(model));
        rlc_begin(p);
        rlc_stream *stream = rlc_stream_new(test_device(), 3, "layers");
        rlc_tensor *x = rlc_randn(stream, RLC_SHAPE(5, 3, 7, 6));
        compare_with_calls(layers, net, x, true, cases[i].one);
        compare_with_calls(layers, net, rlc_mul_scalar(x, 1.5), false, cases[i].one);
        expect_ok(rlc_end(p));
        rlc_stream_free(stream);
    }
}

/* What a batch norm refuses it refuses also where it would be part of a convolution. */
static void test_conv_with_misfit(void **state) {
    (void)state;
    expect(RLC_F32, RLC_SHAPE(5, 3, 7, 6));
    rlc_module *net =
        world_add(model, "net",
                  "{type: Sequential, in_keys: [observation], out_keys: [y], modules: [{type: Conv2d, out_channels: 2, "
                  "kernel_size: 3}, {type: BatchNorm2d}]}");
    expect_ok(rlc_model_allocate(model));
    for (int training = 0; training < 2; training++) {
        rlc_begin(p);
        rlc_set_training(training);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(5));
        rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(5, 2, 3, 7, 6)));
        rlc_module_call(net, td);
        expect_error(rlc_end(p), RLC_INVALID, "there must be [channels, height, width]");
    }
}

/* Without running statistics it goes by the batch in any mode; several batch dimensions are one. */
static void test_batch_norm_shapes(void **state) {
    (void)state;
    expect(RLC_F32, RLC_SHAPE(6, 4));
    rlc_module *net =
        world_add(model, "net", "{type: BatchNorm1d, out_keys: [y], affine: false, track_running_stats: false}");
    assert_int_equal(model->num_parameters, 0);
    assert_int_equal(model->state.count, 0);
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_tensor *x = rlc_sin(rlc_arange(RLC_F32, 24)), *flat = apply(net, rlc_reshape(x, RLC_SHAPE(6, 4)));
    rlc_dict *grid = rlc_dict_new(RLC_SHAPE(3, 2));
    rlc_dict_set(grid, "observation", rlc_reshape(x, RLC_SHAPE(3, 2, 4)));
    rlc_module_call(net, grid);
    expect_shape(rlc_dict_get(grid, "y"), RLC_F32, RLC_SHAPE(3, 2, 4));
    double *wanted = read_doubles(flat);
    expect_elements("grid", rlc_dict_get(grid, "y"), 24, wanted, 0);
    free(wanted);
    assert_true(fabs(rlc_item(rlc_sum(flat, RLC_ALL, false))) < 1e-5);
    expect_ok(rlc_end(p));
}

static void test_activations(void **state) {
    (void)state;
    static const struct {
        const char *name, *options;
    } all[] = {{"ReLU", ""},
               {"LeakyReLU", ", negative_slope: 0.2"},
               {"ELU", ", alpha: 1.5"},
               {"GELU", ""},
               {"SiLU", ""},
               {"Tanh", ""},
               {"Sigmoid", ""},
               {"Softplus", ""},
               {"Softmax", ""},
               {"LogSoftmax", ", dim: 0"},
               {"Identity", ""}};
    expect(RLC_F32, RLC_SHAPE(5, 4));
    for (int i = 0; i < RLC_COUNT(all); i++) {
        char options[96];
        snprintf(options, sizeof options, "{type: %s, out_keys: [y]%s}", all[i].name, all[i].options);
        rlc_module *net = world_add(model, all[i].name, options);
        rlc_begin(p);
        expect_close(all[i].name, apply(net, golden_tensor("layers", "activations.input")),
                     golden("layers", "activations.%s", all[i].name), 1e-5, 1e-6);
        expect_ok(rlc_end(p));
    }
}

static void test_embedding(void **state) {
    (void)state;
    expect(RLC_I64, RLC_SHAPE(2, 3));
    rlc_module *net = world_add(
        model, "net", "{type: Embedding, out_keys: [y], num_embeddings: 7, embedding_dim: 3, padding_idx: 2}");
    expect_ok(rlc_model_allocate(model));
    rlc_tensor *weight = world_parameter(model, "modules.net.weight");
    const float *values = peek(weight);
    for (int i = 0; i < 21; i++) {
        assert_true((values[i] == 0) == (i / 3 == 2));
    }
    load("modules.net.weight", "embedding.weight");
    rlc_begin(p);
    rlc_tensor *y = apply(net, golden_tensor("layers", "embedding.index"));
    expect_close("embedding", y, golden("layers", "embedding.output"), 0, 0);
    rlc_backward(rlc_sum(rlc_mul(y, golden_tensor("layers", "embedding.g")), RLC_ALL, false));
    expect_close("gradient of the embedding", weight->grad, golden("layers", "embedding.dweight"), 1e-6, 1e-7);
    expect_ok(rlc_end(p));
    rlc_begin(p);
    apply(net, rlc_full(RLC_I64, RLC_SHAPE(1, 1), 7));
    expect_error(rlc_end(p), RLC_FAILED, "index 7 is outside of a dimension of size 7");
    rlc_begin(p);
    apply(net, rlc_ones(RLC_F32, RLC_SHAPE(1, 1)));
    expect_error(rlc_end(p), RLC_INVALID, "observation is float32; integers that name rows are needed");
}

/* The initial rows of an embedding are normal. */
static void test_normal_init(void **state) {
    (void)state;
    expect(RLC_I64, RLC_SHAPE(2, 3));
    world_add(model, "net", "{type: Embedding, out_keys: [y], num_embeddings: 1000, embedding_dim: 20}");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_tensor *weight = world_parameter(model, "modules.net.weight");
    assert_true(fabs(rlc_item(rlc_mean(weight, RLC_ALL, false))) < 0.03);
    assert_true(fabs(rlc_item(rlc_std(weight, RLC_ALL, false, 1)) - 1) < 0.02);
    expect_ok(rlc_end(p));
}

/* Only in training: a share p becomes 0, the rest grows, and the gradient goes where the value came from. */
static void test_dropout(void **state) {
    (void)state;
    enum { N = 20000 };
    expect(RLC_F32, RLC_SHAPE(N, 1));
    rlc_module *net = world_add(model, "net", "{type: Dropout, out_keys: [y], p: 0.3}");
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(N, 1));
    static float ones[N];
    for (int i = 0; i < N; i++) {
        ones[i] = 1;
    }
    expect_ok(rlc_tensor_write(x, ones));
    expect_ok(rlc_requires_grad(x));
    rlc_begin(p);
    assert_ptr_equal(apply(net, x), x);
    rlc_set_training(true);
    rlc_tensor *first = apply(net, x), *second = apply(net, x);
    double kept = rlc_item(rlc_mean(rlc_cast(rlc_ne(first, rlc_scalar(0)), RLC_F32), RLC_ALL, false));
    assert_true(fabs(kept - 0.7) < 0.015);
    assert_true(fabs(rlc_item(rlc_max(rlc_detach(rlc_reshape(first, RLC_SHAPE(-1))), 0, false)) - 1 / 0.7) < 1e-6);
    assert_true(rlc_item(rlc_any(rlc_ne(first, second), RLC_ALL, false)) != 0);
    rlc_backward(rlc_sum(first, RLC_ALL, false));
    assert_true(rlc_item(rlc_all(rlc_eq(x->grad, rlc_detach(first)), RLC_ALL, false)) != 0);
    expect_ok(rlc_end(p));
    rlc_tensor_free(x);
}

#define NORMED                                                                                                         \
    "{type: QValueActor, module: {type: Sequential, modules: [{type: Linear, out_features: 6}, {type: BatchNorm1d}, "  \
    "{type: ReLU}, {type: Linear, out_features: 2}]}}"

static rlc_dict *transitions(int64_t rows) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(rows));
    rlc_tensor *seen =
        rlc_reshape(rlc_sin(rlc_arange(RLC_F32, rows * WORLD_OBSERVATION)), RLC_SHAPE(rows, WORLD_OBSERVATION));
    rlc_dict_set(td, "observation", seen);
    rlc_dict_set(td, "action", rlc_one_hot(rlc_zeros(RLC_I64, RLC_SHAPE(rows)), 2));
    rlc_dict_set(td, "next.observation", rlc_neg(seen));
    rlc_dict_set(td, "next.reward", rlc_ones(RLC_F32, RLC_SHAPE(rows, 1)));
    rlc_dict_set(td, "next.terminated", rlc_zeros(RLC_BOOL, RLC_SHAPE(rows, 1)));
    return td;
}

/* A loss trains its network in training and asks its target outside of it; updaters bring the buffers along. */
static void check_target(const char *options, double share) {
    static const char online[] = "modules.policy.0.1.running_mean";
    rlc_module *module = NULL;
    rlc_target *updater = NULL;
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(2));
    world_add(model, "policy", NORMED);
    expect_ok(rlc_model_build(model, "loss", "loss", world_value("{type: DQNLoss, value_network: policy}"), &module));
    expect_ok(rlc_model_allocate(model));
    rlc_loss *loss = (rlc_loss *)module;
    const rlc_tensor *of_online[8], *of_target[8];
    assert_int_equal(rlc_module_buffers(loss->targets[0].online, of_online, 8), 3);
    assert_int_equal(rlc_module_buffers(loss->targets[0].target, of_target, 8), 3);
    assert_ptr_equal(of_online[0], buffer_of(model, online));
    expect_ok(rlc_target_new(loss, world_value(options), &updater));
    rlc_begin(p);
    rlc_loss_call(loss, transitions(8));
    assert_false(rlc_set_training(false));
    expect_ok(rlc_end(p));
    const float *mean = peek(of_online[0]), *behind = peek(of_target[0]);
    assert_int_equal(*(const int64_t *)peek(of_online[2]), 1);
    assert_int_equal(*(const int64_t *)peek(of_target[2]), 0);
    for (int i = 0; i < 6; i++) {
        assert_true(mean[i] != 0 && behind[i] == 0);
    }
    rlc_begin(p);
    rlc_target_step(updater);
    expect_ok(rlc_end(p));
    assert_int_equal(*(const int64_t *)peek(of_target[2]), 1);
    mean = peek(of_online[0]);
    behind = peek(of_target[0]);
    for (int i = 0; i < 6; i++) {
        assert_true(fabs((double)behind[i] - share * (double)mean[i]) < 1e-7);
    }
    rlc_target_free(updater);
}

static void test_targets(void **state) {
    (void)state;
    check_target("{type: HardUpdate}", 1);
    check_target("{type: SoftUpdate, tau: 0.25}", 0.25);
}

static const struct {
    const char *options, *message;
} bad[] = {
    {"{type: BatchNorm2d, out_keys: [y]}", "there must be [channels, height, width]"},
    {"{type: BatchNorm1d, out_keys: [y], num_features: 3}", "num_features is 3, but observation has 4 channels"},
    {"{type: LayerNorm, out_keys: [y], normalized_shape: [3]}", "normalized_shape is [3], but observation is [5, 4]"},
    {"{type: LayerNorm, out_keys: [y], normalized_shape: [9, 5, 4]}", "which does not end so"},
    {"{type: Dropout, out_keys: [y], p: 1.5}", "option 'p' must be"},
    {"{type: Embedding, out_keys: [y], num_embeddings: 4, embedding_dim: 2}", "integers that name rows are needed"},
    {"{type: Embedding, out_keys: [y], num_embeddings: 4, embedding_dim: 2, padding_idx: 4}",
     "there are 4 rows, from 0"},
    {"{type: Embedding, out_keys: [y], embedding_dim: 2}", "option 'num_embeddings' is required"},
    {"{type: LeakyReLU, out_keys: [y], slope: 1}", "unknown option 'slope'"},
    {"{type: Softmax, out_keys: [y], dim: 2}", "dimension 2"},
    {"{type: LSTMCell, hidden_size: 3}", "recurrent_state_h"},
    {"{type: GRUCell, hidden_size: 3, in_keys: [observation], out_keys: [y]}", "reads 2 keys, the input and its state"},
    {"{type: LSTMModule, hidden_size: 3, out_keys: [y]}",
     "add {type: TensorDictPrimer, primers: {recurrent_state_h: [1, 3], recurrent_state_c: [1, 3]}} to env.transforms"},
    {"{type: GRUModule, hidden_size: 3, num_layers: 2, in_keys: [observation, hx], out_keys: [y]}",
     "primers: {hx: [2, 3]}} to env.transforms"},
    {"{type: LSTMModule, hidden_size: 3, in_keys: [observation, h], out_keys: [y]}",
     "in_keys are the input, or the input and 2 states"},
    {"{type: LSTMModule, hidden_size: 3, input_size: 7, out_keys: [y]}", "input_size is 7, but observation has"},
    {"{type: LSTMModule, out_keys: [y]}", "option 'hidden_size' is required"},
};

static void test_bad_options(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(bad); i++) {
        rlc_module *net;
        expect(RLC_F32, RLC_SHAPE(5, 4));
        expect_error(rlc_model_add(model, "net", bad[i].options, &net), RLC_INVALID, bad[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_batch_norm, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_batch_norm_activation, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_batch_norm_shapes, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_conv_with_batch_norm, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_conv_with_misfit, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_activations, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_embedding, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_normal_init, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_dropout, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_targets, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_bad_options, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
