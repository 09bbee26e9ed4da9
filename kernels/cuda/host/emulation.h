/* emulation.h: the names of CUDA that this backend uses, for a C++ compiler without CUDA.
 *
 * With it kernels/cuda becomes a device called cuda-host, on which tests run every kernel as it is written. Its memory is
 * the host's, but nobody outside of kernels may touch it. The threads of a block take turns: one runs until it ends or
 * comes to a barrier, then the next; when all wait, all go on. A kernel without barriers is thus a plain loop, and one
 * with barriers needs a stack for each of its threads (fibers.cpp). Environment:
 *
 *     RLC_CUDA_HOST=descending   blocks and threads run from the last to the first: a result that depends on the order,
 *                                because a barrier is missing say, differs
 *     RLC_CUDA_HOST=guard        memory can be read and written by kernels and copies only: whoever else touches it gets a
 *                                segmentation fault, as on a real device
 *
 *     RLC_CUDA_HOST=late         work is done when somebody waits for it, as late as a GPU may do it, instead of at once: who
 *                                reads before that, or changes what is still to be read, sees it
 *
 *     RLC_CUDA_HOST=reaches      the device reads memory of the host that is not pinned, when it comes to it
 *     RLC_CUDA_HOST=refuse       nothing can be captured
 *     RLC_CUDA_HOST=plain        cuBLASLt has no products with something behind them
 *     RLC_CUDA_HOST=none, driver a machine without a GPU, without a driver
 *     RLC_CUDA_HOST=fault        whoever waits for a kernel is told that it has touched memory that is not there
 *
 * Several may be given, with commas between. What threads of a block share is filled with bytes 0xff before each block, so
 * that nothing reads what another block has left. What CUDA does not allow during a capture is refused, and spoils it.
 *
 * Compiled with RLC_CHECKED, and kernels with -fsanitize=thread, each access of a kernel to memory is looked at: checks.h. Without
 * that there is no device with RLC_CUDA_HOST=checked.
 */
#ifndef RLC_EMULATION_H
#define RLC_EMULATION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <deque>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define RLC_EMULATED 1

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))

struct rlc_emulated_index {
    unsigned x, y, z;
};
extern rlc_emulated_index threadIdx, blockIdx, blockDim, gridDim;

/* The barrier; a thread that ends while others of its block wait at one is an error, as it is in CUDA. */
void __syncthreads(void);

static inline void __threadfence_system(void) {
}
unsigned atomicCAS(unsigned *at, unsigned expected, unsigned value);

/* Whether RLC_CUDA_HOST names it. */
bool rlc_emulated_option(const char *name);

/* The memory that the threads of a block share, by the address of something that each array has of its own. */
void *rlc_emulated_shared(const void *place, size_t size);

/* A stream's work, in order; while it is being captured the work goes into a graph instead. */
typedef struct rlc_emulated_graph {
    std::vector<std::function<void()>> work;
    bool is_worthless; /* something was called that a capture does not allow */
} * cudaGraph_t, *cudaGraphExec_t;
typedef struct rlc_emulated_stream {
    cudaGraph_t capturing;
    std::deque<std::function<void()>> waiting;
} * cudaStream_t;

/* Whoever asks hears the second time that it has been reached. */
typedef struct rlc_emulated_event {
    cudaStream_t stream;
    bool asked;
    std::shared_ptr<bool> reached;
} * cudaEvent_t;

/* One thread of a launch, given its arguments. */
typedef void rlc_emulated_thread(const void *arguments);

void rlc_emulated_submit(cudaStream_t stream, std::function<void()> work);
void rlc_emulated_grid(unsigned blocks, unsigned threads, rlc_emulated_thread *thread, const void *arguments,
                       size_t size);

/* Arguments are kept by value, as CUDA keeps them, also for launches that a graph repeats later. */
template <typename... P> struct rlc_emulated_call {
    void (*kernel)(P...);
    std::tuple<typename std::decay<P>::type...> arguments;

    static void run(const void *call) {
        const rlc_emulated_call *c = (const rlc_emulated_call *)call;
        std::apply(c->kernel, c->arguments);
    }
};

template <typename... P, typename... A>
static inline void rlc_emulated_launch(cudaStream_t stream, unsigned blocks, unsigned threads, void (*kernel)(P...),
                                       A... arguments) {
    const rlc_emulated_call<P...> call = {kernel, {arguments...}};
    static_assert(sizeof call.arguments <= 4096, "a kernel takes no more");
    rlc_emulated_submit(stream, [=] { rlc_emulated_grid(blocks, threads, call.run, &call, sizeof call); });
}

/* The part of CUDA's runtime that the backend calls. */
typedef enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorNotReady = 600,
    cudaErrorIllegalAddress = 700,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901
} cudaError_t;
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };
enum { cudaStreamNonBlocking = 1, cudaHostAllocMapped = 2, cudaEventDisableTiming = 2 };
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    int major, minor;
};

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError(void);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int index);
enum cudaDeviceAttr { cudaDevAttrPageableMemoryAccess = 88 };
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int index);
cudaError_t cudaSetDevice(int index);
cudaError_t cudaMalloc(void **memory, size_t size);
cudaError_t cudaFree(void *memory);
cudaError_t cudaHostAlloc(void **memory, size_t size, unsigned flags);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total);
cudaError_t cudaMemsetAsync(void *memory, int byte, size_t size, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
typedef void (*cudaHostFn_t)(void *data);
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);

#include "kernels/cuda/host/blas.h"

#endif
