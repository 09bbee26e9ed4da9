/* device.c: the CPU device: which instruction set, memory, and the loop that runs a program. */
#include "core/device.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/isa.h"

static rlc_status to_host(rlc_device *device, void *host, const void *data, size_t size) {
    (void)device;
    memcpy(host, data, size);
    return RLC_OK;
}

static rlc_status from_host(rlc_device *device, void *data, const void *host, size_t size) {
    (void)device;
    memcpy(data, host, size);
    return RLC_OK;
}

static rlc_status run(rlc_device *device, rlc_program *p, int first, int last) {
    (void)device;
    for (int i = first; i < last && p->status == RLC_OK; i++) {
        const rlc_node *node = &p->nodes[i];
        if (node->run == NULL) {
            continue;
        }
        node->run(node);
        if (RLC_UNLIKELY(p->check_nan)) {
            rlc__check_finite(p, node);
        }
    }
    return p->status;
}

#define ENTER_FILE(file, isa) ISA_PASTE(rlc__kernels_##file, isa)(device);

static void enter_v2(rlc_device *device) {
    RLC_CPU_FILES(ENTER_FILE, v2)
}

#if defined(RLC_WIDE)
static void enter_v3(rlc_device *device) {
    RLC_CPU_FILES(ENTER_FILE, v3)
}

static void enter_v4(rlc_device *device) {
    RLC_CPU_FILES(ENTER_FILE, v4)
}

static bool has_v3(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void) {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static bool always(void) {
    return true;
}

/* In ascending order: each level enters its kernels over those of the one before. */
static const struct {
    const char *name, *description;
    bool (*present)(void);
    void (*enter)(rlc_device *device);
} levels[] = {
#if defined(__x86_64__)
    {"x86-64-v2", "x86-64-v2 (SSE4)", always, enter_v2},
#else
    {"native", "portable loops", always, enter_v2},
#endif
#if defined(RLC_WIDE)
    {"x86-64-v3", "x86-64-v3 (AVX2)", has_v3, enter_v3},
    {"x86-64-v4", "x86-64-v4 (AVX-512)", has_v4, enter_v4},
#endif
};

rlc_status rlc__cpu_open(rlc_device *device) {
    *device = (rlc_device){.name = "cpu",
                           .memory = rlc_host_memory,
                           .shared = device,
                           .precisions = 1 << RLC_PRECISION_F32,
                           .to_host = to_host,
                           .from_host = from_host,
                           .run = run};
    const char *limit = getenv("RLC_ISA");
    bool named = limit == NULL || limit[0] == '\0';
    for (int i = 0; i < RLC_COUNT(levels) && levels[i].present(); i++) {
        levels[i].enter(device);
        device->description = levels[i].description;
        if (!named && strcmp(limit, levels[i].name) == 0) {
            return RLC_OK;
        }
    }
    if (!named) {
        return rlc_fail(RLC_INVALID, "RLC_ISA=%s: this machine has x86-64-v2 up to %s", limit, device->description);
    }
    return RLC_OK;
}
