/* dicts.c: reads a folder that Python's tensordict wrote and writes it as another folder and as a safetensors file. */
#include <stdio.h>

#include "core/device.h"
#include "tensordict/dict_file.h"

static rlc_status copy(const char *from, const char *folder, const char *file) {
    rlc_device *cpu;
    rlc_state state = {0};
    rlc_dict *td;
    RLC_TRY(rlc_device_open("cpu", &cpu));
    rlc_status status = rlc_dict_load_memmap(from, cpu, &state, &td);
    status = status == RLC_OK ? rlc_dict_save_memmap(td, folder) : status;
    status = status == RLC_OK ? rlc_dict_save(td, file) : status;
    rlc_state_free(&state);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: dicts FOLDER NEW_FOLDER NEW_FILE\n");
        return RLC_INVALID;
    }
    rlc_status status = copy(argv[1], argv[2], argv[3]);
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    return (int)status;
}
