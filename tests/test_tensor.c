/* Tensors as the host sees them: reading every type through every kind of view, promotion of types, tensors without
 * elements, and what NaN does. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    /* what is computed next lies where these were, so that memory nobody wrote to does not look like zeros */
    rlc_read(rlc_full(RLC_F32, RLC_SHAPE(8192), 7), (float[8192]){0});
    rlc_begin(p);
    return 0;
}

static void expect_values(rlc_tensor *x, rlc_shape shape, const double *wanted) {
    double *got = read_doubles(x);
    bool good = rlc_shape_equal(rlc_shape_of(x), shape);
    for (int64_t i = 0; i < x->numel && good; i++) {
        good = got[i] == wanted[i] || (isnan(got[i]) && isnan(wanted[i]));
        if (!good) {
            print_error("element %lld is %g, wanted %g\n", (long long)i, got[i], wanted[i]);
        }
    }
    free(got);
    assert_true(good);
}
#define EXPECT(x, shape, ...) expect_values(x, shape, (double[]){__VA_ARGS__})
#define NOTHING 0 /* for shapes without elements */

/* The numbers first, first + 1, ... as `dtype`; bools are whether they are odd. */
static rlc_tensor *counting(rlc_dtype dtype, rlc_shape shape, int first) {
    int64_t numbers[64];
    for (int i = 0; i < RLC_COUNT(numbers); i++) {
        numbers[i] = dtype == RLC_BOOL ? (first + i) % 2 : first + i;
    }
    return rlc_cast(rlc_from_data(RLC_I64, shape, numbers), dtype);
}

static const char *const names[RLC_DTYPE_COUNT] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
static const size_t sizes[RLC_DTYPE_COUNT] = {1, 1, 4, 8, 4, 8};

static void test_items(void **state) {
    (void)state;
    for (rlc_dtype t = RLC_BOOL; t < RLC_DTYPE_COUNT; t++) {
        assert_string_equal(rlc_dtype_name(t), names[t]);
        assert_int_equal(rlc_dtype_size(t), sizes[t]);
        assert_int_equal(rlc_dtype_is_float(t), t >= RLC_F32);
        rlc_tensor *x = counting(t, RLC_SHAPE(5), 3);
        double last = t == RLC_BOOL ? 1 : 7;
        assert_true(rlc_item(rlc_select(x, 0, 4)) == last);
        assert_true(rlc_item(rlc_reshape(rlc_slice(x, 0, 4, 1), RLC_SHAPE(1, 1))) == last);
        assert_true(rlc_item(rlc_sum(x, RLC_ALL, false)) == (t == RLC_BOOL ? 3 : 25));
        assert_true(isnan(rlc_item(x)));
        expect_error(rlc_error_status(), RLC_INVALID, "rlc_item: the tensor has shape [5], not one element");
    }
    assert_true(isnan(rlc_item(NULL)));
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_read: the tensor is NULL");
    assert_true(rlc_item(rlc_full(RLC_I64, (rlc_shape){0}, -9007199254740992.0)) == -9007199254740992.0);
    expect_ok(rlc_end(p));
}

static void expect_bytes(rlc_dtype dtype, rlc_tensor *view, int count, const int *wanted) {
    unsigned char got[64 * 8], expected[64 * 8];
    assert_int_equal(view->numel, count);
    assert_int_equal(view->dtype, dtype);
    int64_t numbers[64];
    for (int i = 0; i < count; i++) {
        numbers[i] = dtype == RLC_BOOL ? wanted[i] % 2 : wanted[i];
    }
    expect_ok(rlc_read(rlc_cast(rlc_from_data(RLC_I64, RLC_SHAPE(count), numbers), dtype), expected));
    expect_ok(rlc_read(view, got));
    assert_memory_equal(got, expected, (size_t)count * sizes[dtype]);
}
#define EXPECT_BYTES(x, ...) expect_bytes(t, x, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

