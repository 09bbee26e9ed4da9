/* sort.cu: stable sorting by merging runs of doubling length. A pass gives each element its place in the merged run by a
 * binary search in the other one, so all elements move at once and nothing depends on their order. */
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
};

/* Orders (word, index) pairs, which all differ. */
struct by_pair {
    typedef uint64_t item;
    __device__ __forceinline__ bool before(int64_t, uint64_t a, uint64_t b) const {
        return a < b;
    }
};

/* Element i of the two runs of length `run` around it: its place in both is its own in its run, and behind those of the
 * other run that go before it; of equal elements the one from the left run does. */
template <class Order, typename Item>
static __global__ void merge(Order order, const Item *from, Item *to, int64_t total, int64_t n, int64_t run) {
    RLC_FOR_EACH(e, total) {
        const int64_t start = e / n * n, i = e - start, left = i / (2 * run) * 2 * run;
        const int64_t middle = left + run < n ? left + run : n, end = left + 2 * run < n ? left + 2 * run : n;
        const bool in_left = i < middle;
        const Item *other = from + start + (in_left ? middle : left);
        const Item mine = from[e];
        int64_t low = 0, high = in_left ? end - middle : middle - left;
        while (low < high) {
            const int64_t at = (low + high) / 2;
            const bool goes_before =
                in_left ? order.before(start, other[at], mine) : !order.before(start, mine, other[at]);
            low = goes_before ? at + 1 : low;
            high = goes_before ? high : at;
        }
        to[start + left + (in_left ? i - left : i - middle) + low] = mine;
    }
}

static int passes_for(int64_t n) {
    int passes = 0;
    for (int64_t run = 1; run < n; run *= 2) {
        passes++;
    }
    return passes;
}

/* Sorts rows of n items, back and forth between two places; what is to be sorted must lie where `passes` takes it to
 * `out`: in out itself after an even number. */
template <class Order>
static void sort_rows(const rlc_node *node, Order order, typename Order::item *out, typename Order::item *room,
                      int64_t total, int64_t n) {
    typedef typename Order::item Item;
    auto *kernel = merge<Order, Item>;
    Item *from = passes_for(n) % 2 == 0 ? out : room, *to = passes_for(n) % 2 == 0 ? room : out;
    for (int64_t run = 1; run < n; run *= 2) {
        RLC_LAUNCH(node, kernel, rlc_blocks_for(total), RLC_BLOCK, order, (const Item *)from, to, total, n, run);
        Item *kept = from;
        from = to;
        to = kept;
    }
}

static __global__ void count_up(int64_t *out, int64_t total, int64_t n) {
    RLC_FOR_EACH(e, total) {
        out[e] = e % n;
    }
}

template <typename T> static void run_argsort(const rlc_node *node) {
    const int64_t n = node->p[0].i, total = n > 0 ? node->out->numel : 0;
    int64_t *out = rlc_data<int64_t>(node->out), *room = rlc_data<int64_t>(node->in[1]);
    const by_value<T> order = {rlc_data<T>(node->in[0]), node->p[1].i != 0};
    RLC_LAUNCH(node, count_up, rlc_blocks_for(total), RLC_BLOCK, passes_for(n) % 2 == 0 ? out : room, total, n);
    sort_rows(node, order, out, room, total, n);
}

/* A permutation is the order of n random words (kernels/cpu/random.c). */
static __global__ void draw_pairs(uint64_t key, const int64_t *counter, uint64_t *out, int64_t n) {
    const uint64_t start = (uint64_t)*counter;
    RLC_FOR_EACH(i, n) {
        out[i] = (uint64_t)rlc_philox(key, start + (uint64_t)i / 4, 0).word[i % 4] << 32 | (uint64_t)i;
    }
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
    uint64_t *out = rlc_data<uint64_t>(node->out), *room = rlc_data<uint64_t>(node->in[1]);
    RLC_LAUNCH(node, draw_pairs, rlc_blocks_for(n), RLC_BLOCK, (uint64_t)node->p[0].i, (const int64_t *)counter,
               passes_for(n) % 2 == 0 ? out : room, n);
    sort_rows(node, by_pair(), out, room, n, n);
    RLC_LAUNCH(node, drop_words, rlc_blocks_for(n), RLC_BLOCK, out, n, counter);
}

void rlc__cuda_sort(rlc_device *device) {
    device->kernel[RLC_OP_argsort][RLC_F32] = run_argsort<float>;
    device->kernel[RLC_OP_argsort][RLC_F64] = run_argsort<double>;
    device->kernel[RLC_OP_argsort][RLC_I64] = run_argsort<int64_t>;
    device->kernel[RLC_OP_random_permutation][RLC_I64] = run_permutation;
}
