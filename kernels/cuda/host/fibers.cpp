/* fibers.cpp: the threads of a block, one after the other: emulation.h has the rules. */
#include <stdio.h>
#include <sys/mman.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#include "kernels/cuda/host/checks.h"
#include "kernels/cuda/host/fibers.h"

#if defined(__SANITIZE_ADDRESS__)
#define ANNOTATED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ANNOTATED 1
#endif
#endif
#if defined(ANNOTATED)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

rlc_emulated_index threadIdx, blockIdx, blockDim, gridDim;

enum { STACK = 64 * 1024, MAX_THREADS = 1024, SHARED = RLC_FIBERS_SHARED, MAX_ARRAYS = 16 };

/* A flow of control with a stack of its own; `main_flow` is that of whoever launched. */
typedef struct flow {
#if defined(__x86_64__)
    void *stack_pointer;
#else
    ucontext_t context;
#endif
    char *stack;
    unsigned thread; /* that it runs, and comes back to when the barrier opens */
    bool waiting;
#if defined(ANNOTATED)
    void *fake_stack;
    const void *bottom;
    size_t size;
#endif
} flow;

static flow main_flow, flows[MAX_THREADS], *current;
static rlc_emulated_thread *body;
static const void *body_arguments;
static unsigned num_threads, next_thread;
static bool descending;

#if defined(__x86_64__)
/* Saves what a call must preserve, and changes stacks. */
__asm__(".text\n"
        ".globl rlc_switch_stacks\n"
        ".hidden rlc_switch_stacks\n"
        ".type rlc_switch_stacks, @function\n"
        "rlc_switch_stacks:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size rlc_switch_stacks, . - rlc_switch_stacks\n");
extern "C" void rlc_switch_stacks(void **save, void *load);
#endif

static void arrive(flow *from) {
#if defined(ANNOTATED)
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(current->fake_stack, &bottom, &size);
    if (from == &main_flow) {
        main_flow.bottom = bottom;
        main_flow.size = size;
    }
#endif
    (void)from;
}

static void go_to(flow *to) {
    flow *from = current;
    current = to;
#if defined(ANNOTATED)
    __sanitizer_start_switch_fiber(&from->fake_stack, to == &main_flow ? main_flow.bottom : to->stack,
                                   to == &main_flow ? main_flow.size : (size_t)STACK);
#endif
#if defined(__x86_64__)
    rlc_switch_stacks(&from->stack_pointer, to->stack_pointer);
#else
    swapcontext(&from->context, &to->context);
#endif
    arrive(from == &main_flow ? nullptr : &main_flow); /* whoever comes to a fiber comes from the main flow */
}

static void start_thread(flow *f) {
    f->thread = next_thread++;
    threadIdx.x = descending ? num_threads - 1 - f->thread : f->thread;
}

/* A fiber runs threads that nobody has begun, one after the other: only one that waits keeps its fiber. */
static void fiber_main(void) {
    arrive(&main_flow);
    for (;;) {
        while (next_thread < num_threads) {
            start_thread(current);
            body(body_arguments);
        }
        go_to(&main_flow);
    }
}

static void make_stack(flow *f) {
    f->stack = (char *)mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f->stack == MAP_FAILED) {
        perror("emulation of CUDA: no memory for stacks");
        abort();
    }
#if defined(__x86_64__)
    void **top = (void **)(f->stack + STACK);
    *--top = NULL; /* where fiber_main would return to; keeps the alignment that a call leaves */
    *--top = (void *)fiber_main;
    for (int i = 0; i < 6; i++) {
        *--top = NULL;
    }
    f->stack_pointer = top;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK;
    f->context.uc_link = NULL;
    makecontext(&f->context, fiber_main, 0);
#endif
}

void __syncthreads(void) {
    current->waiting = true;
    go_to(&main_flow);
    threadIdx.x = descending ? num_threads - 1 - current->thread : current->thread;
}

static void enter(flow *f) {
    if (f->stack == NULL) {
        make_stack(f);
    }
    go_to(f);
}

