#include "core/update.h"

#include <string.h>

#include "core/record.h"

/* Whether t is what a kernel of flat loops wants; if not, says what is wrong with it. */
static bool fits(const char *op, const char *what, const rlc_tensor *t, rlc_dtype dtype, int64_t numel) {
    if (t->dtype == dtype && t->numel == numel && (t->flags & RLC_CONTIGUOUS)) {
        return true;
    }
    char text[RLC_SHAPE_TEXT];
    rlc__op_fail(op, "the %s is %s %s%s; %lld contiguous elements of %s are needed", what,
                 rlc_dtype_name((rlc_dtype)t->dtype), rlc_shape_text(rlc_shape_of(t), text),
                 t->flags & RLC_CONTIGUOUS ? "" : " with gaps", (long long)numel, rlc_dtype_name(dtype));
    return false;
}

void rlc_adam_tick(rlc_tensor *powers, const rlc_adam *settings) {
    rlc_program *p = rlc__require_program("adam");
    int64_t rows = powers != NULL && rlc_size(powers, -1) == 3 ? powers->numel / 3 : 1;
    if (p == NULL || powers == NULL || !fits("adam", "powers", powers, RLC_F64, 3 * rows)) {
        return;
    }
    *rlc__append(p) =
        (rlc_node){.op = RLC_OP_adam_tick, .out = powers, .p = {{.f = settings->beta1}, {.f = settings->beta2}}};
    rlc__commit(p, RLC_F64);
}

void rlc_adam_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *exp_avg, rlc_tensor *exp_avg_sq, rlc_tensor *powers,
                   rlc_tensor *lr, const rlc_adam *settings) {
    rlc_program *p = rlc__require_program("adam");
    if (p == NULL || param == NULL || grad == NULL || exp_avg == NULL || exp_avg_sq == NULL || powers == NULL ||
        lr == NULL) {
        return;
    }
    rlc_dtype dtype = (rlc_dtype)param->dtype;
    int64_t n = param->numel;
    if (!fits("adam", "parameter", param, dtype, n) || !fits("adam", "gradient", grad, dtype, n) ||
        !fits("adam", "first moment", exp_avg, dtype, n) || !fits("adam", "second moment", exp_avg_sq, dtype, n) ||
        !fits("adam", "powers", powers, RLC_F64, 3) || !fits("adam", "learning rate", lr, RLC_F32, 1)) {
        return;
    }
    rlc_tensor **more = rlc__aux(p, 2 * sizeof *more);
    rlc_adam *kept = rlc__aux(p, sizeof *kept);
    if (more == NULL || kept == NULL) {
        p->status = rlc_error_status();
        return;
    }
    more[0] = powers;
    more[1] = lr;
    *kept = *settings;
    bool was = rlc_no_grad(true);
    *rlc__append(p) = (rlc_node){.op = RLC_OP_adam,
                                 .out = param,
                                 .in = {grad, exp_avg, exp_avg_sq},
                                 .more = more,
                                 .num_more = 2,
                                 .aux = kept,
                                 .aux_size = sizeof *kept};
    rlc__commit(p, (rlc_dtype)param->dtype);
    rlc_no_grad(was);
}

rlc_tensor *rlc_clip_grad_norm(rlc_tensor *const *grads, int count, double max_norm) {
    rlc_program *p = rlc__require_program("clip_grad_norm");
    if (p == NULL || count < 1 || count > UINT16_MAX) {
        return p == NULL ? NULL : rlc__op_fail("clip_grad_norm", "needs 1 to %d gradients, got %d", UINT16_MAX, count);
    }
    for (int i = 0; i < count; i++) {
        if (grads[i] == NULL ||
            !fits("clip_grad_norm", "gradient", grads[i], (rlc_dtype)grads[0]->dtype, grads[i]->numel)) {
            return NULL;
        }
    }
    rlc_tensor **more = rlc__aux(p, (size_t)count * sizeof *more);
    rlc_tensor *norm = rlc_empty((rlc_dtype)grads[0]->dtype, (rlc_shape){0});
    if (more == NULL || norm == NULL) {
        return NULL;
    }
    memcpy(more, grads, (size_t)count * sizeof *more);
    *rlc__append(p) = (rlc_node){
        .op = RLC_OP_clip_norm, .out = norm, .more = more, .num_more = (uint16_t)count, .p = {{.f = max_norm}}};
    return rlc__commit(p, (rlc_dtype)norm->dtype);
}

void rlc_lerp(rlc_tensor *target, rlc_tensor *online, double tau) {
    rlc_program *p = rlc__require_program("lerp");
    if (p == NULL || target == NULL || online == NULL) {
        return;
    }
    if (!fits("lerp", "target", target, (rlc_dtype)target->dtype, target->numel) ||
        !fits("lerp", "source", online, (rlc_dtype)target->dtype, target->numel)) {
        return;
    }
    bool was = rlc_no_grad(true);
    *rlc__append(p) = (rlc_node){.op = RLC_OP_lerp, .out = target, .in = {online}, .p = {{.f = tau}}};
    rlc__commit(p, (rlc_dtype)target->dtype);
    rlc_no_grad(was);
}

void rlc_ring_write(rlc_tensor *storage, rlc_tensor *rows, rlc_tensor *cursor) {
    rlc_program *p = rlc__require_program("ring_write");
    if (p == NULL || storage == NULL || rows == NULL || cursor == NULL) {
        return;
    }
    if (!fits("ring_write", "cursor", cursor, RLC_I64, 2) ||
        !fits("ring_write", "storage", storage, (rlc_dtype)storage->dtype, storage->numel)) {
        return;
    }
    char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    rlc_shape row = rlc_shape_of(rows);
    row.size[0] = storage->shape[0];
    if (rows->ndim == 0 || storage->ndim == 0 || rows->dtype != storage->dtype ||
        !rlc_shape_equal(row, rlc_shape_of(storage)) || rows->shape[0] > storage->shape[0]) {
        rlc__op_fail("ring_write", "rows %s (%s) do not fit a storage of %s (%s)",
                     rlc_shape_text(rlc_shape_of(rows), ta), rlc_dtype_name((rlc_dtype)rows->dtype),
                     rlc_shape_text(rlc_shape_of(storage), tb), rlc_dtype_name((rlc_dtype)storage->dtype));
        return;
    }
    rows = rlc_contiguous(rows);
    *rlc__append(p) = (rlc_node){.op = RLC_OP_ring_write, .out = storage, .in = {rows, cursor}};
    rlc__commit(p, (rlc_dtype)storage->dtype);
}

void rlc_ring_advance(rlc_tensor *cursor, int64_t rows, int64_t capacity) {
    rlc_program *p = rlc__require_program("ring_advance");
    if (p == NULL || cursor == NULL || !fits("ring_advance", "cursor", cursor, RLC_I64, 2)) {
        return;
    }
    if (rows < 0 || capacity < 1) {
        rlc__op_fail("ring_advance", "cannot move by %lld rows in a ring of %lld", (long long)rows,
                     (long long)capacity);
        return;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_ring_advance, .out = cursor, .p = {{.i = rows}, {.i = capacity}}};
    rlc__commit(p, RLC_I64);
}
