/* record.c: what recording costs: nanoseconds a node, apart from running it. */
#include "bench/bench.h"
#include "core/device.h"
#include "core/op.h"
#include "core/program.h"

enum { NODES = 300 };

typedef struct operands {
    rlc_tensor *a, *b, *scalar, *matrix, *row, *x, *weight, *bias;
} operands;

static rlc_tensor *add(const operands *o) {
    return rlc_add(o->a, o->b);
}

static rlc_tensor *add_scalar(const operands *o) {
    return rlc_add_scalar(o->a, 1);
}

static rlc_tensor *scale(const operands *o) {
    return rlc_mul(o->a, o->scalar);
}

static rlc_tensor *add_row(const operands *o) {
    return rlc_add(o->matrix, o->row);
}

static rlc_tensor *sum(const operands *o) {
    return rlc_sum(o->matrix, -1, true);
}

static rlc_tensor *layer(const operands *o) {
    return rlc_affine(o->x, o->weight, o->bias, RLC_RELU);
}

static rlc_tensor *assign(const operands *o) {
    rlc_assign(o->b, o->a);
    return o->b;
}

static void measure(rlc_program *p, const operands *o, const char *name, rlc_tensor *(*f)(const operands *)) {
    double record = 1e30, run = 1e30;
    for (int round = 0; round < 2000; round++) {
        rlc_begin(p);
        double start = bench_now();
        for (int i = 0; i < NODES; i++) {
            f(o);
        }
        double recorded = bench_now();
        bench_check(rlc_end(p));
        double done = bench_now();
        record = recorded - start < record ? recorded - start : record;
        run = done - recorded < run ? done - recorded : run;
    }
    printf("  %-28s record %5.1f ns  run %6.1f ns\n", name, record / NODES * 1e9, run / NODES * 1e9);
}

int main(void) {
    rlc_device *cpu;
    rlc_program *p;
    bench_check(rlc_device_open("cpu", &cpu));
    bench_check(rlc_program_new(cpu, "bench", &p));
    const operands o = {
        .a = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1, 4)),
        .b = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1, 4)),
        .scalar = rlc_tensor_new(cpu, RLC_F32, (rlc_shape){0}),
        .matrix = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(3, 4)),
        .row = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(4)),
        .x = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1, 4)),
        .weight = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(8, 4)),
        .bias = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(8)),
    };
    printf("recording and running a node, tensors of a few elements:\n");
    measure(p, &o, "add", add);
    measure(p, &o, "add a number", add_scalar);
    measure(p, &o, "multiply by a 0-d tensor", scale);
    measure(p, &o, "add a row to a matrix", add_row);
    measure(p, &o, "sum of rows", sum);
    measure(p, &o, "layer 4 -> 8 with relu", layer);
    measure(p, &o, "assign", assign);
    return 0;
}
