/* Another device from outside: opening it, what it says when something is wrong, replaying lists, whole runs. */
#include "core/safetensors.h"
#include "core/update.h"
#include "tests/command.h"
#include "tests/parity.h"
#include "tests/world.h"

/* The device here is open; what is set is for the runs that a test starts, and some may be left of a test that failed. */
static int forget_machine(void **state) {
    static const char *const variables[] = {"RLC_CUDA_HOST", "RLC_CUDA_HOST_MEMORY", "RLC_CUDA_SYNC", "RLC_EAGER",
                                            "RLC_LOG"};
    for (int i = 0; i < RLC_COUNT(variables); i++) {
        unsetenv(variables[i]);
    }
    return fresh_start(state);
}

static void test_names(void **state) {
    (void)state;
    rlc_device *device, *again;
    expect_ok(rlc_device_open(parity_device(), &device));
    expect_ok(rlc_device_open(parity_device(), &again));
    assert_ptr_equal(device, again);
    assert_false(device->memory.on_host);
    expect_error(rlc_device_open("cuda:", &device), RLC_INVALID, "device 'cuda:': behind the colon stands which one");
    expect_error(rlc_device_open("cuda:one", &device), RLC_INVALID, "counted from 0: cuda:1");
    expect_error(rlc_device_open("cuda:-1", &device), RLC_INVALID, "counted from 0");
    expect_error(rlc_device_open("cudas", &device), RLC_INVALID,
                 "there is no device 'cudas'; devices are cpu and cuda");
    expect_error(rlc_device_open("cuda-host:7", &device), RLC_FAILED,
                 "device cuda:7: there is no such GPU; the last one here is cuda:0");
}

/* A run with the emulated machine set up as RLC_CUDA_HOST says. */
static void expect_on_machine(const char *machine, const char *arguments, int status, const char *text) {
    setenv("RLC_CUDA_HOST", machine, 1);
    expect_rlrun(arguments, status, text);
    unsetenv("RLC_CUDA_HOST");
}

static void test_machines_without(void **state) {
    (void)state;
    expect_on_machine("none", "check recipes/dqn.yaml --device cuda-host", 1,
                      "the NVIDIA driver finds no GPU; use --device cpu");
    expect_on_machine("driver", "check recipes/dqn.yaml --device cuda-host", 1,
                      "there is no NVIDIA driver, or it is older than this build needs");
    expect_rlrun("check recipes/dqn.yaml --device cuda-host:3", 1, "there is no such GPU; the last one here is cuda:0");
    setenv("RLC_CUDA_HOST_MEMORY", "38000000", 1); /* cuBLAS wants most of it */
    expect_rlrun("check recipes/dqn.yaml --device cuda-host buffer.capacity=1_000_000", 1,
                 "buffer of 1000000 rows: out of device memory: 16 MB were asked for, 3.7 MB of 38 MB are free on ");
    unsetenv("RLC_CUDA_HOST_MEMORY");
}

/* CUDA tells of a kernel that failed whenever it likes; one op at a time is known by name. */
static void test_kernels_that_fail(void **state) {
    (void)state;
    const bool waits = getenv("RLC_CUDA_SYNC") != NULL; /* as `make check` has it */
    unsetenv("RLC_CUDA_SYNC");
    expect_on_machine("fault", "check recipes/dqn.yaml --device cuda-host", 1,
                      "an illegal memory access was encountered; program 'reset' ran last: RLC_EAGER=1 "
                      "RLC_CUDA_SYNC=1 finds out which op and module it was");
    setenv("RLC_EAGER", "1", 1);
    setenv("RLC_CUDA_SYNC", "1", 1);
    expect_on_machine("fault", "check recipes/dqn.yaml --device cuda-host", 1,
                      ": device cuda: running an op: an illegal memory access was encountered");
    unsetenv("RLC_EAGER");
    if (!waits) {
        unsetenv("RLC_CUDA_SYNC");
    }
}

static rlc_program *there(void) {
    return sides[1].program;
}

