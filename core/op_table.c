/* op_table.c: what is known of each op: its name and its autograd rule. */
#include "core/record.h"

static const char *const names[RLC_OP_COUNT] = {
#define UNARY(name, ...) [RLC_OP_##name] = #name, [RLC_OP_##name##_grad] = #name "_grad",
#define BINARY(name, ...)                                                                                              \
    [RLC_OP_##name] = #name, [RLC_OP_##name##_grad_a] = #name "_grad_a", [RLC_OP_##name##_grad_b] = #name "_grad_b",
#define COMPARE(name, ...) [RLC_OP_##name] = #name,
#define LOGICAL(name, ...) [RLC_OP_##name] = #name,
#define OP(name, gradient) [RLC_OP_##name] = #name,
#include "core/ops.def"
};

const char *rlc_op_name(rlc_op op) {
    return names[op];
}

rlc_gradient *const rlc__gradients[RLC_OP_COUNT] = {
#define UNARY(name, ...) [RLC_OP_##name] = rlc__gradient_unary,
#define BINARY(name, ...) [RLC_OP_##name] = rlc__gradient_binary,
#define OP(name, gradient) [RLC_OP_##name] = gradient,
#include "core/ops.def"
};
