/* device.cu: opening a GPU, its memory, copies, and what its kernels and the driver report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/blas.cuh"

rlc_status rlc__cuda_check(const rlc_cuda *cuda, cudaError_t error, const char *tried) {
    if (error == cudaSuccess) {
        return RLC_OK;
    }
    cudaGetLastError(); /* it would be seen again otherwise */
    if (cuda == NULL || cuda->last_program[0] == '\0') {
        return rlc_fail(RLC_FAILED, "device cuda: %s: %s", tried, cudaGetErrorString(error));
    }
    return rlc_fail(RLC_FAILED,
                    "device cuda: %s: %s; program '%s' ran last: RLC_EAGER=1 RLC_CUDA_SYNC=1 finds out which op and "
                    "module it was",
                    tried, cudaGetErrorString(error), cuda->last_program);
}

static void describe(const rlc_fault *f, char *text, size_t size) {
    const long long a = f->a, b = f->b;
    const double x = f->x;
    (void)a, (void)b, (void)x;
    switch (f->what) {
#define FAULT_TEXT(name, format, ...)                                                                                  \
    case RLC_FAULT_##name: snprintf(text, size, format __VA_OPT__(, ) __VA_ARGS__); break;
        RLC_FAULTS(FAULT_TEXT)
    default: snprintf(text, size, "a kernel reports fault %u", f->what);
    }
}

rlc_status rlc__cuda_report(rlc_cuda *cuda) {
    rlc_fault *f = cuda->fault;
    if (*(volatile uint32_t *)&f->told == 0) {
        return RLC_OK;
    }
    char text[256];
    rlc_status status;
    cudaStreamSynchronize(cuda->stream); /* others may find the same, and that is not to be the next program's */
    if (f->said[0] != '\0') {
        status = rlc_fail(RLC_FAILED, "%s", f->said);
    } else {
        describe(f, text, sizeof text);
        status = rlc_fail(RLC_FAILED, "%s%s%s: %s", f->where != NULL ? f->where : "", f->where != NULL ? ": " : "",
                          rlc_op_name((rlc_op)f->op), text);
    }
    memset(f, 0, sizeof *f);
    return status;
}

rlc_status rlc__cuda_wait(rlc_cuda *cuda, const char *tried) {
    RLC_TRY(rlc__cuda_check(cuda, cudaStreamSynchronize(cuda->stream), tried));
    return rlc__cuda_report(cuda);
}

static void *allocate(void *self, size_t size) {
    rlc_cuda *cuda = (rlc_cuda *)self;
    void *memory = NULL;
    cudaError_t error = cudaSetDevice(cuda->index);
    error = error == cudaSuccess ? cudaMalloc(&memory, size) : error;
    if (error == cudaErrorMemoryAllocation) {
        size_t free_bytes = 0, total = 0;
        char asked[16], there[16], all[16];
        cudaGetLastError(); /* it would be seen again otherwise */
        cudaMemGetInfo(&free_bytes, &total);
        rlc_fail(RLC_FAILED, "out of device memory: %s were asked for, %s of %s are free on %s",
                 rlc_bytes_text((double)size, asked), rlc_bytes_text((double)free_bytes, there),
                 rlc_bytes_text((double)total, all), cuda->description);
        return NULL;
    }
    error = error == cudaSuccess ? cudaMemsetAsync(memory, 0, size, cuda->stream) : error;
    return rlc__cuda_check(cuda, error, "getting memory") == RLC_OK ? memory : NULL;
}

static void release(void *self, void *memory) {
    rlc_cuda *cuda = (rlc_cuda *)self;
    if (memory != NULL && cudaSetDevice(cuda->index) == cudaSuccess) {
        cudaFree(memory); /* waits for those who still use it */
    }
}

void *rlc__cuda_pinned(rlc_cuda *cuda, size_t size) {
    void *memory = NULL;
    cudaError_t error = cudaSetDevice(cuda->index);
    error = error == cudaSuccess ? cudaHostAlloc(&memory, size, cudaHostAllocMapped) : error;
    if (error == cudaErrorMemoryAllocation) {
        char asked[16];
        cudaGetLastError();
        rlc_fail(RLC_FAILED,
                 "out of pinned memory: %s were asked for, which stay in the host's memory for the GPU to reach; the host "
                 "has too little left, or a limit (ulimit -l) allows no more",
                 rlc_bytes_text((double)size, asked));
        return NULL;
    }
    if (rlc__cuda_check(cuda, error, "getting pinned memory") != RLC_OK) {
        return NULL;
    }
    memset(memory, 0, size);
    return memory;
}

