/* other_device.h: what the tests of another device share: the emulated machine that a run finds, and the folder of runs.
 *
 *     expect_on_machine("none", "check recipes/dqn.yaml --device cuda-host", 1, "the NVIDIA driver finds no GPU");
 *
 * The device is parity.h's, sides[1]. Each test is set up with forget_machine, each program of tests with open_all and
 * close_all.
 */
#ifndef RLC_TEST_OTHER_DEVICE_H
#define RLC_TEST_OTHER_DEVICE_H

#include "tests/command.h"
#include "tests/parity.h"

/* The device here is open; what is set is for the runs that a test starts, and some may be left of a test that failed. */
static inline int forget_machine(void **state) {
    static const char *const variables[] = {"RLC_CUDA_HOST", "RLC_CUDA_HOST_MEMORY", "RLC_CUDA_SYNC", "RLC_EAGER",
                                            "RLC_LOG"};
    for (int i = 0; i < RLC_COUNT(variables); i++) {
        unsetenv(variables[i]);
    }
    parity_cases++; /* each test is one */
    return fresh_start(state);
}

/* A run with the emulated machine set up as RLC_CUDA_HOST says. */
static inline void expect_on_machine(const char *machine, const char *arguments, int status, const char *text) {
    setenv("RLC_CUDA_HOST", machine, 1);
    expect_rlrun(arguments, status, text);
    unsetenv("RLC_CUDA_HOST");
}

/* A program on it. */
static inline rlc_program *there(void) {
    return sides[1].program;
}

static inline int open_all(void **state) {
    return make_work_folder(state) != 0 ? -1 : open_sides(state);
}

static inline int close_all(void **state) {
    return remove_work_folder(state) != 0 ? -1 : close_sides(state);
}

#endif
