/* scan.c: recurrences over time, backwards: out[t] = a[t] + b[t] out[t+1].
 *
 * A step waits for the one after it, so speed comes from what lies beside it: the features of a step, or, where a step
 * has one number only, other trajectories, several of which run side by side.
 */
#include "kernels/cpu/isa.h"
#include "kernels/cpu/vec.h"

/* Four hide how long a multiplication and an addition take; the lines of more would drive each other out of the
 * cache when the number of steps is a large power of two. */
enum { SIDE_BY_SIDE = 4 };

/* One number a step: `rows` trajectories of T steps, one behind the other, whose carries stay in registers. */
#define SCAN_ROWS(name, T)                                                                                             \
    ALWAYS_INLINE void name##_some(const T *a, const T *b, const T *end, T *out, int64_t steps, const int rows) {      \
        T carry[SIDE_BY_SIDE];                                                                                         \
        for (int r = 0; r < rows; r++) {                                                                               \
            carry[r] = end != NULL ? end[r] : 0;                                                                       \
        }                                                                                                              \
        for (int64_t t = steps - 1; t >= 0; t--) {                                                                     \
            RLC_INDEPENDENT for (int r = 0; r < rows; r++) {                                                           \
                carry[r] = a[r * steps + t] + b[r * steps + t] * carry[r];                                             \
                out[r * steps + t] = carry[r];                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_rows(const T *a, const T *b, const T *end, T *out, int64_t rows, int64_t steps) {               \
        int64_t r = 0;                                                                                                 \
        for (; r + SIDE_BY_SIDE <= rows; r += SIDE_BY_SIDE) {                                                          \
            const int64_t i = r * steps;                                                                               \
            name##_some(a + i, b + i, end != NULL ? end + r : NULL, out + i, steps, SIDE_BY_SIDE);                     \
        }                                                                                                              \
        for (; r < rows; r++) {                                                                                        \
            const int64_t i = r * steps;                                                                               \
            name##_some(a + i, b + i, end != NULL ? end + r : NULL, out + i, steps, 1);                                \
        }                                                                                                              \
    }

/* `width` numbers a step, which lie side by side. */
#define SCAN(name, T)                                                                                                  \
    SCAN_ROWS(name, T)                                                                                                 \
    static void name##_wide(const T *a, const T *b, const T *end, T *out, int64_t steps, int64_t width) {              \
        for (int64_t t = steps - 1; t >= 0; t--) {                                                                     \
            const int64_t at = t * width;                                                                              \
            const T *next = t + 1 < steps ? out + at + width : end;                                                    \
            RLC_INDEPENDENT for (int64_t i = 0; i < width; i++) {                                                      \
                out[at + i] = a[at + i] + (next != NULL ? b[at + i] * next[i] : 0);                                    \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void name(const rlc_node *node) {                                                                           \
        const int64_t steps = node->p[0].i, width = node->p[1].i, size = steps * width;                                \
        const int64_t rows = size > 0 ? node->out->numel / size : 0;                                                   \
        const T *a = node->in[0]->data, *b = node->in[1]->data;                                                        \
        const T *end = node->in[2] != NULL ? node->in[2]->data : NULL;                                                 \
        T *out = node->out->data;                                                                                      \
        if (width == 1) {                                                                                              \
            name##_rows(a, b, end, out, rows, steps);                                                                  \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t r = 0; r < rows; r++) {                                                                           \
            name##_wide(a + r * size, b + r * size, end != NULL ? end + r * width : NULL, out + r * size, steps,       \
                        width);                                                                                        \
        }                                                                                                              \
    }

SCAN(scan_f32, float)

#ifdef RLC_BASE
SCAN(scan_f64, double)
#endif

void ISA(kernels_scan)(rlc_device *device) {
    device->kernel[RLC_OP_discounted_scan][RLC_F32] = scan_f32;
#ifdef RLC_BASE
    device->kernel[RLC_OP_discounted_scan][RLC_F64] = scan_f64;
#endif
}
