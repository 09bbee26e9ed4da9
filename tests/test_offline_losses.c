/* IQL and CQL, continuous and discrete, against TorchRL (tests/golden/off_policy.py): their parts, and the gradient of
 * every parameter. */
#include "tests/off_policy.h"

static const char *const IQL_PARTS[] = {"loss", "loss_actor", "loss_qvalue", "loss_value", "entropy", NULL};

static void check_iql(bool discrete, int number) {
    static const double temperatures[] = {1, 0.3, 4}, expectiles[] = {0.5, 0.7, 0.9};
    off_policy_case c = case_of(discrete ? "discrete_iql" : "iql", number);
    char text[320];
    if (discrete) {
        add_discrete(&c);
    } else {
        add_continuous(2);
    }
    world_add(model, "v", "{type: MLP, num_cells: [8], out_keys: [state_value], out_features: 1}");
    snprintf(
        text, sizeof text,
        "{type: %sIQLLoss, actor_network: actor, qvalue_network: q, value_network: v, loss_function: %s, gamma: 0.9, "
        "temperature: %g, expectile: %g}",
        discrete ? "Discrete" : "", c.function, temperatures[number % 3], expectiles[number / 2 % 3]);
    rlc_loss *loss = add_loss(text);
    rlc_module *net = rlc_model_find(model, "net"), *value = rlc_model_find(model, "v");
    load_network(net, FILE_NAME, c.name, "actor");
    load_network(value, FILE_NAME, c.name, "value");
    load_critics(loss, c.name, NULL);
    rlc_begin(p);
    rlc_dict *td = golden_batch(FILE_NAME, c.name, c.size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_parts(out, c.name, IQL_PARTS);
    expect_td_error(td, c.name, true);
    expect_gradients(net, FILE_NAME, c.name, "grad.actor", 1e-4, 1e-6);
    expect_gradients(value, FILE_NAME, c.name, "grad.value", 1e-4, 1e-6);
    expect_critic_gradients(loss, c.name, NULL);
    expect_ok(rlc_end(p));
}

static void test_iql(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_iql(false, i);
    }
}

static void test_discrete_iql(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_iql(true, i);
    }
}

/* The loss of case `number`; `imitates`: its actor imitates the data. */
static rlc_loss *add_cql(const off_policy_case *c, int number, bool imitates) {
    char text[512];
    add_continuous(1);
    snprintf(
        text, sizeof text,
        "{type: CQLLoss, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: 0.9, max_q_backup: %s, "
        "deterministic_backup: %s, num_random: %d, temperature: %g, min_q_weight: %d, with_lagrange: %s, "
        "lagrange_thresh: 0.7, policy_eval_start: %d, %s}",
        c->function, number % 5 == 3 ? "true" : "false", number % 2 == 0 ? "true" : "false",
        number / 2 % 2 == 0 ? 1 : 4, number / 4 % 2 == 0 ? 1.0 : 0.5, number / 3 % 2 == 0 ? 1 : 5,
        number % 4 == 1 ? "true" : "false", imitates ? 1 : 0, temperature_of(number));
    rlc_loss *loss = add_loss(text);
    load_network(rlc_model_find(model, "net"), FILE_NAME, c->name, "actor");
    load_critics(loss, c->name, NULL);
    return loss;
}

/* Which of the golden draws the loss makes: TorchRL draws an action that max_q_backup does not use, and both an action for
 * the actor that imitates and one for the actor that improves. */
static void give_cql(const off_policy_case *c, int number, bool imitates) {
    static const int backup[][4] = {{0, 1, 2, 4}, {0, 1, 2, 3}}, many[][4] = {{1, 2, 3, 5}, {1, 2, 3, 4}};
    give(FILE_NAME, c->name, number % 5 == 3 ? many[imitates] : backup[imitates]);
}

