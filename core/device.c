#include "core/device.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Devices of backends, as they are asked for. */
enum { MAX_OPEN = 16, NAME_TEXT = 32 };
static struct {
    rlc_device *device;
    char name[NAME_TEXT];
} opened[MAX_OPEN];
static pthread_mutex_t opened_lock = PTHREAD_MUTEX_INITIALIZER;

static rlc_status open_one(const char *backend, int index, rlc_device **device) {
    char name[NAME_TEXT];
    int i = 0;
    snprintf(name, sizeof name, "%s:%d", backend, index);
    while (i < MAX_OPEN && opened[i].device != NULL && strcmp(opened[i].name, name) != 0) {
        i++;
    }
    if (i == MAX_OPEN) {
        return rlc_fail(RLC_FAILED, "device '%s' is one more than the %d that can be open", name, (int)MAX_OPEN);
    }
    if (opened[i].device == NULL) {
        rlc_device *fresh = rlc_calloc(1, sizeof *fresh);
        if (fresh == NULL || rlc__backend_load(backend, index, fresh) != RLC_OK) {
            free(fresh);
            return rlc_error_status();
        }
        memcpy(opened[i].name, name, sizeof name);
        fresh->name = fresh->shared->name = opened[i].name;
        opened[i].device = fresh;
    }
    *device = opened[i].device;
    return RLC_OK;
}

/* The number behind "cuda:", 0 where there is none, -1 where it is no number. */
static int index_of(const char *text) {
    char *end;
    if (*text == '\0') {
        return 0;
    }
    long index = text[0] == ':' && text[1] >= '0' && text[1] <= '9' ? strtol(text + 1, &end, 10) : -1;
    return index >= 0 && index < 1000 && *end == '\0' ? (int)index : -1;
}

rlc_status rlc_device_open(const char *name, rlc_device **device) {
    static const char *const backends[] = {"cuda", "cuda-host"}; /* the second is for tests: kernels/cuda/host */
    if (strcmp(name, "cpu") == 0) {
        pthread_once(&cpu_once, open_cpu);
        *device = &cpu;
        return cpu_status == RLC_OK ? RLC_OK : rlc_fail(cpu_status, "the CPU device could not be opened");
    }
    const size_t length = strcspn(name, ":");
    for (int i = 0; i < RLC_COUNT(backends); i++) {
        if (strlen(backends[i]) != length || strncmp(name, backends[i], length) != 0) {
            continue;
        }
        const int index = index_of(name + length);
        if (index < 0) {
            return rlc_fail(RLC_INVALID, "device '%s': behind the colon stands which one, counted from 0: %s:1", name,
                            backends[i]);
        }
        pthread_mutex_lock(&opened_lock);
        rlc_status status = open_one(backends[i], index, device);
        pthread_mutex_unlock(&opened_lock);
        return status;
    }
    return rlc_fail(RLC_INVALID, "there is no device '%s'; devices are cpu and cuda", name);
}
