/* priority_trees.h: the two trees of prioritised replay (core/priority.h has their layout), for the loops of the CPU and the
 * kernels of a GPU. */
#ifndef RLC_PRIORITY_TREES_H
#define RLC_PRIORITY_TREES_H

#include "core/philox.h"
#include "core/priority.h"

typedef struct rlc_trees {
    double *sum, *min;
    int64_t leaves;
} rlc_trees;

static inline rlc_trees rlc_trees_of(const rlc_tensor *t) {
    rlc_trees trees = {(double *)t->data, (double *)t->data + t->shape[1], t->shape[1] / 2};
    return trees;
}

/* Adds up node `at` anew from those below it. */
RLC_INLINE void rlc_trees_renew(const rlc_trees *t, int64_t at) {
    t->sum[at] = t->sum[2 * at] + t->sum[2 * at + 1];
    t->min[at] = fmin(t->min[2 * at], t->min[2 * at + 1]);
}

RLC_INLINE double rlc_priority_of(double error, const rlc_priority *settings) {
    return pow(error + settings->eps, settings->alpha);
}

/* From the root to the leaf where the sums of all to its left pass `mass`; its row. Never into a part that sums to 0,
 * where rounding might lead. */
RLC_INLINE int64_t rlc_trees_find(const rlc_trees *t, double mass) {
    int64_t at = 1;
    while (at < t->leaves) {
        const double left = t->sum[2 * at];
        const int right = mass >= left && t->sum[2 * at + 1] > 0;
        mass -= right ? left : 0;
        at = 2 * at + right;
    }
    return at - t->leaves;
}

/* Draw i: two words of a block of four, 53 bits, for 24 would leave rows of a large buffer out. */
RLC_INLINE int64_t rlc_trees_draw(const rlc_trees *t, uint64_t key, uint64_t start, int64_t i) {
    const rlc_block block = rlc_philox(key, start + (uint64_t)i / 2, 0);
    const int first = i % 2 == 0 ? 0 : 2;
    return rlc_trees_find(t, rlc_unit_double(block.word[first], block.word[first + 1]) * t->sum[1]);
}

/* The weight of a row; beta is that of the paper. */
RLC_INLINE float rlc_trees_weight(const rlc_trees *t, int64_t row, double beta) {
    return (float)pow(t->sum[t->leaves + row] / t->min[1], -beta);
}

#endif
