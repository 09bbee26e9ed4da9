/* Optimisers: Adam over groups of parameters, against the formula in double precision; clipping, schedules, parameters
 * without a gradient. */
#include "tests/world.h"

#include <stdio.h>

#include "objectives/optim.h"

static rlc_program *p;
static rlc_model *model;
static rlc_loss *loss;
static rlc_optim *optim, *second;

/* A loss with two networks, each a group of its own; only those that are switched on give a gradient. */
typedef struct TwoNets {
    rlc_loss base;
    const rlc_value *a, *b;
    rlc_module *net[2];
} TwoNets;

static bool switched_on[2];

static const rlc_option two_nets_options[] = {
    RLC_MODULE(TwoNets, a, "the first network", .required = true),
    RLC_MODULE(TwoNets, b, "the second network", .required = true),
    {0},
};

static void two_nets_init(rlc_module *self, const rlc_build *build) {
    TwoNets *m = (TwoNets *)self;
    m->net[0] = rlc_module_build(self, build, m->a, "a");
    m->net[1] = rlc_module_build(self, build, m->b, "b");
    rlc_loss_group(&m->base, "a", m->net[0]);
    rlc_loss_group(&m->base, "b", m->net[1]);
    rlc_loss_reads(&m->base, m->net[0], false, NULL, 0);
}

static void two_nets_forward(rlc_module *self, rlc_dict *td) {
    TwoNets *m = (TwoNets *)self;
    rlc_tensor *sum = rlc_scalar(0);
    for (int i = 0; i < 2; i++) {
        rlc_module_call(m->net[i], td);
        if (switched_on[i]) {
            sum = rlc_add(sum, rlc_mean(rlc_square(rlc_dict_get_key(td, m->net[i]->out_keys[0])), RLC_ALL, false));
        }
    }
    rlc_loss_set(&m->base, "loss", sum);
}

static const rlc_module_class two_nets = {
    .base = RLC_CLASS("loss", TwoNets, .doc = "for a test", .options = two_nets_options),
    .out_keys = {"loss"},
    .init = two_nets_init,
    .forward = two_nets_forward,
};

static int add_two_nets(void **state) {
    (void)state;
    return rlc_register(world_registry(), &two_nets.base);
}

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    optim = second = NULL;
    rlc_module *module = NULL;
    switched_on[0] = switched_on[1] = true;
    model = world_model(1, rlc_spec_one_hot(2));
    world_add(model, "first", "{type: MLP, num_cells: [5], out_keys: [x], out_features: 3}");
    world_add(model, "bystander", "{type: Linear, out_keys: [v], out_features: 3}");
    world_add(model, "other", "{type: MLP, num_cells: [6], out_keys: [y], out_features: 2}");
    expect_ok(rlc_model_build(model, "loss", "loss", world_value("{type: TwoNets, a: first, b: other}"), &module));
    expect_ok(rlc_model_allocate(model));
    loss = (rlc_loss *)module;
    return 0;
}

static int stop(void **state) {
    (void)state;
    rlc_optim_free(optim);
    rlc_optim_free(second);
    rlc_model_free(model);
    return 0;
}

static rlc_optim *make(const char *options, rlc_tensor *frames, int64_t total) {
    rlc_optim *o = NULL;
    expect_ok(rlc_optim_new(loss, world_value(options), frames, total, &o));
    return o;
}

/* Adam as it stands in the paper, one parameter of the model at a time, each with its own count of steps. */
typedef struct reference {
    double lr, beta1, beta2, eps, decay;
    double x[256], g[256], m[256], v[256]; /* of the whole flat buffer */
    int steps[16];
} reference;

static void read_flat(const rlc_tensor *tensor, double *to) {
    assert_true(tensor->numel <= 256);
    const float *values = peek(tensor);
    for (int64_t i = 0; i < tensor->numel; i++) {
        to[i] = (double)values[i];
    }
}

