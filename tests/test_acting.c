/* What acting records: what follows from parameters once, a draw in one node, sums of single numbers in none. */
#include "tests/world.h"
#include "tests/with_program.h"

#include "core/resting.h"
#include "core/rng.h"

static void test_keeping(void **state) {
    (void)state;
    const int owners[2] = {0};
    rlc_tensor *one = rlc_scalar(1), *two = rlc_scalar(2);
    rlc_no_grad(true);
    rlc_resting_keep(&owners[0], one);
    assert_null(rlc_resting_find(&owners[0])); /* parameters may change */
    assert_false(rlc_set_resting(true));
    rlc_resting_keep(&owners[0], one);
    rlc_resting_keep(&owners[1], two);
    assert_ptr_equal(rlc_resting_find(&owners[0]), one);
    assert_ptr_equal(rlc_resting_find(&owners[1]), two);
    assert_null(rlc_resting_find(owners + 2));
    rlc_no_grad(false);
    assert_null(rlc_resting_find(&owners[0])); /* it has no gradient */
    rlc_no_grad(true);
    assert_true(rlc_set_resting(false));
    assert_null(rlc_resting_find(&owners[0]));
    rlc_set_resting(true);
    rlc_resting_keep(&owners[0], one);
    expect_ok(rlc_end(p));
    assert_false(rlc_set_resting(true)); /* no program is open */
    assert_null(rlc_resting_find(&owners[0]));
    rlc_begin(p);
    rlc_no_grad(true);
    assert_null(rlc_resting_find(&owners[0]));
    expect_ok(rlc_end(p));
}

/* Without rest a step sees what the parameter is by then. */
static void test_scale_that_changes(void **state) {
    (void)state;
    rlc_model *model = world_model(1, rlc_spec_bounded(RLC_SHAPE(4), -1, 1));
    rlc_module *module = world_add(model, "scale", "{type: AddStateIndependentNormalScale, in_keys: [observation]}");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_no_grad(true);
    for (int i = 0; i < 3; i++) {
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(5));
        rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(5, 4)));
        rlc_module_call(module, td);
        const double wanted = exp(i);
        expect_elements("scale", rlc_select(rlc_dict_get(td, "scale"), 0, 4), 4,
                        (double[]){wanted, wanted, wanted, wanted}, 1e-5);
        rlc_tensor *parameter = world_parameter(model, "modules.scale.state_independent_scale");
        rlc_assign(parameter, rlc_add_scalar(parameter, 1));
    }
    expect_ok(rlc_end(p));
    rlc_model_free(model);
}

/* Where parameters rest, steps share the scale, unless they are of another shape. */
static void test_scale_that_rests(void **state) {
    (void)state;
    static const int64_t rows[] = {5, 5, 2, 5};
    rlc_model *model = world_model(1, rlc_spec_bounded(RLC_SHAPE(4), -1, 1));
    rlc_module *module = world_add(model, "scale", "{type: AddStateIndependentNormalScale, in_keys: [observation]}");
    rlc_tensor *scale[RLC_COUNT(rows)];
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_set_resting(true);
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(rows[i]));
        rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(rows[i], 4)));
        rlc_module_call(module, td);
        scale[i] = rlc_dict_get(td, "scale");
        expect_shape(scale[i], RLC_F32, RLC_SHAPE(rows[i], 4));
    }
    assert_ptr_equal(scale[0], scale[1]);
    assert_ptr_not_equal(scale[0], scale[3]);
    EXPECT(rlc_select(scale[3], 0, 1), 1, 1, 1, 1);
    expect_ok(rlc_end(p));
    rlc_model_free(model);
}

/* loc + scale * randn, bit for bit, by one node or by three. */
static void test_normal_draw(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "x"), *same = rlc_stream_new(test_device(), 1, "x");
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(3));
    expect_ok(rlc_tensor_write(root, (float[]){0.5f, 1, 2}));
    expect_ok(rlc_requires_grad(root));
    static const int64_t rows[] = {2, 3, 7, 30};
    for (int i = 0; i < 3 * RLC_COUNT(rows); i++) {
        const rlc_shape shape = RLC_SHAPE(rows[i / 3], 3);
        rlc_begin(p);
        rlc_no_grad(i % 3 > 0);
        rlc_tensor *loc = rlc_rand(stream, shape), *scale = i % 3 == 2 ? rlc_rand(stream, shape) : root;
        rlc_assign(same->counter, stream->counter);
        const int before = p->num_nodes;
        rlc_tensor *x = rlc_normal_draw(stream, loc, scale);
        assert_int_equal(p->num_nodes - before, i % 3 == 1 ? 2 : i % 3 == 2 ? 1 : 3); /* a row is copied to all */
        rlc_tensor *wanted = rlc_add(loc, rlc_mul(scale, rlc_randn(same, shape)));
        assert_true(rlc_item(rlc_all(rlc_eq(x, wanted), RLC_ALL, false)) == 1);
        assert_true(rlc_item(rlc_eq(stream->counter, same->counter)) == 1);
        if (i % 3 == 0) {
            rlc_zero_grad(root);
            rlc_backward(rlc_sum(x, RLC_ALL, false));
            rlc_tensor *noise = rlc_div(rlc_sub(x, loc), scale);
            rlc_tensor *off = rlc_sub(rlc_sum(noise, 0, false), root->grad);
            assert_true(rlc_item(rlc_max(rlc_abs(off), RLC_ALL, false)) < 1e-4);
        }
        expect_ok(rlc_end(p));
    }
    rlc_stream_free(stream);
    rlc_stream_free(same);
    rlc_tensor_free(root);
}

