/* GANLoss against PyTorch (tests/golden/gan.py): what it gives, and the gradient of every parameter of both networks; what it
 * refuses; RandomPolicy. */
#include "tests/golden_loss.h"

enum { CASES = 5, LATENT = 3 };

#define GENERATOR(first)                                                                                               \
    "generator: {type: Sequential, modules: [" first                                                                   \
    ", {type: Linear, out_features: 6}, {type: BatchNorm1d}, {type: LeakyReLU, negative_slope: 0.2}, {type: Linear, "  \
    "out_features: 4}, {type: Sigmoid}]}"
#define DISCRIMINATOR                                                                                                  \
    "discriminator: {type: Sequential, modules: [{type: Linear, out_features: 5}, {type: LeakyReLU, negative_slope: "  \
    "0.2}, {type: Linear, out_features: 1}]}"
#define GAN(first) "{type: GANLoss, latent_dim: 3, " GENERATOR(first) ", " DISCRIMINATOR "}"

/* Puts the noise of a golden case in the place of what comes in. */
static const char *given_case;

static void give_latent(rlc_module *self, rlc_dict *td) {
    rlc_tensor *drawn = rlc_in(self, td, 0);
    bool given = given_case != NULL && !rlc_current()->shapes_only;
    rlc_out(self, td, 0, given ? golden_tensor("gan", "%s.latent", given_case) : drawn);
}

typedef struct GivenLatent {
    rlc_module base;
} GivenLatent;

static const rlc_module_class given_latent_class = {
    .base = RLC_CLASS("module", GivenLatent, .doc = "noise of a golden case"),
    .in_keys = {"observation"},
    .forward = give_latent,
};

static int start(void **state) {
    static bool registered;
    start_without_model(state);
    if (!registered) {
        expect_ok(rlc_register(world_registry(), &given_latent_class.base));
        registered = true;
    }
    given_case = NULL;
    model = world_model(1, rlc_spec_categorical(2));
    return 0;
}

/* "generator.1.weight" of "loss.generator.1.weight", which is what golden files call it. */
static const char *golden_name(const char *name) {
    assert_memory_equal(name, "loss.", 5);
    return name + 5;
}

static void load_networks(const char *name) {
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *parameter = &model->parameters[i];
        const rlc_safetensors_entry *entry = golden("gan", "%s.%s", name, golden_name(parameter->name));
        assert_true(rlc_shape_equal(entry->shape, rlc_shape_of(parameter->tensor)));
        expect_ok(rlc_tensor_write(parameter->tensor, entry->data));
    }
}

static void expect_values(const rlc_dict *out, const char *name) {
    static const char *const numbers[] = {"loss_discriminator", "loss_generator", "score_data", "score_generated",
                                          "loss"};
    for (int i = 0; i < RLC_COUNT(numbers); i++) {
        expect_close(numbers[i], rlc_dict_get(out, numbers[i]), golden("gan", "%s.out.%s", name, numbers[i]), 1e-5,
                     1e-6);
    }
}

static void expect_all_gradients(const char *name) {
    assert_int_equal(model->num_parameters, 10);
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *entry = &model->parameters[i];
        assert_true(entry->tensor->flags & RLC_HAS_GRAD);
        expect_close(entry->name, entry->tensor->grad, golden("gan", "%s.grad.%s", name, golden_name(entry->name)),
                     1e-4, 1e-6);
    }
}

static void expect_statistics(rlc_module *loss, const char *name) {
    static const char *const names[] = {"running_mean", "running_var"};
    const rlc_tensor *buffers[3];
    assert_int_equal(rlc_module_buffers(loss, buffers, 3), 3);
    for (int i = 0; i < 2; i++) {
        expect_close(names[i], rlc_detach((rlc_tensor *)buffers[i]), golden("gan", "%s.generator.2.%s", name, names[i]),
                     1e-5, 1e-6);
    }
}

static void test_golden(void **state) {
    (void)state;
    for (int i = 0; i < CASES; i++) {
        char name[8];
        snprintf(name, sizeof name, "%d", i);
        rlc_model_free(model);
        model = world_model(1, rlc_spec_categorical(2));
        rlc_loss *loss = add_loss(GAN("{type: GivenLatent}"));
        load_networks(name);
        given_case = name;
        rlc_begin(p);
        rlc_dict *td = golden_batch("gan", name, golden("gan", "%s.observation", name)->shape.size[0]);
        rlc_dict *out = rlc_loss_call(loss, td);
        rlc_backward(rlc_dict_get(out, "loss"));
        expect_values(out, name);
        expect_all_gradients(name);
        expect_statistics(&loss->base, name);
        expect_ok(rlc_end(p));
        given_case = NULL;
    }
}

