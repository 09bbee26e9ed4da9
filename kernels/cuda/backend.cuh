/* backend.cuh: what all files of the CUDA backend share: the device, how a kernel is launched, and how it reports what is
 * wrong.
 *
 * A file here holds kernels and, for each, a function of a node that launches it; the last function of a file enters those
 * in the device's table. Whatever a launch is given (sizes, addresses, settings) must follow from the node alone, and
 * what changes from step to step must be read by the kernel: a recorded list is launched again and again without a look
 * at its nodes (replay.cu). The same files are compiled for the host, where tests run them: host/emulation.h.
 *
 *     static __global__ void fill(float *out, int64_t n, float value) {
 *         RLC_FOR_EACH(i, n) {
 *             out[i] = value;
 *         }
 *     }
 *     static void run_fill(const rlc_node *node) {
 *         RLC_LAUNCH(node, fill, rlc_blocks_for(node->out->numel), RLC_BLOCK, (float *)node->out->data,
 *                    node->out->numel, (float)node->p[0].f);
 *     }
 */
#ifndef RLC_BACKEND_CUH
#define RLC_BACKEND_CUH

#if defined(__CUDACC__)
#include <cublasLt.h>
#include <cuda_runtime.h>
#else
#include "kernels/cuda/host/emulation.h"
#endif

#include "core/device.h"
#include "core/program.h"

/* What kernels find wrong: the first to do so leaves word here, in memory that the host sees too. */
typedef struct rlc_fault {
    uint32_t raised; /* by the first kernel that finds something */
    uint32_t told;   /* the rest is written */
    uint32_t what, op;
    const char *where;
    int64_t a, b;
    double x;
    char said[2048]; /* by a kernel of the CPU (host_call.cu): the whole message, no longer than that (rlc_fail) */
} rlc_fault;

/* Launches with more blocks than this let each thread do more than one element. */
enum { RLC_BLOCK = 256, RLC_MAX_BLOCKS = 1 << 16 };

/* Room, in doubles, for what a kernel leaves for the next one of the same node: the squares of as many gradients as a node
 * can name, and sums of shares (tree.cuh). */
enum { RLC_SCRATCH = 65536 + 8 + 8192 };

typedef struct rlc_cuda {
    int index;
    cudaStream_t stream; /* all there is to do goes into one, in order */
    cublasLtHandle_t blas;
    void *blas_room;
    uint16_t *narrow; /* operands of products, rounded to bfloat16 */
    int64_t narrow_room;
    rlc_fault *fault;
    double *scratch;
    struct rlc_host_call *call; /* what a kernel of the host sees of its node, */
    char *call_room;            /* and where the operands lie then */
    size_t call_room_size;
    bool reads_host;     /* by itself, also memory that is not pinned */
    bool synchronous;    /* RLC_CUDA_SYNC: waits for each list, for the sake of messages */
    bool without_graphs; /* RLC_CUDA_NO_GRAPHS: launches every list node by node, to see what graphs are worth */
    char description[256];
    char last_program[64]; /* whose list was launched last, for messages */
} rlc_cuda;

static inline rlc_cuda *rlc_cuda_of(const rlc_device *device) {
    return (rlc_cuda *)device->memory.self;
}

/* The one way to launch a kernel. */
#define RLC_LAUNCH(node, kernel, blocks, threads, ...)                                                                 \
    RLC_LAUNCH_ON(rlc_cuda_of((node)->out->device)->stream, kernel, blocks, threads, __VA_ARGS__)

#if defined(__CUDACC__)
#define RLC_LAUNCH_ON(stream, kernel, blocks, threads, ...) kernel<<<blocks, threads, 0, stream>>>(__VA_ARGS__)
/* An array that the threads of a block share. */
#define RLC_SHARED(type, name, count) __shared__ type name[count]
#else
#define RLC_LAUNCH_ON(stream, kernel, blocks, threads, ...)                                                            \
    rlc_emulated_launch(stream, blocks, threads, kernel, __VA_ARGS__)
#define RLC_SHARED(type, name, count)                                                                                  \
    static const char name##_place = 0;                                                                                \
    type *name = (type *)rlc_emulated_shared(&name##_place, sizeof(type) * (count))
#endif

/* Each thread's share of n elements, which is nearly always one: unrolling would only add a division in front, to find out how
 * many there are. */
#if defined(__CUDACC__)
#define RLC_NOT_UNROLLED _Pragma("unroll 1")
#else
#define RLC_NOT_UNROLLED
#endif
#define RLC_FOR_EACH(i, n)                                                                                             \
    RLC_NOT_UNROLLED                                                                                                   \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (int64_t)gridDim.x * blockDim.x)

