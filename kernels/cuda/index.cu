/* index.cu: gather, scatter, rows by index, one-hot, rings. Every index is checked. What several indices may point to is
 * written by one thread, in the order of the indices: the same sum, and the same last one, every time.
 *
 * There are two ways for that. A thread for each line of indices goes along it and writes where they point, each time
 * waiting for memory: best where lines are many and short, as those of actions taken, one a row, are. Where they are few
 * and long, a thread for each element of the result looks along the line for what points to it: more to do in all, but
 * by more threads, and what they read is the same for many and in the cache.
 */
#include "kernels/cuda/backend.cuh"

static __device__ __forceinline__ bool inside(rlc_site site, int64_t index, int64_t n) {
    if (index >= 0 && index < n) {
        return true;
    }
    rlc_raise(site, RLC_FAULT_INDEX, index, n, 0);
    return false;
}

/* An indexed tensor is [outer, n, inner], the index [outer, m, inner]. */
typedef struct places {
    int64_t outer, n, inner, m;
} places;

/* Where the tensor has no elements there is nothing to point to, so that any index at all is wrong: m is the number of
 * them then, in one column. */
static places places_of(const rlc_node *node, const rlc_tensor *indexed) {
    places p = {0, node->p[0].i, node->p[1].i, 0};
    p.outer = p.n * p.inner != 0 ? indexed->numel / (p.n * p.inner) : 0;
    if (p.outer != 0) {
        p.m = node->in[1]->numel / (p.outer * p.inner);
    } else if (p.n == 0 && node->in[1]->numel > 0) {
        p.outer = p.inner = 1;
        p.m = node->in[1]->numel;
    }
    return p;
}

template <typename T> static __global__ void gather(rlc_site site, places p, T *out, const T *x, const int64_t *index) {
    RLC_FOR_EACH(i, p.outer * p.m * p.inner) {
        const int64_t o = i / (p.m * p.inner), c = i % p.inner;
        if (inside(site, index[i], p.n)) {
            out[i] = x[(o * p.n + index[i]) * p.inner + c];
        }
    }
}

template <typename T> static void run_gather(const rlc_node *node) {
    auto *kernel = gather<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_site_of(node),
               places_of(node, node->in[0]), rlc_data<T>(node->out), rlc_data<T>(node->in[0]),
               rlc_data<int64_t>(node->in[1]));
}

template <typename T> static __global__ void copy(T *out, const T *x, int64_t n) {
    RLC_FOR_EACH(i, n) {
        out[i] = x[i];
    }
}

/* Index j of a line is index[j * stride]. What it says is said once, by the thread of place 0. */
template <bool add, typename T>
static __device__ __forceinline__ T collected(rlc_site site, T value, int64_t place, int64_t n, int64_t m,
                                              const int64_t *index, int64_t stride, const T *source,
                                              int64_t source_stride) {
    for (int64_t j = 0; j < m; j++) {
        const int64_t to = index[j * stride];
        if (to == place) {
            value = add ? (T)(value + source[j * source_stride]) : source[j * source_stride];
        } else if (place == 0) {
            inside(site, to, n);
        }
    }
    return value;
}

/* Whether few lines are so long that it is worth while to look along each for every one of its places. */
static bool is_for_places(int64_t lines, int64_t n, int64_t m) {
    const int64_t enough_lines = 1 << 14, most_looks = (int64_t)1 << 33;
    return m > 64 && lines < enough_lines && n <= most_looks / m / (lines > 0 ? lines : 1);
}

template <bool add, typename T>
static __global__ void scatter_to_places(rlc_site site, places p, T *out, const T *source, const int64_t *index) {
    RLC_FOR_EACH(i, p.outer * p.n * p.inner) {
        const int64_t o = i / (p.n * p.inner), place = i / p.inner % p.n, line = o * p.m * p.inner + i % p.inner;
        out[i] = collected<add>(site, out[i], place, p.n, p.m, index + line, p.inner, source + line, p.inner);
    }
}

template <bool add, typename T>
static __global__ void scatter(rlc_site site, places p, T *out, const T *source, const int64_t *index) {
    RLC_FOR_EACH(line, p.outer * p.inner) {
        const int64_t o = line / p.inner, c = line % p.inner;
        for (int64_t j = 0; j < p.m; j++) {
            const int64_t i = (o * p.m + j) * p.inner + c;
            if (inside(site, index[i], p.n)) {
                T *to = out + (o * p.n + index[i]) * p.inner + c;
                *to = add ? (T)(*to + source[i]) : source[i];
            }
        }
    }
}

/* Into a copy of in[2], or without one into what is there. */
template <bool add, typename T> static void run_scatter(const rlc_node *node) {
    auto *start = copy<T>;
    const places p = places_of(node, node->out);
    const int64_t lines = p.outer * p.inner;
    const bool to_places = p.n > 0 && is_for_places(lines, p.n, p.m);
    auto *kernel = to_places ? scatter_to_places<add, T> : scatter<add, T>;
    if (node->in[2] != NULL) {
        RLC_LAUNCH(node, start, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_data<T>(node->out),
                   rlc_data<T>(node->in[2]), node->out->numel);
    }
    RLC_LAUNCH(node, kernel, rlc_blocks_for(to_places ? lines * p.n : lines), RLC_BLOCK, rlc_site_of(node), p,
               rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<int64_t>(node->in[1]));
}

/* The rows of g are added to those of `out` that the index names: a thread for each column. */
template <typename T>
static __global__ void index_add(rlc_site site, int64_t n, int64_t inner, int64_t m, T *out, const T *g,
                                 const int64_t *index) {
    RLC_FOR_EACH(c, inner) {
        for (int64_t i = 0; i < m; i++) {
            if (inside(site, index[i], n)) {
                out[index[i] * inner + c] += g[i * inner + c];
            }
        }
    }
}

