/* rows.h: the rows of ops.def as a table that tests can walk over, each with the parameters the golden files use. */
#ifndef RLC_TEST_ROWS_H
#define RLC_TEST_ROWS_H

#include <string.h>

#include "core/op.h"

typedef enum row_kind { ROW_UNARY, ROW_BINARY, ROW_COMPARE, ROW_LOGICAL } row_kind;

typedef struct row {
    const char *name;
    row_kind kind;
    rlc_tensor *(*call)(rlc_tensor *a, rlc_tensor *b);
} row;

/* p and q of the rows that take parameters, as tests/golden/ops.py has them. */
static inline double row_parameter(const char *name, int i) {
    static const struct {
        const char *name;
        double value[2];
    } parameters[] = {
        {"add_scalar", {0.7}}, {"mul_scalar", {-1.3}}, {"clamp", {-0.5, 0.8}}, {"smooth_l1", {0.5}}, {"huber", {0.5}},
        {"leaky_relu", {0.01}}, {"elu", {1.3}},        {"pow_scalar", {2.5}},
    };
    for (int k = 0; k < RLC_COUNT(parameters); k++) {
        if (strcmp(parameters[k].name, name) == 0) {
            return parameters[k].value[i];
        }
    }
    return 0;
}

#define UNARY(name, ...)                                                                                               \
    static rlc_tensor *call_##name(rlc_tensor *a, rlc_tensor *b) {                                                     \
        return (void)b, rlc_##name(a);                                                                                 \
    }
#define UNARY_P(name, ...)                                                                                             \
    static rlc_tensor *call_##name(rlc_tensor *a, rlc_tensor *b) {                                                     \
        return (void)b, rlc_##name(a, row_parameter(#name, 0));                                                        \
    }
#define UNARY_PQ(name, ...)                                                                                            \
    static rlc_tensor *call_##name(rlc_tensor *a, rlc_tensor *b) {                                                     \
        return (void)b, rlc_##name(a, row_parameter(#name, 0), row_parameter(#name, 1));                               \
    }
#define BINARY(name, ...)                                                                                              \
    static rlc_tensor *call_##name(rlc_tensor *a, rlc_tensor *b) {                                                     \
        return rlc_##name(a, b);                                                                                       \
    }
#define BINARY_P(name, ...)                                                                                            \
    static rlc_tensor *call_##name(rlc_tensor *a, rlc_tensor *b) {                                                     \
        return rlc_##name(a, b, row_parameter(#name, 0));                                                              \
    }
#define COMPARE BINARY
#define LOGICAL BINARY
#include "core/ops.def"

static const row rows[] = {
#define UNARY(name, ...) {#name, ROW_UNARY, call_##name},
#define BINARY(name, ...) {#name, ROW_BINARY, call_##name},
#define COMPARE(name, ...) {#name, ROW_COMPARE, call_##name},
#define LOGICAL(name, ...) {#name, ROW_LOGICAL, call_##name},
#include "core/ops.def"
};

#endif
