/* Networks: shapes and names of parameters, outputs against PyTorch (tests/golden/mlp.py), initial values. */
#include "tests/with_model.h"

#include <stdio.h>

/* A model whose observations are `width` numbers, ten in a batch. */
static rlc_model *model_of(uint64_t seed, int64_t width) {
    rlc_model *m = NULL;
    rlc_spec spec = rlc_spec_unbounded(RLC_SHAPE(width)), action = rlc_spec_one_hot(2);
    expect_ok(rlc_model_new(world_registry(), test_device(), seed, &m));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
    rlc_dict_set(td, "observation", rlc_spec_zeros(&spec, RLC_SHAPE(10)));
    rlc_model_expect(m, &spec, &action, td);
    expect_ok(rlc_end(p));
    return m;
}

static const struct {
    const char *name, *options;
    int64_t in;
    const char *shapes; /* of the parameters, in their order */
} networks[] = {
    {"dqn", "{type: MLP, out_keys: [q], num_cells: [120, 84], activation: relu, out_features: 2}", 4,
     "0.weight[120, 4] 0.bias[120] 2.weight[84, 120] 2.bias[84] 4.weight[2, 84] 4.bias[2] "},
    {"tanh", "{type: MLP, out_keys: [q], num_cells: [64, 64], out_features: 1}", 3,
     "0.weight[64, 3] 0.bias[64] 2.weight[64, 64] 2.bias[64] 4.weight[1, 64] 4.bias[1] "},
    {"depth", "{type: MLP, out_keys: [q], depth: 2, out_features: 4, in_features: 5}", 5,
     "0.weight[32, 5] 0.bias[32] 2.weight[32, 32] 2.bias[32] 4.weight[4, 32] 4.bias[4] "},
    {"linear", "{type: MLP, out_keys: [q], num_cells: [], out_features: 3}", 6, "0.weight[3, 6] 0.bias[3] "},
    {"activated", "{type: MLP, out_keys: [q], num_cells: [8], out_features: 3, activate_last_layer: true}", 6,
     "0.weight[8, 6] 0.bias[8] 2.weight[3, 8] 2.bias[3] "},
};

/* "0.weight[120, 4] 0.bias[120] ", checking that each name begins with the module's path. */
static void expect_parameters(const rlc_model *m, const char *path, const char *wanted) {
    char got[1024] = "", shape[RLC_SHAPE_TEXT];
    for (int i = 0; i < m->num_parameters; i++) {
        const char *name = m->parameters[i].name;
        assert_memory_equal(name, path, strlen(path));
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%s ", name + strlen(path) + 1,
                 rlc_shape_text(rlc_shape_of(m->parameters[i].tensor), shape));
    }
    assert_string_equal(got, wanted);
}

static void test_against_pytorch(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(networks); i++) {
        const char *name = networks[i].name;
        model = model_of(1, networks[i].in);
        rlc_module *net = world_add(model, name, networks[i].options);
        char path[64];
        snprintf(path, sizeof path, "modules.%s", name);
        expect_parameters(model, path, networks[i].shapes);
        expect_ok(rlc_model_allocate(model));
        for (int k = 0; k < model->num_parameters; k++) { /* PyTorch's names, behind "modules." */
            const rlc_safetensors_entry *entry = golden("mlp", "%s", model->parameters[k].name + strlen("modules."));
            assert_true(rlc_shape_equal(entry->shape, rlc_shape_of(model->parameters[k].tensor)));
            expect_ok(rlc_tensor_write(model->parameters[k].tensor, entry->data));
        }
        rlc_begin(p);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
        rlc_dict_set(td, "observation", golden_tensor("mlp", "%s.input", name));
        rlc_module_call(net, td);
        expect_close(name, rlc_dict_get(td, "q"), golden("mlp", "%s.output", name), 1e-5, 1e-6);
        expect_ok(rlc_end(p));
        rlc_model_free(model);
        model = NULL;
    }
}

/* What is not given, or given as nothing: three layers of 32, tanh between them. */
static void test_defaults(void **state) {
    (void)state;
    static const char *const options[] = {"{type: MLP, out_keys: [q], out_features: 1}",
                                          "{type: MLP, out_keys: [q], out_features: 1, depth: ~, activation: ~}",
                                          "{type: MLP, out_keys: [q], out_features: 1, num_cells: ~}"};
    for (int i = 0; i < RLC_COUNT(options); i++) {
        model = model_of(1, 4);
        rlc_module *net = world_add(model, "net", options[i]);
        assert_int_equal(net->num_in, 1);
        assert_string_equal(net->in_keys[0]->name, "observation");
        expect_parameters(model, "modules.net",
                          "0.weight[32, 4] 0.bias[32] 2.weight[32, 32] 2.bias[32] 4.weight[32, 32] 4.bias[32] "
                          "6.weight[1, 32] 6.bias[1] ");
        rlc_model_free(model);
        model = NULL;
    }
}