static void reference_step(reference *r, int parameter, double scale) {
    const rlc_parameter_entry *e = &model->parameters[parameter];
    double t = ++r->steps[parameter];
    for (int64_t i = e->offset; i < e->offset + e->tensor->numel; i++) {
        double g = r->g[i] * scale + r->decay * r->x[i];
        r->m[i] = r->beta1 * r->m[i] + (1 - r->beta1) * g;
        r->v[i] = r->beta2 * r->v[i] + (1 - r->beta2) * g * g;
        double m = r->m[i] / (1 - pow(r->beta1, t)), v = r->v[i] / (1 - pow(r->beta2, t));
        r->x[i] -= r->lr * m / (sqrt(v) + r->eps);
    }
}

/* Records a batch, its loss and gradients; the gradients are then in `r`. */
static void backward(reference *r, int round) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(6));
    rlc_tensor *numbers = rlc_sin(rlc_mul_scalar(rlc_arange(RLC_F32, 24), 1 + round));
    rlc_dict_set(td, "observation", rlc_reshape(numbers, RLC_SHAPE(6, 4)));
    rlc_backward(rlc_dict_get(rlc_loss_call(loss, td), "loss"));
    if (r != NULL) {
        double *grads = read_doubles(model->grads); /* runs what is recorded */
        memcpy(r->g, grads, (size_t)model->grads->numel * sizeof *grads);
        free(grads);
    }
}

static void expect_values(const reference *r, const char *what) {
    for (int i = 0; i < model->num_parameters; i++) {
        const rlc_parameter_entry *e = &model->parameters[i];
        const float *values = peek(e->tensor);
        for (int64_t k = 0; k < e->tensor->numel; k++) {
            double got = (double)values[k], wanted = r->x[e->offset + k];
            if (!(fabs(got - wanted) <= 1e-6 + 1e-5 * fabs(wanted))) {
                fail_msg("%s: element %d of %s is %.9g, wanted %.9g", what, (int)k, e->name, got, wanted);
            }
        }
    }
}

/* Which parameters belong to module "first", "other" or "bystander". */
static bool belongs(int parameter, const char *module) {
    return strncmp(model->parameters[parameter].name + strlen("modules."), module, strlen(module)) == 0;
}

static void check_adam(const char *options, reference r) {
    rlc_optim_free(optim);
    optim = make(options, NULL, 0);
    read_flat(model->values, r.x);
    for (int round = 0; round < 12; round++) {
        rlc_begin(p);
        backward(&r, round);
        rlc_optim_step(optim);
        expect_ok(rlc_end(p));
        for (int i = 0; i < model->num_parameters; i++) {
            if (!belongs(i, "bystander")) {
                reference_step(&r, i, 1);
            }
        }
        expect_values(&r, options);
    }
}

static void test_adam(void **state) {
    (void)state;
    check_adam("{type: Adam, lr: 1e-2}", (reference){.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8});
    check_adam("{type: Adam, lr: 3e-3, betas: [0.5, 0.99], eps: 1e-3, weight_decay: 0.1}",
               (reference){.lr = 3e-3, .beta1 = 0.5, .beta2 = 0.99, .eps = 1e-3, .decay = 0.1});
    check_adam("{type: Adam, lr: 0}", (reference){.lr = 0, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8});
}

/* Each optimiser moves its own group and leaves all else as it is. */
static void test_groups(void **state) {
    (void)state;
    reference r = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    optim = make("{type: Adam, params: loss.a, lr: 0.01}", NULL, 0);
    second = make("{type: Adam, params: other, lr: 0.1}", NULL, 0); /* a module's name is as good */
    assert_int_equal(optim->num_parameters, 4);
    assert_int_equal(second->num_parameters, 4);
    read_flat(model->values, r.x);
    for (int round = 0; round < 6; round++) {
        rlc_begin(p);
        backward(&r, round);
        rlc_optim_step(optim);
        if (round >= 3) { /* its gradients have added up until then */
            rlc_optim_step(second);
        }
        expect_ok(rlc_end(p));
        for (int i = 0; i < model->num_parameters; i++) {
            r.lr = belongs(i, "first") ? 0.01 : 0.1;
            if (belongs(i, "first") || (belongs(i, "other") && round >= 3)) {
                reference_step(&r, i, 1);
            }
        }
        expect_values(&r, "two optimisers");
    }
}