/* What kernels find wrong has the CPU's words, and does not stay. On a GPU it is known when something is read. */
static void test_faults(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        rlc_program *p = sides[i].program;
        int64_t number = 0;
        rlc_begin(p);
        p->where = "modules.choice";
        rlc_tensor *x = rlc_ones(RLC_F32, RLC_SHAPE(5));
        rlc_tensor *y = rlc_index_select(x, rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){0, 5}));
        float values[5];
        assert_int_equal(rlc_read(y, values), RLC_FAILED);
        expect_error(rlc_end(p), RLC_FAILED,
                     "modules.choice: index_select: index 5 is outside of a dimension of size 5");
        rlc_begin(p);
        int64_t places[100] = {[70] = 9, [80] = 3}; /* one long line */
        x = rlc_ones(RLC_F32, RLC_SHAPE(5));
        rlc_tensor *far =
            rlc_scatter_add(x, 0, rlc_from_data(RLC_I64, RLC_SHAPE(100), places), rlc_ones(RLC_F32, RLC_SHAPE(100)));
        assert_int_equal(rlc_read(far, values), RLC_FAILED);
        expect_error(rlc_end(p), RLC_FAILED, "scatter_add: index 9 is outside of a dimension of size 5");
        rlc_begin(p);
        rlc_stream *stream = rlc_stream_new(sides[i].device, 1, "empty");
        rlc_tensor *empty = rlc_random_index(stream, rlc_zeros(RLC_I64, RLC_SHAPE(1)), 1);
        assert_int_equal(rlc_read(empty, &number), RLC_FAILED);
        expect_error(rlc_end(p), RLC_FAILED,
                     "random_index: there is nothing to choose from: the replay buffer is empty");
        rlc_stream_free(stream);
        rlc_begin(p);
        assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(7)), RLC_ALL, false)) == 7);
        expect_ok(rlc_end(p));
    }
}

/* Memory that the host and a GPU share may run out, too; what CUDA remembers of it is not taken for another's failure. */
static void test_no_pinned_memory(void **state) {
    (void)state;
    assert_null(rlc_tensor_new(sides[1].device->shared, RLC_F32, RLC_SHAPE((int64_t)1 << 46)));
    expect_error(rlc_error_status(), RLC_FAILED, "out of pinned memory: 281 TB were asked for");
    rlc_begin(there());
    assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(7)), RLC_ALL, false)) == 7);
    expect_ok(rlc_end(there()));
}

/* An environment that stays on the host says the same, from a thread of CUDA's, and all of it. */
static void test_faults_on_the_host(void **state) {
    (void)state;
    char where[800], wanted[1024];
    memset(where, 'p', sizeof where - 1);
    where[sizeof where - 1] = '\0';
    snprintf(wanted, sizeof wanted, "%s: env: an action is none of the environment's", where);
    for (int i = 0; i < 2; i++) {
        rlc_program *p = sides[i].program;
        rlc_env *env;
        expect_ok(rlc_env_make(world_registry(), sides[i].device, 1,
                               "{type: CartPole, num_envs: 2, action_encoding: categorical, device: cpu}", &env));
        for (int64_t action = 1; action < 3; action++) {
            uint8_t done[2];
            rlc_begin(p);
            p->where = where;
            rlc_dict *td = rlc_env_kept(env);
            rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){0, action}));
            rlc_env_step(env, td);
            rlc_read(rlc_dict_get(td, "next.done"), done);
            if (action == 1) {
                expect_ok(rlc_end(p));
                assert_int_equal(done[0] | done[1], 0);
            } else {
                expect_error(rlc_end(p), RLC_FAILED, wanted);
            }
        }
        rlc_env_free(env);
    }
    rlc_env *env;
    assert_int_equal(rlc_env_make(world_registry(), sides[0].device, 1, "{type: CartPole, device: cuda-host}", &env),
                     RLC_INVALID);
    expect_error(rlc_error_status(), RLC_INVALID,
                 "env: it cannot run on cuda-host:0 while the rest runs on cpu; 'device' is cpu, or left out");
}

/* A number as its product gets it, with so many bits behind the point. */
static double rounded(double x, int bits) {
    int exponent;
    const double scale = ldexp(1, bits + 1), part = frexp(x, &exponent);
    return ldexp(nearbyint(part * scale) / scale, exponent);
}

