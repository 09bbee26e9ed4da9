/* with_model.h: the fixture of tests around one model: `p` records, `model` is freed when the test ends. A test that
 * starts from more than no model has a start of its own, which calls start_without_model first. */
#ifndef RLC_TEST_WITH_MODEL_H
#define RLC_TEST_WITH_MODEL_H

#include "tests/world.h"

static rlc_program *p;
static rlc_model *model;

static inline int start_without_model(void **state) {
    fresh_start(state);
    p = test_program();
    model = NULL;
    return 0;
}

static inline int free_model(void **state) {
    (void)state;
    rlc_model_free(model);
    return 0;
}

#endif
