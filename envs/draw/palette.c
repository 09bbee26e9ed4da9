#include "envs/draw/palette.h"

#include <stdlib.h>
#include <string.h>

/* A stretch of p->taken. */
typedef struct box {
    int first, count;
    int channel, spread; /* the channel in which its cells lie furthest apart, and how far that is */
} box;

static int channel_of(int cell, int channel) {
    return cell >> (10 - 5 * channel) & 31;
}

static box make_box(const palette *p, int first, int count) {
    box b = {.first = first, .count = count};
    for (int channel = 0; channel < 3; channel++) {
        int low = 31, high = 0;
        for (int i = first; i < first + count; i++) {
            const int value = channel_of(p->taken[i], channel);
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        if (high - low > b.spread) {
            b.spread = high - low;
            b.channel = channel;
        }
    }
    return b;
}

static int by_red(const void *a, const void *b) {
    return channel_of(*(const uint16_t *)a, 0) - channel_of(*(const uint16_t *)b, 0);
}

static int by_green(const void *a, const void *b) {
    return channel_of(*(const uint16_t *)a, 1) - channel_of(*(const uint16_t *)b, 1);
}

static int by_blue(const void *a, const void *b) {
    return channel_of(*(const uint16_t *)a, 2) - channel_of(*(const uint16_t *)b, 2);
}

/* How many cells of the sorted box hold half of its pixels; each half keeps one cell at least. */
static int middle_of(const palette *p, box b) {
    uint64_t total = 0, half = 0;
    for (int i = b.first; i < b.first + b.count; i++) {
        total += p->sums[p->taken[i]][3];
    }
    int count = 0;
    while (count < b.count - 1 && (count == 0 || 2 * half < total)) {
        half += p->sums[p->taken[b.first + count++]][3];
    }
    return count;
}

static void cut(palette *p, box *boxes, int *count) {
    static int (*const orders[])(const void *, const void *) = {by_red, by_green, by_blue};
    int widest = 0;
    for (int i = 1; i < *count; i++) {
        widest = boxes[i].spread > boxes[widest].spread ? i : widest;
    }
    const box b = boxes[widest];
    qsort(p->taken + b.first, (size_t)b.count, sizeof *p->taken, orders[b.channel]);
    const int half = middle_of(p, b);
    boxes[widest] = make_box(p, b.first, half);
    boxes[(*count)++] = make_box(p, b.first + half, b.count - half);
}

/* The mean of a box's pixels becomes colour `index`. */
static void set_color(palette *p, box b, int index) {
    uint64_t sums[4] = {0};
    for (int i = b.first; i < b.first + b.count; i++) {
        p->color_of[p->taken[i]] = (uint8_t)index;
        for (int k = 0; k < 4; k++) {
            sums[k] += p->sums[p->taken[i]][k];
        }
    }
    for (int k = 0; k < 3; k++) {
        p->rgb[index][k] = (uint8_t)((sums[k] + sums[3] / 2) / sums[3]);
    }
}

void palette_fit(palette *p, const uint8_t *rgb, int height, int width, int stride) {
    box boxes[PALETTE_COLORS];
    int cells = 0, count = 1;
    memset(p->sums, 0, sizeof p->sums);
    for (int y = 0; y < height; y++) {
        for (const uint8_t *pixel = rgb + (int64_t)y * stride, *end = pixel + 3 * width; pixel < end; pixel += 3) {
            const int cell = palette_cell(pixel);
            for (int k = 0; k < 3; k++) {
                p->sums[cell][k] += pixel[k];
            }
            p->sums[cell][3]++;
        }
    }
    for (int cell = 0; cell < PALETTE_CELLS; cell++) {
        if (p->sums[cell][3] > 0) {
            p->taken[cells++] = (uint16_t)cell;
        }
    }
    boxes[0] = make_box(p, 0, cells);
    while (count < PALETTE_COLORS && count < cells) {
        cut(p, boxes, &count);
    }
    p->count = count;
    for (int i = 0; i < count; i++) {
        set_color(p, boxes[i], i);
    }
}
