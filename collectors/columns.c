/* columns.c: a table of tensors, a row for each key. The dict of the first step says how they are put together again. */
#include "collectors/columns.h"

#include "core/record.h"

struct rlc_columns {
    rlc_dict *shape; /* the entries as a dict */
    const rlc_key **key;
    rlc_tensor **tensor; /* [count, steps] */
    int count, steps, taken;
};

static void note_key(const rlc_key *key, rlc_tensor *tensor, void *data) {
    rlc_columns *c = data;
    (void)tensor;
    if (c->key != NULL) {
        c->key[c->count] = key;
    }
    c->count++;
}

rlc_columns *rlc_columns_new(const rlc_dict *first, const rlc_key *const *keys, int count, int steps) {
    rlc_program *p = rlc_current();
    rlc_columns *c = rlc__aux(p, sizeof *c);
    rlc_dict *shape = rlc_dict_select(first, keys, count);
    if (c == NULL || shape == NULL) {
        return NULL;
    }
    *c = (rlc_columns){.shape = shape, .steps = steps};
    rlc_dict_each(shape, note_key, c); /* how many: a key may be that of a nested dict */
    c->key = rlc__aux(p, (size_t)c->count * sizeof *c->key);
    c->tensor = rlc__aux(p, (size_t)c->count * (size_t)steps * sizeof *c->tensor);
    if (c->key == NULL || c->tensor == NULL) {
        return NULL;
    }
    c->count = 0;
    rlc_dict_each(shape, note_key, c);
    return c;
}

void rlc_columns_add(rlc_columns *c, const rlc_dict *td) {
    for (int i = 0; c != NULL && i < c->count; i++) {
        c->tensor[i * c->steps + c->taken] = rlc_dict_get_key(td, c->key[i]);
    }
    if (c != NULL) {
        c->taken++;
    }
}

/* The entries are gone through in the order in which their keys were noted. */
static rlc_tensor *stack_next(rlc_tensor *first, void *data) {
    rlc_columns *c = data;
    (void)first;
    return rlc_stack(c->tensor + c->count++ * c->steps, c->taken, 1);
}

rlc_dict *rlc_columns_stack(rlc_columns *c) {
    if (c == NULL || rlc_current()->status != RLC_OK) {
        return NULL;
    }
    rlc_shape batch = c->shape->batch;
    batch.size[batch.ndim++] = c->taken;
    c->count = 0;
    return rlc_dict_apply(c->shape, batch, stack_next, c);
}
