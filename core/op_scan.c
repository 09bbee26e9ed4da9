/* op_scan.c: recurrences along one dimension. */
#include "core/record.h"

static rlc_tensor *misfit(const char *what, const rlc_tensor *operand, const rlc_tensor *a, const char *rule) {
    char to[RLC_SHAPE_TEXT], ta[RLC_SHAPE_TEXT];
    return rlc__op_fail("discounted_scan", "%s is %s %s, but a is %s %s: %s", what,
                        rlc_dtype_name((rlc_dtype)operand->dtype), rlc_shape_text(rlc_shape_of(operand), to),
                        rlc_dtype_name((rlc_dtype)a->dtype), rlc_shape_text(rlc_shape_of(a), ta), rule);
}

/* Whether `end` is one step of a along `dim`. */
static bool is_step(const rlc_tensor *end, const rlc_tensor *a, int dim) {
    bool fits = end->dtype == a->dtype && end->ndim == a->ndim;
    for (int i = 0; i < a->ndim && fits; i++) {
        fits = end->shape[i] == (i == dim ? 1 : a->shape[i]);
    }
    return fits;
}

rlc_tensor *rlc_discounted_scan(rlc_tensor *a, rlc_tensor *b, rlc_tensor *end, int dim) {
    rlc_program *p = rlc__require_program("discounted_scan");
    if (p == NULL || a == NULL || b == NULL || (dim = rlc__dim("discounted_scan", a, dim)) < 0) {
        return NULL;
    }
    if (a->ndim == 0) {
        return rlc__op_fail("discounted_scan", "a tensor without dimensions has no steps");
    }
    if (b->dtype != a->dtype || !rlc__same_shape(a, b)) {
        return misfit("b", b, a, "they must be alike");
    }
    if (end != NULL && !is_step(end, a, dim)) {
        return misfit("end", end, a, "it must be one step of it");
    }
    int64_t inner = 1;
    for (int i = dim + 1; i < a->ndim; i++) {
        inner *= a->shape[i];
    }
    a = rlc_contiguous(a);
    b = rlc_contiguous(b);
    end = rlc_contiguous(end);
    rlc_tensor *out = a != NULL && b != NULL ? rlc__result_like(p, (rlc_dtype)a->dtype, a) : NULL;
    if (out == NULL) {
        return NULL;
    }
    *rlc__append(p) = (rlc_node){
        .op = RLC_OP_discounted_scan, .out = out, .in = {a, b, end}, .p = {{.i = a->shape[dim]}, {.i = inner}}};
    return rlc__commit(p, (rlc_dtype)a->dtype);
}
