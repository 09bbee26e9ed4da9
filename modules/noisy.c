/* noisy.c: layers whose noise is learned. */
#include <math.h>

#include "core/program.h"
#include "modules/classes.h"
#include "modules/layers.h"

static rlc_tensor *parameter(rlc_module *self, const char *layer, const char *name, rlc_shape shape, rlc_init init) {
    char full[96];
    snprintf(full, sizeof full, "%s%s%s", layer != NULL ? layer : "", layer != NULL ? "." : "", name);
    return rlc_parameter_new(self, full, shape, init);
}

rlc_layer rlc_layer_noisy(rlc_module *self, const char *name, int64_t in, int64_t out, double std_init) {
    const double root_in = in > 0 ? sqrt((double)in) : 1;
    const rlc_init mean = {RLC_INIT_UNIFORM, 1 / root_in};
    const rlc_init weight_sigma = {RLC_INIT_CONSTANT, std_init / root_in};
    const rlc_init bias_sigma = {RLC_INIT_CONSTANT, std_init / sqrt((double)out)};
    char stream[96];
    snprintf(stream, sizeof stream, "%s%snoise", name != NULL ? name : "", name != NULL ? "." : "");
    rlc_layer layer;
    layer.mean.weight = parameter(self, name, "weight_mu", RLC_SHAPE(out, in), mean);
    layer.sigma.weight = parameter(self, name, "weight_sigma", RLC_SHAPE(out, in), weight_sigma);
    layer.mean.bias = parameter(self, name, "bias_mu", RLC_SHAPE(out), mean);
    layer.sigma.bias = parameter(self, name, "bias_sigma", RLC_SHAPE(out), bias_sigma);
    layer.noise = rlc_module_stream(self, stream);
    return layer;
}

/* y = (mu + sigma * (f_out f_in^T)) x + ... = mu x + f_out * (sigma (f_in * x)) + ...: for a row or two, as policies
 * have, two products are cheaper than making the weights. */
static rlc_tensor *apply_to_few(const rlc_layer *layer, rlc_tensor *x, rlc_tensor *noise_in, rlc_tensor *noise_out) {
    rlc_tensor *mean = rlc_linear_apply(&layer->mean, x, RLC_IDENTITY);
    rlc_tensor *deviation = rlc_linear_apply(&layer->sigma, rlc_mul(x, noise_in), RLC_IDENTITY);
    return rlc_add(mean, rlc_mul(deviation, noise_out));
}

rlc_tensor *rlc_layer_apply_noise(const rlc_layer *layer, rlc_tensor *x, rlc_tensor *noise_in, rlc_tensor *noise_out,
                                  rlc_activation activation) {
    enum { FEW_ROWS = 4 };
    if (x != NULL && x->numel <= FEW_ROWS * rlc_size(x, -1)) {
        return rlc_activate(apply_to_few(layer, x, noise_in, noise_out), activation);
    }
    rlc_tensor *outer = rlc_mul(rlc_unsqueeze(noise_out, -1), noise_in);
    rlc_tensor *weight = rlc_add(layer->mean.weight, rlc_mul(layer->sigma.weight, outer));
    rlc_tensor *bias = rlc_add(layer->mean.bias, rlc_mul(layer->sigma.bias, noise_out));
    return rlc_affine(x, weight, bias, activation);
}

rlc_tensor *rlc_layer_apply(const rlc_layer *layer, rlc_tensor *x, rlc_activation activation) {
    const rlc_program *p = rlc_current();
    if (layer->noise == NULL || p == NULL || p->exploration != RLC_EXPLORE_RANDOM) {
        return rlc_linear_apply(&layer->mean, x, activation);
    }
    const int64_t in = rlc_size(layer->mean.weight, 1), out = rlc_size(layer->mean.weight, 0);
    rlc_tensor *normal = rlc_randn(layer->noise, RLC_SHAPE(in + out));
    rlc_tensor *noise = rlc_mul(rlc_sign(normal), rlc_sqrt(rlc_abs(normal)));
    return rlc_layer_apply_noise(layer, x, rlc_slice(noise, 0, 0, in), rlc_slice(noise, 0, in, out), activation);
}

typedef struct NoisyLinear {
    rlc_module base;
    int64_t in_features, out_features;
    double std_init;
    int activation;
    rlc_layer layer;
} NoisyLinear;

static const rlc_option options[] = {
    RLC_LONG(NoisyLinear, out_features, RLC_REQUIRED, 1, 1 << 24, "width of the output"),
    RLC_LONG(NoisyLinear, in_features, 0, 0, 1 << 24, "width of the input; 0 takes it from what comes in"),
    RLC_FLOAT(NoisyLinear, std_init, 0.5, 0, 1e6, "initial deviation, times the root of the width"),
    RLC_ENUM(NoisyLinear, activation, "identity", RLC_ACTIVATION_NAMES, "behind the layer"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    NoisyLinear *m = (NoisyLinear *)self;
    int64_t in = rlc_size(rlc_layers_input(self, build->example, m->in_features), -1);
    m->layer = rlc_layer_noisy(self, NULL, in, m->out_features, m->std_init);
}

static void forward(rlc_module *self, rlc_dict *td) {
    const NoisyLinear *m = (const NoisyLinear *)self;
    rlc_tensor *x = rlc_layers_input(self, td, 0);
    rlc_out(self, td, 0, rlc_layer_apply(&m->layer, x, (rlc_activation)m->activation));
}

const rlc_module_class rlc_noisy_linear_class = {
    .base = RLC_CLASS("module", NoisyLinear, .doc = "a fully connected layer with noise that it learns",
                      .options = options),
    .in_keys = {"observation"},
    .init = init,
    .forward = forward,
};
