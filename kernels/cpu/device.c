/* device.c: the CPU device: which instruction set, memory, and the loop that runs a program. */
#include "core/device.h"

#include <math.h>
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

/* The index of the first element that is not finite, or -1. */
static int64_t first_not_finite(const rlc_tensor *t) {
    if (!(t->flags & RLC_CONTIGUOUS) || !rlc_dtype_is_float((rlc_dtype)t->dtype)) {
        return -1;
    }
    for (int64_t i = 0; i < t->numel; i++) {
        double x = t->dtype == RLC_F32 ? (double)((const float *)t->data)[i] : ((const double *)t->data)[i];
        if (!isfinite(x)) {
            return i;
        }
    }
    return -1;
}

static void check_finite(rlc_program *p, const rlc_node *node) {
    int64_t at = first_not_finite(node->out);
    if (at < 0) {
        return;
    }
    char text[RLC_SHAPE_TEXT];
    double x = node->out->dtype == RLC_F32 ? (double)((const float *)node->out->data)[at]
                                           : ((const double *)node->out->data)[at];
    p->status = rlc_fail(RLC_FAILED, "%s%sop '%s' in program '%s' gave %s at element %lld of shape %s",
                         node->where != NULL ? node->where : "", node->where != NULL ? ": " : "",
                         rlc_op_name((rlc_op)node->op), p->name,
                         isnan(x) ? "nan"
                         : x > 0  ? "inf"
                                  : "-inf",
                         (long long)at, rlc_shape_text(rlc_shape_of(node->out), text));
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
            check_finite(p, node);
        }
    }
    return p->status;
}

#define ENTER_FILE(file, isa) ISA_PASTE(rlc__kernels_##file, isa)(device);

static void enter_v2(rlc_device *device) {
    RLC_CPU_FILES(ENTER_FILE, v2)
}

#if defined(__x86_64__)
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
    {"x86-64-v3", "x86-64-v3 (AVX2)", has_v3, enter_v3},
    {"x86-64-v4", "x86-64-v4 (AVX-512)", has_v4, enter_v4},
#else
    {"native", "portable loops", always, enter_v2},
#endif
};

rlc_status rlc__cpu_open(rlc_device *device) {
    *device =
        (rlc_device){.name = "cpu", .memory = rlc_host_memory, .to_host = to_host, .from_host = from_host, .run = run};
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
