/* products.h: the two building blocks of convolutions: products whose left operand stands wherever two tables say, and
 * matrices turned around. For files of loops.
 *
 *     multiply_panels((product){.a = x, .b = panels, .c = y, .row = row, .step = step, .to = to}, rows, columns, depth);
 *     turn(&(turning){.from = y, .from_step = columns, .rows = rows, .columns = columns, .to = out, .to_step = rows});
 */
#ifndef RLC_PRODUCTS_H
#define RLC_PRODUCTS_H

#include "kernels/cpu/vec.h"

/* 6 by 2 sums, 2 vectors of b and one of a fit 16 registers, 8 by 3 the 32 of AVX-512. */
enum { ROWS = LANES == 16 ? 8 : 6, MAX_VECTORS = LANES == 16 ? 3 : 2, MAX_WIDTH = MAX_VECTORS * LANES, DEPTH = 256 };
enum { LINE = 16 }; /* floats in a line of the cache */

/* Row i of c, which begins at c[to[i]], becomes (or is increased by) the sum over k of a[row[i] + step[k]] b[k]. b is a
 * panel: vectors of columns for each k, of which `width` columns exist. */
typedef struct product {
    const float *a, *b, *ahead; /* `ahead`: what is written to next, or NULL; its lines come nearer meanwhile */
    float *c;
    const int64_t *row, *step, *to;
    int64_t depth, width;
    bool resume;
} product;

/* One step of k, into sums of its own. */
ALWAYS_INLINE void tile_step(const float *const *a, int64_t step, const float *b, int rows, int vectors,
                             vec (*sum)[MAX_VECTORS]) {
    vec y[MAX_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
        y[v] = load(b + v * LANES);
    }
    UNROLL for (int i = 0; i < rows; i++) {
        const vec x = splat(a[i][step]);
        UNROLL for (int v = 0; v < vectors; v++) {
            sum[i][v] += x * y[v];
        }
    }
}

ALWAYS_INLINE void tile(const product *p, int rows, int vectors, int64_t first) {
    const int chains = rows * vectors <= 8 ? 2 : 1; /* so that additions need not wait for each other */
    const float *a[ROWS], *b = p->b;
    vec sum[2][ROWS][MAX_VECTORS];
    UNROLL for (int i = 0; i < rows; i++) {
        a[i] = p->a + p->row[first + i];
        UNROLL for (int v = 0; v < vectors; v++) {
            sum[0][i][v] = sum[1][i][v] = (vec){0};
        }
    }
    if (p->ahead != NULL) {
        UNROLL for (int i = 0; i < rows * vectors; i++) {
            __builtin_prefetch(p->ahead + (first * vectors + i) * LINE, 1, 2);
        }
    }
    int64_t k = 0;
    for (; k + chains <= p->depth; k += chains, b += chains * vectors * LANES) {
        tile_step(a, p->step[k], b, rows, vectors, sum[0]);
        if (chains == 2) {
            tile_step(a, p->step[k + 1], b + vectors * LANES, rows, vectors, sum[1]);
        }
    }
    if (k < p->depth) {
        tile_step(a, p->step[k], b, rows, vectors, sum[0]);
    }
    if (chains == 2) {
        UNROLL for (int i = 0; i < rows; i++) {
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[0][i][v] += sum[1][i][v];
            }
        }
    }
    /* one row after the other: those of c may overlap */
    UNROLL for (int i = 0; i < rows; i++) {
        float *c = p->c + p->to[first + i];
        UNROLL for (int v = 0; v < vectors; v++) {
            const int64_t some = p->width - v * LANES;
            const vec before = p->resume ? load_some(c + v * LANES, some) : (vec){0};
            store_some(c + v * LANES, sum[0][i][v] + before, some);
        }
    }
}

typedef void tile_function(const product *p, int64_t first);

