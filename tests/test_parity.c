/* Ops on another device against the CPU, element by element and each in the ways it can be used: shapes that are empty, of
 * one element, odd, that broadcast, with gaps. */
#include "tests/expressions.h"
#include "tests/parity.h"
#include "tests/rows.h"

static rlc_tensor *call_row(rlc_tensor *const *x, const void *data) {
    return ((const row *)data)->call(x[0], x[1]);
}

/* On views: a transposed one and a slice of every second row. */
static rlc_tensor *call_row_on_views(rlc_tensor *const *x, const void *data) {
    rlc_tensor *a = rlc_transpose(x[0], 0, 1);
    rlc_tensor *b = x[1] != NULL ? rlc_slice_step(x[1], 0, 0, INT64_MAX, 2) : NULL;
    return ((const row *)data)->call(a, b);
}

/* Whether a type has a row of its own, without being converted. */
static bool takes(const row *r, rlc_dtype dtype) {
    static const char *const floats[] = {
#define UNARY_NAME_FLOAT(name) #name,
#define UNARY_NAME_NUMBER(name)
#define UNARY(name, domain, ...) UNARY_NAME_##domain(name)
#define BINARY(name, domain, ...) UNARY_NAME_##domain(name)
#include "core/ops.def"
    };
    if (dtype == RLC_BOOL) {
        return r->kind == ROW_COMPARE || r->kind == ROW_LOGICAL;
    }
    for (int i = 0; i < RLC_COUNT(floats) && !rlc_dtype_is_float(dtype); i++) {
        if (strcmp(floats[i], r->name) == 0) {
            return false;
        }
    }
    return true;
}

/* Shapes of two operands. */
static const rlc_shape pairs[][2] = {
    {{1, {257}}, {1, {257}}},         {{0}, {0}},
    {{2, {0, 3}}, {2, {0, 3}}},       {{2, {3, 5}}, {1, {5}}},
    {{2, {7, 1}}, {2, {1, 9}}},       {{3, {2, 3, 5}}, {3, {2, 1, 5}}},
    {{1, {1}}, {3, {4, 1, 3}}},       {{4, {2, 3, 1, 5}}, {3, {3, 4, 1}}},
    {{2, {1031, 3}}, {2, {1031, 1}}},
};

static void test_rows(void **state) {
    (void)state;
    static const rlc_dtype dtypes[] = {RLC_F32, RLC_F64, RLC_I64, RLC_I32, RLC_U8, RLC_BOOL};
    char what[96];
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        const int count = rows[i].kind == ROW_UNARY ? 1 : 2;
        const numbers kind = strncmp(rows[i].name, "bce", 3) == 0 ? UNIT : SIGNED;
        for (int t = 0; t < RLC_COUNT(dtypes); t++) {
            for (int k = 0; k < RLC_COUNT(pairs) && takes(&rows[i], dtypes[t]); k++) {
                snprintf(what, sizeof what, "%s of %s, shapes %d", rows[i].name, rlc_dtype_name(dtypes[t]), k);
                compare(&(parity){what, call_row, &rows[i], {pairs[k][0], pairs[k][1]}, count, dtypes[t], kind, 0});
            }
            if (takes(&rows[i], dtypes[t])) {
                snprintf(what, sizeof what, "%s of %s, views", rows[i].name, rlc_dtype_name(dtypes[t]));
                compare(&(parity){what,
                                  call_row_on_views,
                                  &rows[i],
                                  {RLC_SHAPE(5, 13), RLC_SHAPE(26, 5)},
                                  count,
                                  dtypes[t],
                                  kind,
                                  0});
            }
        }
    }
}

/* Infinities and what is not a number. */
static rlc_tensor *call_row_on_specials(rlc_tensor *const *x, const void *data) {
    static const float specials[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 1e-42f, 3e38f, 1};
    rlc_tensor *a = rlc_from_data(RLC_F32, RLC_SHAPE(8, 1), specials),
               *b = rlc_from_data(RLC_F32, RLC_SHAPE(8), specials);
    (void)x;
    return ((const row *)data)->call(a, b);
}

static void test_special_numbers(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        compare(&(parity){rows[i].name, call_row_on_specials, &rows[i], {{0}}, 0, RLC_F32, SIGNED, 0});
    }
}

static void test_expressions(void **state) {
    (void)state;
    const expression exact[] = {VIEWS(EXPRESSION_ROW) JOINS(EXPRESSION_ROW) CHOICES(EXPRESSION_ROW) MASKS(
        EXPRESSION_ROW) ALONG(EXPRESSION_ROW) LOSSES(EXPRESSION_ROW) POOLS(EXPRESSION_ROW)};
    const expression products[] = {PRODUCTS(EXPRESSION_ROW) CHAINS(EXPRESSION_ROW) CONVOLUTIONS(EXPRESSION_ROW)};
    for (int i = 0; i < RLC_COUNT(exact) + RLC_COUNT(products); i++) {
        const bool is_exact = i < RLC_COUNT(exact);
        const expression *e = is_exact ? &exact[i] : &products[i - RLC_COUNT(exact)];
        for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
            parity c = {.what = e->name, .f = e->call, .count = e->count, .dtype = dtype, .numbers = UNIT};
            memcpy(c.shapes, e->shapes, sizeof c.shapes);
            c.tolerance = is_exact ? 0 : product_tolerance(dtype);
            compare(&c);
        }
    }
}