/* Operands are rounded, sums are not: against sums of rounded numbers in double. */
static void test_precision(void **state) {
    (void)state;
    static const struct {
        rlc_precision precision;
        int bits;
        double tolerance; /* how TensorFloat-32 rounds is the chip's matter */
    } cases[] = {{RLC_PRECISION_F32, 23, 1e-6}, {RLC_PRECISION_BF16, 7, 1e-6}, {RLC_PRECISION_TF32, 10, 1e-3}};
    enum { ROWS = 5, INNER = 37, COLUMNS = 11 };
    rlc_tensor *x = root_on(sides[1].device, RLC_F32, RLC_SHAPE(ROWS, INNER), UNIT, 0);
    rlc_tensor *weight = root_on(sides[1].device, RLC_F32, RLC_SHAPE(COLUMNS, INNER), SIGNED, 1);
    rlc_tensor *bias = root_on(sides[1].device, RLC_F32, RLC_SHAPE(COLUMNS), SIGNED, 2);
    float got[2][ROWS * COLUMNS], of_bias[COLUMNS], a[ROWS * INNER], b[COLUMNS * INNER];
    expect_ok(rlc_tensor_read(x, a));
    expect_ok(rlc_tensor_read(weight, b));
    expect_ok(rlc_tensor_read(bias, of_bias));
    for (int c = 0; c < RLC_COUNT(cases); c++) {
        parity_cases++;
        rlc_begin(there());
        expect_ok(rlc_set_precision(there(), cases[c].precision));
        expect_ok(rlc_read(rlc_affine(x, weight, bias, RLC_RELU), got[0]));
        expect_ok(rlc_read(rlc_matmul(x, rlc_transpose(weight, 0, 1)), got[1]));
        expect_ok(rlc_end(there()));
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            double sum = 0, size = 0;
            for (int k = 0; k < INNER; k++) {
                const double product = rounded((double)a[i / COLUMNS * INNER + k], cases[c].bits) *
                                       rounded((double)b[i % COLUMNS * INNER + k], cases[c].bits);
                sum += product;
                size += fabs(product);
            }
            const double layer = fmax(sum + (double)of_bias[i % COLUMNS], 0), allowed = cases[c].tolerance * (size + 3);
            assert_true(fabs((double)got[1][i] - sum) <= allowed);
            assert_true(fabs((double)got[0][i] - layer) <= allowed);
        }
    }
    expect_ok(rlc_set_precision(there(), RLC_PRECISION_F32));
    rlc_tensor_free(x);
    rlc_tensor_free(weight);
    rlc_tensor_free(bias);
    expect_error(rlc_set_precision(sides[0].program, RLC_PRECISION_BF16), RLC_INVALID,
                 "precision bf16: device cpu multiplies matrices in f32 only; a GPU (device: cuda) has it");
}

static void test_numbers_that_are_not_finite(void **state) {
    (void)state;
    setenv("RLC_CHECK_NAN", "1", 1);
    rlc_program *p;
    expect_ok(rlc_program_new(sides[1].device, "watched", &p));
    unsetenv("RLC_CHECK_NAN");
    rlc_begin(p);
    rlc_exp(rlc_log(rlc_full(RLC_F32, RLC_SHAPE(2), -1)));
    expect_error(rlc_end(p), RLC_FAILED, "op 'log' in program 'watched' gave nan at element 0 of shape [2]");
    rlc_program_free(p);
}

static void run_nowhere(const rlc_node *node) {
    (void)node;
    fail();
}

/* What runs on the host says so where it may not, and what would allow it. */
static void test_host_only(void **state) {
    (void)state;
    static const rlc_custom_op op = {.name = "halve", .run = run_nowhere};
    static const rlc_env_class type = {
        .base = {.kind = "env", .name = "Nowhere", .size = sizeof(rlc_env)},
        .state_size = 1,
        .observation_size = 1,
        .num_actions = 2,
        .kernel = run_nowhere,
    };
    rlc_registry *registry;
    rlc_env *env;
    rlc_begin(there());
    assert_null(rlc_custom(&op, RLC_F32, RLC_SHAPE(1), rlc_ones(RLC_F32, RLC_SHAPE(1)), NULL, NULL, NULL, 0));
    expect_error(rlc_end(there()), RLC_INVALID, "; `.host_fallback = true` in its rlc_custom_op lets it run there all");
    expect_ok(rlc_registry_new(&registry));
    expect_ok(rlc_register(registry, &type.base));
    expect_error(rlc_env_make(registry, sides[1].device, 1, "{type: Nowhere}", &env), RLC_INVALID,
                 "; 'device: cpu' keeps it on the host, and so does `.host_fallback = true` in its rlc_env_class");
    rlc_registry_free(registry);
}

