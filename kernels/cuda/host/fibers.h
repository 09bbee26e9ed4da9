/* fibers.h: runs the threads of a grid, blocks one after the other. */
#ifndef RLC_FIBERS_H
#define RLC_FIBERS_H

#include "kernels/cuda/host/emulation.h"

/* Calls `thread` for each of them with threadIdx and its kin set; from the last to the first with `backwards`. */
void rlc_fibers_run(unsigned blocks, unsigned threads, bool backwards, const std::function<void()> &thread);

#endif
