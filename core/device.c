#include "core/device.h"

#include <pthread.h>
#include <string.h>

rlc_kernel *rlc_device_kernel(const rlc_device *device, const char *name) {
    for (int i = 0; i < RLC_MAX_NAMED_KERNELS && device->named[i].name != NULL; i++) {
        if (strcmp(device->named[i].name, name) == 0) {
            return device->named[i].run;
        }
    }
    return NULL;
}

void rlc__device_name_kernel(rlc_device *device, const char *name, rlc_kernel *run) {
    for (int i = 0; i < RLC_MAX_NAMED_KERNELS; i++) {
        if (device->named[i].name == NULL || strcmp(device->named[i].name, name) == 0) {
            device->named[i].name = name;
            device->named[i].run = run;
            return;
        }
    }
}

/* Opened once and kept: tensors of many owners point to it. */
static rlc_device cpu;
static rlc_status cpu_status;
static pthread_once_t cpu_once = PTHREAD_ONCE_INIT;

static void open_cpu(void) {
    cpu_status = rlc__cpu_open(&cpu);
}

rlc_status rlc_device_open(const char *name, rlc_device **device) {
    if (strcmp(name, "cpu") == 0) {
        pthread_once(&cpu_once, open_cpu);
        *device = &cpu;
        return cpu_status == RLC_OK ? RLC_OK : rlc_fail(cpu_status, "the CPU device could not be opened");
    }
    if (strcmp(name, "cuda") == 0 || strncmp(name, "cuda:", 5) == 0) {
        return rlc_fail(RLC_FAILED,
                        "device '%s' is not available: this build of rlc has no CUDA backend; "
                        "use --device cpu",
                        name);
    }
    return rlc_fail(RLC_INVALID, "there is no device '%s'; devices are cpu and cuda", name);
}
