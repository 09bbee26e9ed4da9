/* tree_sum.h: sums in the order that rlc promises (core/op.h): up to 1024 terms as 16 interleaved partial sums, added in
 * pairs; longer sequences are halved at a multiple of 1024 first. The order depends on the length alone, so vector width,
 * compiler and device do not change the result, and rounding errors grow with the logarithm of the length.
 */
#ifndef RLC_TREE_SUM_H
#define RLC_TREE_SUM_H

#include <string.h>

#include "core/math.h"

enum { TREE_LANES = 16, TREE_FEW = 4, TREE_BLOCK = 1024 };

/* Where a sequence of n > TREE_BLOCK terms is halved. */
RLC_INLINE int64_t tree_half(int64_t n) {
    return (n / 2 + TREE_BLOCK - 1) / TREE_BLOCK * TREE_BLOCK;
}

/* Defines `static T name(const K *k, int64_t from, int64_t n)`, the sum of `term`, an expression in k and i, over i = from,
 * from + 1, ... n in all. Of an array x of T, K is T, the term k[i] and the call name(x, 0, n). */
#define TREE_SUM(name, T, K, term)                                                                                     \
    static T name(const K *k, int64_t from, int64_t n) {                                                               \
        if (n > TREE_BLOCK) {                                                                                          \
            const int64_t half = tree_half(n);                                                                         \
            const T first = name(k, from, half);                                                                       \
            return first + name(k, from + half, n - half);                                                             \
        }                                                                                                              \
        if (n <= TREE_FEW) { /* the same order, without the lanes that stay 0 */                                       \
            T few[TREE_FEW] = {0};                                                                                     \
            for (int64_t j = 0; j < n; j++) {                                                                          \
                const int64_t i = from + j;                                                                            \
                few[j] += term;                                                                                        \
            }                                                                                                          \
            return (few[0] + few[2]) + (few[1] + few[3]);                                                              \
        }                                                                                                              \
        T lane[TREE_LANES] = {0};                                                                                      \
        int64_t at = 0;                                                                                                \
        for (; at + TREE_LANES <= n; at += TREE_LANES) {                                                               \
            for (int j = 0; j < TREE_LANES; j++) {                                                                     \
                const int64_t i = from + at + j;                                                                       \
                lane[j] += term;                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (int j = 0; at + j < n; j++) {                                                                             \
            const int64_t i = from + at + j;                                                                           \
            lane[j] += term;                                                                                           \
        }                                                                                                              \
        for (int width = TREE_LANES / 2; width > 0; width /= 2) {                                                      \
            for (int j = 0; j < width; j++) {                                                                          \
                lane[j] += lane[j + width];                                                                            \
            }                                                                                                          \
        }                                                                                                              \
        return lane[0];                                                                                                \
    }

/* Defines `static void name(const K *k, int64_t from, int64_t n, int64_t width, T *out)`, such sums side by side: out[c] is
 * that of `term`, an expression in k, i and c, for c = 0 .. width-1. At most TREE_COLUMNS, so that all lanes fit the first
 * cache. */
enum { TREE_COLUMNS = 64 };
#define TREE_SUMS(name, T, K, term)                                                                                    \
    static void name(const K *k, int64_t from, int64_t n, int64_t width, T *out) {                                     \
        if (n > TREE_BLOCK) {                                                                                          \
            const int64_t half = tree_half(n);                                                                         \
            T rest[TREE_COLUMNS];                                                                                      \
            name(k, from, half, width, out);                                                                           \
            name(k, from + half, n - half, width, rest);                                                               \
            for (int64_t c = 0; c < width; c++) {                                                                      \
                out[c] += rest[c];                                                                                     \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        T lane[TREE_LANES][TREE_COLUMNS];                                                                              \
        for (int j = 0; j < TREE_LANES; j++) {                                                                         \
            memset(lane[j], 0, (size_t)width * sizeof(T));                                                             \
        }                                                                                                              \
        for (int64_t i = from; i < from + n; i++) {                                                                    \
            T *sum = lane[(i - from) % TREE_LANES];                                                                    \
            for (int64_t c = 0; c < width; c++) {                                                                      \
                sum[c] += term;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
        for (int step = TREE_LANES / 2; step > 0; step /= 2) {                                                         \
            for (int j = 0; j < step; j++) {                                                                           \
                for (int64_t c = 0; c < width; c++) {                                                                  \
                    lane[j][c] += lane[j + step][c];                                                                   \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        memcpy(out, lane[0], (size_t)width * sizeof(T));                                                               \
    }

#endif
