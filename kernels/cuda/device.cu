/* device.cu: opening a GPU, its memory, copies, and what its kernels and the driver report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/blas.cuh"

rlc_status rlc__cuda_check(const rlc_cuda *cuda, cudaError_t error, const char *tried) {
    if (error == cudaSuccess) {
        return RLC_OK;
    }
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
    describe(f, text, sizeof text);
    rlc_status status = rlc_fail(RLC_FAILED, "%s%s%s: %s", f->where != NULL ? f->where : "",
                                 f->where != NULL ? ": " : "", rlc_op_name((rlc_op)f->op), text);
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

static rlc_status to_host(rlc_device *device, void *host, const void *data, size_t size) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    RLC_TRY(rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device"));
    if (size > 0) {
        RLC_TRY(rlc__cuda_check(cuda, cudaMemcpyAsync(host, data, size, cudaMemcpyDeviceToHost, cuda->stream),
                                "reading from the device"));
    }
    return rlc__cuda_wait(cuda, "reading from the device");
}

/* In order with what has been launched: the memory may still be in use by a step before. */
static rlc_status from_host(rlc_device *device, void *data, const void *host, size_t size) {
    rlc_cuda *cuda = rlc_cuda_of(device);
    RLC_TRY(rlc__cuda_check(cuda, cudaSetDevice(cuda->index), "choosing the device"));
    if (size == 0) {
        return RLC_OK;
    }
    return rlc__cuda_check(cuda, cudaMemcpyAsync(data, host, size, cudaMemcpyHostToDevice, cuda->stream),
                           "writing to the device");
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
    RLC_TRY(rlc__cuda_check(cuda, cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), "making a stream"));
    void *fault = NULL;
    RLC_TRY(rlc__cuda_check(cuda, cudaHostAlloc(&fault, sizeof *cuda->fault, cudaHostAllocMapped),
                            "getting pinned memory"));
    memset(fault, 0, sizeof *cuda->fault);
    cuda->fault = (rlc_fault *)fault;
    cuda->scratch = (double *)allocate(cuda, RLC_SCRATCH * sizeof(double));
    return cuda->scratch != NULL ? rlc__cuda_blas_open(cuda) : rlc_error_status();
}

extern "C" {
extern const int rlc__backend_abi;
rlc_backend_open rlc__backend_open;
}
const int rlc__backend_abi = RLC_ABI;

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
    device->memory.alloc = allocate;
    device->memory.free = release;
    device->memory.self = cuda;
#if defined(RLC_EMULATED)
    device->memory.guarded = true;
#endif
    device->description = cuda->description;
    device->to_host = to_host;
    device->from_host = from_host;
    device->run = rlc__cuda_run;
    device->forget = rlc__cuda_forget;
    rlc_status status = prepare(cuda);
    if (status != RLC_OK) {
        free(cuda);
        return status;
    }
#define ENTER_FILE(file) rlc__cuda_##file(device);
    RLC_CUDA_FILES(ENTER_FILE)
    return RLC_OK;
}
