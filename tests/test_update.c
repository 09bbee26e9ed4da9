/* Ops that change roots: Adam and clipping against PyTorch (tests/golden/optim.py), averaging, and rings. */
#include "tests/with_program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/update.h"

/* A root of `dtype` with the elements given, or cleared. */
static rlc_tensor *root(rlc_dtype dtype, rlc_shape shape, const double *values) {
    rlc_tensor *x = rlc_tensor_new(test_device(), dtype, shape);
    assert_non_null(x);
    void *data = calloc((size_t)x->numel + 1, sizeof(double));
    assert_non_null(data);
    for (int64_t i = 0; values != NULL && i < x->numel; i++) {
        switch (dtype) {
        case RLC_F32: ((float *)data)[i] = (float)values[i]; break;
        case RLC_F64: ((double *)data)[i] = values[i]; break;
        case RLC_I64: ((int64_t *)data)[i] = (int64_t)values[i]; break;
        case RLC_I32: ((int32_t *)data)[i] = (int32_t)values[i]; break;
        default: ((uint8_t *)data)[i] = (uint8_t)values[i]; break;
        }
    }
    expect_ok(rlc_tensor_write(x, data));
    free(data);
    return x;
}

static void expect_near(const char *what, rlc_tensor *got, const double *wanted, double rtol, double atol) {
    double *values = read_doubles(got);
    for (int64_t i = 0; i < got->numel; i++) {
        if (!(fabs(values[i] - wanted[i]) <= atol + rtol * fabs(wanted[i]))) {
            fail_msg("%s: element %lld is %.9g, wanted %.9g", what, (long long)i, values[i], wanted[i]);
        }
    }
    free(values);
}
#define EXPECT(x, ...) expect_near(#x, x, (double[]){__VA_ARGS__}, 1e-6, 0)

/* 35 weights followed by 5 biases, as one flat buffer; so are the gradients. */
enum { WEIGHTS = 35, PARAMETERS = 40, STEPS = 20 };

typedef struct optimizer {
    rlc_tensor *param, *grad, *exp_avg, *exp_avg_sq, *powers, *lr, *parts[2];
} optimizer;

static optimizer optimizer_new(rlc_dtype dtype, double lr) {
    rlc_shape flat = RLC_SHAPE(PARAMETERS);
    optimizer o = {.param = root(dtype, flat, NULL),
                   .grad = root(dtype, flat, NULL),
                   .exp_avg = root(dtype, flat, NULL),
                   .exp_avg_sq = root(dtype, flat, NULL),
                   .powers = root(RLC_F64, RLC_SHAPE(3), (double[]){0, 1, 1}),
                   .lr = root(RLC_F32, RLC_SHAPE(1), &lr)};
    char *data = o.grad->data;
    o.parts[0] = rlc_tensor_over(test_device(), dtype, RLC_SHAPE(5, 7), data);
    o.parts[1] = rlc_tensor_over(test_device(), dtype, RLC_SHAPE(5), data + WEIGHTS * rlc_dtype_size(dtype));
    expect_ok(rlc_requires_grad(o.param));
    return o;
}

static void optimizer_free(optimizer *o) {
    rlc_tensor *all[] = {o->param, o->grad, o->exp_avg, o->exp_avg_sq, o->powers, o->lr, o->parts[0], o->parts[1]};
    for (int i = 0; i < RLC_COUNT(all); i++) {
        rlc_tensor_free(all[i]);
    }
}

/* Row `row` of a golden matrix, in double. */
static const double *golden_row(const char *name, const char *what, int row) {
    static double values[PARAMETERS];
    const float *data = (const float *)golden("optim", "%s.%s", name, what)->data + row * PARAMETERS;
    for (int i = 0; i < PARAMETERS; i++) {
        float value;
        memcpy(&value, &data[i], sizeof value);
        values[i] = (double)value;
    }
    return values;
}

