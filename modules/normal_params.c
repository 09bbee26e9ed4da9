/* normal_params.c: from what a network puts out to loc and scale. */
#include <math.h>

#include "core/resting.h"
#include "modules/classes.h"
#include "modules/module.h"

/* How a number becomes a positive scale: tensordict's mappings. */
enum { BIASED_SOFTPLUS, SOFTPLUS, EXP, RELU, EXPLN };
#define SCALE_MAPPINGS "biased_softplus|softplus|exp|relu|expln"

typedef struct scale_options {
    int scale_mapping;
    double scale_bias, scale_lb, log_scale_min, log_scale_max;
} scale_options;

/* The rows of both modules: how a scale is made positive, `usual` being the default. */
#define SCALE_ROW(Type, option, kind, value, low, high, text, ...)                                                     \
    {                                                                                                                  \
        .name = #option, .type = kind, .offset = offsetof(Type, scale.option), .number = value, .min = low,            \
        .max = high, .help = text, __VA_ARGS__                                                                         \
    }
#define SCALE_OPTIONS(Type, usual)                                                                                     \
    SCALE_ROW(Type, scale_mapping, RLC_OPTION_ENUM, 0, 0, 0, "how a scale is made positive", .text = usual,            \
              .choices = SCALE_MAPPINGS),                                                                              \
        SCALE_ROW(Type, scale_bias, RLC_OPTION_FLOAT, 1, 0.011, 1e6,                                                   \
                  "of biased_softplus: the scale of an input of 0"),                                                   \
        SCALE_ROW(Type, scale_lb, RLC_OPTION_FLOAT, 1e-4, 0, 1e6, "smallest scale"),                                   \
        SCALE_ROW(Type, log_scale_min, RLC_OPTION_FLOAT, -20, -80, 80, "of exp: smallest logarithm of a scale"),       \
        SCALE_ROW(Type, log_scale_max, RLC_OPTION_FLOAT, 2, -80, 80, "of exp: largest logarithm of a scale")

/* softplus(x + c) + 0.01 with c = log(e^(bias - 0.01) - 1), so that 0 gives the bias. */
static rlc_tensor *map_scale(const scale_options *o, rlc_tensor *x) {
    const double lift = 0.01;
    switch (o->scale_mapping) {
    case BIASED_SOFTPLUS:
        x = rlc_add_scalar(rlc_softplus(rlc_add_scalar(x, log(expm1(o->scale_bias - lift)))), lift);
        break;
    case SOFTPLUS: x = rlc_softplus(x); break;
    case EXP: x = rlc_exp(rlc_clamp(x, o->log_scale_min, o->log_scale_max)); break;
    case RELU: x = rlc_relu(x); break;
    default: { /* e^x below 0, 1 + log(1 + x) above */
        rlc_tensor *above = rlc_add_scalar(rlc_log1p(rlc_clamp(x, 0, INFINITY)), 1);
        x = rlc_where(rlc_gt(x, rlc_scalar(0)), above, rlc_exp(rlc_clamp(x, -INFINITY, 0)));
    }
    }
    return o->scale_lb > 0 && o->scale_lb > (o->scale_mapping == BIASED_SOFTPLUS ? lift : 0)
               ? rlc_clamp(x, o->scale_lb, INFINITY)
               : x;
}

typedef struct NormalParamExtractor {
    rlc_module base;
    scale_options scale;
} NormalParamExtractor;

static const rlc_option extractor_options[] = {SCALE_OPTIONS(NormalParamExtractor, "biased_softplus"), {0}};

static void extractor_init(rlc_module *self, const rlc_build *build) {
    int64_t size = rlc_size(rlc_in(self, build->example, 0), -1);
    if (size % 2 != 0) {
        rlc_fail(RLC_INVALID, "%s: %s must have an even last dimension, loc and scale side by side, not %lld",
                 self->path, self->in_keys[0]->name, (long long)size);
    }
}

