/* with_env.h: the fixture of tests around one environment: `p` records, `env` is freed when the test ends. */
#ifndef RLC_TEST_WITH_ENV_H
#define RLC_TEST_WITH_ENV_H

#include "tests/world.h"

static rlc_program *p;
static rlc_env *env;

static inline int start_without_env(void **state) {
    fresh_start(state);
    p = test_program();
    env = NULL;
    return 0;
}

static inline int free_env(void **state) {
    (void)state;
    rlc_env_free(env);
    return 0;
}

#endif
