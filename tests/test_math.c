/* core/math.h against libm in double: float bit patterns from end to end, subnormals, infinities and NaN included. */
#include "tests/support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "core/math.h"

/* Units in the last place of float between got and the exact value, which double stands in for. */
static double error_in_ulps(float got, double exact) {
    if (isnan(exact)) {
        return isnan(got) ? 0 : INFINITY;
    }
    if ((double)got == exact || (float)exact == got) {
        return 0;
    }
    if (!isfinite((float)exact) || !isfinite(got)) { /* one of them overflowed: by how much, had there been room? */
        double limit = 0x1p128, finite = isfinite(got) ? (double)got : copysign(limit, (double)got);
        return isnan(got) || fabs(exact) == INFINITY ? INFINITY : fabs(finite - exact) / 0x1p104;
    }
    int exponent = -1000; /* of 0, whose neighbours are the smallest subnormal numbers */
    if (exact != 0) {
        frexp(exact, &exponent);
    }
    double ulp = ldexp(1, exponent - 24 > -149 ? exponent - 24 : -149);
    return fabs((double)got - exact) / ulp;
}

typedef struct function {
    const char *name;
    float (*got)(float x);
    double (*exact)(double x);
    double low, high, units; /* how far off the header allows it to be between low and high */
} function;

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* clang-format off */
#define WRAP(name) static float call_##name(float x) { return rlc_##name(x); }
WRAP(expf) WRAP(logf) WRAP(log1pf) WRAP(sinf) WRAP(cosf) WRAP(tanhf) WRAP(sigmoidf)
WRAP(expm1f) WRAP(erff)

static const function functions[] = {
    {"exp", call_expf, exp, -INFINITY, INFINITY, 2},
    {"log", call_logf, log, -INFINITY, INFINITY, 2},
    {"log1p", call_log1pf, log1p, -INFINITY, INFINITY, 2},
    {"sin", call_sinf, sin, -1e6, 1e6, 2},
    {"cos", call_cosf, cos, -1e6, 1e6, 2},
    {"tanh", call_tanhf, tanh, -INFINITY, INFINITY, 2},
    {"sigmoid", call_sigmoidf, sigmoid, -INFINITY, INFINITY, 2.5},
    {"expm1", call_expm1f, expm1, -INFINITY, INFINITY, 2},
    {"erf", call_erff, erf, -INFINITY, INFINITY, 2},
};
/* clang-format on */

typedef struct worst {
    double error;
    float at;
    int64_t count;
} worst;

static void visit(const function *f, float x, worst *w) {
    if ((double)x < f->low || (double)x > f->high) {
        return;
    }
    double error = error_in_ulps(f->got(x), f->exact((double)x));
    w->count++;
    if (!(error <= w->error)) {
        w->error = error;
        w->at = x;
    }
}

/* Every function must be as near as promised; all that are not are named. */
static void report(const worst *w) {
    int failures = 0;
    for (int i = 0; i < RLC_COUNT(functions); i++) {
        const function *f = &functions[i];
        print_message("%-8s %.2f ulp at most, at %.9g (%lld points)\n", f->name, w[i].error, (double)w[i].at,
                      (long long)w[i].count);
        assert_true(w[i].count > 0);
        if (!(w[i].error <= f->units)) {
            print_error("%s(%.9g) = %.9g, exactly %.17g\n", f->name, (double)w[i].at, (double)f->got(w[i].at),
                        f->exact((double)w[i].at));
            failures++;
        }
    }
    assert_int_equal(failures, 0);
}

/* Bit patterns of both signs, a prime apart so that all exponents meet many mantissas. */
static void test_all_magnitudes(void **state) {
    (void)state;
    worst w[RLC_COUNT(functions)] = {0};
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 2039) {
        for (int i = 0; i < RLC_COUNT(functions); i++) {
            visit(&functions[i], rlc_float_from_bits((uint32_t)bits), &w[i]);
        }
    }
    report(w);
}

