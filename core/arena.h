/* arena.h: memory that is handed out by moving a pointer and given back all at once.
 *
 * Who owns what, in one sentence: model memory lives until its owner is freed, step memory until the program begins
 * again, scratch memory until the mark is released; there are no reference counts.
 *
 * An arena is a list of chunks that it keeps over a reset, and it only ever moves forward through them. So the same
 * sequence of requests after a reset gets the same addresses, which is what lets a GPU replay a captured step.
 * Under AddressSanitizer a reset poisons the memory: a pointer kept from the last step is reported where it is used.
 *
 *     rlc_arena arena = {0};
 *     float *x = rlc_arena_alloc(&arena, 100 * sizeof *x, RLC_ALIGN_DATA);
 *     rlc_arena_reset(&arena);           // x is gone, its memory will be used again
 *     rlc_arena_free(&arena);
 */
#ifndef RLC_ARENA_H
#define RLC_ARENA_H

#include "core/base.h"

RLC_BEGIN

/* Data is aligned for the widest vector registers and for a cache line; structs need only their own alignment. */
enum { RLC_ALIGN_DATA = 64, RLC_ALIGN_STRUCT = 8 };

/* Where an arena's chunks come from: host memory unless told otherwise. */
typedef struct rlc_memory {
    void *(*alloc)(void *self, size_t size); /* cleared, aligned to RLC_ALIGN_DATA; or NULL and an error */
    void (*free)(void *self, void *memory);
    void *self;
    bool on_host; /* whoever has the pointer may read and write there */
    bool guarded; /* it is this process's memory, which sanitizers watch */
} rlc_memory;

extern const rlc_memory rlc_host_memory;

typedef struct rlc_arena_chunk rlc_arena_chunk;

typedef struct rlc_arena {
    const rlc_memory *memory; /* NULL means host memory */
    rlc_arena_chunk *first, *current;
    char *next, *end; /* what is left of the current chunk */
} rlc_arena;

typedef struct rlc_mark {
    rlc_arena_chunk *current;
    char *next;
} rlc_mark;

/* At least `size` bytes, not cleared; NULL, with an error recorded, when there is no memory. */
void *rlc__arena_grow(rlc_arena *arena, size_t size, size_t align);

static inline void *rlc_arena_alloc(rlc_arena *arena, size_t size, size_t align);

void *rlc_arena_calloc(rlc_arena *arena, size_t size); /* cleared, for structs; host arenas only */
char *rlc_arena_strndup(rlc_arena *arena, const char *text, size_t length);
char *rlc_arena_printf(rlc_arena *arena, const char *format, ...) RLC_PRINTF(2, 3);

/* What is allocated after a mark is given back by releasing it. */
rlc_mark rlc_arena_mark(const rlc_arena *arena);
void rlc_arena_release(rlc_arena *arena, rlc_mark mark);

void rlc_arena_reset(rlc_arena *arena); /* gives everything back and keeps the chunks */
void rlc_arena_free(rlc_arena *arena);  /* gives the chunks back too; the arena is empty and can be used again */

size_t rlc_arena_size(const rlc_arena *arena); /* bytes of all chunks */

/* For sizes that come from outside, before memory is asked for: an error, "WHAT would take 4.2 TB, but this machine has 24 GB
 * of memory", when there is less than that in the whole machine. Linux grants more than there is, and kills who uses it. */
rlc_status rlc_memory_check(double bytes, const char *what);

/* "4.2 GB", for people. */
const char *rlc_bytes_text(double bytes, char text[16]);

/* How chunks grow: sizes are multiples of `unit`, a power of two, and at least `factor` times that of the chunk before. The
 * same for all arenas; tests make both tiny, so that every request becomes one that can fail. */
typedef struct rlc__growth {
    size_t unit, factor;
} rlc__growth;
extern rlc__growth rlc__arena_growth;

#if defined(__SANITIZE_ADDRESS__)
#define RLC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RLC_ASAN 1
#endif
#endif

#ifdef RLC_ASAN
void *rlc__arena_alloc_checked(rlc_arena *arena, size_t size, size_t align);
#endif

static inline void *rlc_arena_alloc(rlc_arena *arena, size_t size, size_t align) {
#ifdef RLC_ASAN
    return rlc__arena_alloc_checked(arena, size, align);
#else
    uintptr_t start = ((uintptr_t)arena->next + (align - 1)) & ~(uintptr_t)(align - 1);
    if (RLC_UNLIKELY(arena->next == NULL || start > (uintptr_t)arena->end || size > (uintptr_t)arena->end - start)) {
        return rlc__arena_grow(arena, size, align);
    }
    arena->next = (char *)start + size;
    return (void *)start;
#endif
}

RLC_END

#endif
