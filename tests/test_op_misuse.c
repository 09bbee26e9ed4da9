/* Misused ops, what the message says: shapes and types that do not fit, indices that are none, sizes that no memory holds. */
#include <stdio.h>
#include <string.h>

#include "tests/operands.h"

/* X(what the message says, misuse); those of what slides over images are in test_conv.c. */
#define MISUSES(X)                                                                                                     \
    X("mul: shapes [2, 3] and [4] do not broadcast", rlc_mul(m, v))                                                    \
    X("lt: shapes [4] and [2, 3] do not broadcast", rlc_lt(v, m))                                                      \
    X("logical_and: shapes [2] and [4] do not broadcast", rlc_logical_and(bits, v))                                    \
    X("where: shapes [2], [2, 3] and [] do not broadcast", rlc_where(bits, m, s))                                      \
    X("where: shapes [2], [2, 3] and [4] do not broadcast", rlc_where(bits, m, v))                                     \
    X("reshape: shape [4, 2] cannot hold the elements of [2, 3]", rlc_reshape(m, RLC_SHAPE(4, 2)))                     \
    X("reshape: shape [-1, 4] cannot hold the elements of [2, 3]", rlc_reshape(m, RLC_SHAPE(-1, 4)))                   \
    X("reshape: shape [-1, -1] cannot hold the elements of [2, 3]", rlc_reshape(m, RLC_SHAPE(-1, -1)))                 \
    X("reshape: shape [0, -1] cannot hold the elements of [0, 3]", rlc_reshape(z, RLC_SHAPE(0, -1)))                   \
    X("reshape: shape [-2, -3] cannot hold the elements of [2, 3]", rlc_reshape(m, RLC_SHAPE(-2, -3)))                 \
    X("flatten: dimension 2 is outside of shape [2, 3]", rlc_flatten(m, 0, 2))                                         \
    X("squeeze: dimension 2 is outside of shape [2, 3]", rlc_squeeze(m, 2))                                            \
    X("unsqueeze: dimension 3 does not fit", rlc_unsqueeze(m, 3))                                                      \
    X("unsqueeze: dimension -4 does not fit", rlc_unsqueeze(m, -4))                                                    \
    X("transpose: dimension -3 is outside of shape [2, 3]", rlc_transpose(m, 0, -3))                                   \
    X("expand: shape [2, 3] does not broadcast to [2, 4]", rlc_expand(m, RLC_SHAPE(2, 4)))                             \
    X("expand: shape [2, 3] does not broadcast to [3]", rlc_expand(m, RLC_SHAPE(3)))                                   \
    X("expand: shape [] does not broadcast to [-2]", rlc_expand(s, RLC_SHAPE(-2)))                                     \
    X("slice: 3 elements from 1 on are outside of dimension 1 of shape [2, 3]", rlc_slice(m, 1, 1, 3))                 \
    X("slice: -1 elements", rlc_slice(m, 1, 1, -1))                                                                    \
    X("slice: 1 elements from -1 on", rlc_slice(m, 1, -1, 1))                                                          \
    X("slice: 1 elements from 0 on are outside of dimension 0 of shape []", rlc_slice(s, 0, 0, 1))                     \
    X("slice: dimension 2 is outside of shape [2, 3]", rlc_slice(m, 2, 0, 1))                                          \
    X("select: ", rlc_select(m, 1, 3))                                                                                 \
    X("select: ", rlc_select(m, 1, -4))                                                                                \
    X("concatenate: operand 1 has shape [4], operand 0 has [2, 3]", rlc_concatenate(TWO(m, v), 2, 0))                  \
    X("concatenate: dimension 2 is outside of shape [2, 3]", rlc_concatenate(TWO(m, m), 2, 2))                         \
    X("concatenate: needs 1 to 65535 tensors, got 0", rlc_concatenate(TWO(m, m), 0, 0))                                \
    X("concatenate: ", rlc_concatenate(TWO(s, s), 2, 0))                                                               \
    X("stack: operand 1 has shape [0, 3], operand 0 has [2, 3]", rlc_stack(TWO(m, z), 2, 0))                           \
    X("stack: dimension 3 does not fit", rlc_stack(TWO(m, m), 2, 3))                                                   \
    X("sum: dimension 2 is outside of shape [2, 3]", rlc_sum(m, 2, false))                                             \
    X("mean: needs a float tensor, got int64", rlc_mean(index1, 0, false))                                             \
    X("argmax: nothing to choose from", rlc_argmax(z, 0, false))                                                       \
    X("max: nothing to choose from", rlc_max(z, 0, false))                                                             \
    X("min: nothing to choose from", rlc_min(z, RLC_ALL, false))                                                       \
    X("gather: indices must be int64, got float32", rlc_gather(m, 0, m))                                               \
    X("gather: index of shape [2] does not fit [2, 3]", rlc_gather(m, 0, index1))                                      \
    X("gather: dimension 2 is outside of shape [2, 3]", rlc_gather(m, 2, index1))                                      \
    X("index_select: indices must be int64, got float32", rlc_index_select(m, v))                                      \
    X("index_select: needs a tensor with rows", rlc_index_select(s, index1))                                           \
    X("index_select: needs a tensor with rows", rlc_index_select(m, rlc_unsqueeze(index1, 0)))                         \
    X("one_hot: needs at least one class", rlc_one_hot(index1, 0))                                                     \
    X("one_hot: indices must be int64, got float32", rlc_one_hot(v, 2))                                                \
    X("matmul: shapes [2, 3] and [2, 3] do not fit", rlc_matmul(m, m))                                                 \
    X("matmul: shapes [2, 3] and [4] do not fit", rlc_matmul(m, v))                                                    \
    X("matmul: needs two tensors of one float type, got int64 and int64",                                              \
      rlc_matmul(rlc_unsqueeze(index1, 0), rlc_unsqueeze(index1, 1)))                                                  \
    X("matmul: shapes [2, 1, 3] and [3, 3, 2] do not fit",                                                             \
      rlc_matmul(rlc_unsqueeze(m, 1), rlc_repeat(rlc_unsqueeze(rlc_transpose(m, 0, 1), 0), RLC_SHAPE(3, 1, 1))))       \
    X("matmul: shapes [2, 3] and [] do not fit: both need at least one dimension", rlc_matmul(m, s))                   \
    X("view: the tensor of shape [3, 2] has gaps", rlc_view(rlc_transpose(m, 0, 1), RLC_SHAPE(6)))                     \
    X("permute: each of the 2 dimensions must be named once", rlc_permute(m, (const int[]){1, -1}))                    \
    X("permute: dimension 2 is outside of shape [2, 3]", rlc_permute(m, (const int[]){0, 2}))                          \
    X("from_bytes: operand 0 is float32 [2, 3]; uint8 is needed, and one shape", rlc_from_bytes(m, NULL))              \
    X("from_bytes: operand 1 is uint8 [2]; uint8 is needed, and one shape",                                            \
      rlc_from_bytes(rlc_cast(v, RLC_U8), rlc_cast(index1, RLC_U8)))                                                   \
    X("slice_step: needs a dimension and a step of at least 1, not 0", rlc_slice_step(m, 0, 0, 2, 0))                  \
    X("slice_step: dimension 2 is outside of shape [2, 3]", rlc_slice_step(m, 2, 0, 2, 1))                             \
    X("repeat: [2] does not say for each dimension of shape [2, 3] how often", rlc_repeat(m, RLC_SHAPE(2)))            \
    X("repeat: [1, -1] does not say", rlc_repeat(m, RLC_SHAPE(1, -1)))                                                 \
    X("split: gives 3 parts, but there is room for 2", rlc_split(m, 1, 1, parts, 2) > 0 ? m : NULL)                    \
    X("split: needs a dimension to split", rlc_split(s, 1, 0, parts, 8) > 0 ? m : NULL)                                \
    X("split: needs a dimension to split and parts of at least 1, not 0", rlc_split(m, 0, 0, parts, 8) > 0 ? m : NULL) \
    X("chunk: needs a dimension to split and at least one part, not 0", rlc_chunk(m, 0, 0, parts, 8) > 0 ? m : NULL)   \
    X("unbind: cannot take 3 parts of dimension 1; there is room for 2", rlc_unbind(m, 1, parts, 2) > 0 ? m : NULL)    \
    X("softmax: dimension 2 is outside of shape [2, 3]", rlc_softmax(m, 2))                                            \
    X("cumsum: dimension -3 is outside of shape [2, 3]", rlc_cumsum(m, -3))                                            \
    X("topk: cannot take 4 of dimension 1 of shape [2, 3]", rlc_topk(m, 4, 1, true, NULL))                             \
    X("topk: dimension 2 is outside of shape [2, 3]", rlc_topk(m, 1, 2, true, NULL))                                   \
    X("topk: cannot take 1 of dimension 0 of shape []", rlc_topk(s, 1, 0, true, NULL))                                 \
    X("scatter: indices must be int64, got float32", rlc_scatter(m, 0, m, m))                                          \
    X("scatter: index [2] and source [2, 3] (float32) must have one shape", rlc_scatter(v, 0, index1, m))              \
    X("scatter_add: index [2] and source [2] (int64) must have one shape, that of [4] (float32)",                      \
      rlc_scatter_add(v, 0, index1, index1))                                                                           \
    X("take: a tensor without dimensions has nothing to choose from", rlc_take(s, 0, index1))                          \
    X("masked_select: a mask of shape [2] is not the beginning of shape [4]", rlc_masked_select(v, bits))              \
    X("nll: targets of shape [4] do not fit an input of shape [2, 3], whose dimension 1 is that of classes",           \
      rlc_nll(m, v))                                                                                                   \
    X("cross_entropy: targets of shape [2] do not fit an input of shape [1, 3]", rlc_cross_entropy(row1, index1))      \
    X("cross_entropy: the input has no dimension of classes", rlc_cross_entropy(s, index1))                            \
    X("multinomial: cannot draw 4 without replacement from weights of shape [2, 3]",                                   \
      rlc_multinomial(stream, m, 4, false))                                                                            \
    X("multinomial: cannot draw 0 from weights of shape [2, 3]", rlc_multinomial(stream, m, 0, true))                  \
    X("arange_step: there is no way from 0 to 1 in steps of -1", rlc_arange_step(RLC_F32, 0, 1, -1))                   \
    X("arange_step: there is no way from 0 to 1 in steps of 0", rlc_arange_step(RLC_F32, 0, 1, 0))                     \
    X("linspace: the number of elements must be at least 0, not -1", rlc_linspace(RLC_F32, 0, 1, -1))                  \
    X("linear: shapes [4] and [2, 3] do not fit", rlc_affine(v, m, NULL, RLC_RELU))                                    \
    X("linear: shapes [2, 3] and [4] do not fit", rlc_affine(m, m, v, RLC_RELU))                                       \
    X("linear: the input is float64, the weight float32", rlc_affine(rlc_cast(m, RLC_F64), m, NULL, RLC_RELU))         \
    X("linear: the bias is float64, the weight float32", rlc_affine(m, m, rlc_zeros(RLC_F64, RLC_SHAPE(2)), RLC_RELU)) \
    X("linear: not available for int64", rlc_affine(index1, rlc_unsqueeze(index1, 0), NULL, RLC_RELU))                 \
    X("layer_norm: the input is int64 [2]; a float type and at least 1 dimensions are needed",                         \
      rlc_layer_norm(index1, 1, NULL, NULL, 1e-5))                                                                     \
    X("layer_norm: the input is float32 [2, 3]; a float type and at least 3 dimensions are needed",                    \
      rlc_layer_norm(m, 3, NULL, NULL, 1e-5))                                                                          \
    X("layer_norm: the number of dimensions to normalise over must be at least 1, not 0",                              \
      rlc_layer_norm(m, 0, NULL, NULL, 1e-5))                                                                          \
    X("layer_norm: the weight is float32 [4]; for an input float32 [2, 3] it must be float32 [3]",                     \
      rlc_layer_norm(m, 1, v, NULL, 1e-5))                                                                             \
    X("batch_norm: the input is float32 [4]; a float type and at least 2 dimensions are needed",                       \
      rlc_batch_norm(v, NULL, NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY))                                        \
    X("batch_norm: the bias is float32 [4]; for an input float32 [2, 3] it must be float32 [3]",                       \
      rlc_batch_norm(m, NULL, NULL, NULL, v, true, 0.1, 1e-5, RLC_IDENTITY))                                           \
    X("batch_norm: give both the running mean and the running variance, or neither",                                   \
      rlc_batch_norm(m, rlc_zeros(RLC_F32, RLC_SHAPE(3)), NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY))            \
    X("batch_norm: outside of training it needs the running mean and variance",                                        \
      rlc_batch_norm(m, NULL, NULL, NULL, NULL, false, 0.1, 1e-5, RLC_IDENTITY))                                       \
    X("dropout: cannot drop elements of float32 with probability 1.5", rlc_dropout(stream, m, 1.5))                    \
    X("dropout: cannot drop elements of int64 with probability 0.5", rlc_dropout(stream, index1, 0.5))                 \
    X("random_categorical: needs float32 logits with something to choose from, got int64 [2]",                         \
      rlc_random_categorical(stream, index1))                                                                          \
    X("random_categorical: needs float32 logits with something to choose from, got float32 []",                        \
      rlc_random_categorical(stream, s))                                                                               \
    X("resample: a tensor without dimensions has no neighbours", rlc_resample(s, 0, index1, m))                        \
    X("resample: places must be int64 [n] and weights float32 [n, taps], not float32 [4] and float32 [2, 3]",          \
      rlc_resample(m, 0, v, m))                                                                                        \
    X("resample: places must be int64 [n] and weights float32 [n, taps], not int64 [2] and float32 [1, 3]",            \
      rlc_resample(m, 0, index1, row1))                                                                                \
    X("discounted_scan: a tensor without dimensions has no steps", rlc_discounted_scan(s, s, NULL, 0))                 \
    X("discounted_scan: b is float32 [4], but a is float32 [2, 3]: they must be alike",                                \
      rlc_discounted_scan(m, v, NULL, 0))                                                                              \
    X("cross_entropy_loss: the weight has shape [4]; one number for each of the 3 classes is needed",                  \
      rlc_cross_entropy_loss(m, index1, v, RLC_REDUCE_MEAN))                                                           \
    X("nll_loss: the weight has shape [4]; one number for each of the 3 classes is needed",                            \
      rlc_nll_loss(m, index1, v, RLC_REDUCE_SUM))                                                                      \
    X("binary_cross_entropy: targets of shape [4] do not fit an input of shape [2, 3]: the two must be the same",      \
      rlc_binary_cross_entropy(m, v, NULL, RLC_REDUCE_MEAN))                                                           \
    X("binary_cross_entropy_with_logits: targets of shape [1, 3] do not fit an input of shape [2, 3]: the two must "   \
      "be the same",                                                                                                   \
      rlc_binary_cross_entropy_with_logits(m, row1, NULL, NULL, RLC_REDUCE_MEAN))                                      \
    X("randint: needs low < high", rlc_randint(stream, 3, 3, RLC_SHAPE(2)))                                            \
    X("randint: needs low < high, less than 2^32 apart", rlc_randint(stream, 0, (int64_t)1 << 32, RLC_SHAPE(2)))       \
    X("random_index: the bound must be one int64", rlc_random_index(stream, v, 2))

