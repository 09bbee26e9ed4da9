/* gemm.c: single-precision matrix products for the sizes of reinforcement learning: 1 to a few hundred rows, layers of 2 to
 * a few hundred units. Nothing is allocated, and the bits depend on the shapes alone.
 *
 * Three paths: `tiles` sums blocks of 8 rows by up to 3 vectors of columns in registers, with b packed in panels; `dots`
 * takes inner products of rows, for few rows or few columns; `narrow` computes the transpose of a result with few columns.
 * How they compare with oneDNN, and which serves which shape, is in docs/architecture.md.
 */
#include "kernels/cpu/gemm.h"

#include <string.h>

#include "kernels/cpu/vec.h"

/* 8 by 3 sums, 3 vectors of b and one of a fill the 32 registers of AVX-512; others have 16. All of a layer of 64 units at
 * once, 6 by 4 sums, reads a one time only. */
enum { ROWS = LANES == 16 ? 8 : 4, WIDE = LANES == 16 ? 4 : 3, WIDE_DEPTH = 128 };
enum { MAX_VECTORS = 3, MAX_WIDTH = MAX_VECTORS * LANES, DEPTH = 256 };

/* How many sums of a tile run side by side along k, so that there are enough to hide the latency of an addition. Wide tiles
 * have as many as the narrower ones that would do their work, so that the choice changes no bits. */
#define CHAINS(rows, vectors) ((rows)*MIN_VECTORS(vectors) >= 8 ? 1 : (rows)*MIN_VECTORS(vectors) >= 4 ? 2 : 4)
#define MIN_VECTORS(vectors) ((vectors) > MAX_VECTORS ? 2 : (vectors))

/* Stores a tile: with what c had when the sums go on from there, and at the end of k with bias, relu and gate. */
ALWAYS_INLINE void finish(const rlc_sgemm_call *g, int rows, int vectors, vec (*sum)[WIDE], int64_t row, int64_t column,
                          int64_t width, bool resume, bool last) {
    const float *gate = last && g->gate != NULL ? g->gate + row * g->n + column : NULL;
    UNROLL for (int v = 0; v < vectors; v++) {
        const int64_t some = width - v * LANES;
        vec bias = last && g->bias != NULL ? load_some(g->bias + column + v * LANES, some) : (vec){0};
        UNROLL for (int i = 0; i < rows; i++) {
            float *c = g->c + (row + i) * g->n + column + v * LANES;
            vec y = sum[i][v] + (resume ? bias + load_some(c, some) : bias);
            y = last && g->relu ? relu(y) : y;
            if (gate != NULL) {
                y = (vec)((mask)y & (load_some(gate + i * g->n + v * LANES, some) > (vec){0}));
            }
            store_some(c, y, some);
        }
    }
}

/* One tile: `rows` rows by `vectors` vectors of columns, over `depth` steps of k from `from` on; `width` of its columns
 * exist. b comes packed, `vectors` vectors for each k, or `direct` from where it is. Sums go on from those in c after the
 * first stretch of k; the last one finishes them. */
ALWAYS_INLINE void tile(const rlc_sgemm_call *g, int rows, int vectors, bool direct, int64_t row, int64_t column,
                        int64_t from, const float *b, int64_t depth, int64_t width) {
    const int chains = CHAINS(rows, vectors);
    const int64_t b_step = direct ? g->n : vectors * LANES, exist = direct ? width : vectors * LANES;
    const int64_t row_step = g->ta ? 1 : g->k, k_step = g->ta ? g->m : 1;
    const float *a = g->a + row * row_step + from * k_step;
    vec sum[4][ROWS][WIDE];
    UNROLL for (int s = 0; s < chains; s++) {
        UNROLL for (int i = 0; i < rows; i++) {
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[s][i][v] = (vec){0};
            }
        }
    }
    int64_t k = 0;
    for (; k + chains <= depth; k += chains) {
        UNROLL for (int s = 0; s < chains; s++, b += b_step) {
            vec y[WIDE];
            UNROLL for (int v = 0; v < vectors; v++) {
                y[v] = load_some(b + v * LANES, exist - v * LANES);
            }
            UNROLL for (int i = 0; i < rows; i++) {
                vec x = splat(a[i * row_step + (k + s) * k_step]);
                UNROLL for (int v = 0; v < vectors; v++) {
                    sum[s][i][v] += x * y[v];
                }
            }
        }
    }
    for (; k < depth; k++, b += b_step) {
        UNROLL for (int i = 0; i < rows; i++) {
            vec x = splat(a[i * row_step + k * k_step]);
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[0][i][v] += x * load_some(b + v * LANES, exist - v * LANES);
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            UNROLL for (int s = 1; s < chains; s++) {
                sum[0][i][v] += sum[s][i][v];
            }
        }
    }
    const bool resume = g->accumulate || from > 0, last = from + depth == g->k;
    if (width == vectors * LANES && !resume) {
        finish(g, rows, vectors, sum[0], row, column, vectors * LANES, false, last);
    } else {
        finish(g, rows, vectors, sum[0], row, column, width, resume, last);
    }
}

