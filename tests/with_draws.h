/* with_draws.h: the fixture of tests of what specs sample: a recording program, a stream of random numbers, and how often
 * something came up. */
#ifndef RLC_TEST_WITH_DRAWS_H
#define RLC_TEST_WITH_DRAWS_H

#include "tests/world.h"

enum { DRAWS = 60000 };

static rlc_program *p;
static rlc_stream *stream;

static inline int start_stream(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    stream = rlc_stream_new(test_device(), 1, "spec");
    return stream == NULL;
}

static inline int free_stream(void **state) {
    (void)state;
    rlc_stream_free(stream);
    return 0;
}

/* Expects that an event of this probability came up `count` times in DRAWS: within five standard deviations. */
static inline void expect_frequency(double count, double probability) {
    double wanted = DRAWS * probability, deviation = sqrt(wanted * (1 - probability));
    if (!(fabs(count - wanted) <= 5 * deviation)) {
        fail_msg("%g of %d, wanted %g +- %g", count, DRAWS, wanted, 5 * deviation);
    }
}

#endif
