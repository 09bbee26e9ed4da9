/* dict_ops.c: making dicts from dicts, entry by entry. */
#include "core/record.h"
#include "tensordict/dict.h"

static void each_below(const rlc_dict *dict, const rlc_key *prefix,
                       void (*f)(const rlc_key *key, rlc_tensor *tensor, void *data), void *data) {
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        const rlc_key *key = prefix != NULL ? rlc_key_join(prefix, entry->key) : entry->key;
        if (key != NULL && entry->dict != NULL) {
            each_below(entry->dict, key, f, data);
        } else if (key != NULL) {
            f(key, entry->tensor, data);
        }
    }
}

void rlc_dict_each(const rlc_dict *dict, void (*f)(const rlc_key *key, rlc_tensor *tensor, void *data), void *data) {
    if (dict != NULL) {
        each_below(dict, NULL, f, data);
    }
}

/* The batch shape of a nested dict once that of the dict it is in has become `batch`: what it has beyond stays. */
static rlc_shape nested_batch(const rlc_dict *dict, const rlc_dict *nested, rlc_shape batch) {
    for (int i = dict->batch.ndim; i < nested->batch.ndim && batch.ndim < RLC_MAX_DIMS; i++) {
        batch.size[batch.ndim++] = nested->batch.size[i];
    }
    return batch;
}

rlc_dict *rlc_dict_apply(const rlc_dict *dict, rlc_shape batch, rlc_tensor *(*f)(rlc_tensor *tensor, void *data),
                         void *data) {
    rlc_dict *result = dict != NULL ? rlc_dict_new(batch) : NULL;
    for (int i = 0; result != NULL && i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        if (entry->dict != NULL) {
            rlc_shape inner = nested_batch(dict, entry->dict, batch);
            rlc_dict_set_dict_key(result, entry->key, rlc_dict_apply(entry->dict, inner, f, data));
        } else {
            rlc_dict_set_key(result, entry->key, f(entry->tensor, data));
        }
    }
    return result;
}

rlc_dict *rlc_dict_clone(const rlc_dict *dict) {
    rlc_dict *copy = dict != NULL ? rlc_dict_new(dict->batch) : NULL;
    for (int i = 0; copy != NULL && i < dict->count; i++) {
        rlc_entry entry = dict->entries[i];
        entry.dict = entry.dict != NULL ? rlc_dict_clone(entry.dict) : NULL;
        rlc_dict_append(copy, entry);
    }
    return copy;
}

/* The nested dict of `to` that corresponds to `from`, made with the same batch shape where there is none yet. */
static rlc_dict *counterpart(rlc_dict *to, const rlc_key *part, const rlc_dict *from) {
    rlc_dict *nested = rlc_dict_find_dict_key(to, part);
    if (nested == NULL && (nested = rlc_dict_new_in(to->arena, from->batch)) != NULL) {
        rlc_dict_set_dict_key(to, part, nested);
    }
    return nested;
}

/* Copies the entry at a path. False when there is none; the dicts on the way to it are there then all the same. */
static bool select_into(rlc_dict *to, const rlc_dict *from, const rlc_key *key) {
    rlc_tensor *tensor = rlc_dict_find_key(from, key->head);
    rlc_dict *nested = tensor == NULL ? rlc_dict_find_dict_key(from, key->head) : NULL;
    if (key->tail != NULL) {
        return nested != NULL && select_into(counterpart(to, key->head, nested), nested, key->tail);
    }
    rlc_dict_set_key(to, key, tensor);
    rlc_dict_set_dict_key(to, key, rlc_dict_clone(nested));
    return tensor != NULL || nested != NULL;
}

static rlc_dict *select_keys(const rlc_dict *dict, const rlc_key *const *keys, int count, bool strict) {
    rlc_dict *result = dict != NULL ? rlc_dict_new(dict->batch) : NULL;
    for (int i = 0; result != NULL && i < count; i++) {
        if (keys[i] != NULL && !select_into(result, dict, keys[i]) && strict) {
            rlc_dict_get_key(dict, keys[i]); /* says what is missing and what is there */
        }
    }
    return result;
}

rlc_dict *rlc_dict_select(const rlc_dict *dict, const rlc_key *const *keys, int count) {
    return select_keys(dict, keys, count, true);
}

rlc_dict *rlc_dict_select_present(const rlc_dict *dict, const rlc_key *const *keys, int count) {
    return select_keys(dict, keys, count, false);
}

rlc_dict *rlc_dict_exclude(const rlc_dict *dict, const rlc_key *const *keys, int count) {
    rlc_dict *result = rlc_dict_clone(dict);
    for (int i = 0; result != NULL && i < count; i++) {
        if (rlc_dict_find_key(result, keys[i]) != NULL || rlc_dict_find_dict_key(result, keys[i]) != NULL) {
            rlc_dict_del_key(result, keys[i]);
        }
    }
    return result;
}

void rlc_dict_update(rlc_dict *dict, const rlc_dict *from) {
    for (int i = 0; dict != NULL && from != NULL && i < from->count; i++) {
        const rlc_entry *entry = &from->entries[i];
        rlc_dict *nested = rlc_dict_find_dict_key(dict, entry->key);
        if (entry->dict != NULL && nested != NULL) {
            rlc_dict_update(nested, entry->dict);
        } else if (entry->dict != NULL) {
            rlc_dict_set_dict_key(dict, entry->key, rlc_dict_clone(entry->dict));
        } else {
            rlc_dict_set_key(dict, entry->key, entry->tensor);
        }
    }
}
