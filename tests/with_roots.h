/* with_roots.h: roots that require a gradient, in a program that is open, for tests of backward(). */
#ifndef RLC_WITH_ROOTS_H
#define RLC_WITH_ROOTS_H

#include "tests/with_program.h"

#include <math.h>

/* A float32 root of one dimension that requires a gradient. */
static inline rlc_tensor *parameter(int count, const float *values) {
    rlc_tensor *x = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(count));
    assert_non_null(x);
    expect_ok(rlc_tensor_write(x, values));
    expect_ok(rlc_requires_grad(x));
    return x;
}

static inline void expect_gradient(const rlc_tensor *root, int count, const float *wanted) {
    assert_true(root->flags & RLC_HAS_GRAD);
    const float *got = peek(root->grad);
    for (int i = 0; i < count; i++) {
        if (!(fabsf(got[i] - wanted[i]) <= 1e-5f)) {
            fail_msg("gradient %d is %g, wanted %g", i, (double)got[i], (double)wanted[i]);
        }
    }
}

static inline rlc_tensor *total(rlc_tensor *x) {
    return rlc_sum(x, RLC_ALL, false);
}

/* x^2 + 3x, whose derivative is 2x + 3 */
static inline rlc_tensor *quadratic(rlc_tensor *x) {
    return total(rlc_add(rlc_square(x), rlc_mul_scalar(x, 3)));
}

#endif
