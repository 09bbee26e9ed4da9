/* Returns and advantages: against TorchRL (tests/golden/values.py), and by hand. */
#include "tests/world.h"

#include <stdio.h>

#include "objectives/values.h"

static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    return 0;
}

/* What a golden case has under `name`. */
static char current[32];
static rlc_tensor *given(const char *name) {
    return golden_tensor("values", "%s.%s", current, name);
}

static double tolerance;
static void check(const char *name, rlc_tensor *got) {
    char what[64];
    snprintf(what, sizeof what, "%s.%s", current, name);
    expect_close(what, got, golden("values", "%s", what), tolerance, tolerance);
    assert_false(got->flags & RLC_REQUIRES_GRAD);
}

static void check_all(void) {
    double settings[4];
    memcpy(settings, golden("values", "%s.settings", current)->data, sizeof settings);
    const double gamma = settings[0], lmbda = settings[1];
    rlc_begin(p);
    rlc_trajectory steps = {given("reward"), given("done"), given("terminated"), given("value"), given("next_value")};
    rlc_tensor *target = NULL;
    check("td0", rlc_td0(steps.reward, steps.terminated, steps.next_value, gamma));
    check("td1", rlc_td1(&steps, gamma));
    check("td_lambda", rlc_td_lambda(&steps, gamma, lmbda));
    check("reward_to_go", rlc_reward_to_go(steps.reward, steps.done, gamma));
    check("gae", rlc_gae(&steps, gamma, lmbda, &target));
    check("gae_target", target);
    check("vtrace", rlc_vtrace(&steps, given("log_pi"), given("log_mu"), gamma, settings[2], settings[3], &target));
    check("vtrace_target", target);
    expect_ok(rlc_end(p));
}

static void test_against_torchrl(void **state) {
    (void)state;
    static const char *const types[] = {"f32", "f64"};
    for (int k = 0; k < RLC_COUNT(types); k++) {
        int cases = 0;
        tolerance = k == 0 ? 1e-5 : 1e-13;
        for (; has_golden("values", "%s.%d.reward", types[k], cases); cases++) {
            snprintf(current, sizeof current, "%s.%d", types[k], cases);
            check_all();
        }
        assert_int_equal(cases, 28);
    }
}

#define NUMBERS(...) rlc_from_data(RLC_F32, RLC_SHAPE(5, 1), (float[5]){__VA_ARGS__})
#define FLAGS(...) rlc_from_data(RLC_BOOL, RLC_SHAPE(5, 1), (bool[5]){__VA_ARGS__})

static rlc_trajectory five_steps(void) {
    return (rlc_trajectory){.reward = NUMBERS(1, 2, 3, 4, 5),
                            .done = FLAGS(0, 1, 0, 1, 0),
                            .terminated = FLAGS(0, 1, 0, 0, 0),
                            .value = NUMBERS(.5, .4, .3, .2, .1),
                            .next_value = NUMBERS(.4, .3, .9, .1, .7)};
}

/* An end that is one, a truncated one, and a last step that is none. */
static void test_by_hand(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_trajectory steps = five_steps();
    rlc_tensor *target = NULL, *advantage = rlc_gae(&steps, 0.99, 0.95, &target);
    expect_elements("gae", advantage, 5, (double[]){2.4008, 1.6, 7.25801, 3.899, 5.593}, 5e-6);
    EXPECT(rlc_sub(rlc_sub(target, advantage), steps.value), 0, 0, 0, 0, 0);
    expect_elements("td_lambda", rlc_td_lambda(&steps, 0.99, 0.95), 5, (double[]){2.9008, 2, 6.89966, 4.099, 5.693},
                    5e-6);
    expect_elements("td1", rlc_td1(&steps, 0.99), 5, (double[]){2.98, 2, 7.05801, 4.099, 5.693}, 5e-6);
    EXPECT(rlc_td0(steps.reward, steps.terminated, steps.next_value, 0.5), 1.2, 2, 3.45, 4.05, 5.35);
    EXPECT(rlc_reward_to_go(steps.reward, steps.done, 0.5), 2, 2, 5, 4, 5);
    expect_ok(rlc_end(p));
}

/* What both policies like equally makes the n-step return of on-policy learning. */
static void test_vtrace_on_policy(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_trajectory steps = five_steps();
    rlc_tensor *log = rlc_full(RLC_F32, RLC_SHAPE(5, 1), -1.5), *target = NULL, *wanted = NULL;
    rlc_vtrace(&steps, log, log, 0.9, 1, 1, &target);
    rlc_gae(&steps, 0.9, 1, &wanted);
    EXPECT(rlc_sub(target, wanted), 0, 0, 0, 0, 0);
    expect_ok(rlc_end(p));
}

