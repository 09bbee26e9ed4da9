/* expressions.h: the ops that are not rows of ops.def, in the ways they can be used, as expressions in tensors a, b, c.
 *
 *     const expression table[] = EXPRESSIONS(VIEWS);     // or PRODUCTS, JOINS, CHOICES, MASKS, ALONG, ...
 */
#ifndef RLC_TEST_EXPRESSIONS_H
#define RLC_TEST_EXPRESSIONS_H

#include "core/op.h"

typedef struct expression {
    const char *name;
    rlc_tensor *(*call)(rlc_tensor *const *x, const void *data);
    rlc_shape shapes[3];
    int count;
} expression;

/* X(name, expression, shapes of a, b, c) */
#define S RLC_SHAPE
#define SCALAR ((rlc_shape){0})
#define LIST(...) ((rlc_tensor *[]){__VA_ARGS__})
#define INDEX(shape, ...) rlc_from_data(RLC_I64, shape, (const int64_t[]){__VA_ARGS__})

#define MASK(shape, ...) rlc_from_data(RLC_BOOL, shape, (const uint8_t[]){__VA_ARGS__})

/* Part i of a split into PARTS; NULL unless there are so many. */
static rlc_tensor *expression_parts[8];
#define PARTS expression_parts, 8
static inline rlc_tensor *part(int count, int i) {
    return i < count ? expression_parts[i] : NULL;
}

#define PRODUCTS(X)                                                                                                    \
    X(plain, rlc_matmul(a, b), S(3, 4), S(4, 5))                                                                       \
    X(row_by_column, rlc_matmul(a, b), S(1, 4), S(4, 1))                                                               \
    X(column_by_row, rlc_matmul(a, b), S(4, 1), S(1, 3))                                                               \
    X(square_of_a_matrix, rlc_matmul(a, a), S(3, 3))                                                                   \
    X(transposed_by_plain, rlc_matmul(rlc_transpose(a, 0, 1), b), S(4, 3), S(4, 5))                                    \
    X(plain_by_transposed, rlc_matmul(a, rlc_transpose(b, 0, 1)), S(3, 4), S(5, 4))                                    \
    X(both_transposed, rlc_matmul(rlc_transpose(a, 0, 1), rlc_transpose(b, 0, 1)), S(4, 3), S(5, 4))                   \
    X(slices, rlc_matmul(rlc_slice(a, 1, 1, 3), rlc_slice(b, 1, 2, 2)), S(3, 5), S(3, 4))                              \
    X(transposed_slice, rlc_matmul(rlc_transpose(rlc_slice(a, 1, 1, 3), 0, 1), b), S(4, 5), S(4, 2))                   \
    X(batches, rlc_matmul(a, b), S(2, 3, 4), S(2, 4, 3))                                                               \
    X(batches_of_batches, rlc_matmul(a, b), S(2, 2, 3, 2), S(2, 2, 2, 3))                                              \
    X(batches_transposed, rlc_matmul(rlc_transpose(a, 1, 2), b), S(2, 4, 3), S(2, 4, 3))                               \
    X(batches_by_matrix, rlc_matmul(a, b), S(2, 3, 4), S(4, 5))                                                        \
    X(batches_by_transposed, rlc_matmul(a, rlc_transpose(b, 0, 1)), S(2, 3, 4), S(5, 4))                               \
    X(batches_that_broadcast, rlc_matmul(a, b), S(2, 1, 2, 3), S(2, 3, 2))                                             \
    X(batches_of_one, rlc_matmul(a, b), S(1, 2, 3), S(3, 3, 2))                                                        \
    X(vector_by_matrix, rlc_matmul(a, b), S(3), S(3, 4))                                                               \
    X(matrix_by_vector, rlc_matmul(a, b), S(2, 4, 3), S(3))                                                            \
    X(vector_by_vector, rlc_matmul(a, b), S(3), S(3))                                                                  \
    X(matrix_by_batches, rlc_matmul(a, b), S(3, 4), S(2, 4, 3))                                                        \
    X(transposed_by_batches, rlc_matmul(rlc_transpose(a, 0, 1), b), S(4, 3), S(2, 4, 3))

