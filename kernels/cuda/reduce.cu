/* reduce.cu: sums, any, argmax and argmin over the middle of [outer, n, inner]: one thread, or one block, for each result. */
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

/* A block for each result. */
template <typename T> static __global__ void sum_many(extent e, T *out, const T *x, T divisor) {
    RLC_SHARED(T, room, RLC_BLOCK);
    for (int64_t r = blockIdx.x; r < e.results; r += gridDim.x) {
        const T *at = x + first_term(e, r);
        const T sum = tree_sum_together<T>(
            e.n, [=](int64_t i) { return at[i * e.inner]; }, room);
        if (threadIdx.x == 0) {
            out[r] = divisor != 1 ? sum / divisor : sum;
        }
    }
}

/* A block for COLUMNS results that lie side by side, so that their terms do, too: thread COLUMNS l + c adds up lane l of
 * column c. */
template <typename T> static __global__ void sum_columns(extent e, T *out, const T *x, T divisor) {
    RLC_SHARED(T, room, RLC_BLOCK);
    const int thread = (int)threadIdx.x, column = thread % COLUMNS, lane = thread / COLUMNS;
    for (int64_t base = (int64_t)blockIdx.x * COLUMNS; base < e.results; base += (int64_t)gridDim.x * COLUMNS) {
        const int64_t r = base + column;
        const bool is_there = r < e.results;
        const T *at = x + (is_there ? first_term(e, r) : 0);
        tree_path<T> path(e.n);
        T sum = 0;
        for (int64_t start = 0; start < e.n || start == 0; start += TREE_BLOCK) {
            const int64_t end = start + TREE_BLOCK < e.n ? start + TREE_BLOCK : e.n;
            T part = 0;
            for (int64_t i = start + lane; i < end && is_there; i += TREE_LANES) {
                part += at[i * e.inner];
            }
            room[thread] = part;
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
            out[r] = divisor != 1 ? sum / divisor : sum;
        }
    }
}

template <typename T> static void run_sum(const rlc_node *node) {
    static_assert(COLUMNS * TREE_LANES == RLC_BLOCK, "each lane of each column has a thread");
    const extent e = extent_of(node);
    auto *kernel = e.n <= FEW ? sum_few<T> : e.inner == 1 ? sum_many<T> : sum_columns<T>;
    const unsigned blocks = e.n <= FEW     ? rlc_blocks_for(e.results)
                            : e.inner == 1 ? rlc_blocks(e.results)
                                           : rlc_blocks((e.results + COLUMNS - 1) / COLUMNS);
    RLC_LAUNCH(node, kernel, blocks, RLC_BLOCK, e, rlc_data<T>(node->out), rlc_data<T>(node->in[0]), (T)node->p[2].f);
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