/* One scale for each row has a shape that only broadcasts; so has a scale with more rows than loc. */
static void test_normal_draw_that_broadcasts(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "x");
    rlc_no_grad(true);
    rlc_tensor *loc = rlc_zeros(RLC_F32, RLC_SHAPE(2, 3)), *nothing = rlc_zeros(RLC_F32, RLC_SHAPE(2, 1));
    EXPECT(rlc_normal_draw(stream, loc, nothing), 0, 0, 0, 0, 0, 0);
    expect_shape(rlc_normal_draw(stream, rlc_zeros(RLC_F32, RLC_SHAPE(3)), loc), RLC_F32, RLC_SHAPE(2, 3));
    expect_shape(rlc_normal_draw(stream, rlc_cast(loc, RLC_F64), nothing), RLC_F64, RLC_SHAPE(2, 3));
    rlc_normal_draw(stream, loc, rlc_zeros(RLC_F32, RLC_SHAPE(2)));
    expect_error(rlc_end(p), RLC_INVALID, "do not broadcast");
    rlc_stream_free(stream);
}

static void test_sum_of_single_numbers(void **state) {
    (void)state;
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2, 1));
    expect_ok(rlc_tensor_write(root, (float[]){3, 4}));
    rlc_no_grad(true);
    rlc_tensor *x = rlc_square(root);
    const int before = p->num_nodes;
    rlc_tensor *flat = rlc_sum(x, -1, false), *kept = rlc_sum(x, 1, true);
    assert_int_equal(p->num_nodes, before);
    expect_shape(flat, RLC_F32, RLC_SHAPE(2));
    expect_shape(kept, RLC_F32, RLC_SHAPE(2, 1));
    rlc_tensor *sum = rlc_sum(root, -1, false); /* of what it is now */
    rlc_assign(root, x);
    EXPECT(sum, 3, 4);
    EXPECT(flat, 9, 16);
    rlc_no_grad(false);
    expect_ok(rlc_requires_grad(root));
    rlc_backward(rlc_sum(rlc_square(rlc_sum(rlc_mul_scalar(root, 2), 1, false)), RLC_ALL, false));
    EXPECT(root->grad, 72, 128);
    expect_ok(rlc_end(p));
    rlc_tensor_free(root);
}

/* A first layer of few inputs has its weights rearranged in a way of its own. */
static void test_products_of_few_inputs(void **state) {
    (void)state;
    static const int64_t widths[] = {16, 17, 32, 48, 64, 80}, rows[] = {1, 2, 4, 5, 9, 40};
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "x");
    for (int i = 0; i < RLC_COUNT(widths) * RLC_COUNT(rows) * 5; i++) {
        const int64_t n = widths[i % 6], m = rows[i / 6 % 6], k = 1 + i / 36;
        rlc_begin(p);
        rlc_tensor *x = rlc_randn(stream, RLC_SHAPE(m, k)), *w = rlc_randn(stream, RLC_SHAPE(n, k));
        rlc_tensor *terms = rlc_mul(rlc_unsqueeze(x, 1), w), *y = rlc_affine(x, w, NULL, RLC_IDENTITY);
        rlc_tensor *off = rlc_abs(rlc_sub(y, rlc_sum(terms, -1, false)));
        assert_true(rlc_item(rlc_max(off, RLC_ALL, false)) < 1e-5);
        expect_ok(rlc_end(p));
    }
    rlc_stream_free(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keeping, start),
        cmocka_unit_test_setup(test_scale_that_changes, start),
        cmocka_unit_test_setup(test_scale_that_rests, start),
        cmocka_unit_test_setup(test_normal_draw, start),
        cmocka_unit_test_setup(test_normal_draw_that_broadcasts, start),
        cmocka_unit_test_setup(test_sum_of_single_numbers, start),
        cmocka_unit_test_setup(test_products_of_few_inputs, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