#define VIEWS(X)                                                                                                       \
    X(reshape, rlc_reshape(a, S(2, -1)), S(3, 4))                                                                      \
    X(reshape_transposed, rlc_reshape(rlc_transpose(a, 0, 1), S(-1)), S(3, 4))                                         \
    X(reshape_to_scalar, rlc_reshape(a, SCALAR), S(1, 1))                                                              \
    X(flatten_transposed, rlc_flatten(rlc_transpose(a, 0, 2), 0, 1), S(2, 3, 4))                                       \
    X(squeeze, rlc_squeeze(a, 1), S(3, 1, 4))                                                                          \
    X(squeeze_transposed, rlc_squeeze(rlc_transpose(a, 0, 2), 1), S(3, 1, 4))                                          \
    X(unsqueeze, rlc_mul(rlc_unsqueeze(a, -1), b), S(3), S(3, 4))                                                      \
    X(unsqueeze_transposed, rlc_unsqueeze(rlc_transpose(a, 0, 1), 1), S(3, 4))                                         \
    X(transpose, rlc_transpose(a, 0, -1), S(2, 3, 4))                                                                  \
    X(transpose_twice, rlc_transpose(rlc_transpose(a, 0, 1), 1, 2), S(2, 3, 4))                                        \
    X(permute, rlc_permute(a, (const int[]){2, 0, -2}), S(2, 3, 4))                                                    \
    X(permute_of_a_view, rlc_permute(rlc_transpose(a, 0, 1), (const int[]){1, 2, 0}), S(2, 3, 4))                      \
    X(permute_of_nothing, rlc_permute(a, NULL), SCALAR)                                                                \
    X(expand, rlc_expand(a, S(2, 3, 4)), S(3, 1))                                                                      \
    X(expand_scalar, rlc_expand(a, S(2, 3)), SCALAR)                                                                   \
    X(expand_transposed, rlc_expand(rlc_transpose(a, 0, 1), S(2, 3, 4)), S(4, 3))                                      \
    X(expand_to_the_same, rlc_square(rlc_expand(a, S(3))), S(3))                                                       \
    X(slice, rlc_slice(a, 1, 1, 2), S(3, 4, 2))                                                                        \
    X(slice_transposed, rlc_slice(rlc_transpose(a, 0, 1), 0, 2, 2), S(3, 4))                                           \
    X(slice_step, rlc_slice_step(a, 1, 1, INT64_MAX, 2), S(3, 6))                                                      \
    X(slice_step_from_the_end, rlc_slice_step(a, 0, -4, -1, 2), S(6, 2))                                               \
    X(slice_step_beyond, rlc_slice_step(a, 0, -100, 100, 100), S(6, 2))                                                \
    X(slice_step_twice, rlc_slice_step(rlc_slice_step(a, 0, 0, 9, 2), 0, 1, 9, 2), S(9))                               \
    X(slice_step_of_view, rlc_slice_step(rlc_transpose(a, 0, 1), 0, 1, 4, 2), S(2, 5))                                 \
    X(slice_of_nothing, rlc_concatenate(LIST(rlc_slice(a, 0, 3, 0), b), 2, 0), S(3, 4), S(2, 4))                       \
    X(sum_of_nothing, rlc_add(rlc_sum(rlc_slice(a, 0, 3, 0), 0, false), b), S(3, 4), S(4))                             \
    X(slices_that_overlap, rlc_mul(rlc_slice(a, 0, 0, 3), rlc_slice(a, 0, 1, 3)), S(4, 2))                             \
    X(select, rlc_select(a, -1, -2), S(3, 4))                                                                          \
    X(select_to_scalar, rlc_select(a, 0, 2), S(3))                                                                     \
    X(view_of_views, rlc_select(rlc_slice(rlc_transpose(rlc_transpose(a, 0, 2), 0, 1), 2, 1, 1), 0, 1), S(2, 3, 4))    \
    X(clone, rlc_clone(a), S(3, 4))                                                                                    \
    X(clone_transposed, rlc_clone(rlc_transpose(a, 0, 1)), S(3, 4))                                                    \
    X(contiguous, rlc_contiguous(rlc_slice(a, 1, 1, 2)), S(3, 4))

