/* reduce.cu: sums, any, argmax and argmin over the middle of [outer, n, inner]: one thread, or one block, for each result;
 * several blocks where a sum has very many terms. */
#include "kernels/cuda/tree.cuh"

typedef struct extent {
    int64_t results, n, inner;
} extent;

static extent extent_of(const rlc_node *node) {
    extent e = {node->out->numel, node->p[0].i, node->p[1].i};
    return e;
}

/* Up to so many terms a thread sums alone. */
enum { FEW = 32, COLUMNS = 16 };

/* Where the terms of result r begin; they are `inner` apart. */
static __device__ __forceinline__ int64_t first_term(const extent &e, int64_t r) {
    return r / e.inner * e.n * e.inner + r % e.inner;
}

template <typename T> static __global__ void sum_few(extent e, T *out, const T *x, T divisor) {
    RLC_FOR_EACH(r, e.results) {
        const T *at = x + first_term(e, r);
        const T sum = tree_sum_alone<T>(e.n, [=](int64_t i) { return at[i * e.inner]; });
        out[r] = divisor != 1 ? sum / divisor : sum;
    }
}

/* Sums of many terms are shared among 2^levels blocks each (tree.cuh), or with none left to one. */
typedef struct many {
    extent e;
    int levels;
} many;

/* A block for each share of each result; `out` has the sums of shares side by side. */
template <typename T> static __global__ void sum_many(many m, T *out, const T *x, T divisor) {
    RLC_SHARED(T, room, RLC_BLOCK);
    for (int64_t k = blockIdx.x; k < m.e.results << m.levels; k += gridDim.x) {
        const int64_t r = k >> m.levels;
        const tree_share share = tree_share_of(m.e.n, m.levels, k - (r << m.levels));
        const int64_t inner = m.e.inner;
        const T *at = x + first_term(m.e, r) + share.start * inner;
        const T sum = tree_sum_together<T>(
            share.n, [=](int64_t i) { return at[i * inner]; }, room);
        if (threadIdx.x == 0) {
            out[k] = divisor != 1 ? sum / divisor : sum;
        }
    }
}

/* A block for a share of COLUMNS results that lie side by side, so that their terms do, too: thread COLUMNS l + c adds up
 * lane l of column c. */
template <typename T> static __global__ void sum_columns(many m, T *out, const T *x, T divisor) {
    RLC_SHARED(T, room, RLC_BLOCK);
    const extent e = m.e;
    const int thread = (int)threadIdx.x, column = thread % COLUMNS, lane = thread / COLUMNS;
    const int64_t groups = (e.results + COLUMNS - 1) / COLUMNS;
    for (int64_t k = blockIdx.x; k < groups << m.levels; k += gridDim.x) {
        const int64_t which = k & ((1 << m.levels) - 1), r = (k >> m.levels) * COLUMNS + column;
        const tree_share share = tree_share_of(e.n, m.levels, which);
        const bool is_there = r < e.results;
        const T *at = x + (is_there ? first_term(e, r) : 0) + share.start * e.inner;
        tree_path<T> path(share.n);
        T sum = 0;
        for (int64_t start = 0; start < share.n || start == 0; start += TREE_BLOCK) {
            const int64_t end = start + TREE_BLOCK < share.n ? start + TREE_BLOCK : share.n;
            room[thread] =
                tree_lane<T>(start + lane, is_there ? end : start, [=](int64_t i) { return at[i * e.inner]; });
            __syncthreads();
            for (int width = TREE_LANES / 2; width > 0; width /= 2) {
                if (lane < width) {
                    room[thread] += room[thread + width * COLUMNS];
                }
                __syncthreads();
            }
            if (lane == 0) {
                sum = path.add(room[column]);
            }
            __syncthreads();
        }
        if (lane == 0 && is_there) {
            out[(r << m.levels) + which] = divisor != 1 ? sum / divisor : sum;
        }
    }
}

/* A block for the shares of each result. */
template <typename T> static __global__ void join_shares(many m, T *out, const T *sums, T divisor) {
    RLC_SHARED(T, room, RLC_BLOCK);
    for (int64_t r = blockIdx.x; r < m.e.results; r += gridDim.x) {
        const T sum = tree_join<T>(sums + (r << m.levels), m.levels, room);
        if (threadIdx.x == 0) {
            out[r] = divisor != 1 ? sum / divisor : sum;
        }
        __syncthreads();
    }
}

/* A block that sums along a row takes sixteen pieces at a time, one that sums columns one. Where results alone keep a GPU
 * busy, or their shares would find no room, there are fewer. */
static int levels_for(const extent *e) {
    enum { BUSY = 4096 };
    static_assert((int)BUSY <= (int)RLC_SCRATCH, "sums of shares lie in the scratch memory");
    int levels = tree_levels(e->n, e->inner == 1 ? 8 * TREE_SHARE : TREE_SHARE);
    while (levels > 0 && e->results > BUSY >> levels) {
        levels--;
    }
    return levels;
}

