/* math.h: exp, log, sin, cos, tanh, erf, pow and their kin for float, the same bits on every device and compiler.
 *
 * Each is a fixed sequence of IEEE operations without branches or tables, so that compilers turn a loop over it into
 * vector code and none of them may change its result (build with -ffp-contract=off; nvcc -fmad=false). Errors are within
 * 2 units in the last place (sigmoid: 2.5) over the whole range, infinities, NaN and subnormal numbers included; sin and
 * cos hold that up to |x| = 1e6. Polynomials are those of S. Moshier's Cephes library, whose single-precision kernels are
 * minimax; those of expm1 and erf are minimax fits of our own.
 */
#ifndef RLC_MATH_H
#define RLC_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define RLC_INLINE static __host__ __device__ __forceinline__
#else
#define RLC_INLINE static inline __attribute__((always_inline, unused))
#endif

RLC_INLINE uint32_t rlc_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

RLC_INLINE float rlc_float_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n for -126 <= n <= 127 */
RLC_INLINE float rlc_exp2i(int32_t n) {
    return rlc_float_from_bits((uint32_t)(n + 127) << 23);
}

/* e^x = 2^n e^r with |r| at most ln 2 / 2: what exp and tanh are made of. */
typedef struct rlc_exp_parts {
    float grown; /* e^r - 1 */
    int32_t n;
} rlc_exp_parts;

RLC_INLINE rlc_exp_parts rlc_exp_split(float x) {
    /* adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits */
    const float shift = 12582912.0f;
    float shifted = x * 1.44269504088896341f + shift;
    float n = shifted - shift;
    /* r = x - n ln 2, with ln 2 in two parts so that the first product is exact */
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    rlc_exp_parts parts = {p * (r * r) + r, (int32_t)(rlc_float_bits(shifted) - rlc_float_bits(shift))};
    return parts;
}

RLC_INLINE float rlc_expf(float x) {
    /* beyond these the result is 0 or infinity; the comparisons let a NaN through */
    float clamped = x < -104.0f ? -104.0f : x;
    clamped = clamped > 89.0f ? 89.0f : clamped;
    rlc_exp_parts parts = rlc_exp_split(clamped);
    int32_t power = parts.n;
    float y = parts.grown + 1.0f;
    /* in two steps, because 2^power itself may be out of range where the product is not */
    int32_t half = power >> 1;
    half = half < -126 ? -126 : half > 127 ? 127 : half; /* a NaN leaves nonsense in `power` */
    int32_t rest = power - half;
    rest = rest < -126 ? -126 : rest > 127 ? 127 : rest;
    return y * rlc_exp2i(half) * rlc_exp2i(rest);
}

RLC_INLINE float rlc_logf(float x) {
    const float smallest_normal = 1.17549435e-38f;
    int subnormal = x < smallest_normal;
    float scaled = subnormal ? x * 8388608.0f : x; /* 2^23 */
    /* x = 2^e m with m in [sqrt(1/2), sqrt(2)) */
    uint32_t bits = rlc_float_bits(scaled) - 0x3f3504f3u;
    int32_t e = (int32_t)bits >> 23;
    float m = rlc_float_from_bits((bits & 0x007fffffu) + 0x3f3504f3u);
    float exponent = (float)(e - (subnormal ? 23 : 0));
    float r = m - 1.0f;
    float z = r * r;
    float p = 7.0376836292e-2f;
    p = p * r + -1.1514610310e-1f;
    p = p * r + 1.1676998740e-1f;
    p = p * r + -1.2420140846e-1f;
    p = p * r + 1.4249322787e-1f;
    p = p * r + -1.6668057665e-1f;
    p = p * r + 2.0000714765e-1f;
    p = p * r + -2.4999993993e-1f;
    p = p * r + 3.3333331174e-1f;
    float y = p * r * z;
    y = y + exponent * -2.12194440e-4f;
    y = y - 0.5f * z;
    y = r + y + exponent * 0.693359375f;
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    return x < INFINITY ? y : x + x; /* infinity and NaN stay what they are */
}

