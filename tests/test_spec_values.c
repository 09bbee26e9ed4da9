/* Specs: what is in them, what they make of what is not, how choices are encoded; TorchRL's answers and samples of the
 * kinds that need arrays. */
#include "tests/with_draws.h"

#include "tensordict/spec.h"

/* What the golden file calls NAME: is_in and project as TorchRL has them, on values that rlc agrees about. */
static void check_golden(const char *name, const rlc_spec *spec) {
    rlc_tensor *value = golden_tensor("specs", "%s.value", name);
    if (has_golden("specs", "%s.is_in", name)) {
        rlc_tensor *typed = spec->kind == RLC_SPEC_BINARY ? rlc_cast(value, RLC_BOOL) : value;
        expect_close(name, rlc_spec_is_in(spec, typed), golden("specs", "%s.is_in", name), 0, 0);
    }
    if (has_golden("specs", "%s.project", name)) {
        rlc_tensor *wanted = rlc_cast(golden_tensor("specs", "%s.project", name), spec->dtype);
        rlc_stream *streams[] = {NULL, stream}; /* neither has a choice */
        for (int i = 0; i < RLC_COUNT(streams); i++) {
            rlc_tensor *got = rlc_spec_project(spec, value, streams[i]);
            expect_shape(got, spec->dtype, rlc_shape_of(wanted));
            EXPECT(rlc_cast(rlc_all(rlc_eq(got, wanted), RLC_ALL, false), RLC_F32), 1);
            EXPECT(rlc_cast(rlc_all(rlc_spec_is_in(spec, got), RLC_ALL, false), RLC_F32), 1);
        }
    }
    if (has_golden("specs", "%s.index", name)) {
        rlc_tensor *index = golden_tensor("specs", "%s.index", name), *encoded = rlc_spec_encode(spec, index);
        expect_close(name, encoded, golden("specs", "%s.encode", name), 0, 0);
        expect_close(name, rlc_spec_decode(spec, encoded), golden("specs", "%s.index", name), 0, 0);
    }
}

static void test_against_torchrl(void **state) {
    (void)state;
    rlc_arena arena = {0};
    static const double lows[] = {-2, -0.5, 0}, highs[] = {-1, 0.5, 3};
    static const double open_lows[] = {-INFINITY, -INFINITY, -INFINITY}, open_highs[] = {0, 1, INFINITY};
    static const int64_t nvec[] = {2, 3, 4};
    rlc_spec categorical_of = rlc_spec_categorical(4);
    categorical_of.shape = RLC_SHAPE(2);
    const struct {
        const char *name;
        rlc_spec spec;
    } cases[] = {
        {"bounded", rlc_spec_bounded(RLC_SHAPE(3), -1, 1)},
        {"bounded_by", rlc_spec_bounded_by(&arena, RLC_SHAPE(3), lows, highs)},
        {"half_open", rlc_spec_bounded_by(&arena, RLC_SHAPE(3), open_lows, open_highs)},
        {"bounded_int", rlc_spec_as(rlc_spec_bounded(RLC_SHAPE(2), -2, 5), RLC_I64)},
        {"categorical", rlc_spec_categorical(4)},
        {"categorical_of", categorical_of},
        {"categorical_float", rlc_spec_categorical(4)},
        {"binary", rlc_spec_binary(RLC_SHAPE(3))},
        {"unbounded", rlc_spec_unbounded(RLC_SHAPE(3))},
        {"one_hot", rlc_spec_one_hot(4)},
        {"one_hot_sum", rlc_spec_one_hot(4)},
        {"multi_one_hot", rlc_spec_multi_one_hot(&arena, nvec, 3)},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        check_golden(cases[i].name, &cases[i].spec);
    }
    expect_ok(rlc_end(p));
    rlc_arena_free(&arena);
}

