/* Convolutions, pools and padding against PyTorch, forward and backward, in float32 (tests/golden/conv.py). */
#define GOLDEN_CASES "conv"
#include "tests/golden_case.h"

#include <math.h>
#include <stdlib.h>

static rlc_tensor *call_conv(rlc_tensor *const *x, const void *data) {
    return rlc_conv2d(x[0], x[1], x[2], *(const rlc_conv *)data);
}

static rlc_tensor *call_transposed(rlc_tensor *const *x, const void *data) {
    return rlc_conv_transpose2d(x[0], x[1], x[2], *(const rlc_conv *)data);
}

static void test_convolutions(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_conv how;
    } cases[] = {
        {"plain", {0}},
        {"stride", {.stride = {3, 2}}},
        {"padding", {.padding = {1, 2}}},
        {"dilation", {.dilation = {2, 3}}},
        {"groups", {.groups = 3}},
        {"depthwise", {.groups = 5, .padding = {1, 1}, .stride = {2, 2}}},
        {"all", {.stride = {2, 3}, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2}},
        {"one", {0}},
        {"pointwise", {0}},
        {"wide", {0}},
        {"deep", {0}},
        {"whole", {0}},
        {"left_over", {.stride = {3, 5}}},
        {"screen", {.stride = {2, 2}}},
        {"empty", {0}},
        {"single", {0}},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        check_case(cases[i].name, "xwb", call_conv, &cases[i].how);
    }
}

static void test_transposed(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_conv how;
    } cases[] = {
        {"t_plain", {0}},
        {"t_stride", {.stride = {2, 3}, .padding = {1, 0}}},
        {"t_output", {.stride = {2, 2}, .padding = {1, 1}, .output_padding = {1, 1}, .groups = 2}},
        {"t_dilation", {.dilation = {3, 2}}},
        {"t_seed", {0}},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        check_case(cases[i].name, "xwb", call_transposed, &cases[i].how);
    }
}

static rlc_tensor *call_max(rlc_tensor *const *x, const void *data) {
    return rlc_max_pool2d(x[0], *(const rlc_pool *)data);
}

static rlc_tensor *call_avg(rlc_tensor *const *x, const void *data) {
    return rlc_avg_pool2d(x[0], *(const rlc_pool *)data);
}

static rlc_tensor *call_adaptive(rlc_tensor *const *x, const void *data) {
    const int64_t *size = data;
    return rlc_adaptive_avg_pool2d(x[0], size[0], size[1]);
}

static rlc_tensor *call_pad(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_pad(x[0], 1, 2, 3, 0, 0.5);
}

static void test_pools(void **state) {
    (void)state;
    static const struct {
        const char *name;
        function *f;
        rlc_pool how;
    } cases[] = {
        {"max_plain", call_max, {.kernel = {2, 2}}},
        {"max_overlap", call_max, {.kernel = {3, 3}, .stride = {2, 2}}},
        {"max_padding", call_max, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}}},
        {"max_dilation", call_max, {.kernel = {2, 3}, .stride = {1, 1}, .padding = {1, 1}, .dilation = {3, 2}}},
        {"max_ceil", call_max, {.kernel = {3, 3}, .stride = {2, 4}, .padding = {1, 1}, .ceil_mode = true}},
        {"max_ties", call_max, {.kernel = {3, 3}, .stride = {2, 2}}},
        /* of several that are no numbers the last gets the gradient */
        {"max_nan", call_max, {.kernel = {2, 2}}},
        {"max_nan_overlap", call_max, {.kernel = {3, 3}, .stride = {1, 2}, .padding = {1, 1}}},
        {"max_nan_dilation", call_max, {.kernel = {2, 3}, .stride = {1, 1}, .padding = {1, 1}, .dilation = {3, 2}}},
        {"avg_plain", call_avg, {.kernel = {2, 2}}},
        {"avg_overlap", call_avg, {.kernel = {3, 3}, .stride = {2, 2}}},
        {"avg_padding", call_avg, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}}},
        {"avg_exclude", call_avg, {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}, .exclude_padding = true}},
        {"avg_ceil", call_avg, {.kernel = {3, 3}, .stride = {2, 4}, .padding = {1, 1}, .ceil_mode = true}},
        {"avg_ceil_exclude",
         call_avg,
         {.kernel = {3, 3}, .stride = {2, 4}, .padding = {1, 1}, .ceil_mode = true, .exclude_padding = true}},
    };
    static const int64_t sizes[][2] = {{1, 1}, {3, 4}, {8, 9}, {10, 13}};
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        check_case(cases[i].name, "a", cases[i].f, &cases[i].how);
    }
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        char what[32];
        snprintf(what, sizeof what, "adaptive_%dx%d", (int)sizes[i][0], (int)sizes[i][1]);
        check_case(what, "a", call_adaptive, sizes[i]);
    }
    check_case("pad", "a", call_pad, NULL);
}

