/* Recording and running: when ops run, how long results live, how programs nest, and the ways a program can run. */
#include "tests/gradcheck.h"
#include "tests/with_program.h"

#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "core/update.h"
#include "tests/expressions.h"
#include "tests/rows.h"

static rlc_program *new_program(const char *name) {
    rlc_program *program;
    expect_ok(rlc_program_new(test_device(), name, &program));
    return program;
}

/* A program that was made while the environment variable was set. */
static rlc_program *program_with(const char *variable) {
    setenv(variable, "1", 1);
    rlc_program *program = new_program("special");
    unsetenv(variable);
    return program;
}

static rlc_tensor *vector(float a, float b, float c) {
    return rlc_from_data(RLC_F32, RLC_SHAPE(3), (float[]){a, b, c});
}

static void expect_values(rlc_tensor *x, int count, const double *wanted) {
    double *got = read_doubles(x);
    assert_int_equal(x->numel, count);
    for (int i = 0; i < count; i++) {
        bool same = got[i] == wanted[i] || (isnan(got[i]) && isnan(wanted[i]));
        if (!same && !(fabs(got[i] - wanted[i]) <= 1e-6 * fabs(wanted[i]))) {
            fail_msg("element %d is %.9g, wanted %.9g", i, got[i], wanted[i]);
        }
    }
    free(got);
}
#define EXPECT(x, ...)                                                                                                 \
    expect_values(x, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

/* Results can be read until the program begins again, also after it ended and while another is open. */
static void test_results_outlive_the_end(void **state) {
    (void)state;
    rlc_program *other = new_program("other");
    rlc_tensor *y = rlc_square(vector(1, 2, 3)), *gaps = rlc_slice(rlc_reshape(y, RLC_SHAPE(3, 1)), 0, 1, 2);
    rlc_tensor *turned = rlc_transpose(rlc_stack((rlc_tensor *[]){y, y}, 2, 0), 0, 1);
    expect_ok(rlc_end(p));
    EXPECT(y, 1, 4, 9);
    EXPECT(gaps, 4, 9);
    assert_true(isnan(rlc_item(gaps)));
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_item: the tensor has shape [2, 1], not one element");
    float values[6];
    expect_error(rlc_read(turned, values), RLC_INVALID, "rlc_read: the tensor is a view with gaps");
    rlc_begin(other);
    EXPECT(turned, 1, 1, 4, 4, 9, 9);
    EXPECT(rlc_add(y, y), 2, 8, 18);
    expect_ok(rlc_end(other));
    EXPECT(y, 1, 4, 9);
    rlc_program_free(other);
}

/* A step of many sizes, some larger than the arena's first chunks. */
static int record_step(rlc_tensor *x, const void **addresses) {
    static const int64_t sizes[] = {1, 3, 1000, 70000, 5, 300000, 17, 0, 2000000, 64};
    int count = 0;
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        rlc_tensor *y = rlc_mul(rlc_expand(x, RLC_SHAPE(sizes[i])), x);
        addresses[count++] = y->data;
        addresses[count++] = y;
        addresses[count++] = rlc_sum(y, 0, false)->data;
    }
    rlc_backward(rlc_sum(rlc_square(x), RLC_ALL, false));
    return count;
}

/* The same step has the same nodes at the same addresses, and no more memory, every time. */
static void test_same_step_same_addresses(void **state) {
    (void)state;
    rlc_program *step = new_program("step");
    rlc_tensor *x = root(A, RLC_SHAPE(1));
    const void *first[64], *again[64];
    int nodes = 0;
    size_t memory = 0;
    for (int round = 0; round < 4; round++) {
        rlc_begin(step);
        int count = record_step(x, round == 0 ? first : again);
        assert_true(round == 0 || memcmp(first, again, (size_t)count * sizeof *first) == 0);
        assert_true(round == 0 || step->num_nodes == nodes);
        size_t used = rlc_arena_size(&step->host) + rlc_arena_size(&step->data);
        assert_true(round == 0 || used == memory);
        nodes = step->num_nodes;
        memory = used;
        for (int i = 0; i < count; i += 3) {
            assert_int_equal((uintptr_t)first[i] % RLC_ALIGN_DATA, 0);
        }
        expect_ok(rlc_end(step));
        rlc_zero_grad(x);
    }
    rlc_tensor_free(x);
    rlc_program_free(step);
}

