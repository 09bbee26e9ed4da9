/* vec.h: vectors of floats as wide as the instruction set has them, by GCC's vector extension: + and * work lane by lane.
 * For loops that compilers do not find by themselves.
 */
#ifndef RLC_VEC_H
#define RLC_VEC_H

#include <stdint.h>
#include <string.h>

#include "kernels/cpu/isa.h"

#if defined(__AVX512F__)
#include <immintrin.h>
enum { LANES = 16 };
#elif defined(__AVX2__)
#include <immintrin.h>
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(float))));
typedef float loose_vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4))); /* at any address */

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define ALWAYS_INLINE static inline __attribute__((always_inline, unused))

#if defined(__AVX512F__)
#define LANE_INDEX ((mask){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif defined(__AVX2__)
#define LANE_INDEX ((mask){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define LANE_INDEX ((mask){0, 1, 2, 3})
#endif

ALWAYS_INLINE vec load(const float *p) {
    return *(const loose_vec *)p;
}

ALWAYS_INLINE void store(float *p, vec v) {
    *(loose_vec *)p = v;
}

ALWAYS_INLINE vec splat(float x) {
    return x - (vec){0};
}

/* A NaN stays one. */
ALWAYS_INLINE vec relu(vec y) {
    return (vec)((mask)y & ~(y <= (vec){0}));
}

/* The first n floats, 0 <= n < LANES, and zeros behind them. Nothing else is touched. */
ALWAYS_INLINE vec load_first(const float *p, int64_t n) {
#if defined(__AVX512F__)
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
    return (vec)_mm256_maskload_ps(p, (__m256i)(LANE_INDEX < (int)n));
#else
    vec v = {0};
    UNROLL for (int64_t i = 0; i < LANES - 1; i++) {
        if (i < n) {
            v[i] = p[i];
        }
    }
    return v;
#endif
}

/* The same for any n: all for n >= LANES, none for n <= 0. */
ALWAYS_INLINE vec load_some(const float *p, int64_t n) {
    return n >= LANES ? load(p) : load_first(p, n > 0 ? n : 0);
}

ALWAYS_INLINE void store_some(float *p, vec v, int64_t n) {
    if (n >= LANES) {
        store(p, v);
        return;
    }
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)(n > 0 ? (1u << n) - 1 : 0), (__m512)v);
#elif defined(__AVX2__)
    _mm256_maskstore_ps(p, (__m256i)(LANE_INDEX < (int)n), (__m256)v);
#else
    for (int64_t i = 0; i < n; i++) {
        p[i] = v[i];
    }
#endif
}

/* Lane i where its index has the bit `half` clear is x[i], where it is set y[i - half]; and the other halves of both:
 * x[i + half], y[i]. Or each its own lanes, x[i] and y[i], and what these leave: x[i + half], y[i - half]. The compilers agree on
 * vectors but not on how to shuffle them. */
#if defined(__clang__)
#define LOW_LANE(i, half) ((i) & (half) ? (i) - (half) + LANES : (i))
#define HIGH_LANE(i, half) ((i) & (half) ? (i) + LANES : (i) + (half))
#define OWN_LANE(i, half) ((i) & (half) ? (i) + LANES : (i))
#define CROSSED_LANE(i, half) ((i) & (half) ? (i) - (half) + LANES : (i) + (half))
#define LANES_4(lane, i, half) lane(i, half), lane(i + 1, half), lane(i + 2, half), lane(i + 3, half)
#if defined(__AVX512F__)
#define ALL_LANES(lane, half)                                                                                          \
    LANES_4(lane, 0, half), LANES_4(lane, 4, half), LANES_4(lane, 8, half), LANES_4(lane, 12, half)
#elif defined(__AVX2__)
#define ALL_LANES(lane, half) LANES_4(lane, 0, half), LANES_4(lane, 4, half)
#else
#define ALL_LANES(lane, half) LANES_4(lane, 0, half)
#endif
#define MIX(lane, x, y, half)                                                                                          \
    ((half) == 1   ? __builtin_shufflevector(x, y, ALL_LANES(lane, 1))                                                 \
     : (half) == 2 ? __builtin_shufflevector(x, y, ALL_LANES(lane, 2 % LANES))                                         \
     : (half) == 4 ? __builtin_shufflevector(x, y, ALL_LANES(lane, 4 % LANES))                                         \
                   : __builtin_shufflevector(x, y, ALL_LANES(lane, 8 % LANES)))
#else
#define SET_LANES(half) ((LANE_INDEX & (half)) != 0) /* -1 where true; lane LANES + i is y[i] */
#define LOW_LANE(half) (LANE_INDEX + (SET_LANES(half) & (LANES - (half))))
#define HIGH_LANE(half) (LANE_INDEX + (SET_LANES(half) & LANES) + (~SET_LANES(half) & (half)))
#define OWN_LANE(half) (LANE_INDEX + (SET_LANES(half) & LANES))
#define CROSSED_LANE(half) (LANE_INDEX + (SET_LANES(half) & (LANES - (half))) + (~SET_LANES(half) & (half)))
#define MIX(lane, x, y, half) __builtin_shuffle(x, y, lane(half))
#endif

ALWAYS_INLINE vec mix_low(vec x, vec y, int half) {
    return MIX(LOW_LANE, x, y, half);
}

ALWAYS_INLINE vec mix_high(vec x, vec y, int half) {
    return MIX(HIGH_LANE, x, y, half);
}

/* Rows [0, rows) of a matrix, `columns` elements of each, as LANES vectors with zeros where there is nothing. */
ALWAYS_INLINE void load_block(const float *p, int64_t step, int64_t rows, int64_t columns, vec r[LANES]) {
    UNROLL for (int i = 0; i < LANES; i++) {
        r[i] = i < rows ? load_some(p + i * step, columns) : (vec){0};
    }
}

/* Steps of the functions below with a constant `half` each: GCC keeps in registers only what is constant early on. */
ALWAYS_INLINE void exchange(vec r[LANES], int half) {
    UNROLL for (int i = 0; i < LANES; i++) {
        if ((i & half) == 0) {
            vec x = r[i], y = r[i + half];
            r[i] = mix_low(x, y, half);
            r[i + half] = mix_high(x, y, half);
        }
    }
}

/* Lanes left where they are take a blend, which more ports of a processor can do than a shuffle. */
ALWAYS_INLINE void add_pairs(vec r[LANES], int half) {
    UNROLL for (int i = 0; i < LANES; i += 2 * half) {
        r[i] = MIX(OWN_LANE, r[i], r[i + half], half) + MIX(CROSSED_LANE, r[i], r[i + half], half);
    }
}

#if defined(__AVX512F__)
#define FOR_EACH_HALF(step) step(r, 1), step(r, 2), step(r, 4), step(r, 8)
#elif defined(__AVX2__)
#define FOR_EACH_HALF(step) step(r, 1), step(r, 2), step(r, 4)
#else
#define FOR_EACH_HALF(step) step(r, 1), step(r, 2)
#endif

ALWAYS_INLINE void transpose(vec r[LANES]) {
    FOR_EACH_HALF(exchange);
}

/* Lane t of the result is the sum of the lanes of r[t]. */
ALWAYS_INLINE vec add_across(vec r[LANES]) {
    FOR_EACH_HALF(add_pairs);
    return r[0];
}

#endif
