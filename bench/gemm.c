/* gemm.c: matrix products at the shapes of small networks, beside oneDNN in the same run. */
#include <math.h>

#include "bench/bench.h"
#include "core/device.h"
#include "core/matrix.h"
#include "core/record.h"
#include "kernels/cpu/gemm.h"

static const struct {
    const char *what;
    bool ta, tb;
    int64_t m, n, k;
} shapes[] = {
    {"acting, layer 1", false, true, 1, 120, 4},       {"acting, layer 2", false, true, 1, 84, 120},
    {"acting, layer 3", false, true, 1, 2, 84},        {"4 rows, layer 1", false, true, 4, 64, 3},
    {"4 rows, layer 2", false, true, 4, 64, 64},       {"forward, layer 1", false, true, 128, 120, 4},
    {"forward, layer 2", false, true, 128, 84, 120},   {"forward, layer 3", false, true, 128, 2, 84},
    {"weights, layer 3", true, false, 2, 84, 128},     {"inputs, layer 3", false, false, 128, 84, 2},
    {"weights, layer 2", true, false, 84, 120, 128},   {"inputs, layer 2", false, false, 128, 120, 84},
    {"weights, layer 1", true, false, 120, 4, 128},    {"forward, 64 wide", false, true, 100, 64, 64},
    {"weights, 64 wide", true, false, 64, 64, 100},    {"inputs, 64 wide", false, false, 100, 64, 64},
    {"forward, 256 wide", false, true, 256, 256, 256}, {"weights, 256 wide", true, false, 256, 256, 256},
    {"inputs, 256 wide", false, false, 256, 256, 256}, {"large", false, false, 1024, 1024, 1024},
};

/* Through the device's kernel, so that the instruction set is the one that training uses. */
static void ours(void *data) {
    const rlc_node *node = data;
    node->run(node);
}

static void onednn(void *data) {
    if (!rlc__onednn_sgemm(data)) {
        exit(1);
    }
}

int main(void) {
    rlc_device *cpu;
    bench_check(rlc_device_open("cpu", &cpu));
    printf("matrix products, one thread, %s:\n", cpu->description);
    for (int i = 0; i < RLC_COUNT(shapes); i++) {
        int64_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k;
        rlc_tensor *a = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(m * k)),
                   *b = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(n * k));
        rlc_tensor *c = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(m * n));
        rlc_gemm_aux aux = {.m = m, .n = n, .k = k, .batch = 1, .ta = shapes[i].ta, .tb = shapes[i].tb};
        rlc_node node = {.run = cpu->kernel[RLC_OP_gemm][RLC_F32], .out = c, .in = {a, b}, .aux = &aux};
        rlc_sgemm_call call = {
            .m = m, .n = n, .k = k, .a = a->data, .b = b->data, .c = c->data, .ta = aux.ta, .tb = aux.tb};
        double mine = bench_time(ours, &node), theirs = bench_time(onednn, &call);
        double flop = 2 * (double)m * (double)n * (double)k;
        printf("  %-18s %4lld x %4lld x %4lld  rlc %9.2f us %6.1f GFLOP/s  oneDNN %9.2f us %6.1f GFLOP/s  %.2f\n",
               shapes[i].what, (long long)m, (long long)n, (long long)k, mine * 1e6, flop / mine * 1e-9, theirs * 1e6,
               flop / theirs * 1e-9, theirs / mine);
        rlc_tensor_free(a);
        rlc_tensor_free(b);
        rlc_tensor_free(c);
    }
    return 0;
}
