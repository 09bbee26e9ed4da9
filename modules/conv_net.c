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

/* How many layers there are: what `depth` says or the longest list has. 0 with an error where lists do not fit. */
static int depth_of(const ConvNet *c, const rlc_module *self) {
    const rlc_ints *lists[] = {&c->num_cells, &c->kernel_sizes, &c->strides, &c->paddings};
    static const char *const names[] = {"num_cells", "kernel_sizes", "strides", "paddings"};
    int depth = c->depth;
    for (int i = 0; i < RLC_COUNT(lists); i++) {
        depth = c->depth == 0 && lists[i]->count > depth ? lists[i]->count : depth;
    }
    for (int i = 0; i < RLC_COUNT(lists); i++) {
        if (lists[i]->count != 1 && lists[i]->count != depth) {
            rlc_fail(RLC_INVALID, "%s: %s has %d numbers for %d layers; give as many, or one for all", self->path,
                     names[i], lists[i]->count, depth);
            return 0;
        }
    }
    if (depth < 1 || depth > MAX_CONVS) {
        rlc_fail(RLC_INVALID, "%s: %d layers; 1 to %d are possible", self->path, depth, (int)MAX_CONVS);
        return 0;
    }
    return depth;
}

/* Declares the layers under the names that torch.nn.Sequential gives them: "0.weight", "2.weight", ... */
static void declare(ConvNet *c, rlc_module *self, const char *name, rlc_tensor *x) {
    int64_t in = rlc_size(x, -3);
    c->depth = depth_of(c, self);
    if (x != NULL && c->in_features != 0 && in != c->in_features) {
        rlc_fail(RLC_INVALID, "%s: in_features is %lld, but %s has %lld channels", self->path,
                 (long long)c->in_features, self->in_keys[0]->name, (long long)in);
    }
    for (int i = 0; i < c->depth && rlc_error_status() == RLC_OK; i++) {
        const int64_t kernel[2] = {entry(&c->kernel_sizes, i), entry(&c->kernel_sizes, i)};
        const int64_t stride = entry(&c->strides, i), padding = entry(&c->paddings, i);
        const rlc_conv how = {.stride = {stride, stride}, .padding = {padding, padding}};
        char full[64];
        snprintf(full, sizeof full, "%s%s%d", name != NULL ? name : "", name != NULL ? "." : "", 2 * i);
        c->layer[i] = rlc_conv_layer_new(self, full, in, entry(&c->num_cells, i), kernel, &how, true, false);
        in = entry(&c->num_cells, i);
    }
}

static rlc_tensor *apply(const ConvNet *c, rlc_tensor *x) {
    for (int i = 0; i < c->depth && x != NULL; i++) {
        x = rlc_activate(rlc_conv2d(x, c->layer[i].weight, c->layer[i].bias, c->layer[i].how),
                         (rlc_activation)c->activation);
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
    const stream_options *given = &m->stream;
    const int depth = given->depth != 0 ? given->depth : given->num_cells.count;
    rlc_layers_options o = {.kind = RLC_LAYER_LINEAR};
    if (depth >= RLC_MAX_LAYERS || (given->num_cells.count != 1 && given->num_cells.count != depth)) {
        rlc_fail(RLC_INVALID, "%s: mlp_kwargs: num_cells has %d numbers for %d layers; give as many, or one for all",
                 m->base.path, given->num_cells.count, depth);
        return (rlc_layers){0};
    }
    for (int i = 0; i < depth; i++) {
        o.widths[o.count++] = entry(&given->num_cells, i);
    }
    o.widths[o.count++] = last;
    return rlc_layers_new(&m->base, name, in, &o);
}

static void dueling_init(rlc_module *self, const rlc_build *build) {
    DuelingCnnDQNet *m = (DuelingCnnDQNet *)self;
    rlc_arena *arena = &self->model->arena;
    rlc_tensor *x = rlc_images_input(self, build->example);
    const char *cnn = rlc_arena_printf(arena, "%s: cnn_kwargs", self->path);
    const char *mlp = rlc_arena_printf(arena, "%s: mlp_kwargs", self->path);
    if (x == NULL || cnn == NULL || mlp == NULL ||
        rlc_options_apply(arena, cnn, m->cnn_kwargs, &m->features, cnn_table, NULL) != RLC_OK ||
        rlc_options_apply(arena, mlp, m->mlp_kwargs, &m->stream, stream_table, NULL) != RLC_OK) {
        return;
    }
    declare(&m->features, self, "features", x);
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
