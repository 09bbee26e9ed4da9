/* gSDEModule: against TorchRL's for given noise (tests/golden/gsde.py), when its noise is drawn anew, what an actor and
 * losses make of it, and what a recipe may say wrongly. */
#include "tests/with_model.h"

#include <stdio.h>
#include <unistd.h>

#include "modules/distribution.h"
#include "modules/state_dict.h"

static void expect_world(int64_t rows, bool tracked) {
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(WORLD_OBSERVATION));
    rlc_spec action = rlc_spec_bounded(RLC_SHAPE(2), -2, 2);
    model = world_model(5, action);
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(rows));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(rows, WORLD_OBSERVATION)));
    rlc_dict_set(td, "mu", rlc_zeros(RLC_F32, RLC_SHAPE(rows, 2)));
    if (tracked) {
        rlc_dict_set(td, "is_init", rlc_zeros(RLC_BOOL, RLC_SHAPE(rows, 1)));
    }
    rlc_model_expect(model, &observation, &action, td);
    expect_ok(rlc_end(p));
}

static int start(void **state) {
    start_without_model(state);
    expect_world(WORLD_BATCH, true);
    return 0;
}

#define GSDE "{type: gSDEModule, in_keys: [mu, observation]"

static void expect_gradient(const char *name, const char *of, rlc_tensor *root) {
    assert_true(root->flags & RLC_HAS_GRAD);
    expect_close(name, root->grad, golden("gsde", "%s.grad.%s", name, of), 1e-4, 1e-5);
    rlc_zero_grad(root);
}

/* The action, loc and scale; what the distribution says of another action; gradients of a mixture of both. */
static void expect_case(rlc_module *gsde, const rlc_distribution_family *family, const char *name, bool explores) {
    rlc_tensor *log_sigma =
        world_parameter(model, gsde->path[8] == 't' ? "modules.tanh.log_sigma" : "modules.none.log_sigma");
    rlc_tensor *mu = golden_root("gsde", "%s.mu", name), *state = golden_root("gsde", "%s.state", name);
    expect_ok(rlc_tensor_write(log_sigma, golden("gsde", "%s.log_sigma", name)->data));
    rlc_begin(p);
    rlc_set_exploration(explores ? RLC_EXPLORE_RANDOM : RLC_EXPLORE_DETERMINISTIC);
    rlc_shape batch = rlc_shape_of(mu);
    batch.ndim--;
    rlc_dict *td = rlc_dict_new(batch);
    rlc_dict_set(td, "mu", mu);
    rlc_dict_set(td, "observation", state);
    rlc_dict_set(td, "_eps_gSDE", golden_tensor("gsde", "%s.eps", name));
    rlc_module_call(gsde, td);
    rlc_tensor *action = rlc_dict_get(td, "action");
    expect_close(name, rlc_dict_get(td, "loc"), golden("gsde", "%s.loc", name), 1e-5, 1e-6);
    expect_close(name, rlc_dict_get(td, "scale"), golden("gsde", "%s.scale", name), 1e-5, 1e-6);
    expect_close(name, action, golden("gsde", "%s.action", name), 1e-5, 1e-6);
    rlc_distribution d = {.family = family, .parameter = {rlc_dict_get(td, "loc"), rlc_dict_get(td, "scale")}};
    rlc_tensor *log_prob = rlc_distribution_log_prob(&d, golden_tensor("gsde", "%s.scored", name));
    expect_close(name, log_prob, golden("gsde", "%s.log_prob", name), 1e-4, 1e-4);
    rlc_tensor *weighted = rlc_mul(action, rlc_add_scalar(rlc_arange(RLC_F32, 2), 1));
    rlc_tensor *score = rlc_mul_scalar(rlc_sum(log_prob, RLC_ALL, false), 0.1);
    rlc_backward(rlc_add(score, rlc_sum(weighted, RLC_ALL, false)));
    expect_ok(rlc_end(p));
    expect_gradient(name, "mu", mu);
    expect_gradient(name, "state", state);
    expect_gradient(name, "log_sigma", log_sigma);
    rlc_tensor_free(mu);
    rlc_tensor_free(state);
}