/* A second backward adds to what a parameter has; one and the same step gives the same bits. */
static void test_gradients_add_up(void **state) {
    (void)state;
    rlc_tensor *x = golden_root("conv", "stride.x"), *w = golden_root("conv", "stride.w");
    float *once = NULL, *twice = NULL;
    for (int round = 0; round < 3; round++) {
        if (round != 2) {
            rlc_zero_grad(w);
        }
        rlc_begin(test_program());
        rlc_backward(rlc_sum(rlc_conv2d(x, w, NULL, (rlc_conv){.stride = {3, 2}}), RLC_ALL, false));
        expect_ok(rlc_end(test_program()));
        float *grad = malloc((size_t)w->numel * sizeof *grad);
        assert_non_null(grad);
        expect_ok(rlc_tensor_read(w->grad, grad));
        for (int64_t i = 0; i < w->numel && round > 0; i++) {
            assert_true(round == 1 ? grad[i] == once[i] : fabsf(grad[i] - 2 * once[i]) <= 1e-5f * fabsf(once[i]));
        }
        free(twice);
        twice = once;
        once = grad;
    }
    free(once);
    free(twice);
    rlc_tensor_free(x);
    rlc_tensor_free(w);
}

#define ZEROS(...) rlc_zeros(RLC_F32, RLC_SHAPE(__VA_ARGS__))
#define CONV(x, w, ...) rlc_conv2d(x, w, NULL, (rlc_conv){__VA_ARGS__})
#define TRANSPOSED(x, w, ...) rlc_conv_transpose2d(x, w, NULL, (rlc_conv){__VA_ARGS__})
#define EXPECT_REFUSED(call, message)                                                                                  \
    do {                                                                                                               \
        rlc_begin(test_program());                                                                                     \
        assert_null(call);                                                                                             \
        expect_error(rlc_end(test_program()), RLC_INVALID, message);                                                   \
    } while (0)

/* What is refused is named with its value, and what would do is said. */
static void test_misuse(void **state) {
    (void)state;
    EXPECT_REFUSED(
        CONV(ZEROS(1, 3, 4, 4), ZEROS(2, 3, 3, 5), .padding = {0, 0}),
        "conv2d: the kernel is larger than the input with its padding: it covers 5 columns (kernel 5, dilation "
        "1) of 4 (input of shape [1, 3, 4, 4], padding 0 on either side)");
    EXPECT_REFUSED(CONV(ZEROS(3, 4, 4), ZEROS(2, 3, 3, 3), .padding = {1, 1}, .dilation = {3, 1}),
                   "it covers 7 rows (kernel 3, dilation 3) of 6 (input of shape [3, 4, 4], padding 1 on either side)");
    EXPECT_REFUSED(
        CONV(ZEROS(1, 3, 4, 4), ZEROS(2, 2, 3, 3), 0),
        "conv2d: the input of shape [1, 3, 4, 4] has 3 channels; a weight of shape [2, 2, 3, 3] takes 2, groups "
        "being 1");
    EXPECT_REFUSED(CONV(ZEROS(1, 4, 4, 4), ZEROS(6, 1, 3, 3), .groups = 3), "takes 3, groups being 3");
    EXPECT_REFUSED(
        CONV(ZEROS(1, 4, 4, 4), ZEROS(3, 2, 3, 3), .groups = 2),
        "conv2d: groups is 2, which does not divide the 3 channels that come out: the weight has shape [3, 2, "
        "3, 3]");
    EXPECT_REFUSED(CONV(ZEROS(4, 4), ZEROS(3, 2, 3, 3), 0),
                   "conv2d: the input has shape [4, 4]; [.., channels, height, width] is needed");
    EXPECT_REFUSED(CONV(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3), 0),
                   "conv2d: the weight has shape [3, 2, 3]; [out, in / groups, rows, columns] is needed");
    EXPECT_REFUSED(CONV(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 0, 3), 0),
                   "the weight has shape [3, 2, 0, 3]; none of [out, in / groups, rows, columns] can be 0");
    EXPECT_REFUSED(CONV(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3, 3), .stride = {-1, 1}),
                   "conv2d: stride is [-1, 1] for rows and columns; neither can be less than 0, which stands for 1");
    EXPECT_REFUSED(CONV(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3, 3), .padding = {0, -2}),
                   "conv2d: padding is [0, -2] for rows and columns; neither can be less than 0");
    EXPECT_REFUSED(CONV(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3, 3), .dilation = {-3, 1}), "conv2d: dilation is [-3, 1]");
    EXPECT_REFUSED(CONV(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3, 3), .groups = -2),
                   "conv2d: groups is -2; it must be 1 or more");
    EXPECT_REFUSED(CONV(rlc_zeros(RLC_U8, RLC_SHAPE(1, 2, 4, 4)), ZEROS(3, 2, 3, 3), 0),
                   "the input is uint8; cast it to float32 first");
    EXPECT_REFUSED(CONV(rlc_zeros(RLC_F64, RLC_SHAPE(1, 2, 4, 4)), ZEROS(3, 2, 3, 3), 0),
                   "the input is float64, the weight float32");
    EXPECT_REFUSED(rlc_conv2d(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3, 3), ZEROS(2), (rlc_conv){0}),
                   "conv2d: the bias has shape [2]; [3] is needed, a number for each channel that comes out");
}

