#include "tensordict/dict.h"

#include <string.h>

#include "core/record.h"

rlc_dict *rlc_dict_new_in(rlc_arena *arena, rlc_shape batch) {
    rlc_dict *dict = rlc_arena_calloc(arena, sizeof *dict);
    if (dict != NULL) {
        dict->batch = batch;
        dict->arena = arena;
    }
    return dict;
}

rlc_dict *rlc_dict_new(rlc_shape batch) {
    rlc_program *p = rlc__require_program("rlc_dict_new");
    return p != NULL ? rlc_dict_new_in(&p->host, batch) : NULL;
}

/* The key of a name; a name that is none fails the open program like any other misuse. */
static const rlc_key *key_of(const char *name) {
    const rlc_key *key = rlc_key_intern(name);
    rlc_program *p = rlc_current();
    if (RLC_UNLIKELY(key == NULL && p != NULL && p->status == RLC_OK)) {
        p->status = rlc_error_status();
    }
    return key;
}

static rlc_entry *find_entry(const rlc_dict *dict, const rlc_key *part) {
    for (int i = 0; i < dict->count; i++) {
        if (dict->entries[i].key == part) {
            return &dict->entries[i];
        }
    }
    return NULL;
}

/* The entry at a path, or NULL. */
static rlc_entry *walk(const rlc_dict *dict, const rlc_key *key) {
    while (dict != NULL && key != NULL) {
        rlc_entry *entry = find_entry(dict, key->head);
        if (entry == NULL || key->tail == NULL) {
            return entry;
        }
        dict = entry->dict;
        key = key->tail;
    }
    return NULL;
}

rlc_tensor *rlc_dict_find_key(const rlc_dict *dict, const rlc_key *key) {
    const rlc_entry *entry = dict != NULL ? walk(dict, key) : NULL;
    return entry != NULL ? entry->tensor : NULL;
}

rlc_dict *rlc_dict_find_dict_key(const rlc_dict *dict, const rlc_key *key) {
    const rlc_entry *entry = dict != NULL ? walk(dict, key) : NULL;
    return entry != NULL ? entry->dict : NULL;
}

typedef struct key_list {
    char text[768];
    size_t length;
    int count;
} key_list;

static void list_key(const rlc_key *key, rlc_tensor *tensor, void *data) {
    key_list *list = data;
    (void)tensor;
    size_t length = strlen(key->name);
    if (list->length + length + 6 < sizeof list->text) {
        list->length += (size_t)snprintf(list->text + list->length, sizeof list->text - list->length, "%s%s",
                                         list->count > 0 ? ", " : "", key->name);
    }
    list->count++;
}

static void *missing(const rlc_dict *dict, const char *key) {
    key_list list = {.text = "none"};
    rlc_dict_each(dict, list_key, &list);
    rlc__op_fail("dict", "there is no key '%s'; keys are %s", key, list.text);
    return NULL;
}

rlc_tensor *rlc_dict_get_key(const rlc_dict *dict, const rlc_key *key) {
    rlc_tensor *tensor = rlc_dict_find_key(dict, key);
    if (RLC_UNLIKELY(tensor == NULL && dict != NULL && key != NULL)) {
        return missing(dict, key->name);
    }
    return tensor;
}

rlc_tensor *rlc_dict_get(const rlc_dict *dict, const char *key) {
    return rlc_dict_get_key(dict, key_of(key));
}

rlc_tensor *rlc_dict_find(const rlc_dict *dict, const char *key) {
    return rlc_dict_find_key(dict, key_of(key));
}

rlc_dict *rlc_dict_find_dict(const rlc_dict *dict, const char *key) {
    return rlc_dict_find_dict_key(dict, key_of(key));
}

rlc_dict *rlc_dict_get_dict_key(const rlc_dict *dict, const rlc_key *key) {
    rlc_dict *nested = rlc_dict_find_dict_key(dict, key);
    return nested != NULL || dict == NULL || key == NULL ? nested : missing(dict, key->name);
}

rlc_dict *rlc_dict_get_dict(const rlc_dict *dict, const char *key) {
    return rlc_dict_get_dict_key(dict, key_of(key));
}

static void out_of_memory(void) {
    if (rlc_current() != NULL) {
        rlc_current()->status = rlc_error_status();
    }
}

static rlc_entry *add_entry(rlc_dict *dict, const rlc_key *part) {
    if (dict->count == dict->room) {
        int room = dict->room != 0 ? 2 * dict->room : 16;
        rlc_entry *entries = rlc_arena_alloc(dict->arena, (size_t)room * sizeof *entries, RLC_ALIGN_STRUCT);
        if (entries == NULL) {
            out_of_memory();
            return NULL;
        }
        if (dict->count > 0) {
            memcpy(entries, dict->entries, (size_t)dict->count * sizeof *entries);
        }
        dict->entries = entries;
        dict->room = room;
    }
    rlc_entry *entry = &dict->entries[dict->count++];
    *entry = (rlc_entry){.key = part};
    return entry;
}

void rlc_dict_append(rlc_dict *dict, rlc_entry entry) {
    rlc_entry *place = dict != NULL && (entry.tensor != NULL || entry.dict != NULL) ? add_entry(dict, entry.key) : NULL;
    if (place != NULL) {
        *place = entry;
    }
}

