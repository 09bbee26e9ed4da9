/* What changes from step to step on another device against the CPU: draws and their counters, environments, optimisers,
 * priorities and rings. Each takes several steps, so that a device that replays a step must read what has changed. */
#include "core/priority.h"
#include "core/update.h"
#include "tests/parity.h"
#include "tests/world.h"

/* What a test keeps on each device, roots that steps change. */
enum { MAX_KEPT = 8, STEPS = 6 };
typedef struct kept {
    rlc_tensor *t[MAX_KEPT];
    rlc_stream *stream;
    int64_t now; /* the step */
} kept;

static kept both[2];

static void start_kept(void) {
    parity_cases++;
    parity_seed++;
    for (int i = 0; i < 2; i++) {
        memset(&both[i], 0, sizeof both[i]);
        both[i].stream = rlc_stream_new(sides[i].device, 7, "parity");
        assert_non_null(both[i].stream);
    }
}

static void free_kept(void) {
    for (int i = 0; i < 2; i++) {
        rlc_stream_free(both[i].stream);
        for (int k = 0; k < MAX_KEPT; k++) {
            rlc_tensor_free(both[i].t[k]);
        }
    }
}

static void keep_root(int k, rlc_dtype dtype, rlc_shape shape, numbers kind) {
    for (int i = 0; i < 2; i++) {
        both[i].t[k] = root_on(sides[i].device, dtype, shape, kind, k);
    }
}

static void write_root(int k, const void *data) {
    for (int i = 0; i < 2; i++) {
        expect_ok(rlc_tensor_write(both[i].t[k], data));
    }
}

/* Reads everything that lasts, and the result of the step if it has one; three at a time is what a side keeps. */
static void compare_kept(const char *what, double tolerance) {
    for (int k = 0; k < MAX_KEPT; k++) {
        if (both[0].t[k] != NULL) {
            for (int i = 0; i < 2; i++) {
                keep(&sides[i], both[i].t[k]);
            }
            compare_results(what, tolerance);
            forget(&sides[0]);
            forget(&sides[1]);
        }
    }
    for (int i = 0; i < 2; i++) {
        keep(&sides[i], both[i].stream->counter);
    }
    compare_results(what, 0);
    forget(&sides[0]);
    forget(&sides[1]);
}

/* Takes the step on both devices, several times. `f` may return a result to compare. */
static void take_steps(const char *what, rlc_tensor *(*f)(kept *k, const void *data), const void *data,
                       double tolerance) {
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < 2; i++) {
            both[i].now = step;
            rlc_begin(sides[i].program);
            rlc_tensor *y = f(&both[i], data);
            if (y != NULL) {
                keep(&sides[i], y);
            }
            if (rlc_end(sides[i].program) != RLC_OK) {
                fail_msg("%s on %s: %s", what, sides[i].device->name, rlc_error());
            }
        }
        compare_results(what, tolerance);
        forget(&sides[0]);
        forget(&sides[1]);
        compare_kept(what, tolerance);
    }
}

typedef struct drawing {
    const char *how;
    int64_t n;
} drawing;

static rlc_tensor *draw(kept *k, const void *data) {
    const drawing *d = data;
    const rlc_shape shape = RLC_SHAPE(d->n);
    switch (d->how[0]) {
    case 'u': return rlc_rand(k->stream, shape);
    case 'n': return rlc_randn(k->stream, shape);
    case 'm': return rlc_normal_draw(k->stream, rlc_arange(RLC_F32, d->n), rlc_full(RLC_F32, RLC_SHAPE(1), 0.3));
    case 'i': return rlc_randint(k->stream, -5, 1000003, shape);
    case 'p': return rlc_randperm(k->stream, d->n);
    case 'b': return rlc_bernoulli(k->stream, rlc_full(RLC_F32, shape, 0.3));
    case 'c': return rlc_random_categorical(k->stream, rlc_mul_scalar(rlc_randn(k->stream, RLC_SHAPE(d->n, 7)), 3));
    default: return rlc_random_index(k->stream, rlc_full(RLC_I64, RLC_SHAPE(1), 12345), d->n);
    }
}

static void test_draws(void **state) {
    (void)state;
    static const char *const ways[] = {"uniform",     "normal",    "moved normal", "integer",
                                       "permutation", "bernoulli", "categorical",  "from"};
    static const int64_t counts[] = {0, 1, 2, 5, 64, 1023, 2048, 5000, 20000};
    for (int w = 0; w < RLC_COUNT(ways); w++) {
        for (int c = 0; c < RLC_COUNT(counts); c++) {
            start_kept();
            take_steps(ways[w], draw, &(drawing){ways[w], counts[c]}, 0);
            free_kept();
        }
    }
}

