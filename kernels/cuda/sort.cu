/* sort.cu: stable sorting by merging runs of doubling length. A merge gives each element its place in the merged run by a
 * binary search in the other one, so all elements move at once and nothing depends on their order. A block merges what it
 * can hold in its own memory, in one launch; longer runs take a launch for each doubling.
 */
#include "core/philox.h"
#include "kernels/cuda/backend.cuh"

/* Orders indices of a row by the row's elements; a NaN is above all numbers. */
template <typename T> struct by_value {
    typedef int64_t item;
    const T *x;
    bool descending;

    static __device__ __forceinline__ bool above(T a, T b) {
        return a > b || (a != a && b == b);
    }
    __device__ __forceinline__ bool before(int64_t row_start, int64_t a, int64_t b) const {
        const T va = x[row_start + a], vb = x[row_start + b];
        return descending ? above(va, vb) : above(vb, va);
    }
    __device__ __forceinline__ int64_t first(int64_t i) const {
        return i;
    }
};

/* Orders (word, index) pairs, which all differ: a permutation is the order of n random words (kernels/cpu/random.c). */
struct by_word {
    typedef uint64_t item;
    uint64_t key;
    const int64_t *counter;

    __device__ __forceinline__ bool before(int64_t, uint64_t a, uint64_t b) const {
        return a < b;
    }
    __device__ __forceinline__ uint64_t first(int64_t i) const {
        return (uint64_t)rlc_philox(key, (uint64_t)*counter + (uint64_t)i / 4, 0).word[i % 4] << 32 | (uint64_t)i;
    }
};

/* Of `n` items from `from` on, in sorted runs of length `run`: where item i goes when the two runs around it are merged.
 * Its place is its own in its run, and behind those of the other run that go before it; of equal elements the one from the
 * left run does. */
template <class Order>
static __device__ __forceinline__ int64_t merged_place(const Order &order, int64_t row_start,
                                                       const typename Order::item *from, int64_t i, int64_t n,
                                                       int64_t run) {
    const int64_t left = i / (2 * run) * (2 * run);
    const int64_t middle = left + run < n ? left + run : n, end = left + 2 * run < n ? left + 2 * run : n;
    const bool in_left = i < middle;
    const typename Order::item *other = from + (in_left ? middle : left), mine = from[i];
    int64_t low = 0, high = in_left ? end - middle : middle - left;
    while (low < high) {
        const int64_t at = (low + high) / 2;
        const bool goes_before =
            in_left ? order.before(row_start, other[at], mine) : !order.before(row_start, mine, other[at]);
        low = goes_before ? at + 1 : low;
        high = goes_before ? high : at;
    }
    return left + (in_left ? i - left : i - middle) + low;
}

/* What a block sorts at once: EACH items a thread. */
enum { EACH = 8, TILE = RLC_BLOCK * EACH };

/* Rows of n items, cut into tiles: several whole rows each, or a part of one row that is longer than a tile. */
typedef struct tiling {
    int64_t total, n, tile, count;
    int64_t tiles_of_row; /* 1 for rows that fit */
} tiling;

static tiling tiling_of(int64_t total, int64_t n) {
    tiling t = {total, n, n > TILE || n == 0 ? (int64_t)TILE : TILE / n * n, 0, n > TILE ? (n + TILE - 1) / TILE : 1};
    t.count = n > TILE ? total / n * t.tiles_of_row : (total + t.tile - 1) / t.tile;
    return t;
}

