/* Dicts in files: safetensors and tensordict's memory-mapped folders, written, read, damaged. */
#include "tests/command.h"
#include "tests/world.h"

#include "tensordict/dict_file.h"

static rlc_program *p;
static rlc_state state;

static int start(void **unused) {
    fresh_start(unused);
    p = test_program();
    rlc_begin(p);
    return 0;
}

static int finish(void **unused) {
    (void)unused;
    rlc_state_free(&state);
    return 0;
}

static rlc_tensor *counting(rlc_dtype dtype, rlc_shape shape) {
    return rlc_reshape(rlc_cast(rlc_arange(RLC_F32, rlc_shape_numel(shape)), dtype), shape);
}

/* Every type, a view with gaps, a tensor without elements, an empty nested dict, one with a longer batch. */
static rlc_dict *sample(void) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2, 3)), *agents = rlc_dict_new(RLC_SHAPE(2, 3, 2));
    rlc_dict_set(agents, "y", counting(RLC_I32, RLC_SHAPE(2, 3, 2, 2)));
    rlc_dict_set(td, "x", rlc_transpose(counting(RLC_F32, RLC_SHAPE(2, 4, 3)), 1, 2));
    rlc_dict_set(td, "none", counting(RLC_F64, RLC_SHAPE(2, 3, 0)));
    rlc_dict_set_dict(td, "next.agents", agents);
    rlc_dict_set(td, "next.count", counting(RLC_I64, RLC_SHAPE(2, 3)));
    rlc_dict_set(td, "next.done", counting(RLC_BOOL, RLC_SHAPE(2, 3, 1)));
    rlc_dict_set(td, "50% / more", counting(RLC_U8, RLC_SHAPE(2, 3)));
    rlc_dict_set_dict(td, "empty.deeper", rlc_dict_new(RLC_SHAPE(2, 3, 1)));
    return td;
}

/* What is written is read again, on two ways. */
static const struct {
    const char *name;
    rlc_status (*save)(const rlc_dict *dict, const char *path);
    rlc_status (*load)(const char *path, rlc_device *device, rlc_state *into, rlc_dict **dict);
} formats[] = {{"safetensors", rlc_dict_save, rlc_dict_load}, {"memmap", rlc_dict_save_memmap, rlc_dict_load_memmap}};

static void test_round_trip(void **unused) {
    (void)unused;
    for (int i = 0; i < RLC_COUNT(formats); i++) {
        const char *path = in_work_folder(formats[i].name);
        rlc_dict *td = sample(), *loaded = NULL;
        expect_ok(formats[i].save(td, path));
        expect_ok(formats[i].load(path, test_device(), &state, &loaded));
        assert_true(rlc_dict_equal(td, loaded));
        assert_true(rlc_shape_equal(rlc_dict_get_dict(loaded, "empty.deeper")->batch, RLC_SHAPE(2, 3, 1)));
        assert_null(rlc_dict_get(loaded, "x")->program); /* a root */
        rlc_dict_set(td, "x", rlc_add_scalar(rlc_dict_get(td, "x"), 1));
        assert_false(rlc_dict_equal(td, loaded));
        expect_ok(formats[i].save(td, path)); /* over what is there */
        expect_ok(formats[i].load(path, test_device(), &state, &loaded));
        assert_true(rlc_dict_equal(td, loaded));
    }
    expect_ok(rlc_end(p));
}

static void test_without_entries_and_without_dimensions(void **unused) {
    (void)unused;
    for (int i = 0; i < RLC_COUNT(formats); i++) {
        const char *path = in_work_folder(formats[i].name);
        rlc_dict *bare = rlc_dict_new(RLC_SHAPE(4)), *number = rlc_dict_new((rlc_shape){0}), *loaded = NULL;
        rlc_dict_set(number, "loss", rlc_scalar(3));
        expect_ok(formats[i].save(bare, path));
        expect_ok(formats[i].load(path, test_device(), &state, &loaded));
        assert_true(rlc_dict_equal(bare, loaded));
        expect_ok(formats[i].save(number, path));
        expect_ok(formats[i].load(path, test_device(), &state, &loaded));
        assert_true(rlc_dict_equal(number, loaded));
    }
    expect_ok(rlc_end(p));
}

