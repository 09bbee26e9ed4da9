/* The losses of actors and critics against TorchRL (tests/golden/losses.py): their parts, and the gradient of every
 * parameter. */
#include "tests/actor_critic.h"

static void check_on_policy(const char *kind, const char *family, int64_t size, const char *function, bool normalize) {
    static const struct {
        const char *kind, *type, *parts[9];
    } losses[] = {
        {"clip",
         "ClipPPOLoss",
         {"loss", "loss_objective", "loss_critic", "loss_entropy", "entropy", "clip_fraction", "ESS"}},
        {"kl", "KLPENPPOLoss", {"loss", "loss_objective", "loss_critic", "loss_entropy", "entropy", "kl"}},
        {"a2c", "A2CLoss", {"loss", "loss_objective", "loss_critic", "loss_entropy", "entropy"}},
        {"reinforce", "ReinforceLoss", {"loss", "loss_actor"}},
    };
    int i = 0;
    while (strcmp(losses[i].kind, kind) != 0) {
        i++;
    }
    char name[96], text[256];
    bool categorical = strcmp(family, "categorical") == 0;
    snprintf(name, sizeof name, "%s.%s.%d.%s.%s", kind, family, (int)size, function,
             normalize ? "normalized" : "plain");
    new_model(categorical ? rlc_spec_categorical(CHOICES) : rlc_spec_unbounded(RLC_SHAPE(ACTIONS)));
    add_actor(categorical, "Normal");
    world_add(model, "critic", "{type: MLP, num_cells: [8], out_keys: [state_value], out_features: 1}");
    snprintf(text, sizeof text,
             "{type: %s, actor_network: actor, critic_network: critic, loss_function: %s, normalize_advantage: %s%s}",
             losses[i].type, function, normalize ? "true" : "false", i == 1 ? ", increment: 1, decrement: 1" : "");
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net"), *critic = rlc_model_find(model, "critic");
    load_network(net, "losses", name, "actor");
    load_network(critic, "losses", name, "critic");
    rlc_begin(p);
    rlc_dict *out = rlc_loss_call(loss, golden_batch("losses", name, size));
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_parts(out, name, losses[i].parts);
    if (i == 3) {
        expect_part(out, name, "loss_critic", "loss_value");
    } else if (i < 2 && size > 1) { /* one target has no variance to explain */
        expect_part(out, name, "explained_variance", "explained_variance");
    }
    expect_gradients(net, "losses", name, "grad.actor", 1e-4, 1e-6);
    expect_gradients(critic, "losses", name, "grad.critic", 1e-4, 1e-6);
    expect_ok(rlc_end(p));
}

static void check_kind(const char *kind) {
    static const char *const families[] = {"normal", "categorical"};
    for (int i = 0; i < RLC_COUNT(families); i++) {
        check_on_policy(kind, families[i], 24, "smooth_l1", false);
        check_on_policy(kind, families[i], 24, "l2", false);
        check_on_policy(kind, families[i], 1, "smooth_l1", false);
        if (has_golden("losses", "%s.%s.24.smooth_l1.normalized.out.loss", kind, families[i])) {
            check_on_policy(kind, families[i], 24, "smooth_l1", true);
        }
    }
}

static void test_clip_ppo(void **state) {
    (void)state;
    check_kind("clip");
}

static void test_kl_pen_ppo(void **state) {
    (void)state;
    check_kind("kl");
}

/* beta, seen in the objective of a second call: doubled where the divergence was above 1.5 dtarg, halved below
 * dtarg / 1.5, else left alone. */
