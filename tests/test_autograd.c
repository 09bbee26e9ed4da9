/* backward(): how gradients add up, whatever they come through. */
#include "tests/with_roots.h"

#include <stdlib.h>

static void test_quadratic(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_backward(quadratic(x));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){7, 9});
    rlc_tensor_free(x);
}

/* Gradients add up over programs until they are forgotten; then the next backward() writes. */
static void test_accumulation(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    for (int round = 1; round <= 3; round++) {
        rlc_begin(p);
        rlc_backward(quadratic(x));
        expect_ok(rlc_end(p));
        expect_gradient(x, 2, (float[]){7.0f * (float)round, 9.0f * (float)round});
    }
    rlc_zero_grad(x);
    assert_false(x->flags & RLC_HAS_GRAD);
    rlc_begin(p);
    rlc_backward(quadratic(x));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){7, 9});
    rlc_tensor_free(x);
}

/* Two losses over one computed tensor, in one program. The second backward() must not meet what the first left. */
static void test_shared_subgraph(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_tensor *h = rlc_square(x);
    rlc_tensor *first = total(rlc_mul_scalar(h, 3)), *second = total(rlc_mul(h, x));
    rlc_backward(first);
    rlc_backward(second);
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){6 * 2 + 3 * 4, 6 * 3 + 3 * 9}); /* of 3 x^2 and of x^3 */
    rlc_tensor_free(x);
}

/* Slices that lie apart, overlap and stride, of a tensor that is read whole between them, forwards and twice backwards. */
static void test_slices(void **state) {
    (void)state;
    rlc_tensor *x = parameter(4, (float[]){1, 2, 3, 4}), *h = rlc_mul_scalar(x, 2);
    rlc_tensor *sum = rlc_mul_scalar(total(rlc_slice(h, 0, 0, 2)), 3);
    sum = rlc_add(sum, rlc_mul_scalar(total(rlc_slice(h, 0, 1, 3)), 5));
    sum = rlc_add(sum, total(rlc_square(h)));
    sum = rlc_add(sum, rlc_mul_scalar(total(rlc_slice_step(h, 0, 0, 4, 2)), 7));
    sum = rlc_add(sum, rlc_mul_scalar(total(rlc_slice(h, 0, 3, 1)), 11));
    for (int times = 1; times <= 2; times++) {
        rlc_backward(sum);
        rlc_tensor *whole = rlc_mul_scalar(x->grad, 1.0 / times);
        double *got = read_doubles(whole);
        const double wanted[4] = {2 * (3 + 2 * 2 + 7), 2 * (3 + 5 + 2 * 4), 2 * (5 + 2 * 6 + 7), 2 * (5 + 2 * 8 + 11)};
        for (int i = 0; i < 4; i++) {
            assert_true(got[i] == wanted[i]);
        }
        free(got);
    }
    expect_ok(rlc_end(p));
    rlc_tensor_free(x);
}

/* A gradient that slices made goes to both operands of a sum; what a slice of one of them then adds is not the other's. */
static void test_slices_before_a_sum(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){1, 2}), *other = parameter(2, (float[]){3, 4});
    rlc_tensor *a = rlc_mul_scalar(x, 2), *b = rlc_mul_scalar(other, 3);
    rlc_tensor *early = total(rlc_slice(a, 0, 0, 1));
    rlc_backward(rlc_add(early, rlc_mul_scalar(total(rlc_slice(rlc_add(a, b), 0, 0, 1)), 5)));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){2 * (1 + 5), 0});
    expect_gradient(other, 2, (float[]){3 * 5, 0});
    rlc_tensor_free(x);
    rlc_tensor_free(other);
}

/* As many slices as a sequence has steps cost a gradient as many elements, and not their square. */
static void test_slices_of_a_sequence(void **state) {
    (void)state;
    enum { STEPS = 64 };
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(STEPS, 3));
    expect_ok(rlc_requires_grad(x));
    rlc_tensor *h = rlc_mul_scalar(x, 2), *sum = rlc_scalar(0);
    for (int t = 0; t < STEPS; t++) {
        sum = rlc_add(sum, rlc_mul_scalar(total(rlc_select(h, 0, t)), t));
    }
    const int before = p->num_nodes;
    rlc_backward(sum);
    int64_t elements = 0;
    for (int i = before; i < p->num_nodes; i++) {
        elements += p->nodes[i].out->numel;
    }
    assert_true(elements < 30 * STEPS * 3);
    double *got = read_doubles(x->grad);
    for (int i = 0; i < STEPS * 3; i++) {
        assert_true(got[i] == 2 * (i / 3));
    }
    free(got);
    expect_ok(rlc_end(p));
    rlc_tensor_free(x);
}

