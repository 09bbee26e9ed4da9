/* look_back.c: transforms that look back, in an environment: it keeps the last moments of their entries, as part of its
 * state, and fills them with the first one where an episode begins. */
#include "core/record.h"
#include "envs/transform.h"

rlc_tensor *rlc__ages_before(rlc_tensor *age, int count) {
    rlc_tensor *back = rlc_reshape(rlc_arange_step(RLC_I64, 1 - count, 1, 1), RLC_SHAPE(count, 1));
    return rlc_maximum(rlc_add(age, back), rlc_zeros(RLC_I64, (rlc_shape){0}));
}

static rlc_shape with_time(int64_t time, const rlc_tensor *x) {
    return rlc_shape_concat(RLC_SHAPE(time), rlc_shape_of(x));
}

static rlc_tensor *keep(rlc_transform *t, const char *what, rlc_dtype dtype, rlc_shape shape) {
    char name[256];
    snprintf(name, sizeof name, "transforms.%d.%s", t->index, what);
    return rlc_state_tensor(t->state, t->device, name, dtype, shape);
}

/* What is kept of entry i, made when that is first seen. */
static rlc_tensor *kept_of(rlc_transform *t, int i, const rlc_tensor *x) {
    if (t->kept == NULL) {
        t->kept = rlc_arena_calloc(t->arena, (size_t)t->entries.count * sizeof *t->kept);
        t->age = keep(t, "age", RLC_I64, RLC_SHAPE(1, x->shape[0]));
    }
    if (t->kept != NULL && t->kept[i] == NULL) {
        t->kept[i] = keep(t, t->entries.in[i]->name, (rlc_dtype)x->dtype, with_time(t->reach, x));
    }
    return t->kept != NULL && t->age != NULL ? t->kept[i] : NULL;
}

/* Sets entry i to what follows from x and the moments before it; returns those and x. */
static rlc_tensor *look(rlc_transform *t, int i, rlc_tensor *before, rlc_tensor *x, rlc_dict *dict) {
    rlc_tensor *moments[] = {before, rlc_unsqueeze(x, 0)};
    rlc_tensor *all = before != NULL ? rlc_concatenate(moments, 2, 0) : NULL;
    rlc_tensor *age = t->wants_age ? rlc__ages_before(t->age, t->reach + 1) : NULL;
    rlc_tensor *seen = all != NULL ? t->type->look_back(t, all, age) : NULL;
    rlc_dict_set_key(dict, t->entries.out[i], rlc_squeeze(seen, 0));
    return all;
}

/* `rows` as they broadcast with moments [reach, N, ...]. */
static rlc_tensor *rows_over_time(rlc_tensor *rows, const rlc_tensor *kept) {
    rlc_shape shape = {.ndim = kept->ndim};
    for (int d = 0; d < kept->ndim; d++) {
        shape.size[d] = d == 1 ? kept->shape[1] : 1;
    }
    return rlc_reshape(rows, shape);
}

/* The first moment stands for all before it. Rows that go on keep theirs, and what they are given here is dropped. */
void rlc__look_back_reset(rlc_transform *t, rlc_dict *root, rlc_tensor *rows) {
    for (int i = 0; i < t->entries.count; i++) {
        rlc_tensor *x = rlc_dict_get_key(root, t->entries.in[i]), *kept = x != NULL ? kept_of(t, i, x) : NULL;
        if (kept == NULL) {
            return;
        }
        if (i == 0) {
            rlc_tensor *zero = rlc_zeros(RLC_I64, (rlc_shape){0});
            rlc_tensor *flags = rows != NULL ? rlc_reshape(rows, RLC_SHAPE(1, -1)) : NULL;
            rlc_assign(t->age, flags != NULL ? rlc_where(flags, zero, t->age) : zero);
        }
        rlc_tensor *first = rlc_expand(rlc_unsqueeze(x, 0), with_time(t->reach, x));
        rlc_tensor *before = rows != NULL ? rlc_where(rows_over_time(rows, kept), first, kept) : rlc_contiguous(first);
        look(t, i, before, x, root);
        rlc_assign(kept, before);
    }
}

void rlc__look_back_step(rlc_transform *t, rlc_dict *next) {
    for (int i = 0; i < t->entries.count; i++) {
        rlc_tensor *x = rlc_dict_get_key(next, t->entries.in[i]), *kept = x != NULL ? kept_of(t, i, x) : NULL;
        if (kept == NULL) {
            return;
        }
        if (i == 0) {
            rlc_assign(t->age, rlc_add_scalar(t->age, 1));
        }
        rlc_tensor *all = look(t, i, kept, x, next);
        rlc_assign(kept, all != NULL ? rlc_slice(all, 0, 1, t->reach) : NULL);
    }
}
