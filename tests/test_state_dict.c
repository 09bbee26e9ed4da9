/* Weights under PyTorch's names: files that PyTorch and TorchRL wrote give PyTorch's outputs, what is saved is what is
 * loaded, and a file that does not fit says all that does not. */
#include "tests/with_model.h"

#include <stdio.h>
#include <unistd.h>

#include "modules/state_dict.h"

static char path[64];

static int start(void **state) {
    snprintf(path, sizeof path, "/tmp/rlc-state-dict-%d", (int)getpid());
    return start_without_model(state);
}

static int finish(void **state) {
    unlink(path);
    return free_model(state);
}

#define NET "{type: MLP, out_keys: [q], num_cells: [16, 8], activation: relu, out_features: 2}"

/* The one network of a model of its own, with weights that are drawn. */
static rlc_module *network(const char *options) {
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(2));
    rlc_module *net = world_add(model, "net", options);
    expect_ok(rlc_model_allocate(model));
    return net;
}

static void expect_outputs(rlc_module *net, const char *name) {
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
    rlc_dict_set(td, "observation", golden_tensor("state_dict", "input"));
    rlc_module_call(net, td);
    expect_close(name, rlc_dict_get(td, "q"), golden("state_dict", "%s", name), 1e-6, 1e-6);
    expect_ok(rlc_end(p));
}

/* Whole networks, in every type that weights have. */
static void test_files_of_pytorch(void **state) {
    (void)state;
    static const char *const names[] = {"mlp", "f16", "bf16", "f64"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char file[64];
        rlc_load_report report = {0};
        rlc_module *net = network(NET);
        snprintf(file, sizeof file, "tests/golden/state_dict_%s.safetensors", names[i]);
        expect_ok(rlc_module_load(net, file, "", RLC_STRICT, &report));
        assert_int_equal(report.missing.count + report.unexpected.count + report.mismatched.count, 0);
        rlc_load_report_free(&report);
        expect_outputs(net, names[i]);
    }
}

/* "0.0.weight 0.0.bias 1.eps " */
static void expect_names(rlc_module *module, const char *wanted) {
    rlc_arena arena = {0};
    rlc_named_tensor *list;
    char got[1024] = "";
    int count;
    expect_ok(rlc_module_state_dict(module, &arena, &list, &count));
    for (int i = 0; i < count; i++) {
        strcat(strcat(got, list[i].name), " ");
    }
    assert_string_equal(got, wanted);
    rlc_arena_free(&arena);
}

/* The network of Mnih et al. (2015) for Atari as a Sequential in both worlds, from the bytes of two pictures. */
static void test_network_of_images(void **state) {
    (void)state;
    static const char file[] = "tests/golden/state_dict_atari.safetensors";
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(4, 84, 84)), action = rlc_spec_one_hot(6);
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, "pixels", rlc_mul_scalar(rlc_cast(golden_tensor("state_dict", "images"), RLC_F32), 1.0 / 255));
    rlc_model_expect(model, &observation, &action, td);
    rlc_module *net = world_add(model, "net",
                                "{type: Sequential, in_keys: [pixels], out_keys: [q], modules: ["
                                "{type: Conv2d, out_channels: 4, kernel_size: 8, stride: 4}, {type: ReLU}, "
                                "{type: Conv2d, out_channels: 8, kernel_size: 4, stride: 2}, {type: ReLU}, "
                                "{type: Conv2d, out_channels: 8, kernel_size: 3, stride: 1}, {type: ReLU}, "
                                "{type: Flatten}, {type: Linear, out_features: 16}, {type: ReLU}, "
                                "{type: Linear, out_features: 6}]}");
    expect_ok(rlc_model_allocate(model));
    expect_names(net, "0.weight 0.bias 2.weight 2.bias 4.weight 4.bias 7.weight 7.bias 9.weight 9.bias ");
    expect_ok(rlc_module_load(net, file, "", RLC_STRICT, NULL));
    rlc_module_call(net, td);
    /* A millionth of the largest output, 34: all are sums of terms of that size, the smallest, .6, too. */
    expect_close("atari", rlc_dict_get(td, "q"), golden("state_dict", "atari"), 0, 34e-6);
    expect_ok(rlc_end(p));
}

