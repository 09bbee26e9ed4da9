/* op.h: the tensor ops. Each records into the current program (program.h) and returns a tensor that lives there.
 *
 * Names, broadcasting, type promotion and gradients are PyTorch's. Dimensions may be negative: -1 is the last. An op
 * that is given NULL returns NULL, and one that is misused records an error that names it and the shapes; both surface
 * at rlc_end. Results are contiguous unless an op says that it returns a view.
 *
 *     rlc_tensor *loss = rlc_mean(rlc_squared_error(prediction, target), RLC_ALL, false);
 *
 * The element-wise functions (rlc_add, rlc_exp, rlc_smooth_l1, ...) are listed with their formulas in ops.def.
 */
#ifndef RLC_OP_H
#define RLC_OP_H

#include "core/rng.h"
#include "core/tensor.h"

RLC_BEGIN

/* RLC_OP_add, ..., and RLC_OP_add_grad_a, ... for the kernels of the derivatives */
typedef enum rlc_op {
#define UNARY(name, ...) RLC_OP_##name, RLC_OP_##name##_grad,
#define BINARY(name, ...) RLC_OP_##name, RLC_OP_##name##_grad_a, RLC_OP_##name##_grad_b,
#define COMPARE(name, ...) RLC_OP_##name,
#define LOGICAL(name, ...) RLC_OP_##name,
#define OP(name, gradient) RLC_OP_##name,
#include "core/ops.def"
    RLC_OP_COUNT
} rlc_op;

const char *rlc_op_name(rlc_op op);

/* Element-wise functions. */
#define UNARY(name, ...) rlc_tensor *rlc_##name(rlc_tensor *x);
#define UNARY_P(name, ...) rlc_tensor *rlc_##name(rlc_tensor *x, double p);
#define UNARY_PQ(name, ...) rlc_tensor *rlc_##name(rlc_tensor *x, double p, double q);
#define BINARY(name, ...) rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b);
#define BINARY_P(name, ...) rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b, double p);
#define COMPARE(name, ...) rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b);
#define LOGICAL(name, ...) rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b);
#include "core/ops.def"

rlc_tensor *rlc_logical_not(rlc_tensor *x);
rlc_tensor *rlc_where(rlc_tensor *condition, rlc_tensor *a, rlc_tensor *b); /* all three broadcast */
rlc_tensor *rlc_cast(rlc_tensor *x, rlc_dtype dtype);                       /* x itself when it has that type already */
/* x / 255 in float32, of uint8: what pictures are to a network. With `less`, of the same shape, less what becomes of that. */
rlc_tensor *rlc_from_bytes(rlc_tensor *x, rlc_tensor *less);

/* New tensors on the current program's device. */
rlc_tensor *rlc_empty(rlc_dtype dtype, rlc_shape shape);
rlc_tensor *rlc_zeros(rlc_dtype dtype, rlc_shape shape);
rlc_tensor *rlc_full(rlc_dtype dtype, rlc_shape shape, double value);
rlc_tensor *rlc_scalar(double value); /* a float32 without dimensions */
rlc_tensor *rlc_ones(rlc_dtype dtype, rlc_shape shape);
rlc_tensor *rlc_arange(rlc_dtype dtype, int64_t count);                              /* 0, 1, ... count - 1 */
rlc_tensor *rlc_arange_step(rlc_dtype dtype, double start, double end, double step); /* without `end` */
rlc_tensor *rlc_linspace(rlc_dtype dtype, double start, double end, int64_t count);
rlc_tensor *rlc_from_data(rlc_dtype dtype, rlc_shape shape, const void *data); /* copies from host memory */

/* Views: no data moves. rlc_reshape copies what has gaps, rlc_view refuses it; one size may be -1. */
rlc_tensor *rlc_reshape(rlc_tensor *x, rlc_shape shape);
rlc_tensor *rlc_view(rlc_tensor *x, rlc_shape shape);
rlc_tensor *rlc_flatten(rlc_tensor *x, int first_dim, int last_dim);
rlc_tensor *rlc_squeeze(rlc_tensor *x, int dim);
rlc_tensor *rlc_unsqueeze(rlc_tensor *x, int dim);
rlc_tensor *rlc_transpose(rlc_tensor *x, int dim_a, int dim_b);
rlc_tensor *rlc_permute(rlc_tensor *x, const int *dims); /* dimension i of the result is dims[i] of x */
rlc_tensor *rlc_expand(rlc_tensor *x, rlc_shape shape);
rlc_tensor *rlc_slice(rlc_tensor *x, int dim, int64_t start, int64_t length);
/* x[from:to:step] along `dim`, as Python has it: negative places count from the end, INT64_MAX is the end. */
rlc_tensor *rlc_slice_step(rlc_tensor *x, int dim, int64_t from, int64_t to, int64_t step);
rlc_tensor *rlc_select(rlc_tensor *x, int dim, int64_t index); /* drops the dimension */
rlc_tensor *rlc_detach(rlc_tensor *x);                         /* the same values, no gradient */

