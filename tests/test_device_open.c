/* A device that cannot be opened keeps nothing: it can be tried again, and in the end there is room for it. */
#include "tests/support.h"

#include <stdlib.h>

/* What an attempt takes before it fails is 0.6 MB; the device needs 34. */
static void test_many_failures(void **state) {
    (void)state;
    rlc_device *device;
    setenv("RLC_CUDA_HOST_MEMORY", "30000000", 1);
    for (int i = 0; i < 60; i++) {
        expect_error(rlc_device_open("cuda-host", &device), RLC_FAILED,
                     "device cuda: getting memory for cuBLAS: out of memory");
    }
    setenv("RLC_CUDA_HOST_MEMORY", "38000000", 1);
    expect_ok(rlc_device_open("cuda-host", &device));
    rlc_program *p;
    expect_ok(rlc_program_new(device, "after", &p));
    rlc_begin(p);
    assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(7)), RLC_ALL, false)) == 7);
    expect_ok(rlc_end(p));
    rlc_program_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_failures)};
    return cmocka_run_group_tests_name("opening a device", tests, NULL, NULL);
}
