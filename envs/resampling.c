#include "envs/resampling.h"

#include <math.h>
#include <stdlib.h>

/* The weights of one new pixel, one for each old one. */
typedef struct line {
    double *weight;
    int64_t from;
    double scale;
} line;

/* A pixel beyond an edge is the one at it. */
static void add(const line *l, int64_t at, double weight) {
    l->weight[at < 0 ? 0 : at >= l->from ? l->from - 1 : at] += weight;
}

static double triangle(double x) {
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

static double keys(double x, double a) {
    x = fabs(x);
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double smooth(double x) {
    return keys(x, -0.5);
}

static double sharp(double x) {
    return keys(x, -0.75);
}

/* All old pixels within `radius` of the new one's middle, both as wide as the wider of them. */
static void antialiased(const line *l, int64_t i, double radius, double (*kernel)(double x)) {
    const double wide = fmax(l->scale, 1), middle = ((double)i + 0.5) * l->scale;
    const int64_t first = (int64_t)fmax(middle - radius * wide + 0.5, 0);
    const int64_t end = (int64_t)fmin(middle + radius * wide + 0.5, (double)l->from);
    double sum = 0;
    for (int64_t k = first; k < end; k++) {
        sum += kernel(((double)k - middle + 0.5) / wide);
    }
    for (int64_t k = first; k < end; k++) {
        add(l, k, kernel(((double)k - middle + 0.5) / wide) / sum);
    }
}

/* Between the 2 radius old pixels around the new one's middle. */
static void between(const line *l, int64_t i, int radius, double (*kernel)(double x)) {
    const double middle = ((double)i + 0.5) * l->scale - 0.5;
    const int64_t left = (int64_t)floor(middle);
    for (int64_t k = left - radius + 1; k <= left + radius; k++) {
        add(l, k, kernel((double)k - middle));
    }
}

static void covered(const line *l, int64_t i) {
    const double begin = (double)i * l->scale, end = fmin((double)(i + 1) * l->scale, (double)l->from);
    for (int64_t k = (int64_t)begin; (double)k < end; k++) {
        const double part = fmin((double)(k + 1), end) - fmax((double)k, begin);
        if (part > 1e-9 * l->scale) { /* not what rounding leaves at a border */
            add(l, k, part / (end - begin));
        }
    }
}

static void fill(const line *l, rlc_interpolation way, bool antialias, int64_t i) {
    switch (way) {
    case RLC_AREA: covered(l, i); break;
    case RLC_BILINEAR: antialias ? antialiased(l, i, 1, triangle) : between(l, i, 1, triangle); break;
    case RLC_BICUBIC: antialias ? antialiased(l, i, 2, smooth) : between(l, i, 2, sharp); break;
    default: add(l, (int64_t)((double)i * l->scale), 1);
    }
}

/* The range of weights of a line that are not 0. */
static void range(const line *l, int64_t *first, int64_t *end) {
    *first = 0;
    *end = l->from;
    while (*first + 1 < *end && l->weight[*first] == 0) {
        ++*first;
    }
    while (*end > *first + 1 && l->weight[*end - 1] == 0) {
        --*end;
    }
}

/* Cuts the lines down to windows of the same width, each within the picture. */
static rlc_status pack(const double *lines, int64_t from, rlc_resampling *t) {
    int64_t first, end;
    t->taps = 1;
    for (int64_t i = 0; i < t->to; i++) {
        range(&(line){(double *)lines + i * from, from, 0}, &first, &end);
        t->taps = end - first > t->taps ? end - first : t->taps;
    }
    t->weight = rlc_calloc((size_t)(t->to * t->taps), sizeof *t->weight);
    for (int64_t i = 0; i < t->to && t->weight != NULL; i++) {
        range(&(line){(double *)lines + i * from, from, 0}, &first, &end);
        t->first[i] = first + t->taps <= from ? first : from - t->taps;
        for (int64_t k = 0; k < t->taps; k++) {
            t->weight[i * t->taps + k] = (float)lines[i * from + t->first[i] + k];
        }
    }
    return rlc_error_status();
}

rlc_status rlc_resampling_make(rlc_interpolation way, bool antialias, int64_t from, int64_t to, rlc_resampling *t) {
    double *lines = rlc_calloc((size_t)(from * to), sizeof *lines);
    *t = (rlc_resampling){.to = to, .first = rlc_calloc((size_t)to, sizeof *t->first)};
    if (lines != NULL && t->first != NULL) {
        for (int64_t i = 0; i < to; i++) {
            fill(&(line){lines + i * from, from, (double)from / (double)to}, way, antialias, i);
        }
        pack(lines, from, t);
    }
    free(lines);
    if (rlc_error_status() != RLC_OK) {
        rlc_resampling_free(t);
    }
    return rlc_error_status();
}

void rlc_resampling_free(rlc_resampling *t) {
    free(t->first);
    free(t->weight);
    *t = (rlc_resampling){0};
}
