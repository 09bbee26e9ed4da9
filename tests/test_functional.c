/* The functions behind layers, normalisations and weighted losses: against PyTorch
 * (tests/golden/layers.py), and what they refuse. */
#define GOLDEN_CASES "layers"
#include "tests/golden_case.h"
#include "tests/with_model.h"

CASE(one_dim, rlc_layer_norm(a, 1, b, x[2], 1e-5))
CASE(loose, rlc_layer_norm(a, 1, NULL, NULL, 1e-3))
CASE(two_dims, rlc_layer_norm(a, 2, b, x[2], 1e-5))
CASE(plain, rlc_layer_norm(a, 1, NULL, NULL, 1e-5))
CASE(by_batch, rlc_batch_norm(a, NULL, NULL, b, x[2], true, 0.1, 1e-5, RLC_IDENTITY))
CASE(by_batch_plain, rlc_batch_norm(a, NULL, NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY))
CASE(by_running,
     rlc_batch_norm(a, golden_tensor("layers", "batch_norm_eval.mean"), golden_tensor("layers", "batch_norm_eval.var"),
                    b, x[2], false, 0.1, 1e-5, RLC_IDENTITY))

static void test_norms(void **state) {
    (void)state;
    check_case("layer_norm", "abc", call_one_dim, NULL);
    check_case("layer_norm_plain", "a", call_loose, NULL);
    check_case("layer_norm_two", "abc", call_two_dims, NULL);
    check_case("layer_norm_long", "a", call_plain, NULL);
    check_case("batch_norm", "abc", call_by_batch, NULL);
    check_case("batch_norm_many", "a", call_by_batch_plain, NULL);
    check_case("batch_norm_1d", "abc", call_by_batch, NULL);
    check_case("batch_norm_2d", "abc", call_by_batch, NULL);
    check_case("batch_norm_eval", "abc", call_by_running, NULL);
}

/* Batch norm of a [8, 6, 5] with weight and bias or without, and a loss of it; its gradients, one behind the other, go to `all`. */
static int64_t norm_and_gradients(bool training, const bool has[3], bool fused, float *all) {
    rlc_begin(p);
    rlc_tensor *operands[3], *mean = rlc_zeros(RLC_F32, RLC_SHAPE(6)), *var = rlc_full(RLC_F32, RLC_SHAPE(6), 0.5);
    const rlc_shape shapes[] = {RLC_SHAPE(8, 6, 5), RLC_SHAPE(6), RLC_SHAPE(6)};
    rlc_stream *stream = rlc_stream_new(test_device(), 5, "norm");
    int64_t count = 0;
    for (int i = 0; i < 3; i++) {
        operands[i] = rlc_tensor_new(test_device(), RLC_F32, shapes[i]);
        rlc_assign(operands[i], rlc_randn(stream, shapes[i]));
        expect_ok(rlc_requires_grad(operands[i]));
    }
    rlc_tensor *y = rlc_batch_norm(operands[0], mean, var, has[1] ? operands[1] : NULL, has[2] ? operands[2] : NULL,
                                   training, 0.1, 1e-5, fused ? RLC_RELU : RLC_IDENTITY);
    y = fused ? y : rlc_relu(y);
    rlc_backward(rlc_sum(rlc_mul(y, rlc_randn(stream, shapes[0])), RLC_ALL, false));
    expect_ok(rlc_read(y, all));
    count += y->numel;
    for (int i = 0; i < 3; i++) {
        if (has[i]) {
            expect_ok(rlc_read(operands[i]->grad, all + count));
            count += operands[i]->numel;
        }
    }
    expect_ok(rlc_end(p));
    for (int i = 0; i < 3; i++) {
        rlc_tensor_free(operands[i]);
    }
    rlc_stream_free(stream);
    return count;
}

/* A relu within batch norm is that behind it, to the last bit, and what comes back through it too. */
static void test_norm_and_relu(void **state) {
    (void)state;
    for (int way = 0; way < 8; way++) {
        const bool training = way & 1, has[] = {true, way & 2, way & 4};
        float within[1000], behind[1000];
        const int64_t count = norm_and_gradients(training, has, true, within);
        assert_int_equal(norm_and_gradients(training, has, false, behind), count);
        assert_int_equal(count, 2 * 240 + 6 * (has[1] + has[2]));
        assert_memory_equal(within, behind, (size_t)count * sizeof(float));
        int zeros = 0;
        for (int i = 0; i < 240; i++) {
            zeros += within[i] == 0;
        }
        assert_in_range(zeros, 40, 200);
    }
}

typedef rlc_tensor *reduced_loss(rlc_tensor *x, rlc_reduction r);
#define LOSS(name, expression)                                                                                         \
    static rlc_tensor *loss_##name(rlc_tensor *x, rlc_reduction r) {                                                   \
        return expression;                                                                                             \
    }
