/* What two types become, and what each op makes of each type: PyTorch's promotion (tests/golden/ops.py). */
#include "tests/golden_case.h"

static const char *const types[] = {"bool", "u8", "i32", "i64", "f32", "f64"};

static int wrong;

/* As expect_close, but names what differs and goes on; types are part of it. */
static void expect_same(const char *what, rlc_tensor *got) {
    const rlc_safetensors_entry *wanted = golden("ops", "%s", what);
    if (got == NULL || (rlc_dtype)got->dtype != wanted->dtype) {
        print_error("%s is %s, wanted %s %s\n", what, got != NULL ? rlc_dtype_name((rlc_dtype)got->dtype) : "nothing",
                    rlc_dtype_name(wanted->dtype), rlc_error());
        rlc_error_clear();
        wrong++;
        return;
    }
    expect_close(what, got, wanted, 1e-5, 1e-6);
}

static void test_promotion(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_tensor *(*f)(rlc_tensor *a, rlc_tensor *b);
    } ops[] = {{"add", rlc_add},
               {"sub", rlc_sub},
               {"mul", rlc_mul},
               {"div", rlc_div},
               {"minimum", rlc_minimum},
               {"maximum", rlc_maximum},
               {"eq", rlc_eq},
               {"lt", rlc_lt},
               {"ge", rlc_ge},
               {"logical_and", rlc_logical_and},
               {"logical_xor", rlc_logical_xor},
               {"pow", rlc_pow}};
    static const char *const shapes[] = {"21", "20", "01", "00"};
    int cases = 0;
    wrong = 0;
    for (int i = 0; i < RLC_COUNT(types) * RLC_COUNT(types) * RLC_COUNT(shapes); i++) {
        char name[64], what[96];
        snprintf(name, sizeof name, "types.%s.%s.%s", types[i / 4 / RLC_COUNT(types)], types[i / 4 % RLC_COUNT(types)],
                 shapes[i % 4]);
        rlc_begin(test_program());
        rlc_tensor *a = golden_tensor("ops", "%s.a", name), *b = golden_tensor("ops", "%s.b", name);
        for (int k = 0; k < RLC_COUNT(ops); k++) {
            snprintf(what, sizeof what, "%s.%s", name, ops[k].name);
            if (has_golden("ops", "%s", what)) {
                expect_same(what, ops[k].f(a, b));
                cases++;
            }
        }
        snprintf(what, sizeof what, "%s.where", name);
        expect_same(what, rlc_where(rlc_gt(a, rlc_ones((rlc_dtype)a->dtype, (rlc_shape){0})), a, b));
        rlc_end(test_program());
    }
    print_message("%d cases\n", cases);
    assert_int_equal(wrong, 0);
}

CASE(sum, rlc_sum(a, 1, false))
CASE(any, rlc_any(a, 1, false))
CASE(all, rlc_all(a, 1, false))
CASE(cumsum, rlc_cumsum(a, 1))
CASE(argsort, rlc_argsort(a, 1, false))
CASE(argmax, rlc_argmax(a, 1, false))
CASE(max, rlc_max(a, 1, false))
CASE(sqrt, rlc_sqrt(a))
CASE(exp, rlc_exp(a))
CASE(square, rlc_square(a))
CASE(abs, rlc_abs(a))
CASE(floor, rlc_floor(a))
CASE(relu, rlc_relu(a))
CASE(logical_not, rlc_logical_not(a))
CASE(pow_scalar, rlc_pow_scalar(a, 2))

static void test_each_type(void **state) {
    (void)state;
#define ROW(name) {#name, call_##name}
    static const struct {
        const char *name;
        function *f;
    } ops[] = {ROW(sum),  ROW(any), ROW(all),    ROW(cumsum), ROW(argsort), ROW(argmax), ROW(max),        ROW(sqrt),
               ROW(exp),  ROW(square), ROW(abs), ROW(floor),  ROW(relu),    ROW(logical_not), ROW(pow_scalar)};
    int cases = 0;
    wrong = 0;
    for (int i = 0; i < RLC_COUNT(types); i++) {
        for (int k = 0; k < RLC_COUNT(ops); k++) {
            char what[64];
            snprintf(what, sizeof what, "typed.%s.%s", types[i], ops[k].name);
            if (!has_golden("ops", "%s", what)) {
                continue;
            }
            rlc_begin(test_program());
            rlc_tensor *x[2] = {golden_tensor("ops", "typed.%s.a", types[i]), NULL};
            expect_same(what, ops[k].f(x, NULL));
            rlc_end(test_program());
            cases++;
        }
    }
    print_message("%d cases\n", cases);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promotion),
        cmocka_unit_test(test_each_type),
    };
    return cmocka_run_group_tests_name("types against PyTorch", tests, NULL, NULL);
}