/* As with PyTorch: no gradient, no step, and no step counted for it either. */
static void test_parameters_without_a_gradient(void **state) {
    (void)state;
    reference r = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    static const bool on[][2] = {{true, false}, {true, false}, {true, true},
                                 {false, true}, {true, true},  {false, false}};
    optim = make("{type: Adam, lr: 0.01}", NULL, 0);
    read_flat(model->values, r.x);
    for (int round = 0; round < RLC_COUNT(on) - 1; round++) {
        memcpy(switched_on, on[round], sizeof switched_on);
        rlc_begin(p);
        backward(&r, round);
        rlc_optim_step(optim);
        expect_ok(rlc_end(p));
        for (int i = 0; i < model->num_parameters; i++) {
            if ((belongs(i, "first") && on[round][0]) || (belongs(i, "other") && on[round][1])) {
                reference_step(&r, i, 1);
            }
            assert_false(model->parameters[i].tensor->flags & RLC_HAS_GRAD); /* forgotten by the step */
        }
        char what[32];
        snprintf(what, sizeof what, "round %d", round);
        expect_values(&r, what);
    }
    rlc_begin(p);
    rlc_optim_step(optim); /* nothing has a gradient: nothing moves */
    assert_null(optim->grad_norm);
    expect_ok(rlc_end(p));
    expect_values(&r, "without any gradient");
}

/* Gradients add up until the step. */
static void test_accumulation(void **state) {
    (void)state;
    reference r = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-2};
    optim = make("{type: Adam, lr: 0.01, eps: 1e-2}", NULL, 0);
    read_flat(model->values, r.x);
    rlc_begin(p);
    backward(&r, 3);
    double first = r.g[0];
    backward(&r, 3);
    assert_true(fabs(r.g[0] - 2 * first) <= 1e-6 * fabs(first));
    rlc_optim_step(optim);
    expect_ok(rlc_end(p));
    for (int i = 0; i < model->num_parameters; i++) {
        if (!belongs(i, "bystander")) {
            reference_step(&r, i, 1);
        }
    }
    expect_values(&r, "two gradients");
}

/* The norm is that of the optimiser's own gradients, all together; they are scaled only if it is too large. */
static void check_clipping(const char *options, double most, const char *only) {
    reference r = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 0.1}; /* so large that the scale shows */
    rlc_optim_free(optim);
    optim = make(options, NULL, 0);
    read_flat(model->values, r.x);
    for (int round = 0; round < 4; round++) {
        double norm = 0;
        rlc_begin(p);
        for (int i = 0; i < model->num_parameters; i++) {
            rlc_zero_grad(model->parameters[i].tensor); /* the other optimiser's */
        }
        backward(&r, round);
        rlc_optim_step(optim);
        for (int i = 0; i < model->num_parameters; i++) {
            const rlc_parameter_entry *e = &model->parameters[i];
            for (int64_t k = e->offset; k < e->offset + e->tensor->numel && belongs(i, only); k++) {
                norm += r.g[k] * r.g[k];
            }
        }
        norm = sqrt(norm);
        assert_true(fabs(rlc_item(optim->grad_norm) - norm) <= 1e-5 * norm);
        expect_ok(rlc_end(p));
        for (int i = 0; i < model->num_parameters; i++) {
            if (belongs(i, only) && !belongs(i, "bystander")) {
                reference_step(&r, i, fmin(1, most / (norm + 1e-6)));
            }
        }
        expect_values(&r, options);
    }
}

