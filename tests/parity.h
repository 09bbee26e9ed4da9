/* parity.h: another device against the CPU: the same expression of the same numbers on both, forward and backward, three
 * times in one program, so that a device that replays what it has seen does so.
 *
 *     compare(&(parity){.what = "softmax", .f = call_softmax, .shapes = {RLC_SHAPE(3, 4)}, .count = 1, .dtype = RLC_F32});
 *
 * The other device is cuda-host, CUDA's kernels run by the CPU, or what RLC_PARITY_DEVICE names. Results are equal bit for
 * bit unless a case says how far apart they may be, which matrix products do, and on a GPU what libm computes in double.
 */
#ifndef RLC_TEST_PARITY_H
#define RLC_TEST_PARITY_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/philox.h"
#include "tests/support.h"

typedef rlc_tensor *function(rlc_tensor *const *x, const void *data);

/* Numbers for operands: from -3 to 3 with ties and zeros, or what only a probability can be, or 0 and 1. */
typedef enum numbers { SIGNED, UNIT, WHOLE } numbers;

enum { PARITY_OPERANDS = 3, PARITY_ROUNDS = 3 };

typedef struct parity {
    const char *what;
    function *f;
    const void *data;
    rlc_shape shapes[PARITY_OPERANDS];
    int count;
    rlc_dtype dtype;
    numbers numbers;
    double tolerance; /* relative to the largest number of a result; 0: the same bits */
} parity;

/* What one device makes of a case. */
typedef struct side {
    rlc_device *device;
    rlc_program *program;
    rlc_tensor *x[PARITY_OPERANDS];
    struct {
        char *data; /* the result, then the gradients */
        rlc_dtype dtype;
        int64_t numel;
    } read[1 + PARITY_OPERANDS];
    int num_read;
} side;

static side sides[2];
static int parity_cases, parity_seed;

static inline const char *parity_device(void) {
    const char *name = getenv("RLC_PARITY_DEVICE");
    return name != NULL && *name != '\0' ? name : "cuda-host";
}

static inline bool is_emulated(void) {
    return strncmp(parity_device(), "cuda-host", 9) == 0;
}

static inline int open_sides(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (rlc_device_open(i == 0 ? "cpu" : parity_device(), &sides[i].device) != RLC_OK ||
            rlc_program_new(sides[i].device, "parity", &sides[i].program) != RLC_OK) {
            print_error("%s\n", rlc_error());
            return -1;
        }
    }
    return 0;
}

static inline int close_sides(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        rlc_program_free(sides[i].program);
    }
    print_message("%d cases on %s\n", parity_cases, parity_device());
    return parity_cases > 0 ? 0 : -1;
}

/* Number i of operand k, the same every time. */
static inline double number(numbers kind, int k, int64_t i) {
    const rlc_block block = rlc_philox((uint64_t)parity_seed, (uint64_t)i, (uint64_t)k);
    const double u = rlc_unit_double(block.word[0], block.word[1]);
    switch (kind) {
    case UNIT: return 0.02 + 0.96 * u;
    case WHOLE: return floor(7 * u);
    default: return block.word[2] % 4 == 0 ? floor(6 * u) - 3 : 6 * u - 3; /* some are whole, so some are equal */
    }
}

static inline void put_number(rlc_dtype dtype, void *data, int64_t i, double x) {
    switch (dtype) {
    case RLC_F32: ((float *)data)[i] = (float)x; break;
    case RLC_F64: ((double *)data)[i] = x; break;
    case RLC_I64: ((int64_t *)data)[i] = (int64_t)x; break;
    case RLC_I32: ((int32_t *)data)[i] = (int32_t)x; break;
    case RLC_U8: ((uint8_t *)data)[i] = (uint8_t)fabs(x); break;
    default: ((uint8_t *)data)[i] = x > 0;
    }
}

/* A root with such numbers on a device. */
static inline rlc_tensor *root_on(rlc_device *device, rlc_dtype dtype, rlc_shape shape, numbers kind, int k) {
    rlc_tensor *x = rlc_tensor_new(device, dtype, shape);
    assert_non_null(x);
    char *data = malloc((size_t)x->numel * rlc_dtype_size(dtype) + 1);
    assert_non_null(data);
    for (int64_t i = 0; i < x->numel; i++) {
        put_number(dtype, data, i, number(kind, k, i));
    }
    expect_ok(rlc_tensor_write(x, data));
    free(data);
    return x;
}

static inline double number_at(rlc_dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case RLC_F32: return (double)((const float *)data)[i];
    case RLC_F64: return ((const double *)data)[i];
    case RLC_I64: return (double)((const int64_t *)data)[i];
    case RLC_I32: return ((const int32_t *)data)[i];
    default: return ((const uint8_t *)data)[i];
    }
}