static void test_kl_pen_ppo_adapts(void **state) {
    (void)state;
    static const char *const name = "kl.normal.24.smooth_l1.plain";
    double kl = (double)*(const float *)golden("losses", "%s.out.kl", name)->data;
    const double targets[] = {kl / 1.6, kl / 1.4, kl * 1.4, kl * 1.6}, wanted[] = {2, 1, 1, 0.5};
    for (int i = 0; i < RLC_COUNT(targets); i++) {
        char text[128];
        double objective[2];
        new_model(rlc_spec_unbounded(RLC_SHAPE(ACTIONS)));
        add_actor(false, "Normal");
        snprintf(text, sizeof text, "{type: KLPENPPOLoss, actor_network: actor, dtarg: %.9g}", targets[i]);
        rlc_loss *loss = add_loss(text);
        load_network(rlc_model_find(model, "net"), "losses", name, "actor");
        for (int call = 0; call < 2; call++) {
            rlc_begin(p);
            rlc_dict *out = rlc_loss_call(loss, golden_batch("losses", name, 24));
            objective[call] = rlc_item(rlc_dict_get(out, "loss_objective"));
            expect_ok(rlc_end(p));
        }
        assert_true(fabs(objective[1] - objective[0] - (wanted[i] - 1) * kl) < 1e-5);
    }
}

static void test_a2c(void **state) {
    (void)state;
    check_kind("a2c");
}

static void test_reinforce(void **state) {
    (void)state;
    check_kind("reinforce");
}

static void check_sac(int64_t size, const char *flags, const char *function, bool fixed) {
    static const char *const shared[] = {"loss", "loss_actor", "loss_qvalue", "alpha", "entropy", NULL};
    char name[96], text[256];
    snprintf(name, sizeof name, "sac.%d.%s.%s.%s", (int)size, flags, function, fixed ? "fixed" : "learned");
    register_given();
    give(NULL, NULL, NULL);
    new_model(rlc_spec_bounded(RLC_SHAPE(ACTIONS), -2, 2));
    add_actor(false, "GivenTanhNormal");
    add_critic();
    snprintf(text, sizeof text,
             "{type: SACLoss, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: 0.9, alpha_init: 0.3, "
             "fixed_alpha: %s}",
             function, fixed ? "true" : "false");
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net");
    assert_int_equal(loss->num_targets, 2);
    load_network(net, "losses", name, "actor");
    load_critics(loss, name, 0);
    give(golden_file, name, NULL);
    rlc_begin(p);
    rlc_dict *td = golden_batch("losses", name, size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    assert_int_equal(given_draws, 2);
    expect_parts(out, name, shared);
    /* TorchRL's SAC leaves the difference, its other losses, as all of rlc's, the square. */
    rlc_tensor *difference = rlc_sqrt(rlc_dict_get(td, "td_error"));
    expect_close(name, difference, golden("losses", "%s.td_error", name), 1e-4, 1e-5);
    expect_gradients(net, "losses", name, "grad.actor", 1e-4, 1e-6);
    expect_critic_gradients(loss, name, 0);
    if (!fixed) {
        expect_part(out, name, "loss_alpha", "loss_alpha");
        expect_close(name, world_parameter(model, "loss.log_alpha")->grad, golden("losses", "%s.grad.log_alpha", name),
                     1e-4, 1e-6);
    }
    expect_ok(rlc_end(p));
    give(NULL, NULL, NULL);
}

static void test_sac(void **state) {
    (void)state;
    check_sac(24, "mixed", "smooth_l1", false);
    check_sac(24, "mixed", "l2", true);
    check_sac(24, "all", "smooth_l1", false);
    check_sac(24, "none", "smooth_l1", false);
    check_sac(1, "none", "l2", false);
}

static void check_deterministic(bool twin, int64_t size, const char *flags, const char *function) {
    char name[96], text[256];
    snprintf(name, sizeof name, "%s.%d.%s.%s", twin ? "td3" : "ddpg", (int)size, flags, function);
    new_model(rlc_spec_bounded(RLC_SHAPE(ACTIONS), -2, 2));
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [action], out_features: 2}");
    world_add(model, "actor", "{type: Sequential, modules: [net, {type: TanhModule}]}");
    add_critic();
    snprintf(text, sizeof text, "{type: %s, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: 0.9%s}",
             twin ? "TD3Loss" : "DDPGLoss", function, twin ? ", policy_noise: 0" : "");
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net");
    assert_int_equal(loss->num_targets, twin ? 3 : 2);
    load_network(net, "losses", name, "actor");
    load_network(loss->targets[0].target, "losses", name, "target_actor");
    load_critics(loss, name, 1);
    rlc_begin(p);
    rlc_dict *out = rlc_loss_call(loss, golden_batch("losses", name, size));
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_part(out, name, "loss", "loss");
    expect_part(out, name, "loss_actor", "loss_actor");
    expect_part(out, name, "loss_qvalue", twin ? "loss_qvalue" : "loss_value");
    expect_gradients(net, "losses", name, "grad.actor", 1e-4, 1e-6);
    expect_critic_gradients(loss, name, 1);
    expect_ok(rlc_end(p));
}

