/* operands.h: what the tests of misused ops share: operands of some shapes and types, and a program that each test begins.
 *
 *     rlc_mul(m, v);     // [2, 3] by [4]
 *
 * Each test is set up with start_misuse, each program of tests with make_operands and free_operands.
 */
#ifndef RLC_TEST_OPERANDS_H
#define RLC_TEST_OPERANDS_H

#include "tests/support.h"

static rlc_program *p;
/* float32 [2, 3], [4], [], [0, 3], [1, 3]; int64 [2], [1]; bool [2] */
static rlc_tensor *m, *v, *s, *z, *row1, *index1, *bound, *bits;
static rlc_stream *stream;
static rlc_tensor *parts[8];

static inline int start_misuse(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    return 0;
}

static inline int make_operands(void **state) {
    (void)state;
    rlc_device *cpu = test_device();
    m = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(2, 3));
    v = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(4));
    s = rlc_tensor_new(cpu, RLC_F32, (rlc_shape){0});
    z = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(0, 3));
    row1 = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1, 3));
    index1 = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(2));
    bound = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(1));
    bits = rlc_tensor_new(cpu, RLC_BOOL, RLC_SHAPE(2));
    stream = rlc_stream_new(cpu, 1, "errors");
    return rlc_error_status(); /* what could not be made left an error */
}

static inline int free_operands(void **state) {
    (void)state;
    rlc_tensor *all[] = {m, v, s, z, row1, index1, bound, bits};
    for (int i = 0; i < RLC_COUNT(all); i++) {
        rlc_tensor_free(all[i]);
    }
    rlc_stream_free(stream);
    return 0;
}

#define TWO(a, b) ((rlc_tensor *[]){a, b})

#endif
