/* walk.h: what an element-wise node says about operands that broadcast or have gaps. */
#ifndef RLC_WALK_H
#define RLC_WALK_H

#include "core/tensor.h"

/* How an element-wise kernel walks over operands that broadcast or have gaps: dimensions that can be merged are, strides
 * count elements. Operand 0 is the result. A node whose aux is NULL has equal, contiguous operands. */
enum { RLC_WALK_OPERANDS = 4 };
typedef struct rlc_walk {
    int64_t ndim;
    struct {
        int64_t size, stride[RLC_WALK_OPERANDS];
    } dim[RLC_MAX_DIMS]; /* only `ndim` of them are there; the strides of operands that there are not are 0 */
} rlc_walk;

static inline size_t rlc__walk_bytes(int64_t ndim) {
    return offsetof(rlc_walk, dim) + (size_t)ndim * sizeof((rlc_walk *)0)->dim[0];
}
static inline uint32_t rlc__walk_size(const rlc_walk *walk) {
    return walk != NULL ? (uint32_t)rlc__walk_bytes(walk->ndim) : 0;
}

#endif