static void check_adam(const char *name, rlc_dtype dtype, double lr, const rlc_adam *settings, bool clipped) {
    optimizer o = optimizer_new(dtype, lr);
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_assign(o.param, golden_tensor("optim", "%s.start", name));
    expect_ok(rlc_end(p));
    for (int step = 0; step < STEPS; step++) {
        rlc_begin(p);
        rlc_tensor *grads = rlc_from_data(RLC_F64, RLC_SHAPE(PARAMETERS), golden_row(name, "grads", step));
        rlc_assign(o.grad, grads);
        rlc_tensor *norm = clipped ? rlc_clip_grad_norm(o.parts, 2, 0.5) : NULL;
        rlc_adam_tick(o.powers, settings);
        rlc_adam_step(o.param, o.grad, o.exp_avg, o.exp_avg_sq, NULL, o.powers, o.lr, settings);
        expect_ok(rlc_end(p));
        expect_near(name, o.param, golden_row(name, "trace", step), 1e-5, 1e-6);
        if (clipped) {
            float wanted;
            memcpy(&wanted, (const float *)golden("optim", "%s.norms", name)->data + step, sizeof wanted);
            assert_true(fabs(rlc_item(norm) - (double)wanted) <= 1e-5 * (double)wanted);
        }
        double t = step + 1;
        EXPECT(o.powers, t, pow(settings->beta1, t), pow(settings->beta2, t));
    }
    optimizer_free(&o);
}

static void test_adam(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double lr;
        rlc_adam settings;
    } cases[] = {
        {"default", 1e-2, {0.9, 0.999, 1e-8, 0, 0}},
        {"dqn", 2.5e-4, {0.9, 0.999, 1e-8, 0, 0}},
        {"betas", 3e-3, {0.5, 0.99, 1e-5, 0, 0}},
        {"decay", 1e-2, {0.9, 0.999, 1e-8, 0.1, 0}},
    };
    char clipped[32];
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        snprintf(clipped, sizeof clipped, "%s_clipped", cases[i].name);
        for (rlc_dtype t = RLC_F32; t <= RLC_F64; t++) {
            check_adam(cases[i].name, t, cases[i].lr, &cases[i].settings, false);
            check_adam(clipped, t, cases[i].lr, &cases[i].settings, true);
        }
    }
}

/* Every way an optimiser can go, for n parameters of either type. */
enum { ADAM, AMSGRAD, SGD, MOMENTUM, NESTEROV, RMSPROP, RMSPROP_CENTERED, RMSPROP_MOMENTUM, RMSPROP_BOTH, WAYS };

static void record_way(int way, rlc_tensor *param, rlc_tensor *grad, rlc_tensor **buffers, rlc_tensor *lr,
                       rlc_tensor *powers, bool first) {
    const rlc_adam adam = {0.9, 0.5, 1e-3, way == ADAM ? 0.1 : 0, way == ADAM ? 0 : 0.1};
    const rlc_sgd sgd = {way == SGD ? 0 : 0.8, way == MOMENTUM ? 0.3 : 0, 0.1, way == NESTEROV, first};
    const rlc_rmsprop rmsprop = {0.9, 1e-2, 0.1, way >= RMSPROP_MOMENTUM ? 0.7 : 0};
    bool centered = way == RMSPROP_CENTERED || way == RMSPROP_BOTH;
    if (way <= AMSGRAD) {
        rlc_adam_tick(powers, &adam);
        rlc_adam_step(param, grad, buffers[0], buffers[1], way == AMSGRAD ? buffers[2] : NULL, powers, lr, &adam);
    } else if (way <= NESTEROV) {
        rlc_sgd_step(param, grad, way == SGD ? NULL : buffers[0], lr, &sgd);
    } else {
        rlc_rmsprop_step(param, grad, buffers[0], centered ? buffers[1] : NULL,
                         way >= RMSPROP_MOMENTUM ? buffers[2] : NULL, lr, &rmsprop);
    }
}

/* Where six steps lead; free the result. */
static double *run_way(int way, rlc_dtype dtype, int64_t n) {
    rlc_shape shape = RLC_SHAPE(n);
    rlc_tensor *lr = root(RLC_F32, RLC_SHAPE(1), (double[]){0.03125}); /* the same in both types */
    rlc_tensor *powers = root(RLC_F64, RLC_SHAPE(3), (double[]){0, 1, 1});
    rlc_tensor *all[] = {root(dtype, shape, NULL),
                         root(dtype, shape, NULL),
                         root(dtype, shape, NULL),
                         root(dtype, shape, NULL),
                         root(dtype, shape, NULL),
                         lr,
                         powers};
    for (int step = 0; step < 6; step++) {
        rlc_begin(p);
        rlc_assign(all[1], rlc_sin(rlc_add_scalar(rlc_arange(RLC_F64, n), 2 * step)));
        record_way(way, all[0], all[1], &all[2], lr, powers, step == 0);
        expect_ok(rlc_end(p));
    }
    rlc_begin(p);
    double *values = read_doubles(all[0]);
    expect_ok(rlc_end(p));
    for (int i = 0; i < RLC_COUNT(all); i++) {
        rlc_tensor_free(all[i]);
    }
    return values;
}

