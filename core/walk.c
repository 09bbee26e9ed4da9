/* walk.c: how an element-wise kernel gets from element to element of operands that broadcast or have gaps. */
#include <string.h>

#include "core/record.h"

/* Merges a dimension into the one inside it where every operand steps over both as over one. */
static void merge(rlc_walk *w, int operands) {
    int kept = (int)w->ndim - 1;
    for (int i = (int)w->ndim - 2; i >= 0; i--) {
        if (w->dim[i].size == 1) {
            continue;
        }
        if (w->dim[kept].size == 1) {
            w->dim[kept] = w->dim[i];
            continue;
        }
        bool merges = true;
        for (int k = 0; k < operands && merges; k++) {
            merges = w->dim[i].stride[k] == w->dim[kept].stride[k] * w->dim[kept].size;
        }
        if (merges) {
            w->dim[kept].size *= w->dim[i].size;
        } else {
            w->dim[--kept] = w->dim[i];
        }
    }
    for (int i = kept; i < w->ndim; i++) {
        w->dim[i - kept] = w->dim[i];
    }
    w->ndim -= kept;
}

static void walk_in_general(rlc_walk *w, const rlc_tensor *out, rlc_tensor *const *in, int count) {
    w->ndim = out->ndim > 0 ? out->ndim : 1;
    w->dim[0].size = 1;
    for (int i = 0; i < out->ndim; i++) {
        w->dim[i].size = out->shape[i];
    }
    for (int k = 0; k <= count; k++) {
        const rlc_tensor *t = k == 0 ? out : in[k - 1];
        const int missing = (int)w->ndim - t->ndim;
        for (int i = 0; i < w->ndim; i++) {
            bool steps = i >= missing && t->shape[i - missing] != 1;
            w->dim[i].stride[k] = steps ? t->stride[i - missing] : 0;
        }
    }
    merge(w, count + 1);
}

/* The common cases at little cost: all operands are contiguous, and each is as large as out, or one number, or a row of
 * out's last `row` elements that repeats. */
static bool walk_by_rows(rlc_walk *w, const rlc_tensor *out, rlc_tensor *const *in, int count) {
    int64_t row = 0;
    if (!(out->flags & RLC_CONTIGUOUS)) {
        return false;
    }
    for (int k = 0; k < count; k++) {
        const rlc_tensor *t = in[k];
        bool simple = t->numel == out->numel || t->numel == 1;
        if (!(t->flags & RLC_CONTIGUOUS) || (!simple && ((row != 0 && row != t->numel) || !rlc__is_suffix(t, out)))) {
            return false;
        }
        row = simple ? row : t->numel;
    }
    const int last = row != 0;
    w->ndim = last + 1;
    w->dim[0].size = row != 0 ? out->numel / row : out->numel;
    w->dim[last].size = row != 0 ? row : out->numel;
    w->dim[0].stride[0] = row;
    w->dim[last].stride[0] = 1;
    for (int k = 0; k < count; k++) {
        const int64_t numel = in[k]->numel;
        w->dim[0].stride[k + 1] = numel == out->numel ? row : 0;
        w->dim[last].stride[k + 1] = numel == out->numel || numel == row;
    }
    return true;
}

bool rlc__walk_over(rlc_program *p, const rlc_tensor *out, rlc_tensor *const *in, int count, const rlc_walk **walk) {
    if (p->shapes_only) {
        *walk = NULL;
        return true;
    }
    const size_t bytes = rlc__walk_bytes(out->ndim > 2 ? out->ndim : 2);
    rlc_walk *w = rlc__aux(p, bytes);
    if (w == NULL) {
        p->status = rlc_error_status();
        return false;
    }
    memset(w, 0, bytes); /* a node's bytes say whether two lists are the same */
    if (!walk_by_rows(w, out, in, count)) {
        walk_in_general(w, out, in, count);
    }
    *walk = w;
    return true;
}
