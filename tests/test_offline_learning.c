/* What the losses for recorded data learn from actions that were drawn at random: the policy acts better than the data. */
#include "objectives/optim.h"
#include "objectives/target.h"
#include "tests/off_policy.h"

enum { ROWS = 256, UPDATES = 1000 };

/* One-step episodes. Discrete: the action pays 1 if it names the largest of the first three numbers that are seen.
 * Continuous: it costs its squared distance from half the first two of them, which lie in [-1, 1]. */
static rlc_dict *record(rlc_stream *stream, bool discrete) {
    rlc_tensor *seen = rlc_add_scalar(rlc_mul_scalar(rlc_rand(stream, RLC_SHAPE(ROWS, WORLD_OBSERVATION)), 2), -1);
    rlc_tensor *action, *reward;
    if (discrete) {
        action = rlc_randint(stream, 0, CHOICES, RLC_SHAPE(ROWS));
        rlc_tensor *best = rlc_argmax(rlc_slice(seen, 1, 0, CHOICES), -1, false);
        reward = rlc_cast(rlc_eq(action, best), RLC_F32);
    } else {
        action = rlc_add_scalar(rlc_mul_scalar(rlc_rand(stream, RLC_SHAPE(ROWS, ACTIONS)), 2), -1);
        rlc_tensor *best = rlc_mul_scalar(rlc_slice(seen, 1, 0, ACTIONS), 0.5);
        reward = rlc_neg(rlc_sum(rlc_squared_error(action, best), -1, false));
    }
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "observation", seen);
    rlc_dict_set(td, "action", action);
    rlc_dict_set(td, "next.observation", seen);
    rlc_dict_set(td, "next.reward", rlc_unsqueeze(reward, -1));
    rlc_dict_set(td, "next.terminated", rlc_full(RLC_BOOL, RLC_SHAPE(ROWS, 1), 1));
    return td;
}

/* The mean reward of what the policy does in the states of a record. */
static double reward_of(rlc_module *policy, rlc_stream *stream, bool discrete) {
    rlc_begin(p);
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    rlc_dict *td = record(stream, discrete);
    rlc_tensor *seen = rlc_dict_get(td, "observation");
    rlc_module_call(policy, td);
    rlc_tensor *action = rlc_dict_get(td, "action"), *reward;
    if (discrete) {
        reward = rlc_cast(rlc_eq(action, rlc_argmax(rlc_slice(seen, 1, 0, CHOICES), -1, false)), RLC_F32);
    } else {
        rlc_tensor *best = rlc_mul_scalar(rlc_slice(seen, 1, 0, ACTIONS), 0.5);
        reward = rlc_neg(rlc_sum(rlc_squared_error(action, best), -1, false));
    }
    double mean = rlc_item(rlc_mean(reward, RLC_ALL, false));
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    expect_ok(rlc_end(p));
    return mean;
}

static double learn(const char *loss_text, const char *policy, bool discrete) {
    off_policy_case c = {.one_hot = false};
    if (discrete) {
        add_discrete(&c);
        world_add(model, "policy", "{type: Sequential, modules: [q, {type: QValueModule}]}");
    } else {
        add_continuous(1);
    }
    world_add(model, "v", "{type: MLP, num_cells: [8], out_keys: [state_value], out_features: 1}");
    rlc_loss *loss = add_loss(loss_text);
    rlc_optim *optim;
    rlc_target *target;
    expect_ok(rlc_optim_new(loss, world_value("{type: Adam, lr: 1e-2}"), NULL, 0, &optim));
    expect_ok(rlc_target_new(loss, world_value("{type: SoftUpdate, tau: 0.05}"), &target));
    rlc_stream *stream = rlc_stream_new(test_device(), 5, "record");
    for (int i = 0; i < UPDATES; i++) {
        rlc_begin(p);
        rlc_backward(rlc_dict_get(rlc_loss_call(loss, record(stream, discrete)), "loss"));
        rlc_optim_step(optim);
        rlc_target_step(target);
        expect_ok(rlc_end(p));
    }
    double reward = reward_of(rlc_model_find(model, policy), stream, discrete);
    print_message("%s: %.3f\n", loss_text, reward);
    rlc_stream_free(stream);
    rlc_target_free(target);
    rlc_optim_free(optim);
    return reward;
}

/* The data earns 1/3, the best there is 1. */
static void test_discrete(void **state) {
    (void)state;
    assert_true(
        learn("{type: DiscreteIQLLoss, actor_network: actor, qvalue_network: q, value_network: v, temperature: 5}",
              "actor", true) > 0.8);
    assert_true(learn("{type: DiscreteCQLLoss, value_network: policy}", "policy", true) > 0.8);
    assert_true(learn("{type: DiscreteSACLoss, actor_network: actor, qvalue_network: q, target_entropy: 0.1}", "actor",
                      true) > 0.8);
}

/* The data costs 0.83 on average, what the actor always does by itself about 0.17. */
static void test_continuous(void **state) {
    (void)state;
    assert_true(learn("{type: IQLLoss, actor_network: actor, qvalue_network: q, value_network: v, temperature: 5}",
                      "actor", false) > -0.08);
    assert_true(learn("{type: CQLLoss, actor_network: actor, qvalue_network: q, num_random: 4, min_q_weight: 0.1, "
                      "alpha_init: 0.1}",
                      "actor", false) > -0.08);
    assert_true(learn("{type: CQLLoss, actor_network: actor, qvalue_network: q, num_random: 4, alpha_init: 0.1, "
                      "with_lagrange: true, "
                      "lagrange_thresh: 5}",
                      "actor", false) > -0.08);
    assert_true(learn("{type: REDQLoss, actor_network: actor, qvalue_network: q, min_alpha: 0}", "actor", false) >
                -0.08);
}

/* An actor that only imitates what was drawn at random stays in the middle. */
static void test_imitation(void **state) {
    (void)state;
    assert_true(learn("{type: CQLLoss, actor_network: actor, qvalue_network: q, policy_eval_start: 100_000}", "actor",
                      false) < -0.12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_discrete, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_continuous, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_imitation, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("offline learning", tests, NULL, NULL);
}