static void test_batch_dimensions(void **state) {
    (void)state;
    model = model_of(1, 4);
    rlc_module *net = world_add(model, "net", networks[0].options);
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_tensor *flat = rlc_sin(rlc_arange(RLC_F32, 24));
    rlc_dict *row = rlc_dict_new((rlc_shape){0}), *grid = rlc_dict_new(RLC_SHAPE(3, 2)),
             *list = rlc_dict_new(RLC_SHAPE(6));
    rlc_dict_set(row, "observation", rlc_slice(flat, 0, 0, 4));
    rlc_dict_set(grid, "observation", rlc_reshape(flat, RLC_SHAPE(3, 2, 4)));
    rlc_dict_set(list, "observation", rlc_reshape(flat, RLC_SHAPE(6, 4)));
    rlc_module_call(net, row);
    rlc_module_call(net, grid);
    rlc_module_call(net, list);
    expect_shape(rlc_dict_get(row, "q"), RLC_F32, RLC_SHAPE(2));
    expect_shape(rlc_dict_get(grid, "q"), RLC_F32, RLC_SHAPE(3, 2, 2));
    double *wanted = read_doubles(rlc_dict_get(list, "q"));
    expect_elements("grid", rlc_dict_get(grid, "q"), 12, wanted, 0);
    expect_elements("row", rlc_dict_get(row, "q"), 2, wanted, 1e-6);
    free(wanted);
    expect_ok(rlc_end(p));
}

/* Several inputs, of whatever type, stand side by side in the order of in_keys. */
static void test_several_inputs(void **state) {
    (void)state;
    model = world_model(1, rlc_spec_one_hot(2));
    rlc_module *net = world_add(model, "net",
                                "{type: Linear, in_keys: [next.reward, action, observation, done], out_keys: [x],\n"
                                " out_features: 8}");
    expect_parameters(model, "modules.net", "weight[8, 8] bias[8] ");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_tensor *row = rlc_reshape(rlc_arange(RLC_I64, 8), RLC_SHAPE(1, 8));
    rlc_assign(world_parameter(model, "modules.net.weight"), rlc_eq(row, rlc_transpose(row, 0, 1)));
    rlc_assign(world_parameter(model, "modules.net.bias"), rlc_scalar(0));
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(td, "next.reward", rlc_from_data(RLC_F32, RLC_SHAPE(1, 1), (float[]){7}));
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(1, 2), (int64_t[]){0, 1}));
    rlc_dict_set(td, "observation", rlc_from_data(RLC_F32, RLC_SHAPE(1, 4), (float[]){.5f, -2, 3, 4}));
    rlc_dict_set(td, "done", rlc_from_data(RLC_BOOL, RLC_SHAPE(1, 1), (bool[]){true}));
    rlc_module_call(net, td);
    EXPECT(rlc_dict_get(td, "x"), 7, 0, 1, .5, -2, 3, 4, 1);
    expect_ok(rlc_end(p));
}

/* U(-1/sqrt(in), 1/sqrt(in)) for weights and biases alike, as torch.nn.Linear has it. */
static void test_initial_values(void **state) {
    (void)state;
    model = model_of(1, 64);
    world_add(model, "net", "{type: MLP, out_keys: [q], num_cells: [400, 300], out_features: 200}");
    world_add(model, "head", "{type: Linear, out_keys: [h], out_features: 500}");
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < model->num_parameters; i += 2) {
        rlc_tensor *weight = model->parameters[i].tensor;
        double bound = (double)(float)(1 / sqrt((double)weight->shape[1]));
        for (int k = 0; k < 2; k++) {
            rlc_tensor *tensor = model->parameters[i + k].tensor;
            double *values = read_doubles(tensor), n = (double)tensor->numel, below = 0, outer = 0, largest = 0;
            for (int64_t j = 0; j < tensor->numel; j++) {
                assert_true(fabs(values[j]) <= bound);
                below += values[j] < 0;
                outer += fabs(values[j]) > bound / 2;
                largest = fmax(largest, fabs(values[j]));
            }
            free(values);
            assert_true(fabs(below - n / 2) < 2.5 * sqrt(n)); /* five standard deviations */
            assert_true(fabs(outer - n / 2) < 2.5 * sqrt(n));
            assert_true(largest > bound * (1 - 20 / n));
        }
    }
}

/* Rows of W, or the columns of a tall W, have length `gain` and are at right angles. */
static void expect_orthogonal(rlc_tensor *weight, double gain) {
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_tensor *w = weight->shape[0] <= weight->shape[1] ? weight : rlc_transpose(weight, 0, 1);
    int64_t n = w->shape[0];
    double *product = read_doubles(rlc_matmul(w, rlc_transpose(w, 0, 1)));
    for (int64_t i = 0; i < n * n; i++) {
        assert_true(fabs(product[i] - (i % (n + 1) == 0 ? gain * gain : 0)) < 1e-5 * fmax(1, gain * gain));
    }
    free(product);
    expect_ok(rlc_end(p));
}