static void test_against_torchrl(void **state) {
    (void)state;
    static const char *const transforms[] = {"none", "tanh"}, *const kinds[] = {"deterministic", "random"};
    rlc_module *gsde[] = {world_add(model, "none", GSDE "}"), world_add(model, "tanh", GSDE ", transform: tanh}")};
    const rlc_distribution_family *families[] = {
        rlc_distribution_family_new(gsde[0], world_value("Normal"), &model->action),
        rlc_distribution_family_new(gsde[1], world_value("TanhNormal"), &model->action)};
    expect_ok(rlc_model_allocate(model));
    int count = 0;
    for (int i = 0; i < 4 * 32; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.%s.%d", transforms[i % 2], kinds[i / 2 % 2], i / 4);
        if (has_golden("gsde", "%s.mu", name)) {
            expect_case(gsde[i % 2], families[i % 2], name, i / 2 % 2);
            count++;
        }
    }
    assert_int_equal(count, 24);
}

/* One step of the module: its noise, [WORLD_BATCH, 2, 4], and its actions where the average is 0 and the state given. */
static void act(rlc_module *gsde, const bool *begins, float size, float *eps, float *action) {
    rlc_begin(p);
    rlc_no_grad(true);
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(WORLD_BATCH));
    rlc_dict_set(td, "mu", rlc_zeros(RLC_F32, RLC_SHAPE(WORLD_BATCH, 2)));
    rlc_dict_set(td, "observation", rlc_full(RLC_F32, RLC_SHAPE(WORLD_BATCH, 4), (double)size));
    rlc_dict_set(td, "is_init", rlc_from_data(RLC_BOOL, RLC_SHAPE(WORLD_BATCH, 1), begins));
    rlc_module_call(gsde, td);
    expect_ok(rlc_read(rlc_dict_get(td, "_eps_gSDE"), eps));
    expect_ok(rlc_read(rlc_dict_get(td, "action"), action));
    expect_ok(rlc_end(p));
}

enum { EACH = 8, NOISE = WORLD_BATCH * EACH };

static bool is_same(const float *a, const float *b, int row) {
    return memcmp(a + EACH * row, b + EACH * row, EACH * sizeof *a) == 0;
}

/* Drawn at the first step, whoever began the episode; then where an episode begins, and nowhere else. */
static void test_when_noise_is_drawn(void **state) {
    (void)state;
    rlc_module *gsde = world_add(model, "gsde", GSDE "}");
    expect_ok(rlc_model_allocate(model));
    float before[NOISE] = {0}, now[NOISE], action[2 * WORLD_BATCH], twice[2 * WORLD_BATCH];
    for (int step = 0; step < 12; step++) {
        bool begins[WORLD_BATCH];
        for (int i = 0; i < WORLD_BATCH; i++) {
            begins[i] = step > 0 && (step + i) % 4 == 0;
        }
        act(gsde, begins, 1, now, action);
        for (int i = 0; i < WORLD_BATCH; i++) {
            assert_true(is_same(now, before, i) == (step > 0 && !begins[i]));
        }
        memcpy(before, now, sizeof now);
        if (step > 0 && step % 5 == 0) { /* the same function of the state: twice the state is twice the noise */
            act(gsde, (bool[WORLD_BATCH]){false}, 2, now, twice);
            for (int i = 0; i < 2 * WORLD_BATCH; i++) {
                assert_true(fabs((double)twice[i] - 2 * (double)action[i]) < 1e-5 * (1 + fabs((double)action[i])));
            }
        }
    }
}

static void test_noise_drawn_every_so_often(void **state) {
    (void)state;
    rlc_module *gsde = world_add(model, "gsde", GSDE ", sde_sample_freq: 3}");
    expect_ok(rlc_model_allocate(model));
    float before[NOISE] = {0}, now[NOISE], action[2 * WORLD_BATCH];
    int since[WORLD_BATCH] = {3, 3, 3, 3, 3};
    for (int step = 0; step < 20; step++) {
        bool begins[WORLD_BATCH];
        for (int i = 0; i < WORLD_BATCH; i++) {
            begins[i] = (step + 2 * i) % 7 == 0;
        }
        act(gsde, begins, 1, now, action);
        for (int i = 0; i < WORLD_BATCH; i++) {
            bool fresh = begins[i] || since[i] == 3;
            assert_true(is_same(now, before, i) == !fresh);
            since[i] = fresh ? 1 : since[i] + 1;
        }
        memcpy(before, now, sizeof now);
    }
}

