/* What stops gradients, and what backward() refuses. */
#include "tests/with_roots.h"

#include "core/rng.h"
#include "core/update.h"

/* Roots that the loss does not depend on, or not through anything differentiable, get no gradient. */
static void test_only_where_it_depends(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3}), *y = parameter(2, (float[]){5, 6});
    rlc_tensor *unused = rlc_exp(y);
    rlc_tensor *mask = rlc_cast(rlc_gt(y, rlc_scalar(5.5)), RLC_F32);
    rlc_backward(total(rlc_mul(rlc_square(x), mask)));
    assert_non_null(unused);
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){0, 6});
    assert_false(y->flags & RLC_HAS_GRAD);
    rlc_tensor_free(x);
    rlc_tensor_free(y);
}

static void test_refusals(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3}), *constant = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(1));
    rlc_backward(NULL); /* what came before failed, or nothing is asked */
    expect_ok(rlc_end(p));

    rlc_begin(p);
    rlc_backward(rlc_square(x));
    expect_error(rlc_end(p), RLC_INVALID, "rlc_backward: needs a tensor with one element, got shape [2]");

    rlc_begin(p);
    rlc_backward(rlc_square(constant));
    expect_error(rlc_end(p), RLC_INVALID, "does not depend on anything that requires a gradient");

    rlc_begin(p);
    rlc_backward(rlc_argmax(x, 0, false));
    expect_error(rlc_end(p), RLC_INVALID, "does not depend on anything that requires a gradient");

    rlc_backward(constant);
    expect_error(rlc_error_status(), RLC_INVALID, "rlc_backward: no program is open");
    assert_false(x->flags & RLC_HAS_GRAD);
    rlc_tensor_free(x);
    rlc_tensor_free(constant);
}

static void test_no_grad(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    assert_false(rlc_no_grad(true));
    rlc_tensor *hidden = quadratic(x);
    assert_true(rlc_no_grad(true));
    assert_true(rlc_no_grad(false));
    assert_false(rlc_no_grad(false));
    rlc_backward(rlc_add(quadratic(x), hidden));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){7, 9});

    rlc_begin(p);
    rlc_no_grad(true);
    rlc_backward(quadratic(x));
    expect_error(rlc_end(p), RLC_INVALID, "does not depend on anything that requires a gradient");

    rlc_begin(p); /* begins with gradients again */
    assert_false(rlc_no_grad(false));
    rlc_backward(quadratic(x));
    assert_false(rlc_no_grad(false)); /* backward() leaves it as it was */
    expect_ok(rlc_end(p));
    rlc_tensor_free(x);
}

static void test_detach(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_tensor *y = rlc_square(x), *cut = rlc_detach(y);
    assert_ptr_equal(cut->data, y->data);
    assert_false(cut->flags & RLC_REQUIRES_GRAD);
    rlc_backward(total(rlc_mul(x, cut))); /* x^2 is a constant: the derivative is x^2, not 3x^2 */
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){4, 9});
    assert_true(x->flags & RLC_REQUIRES_GRAD);
    rlc_tensor_free(x);
}

/* What one program computed is a constant for another, even while both are open. */
static void test_other_programs(void **state) {
    (void)state;
    rlc_program *inner;
    expect_ok(rlc_program_new(test_device(), "inner", &inner));
    rlc_tensor *x = parameter(2, (float[]){2, 3}), *w = parameter(2, (float[]){1, 1});
    rlc_tensor *y = rlc_square(x), *loss = total(y);
    assert_true(rlc_item(loss) == 13);

    rlc_begin(inner);
    rlc_backward(loss);
    expect_error(rlc_end(inner), RLC_INVALID, "rlc_backward: the tensor belongs to another program");
    rlc_begin(inner);
    rlc_backward(total(rlc_mul_scalar(y, 2)));
    expect_error(rlc_end(inner), RLC_INVALID, "does not depend on anything that requires a gradient");
    rlc_begin(inner);
    rlc_backward(total(rlc_mul(rlc_exp(y), w)));
    rlc_backward(total(rlc_mul(rlc_stack((rlc_tensor *[]){y, w}, 2, 0), rlc_scalar(5))));
    rlc_backward(total(rlc_mul(rlc_concatenate((rlc_tensor *[]){y, w}, 2, 0), rlc_scalar(5))));
    expect_ok(rlc_end(inner));
    expect_gradient(w, 2, (float[]){expf(4) + 10, expf(9) + 10});
    assert_false(x->flags & RLC_HAS_GRAD);

    rlc_backward(loss); /* and is not disturbed by what the other did */
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){4, 6});
    rlc_tensor_free(x);
    rlc_tensor_free(w);
    rlc_program_free(inner);
}

