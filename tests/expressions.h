/* expressions.h: the ops that are not rows of ops.def, in the ways they can be used, as expressions in tensors a, b, c.
 *
 *     const expression table[] = EXPRESSIONS(VIEWS);     // or PRODUCTS, JOINS, CHOICES, CHAINS
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
    X(expand, rlc_expand(a, S(2, 3, 4)), S(3, 1))                                                                      \
    X(expand_scalar, rlc_expand(a, S(2, 3)), SCALAR)                                                                   \
    X(expand_transposed, rlc_expand(rlc_transpose(a, 0, 1), S(2, 3, 4)), S(4, 3))                                      \
    X(expand_to_the_same, rlc_square(rlc_expand(a, S(3))), S(3))                                                       \
    X(slice, rlc_slice(a, 1, 1, 2), S(3, 4, 2))                                                                        \
    X(slice_transposed, rlc_slice(rlc_transpose(a, 0, 1), 0, 2, 2), S(3, 4))                                           \
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
    X(largest_both_ways, rlc_add(rlc_max(a, 0, true), rlc_max(a, 1, true)), S(3, 4))

#define CHAINS(X)                                                                                                      \
    X(many_uses, rlc_add(rlc_mul(a, rlc_tanh(a)), rlc_sub(rlc_exp(a), rlc_mul(b, a))), S(5), S(5))                     \
    X(softmax, rlc_div(rlc_exp(a), rlc_sum(rlc_exp(a), -1, true)), S(3, 4))                                            \
    X(deviation, rlc_sqrt(rlc_mean(rlc_square(rlc_sub(a, rlc_mean(a, 0, true))), 0, false)), S(4, 3))                  \
    X(dueling, rlc_add(b, rlc_sub(a, rlc_mean(a, -1, true))), S(3, 4), S(3, 1))                                        \
    X(two_layers, rlc_affine(rlc_affine(a, b, NULL, RLC_TANH), c, NULL, RLC_IDENTITY), S(3, 2), S(4, 2), S(1, 4))

#define DEFINE(name, expression, ...)                                                                                  \
    static rlc_tensor *expression_##name(rlc_tensor *const *x, const void *data) {                                     \
        rlc_tensor *a = x[0], *b = x[1], *c = x[2];                                                                    \
        (void)data, (void)a, (void)b, (void)c;                                                                         \
        return expression;                                                                                             \
    }
PRODUCTS(DEFINE) VIEWS(DEFINE) JOINS(DEFINE) CHOICES(DEFINE) CHAINS(DEFINE)

#define EXPRESSION_ROW(name, expression, ...)                                                                          \
    {#name, expression_##name, {__VA_ARGS__}, (int)(sizeof((rlc_shape[]){__VA_ARGS__}) / sizeof(rlc_shape))},
#define EXPRESSIONS(list)                                                                                              \
    { list(EXPRESSION_ROW) }

#endif
