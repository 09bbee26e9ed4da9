/* ActorValueOperator and its kin against TorchRL's (tests/golden/actor_critic.py): what the whole and its parts read, write
 * and compute, that what they share is there once and learns from both, and what a recipe may say wrongly. */
#include "core/record.h"
#include "modules/distribution.h"
#include "tests/golden_loss.h"

#define GOLDEN "actor_critic"
#define HEAD(key)                                                                                                      \
    "{type: ProbabilisticActor, modules: [{type: Linear, in_keys: [" key                                               \
    "], out_keys: [parameters], out_features: 4}, "                                                                    \
    "{type: NormalParamExtractor, in_keys: [parameters]}], distribution: Normal, return_log_prob: true}"
#define COMMON "common_operator: {type: Linear, out_keys: [hidden], out_features: 5, activation: tanh}, "
#define WORTH(keys) "{type: ValueOperator, in_keys: [" keys "], module: {type: Linear, out_features: 1}}"

static const struct kind {
    const char *name, *options, *value, *worth, *policy_net, *value_net;
} kinds[] = {
    {"value",
     "{type: ActorValueOperator, " COMMON "policy_operator: " HEAD("hidden") ", value_operator: " WORTH("hidden") "}",
     "net.value", "state_value", "policy_head", "value_head"},
    {"critic",
     "{type: ActorCriticOperator, " COMMON
     "policy_operator: " HEAD("hidden") ", value_operator: " WORTH("hidden, action") "}",
     "net.critic", "state_action_value", "policy_head", "critic_head"},
    {"wrapper",
     "{type: ActorCriticWrapper, policy_operator: " HEAD("observation") ", value_operator: " WORTH("observation") "}",
     "net.value", "state_value", "policy", "value"},
};
enum { CASES = 7 };

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_unbounded(RLC_SHAPE(2)));
    return 0;
}

static void expect_keys(const rlc_key *const *keys, int count, const char *wanted) {
    char text[256] = "";
    for (int i = 0; i < count; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), i > 0 ? ", %s" : "%s", keys[i]->name);
    }
    assert_string_equal(text, wanted);
}

static void expect_part(const char *name, const char *in, const char *out) {
    const rlc_module *part = rlc_model_find(model, name);
    assert_non_null(part);
    expect_keys(part->in_keys, part->num_in, in);
    expect_keys(part->out_keys, part->num_out, out);
}

/* As the golden script prints TorchRL's; `parameters` is what TorchRL computes inside a network. */
static void test_keys(void **state) {
    (void)state;
    world_add(model, "net", kinds[0].options);
    expect_part("net", "observation", "hidden, parameters, loc, scale, action, action_log_prob, state_value");
    expect_part("net.policy", "observation", "hidden, parameters, loc, scale, action, action_log_prob");
    expect_part("net.value", "observation", "hidden, state_value");
}

static void test_keys_of_a_critic(void **state) {
    (void)state;
    world_add(model, "net", kinds[1].options);
    expect_part("net", "observation", "hidden, parameters, loc, scale, action, action_log_prob, state_action_value");
    expect_part("net.policy", "observation", "hidden, parameters, loc, scale, action, action_log_prob");
    expect_part("net.critic", "observation, action", "hidden, state_action_value");
}

static void test_keys_of_a_wrapper(void **state) {
    (void)state;
    world_add(model, "net", kinds[2].options);
    expect_part("net", "observation", "parameters, loc, scale, action, action_log_prob, state_value");
    expect_part("net.policy", "observation", "parameters, loc, scale, action, action_log_prob");
    expect_part("net.value", "observation", "state_value");
}

typedef struct network {
    const char *golden_name;
    char path[48];
} network;

