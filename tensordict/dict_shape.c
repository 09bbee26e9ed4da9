/* dict_shape.c: other batch shapes for the same elements. */
#include "core/record.h"
#include "tensordict/batch.h"

/* What each tensor's leading dimensions become. */
typedef struct leading {
    rlc_shape batch;
    int skip; /* leading dimensions of each tensor that were the batch */
} leading;

static rlc_shape with_leading(const rlc_tensor *tensor, const leading *to) {
    rlc_shape shape = to->batch;
    for (int i = to->skip; i < tensor->ndim && shape.ndim < RLC_MAX_DIMS; i++) {
        shape.size[shape.ndim++] = tensor->shape[i];
    }
    return shape;
}

static rlc_tensor *reshape_one(rlc_tensor *tensor, void *data) {
    return rlc_reshape(tensor, with_leading(tensor, data));
}

/* Fills in a size of -1; false when the shape does not hold `total` elements. */
static bool complete(rlc_shape *shape, int64_t total) {
    int64_t known = 1;
    int unknown = -1, unknowns = 0;
    for (int i = 0; i < shape->ndim; i++) {
        bool open = shape->size[i] == -1;
        unknown = open ? i : unknown;
        unknowns += open;
        if ((!open && shape->size[i] < 0) || __builtin_mul_overflow(known, open ? 1 : shape->size[i], &known)) {
            return false;
        }
    }
    if (unknowns == 1 && known > 0) {
        shape->size[unknown] = total / known;
        known *= shape->size[unknown];
    }
    return known == total && (unknowns == 0 || (unknowns == 1 && shape->size[unknown] >= 0));
}

static rlc_dict *reshape(const char *op, const rlc_dict *dict, rlc_shape batch) {
    const rlc_shape asked = batch;
    if (!complete(&batch, rlc_shape_numel(dict->batch))) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail(op, "batch shape %s cannot become %s", rlc_shape_text(dict->batch, ta), rlc_shape_text(asked, tb));
        return NULL;
    }
    return rlc__dict_rebatch(op, dict, batch, reshape_one, &(leading){batch, dict->batch.ndim});
}

rlc_dict *rlc_dict_reshape(const rlc_dict *dict, rlc_shape batch) {
    return dict != NULL ? reshape("dict_reshape", dict, batch) : NULL;
}

static bool has_gaps(const rlc_tensor *tensor, const void *data) {
    (void)data;
    return !(tensor->flags & RLC_CONTIGUOUS);
}

rlc_dict *rlc_dict_view(const rlc_dict *dict, rlc_shape batch) {
    char key[RLC__PATH_TEXT], text[RLC_SHAPE_TEXT];
    const rlc_tensor *gaps = dict != NULL ? rlc__dict_first(dict, has_gaps, NULL, key) : NULL;
    if (gaps != NULL) {
        rlc__op_fail("dict_view", "'%s' of shape %s is not contiguous and would be copied; use rlc_dict_reshape", key,
                     rlc_shape_text(rlc_shape_of(gaps), text));
        return NULL;
    }
    return dict != NULL ? reshape("dict_view", dict, batch) : NULL;
}

rlc_dict *rlc_dict_flatten(const rlc_dict *dict, int first_dim, int last_dim) {
    if (dict == NULL) {
        return NULL;
    }
    if (dict->batch.ndim == 0 && first_dim >= -1 && first_dim <= 0 && last_dim >= -1 && last_dim <= 0) {
        return reshape("dict_flatten", dict, RLC_SHAPE(1)); /* as PyTorch flattens a number */
    }
    const int first = rlc__dict_dim("dict_flatten", dict, first_dim);
    const int last = first >= 0 ? rlc__dict_dim("dict_flatten", dict, last_dim) : -1;
    if (last < 0) {
        return NULL;
    }
    if (first > last) {
        rlc__op_fail("dict_flatten", "the first dimension, %d, comes after the last, %d", first, last);
        return NULL;
    }
    rlc_shape batch, merged = RLC_SHAPE(1);
    for (int i = first; i <= last; i++) {
        merged.size[0] *= dict->batch.size[i];
    }
    rlc__shape_replace(dict->batch, first, last - first + 1, merged, &batch);
    return reshape("dict_flatten", dict, batch);
}

rlc_dict *rlc_dict_unflatten(const rlc_dict *dict, int dim, rlc_shape sizes) {
    const int at = dict != NULL ? rlc__dict_dim("dict_unflatten", dict, dim) : -1;
    if (at < 0) {
        return NULL;
    }
    const rlc_shape asked = sizes;
    rlc_shape batch;
    if (!complete(&sizes, dict->batch.size[at]) || !rlc__shape_replace(dict->batch, at, 1, sizes, &batch)) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_unflatten", "dimension %d of the batch shape %s cannot become %s", dim,
                     rlc_shape_text(dict->batch, ta), rlc_shape_text(asked, tb));
        return NULL;
    }
    return reshape("dict_unflatten", dict, batch);
}

/* Bit i: dimension i goes. */
static rlc_tensor *squeeze_one(rlc_tensor *tensor, void *data) {
    const unsigned gone = *(const unsigned *)data;
    for (int i = RLC_MAX_DIMS - 1; i >= 0; i--) {
        tensor = gone >> i & 1 ? rlc_squeeze(tensor, i) : tensor;
    }
    return tensor;
}