#define GOLDEN(name) golden_tensor("layers", name)
LOSS(cross_entropy, rlc_cross_entropy_loss(x, GOLDEN("target"), GOLDEN("class_weight"), r))
LOSS(cross_entropy_plain, rlc_cross_entropy_loss(x, GOLDEN("target"), NULL, r))
LOSS(cross_entropy_spatial, rlc_cross_entropy_loss(x, GOLDEN("spatial_target"), GOLDEN("class_weight"), r))
LOSS(cross_entropy_soft, rlc_cross_entropy_loss(x, GOLDEN("soft_target"), GOLDEN("class_weight"), r))
LOSS(nll, rlc_nll_loss(x, GOLDEN("target"), GOLDEN("class_weight"), r))
LOSS(bce, rlc_binary_cross_entropy(x, GOLDEN("binary_target"), GOLDEN("binary_weight"), r))
LOSS(bce_plain, rlc_binary_cross_entropy(x, GOLDEN("binary_target"), NULL, r))
LOSS(bce_logits,
     rlc_binary_cross_entropy_with_logits(x, GOLDEN("binary_target"), GOLDEN("binary_weight"), GOLDEN("pos_weight"), r))
LOSS(bce_logits_plain, rlc_binary_cross_entropy_with_logits(x, GOLDEN("binary_target"), NULL, NULL, r))

typedef struct loss_case {
    const char *name;
    reduced_loss *f;
} loss_case;

typedef struct reduced_case {
    reduced_loss *f;
    rlc_reduction reduction;
} reduced_case;

static rlc_tensor *call_loss(rlc_tensor *const *x, const void *data) {
    const reduced_case *c = data;
    return c->f(x[0], c->reduction);
}

static void test_losses(void **state) {
    (void)state;
    static const loss_case losses[] = {{"cross_entropy", loss_cross_entropy},
                                       {"cross_entropy_plain", loss_cross_entropy_plain},
                                       {"cross_entropy_spatial", loss_cross_entropy_spatial},
                                       {"cross_entropy_soft", loss_cross_entropy_soft},
                                       {"nll", loss_nll},
                                       {"bce", loss_bce},
                                       {"bce_plain", loss_bce_plain},
                                       {"bce_logits", loss_bce_logits},
                                       {"bce_logits_plain", loss_bce_logits_plain}};
    static const char *const reductions[] = {
        [RLC_REDUCE_NONE] = "none", [RLC_REDUCE_MEAN] = "mean", [RLC_REDUCE_SUM] = "sum"};
    for (int i = 0; i < RLC_COUNT(losses); i++) {
        for (int r = 0; r < RLC_COUNT(reductions); r++) {
            char what[64];
            snprintf(what, sizeof what, "%s.%s", losses[i].name, reductions[r]);
            check_case(what, "a", call_loss, &(reduced_case){losses[i].f, (rlc_reduction)r});
        }
    }
}

/* What an op says of operands that do not fit. */
#define EXPECT_REFUSED(call, message)                                                                                  \
    do {                                                                                                               \
        rlc_begin(p);                                                                                                  \
        assert_null(call);                                                                                             \
        expect_error(rlc_end(p), RLC_INVALID, message);                                                                \
    } while (0)

static rlc_tensor *some(int64_t rows, int64_t columns) {
    return rlc_ones(RLC_F32, RLC_SHAPE(rows, columns));
}

static void test_misuse(void **state) {
    (void)state;
#define ROW(n) rlc_ones(RLC_F32, RLC_SHAPE(n))
    EXPECT_REFUSED(rlc_layer_norm(some(3, 4), 1, ROW(3), NULL, 1e-5), "the weight is float32 [3]");
    EXPECT_REFUSED(rlc_layer_norm(some(3, 4), 0, NULL, NULL, 1e-5), "must be at least 1, not 0");
    EXPECT_REFUSED(rlc_layer_norm(some(3, 4), 3, NULL, NULL, 1e-5), "at least 3 dimensions are needed");
    EXPECT_REFUSED(rlc_batch_norm(some(1, 4), NULL, NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY),
                   "more than one value a channel");
    EXPECT_REFUSED(rlc_batch_norm(some(3, 4), NULL, NULL, NULL, NULL, false, 0.1, 1e-5, RLC_IDENTITY),
                   "needs the running mean");
    EXPECT_REFUSED(rlc_batch_norm(some(3, 4), ROW(4), NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY), "or neither");
    EXPECT_REFUSED(rlc_batch_norm(ROW(4), NULL, NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY),
                   "at least 2 dimensions");
    EXPECT_REFUSED(rlc_nll_loss(some(3, 4), rlc_zeros(RLC_I64, RLC_SHAPE(3)), ROW(3), RLC_REDUCE_SUM),
                   "one number for each of the 4 classes");
    EXPECT_REFUSED(rlc_binary_cross_entropy(some(3, 4), some(3, 1), NULL, RLC_REDUCE_SUM), "the two must be the same");
    EXPECT_REFUSED(rlc_binary_cross_entropy_with_logits(some(3, 4), some(1, 4), NULL, NULL, RLC_REDUCE_SUM),
                   "the two must be the same");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_norms, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_norm_and_relu, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_losses, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("functional", tests, NULL, NULL);
}