/* Reading gives row-major elements, however they lie. */
static void test_reading_views(void **state) {
    (void)state;
    for (rlc_dtype t = RLC_BOOL; t < RLC_DTYPE_COUNT; t++) {
        rlc_tensor *x = counting(t, RLC_SHAPE(2, 3), 0), *deep = counting(t, RLC_SHAPE(2, 3, 2), 0);
        EXPECT_BYTES(x, 0, 1, 2, 3, 4, 5);
        EXPECT_BYTES(rlc_transpose(x, 0, 1), 0, 3, 1, 4, 2, 5);
        EXPECT_BYTES(rlc_slice(x, 1, 1, 2), 1, 2, 4, 5);
        EXPECT_BYTES(rlc_select(x, 1, -1), 2, 5);
        EXPECT_BYTES(rlc_select(x, 0, 1), 3, 4, 5);
        EXPECT_BYTES(rlc_expand(rlc_slice(x, 1, 1, 1), RLC_SHAPE(2, 2, 2)), 1, 1, 4, 4, 1, 1, 4, 4);
        EXPECT_BYTES(rlc_reshape(rlc_transpose(x, 0, 1), RLC_SHAPE(2, 3)), 0, 3, 1, 4, 2, 5);
        EXPECT_BYTES(rlc_transpose(rlc_transpose(deep, 0, 2), 1, 2), 0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11);
        EXPECT_BYTES(rlc_slice(rlc_slice(rlc_transpose(deep, 0, 1), 0, 1, 2), 2, 1, 1), 3, 9, 5, 11);
        rlc_tensor *both[] = {rlc_transpose(x, 0, 1), rlc_select(deep, 0, 1)};
        EXPECT_BYTES(rlc_concatenate(both, 2, 0), 0, 3, 1, 4, 2, 5, 6, 7, 8, 9, 10, 11);
    }
    expect_ok(rlc_end(p));
}

static rlc_tensor *ones(rlc_dtype dtype, int ndim) {
    return rlc_full(dtype, (rlc_shape){ndim, {2, 2}}, 1);
}

/* bool < integers < floats; among the integers and among the floats a tensor with dimensions outranks one without. */
static void test_promotion(void **state) {
    (void)state;
    static const struct {
        rlc_dtype a, b;
        int dims_a, dims_b;
        rlc_dtype wanted;
    } cases[] = {
        {RLC_F32, RLC_F64, 1, 1, RLC_F64}, {RLC_F32, RLC_F64, 1, 0, RLC_F32},  {RLC_F64, RLC_F32, 0, 1, RLC_F32},
        {RLC_F64, RLC_F32, 1, 0, RLC_F64}, {RLC_F32, RLC_F64, 0, 0, RLC_F64},  {RLC_I64, RLC_F32, 2, 0, RLC_F32},
        {RLC_I64, RLC_F32, 1, 1, RLC_F32}, {RLC_I64, RLC_F64, 1, 0, RLC_F64},  {RLC_U8, RLC_I32, 1, 1, RLC_I32},
        {RLC_U8, RLC_I64, 1, 0, RLC_U8},   {RLC_I32, RLC_I64, 0, 2, RLC_I64},  {RLC_I64, RLC_I32, 0, 2, RLC_I32},
        {RLC_BOOL, RLC_U8, 1, 0, RLC_U8},  {RLC_BOOL, RLC_I64, 1, 0, RLC_I64}, {RLC_BOOL, RLC_F32, 2, 1, RLC_F32},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_tensor *a = ones(cases[i].a, cases[i].dims_a), *b = ones(cases[i].b, cases[i].dims_b);
        rlc_tensor *ways[] = {rlc_add(a, b), rlc_add(b, a), rlc_maximum(a, b), rlc_where(rlc_eq(a, b), a, b)};
        for (int k = 0; k < RLC_COUNT(ways); k++) {
            assert_non_null(ways[k]);
            assert_int_equal(ways[k]->dtype, cases[i].wanted);
            assert_int_equal(ways[k]->ndim, cases[i].dims_a > cases[i].dims_b ? cases[i].dims_a : cases[i].dims_b);
        }
        rlc_dtype quotient = rlc_dtype_is_float(cases[i].wanted) ? cases[i].wanted : RLC_F32;
        assert_int_equal(rlc_div(a, b)->dtype, quotient);
        assert_int_equal(rlc_squared_error(b, a)->dtype, quotient);
        assert_true(rlc_item(rlc_sum(rlc_add(a, b), RLC_ALL, false)) == 2.0 * (double)rlc_add(a, b)->numel);
    }
    assert_int_equal(rlc_sum(ones(RLC_U8, 1), 0, false)->dtype, RLC_I64);
    assert_int_equal(rlc_exp(ones(RLC_I32, 1))->dtype, RLC_F32);
    assert_int_equal(rlc_add_scalar(ones(RLC_I64, 1), 2)->dtype, RLC_I64);
    assert_int_equal(rlc_mul_scalar(ones(RLC_I64, 1), 0.5)->dtype, RLC_F32);
    assert_int_equal(rlc_mul_scalar(ones(RLC_F64, 1), 0.5)->dtype, RLC_F64);
    expect_ok(rlc_end(p));
}

