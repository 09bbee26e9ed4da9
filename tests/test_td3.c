/* What is TD3's own: clipped noise on the target's action, kept in the action's bounds, and an actor and targets that follow
 * every second update only. The critics here are Q(s, a) = a' for the target and a constant for the network that learns, so
 * that td_error tells the action that the target was asked about. */
#include "tests/golden_loss.h"

#include "recipes/run.h"

enum { ROWS = 100000 };
static const double CONSTANT = 10;

static void write(rlc_module *module, const float *weight, const float *bias) {
    int parameters[2];
    assert_int_equal(rlc_module_parameters(module, parameters, 2), 2);
    expect_ok(rlc_tensor_write(model->parameters[parameters[0]].tensor, weight));
    expect_ok(rlc_tensor_write(model->parameters[parameters[1]].tensor, bias));
}

/* The actions that the targets of a batch were asked about, for a target actor that always says `mean`; free them. */
static double *asked(const char *options, double mean) {
    static const float nothing[WORLD_OBSERVATION + 1] = {0}, action_only[WORLD_OBSERVATION + 1] = {0, 0, 0, 0, 1};
    char text[256];
    rlc_model_free(model);
    model = world_model(3, rlc_spec_bounded(RLC_SHAPE(1), -2, 2));
    world_add(model, "actor", "{type: Linear, out_keys: [action], out_features: 1}");
    world_add(model, "q",
              "{type: MLP, num_cells: [], in_keys: [observation, action], out_keys: [state_action_value], "
              "out_features: 1}");
    snprintf(text, sizeof text, "{type: TD3Loss, actor_network: actor, qvalue_network: q, gamma: 1, %s}", options);
    rlc_loss *loss = add_loss(text);
    write(loss->targets[0].target, nothing, &(float){(float)mean});
    for (int i = 1; i < loss->num_targets; i++) {
        write(loss->targets[i].online, nothing, &(float){(float)CONSTANT});
        write(loss->targets[i].target, action_only, nothing);
    }
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, WORLD_OBSERVATION)));
    rlc_dict_set(td, "next.observation", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, WORLD_OBSERVATION)));
    rlc_dict_set(td, "action", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, 1)));
    rlc_dict_set(td, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(ROWS, 1)));
    rlc_dict_set(td, "next.terminated", rlc_zeros(RLC_BOOL, RLC_SHAPE(ROWS, 1)));
    rlc_loss_call(loss, td);
    double *actions =
        read_doubles(rlc_sub(rlc_full(RLC_F32, RLC_SHAPE(1), CONSTANT), rlc_sqrt(rlc_dict_get(td, "td_error"))));
    expect_ok(rlc_end(p));
    return actions;
}

/* How often it is the largest and the least value, and the mean and the mean square of all, within five standard errors. */
static void expect_actions(const double *actions, double least, double most, double share_least, double share_most,
                           double mean, double square) {
    double sum = 0, squares = 0;
    int at_least = 0, at_most = 0;
    for (int i = 0; i < ROWS; i++) {
        assert_true(actions[i] >= least - 2e-6 && actions[i] <= most + 2e-6);
        at_least += actions[i] < least + 2e-6;
        at_most += actions[i] > most - 2e-6;
        sum += actions[i];
        squares += actions[i] * actions[i];
    }
    double room = 5 / sqrt(ROWS);
    assert_true(fabs(at_least / (double)ROWS - share_least) <= room * sqrt(share_least) + 1e-4);
    assert_true(fabs(at_most / (double)ROWS - share_most) <= room * sqrt(share_most) + 1e-4);
    assert_true(fabs(sum / ROWS - mean) <= room * sqrt(square - mean * mean) + 1e-6);
    assert_true(fabs(squares / ROWS - square) <= room * sqrt(2) * square + 1e-6);
}

static double above(double z) {
    return 0.5 * erfc(z / sqrt(2));
}

/* The mean square of a standard normal number that is clipped at +-c. */
static double clipped_square(double c) {
    double density = exp(-c * c / 2) / sqrt(2 * M_PI);
    return 1 - 2 * above(c) - 2 * c * density + 2 * c * c * above(c);
}