#define TILE(rows, vectors)                                                                                            \
    static void tile_##rows##x##vectors(const product *p, int64_t first) {                                             \
        tile(p, rows, vectors, first);                                                                                 \
    }
#if defined(__AVX512F__)
#define TILES(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3)
#define TILE_ROW(rows)                                                                                                 \
    {                                                                                                                  \
        rows, {                                                                                                        \
            tile_##rows##x1, tile_##rows##x2, tile_##rows##x3                                                          \
        }                                                                                                              \
    }
TILES(8)
#else
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
#define TILE_ROW(rows)                                                                                                 \
    {                                                                                                                  \
        rows, {                                                                                                        \
            tile_##rows##x1, tile_##rows##x2                                                                           \
        }                                                                                                              \
    }
TILES(6)
#endif
TILES(4)
TILES(3)
TILES(2)
TILES(1)

/* In descending order of rows; each by vectors of columns. */
static const struct {
    int rows;
    tile_function *by_vectors[MAX_VECTORS];
} tiles[] = {
#if defined(__AVX512F__)
    TILE_ROW(8),
#else
    TILE_ROW(6),
#endif
    TILE_ROW(4), TILE_ROW(3), TILE_ROW(2), TILE_ROW(1)};

static void multiply(const product *p, int64_t rows, int vectors) {
    int64_t row = 0;
    for (int t = 0; row < rows; t++) {
        for (; rows - row >= tiles[t].rows; row += tiles[t].rows) {
            tiles[t].by_vectors[vectors - 1](p, row);
        }
    }
}

/* Columns of a product, a panel at a time: how many vectors the next one has, all of about equal width. */
static int panel_vectors(int64_t columns_left) {
    const int64_t vectors = (columns_left + LANES - 1) / LANES, panels = (vectors + MAX_VECTORS - 1) / MAX_VECTORS;
    return (int)((vectors + panels - 1) / panels);
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t whole_vectors(int64_t columns) {
    return (columns + LANES - 1) / LANES * LANES;
}

/* A matrix [rows, columns] written the other way round, [columns, rows]. Each row of the result gets its number of `bias`
 * added, and numbers below 0 become 0 with `relu`, or it is added to what is there; `whole` vectors of rows are written,
 * zeros behind the last one. */
typedef struct turning {
    const float *from;
    int64_t from_step, rows, columns;
    float *to;
    int64_t to_step;
    const float *bias;
    bool add, whole, relu;
} turning;

static void turn(const turning *t) {
    for (int64_t i = 0; i < t->rows; i += LANES) {
        const int64_t some = t->rows - i;
        for (int64_t j = 0; j < t->columns; j += LANES) {
            const int64_t last = smaller(LANES, t->columns - j);
            vec r[LANES];
            load_block(t->from + i * t->from_step + j, t->from_step, some, t->columns - j, r);
            transpose(r);
            for (int64_t l = 0; l < last; l++) {
                float *to = t->to + (j + l) * t->to_step + i;
                vec y = t->bias != NULL ? r[l] + splat(t->bias[j + l]) : r[l];
                y = t->relu ? relu(y) : y;
                if (t->whole) {
                    store(to, y);
                } else {
                    store_some(to, t->add ? y + load_some(to, some) : y, some);
                }
            }
        }
    }
}

/* c += a b for all columns of b, whose panels have `depth` steps of k each. */
static void multiply_panels(product p, int64_t rows, int64_t columns, int64_t depth) {
    const int64_t *step = p.step;
    const bool resume = p.resume;
    for (int64_t column = 0; column < columns; column += p.width, p.c += p.width) {
        const int vectors = panel_vectors(columns - column);
        p.width = smaller(columns - column, vectors * LANES);
        for (int64_t from = 0; from < depth; from += DEPTH) {
            p.depth = smaller(DEPTH, depth - from);
            p.step = step + from;
            p.resume = resume || from > 0;
            multiply(&p, rows, vectors);
            p.b += p.depth * vectors * LANES;
        }
    }
}

#endif
