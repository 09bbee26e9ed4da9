/* Policies: chains of modules and their keys, the greedy choice, exploration. */
#include "tests/with_model.h"

#include <stdio.h>

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_one_hot(3));
    return 0;
}

/* "observation done " */
static void expect_keys(const rlc_key *const *keys, int count, const char *wanted) {
    char got[256] = "";
    for (int i = 0; i < count; i++) {
        strcat(strcat(got, keys[i]->name), " ");
    }
    assert_string_equal(got, wanted);
}
#define EXPECT_IN(module, wanted) expect_keys((module)->in_keys, (module)->num_in, wanted)
#define EXPECT_OUT(module, wanted) expect_keys((module)->out_keys, (module)->num_out, wanted)

static void test_sequential_keys(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "chain",
                              "{type: Sequential, modules: [\n"
                              " {type: Linear, in_keys: [observation], out_keys: [h], out_features: 3},\n"
                              " {type: Linear, in_keys: [h, done], out_keys: [v], out_features: 1},\n"
                              " {type: Linear, in_keys: [next.reward, v, done], out_keys: [h], out_features: 2},\n"
                              " {type: Linear, in_keys: [h], out_keys: [_], out_features: 2}]}");
    EXPECT_IN(m, "observation done next.reward ");
    EXPECT_OUT(m, "h v ");
    assert_int_equal(m->num_members, 4);
    assert_string_equal(m->members[2]->path, "modules.chain.2");
    rlc_module *outer = world_add(model, "outer",
                                  "{type: Sequential, modules: [chain, {type: Linear, in_keys: [v, h],\n"
                                  " out_keys: [z], out_features: 1}]}");
    EXPECT_IN(outer, "observation done next.reward ");
    EXPECT_OUT(outer, "h v z ");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(2, 4)));
    rlc_dict_set(td, "done", rlc_zeros(RLC_BOOL, RLC_SHAPE(2, 1)));
    rlc_dict_set(td, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(2, 1)));
    rlc_module_call(outer, td);
    expect_shape(rlc_dict_get(td, "h"), RLC_F32, RLC_SHAPE(2, 2)); /* the later one */
    expect_shape(rlc_dict_get(td, "z"), RLC_F32, RLC_SHAPE(2, 1));
    assert_null(rlc_dict_find(td, "_"));
    assert_int_equal(td->count, 6);
    expect_ok(rlc_end(p));
}

static void test_actor_keys(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "plain", "{type: Actor, module: {type: MLP, out_features: 2}}");
    EXPECT_IN(m, "observation ");
    EXPECT_OUT(m, "action ");
    m = world_add(model, "given",
                  "{type: Actor, in_keys: [next.observation], out_keys: [mu],\n"
                  " modules: [{type: MLP, out_features: 2}, {type: Linear, out_features: 3}]}");
    EXPECT_IN(m, "next.observation ");
    EXPECT_OUT(m, "mu ");
    EXPECT_IN(m->members[1], "mu ");
    m = world_add(model, "own",
                  "{type: Actor, module: {type: MLP, in_keys: [done], out_keys: [loc], out_features: 2}}");
    EXPECT_IN(m, "done "); /* keys that a module has of its own win */
    EXPECT_OUT(m, "loc ");
    m = world_add(model, "value",
                  "{type: QValueActor, in_keys: [next.observation], module: {type: MLP, out_features: 3}}");
    EXPECT_IN(m, "next.observation ");
    EXPECT_OUT(m, "action_value action chosen_action_value ");
    assert_string_equal(m->members[0]->path, "modules.value.0");
    assert_non_null(world_parameter(model, "modules.value.0.6.bias"));
}

/* A chain inside of a wrapper hands on the keys that it is handed. */
static void test_keys_reach_through_a_chain(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "actor",
                              "{type: Actor, in_keys: [next.observation], module: {type: Sequential,\n"
                              " modules: [{type: Linear, out_keys: [action], out_features: 2}]}}");
    EXPECT_IN(m, "next.observation ");
    m = world_add(model, "given",
                  "{type: Sequential, in_keys: [next.observation],\n"
                  " modules: [{type: Linear, out_keys: [x], out_features: 2}]}");
    EXPECT_IN(m, "next.observation ");
}

/* Values of five rows; what a module says to be done about them. */
static rlc_dict *choose(rlc_module *module, rlc_shape batch) {
    static const float values[5][3] = {{1, 1, 0}, {0, 2, 2}, {-3, -2, -1}, {5, 5, 5}, {0.5f, 0.25f, 0}};
    rlc_dict *td = rlc_dict_new(batch);
    rlc_dict_set(td, "action_value", rlc_from_data(RLC_F32, rlc_shape_concat(batch, RLC_SHAPE(3)), values));
    rlc_module_call(module, td);
    return td;
}

