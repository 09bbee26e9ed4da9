/* The checks of kernels find what is wrong with one: kernels/cuda/host/checks.h, wrong_kernels.cu. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"

static const struct {
    const char *kernel, *said; /* NULL: nothing */
} expected[] = {
    {"past_the_end", "writes 4 bytes of device memory that nobody has been given\npast_the_end"},
    {"host_memory", "reads 4 bytes of the host's memory\nfirst_of"},
    {"freed_memory", "reads 4 bytes of device memory that nobody has been given\nfirst_of"},
    {"unaligned", "writes 8 bytes at an address that their number does not divide\nunaligned"},
    {"same_place", "writes 4 bytes that thread 0 of block 0 has written, and no barrier is between\nsame_place"},
    {"place_of_a_reader", "writes 4 bytes that thread 0 of block 0 has read, and no barrier is between\nplace_of"},
    {"across_blocks", "thread 0 of block 1 reads 4 bytes that thread 0 of block 0 has written"},
    {"no_barrier",
     "thread 1 of block 0 reads 4 bytes that thread 0 of block 0 has written, and no barrier is between\n"},
    {"no_barrier_before_reuse", "thread 32 of block 0 reads 4 bytes that thread 31 of block 0 has written, and no"},
    {"unwritten", "reads 4 bytes of shared memory that nobody has written\nunwritten"},
    {"past_what_is_shared",
     "thread 63 of block 0 reads 4 bytes outside of the arrays that its block shares\npast_what_is_shared"},
    {"one_does_not_wait", "63 of 64 threads of a block wait at a barrier that the others passed by"},
    {"right", NULL},
};

/* In a process of its own, since what is wrong ends it: what that says, and how it ended. */
static int run_kernel(const char *name, char *said, size_t size) {
    int ends[2], status;
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        void *object = dlopen(TEST_WRONG_KERNELS, RTLD_NOW);
        int (*run)(const char *);
        *(void **)&run = object != NULL ? dlsym(object, "rlc_run_wrong_kernel") : NULL;
        _exit(run != NULL && run(name) ? 0 : 1);
    }
    close(ends[1]);
    for (ssize_t got; length < size - 1 && (got = read(ends[0], said + length, size - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    said[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_what_is_found(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(expected); i++) {
        char said[4096];
        const int status = run_kernel(expected[i].kernel, said, sizeof said);
        if (expected[i].said == NULL) {
            assert_string_equal(said, "");
            assert_int_equal(status, 0);
        } else if (strstr(said, expected[i].said) == NULL || !WIFSIGNALED(status)) {
            fail_msg("%s: status %d, says: %s", expected[i].kernel, status, said);
        }
    }
}

int main(void) {
    unsetenv("RLC_CUDA_HOST"); /* which thread is found depends on their order */
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_found)};
    return cmocka_run_group_tests_name("checks of kernels", tests, NULL, NULL);
}