static void test_messages(void **state) {
    (void)state;
    int wrong = 0, cases = 0;
#define EXPECT_MISUSE(text, misuse)                                                                                    \
    rlc_begin(p);                                                                                                      \
    if ((misuse) != NULL || p->status != RLC_INVALID || strstr(rlc_error(), text) == NULL) {                           \
        print_error("wanted '%s' (%s), got '%s'\n", text, #misuse, rlc_error());                                       \
        wrong++;                                                                                                       \
    }                                                                                                                  \
    rlc_error_clear();                                                                                                 \
    cases++;
    MISUSES(EXPECT_MISUSE)
    rlc_begin(p); /* nothing of all this is run */
    print_message("%d ways to misuse an op\n", cases);
    assert_int_equal(wrong, 0);
}

/* Indices are known only when ops run: the program stops there, and the message names module, op, index and size. */
static void expect_bad_index(const char *text, rlc_tensor *result) {
    assert_non_null(result);
    rlc_assign(s, rlc_scalar(1));
    expect_error(rlc_end(p), RLC_FAILED, text);
    assert_true(*(float *)s->data == 0);
    rlc_begin(p);
    p->where = "modules.q";
}

static rlc_tensor *numbers(int64_t first, int64_t second) {
    return rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){first, second});
}

static void test_bad_indices(void **state) {
    (void)state;
    skip_off_host();
    p->where = "modules.q";
    expect_bad_index("modules.q: gather: index 3 is outside of a dimension of size 3",
                     rlc_gather(m, 1, rlc_reshape(numbers(2, 3), RLC_SHAPE(2, 1))));
    expect_bad_index("modules.q: gather: index -1 is outside of a dimension of size 4",
                     rlc_gather(v, 0, numbers(0, -1)));
    expect_bad_index("modules.q: index_select: index 2 is outside of a dimension of size 2",
                     rlc_index_select(m, numbers(1, 2)));
    expect_bad_index("modules.q: index_select: index -5 is outside of a dimension of size 2",
                     rlc_index_select(m, numbers(-5, 0)));
    expect_bad_index("index_select: index 0 is outside of a dimension of size 0", rlc_index_select(z, numbers(0, 0)));
    expect_bad_index("modules.q: one_hot: index 5 is outside of a dimension of size 5", rlc_one_hot(numbers(4, 5), 5));
    expect_bad_index("modules.q: one_hot: index -1 is outside of a dimension of size 5",
                     rlc_one_hot(numbers(4, -1), 5));
    expect_bad_index("gather: index 0 is outside of a dimension of size 0",
                     rlc_gather(rlc_transpose(z, 0, 1), 1, rlc_zeros(RLC_I64, RLC_SHAPE(3, 2))));
}