/* Where the golden file's networks are in the model. */
static int networks_of(const struct kind *kind, network *networks) {
    int count = 0;
    if (strcmp(kind->name, "wrapper") != 0) {
        networks[count++] = (network){"common", "modules.net.common"};
    }
    networks[count].golden_name = "policy";
    snprintf(networks[count++].path, sizeof networks->path, "modules.net.%s.0", kind->policy_net);
    networks[count].golden_name = "value";
    snprintf(networks[count++].path, sizeof networks->path, "modules.net.%s.0", kind->value_net);
    return count;
}

static rlc_tensor *parameter_of(const network *n, const char *part) {
    char path[64];
    snprintf(path, sizeof path, "%s.%s", n->path, part);
    return world_parameter(model, path);
}

static void load_case(const char *name, const network *networks, int count) {
    static const char *const parts[] = {"weight", "bias"};
    for (int i = 0; i < 2 * count; i++) {
        const network *n = &networks[i / 2];
        const void *data = golden(GOLDEN, "%s.%s.%s", name, n->golden_name, parts[i % 2])->data;
        expect_ok(rlc_tensor_write(parameter_of(n, parts[i % 2]), data));
    }
}

/* The whole, which acts, and the value's part, which does not. */
static void expect_values(const struct kind *kind, const char *name, int64_t size) {
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    rlc_dict *whole = golden_batch(GOLDEN, name, size), *part = golden_batch(GOLDEN, name, size);
    rlc_module_call(rlc_model_find(model, "net"), whole);
    rlc_module_call(rlc_model_find(model, kind->value), part);
    expect_close(name, rlc_dict_get(whole, "action"), golden(GOLDEN, "%s.whole.action", name), 1e-5, 1e-6);
    expect_close(name, rlc_dict_get(whole, kind->worth), golden(GOLDEN, "%s.whole.%s", name, kind->worth), 1e-5, 1e-6);
    expect_close(name, rlc_dict_get(part, kind->worth), golden(GOLDEN, "%s.value", name), 1e-5, 1e-6);
    expect_close(name, rlc_dict_get(part, "action"), golden(GOLDEN, "%s.action", name), 0, 0);
    expect_ok(rlc_end(p));
}

/* What the critic of an action learns from: no loss that TorchRL has for one looks at both parts at once. */
static rlc_tensor *critic_loss(rlc_dict *td) {
    rlc_distribution d;
    assert_true(rlc_module_distribution(rlc_model_find(model, "net.policy"), rlc_dict_clone(td), &d));
    rlc_tensor *log_prob = rlc_mean(rlc_distribution_log_prob(&d, rlc_dict_get(td, "action")), RLC_ALL, false);
    rlc_dict *scored = rlc_dict_clone(td);
    rlc_module_call(rlc_model_find(model, "net.critic"), scored);
    rlc_tensor *value = rlc_dict_get(scored, "state_action_value"), *target = rlc_dict_get(td, "value_target");
    return rlc_sub(rlc_mean(rlc_squared_error(value, target), RLC_ALL, false), log_prob);
}

static void expect_case(const struct kind *kind, rlc_loss *loss, const network *networks, int count, int i) {
    static const char *const parts[] = {"weight", "bias"};
    char name[32];
    snprintf(name, sizeof name, "%s.%d", kind->name, i);
    int64_t size = golden(GOLDEN, "%s.observation", name)->shape.size[0];
    load_case(name, networks, count);
    expect_values(kind, name, size);
    rlc_begin(p);
    rlc_dict *td = golden_batch(GOLDEN, name, size);
    rlc_tensor *total = loss != NULL ? rlc_dict_get(rlc_loss_call(loss, td), "loss") : critic_loss(td);
    expect_close(name, total, golden(GOLDEN, "%s.loss", name), 1e-4, 1e-5);
    rlc_backward(total);
    expect_ok(rlc_end(p));
    for (int k = 0; k < 2 * count; k++) {
        const network *n = &networks[k / 2];
        rlc_tensor *tensor = parameter_of(n, parts[k % 2]);
        assert_true(tensor->flags & RLC_HAS_GRAD);
        expect_close(name, tensor->grad, golden(GOLDEN, "%s.grad.%s.%s", name, n->golden_name, parts[k % 2]), 1e-4,
                     1e-5);
        rlc_zero_grad(tensor);
    }
}

