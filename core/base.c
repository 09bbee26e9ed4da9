#include "core/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One message a thread: long enough for a path, two shapes and a list of keys; more is cut with "...". */
typedef struct thread_error {
    rlc_status status;
    char message[2048];
} thread_error;

static _Thread_local thread_error error;

/* Of a message that would be so long. */
static void mark_cut(int length) {
    if (length >= (int)sizeof error.message) {
        memcpy(error.message + sizeof error.message - 4, "...", 4);
    }
}

rlc_status rlc_fail(rlc_status status, const char *format, ...) {
    if (error.status != RLC_OK) {
        return error.status;
    }
    error.status = status;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(error.message, sizeof error.message, format, args);
    va_end(args);
    mark_cut(length);
    return status;
}

void rlc_error_prefix(const char *format, ...) {
    if (error.status == RLC_OK) {
        return;
    }
    char prefix[sizeof error.message];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    if (length < 0 || length >= (int)sizeof prefix) {
        return;
    }
    size_t room = sizeof error.message - (size_t)length - 1;
    size_t kept = strlen(error.message);
    const int wanted = length + (int)kept;
    kept = kept < room ? kept : room;
    memmove(error.message + length, error.message, kept);
    memcpy(error.message, prefix, (size_t)length);
    error.message[(size_t)length + kept] = '\0';
    mark_cut(wanted);
}

const char *rlc_error(void) {
    return error.message;
}

rlc_status rlc_error_status(void) {
    return error.status;
}

void rlc_error_clear(void) {
    error.status = RLC_OK;
    error.message[0] = '\0';
}

/* True when `word` is one of the comma-separated words of `list`. */
static bool lists(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ','), at += at != NULL) {
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

void rlc_trace(const char *topic, const char *format, ...) {
    const char *topics = getenv("RLC_LOG");
    if (topics == NULL || !(lists(topics, topic) || lists(topics, "all"))) {
        return;
    }
    va_list args;
    va_start(args, format);
    fprintf(stderr, "rlc %s: ", topic);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

bool rlc_getenv_flag(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

/* Levenshtein's distance, given up beyond `RLC_WORD` characters: no option name is that long. */
enum { RLC_WORD = 64 };

static int edit_distance(const char *a, const char *b) {
    size_t m = strlen(a), n = strlen(b);
    if (m >= RLC_WORD || n >= RLC_WORD) {
        return RLC_WORD;
    }
    int row[RLC_WORD];
    for (size_t j = 0; j <= n; j++) {
        row[j] = (int)j;
    }
    for (size_t i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[n];
}

const char *rlc_nearest(const char *word, const char *const *names, int count) {
    const char *nearest = NULL;
    if (strlen(word) >= RLC_WORD) {
        return NULL;
    }
    int best = 1 + (int)strlen(word) / 3; /* one slip in short words, one more for every three letters */
    for (int i = 0; i < count; i++) {
        int distance = edit_distance(word, names[i]);
        if (distance <= best && (nearest == NULL || distance < best)) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

void *rlc_calloc(size_t count, size_t size) {
    void *memory = calloc(count != 0 ? count : 1, size != 0 ? size : 1);
    if (memory == NULL) {
        rlc_fail(RLC_FAILED, "out of memory: could not get %zu x %zu bytes", count, size);
    }
    return memory;
}

char *rlc_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = rlc_calloc(1, size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}