static void test_clipping(void **state) {
    (void)state;
    check_clipping("{type: Adam, params: loss.a, lr: 0.01, eps: 0.1, max_grad_norm: 0.05}", 0.05, "first");
    check_clipping("{type: Adam, params: loss.b, lr: 0.01, eps: 0.1, max_grad_norm: 1e3}", 1e3, "other");
    switched_on[0] = false; /* of the whole loss, but only one network has gradients */
    check_clipping("{type: Adam, lr: 0.01, eps: 0.1, max_grad_norm: 0.05}", 0.05, "other");
}

/* From one rate to the other as the frames of the run go by, and no further. */
static void test_schedule(void **state) {
    (void)state;
    reference r = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    static const int64_t frames[] = {0, 10, 50, 99, 100, 250};
    rlc_tensor *now = rlc_tensor_new(test_device(), RLC_I64, RLC_SHAPE(1));
    optim = make("{type: Adam, lr: {type: linear, from: 0.01, to: 0.002}}", now, 100);
    assert_true(*(const float *)peek(optim->lr) == 0.01f);
    read_flat(model->values, r.x);
    for (int round = 0; round < RLC_COUNT(frames); round++) {
        expect_ok(rlc_tensor_write(now, &frames[round]));
        rlc_begin(p);
        backward(&r, round);
        rlc_optim_step(optim);
        r.lr = 0.01 + (0.002 - 0.01) * fmin(1, (double)frames[round] / 100);
        EXPECT(optim->lr, r.lr);
        expect_ok(rlc_end(p));
        for (int i = 0; i < model->num_parameters; i++) {
            if (!belongs(i, "bystander")) {
                reference_step(&r, i, 1);
            }
        }
        expect_values(&r, "a linear schedule");
    }
    rlc_tensor_free(now);
}