/* Reading runs what is there so far; what has run does not run again. */
static void test_ops_run_once(void **state) {
    (void)state;
    skip_off_host();
    rlc_tensor *cursor = rlc_tensor_new(test_device(), RLC_I64, RLC_SHAPE(2));
    int64_t *seen = cursor->data;
    rlc_ring_advance(cursor, 1, 100);
    assert_int_equal(seen[0], 0); /* recorded, not run */
    EXPECT(cursor, 1, 1);
    EXPECT(cursor, 1, 1);
    rlc_ring_advance(cursor, 2, 100);
    rlc_ring_advance(cursor, 3, 100);
    assert_int_equal(seen[0], 1);
    assert_true(rlc_item(rlc_select(cursor, 0, 0)) == 6);
    rlc_ring_advance(cursor, 4, 100);
    expect_ok(rlc_end(p));
    assert_int_equal(seen[0], 10);
    expect_error(rlc_end(p), RLC_INVALID, "rlc_end: program 'test' is not open");
    assert_int_equal(seen[0], 10);
    rlc_tensor_free(cursor);
}

/* A root outlives the programs that write to it; what is begun again without an end does not run. */
static void test_roots(void **state) {
    (void)state;
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2, 3));
    rlc_assign(x, vector(1, 2, 3));
    rlc_assign(rlc_slice(x, 1, 1, 2), rlc_full(RLC_I64, RLC_SHAPE(2, 1), 7));
    expect_ok(rlc_end(p));
    for (int round = 0; round < 3; round++) {
        rlc_begin(p);
        rlc_full(RLC_F32, RLC_SHAPE(1000), 5);
        expect_ok(rlc_end(p));
    }
    EXPECT(x, 1, 7, 7, 1, 7, 7);
    rlc_begin(p);
    rlc_assign(x, rlc_scalar(0));
    rlc_begin(p);
    rlc_assign(rlc_select(x, 0, 0), rlc_select(x, 0, 1));
    rlc_assign(rlc_transpose(x, 0, 1), rlc_unsqueeze(vector(4, 5, 6), 1));
    expect_ok(rlc_end(p));
    EXPECT(x, 4, 5, 6, 4, 5, 6);
    rlc_tensor_free(x);
}

static void test_nesting(void **state) {
    (void)state;
    rlc_program *inner = new_program("inner");
    rlc_tensor *a = rlc_square(vector(1, 2, 3));
    rlc_begin(inner);
    assert_ptr_equal(rlc_current(), inner);
    rlc_tensor *b = rlc_neg(vector(1, 2, 3));
    assert_ptr_equal(b->program, inner);
    assert_null(rlc_add(b, rlc_zeros(RLC_F32, RLC_SHAPE(2))));
    expect_error(rlc_end(inner), RLC_INVALID, "add: "); /* the inner one's error is not the outer's */
    assert_ptr_equal(rlc_current(), p);
    rlc_begin(inner);
    b = rlc_neg(vector(1, 2, 3));
    expect_ok(rlc_end(inner));
    rlc_tensor *c = rlc_add(a, b);
    assert_ptr_equal(c->program, p);
    expect_ok(rlc_end(p));
    assert_null(rlc_current());
    EXPECT(c, 0, 2, 6);
    rlc_program_free(inner);
}

/* What the outer program has recorded but not run is there when the inner one reads or uses it. */
static void test_inner_reads_outer(void **state) {
    (void)state;
    rlc_program *inner = new_program("inner");
    rlc_tensor *a = rlc_square(vector(11, 12, 13));
    rlc_begin(inner);
    rlc_tensor *b = rlc_mul_scalar(a, 3);
    expect_ok(rlc_end(inner));
    EXPECT(b, 363, 432, 507);
    a = rlc_square(vector(21, 22, 23));
    rlc_begin(inner);
    EXPECT(a, 441, 484, 529);
    expect_ok(rlc_end(inner));
    expect_ok(rlc_end(p));
    rlc_program_free(inner);
}

/* Programs may end in any order, and begin again while open; errors stay with the program they belong to. */
static void test_ends_out_of_order(void **state) {
    (void)state;
    rlc_program *inner = new_program("inner");
    rlc_tensor *bad = rlc_one_hot(rlc_full(RLC_I64, RLC_SHAPE(1), 9), 3);
    rlc_begin(inner);
    rlc_tensor *b = rlc_neg(vector(1, 2, 3));
    assert_non_null(bad);
    expect_error(rlc_end(p), RLC_FAILED, "one_hot: index 9 is outside of a dimension of size 3");
    assert_ptr_equal(rlc_current(), inner);
    EXPECT(b, -1, -2, -3);
    rlc_begin(p);
    rlc_begin(inner); /* drops what it held and becomes the innermost again */
    assert_ptr_equal(rlc_current(), inner);
    rlc_program_free(inner); /* closes it */
    assert_ptr_equal(rlc_current(), p);
    expect_ok(rlc_end(p));
    assert_null(rlc_current());
}

typedef struct outcome {
    int64_t numel;
    double values[256], gradients[3][MAX_ELEMENTS];
} outcome;

