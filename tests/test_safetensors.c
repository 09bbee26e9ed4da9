/* safetensors files: what is written can be read, what Python wrote can be read, and damage of any kind is an error
 * that says so. */
#include "tests/support.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/rlc-test-XXXXXX", path[64], temporary[80];

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    unlink(temporary);
    return rmdir(folder);
}

static void write_bytes(const char *name, const void *data, size_t size) {
    FILE *out = fopen(name, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static size_t read_bytes(const char *name, char *data, size_t room) {
    FILE *in = fopen(name, "rb");
    assert_non_null(in);
    size_t size = fread(data, 1, room, in);
    assert_true(size < room);
    fclose(in);
    return size;
}

/* A file with this header, preceded by its length, and `size` bytes of data. */
static void write_file(const char *header, size_t size) {
    static char bytes[4096];
    uint64_t length = strlen(header);
    assert_true(length + size + 8 <= sizeof bytes);
    memset(bytes, 0x11, sizeof bytes);
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(length >> (8 * i));
    }
    memcpy(bytes + 8, header, length);
    write_bytes(path, bytes, 8 + length + size);
}

static const rlc_shape shapes[] = {{0, {0}},    {1, {5}},       {2, {3, 7}},
                                   {2, {0, 4}}, {3, {2, 3, 2}}, {8, {1, 2, 1, 2, 1, 3, 1, 1}}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], TENSORS = SHAPES * RLC_DTYPE_COUNT };

/* A root for each type and shape, full of bytes that differ; `names` gets "float32.3", ... */
static void make_tensors(rlc_tensor **roots, rlc_named_tensor *named, char names[][32]) {
    for (int i = 0; i < TENSORS; i++) {
        rlc_dtype dtype = (rlc_dtype)(i % RLC_DTYPE_COUNT);
        roots[i] = rlc_tensor_new(test_device(), dtype, shapes[i / RLC_DTYPE_COUNT]);
        assert_non_null(roots[i]);
        unsigned char *bytes = roots[i]->data;
        for (size_t k = 0; k < (size_t)roots[i]->numel * rlc_dtype_size(dtype); k++) {
            bytes[k] = (unsigned char)(dtype == RLC_BOOL ? k % 2 : 31 * (size_t)i + 7 * k);
        }
        snprintf(names[i], sizeof names[i], "%s.%d", rlc_dtype_name(dtype), i / RLC_DTYPE_COUNT);
        named[i] = (rlc_named_tensor){names[i], roots[i]};
    }
}

static const rlc_text_pair metadata[] = {{"format", "rlc"}, {"text", "\"quoted\"\n\\ \xc3\xa9\t{}"}, {"", ""}};

static void test_round_trip(void **state) {
    (void)state;
    rlc_tensor *roots[TENSORS];
    rlc_named_tensor named[TENSORS];
    char names[TENSORS][32];
    rlc_safetensors *file;
    make_tensors(roots, named, names);
    expect_ok(rlc_safetensors_save(path, named, TENSORS, metadata, RLC_COUNT(metadata)));
    expect_ok(rlc_safetensors_open(path, &file));
    assert_int_equal(rlc_safetensors_count(file), TENSORS);
    for (int i = 0; i < TENSORS; i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_find(file, names[i]);
        assert_non_null(entry);
        assert_string_equal(entry->name, names[i]);
        assert_int_equal(entry->dtype, roots[i]->dtype);
        assert_true(rlc_shape_equal(entry->shape, shapes[i / RLC_DTYPE_COUNT]));
        assert_int_equal(entry->size, (size_t)roots[i]->numel * rlc_dtype_size(entry->dtype));
        assert_true(entry->size == 0 || memcmp(entry->data, roots[i]->data, entry->size) == 0);
        memset(roots[i]->data, 0, entry->size);
        expect_ok(rlc_safetensors_load(file, names[i], roots[i]));
        assert_true(entry->size == 0 || memcmp(entry->data, roots[i]->data, entry->size) == 0);
        rlc_tensor_free(roots[i]);
    }
    for (int i = 0; i < RLC_COUNT(metadata); i++) {
        assert_string_equal(rlc_safetensors_metadata(file, metadata[i].key), metadata[i].value);
    }
    assert_null(rlc_safetensors_metadata(file, "absent"));
    assert_null(rlc_safetensors_find(file, "absent"));
    assert_null(rlc_safetensors_find(file, "__metadata__"));
    rlc_safetensors_close(file);
    rlc_safetensors_close(NULL);
}

