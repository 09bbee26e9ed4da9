/* update.c: kernels that change parameters in place: optimisers, clipping, Polyak averaging. */
#include <math.h>

#include "core/update.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"
#include "kernels/cpu/vec.h"

/* Of an optimiser: numbers are prepared in double and applied in T, as torch.optim does. What a step may do without is
 * an argument of the loop, so that each way has a loop of its own without branches. */

#define ADAM(name, T, SQRT)                                                                                            \
    ALWAYS_INLINE void name##_loop(const rlc_node *node, const bool amsgrad) {                                         \
        const rlc_adam *adam = node->aux;                                                                              \
        const double *power = node->more[0]->data; /* t, beta1^t, beta2^t */                                           \
        const double lr = *(const float *)node->more[1]->data;                                                         \
        T *param = node->out->data, *m = node->in[1]->data, *v = node->in[2]->data;                                    \
        T *largest = amsgrad ? node->more[2]->data : NULL;                                                             \
        const T *grad = node->in[0]->data;                                                                             \
        const T keep2 = (T)adam->beta2, take1 = (T)(1 - adam->beta1), take2 = (T)(1 - adam->beta2);                    \
        const T step = (T)(lr / (1 - power[1])), unbias = (T)(1 / sqrt(1 - power[2])), eps = (T)adam->eps;             \
        const T decay = (T)adam->weight_decay, keep = (T)(1 - lr * adam->decoupled_weight_decay);                      \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            const T g = grad[i] + decay * param[i];                                                                    \
            const T mi = m[i] + take1 * (g - m[i]);                                                                    \
            T vi = keep2 * v[i] + take2 * g * g;                                                                       \
            m[i] = mi;                                                                                                 \
            v[i] = vi;                                                                                                 \
            if (amsgrad) {                                                                                             \
                vi = largest[i] > vi ? largest[i] : vi;                                                                \
                largest[i] = vi;                                                                                       \
            }                                                                                                          \
            param[i] = keep * param[i] - step * mi / (SQRT(vi) * unbias + eps);                                        \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        if (node->num_more == 3) {                                                                                     \
            name##_loop(node, true);                                                                                   \
        } else {                                                                                                       \
            name##_loop(node, false);                                                                                  \
        }                                                                                                              \
    }

#define SGD(name, T)                                                                                                   \
    ALWAYS_INLINE void name##_loop(const rlc_node *node, const bool momentum, const bool nesterov) {                   \
        const rlc_sgd *sgd = node->aux;                                                                                \
        T *param = node->out->data, *buffer = momentum ? node->in[2]->data : NULL;                                     \
        const T *grad = node->in[0]->data, lr = (T) * (const float *)node->in[1]->data;                                \
        const T keep = (T)sgd->momentum, take = (T)(sgd->first ? 1 : 1 - sgd->dampening);                              \
        const T decay = (T)sgd->weight_decay;                                                                          \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            const T g = grad[i] + decay * param[i];                                                                    \
            T direction = g;                                                                                           \
            if (momentum) {                                                                                            \
                const T b = keep * buffer[i] + take * g;                                                               \
                buffer[i] = b;                                                                                         \
                direction = nesterov ? g + keep * b : b;                                                               \
            }                                                                                                          \
            param[i] -= lr * direction;                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        if (node->in[2] == NULL) {                                                                                     \
            name##_loop(node, false, false);                                                                           \
        } else if (((const rlc_sgd *)node->aux)->nesterov) {                                                           \
            name##_loop(node, true, true);                                                                             \
        } else {                                                                                                       \
            name##_loop(node, true, false);                                                                            \
        }                                                                                                              \
    }

