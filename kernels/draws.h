/* draws.h: how random words become numbers and choices, for the loops of the CPU and the kernels of a GPU. */
#ifndef RLC_DRAWS_H
#define RLC_DRAWS_H

#include "core/philox.h"

/* Word j of a block as a standard normal number; each pair of words gives a pair of numbers. */
RLC_INLINE float rlc_normal_of(const rlc_block *block, int j) {
    const uint32_t word = block->word[j], pair = block->word[j ^ 1];
    return (j & 1) ? rlc_normal(pair, word, 1) : rlc_normal(word, pair, 0);
}

/* The first of n weights e^(logit - largest) at which their sum passes a uniform share of the whole. */
RLC_INLINE int64_t rlc_choose(const float *logits, int64_t n, float u) {
    float largest = logits[0], total = 0, sum = 0;
    int64_t last = 0;
    for (int64_t i = 1; i < n; i++) {
        largest = logits[i] > largest ? logits[i] : largest;
    }
    for (int64_t i = 0; i < n; i++) {
        total += rlc_expf(logits[i] - largest);
    }
    for (int64_t i = 0; i < n; i++) {
        const float weight = rlc_expf(logits[i] - largest);
        sum += weight;
        if (sum > u * total) {
            return i;
        }
        last = weight > 0 ? i : last; /* where rounding takes the share up to the whole */
    }
    return last;
}

#endif
