/* with_values.h: the fixture of tests of trees of values, which live in `arena` until the test ends. */
#ifndef RLC_TEST_WITH_VALUES_H
#define RLC_TEST_WITH_VALUES_H

#include "tests/support.h"

#include "core/value.h"

static rlc_arena arena;

static inline int free_values(void **state) {
    (void)state;
    rlc_arena_free(&arena);
    return 0;
}

/* YAML as a tree, read as if it stood in the file "test". */
static inline rlc_value *parse(const char *text) {
    rlc_value *value = NULL;
    expect_ok(rlc_value_parse(&arena, "test", text, &value));
    return value;
}

static inline rlc_value *text_value(const char *text) {
    rlc_value *value = rlc_value_text(&arena, "command line", text);
    assert_non_null(value);
    return value;
}

#endif