static void test_misuse_of_transposed(void **state) {
    (void)state;
    EXPECT_REFUSED(
        TRANSPOSED(ZEROS(1, 2, 4, 4), ZEROS(3, 2, 3, 3), 0),
        "conv_transpose2d: the input of shape [1, 2, 4, 4] has 2 channels; a weight of shape [3, 2, 3, 3] takes 3");
    EXPECT_REFUSED(TRANSPOSED(ZEROS(1, 3, 4, 4), ZEROS(3, 2, 3, 3), .groups = 2),
                   "groups is 2, which does not divide the 3 channels that come in: the weight has shape [3, 2, 3, 3]");
    EXPECT_REFUSED(TRANSPOSED(ZEROS(1, 3, 4, 4), ZEROS(3), 0), "[in, out / groups, rows, columns] is needed");
    EXPECT_REFUSED(rlc_conv_transpose2d(ZEROS(1, 2, 4, 4), ZEROS(2, 2, 3, 3), ZEROS(2), (rlc_conv){.groups = 2}),
                   "the bias has shape [2]; [4] is needed");
    EXPECT_REFUSED(
        TRANSPOSED(ZEROS(1, 2, 1, 2), ZEROS(2, 2, 2, 2), .padding = {0, 2}),
        "conv_transpose2d: padding is 2 for columns, and takes away all of the 3 there are; 1 at most leave one");
    EXPECT_REFUSED(TRANSPOSED(ZEROS(1, 2, 4, 4), ZEROS(2, 2, 2, 2), .stride = {2, 1}, .output_padding = {1, 1}),
                   "output_padding is 1 for columns; it must be smaller than the stride, 1, or the dilation, 1");
    EXPECT_REFUSED(TRANSPOSED(ZEROS(1, 2, 0, 4), ZEROS(2, 2, 2, 2), 0),
                   "the input has shape [1, 2, 0, 4], which is without rows");
}

static void test_misuse_of_planes(void **state) {
    (void)state;
    EXPECT_REFUSED(
        rlc_max_pool2d(ZEROS(1, 2, 2, 4), (rlc_pool){.kernel = {3, 3}}),
        "max_pool2d: the kernel is larger than the input with its padding: it covers 3 rows (kernel 3, dilation "
        "1) of 2 (input of shape [1, 2, 2, 4], padding 0 on either side)");
    EXPECT_REFUSED(rlc_max_pool2d(ZEROS(4), (rlc_pool){.kernel = {3, 3}}),
                   "max_pool2d: the input has shape [4]; [.., height, width] is needed");
    EXPECT_REFUSED(rlc_max_pool2d(ZEROS(0, 4), (rlc_pool){.kernel = {2, 2}, .padding = {1, 1}}),
                   "the input has shape [0, 4]; height and width must be 1 or more");
    EXPECT_REFUSED(
        rlc_avg_pool2d(ZEROS(4, 4), (rlc_pool){.kernel = {3, 3}, .padding = {2, 0}}),
        "avg_pool2d: padding is [2, 0] for rows and columns; it can be half the kernel of [3, 3] at most, which "
        "is [1, 1]");
    EXPECT_REFUSED(rlc_avg_pool2d(ZEROS(4, 4), (rlc_pool){.kernel = {2, 2}, .padding = {0, -1}}),
                   "padding is [0, -1] for rows and columns; neither can be less than 0");
    EXPECT_REFUSED(rlc_avg_pool2d(ZEROS(4, 4), (rlc_pool){0}),
                   "avg_pool2d: kernel is [0, 0] for rows and columns; neither can be less than 1");
    EXPECT_REFUSED(rlc_max_pool2d(ZEROS(4, 4), (rlc_pool){.kernel = {2, 2}, .stride = {1, -1}}),
                   "stride is [1, -1] for rows and columns; neither can be less than 1, and 0 stands for the kernel's");
    EXPECT_REFUSED(rlc_max_pool2d(ZEROS(4, 4), (rlc_pool){.kernel = {2, 2}, .dilation = {-1, 0}}),
                   "dilation is [-1, 1] for rows and columns");
    EXPECT_REFUSED(
        rlc_adaptive_avg_pool2d(ZEROS(4, 4), 0, 2),
        "adaptive_avg_pool2d: the number of means is [0, 2] for rows and columns; neither can be less than 1");
    EXPECT_REFUSED(rlc_pad(ZEROS(4, 4), 0, -1, 0, 0, 0),
                   "pad: left, right, top and bottom are 0, -1, 0 and 0; none can be negative");
    EXPECT_REFUSED(rlc_pad(rlc_zeros(RLC_I64, RLC_SHAPE(4, 4)), 0, 1, 0, 0, 0), "pad: the input is int64; cast it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_transposed),
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_gradients_add_up),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_misuse_of_transposed),
        cmocka_unit_test(test_misuse_of_planes),
    };
    return cmocka_run_group_tests_name("convolutions against PyTorch", tests, NULL, NULL);
}