/* Running statistics and the count of batches are entries as parameters are. */
static void test_buffers(void **state) {
    (void)state;
    static const char options[] = "{type: Sequential, out_keys: [q], modules: [{type: Linear, out_features: 8}, "
                                  "{type: BatchNorm1d}, {type: Linear, out_features: 2}]}";
    rlc_safetensors *file, *saved;
    rlc_module *net = network(options);
    expect_ok(rlc_module_load(net, "tests/golden/state_dict_batch_norm.safetensors", "", RLC_STRICT, NULL));
    expect_outputs(net, "batch_norm");
    expect_ok(rlc_module_save(net, path));
    expect_ok(rlc_safetensors_open("tests/golden/state_dict_batch_norm.safetensors", &file));
    expect_ok(rlc_safetensors_open(path, &saved));
    assert_int_equal(rlc_safetensors_count(saved), 9);
    for (int i = 0; i < rlc_safetensors_count(saved); i++) {
        const rlc_safetensors_entry *got = rlc_safetensors_at(saved, i);
        const rlc_safetensors_entry *wanted = rlc_safetensors_find(file, got->name);
        assert_non_null(wanted);
        assert_int_equal(got->dtype, wanted->dtype);
        assert_true(rlc_shape_equal(got->shape, wanted->shape));
        assert_memory_equal(got->data, wanted->data, wanted->size);
    }
    const rlc_safetensors_entry *batches = rlc_safetensors_find(saved, "1.num_batches_tracked");
    assert_true(batches->dtype == RLC_I64 && batches->shape.ndim == 0 && *(const uint8_t *)batches->data == 3);
    rlc_safetensors_close(saved);
    rlc_safetensors_close(file);
}

/* A TensorDictSequential: its network stands behind a prefix, which the message finds. */
static void test_file_of_torchrl(void **state) {
    (void)state;
    static const char file[] = "tests/golden/state_dict_torchrl.safetensors";
    rlc_module *net = network("{type: MLP, out_keys: [q], num_cells: [16], activation: relu, out_features: 2}");
    expect_error(rlc_module_load(net, file, "", RLC_STRICT, NULL), RLC_FAILED,
                 "modules.net: tests/golden/state_dict_torchrl.safetensors: the file does not fit: missing: 0.weight, "
                 "0.bias, 2.weight, 2.bias; unexpected: module.0.module.0.");
    expect_error(rlc_module_load(net, file, "", RLC_STRICT, NULL), RLC_FAILED,
                 " (all names are there behind 'module.0.module.'; give that as prefix)");
    expect_error(rlc_module_load(net, file, "module.0.", RLC_STRICT, NULL), RLC_FAILED, "unexpected: module.0.");
    expect_ok(rlc_module_load(net, file, "module.0.module.", RLC_STRICT, NULL));
    expect_outputs(net, "torchrl");
}

static float half_of(const char *name, int i) {
    return ((const float *)golden("state_dict_edges", "%s", name)->data)[i];
}

/* Signed zeros, subnormal numbers, the largest ones, infinities: bit for bit what torch makes of them. */
static void test_sixteen_bits(void **state) {
    (void)state;
    static const char *const names[] = {"f16", "bf16"};
    for (int k = 0; k < RLC_COUNT(names); k++) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "%s_is", names[k]);
        const rlc_safetensors_entry *got = golden("state_dict_edges", "%s", names[k]);
        assert_int_equal(got->dtype, RLC_F32);
        assert_int_equal(got->size, golden("state_dict_edges", "%s", wanted)->size);
        assert_memory_equal(got->data, golden("state_dict_edges", "%s", wanted)->data, got->size);
    }
    assert_true(isnan(half_of("nan", 0)) && half_of("f16", 4) == 65504 && isinf(half_of("bf16", 9)));
}