static void expect_kind(const struct kind *kind) {
    network networks[3];
    int count = networks_of(kind, networks), indices[16];
    rlc_loss *loss = NULL;
    rlc_module *net = world_add(model, "net", kind->options);
    if (strcmp(kind->name, "critic") != 0) {
        world_add(model, "gae", "{type: GAE, value_network: net.value}"); /* so that there are advantages */
        loss = add_loss("{type: A2CLoss, actor_network: net.policy, critic_network: net.value, loss_function: l2, "
                        "entropy_coeff: 0.1}");
        assert_int_equal(rlc_loss_parameters(loss, NULL, indices, 16), 2 * count);
    } else {
        expect_ok(rlc_model_allocate(model));
    }
    assert_int_equal(model->num_parameters, 2 * count);
    assert_int_equal(rlc_module_parameters(net, indices, 16), 2 * count);
    for (int i = 0; i < CASES; i++) {
        expect_case(kind, loss, networks, count, i);
    }
}

static void test_value(void **state) {
    (void)state;
    expect_kind(&kinds[0]);
}

static void test_critic(void **state) {
    (void)state;
    expect_kind(&kinds[1]);
}

static void test_wrapper(void **state) {
    (void)state;
    expect_kind(&kinds[2]);
}

/* A part may be named before the whole has been built, and the pieces may stand elsewhere in the recipe. */
static void test_references(void **state) {
    (void)state;
    expect_ok(rlc_model_define(
        model, world_value("first: {type: Sequential, modules: [net.policy]}\n"
                           "net: {type: ActorValueOperator, common_operator: body,\n"
                           "      policy_operator: " HEAD(
                               "hidden") ",\n"
                                         "      value_operator: " WORTH(
                                             "hidden") "}\n"
                                                       "body: {type: Linear, out_keys: [hidden], out_features: 5}\n"
                                                       "pair: {type: ActorCriticWrapper, policy_operator: first,\n"
                                                       "       value_operator: net.value}\n")));
    const rlc_module *first = rlc_model_find(model, "first");
    assert_ptr_equal(first->members[0], rlc_model_find(model, "net.policy"));
    assert_ptr_equal(rlc_model_find(model, "net.policy")->members[0], rlc_model_find(model, "body"));
    assert_ptr_equal(rlc_model_find(model, "net.value")->members[0], rlc_model_find(model, "body"));
    assert_ptr_equal(rlc_model_find(model, "pair.policy")->members[0], first);
    assert_ptr_equal(rlc_model_find(model, "pair.value")->members[0], rlc_model_find(model, "net.value"));
    assert_int_equal(model->num_parameters, 6);
}

/* What the parts share they share in a second instance, too: of the whole, or of a part. */
static void test_targets(void **state) {
    (void)state;
    int indices[16];
    world_add(model, "net", kinds[1].options);
    world_add(model, "both", "{type: Sequential, modules: [net, net.critic]}");
    rlc_module *outer = rlc_model_find(model, "both");
    rlc_loss *loss = add_loss("{type: DDPGLoss, actor_network: net.policy, value_network: net.critic}");
    assert_int_equal(model->num_parameters, 14); /* body, policy, critic; body and policy; body and critic */
    assert_int_equal(loss->num_targets, 2);
    for (int i = 0; i < loss->num_targets; i++) {
        assert_int_equal(rlc_module_parameters(loss->targets[i].target, indices, 16), 4);
    }
    assert_int_equal(rlc_module_parameters(outer, indices, 16), 6);
    assert_non_null(world_parameter(model, "loss.target_actor_network.net.common.weight"));
    assert_non_null(world_parameter(model, "loss.target_qvalue_network_0.net.critic_head.0.weight"));
}