/* What Python's tensordict wrote, against the same tensors in a safetensors file that Python wrote. */
static void test_from_python(void **unused) {
    (void)unused;
    rlc_dict *folder = NULL, *file = NULL;
    expect_ok(rlc_dict_load_memmap("tests/golden/memmap", test_device(), &state, &folder));
    expect_ok(rlc_dict_load("tests/golden/memmap.safetensors", test_device(), &state, &file));
    assert_true(rlc_dict_equal(folder, file));
    assert_int_equal(rlc_dict_keys(folder, true, true).count, 10);
    assert_true(rlc_shape_equal(rlc_dict_get_dict(folder, "next.agents")->batch, RLC_SHAPE(2, 3, 4)));
    expect_shape(rlc_dict_get(folder, "next.reward"), RLC_F64, RLC_SHAPE(2, 3, 1));
    expect_shape(rlc_dict_get(folder, "hollow"), RLC_F32, RLC_SHAPE(2, 3, 0));
    expect_shape(rlc_dict_get(folder, "flat.key"), RLC_F32, RLC_SHAPE(2, 3));
    expect_close("a/b c%?", rlc_dict_get(folder, "a/b c%?"), golden("memmap", "%s", "a/b c%?"), 0, 0);
    expect_ok(rlc_end(p));
}

/* A file of tensors with names only is a dict without batch dimensions. */
static void test_plain_safetensors(void **unused) {
    (void)unused;
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3));
    const rlc_named_tensor named[] = {{"net.0.weight", root}, {"net.0.bias", root}};
    rlc_dict *td = NULL;
    expect_ok(rlc_safetensors_save(in_work_folder("plain"), named, 2, NULL, 0));
    expect_ok(rlc_dict_load(in_work_folder("plain"), test_device(), &state, &td));
    assert_int_equal(td->batch.ndim, 0);
    assert_int_equal(rlc_dict_get_dict(td, "net.0")->count, 2);
    rlc_tensor_free(root);
    expect_ok(rlc_end(p));
}

static void test_save_between_programs(void **unused) {
    (void)unused;
    rlc_dict *td = sample(), *loaded = NULL;
    expect_ok(rlc_end(p));
    expect_error(rlc_dict_save(td, in_work_folder("x")), RLC_INVALID,
                 "'x' cannot be saved: it is a view with gaps; save it while a program is open");
    expect_error(rlc_dict_save_memmap(td, in_work_folder("gaps")), RLC_INVALID, "'x': rlc_read: the tensor is a view");
    rlc_dict_del(td, "x");
    expect_ok(rlc_dict_save(td, in_work_folder("x"))); /* what a program computed is there until it begins again */
    expect_ok(rlc_dict_load(in_work_folder("x"), test_device(), &state, &loaded));
    assert_int_equal(rlc_dict_keys(loaded, true, true).count, 5);
    assert_null(rlc_dict_find(loaded, "x"));
    rlc_begin_shapes(p);
    expect_error(rlc_dict_save(sample(), in_work_folder("x")), RLC_INVALID, "only its shape was recorded");
    expect_ok(rlc_end(p));
}

static void test_load_into(void **unused) {
    (void)unused;
    const char *path = in_work_folder("into");
    rlc_dict *td = sample(), *roots = NULL;
    expect_ok(rlc_dict_save(td, path));
    expect_ok(rlc_dict_load(path, test_device(), &state, &roots));
    rlc_assign(rlc_dict_get(roots, "next.count"), rlc_zeros(RLC_I64, RLC_SHAPE(2, 3)));
    assert_false(rlc_dict_equal(td, roots));
    expect_ok(rlc_dict_load_into(path, roots));
    assert_true(rlc_dict_equal(td, roots));

    expect_error(rlc_dict_load_into(path, td), RLC_INVALID, "'x' cannot be loaded into: a program made it");
    rlc_tensor *x = rlc_dict_get(roots, "x");
    rlc_dict_del(roots, "x");
    expect_error(rlc_dict_load_into(path, roots), RLC_FAILED, "into: the dict has no 'x'");
    rlc_dict_set(roots, "y", x);
    expect_error(rlc_dict_load_into(path, roots), RLC_FAILED, "into: there is no 'y', which the dict has");
    rlc_dict_del(roots, "y");
    rlc_dict_set(roots, "x", rlc_state_tensor(&state, test_device(), "x", RLC_F64, RLC_SHAPE(2, 3, 4)));
    expect_error(rlc_dict_load_into(path, roots), RLC_FAILED,
                 "'x' is float32 [2, 3, 4], but float64 [2, 3, 4] in the dict");
    expect_ok(rlc_end(p));
}

