/* activations.c: element-wise functions as modules, under the names that torch.nn has for them, to stand in a Sequential.
 *
 *     net: {type: Sequential, in_keys: [observation], out_keys: [action_value],
 *           modules: [{type: Linear, out_features: 64}, {type: LayerNorm}, {type: SiLU}, {type: Linear, out_features: 2}]}
 */
#include "modules/classes.h"

typedef struct activation {
    rlc_module base;
    double negative_slope, alpha;
    int dim;
} activation;

static const rlc_option leaky_relu_options[] = {
    RLC_FLOAT(activation, negative_slope, 0.01, -1e6, 1e6, "factor of what is below 0"),
    {0},
};

static const rlc_option elu_options[] = {
    RLC_FLOAT(activation, alpha, 1, -1e6, 1e6, "factor of e^x - 1, below 0"),
    {0},
};

static const rlc_option softmax_options[] = {
    RLC_INT(activation, dim, -1, -RLC_MAX_DIMS, RLC_MAX_DIMS - 1, "the dimension whose elements add up to 1"),
    {0},
};

#define NONE NULL

/* X(class, name of the object, text, options, the function of x, with m the module) */
#define ACTIVATIONS(X)                                                                                                 \
    X(ReLU, relu, "max(x, 0)", NONE, rlc_relu(x))                                                                      \
    X(LeakyReLU, leaky_relu, "x, or a little of it below 0", leaky_relu_options, rlc_leaky_relu(x, m->negative_slope)) \
    X(ELU, elu, "x, or alpha (e^x - 1) below 0", elu_options, rlc_elu(x, m->alpha))                                    \
    X(GELU, gelu, "x times the normal distribution's share below x", NONE, rlc_gelu(x))                                \
    X(SiLU, silu, "x sigmoid(x)", NONE, rlc_silu(x))                                                                   \
    X(Tanh, tanh, "hyperbolic tangent", NONE, rlc_tanh(x))                                                             \
    X(Sigmoid, sigmoid, "1 / (1 + e^-x)", NONE, rlc_sigmoid(x))                                                        \
    X(Softplus, softplus, "log(1 + e^x)", NONE, rlc_softplus(x))                                                       \
    X(Softmax, softmax, "e^x as shares of their sum", softmax_options, rlc_softmax(x, m->dim))                         \
    X(LogSoftmax, log_softmax, "the logarithm of Softmax", softmax_options, rlc_log_softmax(x, m->dim))                \
    X(Identity, identity, "x as it is", NONE, x)

#define DEFINE(Class, object, text, table, function)                                                                   \
    static void object##_forward(rlc_module *self, rlc_dict *td) {                                                     \
        const activation *m = (const activation *)self;                                                                \
        rlc_tensor *x = rlc_in(self, td, 0);                                                                           \
        (void)m;                                                                                                       \
        rlc_out(self, td, 0, function);                                                                                \
    }                                                                                                                  \
    typedef activation Class;                                                                                          \
    const rlc_module_class rlc_##object##_class = {                                                                    \
        .base = RLC_CLASS("module", Class, .doc = text, .options = table),                                             \
        .in_keys = {"observation"},                                                                                    \
        .forward = object##_forward,                                                                                   \
    };
ACTIVATIONS(DEFINE)