/* The optimisers, with each of the things that they may keep; the counts of parameters are no multiples of anything. */
typedef struct optimiser {
    const char *what;
    int way;
    bool with;
} optimiser;

enum { PARAM, GRAD, FIRST, SECOND, THIRD, RATE, POWERS };

static rlc_tensor *optimise(kept *k, const void *data) {
    static const rlc_adam adam = {0.9, 0.999, 1e-8, 0.01, 0}, adamw = {0.9, 0.99, 1e-6, 0, 0.01};
    static const rlc_sgd sgd = {0.9, 0.1, 0.01, 1, 0}, plain = {0, 0, 0, 0, 0};
    static const rlc_rmsprop rmsprop = {0.99, 1e-8, 0.01, 0.9}, simple = {0.9, 1e-8, 0, 0};
    const optimiser *o = data;
    rlc_tensor **t = k->t;
    const bool was = rlc_no_grad(true);
    switch (o->way) {
    case 0:
        rlc_adam_tick(t[POWERS], o->with ? &adam : &adamw);
        rlc_adam_step(t[PARAM], t[GRAD], t[FIRST], t[SECOND], o->with ? t[THIRD] : NULL, t[POWERS], t[RATE],
                      o->with ? &adam : &adamw);
        break;
    case 1: rlc_sgd_step(t[PARAM], t[GRAD], o->with ? t[FIRST] : NULL, t[RATE], o->with ? &sgd : &plain); break;
    case 2:
        rlc_rmsprop_step(t[PARAM], t[GRAD], t[FIRST], o->with ? t[SECOND] : NULL, o->with ? t[THIRD] : NULL, t[RATE],
                         o->with ? &rmsprop : &simple);
        break;
    case 3: rlc_lerp(t[PARAM], t[GRAD], 0.3); break;
    case 4: rlc_clip_grad_value((rlc_tensor *[]){t[GRAD], t[PARAM]}, 2, o->with ? 1.25 : 100); break;
    default: {
        rlc_tensor *grads[] = {t[GRAD], t[FIRST], t[PARAM]};
        rlc_tensor *norm = rlc_clip_grad_norm(grads, 3, o->with ? 0.7 : 1e6);
        rlc_no_grad(was);
        return norm;
    }
    }
    /* another gradient and another rate for the next step */
    rlc_assign(t[GRAD], rlc_mul_scalar(t[GRAD], -0.9));
    rlc_assign(t[RATE], rlc_mul_scalar(t[RATE], 0.8));
    rlc_no_grad(was);
    return NULL;
}

static void test_optimisers(void **state) {
    (void)state;
    static const char *const names[] = {"adam", "sgd", "rmsprop", "lerp", "clip by value", "clip by norm"};
    static const int64_t counts[] = {1, 7, 300, 70001};
    for (int i = 0; i < RLC_COUNT(names) * RLC_COUNT(counts) * 4; i++) {
        const optimiser o = {names[i / 4 / RLC_COUNT(counts)], i / 4 / RLC_COUNT(counts), i & 1};
        const rlc_dtype dtype = i & 2 ? RLC_F64 : RLC_F32;
        const rlc_shape shape = RLC_SHAPE(counts[i / 4 % RLC_COUNT(counts)]);
        start_kept();
        for (int k = PARAM; k <= THIRD; k++) {
            keep_root(k, dtype, shape, k <= GRAD ? SIGNED : UNIT);
        }
        keep_root(RATE, RLC_F32, RLC_SHAPE(1), UNIT);
        keep_root(POWERS, RLC_F64, RLC_SHAPE(3), UNIT);
        write_root(POWERS, (double[]){0, 1, 1});
        take_steps(o.what, optimise, &o, 0);
        free_kept();
    }
}

/* More gradients than a launch takes, of which some are long. */
static rlc_tensor *clip_many(kept *k, const void *data) {
    rlc_tensor *parts[40];
    (void)data;
    const bool was = rlc_no_grad(true);
    const int count = rlc_unbind(k->t[GRAD], 0, parts, RLC_COUNT(parts));
    parts[3] = k->t[FIRST];
    rlc_tensor *norm = rlc_clip_grad_norm(parts, count, 0.7);
    rlc_no_grad(was);
    return norm;
}

