/* Critics that may go only so far from what they said of the batch (clip_value), against TorchRL
 * (tests/golden/clip_value.py): the loss, how many were clipped, and the gradient of every parameter. */
#include "tests/golden_loss.h"

enum { CHOICES = 3, CASES = 8 };

static const struct {
    int size;
    const char *function;
    double clip;
} cases[CASES] = {{16, "l2", 0.2},        {16, "smooth_l1", 0.2}, {16, "l1", 0.1},  {1, "l2", 0.5},
                  {1, "smooth_l1", 0.01}, {16, "l2", 3},          {16, "l2", 0.02}, {16, "l2", 0.2}};

/* The example has what an estimator and a policy add to a batch. */
static void new_model(void) {
    static const char *const columns[] = {"advantage", "value_target", "state_value"};
    rlc_model_free(model);
    rlc_spec action = rlc_spec_categorical(CHOICES), observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION));
    model = world_model(3, action);
    rlc_begin(p);
    rlc_dict *td = rlc_dict_clone(model->example);
    for (int i = 0; i < RLC_COUNT(columns); i++) {
        rlc_dict_set(td, columns[i], rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, 1)));
    }
    rlc_dict_set(td, "action_log_prob", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH)));
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [logits], out_features: 3}");
    world_add(model, "actor", "{type: ProbabilisticActor, module: net, distribution: Categorical}");
    world_add(model, "critic", "{type: MLP, num_cells: [8], out_keys: [state_value], out_features: 1}");
}

static void check_case(const char *type, const char *kind, int number) {
    char name[32], text[256];
    snprintf(name, sizeof name, "%s.%d", kind, number);
    new_model();
    snprintf(text, sizeof text,
             "{type: %s, actor_network: actor, critic_network: critic, loss_function: %s, clip_value: %g}", type,
             cases[number].function, cases[number].clip);
    rlc_loss *loss = add_loss(text);
    rlc_module *critic = rlc_model_find(model, "critic");
    load_network(critic, "clip_value", name, "critic");
    rlc_begin(p);
    rlc_dict *td = golden_batch("clip_value", name, cases[number].size);
    rlc_dict *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    static const char *const parts[] = {"loss_critic", "value_clip_fraction"};
    for (int i = 0; i < RLC_COUNT(parts); i++) {
        expect_close(parts[i], rlc_dict_get(out, parts[i]), golden("clip_value", "%s.out.%s", name, parts[i]), 1e-5,
                     1e-6);
    }
    expect_gradients(critic, "clip_value", name, "grad.critic", 1e-4, 1e-6);
    expect_ok(rlc_end(p));
}

static void check_kind(const char *type, const char *kind) {
    for (int i = 0; i < CASES; i++) {
        check_case(type, kind, i);
    }
}

static void test_clip_ppo(void **state) {
    (void)state;
    check_kind("ClipPPOLoss", "clip");
}

static void test_a2c(void **state) {
    (void)state;
    check_kind("A2CLoss", "a2c");
}

static void test_reinforce(void **state) {
    (void)state;
    check_kind("ReinforceLoss", "reinforce");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clip_ppo, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_a2c, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_reinforce, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("clip_value", tests, NULL, NULL);
}