/* float64, of which PyTorch's golden values are too few, agrees with float32; so do the ends of vectors. */
static void test_types_agree(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 3, 8, 16, 31, 100};
    for (int way = 0; way < WAYS; way++) {
        for (int i = 0; i < RLC_COUNT(counts); i++) {
            double *floats = run_way(way, RLC_F32, counts[i]), *doubles = run_way(way, RLC_F64, counts[i]);
            for (int64_t k = 0; k < counts[i]; k++) {
                if (!(fabs(floats[k] - doubles[k]) <= 1e-5 * fabs(doubles[k]) + 1e-6) || doubles[k] == 0) {
                    fail_msg("way %d: element %lld of %lld is %.9g as a float and %.9g as a double", way, (long long)k,
                             (long long)counts[i], floats[k], doubles[k]);
                }
            }
            free(floats);
            free(doubles);
        }
    }
}

/* What is left of a moment without gradients is nothing, not a number so small that processors are slow with it. */
static void test_moments_fade(void **state) {
    (void)state;
    const rlc_adam settings = {.beta1 = 0.9, .beta2 = 0.8, .eps = 1e-8};
    optimizer o = optimizer_new(RLC_F32, 1e-3);
    for (int step = 0; step < 1500; step++) {
        rlc_assign(o.grad, rlc_full(RLC_F32, RLC_SHAPE(PARAMETERS), step == 0 ? 0.5 : 0));
        rlc_adam_tick(o.powers, &settings);
        rlc_adam_step(o.param, o.grad, o.exp_avg, o.exp_avg_sq, NULL, o.powers, o.lr, &settings);
    }
    expect_ok(rlc_end(p));
    double *first = read_doubles(o.exp_avg), *second = read_doubles(o.exp_avg_sq), *param = read_doubles(o.param);
    for (int i = 0; i < PARAMETERS; i++) {
        assert_true(first[i] == 0 && second[i] == 0 && param[i] < -1e-3);
    }
    free(first);
    free(second);
    free(param);
    optimizer_free(&o);
}

/* The rate is read when the step runs: one recorded list serves a schedule. The first step moves by the rate. */
static void test_learning_rate_is_data(void **state) {
    (void)state;
    const rlc_adam settings = {0}; /* without memory every step is lr times the gradient's sign */
    optimizer o = optimizer_new(RLC_F32, 0);
    double wanted[PARAMETERS] = {0};
    for (int step = 1; step <= 5; step++) {
        rlc_begin(p);
        rlc_assign(o.grad, rlc_full(RLC_F32, RLC_SHAPE(PARAMETERS), step % 2 ? 3 : -4));
        rlc_assign(o.lr, rlc_scalar(0.25 * step));
        rlc_adam_tick(o.powers, &settings);
        rlc_adam_step(o.param, o.grad, o.exp_avg, o.exp_avg_sq, NULL, o.powers, o.lr, &settings);
        expect_ok(rlc_end(p));
        for (int i = 0; i < PARAMETERS; i++) {
            wanted[i] += step % 2 ? -0.25 * step : 0.25 * step;
        }
        expect_near("parameters", o.param, wanted, 1e-6, 1e-6);
    }
    optimizer_free(&o);
}

static void test_clipping(void **state) {
    (void)state;
    for (rlc_dtype t = RLC_F32; t <= RLC_F64; t++) {
        rlc_tensor *grads[] = {root(t, RLC_SHAPE(2), (double[]){3, 0}), root(t, (rlc_shape){0}, (double[]){4}),
                               root(t, RLC_SHAPE(0), NULL), root(t, RLC_SHAPE(2, 1), (double[]){0, 12})};
        rlc_begin(p);
        rlc_tensor *norm = rlc_clip_grad_norm(grads, 4, 13.5);
        assert_true(rlc_item(norm) == 13);
        EXPECT(grads[0], 3, 0); /* below the limit: not a bit changes */
        assert_true(rlc_item(grads[1]) == 4);
        assert_true(rlc_item(rlc_clip_grad_norm(grads, 4, 6.5)) == 13);
        EXPECT(grads[0], 1.5, 0);
        EXPECT(grads[1], 2);
        EXPECT(grads[3], 0, 6);
        assert_true(fabs(rlc_item(rlc_clip_grad_norm(&grads[3], 1, 1)) - 6) < 1e-5); /* alone */
        EXPECT(grads[3], 0, 1);
        EXPECT(grads[1], 2);
        assert_true(rlc_item(rlc_clip_grad_norm(&grads[2], 1, 1)) == 0);
        expect_ok(rlc_end(p));
        for (int i = 0; i < 4; i++) {
            rlc_tensor_free(grads[i]);
        }
    }
}

