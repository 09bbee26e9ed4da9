/* checks.cpp: the accesses of kernels, looked at one by one: checks.h. */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <sys/mman.h>

#include "kernels/cuda/host/checks.h"
#include "kernels/cuda/host/fibers.h"
#include "kernels/cuda/host/runtime.h"

/* Who has reached a place: valid for the launch, or for shared memory the block, that `epoch` is of. */
enum { MANY = 0xffffffffu };
typedef struct visit {
    uint32_t epoch, block, thread; /* or MANY */
    uint32_t phase;                /* how many barriers the block had passed */
} visit;
typedef struct cell {
    visit write, read;
} cell;

typedef struct access {
    const char *at;
    size_t size;
    bool changes;
    const void *code; /* where the kernel does it */
} access;

static bool runs;
static uint32_t launches, blocks_begun, phase;
static const char *arguments, *arguments_end;

/* Four bytes have a cell, and each of them one of its own for accesses to less than four. */
typedef struct notes {
    cell *of_words, *of_bytes;
} notes;
static cell words_of_block[RLC_FIBERS_SHARED / 4], bytes_of_block[RLC_FIBERS_SHARED];
static const notes of_block = {words_of_block, bytes_of_block};
static notes of_device;

/* A change of a place that others have reached, which is none if it leaves what was there. */
static struct {
    access what;
    visit other;
    const char *done;
    char was[16];
} suspect;

/* Constants that the compiler has laid down beside the code: on a GPU they lie there, too. */
static const char *constants, *constants_end;

static int find_constants(struct dl_phdr_info *object, size_t, void *) {
    const char *here = (const char *)&find_constants;
    bool is_here = false;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) &part = object->dlpi_phdr[i];
        const char *start = (const char *)object->dlpi_addr + part.p_vaddr;
        is_here |= part.p_type == PT_LOAD && here >= start && here < start + part.p_memsz;
    }
    for (int i = 0; i < object->dlpi_phnum && is_here; i++) {
        const ElfW(Phdr) &part = object->dlpi_phdr[i];
        if (part.p_type == PT_LOAD && part.p_flags == PF_R) {
            constants_end =
                (const char *)object->dlpi_addr + part.p_vaddr + part.p_memsz; /* the last such part has them */
            constants = constants_end - part.p_memsz;
        }
    }
    return is_here;
}

