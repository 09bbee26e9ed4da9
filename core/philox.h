/* philox.h: random numbers as a function of (key, counter), the same on every device and for any number of threads.
 *
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11), by the Random123 library, turns a
 * 64-bit key and a 128-bit counter into four 32-bit words. A draw uses all four words of a block: element i of a draw
 * that starts at block c is word i % 4 of block c + i / 4.
 *
 *     rlc_block block = rlc_philox(key, counter, 0);
 *     float u = rlc_unit(block.word[0]);      // [0, 1)
 */
#ifndef RLC_PHILOX_H
#define RLC_PHILOX_H

#include <Random123/philox.h>

#include "core/math.h"

typedef struct rlc_block {
    uint32_t word[4];
} rlc_block;

/* `lane` separates the members of a batch (the rows of a vectorised environment) that share a counter. */
RLC_INLINE rlc_block rlc_philox(uint64_t key, uint64_t counter, uint64_t lane) {
    philox4x32_ctr_t c = {{(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)lane, (uint32_t)(lane >> 32)}};
    philox4x32_key_t k = {{(uint32_t)key, (uint32_t)(key >> 32)}};
    philox4x32_ctr_t r = philox4x32_R(10, c, k);
    rlc_block block = {{r.v[0], r.v[1], r.v[2], r.v[3]}};
    return block;
}

/* Uniform on [0, 1), a multiple of 2^-24. */
RLC_INLINE float rlc_unit(uint32_t word) {
    return (float)(word >> 8) * 5.9604644775390625e-8f;
}

/* Uniform on [0, 1), a multiple of 2^-53. */
RLC_INLINE double rlc_unit_double(uint32_t high, uint32_t low) {
    return (double)((uint64_t)(high >> 5) << 26 | low >> 6) * 1.1102230246251565e-16;
}

/* Uniform on [low, high). */
RLC_INLINE float rlc_between(uint32_t word, float low, float high) {
    return low + (high - low) * rlc_unit(word);
}

/* Uniform on 0 .. n-1. The bias of the multiplication is below n / 2^32. */
RLC_INLINE int64_t rlc_below(uint32_t word, int64_t n) {
    return (int64_t)(((uint64_t)word * (uint64_t)n) >> 32);
}

/* Box and Muller: words (u, v) give the standard normal number sqrt(-2 ln u) cos(2 pi v), or with sin its partner. */
RLC_INLINE float rlc_normal(uint32_t u, uint32_t v, int partner) {
    float radius = sqrtf(-2.0f * rlc_logf((float)((u >> 8) + 1u) * 5.9604644775390625e-8f));
    float angle = 6.28318530717958647692f * rlc_unit(v);
    return radius * (partner ? rlc_sinf(angle) : rlc_cosf(angle));
}

#endif
