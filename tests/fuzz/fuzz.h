/* fuzz.h: what the fuzz targets share. Each is one function that takes any bytes and either returns, or ends the process
 * because something that must hold does not. libFuzzer calls it (`make fuzz`), and so does tests/test_corpus.c with
 * every file of tests/fuzz/corpus.
 */
#ifndef RLC_FUZZ_H
#define RLC_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base.h"

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold; the error is '%s'\n", __FILE__, __LINE__, #condition,            \
                    rlc_error());                                                                                      \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A call that failed has said why, one that did not has left no error behind. Clears the error. */
static inline void must_have_told(rlc_status status) {
    MUST(status == RLC_OK || status == RLC_FAILED || status == RLC_INVALID);
    MUST(status == rlc_error_status());
    MUST((status == RLC_OK) == (rlc_error()[0] == '\0'));
    rlc_error_clear();
}

/* The bytes as a file that lies in memory; its path, for as long as the file is open. */
static inline int open_bytes(const void *data, size_t size, char path[64]) {
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    MUST(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, 64, "/proc/self/fd/%d", file);
    return file;
}

#endif
