/* rows.cu: what works along contiguous rows and keeps them: softmax and its kin, cumulative sums, recurrences. Short rows
 * have a thread each, long ones a block each; both add up in the same order. */
#include "kernels/cuda/maths.cuh"
#include "kernels/cuda/tree.cuh"

/* e^(x - the largest) goes to `out`; returns its sum. */
template <class By, typename T>
static __device__ __forceinline__ T exponentials(const T *x, T *out, int64_t n, T *largest, T *room) {
    T most = x[By::first() < n ? By::first() : 0];
    for (int64_t i = By::first(); i < n; i += By::STEP) {
        most = x[i] > most || x[i] != x[i] ? x[i] : most;
    }
    most = By::most(most, room);
    for (int64_t i = By::first(); i < n; i += By::STEP) {
        out[i] = EXP(x[i] - most);
    }
    By::wait();
    *largest = most;
    return By::template sum<T>(
        n, [=](int64_t i) { return out[i]; }, room);
}

struct softmax {
    template <class By, typename T> static __device__ void row(T *out, const T *x, const T *, int64_t n, T *room) {
        T largest;
        const T sum = exponentials<By>(x, out, n, &largest, room);
        for (int64_t i = By::first(); i < n; i += By::STEP) {
            out[i] /= sum;
        }
    }
};
struct log_softmax {
    template <class By, typename T> static __device__ void row(T *out, const T *x, const T *, int64_t n, T *room) {
        T largest;
        const T total = LOG(exponentials<By>(x, out, n, &largest, room));
        for (int64_t i = By::first(); i < n; i += By::STEP) {
            out[i] = x[i] - largest - total;
        }
    }
};
struct softmax_grad {
    template <class By, typename T> static __device__ void row(T *out, const T *g, const T *y, int64_t n, T *room) {
        const T sum = By::template sum<T>(
            n, [=](int64_t i) { return g[i] * y[i]; }, room);
        for (int64_t i = By::first(); i < n; i += By::STEP) {
            out[i] = y[i] * (g[i] - sum);
        }
    }
};
struct log_softmax_grad {
    template <class By, typename T> static __device__ void row(T *out, const T *g, const T *y, int64_t n, T *room) {
        const T sum = By::template sum<T>(
            n, [=](int64_t i) { return g[i]; }, room);
        for (int64_t i = By::first(); i < n; i += By::STEP) {
            out[i] = g[i] - EXP(y[i]) * sum;
        }
    }
};

template <class F, typename T>
static __global__ void short_rows(int64_t rows, int64_t n, T *out, const T *x, const T *y) {
    RLC_FOR_EACH(r, rows) {
        F::template row<alone, T>(out + r * n, x + r * n, y != NULL ? y + r * n : NULL, n, (T *)NULL);
    }
}

template <class F, typename T>
static __global__ void long_rows(int64_t rows, int64_t n, T *out, const T *x, const T *y) {
    RLC_SHARED(T, room, RLC_BLOCK);
    for (int64_t r = blockIdx.x; r < rows; r += gridDim.x) {
        F::template row<together, T>(out + r * n, x + r * n, y != NULL ? y + r * n : NULL, n, room);
    }
}

template <class F, typename T> static void run_rows(const rlc_node *node) {
    const int64_t n = node->p[0].i, rows = n > 0 ? node->out->numel / n : 0;
    auto *kernel = n <= SHORT_ROW ? short_rows<F, T> : long_rows<F, T>;
    RLC_LAUNCH(node, kernel, n <= SHORT_ROW ? rlc_blocks_for(rows) : rlc_blocks(rows), RLC_BLOCK, rows, n,
               rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]));
}

/* float adds up in double, so that a long row loses nothing. */
template <typename T, typename Sum>
static __global__ void cumsum(int64_t rows, int64_t n, T *out, const T *x, bool from_the_end) {
    RLC_FOR_EACH(r, rows) {
        Sum sum = 0;
        for (int64_t k = 0; k < n; k++) {
            const int64_t i = r * n + (from_the_end ? n - 1 - k : k);
            sum += (Sum)x[i];
            out[i] = (T)sum;
        }
    }
}

template <typename T, typename Sum> static void run_cumsum(const rlc_node *node) {
    const int64_t n = node->p[0].i, rows = n > 0 ? node->out->numel / n : 0;
    auto *kernel = cumsum<T, Sum>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(rows), RLC_BLOCK, rows, n, rlc_data<T>(node->out), rlc_data<T>(node->in[0]),
               node->p[1].i != 0);
}

