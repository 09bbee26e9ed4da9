/* elementwise_loops.h: the rows of ops.def for one type T, included by elementwise.c with these set:
 *
 *     T, TYPED(name), DTYPE        the type, a name with its suffix, its rlc_dtype
 *     IS_FLOAT, EXP, ...           for floating types: all rows and their derivatives
 *     IS_BOOL                      for bool: comparisons and logic
 *
 * Every function is the loop over one run of elements; strides are in elements. The common strides get loops of their
 * own, which the compiler turns into vector code; the last loop takes any.
 */
#define K(c) ((T)(c))
#define CLIPPED_LOG(x) ((x) > K(3.7200759760208361e-44) ? LOG(x) : K(-100)) /* PyTorch's: at least -100 */

/* out[i] = value of x[i] */
#define UNARY_LOOP(name, value)                                                                                        \
    static void TYPED(name##_inner)(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *par) {          \
        T *out = (T *)at[0];                                                                                           \
        const T *xs = (const T *)at[1], p = (T)par[0].f, q = (T)par[1].f;                                              \
        (void)p, (void)q;                                                                                              \
        if (s[0] == 1 && s[1] == 1) {                                                                                  \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                const T x = xs[i];                                                                                     \
                out[i] = (T)(value);                                                                                   \
            }                                                                                                          \
        } else {                                                                                                       \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T x = xs[i * s[1]];                                                                              \
                out[i * s[0]] = (T)(value);                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(name)(const rlc_node *node) {                                                                    \
        rlc__cpu_walk(node, TYPED(name##_inner));                                                                      \
    }

/* out[i] = value of a[i] and b[i], of type O */
#define BINARY_LOOP(name, O, value)                                                                                    \
    static void TYPED(name##_inner)(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *par) {          \
        O *out = (O *)at[0];                                                                                           \
        const T *as = (const T *)at[1], *bs = (const T *)at[2], p = (T)par[0].f;                                       \
        (void)p;                                                                                                       \
        if (s[0] == 1 && s[1] == 1 && s[2] == 1) {                                                                     \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                const T a = as[i], b = bs[i];                                                                          \
                out[i] = (O)(value);                                                                                   \
            }                                                                                                          \
        } else if (s[0] == 1 && s[1] == 1 && s[2] == 0) {                                                              \
            const T b = bs[0];                                                                                         \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                const T a = as[i];                                                                                     \
                out[i] = (O)(value);                                                                                   \
            }                                                                                                          \
        } else if (s[0] == 1 && s[1] == 0 && s[2] == 1) {                                                              \
            const T a = as[0];                                                                                         \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                const T b = bs[i];                                                                                     \
                out[i] = (O)(value);                                                                                   \
            }                                                                                                          \
        } else {                                                                                                       \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T a = as[i * s[1]], b = bs[i * s[2]];                                                            \
                out[i * s[0]] = (O)(value);                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(name)(const rlc_node *node) {                                                                    \
        rlc__cpu_walk(node, TYPED(name##_inner));                                                                      \
    }

/* out[i] = derivative from g[i] and two more */
#define GRAD_LOOP(name, first, second, derivative)                                                                     \
    static void TYPED(name##_inner)(int64_t n, char *const *at, const int64_t *s, const rlc_parameter *par) {          \
        T *out = (T *)at[0];                                                                                           \
        const T *gs = (const T *)at[1], *firsts = (const T *)at[2], *seconds = (const T *)at[3];                       \
        const T p = (T)par[0].f, q = (T)par[1].f;                                                                      \
        (void)p, (void)q;                                                                                              \
        if (s[0] == 1 && s[1] == 1 && s[2] == 1 && s[3] == 1) {                                                        \
            RLC_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                          \
                const T g = gs[i], first = firsts[i], second = seconds[i];                                             \
                (void)g, (void)first, (void)second;                                                                    \
                out[i] = (T)(derivative);                                                                              \
            }                                                                                                          \
        } else {                                                                                                       \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T g = gs[i * s[1]], first = firsts[i * s[2]], second = seconds[i * s[3]];                        \
                (void)g, (void)first, (void)second;                                                                    \
                out[i * s[0]] = (T)(derivative);                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void TYPED(name)(const rlc_node *node) {                                                                    \
        rlc__cpu_walk(node, TYPED(name##_inner));                                                                      \
    }

/* Which rows a type has. */
#if defined(IS_FLOAT)
#define UNARY(name, domain, value, derivative) UNARY_LOOP(name, value) GRAD_LOOP(name##_grad, x, y, derivative)
#define BINARY(name, domain, value, da, db)                                                                            \
    BINARY_LOOP(name, T, value) GRAD_LOOP(name##_grad_a, a, b, da) GRAD_LOOP(name##_grad_b, a, b, db)
#elif !defined(IS_BOOL)
#define UNARY_FLOAT(name, value)
#define UNARY_NUMBER(name, value) UNARY_LOOP(name, value)
#define UNARY(name, domain, value, derivative) UNARY_##domain(name, value)
#define BINARY_FLOAT(name, value)
#define BINARY_NUMBER(name, value) BINARY_LOOP(name, T, value)
#define BINARY(name, domain, value, da, db) BINARY_##domain(name, value)
#else
#define LOGICAL(name, value) BINARY_LOOP(name, uint8_t, value)
#endif
#define COMPARE(name, value) BINARY_LOOP(name, uint8_t, value)
#include "core/ops.def"

/* The same choice once more, to enter them in the table. */
#define ENTER(name) device->kernel[RLC_OP_##name][DTYPE] = TYPED(name);
static void TYPED(enter)(rlc_device *device) {
#if defined(IS_FLOAT)
#define UNARY(name, ...) ENTER(name) ENTER(name##_grad)
#define BINARY(name, ...) ENTER(name) ENTER(name##_grad_a) ENTER(name##_grad_b)
#elif !defined(IS_BOOL)
#define ENTER_FLOAT(name)
#define ENTER_NUMBER(name) ENTER(name)
#define UNARY(name, domain, ...) ENTER_##domain(name)
#define BINARY(name, domain, ...) ENTER_##domain(name)
#else
#define LOGICAL(name, value) ENTER(name)
#endif
#define COMPARE(name, value) ENTER(name)
#include "core/ops.def"
}

#undef T
#undef TYPED
#undef DTYPE
#undef IS_FLOAT
#undef IS_BOOL
#undef FLOOR
#undef ROUND
#undef SQRT
#undef ABS
#undef EXP
#undef LOG
#undef LOG1P
#undef EXPM1
#undef ERF
#undef POW
#undef SIN
#undef COS
#undef TANH
#undef SIGMOID
#undef K
#undef CLIPPED_LOG
#undef ENTER
#undef ENTER_FLOAT
#undef ENTER_NUMBER
#undef UNARY_LOOP
#undef BINARY_LOOP
#undef GRAD_LOOP
#undef UNARY_FLOAT
#undef UNARY_NUMBER
#undef BINARY_FLOAT
#undef BINARY_NUMBER