/* Noise is new in each call, and it is all that the generator's data come from. */
static void test_noise(void **state) {
    (void)state;
    rlc_loss *loss = add_loss(GAN("{type: Identity}"));
    float first, second;
    rlc_begin(p);
    rlc_dict *td = golden_batch("gan", "1", 24);
    expect_ok(rlc_read(rlc_dict_get(rlc_loss_call(loss, td), "loss_generator"), &first));
    expect_ok(rlc_read(rlc_dict_get(rlc_loss_call(loss, td), "loss_generator"), &second));
    expect_ok(rlc_end(p));
    assert_true(isfinite(first) && isfinite(second) && first != second);
}

/* Each group is one network. */
static void test_groups(void **state) {
    (void)state;
    rlc_loss *loss = add_loss(GAN("{type: Identity}"));
    int parameters[16];
    assert_int_equal(rlc_loss_parameters(loss, "generator", parameters, 16), 6);
    assert_int_equal(rlc_loss_parameters(loss, "discriminator", parameters, 16), 4);
    assert_int_equal(rlc_loss_parameters(loss, NULL, parameters, 16), 10);
}

static void expect_refused(const char *options, const char *message) {
    rlc_module *loss = NULL;
    rlc_model_free(model);
    model = world_model(1, rlc_spec_categorical(2));
    expect_error(rlc_model_build(model, "loss", "loss", world_value(options), &loss), RLC_INVALID, message);
}

static void test_refused(void **state) {
    (void)state;
    expect_refused("{type: GANLoss, " DISCRIMINATOR "}", "option 'generator' is required");
    expect_refused("{type: GANLoss, latent_dim: 0, " GENERATOR("{type: Identity}") ", " DISCRIMINATOR "}",
                   "option 'latent_dim' must be between 1 and");
    expect_refused("{type: GANLoss, generator: {type: Linear, out_features: 3}, " DISCRIMINATOR "}",
                   "the generator makes [5, 3], but observation is [5, 4]");
    expect_refused("{type: GANLoss, in_keys: [observation, action], " GENERATOR("{type: Identity}") ", " DISCRIMINATOR
                                                                                                    "}",
                   "in_keys names 2 entries; it learns to make one");
    expect_refused("{type: GANLoss, in_keys: [picture], " GENERATOR("{type: Identity}") ", " DISCRIMINATOR "}",
                   "picture");
    expect_refused("{type: GANLoss, generator: {type: MLP, in_keys: [latent, observation], out_features: 4}, "
                   "discriminator: {type: Linear, out_features: 1}}",
                   "reads 2 entries and writes 1; it must read one and write one");
}

/* Every action comes up, as often as any other, whatever exploration is asked for. */
static void test_random_policy(void **state) {
    (void)state;
    enum { ROWS = 6000 };
    rlc_module *policy = world_add(model, "policy", "{type: RandomPolicy}");
    int64_t actions[ROWS], ones = 0;
    expect_ok(rlc_model_allocate(model));
    rlc_begin(p);
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_module_call(policy, td);
    expect_shape(rlc_dict_get(td, "action"), RLC_I64, RLC_SHAPE(ROWS));
    expect_ok(rlc_read(rlc_dict_get(td, "action"), actions));
    expect_ok(rlc_end(p));
    for (int i = 0; i < ROWS; i++) {
        assert_in_range(actions[i], 0, 1);
        ones += actions[i];
    }
    assert_true(fabs((double)ones - ROWS / 2.0) <= 5 * sqrt(ROWS / 4.0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_golden, start, free_model),
        cmocka_unit_test_setup_teardown(test_noise, start, free_model),
        cmocka_unit_test_setup_teardown(test_groups, start, free_model),
        cmocka_unit_test_setup_teardown(test_refused, start, free_model),
        cmocka_unit_test_setup_teardown(test_random_policy, start, free_model),
    };
    return cmocka_run_group_tests_name("GAN", tests, NULL, NULL);
}
