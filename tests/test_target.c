/* Target networks: copied now and then, or blended in a little every time. */
#include "tests/world.h"

#include <stdio.h>

#include "objectives/target.h"

static rlc_program *p;
static rlc_model *model;
static rlc_loss *loss;
static rlc_target *updater;

/* A loss with a target, and a module that has nothing to do with it between network and target. */
static int start(void **state) {
    fresh_start(state);
    p = test_program();
    updater = NULL;
    rlc_module *module = NULL;
    model = world_model(1, rlc_spec_one_hot(2));
    world_add(model, "policy", "{type: QValueActor, module: {type: MLP, num_cells: [7, 5], out_features: 2}}");
    world_add(model, "bystander", "{type: Linear, out_keys: [v], out_features: 3}");
    expect_ok(rlc_model_build(model, "loss", "loss", world_value("{type: DQNLoss, value_network: policy}"), &module));
    expect_ok(rlc_model_allocate(model));
    loss = (rlc_loss *)module;
    return 0;
}

static int stop(void **state) {
    (void)state;
    rlc_target_free(updater);
    rlc_model_free(model);
    return 0;
}

static void make(const char *options) {
    rlc_target_free(updater);
    updater = NULL;
    expect_ok(rlc_target_new(loss, world_value(options), &updater));
}

enum { PARAMETERS = 6, MOST = 64 };

/* Calls `f` for every element of the network and its target. */
static void each_pair(void (*f)(float *online, float *target, int parameter, int i, void *data), void *data) {
    int online[PARAMETERS], target[PARAMETERS];
    assert_int_equal(rlc_module_parameters(loss->targets[0].online, online, PARAMETERS), PARAMETERS);
    assert_int_equal(rlc_module_parameters(loss->targets[0].target, target, PARAMETERS), PARAMETERS);
    for (int k = 0; k < PARAMETERS; k++) {
        rlc_tensor *a = model->parameters[online[k]].tensor, *b = model->parameters[target[k]].tensor;
        assert_true(a->numel == b->numel && a->numel <= MOST);
        for (int i = 0; i < a->numel; i++) {
            f((float *)a->data + i, (float *)b->data + i, k, i, data);
        }
    }
}

/* The network of round t, of which every element differs from those of all other rounds. */
static float wanted(int round, int parameter, int i) {
    return (float)round + (float)parameter / 8 + (float)i / 1024;
}

static void set_online(float *online, float *target, int parameter, int i, void *round) {
    (void)target;
    *online = wanted(*(int *)round, parameter, i);
}

static void expect_target(float *online, float *target, int parameter, int i, void *round) {
    (void)online;
    if (*target != wanted(*(int *)round, parameter, i)) {
        fail_msg("parameter %d, element %d is %.9g, not that of round %d", parameter, i, (double)*target,
                 *(int *)round);
    }
}

static void step(void) {
    rlc_begin(p);
    rlc_target_step(updater);
    expect_ok(rlc_end(p));
}

static void check_hard_updates(const char *options, int every) {
    int first = 0, copied = 0;
    make("{type: HardUpdate}");
    each_pair(set_online, &first);
    step();
    each_pair(expect_target, &first);
    make(options);
    for (int round = 1; round <= 11; round++) {
        each_pair(set_online, &round);
        step();
        copied = round % every == 0 ? round : copied; /* copied at every Nth update, exactly */
        each_pair(expect_target, &copied);
        assert_int_equal(*updater->updates, round);
    }
}

static void test_hard_update(void **state) {
    (void)state;
    check_hard_updates("{type: HardUpdate, every: 3}", 3);
    check_hard_updates("{type: HardUpdate}", 1);
    check_hard_updates("{type: HardUpdate, value_network_update_interval: 5}", 5);
    check_hard_updates("{type: HardUpdate, every: 12}", 12);
}

typedef struct blend {
    double tau;
    double values[PARAMETERS][MOST]; /* of the target, in double precision */
} blend;

static void note_target(float *online, float *target, int parameter, int i, void *data) {
    (void)online;
    ((blend *)data)->values[parameter][i] = (double)*target;
}

