/* backend.c: devices that are shared objects, opened when somebody asks for one. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/device.h"

enum { PATH_TEXT = 1024 };

/* The backend's file: beside the library that this function is part of. */
static bool find(const char *backend, char path[PATH_TEXT]) {
    static const char here;
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const int folder = slash != NULL ? (int)(slash - info.dli_fname) + 1 : 0;
    int length = snprintf(path, PATH_TEXT, "%.*s%srlc_%s.so", folder, info.dli_fname, folder > 0 ? "" : "./", backend);
    return length > 0 && length < PATH_TEXT;
}

/* Kept open for good: tensors and programs point to functions in it. */
rlc_status rlc__backend_load(const char *backend, int index, rlc_device *device) {
    char path[PATH_TEXT];
    if (!find(backend, path) || access(path, R_OK) != 0) {
        return rlc_fail(RLC_FAILED,
                        "device '%s' is not available: this build of rlc has no CUDA backend: there is no %s; `make` "
                        "builds it where nvcc is found; use --device cpu",
                        backend, path);
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        return rlc_fail(RLC_FAILED, "device '%s' is not available: %s", backend, dlerror());
    }
    const int *abi = dlsym(handle, "rlc__backend_abi");
    rlc_backend_open *open;
    *(void **)&open = dlsym(handle, "rlc__backend_open");
    rlc_status status = RLC_OK;
    if (abi == NULL || open == NULL || *abi != RLC_ABI) {
        status =
            rlc_fail(RLC_FAILED, "device '%s' is not available: %s belongs to another version of rlc; build both anew",
                     backend, path);
    } else {
        status = open(index, device);
    }
    if (status != RLC_OK) {
        dlclose(handle);
    }
    return status;
}