/* Names are places: a member that is only named has that of its index, one that comes twice its first. */
static void test_names(void **state) {
    (void)state;
    model = world_model(1, rlc_spec_one_hot(2));
    rlc_module *net = world_add(model, "net", "{type: Linear, out_keys: [action_value], out_features: 2}");
    rlc_module *noisy = world_add(model, "noisy", "{type: NoisyLinear, out_keys: [noisy], out_features: 2}");
    rlc_module *policy = world_add(model, "policy",
                                   "{type: Sequential, modules: [{type: Sequential, modules: [net, {type: "
                                   "QValueModule}]}, net, {type: EGreedyModule, annealing_num_steps: 10}]}");
    rlc_arena arena = {0};
    rlc_named_tensor *list;
    int count;
    expect_error(rlc_module_state_dict(net, &arena, &list, &count), RLC_INVALID, "before the model is allocated");
    expect_ok(rlc_model_allocate(model));
    expect_names(net, "weight bias ");
    expect_names(noisy, "weight_mu weight_sigma bias_mu bias_sigma ");
    expect_names(policy, "0.0.weight 0.0.bias 2.frames 2.eps ");
}

static void test_round_trip(void **state) {
    (void)state;
    static const char policy[] = "{type: Sequential, modules: [{type: DuelingMLP, out_features: 2, num_cells: [8], "
                                 "stream_cells: [4]}, {type: QValueModule}, {type: EGreedyModule, "
                                 "annealing_num_steps: 10}]}";
    rlc_arena arena = {0};
    rlc_named_tensor *list, *again;
    int count, same;
    rlc_module *first = network(policy);
    expect_ok(rlc_module_save(first, path));
    rlc_model *other = world_model(2, rlc_spec_one_hot(2)); /* from another seed, so that nothing is the same yet */
    rlc_module *second = world_add(other, "elsewhere", policy);
    expect_ok(rlc_model_allocate(other));
    expect_ok(rlc_module_state_dict(first, &arena, &list, &count));
    expect_ok(rlc_module_state_dict(second, &arena, &again, &same));
    assert_int_equal(count, 12);
    assert_int_equal(same, count);
    assert_memory_not_equal(peek(list[0].tensor), peek(again[0].tensor), 32);
    expect_ok(rlc_module_load(second, path, "", RLC_STRICT, NULL));
    for (int i = 0; i < count; i++) {
        assert_string_equal(list[i].name, again[i].name);
        assert_memory_equal(peek(list[i].tensor), peek(again[i].tensor),
                            (size_t)list[i].tensor->numel * rlc_dtype_size((rlc_dtype)list[i].tensor->dtype));
    }
    rlc_model_free(other);
    rlc_arena_free(&arena);
}

/* Saves roots of these names and shapes, filled with 7. */
typedef struct root {
    const char *name;
    rlc_dtype dtype;
    rlc_shape shape;
} root;

static void save_roots(const root *roots, int count) {
    rlc_named_tensor list[32];
    for (int i = 0; i < count; i++) {
        rlc_begin(p);
        rlc_tensor *tensor = rlc_tensor_new(test_device(), roots[i].dtype, roots[i].shape);
        rlc_assign(tensor, rlc_full(roots[i].dtype, roots[i].shape, 7));
        expect_ok(rlc_end(p));
        list[i] = (rlc_named_tensor){roots[i].name, tensor};
    }
    expect_ok(rlc_safetensors_save(path, list, count, NULL, 0));
    for (int i = 0; i < count; i++) {
        rlc_tensor_free((rlc_tensor *)list[i].tensor);
    }
}
#define SAVE(...) save_roots((const root[]){__VA_ARGS__}, RLC_COUNT(((const root[]){__VA_ARGS__})))

