#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A rename is lasting once the folder is on disk as well. */
static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

static rlc_status write_by_way_of(const char *temporary, const char *path, bool (*write)(FILE *out, void *data),
                                  void *data) {
    FILE *out = fopen(temporary, "wb");
    if (out == NULL) {
        return rlc_fail(RLC_FAILED, "%s: could not be written: %s", temporary, strerror(errno));
    }
    errno = 0;
    bool good = write(out, data) && fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
    int reason = errno;
    if (fclose(out) != 0 || !good || rename(temporary, path) != 0) {
        reason = good ? errno : reason;
        unlink(temporary);
        return rlc_fail(RLC_FAILED, "%s: could not be written: %s; what was there before is kept", path,
                        strerror(reason));
    }
    sync_folder(path);
    return RLC_OK;
}

rlc_status rlc_file_write(const char *path, bool (*write)(FILE *out, void *data), void *data) {
    size_t length = strlen(path) + sizeof ".tmp";
    char *temporary = rlc_calloc(length, 1);
    if (temporary == NULL) {
        return rlc_error_status();
    }
    snprintf(temporary, length, "%s.tmp", path);
    rlc_status status = write_by_way_of(temporary, path, write, data);
    free(temporary);
    return status;
}

rlc_status rlc_folder_make(const char *folder) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path) {
        return rlc_fail(RLC_INVALID, "%s: the path is too long", folder);
    }
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char kept = *at;
        *at = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return rlc_fail(RLC_FAILED, "%s: the folder could not be made: %s", path, strerror(errno));
        }
        *at = kept;
        if (kept == '\0') {
            break;
        }
    }
    struct stat info;
    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode)) {
        return rlc_fail(RLC_FAILED, "%s: this is not a folder", folder);
    }
    if (access(folder, W_OK) != 0) {
        return rlc_fail(RLC_FAILED, "%s: cannot be written to: %s", folder, strerror(errno));
    }
    return RLC_OK;
}
