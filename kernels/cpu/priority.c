/* priority.c: the trees of prioritised replay (core/priority.h has their layout). */
#include <math.h>

#include "core/philox.h"
#include "core/priority.h"
#include "kernels/cpu/isa.h"

#ifdef RLC_BASE

/* The two trees in one tensor. */
typedef struct trees {
    double *sum, *min;
    int64_t leaves;
} trees;

static trees of(const rlc_tensor *t) {
    double *data = t->data;
    return (trees){data, data + t->shape[1], t->shape[1] / 2};
}

static void set(const trees *t, int64_t row, double priority) {
    int64_t at = t->leaves + row;
    t->sum[at] = t->min[at] = priority;
    for (at /= 2; at >= 1; at /= 2) {
        t->sum[at] = t->sum[2 * at] + t->sum[2 * at + 1];
        t->min[at] = fmin(t->min[2 * at], t->min[2 * at + 1]);
    }
}

static double priority_of(double error, const rlc_priority *settings) {
    return pow(error + settings->eps, settings->alpha);
}

static void extend(const rlc_node *node) {
    const trees t = of(node->out);
    const rlc_priority *settings = node->aux;
    const double priority = priority_of(*(const double *)node->in[2]->data, settings);
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
    const trees t = of(node->out);
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
        set(&t, row[i], priority_of(size, settings));
    }
}

/* From the root to the leaf where the sums of all to its left pass `mass`. Never into a part that sums to 0, where
 * rounding might lead. */
static int64_t find(const trees *t, double mass) {
    int64_t at = 1;
    while (at < t->leaves) {
        const double left = t->sum[2 * at];
        const bool right = mass >= left && t->sum[2 * at + 1] > 0;
        mass -= right ? left : 0;
        at = 2 * at + right;
    }
    return at - t->leaves;
}

/* Element i uses two words of a block of four: 53 bits, for 24 would leave rows of a large buffer out. */
static void sample(const rlc_node *node) {
    int64_t *counter = node->in[0]->data, *out = node->out->data;
    const trees t = of(node->in[1]);
    const uint64_t key = (uint64_t)node->p[0].i, start = (uint64_t)*counter;
    const int64_t n = node->out->numel;
    if (!(t.sum[1] > 0)) {
        rlc_kernel_fail(node, "there is nothing to choose from: the replay buffer is empty, or none of its rows can be chosen");
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const rlc_block block = rlc_philox(key, start + (uint64_t)i / 2, 0);
        const int first = i % 2 == 0 ? 0 : 2;
        out[i] = find(&t, rlc_unit_double(block.word[first], block.word[first + 1]) * t.sum[1]);
    }
    *counter += (n + 1) / 2;
}

static void weight(const rlc_node *node) {
    const trees t = of(node->in[1]);
    const int64_t *row = node->in[0]->data;
    const double beta = (double)*(const float *)node->in[2]->data;
    float *out = node->out->data;
    for (int64_t i = 0; i < node->out->numel; i++) {
        if (row[i] < 0 || row[i] >= t.leaves || !(t.sum[t.leaves + row[i]] > 0)) {
            rlc_kernel_fail(node, "row %lld has no priority", (long long)row[i]);
            return;
        }
        out[i] = (float)pow(t.sum[t.leaves + row[i]] / t.min[1], -beta);
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