/* What f computes for roots x, with gradients of its sum where it has them. */
static void compute(rlc_program *program, function *f, rlc_tensor *const *x, const void *data, outcome *result) {
    rlc_begin(program);
    rlc_tensor *y = f(x, data);
    assert_non_null(y);
    double *values = read_doubles(y);
    result->numel = y->numel;
    memcpy(result->values, values, (size_t)y->numel * sizeof *values);
    free(values);
    if (y->flags & RLC_REQUIRES_GRAD) {
        rlc_backward(rlc_sum(rlc_square(y), RLC_ALL, false));
    }
    expect_ok(rlc_end(program));
    for (int i = 0; i < 3 && x[i] != NULL; i++) {
        memcpy(result->gradients[i], peek(x[i]->grad), (size_t)x[i]->numel * sizeof(double));
        rlc_zero_grad(x[i]);
    }
}

static rlc_tensor *call_row(rlc_tensor *const *x, const void *data) {
    return ((const row *)data)->call(x[0], x[1]);
}

/* Calls `visit` with each expression of expressions.h, then with each row of ops.def, on fresh roots. */
static void for_each_op(void (*visit)(function *f, rlc_tensor *const *x, const void *data), bool with_masks) {
    static const expression masks[] = EXPRESSIONS(MASKS);
    const expression tables[] = {PRODUCTS(EXPRESSION_ROW) VIEWS(EXPRESSION_ROW) JOINS(EXPRESSION_ROW)
                                     CHOICES(EXPRESSION_ROW) ALONG(EXPRESSION_ROW) LOSSES(EXPRESSION_ROW)
                                         CHAINS(EXPRESSION_ROW) CONVOLUTIONS(EXPRESSION_ROW) POOLS(EXPRESSION_ROW)
                                             MASKS(EXPRESSION_ROW)};
    const int expressions = RLC_COUNT(tables) - (with_masks ? 0 : RLC_COUNT(masks));
    for (int k = 0; k < expressions + RLC_COUNT(rows); k++) {
        const expression on_rows = {.call = call_row, .shapes = {{2, {3, 4}}, {1, {4}}}, .count = 2};
        const expression *e = k < expressions ? &tables[k] : &on_rows;
        rlc_tensor *x[3] = {0};
        for (int i = 0; i < e->count; i++) {
            x[i] = positive((operand)i, e->shapes[i]);
        }
        visit(e->call, x, k < expressions ? NULL : &rows[k - expressions]);
        for (int i = 0; i < e->count; i++) {
            rlc_tensor_free(x[i]);
        }
    }
}

static rlc_program *eager;

static void compare_eager(function *f, rlc_tensor *const *x, const void *data) {
    static outcome lazily, eagerly;
    compute(p, f, x, data, &lazily);
    compute(eager, f, x, data, &eagerly);
    assert_int_equal(lazily.numel, eagerly.numel);
    assert_memory_equal(lazily.values, eagerly.values, (size_t)lazily.numel * sizeof(double));
    assert_memory_equal(lazily.gradients, eagerly.gradients, sizeof lazily.gradients);
}

/* RLC_EAGER=1 runs every op as it is recorded, with the same results; mistakes show at once. */
static void test_eager(void **state) {
    (void)state;
    skip_off_host();
    eager = program_with("RLC_EAGER");
    assert_true(eager->eager && !p->eager);
    for_each_op(compare_eager, true);
    rlc_begin(eager);
    rlc_tensor *y = rlc_full(RLC_F32, RLC_SHAPE(1), 3);
    assert_true(*(float *)y->data == 3);
    assert_null(rlc_one_hot(rlc_full(RLC_I64, RLC_SHAPE(1), 5), 5));
    assert_null(rlc_exp(y));
    expect_error(rlc_end(eager), RLC_FAILED, "one_hot: index 5 is outside of a dimension of size 5");
    rlc_program_free(eager);
}

static void compare_shapes(function *f, rlc_tensor *const *x, const void *data) {
    rlc_begin_shapes(p);
    rlc_tensor *y = f(x, data);
    assert_non_null(y);
    assert_int_equal(p->num_nodes, 0);
    rlc_shape shape = rlc_shape_of(y);
    int dtype = y->dtype, flags = y->flags;
    expect_ok(rlc_end(p));
    rlc_begin(p);
    y = f(x, data);
    assert_true(rlc_shape_equal(shape, rlc_shape_of(y)));
    assert_int_equal(y->dtype, dtype);
    assert_int_equal(y->flags, flags);
    expect_ok(rlc_end(p));
}