/* Values around which functions change branch or lose digits, with the floats next to them. */
static void test_near_special_points(void **state) {
    (void)state;
    /* clang-format off */
    static const double points[] = {
        0, FLT_MIN, FLT_TRUE_MIN, FLT_MAX, 1, 2, 0.5, 0.625, 0.3125, 1e-3, 1e-4, 1e-7, 5.9604644775390625e-8,
        1.1920929e-7, 0.70710678, 1.41421356, 0.69314718, 0.34657359, 2.71828183, 9.0109, 17.328680, 16.635532,
        44, 87.336545, 88.37626, 88.722839, 89, 103.278929, 103.972084, 104, 126, 127, 128, 1e6, 0.99999994,
        0.9999, 0.29289322, 12582912, 8388608,
    };
    /* clang-format on */
    enum { NEAR = 2000 };
    worst w[RLC_COUNT(functions)] = {0};
    for (int k = 0; k < RLC_COUNT(points); k++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            uint32_t centre = rlc_float_bits((float)(sign * points[k])), size = centre & 0x7fffffff;
            for (int64_t d = -NEAR; d <= NEAR; d++) {
                int64_t magnitude = (int64_t)size + d;
                if (magnitude < 0 || magnitude > 0x7fffffff) {
                    continue;
                }
                float x = rlc_float_from_bits((centre & 0x80000000) | (uint32_t)magnitude);
                for (int i = 0; i < RLC_COUNT(functions); i++) {
                    visit(&functions[i], x, &w[i]);
                }
            }
        }
    }
    report(w);
}

/* Sine and cosine where they are smallest: near the multiples of pi / 2, up to the end of their range. */
static void test_near_zeros_of_sine(void **state) {
    (void)state;
    worst w[RLC_COUNT(functions)] = {0};
    for (int n = 1; n < 636620; n++) {
        float x = (float)(n * 1.57079632679489661923);
        float near[] = {x, nextafterf(x, 0), nextafterf(x, INFINITY)};
        for (int k = 0; k < RLC_COUNT(near); k++) {
            for (int i = 0; i < RLC_COUNT(functions); i++) {
                if (functions[i].high == 1e6) {
                    visit(&functions[i], n % 2 ? near[k] : -near[k], &w[i]);
                }
            }
        }
    }
    for (int i = 0; i < RLC_COUNT(functions); i++) {
        if (functions[i].high == 1e6) {
            print_message("%s: %.2f ulp at most, at %.9g\n", functions[i].name, w[i].error, (double)w[i].at);
            assert_true(w[i].error <= functions[i].units);
        }
    }
}

/* pow has two operands: bases of all magnitudes and exponents that keep the result in range, and out of it. */
static void test_pow(void **state) {
    (void)state;
    double worst_error = 0;
    float at[2] = {0};
    int64_t count = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 1000003) {
        float x = rlc_float_from_bits((uint32_t)bits);
        for (int k = -400; k <= 400; k++) {
            float y = k % 4 == 0 ? (float)k / 4 : (float)(k * k * k) * 1.7e-6f;
            double error = error_in_ulps(rlc_powf(x, y), pow((double)x, (double)y));
            count++;
            if (!(error <= worst_error)) {
                worst_error = error;
                at[0] = x;
                at[1] = y;
            }
        }
    }
    print_message("pow      %.2f ulp at most, at (%.9g, %.9g) (%lld points)\n", worst_error, (double)at[0], (double)at[1],
                  (long long)count);
    assert_true(worst_error <= 1);
    static const float special[] = {0,     -0.0f, 1,  -1,  2,         -2,   0.5f, -0.5f,     3,       1e-45f,
                                    1e30f, -1e30f, 16777215, 16777216, 16777217.0f, 1e20f, NAN,  INFINITY, -INFINITY};
    for (int i = 0; i < RLC_COUNT(special); i++) {
        for (int j = 0; j < RLC_COUNT(special); j++) {
            float got = rlc_powf(special[i], special[j]), wanted = powf(special[i], special[j]);
            bool same = isnan(wanted) ? isnan(got) : got == wanted && signbit(got) == signbit(wanted);
            if (!same) {
                print_error("pow(%g, %g) = %g, not %g\n", (double)special[i], (double)special[j], (double)got,
                            (double)wanted);
            }
            assert_true(same);
        }
    }
}

