/* dict_index.c: parts of a dict, chosen along its batch dimensions. */
#include "core/record.h"
#include "tensordict/batch.h"

typedef struct place {
    int dim;
    int64_t at, length;
} place;

static rlc_tensor *select_one(rlc_tensor *tensor, void *data) {
    const place *p = data;
    return rlc_select(tensor, p->dim, p->at);
}

rlc_dict *rlc_dict_at(const rlc_dict *dict, int dim, int64_t index) {
    const int d = dict != NULL ? rlc__dict_dim("dict_at", dict, dim) : -1;
    if (d < 0) {
        return NULL;
    }
    const int64_t size = dict->batch.size[d];
    if (index < -size || index >= size) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_at", "index %lld is outside of dimension %d of the batch shape %s", (long long)index, d,
                     rlc_shape_text(dict->batch, text));
        return NULL;
    }
    rlc_shape batch;
    rlc__shape_replace(dict->batch, d, 1, (rlc_shape){0}, &batch);
    return rlc__dict_rebatch("dict_at", dict, batch, select_one, &(place){d, index < 0 ? index + size : index, 1});
}

static rlc_tensor *slice_one(rlc_tensor *tensor, void *data) {
    const place *p = data;
    return rlc_slice(tensor, p->dim, p->at, p->length);
}

typedef struct choice {
    int dim;
    rlc_tensor *index;
    rlc_shape shape; /* what takes the place of the dimension */
} choice;

/* rlc_index_select takes rows, so another dimension is the first one for a while. */
static rlc_tensor *index_select_one(rlc_tensor *tensor, void *data) {
    const choice *c = data;
    if (c->dim == 0) {
        return rlc_index_select(tensor, c->index);
    }
    rlc_tensor *rows = rlc_index_select(rlc_transpose(tensor, 0, c->dim), c->index);
    return rlc_contiguous(rlc_transpose(rows, 0, c->dim));
}

/* A number of Python's slices: negative ones count from the end, and none is outside. */
static int64_t clamp_to(int64_t at, int64_t size) {
    at = at < 0 ? at + size : at;
    return at < 0 ? 0 : at > size ? size : at;
}

rlc_dict *rlc_dict_slice(const rlc_dict *dict, int dim, int64_t start, int64_t stop, int64_t step) {
    const int d = dict != NULL ? rlc__dict_dim("dict_slice", dict, dim) : -1;
    if (d < 0) {
        return NULL;
    }
    if (step < 1) {
        rlc__op_fail("dict_slice", "the step must be 1 or more, not %lld", (long long)step);
        return NULL;
    }
    rlc_shape batch = dict->batch;
    const int64_t first = clamp_to(start, batch.size[d]), last = clamp_to(stop, batch.size[d]);
    batch.size[d] = last > first ? (last - first - 1) / step + 1 : 0;
    if (step == 1) {
        return rlc__dict_rebatch("dict_slice", dict, batch, slice_one, &(place){d, first, batch.size[d]});
    }
    rlc_tensor *index = rlc_mul_scalar(rlc_arange(RLC_I64, batch.size[d]), (double)step);
    choice c = {.dim = d, .index = rlc_add_scalar(index, (double)first)};
    return rlc__dict_rebatch("dict_slice", dict, batch, index_select_one, &c);
}

static bool is_index(const char *op, const rlc_tensor *index) {
    if (index->dtype != RLC_I64) {
        rlc__op_fail(op, "indices must be int64, got %s%s", rlc_dtype_name((rlc_dtype)index->dtype),
                     index->dtype == RLC_BOOL ? "; for a mask there is rlc_dict_mask" : "");
        return false;
    }
    return true;
}

static rlc_tensor *index_one(rlc_tensor *tensor, void *data) {
    const choice *c = data;
    rlc_tensor *rows = rlc_index_select(tensor, c->index);
    rlc_shape shape;
    if (rows == NULL || c->shape.ndim == 1 || !rlc__shape_replace(rlc_shape_of(rows), 0, 1, c->shape, &shape)) {
        return rows;
    }
    return rlc_reshape(rows, shape);
}

rlc_dict *rlc_dict_index(const rlc_dict *dict, rlc_tensor *index) {
    if (dict == NULL || index == NULL || !is_index("dict_index", index)) {
        return NULL;
    }
    if (dict->batch.ndim == 0) {
        rlc__op_fail("dict_index", "the dict has no batch dimension to choose from");
        return NULL;
    }
    choice c = {.index = index, .shape = rlc_shape_of(index)};
    rlc_shape batch;
    if (!rlc__shape_replace(dict->batch, 0, 1, c.shape, &batch)) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_index", "an index of shape %s in a batch of shape %s gives more than %d dimensions",
                     rlc_shape_text(c.shape, ta), rlc_shape_text(dict->batch, tb), RLC_MAX_DIMS);
        return NULL;
    }
    c.index = index->ndim == 1 ? index : rlc_reshape(index, RLC_SHAPE(index->numel));
    return rlc__dict_rebatch("dict_index", dict, batch, index_one, &c);
}

