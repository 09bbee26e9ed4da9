/* Another device from outside: opening it, and what it says when something is wrong. */
#include "tests/other_device.h"

static void test_names(void **state) {
    (void)state;
    rlc_device *device, *again;
    expect_ok(rlc_device_open(parity_device(), &device));
    expect_ok(rlc_device_open(parity_device(), &again));
    assert_ptr_equal(device, again);
    assert_false(device->memory.on_host);
    expect_error(rlc_device_open("cuda:", &device), RLC_INVALID, "device 'cuda:': behind the colon stands which one");
    expect_error(rlc_device_open("cuda:one", &device), RLC_INVALID, "counted from 0: cuda:1");
    expect_error(rlc_device_open("cuda:-1", &device), RLC_INVALID, "counted from 0");
    expect_error(rlc_device_open("cudas", &device), RLC_INVALID,
                 "there is no device 'cudas'; devices are cpu and cuda");
    expect_error(rlc_device_open("cuda-host:7", &device), RLC_FAILED,
                 "device cuda:7: there is no such GPU; the last one here is cuda:0");
}

/* Every kernel that the CPU has is there, too. */
static void test_kernels(void **state) {
    (void)state;
    const rlc_device *cpu = sides[0].device, *other = sides[1].device;
    for (int op = 0; op < RLC_OP_COUNT; op++) {
        for (int dtype = 0; dtype < RLC_DTYPE_COUNT; dtype++) {
            if ((cpu->kernel[op][dtype] != NULL) != (other->kernel[op][dtype] != NULL)) {
                fail_msg("%s for %s", rlc_op_name((rlc_op)op), rlc_dtype_name((rlc_dtype)dtype));
            }
        }
    }
    for (int i = 0; i < RLC_MAX_NAMED_KERNELS && cpu->named[i].name != NULL; i++) {
        assert_non_null(rlc_device_kernel(other, cpu->named[i].name));
    }
}

static void test_machines_without(void **state) {
    (void)state;
    expect_on_machine("none", "check recipes/dqn.yaml --device cuda-host", 1,
                      "the NVIDIA driver finds no GPU; use --device cpu");
    expect_on_machine("driver", "check recipes/dqn.yaml --device cuda-host", 1,
                      "there is no NVIDIA driver, or it is older than this build needs");
    expect_rlrun("check recipes/dqn.yaml --device cuda-host:3", 1, "there is no such GPU; the last one here is cuda:0");
    setenv("RLC_CUDA_HOST_MEMORY", "38000000", 1); /* cuBLAS wants most of it */
    expect_rlrun("check recipes/dqn.yaml --device cuda-host buffer.capacity=1_000_000", 1,
                 "buffer of 1000000 rows: out of device memory: 16 MB were asked for, 3.7 MB of 38 MB are free on ");
    unsetenv("RLC_CUDA_HOST_MEMORY");
}

/* CUDA tells of a kernel that failed whenever it likes; one op at a time is known by name. */
static void test_kernels_that_fail(void **state) {
    (void)state;
    const bool waits = getenv("RLC_CUDA_SYNC") != NULL; /* as `make check` has it */
    unsetenv("RLC_CUDA_SYNC");
    expect_on_machine("fault", "check recipes/dqn.yaml --device cuda-host", 1,
                      "an illegal memory access was encountered; program 'reset' ran last: RLC_EAGER=1 "
                      "RLC_CUDA_SYNC=1 finds out which op and module it was");
    setenv("RLC_EAGER", "1", 1);
    setenv("RLC_CUDA_SYNC", "1", 1);
    expect_on_machine("fault", "check recipes/dqn.yaml --device cuda-host", 1,
                      ": device cuda: running an op: an illegal memory access was encountered");
    unsetenv("RLC_EAGER");
    if (!waits) {
        unsetenv("RLC_CUDA_SYNC");
    }
}