/* Values are converted as torch.full and Tensor.to do; a bool is 0 or 1 whatever it was made from. */
static void test_conversions(void **state) {
    (void)state;
    const rlc_shape two = {1, {2}};
    const rlc_shape three = {1, {3}};
    EXPECT(rlc_cast(rlc_from_data(RLC_F32, three, (float[]){-0.5f, 0, NAN}), RLC_BOOL), three, 1, 0, 1);
    EXPECT(rlc_cast(rlc_from_data(RLC_F64, three, (double[]){-2.9, 2.9, 1e15}), RLC_I64), three, -2, 2, 1e15);
    EXPECT(rlc_cast(rlc_from_data(RLC_I64, two, (int64_t[]){257, -1}), RLC_U8), two, 1, 255);
    EXPECT(rlc_logical_and(rlc_scalar(0.25), rlc_full(RLC_I64, two, 4)), two, 1, 1);
    EXPECT(rlc_logical_not(rlc_from_data(RLC_F32, two, (float[]){0, 0.25f})), two, 1, 0);
    EXPECT(rlc_full(RLC_I32, two, -7), two, -7, -7);
    EXPECT(rlc_arange(RLC_I64, 3), RLC_SHAPE(3), 0, 1, 2);
    EXPECT(rlc_arange(RLC_F32, 3), RLC_SHAPE(3), 0, 1, 2);
    EXPECT(rlc_full(RLC_BOOL, two, 5), two, 1, 1);
    EXPECT(rlc_full(RLC_BOOL, two, 0.5), two, 1, 1);
    expect_ok(rlc_end(p));
}

/* Every byte is divided by 255 with one rounding, whatever the instruction set; of two each is, with gaps and without. */
static void test_bytes(void **state) {
    (void)state;
    uint8_t all[256];
    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    rlc_tensor *x = rlc_from_data(RLC_U8, RLC_SHAPE(16, 16), all), *turned = rlc_transpose(x, 0, 1);
    rlc_tensor *units = rlc_from_bytes(x, NULL), *differences = rlc_from_bytes(x, turned);
    rlc_tensor *some = rlc_from_bytes(rlc_slice_step(x, 1, 0, 16, 2), NULL), *flat = rlc_reshape(x, RLC_SHAPE(256));
    rlc_tensor *steps = rlc_from_bytes(rlc_slice(flat, 0, 1, 255), rlc_slice(flat, 0, 0, 255));
    float unit[256], difference[256], even[128], step[255];
    expect_ok(rlc_read(units, unit));
    expect_ok(rlc_read(differences, difference));
    expect_ok(rlc_read(some, even));
    expect_ok(rlc_read(steps, step));
    for (int i = 0; i < 256; i++) {
        const float other = (float)(i % 16 * 16 + i / 16) / 255;
        assert_true(unit[i] == (float)i / 255);
        assert_true(difference[i] == (float)i / 255 - other);
        assert_true(even[i / 2] == (float)(i / 2 * 2) / 255);
        assert_true(i == 0 || step[i - 1] == (float)i / 255 - (float)(i - 1) / 255);
    }
    EXPECT(rlc_from_bytes(rlc_zeros(RLC_U8, RLC_SHAPE(2, 0)), NULL), RLC_SHAPE(2, 0), NOTHING);
    expect_ok(rlc_end(p));
}

