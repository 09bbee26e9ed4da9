/* palette.h: at most 256 colours that stand for those of a picture, for formats that have no more.
 *
 * Colours are sorted into cells of five bits a channel. Where no more than 256 cells are taken each becomes a colour, the
 * mean of what fell into it; else they are divided by median cut (Heckbert, 1982): the box whose cells spread widest is
 * halved, by the number of its pixels, until there are enough.
 */
#ifndef RLC_PALETTE_H
#define RLC_PALETTE_H

#include <stdint.h>

enum { PALETTE_COLORS = 256, PALETTE_CELLS = 1 << 15 };

typedef struct palette {
    int count;
    uint8_t rgb[PALETTE_COLORS][3];
    uint8_t color_of[PALETTE_CELLS]; /* for the cells that are taken */
    uint32_t sums[PALETTE_CELLS][4]; /* of red, green, blue, and how many pixels fell into a cell */
    uint16_t taken[PALETTE_CELLS];   /* the cells that are */
} palette;

static inline int palette_cell(const uint8_t *rgb) {
    return (rgb[0] >> 3) << 10 | (rgb[1] >> 3) << 5 | rgb[2] >> 3;
}

/* Fits the palette to a rectangle of a picture whose rows are `stride` bytes apart. */
void palette_fit(palette *p, const uint8_t *rgb, int height, int width, int stride);

static inline uint8_t palette_index(const palette *p, const uint8_t *rgb) {
    return p->color_of[palette_cell(rgb)];
}

#endif
