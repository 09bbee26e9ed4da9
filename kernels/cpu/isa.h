/* isa.h: how a file of loops is compiled once for every instruction set.
 *
 * The Makefile compiles each file here with RLC_ISA set to v2, v3 and v4 (the x86-64 levels: SSE4, AVX2, AVX-512) and the
 * flags that go with it, or to v2 alone without RLC_WIDE; ISA(name) keeps the copies apart. Each file ends in one function that
 * enters its kernels in the device's table. v2, the base, also brings the types that no training step needs fast: double and
 * the integers.
 */
#ifndef RLC_ISA_H
#define RLC_ISA_H

#include "core/device.h"
#include "core/program.h"
#include "core/record.h"

#define ISA_PASTE(name, isa) name##_##isa
#define ISA_EXPAND(name, isa) ISA_PASTE(name, isa)
#define ISA(name) ISA_EXPAND(rlc__##name, RLC_ISA)

/* Calls `inner` for every run of elements that a node's operands can be walked along with fixed strides. */
typedef void rlc_inner(int64_t n, char *const *at, const int64_t *stride, const rlc_parameter *p);
void rlc__cpu_walk(const rlc_node *node, rlc_inner *inner);

/* The functions that enter kernels in the table, one a file and instruction set. */
#define RLC_CPU_FILES(X, isa)                                                                                          \
    X(elementwise, isa)                                                                                                \
    X(copy, isa)                                                                                                       \
    X(reduce, isa) X(rows, isa) X(norm, isa) X(scan, isa) X(resample, isa) X(index, isa) X(linear, isa) X(conv, isa)   \
        X(pool, isa) X(update, isa) X(random, isa) X(priority, isa) X(env, isa)
#define DECLARE_FILE(file, isa) void ISA_PASTE(rlc__kernels_##file, isa)(rlc_device * device);
RLC_CPU_FILES(DECLARE_FILE, v2)
RLC_CPU_FILES(DECLARE_FILE, v3)
RLC_CPU_FILES(DECLARE_FILE, v4)

#endif
