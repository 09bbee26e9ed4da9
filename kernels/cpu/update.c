/* update.c: kernels that change parameters in place: Adam, clipping, Polyak averaging. */
#include <math.h>

#include "core/update.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/tree_sum.h"

/* The numbers are prepared in double and applied in T, as torch.optim.Adam does. */
#define ADAM(name, T, SQRT)                                                                                            \
    static void name(const rlc_node *node) {                                                                           \
        const rlc_adam *adam = node->aux;                                                                              \
        const double *power = node->more[0]->data; /* t, beta1^t, beta2^t */                                           \
        const double lr = *(const float *)node->more[1]->data;                                                         \
        T *param = node->out->data, *m = node->in[1]->data, *v = node->in[2]->data;                                    \
        const T *grad = node->in[0]->data;                                                                             \
        const T keep2 = (T)adam->beta2, take1 = (T)(1 - adam->beta1), take2 = (T)(1 - adam->beta2);                    \
        const T step = (T)(lr / (1 - power[1])), scale = (T)sqrt(1 - power[2]), eps = (T)adam->eps;                    \
        const T decay = (T)adam->weight_decay;                                                                         \
        RLC_INDEPENDENT for (int64_t i = 0; i < node->out->numel; i++) {                                               \
            const T g = grad[i] + decay * param[i];                                                                    \
            const T mi = m[i] + take1 * (g - m[i]);                                                                    \
            const T vi = keep2 * v[i] + take2 * g * g;                                                                 \
            m[i] = mi;                                                                                                 \
            v[i] = vi;                                                                                                 \
            param[i] -= step * mi / (SQRT(vi) / scale + eps);                                                          \
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

ADAM(adam_f32, float, sqrtf)
LERP(lerp_f32, float)
CLIP_NORM(clip_norm_f32, float)

#ifdef RLC_BASE
ADAM(adam_f64, double, sqrt)
LERP(lerp_f64, double)
CLIP_NORM(clip_norm_f64, double)

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
    device->kernel[RLC_OP_lerp][RLC_F32] = lerp_f32;
    device->kernel[RLC_OP_clip_norm][RLC_F32] = clip_norm_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_adam][RLC_F64] = adam_f64;
    device->kernel[RLC_OP_lerp][RLC_F64] = lerp_f64;
    device->kernel[RLC_OP_clip_norm][RLC_F64] = clip_norm_f64;
    device->kernel[RLC_OP_adam_tick][RLC_F64] = adam_tick;
#endif
}
