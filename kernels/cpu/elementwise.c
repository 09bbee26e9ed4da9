/* elementwise.c: loops over the rows of ops.def, for each type. */
#include <math.h>

#include "core/math.h"
#include "kernels/cpu/isa.h"

#define T float
#define TYPED(name) name##_f32
#define DTYPE RLC_F32
#define IS_FLOAT 1
#define FLOOR floorf
#define ROUND rintf
#define SQRT sqrtf
#define ABS fabsf
#define EXP rlc_expf
#define LOG rlc_logf
#define LOG1P rlc_log1pf
#define EXPM1 rlc_expm1f
#define ERF rlc_erff
#define POW rlc_powf
#define SIN rlc_sinf
#define COS rlc_cosf
#define TANH rlc_tanhf
#define SIGMOID rlc_sigmoidf
#include "kernels/cpu/elementwise_loops.h"

#ifdef RLC_BASE
#define T double
#define TYPED(name) name##_f64
#define DTYPE RLC_F64
#define IS_FLOAT 1
#define FLOOR floor
#define ROUND rint
#define SQRT sqrt
#define ABS fabs
#define EXP exp
#define LOG log
#define LOG1P log1p
#define EXPM1 expm1
#define ERF erf
#define POW pow
#define SIN sin
#define COS cos
#define TANH tanh
#define SIGMOID(x) (1 / (1 + exp(-(x))))
#include "kernels/cpu/elementwise_loops.h"

#define T int64_t
#define TYPED(name) name##_i64
#define FLOOR(x) (x)
#define ROUND(x) (x)
#define POW(x, y) rlc_integer_power((int64_t)(x), (int64_t)(y))
#define DTYPE RLC_I64
#include "kernels/cpu/elementwise_loops.h"

#define T int32_t
#define TYPED(name) name##_i32
#define FLOOR(x) (x)
#define ROUND(x) (x)
#define POW(x, y) rlc_integer_power((int64_t)(x), (int64_t)(y))
#define DTYPE RLC_I32
#include "kernels/cpu/elementwise_loops.h"

/* the rows ask whether x < 0, which a byte never is */
#pragma GCC diagnostic ignored "-Wtype-limits"
#define T uint8_t
#define TYPED(name) name##_u8
#define FLOOR(x) (x)
#define ROUND(x) (x)
#define POW(x, y) rlc_integer_power((int64_t)(x), (int64_t)(y))
#define DTYPE RLC_U8
#include "kernels/cpu/elementwise_loops.h"

/* bool, as 0 and 1: comparisons and logic only */
#define T uint8_t
#define TYPED(name) name##_bool
#define DTYPE RLC_BOOL
#define IS_BOOL 1
#include "kernels/cpu/elementwise_loops.h"
#endif

void ISA(kernels_elementwise)(rlc_device *device) {
    enter_f32(device);
#ifdef RLC_BASE
    enter_f64(device);
    enter_i64(device);
    enter_i32(device);
    enter_u8(device);
    enter_bool(device);
#endif
}