/* in[0] + aux in[1], where both may be the same tensor; what is below 0 is no number. */
static void run_weighted(const rlc_node *node) {
    const float weight = *(const float *)node->aux, *a = node->in[0]->data, *b = node->in[1]->data;
    assert_true(node->out->device->memory.on_host && node->in[0]->device->memory.on_host);
    for (int64_t i = 0; i < node->out->numel; i++) {
        if (a[i] < 0) {
            rlc_kernel_fail(node, "element %lld is below 0", (long long)i);
            return;
        }
        ((float *)node->out->data)[i] = a[i] + weight * b[i];
    }
}

static rlc_tensor *weighted_gradient(const rlc_node *node, rlc_tensor *g, int i) {
    return i == 0 ? g : rlc_mul_scalar(g, (double)*(const float *)node->aux);
}

static const rlc_custom_op weighted = {
    .name = "weighted", .run = run_weighted, .grad = weighted_gradient, .host_fallback = true};

static rlc_tensor *add_weighted(rlc_tensor *a, rlc_tensor *b, float weight) {
    return rlc_custom(&weighted, RLC_F32, rlc_shape_of(a), a, b, NULL, &weight, sizeof weight);
}

/* Amid ops of the device, more often than a program keeps lists; the same list again is replayed around it. */
static void test_host_fallback(void **state) {
    (void)state;
    rlc_tensor *x = rlc_tensor_new(sides[1].device, RLC_F32, RLC_SHAPE(2, 3));
    expect_ok(rlc_requires_grad(x));
    for (int round = 0; round < 4; round++) {
        const float start = (float)round;
        float got[6], gradient[6];
        expect_ok(rlc_tensor_write(x, (float[]){start, 1, 2, 3, 4, 5}));
        rlc_zero_grad(x);
        rlc_begin(there());
        rlc_tensor *y = add_weighted(rlc_transpose(x, 0, 1), rlc_transpose(x, 0, 1), 1);
        for (int i = 0; i < 20; i++) {
            y = rlc_add_scalar(rlc_mul_scalar(rlc_add_scalar(y, 1), 1), -1);
            y = add_weighted(y, rlc_ones(RLC_F32, RLC_SHAPE(3, 2)), 0.5f);
        }
        rlc_backward(rlc_sum(y, RLC_ALL, false));
        expect_ok(rlc_read(y, got));
        expect_ok(rlc_end(there()));
        expect_ok(rlc_tensor_read(x->grad, gradient));
        for (int i = 0; i < 6; i++) {
            assert_true(got[i] == 2 * (i == 0 ? start : (float)(i % 2 * 3 + i / 2)) + 10);
            assert_true(gradient[i] == 2);
        }
    }
    expect_ok(rlc_tensor_write(x, (float[]){1, 1, 1, 1, -1, 1}));
    rlc_begin(there());
    there()->where = "modules.heavy";
    add_weighted(x, x, 1);
    expect_error(rlc_end(there()), RLC_FAILED, "modules.heavy: custom: element 4 is below 0");
    rlc_tensor_free(x);
}

/* What kernels before it have found wrong is known before it runs. */
static void test_host_fallback_after_a_fault(void **state) {
    (void)state;
    rlc_begin(there());
    rlc_tensor *x = rlc_full(RLC_F32, RLC_SHAPE(5), -1);
    rlc_tensor *y = rlc_index_select(x, rlc_from_data(RLC_I64, RLC_SHAPE(1), (int64_t[]){9}));
    add_weighted(y, y, 1);
    expect_error(rlc_end(there()), RLC_FAILED, "index_select: index 9 is outside of a dimension of size 5");
}

static void test_no_memory(void **state) {
    (void)state;
    assert_null(rlc_tensor_new(sides[1].device, RLC_F32, RLC_SHAPE((int64_t)1 << 44)));
    expect_error(rlc_error_status(), RLC_FAILED, "out of device memory: 70 TB were asked for, ");
    rlc_begin(there());
    assert_null(rlc_zeros(RLC_F32, RLC_SHAPE((int64_t)1 << 44)));
    expect_error(rlc_end(there()), RLC_FAILED, "out of device memory: 70 TB were asked for, ");
    rlc_begin(there());
    assert_true(rlc_item(rlc_sum(rlc_ones(RLC_F32, RLC_SHAPE(3)), RLC_ALL, false)) == 3);
    expect_ok(rlc_end(there()));
}