/* Each element by itself; what is within the bounds keeps its bits, and a NaN stays one. */
static void test_clipping_by_value(void **state) {
    (void)state;
    for (rlc_dtype t = RLC_F32; t <= RLC_F64; t++) {
        double values[37], wanted[37];
        for (int i = 0; i < 37; i++) {
            values[i] = 0.25 * (i - 18);
            wanted[i] = fmax(-1.5, fmin(1.5, values[i]));
        }
        rlc_tensor *grads[] = {root(t, RLC_SHAPE(37), values), root(t, (rlc_shape){0}, (double[]){INFINITY}),
                               root(t, RLC_SHAPE(0), NULL), root(t, RLC_SHAPE(2, 1), (double[]){-INFINITY, NAN})};
        expect_ok(rlc_requires_grad(grads[0]));
        rlc_begin(p);
        rlc_clip_grad_value(grads, 4, 1.5);
        expect_near("gradients", grads[0], wanted, 0, 0);
        assert_true(rlc_item(grads[1]) == 1.5);
        double *last = read_doubles(grads[3]);
        assert_true(last[0] == -1.5 && isnan(last[1]));
        free(last);
        assert_false(rlc_no_grad(false));
        expect_ok(rlc_end(p));
        for (int i = 0; i < 4; i++) {
            rlc_tensor_free(grads[i]);
        }
    }
}

/* Long gradients, whose squares are added in the fixed order of sums. */
static void test_clipping_long(void **state) {
    (void)state;
    rlc_tensor *grad = root(RLC_F32, RLC_SHAPE(100003), NULL);
    rlc_assign(grad, rlc_scalar(0.1));
    rlc_tensor *norm = rlc_clip_grad_norm(&grad, 1, 1);
    assert_true(fabs(rlc_item(norm) - 0.1 * sqrt(100003)) < 1e-5);
    assert_true(fabs(rlc_item(rlc_clip_grad_norm(&grad, 1, 1)) - 1) < 1e-6);
    expect_ok(rlc_end(p));
    rlc_tensor_free(grad);
}

static void test_lerp(void **state) {
    (void)state;
    for (rlc_dtype t = RLC_F32; t <= RLC_F64; t++) {
        rlc_tensor *target = root(t, RLC_SHAPE(3), (double[]){1, 2, -4});
        rlc_tensor *online = root(t, RLC_SHAPE(3), (double[]){9, 2, 4});
        expect_ok(rlc_requires_grad(target));
        rlc_begin(p);
        rlc_lerp(target, online, 0);
        EXPECT(target, 1, 2, -4);
        rlc_lerp(target, online, 0.25);
        EXPECT(target, 3, 2, -2);
        rlc_lerp(target, online, 0.25);
        EXPECT(target, 4.5, 2, -0.5);
        rlc_lerp(target, online, 1); /* a hard update */
        EXPECT(target, 9, 2, 4);
        EXPECT(online, 9, 2, 4);
        assert_false(rlc_no_grad(false));
        expect_ok(rlc_end(p));
        rlc_tensor_free(target);
        rlc_tensor_free(online);
    }
}

/* Numbers of all types, added in double. */
static void test_tally(void **state) {
    (void)state;
    rlc_tensor *totals[] = {root(RLC_F64, RLC_SHAPE(1), (double[]){1}), root(RLC_F64, (rlc_shape){0}, (double[]){2}),
                            root(RLC_F64, RLC_SHAPE(1), (double[]){3})};
    rlc_begin(p);
    for (int round = 0; round < 2; round++) {
        rlc_tensor *small = rlc_full(RLC_F64, RLC_SHAPE(1), 1e-9), *whole = rlc_full(RLC_I64, RLC_SHAPE(1), 5);
        rlc_tally(totals, (rlc_tensor *[]){rlc_scalar(0.1), small, whole}, 3);
    }
    assert_true(rlc_item(totals[0]) == 1 + (double)0.1f + (double)0.1f);
    assert_true(rlc_item(totals[1]) == 2 + 1e-9 + 1e-9);
    assert_true(rlc_item(totals[2]) == 13);
    expect_ok(rlc_end(p));
    for (int i = 0; i < RLC_COUNT(totals); i++) {
        rlc_tensor_free(totals[i]);
    }
}

