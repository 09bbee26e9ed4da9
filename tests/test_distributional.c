/* C51: the loss, td_error and gradients of DistributionalDQNLoss, and the actor's choice, against TorchRL
 * (tests/golden/distributional.py); the projection against its definition. */
#include "tests/golden_loss.h"

#include <stdio.h>

#include "modules/distributional.h"
#include "objectives/loss.h"

enum { CASES = 20, BATCH = 12, PARAMETERS = 4 };

typedef struct settings {
    double atoms, actions, v_min, v_max, gamma, one_hot;
} settings;

static settings settings_of(int number) {
    return *(const settings *)golden("distributional", "%d.settings", number)->data;
}

/* A model with the network of the golden file, a policy around it and a loss with these options. */
static rlc_loss *loss_of(const settings *s, const char *options) {
    char text[256];
    rlc_model_free(model);
    model = world_model(1, s->one_hot != 0 ? rlc_spec_one_hot((int64_t)s->actions)
                                           : rlc_spec_categorical((int64_t)s->actions));
    snprintf(text, sizeof text,
             "{type: MLP, num_cells: [8], out_keys: [action_value], num_atoms: %d, out_features: %d}", (int)s->atoms,
             (int)s->actions);
    world_add(model, "net", text);
    snprintf(text, sizeof text, "{type: DistributionalQValueActor, module: net, v_min: %g, v_max: %g}", s->v_min,
             s->v_max);
    world_add(model, "policy", text);
    snprintf(text, sizeof text, "{type: DistributionalDQNLoss, value_network: policy, gamma: %g%s}", s->gamma, options);
    return add_loss(text);
}

static void check_case(int number) {
    const settings s = settings_of(number);
    char name[16];
    snprintf(name, sizeof name, "%d", number);
    rlc_loss *loss = loss_of(&s, "");
    load_network(rlc_model_find(model, "net"), "distributional", name, "online");
    load_network(loss->targets[0].target, "distributional", name, "target");
    rlc_begin(p);
    rlc_dict *td = golden_batch("distributional", name, BATCH), *acted = rlc_dict_clone(td),
             *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_close(name, rlc_dict_get(out, "loss"), golden("distributional", "%d.loss", number), 2e-5, 1e-6);
    expect_close(name, rlc_dict_get(td, "td_error"), golden("distributional", "%d.td_error", number), 2e-5, 2e-6);
    expect_gradients(rlc_model_find(model, "net"), "distributional", name, "grad", 1e-4, 2e-6);
    for (int i = PARAMETERS; i < model->num_parameters; i++) {
        assert_false(model->parameters[i].tensor->flags & (RLC_HAS_GRAD | RLC_REQUIRES_GRAD));
    }
    rlc_module_call(rlc_model_find(model, "policy"), acted);
    expect_close("action", rlc_dict_get(acted, "action"), golden("distributional", "%d.chosen", number), 0, 0);
    expect_close("log-probability", rlc_contiguous(rlc_dict_get(acted, "action_value")),
                 golden("distributional", "%d.log_probability", number), 1e-5, 1e-5);
    expect_ok(rlc_end(p));
}

static void test_against_torchrl(void **state) {
    (void)state;
    for (int number = 0; number < CASES; number++) {
        check_case(number);
    }
}

/* Row by row in double: mass moves to the atoms within one spacing, in proportion to how near they are. */
static double cross_entropy(const settings *s, double reward, double discount, const double *log_p,
                            const double *log_next, int action, int next_action) {
    const int atoms = (int)s->atoms, actions = (int)s->actions;
    const double spacing = (s->v_max - s->v_min) / (atoms - 1);
    double loss = 0;
    for (int j = 0; j < atoms; j++) {
        double mass = 0;
        for (int i = 0; i < atoms; i++) {
            double moved = fmin(fmax(reward + discount * (s->v_min + i * spacing), s->v_min), s->v_max);
            double distance = fabs((moved - s->v_min) / spacing - j);
            mass += exp(log_next[i * actions + next_action]) * fmax(0, 1 - distance);
        }
        loss -= mass * log_p[j * actions + action];
    }
    return loss;
}

