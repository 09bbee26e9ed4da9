/* gradcheck.h: gradients against central finite differences, in float64.
 *
 *     check(&(gradcheck){.what = "mul", .f = call_mul, .x = {root(A, shape), root(B, shape)}});
 *
 * Values lie on lattices of spacing 1/4 whose offsets differ from operand to operand, so that no operand comes near 0
 * or an integer, no two come near each other, and none is near a point where a derivative jumps. All elements of one
 * operand differ.
 */
#ifndef RLC_TEST_GRADCHECK_H
#define RLC_TEST_GRADCHECK_H

#include "tests/support.h"

#include <math.h>
#include <stdio.h>

typedef rlc_tensor *function(rlc_tensor *const *x, const void *data);

typedef struct gradcheck {
    const char *what;
    function *f;
    const void *data;
    rlc_tensor *x[3]; /* roots that require gradients; the check frees them */
    double step;      /* 0: STEP */
} gradcheck;

static const double STEP = 1e-6, RTOL = 1e-6, ATOL = 1e-6;
enum { MAX_ELEMENTS = 29 };

/* Cases that ran, and those that failed, of the test that runs now. */
static int cases, failures;

/* Operand A has offset .03, B .11, C .19; positive() gives the absolute value of what root() does, or more, unit() what
 * positive() does on a scale from 0 to 1. */
typedef enum operand { A, B, C } operand;

static inline rlc_tensor *root_from(operand which, rlc_shape shape, int smallest, double scale) {
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F64, shape);
    double values[MAX_ELEMENTS];
    assert_non_null(x);
    assert_in_range(x->numel, 0, MAX_ELEMENTS);
    for (int i = 0; i < x->numel; i++) {
        int place = (i * (7 + 4 * (int)which) + 3) % MAX_ELEMENTS;
        values[i] = (0.25 * (place + smallest) + 0.03 + 0.08 * which) * scale;
    }
    expect_ok(rlc_tensor_write(x, values));
    expect_ok(rlc_requires_grad(x));
    return x;
}

static inline rlc_tensor *root(operand which, rlc_shape shape) {
    return root_from(which, shape, -MAX_ELEMENTS / 2, 1);
}

static inline rlc_tensor *positive(operand which, rlc_shape shape) {
    return root_from(which, shape, 0, 1);
}

static inline rlc_tensor *unit(operand which, rlc_shape shape) {
    return root_from(which, shape, 0, 0.125);
}

/* The function's value as one number, each of its elements counted with a weight of its own. */
static inline rlc_tensor *loss_of(const gradcheck *c) {
    enum { MAX_RESULT = 256 };
    static double weights[MAX_RESULT];
    for (int i = 0; i < MAX_RESULT; i++) {
        weights[i] = 0.125 * ((i * 5 + 2) % 13) - 0.6875;
    }
    rlc_tensor *y = rlc_cast(c->f(c->x, c->data), RLC_F64);
    if (y == NULL) {
        return NULL;
    }
    assert_in_range(y->numel, 0, MAX_RESULT);
    return rlc_sum(rlc_mul(y, rlc_from_data(RLC_F64, rlc_shape_of(y), weights)), RLC_ALL, false);
}

static inline void note_failure(const gradcheck *c, const char *reason) {
    print_error("%s: %s\n", c->what, reason);
    rlc_error_clear();
    failures++;
}

/* The loss with element i of x set to `at`. */
static inline double loss_with(const gradcheck *c, rlc_tensor *x, int64_t i, double at) {
    double data[MAX_ELEMENTS];
    expect_ok(rlc_tensor_read(x, data));
    const double was = data[i];
    data[i] = at;
    expect_ok(rlc_tensor_write(x, data));
    rlc_begin(test_program());
    double loss = rlc_item(loss_of(c));
    rlc_end(test_program());
    data[i] = was;
    expect_ok(rlc_tensor_write(x, data));
    return loss;
}

static inline bool matches(const gradcheck *c, int k) {
    rlc_tensor *x = c->x[k];
    double step = c->step != 0 ? c->step : STEP;
    for (int64_t i = 0; i < x->numel; i++) {
        double at = ((const double *)peek(x))[i], got = ((const double *)peek(x->grad))[i];
        double wanted = (loss_with(c, x, i, at + step) - loss_with(c, x, i, at - step)) / (2 * step);
        if (!(fabs(got - wanted) <= ATOL + RTOL * fabs(wanted))) {
            char text[160];
            snprintf(text, sizeof text, "gradient of operand %d, element %lld is %.9g, by finite differences %.9g", k,
                     (long long)i, got, wanted);
            note_failure(c, text);
            return false;
        }
    }
    return true;
}

/* Compares the gradients of all operands, says what does not fit, and frees the operands. */
static inline void check(const gradcheck *c) {
    cases++;
    rlc_begin(test_program());
    rlc_backward(loss_of(c));
    bool good = rlc_end(test_program()) == RLC_OK;
    if (!good) {
        note_failure(c, rlc_error());
    }
    for (int k = 0; k < 3 && c->x[k] != NULL; k++) {
        good = good && matches(c, k);
    }
    for (int k = 0; k < 3; k++) {
        rlc_tensor_free(c->x[k]);
    }
}

/* At the end of a test: how many cases there were; fails when one of them did. */
static inline void finish(const char *what) {
    int failed = failures;
    print_message("%s: %d cases\n", what, cases);
    assert_true(cases > 0);
    cases = failures = 0;
    assert_int_equal(failed, 0);
}

#endif
