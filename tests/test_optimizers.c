/* Whole optimisers against torch.optim (tests/golden/optimizers.py): every option, parameters that get a gradient late or
 * pause, clipping by value and by norm. */
#include "tests/world.h"

#include <stdio.h>

#include "objectives/optim.h"

/* A loss that holds two layers; the tests put the gradients where backward() would. */
typedef struct Holder {
    rlc_loss base;
    const rlc_value *a, *b;
} Holder;

static const rlc_option holder_options[] = {
    RLC_MODULE(Holder, a, "a layer", .required = true),
    RLC_MODULE(Holder, b, "another", .required = true),
    {0},
};

static void holder_init(rlc_module *self, const rlc_build *build) {
    Holder *m = (Holder *)self;
    rlc_loss_group(&m->base, "a", rlc_module_build(self, build, m->a, "a"));
    rlc_loss_group(&m->base, "b", rlc_module_build(self, build, m->b, "b"));
}

static void holder_forward(rlc_module *self, rlc_dict *td) {
    (void)td;
    rlc_loss_set((rlc_loss *)self, "loss", rlc_scalar(0));
}

static const rlc_module_class holder = {
    .base = RLC_CLASS("loss", Holder, .doc = "for a test", .options = holder_options),
    .in_keys = {"observation"},
    .out_keys = {"loss"},
    .init = holder_init,
    .forward = holder_forward,
};

static int add_holder(void **state) {
    (void)state;
    return rlc_register(world_registry(), &holder.base);
}

enum { STEPS = 20, PARAMETERS = 4, NUMBERS = 60 };
static const int sizes[PARAMETERS] = {28, 7, 20, 5};

static rlc_model *model;
static rlc_loss *loss;

static int start(void **state) {
    fresh_start(state);
    rlc_module *module = NULL;
    model = world_model(1, rlc_spec_one_hot(2));
    world_add(model, "first", "{type: Linear, out_keys: [x], out_features: 7}");
    world_add(model, "second", "{type: Linear, out_keys: [y], out_features: 5}");
    expect_ok(rlc_model_build(model, "loss", "loss", world_value("{type: Holder, a: first, b: second}"), &module));
    expect_ok(rlc_model_allocate(model));
    assert_int_equal(model->num_parameters, PARAMETERS);
    loss = (rlc_loss *)module;
    return 0;
}

static int stop(void **state) {
    (void)state;
    rlc_model_free(model);
    return 0;
}

/* Row `row` of a golden matrix: the numbers of all parameters, one behind the other. */
static const float *golden_row(const char *name, int row) {
    static float numbers[NUMBERS];
    const rlc_safetensors_entry *entry = golden("optimizers", "%s", name);
    memcpy(numbers, (const float *)entry->data + row * NUMBERS, sizeof numbers);
    return numbers;
}

static bool has_gradient(int step, int parameter) {
    int64_t given;
    memcpy(&given, (const int64_t *)golden("optimizers", "given")->data + step * PARAMETERS + parameter, sizeof given);
    return given != 0;
}

static void write_parameters(const float *numbers) {
    for (int i = 0; i < PARAMETERS; numbers += sizes[i++]) {
        assert_int_equal(model->parameters[i].tensor->numel, sizes[i]);
        expect_ok(rlc_tensor_write(model->parameters[i].tensor, numbers));
        rlc_zero_grad(model->parameters[i].tensor);
    }
}

static void write_gradients(int step) {
    const float *numbers = golden_row("grads", step);
    for (int i = 0; i < PARAMETERS; numbers += sizes[i++]) {
        rlc_tensor *parameter = model->parameters[i].tensor;
        if (has_gradient(step, i)) {
            expect_ok(rlc_tensor_write(parameter->grad, numbers));
            parameter->flags |= RLC_HAS_GRAD;
        }
    }
}

/* Of the parameters first to end - 1. */
static void expect_parameters(const char *name, int step, int first, int end) {
    const float *wanted = golden_row(name, step);
    for (int i = 0; i < end; wanted += sizes[i++]) {
        const float *got = peek(model->parameters[i].tensor);
        for (int k = 0; k < sizes[i] && i >= first; k++) {
            if (!(fabsf(got[k] - wanted[k]) <= 1e-6f + 1e-5f * fabsf(wanted[k]))) {
                fail_msg("%s: after step %d element %d of %s is %.9g, wanted %.9g", name, step, k,
                         model->parameters[i].name, (double)got[k], (double)wanted[k]);
            }
        }
    }
}

/* The norms that clipping found, those of steps in which anything had a gradient. */
static void expect_norm(const rlc_optim *optim, const char *name, int step, bool any) {
    float kept, wanted;
    if (!any) {
        assert_null(optim->grad_norm);
        return;
    }
    memcpy(&wanted, (const float *)golden("optimizers", "%s", name)->data + step, sizeof wanted);
    expect_ok(rlc_tensor_read(optim->last_grad_norm, &kept));
    assert_true(fabsf(kept - wanted) <= 1e-5f * wanted);
}

static void check(const char *name, const char *options) {
    char trace[64], norms[64];
    rlc_optim *optim = NULL;
    expect_ok(rlc_optim_new(loss, world_value(options), NULL, 0, &optim));
    snprintf(trace, sizeof trace, "%s.trace", name);
    snprintf(norms, sizeof norms, "%s.norms", name);
    write_parameters(golden_row("start", 0));
    for (int step = 0; step < STEPS; step++) {
        bool any = false;
        for (int i = 0; i < PARAMETERS; i++) {
            any = any || has_gradient(step, i);
        }
        rlc_begin(test_program());
        write_gradients(step);
        rlc_optim_step(optim);
        expect_ok(rlc_end(test_program()));
        expect_parameters(trace, step, 0, PARAMETERS);
        assert_int_equal(has_golden("optimizers", "%s", norms), optim->last_grad_norm != NULL);
        if (optim->last_grad_norm != NULL) {
            expect_norm(optim, norms, step, any);
        }
    }
    rlc_optim_free(optim);
}