#define LINEAR "{type: Linear, out_keys: [q], out_features: 2}"

static float weight(void) {
    return *(const float *)peek(world_parameter(model, "modules.net.weight"));
}

static void test_what_does_not_fit(void **state) {
    (void)state;
    rlc_module *net = network(LINEAR);
    rlc_load_report report = {0};
    const float before = weight();
    SAVE({"weight", RLC_F32, RLC_SHAPE(2, 4)}, {"scale", RLC_F32, RLC_SHAPE(1)}, {"shift", RLC_F32, RLC_SHAPE(1)});
    expect_error(rlc_module_load(net, path, "", RLC_STRICT, &report), RLC_FAILED,
                 "the file does not fit: missing: bias; unexpected: scale, shift");
    assert_int_equal(report.missing.count, 1);
    assert_string_equal(report.missing.values[0], "bias");
    assert_int_equal(report.unexpected.count, 2);
    assert_string_equal(report.unexpected.values[1], "shift");
    assert_int_equal(report.mismatched.count, 0);
    assert_true(weight() == before); /* nothing is written unless all is well */

    expect_ok(rlc_module_load(net, path, "", RLC_NOT_STRICT, &report));
    assert_int_equal(report.missing.count, 1);
    assert_int_equal(report.unexpected.count, 2);
    assert_true(weight() == 7);

    SAVE({"weight", RLC_F32, RLC_SHAPE(4, 2)}, {"bias", RLC_I64, RLC_SHAPE(2)});
    for (int strict = 0; strict < 2; strict++) { /* as in PyTorch, strict or not */
        net = network(LINEAR);
        expect_error(rlc_module_load(net, path, "", strict ? RLC_STRICT : RLC_NOT_STRICT, &report), RLC_FAILED,
                     "mismatched: weight is float32 [4, 2] in the file, but float32 [2, 4] is needed, bias is int64 "
                     "[2] in the file, but float32 [2] is needed");
        assert_int_equal(report.mismatched.count, 2);
        assert_string_equal(report.mismatched.values[0], "weight");
        assert_true(weight() == before);
    }
    SAVE({"other.weight", RLC_F32, RLC_SHAPE(2, 3)});
    expect_error(rlc_module_load(net, path, "", RLC_NOT_STRICT, &report), RLC_FAILED,
                 "does not fit: missing: weight, bias; unexpected: other.weight");
    expect_error(rlc_module_load(net, "/nowhere", "", RLC_STRICT, NULL), RLC_FAILED, "/nowhere: No such file");
    rlc_load_report_free(&report);
}

/* float64 goes to the nearest float32; a number that has none is not made infinite. */
static void test_numbers_beyond(void **state) {
    (void)state;
    const double third[] = {1.0 / 3, -1.0 / 3}, huge[] = {0, 1e300};
    rlc_module *net = network("{type: Linear, out_keys: [q], out_features: 2, in_features: 4}");
    rlc_tensor *w = rlc_tensor_new(test_device(), RLC_F64, RLC_SHAPE(2, 4)),
               *b = rlc_tensor_new(test_device(), RLC_F64, RLC_SHAPE(2));
    const rlc_named_tensor list[] = {{"weight", w}, {"bias", b}};
    expect_ok(rlc_tensor_write(b, third));
    expect_ok(rlc_safetensors_save(path, list, 2, NULL, 0));
    expect_ok(rlc_module_load(net, path, "", RLC_STRICT, NULL));
    const float *bias = peek(world_parameter(model, "modules.net.bias"));
    assert_true(bias[0] == (float)third[0] && bias[1] == (float)third[1]);
    expect_ok(rlc_tensor_write(b, huge));
    expect_ok(rlc_safetensors_save(path, list, 2, NULL, 0));
    expect_error(rlc_module_load(net, path, "", RLC_NOT_STRICT, NULL), RLC_FAILED,
                 "mismatched: bias holds a number beyond float32");
    rlc_tensor_free(w);
    rlc_tensor_free(b);
}

