/* backward(): what it refuses, how gradients add up, and what stops them. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

#include "core/rng.h"
#include "core/update.h"

static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    return 0;
}

/* A float32 root of one dimension that requires a gradient. */
static rlc_tensor *parameter(int count, const float *values) {
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(count));
    assert_non_null(x);
    expect_ok(rlc_tensor_write(x, values));
    expect_ok(rlc_requires_grad(x));
    return x;
}

static void expect_gradient(const rlc_tensor *root, int count, const float *wanted) {
    assert_true(root->flags & RLC_HAS_GRAD);
    const float *got = peek(root->grad);
    for (int i = 0; i < count; i++) {
        if (!(fabsf(got[i] - wanted[i]) <= 1e-5f)) {
            fail_msg("gradient %d is %g, wanted %g", i, (double)got[i], (double)wanted[i]);
        }
    }
}

static rlc_tensor *total(rlc_tensor *x) {
    return rlc_sum(x, RLC_ALL, false);
}

/* x^2 + 3x, whose derivative is 2x + 3 */
static rlc_tensor *quadratic(rlc_tensor *x) {
    return total(rlc_add(rlc_square(x), rlc_mul_scalar(x, 3)));
}

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

static void test_one_element_of_any_shape(void **state) {
    (void)state;
    rlc_tensor *x = parameter(1, (float[]){2});
    rlc_backward(rlc_reshape(rlc_square(x), RLC_SHAPE(1, 1, 1)));
    expect_ok(rlc_end(p));
    expect_gradient(x, 1, (float[]){4});
    rlc_tensor_free(x);
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
        cmocka_unit_test_setup(test_only_where_it_depends, start),
        cmocka_unit_test_setup(test_one_element_of_any_shape, start),
        cmocka_unit_test_setup(test_refusals, start),
        cmocka_unit_test_setup(test_no_grad, start),
        cmocka_unit_test_setup(test_detach, start),
        cmocka_unit_test_setup(test_other_programs, start),
        cmocka_unit_test_setup(test_assign, start),
        cmocka_unit_test_setup(test_custom_op_without_gradient, start),
        cmocka_unit_test_setup(test_ops_without_rule, start),
        cmocka_unit_test_setup(test_long_chain, start),
        cmocka_unit_test_setup(test_integers, start),
        cmocka_unit_test_setup(test_shapes_only, start),
        cmocka_unit_test_setup(test_without_elements, start),
        cmocka_unit_test_setup(test_empty_batches, start),
    };
    return cmocka_run_group_tests_name("autograd", tests, NULL, NULL);
}
