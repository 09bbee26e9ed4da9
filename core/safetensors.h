/* safetensors.h: named tensors in a file, in the format of Hugging Face's safetensors library, which reads what is
 * written here and writes what is read here (https://huggingface.co/docs/safetensors).
 *
 *     rlc_safetensors *file;
 *     RLC_TRY(rlc_safetensors_open("checkpoint.safetensors", &file));
 *     const rlc_safetensors_entry *w = rlc_safetensors_find(file, "modules.value_net.0.weight");
 *     ...
 *     rlc_safetensors_close(file);
 */
#ifndef RLC_SAFETENSORS_H
#define RLC_SAFETENSORS_H

#include "core/tensor.h"

RLC_BEGIN

typedef struct rlc_safetensors rlc_safetensors;

typedef struct rlc_safetensors_entry {
    const char *name;
    rlc_dtype dtype;
    rlc_shape shape;
    const void *data; /* `size` bytes, row-major; not necessarily aligned */
    size_t size;
    const char *widened; /* "float16" or "bfloat16" where the file has that, else NULL */
} rlc_safetensors_entry;

/* Opens a file and checks all of its header, so that entries can be trusted: a file that is truncated, or whose offsets
 * do not fit its shapes, is an error that says so. Only types that rlc has are read, and float16 and bfloat16, whose entries
 * are float32: all their values are. */
rlc_status rlc_safetensors_open(const char *path, rlc_safetensors **file);
void rlc_safetensors_close(rlc_safetensors *file);

int rlc_safetensors_count(const rlc_safetensors *file);
const rlc_safetensors_entry *rlc_safetensors_at(const rlc_safetensors *file, int i);
const rlc_safetensors_entry *rlc_safetensors_find(const rlc_safetensors *file, const char *name); /* NULL if absent */
const char *rlc_safetensors_metadata(const rlc_safetensors *file, const char *key);               /* likewise */

/* Copies an entry into a root of the same type and shape; anything else is an error that names both shapes. For many, and
 * for weights from elsewhere, see loading.h. */
rlc_status rlc_safetensors_load(const rlc_safetensors *file, const char *name, rlc_tensor *root);

/* What is to be written: contiguous roots, on any device. */
typedef struct rlc_named_tensor {
    const char *name;
    const rlc_tensor *tensor;
} rlc_named_tensor;

typedef struct rlc_text_pair {
    const char *key, *value;
} rlc_text_pair;

/* Writes the tensors to a temporary file beside `path`, syncs it and renames it, so that a crash or a full disk leaves
 * the file that was there before. */
rlc_status rlc_safetensors_save(const char *path, const rlc_named_tensor *tensors, int count,
                                const rlc_text_pair *metadata, int metadata_count);

RLC_END

#endif