static void test_empty_round_trip(void **state) {
    (void)state;
    rlc_safetensors *file;
    expect_ok(rlc_safetensors_save(path, NULL, 0, NULL, 0));
    expect_ok(rlc_safetensors_open(path, &file));
    assert_int_equal(rlc_safetensors_count(file), 0);
    assert_null(rlc_safetensors_metadata(file, "format"));
    rlc_safetensors_close(file);
}

/* 8 bytes of length, the header padded with spaces, the data at a multiple of 8, wide types first so that each tensor
 * is aligned for its type. */
static void test_layout(void **state) {
    (void)state;
    static char bytes[8192];
    rlc_tensor *roots[TENSORS];
    rlc_named_tensor named[TENSORS];
    char names[TENSORS][32];
    rlc_safetensors *file;
    make_tensors(roots, named, names);
    expect_ok(rlc_safetensors_save(path, named, TENSORS, NULL, 0));
    size_t size = read_bytes(path, bytes, sizeof bytes), length = 0, data = 0;
    for (int i = 0; i < 8; i++) {
        length |= (size_t)(unsigned char)bytes[i] << (8 * i);
    }
    assert_int_equal(length % 8, 0);
    assert_int_equal(bytes[8], '{');
    for (int i = 0; i < TENSORS; i++) {
        data += (size_t)roots[i]->numel * rlc_dtype_size((rlc_dtype)roots[i]->dtype);
        rlc_tensor_free(roots[i]);
    }
    assert_int_equal(size, 8 + length + data);
    expect_ok(rlc_safetensors_open(path, &file));
    for (int i = 0; i < TENSORS; i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(file, i);
        assert_int_equal((uintptr_t)entry->data % rlc_dtype_size(entry->dtype), 0);
    }
    rlc_safetensors_close(file);
    assert_int_equal(access(temporary, F_OK), -1);
}

static float number(const rlc_safetensors_entry *entry, int i) {
    float value;
    memcpy(&value, (const char *)entry->data + (size_t)i * sizeof value, sizeof value);
    return value;
}

/* A file that the Python library wrote, under PyTorch's names. The numbers are right when a layer of it computes. */
static void test_file_from_python(void **state) {
    (void)state;
    rlc_safetensors *file;
    expect_ok(rlc_safetensors_open("tests/golden/mlp.safetensors", &file));
    assert_string_equal(rlc_safetensors_metadata(file, "safetensors"), "0.8.0");
    const rlc_safetensors_entry *w = rlc_safetensors_find(file, "linear.0.weight"),
                                *b = rlc_safetensors_find(file, "linear.0.bias"),
                                *x = rlc_safetensors_find(file, "linear.input"),
                                *y = rlc_safetensors_find(file, "linear.output");
    assert_true(w != NULL && b != NULL && x != NULL && y != NULL);
    assert_int_equal(w->dtype, RLC_F32);
    assert_true(rlc_shape_equal(w->shape, RLC_SHAPE(3, 6)) && rlc_shape_equal(b->shape, RLC_SHAPE(3)));
    assert_true(rlc_shape_equal(x->shape, RLC_SHAPE(10, 6)) && rlc_shape_equal(y->shape, RLC_SHAPE(10, 3)));
    for (int i = 0; i < 30; i++) {
        float sum = number(b, i % 3);
        for (int k = 0; k < 6; k++) {
            sum += number(x, i / 3 * 6 + k) * number(w, i % 3 * 6 + k);
        }
        assert_true(fabsf(sum - number(y, i)) < 1e-5f);
    }
    rlc_tensor *wrong_shape = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(6, 3));
    rlc_tensor *wrong_type = rlc_tensor_new(test_device(), RLC_F64, RLC_SHAPE(3, 6));
    expect_error(rlc_safetensors_load(file, "linear.0.weight", wrong_shape), RLC_FAILED,
                 "tensor 'linear.0.weight' is float32 [3, 6] in the file, but float32 [6, 3] is needed");
    expect_error(rlc_safetensors_load(file, "linear.0.weight", wrong_type), RLC_FAILED, "but float64 [3, 6] is needed");
    expect_error(rlc_safetensors_load(file, "linear.1.weight", wrong_type), RLC_FAILED, "no tensor 'linear.1.weight'");
    rlc_tensor_free(wrong_shape);
    rlc_tensor_free(wrong_type);
    rlc_safetensors_close(file);
}