static void check_cql(int number) {
    static const char *const parts[] = {"loss_actor", "loss_qvalue", "loss_cql", "loss_alpha",
                                        "alpha",      "entropy",     NULL};
    off_policy_case c = case_of("cql", number);
    rlc_loss *loss = add_cql(&c, number, false);
    give_cql(&c, number, false);
    rlc_begin(p);
    rlc_dict *td = golden_batch(FILE_NAME, c.name, c.size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    assert_int_equal(given_draws, 4);
    expect_parts(out, c.name, parts);
    expect_td_error(td, c.name, true);
    expect_gradients(rlc_model_find(model, "net"), FILE_NAME, c.name, "grad.actor", 1e-4, 1e-6);
    expect_critic_gradients(loss, c.name, NULL);
    expect_parameter_gradient(c.name, "log_alpha");
    if (number % 4 == 1) {
        expect_part(out, c.name, "loss_alpha_prime");
        expect_parameter_gradient(c.name, "log_alpha_prime");
    } else {
        expect_part(out, c.name, "loss");
    }
    expect_ok(rlc_end(p));
    give(NULL, NULL, NULL);
}

static void test_cql(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        check_cql(i);
    }
}

/* At first the actor imitates, then it improves. */
static void test_cql_imitates(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        off_policy_case c = case_of("cql", i);
        rlc_loss *loss = add_cql(&c, i, true);
        for (int call = 0; call < 2; call++) {
            give_cql(&c, i, call == 0);
            rlc_begin(p);
            rlc_dict *out = rlc_loss_call(loss, golden_batch(FILE_NAME, c.name, c.size));
            if (call == 0) {
                rlc_backward(rlc_dict_get(out, "loss"));
                expect_part(out, c.name, "loss_actor_bc");
                assert_null(rlc_dict_find(out, "loss_actor"));
                expect_gradients(rlc_model_find(model, "net"), FILE_NAME, c.name, "grad.imitate", 1e-4, 1e-6);
            } else {
                expect_part(out, c.name, "loss_actor");
                assert_null(rlc_dict_find(out, "loss_actor_bc"));
            }
            expect_ok(rlc_end(p));
            give(NULL, NULL, NULL);
        }
    }
}

/* What critics that value everything at 0 are charged, where actions lie in [-bound, bound]. */
static double penalty_of(double bound) {
    add_continuous(bound);
    rlc_loss *loss = add_loss("{type: CQLLoss, actor_network: actor, qvalue_network: q, num_random: 1}");
    load_network(rlc_model_find(model, "net"), FILE_NAME, "cql.0", "actor");
    rlc_begin(p);
    rlc_no_grad(true);
    for (int i = 0; i < loss->num_targets; i++) {
        golden_part parts[GOLDEN_PARTS];
        for (int k = golden_parts(loss->targets[i].online, parts) - 1; k >= 0; k--) {
            rlc_assign(parts[k].tensor, rlc_zeros(RLC_F32, rlc_shape_of(parts[k].tensor)));
        }
    }
    rlc_no_grad(false);
    expect_ok(rlc_end(p));
    give(FILE_NAME, "cql.0", (const int[]){0, 1, 2, 4});
    rlc_begin(p);
    double cost = rlc_item(rlc_dict_get(rlc_loss_call(loss, golden_batch(FILE_NAME, "cql.0", 24)), "loss_cql"));
    expect_ok(rlc_end(p));
    give(NULL, NULL, NULL);
    return cost;
}

/* All densities fall with the volume of the actions: twice the bound is log 4 more for each of two critics. */
static void test_cql_bounds(void **state) {
    (void)state;
    assert_true(fabs(penalty_of(2) - penalty_of(1) - 2 * log(4)) < 1e-4);
    assert_true(fabs(penalty_of(0.5) - penalty_of(1) + 2 * log(4)) < 1e-4);
}

static void test_cql_refused(void **state) {
    (void)state;
    rlc_module *loss = NULL;
    off_policy_case c = case_of("discrete_iql", 0);
    add_discrete(&c);
    expect_error(rlc_model_build(model, "loss", "loss",
                                 world_value("{type: CQLLoss, actor_network: actor, qvalue_network: q}"), &loss),
                 RLC_INVALID, "it draws uniform actions, which need bounds; those of the environment are OneHot(3)");
}