/* A build records shapes: every op gives the type and shape it will have, and nothing is computed. */
static void test_shapes_only(void **state) {
    (void)state;
    for_each_op(compare_shapes, false); /* what a mask chooses depends on values */
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3));
    rlc_begin_shapes(p);
    rlc_tensor *y = rlc_empty(RLC_F32, RLC_SHAPE((int64_t)1 << 40)); /* a shape costs no memory */
    assert_non_null(y);
    assert_null(y->data);
    rlc_assign(x, rlc_scalar(1));
    assert_true(isnan(rlc_item(rlc_sum(y, RLC_ALL, false))));
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_read: the tensor has no data");
    EXPECT(x, 0, 0, 0);
    assert_null(rlc_add(x, y));
    expect_error(rlc_end(p), RLC_INVALID, "add: shapes [3] and [1099511627776] do not broadcast");
    rlc_tensor_free(x);
}

static void expect_not_finite(rlc_program *checked, rlc_tensor *result, const char *text) {
    assert_non_null(result);
    checked->where = "modules.critic";
    rlc_tensor *flag = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(1));
    rlc_assign(flag, rlc_exp(rlc_scalar(0)));
    expect_error(rlc_end(checked), RLC_FAILED, text);
    assert_true(*(float *)flag->data == 0); /* nothing runs after it */
    rlc_tensor_free(flag);
    rlc_begin(checked);
    checked->where = "modules.actor.0";
}

/* RLC_CHECK_NAN=1 stops at the first op whose result is not finite. */
static void test_check_nan(void **state) {
    (void)state;
    skip_off_host();
    rlc_program *checked = program_with("RLC_CHECK_NAN");
    rlc_begin(checked);
    checked->where = "modules.actor.0";
    EXPECT(rlc_log(vector(1, 1, 1)), 0, 0, 0);
    expect_not_finite(checked, rlc_sqrt(rlc_log(vector(1, -1, 0))),
                      "modules.actor.0: op 'log' in program 'special' gave nan at element 1 of shape [3]");
    expect_not_finite(checked, rlc_reciprocal(vector(1, 1, 0)),
                      "op 'reciprocal' in program 'special' gave inf at element 2 of shape [3]");
    expect_not_finite(checked, rlc_log(rlc_zeros(RLC_F64, RLC_SHAPE(2, 2))), "gave -inf at element 0 of shape [2, 2]");
    rlc_tensor *large = rlc_full(RLC_F32, RLC_SHAPE(2, 2), 3e38);
    expect_not_finite(checked, rlc_affine(large, large, NULL, RLC_RELU),
                      "modules.actor.0: op 'linear' in program 'special' gave inf");
    rlc_tensor *x = root(A, RLC_SHAPE(1));
    *(double *)x->data = 0;
    rlc_tensor *y = rlc_sqrt(x);
    checked->where = "loss";
    rlc_backward(rlc_sum(y, RLC_ALL, false)); /* a gradient is named by the module of its op */
    expect_not_finite(checked, y, "modules.actor.0: op 'sqrt_grad' in program 'special' gave inf");
    rlc_tensor_free(x);
    rlc_program_free(checked);
    rlc_begin(p);
    EXPECT(rlc_log(vector(1, -1, 0)), 0, NAN, -INFINITY); /* not looked for without it */
    expect_ok(rlc_end(p));
}

static void test_settings_are_per_program(void **state) {
    (void)state;
    assert_int_equal(rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC), RLC_EXPLORE_RANDOM);
    assert_int_equal(rlc_set_exploration(RLC_EXPLORE_MEAN), RLC_EXPLORE_DETERMINISTIC);
    rlc_program *inner = new_program("inner");
    rlc_no_grad(true);
    rlc_begin(inner);
    assert_false(rlc_no_grad(false));
    assert_int_equal(rlc_set_exploration(RLC_EXPLORE_MODE), RLC_EXPLORE_RANDOM);
    expect_ok(rlc_end(inner));
    assert_true(rlc_no_grad(true));
    assert_int_equal(rlc_set_exploration(RLC_EXPLORE_MEAN), RLC_EXPLORE_MEAN);
    rlc_begin(p);
    assert_int_equal(rlc_set_exploration(RLC_EXPLORE_MEAN), RLC_EXPLORE_RANDOM);
    expect_ok(rlc_end(p));
    rlc_program_free(inner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_results_outlive_the_end, start),
        cmocka_unit_test_setup(test_same_step_same_addresses, start),
        cmocka_unit_test_setup(test_ops_run_once, start),
        cmocka_unit_test_setup(test_roots, start),
        cmocka_unit_test_setup(test_nesting, start),
        cmocka_unit_test_setup(test_inner_reads_outer, start),
        cmocka_unit_test_setup(test_ends_out_of_order, start),
        cmocka_unit_test_setup(test_eager, start),
        cmocka_unit_test_setup(test_shapes_only, start),
        cmocka_unit_test_setup(test_check_nan, start),
        cmocka_unit_test_setup(test_settings_are_per_program, start),
    };
    return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