/* Metadata that does not fit the tensors. */
static void test_wrong_metadata(void **unused) {
    (void)unused;
    static const struct {
        const char *batch, *nested, *name, *message;
    } wrong[] = {
        {"[4]", "{}", "a", "'a' has shape [3, 2], which does not begin with the batch shape [4]"},
        {"[3, 2, 1]", "{}", "a", "'a' has shape [3, 2], which does not begin with the batch shape [3, 2, 1]"},
        {"[3]", "{\"n\":[3,4]}", "n.a", "'n.a' has shape [3, 2], which does not begin with the batch shape [3, 4]"},
        {"[3]", "{\"n\":[2]}", "a", "'n' has shape [2], which does not begin with the batch shape [3]"},
        {"[3]", "{\"n\":[3]}", "n", "'n' would take the place of another entry"},
        {"[3]", "{\"n.m\":[3],\"n\":[3]}", "a", "'n' would take the place of another entry"},
        {"[3]", "{\"n\":3}", "a", "its metadata has no batch shape for 'n'"},
        {"[3]", "{\"n\":[-1]}", "a", "its metadata has no batch shape for 'n'"},
        {"[3]", "{\"n\":[1.5]}", "a", "its metadata has no batch shape for 'n'"},
        {"3", "{}", "a", "its metadata does not describe a dict"},
        {"[3", "{}", "a", "its metadata does not describe a dict"},
        {"[1,1,1,1,1,1,1,1,1]", "{}", "a", "its metadata does not describe a dict"},
        {"[3]", "[]", "a", "its metadata does not describe a dict"},
        {"[3]", "{}", "a..b", "'a..b' is no key: it has an empty part"}};
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3, 2));
    const char *path = in_work_folder("wrong");
    for (int i = 0; i < RLC_COUNT(wrong); i++) {
        const rlc_text_pair metadata[] = {{"batch_size", wrong[i].batch}, {"nested", wrong[i].nested}};
        rlc_dict *td = NULL;
        expect_ok(rlc_safetensors_save(path, &(rlc_named_tensor){wrong[i].name, root}, 1, metadata, 2));
        rlc_status status = rlc_dict_load(path, test_device(), &state, &td);
        assert_int_not_equal(status, RLC_OK);
        assert_non_null(strstr(rlc_error(), path));
        expect_error(status, status, wrong[i].message);
        assert_null(td);
    }
    rlc_tensor_free(root);
    expect_ok(rlc_end(p)); /* an open program is not failed by a file */
}

static void test_names_in_each_other(void **unused) {
    (void)unused;
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3));
    const rlc_named_tensor named[] = {{"a", root}, {"a.b", root}};
    rlc_dict *td = NULL;
    expect_ok(rlc_safetensors_save(in_work_folder("names"), named, 2, NULL, 0));
    expect_error(rlc_dict_load(in_work_folder("names"), test_device(), &state, &td), RLC_FAILED,
                 "'a.b' would take the place of another entry");
    rlc_tensor_free(root);
    expect_ok(rlc_end(p));
}

