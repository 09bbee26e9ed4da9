/* bench.h: what the benchmarks share. */
#ifndef RLC_BENCH_H
#define RLC_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base.h"

static inline double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Ends the benchmark with the message when a call failed. */
static inline void bench_check(rlc_status status) {
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
        exit(1);
    }
}

/* Seconds of one call, the best of a few rounds of about a twentieth of a second: what the machine can do when nobody
 * disturbs it. */
static inline double bench_time(void (*f)(void *data), void *data) {
    double best = 1e30;
    long count = 1;
    for (int round = 0; round < 8; round++) {
        double start = bench_now();
        for (long i = 0; i < count; i++) {
            f(data);
        }
        double taken = bench_now() - start;
        best = taken / (double)count < best ? taken / (double)count : best;
        count = (long)(0.05 / best) + 1;
    }
    return best;
}

#endif