static void check_deterministic_kind(bool twin) {
    check_deterministic(twin, 24, "mixed", "smooth_l1");
    check_deterministic(twin, 24, "mixed", "l2");
    check_deterministic(twin, 24, "all", "l2");
    check_deterministic(twin, 24, "none", "l2");
    check_deterministic(twin, 1, "none", "smooth_l1");
}

static void test_ddpg(void **state) {
    (void)state;
    check_deterministic_kind(false);
}

static void test_td3(void **state) {
    (void)state;
    check_deterministic_kind(true);
}

/* Two arms and logits that no state changes: -dJ/dlogit[k] = -mean A (1[a = k] - pi[k]), by hand. */
static void check_bandit(const char *type, int count, bool normalize) {
    static const float logits[2] = {0.3f, -0.4f}, advantage[6] = {1, -2, 0.5f, 3, 0, -1};
    static const int64_t action[6] = {0, 1, 1, 0, 1, 0};
    double pi[2] = {1 / (1 + exp(-0.7)), 1 / (1 + exp(0.7))}, wanted[2] = {0};
    float old[6];
    for (int i = 0; i < count; i++) {
        old[i] = (float)log(pi[action[i]]);
        for (int k = 0; k < 2; k++) {
            wanted[k] -= (double)advantage[i] * ((action[i] == k) - pi[k]) / count;
        }
    }
    char text[160];
    new_model(rlc_spec_categorical(2));
    world_add(model, "net", "{type: Linear, out_keys: [logits], out_features: 2}");
    world_add(model, "actor", "{type: ProbabilisticActor, module: net, distribution: Categorical}");
    snprintf(text, sizeof text, "{type: %s, actor_network: actor, normalize_advantage: %s%s}", type,
             normalize ? "true" : "false", strcmp(type, "ReinforceLoss") == 0 ? "" : ", entropy_coeff: 0");
    rlc_loss *loss = add_loss(text);
    rlc_tensor *bias = world_parameter(model, "modules.net.bias");
    expect_ok(rlc_tensor_write(bias, logits));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(count));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(count, WORLD_OBSERVATION)));
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(count), action));
    rlc_dict_set(td, "advantage", rlc_from_data(RLC_F32, RLC_SHAPE(count, 1), advantage));
    rlc_dict_set(td, "action_log_prob", rlc_from_data(RLC_F32, RLC_SHAPE(count), old));
    rlc_backward(rlc_dict_get(rlc_loss_call(loss, td), "loss"));
    expect_elements(type, bias->grad, 2, wanted, 1e-6);
    expect_ok(rlc_end(p));
}

static void test_bandit(void **state) {
    (void)state;
    check_bandit("ReinforceLoss", 6, false);
    check_bandit("ReinforceLoss", 1, true); /* one element has nothing to be normalised by */
    check_bandit("A2CLoss", 6, false);
    check_bandit("A2CLoss", 1, true);
    check_bandit("ClipPPOLoss", 6, false);
    check_bandit("ClipPPOLoss", 1, true);
}

int main(void) {
    golden_file = "losses";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clip_ppo, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_kl_pen_ppo, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_kl_pen_ppo_adapts, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_a2c, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_reinforce, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_sac, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_ddpg, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_td3, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_bandit, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}
