/* random.c: draws from a stream: element i is word i % 4 of block counter + i / 4; then the counter moves on. */
#include "kernels/cpu/isa.h"
#include "kernels/draws.h"

#define DRAW(name, T, value)                                                                                           \
    static void name(const rlc_node *node) {                                                                           \
        int64_t *counter = node->in[0]->data;                                                                          \
        const uint64_t key = (uint64_t)node->p[0].i, start = (uint64_t)*counter;                                       \
        const int64_t n = node->out->numel, blocks = (n + 3) / 4;                                                      \
        const int64_t low = node->p[1].i, high = node->p[2].i;                                                         \
        const int64_t bound = node->in[1] != NULL ? *(const int64_t *)node->in[1]->data : 0;                           \
        T *out = node->out->data;                                                                                      \
        (void)low, (void)high, (void)bound;                                                                            \
        for (int64_t b = 0; b < blocks; b++) {                                                                         \
            const rlc_block block = rlc_philox(key, start + (uint64_t)b, 0);                                           \
            for (int64_t j = 0; j < 4 && 4 * b + j < n; j++) {                                                         \
                const uint32_t word = block.word[j];                                                                   \
                (void)word;                                                                                            \
                out[4 * b + j] = value;                                                                                \
            }                                                                                                          \
        }                                                                                                              \
        *counter += blocks;                                                                                            \
    }

DRAW(uniform, float, rlc_unit(word))
DRAW(normal, float, rlc_normal_of(&block, (int)j))
DRAW(integer, int64_t, low + rlc_below(word, high - low))
DRAW(draw_index, int64_t, rlc_below(word, bound))

static void index_below(const rlc_node *node) {
    if (*(const int64_t *)node->in[1]->data < 1) {
        rlc_kernel_fail(node, "there is nothing to choose from: the replay buffer is empty");
        return;
    }
    if (*(const int64_t *)node->in[1]->data > (int64_t)1 << 32) {
        rlc_kernel_fail(node, "a bound above 2^32 is out of reach of a 32-bit word");
        return;
    }
    draw_index(node);
}

static void categorical(const rlc_node *node) {
    int64_t *counter = node->in[0]->data, *out = node->out->data;
    const uint64_t key = (uint64_t)node->p[0].i, start = (uint64_t)*counter;
    const int64_t n = node->p[1].i, rows = node->out->numel;
    const float *logits = node->in[1]->data;
    for (int64_t i = 0; i < rows; i++) {
        const uint32_t word = rlc_philox(key, start + (uint64_t)i / 4, 0).word[i % 4];
        out[i] = rlc_choose(logits + i * n, n, rlc_unit(word));
    }
    *counter += (rows + 3) / 4;
}

/* The order of n random words: (word, index) pairs sorted by word, byte by byte from the lowest, each pass stable. A GPU
 * sorts the same pairs to the same permutation. in[1] is room for n more pairs; four passes end where they began. */
static void permutation(const rlc_node *node) {
    int64_t *counter = node->in[0]->data;
    const uint64_t key = (uint64_t)node->p[0].i, start = (uint64_t)*counter;
    const int64_t n = node->out->numel;
    uint64_t *from = node->out->data, *to = node->in[1]->data;
    for (int64_t i = 0; i < n; i++) {
        from[i] = (uint64_t)rlc_philox(key, start + (uint64_t)i / 4, 0).word[i % 4] << 32 | (uint64_t)i;
    }
    for (int shift = 32; shift < 64; shift += 8) {
        int64_t place[257] = {0};
        for (int64_t i = 0; i < n; i++) {
            place[(from[i] >> shift & 255) + 1]++;
        }
        for (int digit = 0; digit < 256; digit++) {
            place[digit + 1] += place[digit];
        }
        for (int64_t i = 0; i < n; i++) {
            to[place[from[i] >> shift & 255]++] = from[i];
        }
        uint64_t *kept = from;
        from = to;
        to = kept;
    }
    for (int64_t i = 0; i < n; i++) {
        from[i] &= UINT32_MAX;
    }
    *counter += (n + 3) / 4;
}

void ISA(kernels_random)(rlc_device *device) {
    device->kernel[RLC_OP_random_uniform][RLC_F32] = uniform;
    device->kernel[RLC_OP_random_normal][RLC_F32] = normal;
    device->kernel[RLC_OP_random_integer][RLC_I64] = integer;
    device->kernel[RLC_OP_random_index][RLC_I64] = index_below;
    device->kernel[RLC_OP_random_categorical][RLC_I64] = categorical;
    device->kernel[RLC_OP_random_permutation][RLC_I64] = permutation;
}
