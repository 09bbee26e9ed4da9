/* What a replay buffer adds to a batch, in the losses whose golden values are without it, because TorchRL's do not heed it:
 * weights, and how many steps later the next state is. */
#include "tests/off_policy.h"

typedef struct kind {
    const char *name; /* in the golden file, where case 0 has 24 rows */
    const char *options;
    double bound; /* of actions; 0 for discrete ones */
    int order[5]; /* of noise */
    const char *parts[4];
} kind;

#define CRITIC "actor_network: actor, qvalue_network: q"
static const kind kinds[] = {
    {"redq", "type: REDQLoss, " CRITIC ", num_qvalue_nets: 5", 2, {0, 1}, {"loss_actor", "loss_qvalue", "loss_alpha"}},
    {"iql", "type: IQLLoss, value_network: v, " CRITIC, 2, {0}, {"loss_actor", "loss_qvalue", "loss_value"}},
    {"discrete_iql",
     "type: DiscreteIQLLoss, value_network: v, " CRITIC,
     0,
     {0},
     {"loss_actor", "loss_qvalue", "loss_value"}},
    {"cql",
     "type: CQLLoss, num_random: 1, alpha_init: 0.3, " CRITIC,
     1,
     {0, 1, 2, 4},
     {"loss_actor", "loss_qvalue", "loss_cql", "loss_alpha"}},
    {"cql",
     "type: CQLLoss, num_random: 1, alpha_init: 0.3, policy_eval_start: 1, " CRITIC,
     1,
     {0, 1, 2, 3},
     {"loss_actor_bc", "loss_qvalue", "loss_cql", "loss_alpha"}},
    {"discrete_cql", "type: DiscreteCQLLoss, value_network: policy", 0, {0}, {"loss_qvalue", "loss_cql"}},
};

enum { SIZE = 24, PARTS = 4 };

static rlc_loss *add_kind(const kind *k, const char *name, double gamma) {
    char text[256];
    off_policy_case c = case_of(k->name, 0);
    if (k->bound > 0) {
        add_continuous(k->bound);
    } else {
        add_discrete(&c);
    }
    world_add(model, "v", "{type: MLP, num_cells: [8], out_keys: [state_value], out_features: 1}");
    if (k->bound == 0) {
        world_add(model, "policy", "{type: Sequential, modules: [q, {type: QValueModule}]}");
    }
    snprintf(text, sizeof text, "{%s, gamma: %.9g}", k->options, gamma);
    rlc_loss *loss = add_loss(text);
    load_critics(loss, name, NULL);
    return loss;
}

/* The parts of a loss for case 0 of its kind, with weights of the first and the other half of the rows, or none for -1, and
 * that many steps to the next state, or one for 0. */
static void read_parts(const kind *k, double gamma, double first, double other, int64_t steps, double parts[PARTS]) {
    off_policy_case c = case_of(k->name, 0);
    float weight[SIZE];
    int64_t apart[SIZE];
    for (int i = 0; i < SIZE; i++) {
        weight[i] = (float)(i < SIZE / 2 ? first : other);
        apart[i] = steps;
    }
    rlc_loss *loss = add_kind(k, c.name, gamma);
    give(FILE_NAME, c.name, k->order);
    rlc_begin(p);
    rlc_dict *td = golden_batch(FILE_NAME, c.name, SIZE);
    if (first >= 0) {
        rlc_dict_set(td, "priority_weight", rlc_from_data(RLC_F32, RLC_SHAPE(SIZE), weight));
    }
    if (steps > 0) {
        rlc_dict_set(td, "steps_to_next_obs", rlc_from_data(RLC_I64, RLC_SHAPE(SIZE, 1), apart));
    }
    rlc_dict *out = rlc_loss_call(loss, td);
    for (int i = 0; i < PARTS && k->parts[i] != NULL; i++) {
        parts[i] = rlc_item(rlc_dict_get(out, k->parts[i]));
    }
    expect_ok(rlc_end(p));
    give(NULL, NULL, NULL);
}

static void expect_near(const kind *k, int part, double got, double wanted) {
    if (!(fabs(got - wanted) <= 1e-5 * (1 + fabs(wanted)))) {
        fail_msg("%s: %s is %.9g, wanted %.9g", k->name, k->parts[part], got, wanted);
    }
}

/* A part with weights is the weighted mean of the parts of both halves, which differ. */
static void test_weights(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(kinds); i++) {
        const kind *k = &kinds[i];
        double all[PARTS], first[PARTS], other[PARTS], mixed[PARTS];
        read_parts(k, 0.9, -1, -1, 0, all);
        read_parts(k, 0.9, 1, 0, 0, first);
        read_parts(k, 0.9, 0, 1, 0, other);
        read_parts(k, 0.9, 3, 1, 0, mixed);
        for (int part = 0; part < PARTS && k->parts[part] != NULL; part++) {
            assert_true(fabs(first[part] - other[part]) > 1e-3);
            expect_near(k, part, (first[part] + other[part]) / 2, all[part]);
            expect_near(k, part, mixed[part], (3 * first[part] + other[part]) / 4);
        }
    }
}

/* Two steps at gamma are one at gamma squared, which is not one at gamma. */
static void test_steps(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(kinds); i++) {
        const kind *k = &kinds[i];
        double one[PARTS], two[PARTS], squared[PARTS];
        read_parts(k, 0.9, -1, -1, 0, one);
        read_parts(k, 0.9, -1, -1, 2, two);
        read_parts(k, 0.81, -1, -1, 0, squared);
        for (int part = 0; part < PARTS && k->parts[part] != NULL; part++) {
            bool bootstraps = strcmp(k->parts[part], "loss_qvalue") == 0;
            expect_near(k, part, two[part], squared[part]);
            assert_int_equal(fabs(two[part] - one[part]) > 1e-4, bootstraps);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_weights, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_steps, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("replay in losses", tests, NULL, NULL);
}
