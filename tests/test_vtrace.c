/* VTrace against TorchRL's (tests/golden/vtrace.py), and what a recipe may say wrongly. */
#include "tests/with_model.h"

#include <stdio.h>

#define OPTIONS "{type: VTrace, value_network: critic, actor_network: actor, gamma: 0.9"
#define DISCRETE                                                                                                       \
    "{type: ProbabilisticActor, module: {type: Linear, out_features: 3}, distribution: Categorical, return_log_prob: " \
    "true}"
#define NORMAL                                                                                                         \
    "{type: ProbabilisticActor, modules: [{type: Linear, out_keys: [hidden], out_features: 4}, {type: "                \
    "NormalParamExtractor, in_keys: [hidden]}], distribution: Normal, return_log_prob: true}"

static void start_model(const char *actor, rlc_spec action) {
    model = world_model(1, action);
    world_add(model, "critic", "{type: Linear, out_keys: [state_value], out_features: 1}");
    world_add(model, "actor", actor);
}

static void load(const char *parameter, const char *name, const char *entry) {
    expect_ok(rlc_tensor_write(world_parameter(model, parameter), golden("vtrace", "%s.%s", name, entry)->data));
}

static void load_networks(const char *name, const char *member) {
    char weight[64], bias[64];
    snprintf(weight, sizeof weight, "modules.actor.%s.weight", member);
    snprintf(bias, sizeof bias, "modules.actor.%s.bias", member);
    load("modules.critic.weight", name, "critic.weight");
    load("modules.critic.bias", name, "critic.bias");
    load(weight, name, "actor.weight");
    load(bias, name, "actor.bias");
}

static rlc_dict *batch_of(const char *name) {
    static const char *const keys[] = {"observation", "action",    "action_log_prob", "next.observation",
                                       "next.reward", "next.done", "next.terminated"};
    rlc_shape batch = golden("vtrace", "%s.action_log_prob", name)->shape;
    rlc_dict *td = rlc_dict_new(batch);
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        rlc_dict_set(td, keys[i], golden_tensor("vtrace", "%s.%s", name, keys[i]));
    }
    return td;
}

static void expect_case(rlc_module *vtrace, const char *name) {
    static const char *const keys[] = {"advantage", "value_target", "state_value"};
    rlc_begin(p);
    rlc_dict *td = batch_of(name);
    rlc_module_call(vtrace, td);
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        char what[64];
        snprintf(what, sizeof what, "%s %s", name, keys[i]);
        expect_close(what, rlc_dict_get(td, keys[i]), golden("vtrace", "%s.out.%s", name, keys[i]), 1e-4, 1e-5);
        assert_false(rlc_dict_get(td, keys[i])->flags & RLC_REQUIRES_GRAD);
    }
    expect_ok(rlc_end(p));
}

/* The cases of one family of policies, each with and without calling the critic on the next states too. */
static int expect_family(const char *family, const char *actor, const char *member, rlc_spec action) {
    enum { MAX = 64 };
    rlc_module *modules[MAX][2];
    char names[MAX][32];
    int count = 0;
    start_model(actor, action);
    for (int i = 0; i < MAX; i++) {
        snprintf(names[count], sizeof names[count], "%s.%d", family, i);
        if (!has_golden("vtrace", "%s.settings", names[count])) {
            continue;
        }
        const float *settings = golden("vtrace", "%s.settings", names[count])->data;
        for (int shifted = 0; shifted < 2; shifted++) {
            char options[256], name[32];
            snprintf(options, sizeof options, OPTIONS ", rho_thresh: %g, c_thresh: %g, average_adv: %s, shifted: %s}",
                     (double)settings[0], (double)settings[1], settings[2] > 0 ? "true" : "false",
                     shifted ? "true" : "false");
            snprintf(name, sizeof name, "v%d_%d", i, shifted);
            modules[count][shifted] = world_add(model, name, options);
        }
        count++;
    }
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < 2 * count; i++) {
        load_networks(names[i / 2], member);
        expect_case(modules[i / 2][i % 2], names[i / 2]);
    }
    return count;
}

static void test_discrete(void **state) {
    (void)state;
    assert_int_equal(expect_family("discrete", DISCRETE, "0", rlc_spec_categorical(3)), 10);
}

static void test_normal(void **state) {
    (void)state;
    assert_int_equal(expect_family("normal", NORMAL, "0", rlc_spec_unbounded(RLC_SHAPE(2))), 11);
}

static void expect_refusal(const char *name, const char *options, const char *message) {
    rlc_module *module = NULL;
    expect_error(rlc_model_add(model, name, options, &module), RLC_INVALID, message);
}

static void test_misuse(void **state) {
    (void)state;
    start_model("{type: ProbabilisticActor, module: {type: Linear, out_features: 3}, distribution: Categorical}",
                rlc_spec_categorical(3));
    world_add(model, "net", "{type: Linear, out_keys: [logits2], out_features: 3}");
    expect_refusal("a", OPTIONS "}", "action_log_prob");
    expect_refusal("b", "{type: VTrace, value_network: critic}", "actor_network");
    expect_refusal("c", "{type: VTrace, actor_network: actor}", "value_network");
    expect_refusal("d", "{type: VTrace, value_network: critic, actor_network: net}",
                   "Linear draws no actions from a distribution");
    expect_refusal("e", OPTIONS ", rho_thresh: -1}", "rho_thresh");
    expect_refusal("f", OPTIONS ", lmbda: 0.9}", "unknown option 'lmbda'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_discrete, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("V-trace", tests, NULL, NULL);
}