rlc_dict *rlc_dict_squeeze(const rlc_dict *dict, int dim) {
    if (dict == NULL) {
        return NULL;
    }
    const int only = dim == RLC_ALL ? RLC_ALL : rlc__dict_dim("dict_squeeze", dict, dim);
    if (only < 0) {
        return NULL;
    }
    rlc_shape batch = {0};
    unsigned gone = 0;
    for (int i = 0; i < dict->batch.ndim; i++) {
        if (dict->batch.size[i] == 1 && (only == RLC_ALL || only == i)) {
            gone |= 1u << i;
        } else {
            batch.size[batch.ndim++] = dict->batch.size[i];
        }
    }
    return rlc__dict_rebatch("dict_squeeze", dict, batch, squeeze_one, &gone);
}

static rlc_tensor *unsqueeze_one(rlc_tensor *tensor, void *data) {
    return rlc_unsqueeze(tensor, *(const int *)data);
}

rlc_dict *rlc_dict_unsqueeze(const rlc_dict *dict, int dim) {
    if (dict == NULL) {
        return NULL;
    }
    int at = dim < 0 ? dim + dict->batch.ndim + 1 : dim;
    rlc_shape batch;
    if (at < 0 || at > dict->batch.ndim || !rlc__shape_replace(dict->batch, at, 0, RLC_SHAPE(1), &batch)) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_unsqueeze", "dimension %d cannot be put into the batch shape %s", dim,
                     rlc_shape_text(dict->batch, text));
        return NULL;
    }
    return rlc__dict_rebatch("dict_unsqueeze", dict, batch, unsqueeze_one, &at);
}

static rlc_tensor *transpose_one(rlc_tensor *tensor, void *data) {
    const int *dims = data;
    return rlc_transpose(tensor, dims[0], dims[1]);
}

rlc_dict *rlc_dict_transpose(const rlc_dict *dict, int dim_a, int dim_b) {
    if (dict == NULL) {
        return NULL;
    }
    int dims[] = {rlc__dict_dim("dict_transpose", dict, dim_a), rlc__dict_dim("dict_transpose", dict, dim_b)};
    if (dims[0] < 0 || dims[1] < 0) {
        return NULL;
    }
    rlc_shape batch = dict->batch;
    batch.size[dims[0]] = dict->batch.size[dims[1]];
    batch.size[dims[1]] = dict->batch.size[dims[0]];
    return rlc__dict_rebatch("dict_transpose", dict, batch, transpose_one, dims);
}

typedef struct order {
    int count, dims[RLC_MAX_DIMS];
} order;

/* One transposition brings a dimension to its place for good. */
static rlc_tensor *permute_one(rlc_tensor *tensor, void *data) {
    const order *o = data;
    int at[RLC_MAX_DIMS]; /* which of the old dimensions is where */
    for (int i = 0; i < o->count; i++) {
        at[i] = i;
    }
    for (int i = 0; i < o->count; i++) {
        int from = i;
        while (at[from] != o->dims[i]) {
            from++;
        }
        if (from != i) {
            tensor = rlc_transpose(tensor, i, from);
            at[from] = at[i];
            at[i] = o->dims[i];
        }
    }
    return tensor;
}

rlc_dict *rlc_dict_permute(const rlc_dict *dict, const int *dims, int count) {
    if (dict == NULL) {
        return NULL;
    }
    order o = {.count = count};
    rlc_shape batch = {.ndim = count};
    unsigned seen = 0;
    bool good = count == dict->batch.ndim;
    for (int i = 0; i < count && good; i++) {
        o.dims[i] = rlc__dict_dim("dict_permute", dict, dims[i]);
        if (o.dims[i] < 0) {
            return NULL;
        }
        batch.size[i] = dict->batch.size[o.dims[i]];
        good = !(seen >> o.dims[i] & 1);
        seen |= 1u << o.dims[i];
    }
    if (!good) {
        char text[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_permute", "needs each of the %d dimensions of the batch shape %s once", dict->batch.ndim,
                     rlc_shape_text(dict->batch, text));
        return NULL;
    }
    return rlc__dict_rebatch("dict_permute", dict, batch, permute_one, &o);
}

static rlc_tensor *expand_one(rlc_tensor *tensor, void *data) {
    return rlc_expand(tensor, with_leading(tensor, data));
}

rlc_dict *rlc_dict_expand(const rlc_dict *dict, rlc_shape batch) {
    if (dict == NULL) {
        return NULL;
    }
    const int added = batch.ndim - dict->batch.ndim;
    bool good = added >= 0;
    for (int i = 0; i < batch.ndim && good; i++) {
        const int64_t size = i < added ? 1 : dict->batch.size[i - added];
        good = size == batch.size[i] || (size == 1 && batch.size[i] >= 0);
    }
    if (!good) {
        char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
        rlc__op_fail("dict_expand", "the batch shape %s does not broadcast to %s", rlc_shape_text(dict->batch, ta),
                     rlc_shape_text(batch, tb));
        return NULL;
    }
    return rlc__dict_rebatch("dict_expand", dict, batch, expand_one, &(leading){batch, dict->batch.ndim});
}
