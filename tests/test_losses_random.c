/* The losses of actors and critics against TorchRL on many small batches (tests/golden/losses_random.py): options at
 * random, importance weights, one row, rows of which all, none or the last one end. */
#include "tests/actor_critic.h"

enum { CASES = 24 };
static const char *const functions[] = {"l2", "l1", "smooth_l1"};

/* The options of a case, and how many rows its batch has. */
static const double *settings_of(const char *name, double settings[8], int64_t *size) {
    const rlc_safetensors_entry *entry = golden(golden_file, "%s.settings", name);
    assert_true(entry->size <= 8 * sizeof *settings);
    memcpy(settings, entry->data, entry->size);
    *size = golden(golden_file, "%s.observation", name)->shape.size[0];
    return settings;
}

static void expect_known_parts(const rlc_dict *out, const char *name, const char *const *keys) {
    for (int i = 0; keys[i] != NULL; i++) {
        if (has_golden(golden_file, "%s.out.%s", name, keys[i])) {
            expect_part(out, name, keys[i], keys[i]);
        }
    }
}

static void check_on_policy(const char *kind, const char *type, const char *more, int number) {
    static const char *const parts[] = {
        "loss", "loss_objective",     "loss_actor", "loss_critic", "loss_entropy", "entropy", "kl", "clip_fraction",
        "ESS",  "explained_variance", NULL};
    char name[32], text[320];
    double settings[8];
    int64_t size;
    snprintf(name, sizeof name, "%s.%d", kind, number);
    const double *s = settings_of(name, settings, &size);
    bool categorical = s[0] != 0, reinforce = strcmp(kind, "reinforce") == 0;
    new_model(categorical ? rlc_spec_categorical(CHOICES) : rlc_spec_unbounded(RLC_SHAPE(ACTIONS)));
    add_actor(categorical, "Normal");
    world_add(model, "critic", "{type: MLP, num_cells: [8], out_keys: [state_value], out_features: 1}");
    int length = snprintf(text, sizeof text,
                          "{type: %s, actor_network: actor, critic_network: critic, loss_function: %s, "
                          "normalize_advantage: %s, critic_coeff: %.17g",
                          type, functions[(int)s[1]], s[2] != 0 ? "true" : "false", s[4]);
    length += reinforce ? 0 : snprintf(text + length, sizeof text - (size_t)length, ", entropy_coeff: %.17g", s[3]);
    length += more[0] == '\0' ? 0 : snprintf(text + length, sizeof text - (size_t)length, ", %s: %.17g", more, s[5]);
    strcat(text, "}");
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net"), *critic = rlc_model_find(model, "critic");
    load_network(net, golden_file, name, "actor");
    load_network(critic, golden_file, name, "critic");
    rlc_begin(p);
    rlc_dict *out = rlc_loss_call(loss, golden_batch(golden_file, name, size));
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_known_parts(out, name, parts);
    if (reinforce) {
        expect_part(out, name, "loss_critic", "loss_value");
    }
    expect_gradients(net, golden_file, name, "grad.actor", 1e-4, 2e-6);
    expect_gradients(critic, golden_file, name, "grad.critic", 1e-4, 2e-6);
    expect_ok(rlc_end(p));
}

static void test_clip_ppo(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_on_policy("clip", "ClipPPOLoss", "clip_epsilon", i);
    }
}

static void test_kl_pen_ppo(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_on_policy("kl", "KLPENPPOLoss", "increment: 1, decrement: 1, beta", i);
    }
}

static void test_a2c(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_on_policy("a2c", "A2CLoss", "", i);
    }
}

static void test_reinforce(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_on_policy("reinforce", "ReinforceLoss", "", i);
    }
}

