/* signature.cuh: what a recorded list is, as a number: equal lists launch the same kernels with the same arguments. */
#ifndef RLC_CUDA_SIGNATURE_H
#define RLC_CUDA_SIGNATURE_H

#include "kernels/cuda/backend.cuh"

/* Of one node: where its operands lie, and all else that its launch follows from. Apart, so that a log can tell which of
 * them has changed. */
typedef struct rlc_trace_of_node {
    uint64_t addresses, rest;
} rlc_trace_of_node;

rlc_trace_of_node rlc__cuda_trace_node(const rlc_node *node);

/* Of a list: 128 bits, so that two lists with the same number need not be expected. */
typedef struct rlc_signature {
    uint64_t a, b;
} rlc_signature;

void rlc__cuda_add_to_signature(rlc_signature *signature, rlc_trace_of_node node);

static inline bool rlc_same_signature(rlc_signature x, rlc_signature y) {
    return x.a == y.a && x.b == y.b;
}

#endif
