/* memory.cpp: the emulated device's memory, and pinned memory (emulation.h). */
#include <map>
#include <sys/mman.h>

#include "kernels/cuda/host/runtime.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define GUARD_GAP(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define OPEN_GAP(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define GUARD_GAP(memory, size) ((void)(memory), (void)(size))
#define OPEN_GAP(memory, size) ((void)(memory), (void)(size))
#endif

std::recursive_mutex rlc_emulated_lock;
typedef rlc_emulated_hold hold;
static std::recursive_mutex &lock = rlc_emulated_lock;

/* One region, most of it never touched, handed out in blocks from its start. */
static const size_t REGION = RLC_EMULATED_SIZE, UNIT = RLC_EMULATED_UNIT;
typedef struct block {
    size_t start, size; /* in bytes; the gap behind it included */
    bool used;
} block;
char *rlc_emulated_region;
uint16_t *rlc_emulated_given;
static char *&region = rlc_emulated_region;
static uint16_t *&given = rlc_emulated_given;
static size_t region_end;                                    /* what has been handed out so far ends here */
static std::vector<block> &blocks = *new std::vector<block>; /* for good: others free memory when the process ends */
static std::map<const char *, size_t> &pinned = *new std::map<const char *, size_t>;
static size_t in_use;
static int openings; /* of the guard */

static bool guarded(void) {
    static const bool is = rlc_emulated_option("guard");
    return is;
}

static void protect(int rights) {
    if (guarded() && region_end > 0) {
        mprotect(region, region_end, rights);
    }
}

rlc_emulated_opening::rlc_emulated_opening() : held(lock) {
    if (openings++ == 0) {
        protect(PROT_READ | PROT_WRITE);
    }
}

rlc_emulated_opening::~rlc_emulated_opening() {
    if (--openings == 0) {
        protect(PROT_NONE);
    }
}

void rlc_emulated_closed(const std::function<void()> &function) {
    protect(PROT_NONE);
    function();
    protect(PROT_READ | PROT_WRITE);
}

size_t rlc_emulated_memory(void) {
    const char *text = getenv("RLC_CUDA_HOST_MEMORY"); /* bytes, for tests of what happens when there are no more */
    return text != NULL ? (size_t)strtoull(text, NULL, 10) : REGION;
}

static void *untouched(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

static bool make_region(void) {
    given = given != NULL ? given : (uint16_t *)untouched(REGION / UNIT * sizeof *given);
    region = region != NULL || given == NULL ? region : (char *)untouched(REGION);
    return region != NULL;
}

/* The first block that is free and large enough; the rest of it becomes one more. */
static block *find_block(size_t size) {
    for (size_t i = 0; i < blocks.size(); i++) {
        if (!blocks[i].used && blocks[i].size >= size) {
            if (blocks[i].size > size) {
                const block rest = {blocks[i].start + size, blocks[i].size - size, false};
                blocks[i].size = size;
                blocks.insert(blocks.begin() + (long)i + 1, rest);
            }
            return &blocks[i];
        }
    }
    if (region_end + size > REGION) {
        return NULL;
    }
    blocks.push_back({region_end, size, false});
    region_end += size;
    return &blocks.back();
}

/* Notes that the first `size` bytes of a block are somebody's. */
static void give(const block *b, size_t size) {
    for (size_t at = 0; at < b->size; at += UNIT) {
        given[(b->start + at) / UNIT] = (uint16_t)(at >= size ? 0 : size - at < UNIT ? size - at : UNIT);
    }
}

cudaError_t cudaMalloc(void **memory, size_t size) {
    if (rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    rlc_emulated_opening open;
    const size_t whole = size > REGION ? size : (size + UNIT + UNIT - 1) / UNIT * UNIT;
    const bool has_room = make_region() && whole <= REGION && in_use + whole <= rlc_emulated_memory();
    block *b = has_room ? find_block(whole) : NULL;
    if (b == NULL) {
        return rlc_emulated_failed(cudaErrorMemoryAllocation);
    }
    b->used = true;
    in_use += whole;
    give(b, size);
    *memory = region + b->start;
    protect(PROT_READ | PROT_WRITE); /* the region may have grown */
    OPEN_GAP(region + b->start, whole);
    memset(*memory, 0xff, size < (1 << 20) ? size : (1 << 20)); /* whoever wants it cleared must clear it */
    GUARD_GAP(region + b->start + size, whole - size);
    return cudaSuccess;
}

static void free_block(size_t i) {
    in_use -= blocks[i].size;
    blocks[i].used = false;
    give(&blocks[i], 0);
    GUARD_GAP(region + blocks[i].start, blocks[i].size);
    if (i + 1 < blocks.size() && !blocks[i + 1].used) {
        blocks[i].size += blocks[i + 1].size;
        blocks.erase(blocks.begin() + (long)i + 1);
    }
    if (i > 0 && !blocks[i - 1].used) {
        blocks[i - 1].size += blocks[i].size;
        blocks.erase(blocks.begin() + (long)i);
    }
}

/* Whoever still uses it is waited for. */
cudaError_t cudaFree(void *memory) {
    if (rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    rlc_emulated_finish();
    hold held(lock);
    for (size_t i = 0; memory != NULL && i < blocks.size(); i++) {
        if (blocks[i].used && region + blocks[i].start == memory) {
            free_block(i);
            return cudaSuccess;
        }
    }
    return memory == NULL ? cudaSuccess : rlc_emulated_failed(cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    hold held(lock);
    *total = rlc_emulated_memory();
    *free_bytes = *total - in_use;
    return cudaSuccess;
}

/* Memory of the host that both see. */
cudaError_t cudaHostAlloc(void **memory, size_t size, unsigned flags) {
    (void)flags;
    if (rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    hold held(lock);
    *memory = size <= REGION ? aligned_alloc(UNIT, (size + UNIT - 1) / UNIT * UNIT) : NULL;
    if (*memory == NULL) {
        return rlc_emulated_failed(cudaErrorMemoryAllocation);
    }
    pinned[(const char *)*memory] = size;
    return cudaSuccess;
}

/* Does not wait: CUDA does not promise to. */
cudaError_t cudaFreeHost(void *memory) {
    if (rlc_emulated_refused()) {
        return rlc_emulated_failed(cudaErrorStreamCaptureUnsupported);
    }
    hold held(lock);
    if (memory != NULL && pinned.erase((const char *)memory) == 0) {
        return rlc_emulated_failed(cudaErrorInvalidValue);
    }
    free(memory);
    return cudaSuccess;
}

static bool is_given(size_t at, size_t size) {
    bool is = true;
    for (const size_t end = at + size; at < end && is; at += UNIT) {
        is = rlc_emulated_is_given(at, end - at < UNIT ? end - at : UNIT);
    }
    return is;
}

rlc_emulated_place rlc_emulated_place_of(const void *address, size_t size) {
    const char *at = (const char *)address;
    if (region != NULL && at >= region && at < region + REGION) {
        return is_given((size_t)(at - region), size) ? ON_DEVICE : NOWHERE;
    }
    hold held(lock);
    auto next = pinned.upper_bound(at);
    if (next == pinned.begin()) {
        return PAGEABLE;
    }
    const auto &before = *--next;
    return at + size <= before.first + before.second ? PINNED : PAGEABLE;
}
