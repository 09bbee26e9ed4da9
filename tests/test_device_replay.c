/* Lists that another device replays: one that differs in anything is another list, and what changes in memory counts. */
#include "core/update.h"
#include "tests/other_device.h"

/* A list of one shape in which one thing differs: a replay of another one would give its numbers. */
typedef struct variant {
    double number;   /* a parameter of an op */
    int operand;     /* which of two equal roots */
    int64_t columns; /* a shape */
    int dim;         /* what an op's kernel gets to know as a stride */
} variant;

static double expected_sum(const variant *v) {
    return v->number * (v->operand + 1) * (double)v->columns * 6 + 6 * (double)v->columns;
}

static double recorded_sum(rlc_tensor *const *roots, const variant *v) {
    rlc_tensor *x = rlc_slice(roots[v->operand], 1, 0, v->columns);
    rlc_tensor *y = rlc_add_scalar(rlc_mul_scalar(rlc_contiguous(x), v->number), 1);
    return rlc_item(rlc_sum(rlc_sum(y, v->dim, false), RLC_ALL, false));
}

/* Each comes three times in a row and then again among others, more of them than a program keeps. */
static void test_lists_that_differ_a_little(void **state) {
    (void)state;
    rlc_tensor *roots[2];
    float ones[60], twos[60];
    for (int i = 0; i < 60; i++) {
        ones[i] = 1;
        twos[i] = 2;
    }
    for (int i = 0; i < 2; i++) {
        roots[i] = rlc_tensor_new(sides[1].device, RLC_F32, RLC_SHAPE(6, 10));
        assert_non_null(roots[i]);
        expect_ok(rlc_tensor_write(roots[i], i == 0 ? ones : twos));
    }
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 48; i++) {
            const variant v = {1 + i / 24, i / 12 % 2, 4 + i / 4 % 3, i / 2 % 2};
            for (int again = 0; again < (turn == 0 ? 3 : 1); again++) {
                rlc_begin(there());
                const double got = recorded_sum(roots, &v);
                expect_ok(rlc_end(there()));
                assert_true(got == expected_sum(&v));
            }
        }
    }
    rlc_tensor_free(roots[0]);
    rlc_tensor_free(roots[1]);
}

/* The same addresses: settings that lie beside a node, and shapes that only its operands tell. */
static void test_settings_and_shapes_that_differ(void **state) {
    (void)state;
    rlc_tensor *param = root_on(sides[1].device, RLC_F64, RLC_SHAPE(1), SIGNED, 0);
    rlc_tensor *grad = root_on(sides[1].device, RLC_F64, RLC_SHAPE(1), SIGNED, 1);
    rlc_tensor *lr = root_on(sides[1].device, RLC_F32, RLC_SHAPE(1), SIGNED, 2);
    rlc_tensor *ring = rlc_tensor_new(sides[1].device, RLC_F64, RLC_SHAPE(4, 6));
    rlc_tensor *cursor = rlc_tensor_new(sides[1].device, RLC_I64, RLC_SHAPE(2));
    for (int i = 0; i < 12; i++) {
        const bool decays = i % 2 == 1, is_narrow = i / 2 % 2 == 1;
        const rlc_sgd settings = {.weight_decay = decays ? 0.5 : 0};
        expect_ok(rlc_tensor_write(param, (double[]){4}));
        expect_ok(rlc_tensor_write(grad, (double[]){1}));
        expect_ok(rlc_tensor_write(lr, (float[]){0.5f}));
        expect_ok(rlc_tensor_write(cursor, (int64_t[]){1, 1}));
        rlc_begin(there());
        rlc_sgd_step(param, grad, NULL, lr, &settings);
        rlc_assign(ring, rlc_zeros(RLC_F64, RLC_SHAPE(4, 6)));
        rlc_tensor *storage = rlc_view(ring, is_narrow ? RLC_SHAPE(8, 3) : RLC_SHAPE(4, 6));
        rlc_ring_write(storage, rlc_view(rlc_arange(RLC_F64, 6), is_narrow ? RLC_SHAPE(2, 3) : RLC_SHAPE(1, 6)),
                       cursor);
        double left = rlc_item(param), values[24];
        expect_ok(rlc_read(ring, values));
        expect_ok(rlc_end(there()));
        assert_true(left == (decays ? 2.5 : 3.5));
        assert_true(values[is_narrow ? 8 : 11] == 5);
    }
    rlc_tensor *roots[] = {param, grad, lr, ring, cursor};
    for (int i = 0; i < RLC_COUNT(roots); i++) {
        rlc_tensor_free(roots[i]);
    }
}

/* What changes in memory counts in a replay, too. */
static void test_data_that_changes(void **state) {
    (void)state;
    rlc_tensor *x = root_on(sides[1].device, RLC_F32, RLC_SHAPE(3), SIGNED, 0);
    for (int i = 0; i < 6; i++) {
        expect_ok(rlc_tensor_write(x, (float[]){(float)i, 1, 2}));
        rlc_begin(there());
        rlc_tensor *given = rlc_from_data(RLC_F32, RLC_SHAPE(3), (float[]){10, (float)(20 * i), 30});
        rlc_assign(x, rlc_add(rlc_mul(x, x), given));
        rlc_tensor *sum = rlc_sum(x, RLC_ALL, false);
        assert_true(rlc_item(sum) == i * i + 20 * i + 45);
        expect_ok(rlc_end(there()));
    }
    rlc_tensor_free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lists_that_differ_a_little, forget_machine),
        cmocka_unit_test_setup(test_settings_and_shapes_that_differ, forget_machine),
        cmocka_unit_test_setup(test_data_that_changes, forget_machine),
    };
    return cmocka_run_group_tests_name("replays on another device", tests, open_all, close_all);
}
