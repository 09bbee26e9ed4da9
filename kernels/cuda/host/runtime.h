/* runtime.h: what the files of the emulated runtime (emulation.h) know of each other. */
#ifndef RLC_HOST_RUNTIME_H
#define RLC_HOST_RUNTIME_H

#include <mutex>

#include "kernels/cuda/host/emulation.h"

/* Keeps the error until cudaGetLastError, as CUDA does, and returns it. */
cudaError_t rlc_emulated_failed(cudaError_t error);

/* One device at a time works, whoever calls. */
extern std::recursive_mutex rlc_emulated_lock;
typedef std::lock_guard<std::recursive_mutex> rlc_emulated_hold;

/* While one of these exists nobody else works on the device, and its memory can be read and written. */
typedef struct rlc_emulated_opening {
    rlc_emulated_hold held;
    rlc_emulated_opening();
    ~rlc_emulated_opening();
} rlc_emulated_opening;

/* Runs `function` with the device's memory closed, although somebody has opened it. */
void rlc_emulated_closed(const std::function<void()> &function);

/* Where an address lies. Kernels reach all but what is PAGEABLE, copies without waiting do, too. */
typedef enum rlc_emulated_place { PAGEABLE, PINNED, ON_DEVICE, NOWHERE } rlc_emulated_place;

/* NOWHERE is memory of the device that has not been given to anybody, or no longer. */
rlc_emulated_place rlc_emulated_place_of(const void *address, size_t size);

/* The device's memory, whether given out or not: where it begins, and of each unit how many bytes somebody has. Checks take
 * forty times as much for their notes, of which little is ever touched. */
enum { RLC_EMULATED_UNIT = 256 };
#if defined(RLC_CHECKED)
static const size_t RLC_EMULATED_SIZE = (size_t)1 << 31;
#else
static const size_t RLC_EMULATED_SIZE = (size_t)1 << 34;
#endif
extern char *rlc_emulated_region;
extern uint16_t *rlc_emulated_given;

/* Whether bytes of the region are somebody's; no more of them than a unit has. */
static inline bool rlc_emulated_is_given(size_t at, size_t size) {
    const size_t last = at + size - 1, unit = last / RLC_EMULATED_UNIT;
    return rlc_emulated_given[unit] > last % RLC_EMULATED_UNIT &&
           (unit == at / RLC_EMULATED_UNIT || rlc_emulated_given[at / RLC_EMULATED_UNIT] == RLC_EMULATED_UNIT);
}

/* What CUDA refuses while the calling thread captures; it makes the capture worthless. */
bool rlc_emulated_refused(void);

/* All that streams have been given and have not done yet. */
void rlc_emulated_finish(void);

/* The memory a device has: RLC_CUDA_HOST_MEMORY, or all of the region. */
size_t rlc_emulated_memory(void);

#endif
