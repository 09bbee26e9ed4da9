/* allocator.h: malloc and its kin as the test program that includes this has them: counted, and failing where a test asks
 * for it. They are those of all libraries in the process. A sanitizer replaces malloc for its own ends, so the Makefile
 * leaves such test programs out under one.
 */
#ifndef RLC_TEST_ALLOCATOR_H
#define RLC_TEST_ALLOCATOR_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static long allocations; /* asked for so far */
static long live;        /* got and not freed */
static long fail_at;     /* the allocation with this number fails; 0 for none, */
static bool fail_after;  /* and all that come after it */
static long num_failed;  /* did so far */
static void (*on_failure)(void);

static bool fails(void) {
    allocations++;
    if (fail_at == 0 || allocations < fail_at || (allocations > fail_at && !fail_after)) {
        return false;
    }
    num_failed++;
    if (on_failure != NULL) {
        on_failure();
    }
    errno = ENOMEM;
    return true;
}

static void *got(void *memory) {
    live += memory != NULL;
    return memory;
}

/* dlsym itself may allocate before the real functions are known. */
static char early[4096];
static size_t early_used;

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

void *malloc(size_t size) {
    static void *(*real)(size_t);
    if (real == NULL) {
        real = REAL("malloc", void *(*)(size_t));
    }
    return fails() ? NULL : got(real(size));
}

void *calloc(size_t count, size_t size) {
    static void *(*real)(size_t, size_t);
    static bool searching;
    if (real == NULL) {
        if (searching) {
            void *memory = early + early_used;
            early_used += (count * size + 15) & ~(size_t)15;
            return early_used <= sizeof early ? memory : NULL;
        }
        searching = true;
        real = REAL("calloc", void *(*)(size_t, size_t));
    }
    return fails() ? NULL : got(real(count, size));
}

void *realloc(void *memory, size_t size) {
    static void *(*real)(void *, size_t);
    if (real == NULL) {
        real = REAL("realloc", void *(*)(void *, size_t));
    }
    if (fails()) {
        return NULL;
    }
    return memory == NULL ? got(real(memory, size)) : real(memory, size);
}

int posix_memalign(void **memory, size_t align, size_t size) {
    static int (*real)(void **, size_t, size_t);
    if (real == NULL) {
        real = REAL("posix_memalign", int (*)(void **, size_t, size_t));
    }
    int error = fails() ? ENOMEM : real(memory, align, size);
    live += error == 0;
    return error;
}

void *aligned_alloc(size_t align, size_t size) {
    static void *(*real)(size_t, size_t);
    if (real == NULL) {
        real = REAL("aligned_alloc", void *(*)(size_t, size_t));
    }
    return fails() ? NULL : got(real(align, size));
}

void free(void *memory) {
    static void (*real)(void *);
    if ((char *)memory >= early && (char *)memory < early + sizeof early) {
        return;
    }
    if (real == NULL) {
        real = REAL("free", void (*)(void *));
    }
    live -= memory != NULL;
    real(memory);
}

#endif