/* What a loss holds as its target network stays, whatever the optimiser is told to train. */
static void test_targets_are_left_alone(void **state) {
    (void)state;
    rlc_module *module = NULL;
    rlc_model_free(model);
    model = world_model(1, rlc_spec_one_hot(2));
    world_add(model, "policy", "{type: QValueActor, module: {type: MLP, num_cells: [7], out_features: 2}}");
    expect_ok(rlc_model_build(model, "loss", "loss", world_value("{type: DQNLoss, value_network: policy}"), &module));
    expect_ok(rlc_model_allocate(model));
    loss = (rlc_loss *)module;
    optim = make("{type: Adam, lr: 0.1}", NULL, 0);
    assert_int_equal(optim->num_parameters, 4);
    for (int round = 0; round < 5; round++) {
        rlc_begin(p);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(3));
        rlc_dict_set(td, "observation", rlc_full(RLC_F32, RLC_SHAPE(3, 4), 0.1 * round));
        rlc_dict_set(td, "action", rlc_one_hot(rlc_zeros(RLC_I64, RLC_SHAPE(3)), 2));
        rlc_dict_set(td, "next.observation", rlc_full(RLC_F32, RLC_SHAPE(3, 4), 0.2));
        rlc_dict_set(td, "next.reward", rlc_full(RLC_F32, RLC_SHAPE(3, 1), 1));
        rlc_dict_set(td, "next.terminated", rlc_zeros(RLC_BOOL, RLC_SHAPE(3, 1)));
        rlc_backward(rlc_dict_get(rlc_loss_call(loss, td), "loss"));
        rlc_optim_step(optim);
        expect_ok(rlc_end(p));
    }
    rlc_model *untouched = world_model(1, rlc_spec_one_hot(2));
    world_add(untouched, "policy", "{type: QValueActor, module: {type: MLP, num_cells: [7], out_features: 2}}");
    expect_ok(rlc_model_allocate(untouched));
    int target[4], online[4];
    assert_int_equal(rlc_module_parameters(loss->targets[0].target, target, 4), 4);
    assert_int_equal(rlc_module_parameters(loss->targets[0].online, online, 4), 4);
    for (int i = 0; i < 4; i++) { /* the target was a copy of what the same seed gives */
        const rlc_tensor *was = untouched->parameters[i].tensor, *now = model->parameters[target[i]].tensor;
        assert_memory_equal(peek(was), peek(now), (size_t)was->numel * sizeof(float));
        assert_memory_not_equal(peek(was), peek(model->parameters[online[i]].tensor),
                                (size_t)was->numel * sizeof(float));
    }
    rlc_model_free(untouched);
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{type: Adam}", "test:1: optim: option 'lr' is required"},
        {"{type: Adam, lr: -0.1}",
         "optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not '-0.1'"},
        {"{type: Adam, lr: fast}",
         "optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not 'fast'"},
        {"{type: Adam, lr: [1]}",
         "optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not a list"},
        {"{type: Adam, lr: {from: 1}}", "optim.lr: 'type' is missing: which schedule is this?"},
        {"{type: Adam, lr: {type: linear, from: 1}}", "optim.lr: there is no run for a schedule to go by"},
        {"{type: Adam, lr: {type: constant, from: 1, warmup: 5}}", "optim.lr: there is no run for a schedule to go by"},
        {"{type: Adam, lr: 1, params: loss.c}",
         "optim: there is nothing called 'loss.c' to train; there is loss, loss.a, loss.b"},
        {"{type: Adam, lr: 1, params: frist}", "optim: there is nothing called 'frist' to train"},
        {"{type: Adam, lr: 1,\n betas: [0.9]}", "test:2: optim: option 'betas' must have two numbers, not 1"},
        {"{type: Adam, lr: 1, betas: [0.9, 1]}", "optim: option 'betas' must be between 0 and"},
        {"{type: Adam, lr: 1, max_grad_norm: -1}", "optim: option 'max_grad_norm' must be between 0 and"},
        {"{type: Adam, lr: 1, max_norm: 1}", "test:1: optim: unknown option 'max_norm'"},
        {"{type: Adam, lr: 1, max_grad_value: -1}", "optim: option 'max_grad_value' must be between 0 and"},
        {"{type: Adan, lr: 1}", "test:1: there is no optim of type 'Adan' (did you mean 'Adam'?)"},
        {"{type: AdamW, lr: 1, betas: [0.9]}", "optim: option 'betas' must have two numbers, not 1"},
        {"{type: AdamW, lr: 1, weight_decay: -1}", "optim: option 'weight_decay' must be between 0 and"},
        {"{type: SGD, lr: 1, betas: [0.9, 0.9]}", "test:1: optim: unknown option 'betas'; options are lr, params"},
        {"{type: SGD, lr: 1, momentum: -1}", "optim: option 'momentum' must be between 0 and"},
        {"{type: SGD, lr: 1, nesterov: true}", "optim: option 'nesterov' needs a momentum above 0 and no dampening"},
        {"{type: SGD, lr: 1, momentum: 0.9, dampening: 0.1, nesterov: true}", "and no dampening, not 0.9 and 0.1"},
        {"{type: RMSprop, lr: 1, alpha: 1.1}", "optim: option 'alpha' must be between 0 and 1, not 1.1"},
        {"{type: RMSprop, lr: 1, eps: -1}", "optim: option 'eps' must be between 0 and"},
        {"{type: RMSprop, lr: 1, centred: true}", "unknown option 'centred' (did you mean 'centered'?)"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_optim *none = NULL;
        expect_error(rlc_optim_new(loss, world_value(cases[i][0]), NULL, 0, &none), RLC_INVALID, cases[i][1]);
        assert_null(none);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_adam, start, stop),
        cmocka_unit_test_setup_teardown(test_groups, start, stop),
        cmocka_unit_test_setup_teardown(test_parameters_without_a_gradient, start, stop),
        cmocka_unit_test_setup_teardown(test_accumulation, start, stop),
        cmocka_unit_test_setup_teardown(test_clipping, start, stop),
        cmocka_unit_test_setup_teardown(test_schedule, start, stop),
        cmocka_unit_test_setup_teardown(test_targets_are_left_alone, start, stop),
        cmocka_unit_test_setup_teardown(test_misuse, start, stop),
    };
    return cmocka_run_group_tests_name("optimisers", tests, add_two_nets, NULL);
}
