/* backend.c: devices that are shared objects, opened when somebody asks for one. */
#include <stdio.h>

#include "core/device.h"
#include "core/part.h"

rlc_status rlc__backend_load(const char *backend, int index, rlc_device *device) {
    char lacking[128];
    snprintf(lacking, sizeof lacking, "device '%s' is not available", backend);
    rlc_backend_open *open;
    *(void **)&open = rlc__part_open(&(rlc_part){
        .name = backend,
        .abi = "rlc__backend_abi",
        .symbol = "rlc__backend_open",
        .lacking = lacking,
        .missing = "this build of rlc has no CUDA backend",
        .remedy = "`make` builds it where nvcc is found; use --device cpu",
        .needs = "CUDA's libraries must be where the loader looks, or in LD_LIBRARY_PATH; use --device cpu",
    });
    return open != NULL ? open(index, device) : rlc_error_status();
}