#define JOINS(X)                                                                                                       \
    X(concatenate_rows, rlc_concatenate(LIST(a, b, c), 3, 0), S(2, 3), S(1, 3), S(4, 3))                               \
    X(concatenate_columns, rlc_concatenate(LIST(a, b), 2, -1), S(2, 3, 1), S(2, 3, 2))                                 \
    X(concatenate_middle, rlc_concatenate(LIST(a, b), 2, 1), S(2, 3, 2), S(2, 1, 2))                                   \
    X(concatenate_views, rlc_concatenate(LIST(rlc_transpose(a, 0, 1), b), 2, 1), S(3, 4), S(4, 2))                     \
    X(concatenate_repeated, rlc_concatenate(LIST(a, b, a), 3, 0), S(2, 3), S(1, 3))                                    \
    X(concatenate_empty, rlc_concatenate(LIST(a, b, c), 3, 1), S(2, 3), S(2, 0), S(2, 1))                              \
    X(concatenate_one, rlc_concatenate(LIST(a), 1, 0), S(2, 3))                                                        \
    X(stack_first, rlc_stack(LIST(a, b, c), 3, 0), S(2, 3), S(2, 3), S(2, 3))                                          \
    X(stack_middle, rlc_stack(LIST(a, b), 2, 1), S(2, 3), S(2, 3))                                                     \
    X(stack_last, rlc_stack(LIST(a, b), 2, -1), S(2, 3), S(2, 3))                                                      \
    X(stack_scalars, rlc_stack(LIST(a, b), 2, 0), SCALAR, SCALAR)                                                      \
    X(stack_views, rlc_stack(LIST(rlc_transpose(a, 0, 1), b, b), 3, 1), S(2, 3), S(3, 2))                              \
    X(repeat, rlc_repeat(a, S(2, 1, 3)), S(2, 3))                                                                      \
    X(repeat_once, rlc_repeat(a, S(1, 1)), S(2, 3))                                                                    \
    X(repeat_never, rlc_concatenate(LIST(rlc_repeat(a, S(0, 1)), b), 2, 0), S(2, 3), S(1, 3))                          \
    X(repeat_scalar, rlc_repeat(a, S(3)), SCALAR)                                                                      \
    X(split, part(rlc_split(a, 2, 1, PARTS), 2), S(2, 5))                                                              \
    X(chunk, part(rlc_chunk(a, 3, -1, PARTS), 1), S(2, 7))                                                             \
    X(unbind, part(rlc_unbind(a, 0, PARTS), 2), S(3, 2))                                                               \
    X(concatenate_computed, rlc_tanh(rlc_concatenate(LIST(rlc_square(a), rlc_mul(a, b)), 2, 0)), S(3), S(3))