static void test_clipping_of_many(void **state) {
    (void)state;
    start_kept();
    keep_root(GRAD, RLC_F32, RLC_SHAPE(40, 300), SIGNED);
    keep_root(FIRST, RLC_F32, RLC_SHAPE(70001), SIGNED);
    take_steps("clip many", clip_many, NULL, 0);
    free_kept();
}

/* More sums than a launch takes; the values of both types. */
static rlc_tensor *tally_many(kept *k, const void *data) {
    rlc_tensor *totals[40], *values[40];
    (void)data;
    const bool was = rlc_no_grad(true);
    const int count = rlc_unbind(k->t[PARAM], 0, totals, RLC_COUNT(totals));
    rlc_unbind(k->t[GRAD], 0, values, RLC_COUNT(values));
    values[7] = rlc_cast(values[7], RLC_F64);
    rlc_tally(totals, values, count);
    rlc_no_grad(was);
    return NULL;
}

static void test_tallies(void **state) {
    (void)state;
    start_kept();
    keep_root(PARAM, RLC_F64, RLC_SHAPE(40), SIGNED);
    keep_root(GRAD, RLC_F32, RLC_SHAPE(40), SIGNED);
    take_steps("tally", tally_many, NULL, 0);
    free_kept();
}

/* A ring with priorities: rows come, rows are drawn, their priorities change. */
enum { TREE, LARGEST, CURSOR, STORAGE, BETA };
typedef struct replaying {
    rlc_priority settings;
    int64_t rows, sample;
} replaying;

static rlc_tensor *replay(kept *k, const void *data) {
    const replaying *r = data;
    rlc_tensor **t = k->t;
    const bool was = rlc_no_grad(true);
    rlc_priority_extend(t[TREE], t[LARGEST], t[CURSOR], r->rows, &r->settings);
    rlc_ring_write(t[STORAGE], rlc_rand(k->stream, RLC_SHAPE(r->rows, 3)), t[CURSOR]);
    rlc_ring_advance(t[CURSOR], r->rows, r->settings.capacity);
    rlc_tensor *index = rlc_priority_sample(k->stream, t[TREE], r->sample);
    rlc_tensor *weight = rlc_priority_weight(t[TREE], index, t[BETA]);
    rlc_tensor *error = rlc_mul_scalar(rlc_randn(k->stream, RLC_SHAPE(r->sample)), 2);
    rlc_priority_update(t[TREE], t[LARGEST], index, error, &r->settings);
    rlc_tensor *seen = rlc_sum(rlc_index_select(t[STORAGE], index), 1, false);
    rlc_no_grad(was);
    return rlc_stack((rlc_tensor *[]){weight, seen}, 2, 0);
}

static void test_replay(void **state) {
    (void)state;
    static const int64_t capacities[] = {1, 5, 64, 1000};
    for (int i = 0; i < RLC_COUNT(capacities); i++) {
        const int64_t capacity = capacities[i];
        const replaying r = {{0.7, 1e-6, capacity}, capacity < 3 ? 1 : capacity / 3, 300};
        start_kept();
        keep_root(TREE, RLC_F64, rlc_priority_shape(capacity), UNIT);
        for (int d = 0; d < 2; d++) {
            expect_ok(rlc_priority_clear(both[d].t[TREE]));
        }
        keep_root(LARGEST, RLC_F64, RLC_SHAPE(1), UNIT);
        write_root(LARGEST, &(double){1});
        keep_root(CURSOR, RLC_I64, RLC_SHAPE(2), UNIT);
        write_root(CURSOR, (int64_t[]){0, 0});
        keep_root(STORAGE, RLC_F32, RLC_SHAPE(capacity, 3), SIGNED);
        keep_root(BETA, RLC_F32, RLC_SHAPE(1), UNIT);
        take_steps("replay", replay, &r, is_emulated() ? 0 : 1e-6); /* pow in double, on a GPU */
        free_kept();
    }
}

/* Environments: whole episodes of random actions, the state that lasts included. */
static rlc_env *envs[2];

static void step_envs(const char *what, int steps) {
    for (int i = 0; i < 2; i++) {
        rlc_env *env = envs[i];
        const rlc_shape batch = RLC_SHAPE(env->num_envs);
        rlc_begin(sides[i].program);
        rlc_dict *td = rlc_env_kept(env);
        rlc_tensor *rewards[64], *observations[64];
        for (int t = 0; t < steps; t++) {
            rlc_dict_set(td, "action", rlc_spec_sample(&env->action, batch, env->action_stream));
            rlc_dict *now = td;
            td = rlc_env_step(env, now);
            rewards[t] = rlc_dict_get(now, "next.reward");
            observations[t] = rlc_dict_get_key(rlc_dict_get_dict(now, "next"), env->shown);
        }
        rlc_env_keep(env, td);
        keep(&sides[i], rlc_stack(rewards, steps, 0));
        keep(&sides[i], rlc_stack(observations, steps, 0));
        keep(&sides[i], rlc_dict_get_key(td, env->shown));
        if (rlc_end(sides[i].program) != RLC_OK) {
            fail_msg("%s on %s: %s", what, sides[i].device->name, rlc_error());
        }
    }
    compare_results(what, 0);
    forget(&sides[0]);
    forget(&sides[1]);
}