static void test_orthogonal(void **state) {
    (void)state;
    model = model_of(1, 40);
    world_add(model, "a",
              "{type: MLP, out_keys: [q], num_cells: [64, 64], init: orthogonal, out_gain: 0.01, out_features: 3}");
    world_add(model, "b", "{type: MLP, out_keys: [v], num_cells: [24], init: orthogonal, gain: 3, out_features: 70}");
    expect_ok(rlc_model_allocate(model));
    expect_orthogonal(world_parameter(model, "modules.a.0.weight"), sqrt(2)); /* tall */
    expect_orthogonal(world_parameter(model, "modules.a.2.weight"), sqrt(2)); /* square */
    expect_orthogonal(world_parameter(model, "modules.a.4.weight"), 0.01);    /* wide */
    expect_orthogonal(world_parameter(model, "modules.b.0.weight"), 3);
    expect_orthogonal(world_parameter(model, "modules.b.2.weight"), 1);
    double *square = read_doubles(world_parameter(model, "modules.a.2.weight")), off = 0;
    for (int i = 0; i < 64 * 64; i++) {
        off += i % 65 != 0 ? fabs(square[i]) : 0;
    }
    free(square);
    assert_true(off > 64); /* and not the identity */
    static const char *const biases[] = {"modules.a.0.bias", "modules.a.2.bias", "modules.a.4.bias",
                                         "modules.b.2.bias"};
    for (int i = 0; i < RLC_COUNT(biases); i++) {
        rlc_tensor *bias = world_parameter(model, biases[i]);
        double *values = read_doubles(bias);
        for (int64_t k = 0; k < bias->numel; k++) {
            assert_true(values[k] == 0);
        }
        free(values);
    }
}

/* The first weights of `name` in a model of that seed, with or without another module before it; free them. */
static double *first_weights(uint64_t seed, const char *name, bool company) {
    rlc_model *m = model_of(seed, 4);
    if (company) {
        world_add(m, "before", "{type: MLP, out_keys: [before], out_features: 5}");
    }
    world_add(m, name, "{type: MLP, out_keys: [q], init: orthogonal, out_features: 1}");
    expect_ok(rlc_model_allocate(m));
    char full[64];
    snprintf(full, sizeof full, "modules.%s.0.weight", name);
    double *values = read_doubles(world_parameter(m, full));
    rlc_model_free(m);
    return values;
}

static void test_seeds(void **state) {
    (void)state;
    double *a = first_weights(7, "net", false), *same = first_weights(7, "net", true);
    double *seed = first_weights(8, "net", false), *name = first_weights(7, "other", false);
    for (int i = 0; i < 32 * 4; i++) {
        assert_true(a[i] == same[i] && a[i] != seed[i] && a[i] != name[i]);
    }
    free(a);
    free(same);
    free(seed);
    free(name);
}

/* One flat buffer; each parameter a slice of it at a cache line, with a twin for its gradient. */
static void test_flat_buffer(void **state) {
    (void)state;
    model = model_of(1, 4);
    rlc_module *a = world_add(model, "a", "{type: MLP, out_keys: [q], num_cells: [3], out_features: 2}");
    world_add(model, "b", "{type: Linear, out_keys: [v], out_features: 2}");
    rlc_module *c = world_add(model, "c", "{type: Linear, out_keys: [w], out_features: 1}");
    expect_ok(rlc_model_allocate(model));
    int64_t end = 0;
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *e = &model->parameters[i];
        assert_true(e->offset % 16 == 0 && e->offset >= end);
        assert_ptr_equal(e->tensor->data, (float *)model->values->data + e->offset);
        assert_ptr_equal(e->tensor->grad->data, (float *)model->grads->data + e->offset);
        end = e->offset + e->tensor->numel;
    }
    assert_true(end <= model->values->numel);
    int indices[8], count = rlc_module_parameters(a, indices, 8);
    count += rlc_module_parameters(c, indices + count, 8 - count);
    assert_int_equal(count, 6);
    rlc_range ranges[8];
    assert_int_equal(rlc_model_ranges(model, indices, count, ranges), 2); /* b lies between them */
    assert_int_equal(ranges[0].offset, 0);
    rlc_tensor *values = rlc_model_values(model, ranges[1]), *grads = rlc_model_grads(model, ranges[1]);
    assert_ptr_equal(values->data, world_parameter(model, "modules.c.weight")->data);
    assert_ptr_equal(grads->data, world_parameter(model, "modules.c.weight")->grad->data);
    assert_int_equal(values->numel, ranges[1].length);
    rlc_tensor_free(values);
    rlc_tensor_free(grads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_pytorch, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_defaults, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_batch_dimensions, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_several_inputs, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_initial_values, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_orthogonal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_seeds, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_flat_buffer, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}