/* X(name of the op, what else the message says, what asks for too much): no memory holds it, or its sizes do not fit
 * into 64 bits, those of a tensor without elements included. */
static const int64_t HUGE_SIZE = (int64_t)1 << 40;
#define EXCESSES(X)                                                                                                    \
    X("", "out of memory", rlc_empty(RLC_F32, RLC_SHAPE(HUGE_SIZE)))                                                   \
    X("empty", "[1099511627776, 1099511627776] is too large", rlc_empty(RLC_U8, RLC_SHAPE(HUGE_SIZE, HUGE_SIZE)))      \
    X("full", "[4611686018427387904] is too large", rlc_full(RLC_F64, RLC_SHAPE((int64_t)1 << 62), 0))                 \
    X("arange", "[9223372036854775807] is too large", rlc_arange(RLC_I64, INT64_MAX))                                  \
    X("one_hot", "[2, 9223372036854775807] is too large", rlc_one_hot(index1, INT64_MAX))                              \
    X("add", "[1099511627776, 1099511627776] is too large",                                                            \
      rlc_add(rlc_expand(s, RLC_SHAPE(HUGE_SIZE, 1)), rlc_expand(s, RLC_SHAPE(1, HUGE_SIZE))))                         \
    X("zeros", "[-1]", rlc_zeros(RLC_F32, RLC_SHAPE(-1)))                                                              \
    X("randint", "needs low < high, less than 2^32 apart", rlc_randint(stream, INT64_MIN, INT64_MAX, RLC_SHAPE(2)))    \
    X("expand", "[1099511627776, 1099511627776] is too large", rlc_expand(s, RLC_SHAPE(HUGE_SIZE, HUGE_SIZE)))         \
    X("empty", "[0, 1099511627776, 1099511627776] is too large", rlc_empty(RLC_U8, RLC_SHAPE(0, HUGE_SIZE, HUGE_SIZE)))

