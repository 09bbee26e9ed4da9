/* fallback.c: what runs on the host although its program is another device's is said once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/device.h"

/* Copies of names: a plug-in's own go when it is closed. Kept as long as the process, which they are about. */
typedef struct told {
    struct told *next;
    char what[];
} told;
static told *all_told;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Whether it is new. Where there is no memory to remember it, it is said again. */
static bool note(const char *what) {
    const size_t size = strlen(what) + 1;
    pthread_mutex_lock(&lock);
    told *t = all_told;
    while (t != NULL && strcmp(t->what, what) != 0) {
        t = t->next;
    }
    const bool is_new = t == NULL;
    told *entry = is_new ? malloc(sizeof *entry + size) : NULL;
    if (entry != NULL) {
        memcpy(entry->what, what, size);
        entry->next = all_told;
        all_told = entry;
    }
    pthread_mutex_unlock(&lock);
    return is_new;
}

void rlc__tell_fallback(const rlc_device *device, const char *what) {
    if (note(what)) {
        fprintf(stderr,
                "rlc: %s has no kernel for device %s: it runs on the host, and the device waits while operands are "
                "copied\n",
                what, device->name);
    }
}
