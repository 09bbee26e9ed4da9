/* op_elementwise.c: recording the rows of ops.def: promotion and broadcasting. */
#include <math.h>
#include <string.h>

#include "core/record.h"

/* PyTorch's rule: bool < integers < floats; within one of these kinds a tensor with dimensions outranks one without. */
static rlc_dtype promote(const rlc_tensor *a, const rlc_tensor *b) {
    rlc_dtype low = (rlc_dtype)a->dtype, high = (rlc_dtype)b->dtype;
    if (low == high) {
        return low;
    }
    static const int kind[RLC_DTYPE_COUNT] = {[RLC_U8] = 1, [RLC_I32] = 1, [RLC_I64] = 1, [RLC_F32] = 2, [RLC_F64] = 2};
    if (kind[low] == kind[high] && (a->ndim == 0) != (b->ndim == 0)) {
        return a->ndim == 0 ? high : low;
    }
    return low > high ? low : high;
}

/* The shape that both broadcast to; false when they do not. */
static bool broadcast(const rlc_tensor *a, const rlc_tensor *b, rlc_shape *shape) {
    shape->ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int i = 0; i < shape->ndim; i++) {
        int ia = i - (shape->ndim - a->ndim), ib = i - (shape->ndim - b->ndim);
        int64_t sa = ia < 0 ? 1 : a->shape[ia], sb = ib < 0 ? 1 : b->shape[ib];
        if (sa != sb && sa != 1 && sb != 1) {
            return false;
        }
        shape->size[i] = sa == 1 ? sb : sa;
    }
    return true;
}

/* Records an element-wise node over operands that already have one type and shapes that broadcast to out's. */
static inline rlc_tensor *record(rlc_program *p, rlc_op op, rlc_dtype key, rlc_tensor *out, rlc_tensor *const in[3],
                                 int count, double a, double b) {
    const rlc_walk *walk;
    if (out == NULL || !rlc__walk(p, out, in, count, &walk)) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = (uint16_t)op,
                                 .out = out,
                                 .in = {in[0], count > 1 ? in[1] : NULL, count > 2 ? in[2] : NULL},
                                 .p = {{.f = a}, {.f = b}},
                                 .aux = walk,
                                 .aux_size = rlc__walk_size(walk)};
    return rlc__commit(p, key);
}

/* Below 2^63, and exact as a double. */
static const double MAX_INTEGER = 9223372036854774784.0;

typedef enum row_domain { FLOAT, NUMBER } row_domain;

static rlc_tensor *unary(rlc_op op, row_domain domain, rlc_tensor *x, double a, double b) {
    rlc_program *p = rlc__require_program(rlc_op_name(op));
    if (p == NULL || x == NULL) {
        return NULL;
    }
    bool fractional = a != floor(a) || b != floor(b);
    if ((domain == FLOAT || fractional) && !rlc_dtype_is_float((rlc_dtype)x->dtype)) {
        x = rlc_cast(x, RLC_F32);
    } else if (!rlc_dtype_is_float((rlc_dtype)x->dtype)) { /* numbers that an integer kernel can convert */
        a = fmin(fmax(a, -MAX_INTEGER), MAX_INTEGER);
        b = fmin(fmax(b, -MAX_INTEGER), MAX_INTEGER);
    }
    rlc_tensor *out = x != NULL ? rlc__result_like(p, (rlc_dtype)x->dtype, x) : NULL;
    return out != NULL ? record(p, op, (rlc_dtype)x->dtype, out, (rlc_tensor *[3]){x}, 1, a, b) : NULL;
}

/* What arithmetic means for two bools, as PyTorch has it. */
static const rlc_op bool_arithmetic[RLC_OP_COUNT] = {
    [RLC_OP_add] = RLC_OP_logical_or,
    [RLC_OP_maximum] = RLC_OP_logical_or,
    [RLC_OP_mul] = RLC_OP_logical_and,
    [RLC_OP_minimum] = RLC_OP_logical_and,
};

