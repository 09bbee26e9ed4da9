#include "kernels/cuda/signature.cuh"

#include <string.h>

/* The finaliser of splitmix64 over the sum so far and the next word. */
static inline uint64_t mix(uint64_t hash, uint64_t word) {
    uint64_t z = (hash ^ word) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 29)) * 0x94d049bb133111ebu;
    return z ^ (z >> 32);
}

static uint64_t mix_bytes(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = (const unsigned char *)data;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, size - at < 8 ? size - at : 8);
        hash = mix(hash, word);
    }
    return mix(hash, size);
}

static void add_tensor(rlc_trace_of_node *t, const rlc_tensor *x) {
    if (x == NULL) {
        t->rest = mix(t->rest, 0);
        return;
    }
    t->addresses = mix(t->addresses, (uint64_t)(uintptr_t)x->data);
    t->rest = mix(t->rest, 1u | (uint64_t)x->dtype << 8 | (uint64_t)x->ndim << 16);
    for (int d = 0; d < x->ndim; d++) {
        t->rest = mix(mix(t->rest, (uint64_t)x->shape[d]), (uint64_t)x->stride[d]);
    }
}

rlc_trace_of_node rlc__cuda_trace_node(const rlc_node *node) {
    rlc_trace_of_node t = {0, node->op};
    t.rest = mix(t.rest, (uint64_t)(uintptr_t)node->run);
    t.rest = mix(t.rest, (uint64_t)(uintptr_t)node->where);
    for (int i = 0; i < 3; i++) {
        t.rest = mix(t.rest, (uint64_t)node->p[i].i);
    }
    t.rest = mix_bytes(t.rest, node->aux, node->aux_size);
    add_tensor(&t, node->out);
    for (int i = 0; i < 3; i++) {
        add_tensor(&t, node->in[i]);
    }
    for (int i = 0; i < node->num_more; i++) {
        add_tensor(&t, node->more[i]);
    }
    t.rest = mix(t.rest, node->num_more);
    return t;
}

void rlc__cuda_add_to_signature(rlc_signature *s, rlc_trace_of_node node) {
    s->a = mix(mix(s->a, node.addresses), node.rest);
    s->b = mix(mix(s->b, node.rest + 0x9e3779b97f4a7c15u), node.addresses);
}
