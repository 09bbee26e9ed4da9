/* record.h: how an op is recorded; for the files in core that define ops.
 *
 *     rlc_tensor *out = rlc__result(p, dtype, ndim, size);
 *     *rlc__append(p) = (rlc_node){.op = RLC_OP_exp, .out = out, .in = {x}};
 *     return rlc__commit(p, dtype);
 */
#ifndef RLC_RECORD_H
#define RLC_RECORD_H

#include "core/program.h"
#include "core/walk.h"

/* Records an error as "modules.x: OP: message" in the current program; returns NULL for the op to return. */
rlc_tensor *rlc__op_fail(const char *op, const char *format, ...) RLC_PRINTF(2, 3);

/* The current program, or NULL with an error that names the op. */
static inline rlc_program *rlc__require_program(const char *op) {
    rlc_program *p = rlc__current;
    if (RLC_UNLIKELY(p == NULL)) {
        rlc__op_fail(op, "no program is open in this thread; call rlc_begin(program) first");
        return NULL;
    }
    p->op = op;
    return p;
}

/* A new contiguous tensor in the program, with memory for its data. NULL, with an error, when there is none, or when the
 * shape is absurd. */
rlc_tensor *rlc__result_failed(rlc_program *p, int ndim, const int64_t *size);
static inline rlc_tensor *rlc__result(rlc_program *p, rlc_dtype dtype, int ndim, const int64_t *size) {
    static const uint8_t bytes_of[RLC_DTYPE_COUNT] = {
        [RLC_BOOL] = 1, [RLC_U8] = 1, [RLC_I32] = 4, [RLC_I64] = 8, [RLC_F32] = 4, [RLC_F64] = 8};
    rlc_tensor *t = (rlc_tensor *)rlc_arena_alloc(&p->host, sizeof *t, RLC_ALIGN_STRUCT);
    int64_t numel = 1, bytes;
    bool wrong = t == NULL;
    for (int i = ndim - 1; i >= 0 && !wrong; i--) {
        t->shape[i] = size[i];
        t->stride[i] = numel;
        wrong = size[i] < 0 || __builtin_mul_overflow(numel, size[i], &numel);
    }
    if (RLC_UNLIKELY(wrong || __builtin_mul_overflow(numel, bytes_of[dtype], &bytes))) {
        return rlc__result_failed(p, ndim, size);
    }
    t->numel = numel;
    t->dtype = (uint8_t)dtype;
    t->ndim = (uint8_t)ndim;
    t->flags = RLC_CONTIGUOUS;
    t->device = p->device;
    t->program = p;
    t->generation = p->generation;
    t->grad = NULL;
    t->node = -1;
    t->data = NULL;
    if (RLC_LIKELY(!p->shapes_only)) {
        t->data = rlc_arena_alloc(&p->data, (size_t)bytes, RLC_ALIGN_DATA);
        if (RLC_UNLIKELY(t->data == NULL)) {
            return rlc__result_failed(p, 0, NULL);
        }
    }
    return t;
}
static inline rlc_tensor *rlc__result_like(rlc_program *p, rlc_dtype dtype, const rlc_tensor *like) {
    return rlc__result(p, dtype, like->ndim, like->shape);
}

/* A tensor that shares x's data, for the caller to give another shape. */
rlc_tensor *rlc__view(rlc_program *p, const rlc_tensor *x);

static inline bool rlc__same_shape(const rlc_tensor *a, const rlc_tensor *b) {
    bool same = a->ndim == b->ndim;
    for (int i = 0; i < a->ndim && same; i++) {
        same = a->shape[i] == b->shape[i];
    }
    return same;
}

/* Whether t has the shape of the last dimensions of a tensor with as many or more: a row of a matrix. */
static inline bool rlc__is_suffix(const rlc_tensor *t, const rlc_tensor *of) {
    int first = 0;
    while (first < t->ndim && t->shape[first] == 1) {
        first++;
    }
    const int n = t->ndim - first, skip = of->ndim - n;
    for (int i = 0; i < n; i++) {
        if (t->shape[first + i] != of->shape[skip + i]) {
            return false;
        }
    }
    return true;
}

void rlc__grow_nodes(rlc_program *p);

/* The slot for the next node. While only shapes are recorded there is one slot, written again and again. */
static inline rlc_node *rlc__append(rlc_program *p) {
    if (RLC_UNLIKELY(p->num_nodes == p->max_nodes)) {
        rlc__grow_nodes(p);
    }
    return &p->nodes[p->num_nodes];
}