/* Items as they are first, sorted within each tile. */
template <class Order> static __global__ void sort_tiles(Order order, tiling t, typename Order::item *to) {
    typedef typename Order::item Item;
    RLC_SHARED(Item, items, TILE);
    for (int64_t k = blockIdx.x; k < t.count; k += gridDim.x) {
        const int64_t row = k / t.tiles_of_row, part = k % t.tiles_of_row; /* of rows that do not fit */
        const int64_t start = t.tiles_of_row > 1 ? row * t.n + part * TILE : k * t.tile;
        const int64_t end = t.tiles_of_row > 1 ? (row + 1) * t.n : t.total;
        const int size = (int)(end - start < t.tile ? end - start : t.tile);
        const int width = t.n < size ? (int)t.n : size; /* of a row, as far as it is here */
        Item mine[EACH];
        int place[EACH];
        for (int e = 0; e < EACH; e++) {
            const int i = (int)threadIdx.x + e * RLC_BLOCK;
            if (i < size) {
                items[i] = order.first(part * TILE + i % width);
            }
        }
        __syncthreads();
        for (int run = 1; run < width; run *= 2) {
            for (int e = 0; e < EACH; e++) {
                const int i = (int)threadIdx.x + e * RLC_BLOCK, row_at = i / width * width;
                if (i < size) {
                    const int64_t row_start = t.tiles_of_row > 1 ? row * t.n : start + row_at;
                    mine[e] = items[i];
                    place[e] = row_at + (int)merged_place(order, row_start, items + row_at, i - row_at, width, run);
                }
            }
            __syncthreads();
            for (int e = 0; e < EACH; e++) {
                if ((int)threadIdx.x + e * RLC_BLOCK < size) {
                    items[place[e]] = mine[e];
                }
            }
            __syncthreads();
        }
        for (int e = 0; e < EACH; e++) {
            const int i = (int)threadIdx.x + e * RLC_BLOCK;
            if (i < size) {
                to[start + i] = items[i];
            }
        }
        __syncthreads();
    }
}

template <class Order, typename Item>
static __global__ void merge(Order order, const Item *from, Item *to, int64_t total, int64_t n, int64_t run) {
    RLC_FOR_EACH(e, total) {
        const int64_t start = e / n * n;
        to[start + merged_place(order, start, from + start, e - start, n, run)] = from[e];
    }
}

/* Sorts rows of n items, back and forth between two places, so that they end in `out`. */
template <class Order>
static void sort_rows(const rlc_node *node, Order order, typename Order::item *out, typename Order::item *room,
                      int64_t total, int64_t n) {
    typedef typename Order::item Item;
    auto *first = sort_tiles<Order>;
    auto *kernel = merge<Order, Item>;
    const tiling t = tiling_of(total, n);
    bool ends_here = true;
    for (int64_t run = TILE; run < n; run *= 2) {
        ends_here = !ends_here;
    }
    Item *from = ends_here ? out : room, *to = ends_here ? room : out;
    RLC_LAUNCH(node, first, rlc_blocks(t.count), RLC_BLOCK, order, t, from);
    for (int64_t run = TILE; run < n; run *= 2) {
        RLC_LAUNCH(node, kernel, rlc_blocks_for(total), RLC_BLOCK, order, (const Item *)from, to, total, n, run);
        Item *kept = from;
        from = to;
        to = kept;
    }
}

template <typename T> static void run_argsort(const rlc_node *node) {
    const int64_t n = node->p[0].i, total = n > 0 ? node->out->numel : 0;
    const by_value<T> order = {rlc_data<T>(node->in[0]), node->p[1].i != 0};
    sort_rows(node, order, rlc_data<int64_t>(node->out), rlc_data<int64_t>(node->in[1]), total, n);
}

static __global__ void drop_words(uint64_t *out, int64_t n, int64_t *counter) {
    RLC_FOR_EACH(i, n) {
        out[i] &= UINT32_MAX;
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        *counter += (n + 3) / 4;
    }
}

static void run_permutation(const rlc_node *node) {
    const int64_t n = node->out->numel;
    int64_t *counter = rlc_data<int64_t>(node->in[0]);
    const by_word order = {(uint64_t)node->p[0].i, counter};
    uint64_t *out = rlc_data<uint64_t>(node->out);
    sort_rows(node, order, out, rlc_data<uint64_t>(node->in[1]), n, n);
    RLC_LAUNCH(node, drop_words, rlc_blocks_for(n), RLC_BLOCK, out, n, counter);
}

void rlc__cuda_sort(rlc_device *device) {
    device->kernel[RLC_OP_argsort][RLC_F32] = run_argsort<float>;
    device->kernel[RLC_OP_argsort][RLC_F64] = run_argsort<double>;
    device->kernel[RLC_OP_argsort][RLC_I64] = run_argsort<int64_t>;
    device->kernel[RLC_OP_random_permutation][RLC_I64] = run_permutation;
}
