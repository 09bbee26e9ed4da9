/* Specs: what they sample, how often, and what they say of themselves. */
#include "tests/with_draws.h"

#include "tensordict/spec.h"

static void test_one_hot(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_one_hot(5);
    assert_true(rlc_spec_is_discrete(&spec));
    assert_int_equal(rlc_spec_size(&spec), 5);
    rlc_tensor *draw = rlc_spec_sample(&spec, RLC_SHAPE(DRAWS / 3, 3), stream);
    expect_shape(draw, RLC_I64, RLC_SHAPE(DRAWS / 3, 3, 5));
    expect_shape(rlc_spec_zeros(&spec, RLC_SHAPE(7)), RLC_I64, RLC_SHAPE(7, 5));
    expect_shape(rlc_spec_zeros(&spec, (rlc_shape){0}), RLC_I64, RLC_SHAPE(5));
    double *values = read_doubles(draw), count[5] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double sum = 0;
        for (int k = 0; k < 5; k++) {
            double value = values[5 * i + k];
            assert_true(value == 0 || value == 1);
            count[k] += value;
            sum += value;
        }
        assert_true(sum == 1);
    }
    free(values);
    for (int k = 0; k < 5; k++) {
        expect_frequency(count[k], 0.2);
    }
    expect_ok(rlc_end(p));
}

static void test_categorical(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_categorical(3);
    assert_true(rlc_spec_is_discrete(&spec));
    assert_int_equal(rlc_spec_size(&spec), 3);
    expect_shape(rlc_spec_zeros(&spec, RLC_SHAPE(7, 2)), RLC_I64, RLC_SHAPE(7, 2));
    rlc_tensor *draw = rlc_spec_sample(&spec, RLC_SHAPE(DRAWS), stream);
    expect_shape(draw, RLC_I64, RLC_SHAPE(DRAWS));
    double *values = read_doubles(draw), count[3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        assert_true(values[i] == 0 || values[i] == 1 || values[i] == 2);
        count[(int)values[i]]++;
    }
    free(values);
    for (int k = 0; k < 3; k++) {
        expect_frequency(count[k], 1.0 / 3);
    }
    expect_ok(rlc_end(p));
}

static void test_binary(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_binary(RLC_SHAPE(2));
    assert_false(rlc_spec_is_discrete(&spec));
    assert_int_equal(rlc_spec_size(&spec), 2);
    expect_shape(rlc_spec_zeros(&spec, RLC_SHAPE(3)), RLC_BOOL, RLC_SHAPE(3, 2));
    rlc_tensor *draw = rlc_spec_sample(&spec, RLC_SHAPE(DRAWS / 2), stream);
    expect_shape(draw, RLC_BOOL, RLC_SHAPE(DRAWS / 2, 2));
    double *values = read_doubles(draw), count = 0;
    for (int i = 0; i < DRAWS; i++) {
        assert_true(values[i] == 0 || values[i] == 1);
        count += values[i];
    }
    free(values);
    expect_frequency(count, 0.5);
    expect_ok(rlc_end(p));
}

