/* dqn.c: recipes/dqn.yaml from its first frame to its last, beside what its matrix products alone take in oneDNN in the
 * same run, and where the rest goes. */
#include <string.h>
#include <sys/resource.h>

#include "bench/bench.h"
#include "core/matrix.h"
#include "kernels/cpu/gemm.h"
#include "recipes/run.h"

/* What is measured of a program: its running as a whole, or every node by itself, which costs the reading of a clock. */
static double op_time[RLC_OP_COUNT], run_time;
static long op_count[RLC_OP_COUNT];
static rlc_status (*real_run)(rlc_device *, rlc_program *, int, int);

static rlc_status timed_run(rlc_device *device, rlc_program *p, int first, int last) {
    double start = bench_now();
    rlc_status status = real_run(device, p, first, last);
    run_time += bench_now() - start;
    return status;
}

static rlc_status profiled_run(rlc_device *device, rlc_program *p, int first, int last) {
    (void)device;
    double before = bench_now();
    for (int i = first; i < last; i++) {
        const rlc_node *node = &p->nodes[i];
        if (node->run != NULL) {
            node->run(node);
        }
        double after = bench_now();
        op_time[node->op] += after - before;
        op_count[node->op]++;
        before = after;
    }
    return p->status;
}

static rlc_run *load(void) {
    rlc_run *run;
    bench_check(rlc_run_load("recipes/dqn.yaml", NULL, 0, &run));
    return run;
}

/* The products that one round of collecting and learning records, to be done again by oneDNN on the same memory. */
enum { MAX_CALLS = 256 };
typedef struct products {
    rlc_sgemm_call calls[MAX_CALLS];
    int count;
} products;

static void add_products(products *list, const rlc_program *p) {
    for (int i = 0; i < p->num_nodes; i++) {
        const rlc_node *node = &p->nodes[i];
        rlc_sgemm_call *g = &list->calls[list->count];
        if (node->op == RLC_OP_linear) {
            const rlc_tensor *weight = node->in[1];
            *g = (rlc_sgemm_call){.m = node->out->numel / weight->shape[0],
                                  .n = weight->shape[0],
                                  .k = weight->shape[1],
                                  .b = weight->data,
                                  .tb = true};
        } else if (node->op == RLC_OP_gemm) {
            const rlc_gemm_aux *aux = node->aux;
            *g = (rlc_sgemm_call){
                .m = aux->m, .n = aux->n, .k = aux->k, .b = node->in[1]->data, .ta = aux->ta, .tb = aux->tb};
        } else {
            continue;
        }
        g->a = node->in[0]->data;
        g->c = node->out->data;
        list->count = list->count < MAX_CALLS - 1 ? list->count + 1 : list->count;
    }
}

static double time_products(const products *list, long rounds) {
    double start = bench_now();
    for (long r = 0; r < rounds; r++) {
        for (int i = 0; i < list->count; i++) {
            if (!rlc__onednn_sgemm(&list->calls[i])) {
                exit(1);
            }
        }
    }
    return bench_now() - start;
}

static int by_time(const void *a, const void *b) {
    double x = op_time[*(const int *)a], y = op_time[*(const int *)b];
    return (x < y) - (x > y);
}

enum { ROUNDS = 5000 };

/* Seconds that a tenth of the run takes while the device runs programs by `run_function`. */
static double time_rounds(rlc_run *run, rlc_status (*run_function)(rlc_device *, rlc_program *, int, int)) {
    run->device->run = run_function;
    double start = bench_now();
    for (int i = 0; i < ROUNDS; i++) {
        bench_check(rlc_run_iterate(run));
    }
    run->device->run = real_run;
    return bench_now() - start;
}

static void print_ops(double total) {
    int order[RLC_OP_COUNT];
    double clock_cost = 1e30;
    for (int i = 0; i < 1000; i++) {
        double start = bench_now(), taken = bench_now() - start;
        clock_cost = taken < clock_cost ? taken : clock_cost;
    }
    for (int i = 0; i < RLC_OP_COUNT; i++) {
        order[i] = i;
        op_time[i] -= (double)op_count[i] * clock_cost;
    }
    qsort(order, RLC_OP_COUNT, sizeof *order, by_time);
    for (int i = 0; i < 12; i++) {
        int op = order[i];
        printf("    %-20s %3ld nodes  %6.2f us  %4.1f%%\n", rlc_op_name((rlc_op)op), op_count[op] / ROUNDS,
               op_time[op] / ROUNDS * 1e6, 100 * op_time[op] / total);
    }
}

static void print_profile(void) {
    rlc_run *run = load();
    real_run = run->device->run;
    *run->collector->frames = run->collector->init_random_frames;
    time_rounds(run, real_run); /* warms up */
    double total = time_rounds(run, timed_run);
    int nodes = run->collecting->num_nodes + run->updating->num_nodes;
    printf("  one round (10 frames, 1 update) takes %.1f us: running %d nodes %.1f us; recording them, with dicts and "
           "modules, %.1f us\n  the nodes by op, each timed by itself:\n",
           total / ROUNDS * 1e6, nodes, run_time / ROUNDS * 1e6, (total - run_time) / ROUNDS * 1e6);
    time_rounds(run, profiled_run);
    print_ops(total);
    rlc_run_free(run);
}

int main(void) {
    rlc_run *run = load();
    double start = bench_now();
    bench_check(rlc_run_train(run, NULL));
    double total = bench_now() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    products list = {.count = 0};
    add_products(&list, run->collecting);
    add_products(&list, run->updating);
    double floor = time_products(&list, (long)*run->updates);
    printf("recipes/dqn.yaml, %lld frames, %lld updates, one thread, %s:\n", (long long)*run->collector->frames,
           (long long)*run->updates, run->device->description);
    printf("  %.2f s (%.0f frames/s); its matrix products alone in oneDNN %.2f s; ratio %.2f\n", total,
           (double)*run->collector->frames / total, floor, total / floor);
    printf("  largest resident size %.0f MB\n", (double)usage.ru_maxrss / 1024);
    rlc_run_free(run);
    print_profile();
    return 0;
}
