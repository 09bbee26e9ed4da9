/* QR-DQN: the loss, td_error and gradients of QRDQNLoss against the paper's formula (tests/golden/quantile.py). */
#include "tests/golden_loss.h"

#include <stdio.h>

#include "objectives/loss.h"

enum { CASES = 20, PARAMETERS = 4 };

typedef struct settings {
    double quantiles, actions, gamma, kappa, twice;
} settings;

static rlc_loss *loss_of(const settings *s) {
    char text[256];
    rlc_model_free(model);
    model = world_model(1, rlc_spec_categorical((int64_t)s->actions));
    snprintf(text, sizeof text,
             "{type: MLP, num_cells: [8], out_keys: [action_value], num_atoms: %d, out_features: %d}",
             (int)s->quantiles, (int)s->actions);
    world_add(model, "net", text);
    world_add(model, "policy", "{type: Sequential, modules: [net, {type: QuantileQValueModule}]}");
    snprintf(text, sizeof text, "{type: QRDQNLoss, value_network: policy, gamma: %g, kappa: %g, double_dqn: %s}",
             s->gamma, s->kappa, s->twice != 0 ? "true" : "false");
    return add_loss(text);
}

static void test_against_the_paper(void **state) {
    (void)state;
    for (int number = 0; number < CASES; number++) {
        const settings s = *(const settings *)golden("quantile", "%d.settings", number)->data;
        char name[16];
        snprintf(name, sizeof name, "%d", number);
        rlc_loss *loss = loss_of(&s);
        load_network(rlc_model_find(model, "net"), "quantile", name, "online");
        load_network(loss->targets[0].target, "quantile", name, "target");
        rlc_begin(p);
        int64_t size = golden("quantile", "%d.action", number)->shape.size[0];
        rlc_dict *td = golden_batch("quantile", name, size), *out = rlc_loss_call(loss, td);
        rlc_backward(rlc_dict_get(out, "loss"));
        expect_close(name, rlc_dict_get(out, "loss"), golden("quantile", "%d.loss", number), 2e-5, 1e-6);
        expect_close(name, rlc_dict_get(td, "td_error"), golden("quantile", "%d.td_error", number), 2e-5, 2e-6);
        expect_gradients(rlc_model_find(model, "net"), "quantile", name, "grad", 1e-4, 2e-6);
        for (int i = PARAMETERS; i < model->num_parameters; i++) {
            assert_false(model->parameters[i].tensor->flags & (RLC_HAS_GRAD | RLC_REQUIRES_GRAD));
        }
        expect_ok(rlc_end(p));
    }
}

/* The mean over quantiles decides, of equal ones the first. */
static void test_choice(void **state) {
    (void)state;
    model = world_model(1, rlc_spec_one_hot(3));
    world_add(model, "net", "{type: MLP, num_cells: [], num_atoms: 2, out_keys: [action_value], out_features: 3}");
    world_add(model, "policy", "{type: Sequential, modules: [net, {type: QuantileQValueModule}]}");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, "action_value", /* means 1.5 2 1, and 3 3 2 */
                 rlc_from_data(RLC_F32, RLC_SHAPE(2, 2, 3), (float[]){3, 2, -4, 0, 2, 6, 6, 4, 4, 0, 2, 0}));
    rlc_module_call(rlc_model_find(model, "policy")->members[1], td);
    expect_shape(rlc_dict_get(td, "action"), RLC_I64, RLC_SHAPE(2, 3));
    EXPECT(rlc_dict_get(td, "action"), 0, 1, 0, 1, 0, 0);
    expect_ok(rlc_end(p));
}

static void test_misuse(void **state) {
    (void)state;
    rlc_module *none = NULL;
    model = world_model(1, rlc_spec_one_hot(3));
    expect_error(rlc_model_add(model, "policy",
                               "{type: Sequential, modules: [{type: MLP, out_keys: [action_value], out_features: 3}, "
                               "{type: QuantileQValueModule}]}",
                               &none),
                 RLC_INVALID, "does the network have num_atoms?");
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(3));
    expect_error(rlc_model_build(model, "loss", "loss", world_value("{type: QRDQNLoss, kappa: 1}"), &none), RLC_INVALID,
                 "option 'value_network' is required");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_the_paper, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_choice, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("QR-DQN", tests, NULL, NULL);
}
