/* linear.c: matrix-product nodes: plain products, layers with bias and activation, and the activations' derivatives. */
#include "core/matrix.h"
#include "core/math.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"

#include <math.h>

/* y <- f(y) */
#define EPILOGUE(name, T, value)                                                                                       \
    static void name(T *y, int64_t n) {                                                                                \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            const T x = y[i];                                                                                          \
            y[i] = value;                                                                                              \
        }                                                                                                              \
    }

/* out <- g f'(z), from the activation's value y */
#define ACTIVATION_GRAD(name, T, derivative)                                                                           \
    static void name(T *out, const T *gs, const T *ys, int64_t n) {                                                    \
        RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                              \
            const T g = gs[i], y = ys[i];                                                                              \
            (void)y;                                                                                                   \
            out[i] = derivative;                                                                                       \
        }                                                                                                              \
    }

/* The activations a layer can have, in the order of rlc_activation. */
#define ACTIVATIONS(T, TYPED, TANH, SIGMOID, EXPM1)                                                                    \
    EPILOGUE(TYPED(identity), T, x)                                                                                    \
    EPILOGUE(TYPED(relu), T, x <= 0 ? 0 : x)                                                                           \
    EPILOGUE(TYPED(tanh), T, TANH(x))                                                                                  \
    EPILOGUE(TYPED(sigmoid), T, SIGMOID(x))                                                                            \
    EPILOGUE(TYPED(elu), T, x > 0 ? x : EXPM1(x))                                                                      \
    static void (*const TYPED(epilogue)[])(T *, int64_t) = {TYPED(identity), TYPED(relu), TYPED(tanh), TYPED(sigmoid), \
                                                            TYPED(elu)};                                               \
    ACTIVATION_GRAD(TYPED(identity_grad), T, g)                                                                        \
    ACTIVATION_GRAD(TYPED(relu_grad), T, y > 0 ? g : 0)                                                                \
    ACTIVATION_GRAD(TYPED(tanh_grad), T, g *(1 - y * y))                                                               \
    ACTIVATION_GRAD(TYPED(sigmoid_grad), T, g *y *(1 - y))                                                             \
    ACTIVATION_GRAD(TYPED(elu_grad), T, y > 0 ? g : g * (y + 1))                                                       \
    static void (*const TYPED(derivative)[])(T *, const T *, const T *, int64_t) = {                                   \
        TYPED(identity_grad), TYPED(relu_grad), TYPED(tanh_grad), TYPED(sigmoid_grad), TYPED(elu_grad)};               \
    static void TYPED(activation_grad)(const rlc_node *node) {                                                         \
        TYPED(derivative)[node->p[0].i](node->out->data, node->in[0]->data, node->in[1]->data, node->out->numel);      \
    }

#define F32(name) name##_f32
ACTIVATIONS(float, F32, rlc_tanhf, rlc_sigmoidf, rlc_expm1f)

/* Where oneDNN's blocking for the outer caches beats ours, and its one allocation a call does not matter. */
#define LARGE_PRODUCT (1 << 28)

static bool is_large(const rlc_sgemm_call *g) {
    return g->m * g->n * g->k >= LARGE_PRODUCT;
}

static void product(const rlc_sgemm_call *g) {
    if (!is_large(g) || !rlc__onednn_sgemm(g)) {
        ISA(sgemm)(g);
    }
}

/* x is [rows, inner], the weight [columns, inner]. Bias and relu are part of the product. */
static void linear_f32(const rlc_node *node) {
    const rlc_tensor *weight = node->in[1], *bias = node->in[2];
    const rlc_activation activation = (rlc_activation)node->p[0].i;
    rlc_sgemm_call g = {.n = weight->shape[0],
                        .k = weight->shape[1],
                        .a = node->in[0]->data,
                        .b = weight->data,
                        .c = node->out->data,
                        .bias = bias != NULL ? bias->data : NULL,
                        .tb = true,
                        .relu = activation == RLC_RELU};
    g.m = g.n != 0 ? node->out->numel / g.n : 0;
    product(&g);
    if (activation != RLC_IDENTITY && activation != RLC_RELU) {
        epilogue_f32[activation](node->out->data, node->out->numel);
    }
}

static void gemm_f32(const rlc_node *node) {
    const rlc_gemm_aux *aux = node->aux;
    rlc_sgemm_call g = {.m = aux->m,
                        .n = aux->n,
                        .k = aux->k,
                        .a = node->in[0]->data,
                        .b = node->in[1]->data,
                        .c = node->out->data,
                        .ta = aux->ta,
                        .tb = aux->tb,
                        .accumulate = aux->accumulate};
    const float *y = node->in[2] != NULL ? node->in[2]->data : NULL;
    const bool gated =
        y != NULL && node->p[0].i == RLC_RELU && aux->batch == 1 && !g.ta && !g.tb && g.k > 0 && !is_large(&g);
    g.gate = gated ? y : NULL;
    for (int64_t i = 0; i < aux->batch; i++, g.a += aux->step_a, g.b += aux->step_b, g.c += g.m * g.n) {
        product(&g);
    }
    if (y != NULL && !gated) {
        derivative_f32[node->p[0].i](node->out->data, node->out->data, y, node->out->numel);
    }
}

#ifdef RLC_BASE
/* Double precision is for gradient tests: three plain loops. */
static void dgemm(const rlc_gemm_aux *g, const double *a, const double *b, const double *bias, double *c) {
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            double sum = g->accumulate ? c[i * g->n + j] : 0;
            for (int64_t l = 0; l < g->k; l++) {
                sum += (g->ta ? a[l * g->m + i] : a[i * g->k + l]) * (g->tb ? b[j * g->k + l] : b[l * g->n + j]);
            }
            c[i * g->n + j] = sum + (bias != NULL ? bias[j] : 0);
        }
    }
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

#define F64(name) name##_f64
ACTIVATIONS(double, F64, tanh, sigmoid, expm1)

static void linear_f64(const rlc_node *node) {
    const rlc_tensor *weight = node->in[1], *bias = node->in[2];
    rlc_gemm_aux g = {.n = weight->shape[0], .k = weight->shape[1], .tb = true};
    g.m = g.n != 0 ? node->out->numel / g.n : 0;
    dgemm(&g, node->in[0]->data, weight->data, bias != NULL ? bias->data : NULL, node->out->data);
    epilogue_f64[node->p[0].i](node->out->data, node->out->numel);
}

static void gemm_f64(const rlc_node *node) {
    const rlc_gemm_aux *g = node->aux;
    const double *a = node->in[0]->data, *b = node->in[1]->data;
    double *c = node->out->data;
    for (int64_t i = 0; i < g->batch; i++, a += g->step_a, b += g->step_b, c += g->m * g->n) {
        dgemm(g, a, b, NULL, c);
    }
    if (node->in[2] != NULL) {
        derivative_f64[node->p[0].i](node->out->data, node->out->data, node->in[2]->data, node->out->numel);
    }
}
#endif

void ISA(kernels_linear)(rlc_device *device) {
    device->kernel[RLC_OP_linear][RLC_F32] = linear_f32;
    device->kernel[RLC_OP_gemm][RLC_F32] = gemm_f32;
    device->kernel[RLC_OP_activation_grad][RLC_F32] = activation_grad_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_linear][RLC_F64] = linear_f64;
    device->kernel[RLC_OP_gemm][RLC_F64] = gemm_f64;
    device->kernel[RLC_OP_activation_grad][RLC_F64] = activation_grad_f64;
#endif
}
