/* runtime.cpp: the device that the emulation (emulation.h) has, and its errors. */
#include <stdio.h>

#include "kernels/cuda/host/runtime.h"

bool rlc_emulated_option(const char *name) {
    const char *list = getenv("RLC_CUDA_HOST");
    return list != NULL && strstr(list, name) != NULL;
}

/* What CUDA keeps of a call that failed until somebody asks. */
static thread_local cudaError_t last_error;

cudaError_t rlc_emulated_failed(cudaError_t error) {
    last_error = error;
    return error;
}

cudaError_t cudaGetLastError(void) {
    const cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

const char *cudaGetErrorString(cudaError_t error) {
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    }
    return "unknown error";
}

#if defined(RLC_CHECKED)
static const bool is_checked = true;
#else
static const bool is_checked = false;
#endif

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return rlc_emulated_option("none") || (rlc_emulated_option("checked") && !is_checked) ? cudaErrorNoDevice
           : rlc_emulated_option("driver")                                                ? cudaErrorInsufficientDriver
                                                                                          : cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int index) {
    (void)index;
    *properties = cudaDeviceProp();
    snprintf(properties->name, sizeof properties->name, "emulated on the host, for tests");
    properties->totalGlobalMem = rlc_emulated_memory();
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int index) {
    (void)attribute, (void)index;
    *value = rlc_emulated_option("reaches");
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int index) {
    return index == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