static void test_multi_one_hot(void **state) {
    (void)state;
    rlc_arena arena = {0};
    rlc_spec spec = rlc_spec_multi_one_hot(&arena, (int64_t[]){2, 3}, 2);
    assert_false(rlc_spec_is_discrete(&spec));
    assert_int_equal(rlc_spec_size(&spec), 5);
    rlc_tensor *draw = rlc_spec_sample(&spec, RLC_SHAPE(DRAWS / 3, 3), stream);
    expect_shape(draw, RLC_I64, RLC_SHAPE(DRAWS / 3, 3, 5));
    rlc_tensor *index = rlc_spec_decode(&spec, draw);
    expect_shape(index, RLC_I64, RLC_SHAPE(DRAWS / 3, 3, 2));
    EXPECT(rlc_cast(rlc_all(rlc_spec_is_in(&spec, draw), RLC_ALL, false), RLC_F32), 1);
    double *choice = read_doubles(index), count[2][3] = {0};
    for (int i = 0; i < DRAWS; i++) {
        count[(int)choice[2 * i]][(int)choice[2 * i + 1]]++;
    }
    free(choice);
    for (int k = 0; k < 6; k++) {
        expect_frequency(count[k / 3][k % 3], 1.0 / 6); /* the parts know nothing of each other */
    }
    expect_ok(rlc_end(p));
    rlc_arena_free(&arena);
}

static void test_bounds_by_element(void **state) {
    (void)state;
    rlc_arena arena = {0};
    rlc_spec spec = rlc_spec_bounded_by(&arena, RLC_SHAPE(2), (double[]){-1, 10}, (double[]){1, 14});
    rlc_spec whole =
        rlc_spec_as(rlc_spec_bounded_by(&arena, RLC_SHAPE(2), (double[]){-1, 5}, (double[]){1, 9}), RLC_I64);
    assert_true(isnan(spec.low) && isnan(spec.high));
    double *real = read_doubles(rlc_spec_sample(&spec, RLC_SHAPE(DRAWS), stream)), quarter[2][4] = {{0}};
    double *integer = read_doubles(rlc_spec_sample(&whole, RLC_SHAPE(DRAWS), stream)), count[2][5] = {{0}};
    for (int i = 0; i < DRAWS; i++) {
        double a = real[2 * i], b = real[2 * i + 1], u = integer[2 * i], v = integer[2 * i + 1];
        assert_true(a >= -1 && a <= 1 && b >= 10 && b <= 14);
        assert_true(u >= -1 && u <= 1 && v >= 5 && v <= 9);
        quarter[0][(int)fmin(2 * (a + 1), 3)]++;
        quarter[1][(int)fmin(b - 10, 3)]++;
        count[0][(int)u + 1]++;
        count[1][(int)v - 5]++;
    }
    free(real);
    free(integer);
    for (int k = 0; k < 4; k++) {
        expect_frequency(quarter[0][k], 0.25);
        expect_frequency(quarter[1][k], 0.25);
    }
    for (int k = 0; k < 5; k++) {
        expect_frequency(count[0][k], k < 3 ? 1.0 / 3 : 0);
        expect_frequency(count[1][k], 0.2);
    }
    EXPECT(rlc_spec_low(&spec), -1, 10);
    EXPECT(rlc_spec_high(&spec), 1, 14);
    EXPECT(rlc_spec_high(&whole), 1, 9);
    expect_ok(rlc_end(p));
    rlc_arena_free(&arena);
}

/* Clamped into bounds, and brought there from [-1, 1] or [0, 1]; values that have none stay. */
static void test_clamp_and_stretch(void **state) {
    (void)state;
    rlc_arena arena = {0};
    rlc_spec common = rlc_spec_bounded(RLC_SHAPE(2), -1, 5), none = rlc_spec_unbounded(RLC_SHAPE(2));
    rlc_spec own = rlc_spec_bounded_by(&arena, RLC_SHAPE(2), (double[]){-1, 10}, (double[]){1, 14});
    rlc_tensor *x = rlc_from_data(RLC_F32, RLC_SHAPE(3, 2), (float[]){-1, -1, 0.5f, 0.5f, 20, 1});
    EXPECT(rlc_spec_clamp(&common, x), -1, -1, 0.5, 0.5, 5, 1);
    EXPECT(rlc_spec_clamp(&own, x), -1, 10, 0.5, 10, 1, 10);
    EXPECT(rlc_spec_clamp(&none, x), -1, -1, 0.5, 0.5, 20, 1);
    EXPECT(rlc_spec_stretch(&common, x, -1, 1), -1, -1, 3.5, 3.5, 62, 5);
    EXPECT(rlc_spec_stretch(&own, x, -1, 1), -1, 10, 0.5, 13, 20, 14);
    EXPECT(rlc_spec_stretch(&own, x, 0, 1), -3, 6, 0, 12, 39, 14);
    EXPECT(rlc_spec_stretch(&common, x, 0, 1), -7, -7, 2, 2, 119, 5);
    EXPECT(rlc_spec_stretch(&none, x, -1, 1), -1, -1, 0.5, 0.5, 20, 1);
    expect_ok(rlc_end(p));
    rlc_arena_free(&arena);
}