#define CHOICES(X)                                                                                                     \
    X(gather_rows, rlc_gather(a, 0, INDEX(S(2, 3), 2, 0, 0, 1, 1, 1)), S(4, 3))                                        \
    X(gather_columns, rlc_gather(a, 1, INDEX(S(3, 2), 2, 0, 3, 3, 1, 1)), S(3, 4))                                     \
    X(gather_middle, rlc_gather(a, 1, INDEX(S(2, 1, 2), 2, 0, 1, 1)), S(2, 3, 2))                                      \
    X(gather_from_view, rlc_gather(rlc_transpose(a, 0, 1), -1, INDEX(S(4, 1), 2, 0, 1, 1)), S(3, 4))                   \
    X(gather_by_view, rlc_gather(a, 1, rlc_transpose(INDEX(S(2, 2), 2, 0, 3, 1), 0, 1)), S(2, 4))                      \
    X(gather_scalar, rlc_gather(a, 0, INDEX(SCALAR, 0)), SCALAR)                                                       \
    X(index_select_rows, rlc_index_select(a, INDEX(S(5), 3, 0, 0, 2, 3)), S(4, 3))                                     \
    X(index_select_numbers, rlc_index_select(a, INDEX(S(3), 3, 0, 3)), S(4))                                           \
    X(index_select_blocks, rlc_index_select(a, INDEX(S(2), 1, 1)), S(2, 3, 2))                                         \
    X(index_select_from_view, rlc_index_select(rlc_transpose(a, 0, 1), INDEX(S(2), 3, 0)), S(3, 4))                    \
    X(gather_short, rlc_gather(a, 0, INDEX(S(2, 2), 2, 0, 0, 1)), S(4, 3))                                             \
    X(scatter, rlc_scatter(a, 1, INDEX(S(2, 2), 2, 0, 3, 1), b), S(2, 4), S(2, 2))                                     \
    X(scatter_rows, rlc_scatter(a, 0, INDEX(S(1, 3), 2, 0, 1), b), S(4, 3), S(1, 3))                                   \
    X(scatter_add, rlc_scatter_add(a, 1, INDEX(S(2, 3), 2, 0, 2, 1, 1, 1), b), S(2, 4), S(2, 3))                       \
    X(scatter_add_into_view, rlc_scatter_add(rlc_transpose(a, 0, 1), 0, INDEX(S(2, 3), 2, 0, 2, 1, 1, 1), b), S(3, 4), \
      S(2, 3))                                                                                                         \
    X(take_columns, rlc_take(a, 1, INDEX(S(2, 2), 2, 0, 3, 3)), S(2, 4))                                               \
    X(take_one, rlc_take(a, 1, INDEX(SCALAR, 2)), S(2, 4, 2))                                                          \
    X(sort, rlc_sort(a, 0, true, NULL), S(4, 3))                                                                       \
    X(topk, rlc_topk(a, 2, -1, true, NULL), S(3, 5))                                                                   \
    X(topk_smallest, rlc_topk(a, 1, 0, false, NULL), S(3, 5))                                                          \
    X(largest_both_ways, rlc_add(rlc_max(a, 0, true), rlc_max(a, 1, true)), S(3, 4))

/* These look at values while they record. */
#define MASKS(X)                                                                                                       \
    X(masked_select, rlc_masked_select(a, MASK(S(2, 3), 1, 0, 0, 1, 1, 0)), S(2, 3, 2))                                \
    X(masked_select_nothing, rlc_concatenate(LIST(rlc_masked_select(a, MASK(S(2), 0, 0)), b), 2, 0), S(2, 3), S(1, 3))

