/* cat_tensors.c: several entries joined into one. Entries that another transform goes on from in the next step, counts and
 * sums say, need del_keys: false. */
#include <stdlib.h>
#include <string.h>

#include "envs/transform.h"

enum { MAX_JOINED = 32 };

typedef struct CatTensors {
    rlc_transform base;
    rlc_strings in_keys;
    const char *out_key;
    int dim;
    bool del_keys, sort;
    rlc_key_pairs keys;
    const rlc_key *out;
} CatTensors;

static const rlc_option options[] = {
    RLC_STRINGS(CatTensors, in_keys, NULL, "the entries that are joined", .required = true),
    RLC_STRING(CatTensors, out_key, "observation_vector", "where the result is written"),
    RLC_INT(CatTensors, dim, -1, -8, -1, "along which dimension"),
    RLC_BOOL_OPTION(CatTensors, del_keys, true, "drop the entries afterwards"),
    RLC_BOOL_OPTION(CatTensors, sort, true, "join them in the order of their names, not in the given one"),
    {0},
};

static int by_name(const void *a, const void *b) {
    return strcmp((*(const rlc_key *const *)a)->name, (*(const rlc_key *const *)b)->name);
}

static void init(rlc_transform *self, rlc_env *env) {
    CatTensors *c = (CatTensors *)self;
    rlc_transform_keys(self, c->in_keys, (rlc_strings){0}, &c->keys);
    c->out = rlc_key_intern(c->out_key);
    if (c->keys.count > MAX_JOINED) {
        rlc_value_fail(self->options, "%s: at most %d entries can be joined", self->path, MAX_JOINED);
        return;
    }
    if (c->sort && c->keys.in != NULL) {
        qsort((void *)c->keys.in, (size_t)c->keys.count, sizeof *c->keys.in, by_name);
    }
    for (int i = 0; i < c->keys.count && c->keys.in != NULL && c->del_keys; i++) {
        env->observed = c->keys.in[i] == env->observed ? c->out : env->observed; /* it is gone */
    }
}

static void join(rlc_transform *self, rlc_dict *dict) {
    const CatTensors *c = (const CatTensors *)self;
    rlc_tensor *parts[MAX_JOINED];
    bool all = true;
    for (int i = 0; i < c->keys.count; i++) {
        parts[i] = rlc_dict_get_key(dict, c->keys.in[i]);
        all &= parts[i] != NULL;
    }
    if (!all) {
        return;
    }
    rlc_tensor *joined = rlc_concatenate(parts, c->keys.count, c->dim);
    for (int i = 0; i < c->keys.count && c->del_keys; i++) {
        rlc_dict_del(dict, c->keys.in[i]->name);
    }
    rlc_dict_set_key(dict, c->out, joined);
}

static void reset(rlc_transform *self, rlc_dict *root, rlc_tensor *rows) {
    (void)rows;
    join(self, root);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    (void)td;
    join(self, next);
}

const rlc_transform_class rlc_cat_tensors_class = {
    .base = RLC_CLASS("transform", CatTensors, .doc = "joins entries into one", .options = options),
    .init = init,
    .reset = reset,
    .step = step,
};