static void test_limits(void **state) {
    (void)state;
    assert_true(rlc_expf(-INFINITY) == 0 && rlc_expf(INFINITY) == INFINITY && rlc_expf(0) == 1);
    assert_true(rlc_expf(-200) == 0 && rlc_expf(200) == INFINITY && rlc_expf(-1e38f) == 0);
    assert_true(rlc_logf(0) == -INFINITY && rlc_logf(-0.0f) == -INFINITY && rlc_logf(INFINITY) == INFINITY);
    assert_true(isnan(rlc_logf(-1)) && isnan(rlc_logf(-INFINITY)) && rlc_logf(1) == 0);
    assert_true(rlc_log1pf(-1) == -INFINITY && isnan(rlc_log1pf(-2)) && rlc_log1pf(INFINITY) == INFINITY);
    assert_true(isnan(rlc_log1pf(-INFINITY)) && rlc_log1pf(0) == 0);
    assert_true(rlc_tanhf(INFINITY) == 1 && rlc_tanhf(-INFINITY) == -1 && rlc_tanhf(0) == 0);
    assert_true(rlc_sigmoidf(INFINITY) == 1 && rlc_sigmoidf(-INFINITY) == 0 && rlc_sigmoidf(0) == 0.5f);
    assert_true(rlc_sinf(0) == 0 && rlc_cosf(0) == 1);
    assert_true(isnan(rlc_sinf(INFINITY)) && isnan(rlc_cosf(-INFINITY)));
    for (int i = 0; i < RLC_COUNT(functions); i++) {
        assert_true(isnan(functions[i].got(NAN)) && isnan(functions[i].got(-NAN)));
    }
    for (int n = -126; n <= 127; n++) {
        assert_true(rlc_exp2i(n) == ldexpf(1, n));
    }
}

/* Whole turns taken off, whatever the side; what is within one already keeps its bits. */
static void test_wrapped_angles(void **state) {
    (void)state;
    for (int i = -200000; i <= 200000; i++) {
        float x = (float)i * 0.0123f, got = rlc_wrap_anglef(x);
        double turns = rint((double)x / (2 * M_PI)), wanted = (double)x - turns * (2 * M_PI);
        bool between = fabs(fabs(wanted) - M_PI) < 1e-3; /* on either side of half a turn, where both are right */
        assert_true(fabs((double)got - wanted) < 4e-7 || (between && fabs(fabs((double)got) - M_PI) < 1e-3));
        assert_true(fabsf(x) > 3.1415f || got == x);
    }
}

static void test_clamp_and_select(void **state) {
    (void)state;
    static const float values[] = {-INFINITY, -2, -1, -0.5f, 0, 1, 1.5f, INFINITY};
    for (int i = 0; i < RLC_COUNT(values); i++) {
        float wanted = fminf(fmaxf(values[i], -1), 1);
        assert_true(rlc_clampf(values[i], -1, 1) == wanted);
        assert_true(rlc_selectf(1, values[i], 7) == values[i] && rlc_selectf(0, 7, values[i]) == values[i]);
    }
    assert_true(isnan(rlc_clampf(NAN, -1, 1)) && isnan(rlc_selectf(1, NAN, 0)) && rlc_selectf(0, NAN, 2) == 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_magnitudes),
        cmocka_unit_test(test_near_special_points),
        cmocka_unit_test(test_near_zeros_of_sine),
        cmocka_unit_test(test_pow),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_wrapped_angles),
        cmocka_unit_test(test_clamp_and_select),
    };
    return cmocka_run_group_tests_name("mathematical functions", tests, NULL, NULL);
}