/* float64 runs every op (for gradient tests), so a range too. */
static void test_range_of_doubles(void **state) {
    (void)state;
    EXPECT(rlc_arange(RLC_F64, 3), RLC_SHAPE(3), 0, 1, 2);
    expect_ok(rlc_end(p));
}

/* One tensor without elements is enough to divide by zero, to read before the first, to loop for ever. */
static void test_without_elements(void **state) {
    (void)state;
    rlc_tensor *e = rlc_zeros(RLC_F32, RLC_SHAPE(0, 3)), *f = rlc_zeros(RLC_F32, RLC_SHAPE(3, 0));
    rlc_tensor *none = rlc_zeros(RLC_I64, RLC_SHAPE(0));
    EXPECT(rlc_exp(e), RLC_SHAPE(0, 3), NOTHING);
    EXPECT(rlc_add(e, rlc_scalar(1)), RLC_SHAPE(0, 3), NOTHING);
    EXPECT(rlc_mul(rlc_transpose(e, 0, 1), rlc_zeros(RLC_F32, RLC_SHAPE(3, 1))), RLC_SHAPE(3, 0), NOTHING);
    EXPECT(rlc_where(rlc_gt(e, e), e, e), RLC_SHAPE(0, 3), NOTHING);
    EXPECT(rlc_cast(rlc_transpose(f, 0, 1), RLC_I64), RLC_SHAPE(0, 3), NOTHING);
    EXPECT(rlc_sum(e, 0, false), RLC_SHAPE(3), 0, 0, 0);
    EXPECT(rlc_sum(f, 1, true), RLC_SHAPE(3, 1), 0, 0, 0);
    EXPECT(rlc_sum(f, 0, false), RLC_SHAPE(0), NOTHING);
    EXPECT(rlc_sum(f, RLC_ALL, false), (rlc_shape){0}, 0);
    EXPECT(rlc_mean(e, 0, false), RLC_SHAPE(3), NAN, NAN, NAN);
    EXPECT(rlc_any(e, 0, false), RLC_SHAPE(3), 0, 0, 0);
    EXPECT(rlc_all(e, RLC_ALL, false), (rlc_shape){0}, 1);
    EXPECT(rlc_argmax(f, 0, false), RLC_SHAPE(0), NOTHING);
    EXPECT(rlc_max(e, 1, true), RLC_SHAPE(0, 1), NOTHING);
    EXPECT(rlc_gather(e, 1, rlc_zeros(RLC_I64, RLC_SHAPE(0, 5))), RLC_SHAPE(0, 5), NOTHING);
    EXPECT(rlc_index_select(rlc_zeros(RLC_F32, RLC_SHAPE(2, 3)), none), RLC_SHAPE(0, 3), NOTHING);
    EXPECT(rlc_index_select(f, rlc_full(RLC_I64, RLC_SHAPE(4), 2)), RLC_SHAPE(4, 0), NOTHING);
    EXPECT(rlc_one_hot(none, 4), RLC_SHAPE(0, 4), NOTHING);
    rlc_tensor *parts[] = {e, rlc_full(RLC_F32, RLC_SHAPE(1, 3), 2), e};
    EXPECT(rlc_concatenate(parts, 3, 0), RLC_SHAPE(1, 3), 2, 2, 2);
    EXPECT(rlc_stack((rlc_tensor *[]){e, e}, 2, 1), RLC_SHAPE(0, 2, 3), NOTHING);
    EXPECT(rlc_expand(rlc_scalar(1), RLC_SHAPE(2, 0)), RLC_SHAPE(2, 0), NOTHING);
    EXPECT(rlc_reshape(e, RLC_SHAPE(5, 0, 2)), RLC_SHAPE(5, 0, 2), NOTHING);
    EXPECT(rlc_reshape(e, RLC_SHAPE(-1, 3)), RLC_SHAPE(0, 3), NOTHING);
    EXPECT(rlc_flatten(e, 0, 1), RLC_SHAPE(0), NOTHING);
    EXPECT(rlc_slice(rlc_zeros(RLC_F32, RLC_SHAPE(4)), 0, 4, 0), RLC_SHAPE(0), NOTHING);
    EXPECT(rlc_affine(e, rlc_zeros(RLC_F32, RLC_SHAPE(2, 3)), NULL, RLC_TANH), RLC_SHAPE(0, 2), NOTHING);
    EXPECT(rlc_affine(f, rlc_zeros(RLC_F32, RLC_SHAPE(2, 0)), rlc_full(RLC_F32, RLC_SHAPE(2), 4), RLC_RELU),
           RLC_SHAPE(3, 2), 4, 4, 4, 4, 4, 4);
    EXPECT(rlc_matmul(e, rlc_zeros(RLC_F32, RLC_SHAPE(3, 4))), RLC_SHAPE(0, 4), NOTHING);
    EXPECT(rlc_arange(RLC_I64, 0), RLC_SHAPE(0), NOTHING);
    rlc_assign(e, rlc_scalar(3));
    expect_ok(rlc_end(p));
}

