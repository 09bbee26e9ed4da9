/* Sorting on another device against the CPU, around the lengths at which a device changes its way. */
#include "tests/parity.h"

static rlc_tensor *call_argsort(rlc_tensor *const *x, const void *data) {
    return rlc_argsort(x[0], -1, *(const bool *)data);
}

static rlc_tensor *call_sort_with_nan(rlc_tensor *const *x, const void *data) {
    rlc_tensor *holes = rlc_where(rlc_gt(x[0], rlc_scalar(2)), rlc_full(RLC_F32, (rlc_shape){0}, NAN), x[0]);
    return rlc_sort(holes, -1, *(const bool *)data, NULL);
}

static void test_sorting(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 2, 3, 4, 5, 7, 64, 65, 1000, 2047, 2048, 2049, 5000, 8193}; /* 2048: a tile */
    for (int k = 0; k < RLC_COUNT(lengths); k++) {
        for (int i = 0; i < 2; i++) {
            const bool descending = i == 1;
            const rlc_shape shape = RLC_SHAPE(3, lengths[k]);
            compare(&(parity){"argsort", call_argsort, &descending, {shape}, 1, RLC_F32, SIGNED, 0});
            compare(&(parity){"argsort", call_argsort, &descending, {shape}, 1, RLC_F64, WHOLE, 0});
            compare(&(parity){"argsort", call_argsort, &descending, {shape}, 1, RLC_I32, SIGNED, 0});
            compare(&(parity){"sort", call_sort_with_nan, &descending, {shape}, 1, RLC_F32, SIGNED, 0});
        }
    }
    const bool no = false;
    compare(&(parity){"argsort of rows", call_argsort, &no, {RLC_SHAPE(700, 7)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"argsort of nothing", call_argsort, &no, {RLC_SHAPE(3, 0)}, 1, RLC_F32, SIGNED, 0});
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_sorting, fresh_start)};
    return cmocka_run_group_tests_name("sorting on another device", tests, open_sides, close_sides);
}
