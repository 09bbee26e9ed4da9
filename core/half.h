/* half.h: the two types of 16 bits that files of weights have, as float32, which holds all of their values. */
#ifndef RLC_HALF_H
#define RLC_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* IEEE 754 binary16: 1 bit of sign, 5 of exponent with a bias of 15, 10 of fraction. */
static inline float rlc_float16_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float size;
    if (exponent == 31) {
        size = fraction == 0 ? INFINITY : NAN;
    } else {
        size = exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(1024 + fraction), exponent - 25);
    }
    return bits & 0x8000 ? -size : size;
}

/* bfloat16: the upper half of a float32. */
static inline float rlc_bfloat16_value(uint16_t bits) {
    const uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

#endif
