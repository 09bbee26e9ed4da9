/* Matrix products of coarser numbers, which a device of CUDA's has: what is rounded, and that recipes train with it. */
#include "tests/other_device.h"

/* A number as its product gets it, with so many bits behind the point. */
static double rounded(double x, int bits) {
    int exponent;
    const double scale = ldexp(1, bits + 1), part = frexp(x, &exponent);
    return ldexp(nearbyint(part * scale) / scale, exponent);
}

/* Operands are rounded, sums are not: against sums of rounded numbers in double. */
static void test_precision(void **state) {
    (void)state;
    static const struct {
        rlc_precision precision;
        int bits;
        double tolerance; /* how TensorFloat-32 rounds is the chip's matter */
    } cases[] = {{RLC_PRECISION_F32, 23, 1e-6}, {RLC_PRECISION_BF16, 7, 1e-6}, {RLC_PRECISION_TF32, 10, 1e-3}};
    enum { ROWS = 5, INNER = 37, COLUMNS = 11 };
    rlc_tensor *x = root_on(sides[1].device, RLC_F32, RLC_SHAPE(ROWS, INNER), UNIT, 0);
    rlc_tensor *weight = root_on(sides[1].device, RLC_F32, RLC_SHAPE(COLUMNS, INNER), SIGNED, 1);
    rlc_tensor *bias = root_on(sides[1].device, RLC_F32, RLC_SHAPE(COLUMNS), SIGNED, 2);
    float got[2][ROWS * COLUMNS], of_bias[COLUMNS], a[ROWS * INNER], b[COLUMNS * INNER];
    expect_ok(rlc_tensor_read(x, a));
    expect_ok(rlc_tensor_read(weight, b));
    expect_ok(rlc_tensor_read(bias, of_bias));
    for (int c = 0; c < RLC_COUNT(cases); c++) {
        rlc_begin(there());
        expect_ok(rlc_set_precision(there(), cases[c].precision));
        expect_ok(rlc_read(rlc_affine(x, weight, bias, RLC_RELU), got[0]));
        expect_ok(rlc_read(rlc_matmul(x, rlc_transpose(weight, 0, 1)), got[1]));
        expect_ok(rlc_end(there()));
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            double sum = 0, size = 0;
            for (int k = 0; k < INNER; k++) {
                const double product = rounded((double)a[i / COLUMNS * INNER + k], cases[c].bits) *
                                       rounded((double)b[i % COLUMNS * INNER + k], cases[c].bits);
                sum += product;
                size += fabs(product);
            }
            const double layer = fmax(sum + (double)of_bias[i % COLUMNS], 0), allowed = cases[c].tolerance * (size + 3);
            assert_true(fabs((double)got[1][i] - sum) <= allowed);
            assert_true(fabs((double)got[0][i] - layer) <= allowed);
        }
    }
    expect_ok(rlc_set_precision(there(), RLC_PRECISION_F32));
    rlc_tensor_free(x);
    rlc_tensor_free(weight);
    rlc_tensor_free(bias);
    expect_error(rlc_set_precision(sides[0].program, RLC_PRECISION_BF16), RLC_INVALID,
                 "precision bf16: device cpu multiplies matrices in f32 only; a GPU (device: cuda) has it");
}

/* Coarser products train, too; where it runs is said with how. */
static void test_coarse_runs(void **state) {
    (void)state;
    static const char *const names[] = {"tf32", "bf16"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char arguments[512], says[64];
        snprintf(arguments, sizeof arguments, "check recipes/dqn.yaml precision=%s --device %s", names[i],
                 parity_device());
        snprintf(says, sizeof says, "dqn, seed 1, on %s:0, precision %s\n", parity_device(), names[i]);
        expect_rlrun(arguments, 0, says);
        snprintf(arguments, sizeof arguments,
                 "recipes/dqn.yaml precision=%s collector.total_frames=1500 collector.init_random_frames=1000 "
                 "eval.episodes=2 --quiet --device %s --out %s",
                 names[i], parity_device(), in_work_folder(names[i]));
        expect_on_machine("guard", arguments, 0, "");
    }
    expect_rlrun("check recipes/dqn.yaml precision=bf16", 2,
                 "precision bf16: device cpu multiplies matrices in f32 only; a GPU (device: cuda) has it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_precision, forget_machine),
        cmocka_unit_test_setup(test_coarse_runs, forget_machine),
    };
    return cmocka_run_group_tests_name("precision on another device", tests, open_all, close_all);
}