/* Views of all parts, written to `parts`, which has room for so many. Return how many there are; 0 with an error. */
int rlc_split(rlc_tensor *x, int64_t size, int dim, rlc_tensor **parts, int room);  /* the last may be shorter */
int rlc_chunk(rlc_tensor *x, int64_t count, int dim, rlc_tensor **parts, int room); /* at most `count`, about equal */
int rlc_unbind(rlc_tensor *x, int dim, rlc_tensor **parts, int room);               /* without the dimension */

/* Copies. */
rlc_tensor *rlc_contiguous(rlc_tensor *x); /* x itself when it is */
rlc_tensor *rlc_clone(rlc_tensor *x);
rlc_tensor *rlc_concatenate(rlc_tensor *const *x, int count, int dim);
rlc_tensor *rlc_stack(rlc_tensor *const *x, int count, int dim);
rlc_tensor *rlc_repeat(rlc_tensor *x, rlc_shape times); /* copies side by side, so many along each dimension */
/* Writes x, broadcast and converted, into `target`, which must not require a gradient: the way to change a root. */
void rlc_assign(rlc_tensor *target, rlc_tensor *x);

/* Reductions over `dim`, or over everything with RLC_ALL. Sums run in a fixed order: sequences of up to 1024 as 16
 * interleaved partial sums added pairwise, longer ones halved first; so every device gives the same bits. */
enum { RLC_ALL = 1000 };
rlc_tensor *rlc_sum(rlc_tensor *x, int dim, bool keepdim);
rlc_tensor *rlc_mean(rlc_tensor *x, int dim, bool keepdim);
rlc_tensor *rlc_var(rlc_tensor *x, int dim, bool keepdim, double correction); /* divided by n - correction */
rlc_tensor *rlc_std(rlc_tensor *x, int dim, bool keepdim, double correction);
rlc_tensor *rlc_logsumexp(rlc_tensor *x, int dim, bool keepdim);
rlc_tensor *rlc_any(rlc_tensor *x, int dim, bool keepdim);
rlc_tensor *rlc_all(rlc_tensor *x, int dim, bool keepdim);
rlc_tensor *rlc_argmax(rlc_tensor *x, int dim, bool keepdim); /* int64; of equal values the first */
rlc_tensor *rlc_argmin(rlc_tensor *x, int dim, bool keepdim);
rlc_tensor *rlc_max(rlc_tensor *x, int dim, bool keepdim); /* the gradient goes to the element that argmax names */
rlc_tensor *rlc_min(rlc_tensor *x, int dim, bool keepdim);

/* Along one dimension. A sort keeps the order of equal elements and puts NaN above all numbers; `indices`, unless NULL,
 * gets what rlc_argsort gives. */
rlc_tensor *rlc_softmax(rlc_tensor *x, int dim);
rlc_tensor *rlc_log_softmax(rlc_tensor *x, int dim);
rlc_tensor *rlc_cumsum(rlc_tensor *x, int dim);
rlc_tensor *rlc_argsort(rlc_tensor *x, int dim, bool descending); /* int64 */
rlc_tensor *rlc_sort(rlc_tensor *x, int dim, bool descending, rlc_tensor **indices);
rlc_tensor *rlc_topk(rlc_tensor *x, int64_t k, int dim, bool largest, rlc_tensor **indices); /* the first one first */
/* out[t] = a[t] + b[t] out[t+1] along `dim`, from the last step back; behind that lies `end`, one step, or 0 with NULL.
 * Returns and advantages are such scans (objectives/values.h); float types, no gradient. */
rlc_tensor *rlc_discounted_scan(rlc_tensor *a, rlc_tensor *b, rlc_tensor *end, int dim);
/* Element i along `dim` becomes sum_k weight[i, k] x[first[i] + k]: first int64 [n], weight [n, taps]. All taps must be
 * there. How pictures are resized (envs/resampling.h has the weights); float types, no gradient. */
rlc_tensor *rlc_resample(rlc_tensor *x, int dim, rlc_tensor *first, rlc_tensor *weight);

/* Indexing; indices are int64 and are checked when the op runs. An index has as many dimensions as x; a gather's may be
 * shorter than x in other dimensions than `dim`, a scatter's, which writes into a copy of x, may not. */