/* At least one: a launch of nothing is an error. */
static inline unsigned rlc_blocks(int64_t blocks) {
    return (unsigned)(blocks < 1 ? 1 : blocks > RLC_MAX_BLOCKS ? (int64_t)RLC_MAX_BLOCKS : blocks);
}
static inline unsigned rlc_blocks_for(int64_t elements) {
    return rlc_blocks((elements + RLC_BLOCK - 1) / RLC_BLOCK);
}

/* The data of a tensor, typed. */
template <typename T> static inline T *rlc_data(const rlc_tensor *t) {
    return t != NULL ? (T *)t->data : NULL;
}

/* What can be wrong: a code, and the message from numbers a, b and x; the same words as on the CPU. */
#define RLC_FAULTS(X)                                                                                                  \
    X(INDEX, "index %lld is outside of a dimension of size %lld", a, b)                                                \
    X(CURSOR, "the cursor is at %lld of a ring of %lld rows", a, b)                                                    \
    X(EMPTY, "there is nothing to choose from: the replay buffer is empty", )                                          \
    X(UNCHOSEN, "there is nothing to choose from: the replay buffer is empty, or none of its rows can be chosen", )    \
    X(BOUND, "a bound above 2^32 is out of reach of a 32-bit word", )                                                  \
    X(ROW, "row %lld is outside of a ring of %lld rows", a, b)                                                         \
    X(ERROR, "the error of row %lld is %g, which is no priority", a, x)                                                \
    X(PRIORITY, "row %lld has no priority", a)                                                                         \
    X(ACTION, "an action is none of the environment's", )

enum {
#define FAULT_CODE(name, ...) RLC_FAULT_##name,
    RLC_FAULTS(FAULT_CODE)
#undef FAULT_CODE
};

/* Where a kernel that may find something wrong was recorded; an argument of its launch. */
typedef struct rlc_site {
    rlc_fault *fault;
    const char *where;
    uint32_t op;
} rlc_site;

static inline rlc_site rlc_site_of(const rlc_node *node) {
    rlc_site site = {rlc_cuda_of(node->out->device)->fault, node->where, node->op};
    return site;
}

static __device__ __forceinline__ void rlc_raise(rlc_site site, uint32_t what, int64_t a, int64_t b, double x) {
    rlc_fault *fault = site.fault;
    if (atomicCAS(&fault->raised, 0u, 1u) != 0u) {
        return;
    }
    fault->what = what;
    fault->op = site.op;
    fault->where = site.where;
    fault->a = a;
    fault->b = b;
    fault->x = x;
    __threadfence_system();
    *(volatile uint32_t *)&fault->told = 1;
}

/* Reports a fault that kernels have left, if there is one, and clears it. Waits for kernels that still run only if there is. */
rlc_status rlc__cuda_report(rlc_cuda *cuda);

/* Waits for what has been launched; then what kernels found is known, too. */
rlc_status rlc__cuda_wait(rlc_cuda *cuda, const char *tried);

/* RLC_OK, or an error that says what was tried and what CUDA says. What CUDA finds out it may say at any call after. */
rlc_status rlc__cuda_check(const rlc_cuda *cuda, cudaError_t error, const char *tried);

/* Pinned memory, which kernels and the host both reach; cleared. NULL with an error. */
void *rlc__cuda_pinned(rlc_cuda *cuda, size_t size);

/* Runs a node's kernel of the CPU: host_call.cu. */
rlc_status rlc__cuda_host_call_open(rlc_cuda *cuda);
rlc_kernel rlc__cuda_host_call;

/* Runs lists: replay.cu. */
rlc_status rlc__cuda_run(rlc_device *device, rlc_program *program, int first, int last);
void rlc__cuda_forget(rlc_device *device, rlc_program *program);

/* Runs a node that is marked on_host, when all before it is done: host_node.cu. */
rlc_status rlc__cuda_run_on_host(rlc_cuda *cuda, rlc_program *program, const rlc_node *node);

/* The functions that enter kernels in the table, one a file. */
#define RLC_CUDA_FILES(X)                                                                                              \
    X(elementwise)                                                                                                     \
    X(copy) X(reduce) X(rows) X(resample) X(sort) X(norm) X(index) X(linear) X(conv) X(pool) X(update) X(random)       \
        X(priority) X(env)
#define DECLARE_FILE(file) void rlc__cuda_##file(rlc_device *device);
RLC_CUDA_FILES(DECLARE_FILE)
#undef DECLARE_FILE

#endif
