/* mdp.c: from one step to the next. */
#include <pthread.h>

#include "envs/env.h"
#include "envs/keys.h"

/* A handful of pointers that every step needs; interned once. */
static rlc_env_keys keys;
static pthread_once_t keys_once = PTHREAD_ONCE_INIT;

static void intern_keys(void) {
    keys = (rlc_env_keys){
        .next = rlc_key_intern("next"),
        .observation = rlc_key_intern("observation"),
        .pixels = rlc_key_intern("pixels"),
        .action = rlc_key_intern("action"),
        .done = rlc_key_intern("done"),
        .terminated = rlc_key_intern("terminated"),
        .truncated = rlc_key_intern("truncated"),
        .reward = rlc_key_intern("reward"),
    };
}

const rlc_env_keys *rlc__env_keys(void) {
    pthread_once(&keys_once, intern_keys);
    return &keys;
}

rlc_dict *rlc_step_mdp(const rlc_dict *td) {
    const rlc_env_keys *k = rlc__env_keys();
    const rlc_dict *next = td != NULL ? rlc_dict_find_dict_key(td, k->next) : NULL;
    if (td != NULL && next == NULL) {
        rlc_dict_get_dict(td, "next"); /* records that it is missing */
    }
    rlc_dict *root = next != NULL ? rlc_dict_new(td->batch) : NULL;
    for (int i = 0; root != NULL && i < next->count; i++) {
        if (next->entries[i].key != k->reward) {
            rlc_dict_append(root, next->entries[i]);
        }
    }
    const int lifted = root != NULL ? root->count : 0;
    for (int i = 0; root != NULL && i < td->count; i++) {
        const rlc_entry *e = &td->entries[i];
        bool drop = e->key == k->next || e->key == k->action || e->key == k->reward || e->key == k->done ||
                    e->key == k->terminated || e->key == k->truncated;
        for (int l = 0; l < lifted && !drop; l++) {
            drop = e->key == root->entries[l].key;
        }
        if (!drop) {
            rlc_dict_append(root, *e);
        }
    }
    return root;
}