#define RMSPROP(name, T, SQRT)                                                                                         \
    ALWAYS_INLINE void name##_loop(const rlc_node *node, const bool centered, const bool momentum) {                   \
        const rlc_rmsprop *rmsprop = node->aux;                                                                        \
        T *param = node->out->data, *square = node->in[1]->data, *mean = centered ? node->more[0]->data : NULL;        \
        T *buffer = momentum ? node->more[node->num_more - 1]->data : NULL;                                            \
        const T *grad = node->in[0]->data, lr = (T) * (const float *)node->in[2]->data;                                \
        const T keep = (T)rmsprop->alpha, take = (T)(1 - rmsprop->alpha), eps = (T)rmsprop->eps;                       \
        const T decay = (T)rmsprop->weight_decay, friction = (T)rmsprop->momentum;                                     \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            const T g = grad[i] + decay * param[i], s = keep * square[i] + take * g * g;                               \
            T variance = s;                                                                                            \
            square[i] = s;                                                                                             \
            if (centered) {                                                                                            \
                const T average = mean[i] + take * (g - mean[i]);                                                      \
                mean[i] = average;                                                                                     \
                variance = s - average * average;                                                                      \
            }                                                                                                          \
            T direction = g / (SQRT(variance) + eps);                                                                  \
            if (momentum) {                                                                                            \
                direction += friction * buffer[i];                                                                     \
                buffer[i] = direction;                                                                                 \
            }                                                                                                          \
            param[i] -= lr * direction;                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        const bool momentum = ((const rlc_rmsprop *)node->aux)->momentum > 0;                                          \
        const bool centered = node->num_more > (momentum ? 1 : 0);                                                     \
        if (centered && momentum) {                                                                                    \
            name##_loop(node, true, true);                                                                             \
        } else if (centered) {                                                                                         \
            name##_loop(node, true, false);                                                                            \
        } else if (momentum) {                                                                                         \
            name##_loop(node, false, true);                                                                            \
        } else {                                                                                                       \
            name##_loop(node, false, false);                                                                           \
        }                                                                                                              \
    }

#define LERP(name, T)                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        T *target = node->out->data;                                                                                   \
        const T *online = node->in[0]->data, tau = (T)node->p[0].f, rest = (T)(1 - node->p[0].f);                      \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            target[i] = rest * target[i] + tau * online[i];                                                            \
        }                                                                                                              \
    }

#define CLIP_NORM(name, T)                                                                                             \
    TREE_SUM(name##_squares, T, v *v)                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        double total = 0;                                                                                              \
        for (int k = 0; k < node->num_more; k++) {                                                                     \
            total += (double)name##_squares(node->more[k]->data, node->more[k]->numel);                                \
        }                                                                                                              \
        const double norm = sqrt(total), factor = node->p[0].f / (norm + 1e-6);                                        \
        *(T *)node->out->data = (T)norm;                                                                               \
        for (int k = 0; k < node->num_more && !(factor >= 1); k++) {                                                   \
            T *grad = node->more[k]->data;                                                                             \
            for (int64_t i = 0; i < node->more[k]->numel; i++) {                                                       \
                grad[i] *= (T)factor;                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }

/* A NaN stays one. */
#define CLIP_VALUE(name, T)                                                                                            \
    static void name(const rlc_node *node) {                                                                           \
        T *grad = node->out->data;                                                                                     \
        const T most = (T)node->p[0].f;                                                                                \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            const T g = grad[i] < -most ? -most : grad[i];                                                             \
            grad[i] = g > most ? most : g;                                                                             \
        }                                                                                                              \
    }

ADAM(adam_f32, float, sqrtf)
SGD(sgd_f32, float)
RMSPROP(rmsprop_f32, float, sqrtf)
LERP(lerp_f32, float)
CLIP_NORM(clip_norm_f32, float)
CLIP_VALUE(clip_value_f32, float)

#ifdef RLC_BASE
ADAM(adam_f64, double, sqrt)
SGD(sgd_f64, double)
RMSPROP(rmsprop_f64, double, sqrt)
LERP(lerp_f64, double)
CLIP_NORM(clip_norm_f64, double)
CLIP_VALUE(clip_value_f64, double)

static void adam_tick(const rlc_node *node) {
    double *power = node->out->data;
    for (int64_t i = 0; i < node->out->numel; i += 3, power += 3) {
        power[0] += 1;
        power[1] *= node->p[0].f;
        power[2] *= node->p[1].f;
    }
}
#endif

void ISA(kernels_update)(rlc_device *device) {
    device->kernel[RLC_OP_adam][RLC_F32] = adam_f32;
    device->kernel[RLC_OP_sgd][RLC_F32] = sgd_f32;
    device->kernel[RLC_OP_rmsprop][RLC_F32] = rmsprop_f32;
    device->kernel[RLC_OP_lerp][RLC_F32] = lerp_f32;
    device->kernel[RLC_OP_clip_norm][RLC_F32] = clip_norm_f32;
    device->kernel[RLC_OP_clip_value][RLC_F32] = clip_value_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_adam][RLC_F64] = adam_f64;
    device->kernel[RLC_OP_sgd][RLC_F64] = sgd_f64;
    device->kernel[RLC_OP_rmsprop][RLC_F64] = rmsprop_f64;
    device->kernel[RLC_OP_lerp][RLC_F64] = lerp_f64;
    device->kernel[RLC_OP_clip_norm][RLC_F64] = clip_norm_f64;
    device->kernel[RLC_OP_clip_value][RLC_F64] = clip_value_f64;
    device->kernel[RLC_OP_adam_tick][RLC_F64] = adam_tick;
#endif
}