/* A list of one shape in which one thing differs: a replay of another one would give its numbers. */
typedef struct variant {
    double number;   /* a parameter of an op */
    int operand;     /* which of two equal roots */
    int64_t columns; /* a shape */
    int dim;         /* what an op's kernel gets to know as a stride */
} variant;

static double expected_sum(const variant *v) {
    return v->number * (v->operand + 1) * (double)v->columns * 6 + 6 * (double)v->columns;
}

static double recorded_sum(rlc_tensor *const *roots, const variant *v) {
    rlc_tensor *x = rlc_slice(roots[v->operand], 1, 0, v->columns);
    rlc_tensor *y = rlc_add_scalar(rlc_mul_scalar(rlc_contiguous(x), v->number), 1);
    return rlc_item(rlc_sum(rlc_sum(y, v->dim, false), RLC_ALL, false));
}

/* Each comes three times in a row and then again among others, more of them than a program keeps. */
static void test_lists_that_differ_a_little(void **state) {
    (void)state;
    rlc_tensor *roots[2];
    float ones[60], twos[60];
    for (int i = 0; i < 60; i++) {
        ones[i] = 1;
        twos[i] = 2;
    }
    for (int i = 0; i < 2; i++) {
        roots[i] = rlc_tensor_new(sides[1].device, RLC_F32, RLC_SHAPE(6, 10));
        assert_non_null(roots[i]);
        expect_ok(rlc_tensor_write(roots[i], i == 0 ? ones : twos));
    }
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 48; i++) {
            const variant v = {1 + i / 24, i / 12 % 2, 4 + i / 4 % 3, i / 2 % 2};
            for (int again = 0; again < (turn == 0 ? 3 : 1); again++) {
                rlc_begin(there());
                const double got = recorded_sum(roots, &v);
                expect_ok(rlc_end(there()));
                assert_true(got == expected_sum(&v));
            }
        }
    }
    rlc_tensor_free(roots[0]);
    rlc_tensor_free(roots[1]);
}

/* The same addresses: settings that lie beside a node, and shapes that only its operands tell. */
static void test_settings_and_shapes_that_differ(void **state) {
    (void)state;
    rlc_tensor *param = root_on(sides[1].device, RLC_F64, RLC_SHAPE(1), SIGNED, 0);
    rlc_tensor *grad = root_on(sides[1].device, RLC_F64, RLC_SHAPE(1), SIGNED, 1);
    rlc_tensor *lr = root_on(sides[1].device, RLC_F32, RLC_SHAPE(1), SIGNED, 2);
    rlc_tensor *ring = rlc_tensor_new(sides[1].device, RLC_F64, RLC_SHAPE(4, 6));
    rlc_tensor *cursor = rlc_tensor_new(sides[1].device, RLC_I64, RLC_SHAPE(2));
    for (int i = 0; i < 12; i++) {
        const bool decays = i % 2 == 1, is_narrow = i / 2 % 2 == 1;
        const rlc_sgd settings = {.weight_decay = decays ? 0.5 : 0};
        expect_ok(rlc_tensor_write(param, (double[]){4}));
        expect_ok(rlc_tensor_write(grad, (double[]){1}));
        expect_ok(rlc_tensor_write(lr, (float[]){0.5f}));
        expect_ok(rlc_tensor_write(cursor, (int64_t[]){1, 1}));
        rlc_begin(there());
        rlc_sgd_step(param, grad, NULL, lr, &settings);
        rlc_assign(ring, rlc_zeros(RLC_F64, RLC_SHAPE(4, 6)));
        rlc_tensor *storage = rlc_view(ring, is_narrow ? RLC_SHAPE(8, 3) : RLC_SHAPE(4, 6));
        rlc_ring_write(storage, rlc_view(rlc_arange(RLC_F64, 6), is_narrow ? RLC_SHAPE(2, 3) : RLC_SHAPE(1, 6)),
                       cursor);
        double left = rlc_item(param), values[24];
        expect_ok(rlc_read(ring, values));
        expect_ok(rlc_end(there()));
        assert_true(left == (decays ? 2.5 : 3.5));
        assert_true(values[is_narrow ? 8 : 11] == 5);
    }
    rlc_tensor *roots[] = {param, grad, lr, ring, cursor};
    for (int i = 0; i < RLC_COUNT(roots); i++) {
        rlc_tensor_free(roots[i]);
    }
}

