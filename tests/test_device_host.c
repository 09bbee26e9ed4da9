/* What runs on the host while all else runs on another device: ops and environments without a kernel there. */
#include "tests/other_device.h"
#include "tests/world.h"

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

/* A plug-in's environment runs on the host only. */
static void test_plugin_on_the_host(void **state) {
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments,
             "examples/point_mass.yaml plugins.0=../" TEST_EXAMPLES "/point_mass.so env.device=cpu "
             "collector.total_frames=400 eval.episodes=2 --quiet --device %s --out %s",
             parity_device(), in_work_folder("plugin"));
    expect_on_machine("guard,late", arguments, 0, "");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_faults_on_the_host, forget_machine),
        cmocka_unit_test_setup(test_host_only, forget_machine),
        cmocka_unit_test_setup(test_host_fallback, forget_machine),
        cmocka_unit_test_setup(test_host_fallback_after_a_fault, forget_machine),
        cmocka_unit_test_setup(test_host_fallback_is_said, forget_machine),
        cmocka_unit_test_setup(test_plugin_on_the_host, forget_machine),
    };
    return cmocka_run_group_tests_name("the host beside another device", tests, open_all, close_all);
}
