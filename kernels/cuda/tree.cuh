/* tree.cuh: sums in the order that rlc promises (core/op.h, kernels/cpu/tree_sum.h), by one thread or by a whole block: up
 * to 1024 terms as 16 interleaved partial sums that are added in pairs; longer sequences are halved at a multiple of
 * 1024 first. So the halving ends at pieces of 1024 terms and a rest, whose sums come one after the other; a tree_path
 * adds them up as the halving would. `alone` and `together` let a kernel be written once for a thread or a block a row.
 */
#ifndef RLC_CUDA_TREE_H
#define RLC_CUDA_TREE_H

#include "kernels/cpu/tree_sum.h"
#include "kernels/cuda/backend.cuh"

enum { TREE_DEPTH = 48 };

/* Where the halving of a sequence is: for each level whose first half is done or under way, its sum and the length of
 * the second half. */
template <typename T> struct tree_path {
    int depth;
    T first[TREE_DEPTH];
    int64_t second[TREE_DEPTH]; /* -1 once the second half is under way */

    __device__ void descend(int64_t n) {
        while (n > TREE_BLOCK) {
            const int64_t half = tree_half(n);
            second[depth++] = n - half;
            n = half;
        }
    }
    __device__ explicit tree_path(int64_t n) : depth(0) {
        descend(n);
    }
    /* Takes the sum of the next piece. After the last one it returns the sum of all. */
    __device__ T add(T sum) {
        while (depth > 0 && second[depth - 1] < 0) {
            sum = first[--depth] + sum;
        }
        if (depth > 0) {
            const int64_t rest = second[depth - 1];
            first[depth - 1] = sum;
            second[depth - 1] = -1;
            descend(rest);
        }
        return sum;
    }
};

/* By one thread: the sum of term(i) over i = 0 .. n-1. */
template <typename T, class F> __device__ __forceinline__ T tree_sum_alone(int64_t n, F term) {
    if (n <= TREE_FEW) { /* all in registers */
        T few[TREE_FEW] = {0};
        for (int j = 0; j < TREE_FEW; j++) {
            few[j] += j < n ? term(j) : (T)0;
        }
        return (few[0] + few[2]) + (few[1] + few[3]);
    }
    tree_path<T> path(n);
    T sum = 0;
    for (int64_t start = 0; start < n || start == 0; start += TREE_BLOCK) {
        const int64_t end = start + TREE_BLOCK < n ? start + TREE_BLOCK : n;
        T lane[TREE_LANES] = {0};
        for (int64_t i = start; i < end; i++) {
            lane[i % TREE_LANES] += term(i);
        }
        for (int width = TREE_LANES / 2; width > 0; width /= 2) {
            for (int j = 0; j < width; j++) {
                lane[j] += lane[j + width];
            }
        }
        sum = path.add(lane[0]);
    }
    return sum;
}

/* The sum of term(i) for i = first, first + TREE_LANES, ... below `end`, in this order. Many terms are asked for before the first is
 * added, so that memory is waited for once for all of them. */
template <typename T, class F> static __device__ __forceinline__ T tree_lane(int64_t first, int64_t end, F term) {
    enum { AHEAD = 16 };
    T sum = 0;
    int64_t i = first;
    for (; i + (AHEAD - 1) * TREE_LANES < end; i += AHEAD * TREE_LANES) {
        T ahead[AHEAD];
        for (int k = 0; k < AHEAD; k++) {
            ahead[k] = term(i + k * TREE_LANES);
        }
        for (int k = 0; k < AHEAD; k++) {
            sum += ahead[k];
        }
    }
    for (; i < end; i += TREE_LANES) {
        sum += term(i);
    }
    return sum;
}

/* By a block of RLC_BLOCK threads, each of which gets the sum. 16 pieces at a time: thread 16 g + l adds up lane l of
 * piece g. Where halving always meets the ends of such 16, their sums are added as the lanes are. `room` is RLC_BLOCK elements
 * that the block shares. */
