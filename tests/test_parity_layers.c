/* What networks are made of on another device against the CPU: layers, norms, convolutions. */
#include "tests/parity.h"

static rlc_tensor *call_layer(rlc_tensor *const *x, const void *data) {
    return rlc_affine(x[0], x[1], x[2], *(const rlc_activation *)data);
}

static rlc_tensor *call_plain_layer(rlc_tensor *const *x, const void *data) {
    return rlc_affine(x[0], x[1], NULL, *(const rlc_activation *)data);
}

/* A layer has longer sums than other products, and the 1 - y in the gradients of some activations, of a y near 1, magnifies what
 * they differ by. Over forty seeds cuda-host needed 1.3 times a product's tolerance in float, tanh 22, sigmoid 3; nothing in
 * double. */
static double layer_tolerance(rlc_activation activation, rlc_dtype dtype) {
    static const double magnified[RLC_ACTIVATION_COUNT] = {[RLC_TANH] = 40, [RLC_SIGMOID] = 10};
    return product_tolerance(dtype) * (dtype == RLC_F64 ? 1 : fmax(magnified[activation], 2));
}

static void test_layers(void **state) {
    (void)state;
    static const int64_t sizes[][3] = {{1, 4, 7}, {5, 3, 1},     {33, 17, 9}, {0, 3, 2},
                                       {3, 0, 2}, {64, 120, 84}, {130, 1, 3}};
    for (int k = 0; k < RLC_COUNT(sizes); k++) {
        const int64_t rows_ = sizes[k][0], in = sizes[k][1], out = sizes[k][2];
        for (rlc_activation a = RLC_IDENTITY; a < RLC_ACTIVATION_COUNT; a++) {
            for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
                const double tolerance = layer_tolerance(a, dtype);
                compare(&(parity){"layer",
                                  call_layer,
                                  &a,
                                  {RLC_SHAPE(rows_, in), RLC_SHAPE(out, in), RLC_SHAPE(out)},
                                  3,
                                  dtype,
                                  UNIT,
                                  tolerance});
                compare(&(parity){"layer without a bias",
                                  call_plain_layer,
                                  &a,
                                  {RLC_SHAPE(2, rows_, in), RLC_SHAPE(out, in)},
                                  2,
                                  dtype,
                                  UNIT,
                                  tolerance});
            }
        }
    }
}

static rlc_tensor *call_layer_norm(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_layer_norm(x[0], 1, x[1], x[2], 1e-5);
}

static rlc_tensor *call_batch_norm(rlc_tensor *const *x, const void *data) {
    return rlc_batch_norm(x[0], NULL, NULL, x[1], x[2], true, 0.1, 1e-5, *(const rlc_activation *)data);
}

static rlc_tensor *call_batch_norm_by_running(rlc_tensor *const *x, const void *data) {
    rlc_tensor *mean = rlc_sin(x[1]), *var = rlc_square(x[2]);
    return rlc_batch_norm(x[0], mean, var, x[1], x[2], false, 0.1, 1e-5, *(const rlc_activation *)data);
}

/* Groups of a thread each and of a block each, below and above what a sum halves first. */
static void test_norms(void **state) {
    (void)state;
    static const rlc_shape rows_[] = {{2, {3, 5}}, {2, {70, 64}}, {2, {5, 300}}, {2, {2, 2100}}, {2, {0, 7}}};
    static const rlc_shape batches[] = {{2, {33, 70}},  {2, {300, 5}},       {2, {2100, 3}},
                                        {3, {5, 3, 4}}, {4, {40, 3, 9, 11}}, {3, {2, 2, 1100}}};
    for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
        for (int i = 0; i < RLC_COUNT(rows_); i++) {
            const rlc_shape width = RLC_SHAPE(rows_[i].size[1]);
            compare(&(parity){"layer norm", call_layer_norm, NULL, {rows_[i], width, width}, 3, dtype, SIGNED, 0});
        }
        for (int i = 0; i < RLC_COUNT(batches); i++) {
            const rlc_shape channels = RLC_SHAPE(batches[i].size[1]);
            for (rlc_activation behind = RLC_IDENTITY; behind <= RLC_RELU; behind++) {
                compare(&(parity){
                    "batch norm", call_batch_norm, &behind, {batches[i], channels, channels}, 3, dtype, SIGNED, 0});
                compare(&(parity){"batch norm by running",
                                  call_batch_norm_by_running,
                                  &behind,
                                  {batches[i], channels, channels},
                                  3,
                                  dtype,
                                  SIGNED,
                                  0});
            }
        }
    }
}

static rlc_tensor *call_conv(rlc_tensor *const *x, const void *data) {
    return rlc_conv2d(x[0], x[1], NULL, (rlc_conv){.activation = *(const rlc_activation *)data});
}

/* More than a GPU unrolls at once. The gradient of a weight adds up one and a half million products. */
static void test_many_images(void **state) {
    (void)state;
    const rlc_shape shapes[] = {RLC_SHAPE(6, 1, 512, 512), RLC_SHAPE(1, 1, 2, 2)};
    const rlc_activation none = RLC_IDENTITY, relu = RLC_RELU;
    compare(&(parity){"many images", call_conv, &none, {shapes[0], shapes[1]}, 2, RLC_F32, SIGNED, 1e-4});
    /* few, for among many sums some are so close to 0 that another order lets a gradient through or not */
    const rlc_shape few[] = {RLC_SHAPE(7, 3, 9, 11), RLC_SHAPE(5, 3, 3, 2)};
    compare(&(parity){"images and relu", call_conv, &relu, {few[0], few[1]}, 2, RLC_F32, SIGNED, 1e-5});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_layers, fresh_start),
        cmocka_unit_test_setup(test_norms, fresh_start),
        cmocka_unit_test_setup(test_many_images, fresh_start),
    };
    return cmocka_run_group_tests_name("layers on another device", tests, open_sides, close_sides);
}