/* Integers reach both bounds; without bounds they are not negative and use their whole range. */
static void test_integers(void **state) {
    (void)state;
    rlc_spec bounded = rlc_spec_as(rlc_spec_bounded((rlc_shape){0}, -1, 2), RLC_I32);
    rlc_tensor *draw = rlc_spec_sample(&bounded, RLC_SHAPE(DRAWS), stream);
    expect_shape(draw, RLC_I32, RLC_SHAPE(DRAWS));
    double *values = read_doubles(draw), count[4] = {0};
    for (int i = 0; i < DRAWS; i++) {
        assert_true(values[i] >= -1 && values[i] <= 2);
        count[(int)values[i] + 1]++;
    }
    free(values);
    for (int k = 0; k < 4; k++) {
        expect_frequency(count[k], 0.25);
    }
    static const struct {
        rlc_dtype dtype;
        double range;
    } cases[] = {{RLC_BOOL, 2}, {RLC_U8, 256}, {RLC_I32, 2147483648.0}, {RLC_I64, 9223372036854775808.0}};
    for (int c = 0; c < RLC_COUNT(cases); c++) {
        rlc_spec spec = rlc_spec_as(rlc_spec_unbounded((rlc_shape){0}), cases[c].dtype);
        double below = 0;
        values = read_doubles(rlc_spec_sample(&spec, RLC_SHAPE(DRAWS), stream));
        for (int i = 0; i < DRAWS; i++) {
            assert_true(values[i] >= 0 && values[i] <= cases[c].range);
            below += values[i] < cases[c].range / 2;
        }
        free(values);
        expect_frequency(below, 0.5);
    }
    expect_ok(rlc_end(p));
}

/* A row of a one-hot that is none becomes one of its positive entries, in proportion, as torch.multinomial draws. */
static void test_projection_is_drawn(void **state) {
    (void)state;
    rlc_spec spec = rlc_spec_one_hot(4);
    rlc_tensor *weights = rlc_from_data(RLC_F32, RLC_SHAPE(4), (float[]){0.5f, 0, 3, 1.5f});
    rlc_tensor *draw = rlc_spec_project(&spec, rlc_expand(weights, RLC_SHAPE(DRAWS, 4)), stream);
    double *choice = read_doubles(rlc_spec_decode(&spec, draw)), count[4] = {0};
    for (int i = 0; i < DRAWS; i++) {
        count[(int)choice[i]]++;
    }
    free(choice);
    expect_frequency(count[0], 0.1);
    expect_frequency(count[1], 0);
    expect_frequency(count[2], 0.6);
    expect_frequency(count[3], 0.3);
    EXPECT(rlc_spec_project(&spec, weights, NULL), 0, 0, 1, 0);
    EXPECT(rlc_spec_project(&spec, rlc_zeros(RLC_F32, RLC_SHAPE(4)), stream), 1, 0, 0, 0);
    expect_ok(rlc_end(p));
}

static void test_strict_membership(void **state) {
    (void)state;
    rlc_spec one_hot = rlc_spec_one_hot(3), bounded = rlc_spec_bounded((rlc_shape){0}, 0, 1);
    rlc_tensor *rows = rlc_from_data(RLC_I64, RLC_SHAPE(3, 3), (int64_t[]){2, -1, 0, 0, 1, 0, 1, 1, -1});
    EXPECT(rlc_cast(rlc_spec_is_in(&one_hot, rows), RLC_F32), 0, 1, 0);
    rlc_tensor *numbers = rlc_from_data(RLC_F32, RLC_SHAPE(4), (float[]){0, 1, 1.0000001f, NAN});
    EXPECT(rlc_cast(rlc_spec_is_in(&bounded, numbers), RLC_F32), 1, 1, 0, 0);
    rlc_spec categorical = rlc_spec_categorical(3);
    EXPECT(rlc_cast(rlc_spec_project(&categorical, numbers, NULL), RLC_F32), 0, 1, 1, 0); /* NaN is 0 */
    expect_ok(rlc_end(p));
}

