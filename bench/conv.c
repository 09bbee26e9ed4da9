/* conv.c: convolutions at the shapes of two networks for images, forward and backward, beside a large matrix product of
 * oneDNN in the same run: how near the limit of multiplying and adding they come. */
#include "bench/bench.h"
#include "core/conv.h"
#include "core/device.h"
#include "core/program.h"
#include "kernels/cpu/gemm.h"

static const struct {
    const char *what;
    int64_t images, in, height, width, out, kernel, stride;
} shapes[] = {
    {"Atari, layer 1", 32, 4, 84, 84, 32, 8, 4},        {"Atari, layer 2", 32, 32, 20, 20, 64, 4, 2},
    {"Atari, layer 3", 32, 64, 9, 9, 64, 3, 1},         {"Atari acting, layer 1", 1, 4, 84, 84, 32, 8, 4},
    {"Atari acting, layer 2", 1, 32, 20, 20, 64, 4, 2}, {"Atari acting, layer 3", 1, 64, 9, 9, 64, 3, 1},
    {"screens, layer 1", 128, 3, 40, 90, 16, 5, 2},     {"screens, layer 2", 128, 16, 18, 43, 32, 5, 2},
    {"screens, layer 3", 128, 32, 7, 20, 32, 5, 2},
};

/* The device's kernel, so that the instruction set is the one that training uses. */
static void ours(void *data) {
    const rlc_node *node = data;
    node->run(node);
}

enum { LARGE = 1024 };

static void product(void *data) {
    if (!rlc__onednn_sgemm(data)) {
        exit(1);
    }
}

static double limit(rlc_device *cpu) {
    rlc_tensor *t[3];
    for (int i = 0; i < 3; i++) {
        t[i] = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(LARGE, LARGE));
    }
    rlc_sgemm_call call = {.m = LARGE, .n = LARGE, .k = LARGE, .a = t[0]->data, .b = t[1]->data, .c = t[2]->data};
    const double seconds = bench_time(product, &call);
    for (int i = 0; i < 3; i++) {
        rlc_tensor_free(t[i]);
    }
    return 2.0 * LARGE * LARGE * LARGE / seconds;
}

/* Seconds of one of the three products. */
static double time_of(rlc_device *cpu, rlc_op op, const rlc_conv_shape *c, rlc_tensor *x, rlc_tensor *w,
                      rlc_tensor *y) {
    rlc_tensor *room = rlc_tensor_new(cpu, RLC_U8, RLC_SHAPE((int64_t)cpu->conv_room(op, RLC_F32, c)));
    rlc_node node = {.op = (uint16_t)op, .run = cpu->kernel[op][RLC_F32], .aux = c, .more = &room, .num_more = 1};
    node.out = op == RLC_OP_conv2d ? y : op == RLC_OP_conv2d_input ? x : w;
    node.in[0] = op == RLC_OP_conv2d ? x : y;
    node.in[1] = op == RLC_OP_conv2d_weight ? x : w;
    const double seconds = bench_time(ours, &node);
    rlc_tensor_free(room);
    return seconds;
}

int main(void) {
    static const rlc_op ops[] = {RLC_OP_conv2d, RLC_OP_conv2d_weight, RLC_OP_conv2d_input};
    rlc_device *cpu;
    bench_check(rlc_device_open("cpu", &cpu));
    printf("convolutions, one thread, %s; GFLOP/s, and the share of oneDNN's product of %d x %d x %d:\n",
           cpu->description, (int)LARGE, (int)LARGE, (int)LARGE);
    printf("  %-22s %-26s %16s %16s %16s\n", "", "", "forward", "weights", "inputs");
    for (int i = 0; i < RLC_COUNT(shapes); i++) {
        const int64_t k = shapes[i].kernel, s = shapes[i].stride;
        rlc_conv_shape c = {.images = shapes[i].images,
                            .groups = 1,
                            .in = shapes[i].in,
                            .out = shapes[i].out,
                            .size = {shapes[i].height, shapes[i].width},
                            .kernel = {k, k},
                            .stride = {s, s},
                            .dilation = {1, 1}};
        c.count[0] = (c.size[0] - k) / s + 1;
        c.count[1] = (c.size[1] - k) / s + 1;
        rlc_tensor *x = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(c.images, c.in, c.size[0], c.size[1]));
        rlc_tensor *w = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(c.out, c.in, k, k));
        rlc_tensor *y = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(c.images, c.out, c.count[0], c.count[1]));
        const double flop =
            2 * (double)c.images * (double)c.out * (double)rlc_conv_places(&c) * (double)rlc_conv_taps(&c);
        char text[64];
        snprintf(text, sizeof text, "%lld: %lldx%lldx%lld -> %lld, %lldx%lld/%lld", (long long)c.images,
                 (long long)c.in, (long long)c.size[0], (long long)c.size[1], (long long)c.out, (long long)k,
                 (long long)k, (long long)s);
        printf("  %-22s %-26s", shapes[i].what, text);
        const double most = limit(cpu);
        for (int o = 0; o < RLC_COUNT(ops); o++) {
            const double speed = flop / time_of(cpu, ops[o], &c, x, w, y);
            printf(" %9.1f (%.2f)", speed * 1e-9, speed / most);
        }
        printf("\n");
        rlc_tensor_free(x);
        rlc_tensor_free(w);
        rlc_tensor_free(y);
    }
    return 0;
}
