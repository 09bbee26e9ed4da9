#include "tensordict/key.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* without this, uthash ends the process when it has no memory */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

typedef struct interned {
    rlc_key key;
    UT_hash_handle hh;
    char name[];
} interned;

static interned *table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const rlc_key *intern(const char *name, size_t length);

/* Enters a new name; its parts are entered too. */
static const rlc_key *enter(const char *name, size_t length) {
    const char *dot = memchr(name, '.', length);
    size_t first = dot != NULL ? (size_t)(dot - name) : length;
    const rlc_key *head = NULL, *tail = NULL;
    if (dot != NULL) {
        head = intern(name, first);
        tail = intern(dot + 1, length - first - 1);
        if (head == NULL || tail == NULL) {
            return NULL;
        }
    }
    interned *entry = rlc_calloc(1, sizeof *entry + length + 1);
    if (entry == NULL) {
        return NULL;
    }
    memcpy(entry->name, name, length);
    entry->key = (rlc_key){entry->name, head != NULL ? head : &entry->key, tail};
    HASH_ADD_KEYPTR(hh, table, entry->name, length, entry);
    if (entry->hh.tbl == NULL) {
        rlc_fail(RLC_FAILED, "out of memory: key '%s'", entry->name);
        free(entry);
        return NULL;
    }
    return &entry->key;
}

static const rlc_key *intern(const char *name, size_t length) {
    interned *found = NULL;
    HASH_FIND(hh, table, name, length, found);
    return found != NULL ? &found->key : enter(name, length);
}

static const rlc_key *intern_locked(const char *name, size_t length) {
    /* the whole name is what the message is about, not the part that is empty */
    bool good = length > 0 && name[0] != '.' && name[length - 1] != '.' && strstr(name, "..") == NULL;
    if (!good) {
        rlc_fail(RLC_INVALID, "'%s' is no key: it has an empty part", name);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    const rlc_key *key = intern(name, length);
    pthread_mutex_unlock(&lock);
    return key;
}

const rlc_key *rlc_key_intern(const char *name) {
    if (name == NULL) {
        rlc_fail(RLC_INVALID, "a key is NULL");
        return NULL;
    }
    return intern_locked(name, strlen(name));
}

const rlc_key *rlc_key_join(const rlc_key *head, const rlc_key *tail) {
    size_t size = strlen(head->name) + strlen(tail->name) + 2;
    char usual[256], *name = size <= sizeof usual ? usual : rlc_calloc(size, 1);
    if (name == NULL) {
        return NULL;
    }
    snprintf(name, size, "%s.%s", head->name, tail->name);
    const rlc_key *key = intern_locked(name, size - 1);
    if (name != usual) {
        free(name);
    }
    return key;
}