static rlc_tensor *call_where(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_where(rlc_gt(x[0], x[1]), x[0], x[2]);
}

static void test_where(void **state) {
    (void)state;
    for (rlc_dtype dtype = RLC_BOOL; dtype < RLC_DTYPE_COUNT; dtype++) {
        compare(&(parity){
            "where", call_where, NULL, {RLC_SHAPE(4, 1, 7), RLC_SHAPE(3, 7), RLC_SHAPE(7)}, 3, dtype, SIGNED, 0});
        compare(&(parity){
            "where", call_where, NULL, {RLC_SHAPE(300), RLC_SHAPE(300), RLC_SHAPE(300)}, 3, dtype, SIGNED, 0});
    }
}

static rlc_tensor *call_cast(rlc_tensor *const *x, const void *data) {
    return rlc_cast(rlc_transpose(x[0], 0, 1), *(const rlc_dtype *)data);
}

static void test_casts(void **state) {
    (void)state;
    for (rlc_dtype from = RLC_BOOL; from < RLC_DTYPE_COUNT; from++) {
        for (rlc_dtype to = RLC_BOOL; to < RLC_DTYPE_COUNT; to++) {
            compare(&(parity){"cast", call_cast, &to, {RLC_SHAPE(5, 61)}, 1, from, UNIT, 0});
            compare(&(parity){"cast", call_cast, &to, {RLC_SHAPE(5, 61)}, 1, from, WHOLE, 0});
        }
    }
}

static rlc_tensor *call_from_bytes(rlc_tensor *const *x, const void *data) {
    rlc_tensor *parts[] = {rlc_from_bytes(x[0], NULL), rlc_from_bytes(x[0], x[1]),
                           rlc_from_bytes(rlc_transpose(x[0], 0, 1), rlc_transpose(x[1], 0, 1))};
    (void)data;
    for (int i = 0; i < RLC_COUNT(parts); i++) {
        parts[i] = rlc_reshape(parts[i], RLC_SHAPE(-1));
    }
    return rlc_concatenate(parts, RLC_COUNT(parts), 0);
}

static void test_from_bytes(void **state) {
    (void)state;
    compare(&(parity){"from_bytes", call_from_bytes, NULL, {RLC_SHAPE(5, 61), RLC_SHAPE(5, 61)}, 2, RLC_U8, WHOLE, 0});
}

static rlc_tensor *call_creation(rlc_tensor *const *x, const void *data) {
    const rlc_dtype dtype = *(const rlc_dtype *)data;
    (void)x;
    rlc_tensor *parts[] = {rlc_full(dtype, RLC_SHAPE(300), 3), rlc_arange_step(dtype, 1, 9, 0.5),
                           rlc_linspace(dtype, -2, 5, 9), rlc_zeros(dtype, RLC_SHAPE(0))};
    return rlc_concatenate(parts, RLC_COUNT(parts), 0);
}

static void test_creation(void **state) {
    (void)state;
    static const rlc_dtype dtypes[] = {RLC_F32, RLC_F64, RLC_I64, RLC_I32};
    for (int t = 0; t < RLC_COUNT(dtypes); t++) {
        compare(&(parity){"creation", call_creation, &dtypes[t], {{0}}, 0, dtypes[t], SIGNED, 0});
    }
}

/* More operands than one launch takes. */
static rlc_tensor *call_stack(rlc_tensor *const *x, const void *data) {
    rlc_tensor *parts[70];
    for (int i = 0; i < RLC_COUNT(parts); i++) {
        parts[i] = rlc_mul_scalar(x[0], i % 2 == 0 ? i : 1);
    }
    return rlc_stack(parts, RLC_COUNT(parts), *(const int *)data);
}

static void test_joins(void **state) {
    (void)state;
    for (int dim = 0; dim < 3; dim++) {
        compare(&(parity){"stack of many", call_stack, &dim, {RLC_SHAPE(5, 7)}, 1, RLC_F32, SIGNED, 0});
        compare(&(parity){"stack of many", call_stack, &dim, {RLC_SHAPE(5, 0)}, 1, RLC_F64, SIGNED, 0});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rows, fresh_start),
        cmocka_unit_test_setup(test_special_numbers, fresh_start),
        cmocka_unit_test_setup(test_expressions, fresh_start),
        cmocka_unit_test_setup(test_where, fresh_start),
        cmocka_unit_test_setup(test_casts, fresh_start),
        cmocka_unit_test_setup(test_from_bytes, fresh_start),
        cmocka_unit_test_setup(test_creation, fresh_start),
        cmocka_unit_test_setup(test_joins, fresh_start),
    };
    return cmocka_run_group_tests_name("ops on another device", tests, open_sides, close_sides);
}