typedef void tile_function(const rlc_sgemm_call *g, int64_t row, int64_t column, int64_t from, const float *b,
                           int64_t depth, int64_t width);

#define TILE(name, rows, vectors, direct)                                                                              \
    static void name(const rlc_sgemm_call *g, int64_t row, int64_t column, int64_t from, const float *b,               \
                     int64_t depth, int64_t width) {                                                                   \
        tile(g, rows, vectors, direct, row, column, from, b, depth, width);                                            \
    }
#define PACKED(rows)                                                                                                   \
    TILE(packed_##rows##x1, rows, 1, false)                                                                            \
    TILE(packed_##rows##x2, rows, 2, false)                                                                            \
    TILE(packed_##rows##x3, rows, 3, false)
#define DIRECT(rows)                                                                                                   \
    TILE(direct_##rows##x1, rows, 1, true)                                                                             \
    TILE(direct_##rows##x2, rows, 2, true)                                                                             \
    TILE(direct_##rows##x3, rows, 3, true)
#if defined(__AVX512F__)
PACKED(8)
#endif
PACKED(4)
PACKED(2)
PACKED(1)
DIRECT(2)
DIRECT(1)

/* In descending order of rows; each by vectors of columns, 1 to 3. */
typedef struct tile_row {
    int rows;
    tile_function *by_vectors[MAX_VECTORS];
} tile_row;

static const tile_row packed_tiles[] = {
#if defined(__AVX512F__)
    {8, {packed_8x1, packed_8x2, packed_8x3}},
#endif
    {4, {packed_4x1, packed_4x2, packed_4x3}},
    {2, {packed_2x1, packed_2x2, packed_2x3}},
    {1, {packed_1x1, packed_1x2, packed_1x3}},
};

static const tile_row direct_tiles[] = {
    {2, {direct_2x1, direct_2x2, direct_2x3}},
    {1, {direct_1x1, direct_1x2, direct_1x3}},
};

/* A panel of b: for each k, `vectors` vectors of columns, zeros behind the last one. */
static void pack_rows(const float *b, int64_t n, int64_t depth, int64_t width, int vectors, float *panel) {
    for (int64_t k = 0; k < depth; k++, b += n) {
        for (int v = 0; v < vectors; v++, panel += LANES) {
            store(panel, load_some(b + v * LANES, width - v * LANES));
        }
    }
}

/* Columns of a few numbers each, one after the other in memory: turning a block of LANES by LANES around for them is most of
 * what a first layer of a few rows takes. */
ALWAYS_INLINE void pack_short(const float *b, int depth, int64_t columns, int vectors, float *panel) {
    for (int64_t i = 0; i < columns; i++) {
        UNROLL for (int k = 0; k < depth; k++) {
            panel[k * vectors * LANES + i] = b[i * depth + k];
        }
    }
}

/* The same where b is stored as [n, k]. */
static void pack_columns(const float *b, int64_t step, int64_t depth, int64_t width, int vectors, float *panel) {
    if (step == depth && width == vectors * LANES) {
        switch (depth) {
        case 1: pack_short(b, 1, width, vectors, panel); return;
        case 2: pack_short(b, 2, width, vectors, panel); return;
        case 3: pack_short(b, 3, width, vectors, panel); return;
        case 4: pack_short(b, 4, width, vectors, panel); return;
        default: break;
        }
    }
    for (int v = 0; v < vectors; v++) {
        for (int64_t k = 0; k < depth; k += LANES) {
            vec r[LANES];
            load_block(b + v * LANES * step + k, step, width - v * LANES, depth - k, r);
            transpose(r);
            for (int64_t i = 0; i < LANES && k + i < depth; i++) {
                store(panel + ((k + i) * vectors + v) * LANES, r[i]);
            }
        }
    }
}

#if defined(__AVX512F__)
TILE(packed_6x4, 6, 4, false)
TILE(packed_4x4, 4, 4, false)
TILE(packed_2x4, 2, 4, false)
TILE(packed_1x4, 1, 4, false)

static bool is_wide(const rlc_sgemm_call *g, int64_t n) {
    return n > MAX_WIDTH && n <= WIDE * LANES && g->k <= WIDE_DEPTH && (g->tb || g->m > 3);
}

/* All of a product that is one wide panel. Rows in fours, which tiles of 8 and 4 would have, go by 6 and at the end by 4. */
static void walk_wide(const rlc_sgemm_call *g, const float *b, int64_t width) {
    int64_t row = 0;
    for (int64_t left = g->m - g->m % 4; left > 0;) {
        const bool four = left == 4 || left == 8;
        (four ? packed_4x4 : packed_6x4)(g, row, 0, 0, b, g->k, width);
        row += four ? 4 : 6;
        left -= four ? 4 : 6;
    }
    if (g->m - row >= 2) {
        packed_2x4(g, row, 0, 0, b, g->k, width);
        row += 2;
    }
    if (row < g->m) {
        packed_1x4(g, row, 0, 0, b, g->k, width);
    }
}

static void wide(const rlc_sgemm_call *g, int64_t n) {
    _Alignas(64) float panel[WIDE_DEPTH * WIDE * LANES];
    (g->tb ? pack_columns : pack_rows)(g->b, g->tb ? g->k : g->n, g->k, n, WIDE, panel);
    walk_wide(g, panel, n);
}
#else
static bool is_wide(const rlc_sgemm_call *g, int64_t n) {
    (void)g, (void)n;
    return false;
}

static void wide(const rlc_sgemm_call *g, int64_t n) {
    (void)g, (void)n;
}
#endif

/* All rows of one panel's columns, for one stretch of k. */
static void walk_rows(const rlc_sgemm_call *g, const tile_row *table, int vectors, int64_t column, int64_t from,
                      const float *b, int64_t depth, int64_t width) {
    for (int64_t row = 0; row < g->m; table++) {
        for (; g->m - row >= table->rows; row += table->rows) {
            table->by_vectors[vectors - 1](g, row, column, from, b, depth, width);
        }
    }
}

/* Columns [0, n) of c. Packing b pays from a few rows on. */
static void tiles(const rlc_sgemm_call *g, int64_t n) {
    if (is_wide(g, n)) {
        wide(g, n);
        return;
    }
    _Alignas(64) float panel[DEPTH * MAX_WIDTH];
    int64_t vectors_left = (n + LANES - 1) / LANES;
    const bool direct = !g->tb && g->m <= 3;
    for (int64_t column = 0, width; column < n; column += width) {
        int64_t panels_left = (vectors_left + MAX_VECTORS - 1) / MAX_VECTORS;
        int vectors = (int)((vectors_left + panels_left - 1) / panels_left); /* panels of about equal width */
        vectors_left -= vectors;
        width = n - column < vectors * LANES ? n - column : vectors * LANES;
        for (int64_t from = 0; from < g->k; from += DEPTH) {
            int64_t depth = g->k - from < DEPTH ? g->k - from : DEPTH;
            const float *b = g->b + (g->tb ? column * g->k + from : from * g->n + column);
            if (direct) {
                walk_rows(g, direct_tiles, vectors, column, from, b, depth, width);
                continue;
            }
            (g->tb ? pack_columns : pack_rows)(b, g->tb ? g->k : g->n, depth, width, vectors, panel);
            walk_rows(g, packed_tiles, vectors, column, from, panel, depth, width);
        }
    }
}

/* Inner products are taken of FEW rows of b at a time, or LANES of them. */
enum { FEW = 4 };

typedef float few __attribute__((vector_size(FEW * sizeof(float))));
typedef int32_t few_mask __attribute__((vector_size(FEW * sizeof(float))));
typedef float loose_few __attribute__((vector_size(FEW * sizeof(float)), aligned(4)));

/* Stores a block of sums, FEW columns of each row. */
ALWAYS_INLINE void finish_few(const rlc_sgemm_call *g, int rows, vec total, int64_t row, int64_t column) {
    const few bias = g->bias != NULL ? *(const loose_few *)(g->bias + column) : (few){0};
    UNROLL for (int i = 0; i < rows; i++) {
        loose_few *c = (loose_few *)(g->c + (row + i) * g->n + column);
        few y;
        memcpy(&y, (const char *)&total + i * (int)sizeof y, sizeof y);
        y += g->accumulate ? *c + bias : bias;
        *c = g->relu ? (few)((few_mask)y & ~(y <= (few){0})) : y;
    }
}

/* Inner products of `rows` rows of a with `columns` rows of b, at most LANES of them: lanes run along k. */
ALWAYS_INLINE void dot_block(const rlc_sgemm_call *g, int rows, int columns, int64_t row, int64_t column) {
    const float *a = g->a + row * g->k, *b = g->b + column * g->k;
    vec sum[LANES];
    UNROLL for (int t = 0; t < LANES; t++) {
        sum[t] = (vec){0};
    }
    int64_t k = 0;
    for (; k + LANES <= g->k; k += LANES) {
        UNROLL for (int t = 0; t < rows * columns; t++) {
            sum[t] += load(a + t / columns * g->k + k) * load(b + t % columns * g->k + k);
        }
    }
    if (k < g->k) {
        UNROLL for (int t = 0; t < rows * columns; t++) {
            sum[t] +=
                load_first(a + t / columns * g->k + k, g->k - k) * load_first(b + t % columns * g->k + k, g->k - k);
        }
    }
    vec total = add_across(sum);
    if (rows == 1 && columns == LANES) {
        total += g->bias != NULL ? load(g->bias + column) : (vec){0};
        float *c = g->c + row * g->n + column;
        total += g->accumulate ? load(c) : (vec){0};
        store(c, g->relu ? relu(total) : total);
        return;
    }
    if (columns == FEW) {
        finish_few(g, rows, total, row, column);
        return;
    }
    for (int i = 0; i < rows; i++) {
        float *c = g->c + (row + i) * g->n + column;
        const float *bias = g->bias != NULL ? g->bias + column : NULL;
        for (int j = 0; j < columns; j++) {
            float y = total[i * columns + j] + (g->accumulate ? c[j] : 0) + (bias != NULL ? bias[j] : 0);
            c[j] = g->relu && y <= 0 ? 0 : y;
        }
    }
}

/* `columns` columns from `column` on: as many rows at once as LANES sums allow. */
ALWAYS_INLINE void dot_columns(const rlc_sgemm_call *g, int columns, int64_t column) {
    const int rows = LANES / columns;
    int64_t row = 0;
    for (; row + rows <= g->m; row += rows) {
        dot_block(g, rows, columns, row, column);
    }
    for (; row < g->m; row++) {
        dot_block(g, 1, columns, row, column);
    }
}

static void dots_few_columns(const rlc_sgemm_call *g, int64_t column) {
    switch (g->n - column) {
    case 1: dot_columns(g, 1, column); break;
    case 2: dot_columns(g, 2, column); break;
    case 3: dot_columns(g, 3, column); break;
    default: dot_columns(g, 4, column); break;
    }
}

/* All columns of a few rows of c. Several rows share what is loaded of b. */
ALWAYS_INLINE void dot_rows(const rlc_sgemm_call *g, int rows, int64_t row) {
    const int columns = LANES / rows;
    int64_t column = 0;
    for (; column + columns <= g->n; column += columns) {
        dot_block(g, rows, columns, row, column);
    }
    for (; column + FEW <= g->n; column += FEW) {
        dot_block(g, rows, FEW, row, column);
    }
    for (; column < g->n; column++) {
        dot_block(g, rows, 1, row, column);
    }
}

static void dots_few_rows(const rlc_sgemm_call *g) {
    int64_t row = 0;
    for (; row + LANES / FEW <= g->m; row += LANES / FEW) {
        dot_rows(g, LANES / FEW, row);
    }
    for (; row < g->m; row++) {
        dot_rows(g, 1, row);
    }
}

enum { NARROW_ROWS = 1024 };

/* c = a^T b with few columns: its transpose b^T a has whole vectors of columns. */
static void narrow(const rlc_sgemm_call *g) {
    _Alignas(64) float transposed[FEW * NARROW_ROWS];
    const rlc_sgemm_call flipped = {.m = g->n, .n = g->m, .k = g->k, .a = g->b, .b = g->a, .c = transposed, .ta = true};
    tiles(&flipped, flipped.n);
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            float *c = &g->c[i * g->n + j];
            *c = transposed[j * g->m + i] + (g->accumulate ? *c : 0);
        }
    }
}

/* An empty sum over k. */
static void nothing(const rlc_sgemm_call *g) {
    for (int64_t i = 0; i < g->m * g->n && !g->accumulate; i++) {
        float bias = g->bias != NULL ? g->bias[i % g->n] : 0;
        g->c[i] = g->relu && bias <= 0 ? 0 : bias;
    }
}

void ISA(sgemm)(const rlc_sgemm_call *g) {
    const bool by_rows = g->tb && !g->ta;
    const int64_t rest = g->n % LANES;
    if (g->m == 0 || g->n == 0 || g->k == 0) {
        nothing(g);
    } else if (by_rows && g->n <= FEW) {
        dots_few_columns(g, 0);
    } else if (by_rows && g->m <= FEW && g->k > LANES) {
        dots_few_rows(g);
    } else if (by_rows && g->n > LANES && rest > 0 && rest <= FEW) {
        tiles(g, g->n - rest);
        dots_few_columns(g, g->n - rest);
    } else if (g->ta && !g->tb && g->n <= FEW && g->m > FEW && g->m <= NARROW_ROWS && g->bias == NULL && !g->relu) {
        narrow(g);
    } else {
        tiles(g, g->n);
    }
}