static void expect_damaged(const char *text) {
    rlc_safetensors *file = NULL;
    rlc_status status = rlc_safetensors_open(path, &file);
    rlc_safetensors_close(status == RLC_OK ? file : NULL);
    assert_true(status == RLC_OK || strstr(rlc_error(), path) != NULL); /* names the file */
    expect_error(status, RLC_FAILED, text);
}

static void test_not_a_file(void **state) {
    (void)state;
    rlc_safetensors *file;
    unlink(path);
    expect_damaged("No such file or directory");
    expect_error(rlc_safetensors_open(folder, &file), RLC_FAILED, "it is not a regular file");
    expect_error(rlc_safetensors_open("/dev/null", &file), RLC_FAILED, "it is not a regular file");
    expect_error(rlc_safetensors_open("tests/golden/ops.py/x", &file), RLC_FAILED, "Not a directory");
    write_bytes(path, "", 0);
    expect_damaged("it is empty");
    write_bytes(path, "\x02\0\0\0\0\0\0", 7);
    expect_damaged("not a safetensors file, or truncated");
    write_bytes(path, "# a text that is no tensor file\n", 32);
    expect_damaged("not a safetensors file, or truncated");
    write_bytes(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    expect_damaged("not a safetensors file, or truncated");
    write_bytes(path, "\x03\0\0\0\0\0\0\0{}", 10); /* one byte too few */
    expect_damaged("not a safetensors file, or truncated");
}

/* A header for one tensor t and 8 bytes of data. */
#define ONE(dtype, shape, offsets) "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(first, second)                                                                                             \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" first "},"                                              \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" second "}}"

static const struct {
    const char *header, *text;
} damages[] = {
    {"", "its header is not a JSON object"},
    {"[]", "its header is not a JSON object"},
    {"7", "its header is not a JSON object"},
    {"{\"t\":", "its header is not a JSON object"},
    {"{\"t\" 1}", "its header is not a JSON object"},
    {"{} {}", "its header is not a JSON object"},
    {ONE("\"U8\"", "[8]", "[0,8]") "garbage", "its header is not a JSON object"},
    {"{}", "its tensors do not cover its data"},
    {"{\"t\":5}", "tensor 't': "},
    {"{\"t\":{}}", "tensor 't': its dtype is not one of"},
    {ONE("\"F8_E4M3\"", "[8]", "[0,8]"), "tensor 't': its dtype is not one of BOOL, U8, I32, I64, F32, F64, F16, BF16"},
    {ONE("\"F16\"", "[2]", "[0,8]"), "tensor 't': its shape does not fit its data"},
    {ONE("\"f32\"", "[2]", "[0,8]"), "tensor 't': its dtype is not one of"},
    {ONE("5", "[2]", "[0,8]"), "tensor 't': its dtype is not one of"},
    {ONE("\"F32\"", "2", "[0,8]"), "tensor 't': its shape is not a list"},
    {ONE("\"F32\"", "[\"2\"]", "[0,8]"), "tensor 't': its shape is not a list"},
    {ONE("\"F32\"", "[-2]", "[0,8]"), "tensor 't': its shape is not a list"},
    {ONE("\"F32\"", "[2.5]", "[0,8]"), "tensor 't': its shape is not a list"},
    {ONE("\"F32\"", "[1e300]", "[0,8]"), "tensor 't': its shape is not a list"},
    {ONE("\"F32\"", "{\"x\":2}", "[0,8]"), "tensor 't': its shape is not a list"},
    {ONE("\"F32\"", "[1,1,1,1,1,1,1,2,1]", "[0,8]"), "tensor 't': its shape is not a list of at most 8 sizes"},
    {ONE("\"F32\"", "[3]", "[0,8]"), "tensor 't': its shape does not fit its data"},
    {ONE("\"F64\"", "[2]", "[0,8]"), "tensor 't': its shape does not fit its data"},
    {ONE("\"F32\"", "[]", "[0,8]"), "tensor 't': its shape does not fit its data"},
    {ONE("\"F32\"", "[0]", "[0,8]"), "tensor 't': its shape does not fit its data"},
    {ONE("\"U8\"", "[4611686018427387904,4]", "[0,0]"), "tensor 't': its shape"},
    {ONE("\"U8\"", "[4503599627370496,4096]", "[0,0]"), "tensor 't': its shape does not fit its data"},
    {ONE("\"U8\"", "[0,4503599627370496,4503599627370496]", "[0,0]"), "tensor 't': its shape"},
    {ONE("\"F32\"", "[2]", "[0,12]"), "tensor 't': its data lies outside of the file, which may be truncated"},
    {ONE("\"F32\"", "[2]", "[8,16]"), "tensor 't': its data lies outside of the file"},
    {ONE("\"F32\"", "[2]", "[8,0]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "[-8,0]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "[0.5,8.5]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "[0]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "[0,8,8]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "[\"0\",\"8\"]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "[0,1e300]"), "tensor 't': "},
    {ONE("\"F32\"", "[2]", "{\"begin\":0,\"end\":8}"), "tensor 't': "},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2]}}", "tensor 't': "},
    {ONE("\"U8\"", "[7]", "[0,7]"), "its tensors do not cover its data"},
    {ONE("\"U8\"", "[7]", "[1,8]"), "its tensors do not cover its data"},
    {TWO("[0,4]", "[0,4]"), "its tensors do not cover its data"},
    {TWO("[0,4]", "[3,7]"), "its tensors do not cover its data"},
    {TWO("[1,5]", "[4,8]"), "its tensors do not cover its data"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
     "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}",
     "tensor 'a'"},
};

static void test_damaged_headers(void **state) {
    (void)state;
    rlc_safetensors *file;
    int failures = 0;
    write_file(ONE("\"F32\"", "[2]", "[0,8]") "   ", 8); /* without damage it is read */
    expect_ok(rlc_safetensors_open(path, &file));
    rlc_safetensors_close(file);
    write_file(TWO("[4,8]", "[0,4]"), 8); /* in any order */
    expect_ok(rlc_safetensors_open(path, &file));
    rlc_safetensors_close(file);
    for (int i = 0; i < RLC_COUNT(damages); i++) {
        write_file(damages[i].header, 8);
        rlc_status status = rlc_safetensors_open(path, &file);
        if (status != RLC_FAILED || strstr(rlc_error(), damages[i].text) == NULL || strstr(rlc_error(), path) == NULL) {
            print_error("%s: wanted '%s', got %d '%s'\n", damages[i].header, damages[i].text, status, rlc_error());
            failures++;
        }
        rlc_safetensors_close(status == RLC_OK ? file : NULL);
        rlc_error_clear();
    }
    print_message("%d damaged headers\n", RLC_COUNT(damages));
    assert_int_equal(failures, 0);
}

/* A small file of two tensors, as bytes. */
static size_t small_file(char *bytes, size_t room) {
    rlc_tensor *a = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3));
    rlc_tensor *b = rlc_tensor_new(test_device(), RLC_U8, RLC_SHAPE(5));
    const rlc_named_tensor named[] = {{"a", a}, {"b", b}};
    expect_ok(rlc_safetensors_save(path, named, 2, metadata, 1));
    rlc_tensor_free(a);
    rlc_tensor_free(b);
    return read_bytes(path, bytes, room);
}