static void test_environments(void **state) {
    (void)state;
    static const char *const options[] = {
        "{type: CartPole, num_envs: 1}",
        "{type: CartPole, num_envs: 300, action_encoding: categorical}",
        "{type: CartPole, num_envs: 5000, max_episode_steps: 20}",
        "{type: Acrobot, num_envs: 7, max_episode_steps: 50}",
        "{type: MountainCar, num_envs: 33, action_encoding: categorical, max_episode_steps: 30}",
        "{type: MountainCarContinuous, num_envs: 40, max_episode_steps: 30}",
        "{type: Pendulum, num_envs: 65, max_episode_steps: 40}",
        "{type: Catch, num_envs: 70}",
        "{type: Breakout, num_envs: 33}",
        "{type: Breakout, size: atari, num_envs: 3, action_encoding: categorical, max_episode_steps: 20}",
        "{type: Pong, num_envs: 31}",
        /* on the host, with numbers for it and from it going to and fro */
        "{type: CartPole, num_envs: 300, device: cpu}",
        "{type: Acrobot, num_envs: 7, action_encoding: categorical, max_episode_steps: 50, device: cpu}",
        "{type: Pendulum, num_envs: 1, max_episode_steps: 40, device: cpu, transforms: [{type: VecNorm}]}",
        "{type: CartPole, num_envs: 40, device: cpu, transforms: [{type: StepCounter, max_steps: 9}]}",
        "{type: Breakout, num_envs: 33, device: cpu}",
    };
    for (int k = 0; k < RLC_COUNT(options); k++) {
        parity_cases++;
        for (int i = 0; i < 2; i++) {
            expect_ok(rlc_env_make(world_registry(), sides[i].device, 3, options[k], &envs[i]));
        }
        for (int chunk = 0; chunk < 12; chunk++) {
            step_envs(options[k], 16);
        }
        for (int s = 0; s < envs[0]->state.count; s++) {
            for (int i = 0; i < 2; i++) {
                keep(&sides[i], envs[i]->state.items[s].tensor);
            }
            compare_results(envs[0]->state.items[s].name, 0);
            forget(&sides[0]);
            forget(&sides[1]);
        }
        rlc_env_stats stats;
        expect_ok(rlc_env_read_stats(envs[1], &stats));
        assert_true(stats.frames == 12 * 16 * envs[1]->num_envs && stats.episodes > 0);
        rlc_env_free(envs[0]);
        rlc_env_free(envs[1]);
    }
}

/* Memory that the host reaches, too, is read and written in order with what is launched. */
static void test_memory_of_both(void **state) {
    (void)state;
    rlc_device *device = sides[1].device;
    rlc_tensor *x = rlc_tensor_new(device->shared, RLC_F32, RLC_SHAPE(3));
    for (int round = 0; round < 4; round++) {
        float got[3];
        expect_ok(rlc_tensor_write(x, (float[]){(float)round, 1, 2}));
        for (int step = 0; step < 2; step++) {
            rlc_begin(sides[1].program);
            rlc_assign(x, rlc_add_scalar(rlc_mul_scalar(x, 2), 1));
            expect_ok(rlc_end(sides[1].program));
        }
        if (round % 2 == 0) {
            expect_ok(rlc_tensor_read(x, got));
            assert_true(got[0] == 4 * (float)round + 3 && got[1] == 7 && got[2] == 11);
        }
    }
    rlc_tensor_free(x);
    parity_cases++;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_draws, fresh_start),
        cmocka_unit_test_setup(test_optimisers, fresh_start),
        cmocka_unit_test_setup(test_clipping_of_many, fresh_start),
        cmocka_unit_test_setup(test_tallies, fresh_start),
        cmocka_unit_test_setup(test_replay, fresh_start),
        cmocka_unit_test_setup(test_environments, fresh_start),
        cmocka_unit_test_setup(test_memory_of_both, fresh_start),
    };
    return cmocka_run_group_tests_name("steps on another device", tests, open_sides, close_sides);
}
