/* fibers.h: runs the threads of a grid, blocks one after the other. */
#ifndef RLC_FIBERS_H
#define RLC_FIBERS_H

#include "kernels/cuda/host/emulation.h"

/* Calls `thread` for each of them with threadIdx and its kin set; from the last to the first with `backwards`. */
void rlc_fibers_run(unsigned blocks, unsigned threads, bool backwards, rlc_emulated_thread *thread,
                    const void *arguments, size_t size);

/* For checks.h: what the block that runs shares, and whether so many bytes lie in one of its arrays; whether an address is that
 * of threadIdx or its kin, and whether it lies on the stack of the thread that runs. */
enum { RLC_FIBERS_SHARED = 96 * 1024 };
extern char rlc_fibers_shared[RLC_FIBERS_SHARED];
bool rlc_fibers_share(const char *at, size_t size);
bool rlc_fibers_place(const char *at);
bool rlc_fibers_has_on_stack(const char *at);

#endif
