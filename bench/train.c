/* train.c: recipes from their first frame to their last, each beside what its matrix products alone take in oneDNN in the
 * same run, and where the rest goes.
 *
 *     build/bench/train                       all of them
 *     build/bench/train recipes/sac.yaml      this one */
#include <string.h>
#include <sys/resource.h>

#include "bench/bench.h"
#include "core/matrix.h"
#include "kernels/cpu/gemm.h"
#include "recipes/run.h"

/* What else is known to have done the same work, on a machine with AVX-512 (docs/results.md says which). */
static const struct {
    const char *recipe, *peer;
    double seconds;
} works[] = {
    {"recipes/dqn.yaml", NULL, 0},
    {"recipes/ppo.yaml", "CleanRL", 187},
    {"bench/pendulum_sac.yaml", "RLtools", 1.586},
    {"bench/pendulum_td3.yaml", "RLtools", 1.248},
    {"bench/pendulum_ppo.yaml", "RLtools", 0.418},
};

/* Every run of a program goes through one of these while it is looked at. */
typedef rlc_status run_function(rlc_device *, rlc_program *, int, int);
static run_function *real_run;

static double run_time;
static long num_nodes;

static rlc_status timed_run(rlc_device *device, rlc_program *p, int first, int last) {
    double start = bench_now();
    rlc_status status = real_run(device, p, first, last);
    run_time += bench_now() - start;
    num_nodes += last - first;
    return status;
}

/* Every node by itself, which costs the reading of a clock. */
static double op_time[RLC_OP_COUNT];
static long op_count[RLC_OP_COUNT];

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

/* The products that some rounds of collecting and learning run, to be done again by oneDNN on the same memory. */
enum { MAX_CALLS = 1 << 17 };
static rlc_sgemm_call products[MAX_CALLS];
static int num_products;

static void add_product(const rlc_node *node) {
    rlc_sgemm_call g;
    if (node->op == RLC_OP_linear) {
        const rlc_tensor *weight = node->in[1];
        g = (rlc_sgemm_call){.m = node->out->numel / weight->shape[0],
                             .n = weight->shape[0],
                             .k = weight->shape[1],
                             .b = weight->data,
                             .tb = true};
    } else if (node->op == RLC_OP_gemm) {
        const rlc_gemm_aux *aux = node->aux;
        g = (rlc_sgemm_call){
            .m = aux->m, .n = aux->n, .k = aux->k, .b = node->in[1]->data, .ta = aux->ta, .tb = aux->tb};
    } else {
        return;
    }
    g.a = node->in[0]->data;
    g.c = node->out->data;
    if (num_products == MAX_CALLS) {
        fprintf(stderr, "bench/train.c: more than %d matrix products a round\n", MAX_CALLS);
        exit(1);
    }
    products[num_products++] = g;
}

static rlc_status listing_run(rlc_device *device, rlc_program *p, int first, int last) {
    for (int i = first; i < last; i++) {
        add_product(&p->nodes[i]);
    }
    return real_run(device, p, first, last);
}

static void run_products(void *unused) {
    (void)unused;
    for (int i = 0; i < num_products; i++) {
        if (!rlc__onednn_sgemm(&products[i])) {
            exit(1);
        }
    }
}

/* Without evaluations: training alone is what others time. */
static rlc_run *load(const char *recipe) {
    static const char *const overrides[] = {"eval=null"};
    rlc_run *run;
    bench_check(rlc_run_load(recipe, overrides, RLC_COUNT(overrides), &run));
    real_run = run->device->run;
    return run;
}

/* Seconds of so many rounds, each a batch and the updates from it, while programs are run by `function`. */
static double time_rounds(rlc_run *run, run_function *function, long rounds) {
    run->device->run = function;
    double start = bench_now();
    for (long i = 0; i < rounds; i++) {
        bench_check(rlc_run_iterate(run));
    }
    run->device->run = real_run;
    return bench_now() - start;
}

static int by_time(const void *a, const void *b) {
    double x = op_time[*(const int *)a], y = op_time[*(const int *)b];
    return (x < y) - (x > y);
}

static void print_ops(double total, long rounds) {
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
    for (int i = 0; i < 10; i++) {
        int op = order[i];
        printf("    %-20s %7.1f nodes  %9.2f us  %4.1f%%\n", rlc_op_name((rlc_op)op),
               (double)op_count[op] / (double)rounds, op_time[op] / (double)rounds * 1e6, 100 * op_time[op] / total);
    }
}

/* Rounds that take about half a second. */
static long rounds_to_look_at(rlc_run *run) {
    *run->collector->frames = run->collector->init_random_frames;
    long rounds = 2;
    while (time_rounds(run, real_run, rounds) < 0.5) {
        rounds *= 2;
    }
    return rounds;
}

static void print_profile(const char *recipe) {
    rlc_run *run = load(recipe);
    long rounds = rounds_to_look_at(run);
    run_time = 0;
    num_nodes = 0;
    memset(op_time, 0, sizeof op_time);
    memset(op_count, 0, sizeof op_count);
    double total = time_rounds(run, timed_run, rounds), each = 1e6 / (double)rounds;
    printf(
        "  one round (%lld frames) takes %.1f us: running %.0f nodes %.1f us; recording them, with dicts and modules, "
        "%.1f us\n  the nodes by op, each timed by itself:\n",
        (long long)run->collector->frames_per_batch, total * each, (double)num_nodes / (double)rounds, run_time * each,
        (total - run_time) * each);
    time_rounds(run, profiled_run, rounds);
    print_ops(total, rounds);
    rlc_run_free(run);
}

/* Two rounds, because an actor may be delayed; what they record is what all record. */
static double time_floor(rlc_run *run) {
    num_products = 0;
    time_rounds(run, listing_run, 2);
    int64_t learned = run->collector->total_frames - run->collector->init_random_frames;
    return bench_time(run_products, NULL) / 2 * (double)learned / (double)run->collector->frames_per_batch;
}

static void bench(const char *recipe, const char *peer, double peer_seconds) {
    rlc_run *run = load(recipe);
    double start = bench_now();
    bench_check(rlc_run_train(run, NULL));
    double total = bench_now() - start, floor = time_floor(run);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s, %lld frames, %lld updates, one thread, %s:\n", recipe, (long long)run->collector->total_frames,
           (long long)*run->updates, run->device->description);
    printf("  %.2f s (%.0f frames/s); its matrix products alone in oneDNN %.2f s; ratio %.2f\n", total,
           (double)run->collector->total_frames / total, floor, total / floor);
    if (peer != NULL) {
        printf("  %s took %.3g s for this work: %.2f of that\n", peer, peer_seconds, total / peer_seconds);
    }
    printf("  largest resident size %.0f MB\n", (double)usage.ru_maxrss / 1024);
    rlc_run_free(run);
    print_profile(recipe);
    fflush(stdout);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        bench(argv[i], NULL, 0);
    }
    for (int i = 0; argc == 1 && i < RLC_COUNT(works); i++) {
        bench(works[i].recipe, works[i].peer, works[i].seconds);
    }
    return 0;
}