#define ALONG(X)                                                                                                       \
    X(softmax_rows, rlc_softmax(a, -1), S(3, 4))                                                                       \
    X(softmax_columns, rlc_softmax(a, 0), S(3, 4))                                                                     \
    X(softmax_middle, rlc_softmax(a, 1), S(2, 3, 2))                                                                   \
    X(softmax_of_view, rlc_softmax(rlc_transpose(a, 0, 1), 1), S(3, 4))                                                \
    X(softmax_of_one, rlc_softmax(a, 0), SCALAR)                                                                       \
    X(log_softmax_rows, rlc_log_softmax(a, 1), S(3, 4))                                                                \
    X(log_softmax_columns, rlc_log_softmax(a, 0), S(3, 4))                                                             \
    X(cumsum_rows, rlc_cumsum(a, 1), S(3, 4))                                                                          \
    X(cumsum_columns, rlc_square(rlc_cumsum(a, 0)), S(3, 4))                                                           \
    X(deviation_of_columns, rlc_std(a, 0, true, 1), S(4, 3))                                                           \
    X(deviation_of_all, rlc_std(a, RLC_ALL, false, 1), S(4, 3))                                                        \
    X(layer_norm, rlc_layer_norm(a, 1, b, c, 1e-3), S(3, 5), S(5), S(5))                                               \
    X(layer_norm_of_a_view, rlc_layer_norm(rlc_transpose(a, 0, 2), 2, NULL, NULL, 0.1), S(2, 3, 4))                    \
    X(batch_norm, rlc_batch_norm(a, NULL, NULL, b, c, true, 0.1, 1e-3, RLC_IDENTITY), S(6, 3), S(3), S(3))             \
    X(batch_norm_of_images, rlc_batch_norm(a, NULL, NULL, b, NULL, true, 0.1, 1e-3, RLC_IDENTITY), S(2, 3, 2, 2),      \
      S(3))                                                                                                            \
    X(batch_norm_with_bias, rlc_batch_norm(a, NULL, NULL, NULL, b, true, 0.1, 1e-3, RLC_IDENTITY), S(2, 3, 2, 2),      \
      S(3))                                                                                                            \
    X(batch_norm_by_running,                                                                                           \
      rlc_batch_norm(a, rlc_sigmoid(b), rlc_softplus(c), NULL, NULL, false, 0.1, 0.1, RLC_IDENTITY), S(4, 2, 2), S(2), \
      S(2))                                                                                                            \
    X(batch_norm_and_relu, rlc_batch_norm(a, NULL, NULL, b, c, true, 0.1, 1e-3, RLC_RELU), S(2, 3, 2, 2), S(3), S(3))  \
    X(batch_norm_and_tanh, rlc_batch_norm(a, NULL, NULL, b, c, true, 0.1, 1e-3, RLC_TANH), S(6, 3), S(3), S(3))        \
    X(batch_norm_by_running_and_relu,                                                                                  \
      rlc_batch_norm(a, rlc_sigmoid(b), rlc_softplus(c), b, c, false, 0.1, 0.1, RLC_RELU), S(4, 2, 2), S(2), S(2))     \
    X(standardised, rlc_div(rlc_sub(a, rlc_mean(a, RLC_ALL, false)), rlc_std(a, RLC_ALL, false, 1)), S(3, 4))

#define LOSSES(X)                                                                                                      \
    X(cross_entropy, rlc_cross_entropy(a, INDEX(S(3), 2, 0, 3)), S(3, 4))                                              \
    X(cross_entropy_of_a_row, rlc_cross_entropy(a, INDEX(SCALAR, 2)), S(4))                                            \
    X(cross_entropy_in_space, rlc_cross_entropy(a, INDEX(S(2, 3), 2, 0, 1, 1, 1, 0)), S(2, 3, 3))                      \
    X(cross_entropy_soft, rlc_cross_entropy(a, rlc_softmax(b, 1)), S(3, 4), S(3, 4))                                   \
    X(nll, rlc_nll(a, INDEX(S(3), 2, 0, 3)), S(3, 4))                                                                  \
    X(cross_entropy_weighted,                                                                                          \
      rlc_cross_entropy_loss(a, INDEX(S(3), 2, 0, 3), rlc_arange_step(RLC_F64, 0.5, 4, 1), RLC_REDUCE_MEAN), S(3, 4))  \
    X(bce_weighted,                                                                                                    \
      rlc_binary_cross_entropy_with_logits(a, rlc_sigmoid(b), rlc_exp(c), rlc_square(c), RLC_REDUCE_SUM), S(3, 4),     \
      S(3, 4), S(4))                                                                                                   \
    X(bce_of_sigmoid, rlc_bce(rlc_sigmoid(a), rlc_sigmoid(b)), S(3, 4), S(4))

