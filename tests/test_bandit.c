/* Policy gradients on a bandit with two arms, where they are known: J = sum pi[k] r[k] of pi = softmax(logits) has
 * dJ/dlogit[k] = pi[k] (r[k] - J). An episode is one step through environment, policy, GAE, loss and backward. */
#include "kernels/cpu/env_loop.h"
#include "tests/golden_loss.h"

enum { BANDIT_STATE = 1, BANDIT_OBSERVATION = 1, BANDIT_ACTIONS = 2 };

static const float arms[BANDIT_ACTIONS] = {-0.5f, 2};

static inline int bandit_step(float *state, int action, float *reward) {
    *state = 1;
    *reward = action == 0 ? -0.5f : 2;
    return 1;
}

static inline void bandit_reset(float *state, const rlc_draw *draw) {
    (void)draw;
    *state = 1;
}

static inline void bandit_observe(const float *state, float *observation) {
    *observation = *state;
}

ENV_DISCRETE(bandit, BANDIT)

typedef rlc_env Bandit;

static const rlc_env_class bandit = {
    .base = RLC_CLASS("env", Bandit, .doc = "of these tests"),
    .state_size = BANDIT_STATE,
    .observation_size = BANDIT_OBSERVATION,
    .num_actions = BANDIT_ACTIONS,
    .threshold = NAN,
    .kernel = bandit_loop,
};

/* What the parts of a run are here; the critic values everything at 0.75, a baseline that shifts no gradient. */
static rlc_env *env;
static rlc_module *actor, *advantage;
static rlc_loss *loss;
static double pi[BANDIT_ACTIONS];
static const double BASELINE = 0.75;

static void build(const char *type, const char *encoding, int num_envs, double share, double entropy_coeff) {
    static bool registered;
    char text[256];
    if (!registered) {
        expect_ok(rlc_register(world_registry(), &bandit.base));
        registered = true;
    }
    rlc_env_free(env);
    rlc_model_free(model);
    snprintf(text, sizeof text, "{type: Bandit, num_envs: %d, action_encoding: %s}", num_envs, encoding);
    env = world_env(1, text);
    expect_ok(rlc_model_new(world_registry(), test_device(), 1, &model));
    rlc_program *shapes;
    expect_ok(rlc_program_new(test_device(), "example", &shapes));
    rlc_model_expect(model, &env->observation, &env->action, rlc_env_example(env, shapes));
    world_add(model, "net", "{type: Linear, out_keys: [logits], out_features: 2}");
    snprintf(text, sizeof text, "{type: ProbabilisticActor, module: net, return_log_prob: true, distribution: %s}",
             strcmp(encoding, "one_hot") == 0 ? "OneHotCategorical" : "Categorical");
    actor = world_add(model, "actor", text);
    world_add(model, "critic", "{type: Linear, out_keys: [state_value], out_features: 1}");
    expect_ok(rlc_model_build(model, "module", "advantage",
                              world_value("{type: GAE, value_network: critic, gamma: 0.9, lmbda: 0.9}"), &advantage));
    snprintf(text, sizeof text, "{type: %s, actor_network: actor", type);
    size_t length = strlen(text);
    if (strcmp(type, "ReinforceLoss") == 0) {
        snprintf(text + length, sizeof text - length, "}");
    } else {
        snprintf(text + length, sizeof text - length, ", entropy_coeff: %g}", entropy_coeff);
    }
    loss = add_loss(text);
    rlc_program_free(shapes);
    const float logits[BANDIT_ACTIONS] = {(float)log(share / (1 - share)), 0};
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.net.weight"), (float[BANDIT_ACTIONS]){0}));
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.net.bias"), logits));
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.critic.weight"), &(float){0}));
    expect_ok(rlc_tensor_write(world_parameter(model, "modules.critic.bias"), &(float){(float)BASELINE}));
    pi[0] = share;
    pi[1] = 1 - share;
}

/* -dJ/dlogit[k] - entropy_coeff dH/dlogit[k], with dH/dlogit[k] = -pi[k] (log pi[k] + H) */
static void analytic(double entropy_coeff, double gradient[BANDIT_ACTIONS]) {
    double expected = 0, entropy = 0;
    for (int k = 0; k < BANDIT_ACTIONS; k++) {
        expected += pi[k] * (double)arms[k];
        entropy -= pi[k] * log(pi[k]);
    }
    for (int k = 0; k < BANDIT_ACTIONS; k++) {
        gradient[k] = -pi[k] * ((double)arms[k] - expected) + entropy_coeff * pi[k] * (log(pi[k]) + entropy);
    }
}