/* What changes in memory counts in a replay, too. */
static void test_data_that_changes(void **state) {
    (void)state;
    rlc_tensor *x = root_on(sides[1].device, RLC_F32, RLC_SHAPE(3), SIGNED, 0);
    for (int i = 0; i < 6; i++) {
        expect_ok(rlc_tensor_write(x, (float[]){(float)i, 1, 2}));
        rlc_begin(there());
        rlc_tensor *given = rlc_from_data(RLC_F32, RLC_SHAPE(3), (float[]){10, (float)(20 * i), 30});
        rlc_assign(x, rlc_add(rlc_mul(x, x), given));
        rlc_tensor *sum = rlc_sum(x, RLC_ALL, false);
        assert_true(rlc_item(sum) == i * i + 20 * i + 45);
        expect_ok(rlc_end(there()));
    }
    rlc_tensor_free(x);
}

/* Recipes, small and short, so that the host gets through. */
static const struct {
    const char *name, *arguments;
    const char *program, *lists; /* what one of its programs is to know in the end */
} runs[] = {
    {"on_host",
     "recipes/dqn.yaml env.device=cpu env.num_envs=5 collector.total_frames=3000 collector.init_random_frames=1000 "
     "eval.episodes=2",
     "update", "2 lists were unknown"},
    {"dqn", "recipes/dqn.yaml collector.total_frames=3000 collector.init_random_frames=1000 eval.episodes=2", "update",
     "2 lists were unknown"},
    {"per", "recipes/dqn_per.yaml collector.total_frames=2000 collector.init_random_frames=1000 eval.episodes=2",
     "update", "2 lists were unknown"},
    {"ppo", "tests/shapes/ppo.yaml collector.total_frames=4096", "update", "2 lists were unknown"},
    {"sac",
     "tests/shapes/sac.yaml eval.episodes=2 collector.total_frames=300 'modules.actor_net.num_cells=[32, 16]' "
     "'modules.qvalue.num_cells=[16, 32]'",
     "update", "1 lists were unknown"},
    {"td3",
     "tests/shapes/td3.yaml eval.episodes=2 collector.total_frames=300 'modules.actor.modules.0.num_cells=[32, 16]' "
     "'modules.qvalue.num_cells=[16, 32]'",
     "update", "2 lists were unknown"},
    /* an environment that runs on the host does not cut the list */
    {"plug-in",
     "examples/point_mass.yaml plugins.0=../" TEST_EXAMPLES "/point_mass.so collector.total_frames=2000 "
     "collector.frames_per_batch=50 collector.init_random_frames=0 eval.episodes=2",
     "collect", "1 lists were unknown, 1 were captured"},
};

static void run_on(int i, const char *device, const char *machine, const char *folder) {
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "%s log.every=500 --quiet --device %s --out %s", runs[i].arguments, device,
             in_work_folder(folder));
    setenv("RLC_LOG", "graph", 1);
    expect_on_machine(machine, arguments, 0, "");
    unsetenv("RLC_LOG");
}

/* In the log of the last run: what a program knew in the end. */
static void expect_replays(const char *name, const char *program, const char *lists) {
    char wanted[128], which[64];
    char *log = read_file(in_work_folder("log"), NULL), *last = NULL;
    assert_non_null(log);
    snprintf(which, sizeof which, "program '%s': ", program);
    for (char *at = log; (at = strstr(at, which)) != NULL; at++) {
        last = at;
    }
    assert_non_null(last);
    snprintf(wanted, sizeof wanted, "%s%s", which, lists);
    if (strncmp(last, wanted, strlen(wanted)) != 0) {
        fail_msg("%s: expected that at the end '%s', got '%.100s'", name, wanted, last);
    }
    free(log);
}

