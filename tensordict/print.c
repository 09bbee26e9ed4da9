/* print.c: a dict in tensordict's words. */
#include <stdlib.h>
#include <string.h>

#include "tensordict/dict.h"

static int by_name(const void *a, const void *b) {
    return strcmp((*(rlc_entry *const *)a)->key->name, (*(rlc_entry *const *)b)->key->name);
}

static const char *device_of(const rlc_dict *dict) {
    for (int i = 0; i < dict->count; i++) {
        const rlc_entry *entry = &dict->entries[i];
        const char *name = entry->tensor != NULL ? entry->tensor->device->name : device_of(entry->dict);
        if (name != NULL) {
            return name;
        }
    }
    return NULL;
}

static void print_at(const rlc_dict *dict, int indent, FILE *out) {
    char text[RLC_SHAPE_TEXT];
    const rlc_entry **sorted = rlc_calloc((size_t)dict->count, sizeof *sorted);
    if (sorted == NULL) {
        return;
    }
    for (int i = 0; i < dict->count; i++) {
        sorted[i] = &dict->entries[i];
    }
    qsort(sorted, (size_t)dict->count, sizeof *sorted, by_name);
    fprintf(out, "TensorDict(\n%*sfields={", indent + 4, "");
    for (int i = 0; i < dict->count; i++) {
        const rlc_tensor *tensor = sorted[i]->tensor;
        fprintf(out, "%s\n%*s%s: ", i > 0 ? "," : "", indent + 8, "", sorted[i]->key->name);
        if (tensor == NULL) {
            print_at(sorted[i]->dict, indent + 8, out);
        } else {
            fprintf(out, "Tensor(shape=%s, device=%s, dtype=%s)", rlc_shape_text(rlc_shape_of(tensor), text),
                    tensor->device->name, rlc_dtype_name((rlc_dtype)tensor->dtype));
        }
    }
    const char *device = device_of(dict);
    fprintf(out, "},\n%*sbatch_size=%s,\n%*sdevice=%s)", indent + 4, "", rlc_shape_text(dict->batch, text), indent + 4,
            "", device != NULL ? device : "None");
    free(sorted);
}

void rlc_dict_print(const rlc_dict *dict, FILE *out) {
    if (dict != NULL) {
        print_at(dict, 0, out);
    } else {
        fputs("NULL", out);
    }
    fputc('\n', out);
}