/* The value behind the end of an episode counts nothing, whatever it is. */
static void test_values_that_do_not_count(void **state) {
    (void)state;
    rlc_begin(p);
    rlc_trajectory steps = five_steps();
    steps.done = steps.terminated = rlc_ones(RLC_BOOL, RLC_SHAPE(5, 1));
    steps.next_value = rlc_full(RLC_F32, RLC_SHAPE(5, 1), NAN);
    rlc_tensor *target = NULL, *log = rlc_zeros(RLC_F32, RLC_SHAPE(5, 1));
    EXPECT(rlc_td0(steps.reward, steps.terminated, steps.next_value, 0.99), 1, 2, 3, 4, 5);
    EXPECT(rlc_td1(&steps, 0.99), 1, 2, 3, 4, 5);
    EXPECT(rlc_td_lambda(&steps, 0.99, 0.95), 1, 2, 3, 4, 5);
    EXPECT(rlc_gae(&steps, 0.99, 0.95, &target), .5, 1.6, 2.7, 3.8, 4.9);
    EXPECT(target, 1, 2, 3, 4, 5);
    EXPECT(rlc_vtrace(&steps, log, log, 0.99, 1, 1, &target), .5, 1.6, 2.7, 3.8, 4.9);
    EXPECT(target, 1, 2, 3, 4, 5);
    expect_ok(rlc_end(p));
}

/* No gradient passes, though the values have one. */
static void test_constants(void **state) {
    (void)state;
    rlc_tensor *value = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(5, 1));
    expect_ok(rlc_requires_grad(value));
    rlc_begin(p);
    rlc_trajectory steps = five_steps();
    rlc_tensor *target = NULL;
    steps.value = steps.next_value = value;
    assert_false(rlc_gae(&steps, 0.99, 0.95, &target)->flags & RLC_REQUIRES_GRAD);
    assert_false(target->flags & RLC_REQUIRES_GRAD);
    assert_false(rlc_td_lambda(&steps, 0.99, 0.95)->flags & RLC_REQUIRES_GRAD);
    assert_true(rlc_add(value, value)->flags & RLC_REQUIRES_GRAD); /* and the program is as it was */
    expect_ok(rlc_end(p));
    rlc_tensor_free(value);
}

/* The op alone, along any dimension and of operands with gaps: against the recurrence. */
static void test_scan(void **state) {
    (void)state;
    enum { A = 3, B = 37, C = 5 };
    rlc_begin(p);
    for (int dim = 0; dim < 3; dim++) {
        for (int with_end = 0; with_end < 2; with_end++) {
            rlc_tensor *x = rlc_reshape(rlc_arange(RLC_F64, A * B * C), RLC_SHAPE(B, A, C));
            rlc_tensor *a = rlc_transpose(rlc_sin(x), 0, 1), *b = rlc_cos(rlc_transpose(x, 0, 1));
            rlc_tensor *end = with_end ? rlc_exp(rlc_slice(b, dim, 0, 1)) : NULL;
            rlc_tensor *out = rlc_discounted_scan(a, b, end, dim - 3);
            const int64_t steps = rlc_size(a, dim);
            rlc_tensor *carry = with_end ? end : rlc_zeros(RLC_F64, (rlc_shape){0});
            for (int64_t t = steps - 1; t >= 0; t--) {
                carry = rlc_add(rlc_slice(a, dim, t, 1), rlc_mul(rlc_slice(b, dim, t, 1), carry));
                assert_true(rlc_item(rlc_all(rlc_eq(rlc_slice(out, dim, t, 1), carry), RLC_ALL, false)) == 1);
            }
        }
    }
    assert_int_equal(
        rlc_discounted_scan(rlc_zeros(RLC_F32, RLC_SHAPE(3, 0, 1)), rlc_zeros(RLC_F32, RLC_SHAPE(3, 0, 1)), NULL, -2)
            ->numel,
        0);
    expect_ok(rlc_end(p));
}

static rlc_tensor *zeros(rlc_dtype dtype, int64_t rows, int64_t columns) {
    return rlc_zeros(dtype, RLC_SHAPE(rows, columns));
}