static void expect_blend(float *online, float *target, int parameter, int i, void *data) {
    const blend *b = data;
    double value = (1 - b->tau) * b->values[parameter][i] + b->tau * (double)*online;
    assert_true(fabs((double)*target - value) <= 1e-6 * fmax(1, fabs(value)));
    assert_true(b->tau < 1 || *target == *online);
}

static void check_soft_updates(const char *options, double tau, int every) {
    blend b = {.tau = tau};
    make(options);
    for (int round = 1; round <= 9; round++) {
        each_pair(set_online, &round);
        each_pair(note_target, &b);
        b.tau = round % every == 0 ? tau : 0;
        step();
        each_pair(expect_blend, &b);
    }
}

static void test_soft_update(void **state) {
    (void)state;
    check_soft_updates("{type: SoftUpdate, tau: 0.1}", 0.1, 1);
    check_soft_updates("{type: SoftUpdate}", 0.001, 1);
    check_soft_updates("{type: SoftUpdate, tau: 0.25, every: 2}", 0.25, 2);
    check_soft_updates("{type: SoftUpdate, eps: 0.75}", 0.25, 1); /* TorchRL's 1 - tau */
    check_soft_updates("{type: SoftUpdate, tau: ~}", 0.001, 1);
    check_soft_updates("{type: SoftUpdate, tau: 0}", 0, 1);
    check_soft_updates("{type: SoftUpdate, tau: 1}", 1, 1);
}

/* Networks that learn, and what lies beside them, stay as they are. */
static void test_only_targets_change(void **state) {
    (void)state;
    int round = 4;
    each_pair(set_online, &round);
    size_t size = (size_t)model->values->numel * sizeof(float);
    float *before = malloc(size), *after = model->values->data;
    assert_non_null(before);
    memcpy(before, after, size);
    make("{type: SoftUpdate, tau: 0.5}");
    step();
    make("{type: HardUpdate}");
    step();
    int changed = 0;
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *e = &model->parameters[i];
        bool is_target = strncmp(e->name, "loss.", 5) == 0;
        bool same = memcmp(before + e->offset, after + e->offset, (size_t)e->tensor->numel * sizeof(float)) == 0;
        assert_true(same == !is_target);
        changed += !same;
    }
    free(before);
    assert_int_equal(changed, PARAMETERS);
    each_pair(expect_target, &round);
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{type: SoftUpdate, tau: 1.5}", "test:1: target: option 'tau' must be between 0 and 1, not 1.5"},
        {"{type: SoftUpdate, tau: 0.1, eps: 0.9}", "target: give either 'tau' or 'eps', which is 1 - tau"},
        {"{type: HardUpdate, every: 0}", "test:1: target: option 'every' must be between 1 and"},
        {"{type: HardUpdate, tau: 0.1}", "test:1: target: unknown option 'tau'"},
        {"{type: HardUpdat, every: 5}", "there is no target of type 'HardUpdat' (did you mean 'HardUpdate'?)"},
        {"{every: 5}", "test:1: target: 'type' is missing: which target is this?"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_target *none = NULL;
        expect_error(rlc_target_new(loss, world_value(cases[i][0]), &none), RLC_INVALID, cases[i][1]);
        assert_null(none);
    }
    rlc_module *module = NULL;
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(2));
    world_add(model, "policy", "{type: QValueActor, module: {type: MLP, out_features: 2}}");
    expect_ok(rlc_model_build(model, "loss", "loss",
                              world_value("{type: DQNLoss, value_network: policy, delay_value: false}"), &module));
    expect_ok(rlc_model_allocate(model));
    expect_error(rlc_target_new((rlc_loss *)module, world_value("{type: HardUpdate}"), &updater), RLC_INVALID,
                 "test:1: target: the loss DQNLoss has no target network to update");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hard_update, start, stop),
        cmocka_unit_test_setup_teardown(test_soft_update, start, stop),
        cmocka_unit_test_setup_teardown(test_only_targets_change, start, stop),
        cmocka_unit_test_setup_teardown(test_misuse, start, stop),
    };
    return cmocka_run_group_tests_name("target networks", tests, NULL, NULL);
}
