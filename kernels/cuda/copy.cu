/* copy.cu: moving elements: copies, conversions, fills, where, cat and stack. */
#include "kernels/cuda/walk.cuh"

/* Copies look at the size of an element, not at what it means. */
template <typename T> static __global__ void copy(rlc_steps s, T *out, const T *x) {
    RLC_FOR_EACH(i, s.n) {
        int64_t at[2];
        rlc_locate<2>(s, i, at);
        out[at[0]] = x[at[1]];
    }
}

template <typename T> static void run_copy(const rlc_node *node) {
    auto *kernel = copy<T>;
    const rlc_steps s = rlc_steps_of(node);
    RLC_LAUNCH(node, kernel, rlc_blocks_for(s.n), RLC_BLOCK, s, rlc_data<T>(node->out), rlc_data<T>(node->in[0]));
}

template <typename T>
static __global__ void where(rlc_steps s, T *out, const uint8_t *condition, const T *a, const T *b) {
    RLC_FOR_EACH(i, s.n) {
        int64_t at[4];
        rlc_locate<4>(s, i, at);
        out[at[0]] = condition[at[1]] ? a[at[2]] : b[at[3]];
    }
}

template <typename T> static void run_where(const rlc_node *node) {
    auto *kernel = where<T>;
    const rlc_steps s = rlc_steps_of(node);
    RLC_LAUNCH(node, kernel, rlc_blocks_for(s.n), RLC_BLOCK, s, rlc_data<T>(node->out), rlc_data<uint8_t>(node->in[0]),
               rlc_data<T>(node->in[1]), rlc_data<T>(node->in[2]));
}

template <typename T> static __global__ void fill(T *out, int64_t n, T value) {
    RLC_FOR_EACH(i, n) {
        out[i] = value;
    }
}

template <typename T> static void run_fill(const rlc_node *node) {
    auto *kernel = fill<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_data<T>(node->out), node->out->numel,
               (T)node->p[0].f);
}

template <typename T> static __global__ void arange(T *out, int64_t n, double start, double step) {
    RLC_FOR_EACH(i, n) {
        out[i] = (T)(start + (double)i * step);
    }
}

template <typename T> static void run_arange(const rlc_node *node) {
    auto *kernel = arange<T>;
    RLC_LAUNCH(node, kernel, rlc_blocks_for(node->out->numel), RLC_BLOCK, rlc_data<T>(node->out), node->out->numel,
               node->p[0].f, node->p[1].f);
}

/* Bool is 0 or 1; float to integer cuts towards zero, as in C; to a byte by way of int64. */
struct to_bool {
    template <typename T> static __device__ __forceinline__ uint8_t of(T x) {
        return x != 0;
    }
};
struct to_byte {
    template <typename T> static __device__ __forceinline__ uint8_t of(T x) {
        return (uint8_t)(int64_t)x;
    }
};
template <typename To> struct to {
    template <typename T> static __device__ __forceinline__ To of(T x) {
        return (To)x;
    }
};

template <class C, typename To, typename From> static __global__ void cast(rlc_steps s, To *out, const From *x) {
    RLC_FOR_EACH(i, s.n) {
        int64_t at[2];
        rlc_locate<2>(s, i, at);
        out[at[0]] = C::of(x[at[1]]);
    }
}

template <class C, typename To, typename From> static void launch_cast(const rlc_node *node) {
    auto *kernel = cast<C, To, From>;
    const rlc_steps s = rlc_steps_of(node);
    RLC_LAUNCH(node, kernel, rlc_blocks_for(s.n), RLC_BLOCK, s, rlc_data<To>(node->out), rlc_data<From>(node->in[0]));
}

template <typename From> static void run_cast(const rlc_node *node) {
    static rlc_kernel *const by_type[RLC_DTYPE_COUNT] = {
        launch_cast<to_bool, uint8_t, From>,     launch_cast<to_byte, uint8_t, From>,
        launch_cast<to<int32_t>, int32_t, From>, launch_cast<to<int64_t>, int64_t, From>,
        launch_cast<to<float>, float, From>,     launch_cast<to<double>, double, From>,
    };
    by_type[node->p[0].i](node);
}

/* x / 255, and less / 255 less where there is one. */
template <int count> static __global__ void from_bytes(rlc_steps s, float *out, const uint8_t *x, const uint8_t *less) {
    RLC_FOR_EACH(i, s.n) {
        int64_t at[count];
        rlc_locate<count>(s, i, at);
        const float y = (float)x[at[1]] / 255;
        out[at[0]] = count == 3 ? y - (float)less[at[count - 1]] / 255 : y;
    }
}