/* X(what the message says, misuse of five steps `s`) */
#define MISUSES(X)                                                                                                     \
    X("gae: next_value has shape [4, 1], but reward has [5, 1]",                                                       \
      (s.next_value = zeros(RLC_F32, 4, 1), rlc_gae(&s, 1, 1, &target)))                                               \
    X("gae: value has shape [5, 2], but reward has [5, 1]",                                                            \
      (s.value = zeros(RLC_F32, 5, 2), rlc_gae(&s, 1, 1, &target)))                                                    \
    X("gae: done has shape [1, 5], but reward has [5, 1]",                                                             \
      (s.done = zeros(RLC_BOOL, 1, 5), rlc_gae(&s, 1, 1, &target)))                                                    \
    X("gae: value is float64, but reward is float32", (s.value = zeros(RLC_F64, 5, 1), rlc_gae(&s, 1, 1, &target)))    \
    X("td1: terminated has shape [5], but reward has [5, 1]",                                                          \
      (s.terminated = rlc_zeros(RLC_BOOL, RLC_SHAPE(5)), rlc_td1(&s, 1)))                                              \
    X("td_lambda: next_value has shape [4, 1], but reward has [5, 1]",                                                 \
      (s.next_value = zeros(RLC_F32, 4, 1), rlc_td_lambda(&s, 1, 1)))                                                  \
    X("vtrace: log_mu has shape [6, 1], but reward has [5, 1]",                                                        \
      rlc_vtrace(&s, s.value, zeros(RLC_F32, 6, 1), 1, 1, 1, &target))                                                 \
    X("reward_to_go: done has shape [5, 2], but reward has [5, 1]",                                                    \
      rlc_reward_to_go(s.reward, zeros(RLC_BOOL, 5, 2), 1))                                                            \
    X("reward_to_go: reward is int64; it must be of a float type", rlc_reward_to_go(zeros(RLC_I64, 5, 1), s.done, 1))  \
    X("reward_to_go: reward has shape [5]; it must be [*batch, T, 1] with at least one step",                          \
      rlc_reward_to_go(rlc_zeros(RLC_F32, RLC_SHAPE(5)), rlc_zeros(RLC_BOOL, RLC_SHAPE(5)), 1))                        \
    X("reward_to_go: reward has shape [0, 1]; it must be [*batch, T, 1] with at least one step",                       \
      rlc_reward_to_go(zeros(RLC_F32, 0, 1), zeros(RLC_BOOL, 0, 1), 1))                                                \
    X("discounted_scan: b is float32 [5, 2], but a is float32 [5, 1]: they must be alike",                             \
      rlc_discounted_scan(s.reward, zeros(RLC_F32, 5, 2), NULL, 0))                                                    \
    X("discounted_scan: b is float64 [5, 1], but a is float32 [5, 1]: they must be alike",                             \
      rlc_discounted_scan(s.reward, zeros(RLC_F64, 5, 1), NULL, 0))                                                    \
    X("discounted_scan: end is float32 [5, 1], but a is float32 [5, 1]: it must be one step of it",                    \
      rlc_discounted_scan(s.reward, s.value, s.value, 0))                                                              \
    X("discounted_scan: dimension 2 is outside of shape [5, 1]", rlc_discounted_scan(s.reward, s.value, NULL, 2))      \
    X("discounted_scan: a tensor without dimensions has no steps",                                                     \
      rlc_discounted_scan(rlc_scalar(1), rlc_scalar(1), NULL, 0))                                                      \
    X("discounted_scan: not available for int64",                                                                      \
      rlc_discounted_scan(zeros(RLC_I64, 2, 1), zeros(RLC_I64, 2, 1), NULL, 0))

#define EXPECT_MISUSE(text, misuse)                                                                                    \
    do {                                                                                                               \
        rlc_begin(p);                                                                                                  \
        rlc_trajectory s = five_steps();                                                                               \
        rlc_tensor *target = s.reward;                                                                                 \
        assert_null(misuse);                                                                                           \
        assert_true(target == NULL || target == s.reward);                                                             \
        expect_error(rlc_end(p), RLC_INVALID, text);                                                                   \
    } while (0);

static void test_misuse(void **state) {
    (void)state;
    MISUSES(EXPECT_MISUSE)
    rlc_begin(p); /* what is missing is no error of its own */
    rlc_trajectory s = five_steps();
    rlc_tensor *target = s.reward;
    s.next_value = NULL;
    assert_null(rlc_gae(&s, 1, 1, &target));
    assert_null(target);
    assert_null(rlc_td1(&s, 1));
    assert_null(rlc_vtrace(&s, s.value, NULL, 1, 1, 1, NULL));
    assert_null(rlc_reward_to_go(NULL, s.done, 1));
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_against_torchrl, start),
        cmocka_unit_test_setup(test_by_hand, start),
        cmocka_unit_test_setup(test_vtrace_on_policy, start),
        cmocka_unit_test_setup(test_values_that_do_not_count, start),
        cmocka_unit_test_setup(test_constants, start),
        cmocka_unit_test_setup(test_scan, start),
        cmocka_unit_test_setup(test_misuse, start),
    };
    return cmocka_run_group_tests_name("returns and advantages", tests, NULL, NULL);
}