/* Over many episodes the action at a state has the deviation that `scale` says. */
static void test_scale_is_the_deviation(void **state) {
    (void)state;
    rlc_module *gsde = world_add(model, "gsde", GSDE ", sigma_init: 0.5}");
    expect_ok(rlc_model_allocate(model));
    enum { ROUNDS = 4000 };
    float eps[NOISE], action[2 * WORLD_BATCH];
    double squares = 0, sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        act(gsde, (bool[WORLD_BATCH]){true, true, true, true, true}, 0.7f, eps, action);
        for (int k = 0; k < 2 * WORLD_BATCH; k++) {
            sum += (double)action[k];
            squares += (double)action[k] * (double)action[k];
        }
    }
    double count = 2.0 * WORLD_BATCH * ROUNDS, wanted = 0.5 * 0.7 * 2; /* sqrt(4 (0.5 0.7)^2) */
    assert_true(fabs(sum / count) < 5 * wanted / sqrt(count));
    assert_true(fabs(sqrt(squares / count) - wanted) < 5 * wanted / sqrt(2 * count));
}

/* sigma as it starts: so that a state of ones has a scale of 1 but for scale_min, or as given; learned or not. */
static void test_initial_sigma(void **state) {
    (void)state;
    static const struct {
        const char *options;
        double scale;
    } cases[] = {{"}", 0.99498743},
                 {", learn_sigma: false}", 0.99498743},
                 {", sigma_init: 0.25}", 0.5},
                 {", sigma_init: 0.25, learn_sigma: false}", 0.5},
                 {", sigma_init: 9, scale_max: 3}", 6},
                 {", sigma_init: 0.25, scale_min: 1}", 2}};
    rlc_module *modules[RLC_COUNT(cases)];
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        char options[128], name[16];
        snprintf(options, sizeof options, GSDE "%s", cases[i].options);
        snprintf(name, sizeof name, "m%d", i);
        modules[i] = world_add(model, name, options);
    }
    assert_int_equal(model->num_parameters, 4);
    expect_ok(rlc_model_allocate(model));
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_begin(p);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
        rlc_dict_set(td, "mu", rlc_zeros(RLC_F32, RLC_SHAPE(1, 2)));
        rlc_dict_set(td, "observation", rlc_ones(RLC_F32, RLC_SHAPE(1, 4)));
        rlc_module_call(modules[i], td);
        const double wanted[] = {cases[i].scale, cases[i].scale};
        expect_elements(cases[i].options, rlc_dict_get(td, "scale"), 2, wanted, 1e-5);
        EXPECT(rlc_dict_get(td, "action"), 0, 0); /* nobody said that this is a step */
        assert_null(rlc_dict_find(td, "_eps_gSDE"));
        expect_ok(rlc_end(p));
    }
}

/* An actor around it takes its action and scores it by loc and scale. */
static void test_actor(void **state) {
    (void)state;
    rlc_module *actor =
        world_add(model, "actor",
                  "{type: ProbabilisticActor, distribution: TanhNormal, return_log_prob: true, modules: "
                  "[{type: Linear, out_keys: [mu], out_features: 2}, " GSDE ", transform: tanh}]}");
    expect_ok(rlc_model_allocate(model));
    for (int kind = 0; kind < 2; kind++) {
        rlc_begin(p);
        rlc_set_exploration(kind == 0 ? RLC_EXPLORE_RANDOM : RLC_EXPLORE_DETERMINISTIC);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(WORLD_BATCH));
        rlc_dict_set(td, "observation", rlc_full(RLC_F32, RLC_SHAPE(WORLD_BATCH, 4), 0.3));
        rlc_dict_set(td, "is_init", rlc_ones(RLC_BOOL, RLC_SHAPE(WORLD_BATCH, 1)));
        rlc_module_call(actor, td);
        rlc_distribution d;
        rlc_dict *learning = rlc_dict_select(td, (const rlc_key *[]){rlc_key_intern("observation")}, 1);
        assert_true(rlc_module_distribution(actor, learning, &d));
        rlc_tensor *action = rlc_dict_get(td, "action");
        double *wanted = read_doubles(rlc_distribution_log_prob(&d, action));
        double *choice = read_doubles(rlc_distribution_deterministic(&d)), *taken = read_doubles(action);
        expect_elements("log-probability", rlc_dict_get(td, "action_log_prob"), WORLD_BATCH, wanted, 1e-5);
        for (int i = 0; i < 2 * WORLD_BATCH; i++) {
            assert_true((fabs(choice[i] - taken[i]) < 1e-6) == (kind == 1));
        }
        rlc_dict *again = rlc_dict_clone(td); /* a step later, in the same state: the same noise */
        rlc_dict_set(again, "is_init", rlc_zeros(RLC_BOOL, RLC_SHAPE(WORLD_BATCH, 1)));
        rlc_module_call(actor, again);
        expect_elements("action", rlc_dict_get(again, "action"), 2 * WORLD_BATCH, taken, 0);
        free(wanted);
        free(choice);
        free(taken);
        expect_ok(rlc_end(p));
    }
}