static void test_truncated_anywhere(void **state) {
    (void)state;
    char bytes[1024];
    size_t size = small_file(bytes, sizeof bytes);
    for (size_t kept = 0; kept < size; kept++) {
        write_bytes(path, bytes, kept);
        expect_damaged(kept == 0 ? "it is empty" : "truncated");
    }
    bytes[size] = 0; /* nor may there be more than the header says */
    write_bytes(path, bytes, size + 1);
    expect_damaged("its tensors do not cover its data");
}

/* Any one byte wrong: an error with a message, or entries that lie inside the file. */
static void test_any_byte_wrong(void **state) {
    (void)state;
    char bytes[1024];
    size_t size = small_file(bytes, sizeof bytes), sum = 0;
    static const unsigned char flips[] = {0x01, 0x02, 0x10, 0x20, 0x80, 0xff};
    for (size_t at = 0; at < size; at++) {
        for (int k = 0; k < RLC_COUNT(flips); k++) {
            rlc_safetensors *file;
            bytes[at] ^= (char)flips[k];
            write_bytes(path, bytes, size);
            bytes[at] ^= (char)flips[k];
            if (rlc_safetensors_open(path, &file) != RLC_OK) {
                expect_error(rlc_error_status(), RLC_FAILED, path);
                continue;
            }
            for (int i = 0; i < rlc_safetensors_count(file); i++) {
                const rlc_safetensors_entry *entry = rlc_safetensors_at(file, i);
                for (size_t b = 0; b < entry->size; b++) {
                    sum += ((const unsigned char *)entry->data)[b];
                }
            }
            rlc_safetensors_close(file);
        }
    }
    assert_true(sum > 0); /* where the data is wrong, files open */
}

