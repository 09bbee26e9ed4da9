/* env.c: CartPole, 1024 environments, through rlc_env_step with given actions and auto-reset, beside a plain C loop over
 * the same step function without any of that. */
#include "bench/bench.h"
#include "core/record.h"
#include "envs/cartpole_step.h"
#include "envs/env.h"
#include "recipes/builtin.h"

enum { ENVS = 1024, STEPS = 64 };

typedef struct world {
    rlc_env *env;
    rlc_program *program;
    rlc_tensor *actions[STEPS]; /* one-hot, as the environment reads them */
} world;

/* The same dict is kept from step to step, so that what is measured is stepping and not collecting. */
static void step_all(void *data) {
    const world *w = data;
    rlc_begin(w->program);
    rlc_dict *td = rlc_env_kept(w->env);
    for (int t = 0; t < STEPS; t++) {
        rlc_dict_set(td, "action", w->actions[t]);
        td = rlc_env_step(w->env, td);
    }
    rlc_env_keep(w->env, td);
    bench_check(rlc_end(w->program));
}

typedef struct plain {
    float state[4][ENVS], reward[ENVS];
    int action[ENVS], done[ENVS];
} plain;

static void step_plain(void *data) {
    plain *p = data;
    for (int i = 0; i < ENVS; i++) {
        float state[4] = {p->state[0][i], p->state[1][i], p->state[2][i], p->state[3][i]};
        p->done[i] = cartpole_step(state, p->action[i], &p->reward[i]);
        for (int k = 0; k < 4; k++) {
            p->state[k][i] = p->done[i] ? 0 : state[k];
        }
    }
}

int main(void) {
    rlc_registry *registry;
    rlc_device *cpu;
    world w = {0};
    bench_check(rlc_registry_new(&registry));
    bench_check(rlc_device_open("cpu", &cpu));
    bench_check(rlc_env_make(registry, cpu, 1, "{type: CartPole, num_envs: 1024}", &w.env));
    bench_check(rlc_program_new(cpu, "bench", &w.program));
    for (int t = 0; t < STEPS; t++) {
        w.actions[t] = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(ENVS, 2));
        rlc_begin(w.program);
        rlc_assign(w.actions[t], rlc_spec_sample(&w.env->action, RLC_SHAPE(ENVS), w.env->action_stream));
        bench_check(rlc_end(w.program));
    }
    static plain p;
    for (int i = 0; i < ENVS; i++) {
        p.action[i] = i % 3 == 0;
    }
    double ours = bench_time(step_all, &w) / STEPS / ENVS, floor = bench_time(step_plain, &p) / ENVS;
    rlc_env_stats stats;
    bench_check(rlc_env_read_stats(w.env, &stats));
    printf("CartPole, %d environments, rlc_env_step with one-hot actions and auto-reset:\n", ENVS);
    printf("  %.0f million steps/s (%lld episodes ended); a plain C loop over the same function: %.0f million\n",
           1e-6 / ours, (long long)stats.episodes, 1e-6 / floor);
    rlc_program_free(w.program);
    rlc_env_free(w.env);
    rlc_registry_free(registry);
    return 0;
}