template <typename T, class F> __device__ __forceinline__ T tree_sum_together(int64_t n, F term, T *room) {
    const int thread = (int)threadIdx.x, lane = thread % TREE_LANES, piece = thread / TREE_LANES;
    enum { PIECES = RLC_BLOCK / TREE_LANES };
    const bool is_even = n >= PIECES * TREE_BLOCK && (n & (n - 1)) == 0;
    tree_path<T> path(is_even ? n / PIECES : n); /* thread 0's counts */
    T sum = 0;
    for (int64_t base = 0; base < n || base == 0; base += PIECES * TREE_BLOCK) {
        const int64_t start = base + (int64_t)piece * TREE_BLOCK, end = start + TREE_BLOCK < n ? start + TREE_BLOCK : n;
        room[thread] = tree_lane<T>(start + lane, end, term);
        __syncthreads();
        for (int width = TREE_LANES / 2; width > 0; width /= 2) {
            if (lane < width) {
                room[thread] += room[thread + width];
            }
            __syncthreads();
        }
        for (int step = 1; step < PIECES && is_even; step *= 2) {
            if (lane == 0 && piece % (2 * step) == 0) {
                room[thread] += room[thread + step * TREE_LANES];
            }
            __syncthreads();
        }
        const int pieces = is_even ? 1 : PIECES;
        for (int k = 0; thread == 0 && k < pieces && (base + k * TREE_BLOCK < n || base + k == 0); k++) {
            sum = path.add(room[k * TREE_LANES]);
        }
        __syncthreads();
    }
    if (thread == 0) {
        room[0] = sum;
    }
    __syncthreads();
    sum = room[0];
    __syncthreads(); /* room may be used again */
    return sum;
}

/* Rows up to this long have a thread each, longer ones a block. */
enum { SHORT_ROW = 64 };

/* A row as one thread sees it, or a block: which elements are its own, and sums over all. */
struct alone {
    enum { STEP = 1 };
    static __device__ int64_t first(void) {
        return 0;
    }
    static __device__ void wait(void) {
    }
    template <typename T, class F> static __device__ __forceinline__ T sum(int64_t n, F term, T *) {
        return tree_sum_alone<T>(n, term);
    }
    /* Of all threads' values the largest; a NaN above all. */
    template <typename T> static __device__ __forceinline__ T most(T mine, T *) {
        return mine;
    }
};
struct together {
    enum { STEP = RLC_BLOCK };
    static __device__ int64_t first(void) {
        return threadIdx.x;
    }
    static __device__ void wait(void) {
        __syncthreads();
    }
    template <typename T, class F> static __device__ __forceinline__ T sum(int64_t n, F term, T *room) {
        return tree_sum_together<T>(n, term, room);
    }
    template <typename T> static __device__ __forceinline__ T most(T mine, T *room) {
        const int thread = (int)threadIdx.x;
        room[thread] = mine;
        __syncthreads();
        for (int width = RLC_BLOCK / 2; width > 0; width /= 2) {
            if (thread < width) {
                const T other = room[thread + width];
                room[thread] = other > room[thread] || other != other ? other : room[thread];
            }
            __syncthreads();
        }
        const T all = room[0];
        __syncthreads();
        return all;
    }
};

/* Of very many terms blocks take a share each, those that `levels` halvings leave, 2^levels in all; whoever has the sums of
 * the shares adds neighbours, then neighbours of these, as the halving would. A halving is off by less than a piece, those
 * of all levels by less than two: where shares have TREE_SHARE terms or more on average, each halving has two halves. */
enum { TREE_SHARE = 2 * TREE_BLOCK, TREE_LEVELS = 8 };

static inline int tree_levels(int64_t n, int64_t least) {
    int levels = 0;
    while (levels < TREE_LEVELS && n >> (levels + 1) >= least) {
        levels++;
    }
    return levels;
}

typedef struct tree_share {
    int64_t start, n;
} tree_share;

static __device__ __forceinline__ tree_share tree_share_of(int64_t n, int levels, int64_t which) {
    tree_share share = {0, n};
    for (int bit = levels - 1; bit >= 0; bit--) {
        const int64_t half = tree_half(share.n);
        share.start += which >> bit & 1 ? half : 0;
        share.n = which >> bit & 1 ? share.n - half : half;
    }
    return share;
}

/* By a block: the sum of 2^levels shares, for thread 0. */
template <typename T> __device__ __forceinline__ T tree_join(const T *sums, int levels, T *room) {
    static_assert(1 << TREE_LEVELS <= RLC_BLOCK, "each share has a thread");
    const int thread = (int)threadIdx.x, count = 1 << levels;
    if (thread < count) {
        room[thread] = sums[thread];
    }
    __syncthreads();
    for (int width = 1; width < count; width *= 2) {
        if (thread % (2 * width) == 0 && thread < count) {
            room[thread] = room[thread] + room[thread + width];
        }
        __syncthreads();
    }
    return room[0];
}

#endif