rlc_tensor *rlc_gather(rlc_tensor *x, int dim, rlc_tensor *index);
rlc_tensor *rlc_scatter(rlc_tensor *x, int dim, rlc_tensor *index, rlc_tensor *source);
rlc_tensor *rlc_scatter_add(rlc_tensor *x, int dim, rlc_tensor *index, rlc_tensor *source);
rlc_tensor *rlc_index_select(rlc_tensor *x, rlc_tensor *index);  /* rows: out[i] = x[index[i]] */
rlc_tensor *rlc_take(rlc_tensor *x, int dim, rlc_tensor *index); /* x[:, index] for dim 1: an index of any shape */
rlc_tensor *rlc_masked_select(rlc_tensor *x, rlc_tensor *mask);  /* x[mask]; the mask covers x's first dimensions */
rlc_tensor *rlc_nonzero(rlc_tensor *x);                          /* int64 [count, ndim]: where x is not 0 */
rlc_tensor *rlc_one_hot(rlc_tensor *index, int64_t classes);     /* int64 [..., classes] */

/* How exact products of float32 matrices are: what their operands are rounded to before they are multiplied. Sums, results and
 * all else stay float32. A device may know the first only; programs say which they want (rlc_set_precision). */
typedef enum rlc_precision { RLC_PRECISION_F32, RLC_PRECISION_TF32, RLC_PRECISION_BF16 } rlc_precision;
#define RLC_PRECISION_NAMES "f32|tf32|bf16"
const char *rlc_precision_name(rlc_precision precision);

/* Matrix products: [.., m, k] by [.., k, n]; leading dimensions broadcast, vectors are rows on the left and columns on the
 * right. */
rlc_tensor *rlc_matmul(rlc_tensor *a, rlc_tensor *b);

/* activation(x W^T + b) in one pass: x [.., in], weight [out, in] as PyTorch has it, bias [out] or NULL. */
typedef enum rlc_activation {
    RLC_IDENTITY,
    RLC_RELU,
    RLC_TANH,
    RLC_SIGMOID,
    RLC_ELU, /* with alpha = 1 */
    RLC_ACTIVATION_COUNT
} rlc_activation;
#define RLC_ACTIVATION_NAMES "identity|relu|tanh|sigmoid|elu"
rlc_tensor *rlc_affine(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_activation activation);

/* Layer norm over the last `dims` dimensions, and batch norm over all but the second (Ba, Kiros and Hinton, "Layer
 * Normalization", 2016; Ioffe and Szegedy, "Batch Normalization", ICML 2015), as torch.nn.functional has them:
 *
 *     (x - mean) / sqrt(var + eps) * weight + bias        with the biased variance; weight and bias may be NULL
 *
 * In training the statistics of batch norm are the batch's, and running <- (1 - momentum) running + momentum batch, with
 * the unbiased variance; else they are the running ones, [channels]. Both NULL: the batch's, nothing is kept. Of what follows
 * batch norm a relu costs nothing. */
rlc_tensor *rlc_layer_norm(rlc_tensor *x, int dims, rlc_tensor *weight, rlc_tensor *bias, double eps);
rlc_tensor *rlc_batch_norm(rlc_tensor *x, rlc_tensor *running_mean, rlc_tensor *running_var, rlc_tensor *weight,
                           rlc_tensor *bias, bool training, double momentum, double eps,
                           rlc_activation activation);
/* activation(x) alone. */
rlc_tensor *rlc_activate(rlc_tensor *x, rlc_activation activation);

/* What slides over images, the last three dimensions of x [.., channels, height, width]. Sizes are those of rows, then of
 * columns; what is 0 has PyTorch's default: a stride and a dilation of 1, a pool's stride as large as its kernel, one
 * group. */
typedef struct rlc_conv {
    int64_t groups, stride[2], padding[2], dilation[2];
    int64_t output_padding[2]; /* of a transposed one: rows and columns that a stride leaves open */
    rlc_activation activation; /* of what comes out; of a convolution that is not transposed a relu costs nothing */
} rlc_conv;

/* torch.nn.functional.conv2d and conv_transpose2d: weight [out, in / groups, rows, columns], of a transposed one
 * [in, out / groups, rows, columns]; bias [out] or NULL. */
rlc_tensor *rlc_conv2d(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_conv how);
rlc_tensor *rlc_conv_transpose2d(rlc_tensor *x, rlc_tensor *weight, rlc_tensor *bias, rlc_conv how);

/* torch.nn.functional.max_pool2d and avg_pool2d. Of equal numbers the first counts as the largest, and of NaN the last. */
typedef struct rlc_pool {
    int64_t kernel[2], stride[2], padding[2];
    int64_t dilation[2];  /* of a maximum */
    bool ceil_mode;       /* a window may begin inside and end outside */
    bool exclude_padding; /* a mean is of what lies inside: count_include_pad=False */
} rlc_pool;
rlc_tensor *rlc_max_pool2d(rlc_tensor *x, rlc_pool how);
rlc_tensor *rlc_avg_pool2d(rlc_tensor *x, rlc_pool how);
rlc_tensor *rlc_adaptive_avg_pool2d(rlc_tensor *x, int64_t rows, int64_t columns);