/* Shared memory of the block that runs. */
static struct {
    const void *place;
    char *data;
    size_t size;
} arrays[MAX_ARRAYS];
static int num_arrays;
alignas(64) char rlc_fibers_shared[SHARED];
static size_t shared_used;

void *rlc_emulated_shared(const void *place, size_t size) {
    for (int i = 0; i < num_arrays; i++) {
        if (arrays[i].place == place) {
            return arrays[i].data;
        }
    }
    const size_t start = shared_used;
    shared_used += (size + 127) / 64 * 64; /* with a gap behind it */
    if (num_arrays == MAX_ARRAYS || shared_used > SHARED) {
        fprintf(stderr, "emulation of CUDA: a block shares more than %d bytes\n", (int)SHARED);
        abort();
    }
    memset(rlc_fibers_shared + start, 0xff, size);
#if defined(ANNOTATED)
    ASAN_POISON_MEMORY_REGION(rlc_fibers_shared + start, shared_used - start);
    ASAN_UNPOISON_MEMORY_REGION(rlc_fibers_shared + start, size);
#endif
    arrays[num_arrays].place = place;
    arrays[num_arrays].data = rlc_fibers_shared + start;
    arrays[num_arrays].size = size;
    return arrays[num_arrays++].data;
}

bool rlc_fibers_share(const char *at, size_t size) {
    for (int i = 0; i < num_arrays; i++) {
        if (at >= arrays[i].data && at + size <= arrays[i].data + arrays[i].size) {
            return true;
        }
    }
    return false;
}

bool rlc_fibers_place(const char *at) {
    const rlc_emulated_index *places[] = {&threadIdx, &blockIdx, &blockDim, &gridDim};
    for (const rlc_emulated_index *place : places) {
        if (at >= (const char *)place && at < (const char *)(place + 1)) {
            return true;
        }
    }
    return false;
}

bool rlc_fibers_has_on_stack(const char *at) {
    return at >= current->stack && at < current->stack + STACK;
}

static void forget_shared(void) {
#if defined(ANNOTATED)
    ASAN_UNPOISON_MEMORY_REGION(rlc_fibers_shared, SHARED);
#endif
    num_arrays = 0;
    shared_used = 0;
}

static void check_all_wait(unsigned waiting) {
    if (waiting != 0 && waiting != num_threads) {
        fprintf(stderr, "emulation of CUDA: %u of %u threads of a block wait at a barrier that the others passed by\n",
                waiting, num_threads);
        abort();
    }
}

static void run_block(void) {
    unsigned used = 0; /* flows that wait are the first so many */
    next_thread = 0;
    forget_shared();
    rlc_checks_block();
    while (next_thread < num_threads) {
        flow *f = &flows[used];
        f->waiting = false;
        enter(f);
        used += f->waiting;
    }
    for (check_all_wait(used); used > 0; check_all_wait(used)) {
        const unsigned all = used;
        used = 0;
        rlc_checks_barrier();
        for (unsigned i = 0; i < all; i++) {
            flows[i].waiting = false;
            enter(&flows[i]);
            used += flows[i].waiting;
        }
    }
}

void rlc_fibers_run(unsigned blocks, unsigned threads, bool backwards, rlc_emulated_thread *thread,
                    const void *arguments, size_t size) {
    if (threads > MAX_THREADS || threads == 0 || blocks == 0) {
        fprintf(stderr, "emulation of CUDA: a launch of %u blocks of %u threads\n", blocks, threads);
        abort();
    }
    body = thread;
    body_arguments = arguments;
    num_threads = threads;
    descending = backwards;
    current = &main_flow;
    gridDim = {blocks, 1, 1};
    blockDim = {threads, 1, 1};
    rlc_checks_launch(arguments, size);
    for (unsigned b = 0; b < blocks; b++) {
        blockIdx = {backwards ? blocks - 1 - b : b, 0, 0};
        run_block();
    }
    rlc_checks_end();
}

unsigned atomicCAS(unsigned *at, unsigned expected, unsigned value) {
    rlc_checks_atomic(at, sizeof *at);
    const unsigned was = *at;
    *at = was == expected ? value : was;
    return was;
}
