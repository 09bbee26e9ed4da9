/* policies.c: stand-ins for modules around policies and critics. */
#include "tests/shapes/shapes.h"

typedef struct ProbabilisticActor {
    rlc_module base;
    const rlc_value *modules, *module;
    int distribution;
    bool return_log_prob;
    const rlc_key *parameters[RLC_MAX_KEYS]; /* of the distribution: what the option in_keys says */
    const rlc_key *action, *log_prob;
    rlc_stream *noise;
} ProbabilisticActor;

enum { ONE_HOT_CATEGORICAL, TANH_NORMAL };

static const rlc_option actor_options[] = {
    RLC_MODULES(ProbabilisticActor, modules, "what computes the distribution's parameters"),
    RLC_MODULE(ProbabilisticActor, module, "the same, for a single one"),
    RLC_ENUM(ProbabilisticActor, distribution, "OneHotCategorical", "OneHotCategorical|TanhNormal",
             "what is drawn from"),
    RLC_BOOL_OPTION(ProbabilisticActor, return_log_prob, false, "write action_log_prob too"),
    {0},
};

static void actor_init(rlc_module *self, const rlc_build *build) {
    ProbabilisticActor *m = (ProbabilisticActor *)self;
    static const char *const defaults[2][2] = {{"logits", "logits"}, {"loc", "scale"}};
    for (int i = 0; i < 2; i++) {
        m->parameters[i] = i < self->num_in ? self->in_keys[i] : rlc_key_intern(defaults[m->distribution][i]);
    }
    m->action = rlc_key_intern("action");
    m->log_prob = rlc_key_intern("action_log_prob");
    m->noise = rlc_module_stream(self, "noise");
    if (!rlc_chain_build(self, build, m->modules != NULL ? m->modules : m->module, NULL, NULL)) {
        return;
    }
    rlc_chain_keys(self);
    const rlc_key *out[RLC_MAX_KEYS];
    int count = 0;
    for (; count < self->num_out; count++) {
        out[count] = self->out_keys[count];
    }
    out[count++] = m->action;
    if (m->return_log_prob) {
        out[count++] = m->log_prob;
    }
    rlc_module_set_out_keys(self, out, count);
}

static void choose(ProbabilisticActor *m, rlc_dict *td) {
    rlc_tensor *logits = rlc_dict_get_key(td, m->parameters[0]);
    if (logits == NULL) {
        return;
    }
    rlc_tensor *gumbel =
        rlc_neg(rlc_log(rlc_neg(rlc_log(rlc_add_scalar(rlc_rand(m->noise, rlc_shape_of(logits)), 1e-9)))));
    rlc_tensor *index = rlc_argmax(rlc_add(logits, gumbel), -1, false);
    rlc_tensor *action = rlc_one_hot(index, rlc_size(logits, -1));
    rlc_tensor *log_sum = rlc_log(rlc_sum(rlc_exp(logits), -1, false));
    rlc_dict_set_key(td, m->action, action);
    if (m->return_log_prob) {
        rlc_tensor *chosen = rlc_sum(rlc_mul(logits, rlc_cast(action, RLC_F32)), -1, false);
        rlc_dict_set_key(td, m->log_prob, rlc_sub(chosen, log_sum));
    }
}

static void squash(ProbabilisticActor *m, rlc_dict *td) {
    rlc_tensor *loc = rlc_dict_get_key(td, m->parameters[0]), *scale = rlc_dict_get_key(td, m->parameters[1]);
    if (loc == NULL) {
        return;
    }
    rlc_tensor *noise = rlc_randn(m->noise, rlc_shape_of(loc));
    rlc_dict_set_key(td, m->action, rlc_tanh(rlc_add(loc, rlc_mul(scale, noise))));
    if (m->return_log_prob) {
        rlc_dict_set_key(td, m->log_prob, rlc_neg(rlc_sum(rlc_log(scale), -1, false)));
    }
}

static void actor_forward(rlc_module *self, rlc_dict *td) {
    ProbabilisticActor *m = (ProbabilisticActor *)self;
    rlc_chain_forward(self, td);
    (m->distribution == TANH_NORMAL ? squash : choose)(m, td);
}

const rlc_module_class shapes_probabilistic_actor = {
    .base = RLC_CLASS("module", ProbabilisticActor, .doc = "a stand-in", .options = actor_options),
    .init = actor_init,
    .forward = actor_forward,
};

typedef struct ValueOperator {
    rlc_module base;
    const rlc_value *module;
} ValueOperator;