static void test_assign(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_assign(x, rlc_scalar(1));
    expect_error(rlc_end(p), RLC_INVALID, "assign: the target requires a gradient");
    assert_true(((const float *)peek(x))[0] == 2);
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_assign(x, rlc_scalar(1));
    rlc_no_grad(false);
    rlc_backward(quadratic(x)); /* sees the new values */
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){5, 5});
    rlc_tensor_free(x);
}

static void double_it(const rlc_node *node) {
    for (int64_t i = 0; i < node->out->numel; i++) {
        ((float *)node->out->data)[i] = 2 * ((const float *)node->in[0]->data)[i];
    }
}

static void test_custom_op_without_gradient(void **state) {
    (void)state;
    static const rlc_custom_op op = {.name = "double_it", .run = double_it, .host_fallback = true};
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_tensor *y = rlc_custom(&op, RLC_F32, RLC_SHAPE(2), x, NULL, NULL, NULL, 0);
    assert_false(y->flags & RLC_REQUIRES_GRAD);
    rlc_backward(total(rlc_mul(x, y)));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){4, 6});
    rlc_tensor_free(x);
}

/* An op without a rule gives a constant though its operand wants a gradient, and a loss of nothing else is refused. */
static void test_ops_without_rule(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "autograd");
    rlc_tensor *first = rlc_zeros(RLC_I64, RLC_SHAPE(1)), *weight = rlc_ones(RLC_F32, RLC_SHAPE(1, 2));
    rlc_tensor *ring = rlc_zeros(RLC_F32, RLC_SHAPE(2));
    rlc_ring_write(ring, x, rlc_zeros(RLC_I64, RLC_SHAPE(2)));
    rlc_tensor *const constants[] = {rlc_argmax(x, 0, false),
                                     rlc_argsort(x, 0, false),
                                     rlc_nonzero(x),
                                     rlc_any(x, 0, false),
                                     rlc_logical_not(x),
                                     rlc_multinomial(stream, x, 1, true),
                                     rlc_random_categorical(stream, x),
                                     rlc_discounted_scan(x, x, NULL, 0),
                                     rlc_resample(x, 0, first, weight),
                                     ring};
    for (int i = 0; i < RLC_COUNT(constants); i++) {
        assert_non_null(constants[i]);
        if (constants[i]->flags & RLC_REQUIRES_GRAD) {
            fail_msg("result %d requires a gradient", i);
        }
    }
    rlc_backward(total(rlc_mul(x, rlc_discounted_scan(x, x, NULL, 0)))); /* 2 + 2 * 3, 3 */
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){8, 3});

    rlc_begin(p);
    rlc_backward(total(rlc_discounted_scan(x, x, NULL, 0)));
    expect_error(rlc_end(p), RLC_INVALID, "does not depend on anything that requires a gradient");
    rlc_stream_free(stream);
    rlc_tensor_free(x);
}

/* Only floats have gradients. */
static void test_integers(void **state) {
    (void)state;
    rlc_tensor *count = rlc_tensor_new(test_device(), RLC_I64, RLC_SHAPE(2));
    expect_error(rlc_requires_grad(count), RLC_INVALID, "int64");
    rlc_tensor *x = parameter(2, (float[]){2.5f, 3.5f});
    rlc_tensor *y = rlc_cast(x, RLC_I64);
    assert_false(y->flags & RLC_REQUIRES_GRAD);
    rlc_backward(total(rlc_mul(x, y)));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){2, 3});
    rlc_tensor_free(x);
    rlc_tensor_free(count);
}

/* While only shapes are recorded, gradients stay as they are. */
static void test_shapes_only(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_begin_shapes(p);
    rlc_backward(quadratic(x));
    expect_ok(rlc_end(p));
    assert_false(x->flags & RLC_HAS_GRAD);
    rlc_begin_shapes(p);
    rlc_backward(rlc_square(x));
    expect_error(rlc_end(p), RLC_INVALID, "needs a tensor with one element, got shape [2]");
    rlc_tensor_free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_only_where_it_depends, start),
        cmocka_unit_test_setup(test_refusals, start),
        cmocka_unit_test_setup(test_no_grad, start),
        cmocka_unit_test_setup(test_detach, start),
        cmocka_unit_test_setup(test_other_programs, start),
        cmocka_unit_test_setup(test_assign, start),
        cmocka_unit_test_setup(test_custom_op_without_gradient, start),
        cmocka_unit_test_setup(test_ops_without_rule, start),
        cmocka_unit_test_setup(test_integers, start),
        cmocka_unit_test_setup(test_shapes_only, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