RLC_INLINE float rlc_log1pf(float x) {
    /* u = 1 + x loses bits of x; the second term gives them back */
    float u = 1.0f + x;
    float y = rlc_logf(u) + (x - (u - 1.0f)) / u;
    y = u == 1.0f ? x : y;
    y = u <= 0.0f ? rlc_logf(u) : y;
    return u < INFINITY ? y : u;
}

/* sin(x + quadrant * pi / 2). The argument is reduced in double, which is exact enough without extra steps. */
RLC_INLINE float rlc_sin_quadrant(float x, double quadrant) {
    double n = rint((double)x * 0.63661977236758134308);
    double r = (double)x - n * 1.57079632673412561417;
    float y = (float)(r - n * 6.07710050650619224932e-11);
    double turns = n + quadrant;
    turns = turns - 4.0 * floor(turns * 0.25);
    float z = y * y;
    float s = -1.9515295891e-4f;
    s = s * z + 8.3321608736e-3f;
    s = s * z + -1.6666654611e-1f;
    s = s * z * y + y;
    float c = 2.443315711809948e-5f;
    c = c * z + -1.388731625493765e-3f;
    c = c * z + 4.166664568298827e-2f;
    c = c * z * z - 0.5f * z + 1.0f;
    float value = turns == 1.0 || turns == 3.0 ? c : s;
    return turns >= 2.0 ? -value : value;
}

RLC_INLINE float rlc_sinf(float x) {
    return rlc_sin_quadrant(x, 0.0);
}

RLC_INLINE float rlc_cosf(float x) {
    return rlc_sin_quadrant(x, 1.0);
}

/* x less whole turns: in [-pi, pi], and x itself where it is there already. */
RLC_INLINE float rlc_wrap_anglef(float x) {
    float turns = rintf(x * 0.159154943091895336f);
    /* 2 pi in two parts; the first product is exact */
    return x - turns * 6.28125f - turns * 1.93530717958647693e-3f;
}

/* condition (0 or 1) ? a : b. From several `?:` upon each other compilers make branches, which keep a loop from becoming
 * vector code; from this they cannot. */
RLC_INLINE float rlc_selectf(int condition, float a, float b) {
    uint32_t mask = 0u - (uint32_t)condition;
    return rlc_float_from_bits((rlc_float_bits(a) & mask) | (rlc_float_bits(b) & ~mask));
}

/* A NaN stays one. */
RLC_INLINE float rlc_clampf(float x, float low, float high) {
    return rlc_selectf(x < low, low, rlc_selectf(x > high, high, x));
}

/* With m = e^(-2|x|) - 1 it is -m / (m + 2). 1 is taken from 2^n before e^r - 1 is added, so that neither m nor m + 2 loses
 * bits; and a sum between 1 and 2 is rounded half as much as e^(2|x|) + 1, between 2 and 4, would be. */
RLC_INLINE float rlc_tanhf(float x) {
    float y = -2.0f * (x < 0.0f ? -x : x);
    y = y < -20.0f ? -20.0f : y; /* tanh is 1 there */
    rlc_exp_parts parts = rlc_exp_split(y);
    float power = rlc_float_from_bits(((uint32_t)parts.n << 23) + 0x3f800000u); /* a NaN leaves nonsense here */
    float grown = power * parts.grown;
    float t = (grown + (power - 1.0f)) / (grown + (power + 1.0f));
    return rlc_float_from_bits((rlc_float_bits(t) & 0x7fffffffu) | (rlc_float_bits(x) & 0x80000000u));
}

/* e^x - 1 */
RLC_INLINE float rlc_expm1f(float x) {
    float p = 2.495704589e-5f;
    p = p * x + 1.996218508e-4f;
    p = p * x + 1.388860794e-3f;
    p = p * x + 8.333182044e-3f;
    p = p * x + 4.166666836e-2f;
    p = p * x + 1.666666714e-1f;
    p = p * x + 0.5f;
    float near_zero = p * (x * x) + x;
    float far = rlc_expf(x) - 1.0f;
    return x > -0.5f && x < 0.5f ? near_zero : far;
}