static void *allocate_shared(void *self, size_t size) {
    return rlc__cuda_pinned((rlc_cuda *)self, size);
}

/* Nobody who still uses it may be left, and CUDA does not promise to wait for them. */
static void release_shared(void *self, void *memory) {
    rlc_cuda *cuda = (rlc_cuda *)self;
    if (memory != NULL && cudaSetDevice(cuda->index) == cudaSuccess) {
        cudaStreamSynchronize(cuda->stream);
        cudaFreeHost(memory);
    }
}

static rlc_status to_host(rlc_device *device, void *host, const void *data, size_t size) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    RLC_TRY(rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device"));
    if (size > 0) {
        RLC_TRY(rlc__cuda_check(cuda, cudaMemcpyAsync(host, data, size, cudaMemcpyDefault, cuda->stream),
                                "reading from the device"));
    }
    return rlc__cuda_wait(cuda, "reading from the device");
}

/* In order with what has been launched: the memory may still be in use by a step before. What is written has been copied when
 * the call returns; a GPU that reaches the host's memory may leave it there until it is needed. */
static rlc_status from_host(rlc_device *device, void *data, const void *host, size_t size) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    RLC_TRY(rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device"));
    if (size == 0) {
        return RLC_OK;
    }
    RLC_TRY(rlc__cuda_check(cuda, cudaMemcpyAsync(data, host, size, cudaMemcpyDefault, cuda->stream),
                            "writing to the device"));
    return cuda->reads_host ? rlc__cuda_wait(cuda, "writing to the device") : RLC_OK;
}

/* What lies in shared memory is read and written in order, too; the host does it. */
static rlc_status shared_to_host(rlc_device *device, void *host, const void *data, size_t size) {
    RLC_TRY(rlc__cuda_wait(rlc_cuda_of(device), "reading from shared memory"));
    if (size > 0) {
        memcpy(host, data, size);
    }
    return RLC_OK;
}

static rlc_status shared_from_host(rlc_device *device, void *data, const void *host, size_t size) {
    RLC_TRY(rlc__cuda_wait(rlc_cuda_of(device), "writing to shared memory"));
    if (size > 0) {
        memcpy(data, host, size);
    }
    return RLC_OK;
}

static rlc_status mark(rlc_device *device, void **place) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    RLC_TRY(rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device"));
    cudaEvent_t event = (cudaEvent_t)*place;
    if (event == NULL) {
        RLC_TRY(rlc__cuda_check(cuda, cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event"));
        *place = event;
    }
    return rlc__cuda_check(cuda, cudaEventRecord(event, cuda->stream), "recording an event");
}

static rlc_status reached(rlc_device *device, void *place, bool wait, bool *is) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    cudaEvent_t event = (cudaEvent_t)place;
    const cudaError_t error = wait ? cudaEventSynchronize(event) : cudaEventQuery(event);
    *is = error == cudaSuccess;
    if (error == cudaErrorNotReady) {
        cudaGetLastError(); /* it would be seen again otherwise */
        return RLC_OK;
    }
    RLC_TRY(rlc__cuda_check(cuda, error, "waiting for what was recorded"));
    return rlc__cuda_report(cuda);
}

static void unmark(rlc_device *device, void *place) {
    if (place != NULL && cudaSetDevice(rlc_cuda_of(device)->index) == cudaSuccess) {
        cudaEventDestroy((cudaEvent_t)place);
    }
}

static rlc_status find_gpu(int index, cudaDeviceProp *properties) {
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaErrorInsufficientDriver) {
        return rlc_fail(RLC_FAILED,
                        "device cuda: there is no NVIDIA driver, or it is older than this build needs (%s); "
                        "use --device cpu",
                        cudaGetErrorString(error));
    }
    if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
        return rlc_fail(RLC_FAILED, "device cuda: the NVIDIA driver finds no GPU; use --device cpu");
    }
    RLC_TRY(rlc__cuda_check(NULL, error, "looking for GPUs"));
    if (index >= count) {
        return rlc_fail(RLC_FAILED, "device cuda:%d: there is no such GPU; the last one here is cuda:%d", index,
                        count - 1);
    }
    return rlc__cuda_check(NULL, cudaGetDeviceProperties(properties, index), "looking at the GPU");
}