static void test_equality(void **state) {
    (void)state;
    rlc_arena arena = {0}, other = {0};
    const rlc_spec specs[] = {
        rlc_spec_one_hot(2),
        rlc_spec_one_hot(3),
        rlc_spec_categorical(3),
        rlc_spec_binary(RLC_SHAPE(3)),
        rlc_spec_unbounded(RLC_SHAPE(3)),
        rlc_spec_as(rlc_spec_unbounded(RLC_SHAPE(3)), RLC_I64),
        rlc_spec_bounded(RLC_SHAPE(3), -1, 1),
        rlc_spec_bounded(RLC_SHAPE(3), -1, 2),
        rlc_spec_bounded_by(&arena, RLC_SHAPE(3), (double[]){-1, -1, -1}, (double[]){1, 1, 2}),
        rlc_spec_multi_one_hot(&arena, (int64_t[]){2, 3}, 2),
        rlc_spec_multi_one_hot(&arena, (int64_t[]){3, 2}, 2),
    };
    for (int i = 0; i < RLC_COUNT(specs); i++) {
        for (int k = 0; k < RLC_COUNT(specs); k++) {
            rlc_spec copy = rlc_spec_clone(&other, &specs[k]);
            assert_int_equal(rlc_spec_equal(&specs[i], &copy), i == k);
        }
    }
    rlc_spec same = rlc_spec_bounded_by(&arena, RLC_SHAPE(3), (double[]){-1, -1, -1}, (double[]){1, 1, 1});
    assert_true(rlc_spec_equal(&same, &specs[6]));
    expect_ok(rlc_end(p));
    rlc_arena_free(&arena);
    rlc_arena_free(&other);
}

static void test_misuse(void **state) {
    (void)state;
    rlc_arena arena = {0};
    rlc_spec one_hot = rlc_spec_one_hot(3), open = rlc_spec_bounded(RLC_SHAPE(1), -INFINITY, 0);
    rlc_spec wide = rlc_spec_as(rlc_spec_bounded(RLC_SHAPE(1), 0, 1e12), RLC_I64);
    rlc_spec multi = rlc_spec_multi_one_hot(&arena, (int64_t[]){2, 3}, 2);
    rlc_spec_is_in(&one_hot, rlc_zeros(RLC_F32, RLC_SHAPE(2, 3)));
    expect_error(rlc_end(p), RLC_INVALID, "spec_is_in: float32 [2, 3] is no batch of OneHot(3), int64");
    rlc_begin(p);
    rlc_spec_project(&one_hot, rlc_zeros(RLC_I64, RLC_SHAPE(3, 2)), NULL);
    expect_error(rlc_end(p), RLC_INVALID, "spec_project: int64 [3, 2] is no batch of OneHot(3), int64");
    rlc_begin(p);
    rlc_spec_sample(&open, RLC_SHAPE(2), stream);
    expect_error(rlc_end(p), RLC_INVALID, "cannot draw uniformly from -inf to 0");
    rlc_begin(p);
    rlc_spec_sample(&wide, RLC_SHAPE(2), stream);
    expect_error(rlc_end(p), RLC_INVALID, "cannot draw uniformly from 0 to 1e+12");
    rlc_begin(p);
    rlc_spec_encode(&multi, rlc_zeros(RLC_I64, RLC_SHAPE(2, 3)));
    expect_error(rlc_end(p), RLC_INVALID, "a choice for each of 2 parts must come, not 3");
    rlc_begin(p);
    rlc_spec_encode(&one_hot, rlc_full(RLC_I64, RLC_SHAPE(1), 3));
    expect_error(rlc_end(p), RLC_FAILED, "index 3 is outside");
    rlc_spec_multi_one_hot(&arena, (int64_t[]){2, 0}, 2);
    expect_error(rlc_error_status(), RLC_INVALID, "1 to 256 parts with at least one choice each");
    assert_null(rlc_spec_project(&one_hot, NULL, NULL));
    rlc_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torchrl, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_multi_one_hot, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_bounds_by_element, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_clamp_and_stretch, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_integers, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_projection_is_drawn, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_strict_membership, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_equality, start_stream, free_stream),
        cmocka_unit_test_setup_teardown(test_misuse, start_stream, free_stream),
    };
    return cmocka_run_group_tests_name("spec values", tests, NULL, NULL);
}
