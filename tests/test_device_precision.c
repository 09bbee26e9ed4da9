/* Matrix products of coarser numbers, which a device of CUDA's has: what is rounded, and that recipes train with it. */
#include "tests/other_device.h"

/* A number as its product gets it, with so many bits behind the point. */
static double rounded(double x, int bits) {
    int exponent;
    const double scale = ldexp(1, bits + 1), part = frexp(x, &exponent);
    return ldexp(nearbyint(part * scale) / scale, exponent);
}

/* Sizes that a chip's multipliers take: of others cuBLASLt may choose not to round. */
enum { ROWS = 64, INNER = 64, COLUMNS = 32, RESULTS = ROWS * COLUMNS };

/* A layer and a product of the same operands. */
enum { LAYER, PRODUCT, KINDS };

typedef struct operands {
    rlc_tensor *x, *weight, *bias;
    float a[ROWS * INNER], b[COLUMNS * INNER], of_bias[COLUMNS]; /* what they hold */
} operands;

static void make_operands(operands *o) {
    o->x = root_on(sides[1].device, RLC_F32, RLC_SHAPE(ROWS, INNER), UNIT, 0);
    o->weight = root_on(sides[1].device, RLC_F32, RLC_SHAPE(COLUMNS, INNER), SIGNED, 1);
    o->bias = root_on(sides[1].device, RLC_F32, RLC_SHAPE(COLUMNS), SIGNED, 2);
    expect_ok(rlc_tensor_read(o->x, o->a));
    expect_ok(rlc_tensor_read(o->weight, o->b));
    expect_ok(rlc_tensor_read(o->bias, o->of_bias));
}

static void free_operands(operands *o) {
    rlc_tensor_free(o->x);
    rlc_tensor_free(o->weight);
    rlc_tensor_free(o->bias);
}

static void multiply(const operands *o, rlc_precision precision, float got[KINDS][RESULTS]) {
    rlc_begin(there());
    expect_ok(rlc_set_precision(there(), precision));
    expect_ok(rlc_read(rlc_affine(o->x, o->weight, o->bias, RLC_RELU), got[LAYER]));
    expect_ok(rlc_read(rlc_matmul(o->x, rlc_transpose(o->weight, 0, 1)), got[PRODUCT]));
    expect_ok(rlc_end(there()));
}

/* Result i as a sum of rounded numbers in double, and how large its parts are, by which errors are measured. */
static void add_up(const operands *o, int i, int bits, double wanted[KINDS], double *size) {
    double sum = 0, sizes = 3;
    for (int k = 0; k < INNER; k++) {
        const double product =
            rounded((double)o->a[i / COLUMNS * INNER + k], bits) * rounded((double)o->b[i % COLUMNS * INNER + k], bits);
        sum += product;
        sizes += fabs(product);
    }
    wanted[PRODUCT] = sum;
    wanted[LAYER] = fmax(sum + (double)o->of_bias[i % COLUMNS], 0);
    *size = sizes;
}

/* Operands are rounded, sums are not; and what is to be coarse is nowhere near what exact operands give. */
static void test_precision(void **state) {
    (void)state;
    const double of_chip = is_emulated() ? 1e-6 : 1e-3; /* how TensorFloat-32 rounds is the chip's matter */
    const struct {
        rlc_precision precision;
        int bits;
        double tolerance, apart; /* from sums of rounded numbers at most, from those of exact ones at least */
    } cases[] = {
        {RLC_PRECISION_F32, 23, 1e-6, 0}, {RLC_PRECISION_BF16, 7, 1e-6, 1e-4}, {RLC_PRECISION_TF32, 10, of_chip, 1e-5}};
    operands o;
    make_operands(&o);
    for (int c = 0; c < RLC_COUNT(cases); c++) {
        float got[KINDS][RESULTS];
        double apart[KINDS] = {0};
        multiply(&o, cases[c].precision, got);
        for (int i = 0; i < RESULTS; i++) {
            double wanted[KINDS], exact[KINDS], size;
            add_up(&o, i, 23, exact, &size);
            add_up(&o, i, cases[c].bits, wanted, &size);
            for (int k = 0; k < KINDS; k++) {
                assert_true(fabs((double)got[k][i] - wanted[k]) <= cases[c].tolerance * size);
                apart[k] = fmax(apart[k], fabs((double)got[k][i] - exact[k]) / size);
            }
        }
        assert_true(apart[LAYER] >= cases[c].apart && apart[PRODUCT] >= cases[c].apart);
    }
    expect_ok(rlc_set_precision(there(), RLC_PRECISION_F32));
    free_operands(&o);
    expect_error(rlc_set_precision(sides[0].program, RLC_PRECISION_BF16), RLC_INVALID,
                 "precision bf16: device cpu multiplies matrices in f32 only; a GPU (device: cuda) has it");
}

/* Expects that a file of two runs differs. */
static void expect_other_file(const char *folder_a, const char *folder_b, const char *name) {
    char path[2][128];
    size_t size[2];
    snprintf(path[0], sizeof path[0], "%s/%s", folder_a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", folder_b, name);
    char *a = read_file(in_work_folder(path[0]), &size[0]), *b = read_file(in_work_folder(path[1]), &size[1]);
    assert_true(a != NULL && b != NULL);
    if (size[0] == size[1] && memcmp(a, b, size[0]) == 0) {
        fail_msg("%s and %s are the same", path[0], path[1]);
    }
    free(a);
    free(b);
}

/* Coarser products train, too, and the numbers are other ones; where it runs is said with how. */
static void test_coarse_runs(void **state) {
    (void)state;
    static const char *const names[] = {"f32", "tf32", "bf16"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char arguments[512], says[64];
        snprintf(arguments, sizeof arguments, "check recipes/dqn.yaml precision=%s --device %s", names[i],
                 parity_device());
        snprintf(says, sizeof says, "dqn, seed 1, on %s:0%s%s\n", parity_device(), i > 0 ? ", precision " : "",
                 i > 0 ? names[i] : "");
        expect_rlrun(arguments, 0, says);
        snprintf(
            arguments, sizeof arguments,
            "recipes/dqn.yaml precision=%s env.device=%s collector.total_frames=1500 collector.init_random_frames=1000 "
            "eval.episodes=2 --quiet --device %s --out %s",
            names[i], parity_device(), parity_device(), in_work_folder(names[i]));
        expect_on_machine("guard", arguments, 0, "");
        snprintf(arguments, sizeof arguments, "play %s --quiet --png %s", in_work_folder(names[i]),
                 in_work_folder("pictures"));
        expect_rlrun(arguments, 0, ""); /* on the CPU, in f32 */
        assert_true(exists(in_work_folder("pictures/00008.png")));
        assert_int_equal(nftw(in_work_folder("pictures"), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        for (int k = 0; k < i; k++) {
            expect_other_file(names[k], names[i], "scalars.csv");
        }
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