static void test_huge_shapes(void **state) {
    (void)state;
    skip_off_host();
    int wrong = 0;
#define EXPECT_REFUSAL(op, text, excess)                                                                               \
    rlc_begin(p);                                                                                                      \
    if ((excess) != NULL || strstr(rlc_error(), op) == NULL || strstr(rlc_error(), text) == NULL || p->status == 0) {  \
        print_error("wanted '%s: ... %s', got '%s'\n", op, text, rlc_error());                                         \
        wrong++;                                                                                                       \
    }                                                                                                                  \
    rlc_error_clear();
    EXCESSES(EXPECT_REFUSAL)
    assert_int_equal(wrong, 0);
}

static void test_huge_roots(void **state) {
    (void)state;
    skip_off_host();
    rlc_device *cpu = test_device();
    assert_null(rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(HUGE_SIZE)));
    expect_error(rlc_error_status(), RLC_FAILED, "out of memory: could not get 4398046511104 bytes");
    assert_null(rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(HUGE_SIZE, HUGE_SIZE)));
    expect_error(rlc_error_status(), RLC_INVALID, "[1099511627776, 1099511627776] is too large");
    assert_null(rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(2, -1)));
    expect_error(rlc_error_status(), RLC_INVALID, "[2, -1]");
    assert_null(rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(0, HUGE_SIZE, HUGE_SIZE)));
    expect_error(rlc_error_status(), RLC_INVALID, "[0, 1099511627776, 1099511627776] is too large");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_messages, start_misuse),
        cmocka_unit_test_setup(test_bad_indices, start_misuse),
        cmocka_unit_test_setup(test_huge_roots, start_misuse),
        cmocka_unit_test_setup(test_huge_shapes, start_misuse),
    };
    return cmocka_run_group_tests_name("misused ops", tests, make_operands, free_operands);
}
