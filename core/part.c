#include "core/part.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_TEXT = 1024 };

/* The part's file: beside the library that this function belongs to. */
static bool find(const char *name, char path[PATH_TEXT]) {
    static const char here;
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const int folder = slash != NULL ? (int)(slash - info.dli_fname) + 1 : 0;
    int length = snprintf(path, PATH_TEXT, "%.*s%srlc_%s.so", folder, info.dli_fname, folder > 0 ? "" : "./", name);
    return length > 0 && length < PATH_TEXT;
}

void *rlc__part_open(const rlc_part *part) {
    char path[PATH_TEXT];
    if (!find(part->name, path) || access(path, R_OK) != 0) {
        rlc_fail(RLC_FAILED, "%s: %s: there is no %s; %s", part->lacking, part->missing, path, part->remedy);
        return NULL;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        rlc_fail(RLC_FAILED, "%s: %s%s%s", part->lacking, dlerror(), part->needs != NULL ? "; " : "",
                 part->needs != NULL ? part->needs : "");
        return NULL;
    }
    const int *abi = dlsym(handle, part->abi);
    void *symbol = dlsym(handle, part->symbol);
    if (abi == NULL || symbol == NULL || *abi != RLC_ABI) {
        dlclose(handle);
        rlc_fail(RLC_FAILED, "%s: %s belongs to another version of rlc; build both anew", part->lacking, path);
        return NULL;
    }
    return symbol;
}