static void test_greedy_choice(void **state) {
    (void)state;
    world_add(model, "net", "{type: MLP, out_keys: [action_value], out_features: 3}");
    rlc_module *one_hot = world_add(model, "one_hot", "{type: QValueModule}");
    EXPECT_IN(one_hot, "action_value ");
    EXPECT_OUT(one_hot, "action action_value chosen_action_value ");
    rlc_begin(p);
    rlc_dict *td = choose(one_hot, RLC_SHAPE(5));
    expect_shape(rlc_dict_get(td, "action"), RLC_I64, RLC_SHAPE(5, 3));
    EXPECT(rlc_dict_get(td, "action"), 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0); /* of equal ones the first */
    expect_shape(rlc_dict_get(td, "chosen_action_value"), RLC_F32, RLC_SHAPE(5, 1));
    EXPECT(rlc_dict_get(td, "chosen_action_value"), 1, 2, -1, 5, 0.5);
    expect_ok(rlc_end(p));
}

/* As the environment reads actions, or as the module is told where the environment's are not discrete. */
static void test_greedy_choice_as_a_number(void **state) {
    (void)state;
    rlc_spec specs[] = {rlc_spec_categorical(3), rlc_spec_bounded(RLC_SHAPE(1), -1, 1)};
    static const char *const options[] = {"{type: QValueModule}", "{type: QValueModule, action_space: categorical}"};
    for (int i = 0; i < 2; i++) {
        rlc_model_free(model);
        model = world_model(1, specs[i]);
        world_add(model, "net", "{type: MLP, out_keys: [action_value], out_features: 3}");
        rlc_module *categorical = world_add(model, "categorical", options[i]);
        rlc_begin(p);
        rlc_dict *td = choose(categorical, RLC_SHAPE(1, 5));
        expect_shape(rlc_dict_get(td, "action"), RLC_I64, RLC_SHAPE(1, 5));
        EXPECT(rlc_dict_get(td, "action"), 0, 1, 2, 0, 0);
        expect_shape(rlc_dict_get(td, "chosen_action_value"), RLC_F32, RLC_SHAPE(1, 5, 1));
        expect_ok(rlc_end(p));
    }
}

static void test_names_of_the_choice(void **state) {
    (void)state;
    world_add(model, "net", "{type: MLP, out_keys: [q], out_features: 3}");
    rlc_module *m = world_add(model, "choice", "{type: QValueModule, in_keys: [q], out_keys: [a, _, best]}");
    EXPECT_OUT(m, "a _ best ");
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(td, "q", rlc_from_data(RLC_F32, RLC_SHAPE(1, 3), (float[]){1, 3, 2}));
    rlc_module_call(m, td);
    EXPECT(rlc_dict_get(td, "a"), 0, 1, 0);
    EXPECT(rlc_dict_get(td, "best"), 3);
    assert_int_equal(td->count, 3);
    expect_ok(rlc_end(p));
}

/* A network and the choice behind it are the same, whether one says QValueActor or Sequential. */
static void test_qvalue_actor(void **state) {
    (void)state;
    rlc_module *actor =
        world_add(model, "actor", "{type: QValueActor, module: {type: MLP, num_cells: [8], out_features: 3}}");
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [action_value], out_features: 3}");
    rlc_module *chain = world_add(model, "chain", "{type: Sequential, modules: [net, {type: QValueModule}]}");
    expect_ok(rlc_model_allocate(model));
    static const char *const parts[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    for (int i = 0; i < RLC_COUNT(parts); i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "modules.actor.0.%s", parts[i]);
        snprintf(to, sizeof to, "modules.net.%s", parts[i]);
        expect_ok(rlc_tensor_write(world_parameter(model, to), peek(world_parameter(model, from))));
    }
    rlc_begin(p);
    rlc_dict *a = rlc_dict_new(RLC_SHAPE(6)), *b = rlc_dict_new(RLC_SHAPE(6));
    rlc_dict_set(a, "observation", rlc_reshape(rlc_sin(rlc_arange(RLC_F32, 24)), RLC_SHAPE(6, 4)));
    rlc_dict_set(b, "observation", rlc_dict_get(a, "observation"));
    rlc_module_call(actor, a);
    rlc_module_call(chain, b);
    static const char *const keys[] = {"action", "action_value", "chosen_action_value"};
    for (int i = 0; i < RLC_COUNT(keys); i++) {
        double *wanted = read_doubles(rlc_dict_get(b, keys[i]));
        expect_elements(keys[i], rlc_dict_get(a, keys[i]), (int)rlc_dict_get(b, keys[i])->numel, wanted, 0);
        free(wanted);
    }
    expect_ok(rlc_end(p));
}

