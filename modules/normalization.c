/* normalization.c: LayerNorm, BatchNorm1d and BatchNorm2d, with torch.nn's options, parameters and buffers.
 *
 * What reaches a BatchNorm has the batch dimensions of its dict, one at least, and behind them the channels: [*batch, C] or
 * [*batch, C, L] for BatchNorm1d, [*batch, C, H, W] for BatchNorm2d. In training (rlc_set_training), which is within a loss,
 * it goes by the batch and its running statistics follow; collectors, evaluations and target networks go by those.
 */
#include "modules/normalization.h"

#include <stdlib.h>

#include "core/record.h"
#include "modules/classes.h"
#include "modules/model.h"

typedef struct LayerNorm {
    rlc_module base;
    rlc_ints normalized_shape;
    double eps;
    bool elementwise_affine, bias;
    int dims;
    rlc_tensor *weight, *shift;
} LayerNorm;

static const rlc_option layer_norm_options[] = {
    RLC_INTS(LayerNorm, normalized_shape, NULL, 1, 1 << 24,
             "sizes of the last dimensions, over which it goes; the last one alone if not given"),
    RLC_FLOAT(LayerNorm, eps, 1e-5, 0, 1, "added to the variance"),
    RLC_BOOL_OPTION(LayerNorm, elementwise_affine, true, "scale by a weight and add a bias, which are learned"),
    RLC_BOOL_OPTION(LayerNorm, bias, true, "have the bias"),
    {0},
};

static const rlc_init ones = {RLC_INIT_CONSTANT, 1}, zeros = {RLC_INIT_CONSTANT, 0};

static void layer_norm_init(rlc_module *self, const rlc_build *build) {
    LayerNorm *m = (LayerNorm *)self;
    const rlc_tensor *x = rlc_in(self, build->example, 0);
    rlc_shape shape = {.ndim = 1, .size = {rlc_size(x, -1)}};
    if (m->normalized_shape.count > RLC_MAX_DIMS) {
        rlc_fail(RLC_INVALID, "%s: normalized_shape has %d sizes; at most %d are possible", self->path,
                 m->normalized_shape.count, RLC_MAX_DIMS);
        return;
    }
    for (int i = 0; i < m->normalized_shape.count; i++) {
        shape.ndim = m->normalized_shape.count;
        shape.size[i] = m->normalized_shape.values[i];
    }
    bool fits = x != NULL && x->ndim >= shape.ndim;
    for (int i = 0; fits && i < shape.ndim; i++) {
        fits = x->shape[x->ndim - shape.ndim + i] == shape.size[i];
    }
    if (!fits && x != NULL) {
        char ts[RLC_SHAPE_TEXT], tx[RLC_SHAPE_TEXT];
        rlc_fail(RLC_INVALID, "%s: normalized_shape is %s, but %s is %s, which does not end so", self->path,
                 rlc_shape_text(shape, ts), self->in_keys[0]->name, rlc_shape_text(rlc_shape_of(x), tx));
        return;
    }
    m->dims = shape.ndim;
    m->weight = m->elementwise_affine ? rlc_parameter_new(self, "weight", shape, ones) : NULL;
    m->shift = m->elementwise_affine && m->bias ? rlc_parameter_new(self, "bias", shape, zeros) : NULL;
}

static void layer_norm_forward(rlc_module *self, rlc_dict *td) {
    const LayerNorm *m = (const LayerNorm *)self;
    rlc_tensor *x = rlc_cast(rlc_in(self, td, 0), RLC_F32);
    rlc_out(self, td, 0, rlc_layer_norm(x, m->dims, m->weight, m->shift, m->eps));
}

const rlc_module_class rlc_layer_norm_class = {
    .base = RLC_CLASS("module", LayerNorm, .doc = "each row to mean 0 and deviation 1", .options = layer_norm_options),
    .in_keys = {"observation"},
    .init = layer_norm_init,
    .forward = layer_norm_forward,
};

typedef struct BatchNorm {
    rlc_module base;
    int64_t num_features;
    double eps, momentum;
    bool affine, track_running_stats;
    int activation;
    rlc_tensor *weight, *bias, *running_mean, *running_var, *num_batches_tracked;
} BatchNorm;

static const rlc_option batch_norm_options[] = {
    RLC_LONG(BatchNorm, num_features, 0, 0, 1 << 24, "channels; 0 takes them from what comes in"),
    RLC_FLOAT(BatchNorm, eps, 1e-5, 0, 1, "added to the variance"),
    RLC_FLOAT(BatchNorm, momentum, 0.1, 0, 1, "how much of a batch the running statistics take in"),
    RLC_BOOL_OPTION(BatchNorm, affine, true, "scale by a weight and add a bias, which are learned"),
    RLC_BOOL_OPTION(BatchNorm, track_running_stats, true, "false: go by the batch always"),
    RLC_ENUM(BatchNorm, activation, "identity", RLC_ACTIVATION_NAMES, "behind the layer; a relu costs nothing"),
    {0},
};

/* How many dimensions of a dict's entries are the batch's. */
static int batch_dims(const rlc_dict *td) {
    return td->batch.ndim > 1 ? td->batch.ndim : 1;
}