static void extract(rlc_module *self, rlc_dict *td) {
    const NormalParamExtractor *m = (const NormalParamExtractor *)self;
    rlc_tensor *x = rlc_in(self, td, 0);
    int64_t half = rlc_size(x, -1) / 2;
    rlc_out(self, td, 0, rlc_slice(x, -1, 0, half));
    rlc_out(self, td, 1, map_scale(&m->scale, rlc_slice(x, -1, half, half)));
}

const rlc_module_class rlc_normal_param_extractor_class = {
    .base = RLC_CLASS("module", NormalParamExtractor, .doc = "splits its input into loc and a positive scale",
                      .options = extractor_options),
    .in_keys = {"param"},
    .out_keys = {"loc", "scale"},
    .init = extractor_init,
    .forward = extract,
};

/* TorchRL's AddStateIndependentNormalScale: loc comes from a network, the scale is a parameter of its own. */
typedef struct AddStateIndependentNormalScale {
    rlc_module base;
    scale_options scale;
    double init_value;
    rlc_tensor *parameter;
} AddStateIndependentNormalScale;

static const rlc_option independent_options[] = {
    RLC_FLOAT(AddStateIndependentNormalScale, init_value, 0, -80, 80, "of the parameter, before the mapping"),
    SCALE_OPTIONS(AddStateIndependentNormalScale, "exp"),
    {0},
};

static void independent_init(rlc_module *self, const rlc_build *build) {
    AddStateIndependentNormalScale *m = (AddStateIndependentNormalScale *)self;
    int64_t size = rlc_size(rlc_in(self, build->example, 0), -1);
    m->parameter = rlc_parameter_new(self, "state_independent_scale", RLC_SHAPE(size),
                                     (rlc_init){RLC_INIT_CONSTANT, m->init_value});
}

/* The scale of every row. While a policy acts, and its parameters stay, that of one step is that of all. */
static rlc_tensor *scale_like(const AddStateIndependentNormalScale *m, const rlc_tensor *loc) {
    rlc_tensor *scale = rlc_resting_find(m);
    if (scale == NULL || !rlc_shape_equal(rlc_shape_of(scale), rlc_shape_of(loc))) {
        scale = rlc_expand(map_scale(&m->scale, m->parameter), rlc_shape_of(loc));
        if (rlc_current()->resting) { /* once by row, for all who read it */
            scale = rlc_contiguous(scale);
            rlc_resting_keep(m, scale);
        }
    }
    return scale;
}

static void add_scale(rlc_module *self, rlc_dict *td) {
    const AddStateIndependentNormalScale *m = (const AddStateIndependentNormalScale *)self;
    rlc_tensor *loc = rlc_in(self, td, 0);
    if (loc != NULL) {
        rlc_out(self, td, 0, loc);
        rlc_out(self, td, 1, scale_like(m, loc));
    }
}

const rlc_module_class rlc_state_independent_scale_class = {
    .base = RLC_CLASS("module", AddStateIndependentNormalScale, .doc = "adds a learned scale, the same in all states",
                      .options = independent_options),
    .in_keys = {"loc"},
    .out_keys = {"loc", "scale"},
    .init = independent_init,
    .forward = add_scale,
};

/* TorchRL's TanhModule: squashes an action into the environment's bounds. */
typedef struct TanhModule {
    rlc_module base;
    rlc_spec spec;
} TanhModule;

static void tanh_init(rlc_module *self, const rlc_build *build) {
    ((TanhModule *)self)->spec = *build->action;
}

static void tanh_forward(rlc_module *self, rlc_dict *td) {
    const TanhModule *m = (const TanhModule *)self;
    rlc_out(self, td, 0, rlc_spec_stretch(&m->spec, rlc_tanh(rlc_in(self, td, 0)), -1, 1));
}

const rlc_module_class rlc_tanh_module_class = {
    .base = RLC_CLASS("module", TanhModule, .doc = "squashes an action by tanh into the environment's bounds"),
    .in_keys = {"action"},
    .out_keys = {"action"},
    .init = tanh_init,
    .forward = tanh_forward,
};
