#include "core/priority.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"

rlc_shape rlc_priority_shape(int64_t capacity) {
    int64_t leaves = 1;
    while (leaves < capacity) {
        leaves *= 2;
    }
    return RLC_SHAPE(2, 2 * leaves);
}

/* A sum of nothing is 0, a minimum of nothing the largest number there is. */
rlc_status rlc_priority_clear(rlc_tensor *tree) {
    int64_t nodes = rlc_size(tree, 1);
    double *values = rlc_calloc((size_t)(2 * nodes), sizeof *values);
    if (values == NULL) {
        return rlc_error_status();
    }
    for (int64_t i = 0; i < nodes; i++) {
        values[nodes + i] = DBL_MAX;
    }
    rlc_status status = rlc_tensor_write(tree, values);
    free(values);
    return status;
}

static bool is(const rlc_tensor *t, rlc_dtype dtype, int64_t numel) {
    return t->dtype == dtype && t->numel == numel && (t->flags & RLC_CONTIGUOUS);
}

/* The program to record into, if the trees are such. */
static rlc_program *begin(const char *op, const rlc_tensor *tree) {
    rlc_program *p = rlc__require_program(op);
    if (p == NULL || tree == NULL) {
        return NULL;
    }
    int64_t nodes = rlc_size(tree, -1);
    if (tree->ndim != 2 || tree->shape[0] != 2 || nodes < 2 || (nodes & (nodes - 1)) != 0 ||
        !is(tree, RLC_F64, 2 * nodes)) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "the trees are %s %s; contiguous float64 [2, 2 n] are needed, n a power of two",
                     rlc_dtype_name((rlc_dtype)tree->dtype), rlc_shape_text(rlc_shape_of(tree), text));
        return NULL;
    }
    return p;
}

/* Appends a node that changes the trees. */
static void record(rlc_program *p, rlc_node node, const rlc_priority *settings) {
    rlc_priority *kept = rlc__aux(p, sizeof *kept);
    if (kept == NULL) {
        return;
    }
    node.aux = memcpy(kept, settings, sizeof *kept);
    node.aux_size = sizeof *kept;
    bool was = rlc_no_grad(true);
    *rlc__append(p) = node;
    rlc__commit(p, RLC_F64);
    rlc_no_grad(was);
}

void rlc_priority_extend(rlc_tensor *tree, rlc_tensor *largest, rlc_tensor *cursor, int64_t rows,
                         const rlc_priority *settings) {
    rlc_program *p = begin("priority_extend", tree);
    if (p == NULL || largest == NULL || cursor == NULL) {
        return;
    }
    if (!is(largest, RLC_F64, 1) || !is(cursor, RLC_I64, 2) || rows < 0 || rows > settings->capacity ||
        settings->capacity > tree->shape[1] / 2) {
        rlc__op_fail("priority_extend",
                     "needs one float64, a cursor of two int64, and no more rows (%lld) than the capacity (%lld)",
                     (long long)rows, (long long)settings->capacity);
        return;
    }
    record(p, (rlc_node){.op = RLC_OP_priority_extend, .out = tree, .in = {cursor, NULL, largest}, .p = {{.i = rows}}},
           settings);
}

void rlc_priority_update(rlc_tensor *tree, rlc_tensor *largest, rlc_tensor *index, rlc_tensor *error,
                         const rlc_priority *settings) {
    rlc_program *p = begin("priority_update", tree);
    if (p == NULL || largest == NULL || index == NULL || error == NULL) {
        return;
    }
    if (!is(largest, RLC_F64, 1) || index->dtype != RLC_I64 || error->dtype != RLC_F32 ||
        error->numel != index->numel || settings->capacity > tree->shape[1] / 2) {
        char ti[RLC_SHAPE_TEXT], te[RLC_SHAPE_TEXT];
        rlc__op_fail("priority_update", "errors %s %s do not fit rows %s %s: one float32 for each int64 is needed",
                     rlc_dtype_name((rlc_dtype)error->dtype), rlc_shape_text(rlc_shape_of(error), te),
                     rlc_dtype_name((rlc_dtype)index->dtype), rlc_shape_text(rlc_shape_of(index), ti));
        return;
    }
    rlc_tensor *rows = rlc_contiguous(index), *errors = rlc_contiguous(rlc_detach(error));
    if (rows != NULL && errors != NULL) {
        record(p, (rlc_node){.op = RLC_OP_priority_update, .out = tree, .in = {rows, errors, largest}}, settings);
    }
}

rlc_tensor *rlc_priority_sample(rlc_stream *stream, rlc_tensor *tree, int64_t count) {
    rlc_program *p = begin("priority_sample", tree);
    rlc_tensor *out = p != NULL && stream != NULL ? rlc__result(p, RLC_I64, 1, &count) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){
        .op = RLC_OP_priority_sample, .out = out, .in = {stream->counter, tree}, .p = {{.i = (int64_t)stream->key}}};
    return rlc__commit(p, RLC_F64);
}

rlc_tensor *rlc_priority_weight(rlc_tensor *tree, rlc_tensor *index, rlc_tensor *beta) {
    rlc_program *p = begin("priority_weight", tree);
    if (p == NULL || index == NULL || beta == NULL) {
        return NULL;
    }
    if (index->dtype != RLC_I64 || !is(beta, RLC_F32, 1)) {
        return rlc__op_fail("priority_weight", "needs int64 rows and a beta of one float32");
    }
    index = rlc_contiguous(index);
    rlc_tensor *out = index != NULL ? rlc__result_like(p, RLC_F32, index) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){.op = RLC_OP_priority_weight, .out = out, .in = {index, tree, beta}};
    return rlc__commit(p, RLC_F64);
}
