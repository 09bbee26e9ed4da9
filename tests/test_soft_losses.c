/* SAC, discrete SAC and REDQ against TorchRL (tests/golden/off_policy.py): their parts, and the gradient of every
 * parameter. */
#include "tests/off_policy.h"

static const char *const PARTS[] = {"loss", "loss_actor", "loss_qvalue", "loss_alpha", "alpha", "entropy", NULL};

/* Calls the loss on the case's batch, with its noise, and compares what all three have. */
static void check(rlc_loss *loss, const char *name, int64_t size, const int64_t *slot, bool squared) {
    rlc_module *net = rlc_model_find(model, "net");
    load_network(net, FILE_NAME, name, "actor");
    load_critics(loss, name, slot);
    give(FILE_NAME, name, NULL);
    rlc_begin(p);
    rlc_dict *td = golden_batch(FILE_NAME, name, size), *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_parts(out, name, PARTS);
    expect_td_error(td, name, squared);
    expect_gradients(net, FILE_NAME, name, "grad.actor", 1e-4, 1e-6);
    expect_critic_gradients(loss, name, slot);
    expect_parameter_gradient(name, "log_alpha");
    expect_ok(rlc_end(p));
    assert_int_equal(given_draws, has_golden(FILE_NAME, "%s.noise.0", name) ? 2 : 0);
    give(NULL, NULL, NULL);
}

static rlc_tensor *log_alpha(void) {
    return world_parameter(model, "loss.log_alpha");
}

/* Bounds of alpha move its logarithm itself. */
static void expect_log_alpha(const char *name) {
    rlc_begin(p);
    expect_close(name, rlc_detach(log_alpha()), golden(FILE_NAME, "%s.log_alpha", name), 1e-6, 1e-6);
    expect_ok(rlc_end(p));
}

static void test_sac(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        off_policy_case c = case_of("sac", i);
        char text[256];
        add_continuous(2);
        snprintf(text, sizeof text,
                 "{type: SACLoss, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: 0.9, %s}",
                 c.function, temperature_of(i));
        check(add_loss(text), c.name, c.size, NULL, false);
        expect_log_alpha(c.name);
    }
}

static void test_discrete_sac(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        off_policy_case c = case_of("discrete_sac", i);
        char text[256];
        add_discrete(&c);
        snprintf(text, sizeof text,
                 "{type: DiscreteSACLoss, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: 0.9, %s}",
                 c.function, temperature_of(i));
        check(add_loss(text), c.name, c.size, NULL, false);
        expect_log_alpha(c.name);
    }
}

/* What the loss is to draw: golden critic i goes where the loss looks i-th. */
static void draw_order(int64_t count, int64_t *order) {
    rlc_stream *stream = rlc_stream_new(test_device(), 3, "loss.subset");
    rlc_begin(p);
    expect_ok(rlc_read(rlc_randperm(stream, count), order));
    expect_ok(rlc_end(p));
    rlc_stream_free(stream);
}

static void test_redq(void **state) {
    (void)state;
    static const int counts[] = {5, 3, 10, 2}, subsets[] = {2, 2, 3, 1};
    static const char *const bounds[] = {"", ", min_alpha: 0.5", ", max_alpha: 0.2"};
    for (int i = 0; i < CASES; i++) {
        off_policy_case c = case_of("redq", i);
        int64_t order[RLC_MAX_TARGETS];
        char text[320];
        add_continuous(2);
        snprintf(text, sizeof text,
                 "{type: REDQLoss, actor_network: actor, qvalue_network: q, loss_function: %s, gamma: 0.9, alpha_init: "
                 "0.3, num_qvalue_nets: %d, sub_sample_len: %d%s}",
                 c.function, counts[i % 4], subsets[i % 4], bounds[i / 2 % 3]);
        rlc_loss *loss = add_loss(text);
        assert_int_equal(loss->num_targets, counts[i % 4]);
        draw_order(counts[i % 4], order);
        check(loss, c.name, c.size, order, true);
    }
}

/* All parameters are 0 but the last bias of each target, its number: the reward is 0, so td_error is the square of the
 * smallest number in the subset. Of 5 numbers, 2 drawn, i is the smallest with probability (4 - i) / 10. */
