/* update.c: kernels that change parameters in place: optimisers, clipping, Polyak averaging. */
#include <math.h>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"
#include "kernels/cpu/vec.h"
#include "kernels/update_rules.h"

/* What a step may do without is an argument of the loop, so that each way has a loop of its own without branches. */

#define F32(name) name##_f32
#define F64(name) name##_f64
RLC_UPDATE_RULES(float, F32, sqrtf, FLT_MIN)
RLC_UPDATE_RULES(double, F64, sqrt, DBL_MIN)

#define ADAM(name, T, TYPED)                                                                                           \
    ALWAYS_INLINE void name##_loop(const rlc_node *node, const bool amsgrad) {                                         \
        const TYPED(adam_numbers) a =                                                                                  \
            TYPED(adam_prepare)(node->aux, node->more[0]->data, (double)*(const float *)node->more[1]->data);          \
        T *param = node->out->data, *m = node->in[1]->data, *v = node->in[2]->data;                                    \
        T *largest = amsgrad ? node->more[2]->data : NULL;                                                             \
        const T *grad = node->in[0]->data;                                                                             \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            TYPED(adam_update)(&a, grad[i], param + i, m + i, v + i, amsgrad ? largest + i : NULL);                    \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        if (node->num_more == 3) {                                                                                     \
            name##_loop(node, true);                                                                                   \
        } else {                                                                                                       \
            name##_loop(node, false);                                                                                  \
        }                                                                                                              \
    }

#define SGD(name, T, TYPED)                                                                                            \
    ALWAYS_INLINE void name##_loop(const rlc_node *node, const bool momentum, const bool nesterov) {                   \
        const TYPED(sgd_numbers) s = TYPED(sgd_prepare)(node->aux, *(const float *)node->in[1]->data);                 \
        T *param = node->out->data, *buffer = momentum ? node->in[2]->data : NULL;                                     \
        const T *grad = node->in[0]->data;                                                                             \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            TYPED(sgd_update)(&s, grad[i], param + i, momentum ? buffer + i : NULL, nesterov);                         \
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

#define RMSPROP(name, T, TYPED)                                                                                        \
    ALWAYS_INLINE void name##_loop(const rlc_node *node, const bool centered, const bool momentum) {                   \
        const TYPED(rmsprop_numbers) r = TYPED(rmsprop_prepare)(node->aux, *(const float *)node->in[2]->data);         \
        T *param = node->out->data, *square = node->in[1]->data, *mean = centered ? node->more[0]->data : NULL;        \
        T *buffer = momentum ? node->more[node->num_more - 1]->data : NULL;                                            \
        const T *grad = node->in[0]->data;                                                                             \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            TYPED(rmsprop_update)                                                                                      \
            (&r, grad[i], param + i, square + i, centered ? mean + i : NULL, momentum ? buffer + i : NULL);            \
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

#define LERP(name, T, TYPED)                                                                                           \
    static void name(const rlc_node *node) {                                                                           \
        T *target = node->out->data;                                                                                   \
        const T *online = node->in[0]->data, tau = (T)node->p[0].f, rest = (T)(1 - node->p[0].f);                      \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            target[i] = TYPED(lerp_update)(target[i], online[i], tau, rest);                                           \
        }                                                                                                              \
    }

#define CLIP_NORM(name, T)                                                                                             \
    TREE_SUM(name##_squares, T, T, k[i] * k[i])                                                                        \
    static void name(const rlc_node *node) {                                                                           \
        double total = 0;                                                                                              \
        for (int k = 0; k < node->num_more; k++) {                                                                     \
            total += (double)name##_squares(node->more[k]->data, 0, node->more[k]->numel);                             \
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

#define CLIP_VALUE(name, T, TYPED)                                                                                     \
    static void name(const rlc_node *node) {                                                                           \
        T *grad = node->out->data;                                                                                     \
        const T most = (T)node->p[0].f;                                                                                \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            grad[i] = TYPED(clip_update)(grad[i], most);                                                               \
        }                                                                                                              \
    }

ADAM(adam_f32, float, F32)
SGD(sgd_f32, float, F32)
RMSPROP(rmsprop_f32, float, F32)
LERP(lerp_f32, float, F32)
CLIP_NORM(clip_norm_f32, float)
CLIP_VALUE(clip_value_f32, float, F32)

#ifdef RLC_BASE
ADAM(adam_f64, double, F64)
SGD(sgd_f64, double, F64)
RMSPROP(rmsprop_f64, double, F64)
LERP(lerp_f64, double, F64)
CLIP_NORM(clip_norm_f64, double)
CLIP_VALUE(clip_value_f64, double, F64)

static void adam_tick(const rlc_node *node) {
    double *power = node->out->data;
    for (int64_t i = 0; i < node->out->numel; i += 3, power += 3) {
        power[0] += 1;
        power[1] *= node->p[0].f;
        power[2] *= node->p[1].f;
    }
}

static void tally(const rlc_node *node) {
    const int count = node->num_more / 2;
    for (int i = 0; i < count; i++) {
        const rlc_tensor *value = node->more[count + i];
        *(double *)node->more[i]->data +=
            value->dtype == RLC_F64 ? *(const double *)value->data : (double)*(const float *)value->data;
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
    device->kernel[RLC_OP_tally][RLC_F64] = tally;
#endif
}