/* Fails to save over the file at `path`, which stays as it is, without leaving a temporary file. */
static void expect_kept(rlc_status status, const char *text) {
    rlc_safetensors *file;
    expect_error(status, RLC_FAILED, text);
    assert_int_equal(access(temporary, F_OK), -1);
    expect_ok(rlc_safetensors_open(path, &file));
    assert_int_equal(rlc_safetensors_find(file, "b")->size, 5);
    rlc_safetensors_close(file);
}

static void test_failed_saves(void **state) {
    (void)state;
    static const char full[] = "No space left on device; what was there before is kept";
    char bytes[1024], inside[128];
    rlc_tensor *big = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(100000));
    const rlc_named_tensor named = {"big", big};
    small_file(bytes, sizeof bytes);

    assert_int_equal(symlink("/dev/full", temporary), 0); /* a full disk */
    expect_kept(rlc_safetensors_save(path, &named, 1, NULL, 0), full);
    assert_int_equal(symlink("/dev/full", temporary), 0); /* that is noticed only at the last byte */
    expect_kept(rlc_safetensors_save(path, NULL, 0, NULL, 0), full);

    struct rlimit limit, small = {.rlim_cur = 4096};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small.rlim_max = limit.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    rlc_status status = rlc_safetensors_save(path, &named, 1, NULL, 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    expect_kept(status, "File too large; what was there before is kept");

    snprintf(inside, sizeof inside, "%s/inside", path); /* a folder that is none, then one that is not there */
    expect_kept(rlc_safetensors_save(inside, &named, 1, NULL, 0), "Not a directory");
    snprintf(inside, sizeof inside, "%s/absent/x", folder);
    expect_kept(rlc_safetensors_save(inside, &named, 1, NULL, 0), "No such file or directory");
    assert_int_equal(mkdir(temporary, 0700), 0);
    expect_error(rlc_safetensors_save(path, &named, 1, NULL, 0), RLC_FAILED, "Is a directory");
    assert_int_equal(rmdir(temporary), 0);
    rlc_tensor_free(big);
}

/* Renaming onto a folder fails after everything was written. */
static void test_failed_rename(void **state) {
    (void)state;
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_error(rlc_safetensors_save(path, NULL, 0, NULL, 0), RLC_FAILED, "could not be written: Is a directory");
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(rmdir(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, fresh_start),
        cmocka_unit_test_setup(test_empty_round_trip, fresh_start),
        cmocka_unit_test_setup(test_layout, fresh_start),
        cmocka_unit_test_setup(test_file_from_python, fresh_start),
        cmocka_unit_test_setup(test_not_a_file, fresh_start),
        cmocka_unit_test_setup(test_damaged_headers, fresh_start),
        cmocka_unit_test_setup(test_truncated_anywhere, fresh_start),
        cmocka_unit_test_setup(test_any_byte_wrong, fresh_start),
        cmocka_unit_test_setup(test_failed_saves, fresh_start),
        cmocka_unit_test_setup(test_failed_rename, fresh_start),
    };
    return cmocka_run_group_tests_name("safetensors", tests, make_folder, remove_folder);
}
