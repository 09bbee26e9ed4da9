/* priority.c: the trees of prioritised replay (core/priority.h has their layout). */
#include <math.h>

#include "kernels/cpu/isa.h"
#include "kernels/priority_trees.h"

#ifdef RLC_BASE

static void set(const rlc_trees *t, int64_t row, double priority) {
    int64_t at = t->leaves + row;
    t->sum[at] = t->min[at] = priority;
    for (at /= 2; at >= 1; at /= 2) {
        rlc_trees_renew(t, at);
    }
}

static void extend(const rlc_node *node) {
    const rlc_trees t = rlc_trees_of(node->out);
    const rlc_priority *settings = node->aux;
    const double priority = rlc_priority_of(*(const double *)node->in[2]->data, settings);
    const int64_t head = *(const int64_t *)node->in[0]->data;
    if (head < 0 || head >= settings->capacity) {
        rlc_kernel_fail(node, "the cursor is at %lld of a ring of %lld rows", (long long)head,
                        (long long)settings->capacity);
        return;
    }
    for (int64_t i = 0; i < node->p[0].i; i++) {
        set(&t, (head + i) % settings->capacity, priority);
    }
}

static void update(const rlc_node *node) {
    const rlc_trees t = rlc_trees_of(node->out);
    const rlc_priority *settings = node->aux;
    const int64_t *row = node->in[0]->data;
    const float *error = node->in[1]->data;
    double *largest = node->in[2]->data;
    for (int64_t i = 0; i < node->in[0]->numel; i++) {
        const double size = fabs((double)error[i]);
        if (row[i] < 0 || row[i] >= settings->capacity) {
            rlc_kernel_fail(node, "row %lld is outside of a ring of %lld rows", (long long)row[i],
                            (long long)settings->capacity);
            return;
        }
        if (!isfinite(size)) {
            rlc_kernel_fail(node, "the error of row %lld is %g, which is no priority", (long long)row[i],
                            (double)error[i]);
            return;
        }
        *largest = fmax(*largest, size);
        set(&t, row[i], rlc_priority_of(size, settings));
    }
}

static void sample(const rlc_node *node) {
    int64_t *counter = node->in[0]->data, *out = node->out->data;
    const rlc_trees t = rlc_trees_of(node->in[1]);
    const uint64_t key = (uint64_t)node->p[0].i, start = (uint64_t)*counter;
    const int64_t n = node->out->numel;
    if (!(t.sum[1] > 0)) {
        rlc_kernel_fail(node, "there is nothing to choose from: the replay buffer is empty, or none of its rows can be chosen");
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = rlc_trees_draw(&t, key, start, i);
    }
    *counter += (n + 1) / 2;
}

static void weight(const rlc_node *node) {
    const rlc_trees t = rlc_trees_of(node->in[1]);
    const int64_t *row = node->in[0]->data;
    const double beta = (double)*(const float *)node->in[2]->data;
    float *out = node->out->data;
    for (int64_t i = 0; i < node->out->numel; i++) {
        if (row[i] < 0 || row[i] >= t.leaves || !(t.sum[t.leaves + row[i]] > 0)) {
            rlc_kernel_fail(node, "row %lld has no priority", (long long)row[i]);
            return;
        }
        out[i] = rlc_trees_weight(&t, row[i], beta);
    }
}

#endif

void ISA(kernels_priority)(rlc_device *device) {
#ifdef RLC_BASE
    device->kernel[RLC_OP_priority_extend][RLC_F64] = extend;
    device->kernel[RLC_OP_priority_update][RLC_F64] = update;
    device->kernel[RLC_OP_priority_sample][RLC_F64] = sample;
    device->kernel[RLC_OP_priority_weight][RLC_F64] = weight;
#else
    (void)device;
#endif
}
