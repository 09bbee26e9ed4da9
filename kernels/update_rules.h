/* update_rules.h: what one step of an optimiser does to one parameter, for the loops of the CPU and the kernels of a GPU.
 *
 * Numbers are prepared in double and applied in T, as torch.optim does. RLC_UPDATE_RULES(T, TYPED, SQRT) defines, under
 * TYPED(name), the numbers of a step and the step itself; what a step may do without is an argument, constant where it is
 * called. SMALLEST is T's smallest normal number: a moment below it becomes zero. The moments of a unit that no longer fires shrink
 * into the denormal numbers and, because of rounding, stay there, where processors take some 100 cycles for an operation: Adam
 * took 3 to 5 times as long. To a parameter it makes no difference: what such a moment moves is far below its last bit.
 */
#ifndef RLC_UPDATE_RULES_H
#define RLC_UPDATE_RULES_H

#include <float.h>

#include "core/math.h"
#include "core/update.h"

#define RLC_UPDATE_RULES(T, TYPED, SQRT, SMALLEST)                                                                     \
    RLC_INLINE T TYPED(moment)(T x) {                                                                                  \
        return x < (SMALLEST) && x > -(SMALLEST) ? 0 : x;                                                              \
    }                                                                                                                  \
    typedef struct TYPED(adam_numbers) {                                                                               \
        T keep2, take1, take2, step, unbias, eps, decay, keep;                                                         \
    } TYPED(adam_numbers);                                                                                             \
    /* power: t, beta1^t, beta2^t */                                                                                   \
    RLC_INLINE TYPED(adam_numbers) TYPED(adam_prepare)(const rlc_adam *adam, const double *power, double lr) {         \
        TYPED(adam_numbers) a;                                                                                         \
        a.keep2 = (T)adam->beta2;                                                                                      \
        a.take1 = (T)(1 - adam->beta1);                                                                                \
        a.take2 = (T)(1 - adam->beta2);                                                                                \
        a.step = (T)(lr / (1 - power[1]));                                                                             \
        a.unbias = (T)(1 / sqrt(1 - power[2]));                                                                        \
        a.eps = (T)adam->eps;                                                                                          \
        a.decay = (T)adam->weight_decay;                                                                               \
        a.keep = (T)(1 - lr * adam->decoupled_weight_decay);                                                           \
        return a;                                                                                                      \
    }                                                                                                                  \
    /* largest is NULL without AMSGrad */                                                                              \
    RLC_INLINE void TYPED(adam_update)(const TYPED(adam_numbers) * a, T grad, T * param, T * m, T * v, T * largest) {  \
        const T g = grad + a->decay * *param;                                                                          \
        const T mi = TYPED(moment)(*m + a->take1 * (g - *m));                                                          \
        T vi = TYPED(moment)(a->keep2 * *v + a->take2 * g * g);                                                        \
        *m = mi;                                                                                                       \
        *v = vi;                                                                                                       \
        if (largest != NULL) {                                                                                         \
            vi = *largest > vi ? *largest : vi;                                                                        \
            *largest = vi;                                                                                             \
        }                                                                                                              \
        *param = a->keep * *param - a->step * mi / (SQRT(vi) * a->unbias + a->eps);                                    \
    }                                                                                                                  \
    typedef struct TYPED(sgd_numbers) {                                                                                \
        T lr, keep, take, decay;                                                                                       \
    } TYPED(sgd_numbers);                                                                                              \
    RLC_INLINE TYPED(sgd_numbers) TYPED(sgd_prepare)(const rlc_sgd *sgd, float lr) {                                   \
        TYPED(sgd_numbers) s;                                                                                          \
        s.lr = (T)lr;                                                                                                  \
        s.keep = (T)sgd->momentum;                                                                                     \
        s.take = (T)(sgd->first ? 1 : 1 - sgd->dampening);                                                             \
        s.decay = (T)sgd->weight_decay;                                                                                \
        return s;                                                                                                      \
    }                                                                                                                  \
    /* buffer is NULL without momentum */                                                                              \
    RLC_INLINE void TYPED(sgd_update)(const TYPED(sgd_numbers) * s, T grad, T * param, T * buffer, int nesterov) {     \
        const T g = grad + s->decay * *param;                                                                          \
        T direction = g;                                                                                               \
        if (buffer != NULL) {                                                                                          \
            const T b = TYPED(moment)(s->keep * *buffer + s->take * g);                                                \
            *buffer = b;                                                                                               \
            direction = nesterov ? g + s->keep * b : b;                                                                \
        }                                                                                                              \
        *param -= s->lr * direction;                                                                                   \
    }                                                                                                                  \
    typedef struct TYPED(rmsprop_numbers) {                                                                            \
        T lr, keep, take, eps, decay, friction;                                                                        \
    } TYPED(rmsprop_numbers);                                                                                          \
    RLC_INLINE TYPED(rmsprop_numbers) TYPED(rmsprop_prepare)(const rlc_rmsprop *rmsprop, float lr) {                   \
        TYPED(rmsprop_numbers) r;                                                                                      \
        r.lr = (T)lr;                                                                                                  \
        r.keep = (T)rmsprop->alpha;                                                                                    \
        r.take = (T)(1 - rmsprop->alpha);                                                                              \
        r.eps = (T)rmsprop->eps;                                                                                       \
        r.decay = (T)rmsprop->weight_decay;                                                                            \
        r.friction = (T)rmsprop->momentum;                                                                             \
        return r;                                                                                                      \
    }                                                                                                                  \
    /* mean is NULL unless centered, buffer without momentum */                                                        \
    RLC_INLINE void TYPED(rmsprop_update)(const TYPED(rmsprop_numbers) * r, T grad, T * param, T * square, T * mean,   \
                                          T * buffer) {                                                                \
        const T g = grad + r->decay * *param, s = TYPED(moment)(r->keep * *square + r->take * g * g);                  \
        T variance = s;                                                                                                \
        *square = s;                                                                                                   \
        if (mean != NULL) {                                                                                            \
            const T average = TYPED(moment)(*mean + r->take * (g - *mean));                                            \
            *mean = average;                                                                                           \
            variance = s - average * average;                                                                          \
        }                                                                                                              \
        T direction = g / (SQRT(variance) + r->eps);                                                                   \
        if (buffer != NULL) {                                                                                          \
            direction = TYPED(moment)(direction + r->friction * *buffer);                                              \
            *buffer = direction;                                                                                       \
        }                                                                                                              \
        *param -= r->lr * direction;                                                                                   \
    }                                                                                                                  \
    RLC_INLINE T TYPED(lerp_update)(T target, T online, T tau, T rest) {                                               \
        return rest * target + tau * online;                                                                           \
    }                                                                                                                  \
    /* a NaN stays one */                                                                                              \
    RLC_INLINE T TYPED(clip_update)(T grad, T most) {                                                                  \
        const T g = grad < -most ? -most : grad;                                                                       \
        return g > most ? most : g;                                                                                    \
    }

#endif
