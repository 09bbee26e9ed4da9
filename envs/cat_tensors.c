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
    rlc_key_pairs *keys = &self->entries;
    c->out = rlc_key_intern(c->out_key);
    rlc_transform_keys(self, c->in_keys, (rlc_strings){0}, keys);
    keys->out = rlc_arena_calloc(self->arena, ((size_t)keys->count + 1) * sizeof *keys->out);
    if (keys->count > MAX_JOINED) {
        rlc_value_fail(self->options, "%s: at most %d entries can be joined", self->path, MAX_JOINED);
    }
    if (keys->in == NULL || keys->out == NULL || keys->count > MAX_JOINED) {
        return;
    }
    if (c->sort) {
        qsort((void *)keys->in, (size_t)keys->count, sizeof *keys->in, by_name);
    }
    for (int i = 0; i < keys->count; i++) {
        keys->out[i] = c->out;
        if (env != NULL && c->del_keys && keys->in[i] == env->observed) {
            env->observed = c->out; /* it is gone */
        }
    }
}

static void join(rlc_transform *self, rlc_dict *dict) {
    const CatTensors *c = (const CatTensors *)self;
    const rlc_key_pairs *keys = &self->entries;
    rlc_tensor *parts[MAX_JOINED];
    bool all = true;
    for (int i = 0; i < keys->count; i++) {
        parts[i] = rlc_dict_get_key(dict, keys->in[i]);
        all &= parts[i] != NULL;
    }
    if (!all) {
        return;
    }
    rlc_tensor *joined = rlc_concatenate(parts, keys->count, c->dim);
    for (int i = 0; i < keys->count && c->del_keys; i++) {
        rlc_dict_del_key(dict, keys->in[i]);
    }
    rlc_dict_set_key(dict, c->out, joined);
}

const rlc_transform_class rlc_cat_tensors_class = {
    .base = RLC_CLASS("transform", CatTensors, .doc = "joins entries into one", .options = options),
    .init = init,
    .apply = join,
};
