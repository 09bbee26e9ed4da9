/* with_program.h: for tests that record: the test's program, which `start` opens. */
#ifndef RLC_WITH_PROGRAM_H
#define RLC_WITH_PROGRAM_H

#include "tests/support.h"

static rlc_program *p;

static inline int start(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    return 0;
}

#endif