template <typename T> static void run_sum(const rlc_node *node) {
    static_assert(COLUMNS * TREE_LANES == RLC_BLOCK, "each lane of each column has a thread");
    const extent e = extent_of(node);
    T *out = rlc_data<T>(node->out);
    const T *x = rlc_data<T>(node->in[0]), divisor = (T)node->p[2].f;
    auto *few = sum_few<T>;
    auto *shares = e.inner == 1 ? sum_many<T> : sum_columns<T>;
    auto *join = join_shares<T>;
    if (e.n <= FEW) {
        RLC_LAUNCH(node, few, rlc_blocks_for(e.results), RLC_BLOCK, e, out, x, divisor);
        return;
    }
    const many m = {e, levels_for(&e)};
    const bool is_shared = m.levels > 0;
    const int64_t groups = e.inner == 1 ? e.results : (e.results + COLUMNS - 1) / COLUMNS;
    T *sums = is_shared ? (T *)rlc_cuda_of(node->out->device)->scratch : out;
    RLC_LAUNCH(node, shares, rlc_blocks(groups << m.levels), RLC_BLOCK, m, sums, x, is_shared ? (T)1 : divisor);
    if (is_shared) {
        RLC_LAUNCH(node, join, rlc_blocks(e.results), RLC_BLOCK, m, out, (const T *)sums, divisor);
    }
}

/* Whether element v at place i comes before the best one so far; a NaN is preferred to any number, of equals the first. */
template <bool largest, typename T>
static __device__ __forceinline__ bool is_better(T v, int64_t i, T best, int64_t at) {
    const bool equal = v == best || (v != v && best != best);
    const bool better = (v != v && best == best) || (best == best && (largest ? v > best : v < best));
    return better || (equal && i < at);
}

template <bool largest, typename T> static __global__ void extreme(extent e, int64_t *out, const T *x) {
    RLC_SHARED(T, values, RLC_BLOCK);
    RLC_SHARED(int64_t, places, RLC_BLOCK);
    const int thread = (int)threadIdx.x;
    for (int64_t r = blockIdx.x; r < e.results; r += gridDim.x) {
        const T *at = x + first_term(e, r);
        int64_t place = thread < e.n ? thread : 0;
        T best = at[place * e.inner];
        for (int64_t i = place + RLC_BLOCK; i < e.n; i += RLC_BLOCK) {
            if (is_better<largest>(at[i * e.inner], i, best, place)) {
                best = at[i * e.inner];
                place = i;
            }
        }
        values[thread] = best;
        places[thread] = place;
        __syncthreads();
        for (int width = RLC_BLOCK / 2; width > 0; width /= 2) {
            if (thread < width &&
                is_better<largest>(values[thread + width], places[thread + width], values[thread], places[thread])) {
                values[thread] = values[thread + width];
                places[thread] = places[thread + width];
            }
            __syncthreads();
        }
        if (thread == 0) {
            out[r] = places[0];
        }
        __syncthreads();
    }
}

template <bool largest, typename T> static __global__ void extreme_of_few(extent e, int64_t *out, const T *x) {
    RLC_FOR_EACH(r, e.results) {
        const T *at = x + first_term(e, r);
        int64_t place = 0;
        T best = at[0];
        for (int64_t i = 1; i < e.n; i++) {
            if (is_better<largest>(at[i * e.inner], i, best, place)) {
                best = at[i * e.inner];
                place = i;
            }
        }
        out[r] = place;
    }
}

template <bool largest, typename T> static void run_extreme(const rlc_node *node) {
    const extent e = extent_of(node);
    const bool few = e.n <= FEW;
    auto *kernel = few ? extreme_of_few<largest, T> : extreme<largest, T>;
    RLC_LAUNCH(node, kernel, few ? rlc_blocks_for(e.results) : rlc_blocks(e.results), RLC_BLOCK, e,
               rlc_data<int64_t>(node->out), rlc_data<T>(node->in[0]));
}

static __global__ void any_of_many(extent e, uint8_t *out, const uint8_t *x) {
    RLC_SHARED(uint8_t, found, RLC_BLOCK);
    const int thread = (int)threadIdx.x;
    for (int64_t r = blockIdx.x; r < e.results; r += gridDim.x) {
        const uint8_t *at = x + first_term(e, r);
        uint8_t has = 0;
        for (int64_t i = thread; i < e.n; i += RLC_BLOCK) {
            has |= at[i * e.inner];
        }
        found[thread] = has;
        __syncthreads();
        for (int width = RLC_BLOCK / 2; width > 0; width /= 2) {
            if (thread < width) {
                found[thread] |= found[thread + width];
            }
            __syncthreads();
        }
        if (thread == 0) {
            out[r] = found[0];
        }
        __syncthreads();
    }
}

static __global__ void any_of_few(extent e, uint8_t *out, const uint8_t *x) {
    RLC_FOR_EACH(r, e.results) {
        const uint8_t *at = x + first_term(e, r);
        uint8_t has = 0;
        for (int64_t i = 0; i < e.n; i++) {
            has |= at[i * e.inner];
        }
        out[r] = has;
    }
}

static void run_any(const rlc_node *node) {
    const extent e = extent_of(node);
    const bool few = e.n <= FEW;
    auto *kernel = few ? any_of_few : any_of_many;
    RLC_LAUNCH(node, kernel, few ? rlc_blocks_for(e.results) : rlc_blocks(e.results), RLC_BLOCK, e,
               rlc_data<uint8_t>(node->out), rlc_data<uint8_t>(node->in[0]));
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_sum][dtype] = run_sum<T>;
    device->kernel[RLC_OP_argmax][dtype] = run_extreme<true, T>;
    device->kernel[RLC_OP_argmin][dtype] = run_extreme<false, T>;
}

void rlc__cuda_reduce(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
    enter<int64_t>(device, RLC_I64);
    device->kernel[RLC_OP_any][RLC_BOOL] = run_any;
}
