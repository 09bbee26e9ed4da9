/* random.cu: draws from a stream, the same bits as on the CPU: element i is word i % 4 of block counter + i / 4; then the
 * counter moves on. */
#include "kernels/cuda/backend.cuh"
#include "kernels/draws.h"

/* What a draw computes with, besides the words. */
typedef struct bounds {
    int64_t low, high;
    const int64_t *bound;
    const float *loc, *scale; /* of a normal draw, or NULL */
} bounds;

struct uniform {
    typedef float value;
    static __device__ __forceinline__ float of(const rlc_block *block, int j, int64_t, const bounds &) {
        return rlc_unit(block->word[j]);
    }
};
struct normal {
    typedef float value;
    static __device__ __forceinline__ float of(const rlc_block *block, int j, int64_t i, const bounds &b) {
        const float z = rlc_normal_of(block, j);
        return b.loc != NULL ? b.loc[i] + b.scale[i] * z : z;
    }
};
struct integer {
    typedef int64_t value;
    static __device__ __forceinline__ int64_t of(const rlc_block *block, int j, int64_t, const bounds &b) {
        return b.low + rlc_below(block->word[j], b.high - b.low);
    }
};
struct index_below {
    typedef int64_t value;
    static __device__ __forceinline__ int64_t of(const rlc_block *block, int j, int64_t, const bounds &b) {
        return rlc_below(block->word[j], *b.bound);
    }
};

template <class F>
static __global__ void draw(uint64_t key, const int64_t *counter, int64_t n, typename F::value *out, bounds b) {
    const uint64_t start = (uint64_t)*counter;
    RLC_FOR_EACH(k, (n + 3) / 4) {
        const rlc_block block = rlc_philox(key, start + (uint64_t)k, 0);
        for (int j = 0; j < 4 && 4 * k + j < n; j++) {
            out[4 * k + j] = F::of(&block, j, 4 * k + j, b);
        }
    }
}

/* In a launch of its own: the one before reads the counter in all of its blocks. */
static __global__ void advance(int64_t *counter, int64_t blocks) {
    *counter += blocks;
}

template <class F> static void run_draw(const rlc_node *node) {
    auto *kernel = draw<F>;
    const int64_t n = node->out->numel;
    const bool moved = node->op == RLC_OP_random_normal && node->in[1] != NULL;
    const bounds b = {node->p[1].i, node->p[2].i, moved ? NULL : rlc_data<int64_t>(node->in[1]),
                      moved ? rlc_data<float>(node->in[1]) : NULL, moved ? rlc_data<float>(node->in[2]) : NULL};
    RLC_LAUNCH(node, kernel, rlc_blocks_for((n + 3) / 4), RLC_BLOCK, (uint64_t)node->p[0].i,
               (const int64_t *)node->in[0]->data, n, rlc_data<typename F::value>(node->out), b);
    RLC_LAUNCH(node, advance, 1, 1, rlc_data<int64_t>(node->in[0]), (n + 3) / 4);
}

static __global__ void check_bound(rlc_site site, const int64_t *bound) {
    if (*bound < 1) {
        rlc_raise(site, RLC_FAULT_EMPTY, 0, 0, 0);
    } else if (*bound > (int64_t)1 << 32) {
        rlc_raise(site, RLC_FAULT_BOUND, 0, 0, 0);
    }
}

static void run_index(const rlc_node *node) {
    RLC_LAUNCH(node, check_bound, 1, 1, rlc_site_of(node), (const int64_t *)node->in[1]->data);
    run_draw<index_below>(node);
}

static __global__ void categorical(uint64_t key, const int64_t *counter, int64_t rows, int64_t n, int64_t *out,
                                   const float *logits) {
    const uint64_t start = (uint64_t)*counter;
    RLC_FOR_EACH(i, rows) {
        const uint32_t word = rlc_philox(key, start + (uint64_t)i / 4, 0).word[i % 4];
        out[i] = rlc_choose(logits + i * n, n, rlc_unit(word));
    }
}

static void run_categorical(const rlc_node *node) {
    const int64_t rows = node->out->numel;
    RLC_LAUNCH(node, categorical, rlc_blocks_for(rows), RLC_BLOCK, (uint64_t)node->p[0].i,
               (const int64_t *)node->in[0]->data, rows, node->p[1].i, rlc_data<int64_t>(node->out),
               rlc_data<float>(node->in[1]));
    RLC_LAUNCH(node, advance, 1, 1, rlc_data<int64_t>(node->in[0]), (rows + 3) / 4);
}

void rlc__cuda_random(rlc_device *device) {
    device->kernel[RLC_OP_random_uniform][RLC_F32] = run_draw<uniform>;
    device->kernel[RLC_OP_random_normal][RLC_F32] = run_draw<normal>;
    device->kernel[RLC_OP_random_integer][RLC_I64] = run_draw<integer>;
    device->kernel[RLC_OP_random_index][RLC_I64] = run_index;
    device->kernel[RLC_OP_random_categorical][RLC_I64] = run_categorical;
}