/* Reads a tensor, of a program that is open or a root, and keeps what it holds. */
static inline void keep(side *s, rlc_tensor *t) {
    const int i = s->num_read++;
    assert_true(i < 1 + PARITY_OPERANDS);
    s->read[i].dtype = (rlc_dtype)t->dtype;
    s->read[i].numel = t->numel;
    s->read[i].data = malloc((size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype) + 1);
    assert_non_null(s->read[i].data);
    expect_ok(rlc_read(t, s->read[i].data));
}

static inline void forget(side *s) {
    for (int i = 0; i < s->num_read; i++) {
        free(s->read[i].data);
    }
    s->num_read = 0;
}

/* Each element of the result counts with a weight of its own. */
static inline void go_backward(rlc_tensor *y) {
    double *weights = malloc((size_t)y->numel * sizeof *weights + 1);
    assert_non_null(weights);
    for (int64_t i = 0; i < y->numel; i++) {
        weights[i] = number(SIGNED, 7, i);
    }
    rlc_tensor *w = rlc_cast(rlc_from_data(RLC_F64, rlc_shape_of(y), weights), (rlc_dtype)y->dtype);
    free(weights);
    rlc_backward(rlc_sum(rlc_mul(y, w), RLC_ALL, false));
}

static inline void run_side(side *s, const parity *c) {
    for (int k = 0; k < c->count; k++) {
        rlc_zero_grad(s->x[k]);
    }
    rlc_begin(s->program);
    rlc_tensor *y = c->f(s->x, c->data);
    if (y == NULL) {
        fail_msg("%s on %s: %s", c->what, s->device->name, rlc_error());
    }
    keep(s, y);
    if (y->flags & RLC_REQUIRES_GRAD) {
        go_backward(y);
    }
    for (int k = 0; k < c->count; k++) {
        if (s->x[k]->flags & RLC_HAS_GRAD) {
            keep(s, s->x[k]->grad);
        }
    }
    if (rlc_end(s->program) != RLC_OK) {
        fail_msg("%s on %s: %s", c->what, s->device->name, rlc_error());
    }
}

/* Whether two numbers are the same, or as near as they need be. */
static inline bool agree(double a, double b, double tolerance, double scale) {
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * scale;
}

static inline void compare_results(const char *what, double tolerance) {
    assert_int_equal(sides[0].num_read, sides[1].num_read);
    for (int i = 0; i < sides[0].num_read; i++) {
        const rlc_dtype dtype = sides[0].read[i].dtype;
        const int64_t n = sides[0].read[i].numel;
        const char *a = sides[0].read[i].data, *b = sides[1].read[i].data;
        assert_int_equal(dtype, sides[1].read[i].dtype);
        assert_int_equal(n, sides[1].read[i].numel);
        if (memcmp(a, b, (size_t)n * rlc_dtype_size(dtype)) == 0) {
            continue;
        }
        double scale = 0;
        for (int64_t e = 0; e < n; e++) {
            const double size = fabs(number_at(dtype, a, e));
            scale = isfinite(size) && size > scale ? size : scale;
        }
        for (int64_t e = 0; e < n; e++) {
            const double x = number_at(dtype, a, e), y = number_at(dtype, b, e);
            if (!agree(x, y, rlc_dtype_is_float(dtype) ? tolerance : 0, scale)) {
                fail_msg("%s: %s %d, element %lld of %lld is %.17g on %s, %.17g on %s", what,
                         i == 0 ? "the result" : "gradient", i, (long long)e, (long long)n, x, sides[0].device->name, y,
                         sides[1].device->name);
            }
        }
    }
}

/* What sums of products in another order differ by; cuda-host needs half of it in float, and nothing in double. */
static inline double product_tolerance(rlc_dtype dtype) {
    return dtype == RLC_F32 ? 1e-6 : 1e-14;
}

/* What libm computes in double differs on a GPU by a few units in the last place. */
static inline double tolerance_of(const parity *c) {
    const double libm = !is_emulated() && c->dtype == RLC_F64 ? 1e-13 : 0;
    return c->tolerance > libm ? c->tolerance : libm;
}

static inline void compare(const parity *c) {
    parity_cases++;
    parity_seed++;
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < c->count; k++) {
            sides[i].x[k] = root_on(sides[i].device, c->dtype, c->shapes[k], c->numbers, k);
            if (rlc_dtype_is_float(c->dtype)) {
                expect_ok(rlc_requires_grad(sides[i].x[k]));
            }
        }
    }
    for (int round = 0; round < PARITY_ROUNDS; round++) {
        for (int i = 0; i < 2; i++) {
            run_side(&sides[i], c);
        }
        compare_results(c->what, tolerance_of(c));
        for (int i = 0; i < 2; i++) {
            forget(&sides[i]);
        }
    }
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < c->count; k++) {
            rlc_tensor_free(sides[i].x[k]);
            sides[i].x[k] = NULL;
        }
    }
}

#endif