static void test_redq_subset(void **state) {
    (void)state;
    enum { NETWORKS = 5, CALLS = 4000, SIZE = 24 };
    int smallest[NETWORKS] = {0};
    add_continuous(2);
    rlc_loss *loss = add_loss("{type: REDQLoss, actor_network: actor, qvalue_network: q, num_qvalue_nets: 5, gamma: 1, "
                              "alpha_init: 1e-9, min_alpha: 0, fixed_alpha: true}");
    rlc_begin(p);
    rlc_no_grad(true);
    for (int i = 0; i < NETWORKS; i++) {
        golden_part parts[GOLDEN_PARTS];
        int count = golden_parts(loss->targets[i].online, parts);
        rlc_assign(parts[count - 2].tensor, rlc_zeros(RLC_F32, rlc_shape_of(parts[count - 2].tensor)));
        rlc_assign(parts[count - 1].tensor, rlc_zeros(RLC_F32, RLC_SHAPE(1)));
        golden_parts(loss->targets[i].target, parts);
        rlc_assign(parts[count - 2].tensor, rlc_zeros(RLC_F32, rlc_shape_of(parts[count - 2].tensor)));
        rlc_assign(parts[count - 1].tensor, rlc_full(RLC_F32, RLC_SHAPE(1), i));
    }
    rlc_no_grad(false);
    expect_ok(rlc_end(p));
    for (int call = 0; call < CALLS; call++) {
        rlc_begin(p);
        rlc_dict *td = golden_batch(FILE_NAME, "redq.4", SIZE); /* nothing is terminated */
        rlc_dict_set(td, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(SIZE, 1)));
        rlc_loss_call(loss, td);
        float error[SIZE];
        expect_ok(rlc_read(rlc_dict_get(td, "td_error"), error));
        expect_ok(rlc_end(p));
        smallest[(int)(sqrtf(error[0]) + 0.5f)]++;
    }
    for (int i = 0; i < NETWORKS; i++) {
        double wanted = CALLS * (4.0 - i) / 10, deviation = sqrt(CALLS * (4.0 - i) / 10 * (6.0 + i) / 10);
        assert_true(fabs(smallest[i] - wanted) <= 5 * deviation);
    }
}

/* The actor and the temperature learn from every third update only. */
static void test_redq_delay(void **state) {
    (void)state;
    add_continuous(2);
    rlc_loss *loss = add_loss("{type: REDQLoss, actor_network: actor, qvalue_network: q, policy_update_delay: 3}");
    golden_part parts[GOLDEN_PARTS];
    golden_parts(rlc_model_find(model, "net"), parts);
    for (int call = 0; call < 7; call++) {
        rlc_begin(p);
        rlc_dict *out = rlc_loss_call(loss, golden_batch(FILE_NAME, "redq.0", 24));
        rlc_backward(rlc_dict_get(out, "loss"));
        expect_ok(rlc_end(p));
        bool learns = call % 3 == 0;
        assert_int_equal((parts[0].tensor->flags & RLC_HAS_GRAD) != 0, learns);
        assert_int_equal((log_alpha()->flags & RLC_HAS_GRAD) != 0, learns);
        assert_int_equal(rlc_dict_find(out, "loss_actor") != NULL, learns);
        for (int i = 0; i < model->num_parameters; i++) {
            rlc_zero_grad(model->parameters[i].tensor);
        }
    }
}

/* A temperature that is kept starts within its bounds too. */
static void test_fixed_alpha(void **state) {
    (void)state;
    off_policy_case c = case_of("discrete_sac", 0);
    add_discrete(&c);
    rlc_loss *loss = add_loss("{type: DiscreteSACLoss, actor_network: actor, qvalue_network: q, fixed_alpha: true, "
                              "max_alpha: 0.5}");
    rlc_begin(p);
    rlc_dict *out = rlc_loss_call(loss, golden_batch(FILE_NAME, c.name, c.size));
    EXPECT(rlc_dict_get(out, "alpha"), 0.5);
    assert_null(rlc_dict_find(out, "loss_alpha"));
    expect_ok(rlc_end(p));
}

static void expect_refused(const char *options, const char *message) {
    rlc_module *loss = NULL;
    expect_error(rlc_model_build(model, "loss", "loss", world_value(options), &loss), RLC_INVALID, message);
}

static void test_refused(void **state) {
    (void)state;
    off_policy_case c = case_of("discrete_sac", 1);
    add_discrete(&c);
    expect_refused("{type: DiscreteSACLoss, actor_network: actor, qvalue_network: q, min_alpha: 2, max_alpha: 1}",
                   "min_alpha (2) must not be above max_alpha (1)");
    add_discrete(&c);
    expect_refused(
        "{type: DiscreteSACLoss, actor_network: actor, qvalue_network: {type: MLP, out_features: 1, out_keys: "
        "[action_value]}}",
        "a network gives 1 values, but the environment has 3 actions");
    add_continuous(2);
    expect_refused("{type: REDQLoss, actor_network: actor, qvalue_network: q, num_qvalue_nets: 3, sub_sample_len: 4}",
                   "sub_sample_len (4) must not be above num_qvalue_nets (3)");
    add_continuous(2);
    expect_refused("{type: DiscreteSACLoss, actor_network: actor, qvalue_network: q}",
                   "it learns the value of each discrete action, but those of the environment are Bounded");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sac, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_discrete_sac, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_redq, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_redq_subset, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_redq_delay, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_fixed_alpha, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_refused, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("soft losses", tests, NULL, NULL);
}