static void test_noise(void **state) {
    (void)state;
    double *actions = asked("policy_noise: 0.2, noise_clip: 0.5", 0.25);
    double square = 0.04 * clipped_square(2.5) + 0.25 * 0.25;
    expect_actions(actions, -0.25, 0.75, above(2.5), above(2.5), 0.25, square);
    free(actions);
    actions = asked("policy_noise: 0.6, noise_clip: 0.3", 0); /* most of it is clipped */
    expect_actions(actions, -0.3, 0.3, above(0.5), above(0.5), 0, 0.36 * clipped_square(0.5));
    free(actions);
    actions = asked("policy_noise: 0", 0.5);
    expect_actions(actions, 0.5, 0.5, 1, 1, 0.5, 0.25);
    free(actions);
}

/* Usual values, and no action beyond the bounds, which are 2 here. */
static void test_bounds(void **state) {
    (void)state;
    static const double means[] = {1.9, -1.9};
    for (int i = 0; i < RLC_COUNT(means); i++) {
        double *actions = asked("num_qvalue_nets: 1", means[i]);
        int at_bound = 0;
        for (int k = 0; k < ROWS; k++) {
            assert_true(fabs(actions[k]) <= 2 + 2e-6 && fabs(actions[k]) >= 1.4 - 2e-6);
            at_bound += fabs(actions[k]) > 2 - 2e-6;
        }
        assert_true(fabs(at_bound / (double)ROWS - above(0.5)) < 0.01);
        free(actions);
    }
}

/* What a group of parameters, or a target, was before an update, and whether it has changed. */
typedef struct watched {
    rlc_module *module;
    float before[512];
} watched;

static int read_all(const rlc_run *run, const watched *w, float *values) {
    int parameters[16], count = rlc_module_parameters(w->module, parameters, 16), at = 0;
    for (int i = 0; i < count; i++) {
        const rlc_tensor *t = run->model->parameters[parameters[i]].tensor;
        assert_true(at + t->numel <= 512);
        expect_ok(rlc_tensor_read(t, values + at));
        at += (int)t->numel;
    }
    return at;
}

static bool changes(const rlc_run *run, watched *w) {
    float now[512] = {0};
    int count = read_all(run, w, now);
    bool changed = memcmp(now, w->before, (size_t)count * sizeof *now) != 0;
    memcpy(w->before, now, sizeof now);
    return changed;
}

static void check_delay(int delay) {
    char text[64];
    rlc_run *run;
    snprintf(text, sizeof text, "loss.policy_update_delay=%d", delay);
    const char *const overrides[] = {"collector.init_random_frames=50",
                                     "buffer.batch_size=16",
                                     "modules.actor.modules=[{type: MLP, num_cells: [8], out_features: 1}]",
                                     "modules.qvalue.num_cells=[8]",
                                     "buffer.capacity=1000",
                                     text};
    expect_ok(rlc_run_load("recipes/td3.yaml", overrides, RLC_COUNT(overrides), &run));
    while (*run->collector->frames < 50) {
        expect_ok(rlc_run_iterate(run));
    }
    watched actor = {run->loss->targets[0].online, {0}}, target_actor = {run->loss->targets[0].target, {0}};
    watched critic = {run->loss->targets[2].online, {0}}, target_critic = {run->loss->targets[2].target, {0}};
    watched *all[] = {&actor, &target_actor, &critic, &target_critic};
    for (int i = 0; i < RLC_COUNT(all); i++) {
        changes(run, all[i]);
    }
    int64_t before = *run->updates;
    for (int update = 0; update < 12; update++) {
        expect_ok(rlc_run_iterate(run));
        assert_int_equal(*run->updates, before + update + 1);
        assert_int_equal(changes(run, &actor), update % delay == 0);
        assert_true(changes(run, &critic));
        assert_int_equal(changes(run, &target_actor), update % 2 == 1); /* target.every is 2 in the recipe */
        assert_int_equal(changes(run, &target_critic), update % 2 == 1);
    }
    rlc_run_free(run);
}

static void test_delay(void **state) {
    (void)state;
    check_delay(2);
    check_delay(1);
    check_delay(3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_noise, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_bounds, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_delay, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("TD3", tests, NULL, NULL);
}
