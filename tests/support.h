/* support.h: what the tests share: cmocka, the device, golden files, comparisons of tensors. */
#ifndef RLC_TEST_SUPPORT_H
#define RLC_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/device.h"
#include "core/op.h"
#include "core/program.h"
#include "core/safetensors.h"

/* The CPU, or what the environment variable RLC_TEST_DEVICE names. */
rlc_device *test_device(void);
rlc_program *test_program(void); /* one for the whole test program, on the device */

/* For cmocka's setup: forgets the error and the open programs that a failed test before this one left behind. */
int fresh_start(void **state);

/* Fails the test with the message that rlc kept unless the call returned RLC_OK. */
void expect_ok(rlc_status status);

/* Expects that a call failed with `status` and a message that contains `text`; clears the error. */
void expect_error(rlc_status status, rlc_status wanted, const char *text);

/* An entry of tests/golden/FILE.safetensors, which stays open; fails when it is not there. */
const rlc_safetensors_entry *golden(const char *file, const char *format, ...);
bool has_golden(const char *file, const char *format, ...);

/* The entry as a tensor of the open program, or as a root that requires a gradient. */
rlc_tensor *golden_tensor(const char *file, const char *format, ...);
rlc_tensor *golden_root(const char *file, const char *format, ...);

/* Expects equal shape and |got - wanted| <= atol + rtol |wanted| for all elements. */
void expect_close(const char *what, rlc_tensor *got, const rlc_safetensors_entry *wanted, double rtol, double atol);

/* What a root holds, for reading: its own memory on the CPU, else a copy, one of the last few that were asked for. */
const void *peek(const rlc_tensor *root);

/* Leaves out the test that calls it on a device whose memory is not the host's. */
void skip_off_host(void);

/* Reads any tensor as doubles; free the result. */
double *read_doubles(rlc_tensor *tensor);

#endif
