/* base.h: what every file of rlc stands on: the status that calls return, the message behind it, and the log.
 *
 * A call that can fail for a reason from outside (a file, a recipe, memory, a number that became NaN) returns an
 * `rlc_status`. The message that says where and what to do is kept for the thread that failed: the first one stays
 * until it is cleared, so the cause is reported and not its consequences. Our own bugs are assertions.
 *
 *     if (rlc_run_load("recipes/dqn.yaml", NULL, &run) != RLC_OK)
 *         fprintf(stderr, "%s\n", rlc_error());
 */
#ifndef RLC_BASE_H
#define RLC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RLC_VERSION "0.1.0"

/* Raised whenever a struct that plug-ins see changes its layout; a plug-in built for another number is refused. */
#define RLC_ABI 6

#ifdef __cplusplus
#define RLC_BEGIN extern "C" {
#define RLC_END }
#else
#define RLC_BEGIN
#define RLC_END
#endif

#if defined(__GNUC__)
#define RLC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define RLC_LIKELY(x) __builtin_expect(!!(x), 1)
#define RLC_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define RLC_PRINTF(text, first)
#define RLC_LIKELY(x) (x)
#define RLC_UNLIKELY(x) (x)
#endif

/* Before a loop: its iterations do not depend on each other, so it may become vector code. Operands may be the same array,
 * but must not overlap otherwise. */
#if defined(__clang__)
#define RLC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__) && !defined(__CUDACC__)
#define RLC_INDEPENDENT _Pragma("GCC ivdep")
#else
#define RLC_INDEPENDENT
#endif

#define RLC_COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

RLC_BEGIN

/* Also the exit status of rlrun. */
typedef enum rlc_status {
    RLC_OK = 0,
    RLC_FAILED = 1,       /* the run failed: memory, a file, a device, a number that is not finite */
    RLC_INVALID = 2,      /* what the caller gave is wrong: a recipe, an option, a shape, a key */
    RLC_INTERRUPTED = 130 /* stopped by a signal, after saving */
} rlc_status;

/* Records `status` with a message, unless one is already kept; returns the status that is kept. */
rlc_status rlc_fail(rlc_status status, const char *format, ...) RLC_PRINTF(2, 3);

/* Puts text before the message that is kept: how outer code says where it happened. No message, no effect. */
void rlc_error_prefix(const char *format, ...) RLC_PRINTF(1, 2);

const char *rlc_error(void);       /* the message kept for this thread, or "" */
rlc_status rlc_error_status(void); /* its status, or RLC_OK */
void rlc_error_clear(void);

/* Returns from the calling function when `call` did not return RLC_OK. */
#define RLC_TRY(call)                                                                                                  \
    do {                                                                                                               \
        rlc_status rlc_try_status = (call);                                                                            \
        if (RLC_UNLIKELY(rlc_try_status != RLC_OK)) {                                                                  \
            return rlc_try_status;                                                                                     \
        }                                                                                                              \
    } while (0)

/* Writes a line to standard error when the environment variable RLC_LOG holds `topic` (or "all") in its
 * comma-separated list: RLC_LOG=memory,graph. */
void rlc_trace(const char *topic, const char *format, ...) RLC_PRINTF(2, 3);

/* True when the environment variable `name` is set to something other than "", "0". */
bool rlc_getenv_flag(const char *name);

/* The one of `count` names that is nearest to `word` by edit distance, or NULL when
 * none is near enough to be a likely slip of the pen. */
const char *rlc_nearest(const char *word, const char *const *names, int count);

/* calloc that records "out of memory" with the size asked for; a size of 0 gives a pointer that can be freed. */
void *rlc_calloc(size_t count, size_t size);
char *rlc_strdup(const char *text);

RLC_END

#endif