static void check_sac(int number) {
    static const char *const parts[] = {"loss", "loss_actor", "loss_qvalue", "loss_alpha", "alpha", "entropy", NULL};
    char name[32], text[512];
    double settings[8];
    int64_t size;
    snprintf(name, sizeof name, "sac.%d", number);
    const double *s = settings_of(name, settings, &size);
    register_given();
    give(NULL, NULL, NULL);
    new_model(rlc_spec_bounded(RLC_SHAPE(ACTIONS), -2, 2));
    add_actor(false, "GivenTanhNormal");
    add_critic();
    snprintf(text, sizeof text,
             "{type: SACLoss, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: %.17g, alpha_init: "
             "%.17g, fixed_alpha: %s, target_entropy: %.17g, min_alpha: %.17g, max_alpha: %.17g, num_qvalue_nets: %d}",
             functions[(int)s[0]], s[1], s[2], s[3] != 0 ? "true" : "false", s[4], s[5], s[6], (int)s[7]);
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net");
    assert_int_equal(loss->num_targets, (int)s[7]);
    load_network(net, golden_file, name, "actor");
    load_critics(loss, name, 0);
    give(golden_file, name, NULL);
    rlc_begin(p);
    rlc_dict *td = golden_batch(golden_file, name, size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    assert_int_equal(given_draws, 2);
    expect_known_parts(out, name, parts);
    expect_close(name, rlc_sqrt(rlc_dict_get(td, "td_error")), golden(golden_file, "%s.td_error", name), 1e-4, 1e-5);
    expect_gradients(net, golden_file, name, "grad.actor", 1e-4, 2e-6);
    expect_critic_gradients(loss, name, 0);
    if (s[3] == 0) {
        expect_close(name, world_parameter(model, "loss.log_alpha")->grad,
                     golden(golden_file, "%s.grad.log_alpha", name), 1e-4, 1e-6);
    }
    expect_ok(rlc_end(p));
    give(NULL, NULL, NULL);
}

static void test_sac(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_sac(i);
    }
}

static void check_deterministic(bool twin, int number) {
    char name[32], text[256];
    double settings[8];
    int64_t size;
    snprintf(name, sizeof name, "%s.%d", twin ? "td3" : "ddpg", number);
    const double *s = settings_of(name, settings, &size);
    new_model(rlc_spec_bounded(RLC_SHAPE(ACTIONS), -2, 2));
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [action], out_features: 2}");
    world_add(model, "actor", "{type: Sequential, modules: [net, {type: TanhModule}]}");
    add_critic();
    int length = snprintf(text, sizeof text,
                          "{type: %s, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: %.17g",
                          twin ? "TD3Loss" : "DDPGLoss", functions[(int)s[0]], s[1]);
    if (twin) {
        snprintf(text + length, sizeof text - (size_t)length, ", policy_noise: 0, num_qvalue_nets: %d", (int)s[2]);
    }
    strcat(text, "}");
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net");
    load_network(net, golden_file, name, "actor");
    load_network(loss->targets[0].target, golden_file, name, "target_actor");
    load_critics(loss, name, 1);
    rlc_begin(p);
    rlc_dict *td = golden_batch(golden_file, name, size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_part(out, name, "loss", "loss");
    expect_part(out, name, "loss_actor", "loss_actor");
    expect_part(out, name, "loss_qvalue", twin ? "loss_qvalue" : "loss_value");
    expect_close(name, rlc_dict_get(td, "td_error"), golden(golden_file, "%s.td_error", name), 1e-4, 1e-5);
    expect_gradients(net, golden_file, name, "grad.actor", 1e-4, 2e-6);
    expect_critic_gradients(loss, name, 1);
    expect_ok(rlc_end(p));
}

static void test_ddpg(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_deterministic(false, i);
    }
}

static void test_td3(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_deterministic(true, i);
    }
}

int main(void) {
    golden_file = "losses_random";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clip_ppo, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_kl_pen_ppo, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_a2c, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_reinforce, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_sac, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_ddpg, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_td3, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("losses at random", tests, NULL, NULL);
}