/* Writes `n` rows that count on from *next to the storage, and to `model` as a ring should. */
static void write_rows(rlc_tensor *storage, rlc_tensor *cursor, int64_t n, double *next, double *model,
                       int64_t *state) {
    int64_t capacity = storage->shape[0], width = storage->shape[1];
    double rows[64];
    for (int64_t i = 0; i < n * width; i++) {
        rows[i] = (double)((int)(*next)++ % 200);
    }
    rlc_begin(p);
    rlc_tensor *given = rlc_cast(rlc_from_data(RLC_F64, RLC_SHAPE(n, width), rows), (rlc_dtype)storage->dtype);
    rlc_ring_write(storage, given, cursor);
    rlc_ring_advance(cursor, n, capacity);
    expect_ok(rlc_end(p));
    for (int64_t r = 0; r < n; r++) {
        memcpy(model + (state[0] + r) % capacity * width, rows + r * width, (size_t)width * sizeof *rows);
    }
    state[0] = (state[0] + n) % capacity;
    state[1] = state[1] + n < capacity ? state[1] + n : capacity;
}

static void test_rings(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 4, 0, 4, 3, 1, 1, 2, 4, 2, 3};
    for (rlc_dtype t = RLC_U8; t < RLC_DTYPE_COUNT; t++) {
        for (int64_t width = 1; width <= 5; width += 2) {
            rlc_tensor *storage = root(t, RLC_SHAPE(4, width), NULL), *cursor = root(RLC_I64, RLC_SHAPE(2), NULL);
            double next = 1, model[64] = {0};
            int64_t wanted[2] = {0};
            for (int i = 0; i < RLC_COUNT(counts); i++) {
                write_rows(storage, cursor, counts[i], &next, model, wanted);
                expect_near("ring", storage, model, 0, 0);
                assert_memory_equal(peek(cursor), wanted, sizeof wanted);
            }
            rlc_tensor_free(storage);
            rlc_tensor_free(cursor);
        }
    }
}

/* Several tensors share a cursor, which moves once they are all written; rows may be views. */
static void test_ring_of_several_tensors(void **state) {
    (void)state;
    rlc_tensor *numbers = root(RLC_F32, RLC_SHAPE(3), NULL), *blocks = root(RLC_I64, RLC_SHAPE(3, 2, 2), NULL);
    rlc_tensor *cursor = root(RLC_I64, RLC_SHAPE(2), NULL);
    for (int round = 0; round < 2; round++) {
        rlc_begin(p);
        rlc_tensor *rows = rlc_add_scalar(rlc_reshape(rlc_arange(RLC_I64, 8), RLC_SHAPE(2, 2, 2)), 10 * round);
        rlc_ring_write(numbers, rlc_full(RLC_F32, RLC_SHAPE(2), round + 1), cursor);
        rlc_ring_write(blocks, rlc_transpose(rows, 0, 2), cursor);
        rlc_ring_advance(cursor, 2, 3);
        expect_ok(rlc_end(p));
    }
    EXPECT(numbers, 2, 1, 2);
    EXPECT(blocks, 11, 15, 13, 17, 1, 5, 3, 7, 10, 14, 12, 16);
    EXPECT(cursor, 1, 3);
    rlc_tensor_free(numbers);
    rlc_tensor_free(blocks);
    rlc_tensor_free(cursor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_adam, start),
        cmocka_unit_test_setup(test_moments_fade, start),
        cmocka_unit_test_setup(test_types_agree, start),
        cmocka_unit_test_setup(test_learning_rate_is_data, start),
        cmocka_unit_test_setup(test_clipping, start),
        cmocka_unit_test_setup(test_clipping_by_value, start),
        cmocka_unit_test_setup(test_clipping_long, start),
        cmocka_unit_test_setup(test_lerp, start),
        cmocka_unit_test_setup(test_tally, start),
        cmocka_unit_test_setup(test_rings, start),
        cmocka_unit_test_setup(test_ring_of_several_tensors, start),
    };
    return cmocka_run_group_tests_name("updates", tests, NULL, NULL);
}