/* A multiplier of 2 doubles what the critics learn from the penalty, and not what is reported of it. */
static void test_cql_multiplier(void **state) {
    (void)state;
    const int number = 1;
    off_policy_case c = case_of("cql", number);
    double loss_value[2], penalty = 0, multiplier_loss[2];
    for (int doubled = 0; doubled < 2; doubled++) {
        rlc_loss *loss = add_cql(&c, number, false);
        float log_alpha = doubled ? logf(2) : 0;
        expect_ok(rlc_tensor_write(world_parameter(model, "loss.log_alpha_prime"), &log_alpha));
        give_cql(&c, number, false);
        rlc_begin(p);
        rlc_dict *out = rlc_loss_call(loss, golden_batch(FILE_NAME, c.name, c.size));
        loss_value[doubled] = rlc_item(rlc_dict_get(out, "loss"));
        penalty = rlc_item(rlc_dict_get(out, "loss_cql"));
        multiplier_loss[doubled] = rlc_item(rlc_dict_get(out, "loss_alpha_prime"));
        EXPECT(rlc_dict_get(out, "alpha_prime"), doubled + 1.0);
        expect_ok(rlc_end(p));
        give(NULL, NULL, NULL);
    }
    assert_true(fabs(multiplier_loss[1] - 2 * multiplier_loss[0]) < 1e-5);
    assert_true(fabs(loss_value[1] - loss_value[0] - penalty - multiplier_loss[0]) < 1e-4);
}

/* Without a target network: TorchRL has one and does not use it (tests/golden/off_policy.py). */
static rlc_loss *add_discrete_cql(const off_policy_case *c, bool delayed) {
    char text[160];
    add_discrete(c);
    world_add(model, "policy", "{type: Sequential, modules: [q, {type: QValueModule}]}");
    snprintf(text, sizeof text,
             "{type: DiscreteCQLLoss, value_network: policy, loss_function: %s, gamma: 0.9, delay_value: %s}",
             c->function, delayed ? "true" : "false");
    rlc_loss *loss = add_loss(text);
    load_network(rlc_model_find(model, "q"), FILE_NAME, c->name, "q0");
    return loss;
}

static void test_discrete_cql(void **state) {
    (void)state;
    static const char *const parts[] = {"loss", "loss_qvalue", "loss_cql", "pred_value", "target_value", NULL};
    for (int i = 0; i < CASES; i++) {
        off_policy_case c = case_of("discrete_cql", i);
        rlc_loss *loss = add_discrete_cql(&c, false);
        rlc_begin(p);
        rlc_dict *td = golden_batch(FILE_NAME, c.name, c.size), *out = rlc_loss_call(loss, td);
        rlc_backward(rlc_dict_get(out, "loss"));
        expect_parts(out, c.name, parts);
        expect_td_error(td, c.name, true);
        expect_gradients(rlc_model_find(model, "q"), FILE_NAME, c.name, "grad.q0", 1e-4, 1e-6);
        expect_ok(rlc_end(p));
    }
}

static void test_discrete_cql_target(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        off_policy_case c = case_of("discrete_cql", i);
        rlc_loss *loss = add_discrete_cql(&c, true);
        load_critics(loss, c.name, NULL);
        rlc_begin(p);
        rlc_dict *out = rlc_loss_call(loss, golden_batch(FILE_NAME, c.name, c.size));
        rlc_backward(rlc_dict_get(out, "loss"));
        expect_close(c.name, rlc_dict_get(out, "loss_qvalue"), golden(FILE_NAME, "%s.out.delayed", c.name), 1e-4, 1e-6);
        expect_part(out, c.name, "loss_cql");
        expect_no_gradients(loss->targets[0].target);
        expect_ok(rlc_end(p));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_iql, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_discrete_iql, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_cql, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_cql_imitates, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_cql_bounds, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_cql_refused, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_cql_multiplier, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_discrete_cql, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_discrete_cql_target, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("offline losses", tests, NULL, NULL);
}
