/* walk.c: the loop around the element-wise loops, compiled once. */
#include "kernels/cpu/isa.h"

void rlc__cpu_walk(const rlc_node *node, rlc_inner *inner) {
    static const int64_t ones[4] = {1, 1, 1, 1};
    const rlc_tensor *operand[4] = {node->out, node->in[0], node->in[1], node->in[2]};
    char *at[4] = {0};
    int64_t size[4] = {0};
    for (int k = 0; k < 4; k++) {
        if (operand[k] != NULL) {
            at[k] = operand[k]->data;
            size[k] = (int64_t)rlc_dtype_size((rlc_dtype)operand[k]->dtype);
        }
    }
    const rlc_walk *walk = node->aux;
    if (walk == NULL) {
        inner(node->out->numel, at, ones, node->p);
        return;
    }
    if (node->out->numel == 0) {
        return;
    }
    int last = walk->ndim - 1;
    int64_t stride[4], index[RLC_MAX_DIMS] = {0};
    for (int k = 0; k < 4; k++) {
        stride[k] = operand[k] != NULL ? walk->stride[k][last] : 0;
    }
    for (;;) {
        inner(walk->size[last], at, stride, node->p);
        int d = last - 1;
        for (; d >= 0; d--) {
            for (int k = 0; k < 4; k++) {
                at[k] += operand[k] != NULL ? walk->stride[k][d] * size[k] : 0;
            }
            if (++index[d] < walk->size[d]) {
                break;
            }
            for (int k = 0; k < 4; k++) {
                at[k] -= operand[k] != NULL ? walk->stride[k][d] * size[k] * walk->size[d] : 0;
            }
            index[d] = 0;
        }
        if (d < 0) {
            return;
        }
    }
}
