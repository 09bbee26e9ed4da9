/* dueling.c: Q = V + A - mean A.
 *
 * Wang et al., "Dueling Network Architectures for Deep Reinforcement Learning", ICML 2016: shared layers, then a stream
 * for the value of the state and one for the advantage of each action. TorchRL's DuelingMlpDQNet, whose layers are
 * called features, advantage and value too and whose biases begin at 0.
 */
#include "modules/classes.h"
#include "modules/layers.h"
#include "modules/model.h"

typedef struct DuelingMLP {
    rlc_module base;
    int64_t in_features, out_features, num_atoms;
    rlc_ints num_cells, stream_cells;
    int activation, layer;
    double std_init;
    rlc_layers features, advantage, value;
} DuelingMLP;

static const rlc_option options[] = {
    RLC_LONG(DuelingMLP, out_features, RLC_REQUIRED, 1, 1 << 24, "number of actions"),
    RLC_LONG(DuelingMLP, in_features, 0, 0, 1 << 24, "width of the input; 0 takes it from what comes in"),
    RLC_INTS(DuelingMLP, num_cells, "[256, 256, 256]", 1, 1 << 24, "widths of the layers that both streams share"),
    RLC_INTS(DuelingMLP, stream_cells, "[512]", 1, 1 << 24, "widths of the hidden layers of each stream; [] for none"),
    RLC_LONG(DuelingMLP, num_atoms, 0, 0, 1 << 20,
             "so many numbers for each action, [*, num_atoms, out_features]; 0 for one, [*, out_features]"),
    RLC_ENUM(DuelingMLP, activation, "relu", RLC_ACTIVATION_NAMES, "behind every layer but the last of a stream",
             .alias = "activation_class"),
    RLC_ENUM(DuelingMLP, layer, "linear", RLC_LAYER_NAMES, "noisy: all layers are as NoisyLinear"),
    RLC_FLOAT(DuelingMLP, std_init, 0.5, 0, 1e6, "of noisy layers"),
    {0},
};

static int64_t atoms_of(const DuelingMLP *m) {
    return m->num_atoms > 0 ? m->num_atoms : 1;
}

/* Layers of these widths, and one of `last` behind them unless that is 0. */
static rlc_layers layers(DuelingMLP *m, const char *name, int64_t in, const rlc_ints *cells, int64_t last) {
    rlc_layers_options o = {.kind = (rlc_layer_kind)m->layer, .std_init = m->std_init};
    if (cells->count > RLC_MAX_LAYERS - 1) {
        rlc_fail(RLC_INVALID, "%s: %d layers; at most %d are possible", m->base.path, cells->count, RLC_MAX_LAYERS - 1);
        return (rlc_layers){0};
    }
    for (int i = 0; i < cells->count; i++) {
        o.widths[o.count++] = cells->values[i];
    }
    if (last > 0) {
        o.widths[o.count++] = last;
    }
    return rlc_layers_new(&m->base, name, in, &o);
}

static void init(rlc_module *self, const rlc_build *build) {
    DuelingMLP *m = (DuelingMLP *)self;
    int64_t in = rlc_size(rlc_layers_input(self, build->example, m->in_features), -1);
    int64_t shared = m->num_cells.count > 0 ? m->num_cells.values[m->num_cells.count - 1] : in;
    m->features = layers(m, "features", in, &m->num_cells, 0);
    m->advantage = layers(m, "advantage", shared, &m->stream_cells, atoms_of(m) * m->out_features);
    m->value = layers(m, "value", shared, &m->stream_cells, atoms_of(m));
    if (m->layer == RLC_LAYER_LINEAR) {
        rlc_layers_zero_biases(self);
    }
}

static void forward(rlc_module *self, rlc_dict *td) {
    const DuelingMLP *m = (const DuelingMLP *)self;
    const rlc_activation activation = (rlc_activation)m->activation;
    rlc_tensor *h = rlc_layers_apply(&m->features, rlc_layers_input(self, td, 0), activation, activation);
    rlc_tensor *a = rlc_layers_apply(&m->advantage, h, activation, RLC_IDENTITY);
    rlc_tensor *v = rlc_layers_apply(&m->value, h, activation, RLC_IDENTITY);
    if (m->num_atoms > 0) {
        a = rlc_layers_atoms(a, m->num_atoms);
        v = rlc_layers_atoms(v, m->num_atoms);
    }
    rlc_out(self, td, 0, rlc_add(v, rlc_sub(a, rlc_mean(a, -1, true))));
}

const rlc_module_class rlc_dueling_mlp_class = {
    .base = RLC_CLASS("module", DuelingMLP, .doc = "fully connected layers with streams for value and advantage",
                      .options = options),
    .in_keys = {"observation"},
    .out_keys = {"action_value"},
    .init = init,
    .forward = forward,
};
