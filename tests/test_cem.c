/* The cross-entropy method against loops and torch's cross entropy (tests/golden/cem.py). */
#include "tests/golden_loss.h"

enum { CASES = 24, CHOICES = 3 };

static int start(void **state) {
    start_without_model(state);
    model = world_model(1, rlc_spec_categorical(CHOICES));
    return 0;
}

/* Batches have one more column than what an environment gives. */
static void expect_column(const char *name) {
    rlc_begin(p);
    rlc_dict *td = rlc_dict_clone(model->example);
    rlc_dict_set(td, name, rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, 1)));
    rlc_spec action = rlc_spec_categorical(CHOICES), observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION));
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
}

static double golden_number(const char *key, int i) {
    rlc_begin(p);
    double *values = read_doubles(golden_tensor("cem", "%d.%s", i, key)), value = values[0];
    free(values);
    expect_ok(rlc_end(p));
    return value;
}

static void expect_elite(int i) {
    char options[96], name[32];
    snprintf(options, sizeof options, "{type: EliteEpisodes, share: %.17g}", golden_number("share", i));
    snprintf(name, sizeof name, "elite%d", i);
    rlc_module *module = world_add(model, name, options);
    rlc_begin(p);
    rlc_tensor *returns = golden_tensor("cem", "%d.returns", i);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(rlc_size(returns, 0), rlc_size(returns, 1)));
    rlc_dict_set(td, "next.episode_reward", returns);
    rlc_dict_set(td, "next.done", golden_tensor("cem", "%d.done", i));
    rlc_module_call(module, td);
    expect_close(name, rlc_dict_get(td, "elite"), golden("cem", "%d.elite", i), 0, 0);
    expect_ok(rlc_end(p));
}

/* A whole return is written where an episode ends; with none there, nobody is elite. */
static void test_elite(void **state) {
    (void)state;
    expect_column("next.episode_reward");
    for (int i = 0; i < CASES; i++) {
        expect_elite(i);
    }
}

static void expect_loss(int i) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    rlc_model_free(model);
    model = world_model(1, rlc_spec_categorical(CHOICES));
    expect_column("elite");
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [logits], out_features: 3}");
    world_add(model, "actor", "{type: ProbabilisticActor, module: net, distribution: Categorical}");
    rlc_loss *loss = add_loss("{type: CEMLoss, actor_network: actor}");
    rlc_module *net = rlc_model_find(model, "net");
    load_network(net, "cem", name, "actor");
    rlc_begin(p);
    int64_t size = golden("cem", "%d.observation", i)->shape.size[0];
    rlc_dict *td = golden_batch("cem", name, size);
    rlc_dict_set(td, "elite", rlc_reshape(golden_tensor("cem", "%d.elite", i), RLC_SHAPE(size, 1)));
    rlc_dict *out = rlc_loss_call(loss, td);
    rlc_backward(rlc_dict_get(out, "loss"));
    expect_close(name, rlc_dict_get(out, "loss"), golden("cem", "%d.loss", i), 1e-5, 1e-6);
    expect_gradients(net, "cem", name, "grad.actor", 1e-4, 1e-6);
    expect_ok(rlc_end(p));
}

static void test_loss(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        expect_loss(i);
    }
}

static void test_misuse(void **state) {
    (void)state;
    rlc_module *module = NULL;
    expect_error(rlc_model_add(model, "a", "{type: EliteEpisodes, share: 0}", &module), RLC_INVALID, "share");
    expect_error(rlc_model_add(model, "b", "{type: EliteEpisodes}", &module), RLC_INVALID, "next.episode_reward");
    world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [action], out_features: 3}");
    expect_error(rlc_model_build(model, "loss", "loss", world_value("{type: CEMLoss, actor_network: net}"), &module),
                 RLC_INVALID, "actor_network");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_elite, start, free_model),
        cmocka_unit_test_setup_teardown(test_loss, start, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start, free_model),
    };
    return cmocka_run_group_tests_name("cem", tests, NULL, NULL);
}
