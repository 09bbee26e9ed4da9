#include "core/rng.h"

#include <stdlib.h>

/* FNV-1a spreads the name, the finaliser of splitmix64 mixes in the seed. */
uint64_t rlc_stream_key(uint64_t seed, const char *name) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    }
    uint64_t z = hash + seed * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

rlc_stream *rlc_stream_new(rlc_device *device, uint64_t seed, const char *name) {
    rlc_stream *stream = rlc_calloc(1, sizeof *stream);
    rlc_tensor *counter = stream != NULL ? rlc_tensor_new(device, RLC_I64, RLC_SHAPE(1)) : NULL;
    if (counter == NULL) {
        free(stream);
        return NULL;
    }
    stream->key = rlc_stream_key(seed, name);
    stream->counter = counter;
    return stream;
}

void rlc_stream_free(rlc_stream *stream) {
    if (stream != NULL) {
        rlc_tensor_free(stream->counter);
        free(stream);
    }
}