/* out[t] = a[t] + b[t] out[t+1], backwards: a thread for each number of a step of each row. Those of a step lie side by
 * side. */
template <typename T>
static __global__ void scan(int64_t lines, int64_t steps, int64_t width, T *out, const T *a, const T *b, const T *end) {
    RLC_FOR_EACH(line, lines) {
        const int64_t row = line / width, column = line % width, first = row * steps * width + column;
        T carry = end != NULL ? end[line] : (T)0;
        for (int64_t t = steps - 1; t >= 0; t--) {
            const int64_t i = first + t * width;
            carry = a[i] + b[i] * carry;
            out[i] = carry;
        }
    }
}

/* One number a step, as returns and advantages have it: rows lie one behind the other, so a block brings a tile of LINES
 * rows and STEPS steps into its own memory and back, neighbours by neighbours, and a thread for each row goes along it
 * there. A scan in parallel over time would add up in another order than the CPU does; environments are parallel enough. */
enum { LINES = 32, STEPS = 32, TILE_ROW = STEPS + 1 }; /* one more, so that rows begin in different banks */

template <typename T>
static __global__ void scan_rows(int64_t rows, int64_t steps, T *out, const T *a, const T *b, const T *end) {
    RLC_SHARED(T, sums, LINES * TILE_ROW);
    RLC_SHARED(T, factors, LINES * TILE_ROW);
    const int thread = (int)threadIdx.x, step = thread % STEPS, first = thread / STEPS;
    for (int64_t base = (int64_t)blockIdx.x * LINES; base < rows; base += (int64_t)gridDim.x * LINES) {
        const bool walks = thread < LINES && base + thread < rows;
        T carry = walks && end != NULL ? end[base + thread] : (T)0;
        for (int64_t start = steps - STEPS; start > -STEPS; start -= STEPS) {
            const bool is_there = start + step >= 0;
            for (int k = first; k < LINES && base + k < rows && is_there; k += RLC_BLOCK / STEPS) {
                const int64_t i = (base + k) * steps + start + step;
                sums[k * TILE_ROW + step] = a[i];
                factors[k * TILE_ROW + step] = b[i];
            }
            __syncthreads();
            for (int s = STEPS - 1; s >= 0 && start + s >= 0 && walks; s--) {
                const int i = thread * TILE_ROW + s;
                carry = sums[i] + factors[i] * carry;
                sums[i] = carry;
            }
            __syncthreads();
            for (int k = first; k < LINES && base + k < rows && is_there; k += RLC_BLOCK / STEPS) {
                out[(base + k) * steps + start + step] = sums[k * TILE_ROW + step];
            }
            __syncthreads();
        }
    }
}

template <typename T> static void run_scan(const rlc_node *node) {
    auto *kernel = scan<T>;
    auto *by_tiles = scan_rows<T>;
    const int64_t steps = node->p[0].i, width = node->p[1].i, lines = steps > 0 ? node->out->numel / steps : 0;
    if (width == 1) {
        RLC_LAUNCH(node, by_tiles, rlc_blocks((lines + LINES - 1) / LINES), RLC_BLOCK, lines, steps,
                   rlc_data<T>(node->out), rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]),
                   rlc_data<T>(node->in[2]));
        return;
    }
    RLC_LAUNCH(node, kernel, rlc_blocks_for(lines), RLC_BLOCK, lines, steps, width, rlc_data<T>(node->out),
               rlc_data<T>(node->in[0]), rlc_data<T>(node->in[1]), rlc_data<T>(node->in[2]));
}

template <typename T> static void enter(rlc_device *device, rlc_dtype dtype) {
    device->kernel[RLC_OP_softmax][dtype] = run_rows<softmax, T>;
    device->kernel[RLC_OP_softmax_grad][dtype] = run_rows<softmax_grad, T>;
    device->kernel[RLC_OP_log_softmax][dtype] = run_rows<log_softmax, T>;
    device->kernel[RLC_OP_log_softmax_grad][dtype] = run_rows<log_softmax_grad, T>;
    device->kernel[RLC_OP_cumsum][dtype] = run_cumsum<T, double>;
    device->kernel[RLC_OP_discounted_scan][dtype] = run_scan<T>;
}

void rlc__cuda_rows(rlc_device *device) {
    enter<float>(device, RLC_F32);
    enter<double>(device, RLC_F64);
    device->kernel[RLC_OP_cumsum][RLC_I64] = run_cumsum<int64_t, int64_t>;
}