static rlc_status prepare(rlc_cuda *cuda) {
    RLC_TRY(rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device"));
    int reads_host = 0;
    RLC_TRY(rlc__cuda_check(cuda, cudaDeviceGetAttribute(&reads_host, cudaDevAttrPageableMemoryAccess, cuda->index),
                            "looking at the GPU"));
    cuda->reads_host = reads_host != 0;
    RLC_TRY(rlc__cuda_check(cuda, cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), "making a stream"));
    cuda->fault = (rlc_fault *)rlc__cuda_pinned(cuda, sizeof *cuda->fault);
    cuda->scratch = (double *)allocate(cuda, RLC_SCRATCH * sizeof(double));
    if (cuda->fault == NULL || cuda->scratch == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(rlc__cuda_host_call_open(cuda));
    return rlc__cuda_blas_open(cuda);
}

/* Gives back what a device that could not be opened has got so far. */
static void discard(rlc_cuda *cuda) {
    rlc__cuda_blas_close(cuda);
    cudaFreeHost(cuda->call);
    cudaFree(cuda->scratch);
    cudaFreeHost(cuda->fault);
    if (cuda->stream != NULL) {
        cudaStreamDestroy(cuda->stream);
    }
    cudaGetLastError(); /* what went wrong has been said */
    free(cuda);
}

extern "C" {
extern const int rlc__backend_abi;
rlc_backend_open rlc__backend_open;
}
const int rlc__backend_abi = RLC_ABI;

static void fill_in(rlc_device *device, rlc_cuda *cuda) {
    device->memory.alloc = allocate;
    device->memory.free = release;
    device->memory.self = cuda;
#if defined(RLC_EMULATED)
    device->memory.guarded = !rlc_emulated_option("late"); /* what an arena has taken back may still be in use then */
#endif
    device->description = cuda->description;
    device->to_host = to_host;
    device->from_host = from_host;
    device->host_call = rlc__cuda_host_call;
    device->mark = mark;
    device->reached = reached;
    device->unmark = unmark;
    device->precisions = 1 << RLC_PRECISION_F32 | 1 << RLC_PRECISION_TF32 | 1 << RLC_PRECISION_BF16;
    device->run = rlc__cuda_run;
    device->forget = rlc__cuda_forget;
#define ENTER_FILE(file) rlc__cuda_##file(device);
    RLC_CUDA_FILES(ENTER_FILE)
}

/* The same device but for where its memory comes from. */
static rlc_device *make_shared(const rlc_device *device) {
    rlc_device *shared = (rlc_device *)rlc_calloc(1, sizeof *shared);
    if (shared != NULL) {
        *shared = *device;
        shared->memory.alloc = allocate_shared;
        shared->memory.free = release_shared;
        shared->to_host = shared_to_host;
        shared->from_host = shared_from_host;
        shared->shared = shared;
    }
    return shared;
}

rlc_status rlc__backend_open(int index, rlc_device *device) {
    cudaDeviceProp properties;
    RLC_TRY(find_gpu(index, &properties));
    rlc_cuda *cuda = (rlc_cuda *)rlc_calloc(1, sizeof *cuda);
    if (cuda == NULL) {
        return rlc_error_status();
    }
    char size[16];
    cuda->index = index;
    cuda->synchronous = rlc_getenv_flag("RLC_CUDA_SYNC");
    cuda->without_graphs = rlc_getenv_flag("RLC_CUDA_NO_GRAPHS");
    snprintf(cuda->description, sizeof cuda->description, "%.200s, %s", properties.name,
             rlc_bytes_text((double)properties.totalGlobalMem, size));
    fill_in(device, cuda);
    rlc_status status = prepare(cuda);
    device->shared = status == RLC_OK ? make_shared(device) : NULL;
    if (device->shared == NULL) {
        discard(cuda);
        return rlc_error_status();
    }
    return RLC_OK;
}
