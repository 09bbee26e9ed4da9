/* Any bytes as a file: it is refused with a message, or every entry lies where it says and can be loaded. */
#include "core/device.h"
#include "core/safetensors.h"
#include "tests/fuzz/fuzz.h"

enum { MOST_BYTES = 1 << 16 };

/* Loads an entry into a root of its type and shape, which must then hold its bytes. */
static void load(const rlc_safetensors *file, const rlc_safetensors_entry *entry) {
    rlc_device *cpu;
    MUST(rlc_device_open("cpu", &cpu) == RLC_OK);
    rlc_tensor *root = rlc_tensor_new(cpu, entry->dtype, entry->shape);
    MUST(root != NULL);
    MUST(rlc_safetensors_load(file, entry->name, root) == RLC_OK);
    MUST(memcmp(root->data, entry->data, entry->size) == 0);
    rlc_tensor_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    int fd = open_bytes(data, size, path);
    rlc_safetensors *file = NULL;
    rlc_status status = rlc_safetensors_open(path, &file);
    must_have_told(status);
    close(fd);
    if (status != RLC_OK) {
        return 0;
    }
    size_t total = 0;
    for (int i = 0; i < rlc_safetensors_count(file); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(file, i);
        MUST(rlc_safetensors_find(file, entry->name) == entry);
        total += entry->size;
        if (entry->size <= MOST_BYTES) {
            load(file, entry);
        }
    }
    MUST(total <= 2 * size); /* what has 16 bits there has 32 here */
    const char *format = rlc_safetensors_metadata(file, "format");
    MUST(format == NULL || strlen(format) < size);
    rlc_safetensors_close(file);
    return 0;
}
