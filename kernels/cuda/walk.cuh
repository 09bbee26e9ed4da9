/* walk.cuh: from the number of an element of a result to where its operands lie (core/walk.h). */
#ifndef RLC_CUDA_WALK_H
#define RLC_CUDA_WALK_H

#include "core/walk.h"
#include "kernels/cuda/backend.cuh"

/* A kernel's argument: dimensions from the last, which steps fastest, on. None where operands are equal and contiguous. */
typedef struct rlc_steps {
    int64_t n;
    int ndim;
    struct {
        int64_t size, stride[RLC_WALK_OPERANDS];
    } dim[RLC_MAX_DIMS];
} rlc_steps;

static inline rlc_steps rlc_steps_of(const rlc_node *node) {
    const rlc_walk *walk = (const rlc_walk *)node->aux;
    rlc_steps s = {};
    s.n = node->out->numel;
    s.ndim = walk != NULL ? (int)walk->ndim : 0;
    for (int d = 0; d < s.ndim; d++) {
        s.dim[d].size = walk->dim[s.ndim - 1 - d].size;
        for (int k = 0; k < RLC_WALK_OPERANDS; k++) {
            s.dim[d].stride[k] = walk->dim[s.ndim - 1 - d].stride[k];
        }
    }
    return s;
}

/* Places of element i in `count` operands, the result the first of them. Unsigned 32-bit divisions take a fraction of the
 * time that 64-bit ones do. */
template <int count> static __device__ __forceinline__ void rlc_locate(const rlc_steps &s, int64_t i, int64_t *at) {
    for (int k = 0; k < count; k++) {
        at[k] = s.ndim == 0 ? i : 0;
    }
    const bool is_small = s.n <= INT32_MAX;
    for (int d = 0; d < s.ndim; d++) {
        const int64_t size = s.dim[d].size;
        const int64_t next = d == s.ndim - 1 ? 0 : is_small ? (int64_t)((uint32_t)i / (uint32_t)size) : i / size;
        const int64_t place = i - next * size;
        for (int k = 0; k < count; k++) {
            at[k] += place * s.dim[d].stride[k];
        }
        i = next;
    }
}

#endif