static bool keeps(const char *name) {
    int found = 0;
    for (int i = 0; i < model->state.count; i++) {
        found += strcmp(model->state.items[i].name, name) == 0;
    }
    return found == 1;
}

/* What is saved is the module's: it fits as many environments as there are elsewhere. The noise is in the run's state. */
static void test_state_dict_of_other_environments(void **state) {
    (void)state;
    char path[64];
    float eps[NOISE], action[2 * WORLD_BATCH];
    snprintf(path, sizeof path, "/tmp/rlc-gsde-%d", (int)getpid());
    rlc_module *gsde = world_add(model, "gsde", GSDE ", sigma_init: 0.25}");
    expect_ok(rlc_model_allocate(model));
    act(gsde, (bool[WORLD_BATCH]){true}, 1, eps, action);
    assert_true(keeps("modules.gsde.eps") && keeps("modules.gsde.drawn"));
    expect_ok(rlc_module_save(gsde, path));
    const float saved = *(const float *)peek(world_parameter(model, "modules.gsde.log_sigma"));
    rlc_model_free(model);
    expect_world(WORLD_BATCH + 2, true);
    gsde = world_add(model, "gsde", GSDE "}");
    expect_ok(rlc_model_allocate(model));
    expect_ok(rlc_module_load(gsde, path, "", RLC_STRICT, NULL));
    assert_true(*(const float *)peek(world_parameter(model, "modules.gsde.log_sigma")) == saved);
    unlink(path);
}

static void expect_refusal(const char *name, const char *options, const char *message) {
    rlc_module *module = NULL;
    expect_error(rlc_model_add(model, name, options, &module), RLC_INVALID, message);
}

static void test_misuse(void **state) {
    (void)state;
    expect_refusal("a", "{type: gSDEModule, in_keys: [mu]}", "two in_keys and four out_keys");
    expect_refusal("b", GSDE ", out_keys: [loc, scale]}", "two in_keys and four out_keys");
    expect_refusal("c", GSDE ", scale_min: 2, scale_max: 1}", "scale_min (2) is above scale_max (1)");
    expect_refusal("d", GSDE ", transform: sigmoid}", "transform");
    expect_refusal("e", "{type: gSDEModule, in_keys: [mu, features]}", "features");
    rlc_module *gsde = world_add(model, "gsde", GSDE "}");
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(3));
    rlc_dict_set(td, "mu", rlc_zeros(RLC_F32, RLC_SHAPE(3, 2)));
    rlc_dict_set(td, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(3, 4)));
    rlc_dict_set(td, "is_init", rlc_zeros(RLC_BOOL, RLC_SHAPE(3, 1)));
    rlc_module_call(gsde, td);
    expect_error(rlc_end(p), RLC_INVALID, "its noise is that of [5, 1] environments, but is_init has shape [3, 1]");
    rlc_model_free(model);
    expect_world(WORLD_BATCH, false);
    expect_refusal("f", GSDE "}", "add {type: InitTracker} to env.transforms");
    rlc_model_free(model);
    model = world_model(5, rlc_spec_one_hot(2));
    expect_refusal("g", "{type: gSDEModule}", "it adds noise to continuous actions");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torchrl, start, free_model),
        cmocka_unit_test_setup_teardown(test_when_noise_is_drawn, start, free_model),
        cmocka_unit_test_setup_teardown(test_noise_drawn_every_so_often, start, free_model),
        cmocka_unit_test_setup_teardown(test_scale_is_the_deviation, start, free_model),
        cmocka_unit_test_setup_teardown(test_initial_sigma, start, free_model),
        cmocka_unit_test_setup_teardown(test_actor, start, free_model),
        cmocka_unit_test_setup_teardown(test_state_dict_of_other_environments, start, free_model),
        cmocka_unit_test_setup_teardown(test_misuse, start, free_model),
    };
    return cmocka_run_group_tests_name("gSDE", tests, NULL, NULL);
}