static void test_adam(void **state) {
    (void)state;
    check("adam", "{type: Adam, lr: 1e-2}");
    check("adam_decay", "{type: Adam, lr: 1e-2, betas: [0.8, 0.95], weight_decay: 0.1}");
    check("adam_amsgrad", "{type: Adam, lr: 1e-2, betas: [0.9, 0.6], amsgrad: true}");
    check("adamw", "{type: AdamW, lr: 1e-2}");
    check("adamw_decay", "{type: AdamW, lr: 3e-2, betas: [0.5, 0.9], eps: 1e-4, weight_decay: 0.5}");
    check("adamw_amsgrad", "{type: AdamW, lr: 1e-2, betas: [0.9, 0.6], weight_decay: 0.3, amsgrad: true}");
}

static void test_sgd(void **state) {
    (void)state;
    check("sgd", "{type: SGD, lr: 0.1}");
    check("sgd_decay", "{type: SGD, lr: 0.1, weight_decay: 0.2}");
    check("sgd_momentum", "{type: SGD, lr: 0.05, momentum: 0.9}");
    check("sgd_momentum_decay", "{type: SGD, lr: 0.05, momentum: 0.8, weight_decay: 0.1}");
    check("sgd_dampening", "{type: SGD, lr: 0.05, momentum: 0.9, dampening: 0.4, weight_decay: 0.05}");
    check("sgd_nesterov", "{type: SGD, lr: 0.05, momentum: 0.9, nesterov: true}");
    check("sgd_nesterov_decay", "{type: SGD, lr: 0.05, momentum: 0.7, nesterov: true, weight_decay: 0.1}");
}

static void test_rmsprop(void **state) {
    (void)state;
    check("rmsprop", "{type: RMSprop, lr: 1e-2}");
    check("rmsprop_alpha", "{type: RMSprop, lr: 1e-2, alpha: 0.7, eps: 1e-3}");
    check("rmsprop_decay", "{type: RMSprop, lr: 1e-2, alpha: 0.9, weight_decay: 0.2}");
    check("rmsprop_centered", "{type: RMSprop, lr: 1e-2, alpha: 0.95, eps: 1e-2, centered: true}");
    check("rmsprop_momentum", "{type: RMSprop, lr: 1e-2, alpha: 0.9, momentum: 0.8}");
    check("rmsprop_all",
          "{type: RMSprop, lr: 1e-2, alpha: 0.9, eps: 1e-2, weight_decay: 0.1, momentum: 0.5, centered: true}");
}

/* Whether training reports a number of that name. */
static bool reports(const rlc_optim *optim, const char *name) {
    bool found = false;
    for (int i = 0; i < optim->state.count; i++) {
        found = found || (optim->state.items[i].logged && strcmp(optim->state.items[i].name, name) == 0);
    }
    return found;
}

static void test_what_is_logged(void **state) {
    (void)state;
    rlc_optim *plain = NULL, *clipped = NULL;
    expect_ok(rlc_optim_new(loss, world_value("{type: SGD, lr: 0.1, max_grad_value: 1}"), NULL, 0, &plain));
    expect_ok(rlc_optim_new(loss, world_value("{type: SGD, lr: 0.1, max_grad_norm: 1}"), NULL, 0, &clipped));
    assert_true(reports(plain, "lr") && reports(clipped, "lr"));
    assert_false(reports(plain, "grad_norm"));
    assert_true(reports(clipped, "grad_norm"));
    assert_false(reports(clipped, "steps"));
    rlc_optim_free(plain);
    rlc_optim_free(clipped);
}

static void test_clipping(void **state) {
    (void)state;
    check("clip_value", "{type: SGD, lr: 0.1, max_grad_value: 0.8}");
    check("clip_both", "{type: SGD, lr: 0.1, momentum: 0.5, max_grad_value: 0.8, max_grad_norm: 2}");
}

/* An optimiser for each layer: both move as if the other were not there. */
static void test_each_its_own(void **state) {
    (void)state;
    static const char *const options[] = {"{type: SGD, lr: 0.05, momentum: 0.9, params: loss.a}",
                                          "{type: RMSprop, lr: 1e-2, alpha: 0.9, momentum: 0.8, params: loss.b}"};
    rlc_optim *optims[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        expect_ok(rlc_optim_new(loss, world_value(options[i]), NULL, 0, &optims[i]));
    }
    write_parameters(golden_row("start", 0));
    for (int step = 0; step < STEPS; step++) {
        rlc_begin(test_program());
        write_gradients(step);
        rlc_optim_step(optims[0]);
        rlc_optim_step(optims[1]);
        expect_ok(rlc_end(test_program()));
        expect_parameters("sgd_momentum.trace", step, 0, 2);
        expect_parameters("rmsprop_momentum.trace", step, 2, PARAMETERS);
    }
    rlc_optim_free(optims[0]);
    rlc_optim_free(optims[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_adam, start, stop),
        cmocka_unit_test_setup_teardown(test_sgd, start, stop),
        cmocka_unit_test_setup_teardown(test_rmsprop, start, stop),
        cmocka_unit_test_setup_teardown(test_clipping, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_logged, start, stop),
        cmocka_unit_test_setup_teardown(test_each_its_own, start, stop),
    };
    return cmocka_run_group_tests_name("optimisers against PyTorch", tests, add_holder, NULL);
}