#define HOW(...) ((rlc_conv){__VA_ARGS__})
#define CONVOLUTIONS(X)                                                                                                \
    X(conv, rlc_conv2d(a, b, c, HOW(0)), S(2, 1, 3, 4), S(2, 1, 2, 2), S(2))                                           \
    X(conv_strided, rlc_conv2d(a, b, NULL, HOW(.stride = {2, 1}, .padding = {1, 1})), S(1, 2, 3, 4), S(3, 2, 2, 2))    \
    X(conv_dilated, rlc_conv2d(a, b, c, HOW(.dilation = {1, 2})), S(2, 2, 1, 7), S(2, 2, 1, 3), S(2))                  \
    X(conv_grouped, rlc_conv2d(a, b, c, HOW(.groups = 2)), S(1, 4, 2, 3), S(4, 2, 2, 1), S(4))                         \
    X(conv_of_one_image, rlc_conv2d(a, b, NULL, HOW(0)), S(1, 3, 4), S(2, 1, 2, 2))                                    \
    X(conv_of_many, rlc_conv2d(a, b, NULL, HOW(0)), S(2, 2, 1, 2, 2), S(2, 1, 2, 2))                                   \
    X(conv_of_no_image, rlc_add(rlc_sum(rlc_conv2d(a, b, NULL, HOW(0)), RLC_ALL, false), rlc_sum(b, RLC_ALL, false)),  \
      S(0, 1, 3, 3), S(2, 1, 2, 2))                                                                                    \
    X(conv_of_a_view, rlc_conv2d(rlc_transpose(a, -1, -2), rlc_transpose(b, 0, 1), NULL, HOW(0)), S(1, 2, 3, 4),       \
      S(2, 3, 2, 2))                                                                                                   \
    X(conv_and_relu, rlc_conv2d(a, b, c, HOW(.activation = RLC_RELU)), S(2, 1, 3, 4), S(2, 1, 2, 2), S(2))             \
    X(conv_and_tanh, rlc_conv2d(a, b, c, HOW(.groups = 2, .activation = RLC_TANH)), S(1, 4, 2, 3), S(4, 2, 2, 1),      \
      S(4))                                                                                                            \
    X(conv_transposed_and_relu, rlc_conv_transpose2d(a, b, c, HOW(.stride = {2, 1}, .activation = RLC_RELU)),          \
      S(1, 2, 2, 3), S(2, 3, 2, 2), S(3))                                                                              \
    X(conv_twice, rlc_conv2d(rlc_tanh(rlc_conv2d(a, b, NULL, HOW(0))), c, NULL, HOW(0)), S(1, 1, 4, 4), S(2, 1, 2, 2), \
      S(1, 2, 3, 2))                                                                                                   \
    X(conv_of_itself, rlc_conv2d(a, a, NULL, HOW(.padding = {1, 1})), S(2, 2, 2, 2))                                   \
    X(conv_transposed, rlc_conv_transpose2d(a, b, c, HOW(.stride = {2, 1}, .padding = {1, 0})), S(1, 2, 2, 3),         \
      S(2, 3, 2, 2), S(3))                                                                                             \
    X(conv_transposed_groups, rlc_conv_transpose2d(a, b, NULL, HOW(.groups = 2, .dilation = {2, 1})), S(2, 4, 1, 2),   \
      S(4, 1, 2, 2))