/* Columns of `value` before and behind, rows above and below: torch.nn.functional.pad(x, (left, right, top, bottom)). */
rlc_tensor *rlc_pad(rlc_tensor *x, int64_t left, int64_t right, int64_t top, int64_t bottom, double value);

/* Losses of classifications, not reduced: [N] for input [N, classes], [N, ...] for [N, classes, ...]. Targets are int64
 * classes, or for the cross entropy probabilities of the input's shape. The other losses are rows of ops.def. */
rlc_tensor *rlc_cross_entropy(rlc_tensor *logits, rlc_tensor *target);
rlc_tensor *rlc_nll(rlc_tensor *log_probability, rlc_tensor *target);

/* The same as torch.nn.functional has them, weighted and reduced. `weight`, or NULL, is [classes]; with class targets a
 * mean is divided by the sum of the weights of the targets, not by their number. */
typedef enum rlc_reduction { RLC_REDUCE_NONE, RLC_REDUCE_MEAN, RLC_REDUCE_SUM } rlc_reduction;
rlc_tensor *rlc_cross_entropy_loss(rlc_tensor *logits, rlc_tensor *target, rlc_tensor *weight, rlc_reduction reduction);
rlc_tensor *rlc_nll_loss(rlc_tensor *log_probability, rlc_tensor *target, rlc_tensor *weight, rlc_reduction reduction);

/* Likewise of yes and no: targets from 0 to 1 of the input's shape. `weight`, or NULL, broadcasts to it, and so does
 * `pos_weight`, which multiplies what the targets' share of 1 costs. */
rlc_tensor *rlc_binary_cross_entropy(rlc_tensor *probability, rlc_tensor *target, rlc_tensor *weight,
                                     rlc_reduction reduction);
rlc_tensor *rlc_binary_cross_entropy_with_logits(rlc_tensor *logits, rlc_tensor *target, rlc_tensor *weight,
                                                 rlc_tensor *pos_weight, rlc_reduction reduction);

/* Random numbers from a stream (rng.h), which moves on when the op runs. */
rlc_tensor *rlc_rand(rlc_stream *stream, rlc_shape shape);                               /* uniform on [0, 1) */
rlc_tensor *rlc_randn(rlc_stream *stream, rlc_shape shape);                              /* standard normal */
rlc_tensor *rlc_normal_draw(rlc_stream *stream, rlc_tensor *loc, rlc_tensor *scale);     /* loc + scale * randn */
rlc_tensor *rlc_randint(rlc_stream *stream, int64_t low, int64_t high, rlc_shape shape); /* int64, low .. high-1 */
rlc_tensor *rlc_randperm(rlc_stream *stream, int64_t count);
rlc_tensor *rlc_bernoulli(rlc_stream *stream, rlc_tensor *probability); /* 0 or 1, of the probability's type */
rlc_tensor *rlc_dropout(rlc_stream *stream, rlc_tensor *x, double p); /* 0 with probability p, else x / (1 - p) */
/* int64 [..., count]: indices of weights [..., n], which need not sum to 1. */
rlc_tensor *rlc_multinomial(rlc_stream *stream, rlc_tensor *weights, int64_t count, bool replacement);
/* int64 [...]: an index for each row of logits [..., n], with the probabilities of their softmax. */
rlc_tensor *rlc_random_categorical(rlc_stream *stream, rlc_tensor *logits);
/* `count` numbers below *bound, an int64 tensor read when the op runs. */
rlc_tensor *rlc_random_index(rlc_stream *stream, rlc_tensor *bound, int64_t count);

/* An op of your own. `run` computes node->out from node->in (NULL beyond the ones given) and `aux`, of which the program
 * keeps a copy. `grad` returns the gradient for in[i] given that of the result; with NULL the result needs none. Operands
 * reach `run` contiguous and in host memory. In a program of another device the op is an error, unless `host_fallback`
 * allows what it costs there: the device stops for it, operands are copied to the host and the result back. */
typedef struct rlc_node rlc_node;
typedef struct rlc_custom_op {
    const char *name;
    void (*run)(const rlc_node *node);
    rlc_tensor *(*grad)(const rlc_node *node, rlc_tensor *grad, int i);
    bool host_fallback;
} rlc_custom_op;
rlc_tensor *rlc_custom(const rlc_custom_op *op, rlc_dtype dtype, rlc_shape shape, rlc_tensor *a, rlc_tensor *b,
                       rlc_tensor *c, const void *aux, size_t aux_size);

RLC_END

#endif