/* Who chooses the next action: with double_dqn the network that learns, else the target. */
static void test_who_chooses(void **state) {
    (void)state;
    settings s = settings_of(1); /* categorical */
    double losses[2];
    for (int twice = 0; twice < 2; twice++) {
        rlc_loss *loss = loss_of(&s, twice ? ", double_dqn: true" : ", double_dqn: false");
        load_network(rlc_model_find(model, "net"), "distributional", "1", "online");
        load_network(loss->targets[0].target, "distributional", "1", "target");
        rlc_begin(p);
        rlc_dict *td = golden_batch("distributional", "1", BATCH), *now = rlc_dict_clone(td);
        rlc_dict *by_online = rlc_dict_clone(rlc_dict_get_dict(td, "next")), *by_target = rlc_dict_clone(by_online);
        losses[twice] = rlc_item(rlc_dict_get(rlc_loss_call(loss, td), "loss"));
        rlc_module_call(loss->targets[0].online, now);
        rlc_module_call(loss->targets[0].online, by_online);
        rlc_module_call(loss->targets[0].target, by_target);
        double *log_p = read_doubles(rlc_dict_get(now, "action_value"));
        double *log_next = read_doubles(rlc_dict_get(by_target, "action_value"));
        double *chosen = read_doubles(rlc_dict_get(twice ? by_online : by_target, "action"));
        double *action = read_doubles(rlc_dict_get(td, "action")),
               *reward = read_doubles(rlc_dict_get(td, "next.reward"));
        double *terminated = read_doubles(rlc_dict_get(td, "next.terminated"));
        double *got = read_doubles(rlc_dict_get(td, "td_error"));
        expect_ok(rlc_end(p));
        int per_row = (int)(s.atoms * s.actions);
        for (int i = 0; i < BATCH; i++) {
            double wanted = cross_entropy(&s, reward[i], s.gamma * (1 - terminated[i]), log_p + i * per_row,
                                          log_next + i * per_row, (int)action[i], (int)chosen[i]);
            assert_true(fabs(got[i] - wanted) < 1e-4);
        }
        double *all[] = {log_p, log_next, chosen, action, reward, terminated, got};
        for (int i = 0; i < RLC_COUNT(all); i++) {
            free(all[i]);
        }
    }
    assert_true(fabs(losses[0] - losses[1]) > 1e-3);
}

/* Any batch shape; without a target network the network is its own. */
static void test_batches_and_no_target(void **state) {
    (void)state;
    settings s = settings_of(0);
    rlc_loss *loss = loss_of(&s, ", delay_value: false");
    assert_int_equal(loss->num_targets, 0);
    load_network(rlc_model_find(model, "net"), "distributional", "0", "online");
    rlc_begin(p);
    double flat = rlc_item(rlc_dict_get(rlc_loss_call(loss, golden_batch("distributional", "0", BATCH)), "loss"));
    rlc_dict *td = rlc_dict_reshape(golden_batch("distributional", "0", BATCH), RLC_SHAPE(3, 4));
    assert_true(rlc_item(rlc_dict_get(rlc_loss_call(loss, td), "loss")) == flat);
    expect_shape(rlc_dict_get(td, "td_error"), RLC_F32, RLC_SHAPE(3, 4, 1));
    assert_false(rlc_dict_get(td, "td_error")->flags & RLC_REQUIRES_GRAD);
    expect_ok(rlc_end(p));
}

static void test_support(void **state) {
    (void)state;
    settings s = settings_of(0);
    loss_of(&s, "");
    const rlc_support *support = rlc_module_support(rlc_model_find(model, "policy"));
    assert_int_equal(support->num_atoms, 5);
    rlc_begin(p);
    EXPECT(support->atoms, -2, -1, 0, 1, 2);
    expect_ok(rlc_end(p));
    bool kept = false;
    for (int i = 0; i < model->state.count; i++) { /* with the checkpoint, under TorchRL's name */
        kept = kept || strcmp(model->state.items[i].name, "modules.policy.2.support") == 0;
    }
    assert_true(kept);
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const actors[][2] = {
        {"{type: DistributionalQValueActor, v_min: 0, v_max: 1, module: {type: MLP, out_features: 3}}",
         "action_value must have the shape [*, num_atoms, num_actions], not [5, 3]; does the network have num_atoms?"},
        {"{type: DistributionalQValueActor, v_min: 0, v_max: 1, module: {type: MLP, num_atoms: 5, out_features: 2}}",
         "action_value has 2 values, but the environment has 3 actions"},
        {"{type: DistributionalQValueActor, v_min: 1, v_max: 1, module: {type: MLP, num_atoms: 5, out_features: 3}}",
         "a support needs two atoms or more and v_min < v_max, not 5 from 1 to 1"},
        {"{type: DistributionalQValueActor, v_min: 0, v_max: 1, module: {type: MLP, num_atoms: 1, out_features: 3}}",
         "not 1 from 0 to 1"},
        {"{type: DistributionalQValueActor, v_max: 1, module: {type: MLP, out_features: 3}}",
         "option 'v_min' is required"},
    };
    rlc_module *none = NULL;
    for (int i = 0; i < RLC_COUNT(actors); i++) {
        rlc_model_free(model);
        model = world_model(1, rlc_spec_one_hot(3));
        expect_error(rlc_model_add(model, "policy", actors[i][0], &none), RLC_INVALID, actors[i][1]);
    }
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(3));
    world_add(model, "policy", "{type: QValueActor, module: {type: MLP, out_features: 3}}");
    expect_error(rlc_model_build(model, "loss", "loss",
                                 world_value("{type: DistributionalDQNLoss, value_network: policy}"), &none),
                 RLC_INVALID, "modules.policy: its action values are no distributions");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torchrl, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_who_chooses, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_batches_and_no_target, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_support, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("distributional DQN", tests, NULL, NULL);
}
