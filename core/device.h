/* device.h: what a device is: one flat struct of function pointers.
 *
 * The CPU is always there and is the reference that every other device is tested against. Others are shared objects
 * opened when a recipe asks for them, so that a program that needs none starts in milliseconds.
 *
 *     rlc_device *cpu;
 *     if (rlc_device_open("cpu", &cpu) != RLC_OK) ...     // opened once, shared, never closed
 *
 * A device whose memory is not the host's runs what it is given whenever it likes, in order; what is read from it has
 * been computed. What its kernels find wrong is therefore reported by a later call, by reading at the latest.
 */
#ifndef RLC_DEVICE_H
#define RLC_DEVICE_H

#include "core/arena.h"
#include "core/conv.h"
#include "core/op.h"
#include "core/tensor.h"

RLC_BEGIN

typedef struct rlc_node rlc_node;

enum { RLC_MAX_NAMED_KERNELS = 64 };

/* Computes one node. */
typedef void rlc_kernel(const rlc_node *node);

struct rlc_device {
    const char *name;        /* "cpu", "cuda:0" */
    const char *description; /* for people: "x86-64-v4, AVX-512" */
    rlc_memory memory;
    /* The same device with memory that the host reaches as well, once the device's work has come past a mark, or from within
     * a host_call; itself where all memory is the host's. */
    rlc_device *shared;
    /* Runs a kernel of the CPU for a node, on the host and in order with all else (see RLC_HOST_CALL_KERNEL below); NULL
     * where kernels run on the host anyway. */
    rlc_kernel *host_call;
    rlc_status (*to_host)(rlc_device *device, void *host, const void *data, size_t size);
    rlc_status (*from_host)(rlc_device *device, void *data, const void *host, size_t size);
    /* A mark in the work given so far, *mark made where it is NULL, and whether that work has been done; these are NULL where
     * work is done when it is given. */
    rlc_status (*mark)(rlc_device *device, void **mark);
    rlc_status (*reached)(rlc_device *device, void *mark, bool wait, bool *is);
    void (*unmark)(rlc_device *device, void *mark);
    uint32_t precisions; /* bit i is set where matrix products can have rlc_precision i */
    /* Computes nodes [first, last) of the program in order. A node that is marked `on_host` gets copies of its operands in
     * host memory, and what it has written there, in `out` and in `more`, is copied back. */
    rlc_status (*run)(rlc_device *device, rlc_program *program, int first, int last);
    /* Gives up what the device keeps for a program that is about to be freed; NULL when it keeps nothing. */
    void (*forget)(rlc_device *device, rlc_program *program);
    /* How many bytes a convolution's kernel works in, beside its operands (conv.h). */
    size_t (*conv_room)(rlc_op op, rlc_dtype dtype, const rlc_conv_shape *shape);
    /* By op and by the type that the op names as its own; NULL where the device has no such kernel. */
    rlc_kernel *kernel[RLC_OP_COUNT][RLC_DTYPE_COUNT];
    /* Kernels that belong to a class instead of an op: "env.CartPole". */
    struct {
        const char *name;
        rlc_kernel *run;
    } named[RLC_MAX_NAMED_KERNELS];
};

/* The parameters of a node that host_call runs. Its kernel finds the operands that lie in shared memory where they are, and
 * copies of the others: of `in`, of those of `more` that `reads` has a bit for; afterwards the result, and those of `more`
 * that `writes` has a bit for, are copied back. */
enum { RLC_HOST_CALL_KERNEL, RLC_HOST_CALL_READS, RLC_HOST_CALL_WRITES };

/* The named kernel, or NULL; and how a backend enters one, replacing what had the name. */
rlc_kernel *rlc_device_kernel(const rlc_device *device, const char *name);
void rlc__device_name_kernel(rlc_device *device, const char *name, rlc_kernel *run);

/* The device called `name`: "cpu", or "cuda", "cuda:1" for the second. A device that is not there is RLC_FAILED with the
 * reason. */
rlc_status rlc_device_open(const char *name, rlc_device **device);

/* A backend is a shared object rlc_NAME.so beside librlc that exports two symbols: `rlc__backend_abi`, a const int with
 * the value of RLC_ABI, and `rlc__backend_open`, which fills in the struct, but for its name, for the device of that index
 * or fails with a reason. */
typedef rlc_status rlc_backend_open(int index, rlc_device *device);
rlc_status rlc__backend_load(const char *backend, int index, rlc_device *device);

/* Says on standard error, once in a process for each `what`, that it runs on the host although the program is the device's.
 * For what a plug-in brings along, where its class allows that: host_fallback. */
void rlc__tell_fallback(const rlc_device *device, const char *what);

/* Stops the program, with a message that names op and module, when the node's result is not finite: RLC_CHECK_NAN. */
void rlc__check_finite(rlc_program *program, const rlc_node *node);

/* The CPU device, defined by kernels/cpu: fills in the struct for the best instruction set this machine has, or for
 * the one that the environment variable RLC_ISA names (x86-64-v2, x86-64-v3, x86-64-v4). */
rlc_status rlc__cpu_open(rlc_device *device);

RLC_END

#endif