/* The same by places: all columns of a row look for the same index. */
template <typename T>
static __global__ void index_add_to_places(rlc_site site, int64_t n, int64_t inner, int64_t m, T *out, const T *g,
                                           const int64_t *index) {
    RLC_FOR_EACH(i, n * inner) {
        out[i] = collected<true>(site, out[i], i / inner, n, m, index, 1, g + i % inner, inner);
    }
}

template <typename T>
static __global__ void index_select(rlc_site site, int64_t n, int64_t inner, int64_t m, T *out, const T *x,
                                    const int64_t *index) {
    RLC_FOR_EACH(i, m * inner) {
        const int64_t row = i / inner;
        if (inside(site, index[row], n)) {
            out[i] = x[index[row] * inner + i % inner];
        }
    }
}

/* Rows of `inner` elements, and an index that says which. */
template <typename T>
static void launch_by_row(const rlc_node *node,
                          void (*kernel)(rlc_site, int64_t, int64_t, int64_t, T *, const T *, const int64_t *),
                          int64_t threads) {
    RLC_LAUNCH(node, kernel, rlc_blocks_for(threads), RLC_BLOCK, rlc_site_of(node), node->p[0].i, node->p[1].i,
               node->in[1]->numel, rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<int64_t>(node->in[1]));
}

template <typename T> static void run_index_select(const rlc_node *node) {
    launch_by_row<T>(node, index_select<T>, node->in[1]->numel * node->p[1].i);
}

template <typename T> static void run_index_add(const rlc_node *node) {
    const int64_t n = node->p[0].i, inner = node->p[1].i;
    if (n > 0 && is_for_places(inner, n, node->in[1]->numel)) {
        launch_by_row<T>(node, index_add_to_places<T>, n * inner);
    } else {
        launch_by_row<T>(node, index_add<T>, inner);
    }
}

static __global__ void one_hot(rlc_site site, int64_t classes, int64_t n, int64_t *out, const int64_t *index) {
    RLC_FOR_EACH(i, n) {
        const int64_t which = index[i / classes];
        out[i] = inside(site, which, classes) && which == i % classes;
    }
}

static void run_one_hot(const rlc_node *node) {
    RLC_LAUNCH(node, one_hot, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_site_of(node), node->p[0].i,
               node->out->numel, rlc_data<int64_t>(node->out), rlc_data<int64_t>(node->in[1]));
}

template <typename T>
static __global__ void ring_write(rlc_site site, int64_t capacity, int64_t row, int64_t n, T *out, const T *rows,
                                  const int64_t *cursor) {
    const int64_t head = cursor[0];
    RLC_FOR_EACH(i, n) {
        if (head < 0 || head >= capacity) {
            rlc_raise(site, RLC_FAULT_CURSOR, head, capacity, 0);
            return;
        }
        const int64_t to = head + i / row; /* at most once around */
        out[(to < capacity ? to : to - capacity) * row + i % row] = rows[i];
    }
}

template <typename T> static void run_ring_write(const rlc_node *node) {
    auto *kernel = ring_write<T>;
    const rlc_tensor *rows = node->in[0];
    const int64_t capacity = node->out->shape[0], count = rows->shape[0], n = capacity != 0 ? rows->numel : 0;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(n), RLC_BLOCK, rlc_site_of(node), capacity, count != 0 ? n / count : 0, n,
               rlc_data<T>(node->out), rlc_data<T>(rows), rlc_data<int64_t>(node->in[1]));
}

static __global__ void ring_advance(int64_t *cursor, int64_t rows, int64_t capacity) {
    cursor[0] = (cursor[0] + rows) % capacity;
    cursor[1] = cursor[1] + rows < capacity ? cursor[1] + rows : capacity;
}

static void run_ring_advance(const rlc_node *node) {
    RLC_LAUNCH(node, ring_advance, 1, 1, rlc_data<int64_t>(node->out), node->p[0].i, node->p[1].i);
}

/* Moves look at the size of an element, not at what it means. */
template <typename T> static void enter_moves(rlc_device *device, int type) {
    device->kernel[RLC_OP_gather][type] = run_gather<T>;
    device->kernel[RLC_OP_scatter][type] = run_scatter<false, T>;
    device->kernel[RLC_OP_index_select][type] = run_index_select<T>;
    device->kernel[RLC_OP_ring_write][type] = run_ring_write<T>;
}

void rlc__cuda_index(rlc_device *device) {
    for (int type = 0; type < RLC_DTYPE_COUNT; type++) {
        switch (rlc_dtype_size((rlc_dtype)type)) {
        case 1: enter_moves<uint8_t>(device, type); break;
        case 4: enter_moves<uint32_t>(device, type); break;
        default: enter_moves<uint64_t>(device, type);
        }
    }
    device->kernel[RLC_OP_scatter_add][RLC_F32] = run_scatter<true, float>;
    device->kernel[RLC_OP_scatter_add][RLC_F64] = run_scatter<true, double>;
    device->kernel[RLC_OP_scatter_add][RLC_I64] = run_scatter<true, int64_t>;
    device->kernel[RLC_OP_index_add][RLC_F32] = run_index_add<float>;
    device->kernel[RLC_OP_index_add][RLC_F64] = run_index_add<double>;
    device->kernel[RLC_OP_one_hot][RLC_I64] = run_one_hot;
    device->kernel[RLC_OP_ring_advance][RLC_I64] = run_ring_advance;
}