/* On [0, 1) x plus x times a polynomial in x^2; beyond 1 - e^p(x), where e^p is erfc. */
RLC_INLINE float rlc_erff(float x) {
    float size = x < 0.0f ? -x : x;
    float z = x * x;
    float p = 7.853857703e-5f;
    p = p * z + -8.010192520e-4f;
    p = p * z + 5.188327560e-3f;
    p = p * z + -2.685381187e-2f;
    p = p * z + 1.128358515e-1f;
    p = p * z + -3.761262582e-1f;
    float near_zero = x + x * (p * z + 0.128379166f);
    float s = size > 4.0f ? 4.0f : size; /* erf(4) rounds to 1 */
    float q = -2.168684987e-5f;
    q = q * s + 4.413363760e-4f;
    q = q * s + -4.204561868e-3f;
    q = q * s + 2.520825672e-2f;
    q = q * s + -1.084185773e-1f;
    q = q * s + -6.332198931e-1f;
    q = q * s + -1.129578424f;
    q = q * s + 1.880402237e-4f;
    float far = 1.0f - rlc_expf(q);
    far = x < 0.0f ? -far : far;
    return size < 1.0f ? near_zero : x == x ? far : x;
}

/* |x|^y for finite x != 0, in double: a logarithm to 40 bits, so that the product with y keeps 32. */
RLC_INLINE float rlc_pow_size(float x, float y) {
    float size = x < 0.0f ? -x : x;
    int subnormal = size < 1.17549435e-38f;
    uint32_t bits = rlc_float_bits(subnormal ? size * 8388608.0f : size) - 0x3f3504f3u;
    int32_t e = (int32_t)bits >> 23;
    double m = (double)rlc_float_from_bits((bits & 0x007fffffu) + 0x3f3504f3u);
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    p = p * z + 1.0;
    double t = (double)y * ((double)(e - (subnormal ? 23 : 0)) + 2.88539008177792681472 * s * p); /* 2 / ln 2 */
    t = t < -200.0 ? -200.0 : t > 200.0 ? 200.0 : t;                                              /* far out of range */
    double n = rint(t), r = (t - n) * 0.69314718055994530942;
    double q = 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    q = q * r + 1.0;
    q = q * r + 1.0;
    uint64_t power = (uint64_t)((int64_t)n + 1023) << 52;
    double scale;
    memcpy(&scale, &power, sizeof scale);
    return (float)(q * scale);
}

/* C's pow: 1 for y = 0 whatever x is, a negative x with an integral y, zeros and infinities as IEEE 754 has them. */
RLC_INLINE float rlc_powf(float x, float y) {
    float whole = floorf(y), half = floorf(y * 0.5f) * 2.0f;
    int odd = whole == y && half != y && (y < 0.0f ? -y : y) < 16777216.0f;
    float size = fabsf(x);
    float up = y > 0.0f ? size : 1.0f / size; /* 0 or infinity where x is one of them */
    float value = size == 0.0f || size == INFINITY ? up : rlc_pow_size(x, y);
    value = size == 1.0f ? 1.0f : value;
    value = odd && rlc_float_bits(x) >> 31 ? -value : value;
    value = x < 0.0f && size < INFINITY && whole != y ? NAN : value;
    value = x != x || y != y ? NAN : value;
    return y == 0.0f || x == 1.0f ? 1.0f : value;
}

/* By squaring, modulo 2^64; a negative exponent gives what is left of a fraction: nothing, but for 1 and -1. */
RLC_INLINE int64_t rlc_integer_power(int64_t base, int64_t exponent) {
    if (exponent < 0) {
        return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    }
    uint64_t result = 1, square = (uint64_t)base;
    for (; exponent > 0; exponent /= 2, square *= square) {
        result *= exponent % 2 == 1 ? square : 1;
    }
    return (int64_t)result;
}

/* Within 2.5 units. e^-|x| never overflows, so that small results fade out as they should. */
RLC_INLINE float rlc_sigmoidf(float x) {
    float e = rlc_expf(x < 0.0f ? x : -x);
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

#endif