/* The numbers of two scalars.csv, which may differ by what the rounding of matrix products makes of them. */
static void expect_similar(const char *name, const char *folder_a, const char *folder_b) {
    char path[2][128];
    FILE *in[2];
    char line[2][256];
    int lines = 0;
    snprintf(path[0], sizeof path[0], "%s/scalars.csv", folder_a);
    snprintf(path[1], sizeof path[1], "%s/scalars.csv", folder_b);
    for (int i = 0; i < 2; i++) {
        in[i] = fopen(in_work_folder(path[i]), "r");
        assert_non_null(in[i]);
    }
    while (fgets(line[0], sizeof line[0], in[0]) != NULL) {
        assert_non_null(fgets(line[1], sizeof line[1], in[1]));
        char *value[2] = {strrchr(line[0], ','), strrchr(line[1], ',')};
        assert_memory_equal(line[0], line[1], (size_t)(value[0] - line[0]));
        if (lines++ > 0) {
            const double a = atof(value[0] + 1), b = atof(value[1] + 1);
            if (!(fabs(a - b) <= 0.02 * fabs(a) + 1e-3)) {
                fail_msg("%s, %.*s: %g on the CPU, %g there", name, (int)(value[0] - line[0]), line[0], a, b);
            }
        }
    }
    assert_null(fgets(line[1], sizeof line[1], in[1]));
    assert_true(lines > 3);
    fclose(in[0]);
    fclose(in[1]);
}

/* With the environment on the host, too, a batch is one list that is replayed, and nothing else in the run differs. */
static void test_environment_on_the_host(void **state) {
    (void)state;
    char arguments[512];
    static const char *const places[] = {"", "env.device=cpu"};
    for (int i = 0; i < 2; i++) {
        char folder[32];
        snprintf(folder, sizeof folder, "place_%d", i);
        snprintf(arguments, sizeof arguments,
                 "tests/shapes/ppo.yaml collector.total_frames=4096 %s --quiet --device %s --out %s", places[i],
                 parity_device(), in_work_folder(folder));
        setenv("RLC_LOG", "graph", 1);
        expect_on_machine("guard", arguments, 0, "");
        unsetenv("RLC_LOG");
        expect_replays(folder, "collect", "1 lists were unknown, 1 were captured, ");
    }
    expect_equal_files("place_0", "place_1", "scalars.csv");
    expect_equal_files("place_0", "place_1", "checkpoint.safetensors");
}

/* A plug-in's environment runs on the host only. */
static void test_plugin_on_the_host(void **state) {
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments,
             "examples/point_mass.yaml env.device=cpu collector.total_frames=400 eval.episodes=2 --quiet --device %s "
             "--out %s",
             parity_device(), in_work_folder("plugin"));
    expect_on_machine("guard", arguments, 0, "");
}

/* Coarser products train, too; where it runs is said with how. */
static void test_coarse_runs(void **state) {
    (void)state;
    static const char *const names[] = {"tf32", "bf16"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char arguments[512], says[64];
        snprintf(arguments, sizeof arguments, "check recipes/dqn.yaml precision=%s --device %s", names[i],
                 parity_device());
        snprintf(says, sizeof says, "dqn, seed 1, on %s:0, precision %s\n", parity_device(), names[i]);
        expect_rlrun(arguments, 0, says);
        snprintf(arguments, sizeof arguments,
                 "recipes/dqn.yaml precision=%s collector.total_frames=1500 collector.init_random_frames=1000 "
                 "eval.episodes=2 --quiet --device %s --out %s",
                 names[i], parity_device(), in_work_folder(names[i]));
        expect_on_machine("guard", arguments, 0, "");
    }
    expect_rlrun("check recipes/dqn.yaml precision=bf16", 2,
                 "precision bf16: device cpu multiplies matrices in f32 only; a GPU (device: cuda) has it");
}