/* The same loss twice counts twice; its gradient can also be taken, forgotten and taken again. */
static void test_same_loss_again(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3});
    rlc_tensor *loss = quadratic(x);
    rlc_backward(loss);
    rlc_backward(loss);
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){14, 18});
    rlc_begin(p);
    loss = quadratic(x);
    rlc_backward(loss);
    rlc_zero_grad(x);
    rlc_backward(loss);
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){7, 9});
    rlc_tensor_free(x);
}

/* Layers add their products to a root's gradient without a detour; that must add up too. */
static void test_accumulation_in_layers(void **state) {
    (void)state;
    const float ones[6] = {1, 1, 1, 1, 1, 1}, numbers[6] = {1, 2, 3, 4, 5, 6};
    rlc_tensor *flat = parameter(6, ones), *bias = parameter(2, ones);
    rlc_tensor *weight = rlc_tensor_over(test_device(), RLC_F32, RLC_SHAPE(2, 3), flat->data);
    expect_ok(rlc_requires_grad(weight));
    for (int round = 1; round <= 2; round++) {
        rlc_begin(p);
        rlc_tensor *x = rlc_from_data(RLC_F32, RLC_SHAPE(2, 3), numbers);
        rlc_backward(total(rlc_add(rlc_affine(x, weight, bias, RLC_IDENTITY), rlc_affine(x, weight, bias, RLC_RELU))));
        expect_ok(rlc_end(p));
        float c = 2 * (float)round; /* two layers a round */
        expect_gradient(weight, 6, (float[]){5 * c, 7 * c, 9 * c, 5 * c, 7 * c, 9 * c});
        expect_gradient(bias, 2, (float[]){2 * c, 2 * c});
    }
    rlc_tensor_free(weight);
    rlc_tensor_free(flat);
    rlc_tensor_free(bias);
}

static void test_one_element_of_any_shape(void **state) {
    (void)state;
    rlc_tensor *x = parameter(1, (float[]){2});
    rlc_backward(rlc_reshape(rlc_square(x), RLC_SHAPE(1, 1, 1)));
    expect_ok(rlc_end(p));
    expect_gradient(x, 1, (float[]){4});
    rlc_tensor_free(x);
}

/* A list longer than the first allocation, which moves while backward() appends to it. */
static void test_long_chain(void **state) {
    (void)state;
    rlc_tensor *x = parameter(2, (float[]){2, 3}), *y = x;
    for (int i = 0; i < 3000; i++) {
        y = rlc_add(y, x);
    }
    rlc_backward(total(y));
    expect_ok(rlc_end(p));
    expect_gradient(x, 2, (float[]){3001, 3001});
    rlc_tensor_free(x);
}

/* Gradients through tensors without elements are zeros of the right shape, in PyTorch and here. */
#define EMPTY_CASES(X)                                                                                                 \
    X(sum_rows, rlc_sum(e, 0, false), 0, 3)                                                                            \
    X(sum_columns, rlc_sum(e, 1, true), 3, 0)                                                                          \
    X(sum_of_no_rows_by_columns, rlc_sum(e, 1, false), 0, 3)                                                           \
    X(mean_columns, rlc_mean(e, 1, false), 0, 3)                                                                       \
    X(sum_of_all, total(e), 0, 3)                                                                                      \
    X(broadcast, rlc_mul(e, rlc_from_data(RLC_F32, RLC_SHAPE(1, 3), (float[3]){1, 2, 3})), 0, 3)                       \
    X(layer_without_rows, rlc_affine(e, rlc_zeros(RLC_F32, RLC_SHAPE(4, 3)), NULL, RLC_RELU), 0, 3)                    \
    X(layer_without_inputs,                                                                                            \
      rlc_affine(e, rlc_zeros(RLC_F32, RLC_SHAPE(4, 0)), rlc_zeros(RLC_F32, RLC_SHAPE(4)), RLC_RELU), 3, 0)            \
    X(weight_without_inputs, rlc_affine(rlc_zeros(RLC_F32, RLC_SHAPE(5, 0)), e, NULL, RLC_IDENTITY), 3, 0)             \
    X(product_without_rows, rlc_matmul(e, rlc_zeros(RLC_F32, RLC_SHAPE(3, 4))), 0, 3)                                  \
    X(product_over_nothing, rlc_matmul(e, rlc_zeros(RLC_F32, RLC_SHAPE(0, 4))), 3, 0)                                  \
    X(gather_nothing, rlc_gather(e, 1, rlc_zeros(RLC_I64, RLC_SHAPE(0, 2))), 0, 3)                                     \
    X(select_no_rows, rlc_index_select(e, rlc_zeros(RLC_I64, RLC_SHAPE(0))), 0, 3)                                     \
    X(reshape_nothing, rlc_reshape(rlc_transpose(e, 0, 1), RLC_SHAPE(0, 5)), 0, 3)                                     \
    X(join_nothing, rlc_concatenate((rlc_tensor *[]){e, e}, 2, 0), 0, 3)

