/* device.h: what a device is: one flat struct of function pointers.
 *
 * The CPU is always there and is the reference that every other device is tested against. Others are shared objects
 * opened when a recipe asks for them, so that a program that needs none starts in milliseconds.
 *
 *     rlc_device *cpu;
 *     if (rlc_device_open("cpu", &cpu) != RLC_OK) ...     // opened once, shared, never closed
 */
#ifndef RLC_DEVICE_H
#define RLC_DEVICE_H

#include "core/arena.h"
#include "core/op.h"
#include "core/tensor.h"

RLC_BEGIN

typedef struct rlc_node rlc_node;

enum { RLC_MAX_NAMED_KERNELS = 64 };

/* Computes one node. */
typedef void rlc_kernel(const rlc_node *node);

struct rlc_device {
    const char *name;        /* "cpu", "cuda" */
    const char *description; /* for people: "x86-64-v4, AVX-512" */
    rlc_memory memory;
    rlc_status (*to_host)(rlc_device *device, void *host, const void *data, size_t size);
    rlc_status (*from_host)(rlc_device *device, void *data, const void *host, size_t size);
    /* Computes nodes [first, last) of the program in order. */
    rlc_status (*run)(rlc_device *device, rlc_program *program, int first, int last);
    /* By op and by the type that the op names as its own; NULL where the device has no such kernel. */
    rlc_kernel *kernel[RLC_OP_COUNT][RLC_DTYPE_COUNT];
    /* Kernels that belong to a class instead of an op: "env.CartPole". */
    struct {
        const char *name;
        rlc_kernel *run;
    } named[RLC_MAX_NAMED_KERNELS];
};

/* The named kernel, or NULL; and how a backend enters one, replacing what had the name. */
rlc_kernel *rlc_device_kernel(const rlc_device *device, const char *name);
void rlc__device_name_kernel(rlc_device *device, const char *name, rlc_kernel *run);

/* The device called `name`: "cpu" or "cuda". A device that is not there is RLC_FAILED with the reason. */
rlc_status rlc_device_open(const char *name, rlc_device **device);

/* The CPU device, defined by kernels/cpu: fills in the struct for the best instruction set this machine has, or for
 * the one that the environment variable RLC_ISA names (x86-64-v2, x86-64-v3, x86-64-v4). */
rlc_status rlc__cpu_open(rlc_device *device);

RLC_END

#endif
