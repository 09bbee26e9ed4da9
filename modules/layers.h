/* layers.h: fully connected layers one after the other, with activations between them: what MLP and DuelingMLP are made
 * of.
 *
 *     m->features = rlc_layers_new(self, "features", in, &(rlc_layers_options){.widths = {64, 64}, .count = 2});
 *     rlc_tensor *y = rlc_layers_apply(&m->features, x, RLC_RELU, RLC_IDENTITY);
 *
 * Parameters get the names that torch.nn.Sequential gives them, which counts activations too: "features.0.weight",
 * "features.2.bias"; without a name "0.weight".
 *
 * A noisy layer (Fortunato et al., "Noisy Networks for Exploration", ICLR 2018) has a mean and a deviation of each
 * weight and bias, weight_mu and weight_sigma as TorchRL's NoisyLinear calls them. Under random exploration, which
 * collectors and losses have, each call draws its own noise, as the paper has it: two vectors f(e) with f(x) = sign(x)
 * sqrt|x|, one for the inputs and one for the outputs, whose outer product the deviations are multiplied with. Rows of
 * a batch share it. Under any other exploration a layer is its means. TorchRL draws only when reset_noise() is called.
 */
#ifndef RLC_LAYERS_H
#define RLC_LAYERS_H

#include "modules/module.h"

RLC_BEGIN

enum { RLC_MAX_LAYERS = 64 };

typedef enum rlc_layer_kind { RLC_LAYER_LINEAR, RLC_LAYER_NOISY } rlc_layer_kind;
#define RLC_LAYER_NAMES "linear|noisy"

/* A layer of either kind; sigma and the stream are those of a noisy one. */
typedef struct rlc_layer {
    rlc_linear mean, sigma;
    rlc_stream *noise;
} rlc_layer;

/* For init: a noisy layer with deviations of std_init / sqrt(in) for weights and std_init / sqrt(out) for biases. With
 * a name of NULL the parameters stand right under the module's path. */
rlc_layer rlc_layer_noisy(rlc_module *self, const char *name, int64_t in, int64_t out, double std_init);

rlc_tensor *rlc_layer_apply(const rlc_layer *layer, rlc_tensor *x, rlc_activation activation);

/* A noisy layer under the noise given, [in] and [out]. */
rlc_tensor *rlc_layer_apply_noise(const rlc_layer *layer, rlc_tensor *x, rlc_tensor *noise_in, rlc_tensor *noise_out,
                                  rlc_activation activation);

typedef struct rlc_layers_options {
    int64_t widths[RLC_MAX_LAYERS]; /* of all layers, the last one's last */
    int count;
    rlc_layer_kind kind;
    double std_init;       /* of noisy layers */
    bool orthogonal;       /* initial weights, with biases of 0 */
    double gain, out_gain; /* of orthogonal layers, and of the last one */
} rlc_layers_options;

typedef struct rlc_layers {
    const rlc_layer *layer;
    int count;
} rlc_layers;

/* For init: declares the parameters. */
rlc_layers rlc_layers_new(rlc_module *self, const char *name, int64_t in, const rlc_layers_options *options);

/* For init: the module's own biases begin at 0, all parameters of one dimension that it has declared so far. */
void rlc_layers_zero_biases(rlc_module *self);

/* Applies all of them, `between` behind each but the last and `behind` behind that one. */
rlc_tensor *rlc_layers_apply(const rlc_layers *layers, rlc_tensor *x, rlc_activation between, rlc_activation behind);

/* The inputs of a module joined along their last dimension, as float32; NULL with an error. With `in_features` not 0
 * the result must be so wide. */
rlc_tensor *rlc_layers_input(const rlc_module *self, const rlc_dict *td, int64_t in_features);

/* The last dimension split in two: [*, num_atoms * n] becomes [*, num_atoms, n]. */
rlc_tensor *rlc_layers_atoms(rlc_tensor *x, int64_t num_atoms);

RLC_END

#endif