/* A product over no columns is a sum of nothing: zeros. */
static void test_products_over_nothing(void **state) {
    (void)state;
    for (rlc_dtype t = RLC_F32; t <= RLC_F64; t++) {
        rlc_tensor *f = rlc_zeros(t, RLC_SHAPE(3, 0)), *e = rlc_zeros(t, RLC_SHAPE(0, 2));
        EXPECT(rlc_matmul(f, e), RLC_SHAPE(3, 2), 0, 0, 0, 0, 0, 0);
        EXPECT(rlc_matmul(rlc_zeros(t, RLC_SHAPE(2, 1, 0)), e), RLC_SHAPE(2, 1, 2), 0, 0, 0, 0);
        rlc_tensor *rows = rlc_zeros(t, RLC_SHAPE(2, 1, 0)), *columns = rlc_zeros(t, RLC_SHAPE(2, 0, 1));
        EXPECT(rlc_matmul(rows, columns), RLC_SHAPE(2, 1, 1), 0, 0);
    }
    expect_ok(rlc_end(p));
}

/* A number that is lost must not come back as a good one: NaN goes through, as in PyTorch. */
static void test_nan_goes_through(void **state) {
    (void)state;
    const rlc_shape three = {1, {3}};
    rlc_tensor *x = rlc_from_data(RLC_F32, three, (float[]){NAN, -1, 2}), *one = rlc_scalar(1);
    EXPECT(rlc_clamp(x, 0, 1), three, NAN, 0, 1);
    EXPECT(rlc_abs(x), three, NAN, 1, 2);
    EXPECT(rlc_add(x, one), three, NAN, 0, 3);
    EXPECT(rlc_max(x, 0, false), (rlc_shape){0}, NAN);
    EXPECT(rlc_min(x, 0, false), (rlc_shape){0}, NAN);
    EXPECT(rlc_sum(x, 0, false), (rlc_shape){0}, NAN);
    EXPECT(rlc_tanh(x), three, NAN, rlc_item(rlc_tanh(rlc_scalar(-1))), rlc_item(rlc_tanh(rlc_scalar(2))));
    EXPECT(rlc_maximum(one, x), three, NAN, 1, 2);
    EXPECT(rlc_minimum(one, x), three, NAN, -1, 1);
    EXPECT(rlc_maximum(x, one), three, NAN, 1, 2);
    EXPECT(rlc_minimum(x, one), three, NAN, -1, 1);
    expect_ok(rlc_end(p));
}

