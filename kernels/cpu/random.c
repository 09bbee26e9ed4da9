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
DRAW(integer, int64_t, low + rlc_below(word, high - low))
DRAW(draw_index, int64_t, rlc_below(word, bound))

/* So many blocks at once, a constant number, in loops that compilers make vectors of: word j of block b is word[j][b]. */
enum { MOST_BLOCKS = 16 };

RLC_INLINE void draw_words(uint64_t key, uint64_t counter, int count, uint32_t word[4][MOST_BLOCKS]) {
    RLC_INDEPENDENT for (int b = 0; b < count; b++) {
        const rlc_block block = rlc_philox(key, counter + (uint64_t)b, 0);
        for (int j = 0; j < 4; j++) {
            word[j][b] = block.word[j];
        }
    }
}

/* The first n standard normal numbers of `count` blocks. */
RLC_INLINE void normals(uint64_t key, uint64_t counter, int count, float *out, int64_t n) {
    uint32_t word[4][MOST_BLOCKS];
    float number[4][MOST_BLOCKS];
    draw_words(key, counter, count, word);
    for (int j = 0; j < 4; j += 2) {
        RLC_INDEPENDENT for (int b = 0; b < count; b++) {
            number[j][b] = rlc_normal(word[j][b], word[j + 1][b], 0);
            number[j + 1][b] = rlc_normal(word[j][b], word[j + 1][b], 1);
        }
    }
    for (int64_t i = 0; i < 4 * count && i < n; i++) {
        out[i] = number[i % 4][i / 4];
    }
}

/* Standard ones, or scaled and moved where the node has two more operands. */
static void normal(const rlc_node *node) {
    enum { FEW_BLOCKS = 4 };
    int64_t *counter = node->in[0]->data;
    const uint64_t key = (uint64_t)node->p[0].i, start = (uint64_t)*counter;
    const int64_t n = node->out->numel, blocks = (n + 3) / 4;
    float *out = node->out->data;
    int64_t b = 0;
    for (; b + FEW_BLOCKS < blocks; b += MOST_BLOCKS) {
        normals(key, start + (uint64_t)b, MOST_BLOCKS, out + 4 * b, n - 4 * b);
    }
    if (b + 1 == blocks) {
        normals(key, start + (uint64_t)b, 1, out + 4 * b, n - 4 * b);
    } else if (b < blocks) {
        normals(key, start + (uint64_t)b, FEW_BLOCKS, out + 4 * b, n - 4 * b);
    }
    *counter += blocks;
    if (node->in[1] != NULL) {
        const float *loc = node->in[1]->data, *scale = node->in[2]->data;
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {
            out[i] = loc[i] + scale[i] * out[i];
        }
    }
}

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
    for (int64_t first = 0; first < rows; first += 4) {
        const rlc_block block = rlc_philox(key, start + (uint64_t)first / 4, 0);
        for (int64_t i = first; i < rows && i < first + 4; i++) {
            out[i] = rlc_choose(logits + i * n, n, rlc_unit(block.word[i - first]));
        }
    }
    *counter += (rows + 3) / 4;
}

/* Pairs (random word, index), the word in the upper half; and how many have each byte of the word, one place further on. */
static void draw_pairs(uint64_t key, uint64_t start, int64_t n, uint64_t *pair, uint32_t count[4][257]) {
    for (int64_t first = 0; first < n; first += 4 * MOST_BLOCKS) {
        uint32_t word[4][MOST_BLOCKS];
        draw_words(key, start + (uint64_t)first / 4, MOST_BLOCKS, word);
        for (int64_t i = first; i < n && i < first + 4 * MOST_BLOCKS; i++) {
            const uint32_t w = word[i % 4][(i - first) / 4];
            pair[i] = (uint64_t)w << 32 | (uint64_t)i;
            for (int digit = 0; digit < 4; digit++) {
                count[digit][(w >> 8 * digit & 255) + 1]++;
            }
        }
    }
}

/* The order of n random words: (word, index) pairs sorted by word, byte by byte from the lowest, each pass stable. A GPU
 * sorts the same pairs to the same permutation. in[1] is room for n more pairs; four passes end where they began. */
static void permutation(const rlc_node *node) {
    int64_t *counter = node->in[0]->data;
    const int64_t n = node->out->numel;
    uint64_t *from = node->out->data, *to = node->in[1]->data;
    uint32_t place[4][257] = {{0}};
    draw_pairs((uint64_t)node->p[0].i, (uint64_t)*counter, n, from, place);
    for (int digit = 0; digit < 4; digit++) {
        const int shift = 32 + 8 * digit;
        for (int value = 0; value < 256; value++) {
            place[digit][value + 1] += place[digit][value];
        }
        for (int64_t i = 0; i < n; i++) {
            to[place[digit][from[i] >> shift & 255]++] = from[i];
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
