#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef RLC_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(address, size) ASAN_POISON_MEMORY_REGION(address, size)
#define UNPOISON(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#else
#define POISON(address, size) ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
#endif

/* The description of a chunk lies apart from its memory, which may be on a device. */
struct rlc_arena_chunk {
    rlc_arena_chunk *next;
    char *start;
    size_t size;
};

rlc__growth rlc__arena_growth = {.unit = 64 * 1024, .factor = 2};

/* Linux grants more than there is and kills the process that uses it: refuse what can never be had. */
static bool exceeds_machine(size_t size) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 && size / (size_t)page >= (size_t)pages;
}

const char *rlc_bytes_text(double bytes, char text[16]) {
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    int unit = 0;
    while (bytes >= 1000 && unit + 1 < RLC_COUNT(units)) {
        bytes /= 1000;
        unit++;
    }
    snprintf(text, 16, unit > 0 && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

rlc_status rlc_memory_check(double bytes, const char *what) {
    if (bytes < (double)SIZE_MAX / 2 && !exceeds_machine((size_t)bytes)) {
        return RLC_OK;
    }
    char needed[16], there[16];
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return rlc_fail(RLC_FAILED, "%s would take %s, but this machine has %s of memory", what,
                    rlc_bytes_text(bytes, needed), rlc_bytes_text(machine, there));
}

/* calloc, because the system hands out large blocks cleared without touching them: a replay buffer of gigabytes takes
 * memory only as it fills. The pointer that free wants is kept just below the aligned block. */
static void *host_alloc(void *self, size_t size) {
    (void)self;
    char *raw = exceeds_machine(size) ? NULL : calloc(1, size + RLC_ALIGN_DATA + sizeof(void *));
    if (raw == NULL) {
        rlc_fail(RLC_FAILED, "out of memory: could not get %zu bytes", size);
        return NULL;
    }
    uintptr_t above = (uintptr_t)raw + sizeof(void *) + RLC_ALIGN_DATA - 1;
    void **memory = (void **)(above & ~(uintptr_t)(RLC_ALIGN_DATA - 1));
    memory[-1] = raw;
    return memory;
}

static void host_free(void *self, void *memory) {
    (void)self;
    if (memory != NULL) {
        free(((void **)memory)[-1]);
    }
}

const rlc_memory rlc_host_memory = {host_alloc, host_free, NULL, true, true};

static const rlc_memory *memory_of(const rlc_arena *arena) {
    return arena->memory != NULL ? arena->memory : &rlc_host_memory;
}

static void enter(rlc_arena *arena, rlc_arena_chunk *chunk) {
    arena->current = chunk;
    arena->next = chunk != NULL ? chunk->start : NULL;
    arena->end = chunk != NULL ? chunk->start + chunk->size : NULL;
}

static size_t in_units(size_t size) {
    return (size + rlc__arena_growth.unit - 1) & ~(rlc__arena_growth.unit - 1);
}

/* A new chunk behind the current one, at least twice its size so that their number stays small. */
static rlc_arena_chunk *append_chunk(rlc_arena *arena, size_t size) {
    const rlc_memory *memory = memory_of(arena);
    size_t least = in_units(size);
    size_t wanted = arena->current != NULL ? rlc__arena_growth.factor * arena->current->size : rlc__arena_growth.unit;
    if (wanted < size) {
        wanted = least;
    }
    rlc_arena_chunk *chunk = wanted < size ? NULL : rlc_calloc(1, sizeof *chunk);
    bool clean = rlc_error_status() == RLC_OK;
    size_t held = memory->on_host ? rlc_arena_size(arena) : 0;
    if (chunk != NULL && memory->on_host &&
        exceeds_machine(held + least)) { /* each chunk may fit, and all of them not */
        free(chunk);
        char text[96];
        snprintf(text, sizeof text, "out of memory: could not get %zu bytes: all that is needed at one time", size);
        rlc_memory_check((double)(held + least), text);
        return NULL;
    }
    wanted = memory->on_host && exceeds_machine(held + wanted) ? least : wanted;
    if (chunk != NULL && (chunk->start = memory->alloc(memory->self, wanted)) == NULL && least < wanted &&
        least >= size) {
        if (clean) {
            rlc_error_clear(); /* what is needed may fit where twice the last chunk does not */
        }
        wanted = least;
        chunk->start = memory->alloc(memory->self, wanted);
    }
    if (chunk == NULL || chunk->start == NULL) {
        free(chunk);
        rlc_fail(RLC_FAILED, "out of memory: could not get %zu bytes", size);
        return NULL;
    }
    chunk->size = wanted;
    if (memory->guarded) {
        POISON(chunk->start, chunk->size);
    }
    if (arena->current != NULL) {
        chunk->next = arena->current->next;
        arena->current->next = chunk;
    } else {
        chunk->next = arena->first;
        arena->first = chunk;
    }
    return chunk;
}

void *rlc__arena_grow(rlc_arena *arena, size_t size, size_t align) {
    rlc_arena_chunk *next = arena->current != NULL ? arena->current->next : arena->first;
    while (next != NULL && next->size < size) {
        next = next->next;
    }
    if (next == NULL && (next = append_chunk(arena, size)) == NULL) {
        return NULL;
    }
    enter(arena, next);
    return rlc_arena_alloc(arena, size, align);
}

#ifdef RLC_ASAN
/* As the inline version, with a poisoned gap behind every allocation so that an overrun is seen. */
void *rlc__arena_alloc_checked(rlc_arena *arena, size_t size, size_t align) {
    enum { GAP = 16 };
    uintptr_t start = ((uintptr_t)arena->next + (align - 1)) & ~(uintptr_t)(align - 1);
    if (size > SIZE_MAX / 2 || arena->next == NULL || start > (uintptr_t)arena->end ||
        size > (uintptr_t)arena->end - start) {
        return rlc__arena_grow(arena, size, align);
    }
    uintptr_t next = start + size + GAP;
    arena->next = next < (uintptr_t)arena->end ? (char *)next : arena->end;
    if (memory_of(arena)->guarded) {
        UNPOISON((void *)start, size);
    }
    return (void *)start;
}
#endif

void *rlc_arena_calloc(rlc_arena *arena, size_t size) {
    void *memory = rlc_arena_alloc(arena, size, RLC_ALIGN_STRUCT);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

char *rlc_arena_strndup(rlc_arena *arena, const char *text, size_t length) {
    char *copy = rlc_arena_alloc(arena, length + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *rlc_arena_printf(rlc_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : rlc_arena_alloc(arena, (size_t)length + 1, 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    va_end(args);
    return text;
}

rlc_mark rlc_arena_mark(const rlc_arena *arena) {
    return (rlc_mark){arena->current, arena->next};
}

void rlc_arena_release(rlc_arena *arena, rlc_mark mark) {
    enter(arena, mark.current);
    if (mark.current != NULL) {
        arena->next = mark.next;
    }
    if (memory_of(arena)->guarded) {
        rlc_arena_chunk *chunk = mark.current != NULL ? mark.current->next : arena->first;
        if (mark.current != NULL) {
            POISON(mark.next, (size_t)(arena->end - mark.next));
        }
        for (; chunk != NULL; chunk = chunk->next) {
            POISON(chunk->start, chunk->size);
        }
    }
}

void rlc_arena_reset(rlc_arena *arena) {
    rlc_arena_release(arena, (rlc_mark){0});
}

void rlc_arena_free(rlc_arena *arena) {
    const rlc_memory *memory = memory_of(arena);
    for (rlc_arena_chunk *chunk = arena->first, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        if (memory->guarded) {
            UNPOISON(chunk->start, chunk->size);
        }
        memory->free(memory->self, chunk->start);
        free(chunk);
    }
    *arena = (rlc_arena){.memory = arena->memory};
}

size_t rlc_arena_size(const rlc_arena *arena) {
    size_t total = 0;
    for (const rlc_arena_chunk *chunk = arena->first; chunk != NULL; chunk = chunk->next) {
        total += chunk->size;
    }
    return total;
}