/* What kernels find wrong has the CPU's words, and does not stay. On a GPU it is known when something is read. */
static void test_faults(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        rlc_program *p = sides[i].program;
        int64_t number = 0;
        rlc_begin(p);
        p->where = "modules.choice";
        rlc_tensor *x = rlc_ones(RLC_F32, RLC_SHAPE(5));
        rlc_tensor *y = rlc_index_select(x, rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){0, 5}));
        float values[5];
        assert_int_equal(rlc_read(y, values), RLC_FAILED);
        expect_error(rlc_end(p), RLC_FAILED,
                     "modules.choice: index_select: index 5 is outside of a dimension of size 5");
        rlc_begin(p);
        int64_t places[100] = {[70] = 9, [80] = 3}; /* one long line */
        x = rlc_ones(RLC_F32, RLC_SHAPE(5));
        rlc_tensor *far =
            rlc_scatter_add(x, 0, rlc_from_data(RLC_I64, RLC_SHAPE(100), places), rlc_ones(RLC_F32, RLC_SHAPE(100)));
        assert_int_equal(rlc_read(far, values), RLC_FAILED);
        expect_error(rlc_end(p), RLC_FAILED, "scatter_add: index 9 is outside of a dimension of size 5");
        rlc_begin(p);
        rlc_stream *stream = rlc_stream_new(sides[i].device, 1, "empty");
        rlc_tensor *empty = rlc_random_index(stream, rlc_zeros(RLC_I64, RLC_SHAPE(1)), 1);
        assert_int_equal(rlc_read(empty, &number), RLC_FAILED);
        expect_error(rlc_end(p), RLC_FAILED,
                     "random_index: there is nothing to choose from: the replay buffer is empty");
        rlc_stream_free(stream);
        rlc_begin(p);
        assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(7)), RLC_ALL, false)) == 7);
        expect_ok(rlc_end(p));
    }
}

/* Memory that the host and a GPU share may run out, too; what CUDA remembers of it is not taken for another's failure. */
static void test_no_pinned_memory(void **state) {
    (void)state;
    assert_null(rlc_tensor_new(sides[1].device->shared, RLC_F32, RLC_SHAPE((int64_t)1 << 46)));
    expect_error(rlc_error_status(), RLC_FAILED, "out of pinned memory: 281 TB were asked for");
    rlc_begin(there());
    assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(7)), RLC_ALL, false)) == 7);
    expect_ok(rlc_end(there()));
}

static void test_numbers_that_are_not_finite(void **state) {
    (void)state;
    setenv("RLC_CHECK_NAN", "1", 1);
    rlc_program *p;
    expect_ok(rlc_program_new(sides[1].device, "watched", &p));
    unsetenv("RLC_CHECK_NAN");
    rlc_begin(p);
    rlc_exp(rlc_log(rlc_full(RLC_F32, RLC_SHAPE(2), -1)));
    expect_error(rlc_end(p), RLC_FAILED, "op 'log' in program 'watched' gave nan at element 0 of shape [2]");
    rlc_program_free(p);
}

static void test_no_memory(void **state) {
    (void)state;
    assert_null(rlc_tensor_new(sides[1].device, RLC_F32, RLC_SHAPE((int64_t)1 << 44)));
    expect_error(rlc_error_status(), RLC_FAILED, "out of device memory: 70 TB were asked for, ");
    rlc_begin(there());
    assert_null(rlc_zeros(RLC_F32, RLC_SHAPE((int64_t)1 << 44)));
    expect_error(rlc_end(there()), RLC_FAILED, "out of device memory: 70 TB were asked for, ");
    rlc_begin(there());
    assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(3)), RLC_ALL, false)) == 3);
    expect_ok(rlc_end(there()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names, forget_machine),
        cmocka_unit_test_setup(test_kernels, forget_machine),
        cmocka_unit_test_setup(test_machines_without, forget_machine),
        cmocka_unit_test_setup(test_kernels_that_fail, forget_machine),
        cmocka_unit_test_setup(test_faults, forget_machine),
        cmocka_unit_test_setup(test_no_pinned_memory, forget_machine),
        cmocka_unit_test_setup(test_numbers_that_are_not_finite, forget_machine),
        cmocka_unit_test_setup(test_no_memory, forget_machine),
    };
    return cmocka_run_group_tests_name("another device", tests, open_all, close_all);
}
