/* conv_net.c: TorchRL's networks for images: ConvNet, and DuelingCnnDQNet with streams for value and advantage behind one
 * (Wang et al., "Dueling Network Architectures for Deep Reinforcement Learning", ICML 2016). */
#include "modules/classes.h"
#include "modules/images.h"
#include "modules/layers.h"
#include "modules/model.h"

enum { MAX_CONVS = 32 };

/* Convolutions with an activation behind each, and the last three dimensions as one. */
typedef struct ConvNet {
    rlc_module base;                                     /* not used where it is a part of DuelingCnnDQNet */
    rlc_ints num_cells, kernel_sizes, strides, paddings; /* of all layers, or one number for each of them */
    int64_t in_features;
    int depth, activation;
    rlc_conv_layer layer[MAX_CONVS];
} ConvNet;

#define CONVS_OPTIONS(cells, kernels, steps)                                                                           \
    RLC_LONG(ConvNet, in_features, 0, 0, 1 << 24, "channels of the input; 0 takes them from what comes in"),           \
        RLC_INT(ConvNet, depth, 0, 0, MAX_CONVS, "number of layers; 0: as many as the lists have"),                    \
        RLC_SIZES(ConvNet, num_cells, cells, 1, 1 << 24, "channels of each layer, or one number for all"),             \
        RLC_SIZES(ConvNet, kernel_sizes, kernels, 1, 1 << 20, "rows and columns of the kernels"),                      \
        RLC_SIZES(ConvNet, strides, steps, 1, 1 << 20, "rows and columns from one window to the next"),                \
        RLC_SIZES(ConvNet, paddings, "0", 0, 1 << 20, "rows and columns of zeros around the images"),                  \
        RLC_ENUM(ConvNet, activation, "elu", RLC_ACTIVATION_NAMES, "behind every layer", .alias = "activation_class")

static int64_t entry(const rlc_ints *list, int i) {
    return list->values[list->count > 1 ? i : 0];
}

/* An option with a number for each layer. */
typedef struct per_layer {
    const char *name;
    const rlc_ints *numbers;
} per_layer;

/* Sets how many layers there are: as many as *depth says, or where that is 0, as the longest list has. false with an error where
 * a list has neither as many numbers nor one for all. */
static bool settle_depth(const char *what, const per_layer *lists, int count, int least, int most, int *depth) {
    int layers = *depth;
    for (int i = 0; i < count && *depth == 0; i++) {
        layers = lists[i].numbers->count > layers ? lists[i].numbers->count : layers;
    }
    if (layers < least || layers > most) {
        rlc_fail(RLC_INVALID, "%s: %d layers; %d to %d are possible", what, layers, least, most);
        return false;
    }
    for (int i = 0; i < count; i++) {
        const int numbers = lists[i].numbers->count;
        if (numbers != 1 && numbers != layers) {
            rlc_fail(RLC_INVALID, "%s: %s has %d numbers for %d layers; give as many, or one for all", what,
                     lists[i].name, numbers, layers);
            return false;
        }
    }
    *depth = layers;
    return true;
}

/* Declares the layers under the names that torch.nn.Sequential gives them: "0.weight", "2.weight", ... */
static void declare(ConvNet *c, rlc_module *self, const char *name, rlc_tensor *x) {
    const per_layer lists[] = {{"num_cells", &c->num_cells},
                               {"kernel_sizes", &c->kernel_sizes},
                               {"strides", &c->strides},
                               {"paddings", &c->paddings}};
    int64_t in = rlc_size(x, -3);
    if (!settle_depth(self->path, lists, RLC_COUNT(lists), 1, MAX_CONVS, &c->depth)) {
        return;
    }
    if (x != NULL && c->in_features != 0 && in != c->in_features) {
        rlc_fail(RLC_INVALID, "%s: in_features is %lld, but %s has %lld channels", self->path,
                 (long long)c->in_features, self->in_keys[0]->name, (long long)in);
    }
    for (int i = 0; i < c->depth && rlc_error_status() == RLC_OK; i++) {
        const int64_t kernel[2] = {entry(&c->kernel_sizes, i), entry(&c->kernel_sizes, i)};
        const int64_t stride = entry(&c->strides, i), padding = entry(&c->paddings, i);
        const rlc_conv how = {
            .stride = {stride, stride}, .padding = {padding, padding}, .activation = (rlc_activation)c->activation};
        char full[64];
        snprintf(full, sizeof full, "%s%s%d", name != NULL ? name : "", name != NULL ? "." : "", 2 * i);
        c->layer[i] = rlc_conv_layer_new(self, full, in, entry(&c->num_cells, i), kernel, &how, true, false);
        in = entry(&c->num_cells, i);
    }
}

static rlc_tensor *apply(const ConvNet *c, rlc_tensor *x) {
    for (int i = 0; i < c->depth && x != NULL; i++) {
        x = rlc_conv2d(x, c->layer[i].weight, c->layer[i].bias, c->layer[i].how);
    }
    return rlc_flatten(x, -3, -1);
}

static const rlc_option conv_net_options[] = {CONVS_OPTIONS("[32, 32, 32]", "3", "1"), {0}};

