/* golden_case.h: an op against the value and the gradients that PyTorch gave for the same operands (tests/golden/ops.py, or the script that
 * GOLDEN_CASES names).
 *
 *     check_case("gather", "a", call_gather, NULL);
 */
#ifndef RLC_TEST_GOLDEN_CASE_H
#define RLC_TEST_GOLDEN_CASE_H

#include "tests/support.h"

#include <stdio.h>
#include <string.h>

/* The file that the cases are in. */
#ifndef GOLDEN_CASES
#define GOLDEN_CASES "ops"
#endif

static const double RTOL = 1e-5, ATOL = 1e-6;

typedef rlc_tensor *function(rlc_tensor *const *operand, const void *data);

/* Runs `f` on the golden operands named by the letters of `names` and compares its value and, where there are golden
 * gradients, those of each operand. */
static inline void check_case(const char *what, const char *names, function *f, const void *data) {
    rlc_tensor *operand[4] = {0};
    int count = (int)strlen(names);
    bool differentiable = has_golden(GOLDEN_CASES, "%s.g", what);
    rlc_begin(test_program());
    for (int i = 0; i < count; i++) {
        operand[i] = differentiable ? golden_root(GOLDEN_CASES, "%s.%c", what, names[i])
                                    : golden_tensor(GOLDEN_CASES, "%s.%c", what, names[i]);
    }
    rlc_tensor *out = f(operand, data);
    expect_close(what, out, golden(GOLDEN_CASES, "%s.out", what), RTOL, ATOL);
    if (differentiable) {
        rlc_backward(rlc_sum(rlc_mul(out, golden_tensor(GOLDEN_CASES, "%s.g", what)), RLC_ALL, false));
        for (int i = 0; i < count; i++) {
            char label[160];
            snprintf(label, sizeof label, "gradient of %s for %c", what, names[i]);
            expect_close(label, operand[i]->grad, golden(GOLDEN_CASES, "%s.d%c", what, names[i]), RTOL, ATOL);
        }
    }
    expect_ok(rlc_end(test_program()));
    for (int i = 0; i < count && differentiable; i++) {
        rlc_tensor_free(operand[i]);
    }
}

/* call_NAME for an expression in the operands a and b. */
#define CASE(name, expression)                                                                                         \
    static rlc_tensor *call_##name(rlc_tensor *const *x, const void *data) {                                           \
        rlc_tensor *a = x[0], *b = x[1];                                                                               \
        (void)data, (void)a, (void)b;                                                                                  \
        return expression;                                                                                             \
    }

#endif
