/* rng.h: streams of random numbers.
 *
 * A stream is (seed, name, counter): the key is made of the first two, so every user of randomness ("env", "init",
 * "modules.explore") has its own, and adding one changes no other. The counter is a tensor on the device that moves on
 * as draws run; saving it is all that a resume needs.
 *
 *     rlc_stream *stream = rlc_stream_new(cpu, 1, "env");
 *     rlc_tensor *u = rlc_rand(stream, RLC_SHAPE(4));
 */
#ifndef RLC_RNG_H
#define RLC_RNG_H

#include "core/tensor.h"

RLC_BEGIN

typedef struct rlc_stream {
    uint64_t key;
    rlc_tensor *counter; /* int64, one element: blocks of four words drawn so far */
} rlc_stream;

rlc_stream *rlc_stream_new(rlc_device *device, uint64_t seed, const char *name);
void rlc_stream_free(rlc_stream *stream);

uint64_t rlc_stream_key(uint64_t seed, const char *name);

RLC_END

#endif
