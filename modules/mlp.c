/* mlp.c: Linear and MLP: layers with activations between them. */
#include <string.h>

#include "modules/classes.h"
#include "modules/layers.h"

typedef struct MLP {
    rlc_module base;
    int64_t in_features, out_features, num_atoms;
    rlc_ints num_cells;
    int depth, activation, init, layer;
    double gain, out_gain, std_init;
    bool activate_last_layer;
    rlc_layers layers;
} MLP;

enum { INIT_DEFAULT, INIT_ORTHOGONAL };

static const rlc_option mlp_options[] = {
    RLC_LONG(MLP, out_features, RLC_REQUIRED, 1, 1 << 24, "width of the last layer"),
    RLC_LONG(MLP, in_features, 0, 0, 1 << 24, "width of the input; 0 takes it from what comes in"),
    RLC_INTS(MLP, num_cells, NULL, 1, 1 << 24, "widths of the hidden layers, [120, 84]; [] for none"),
    RLC_INT(MLP, depth, -1, -1, RLC_MAX_LAYERS - 1,
            "number of hidden layers of width 32, where num_cells is not given"),
    RLC_ENUM(MLP, activation, "tanh", RLC_ACTIVATION_NAMES, "between the layers", .alias = "activation_class"),
    RLC_BOOL_OPTION(MLP, activate_last_layer, false, "apply the activation behind the last layer too"),
    RLC_ENUM(MLP, init, "default", "default|orthogonal", "default: as torch.nn.Linear; orthogonal: biases are 0"),
    RLC_FLOAT(MLP, gain, 1.4142135623730951, 0, 1e6, "of orthogonal hidden layers"),
    RLC_FLOAT(MLP, out_gain, 1, 0, 1e6, "of an orthogonal last layer"),
    RLC_LONG(MLP, num_atoms, 0, 0, 1 << 20,
             "the last layer gives so many numbers for each of out_features, [*, num_atoms, out_features]; 0 for one"),
    RLC_ENUM(MLP, layer, "linear", RLC_LAYER_NAMES, "noisy: all layers are as NoisyLinear"),
    RLC_FLOAT(MLP, std_init, 0.5, 0, 1e6, "of noisy layers"),
    {0},
};

/* The widths behind the input: num_cells, or depth times 32, or TorchRL's default of three layers; then the output. */
static int widths_of(const MLP *m, int64_t *widths) {
    const rlc_value *given = rlc_value_find(m->base.options, "num_cells");
    int hidden = m->num_cells.count;
    if (given == NULL || given->kind == RLC_NULL) {
        hidden = m->depth >= 0 ? m->depth : 3;
    }
    if (hidden >= RLC_MAX_LAYERS) {
        rlc_fail(RLC_INVALID, "%s: num_cells has %d layers; at most %d are possible", m->base.path, hidden,
                 RLC_MAX_LAYERS - 1);
        return 0;
    }
    for (int i = 0; i < hidden; i++) {
        widths[i] = m->num_cells.count > 0 ? m->num_cells.values[i] : 32;
    }
    widths[hidden] = m->out_features * (m->num_atoms > 0 ? m->num_atoms : 1);
    return hidden + 1;
}

static void mlp_init(rlc_module *self, const rlc_build *build) {
    MLP *m = (MLP *)self;
    rlc_layers_options o = {.kind = (rlc_layer_kind)m->layer,
                            .std_init = m->std_init,
                            .orthogonal = m->init == INIT_ORTHOGONAL,
                            .gain = m->gain,
                            .out_gain = m->out_gain};
    int64_t in = rlc_size(rlc_layers_input(self, build->example, m->in_features), -1);
    if (o.orthogonal && o.kind == RLC_LAYER_NOISY) {
        rlc_fail(RLC_INVALID, "%s: noisy layers have an initialisation of their own; leave out init", self->path);
        return;
    }
    o.count = widths_of(m, o.widths);
    m->layers = rlc_layers_new(self, NULL, in, &o);
}

static void mlp_forward(rlc_module *self, rlc_dict *td) {
    const MLP *m = (const MLP *)self;
    const rlc_activation between = (rlc_activation)m->activation;
    rlc_tensor *x = rlc_layers_input(self, td, 0);
    x = rlc_layers_apply(&m->layers, x, between, m->activate_last_layer ? between : RLC_IDENTITY);
    rlc_out(self, td, 0, m->num_atoms > 0 ? rlc_layers_atoms(x, m->num_atoms) : x);
}

const rlc_module_class rlc_mlp_class = {
    .base = RLC_CLASS("module", MLP, .doc = "fully connected layers", .options = mlp_options),
    .in_keys = {"observation"},
    .init = mlp_init,
    .forward = mlp_forward,
};

typedef struct Linear {
    rlc_module base;
    int64_t in_features, out_features;
    int activation;
    bool bias;
    rlc_linear layer;
} Linear;

static const rlc_option linear_options[] = {
    RLC_LONG(Linear, out_features, RLC_REQUIRED, 1, 1 << 24, "width of the output"),
    RLC_LONG(Linear, in_features, 0, 0, 1 << 24, "width of the input; 0 takes it from what comes in"),
    RLC_BOOL_OPTION(Linear, bias, true, "add a bias"),
    RLC_ENUM(Linear, activation, "identity", RLC_ACTIVATION_NAMES, "behind the layer"),
    {0},
};

/* The parameters stand right under the module's path, as torch.nn.Linear has them. */
static void linear_init(rlc_module *self, const rlc_build *build) {
    Linear *m = (Linear *)self;
    int64_t in = rlc_size(rlc_layers_input(self, build->example, m->in_features), -1);
    rlc_init init = {RLC_INIT_UNIFORM, in > 0 ? 1 / sqrt((double)in) : 0};
    m->layer.weight = rlc_parameter_new(self, "weight", RLC_SHAPE(m->out_features, in), init);
    m->layer.bias = m->bias ? rlc_parameter_new(self, "bias", RLC_SHAPE(m->out_features), init) : NULL;
}

static void linear_forward(rlc_module *self, rlc_dict *td) {
    const Linear *m = (const Linear *)self;
    rlc_out(self, td, 0, rlc_linear_apply(&m->layer, rlc_layers_input(self, td, 0), (rlc_activation)m->activation));
}

const rlc_module_class rlc_linear_class = {
    .base = RLC_CLASS("module", Linear, .doc = "one fully connected layer", .options = linear_options),
    .in_keys = {"observation"},
    .init = linear_init,
    .forward = linear_forward,
};
