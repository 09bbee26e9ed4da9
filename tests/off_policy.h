/* off_policy.h: what tests against tests/golden/off_policy.py share: cases by number, and what follows from it. */
#ifndef RLC_TEST_OFF_POLICY_H
#define RLC_TEST_OFF_POLICY_H

#include "tests/given_noise.h"
#include "tests/golden_loss.h"

enum { CASES = 20, ACTIONS = 2, CHOICES = 3 };
static const char *const FILE_NAME = "off_policy";

typedef struct off_policy_case {
    char name[48];
    const char *function; /* the distance */
    bool one_hot;
    int64_t size;
} off_policy_case;

static inline off_policy_case case_of(const char *kind, int number) {
    static const char *const functions[] = {"smooth_l1", "l2", "l1"};
    static const int64_t sizes[] = {24, 7, 24, 1};
    off_policy_case c = {.function = functions[number % 3], .one_hot = number % 2 == 0, .size = sizes[number % 4]};
    snprintf(c.name, sizeof c.name, "%s.%d", kind, number);
    return c;
}

/* alpha starts at 0.3 and has bounds or none. */
static inline const char *temperature_of(int number) {
    static const char *const texts[] = {"alpha_init: 0.3", "alpha_init: 0.3, min_alpha: 0.5",
                                        "alpha_init: 0.3, max_alpha: 0.2",
                                        "alpha_init: 0.3, min_alpha: 0.2, max_alpha: 0.25"};
    return texts[number / 2 % 4];
}

/* `actor` with its network `net`, and a critic `q`. */
static inline void add_discrete(const off_policy_case *c) {
    char text[160];
    rlc_model_free(model);
    model = world_model(3, c->one_hot ? rlc_spec_one_hot(CHOICES) : rlc_spec_categorical(CHOICES));
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [logits], out_features: 3}");
    snprintf(text, sizeof text, "{type: ProbabilisticActor, module: net, distribution: %s}",
             c->one_hot ? "OneHotCategorical" : "Categorical");
    world_add(model, "actor", text);
    world_add(model, "q", "{type: MLP, num_cells: [8], out_keys: [action_value], out_features: 3}");
}

static inline void add_continuous(double bound) {
    register_given();
    rlc_model_free(model);
    model = world_model(3, rlc_spec_bounded(RLC_SHAPE(ACTIONS), -bound, bound));
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [param], out_features: 4}");
    world_add(
        model, "actor",
        "{type: ProbabilisticActor, modules: [net, {type: NormalParamExtractor}], distribution: GivenTanhNormal}");
    world_add(
        model, "q",
        "{type: ValueOperator, in_keys: [observation, action], module: {type: MLP, num_cells: [8], out_features: 1}}");
}

/* The critic with number i of the golden file becomes the one in place slot[i], i for a slot of NULL. */
static inline void load_critics(const rlc_loss *loss, const char *name, const int64_t *slot) {
    for (int i = 0; i < loss->num_targets; i++) {
        char network[32];
        const rlc_loss_target_entry *entry = &loss->targets[slot != NULL ? slot[i] : i];
        snprintf(network, sizeof network, "q%d", i);
        load_network(entry->online, FILE_NAME, name, network);
        snprintf(network, sizeof network, "target%d", i);
        load_network(entry->target, FILE_NAME, name, network);
    }
}

static inline void expect_critic_gradients(const rlc_loss *loss, const char *name, const int64_t *slot) {
    for (int i = 0; i < loss->num_targets; i++) {
        char network[32];
        const rlc_loss_target_entry *entry = &loss->targets[slot != NULL ? slot[i] : i];
        snprintf(network, sizeof network, "grad.q%d", i);
        expect_gradients(entry->online, FILE_NAME, name, network, 1e-4, 1e-6);
        expect_no_gradients(entry->target);
    }
}

static inline void expect_part(const rlc_dict *out, const char *name, const char *part) {
    char label[160];
    snprintf(label, sizeof label, "%s: %s", name, part);
    expect_close(label, rlc_dict_get(out, part), golden(FILE_NAME, "%s.out.%s", name, part), 1e-4, 1e-6);
}

static inline void expect_parts(const rlc_dict *out, const char *name, const char *const *parts) {
    for (int i = 0; parts[i] != NULL; i++) {
        expect_part(out, name, parts[i]);
    }
}

/* Where TorchRL leaves the difference and not its square, `squared` is false. */
static inline void expect_td_error(const rlc_dict *td, const char *name, bool squared) {
    rlc_tensor *error = rlc_dict_get(td, "td_error");
    expect_close(name, squared ? error : rlc_sqrt(error), golden(FILE_NAME, "%s.td_error", name), 1e-4, 1e-5);
}

static inline void expect_parameter_gradient(const char *name, const char *parameter) {
    rlc_tensor *tensor = world_parameter(model, rlc_arena_printf(&world_texts, "loss.%s", parameter));
    expect_close(name, tensor->grad, golden(FILE_NAME, "%s.grad.%s", name, parameter), 1e-4, 1e-6);
}

#endif