static cell *make_cells(size_t count) {
    void *memory =
        mmap(NULL, count * sizeof(cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("checks of kernels: no memory for notes");
        abort();
    }
    return (cell *)memory;
}

static void begin(void) {
    if (of_device.of_words == NULL) {
        const size_t bytes = RLC_EMULATED_SIZE;
        of_device = {make_cells(bytes / 4), make_cells(bytes)};
        dl_iterate_phdr(find_constants, NULL);
    }
}

/* Ends the process with what is wrong and where. */
[[noreturn]] static void fail(const access &a, const char *what) {
    Dl_info code = {};
    char command[1024];
    dladdr(a.code, &code);
    const size_t offset = (size_t)((const char *)a.code - (const char *)code.dli_fbase) - 1;
    fprintf(stderr, "checks of kernels: thread %u of block %u %s %zu bytes %s\n", threadIdx.x, blockIdx.x,
            a.changes ? "writes" : "reads", a.size, what);
    snprintf(command, sizeof command, "addr2line -Cifpse '%s' 0x%zx >&2", code.dli_fname, offset);
    if (system(command) != 0) {
        fprintf(stderr, "at %s + 0x%zx\n", code.dli_fname, offset);
    }
    abort();
}

static void fail_race(const access &a, const visit &other, const char *done) {
    char who[64] = "threads of other blocks have", what[160];
    if (other.block != MANY && other.thread == MANY) {
        snprintf(who, sizeof who, "other threads of block %u have", other.block);
    } else if (other.block != MANY) {
        snprintf(who, sizeof who, "thread %u of block %u has", other.thread, other.block);
    }
    snprintf(what, sizeof what, "that %s %s, and no barrier is between", who, done);
    fail(a, what);
}

/* Whether the change that was suspect has changed anything: it is done by now. */
static void settle(void) {
    if (suspect.what.at != NULL) {
        const char *at = suspect.what.at;
        suspect.what.at = NULL;
        if (memcmp(at, suspect.was, suspect.what.size) != 0) {
            fail_race(suspect.what, suspect.other, suspect.done);
        }
    }
}

static bool races(const visit &v) {
    return v.block != blockIdx.x || (v.phase == phase && v.thread != threadIdx.x);
}

static void note_read(visit *v, uint32_t epoch) {
    if (v->epoch == epoch && v->block != blockIdx.x) {
        v->block = MANY;
    } else if (v->epoch == epoch && v->phase == phase && v->thread != threadIdx.x) {
        v->thread = MANY;
    } else {
        *v = {epoch, blockIdx.x, threadIdx.x, phase};
    }
}

static void meet(const access &a, const visit &other, const char *done) {
    if (!a.changes || a.size > sizeof suspect.was) {
        fail_race(a, other, done);
    }
    suspect.what = a;
    suspect.other = other;
    suspect.done = done;
    memcpy(suspect.was, a.at, a.size);
}

static void look_at(cell *c, uint32_t epoch, const access &a) {
    if (c->write.epoch == epoch && races(c->write)) {
        meet(a, c->write, "written");
    }
    if (a.changes && c->read.epoch == epoch && races(c->read)) {
        meet(a, c->read, "read");
    }
    if (a.changes) {
        c->write = {epoch, blockIdx.x, threadIdx.x, phase};
    } else {
        note_read(&c->read, epoch);
    }
}

static void look_at_shared(const access &a, size_t at) {
    if (!rlc_fibers_share(a.at, a.size)) {
        fail(a, "outside of the arrays that its block shares");
    }
    cell *c = a.size < 4 ? of_block.of_bytes + at : of_block.of_words + at / 4;
    if (!a.changes && c->write.epoch != blocks_begun) {
        fail(a, "of shared memory that nobody has written");
    }
    for (size_t i = 0; i < a.size; i += 4) {
        look_at(c++, blocks_begun, a);
    }
}

static void look_at_device(const access &a, size_t at) {
    if (!rlc_emulated_is_given(at, a.size)) {
        fail(a, "of device memory that nobody has been given");
    }
    cell *c = a.size < 4 ? of_device.of_bytes + at : of_device.of_words + at / 4;
    for (size_t i = 0; i < a.size; i += 4) {
        look_at(c++, launches, a);
    }
}

/* Elsewhere nothing is noted: no other thread reaches it, or none may change it. */
static void look_elsewhere(const access &a) {
    const bool is_argument = a.at >= arguments && a.at + a.size <= arguments_end;
    const bool is_constant = a.at >= constants && a.at + a.size <= constants_end;
    if (rlc_fibers_has_on_stack(a.at) || (!a.changes && (is_argument || is_constant || rlc_fibers_place(a.at)))) {
        return;
    }
    if (rlc_emulated_place_of(a.at, a.size) != PINNED) {
        fail(a, "of the host's memory");
    }
}

static void look(const void *address, size_t size, bool changes, const void *code) {
    const access a = {(const char *)address, size, changes, code};
    const size_t on_device = (size_t)(a.at - rlc_emulated_region), in_shared = (size_t)(a.at - rlc_fibers_shared);
    if (!runs) {
        return;
    }
    settle();
    if (size <= 16 && (uintptr_t)a.at % size != 0) {
        fail(a, "at an address that their number does not divide");
    }
    if (on_device < RLC_EMULATED_SIZE) {
        look_at_device(a, on_device);
    } else if (in_shared < RLC_FIBERS_SHARED) {
        look_at_shared(a, in_shared);
    } else {
        look_elsewhere(a);
    }
}

void rlc_checks_launch(const void *data, size_t size) {
    begin();
    launches++;
    arguments = (const char *)data;
    arguments_end = arguments + size;
    runs = true;
}

void rlc_checks_block(void) {
    settle();
    blocks_begun++;
    phase = 0;
}

void rlc_checks_barrier(void) {
    settle();
    phase++;
}

void rlc_checks_end(void) {
    settle();
    runs = false;
}

void rlc_checks_atomic(const void *address, size_t size) {
    const access a = {(const char *)address, size, true, __builtin_return_address(0)};
    const size_t on_device = (size_t)(a.at - rlc_emulated_region);
    settle();
    if (on_device >= RLC_EMULATED_SIZE) {
        look_elsewhere(a);
    } else if (!rlc_emulated_is_given(on_device, size)) {
        fail(a, "of device memory that nobody has been given");
    }
}

/* By words, as far as they are whole. */
static void look_at_range(const void *address, size_t size, bool changes, const void *code) {
    const char *at = (const char *)address;
    for (size_t i = 0, step; i < size; i += step) {
        step = (uintptr_t)(at + i) % 4 == 0 && size - i >= 4 ? 4 : 1;
        look(at + i, step, changes, code);
    }
}

/* What the compiler calls: with "unaligned" where the type allows any address. */
extern "C" {
#define CODE __builtin_return_address(0)
#define CALLS(size)                                                                                                    \
    void __tsan_read##size(void *at) {                                                                                 \
        look(at, size, false, CODE);                                                                                   \
    }                                                                                                                  \
    void __tsan_write##size(void *at) {                                                                                \
        look(at, size, true, CODE);                                                                                    \
    }                                                                                                                  \
    void __tsan_volatile_read##size(void *at) {                                                                        \
        look(at, size, false, CODE);                                                                                   \
    }                                                                                                                  \
    void __tsan_volatile_write##size(void *at) {                                                                       \
        look(at, size, true, CODE);                                                                                    \
    }                                                                                                                  \
    void __tsan_unaligned_read##size(void *at) {                                                                       \
        look_at_range(at, size, false, CODE);                                                                          \
    }                                                                                                                  \
    void __tsan_unaligned_write##size(void *at) {                                                                      \
        look_at_range(at, size, true, CODE);                                                                           \
    }
CALLS(1)
CALLS(2)
CALLS(4)
CALLS(8)
CALLS(16)

void __tsan_read_range(void *at, size_t size) {
    look_at_range(at, size, false, CODE);
}
void __tsan_write_range(void *at, size_t size) {
    look_at_range(at, size, true, CODE);
}
void __tsan_atomic32_store(volatile uint32_t *at, uint32_t value, int) {
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}
void __tsan_init(void) {
}
void __tsan_func_entry(void *) {
}
void __tsan_func_exit(void) {
}
void __tsan_vptr_read(void **) {
}
void __tsan_vptr_update(void **, void *) {
}
}
