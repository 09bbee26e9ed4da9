/* walk.c: the loop around the element-wise loops, compiled once. */
#include "kernels/cpu/isa.h"

void rlc__cpu_walk(const rlc_node *node, rlc_inner *inner) {
    static const int64_t ones[4] = {1, 1, 1, 1};
    const rlc_tensor *operand[4] = {node->out, node->in[0], node->in[1], node->in[2]};
    char *at[4] = {0};
    int operands = 0;
    for (; operands < 4 && operand[operands] != NULL; operands++) {
        at[operands] = operand[operands]->data;
    }
    const rlc_walk *walk = node->aux;
    if (walk == NULL) {
        inner(node->out->numel, at, ones, node->p);
        return;
    }
    if (walk->ndim == 1) {
        inner(walk->dim[0].size, at, walk->dim[0].stride, node->p);
        return;
    }
    if (node->out->numel == 0) {
        return;
    }
    int64_t size[4];
    for (int k = 0; k < operands; k++) {
        size[k] = (int64_t)rlc_dtype_size((rlc_dtype)operand[k]->dtype);
    }
    const int last = (int)walk->ndim - 1;
    int64_t index[RLC_MAX_DIMS] = {0};
    for (;;) {
        inner(walk->dim[last].size, at, walk->dim[last].stride, node->p);
        int d = last - 1;
        for (; d >= 0; d--) {
            for (int k = 0; k < operands; k++) {
                at[k] += walk->dim[d].stride[k] * size[k];
            }
            if (++index[d] < walk->dim[d].size) {
                break;
            }
            for (int k = 0; k < operands; k++) {
                at[k] -= walk->dim[d].stride[k] * size[k] * walk->dim[d].size;
            }
            index[d] = 0;
        }
        if (d < 0) {
            return;
        }
    }
}
