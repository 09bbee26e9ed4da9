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

/* What an optimiser's step touches; the buffers that it can do without are NULL. */
typedef struct step {
    const char *op;
    rlc_tensor *param, *grad, *lr;
    struct {
        const char *what;
        rlc_tensor *tensor;
    } buffers[3];
} step;

/* The program to record the step into, or NULL when something is missing or does not fit. */
static rlc_program *begin_step(const step *s) {
    rlc_program *p = rlc__require_program(s->op);
    if (p == NULL || s->param == NULL || s->grad == NULL || s->lr == NULL) {
        return NULL;
    }
    rlc_dtype dtype = (rlc_dtype)s->param->dtype;
    int64_t n = s->param->numel;
    bool good = fits(s->op, "parameter", s->param, dtype, n) && fits(s->op, "gradient", s->grad, dtype, n) &&
                fits(s->op, "learning rate", s->lr, RLC_F32, 1);
    for (int i = 0; i < RLC_COUNT(s->buffers) && good; i++) {
        rlc_tensor *buffer = s->buffers[i].tensor;
        good = buffer == NULL || fits(s->op, s->buffers[i].what, buffer, dtype, n);
    }
    return good ? p : NULL;
}

/* Momentum and its buffer go together. */
static bool has_its_buffer(const char *op, double momentum, const rlc_tensor *buffer) {
    if ((buffer != NULL) == (momentum > 0)) {
        return true;
    }
    rlc__op_fail(op, "a momentum of %g %s buffer", momentum, buffer != NULL ? "takes no" : "needs a");
    return false;
}

/* Appends the node of a step, with copies of its settings and of the operands that three are too few for. */
static void record_step(rlc_program *p, rlc_node node, rlc_tensor *const *more, int count, const void *settings,
                        size_t size) {
    node.more = rlc__aux(p, (size_t)count * sizeof *more);
    void *kept = rlc__aux(p, size);
    if (node.more == NULL || kept == NULL) {
        p->status = rlc_error_status();
        return;
    }
    for (int i = 0; i < count; i++) {
        node.more[i] = more[i];
    }
    node.num_more = (uint16_t)count;
    node.aux = memcpy(kept, settings, size);
    node.aux_size = (uint32_t)size;
    bool was = rlc_no_grad(true);
    *rlc__append(p) = node;
    rlc__commit(p, (rlc_dtype)node.out->dtype);
    rlc_no_grad(was);
}

void rlc_adam_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *exp_avg, rlc_tensor *exp_avg_sq,
                   rlc_tensor *max_exp_avg_sq, rlc_tensor *powers, rlc_tensor *lr, const rlc_adam *settings) {
    rlc_program *p = begin_step(
        &(step){"adam",
                param,
                grad,
                lr,
                {{"first moment", exp_avg}, {"second moment", exp_avg_sq}, {"largest second moment", max_exp_avg_sq}}});
    if (p == NULL || exp_avg == NULL || exp_avg_sq == NULL || powers == NULL ||
        !fits("adam", "powers", powers, RLC_F64, 3)) {
        return;
    }
    rlc_node node = {.op = RLC_OP_adam, .out = param, .in = {grad, exp_avg, exp_avg_sq}};
    rlc_tensor *more[] = {powers, lr, max_exp_avg_sq};
    record_step(p, node, more, max_exp_avg_sq != NULL ? 3 : 2, settings, sizeof *settings);
}

void rlc_sgd_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *momentum_buffer, rlc_tensor *lr,
                  const rlc_sgd *settings) {
    rlc_program *p = begin_step(&(step){"sgd", param, grad, lr, {{"momentum buffer", momentum_buffer}}});
    if (p == NULL || !has_its_buffer("sgd", settings->momentum, momentum_buffer)) {
        return;
    }
    rlc_node node = {.op = RLC_OP_sgd, .out = param, .in = {grad, lr, momentum_buffer}};
    record_step(p, node, NULL, 0, settings, sizeof *settings);
}

void rlc_rmsprop_step(rlc_tensor *param, rlc_tensor *grad, rlc_tensor *square_avg, rlc_tensor *grad_avg,
                      rlc_tensor *momentum_buffer, rlc_tensor *lr, const rlc_rmsprop *settings) {
    rlc_program *p = begin_step(&(step){
        "rmsprop",
        param,
        grad,
        lr,
        {{"average square", square_avg}, {"average gradient", grad_avg}, {"momentum buffer", momentum_buffer}}});
    if (p == NULL || square_avg == NULL || !has_its_buffer("rmsprop", settings->momentum, momentum_buffer)) {
        return;
    }
    rlc_node node = {.op = RLC_OP_rmsprop, .out = param, .in = {grad, square_avg, lr}};
    rlc_tensor *more[2];
    int count = 0;
    if (grad_avg != NULL) {
        more[count++] = grad_avg;
    }
    if (momentum_buffer != NULL) {
        more[count++] = momentum_buffer;
    }
    record_step(p, node, more, count, settings, sizeof *settings);
}

/* Whether there are gradients, of one type and without gaps. */
static bool are_gradients(const char *op, rlc_tensor *const *grads, int count) {
    if (count < 1 || count > UINT16_MAX) {
        rlc__op_fail(op, "needs 1 to %d gradients, got %d", UINT16_MAX, count);
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (grads[i] == NULL || !fits(op, "gradient", grads[i], (rlc_dtype)grads[0]->dtype, grads[i]->numel)) {
            return false;
        }
    }
    return true;
}

rlc_tensor *rlc_clip_grad_norm(rlc_tensor *const *grads, int count, double max_norm) {
    rlc_program *p = rlc__require_program("clip_grad_norm");
    if (p == NULL || !are_gradients("clip_grad_norm", grads, count)) {
        return NULL;
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

void rlc_clip_grad_value(rlc_tensor *const *grads, int count, double max_value) {
    rlc_program *p = rlc__require_program("clip_grad_value");
    if (p == NULL || !are_gradients("clip_grad_value", grads, count)) {
        return;
    }
    bool was = rlc_no_grad(true);
    for (int i = 0; i < count; i++) {
        *rlc__append(p) = (rlc_node){.op = RLC_OP_clip_value, .out = grads[i], .p = {{.f = max_value}}};
        rlc__commit(p, (rlc_dtype)grads[i]->dtype);
    }
    rlc_no_grad(was);
}

void rlc_tally(rlc_tensor *const *totals, rlc_tensor *const *values, int count) {
    rlc_program *p = rlc__require_program("tally");
    if (count < 1 || count > UINT16_MAX / 2) {
        rlc__op_fail("tally", "needs 1 to %d numbers, got %d", UINT16_MAX / 2, count);
        return;
    }
    rlc_tensor **more = p != NULL ? rlc__aux(p, 2 * (size_t)count * sizeof *more) : NULL;
    for (int i = 0; i < count && more != NULL; i++) {
        if (totals[i] == NULL || values[i] == NULL || !fits("tally", "total", totals[i], RLC_F64, 1)) {
            return;
        }
        more[i] = totals[i];
        more[count + i] = values[i]->dtype == RLC_F32 ? values[i] : rlc_cast(values[i], RLC_F64);
        if (more[count + i] == NULL || !fits("tally", "value", more[count + i], (rlc_dtype)more[count + i]->dtype, 1)) {
            return;
        }
    }
    if (more == NULL) {
        return;
    }
    bool was = rlc_no_grad(true);
    *rlc__append(p) = (rlc_node){.op = RLC_OP_tally, .out = totals[0], .more = more, .num_more = (uint16_t)(2 * count)};
    rlc__commit(p, RLC_F64);
    rlc_no_grad(was);
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