static void run_from_bytes(const rlc_node *node) {
    auto *kernel = node->in[1] != NULL ? from_bytes<3> : from_bytes<2>;
    const rlc_steps s = rlc_steps_of(node);
    RLC_LAUNCH(node, kernel, rlc_blocks_for(s.n), RLC_BLOCK, s, rlc_data<float>(node->out),
               rlc_data<uint8_t>(node->in[0]), rlc_data<uint8_t>(node->in[1]));
}

/* The operands' blocks lie side by side in every one of `outer` rows of the result; so many of them go into one launch. */
enum { JOINED = 32 };
typedef struct joined {
    int64_t outer, row, count; /* of parts */
    struct {
        const void *data;
        int64_t start, block; /* in elements */
    } part[JOINED];
} joined;

template <typename T> static __global__ void join(joined j, T *out) {
    const int64_t blocks_each = gridDim.x / j.count, k = blockIdx.x / blocks_each;
    const int64_t block = j.part[k].block, n = block * j.outer;
    const T *x = (const T *)j.part[k].data;
    for (int64_t i = (blockIdx.x % blocks_each) * blockDim.x + threadIdx.x; i < n; i += blocks_each * blockDim.x) {
        out[i / block * j.row + j.part[k].start + i % block] = x[i];
    }
}

template <typename T> static void run_join(const rlc_node *node) {
    auto *kernel = join<T>;
    joined j = {};
    j.outer = node->p[0].i;
    j.row = j.outer != 0 ? node->out->numel / j.outer : 0;
    int64_t start = 0, longest = 0;
    for (int k = 0; k < node->num_more && j.outer != 0; k++) {
        const rlc_tensor *x = node->more[k];
        const int slot = k % JOINED;
        j.part[slot].data = x->data;
        j.part[slot].start = start;
        j.part[slot].block = x->numel / j.outer;
        start += j.part[slot].block;
        longest = x->numel > longest ? x->numel : longest;
        if (slot == JOINED - 1 || k == node->num_more - 1) {
            const unsigned blocks = rlc_blocks_for(longest);
            j.count = slot + 1;
            RLC_LAUNCH(node, kernel, (unsigned)j.count * (blocks < 64 ? blocks : 64), RLC_BLOCK, j,
                       rlc_data<T>(node->out));
            longest = 0;
        }
    }
}

void rlc__cuda_copy(rlc_device *device) {
    static rlc_kernel *const by_size[3][3] = {{run_copy<uint8_t>, run_where<uint8_t>, run_join<uint8_t>},
                                              {run_copy<uint32_t>, run_where<uint32_t>, run_join<uint32_t>},
                                              {run_copy<uint64_t>, run_where<uint64_t>, run_join<uint64_t>}};
    for (int type = 0; type < RLC_DTYPE_COUNT; type++) {
        const size_t size = rlc_dtype_size((rlc_dtype)type);
        const int row = size == 1 ? 0 : size == 4 ? 1 : 2;
        device->kernel[RLC_OP_copy][type] = by_size[row][0];
        device->kernel[RLC_OP_where][type] = by_size[row][1];
        device->kernel[RLC_OP_concatenate][type] = by_size[row][2];
        device->kernel[RLC_OP_stack][type] = by_size[row][2];
    }
    rlc_kernel **fill = device->kernel[RLC_OP_fill], **cast = device->kernel[RLC_OP_cast];
    fill[RLC_BOOL] = fill[RLC_U8] = run_fill<uint8_t>;
    fill[RLC_I32] = run_fill<int32_t>;
    fill[RLC_I64] = run_fill<int64_t>;
    fill[RLC_F32] = run_fill<float>;
    fill[RLC_F64] = run_fill<double>;
    cast[RLC_BOOL] = cast[RLC_U8] = run_cast<uint8_t>;
    cast[RLC_I32] = run_cast<int32_t>;
    cast[RLC_I64] = run_cast<int64_t>;
    cast[RLC_F32] = run_cast<float>;
    cast[RLC_F64] = run_cast<double>;
    device->kernel[RLC_OP_from_bytes][RLC_U8] = run_from_bytes;
    device->kernel[RLC_OP_arange][RLC_F32] = run_arange<float>;
    device->kernel[RLC_OP_arange][RLC_I32] = run_arange<int32_t>;
    device->kernel[RLC_OP_arange][RLC_I64] = run_arange<int64_t>;
    device->kernel[RLC_OP_arange][RLC_F64] = run_arange<double>;
}