/* What a collector does: no gradient goes into what the policy left in the batch. */
static rlc_dict *reset_and_act(void) {
    bool was = rlc_no_grad(true);
    rlc_dict *td = rlc_env_reset(env);
    rlc_module_call(actor, td);
    rlc_no_grad(was);
    return td;
}

/* Plays td's actions and differentiates the loss of the batch, which both the bias and
 * the weight of the only input, 1, get. */
static void expect_gradient(const char *type, rlc_dict *td, const double *wanted, double tolerance) {
    rlc_env_step(env, td);
    rlc_dict *batch = rlc_dict_unsqueeze(td, 1); /* of one step */
    bool was = rlc_no_grad(true);
    rlc_module_call(advantage, batch);
    rlc_no_grad(was);
    rlc_dict *out = rlc_loss_call(loss, rlc_dict_reshape(batch, RLC_SHAPE(env->num_envs)));
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_elements(type, world_parameter(model, "modules.net.bias")->grad, BANDIT_ACTIONS, wanted, tolerance);
    expect_elements(type, world_parameter(model, "modules.net.weight")->grad, BANDIT_ACTIONS, wanted, tolerance);
    expect_ok(rlc_end(p));
}

/* Every action as often as its share: 3 of 4, then 1 of 8. The mean over such a batch is the expectation itself. */
static void check_enumerated(const char *type, const char *encoding, int count, int of_first, double entropy_coeff) {
    double wanted[BANDIT_ACTIONS];
    int64_t action[8];
    float log_prob[8];
    build(type, encoding, count, (double)of_first / count, entropy_coeff);
    analytic(entropy_coeff, wanted);
    for (int i = 0; i < count; i++) {
        action[i] = i >= of_first;
        log_prob[i] = (float)log(pi[action[i]]);
    }
    rlc_begin(p);
    rlc_dict *td = reset_and_act();
    rlc_tensor *index = rlc_from_data(RLC_I64, RLC_SHAPE(count), action);
    rlc_dict_set(td, "action", strcmp(encoding, "one_hot") == 0 ? rlc_one_hot(index, BANDIT_ACTIONS) : index);
    rlc_dict_set(td, "action_log_prob", rlc_from_data(RLC_F32, RLC_SHAPE(count), log_prob));
    expect_gradient(type, td, wanted, 1e-6);
}

/* Actions as the policy draws them: the gradient of a row for logit k is -A (1[a = k] - pi[k]), whose variance gives the
 * standard error of the mean. */
static void check_sampled(const char *type, const char *encoding) {
    enum { ROWS = 100000 };
    double wanted[BANDIT_ACTIONS];
    build(type, encoding, ROWS, 0.7, 0);
    analytic(0, wanted);
    double a = ((double)arms[0] - BASELINE) * pi[1], b = ((double)arms[1] - BASELINE) * pi[0];
    double variance = pi[0] * a * a + pi[1] * b * b - wanted[0] * wanted[0];
    rlc_begin(p);
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    rlc_dict *td = reset_and_act();
    expect_gradient(type, td, wanted, 5 * sqrt(variance / ROWS));
}

static const char *const types[] = {"ReinforceLoss", "A2CLoss", "ClipPPOLoss", "KLPENPPOLoss"};
static const char *const encodings[] = {"categorical", "one_hot"};

static void test_enumerated(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(types); i++) {
        for (int k = 0; k < RLC_COUNT(encodings); k++) {
            check_enumerated(types[i], encodings[k], 4, 3, 0);
            check_enumerated(types[i], encodings[k], 8, 1, 0);
        }
    }
}

static void test_entropy(void **state) {
    (void)state;
    for (int i = 1; i < RLC_COUNT(types); i++) {
        check_enumerated(types[i], "one_hot", 4, 3, 0.25);
    }
}

static void test_sampled(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(types); i++) {
        check_sampled(types[i], encodings[i % 2]);
    }
}

static int free_all(void **state) {
    rlc_env_free(env);
    env = NULL;
    return free_model(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_enumerated, start_without_model, free_all),
        cmocka_unit_test_setup_teardown(test_entropy, start_without_model, free_all),
        cmocka_unit_test_setup_teardown(test_sampled, start_without_model, free_all),
    };
    return cmocka_run_group_tests_name("bandit", tests, NULL, NULL);
}