/* A second instance of the whole has parts of its own, and each thing once. */
static void test_second_instance(void **state) {
    (void)state;
    int indices[16];
    rlc_module *net = world_add(model, "net", kinds[0].options), *twin = NULL;
    world_add(model, "chain", "{type: Sequential, modules: [net, net.value]}");
    rlc__program_resume(model->shapes);
    rlc_build build = {.model = model,
                       .device = test_device(),
                       .example = model->example,
                       .action = &model->action,
                       .observation = &model->observation};
    twin = rlc_module_clone(net, &build, rlc_model_find(model, "chain"), "twin", true);
    expect_ok(rlc_end(model->shapes));
    assert_non_null(twin);
    assert_int_equal(rlc_module_parameters(twin, indices, 16), 6);
    assert_int_equal(model->num_parameters, 12);
    const rlc_module *whole = twin->members[0], *value = twin->members[1];
    assert_ptr_equal(value, whole->members[4]); /* net.value, as the whole of the copy has it */
    assert_ptr_equal(value->members[0], whole->members[0]);
    assert_ptr_equal(value->members[1], whole->members[2]);
    assert_ptr_not_equal(whole, net);
}

static void expect_refusal(const char *name, const char *options, const char *message) {
    rlc_module *module = NULL;
    expect_error(rlc_model_add(model, name, options, &module), RLC_INVALID, message);
}

static void test_misuse(void **state) {
    (void)state;
    world_add(model, "net", kinds[0].options);
    expect_refusal("a", "{type: ActorValueOperator, policy_operator: net.policy, value_operator: net.value}",
                   "common_operator");
    expect_refusal("b", "{type: ActorCriticWrapper, policy_operator: net.policy}", "value_operator");
    expect_refusal("c",
                   "{type: ActorCriticOperator, " COMMON
                   "policy_operator: " HEAD("hidden") ", value_operator: " WORTH("hidden") "}",
                   "modules.c: modules.c.critic_head must read action and write state_action_value");
    expect_refusal("d",
                   "{type: ActorValueOperator, " COMMON
                   "policy_operator: " HEAD("hiden") ", value_operator: " WORTH("hidden") "}",
                   "hiden");
    expect_refusal("e", "{type: Sequential, modules: [net.actor]}", "there is no module 'net.actor'");
    expect_error(
        rlc_model_define(
            model, world_value("f: {type: ActorCriticWrapper, policy_operator: g.policy, value_operator: f.value}\n"
                               "g: {type: ActorCriticWrapper, policy_operator: f.policy, value_operator: f.value}\n")),
        RLC_INVALID, "refers to itself: f -> g -> f.policy");
}

/* The parts there are, for whoever names one that is not. */
static void test_unknown_parts(void **state) {
    (void)state;
    static char recipe[1024];
    snprintf(recipe, sizeof recipe, "net: %s\nlast: {type: Sequential, modules: [net.actor]}", kinds[0].options);
    expect_error(
        rlc_model_define(model, world_value(recipe)), RLC_INVALID,
        "there is no module 'net.actor'; parts of modules.net are: common, policy_head, value_head, policy, value");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys, start, free_model),
        cmocka_unit_test_setup_teardown(test_keys_of_a_critic, start, free_model),
        cmocka_unit_test_setup_teardown(test_keys_of_a_wrapper, start, free_model),
        cmocka_unit_test_setup_teardown(test_value, start, free_model),
        cmocka_unit_test_setup_teardown(test_critic, start, free_model),
        cmocka_unit_test_setup_teardown(test_wrapper, start, free_model),
        cmocka_unit_test_setup_teardown(test_references, start, free_model),
        cmocka_unit_test_setup_teardown(test_targets, start, free_model),
        cmocka_unit_test_setup_teardown(test_second_instance, start, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start, free_model),
        cmocka_unit_test_setup_teardown(test_unknown_parts, start, free_model),
    };
    return cmocka_run_group_tests_name("policy and value in one", tests, NULL, NULL);
}