/* `bool_out`: comparisons look at any type and answer in bool. */
static rlc_tensor *binary(rlc_op op, row_domain domain, bool bool_out, rlc_tensor *a, rlc_tensor *b, double parameter) {
    rlc_program *p = rlc__require_program(rlc_op_name(op));
    if (p == NULL || a == NULL || b == NULL) {
        return NULL;
    }
    rlc_dtype key = a->dtype == b->dtype ? (rlc_dtype)a->dtype : promote(a, b);
    if (RLC_UNLIKELY(key == RLC_BOOL) && bool_arithmetic[op] != 0) {
        op = bool_arithmetic[op];
    }
    if (domain == FLOAT && !rlc_dtype_is_float(key)) {
        key = RLC_F32;
    }
    if (a->dtype != key || b->dtype != key) {
        a = rlc_cast(a, key);
        b = rlc_cast(b, key);
        if (a == NULL || b == NULL) {
            return NULL;
        }
    }
    rlc_dtype out_type = bool_out ? RLC_BOOL : key;
    rlc_tensor *out;
    if (b->ndim <= a->ndim && rlc__is_suffix(b, a)) { /* equal shapes, a row, a number: what is common costs little */
        out = rlc__result_like(p, out_type, a);
    } else if (a->ndim <= b->ndim && rlc__is_suffix(a, b)) {
        out = rlc__result_like(p, out_type, b);
    } else {
        rlc_shape shape;
        if (!broadcast(a, b, &shape)) {
            char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
            return rlc__op_fail(rlc_op_name(op), "shapes %s and %s do not broadcast",
                                rlc_shape_text(rlc_shape_of(a), ta), rlc_shape_text(rlc_shape_of(b), tb));
        }
        out = rlc__result(p, out_type, shape.ndim, shape.size);
    }
    return record(p, op, key, out, (rlc_tensor *[3]){a, b}, 2, parameter, 0);
}

/* && on tensors: what is not bool counts as true where it is not 0. */
static rlc_tensor *logical(rlc_op op, rlc_tensor *a, rlc_tensor *b) {
    if (rlc__require_program(rlc_op_name(op)) == NULL) {
        return NULL;
    }
    a = a != NULL ? rlc_cast(a, RLC_BOOL) : NULL;
    b = b != NULL ? rlc_cast(b, RLC_BOOL) : NULL;
    return binary(op, NUMBER, true, a, b, 0);
}

#define UNARY(name, domain, ...)                                                                                       \
    rlc_tensor *rlc_##name(rlc_tensor *x) {                                                                            \
        return unary(RLC_OP_##name, domain, x, 0, 0);                                                                  \
    }
#define UNARY_P(name, domain, ...)                                                                                     \
    rlc_tensor *rlc_##name(rlc_tensor *x, double p) {                                                                  \
        return unary(RLC_OP_##name, domain, x, p, 0);                                                                  \
    }
#define UNARY_PQ(name, domain, ...)                                                                                    \
    rlc_tensor *rlc_##name(rlc_tensor *x, double p, double q) {                                                        \
        return unary(RLC_OP_##name, domain, x, p, q);                                                                  \
    }
