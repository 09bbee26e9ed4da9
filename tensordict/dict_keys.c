/* dict_keys.c: lists of keys; nested names made flat and back. */
#include <string.h>

#include "core/record.h"
#include "tensordict/batch.h"

static int count_keys(const rlc_dict *dict) {
    int count = dict->count;
    for (int i = 0; i < dict->count; i++) {
        count += dict->entries[i].dict != NULL ? count_keys(dict->entries[i].dict) : 0;
    }
    return count;
}

static void list_below(const rlc_dict *dict, const rlc_key *prefix, bool nested, bool leaves, rlc_key_list *list) {
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        const rlc_key *key = prefix != NULL ? rlc_key_join(prefix, entry->key) : entry->key;
        if (key != NULL && entry->dict != NULL && nested) {
            list_below(entry->dict, key, nested, leaves, list);
        }
        if (key != NULL && (entry->dict == NULL || !leaves)) {
            list->key[list->count++] = key;
        }
    }
}

rlc_key_list rlc_dict_keys(const rlc_dict *dict, bool nested, bool leaves) {
    rlc_key_list list = {0};
    if (dict != NULL) {
        list.key = rlc_arena_alloc(dict->arena, (size_t)(count_keys(dict) + 1) * sizeof *list.key, RLC_ALIGN_STRUCT);
    }
    if (list.key != NULL) {
        list_below(dict, NULL, nested, leaves, &list);
    }
    return list;
}

/* Checks a separator and that there is a program for the result. */
static rlc_dict *new_for(const char *op, const rlc_dict *dict, const char *separator) {
    if (dict == NULL || rlc__require_program(op) == NULL) {
        return NULL;
    }
    if (separator[0] == '\0' || strchr(separator, '.') != NULL) {
        rlc__op_fail(op, "'%s' is no separator: '.' makes paths into nested dicts; take another, '_' say", separator);
        return NULL;
    }
    return rlc_dict_new(dict->batch);
}

/* A copy of `text` with each `from` replaced by `to`, in the program's arena. */
static char *replace_all(const char *text, const char *from, const char *to) {
    rlc_program *p = rlc_current();
    size_t skip = strlen(from), added = strlen(to), length = 0;
    char *copy = rlc_arena_alloc(&p->host, strlen(text) * (added > 1 ? added : 1) + 1, RLC_ALIGN_STRUCT);
    if (copy == NULL) {
        p->status = rlc_error_status();
        return NULL;
    }
    while (*text != '\0') {
        bool here = strncmp(text, from, skip) == 0;
        memcpy(copy + length, here ? to : text, here ? added : 1);
        length += here ? added : 1;
        text += here ? skip : 1;
    }
    copy[length] = '\0';
    return copy;
}

/* The key of a name; one that is none fails the program. */
static const rlc_key *intern(const char *name) {
    rlc_program *p = rlc_current();
    const rlc_key *key = name != NULL ? rlc_key_intern(name) : NULL;
    if (key == NULL && p->status == RLC_OK) {
        p->status = rlc_error_status();
    }
    return key;
}

typedef struct flattening {
    rlc_dict *to;
    const char *separator;
} flattening;

static void flatten_one(const rlc_key *key, rlc_tensor *tensor, void *data) {
    const flattening *f = data;
    const char *name = replace_all(key->name, ".", f->separator);
    const rlc_key *flat = intern(name);
    if (flat != NULL && rlc_dict_find_key(f->to, flat) != NULL) {
        rlc__op_fail("dict_flatten_keys", "'%s' and another entry would both be called '%s'", key->name, name);
    } else {
        rlc_dict_set_key(f->to, flat, tensor);
    }
}

rlc_dict *rlc_dict_flatten_keys(const rlc_dict *dict, const char *separator) {
    flattening f = {new_for("dict_flatten_keys", dict, separator), separator};
    if (f.to == NULL) {
        return NULL;
    }
    rlc_dict_each(dict, flatten_one, &f);
    return rlc_current()->status == RLC_OK ? f.to : NULL;
}

static void unflatten_one(rlc_dict *to, const rlc_entry *entry, const char *separator) {
    const char *name = replace_all(entry->key->name, separator, ".");
    const rlc_key *key = intern(name);
    if (key == NULL) {
        return;
    }
    if (!rlc__dict_is_free(to, key)) {
        rlc__op_fail("dict_unflatten_keys", "'%s' would take the place of another entry at '%s'", entry->key->name,
                     key->name);
    } else if (entry->dict != NULL) {
        rlc_dict_set_dict_key(to, key, rlc_dict_clone(entry->dict));
    } else {
        rlc_dict_set_key(to, key, entry->tensor);
    }
}

/* Names without a separator first, so that the order of entries does not decide what stands in whose way. */
rlc_dict *rlc_dict_unflatten_keys(const rlc_dict *dict, const char *separator) {
    rlc_dict *result = new_for("dict_unflatten_keys", dict, separator);
    for (int i = 0; result != NULL && i < dict->count; i++) {
        rlc_entry entry = dict->entries[i];
        if (strstr(entry.key->name, separator) == NULL) {
            entry.dict = entry.dict != NULL ? rlc_dict_clone(entry.dict) : NULL;
            rlc_dict_append(result, entry);
        }
    }
    for (int i = 0; result != NULL && i < dict->count; i++) {
        if (strstr(dict->entries[i].key->name, separator) != NULL) {
            unflatten_one(result, &dict->entries[i], separator);
        }
    }
    return result != NULL && rlc_current()->status == RLC_OK ? result : NULL;
}
