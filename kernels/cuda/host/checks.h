/* checks.h: looks at each access of a kernel to memory, as compute-sanitizer does on a GPU, and ends the process where one is
 * wrong:
 *
 *     memory   that neither cudaMalloc nor cudaHostAlloc has given, that is the host's, or that lies outside of an array
 *              which the block shares; none that its size does not divide
 *     races    two threads of a launch reach the same place, one of them to change it, and no barrier of their block lies
 *              between; two that leave the same there are none
 *     nothing  is read from shared memory before the block has written it
 *
 * Threads run one after the other, so races are found by what has been noted of a place, whether or not they do harm here; also
 * those between blocks, which compute-sanitizer leaves out. The compiler makes the calls: kernels are compiled with
 * -fsanitize=thread, without its library. Accesses that the compiler leaves to memcpy are not seen, nor are
 * races of less than four bytes with more.
 */
#ifndef RLC_HOST_CHECKS_H
#define RLC_HOST_CHECKS_H

#include <stddef.h>

#if defined(RLC_CHECKED)
/* A launch begins, whose threads may read their arguments; one of its blocks begins; a barrier opens; the launch is over. */
void rlc_checks_launch(const void *arguments, size_t size);
void rlc_checks_block(void);
void rlc_checks_barrier(void);
void rlc_checks_end(void);

/* An access that cannot race. */
void rlc_checks_atomic(const void *address, size_t size);
#else
static inline void rlc_checks_launch(const void *, size_t) {
}
static inline void rlc_checks_block(void) {
}
static inline void rlc_checks_barrier(void) {
}
static inline void rlc_checks_end(void) {
}
static inline void rlc_checks_atomic(const void *, size_t) {
}
#endif

#endif
