/* pixels.c: what an update of recipes/dqn_pixels.yaml takes: its samples, the two networks, the gradient, the optimiser.
 *
 *     build/bench/pixels                      this side
 *     PYTHON=python3 bench/pixels.sh          beside PyTorch doing the same work, one thread each */
#include "bench/bench.h"
#include "recipes/run.h"

enum { FEW = 1, MANY = 5, ROUNDS = 20 };

/* Rounds that differ in their updates alone: the best of them, for what the machine can do when nobody disturbs it. */
static double time_round(int updates) {
    char steps[64];
    snprintf(steps, sizeof steps, "train.optim_steps_per_batch=%d", updates);
    const char *const overrides[] = {"collector.init_random_frames=256", steps};
    rlc_run *run;
    double best = 1e30;
    bench_check(rlc_run_load("recipes/dqn_pixels.yaml", overrides, RLC_COUNT(overrides), &run));
    while (*run->collector->frames < run->collector->init_random_frames) {
        bench_check(rlc_run_iterate(run));
    }
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_now();
        bench_check(rlc_run_iterate(run));
        double taken = bench_now() - start;
        best = taken < best ? taken : best;
    }
    rlc_run_free(run);
    return best;
}

int main(void) {
    double few = time_round(FEW), update = (time_round(MANY) - few) / (MANY - FEW);
    printf("recipes/dqn_pixels.yaml: an update takes %.1f ms; four frames %.1f ms\n", update * 1e3,
           (few - FEW * update) * 1e3);
    return 0;
}
