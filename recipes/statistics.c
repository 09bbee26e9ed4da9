#include "recipes/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "core/philox.h"
#include "core/rng.h"

enum { DRAWS = 10000 };

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean_of(const double *values, int64_t count) {
    double total = 0;
    for (int64_t i = 0; i < count; i++) {
        total += values[i];
    }
    return total / (double)count;
}

/* Of sorted values. A value i of them covers [i, i + 1) of the line [0, count); the middle half of that counts. */
static double interquartile_mean(const double *sorted, int64_t count) {
    double low = 0.25 * (double)count, high = 0.75 * (double)count, total = 0;
    for (int64_t i = 0; i < count; i++) {
        double covered = fmin(high, (double)i + 1) - fmax(low, (double)i);
        total += covered > 0 ? covered * sorted[i] : 0;
    }
    return total / (high - low);
}

/* Of sorted values, with what lies between two of them interpolated. */
static double quantile(const double *sorted, int64_t count, double q) {
    double place = q * (double)(count - 1);
    int64_t i = (int64_t)place;
    double share = place - (double)i;
    return i + 1 < count ? sorted[i] + share * (sorted[i + 1] - sorted[i]) : sorted[i];
}

static void interval(double *draws, double *low, double *high) {
    qsort(draws, DRAWS, sizeof *draws, by_size);
    *low = quantile(draws, DRAWS, 0.025);
    *high = quantile(draws, DRAWS, 0.975);
}

/* `room` holds one draw, then the means and the interquartile means of all draws. */
static void bootstrap(const double *values, int64_t count, double *room, rlc_statistics *s) {
    double *drawn = room, *means = room + count, *iqms = means + DRAWS;
    uint64_t key = rlc_stream_key(0, "bootstrap");
    for (int64_t k = 0; k < DRAWS; k++) {
        for (int64_t i = 0; i < count; i += 4) {
            rlc_block block = rlc_philox(key, (uint64_t)k, (uint64_t)i);
            for (int64_t j = i; j < count && j < i + 4; j++) {
                drawn[j] = values[rlc_below(block.word[j - i], count)];
            }
        }
        qsort(drawn, (size_t)count, sizeof *drawn, by_size);
        means[k] = mean_of(drawn, count);
        iqms[k] = interquartile_mean(drawn, count);
    }
    interval(means, &s->mean_low, &s->mean_high);
    interval(iqms, &s->iqm_low, &s->iqm_high);
}

static double deviation(const double *values, int64_t count, double mean) {
    double squares = 0;
    for (int64_t i = 0; i < count; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    return sqrt(squares / (double)(count - 1));
}

rlc_status rlc_statistics_of(const double *values, int64_t count, rlc_statistics *result) {
    double *sorted = rlc_calloc((size_t)(2 * count + 2 * DRAWS), sizeof *sorted);
    if (sorted == NULL) {
        return rlc_error_status();
    }
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        sorted[n] = values[i];
        n += !isnan(values[i]);
    }
    const double none = (double)NAN;
    *result = (rlc_statistics){n, none, none, none, none, none, none, none, none, none};
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    if (n > 0) {
        result->mean = mean_of(sorted, n);
        result->iqm = interquartile_mean(sorted, n);
        result->smallest = sorted[0];
        result->largest = sorted[n - 1];
    }
    if (n > 1) {
        result->std = deviation(sorted, n, result->mean);
        bootstrap(sorted, n, sorted + count, result);
    }
    free(sorted);
    return RLC_OK;
}