/* Checks that something of this shape may be set; `key` is its whole path, for the message. */
static bool may_set(const rlc_dict *dict, const rlc_key *key, int ndim, const int64_t *size) {
    bool begins = ndim >= dict->batch.ndim;
    for (int i = 0; i < dict->batch.ndim && begins; i++) {
        begins = size[i] == dict->batch.size[i];
    }
    if (RLC_LIKELY(begins && !dict->locked)) {
        return true;
    }
    if (dict->locked) {
        rlc__op_fail("dict", "it is locked; '%s' cannot be set", key->name);
        return false;
    }
    char ta[RLC_SHAPE_TEXT], tb[RLC_SHAPE_TEXT];
    rlc_shape shape = {.ndim = ndim};
    memcpy(shape.size, size, (size_t)ndim * sizeof *size);
    rlc__op_fail("dict", "'%s' has shape %s, which does not begin with the batch shape %s", key->name,
                 rlc_shape_text(shape, ta), rlc_shape_text(dict->batch, tb));
    return false;
}

/* The nested dict of an entry, made if need be. */
static rlc_dict *nested_in(rlc_dict *dict, rlc_entry *entry) {
    if (entry->dict == NULL) {
        entry->tensor = NULL;
        entry->dict = rlc_dict_new_in(dict->arena, dict->batch);
        if (entry->dict == NULL) {
            out_of_memory();
        }
    }
    return entry->dict;
}

/* The place for the last part of a path, with nested dicts made on the way. */
static rlc_entry *place(rlc_dict *dict, const rlc_key *key, int ndim, const int64_t *size) {
    const rlc_key *whole = key;
    for (; dict != NULL && may_set(dict, whole, ndim, size); key = key->tail) {
        rlc_entry *entry = find_entry(dict, key->head);
        entry = entry != NULL ? entry : add_entry(dict, key->head);
        if (entry == NULL || key->tail == NULL) {
            return entry;
        }
        dict = nested_in(dict, entry);
    }
    return NULL;
}

void rlc_dict_set_key(rlc_dict *dict, const rlc_key *key, rlc_tensor *tensor) {
    if (dict == NULL || key == NULL || tensor == NULL) {
        return;
    }
    rlc_entry *entry = place(dict, key, tensor->ndim, tensor->shape);
    if (entry != NULL) {
        entry->tensor = tensor;
        entry->dict = NULL;
    }
}

void rlc_dict_set_dict_key(rlc_dict *dict, const rlc_key *key, rlc_dict *nested) {
    if (dict == NULL || key == NULL || nested == NULL) {
        return;
    }
    if (nested == dict) {
        rlc__op_fail("dict", "'%s' cannot be the dict that it is in", key->name);
        return;
    }
    rlc_entry *entry = place(dict, key, nested->batch.ndim, nested->batch.size);
    if (entry != NULL) {
        entry->tensor = NULL;
        entry->dict = nested;
    }
}

void rlc_dict_set(rlc_dict *dict, const char *key, rlc_tensor *tensor) {
    rlc_dict_set_key(dict, key_of(key), tensor);
}

void rlc_dict_set_dict(rlc_dict *dict, const char *key, rlc_dict *nested) {
    rlc_dict_set_dict_key(dict, key_of(key), nested);
}

/* The dict that holds the last part of a path. */
static rlc_dict *holder(rlc_dict *dict, const rlc_key **key) {
    while (dict != NULL && (*key)->tail != NULL) {
        const rlc_entry *entry = find_entry(dict, (*key)->head);
        dict = entry != NULL ? entry->dict : NULL;
        *key = (*key)->tail;
    }
    return dict;
}

void rlc_dict_del_key(rlc_dict *dict, const rlc_key *key) {
    if (dict == NULL || key == NULL) {
        return;
    }
    const rlc_key *part = key;
    rlc_dict *at = holder(dict, &part);
    rlc_entry *entry = at != NULL ? find_entry(at, part) : NULL;
    if (entry == NULL) {
        missing(dict, key->name);
    } else if (at->locked) {
        rlc__op_fail("dict", "it is locked; '%s' cannot be deleted", key->name);
    } else {
        at->count--;
        memmove(entry, entry + 1, (size_t)(at->entries + at->count - entry) * sizeof *entry);
    }
}

void rlc_dict_del(rlc_dict *dict, const char *name) {
    rlc_dict_del_key(dict, key_of(name));
}

void rlc_dict_rename(rlc_dict *dict, const char *from, const char *to) {
    const rlc_key *key = key_of(from), *target = key_of(to);
    if (dict == NULL || key == NULL || target == NULL) {
        return;
    }
    const rlc_entry *found = walk(dict, key);
    if (found == NULL) {
        missing(dict, from);
        return;
    }
    if (key == target) {
        return;
    }
    rlc_entry moved = *found;
    rlc_dict_del_key(dict, key);
    rlc_dict_set_key(dict, target, moved.tensor);
    rlc_dict_set_dict_key(dict, target, moved.dict);
}

void rlc_dict_lock(rlc_dict *dict, bool locked) {
    if (dict == NULL) {
        return;
    }
    dict->locked = locked;
    for (int i = 0; i < dict->count; i++) {
        if (dict->entries[i].dict != NULL) {
            rlc_dict_lock(dict->entries[i].dict, locked);
        }
    }
}

bool rlc_dict_is_empty(const rlc_dict *dict) {
    bool empty = true;
    for (int i = 0; dict != NULL && i < dict->count && empty; i++) {
        empty = dict->entries[i].dict != NULL && rlc_dict_is_empty(dict->entries[i].dict);
    }
    return empty;
}
