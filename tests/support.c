#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rlc_device *test_device(void) {
    rlc_device *device = NULL;
    const char *name = getenv("RLC_TEST_DEVICE");
    expect_ok(rlc_device_open(name != NULL && *name != '\0' ? name : "cpu", &device));
    return device;
}

rlc_program *test_program(void) {
    static rlc_program *program;
    if (program == NULL) {
        expect_ok(rlc_program_new(test_device(), "test", &program));
    }
    return program;
}

static void free_program(void) __attribute__((destructor));

/* Golden files stay open for the whole test program. */
static struct {
    const char *name;
    rlc_safetensors *file;
} files[16];

static void free_program(void) {
    for (int i = 0; i < RLC_COUNT(files); i++) {
        rlc_safetensors_close(files[i].file);
    }
    rlc_program *p = test_program();
    rlc_program_free(p);
}

int fresh_start(void **state) {
    (void)state;
    for (rlc_program *p = rlc_current(); p != NULL; p = rlc_current()) {
        rlc_begin(p); /* drops what was recorded: it may be the very thing that failed */
        rlc_end(p);
    }
    rlc_error_clear();
    return 0;
}

void expect_ok(rlc_status status) {
    if (status != RLC_OK) {
        fail_msg("%s", rlc_error());
    }
}

void expect_error(rlc_status status, rlc_status wanted, const char *text) {
    if (status != wanted || strstr(rlc_error(), text) == NULL) {
        fail_msg("expected status %d and a message with '%s', got %d: '%s'", wanted, text, status, rlc_error());
    }
    rlc_error_clear();
}

static rlc_safetensors *open_golden(const char *name) {
    int i = 0;
    while (files[i].name != NULL && strcmp(files[i].name, name) != 0) {
        i++;
        assert_true(i < RLC_COUNT(files));
    }
    if (files[i].name == NULL) {
        char path[256];
        snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
        expect_ok(rlc_safetensors_open(path, &files[i].file));
        files[i].name = name;
    }
    return files[i].file;
}

static const rlc_safetensors_entry *find(const char *file, const char *format, va_list args) {
    char name[256];
    vsnprintf(name, sizeof name, format, args);
    return rlc_safetensors_find(open_golden(file), name);
}

bool has_golden(const char *file, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const rlc_safetensors_entry *entry = find(file, format, args);
    va_end(args);
    return entry != NULL;
}

const rlc_safetensors_entry *golden(const char *file, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const rlc_safetensors_entry *entry = find(file, format, args);
    va_end(args);
    if (entry == NULL) {
        fail_msg("no golden values for '%s' in %s", format, file);
    }
    return entry;
}

rlc_tensor *golden_tensor(const char *file, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const rlc_safetensors_entry *entry = find(file, format, args);
    va_end(args);
    if (entry == NULL) {
        fail_msg("no golden values for '%s' in %s", format, file);
    }
    return rlc_from_data(entry->dtype, entry->shape, entry->data);
}

rlc_tensor *golden_root(const char *file, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const rlc_safetensors_entry *entry = find(file, format, args);
    va_end(args);
    if (entry == NULL) {
        fail_msg("no golden values for '%s' in %s", format, file);
    }
    rlc_tensor *root = rlc_tensor_new(test_device(), entry->dtype, entry->shape);
    assert_non_null(root);
    expect_ok(rlc_requires_grad(root));
    expect_ok(rlc_tensor_write(root, entry->data));
    return root;
}

static double element(rlc_dtype dtype, const void *data, int64_t i) {
    union {
        float f32;
        double f64;
        int64_t i64;
        int32_t i32;
        uint8_t u8;
    } value;
    size_t size = rlc_dtype_size(dtype);
    memcpy(&value, (const char *)data + (size_t)i * size, size);
    switch (dtype) {
    case RLC_F32: return (double)value.f32;
    case RLC_F64: return value.f64;
    case RLC_I64: return (double)value.i64;
    case RLC_I32: return value.i32;
    default: return value.u8;
    }
}

const void *peek(const rlc_tensor *root) {
    static void *copies[8];
    static int next;
    if (root->device->memory.on_host) {
        return root->data;
    }
    void **copy = &copies[next++ % RLC_COUNT(copies)];
    free(*copy);
    *copy = malloc((size_t)root->numel * rlc_dtype_size((rlc_dtype)root->dtype) + 1);
    assert_non_null(*copy);
    expect_ok(rlc_tensor_read(root, *copy));
    return *copy;
}

void skip_off_host(void) {
    if (!test_device()->memory.on_host) {
        skip();
    }
}

double *read_doubles(rlc_tensor *tensor) {
    assert_non_null(tensor);
    size_t count = (size_t)tensor->numel;
    char *raw = malloc(count * rlc_dtype_size((rlc_dtype)tensor->dtype) + 1);
    double *values = malloc(count * sizeof *values + 1);
    assert_non_null(raw);
    assert_non_null(values);
    expect_ok(rlc_read(tensor, raw));
    for (size_t i = 0; i < count; i++) {
        values[i] = element((rlc_dtype)tensor->dtype, raw, (int64_t)i);
    }
    free(raw);
    return values;
}

void expect_close(const char *what, rlc_tensor *got, const rlc_safetensors_entry *wanted, double rtol, double atol) {
    if (got == NULL) {
        fail_msg("%s: no result: %s", what, rlc_error());
    }
    if (!rlc_shape_equal(rlc_shape_of(got), wanted->shape) || got->dtype != wanted->dtype) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        fail_msg("%s: got %s %s, wanted %s %s", what, rlc_dtype_name((rlc_dtype)got->dtype),
                 rlc_shape_text(rlc_shape_of(got), ta), rlc_dtype_name(wanted->dtype),
                 rlc_shape_text(wanted->shape, tb));
    }
    double *values = read_doubles(got);
    for (int64_t i = 0; i < got->numel; i++) {
        double w = element(wanted->dtype, wanted->data, i);
        bool same = values[i] == w || (isnan(values[i]) && isnan(w)); /* infinities, too */
        if (!same && !(fabs(values[i] - w) <= atol + rtol * fabs(w) && isfinite(w))) {
            double value = values[i];
            free(values);
            fail_msg("%s: element %lld is %.9g, wanted %.9g", what, (long long)i, value, w);
        }
    }
    free(values);
}
