/* maths.cuh: the functions that rows of ops.def use, overloaded by type: those of core/math.h for float, the same bits as
 * on the CPU, and libm's for double. */
#ifndef RLC_CUDA_MATHS_H
#define RLC_CUDA_MATHS_H

#include "core/math.h"

#define OVERLOAD(name, of_float, of_double)                                                                            \
    RLC_INLINE float name(float x) {                                                                                   \
        return of_float(x);                                                                                            \
    }                                                                                                                  \
    RLC_INLINE double name(double x) {                                                                                 \
        return of_double(x);                                                                                           \
    }
RLC_INLINE double rlc_sigmoid_double(double x) {
    return 1 / (1 + exp(-x));
}
OVERLOAD(rlc_floor_of, floorf, floor)
OVERLOAD(rlc_round_of, rintf, rint)
OVERLOAD(rlc_sqrt_of, sqrtf, sqrt)
OVERLOAD(rlc_abs_of, fabsf, fabs)
OVERLOAD(rlc_exp_of, rlc_expf, exp)
OVERLOAD(rlc_log_of, rlc_logf, log)
OVERLOAD(rlc_log1p_of, rlc_log1pf, log1p)
OVERLOAD(rlc_expm1_of, rlc_expm1f, expm1)
OVERLOAD(rlc_erf_of, rlc_erff, erf)
OVERLOAD(rlc_sin_of, rlc_sinf, sin)
OVERLOAD(rlc_cos_of, rlc_cosf, cos)
OVERLOAD(rlc_tanh_of, rlc_tanhf, tanh)
OVERLOAD(rlc_sigmoid_of, rlc_sigmoidf, rlc_sigmoid_double)
#undef OVERLOAD

RLC_INLINE float rlc_pow_of(float x, float y) {
    return rlc_powf(x, y);
}
RLC_INLINE double rlc_pow_of(double x, double y) {
    return pow(x, y);
}

/* Integers round to themselves. */
#define OVERLOAD(T)                                                                                                    \
    RLC_INLINE T rlc_floor_of(T x) {                                                                                   \
        return x;                                                                                                      \
    }                                                                                                                  \
    RLC_INLINE T rlc_round_of(T x) {                                                                                   \
        return x;                                                                                                      \
    }                                                                                                                  \
    RLC_INLINE int64_t rlc_pow_of(T x, T y) {                                                                          \
        return rlc_integer_power((int64_t)x, (int64_t)y);                                                              \
    }
OVERLOAD(int64_t)
OVERLOAD(int32_t)
OVERLOAD(uint8_t)
#undef OVERLOAD

/* As the rows spell them. */
#define K(c) ((T)(c))
#define CLIPPED_LOG(x) ((x) > K(3.7200759760208361e-44) ? LOG(x) : K(-100))
#define FLOOR(x) rlc_floor_of(x)
#define ROUND(x) rlc_round_of(x)
#define SQRT(x) rlc_sqrt_of(x)
#define ABS(x) rlc_abs_of(x)
#define EXP(x) rlc_exp_of(x)
#define LOG(x) rlc_log_of(x)
#define LOG1P(x) rlc_log1p_of(x)
#define EXPM1(x) rlc_expm1_of(x)
#define ERF(x) rlc_erf_of(x)
#define POW(x, y) rlc_pow_of((T)(x), (T)(y))
#define SIN(x) rlc_sin_of(x)
#define COS(x) rlc_cos_of(x)
#define TANH(x) rlc_tanh_of(x)
#define SIGMOID(x) rlc_sigmoid_of(x)

#endif