static void write_text(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* A folder of one tensor x, float32 [2], with this meta.json. */
static void test_damaged_folders(void **unused) {
    (void)unused;
#define META(entries) "{" entries "\"shape\":[2],\"device\":\"cpu\",\"_type\":\"<class 'tensordict._td.TensorDict'>\"}"
#define X(shape, dtype) "\"x\":{\"device\":\"cpu\",\"shape\":" shape ",\"dtype\":\"" dtype "\",\"is_nested\":false},"
    static const struct {
        const char *meta, *message;
    } damaged[] = {
        {"", "meta.json: it should have 2 bytes, but has 0"},
        {"{\"shape\":", "meta.json: it is not a JSON object"},
        {"[1, 2]", "meta.json: it is not a JSON object"},
        {"{}", "meta.json: it describes a thing without a type"},
        {"{\"_type\":\"<class 'tensordict._lazy.LazyStackedTensorDict'>\"}", "it describes a <class 'tensordict._lazy"},
        {"{\"_type\":\"<class 'tensordict._td.TensorDict'>\",\"shape\":2}", "its shape is not a list"},
        {META(X("[4]", "torch.float32")), "x.memmap: it should have 16 bytes, but has 8"},
        {META(X("[1]", "torch.float32")), "'x' has shape [1], which does not begin with the batch shape [2]"},
        {META(X("[2]", "torch.float16")), "'x' is nothing that can be read"},
        {META(X("[2]", "float32")), "'x' is nothing that can be read"},
        {META(X("2", "torch.float32")), "'x' is nothing that can be read"},
        {META("\"x\":{\"type\":\"NonTensorData\"},"), "'x' is nothing that can be read"},
        {META("\"y\":{\"device\":\"cpu\",\"shape\":[2],\"dtype\":\"torch.bool\"},"), "y.memmap: No such file"},
        {META("\"n\":{\"type\":\"TensorDict\"},"), "n/meta.json: No such file"},
        {META("\"\":{\"device\":\"cpu\",\"shape\":[2,0],\"dtype\":\"torch.bool\"},"), "'' is no key"},
        {META(X("[2]", "torch.float32") X("[2]", "torch.float32")), "'x' would take the place of another entry"},
        {META("\"../x\":{\"device\":\"cpu\",\"shape\":[2],\"dtype\":\"torch.bool\"},"), "/..%2Fx.memmap: No such file"},
    };
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2)), *loaded = NULL;
    const char *folder = in_work_folder("damaged"), *meta = in_work_folder("damaged/meta.json");
    rlc_dict_set(td, "x", counting(RLC_F32, RLC_SHAPE(2)));
    expect_ok(rlc_dict_save_memmap(td, folder));
    for (int i = 0; i < RLC_COUNT(damaged); i++) {
        write_text(meta, damaged[i].meta);
        rlc_status status = rlc_dict_load_memmap(folder, test_device(), &state, &loaded);
        assert_int_not_equal(status, RLC_OK);
        expect_error(status, status, damaged[i].message);
        assert_null(loaded);
    }
    write_text(meta, META(X("[2]", "torch.float32") "\"note\":3,")); /* Python, too, takes no notice of it */
    expect_ok(rlc_dict_load_memmap(folder, test_device(), &state, &loaded));
    assert_true(rlc_dict_equal(td, loaded));
    expect_ok(rlc_end(p));
}

static void test_saves_that_fail(void **unused) {
    (void)unused;
    static const char *const taken[] = {"shape", "device", "_type"};
    for (int i = 0; i < RLC_COUNT(taken); i++) {
        char message[64];
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
        rlc_dict_set(td, taken[i], rlc_zeros(RLC_F32, RLC_SHAPE(2)));
        snprintf(message, sizeof message, "no entry can be called '%s'", taken[i]);
        expect_error(rlc_dict_save_memmap(td, in_work_folder("taken")), RLC_INVALID, message);
    }
    rlc_dict *td = sample(), *loaded = NULL;
    write_text(in_work_folder("file"), "");
    expect_error(rlc_dict_save_memmap(td, in_work_folder("file/inside")), RLC_FAILED, "could not be made: Not a dir");
    expect_error(rlc_dict_save_memmap(td, in_work_folder("file")), RLC_FAILED, "Not a directory");
    expect_error(rlc_dict_save_memmap(td, ""), RLC_INVALID, "there is no folder to save");
    expect_error(rlc_dict_save_memmap(NULL, "x"), RLC_INVALID, "there is no dict to save");
    expect_error(rlc_dict_save(NULL, "x"), RLC_INVALID, "there is no dict to save");
    expect_error(rlc_dict_save(td, in_work_folder("absent/x")), RLC_FAILED, "No such file or directory");
    expect_error(rlc_dict_load(in_work_folder("absent"), test_device(), &state, &loaded), RLC_FAILED, "No such file");
    expect_error(rlc_dict_load_memmap(in_work_folder("absent"), test_device(), &state, &loaded), RLC_FAILED,
                 "absent/meta.json: No such file");
    expect_error(rlc_dict_load_into(in_work_folder("absent"), td), RLC_FAILED, "No such file");
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, start, finish),
        cmocka_unit_test_setup_teardown(test_without_entries_and_without_dimensions, start, finish),
        cmocka_unit_test_setup_teardown(test_from_python, start, finish),
        cmocka_unit_test_setup_teardown(test_plain_safetensors, start, finish),
        cmocka_unit_test_setup_teardown(test_save_between_programs, start, finish),
        cmocka_unit_test_setup_teardown(test_load_into, start, finish),
        cmocka_unit_test_setup_teardown(test_wrong_metadata, start, finish),
        cmocka_unit_test_setup_teardown(test_names_in_each_other, start, finish),
        cmocka_unit_test_setup_teardown(test_damaged_folders, start, finish),
        cmocka_unit_test_setup_teardown(test_saves_that_fail, start, finish),
    };
    return cmocka_run_group_tests_name("dicts in files", tests, make_work_folder, remove_work_folder);
}