#define POOLS(X)                                                                                                       \
    X(max_pool, rlc_max_pool2d(a, (rlc_pool){.kernel = {2, 2}}), S(1, 1, 4, 5))                                        \
    X(max_pool_overlapping, rlc_max_pool2d(a, (rlc_pool){.kernel = {2, 3}, .stride = {1, 1}, .padding = {1, 1}}),      \
      S(2, 3, 4))                                                                                                      \
    X(max_pool_dilated, rlc_max_pool2d(a, (rlc_pool){.kernel = {2, 2}, .stride = {1, 2}, .dilation = {2, 3}}),         \
      S(1, 4, 7))                                                                                                      \
    X(avg_pool, rlc_avg_pool2d(a, (rlc_pool){.kernel = {2, 2}, .stride = {1, 2}, .padding = {1, 0}}), S(1, 2, 3, 4))   \
    X(avg_pool_inside,                                                                                                 \
      rlc_avg_pool2d(                                                                                                  \
          a,                                                                                                           \
          (rlc_pool){                                                                                                  \
              .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}, .ceil_mode = true, .exclude_padding = true}),     \
      S(2, 3, 4))                                                                                                      \
    X(avg_pool_adaptive, rlc_adaptive_avg_pool2d(a, 2, 3), S(1, 5, 5))                                                 \
    X(pool_of_nothing, rlc_max_pool2d(a, (rlc_pool){.kernel = {2, 2}}), S(0, 2, 2))                                    \
    X(pool_of_a_view, rlc_avg_pool2d(rlc_transpose(a, 0, 1), (rlc_pool){.kernel = {2, 2}}), S(4, 5))                   \
    X(pad, rlc_square(rlc_pad(a, 1, 2, 0, 1, 0.5)), S(2, 3, 4))                                                        \
    X(pad_of_nothing, rlc_pad(a, 1, 0, 0, 2, 1), S(2, 0, 4))                                                           \
    X(pad_to_rows, rlc_pad(a, 0, 2, 1, 0, 1), S(2, 3, 0))

#define CHAINS(X)                                                                                                      \
    X(many_uses, rlc_add(rlc_mul(a, rlc_tanh(a)), rlc_sub(rlc_exp(a), rlc_mul(b, a))), S(5), S(5))                     \
    X(softmax_by_hand, rlc_div(rlc_exp(a), rlc_sum(rlc_exp(a), -1, true)), S(3, 4))                                    \
    X(deviation, rlc_sqrt(rlc_mean(rlc_square(rlc_sub(a, rlc_mean(a, 0, true))), 0, false)), S(4, 3))                  \
    X(dueling, rlc_add(b, rlc_sub(a, rlc_mean(a, -1, true))), S(3, 4), S(3, 1))                                        \
    X(two_layers, rlc_affine(rlc_affine(a, b, NULL, RLC_TANH), c, NULL, RLC_IDENTITY), S(3, 2), S(4, 2), S(1, 4))      \
    X(relu_layers, rlc_affine(rlc_affine(a, b, NULL, RLC_RELU), c, NULL, RLC_IDENTITY), S(3, 2), S(4, 2), S(1, 4))     \
    X(shared_layers,                                                                                                   \
      rlc_affine(rlc_add(rlc_affine(a, b, NULL, RLC_RELU), rlc_affine(a, b, NULL, RLC_SIGMOID)), c, NULL, RLC_ELU),    \
      S(3, 2), S(4, 2), S(2, 4))

#define DEFINE(name, expression, ...)                                                                                  \
    static rlc_tensor *expression_##name(rlc_tensor *const *x, const void *data) {                                     \
        rlc_tensor *a = x[0], *b = x[1], *c = x[2];                                                                    \
        (void)data, (void)a, (void)b, (void)c;                                                                         \
        return expression;                                                                                             \
    }
PRODUCTS(DEFINE)
VIEWS(DEFINE)
JOINS(DEFINE) CHOICES(DEFINE) MASKS(DEFINE) ALONG(DEFINE) LOSSES(DEFINE) CHAINS(DEFINE) CONVOLUTIONS(DEFINE)
    POOLS(DEFINE)

#define EXPRESSION_ROW(name, expression, ...)                                                                          \
    {#name, expression_##name, {__VA_ARGS__}, (int)(sizeof((rlc_shape[]){__VA_ARGS__}) / sizeof(rlc_shape))},
#define EXPRESSIONS(list)                                                                                              \
    { list(EXPRESSION_ROW) }

#endif