/* Completes the node just written: finds its kernel for `key`, the type the op goes by, and notes which operands want
 * gradients. Returns the node's result, or NULL with an error. */
rlc_tensor *rlc__commit(rlc_program *p, rlc_dtype key);

/* Space for aux data or operand lists of a node. */
static inline void *rlc__aux(rlc_program *p, size_t size) {
    return rlc_arena_alloc(&p->host, size, RLC_ALIGN_STRUCT);
}

/* Opens a program again without giving back what it holds: a build goes on declaring. */
void rlc__program_resume(rlc_program *p);

/* Runs what is recorded and not yet run. */
rlc_status rlc__flush(rlc_program *p);

/* Normalises a dimension in [-ndim, ndim) to [0, ndim); -1 with an error when it is outside. */
int rlc__dim(const char *op, const rlc_tensor *x, int dim);

/* Autograd rules, one for an op: add what `g`, the gradient of node->out, means for the operands with rlc__accumulate. */
typedef void rlc_gradient(rlc_program *p, const rlc_node *node, rlc_tensor *g);
extern rlc_gradient *const rlc__gradients[RLC_OP_COUNT];
rlc_gradient rlc__gradient_unary, rlc__gradient_binary, rlc__gradient_view, rlc__gradient_copy, rlc__gradient_cast,
    rlc__gradient_where, rlc__gradient_concatenate, rlc__gradient_stack, rlc__gradient_sum, rlc__gradient_gather,
    rlc__gradient_index_select, rlc__gradient_scatter, rlc__gradient_softmax, rlc__gradient_standardise, rlc__gradient_scale_shift,
    rlc__gradient_cumsum, rlc__gradient_gemm, rlc__gradient_linear, rlc__gradient_conv2d, rlc__gradient_conv2d_input,
    rlc__gradient_pad, rlc__gradient_max_pool2d, rlc__gradient_avg_pool2d, rlc__gradient_custom;

/* What another program computed is a constant here. */
static inline bool rlc__wants_gradient(const rlc_program *p, const rlc_tensor *t) {
    return (t->flags & RLC_REQUIRES_GRAD) && (t->program == p || t->program == NULL);
}

void rlc__accumulate(rlc_program *p, rlc_tensor *operand, rlc_tensor *g);

/* The same for a g that the node just recorded computes and that nobody else reads: a root's gradient is then computed
 * in place. */
void rlc__accumulate_fresh(rlc_program *p, rlc_tensor *operand, rlc_tensor *g);

/* For a root that a kernel can add its gradient to directly: marks it as having one; *accumulate says whether the kernel
 * must add to what is there. */
rlc_tensor *rlc__root_gradient(rlc_tensor *root, bool *accumulate);

/* Has the node just recorded write its result into `to` instead of `fresh`, which nobody else has seen yet; false when
 * `fresh` is not the contiguous result of that node, or of another shape. Saves a copy. */
bool rlc__redirect(rlc_program *p, const rlc_tensor *fresh, rlc_tensor *to);

/* rlc_assign of an x that the node just recorded computes and that nobody else reads: where no gradients are recorded it is
 * computed in its place, if that can be. */
void rlc__assign_fresh(rlc_tensor *target, rlc_tensor *x);

/* g f'(z), from the value y = f(z) of an activation. */
rlc_tensor *rlc__activation_gradient(rlc_program *p, rlc_tensor *g, rlc_tensor *y, rlc_activation activation);

/* What batch norm by running statistics does to each channel: a factor and a summand, [channels]. */
void rlc__batch_norm_map(rlc_tensor *mean, rlc_tensor *var, rlc_tensor *weight, rlc_tensor *bias, double eps,
                         rlc_tensor **factor, rlc_tensor **summand);

/* g summed over the dimensions in which `shape` was broadcast. */
rlc_tensor *rlc__sum_to(rlc_tensor *g, const rlc_tensor *shape);

/* The walk over out and `count` operands whose shapes broadcast to out's; *walk is NULL when none is needed. */
bool rlc__walk_over(rlc_program *p, const rlc_tensor *out, rlc_tensor *const *in, int count, const rlc_walk **walk);
static inline bool rlc__walk(rlc_program *p, const rlc_tensor *out, rlc_tensor *const *in, int count,
                             const rlc_walk **walk) {
    bool trivial = out->flags & RLC_CONTIGUOUS;
    for (int k = 0; k < count && trivial; k++) {
        trivial = (in[k]->flags & RLC_CONTIGUOUS) && in[k]->numel == out->numel;
    }
    *walk = NULL;
    return trivial || rlc__walk_over(p, out, in, count, walk);
}

#endif