enum { DRAWS = 30000 };

/* How often each of three actions comes out when action 2 goes in, DRAWS times. */
static void explore(rlc_module *module, rlc_exploration type, bool one_hot, double count[3]) {
    memset(count, 0, 3 * sizeof *count);
    rlc_begin(p);
    rlc_set_exploration(type);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(DRAWS / 3, 3));
    rlc_tensor *index = rlc_full(RLC_I64, td->batch, 2);
    rlc_dict_set(td, "action", one_hot ? rlc_one_hot(index, 3) : index);
    rlc_module_call(module, td);
    rlc_tensor *action = rlc_dict_get(td, "action");
    expect_shape(action, RLC_I64, one_hot ? RLC_SHAPE(DRAWS / 3, 3, 3) : td->batch);
    double *values = read_doubles(action);
    for (int i = 0; i < DRAWS; i++) {
        int chosen = one_hot ? (int)(values[3 * i + 1] + 2 * values[3 * i + 2]) : (int)values[i];
        assert_true(!one_hot || values[3 * i] + values[3 * i + 1] + values[3 * i + 2] == 1);
        assert_true(chosen >= 0 && chosen < 3);
        count[chosen]++;
    }
    free(values);
    expect_ok(rlc_end(p));
}

static void expect_frequency(double count, double probability) {
    double wanted = DRAWS * probability, five = 5 * sqrt(wanted * (1 - probability));
    if (!(fabs(count - wanted) <= five)) {
        fail_msg("%g of %d, wanted %g +- %g", count, DRAWS, wanted, five);
    }
}

static void check_exploration(bool one_hot) {
    double count[3], again[3];
    rlc_module *some = world_add(model, "some", "{type: EGreedyModule, eps_init: 0.3}");
    rlc_module *all = world_add(model, "all", "{type: EGreedyModule}");
    rlc_module *none = world_add(model, "none", "{type: EGreedyModule, eps_init: 0, eps_end: 0}");
    expect_ok(rlc_model_allocate(model));
    explore(some, RLC_EXPLORE_RANDOM, one_hot, count);
    expect_frequency(count[0], 0.1); /* a random action may be the greedy one */
    expect_frequency(count[1], 0.1);
    expect_frequency(count[2], 0.8);
    explore(some, RLC_EXPLORE_RANDOM, one_hot, again);
    assert_memory_not_equal(count, again, sizeof count);
    explore(all, RLC_EXPLORE_RANDOM, one_hot, count); /* 1 unless told otherwise */
    for (int i = 0; i < 3; i++) {
        expect_frequency(count[i], 1.0 / 3);
    }
    explore(none, RLC_EXPLORE_RANDOM, one_hot, count);
    assert_true(count[2] == DRAWS);
    for (rlc_exploration type = RLC_EXPLORE_DETERMINISTIC; type <= RLC_EXPLORE_MEDIAN; type++) {
        explore(all, type, one_hot, count);
        assert_true(count[2] == DRAWS);
    }
}

static void test_exploration(void **state) {
    (void)state;
    check_exploration(true);
    rlc_model_free(model);
    model = world_model(1, rlc_spec_categorical(3));
    check_exploration(false);
}

/* Under another name the action is there whether or not one explores. */
static void test_exploration_under_another_name(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "explore", "{type: EGreedyModule, in_keys: [action], out_keys: [noisy]}");
    for (int i = 0; i < 2; i++) {
        rlc_begin(p);
        rlc_set_exploration(i == 0 ? RLC_EXPLORE_RANDOM : RLC_EXPLORE_DETERMINISTIC);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
        rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(1, 3), (int64_t[]){0, 1, 0}));
        rlc_module_call(m, td);
        expect_shape(rlc_dict_get(td, "noisy"), RLC_I64, RLC_SHAPE(1, 3));
        EXPECT(rlc_dict_get(td, "action"), 0, 1, 0);
        expect_ok(rlc_end(p));
    }
}

