/* finite.c: RLC_CHECK_NAN: the first op whose result is not finite stops its program. */
#include <math.h>
#include <stdlib.h>

#include "core/program.h"

static double element(const rlc_tensor *t, const void *data, int64_t i) {
    return t->dtype == RLC_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* The index of the first element that is not finite, or -1. */
static int64_t first_not_finite(const rlc_tensor *t, const void *data) {
    for (int64_t i = 0; i < t->numel; i++) {
        if (!isfinite(element(t, data, i))) {
            return i;
        }
    }
    return -1;
}

static void report(rlc_program *p, const rlc_node *node, int64_t at, double x) {
    char text[RLC_SHAPE_TEXT];
    p->status = rlc_fail(RLC_FAILED, "%s%sop '%s' in program '%s' gave %s at element %lld of shape %s",
                         node->where != NULL ? node->where : "", node->where != NULL ? ": " : "",
                         rlc_op_name((rlc_op)node->op), p->name,
                         isnan(x) ? "nan"
                         : x > 0  ? "inf"
                                  : "-inf",
                         (long long)at, rlc_shape_text(rlc_shape_of(node->out), text));
}

void rlc__check_finite(rlc_program *p, const rlc_node *node) {
    const rlc_tensor *t = node->out;
    if (!(t->flags & RLC_CONTIGUOUS) || !rlc_dtype_is_float((rlc_dtype)t->dtype)) {
        return;
    }
    rlc_device *device = t->device;
    const size_t size = (size_t)t->numel * rlc_dtype_size((rlc_dtype)t->dtype);
    void *copy = device->memory.on_host ? NULL : rlc_calloc(size, 1);
    const void *data = device->memory.on_host ? t->data : copy;
    if (copy != NULL && device->to_host(device, copy, t->data, size) != RLC_OK) {
        data = NULL;
    }
    if (data == NULL) {
        p->status = rlc_error_status();
    } else {
        const int64_t at = first_not_finite(t, data);
        if (at >= 0) {
            report(p, node, at, element(t, data, at));
        }
    }
    free(copy);
}
