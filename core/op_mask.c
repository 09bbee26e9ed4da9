/* op_mask.c: choosing elements by a mask. How many it chooses is known on the host only, so these ops run what is
 * recorded and read the mask.
 */
#include "core/record.h"

/* Which elements of a mask are true, as numbers of its elements in order; NULL with an error. */
static int64_t *places_of(const char *op, rlc_tensor *mask, int64_t *count) {
    rlc_program *p = rlc_current();
    mask = rlc_contiguous(rlc_cast(mask, RLC_BOOL));
    if (mask == NULL) {
        return NULL;
    }
    if (p->shapes_only) {
        rlc__op_fail(op, "how many elements a mask chooses is not known while only shapes are recorded");
        return NULL;
    }
    uint8_t *values = rlc__aux(p, (size_t)mask->numel + 1);
    int64_t *places = rlc__aux(p, ((size_t)mask->numel + 1) * sizeof *places);
    if (values == NULL || places == NULL || rlc_read(mask, values) != RLC_OK) {
        return NULL;
    }
    *count = 0;
    for (int64_t i = 0; i < mask->numel; i++) {
        if (values[i] != 0) {
            places[(*count)++] = i;
        }
    }
    return places;
}

rlc_tensor *rlc_masked_select(rlc_tensor *x, rlc_tensor *mask) {
    if (x == NULL || mask == NULL || rlc__require_program("masked_select") == NULL) {
        return NULL;
    }
    bool fits = mask->ndim <= x->ndim && x->ndim > 0;
    for (int i = 0; i < mask->ndim && fits; i++) {
        fits = mask->shape[i] == x->shape[i];
    }
    if (!fits) {
        char tm[RLC_SHAPE_TEXT], tx[RLC_SHAPE_TEXT];
        return rlc__op_fail("masked_select", "a mask of shape %s is not the beginning of shape %s",
                            rlc_shape_text(rlc_shape_of(mask), tm), rlc_shape_text(rlc_shape_of(x), tx));
    }
    rlc_shape rows = {.ndim = 1, .size = {mask->numel}};
    for (int i = mask->ndim; i < x->ndim; i++) {
        rows.size[rows.ndim++] = x->shape[i];
    }
    int64_t count;
    const int64_t *places = places_of("masked_select", mask, &count);
    return places != NULL ? rlc_index_select(rlc_reshape(x, rows), rlc_from_data(RLC_I64, RLC_SHAPE(count), places))
                          : NULL;
}

rlc_tensor *rlc_nonzero(rlc_tensor *x) {
    rlc_program *p = rlc__require_program("nonzero");
    int64_t count;
    const int64_t *places = p != NULL && x != NULL ? places_of("nonzero", x, &count) : NULL;
    int64_t *indices = places != NULL ? rlc__aux(p, ((size_t)(count * x->ndim) + 1) * sizeof *indices) : NULL;
    if (indices == NULL) {
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t place = places[i];
        for (int d = x->ndim - 1; d >= 0; place /= x->shape[d--]) {
            indices[i * x->ndim + d] = place % x->shape[d];
        }
    }
    return rlc_from_data(RLC_I64, RLC_SHAPE(count, x->ndim), indices);
}
