/* tree_sum.h: sums in the order that rlc promises (core/op.h): up to 1024 terms as 16 interleaved partial sums, added in
 * pairs; longer sequences are halved at a multiple of 1024 first. The order depends on the length alone, so vector width,
 * compiler and device do not change the result, and rounding errors grow with the logarithm of the length.
 */
#ifndef RLC_TREE_SUM_H
#define RLC_TREE_SUM_H

#include "core/math.h"

enum { TREE_LANES = 16, TREE_FEW = 4, TREE_BLOCK = 1024 };

/* Where a sequence of n > TREE_BLOCK terms is halved. */
RLC_INLINE int64_t tree_half(int64_t n) {
    return (n / 2 + TREE_BLOCK - 1) / TREE_BLOCK * TREE_BLOCK;
}

/* Defines `static T name(const T *x, int64_t n)`, the sum of `term`, an expression in `v`, over v = x[0 .. n-1]. */
#define TREE_SUM(name, T, term)                                                                                        \
    static T name(const T *x, int64_t n) {                                                                             \
        if (n > TREE_BLOCK) {                                                                                          \
            int64_t half = tree_half(n);                                                                               \
            T first = name(x, half);                                                                                   \
            return first + name(x + half, n - half);                                                                   \
        }                                                                                                              \
        if (n <= TREE_FEW) { /* the same order, without the lanes that stay 0 */                                       \
            T few[TREE_FEW] = {0};                                                                                     \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                const T v = x[j];                                                                                      \
                few[j] += term;                                                                                        \
            }                                                                                                          \
            return (few[0] + few[2]) + (few[1] + few[3]);                                                              \
        }                                                                                                              \
        T lane[TREE_LANES] = {0};                                                                                      \
        int64_t i = 0;                                                                                                 \
        for (; i + TREE_LANES <= n; i += TREE_LANES) {                                                                 \
            for (int j = 0; j < TREE_LANES; j++) {                                                                     \
                const T v = x[i + j];                                                                                  \
                lane[j] += term;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (int j = 0; i + j < n; j++) {                                                                              \
            const T v = x[i + j];                                                                                      \
            lane[j] += term;                                                                                           \
        }                                                                                                              \
        for (int width = TREE_LANES / 2; width > 0; width /= 2) {                                                      \
            for (int j = 0; j < width; j++) {                                                                          \
                lane[j] += lane[j + width];                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        return lane[0];                                                                                                \
    }

#endif