/* Numbers of the log come late, but a checkpoint waits for them: the last one is of before they became none. */
static void test_lost_numbers(void **state) {
    (void)state;
    char arguments[512];
    rlc_safetensors *checkpoint;
    snprintf(arguments, sizeof arguments,
             "recipes/dqn.yaml collector.total_frames=3000 collector.init_random_frames=1000 "
             "'optim={type: SGD, lr: 1e6}' "
             "log.every=100 checkpoint.every=100 eval.every=100 eval.episodes=2 --quiet --device %s --out %s",
             parity_device(), in_work_folder("lost"));
    expect_rlrun(arguments, 1,
                 "loss.loss became nan before frame 1100; run again with RLC_CHECK_NAN=1 to see where it began");
    expect_ok(rlc_safetensors_open(in_work_folder("lost/checkpoint.safetensors"), &checkpoint));
    for (int i = 0; i < rlc_safetensors_count(checkpoint); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(checkpoint, i);
        for (size_t at = 0; entry->dtype == RLC_F32 && at + 4 <= entry->size; at += 4) {
            float value;
            memcpy(&value, (const char *)entry->data + at, 4);
            assert_true(isfinite(value));
        }
    }
    rlc_safetensors_close(checkpoint);
}

/* The same as on the CPU, but for rounding; the same bits whatever the order of threads; and no lists that are unknown once
 * the first rounds are over. */
static void test_runs(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(runs); i++) {
        char folder[3][32];
        for (int k = 0; k < 3; k++) {
            snprintf(folder[k], sizeof folder[k], "%s_%d", runs[i].name, k);
        }
        run_on(i, "cpu", "", folder[0]);
        run_on(i, parity_device(), "guard", folder[1]);
        expect_replays(runs[i].name, runs[i].program, runs[i].lists);
        expect_similar(runs[i].name, folder[0], folder[1]);
        run_on(i, parity_device(), "descending", folder[2]);
        expect_equal_files(folder[1], folder[2], "scalars.csv");
        expect_equal_files(folder[1], folder[2], "checkpoint.safetensors");
    }
}

/* That an environment runs on the host is said once, whatever number of programs it steps in. */
static void test_host_fallback_is_said(void **state) {
    (void)state;
    char arguments[512], wanted[256];
    snprintf(arguments, sizeof arguments,
             "check examples/point_mass.yaml plugins.0=../" TEST_EXAMPLES "/point_mass.so --device %s",
             parity_device());
    snprintf(wanted, sizeof wanted, "rlc: env.PointMass has no kernel for device %s: it runs on the host",
             sides[1].device->name);
    expect_rlrun(arguments, 0, wanted);
    char *log = read_file(in_work_folder("log"), NULL);
    assert_non_null(log);
    assert_null(strstr(strstr(log, wanted) + 1, "rlc: env.PointMass"));
    free(log);
}

static int open_all(void **state) {
    return make_work_folder(state) != 0 ? -1 : open_sides(state);
}

static int close_all(void **state) {
    parity_cases += RLC_COUNT(runs);
    return remove_work_folder(state) != 0 ? -1 : close_sides(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names, forget_machine),
        cmocka_unit_test_setup(test_machines_without, forget_machine),
        cmocka_unit_test_setup(test_kernels_that_fail, forget_machine),
        cmocka_unit_test_setup(test_faults, forget_machine),
        cmocka_unit_test_setup(test_no_pinned_memory, forget_machine),
        cmocka_unit_test_setup(test_faults_on_the_host, forget_machine),
        cmocka_unit_test_setup(test_precision, forget_machine),
        cmocka_unit_test_setup(test_numbers_that_are_not_finite, forget_machine),
        cmocka_unit_test_setup(test_host_only, forget_machine),
        cmocka_unit_test_setup(test_host_fallback, forget_machine),
        cmocka_unit_test_setup(test_host_fallback_after_a_fault, forget_machine),
        cmocka_unit_test_setup(test_no_memory, forget_machine),
        cmocka_unit_test_setup(test_lists_that_differ_a_little, forget_machine),
        cmocka_unit_test_setup(test_settings_and_shapes_that_differ, forget_machine),
        cmocka_unit_test_setup(test_data_that_changes, forget_machine),
        cmocka_unit_test_setup(test_host_fallback_is_said, forget_machine),
        cmocka_unit_test_setup(test_runs, forget_machine),
        cmocka_unit_test_setup(test_environment_on_the_host, forget_machine),
        cmocka_unit_test_setup(test_plugin_on_the_host, forget_machine),
        cmocka_unit_test_setup(test_coarse_runs, forget_machine),
        cmocka_unit_test_setup(test_lost_numbers, forget_machine),
    };
    return cmocka_run_group_tests_name("another device", tests, open_all, close_all);
}