static void conv_net_init(rlc_module *self, const rlc_build *build) {
    declare((ConvNet *)self, self, NULL, rlc_images_input(self, build->example));
}

static void conv_net_forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, apply((const ConvNet *)self, rlc_images_input(self, td)));
}

const rlc_module_class rlc_conv_net_class = {
    .base = RLC_CLASS("module", ConvNet, .doc = "convolutions with an activation behind each, flattened",
                      .options = conv_net_options),
    .in_keys = {"pixels"},
    .init = conv_net_init,
    .forward = conv_net_forward,
};

/* What mlp_kwargs says of the layers of each stream. */
typedef struct stream_options {
    rlc_ints num_cells;
    int depth, activation;
} stream_options;

static const rlc_option stream_table[] = {
    RLC_SIZES(stream_options, num_cells, "512", 1, 1 << 24, "widths of the hidden layers, or one number for all"),
    RLC_INT(stream_options, depth, 0, 0, RLC_MAX_LAYERS - 1, "number of hidden layers; 0: as many as num_cells has"),
    RLC_ENUM(stream_options, activation, "elu", RLC_ACTIVATION_NAMES, "behind the hidden layers",
             .alias = "activation_class"),
    {0},
};

typedef struct DuelingCnnDQNet {
    rlc_module base;
    const rlc_value *cnn_kwargs, *mlp_kwargs;
    int64_t out_features;
    ConvNet features;
    stream_options stream;
    rlc_layers advantage, value;
} DuelingCnnDQNet;

static const rlc_option dueling_options[] = {
    RLC_LONG(DuelingCnnDQNet, out_features, RLC_REQUIRED, 1, 1 << 24, "number of actions"),
    RLC_VALUE(DuelingCnnDQNet, cnn_kwargs,
              "a map of ConvNet's options; unless given num_cells: [32, 64, 64], kernel_sizes: [8, 4, 3], "
              "strides: [4, 2, 1]"),
    RLC_VALUE(DuelingCnnDQNet, mlp_kwargs,
              "a map of num_cells (512), depth and activation (elu): the hidden layers of each stream"),
    {0},
};

static const rlc_option cnn_table[] = {CONVS_OPTIONS("[32, 64, 64]", "[8, 4, 3]", "[4, 2, 1]"), {0}};

/* Hidden layers as mlp_kwargs has them, then one of `last`. */
static rlc_layers stream(DuelingCnnDQNet *m, const char *name, int64_t in, int64_t last) {
    rlc_layers_options o = {.kind = RLC_LAYER_LINEAR};
    for (int i = 0; i < m->stream.depth; i++) {
        o.widths[o.count++] = entry(&m->stream.num_cells, i);
    }
    o.widths[o.count++] = last;
    return rlc_layers_new(&m->base, name, in, &o);
}

static void dueling_init(rlc_module *self, const rlc_build *build) {
    DuelingCnnDQNet *m = (DuelingCnnDQNet *)self;
    const per_layer cells = {"num_cells", &m->stream.num_cells};
    rlc_arena *arena = &self->model->arena;
    rlc_tensor *x = rlc_images_input(self, build->example);
    const char *cnn = rlc_arena_printf(arena, "%s: cnn_kwargs", self->path);
    const char *mlp = rlc_arena_printf(arena, "%s: mlp_kwargs", self->path);
    if (x == NULL || cnn == NULL || mlp == NULL ||
        rlc_options_apply(arena, cnn, m->cnn_kwargs, &m->features, cnn_table, NULL) != RLC_OK ||
        rlc_options_apply(arena, mlp, m->mlp_kwargs, &m->stream, stream_table, NULL) != RLC_OK ||
        !settle_depth(mlp, &cells, 1, 0, RLC_MAX_LAYERS - 1, &m->stream.depth)) {
        return;
    }
    declare(&m->features, self, "features", x);
    if (rlc_error_status() != RLC_OK) {
        return;
    }
    const int64_t shared = rlc_size(apply(&m->features, x), -1);
    m->advantage = stream(m, "advantage", shared, m->out_features);
    m->value = stream(m, "value", shared, 1);
    rlc_layers_zero_biases(self);
}

static void dueling_forward(rlc_module *self, rlc_dict *td) {
    const DuelingCnnDQNet *m = (const DuelingCnnDQNet *)self;
    const rlc_activation between = (rlc_activation)m->stream.activation;
    rlc_tensor *h = apply(&m->features, rlc_images_input(self, td));
    rlc_tensor *a = rlc_layers_apply(&m->advantage, h, between, RLC_IDENTITY);
    rlc_tensor *v = rlc_layers_apply(&m->value, h, between, RLC_IDENTITY);
    rlc_out(self, td, 0, rlc_add(v, rlc_sub(a, rlc_mean(a, -1, true))));
}

const rlc_module_class rlc_dueling_cnn_class = {
    .base = RLC_CLASS("module", DuelingCnnDQNet, .doc = "convolutions with streams for value and advantage behind them",
                      .options = dueling_options),
    .in_keys = {"pixels"},
    .out_keys = {"action_value"},
    .init = dueling_init,
    .forward = dueling_forward,
};
