/* op_custom.c: ops that plug-ins bring along. */
#include <string.h>

#include "core/record.h"

/* The description and the caller's aux lie side by side, so that both are part of the node. */
typedef struct custom_aux {
    const rlc_custom_op *op;
    max_align_t data[];
} custom_aux;

static void run_custom(const rlc_node *node) {
    const custom_aux *aux = node->aux;
    rlc_node seen = *node;
    seen.aux = aux->data;
    aux->op->run(&seen);
}

rlc_tensor *rlc_custom(const rlc_custom_op *op, rlc_dtype dtype, rlc_shape shape, rlc_tensor *a, rlc_tensor *b,
                       rlc_tensor *c, const void *data, size_t size) {
    rlc_program *p = rlc__require_program(op->name);
    if (p == NULL || p->status != RLC_OK) {
        return NULL;
    }
    const bool on_host = !p->device->memory.on_host;
    if (on_host && !op->host_fallback) {
        return rlc__op_fail(
            op->name,
            "runs on the host only, and this program is one of device %s; `.host_fallback = true` in its "
            "rlc_custom_op lets it run there all the same",
            p->device->name);
    }
    rlc_tensor *out = rlc__result(p, dtype, shape.ndim, shape.size);
    custom_aux *aux = rlc_arena_alloc(&p->host, sizeof *aux + size, _Alignof(max_align_t));
    if (out == NULL || aux == NULL) {
        return NULL;
    }
    aux->op = op;
    if (size > 0) {
        memcpy(aux->data, data, size);
    }
    a = rlc_contiguous(a);
    b = rlc_contiguous(b);
    c = rlc_contiguous(c);
    *rlc__append(p) = (rlc_node){.op = RLC_OP_custom,
                                 .run = run_custom,
                                 .out = out,
                                 .in = {a, b, c},
                                 .aux = aux,
                                 .aux_size = (uint32_t)(sizeof *aux + size),
                                 .on_host = on_host};
    out = rlc__commit(p, dtype);
    if (out != NULL && on_host) {
        rlc__tell_fallback(p->device, op->name);
    }
    if (out != NULL && op->grad == NULL) {
        out->flags &= (uint8_t)~RLC_REQUIRES_GRAD;
    }
    return out;
}

void rlc__gradient_custom(rlc_program *p, const rlc_node *node, rlc_tensor *g) {
    const custom_aux *aux = node->aux;
    rlc_node seen = *node;
    seen.aux = aux->data;
    for (int i = 0; i < 3 && aux->op->grad != NULL; i++) {
        if (node->needs & (1 << i)) {
            rlc__accumulate(p, node->in[i], aux->op->grad(&seen, g, i));
        }
    }
}