static void test_nan_goes_through_relu(void **state) {
    (void)state;
    rlc_tensor *x = rlc_from_data(RLC_F32, RLC_SHAPE(1, 1), (float[]){NAN}), *w = rlc_full(RLC_F32, RLC_SHAPE(2, 1), 1);
    EXPECT(rlc_relu(x), RLC_SHAPE(1, 1), NAN);
    EXPECT(rlc_affine(x, w, NULL, RLC_RELU), RLC_SHAPE(1, 2), NAN, NAN);
    expect_ok(rlc_end(p));
}

/* Roots over memory that somebody else owns, and roots of their own. */
static void test_roots(void **state) {
    (void)state;
    float flat[6] = {1, 2, 3, 4, 5, 6}, copy[6];
    rlc_tensor *over = rlc_tensor_over(test_device(), RLC_F32, RLC_SHAPE(2, 2), flat + 2);
    rlc_tensor *own = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2, 3));
    assert_int_equal((uintptr_t)own->data % 64, 0);
    expect_ok(rlc_tensor_read(own, copy));
    for (int i = 0; i < 6; i++) {
        assert_true(copy[i] == 0); /* begins cleared */
    }
    expect_ok(rlc_tensor_write(own, flat));
    rlc_assign(over, rlc_scalar(9));
    EXPECT(own, RLC_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    expect_ok(rlc_end(p));
    assert_true(flat[1] == 2 && flat[2] == 9 && flat[5] == 9);
    assert_int_equal(rlc_size(own, 0), 2);
    assert_int_equal(rlc_size(own, -1), 3);
    assert_int_equal(rlc_size(own, 2), 0);
    assert_int_equal(rlc_size(own, -3), 0);
    rlc_tensor_free(over);
    rlc_tensor_free(own);
    rlc_tensor_free(NULL);
}

static void test_shapes(void **state) {
    (void)state;
    const int64_t most = INT64_MAX;
    char text[RLC_SHAPE_TEXT];
    assert_string_equal(rlc_shape_text((rlc_shape){0}, text), "[]");
    assert_string_equal(rlc_shape_text(RLC_SHAPE(3, 0, 5), text), "[3, 0, 5]");
    rlc_shape longest = RLC_SHAPE(most, most, most, most, most, most, most, most);
    assert_int_equal(strlen(rlc_shape_text(longest, text)), 8 * 19 + 7 * 2 + 2);
    assert_int_equal(rlc_shape_numel(longest), -1);
    assert_int_equal(rlc_shape_numel(RLC_SHAPE(2, -3)), -1);
    assert_int_equal(rlc_shape_numel(RLC_SHAPE(2, 3, 4)), 24);
    assert_int_equal(rlc_shape_numel((rlc_shape){0}), 1);
    assert_true(rlc_shape_equal(rlc_shape_concat(RLC_SHAPE(2), RLC_SHAPE(3, 4)), RLC_SHAPE(2, 3, 4)));
    assert_false(rlc_shape_equal(RLC_SHAPE(2, 1), RLC_SHAPE(2)));
    assert_false(rlc_shape_equal(RLC_SHAPE(2, 1), RLC_SHAPE(2, 2)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_items, start),
        cmocka_unit_test_setup(test_reading_views, start),
        cmocka_unit_test_setup(test_promotion, start),
        cmocka_unit_test_setup(test_conversions, start),
        cmocka_unit_test_setup(test_bytes, start),
        cmocka_unit_test_setup(test_range_of_doubles, start),
        cmocka_unit_test_setup(test_without_elements, start),
        cmocka_unit_test_setup(test_products_over_nothing, start),
        cmocka_unit_test_setup(test_nan_goes_through, start),
        cmocka_unit_test_setup(test_nan_goes_through_relu, start),
        cmocka_unit_test_setup(test_roots, start),
        cmocka_unit_test_setup(test_shapes, start),
    };
    return cmocka_run_group_tests_name("tensors", tests, NULL, NULL);
}