static void test_bounded(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_bounded(RLC_SHAPE(3), -2, 4);
    assert_false(rlc_spec_is_discrete(&spec));
    assert_int_equal(rlc_spec_size(&spec), 3);
    expect_shape(rlc_spec_zeros(&spec, RLC_SHAPE(2)), RLC_F32, RLC_SHAPE(2, 3));
    rlc_tensor *draw = rlc_spec_sample(&spec, RLC_SHAPE(DRAWS / 3), stream);
    expect_shape(draw, RLC_F32, RLC_SHAPE(DRAWS / 3, 3));
    double *values = read_doubles(draw), count[6] = {0}, least = 4, most = -2;
    for (int i = 0; i < DRAWS; i++) {
        assert_true(values[i] >= -2 && values[i] <= 4);
        count[(int)fmin(values[i] + 2, 5)]++;
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    free(values);
    assert_true(least < -1.99 && most > 3.99); /* all of the range is reached */
    for (int k = 0; k < 6; k++) {
        expect_frequency(count[k], 1.0 / 6);
    }
    expect_ok(rlc_end(p));
}

static void test_unbounded(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_unbounded(RLC_SHAPE(2, 3));
    assert_false(rlc_spec_is_discrete(&spec));
    assert_int_equal(rlc_spec_size(&spec), 6);
    expect_shape(rlc_spec_zeros(&spec, RLC_SHAPE(4)), RLC_F32, RLC_SHAPE(4, 2, 3));
    rlc_tensor *draw = rlc_spec_sample(&spec, RLC_SHAPE(DRAWS / 6), stream);
    expect_shape(draw, RLC_F32, RLC_SHAPE(DRAWS / 6, 2, 3));
    double *values = read_doubles(draw), inside = 0, below = 0;
    for (int i = 0; i < DRAWS; i++) {
        inside += fabs(values[i]) < 1;
        below += values[i] < 0;
    }
    free(values);
    expect_frequency(inside, 0.6826895); /* of a standard normal number */
    expect_frequency(below, 0.5);
    expect_ok(rlc_end(p));
}

static void test_zeros_are_zero(void **state) {
    (void)state;
    rlc_spec specs[] = {rlc_spec_one_hot(2), rlc_spec_categorical(2), rlc_spec_binary(RLC_SHAPE(1)),
                        rlc_spec_bounded(RLC_SHAPE(2), 1, 2), rlc_spec_unbounded((rlc_shape){0})};
    for (int i = 0; i < RLC_COUNT(specs); i++) {
        double *values = read_doubles(rlc_spec_zeros(&specs[i], RLC_SHAPE(3)));
        for (int64_t k = 0; k < 3 * rlc_shape_numel(specs[i].shape); k++) {
            assert_true(values[k] == 0);
        }
        free(values);
    }
    expect_ok(rlc_end(p));
}

static void test_encode(void **state) {
    (void)state;
    rlc_spec one_hot = rlc_spec_one_hot(3), categorical = rlc_spec_categorical(3);
    rlc_tensor *index = rlc_from_data(RLC_I64, RLC_SHAPE(2, 2), (int64_t[]){2, 0, 1, 2});
    rlc_tensor *encoded = rlc_spec_encode(&one_hot, index);
    expect_shape(encoded, RLC_I64, RLC_SHAPE(2, 2, 3));
    EXPECT(encoded, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1);
    rlc_tensor *same = rlc_spec_encode(&categorical, index);
    expect_shape(same, RLC_I64, RLC_SHAPE(2, 2));
    EXPECT(same, 2, 0, 1, 2);
    expect_ok(rlc_end(p));
}

/* Two draws from a stream differ; the same seed gives the same again. */
static void test_streams(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_bounded(RLC_SHAPE(1), 0, 1);
    rlc_stream *again = rlc_stream_new(test_device(), 1, "spec");
    double *a = read_doubles(rlc_spec_sample(&spec, RLC_SHAPE(4), stream));
    double *b = read_doubles(rlc_spec_sample(&spec, RLC_SHAPE(4), stream));
    double *c = read_doubles(rlc_spec_sample(&spec, RLC_SHAPE(4), again));
    for (int i = 0; i < 4; i++) {
        assert_true(a[i] != b[i] && a[i] == c[i]);
    }
    free(a);
    free(b);
    free(c);
    rlc_stream_free(again);
    expect_ok(rlc_end(p));
}

static void test_text(void **state) {
    (void)state;
    rlc_arena arena = {0};
    const struct {
        rlc_spec spec;
        const char *text;
    } cases[] = {
        {rlc_spec_one_hot(2), "OneHot(2)"},
        {rlc_spec_categorical(17), "Categorical(17)"},
        {rlc_spec_binary(RLC_SHAPE(3)), "Binary([3])"},
        {rlc_spec_bounded(RLC_SHAPE(1), -2, 2), "Bounded([1], -2, 2)"},
        {rlc_spec_unbounded(RLC_SHAPE(4, 84)), "Unbounded([4, 84])"},
        {rlc_spec_as(rlc_spec_unbounded(RLC_SHAPE(4)), RLC_I64), "Unbounded([4], int64)"},
        {rlc_spec_as(rlc_spec_bounded((rlc_shape){0}, 0, 255), RLC_U8), "Bounded([], 0, 255, uint8)"},
        {rlc_spec_multi_one_hot(&arena, (int64_t[]){2, 3, 17}, 3), "MultiOneHot(2, 3, 17)"},
        {rlc_spec_bounded_by(&arena, RLC_SHAPE(2), (double[]){-1, 0}, (double[]){1, 0.5}),
         "Bounded([2], -1 to 1, 0 to 0.5)"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        char text[RLC_SPEC_TEXT];
        assert_string_equal(rlc_spec_text(&cases[i].spec, text), cases[i].text);
    }
    double many[200] = {0};
    char text[RLC_SPEC_TEXT];
    rlc_spec long_one = rlc_spec_bounded_by(&arena, RLC_SHAPE(200), many, many);
    assert_int_equal(strlen(rlc_spec_text(&long_one, text)), RLC_SPEC_TEXT - 1);
    assert_string_equal(text + RLC_SPEC_TEXT - 4, "...");
    rlc_arena_free(&arena);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_hot, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_categorical, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_binary, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_bounded, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_unbounded, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_zeros_are_zero, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_encode, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_streams, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_text, start_stream, free_stream),
    };
    return cmocka_run_group_tests_name("specs", tests, NULL, NULL);
}