/* Where a run goes on bit for bit nothing is converted, not even to a type that holds every value of the other. */
static void test_exact_types(void **state) {
    (void)state;
    rlc_load_report report = {0};
    rlc_module *net = network(LINEAR);
    const float before = weight();
    SAVE({"weight", RLC_F32, RLC_SHAPE(2, 4)}, {"bias", RLC_F64, RLC_SHAPE(2)});
    expect_error(rlc_module_load(net, path, "", RLC_EXACT, &report), RLC_FAILED,
                 "does not fit: mismatched: bias is float64 [2] in the file, but float32 [2] is needed");
    assert_int_equal(report.mismatched.count, 1);
    assert_true(weight() == before);
    expect_ok(rlc_module_load(net, path, "", RLC_STRICT, &report)); /* weights from elsewhere are */
    assert_true(weight() == 7);
    SAVE({"weight", RLC_F32, RLC_SHAPE(2, 4)});
    expect_error(rlc_module_load(net, path, "", RLC_EXACT, NULL), RLC_FAILED, "does not fit: missing: bias");

    net = network(NET);
    expect_error(rlc_module_load(net, "tests/golden/state_dict_f16.safetensors", "", RLC_EXACT, NULL), RLC_FAILED,
                 "2.bias is float16 [8] in the file, but float32 [8] is needed");
    expect_error(rlc_module_load(net, "tests/golden/state_dict_bf16.safetensors", "", RLC_EXACT, NULL), RLC_FAILED,
                 "2.bias is bfloat16 [8] in the file, but float32 [8] is needed");
    expect_ok(rlc_module_load(net, "tests/golden/state_dict_mlp.safetensors", "", RLC_EXACT, NULL));
    expect_outputs(net, "mlp");
    rlc_load_report_free(&report);
}

/* However many and long the names, the message has a few of each list, and the report all. */
static void test_long_messages(void **state) {
    (void)state;
    rlc_module *net = network("{type: MLP, out_keys: [q], num_cells: [4, 4, 4, 4, 4, 4], out_features: 2}");
    rlc_load_report report = {0};
    static char names[30][128];
    root roots[30];
    for (int i = 0; i < 30; i++) {
        snprintf(names[i], sizeof names[i], "%d.%0100d", i, i);
        roots[i] = (root){names[i], RLC_F32, RLC_SHAPE(1)};
    }
    save_roots(roots, 30);
    expect_error(rlc_module_load(net, path, "", RLC_STRICT, &report), RLC_FAILED,
                 "missing: 0.weight, 0.bias, 2.weight, 2.bias, 4.weight, 4.bias and 8 more; unexpected: 0.0000");
    assert_int_equal(report.missing.count, 14);
    assert_int_equal(report.unexpected.count, 30);
    assert_int_equal(strlen(report.unexpected.values[29]), 103);
    expect_error(rlc_module_load(net, path, "", RLC_STRICT, &report), RLC_FAILED, " and 24 more");
    rlc_load_report_free(&report);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_of_pytorch, start, finish),
        cmocka_unit_test_setup_teardown(test_network_of_images, start, finish),
        cmocka_unit_test_setup_teardown(test_buffers, start, finish),
        cmocka_unit_test_setup_teardown(test_file_of_torchrl, start, finish),
        cmocka_unit_test_setup_teardown(test_sixteen_bits, start, finish),
        cmocka_unit_test_setup_teardown(test_names, start, finish),
        cmocka_unit_test_setup_teardown(test_round_trip, start, finish),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit, start, finish),
        cmocka_unit_test_setup_teardown(test_numbers_beyond, start, finish),
        cmocka_unit_test_setup_teardown(test_exact_types, start, finish),
        cmocka_unit_test_setup_teardown(test_long_messages, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