#define DEFINE_EMPTY(name, expression, ...)                                                                            \
    static rlc_tensor *empty_##name(rlc_tensor *e) {                                                                   \
        return expression;                                                                                             \
    }
EMPTY_CASES(DEFINE_EMPTY)

static void test_without_elements(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_tensor *(*f)(rlc_tensor *e);
        int64_t rows, columns;
    } table[] = {
#define EMPTY_ROW(name, expression, ...) {#name, empty_##name, __VA_ARGS__},
        EMPTY_CASES(EMPTY_ROW)};
    int failures = 0;
    for (int i = 0; i < RLC_COUNT(table); i++) {
        rlc_tensor *e = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(table[i].rows, table[i].columns));
        expect_ok(rlc_requires_grad(e));
        rlc_begin(p);
        rlc_backward(total(table[i].f(e)));
        if (rlc_end(p) != RLC_OK || !(e->flags & RLC_HAS_GRAD)) {
            print_error("%s: %s\n", table[i].name, rlc_error());
            rlc_error_clear();
            failures++;
        }
        rlc_tensor_free(e);
    }
    assert_int_equal(failures, 0);
}

/* A batch without rows gives zeros, also where an older gradient was; a layer without inputs is its bias. */
static void test_empty_batches(void **state) {
    (void)state;
    rlc_tensor *weight = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2, 3)), *bias = parameter(2, (float[]){1, 2});
    expect_ok(rlc_requires_grad(weight));
    for (int rows = 4; rows >= 0; rows -= 4) {
        rlc_begin(p);
        rlc_zero_grad(weight);
        rlc_zero_grad(bias);
        rlc_backward(total(rlc_affine(rlc_full(RLC_F32, RLC_SHAPE(rows, 3), 1), weight, bias, RLC_IDENTITY)));
        expect_ok(rlc_end(p));
        float r = (float)rows;
        expect_gradient(weight, 6, (float[]){r, r, r, r, r, r});
        expect_gradient(bias, 2, (float[]){r, r});
    }
    rlc_begin(p);
    rlc_zero_grad(bias);
    rlc_tensor *x = rlc_zeros(RLC_F32, RLC_SHAPE(5, 0)), *none = rlc_zeros(RLC_F32, RLC_SHAPE(2, 0));
    rlc_tensor *y = rlc_affine(x, none, bias, RLC_RELU);
    rlc_backward(total(y));
    assert_true(rlc_item(rlc_select(rlc_select(y, 0, 4), 0, 1)) == 2);
    expect_ok(rlc_end(p));
    expect_gradient(bias, 2, (float[]){5, 5});
    rlc_tensor_free(weight);
    rlc_tensor_free(bias);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_quadratic, start),
        cmocka_unit_test_setup(test_accumulation, start),
        cmocka_unit_test_setup(test_shared_subgraph, start),
        cmocka_unit_test_setup(test_slices, start),
        cmocka_unit_test_setup(test_slices_before_a_sum, start),
        cmocka_unit_test_setup(test_slices_of_a_sequence, start),
        cmocka_unit_test_setup(test_same_loss_again, start),
        cmocka_unit_test_setup(test_accumulation_in_layers, start),
        cmocka_unit_test_setup(test_one_element_of_any_shape, start),
        cmocka_unit_test_setup(test_long_chain, start),
        cmocka_unit_test_setup(test_without_elements, start),
        cmocka_unit_test_setup(test_empty_batches, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