/* x as [batch, channels, ...]: all dimensions before the channels are one. NULL with an error. */
static rlc_tensor *as_batch(const rlc_module *self, const rlc_dict *td, int least, int most) {
    rlc_tensor *x = rlc_cast(rlc_in(self, td, 0), RLC_F32);
    const int batch = batch_dims(td), rest = x != NULL ? x->ndim - batch : 0;
    if (x != NULL && (rest < least || rest > most)) {
        char tx[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        return rlc__op_fail(self->type->base.name, "%s is %s: behind the batch dimensions %s there must be %s",
                            self->in_keys[0]->name, rlc_shape_text(rlc_shape_of(x), tx), rlc_shape_text(td->batch, tb),
                            most == 2 ? "[channels] or [channels, length]" : "[channels, height, width]");
    }
    return x != NULL && batch > 1 ? rlc_flatten(x, 0, batch - 1) : x;
}

static bool fill_with_one(rlc_tensor *t) {
    float *values = t != NULL ? rlc_calloc((size_t)t->numel + 1, sizeof *values) : NULL;
    for (int64_t i = 0; values != NULL && i < t->numel; i++) {
        values[i] = 1;
    }
    bool good = values != NULL && rlc_tensor_write(t, values) == RLC_OK;
    free(values);
    return good;
}

static void batch_norm_init(rlc_module *self, const rlc_build *build, int least, int most) {
    BatchNorm *m = (BatchNorm *)self;
    const rlc_tensor *x = as_batch(self, build->example, least, most);
    const int64_t channels = rlc_size(x, 1);
    if (x == NULL) {
        return;
    }
    if (m->num_features != 0 && m->num_features != channels) {
        rlc_fail(RLC_INVALID, "%s: num_features is %lld, but %s has %lld channels", self->path,
                 (long long)m->num_features, self->in_keys[0]->name, (long long)channels);
        return;
    }
    if (m->affine) {
        m->weight = rlc_parameter_new(self, "weight", RLC_SHAPE(channels), ones);
        m->bias = rlc_parameter_new(self, "bias", RLC_SHAPE(channels), zeros);
    }
    if (m->track_running_stats) {
        m->running_mean = rlc_module_buffer(self, "running_mean", RLC_F32, RLC_SHAPE(channels));
        m->running_var = rlc_module_buffer(self, "running_var", RLC_F32, RLC_SHAPE(channels));
        m->num_batches_tracked = rlc_module_buffer(self, "num_batches_tracked", RLC_I64, (rlc_shape){0});
        fill_with_one(m->running_var);
    }
}

static void batch_norm_forward(rlc_module *self, rlc_dict *td, int least, int most) {
    const BatchNorm *m = (const BatchNorm *)self;
    const bool training = rlc_current()->training;
    rlc_tensor *x = as_batch(self, td, least, most), *shaped = rlc_in(self, td, 0);
    if (training && m->track_running_stats) {
        rlc_assign(m->num_batches_tracked, rlc_add_scalar(m->num_batches_tracked, 1));
    }
    rlc_tensor *y =
        rlc_batch_norm(x, m->running_mean, m->running_var, m->weight, m->bias, training || !m->track_running_stats,
                       m->momentum, m->eps, (rlc_activation)m->activation);
    rlc_out(self, td, 0, y != NULL ? rlc_reshape(y, rlc_shape_of(shaped)) : NULL);
}

#define BATCH_NORM(Class, object, text, least, most)                                                                   \
    static void object##_init(rlc_module *self, const rlc_build *build) {                                              \
        batch_norm_init(self, build, least, most);                                                                     \
    }                                                                                                                  \
    static void object##_forward(rlc_module *self, rlc_dict *td) {                                                     \
        batch_norm_forward(self, td, least, most);                                                                     \
    }                                                                                                                  \
    typedef BatchNorm Class;                                                                                           \
    const rlc_module_class rlc_##object##_class = {                                                                    \
        .base = RLC_CLASS("module", Class, .doc = text, .options = batch_norm_options),                                \
        .in_keys = {"observation"},                                                                                    \
        .init = object##_init,                                                                                         \
        .forward = object##_forward,                                                                                   \
    };
BATCH_NORM(BatchNorm1d, batch_norm1d, "each channel to mean 0 and deviation 1, of rows or sequences", 1, 2)
BATCH_NORM(BatchNorm2d, batch_norm2d, "each channel to mean 0 and deviation 1, of images", 3, 3)

bool rlc_batch_norm_map(const rlc_module *self, const rlc_dict *td, int ndim, rlc_tensor **factor, rlc_tensor **summand,
                        rlc_activation *activation) {
    const BatchNorm *m = (const BatchNorm *)self;
    if (self->type != &rlc_batch_norm2d_class || !m->track_running_stats || rlc_current()->training ||
        ndim != batch_dims(td) + 3) {
        return false;
    }
    rlc__batch_norm_map(m->running_mean, m->running_var, m->weight, m->bias, m->eps, factor, summand);
    *activation = (rlc_activation)m->activation;
    return true;
}