rlc_dict *rlc_dict_index_select(const rlc_dict *dict, int dim, rlc_tensor *index) {
    if (dict == NULL || index == NULL || !is_index("dict_index_select", index)) {
        return NULL;
    }
    choice c = {.dim = rlc__dict_dim("dict_index_select", dict, dim), .index = index};
    if (c.dim < 0) {
        return NULL;
    }
    if (index->ndim != 1) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_index_select", "the index must have one dimension, not the shape %s",
                     rlc_shape_text(rlc_shape_of(index), text));
        return NULL;
    }
    rlc_shape batch = dict->batch;
    batch.size[c.dim] = index->numel;
    return rlc__dict_rebatch("dict_index_select", dict, batch, index_select_one, &c);
}

/* The places at which the mask is true, as an index into it flattened. */
static rlc_tensor *true_places(rlc_tensor *mask) {
    rlc_program *p = rlc_current();
    uint8_t *on = rlc_arena_alloc(&p->host, (size_t)mask->numel + 1, RLC_ALIGN_STRUCT);
    int64_t *places = rlc_arena_alloc(&p->host, ((size_t)mask->numel + 1) * sizeof *places, RLC_ALIGN_STRUCT);
    rlc_status status = on != NULL && places != NULL ? rlc_read(mask, on) : rlc_error_status();
    if (status != RLC_OK) {
        p->status = p->status != RLC_OK ? p->status : status;
        return NULL;
    }
    int64_t count = 0;
    for (int64_t i = 0; i < mask->numel; i++) {
        places[count] = i;
        count += on[i] != 0; /* a file may hold other bytes than 0 and 1 */
    }
    return rlc_from_data(RLC_I64, RLC_SHAPE(count), places);
}

/* c->dim is how many dimensions the mask has. */
static rlc_tensor *mask_one(rlc_tensor *tensor, void *data) {
    const choice *c = data;
    rlc_shape shape;
    rlc__shape_replace(rlc_shape_of(tensor), 0, c->dim, c->shape, &shape);
    return rlc_index_select(rlc_reshape(tensor, shape), c->index);
}

rlc_dict *rlc_dict_mask(const rlc_dict *dict, rlc_tensor *mask) {
    rlc_program *p = rlc__require_program("dict_mask");
    if (p == NULL || dict == NULL || mask == NULL) {
        return NULL;
    }
    bool fits = mask->dtype == RLC_BOOL && mask->ndim > 0 && mask->ndim <= dict->batch.ndim;
    for (int i = 0; i < mask->ndim && fits; i++) {
        fits = mask->shape[i] == dict->batch.size[i];
    }
    if (!fits) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_mask", "needs a bool tensor of the first sizes of the batch shape %s, got %s %s",
                     rlc_shape_text(dict->batch, ta), rlc_dtype_name((rlc_dtype)mask->dtype),
                     rlc_shape_text(rlc_shape_of(mask), tb));
        return NULL;
    }
    choice c = {.dim = mask->ndim, .index = true_places(mask), .shape = RLC_SHAPE(mask->numel)};
    if (c.index == NULL) {
        return NULL;
    }
    rlc_shape batch;
    rlc__shape_replace(dict->batch, 0, mask->ndim, RLC_SHAPE(c.index->numel), &batch);
    return rlc__dict_rebatch("dict_mask", dict, batch, mask_one, &c);
}

/* The index gets the tensor's further dimensions at its end, and is repeated along them. */
static rlc_tensor *gather_one(rlc_tensor *tensor, void *data) {
    const choice *c = data;
    rlc_tensor *index = c->index;
    for (int i = index->ndim; i < tensor->ndim; i++) {
        index = rlc_unsqueeze(index, -1);
    }
    rlc_shape shape = rlc_shape_of(tensor);
    shape.size[c->dim] = c->index->shape[c->dim];
    return rlc_gather(tensor, c->dim, rlc_expand(index, shape));
}

rlc_dict *rlc_dict_gather(const rlc_dict *dict, int dim, rlc_tensor *index) {
    if (dict == NULL || index == NULL || !is_index("dict_gather", index)) {
        return NULL;
    }
    choice c = {.dim = rlc__dict_dim("dict_gather", dict, dim), .index = index};
    if (c.dim < 0) {
        return NULL;
    }
    bool fits = index->ndim > c.dim && index->ndim <= dict->batch.ndim;
    for (int i = 0; i < index->ndim && fits; i++) {
        fits = i == c.dim || index->shape[i] == dict->batch.size[i] || index->shape[i] == 1;
    }
    if (!fits) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_gather", "an index of shape %s does not fit the batch shape %s along dimension %d",
                     rlc_shape_text(rlc_shape_of(index), ta), rlc_shape_text(dict->batch, tb), c.dim);
        return NULL;
    }
    rlc_shape batch = dict->batch;
    batch.size[c.dim] = index->shape[c.dim];
    return rlc__dict_rebatch("dict_gather", dict, batch, gather_one, &c);
}