static const rlc_option value_options[] = {
    RLC_MODULE(ValueOperator, module, "the network", .required = true),
    {0},
};

/* Its network writes state_value, or state_action_value when it reads the action. */
static void value_init(rlc_module *self, const rlc_build *build) {
    const char *in_names[RLC_MAX_KEYS];
    bool reads_action = false;
    for (int i = 0; i < self->num_in; i++) {
        in_names[i] = self->in_keys[i]->name;
        reads_action = reads_action || self->in_keys[i] == rlc_key_intern("action");
    }
    rlc_strings in = {self->num_in, in_names};
    rlc_strings out = {1, (const char *const[]){reads_action ? "state_action_value" : "state_value"}};
    if (rlc_chain_build(self, build, ((ValueOperator *)self)->module, &in, &out)) {
        rlc_chain_keys(self);
    }
}

const rlc_module_class shapes_value_operator = {
    .base = RLC_CLASS("module", ValueOperator, .doc = "a stand-in", .options = value_options),
    .in_keys = {"observation"},
    .init = value_init,
    .forward = rlc_chain_forward,
};

typedef struct NormalParamExtractor {
    rlc_module base;
} NormalParamExtractor;

static void no_init(rlc_module *self, const rlc_build *build) {
    (void)self, (void)build;
}

static void extract(rlc_module *self, rlc_dict *td) {
    rlc_tensor *x = rlc_in(self, td, 0);
    int64_t half = rlc_size(x, -1) / 2;
    rlc_out(self, td, 0, rlc_slice(x, -1, 0, half));
    rlc_out(self, td, 1, rlc_add_scalar(rlc_softplus(rlc_add_scalar(rlc_slice(x, -1, half, half), 0.5254587)), 0.01));
}

const rlc_module_class shapes_extractor = {
    .base = RLC_CLASS("module", NormalParamExtractor, .doc = "a stand-in"),
    .in_keys = {"hidden"},
    .out_keys = {"loc", "scale"},
    .init = no_init,
    .forward = extract,
};

typedef struct TanhModule {
    rlc_module base;
} TanhModule;

static void tanh_forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, rlc_tanh(rlc_in(self, td, 0)));
}

const rlc_module_class shapes_tanh_module = {
    .base = RLC_CLASS("module", TanhModule, .doc = "a stand-in"),
    .in_keys = {"action"},
    .out_keys = {"action"},
    .init = no_init,
    .forward = tanh_forward,
};

typedef struct AdditiveGaussianModule {
    rlc_module base;
    double sigma_init, sigma_end;
    rlc_spec spec;
    rlc_stream *noise;
    rlc_tensor *sigma;
} AdditiveGaussianModule;

static const rlc_option gaussian_options[] = {
    RLC_FLOAT(AdditiveGaussianModule, sigma_init, 1, 0, 1e6, "noise at the start"),
    RLC_FLOAT(AdditiveGaussianModule, sigma_end, 0.1, 0, 1e6, "noise at the end"),
    {0},
};

static void gaussian_init(rlc_module *self, const rlc_build *build) {
    AdditiveGaussianModule *m = (AdditiveGaussianModule *)self;
    m->spec = *build->action;
    m->noise = rlc_module_stream(self, "noise");
    m->sigma = rlc_module_buffer(self, "sigma", RLC_F32, (rlc_shape){0});
    if (m->sigma != NULL) {
        rlc_tensor_write(m->sigma, &(float){(float)m->sigma_init});
        rlc_state_log(&self->model->state, m->sigma);
    }
}

static void gaussian_forward(rlc_module *self, rlc_dict *td) {
    AdditiveGaussianModule *m = (AdditiveGaussianModule *)self;
    rlc_tensor *action = rlc_in(self, td, 0);
    if (action != NULL && rlc_current()->exploration == RLC_EXPLORE_RANDOM) {
        rlc_tensor *noise = rlc_mul(rlc_randn(m->noise, rlc_shape_of(action)), m->sigma);
        rlc_out(self, td, 0, rlc_clamp(rlc_add(action, noise), m->spec.low, m->spec.high));
    }
}

const rlc_module_class shapes_additive_gaussian = {
    .base = RLC_CLASS("module", AdditiveGaussianModule, .doc = "a stand-in", .options = gaussian_options),
    .in_keys = {"action"},
    .out_keys = {"action"},
    .init = gaussian_init,
    .forward = gaussian_forward,
};