#define BINARY(name, domain, ...)                                                                                      \
    rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b) {                                                             \
        return binary(RLC_OP_##name, domain, false, a, b, 0);                                                          \
    }
#define BINARY_P(name, domain, ...)                                                                                    \
    rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b, double p) {                                                   \
        return binary(RLC_OP_##name, domain, false, a, b, p);                                                          \
    }
#define COMPARE(name, ...)                                                                                             \
    rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b) {                                                             \
        return binary(RLC_OP_##name, NUMBER, true, a, b, 0);                                                           \
    }
#define LOGICAL(name, ...)                                                                                             \
    rlc_tensor *rlc_##name(rlc_tensor *a, rlc_tensor *b) {                                                             \
        return logical(RLC_OP_##name, a, b);                                                                           \
    }
#include "core/ops.def"

rlc_tensor *rlc_logical_not(rlc_tensor *x) {
    if (rlc__require_program("logical_not") == NULL) {
        return NULL;
    }
    return rlc_eq(x, x != NULL ? rlc_zeros((rlc_dtype)x->dtype, (rlc_shape){0}) : NULL);
}

rlc_tensor *rlc_where(rlc_tensor *condition, rlc_tensor *a, rlc_tensor *b) {
    rlc_program *p = rlc__require_program("where");
    if (p == NULL || condition == NULL || a == NULL || b == NULL) {
        return NULL;
    }
    rlc_dtype key = promote(a, b);
    condition = rlc_cast(condition, RLC_BOOL);
    a = rlc_cast(a, key);
    b = rlc_cast(b, key);
    if (condition == NULL || a == NULL || b == NULL) {
        return NULL;
    }
    rlc_shape shape;
    rlc_tensor branches;
    bool fits = broadcast(a, b, &shape);
    if (fits) {
        rlc__tensor_layout(&branches, key, shape.ndim, shape.size);
        fits = broadcast(condition, &branches, &shape);
    }
    if (!fits) {
        char tc[RLC_SHAPE_TEXT], ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc__op_fail("where", "shapes %s, %s and %s do not broadcast",
                            rlc_shape_text(rlc_shape_of(condition), tc), rlc_shape_text(rlc_shape_of(a), ta),
                            rlc_shape_text(rlc_shape_of(b), tb));
    }
    rlc_tensor *out = rlc__result(p, key, shape.ndim, shape.size);
    return record(p, RLC_OP_where, key, out, (rlc_tensor *[3]){condition, a, b}, 3, 0, 0);
}

void rlc__gradient_where(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *zero = rlc_zeros((rlc_dtype)g->dtype, (rlc_shape){0});
    if (node->needs & 2) {
        rlc__accumulate(p, node->in[1], rlc_where(node->in[0], g, zero));
    }
    if (node->needs & 4) {
        rlc__accumulate(p, node->in[2], rlc_where(node->in[0], zero, g));
    }
}

/* Which derivatives are the bare `g`: those need no kernel. */
#define IS_G(text) (sizeof(text) == 2 && (text)[0] == 'g')
static const struct {
    bool a, b;
} passes_on[RLC_OP_COUNT] = {
#define UNARY(name, domain, value, derivative) [RLC_OP_##name] = {IS_G(#derivative), false},
#define BINARY(name, domain, value, da, db) [RLC_OP_##name] = {IS_G(#da), IS_G(#db)},
#include "core/ops.def"
};

void rlc__gradient_unary(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    rlc_tensor *x = node->in[0];
    if (!passes_on[node->op].a) {
        rlc_tensor *out = rlc__result_like(p, (rlc_dtype)x->dtype, x);
        g = record(p, (rlc_op)(node->op + 1), (rlc_dtype)x->dtype, out, (rlc_tensor *[3]){g, x, node->out}, 3,
                   node->p[0].f, node->p[1].f);
    }
    rlc__accumulate(p, x, g);
}

void rlc__gradient_binary(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    bool passes[2] = {passes_on[node->op].a, passes_on[node->op].b};
    for (int i = 0; i < 2; i++) {
        if (!(node->needs & (1 << i))) {
            continue;
        }
        rlc_tensor *d = g;
        if (!passes[i]) {
            rlc_tensor *out = rlc__result_like(p, (rlc_dtype)g->dtype, g);
            d = record(p, (rlc_op)(node->op + 1 + i), (rlc_dtype)g->dtype, out,
                       (rlc_tensor *[3]){g, node->in[0], node->in[1]}, 3, node->p[0].f, node->p[1].f);
        }
        rlc__accumulate(p, node->in[i], d);
    }
}
