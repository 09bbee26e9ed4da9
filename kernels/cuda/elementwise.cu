/* elementwise.cu: the rows of ops.def, for each type: a struct for each formula, one kernel for all of them. */
#include "kernels/cuda/maths.cuh"
#include "kernels/cuda/walk.cuh"

#if defined(__CUDACC__)
#pragma nv_diag_suppress 186 /* the rows ask whether x < 0, which a byte never is */
#endif

/* A formula sees up to three operands and the parameters p and q under the names that ops.def has for them. */
#define FORMULA(name, first, second, third, value)                                                                     \
    template <typename T> struct name {                                                                                \
        static __device__ __forceinline__ T of(T first, T second, T third, T p, T q) {                                 \
            (void)first, (void)second, (void)third, (void)p, (void)q;                                                  \
            return (T)(value);                                                                                         \
        }                                                                                                              \
    };
#define ANSWER(name, value)                                                                                            \
    template <typename T> struct name {                                                                                \
        static __device__ __forceinline__ uint8_t of(T a, T b, T, T, T) {                                              \
            return (uint8_t)(value);                                                                                   \
        }                                                                                                              \
    };
namespace formula {
#define UNARY(name, domain, value, derivative)                                                                         \
    FORMULA(name##_value, x, unused_b, unused_c, value)                                                                \
    FORMULA(name##_grad, g, x, y, derivative)
#define BINARY(name, domain, value, da, db)                                                                            \
    FORMULA(name##_value, a, b, unused_c, value)                                                                       \
    FORMULA(name##_grad_a, g, a, b, da)                                                                                \
    FORMULA(name##_grad_b, g, a, b, db)
#define COMPARE(name, value) ANSWER(name##_value, value)
#define LOGICAL(name, value) ANSWER(name##_value, value)
#include "core/ops.def"
} // namespace formula

template <int count, class F, typename O, typename T>
static __global__ void map(rlc_steps s, O *out, const T *a, const T *b, const T *c, T p, T q) {
    RLC_FOR_EACH(i, s.n) {
        int64_t at[RLC_WALK_OPERANDS];
        rlc_locate<count + 1>(s, i, at);
        out[at[0]] = F::of(a[at[1]], count > 1 ? b[at[2]] : T(0), count > 2 ? c[at[3]] : T(0), p, q);
    }
}

template <int count, class F, typename O, typename T> static void run_map(const rlc_node *node) {
    auto *kernel = map<count, F, O, T>;
    const rlc_steps s = rlc_steps_of(node);
    RLC_LAUNCH(node, kernel, rlc_blocks_for(s.n), RLC_BLOCK, s, rlc_data<O>(node->out), rlc_data<T>(node->in[0]),
               rlc_data<T>(node->in[1]), rlc_data<T>(node->in[2]), (T)node->p[0].f, (T)node->p[1].f);
}

/* All rows, with their derivatives, for a float type. */
template <typename T> static void enter_floats(rlc_device *device, rlc_dtype dtype) {
#define SET(count, op, what, O) device->kernel[RLC_OP_##op][dtype] = run_map<count, formula::what<T>, O, T>;
#define UNARY(name, ...) SET(1, name, name##_value, T) SET(3, name##_grad, name##_grad, T)
#define BINARY(name, ...)                                                                                              \
    SET(2, name, name##_value, T) SET(3, name##_grad_a, name##_grad_a, T) SET(3, name##_grad_b, name##_grad_b, T)
#define COMPARE(name, ...) SET(2, name, name##_value, uint8_t)
#include "core/ops.def"
}

/* The rows that make sense for integers. */
template <typename T> static void enter_integers(rlc_device *device, rlc_dtype dtype) {
#define UNARY_FLOAT(name)
#define UNARY_NUMBER(name) SET(1, name, name##_value, T)
#define BINARY_FLOAT(name)
#define BINARY_NUMBER(name) SET(2, name, name##_value, T)
#define UNARY(name, domain, ...) UNARY_##domain(name)
#define BINARY(name, domain, ...) BINARY_##domain(name)
#define COMPARE(name, ...) SET(2, name, name##_value, uint8_t)
#include "core/ops.def"
}

/* Bool, as 0 and 1: comparisons and logic. */
static void enter_bool(rlc_device *device, rlc_dtype dtype) {
    typedef uint8_t T;
#define COMPARE(name, ...) SET(2, name, name##_value, T)
#define LOGICAL(name, ...) SET(2, name, name##_value, T)
#include "core/ops.def"
}

void rlc__cuda_elementwise(rlc_device *device) {
    enter_floats<float>(device, RLC_F32);
    enter_floats<double>(device, RLC_F64);
    enter_integers<int64_t>(device, RLC_I64);
    enter_integers<int32_t>(device, RLC_I32);
    enter_integers<uint8_t>(device, RLC_U8);
    enter_bool(device, RLC_BOOL);
}