static double value_of(const char *name) {
    for (int i = 0; i < model->state.count; i++) {
        if (strcmp(model->state.items[i].name, name) == 0) {
            rlc_tensor *tensor = model->state.items[i].tensor;
            return tensor->dtype == RLC_F32 ? (double)*(const float *)peek(tensor) : *(const double *)peek(tensor);
        }
    }
    fail_msg("the model keeps no '%s'", name);
    return NAN;
}

/* eps <- max(end, eps - (init - end) / N) for each frame, as SEMANTICS.md has it. */
static void test_linear_annealing(void **state) {
    (void)state;
    rlc_module *given = world_add(model, "given",
                                  "{type: EGreedyModule, eps_init: 0.9, eps_end: 0.05,\n"
                                  " annealing_num_steps: 250}");
    rlc_module *usual = world_add(model, "usual", "{type: EGreedyModule}");
    rlc_module *rising =
        world_add(model, "rising", "{type: EGreedyModule, eps_init: 0, eps_end: 1, annealing_num_steps: 8}");
    static const int frames[] = {1, 1, 3, 64, 1, 100, 29, 50, 1, 2, 7, 1000, 1};
    double eps = 0.9, other = 1;
    int total = 0;
    assert_true(fabs(value_of("modules.given.eps") - eps) < 1e-7);
    for (int i = 0; i < RLC_COUNT(frames); i++) {
        rlc_begin(p);
        rlc_module_step(given, frames[i]);
        rlc_module_step(usual, frames[i]);
        rlc_module_step(rising, frames[i]);
        expect_ok(rlc_end(p));
        for (int t = 0; t < frames[i]; t++) {
            eps = fmax(0.05, eps - (0.9 - 0.05) / 250);
            other = fmax(0.1, other - (1.0 - 0.1) / 1000);
        }
        total += frames[i];
        assert_true(fabs(value_of("modules.given.eps") - eps) < 1e-6);
        assert_true(fabs(value_of("modules.usual.eps") - other) < 1e-6);
        assert_true(fabs(value_of("modules.rising.eps") - fmin(1, total / 8.0)) < 1e-6);
    }
    assert_true(value_of("modules.given.eps") == (double)0.05f);
}

static void test_exponential_annealing(void **state) {
    (void)state;
    rlc_module *m = world_add(model, "explore",
                              "{type: EGreedyModule, eps_init: 0.9, eps_end: 0.05,\n"
                              " schedule: exponential, decay: 400}");
    int total = 0;
    for (int frames = 1; frames < 2000; frames *= 3) {
        rlc_begin(p);
        rlc_module_step(m, frames);
        expect_ok(rlc_end(p));
        total += frames;
        assert_true(fabs(value_of("modules.explore.eps") - (0.05 + 0.85 * exp(-total / 400.0))) < 1e-6);
        assert_true(value_of("modules.explore.frames") == total);
    }
}

/* A module that stands twice in a chain is stepped once. */
static void test_shared_modules_anneal_once(void **state) {
    (void)state;
    world_add(model, "explore", "{type: EGreedyModule, annealing_num_steps: 9}");
    world_add(model, "inner", "{type: Sequential, modules: [explore, explore]}");
    rlc_module *outer = world_add(model, "outer", "{type: Sequential, modules: [explore, inner]}");
    for (int t = 1; t <= 3; t++) {
        rlc_begin(p);
        rlc_module_step(outer, 1);
        expect_ok(rlc_end(p));
        assert_true(fabs(value_of("modules.explore.eps") - (1 - 0.1 * t)) < 1e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sequential_keys, start, free_model),
        cmocka_unit_test_setup_teardown(test_actor_keys, start, free_model),
        cmocka_unit_test_setup_teardown(test_keys_reach_through_a_chain, start, free_model),
        cmocka_unit_test_setup_teardown(test_greedy_choice, start, free_model),
        cmocka_unit_test_setup_teardown(test_greedy_choice_as_a_number, start, free_model),
        cmocka_unit_test_setup_teardown(test_names_of_the_choice, start, free_model),
        cmocka_unit_test_setup_teardown(test_qvalue_actor, start, free_model),
        cmocka_unit_test_setup_teardown(test_exploration, start, free_model),
        cmocka_unit_test_setup_teardown(test_exploration_under_another_name, start, free_model),
        cmocka_unit_test_setup_teardown(test_linear_annealing, start, free_model),
        cmocka_unit_test_setup_teardown(test_exponential_annealing, start, free_model),
        cmocka_unit_test_setup_teardown(test_shared_modules_anneal_once, start, free_model),
    };
    return cmocka_run_group_tests_name("policies", tests, NULL, NULL);
}
