/* dict_file.h: dicts in files: as safetensors, and as the memory-mapped folders of Python's tensordict.
 *
 * What is loaded are roots, which the state owns that is given, as it does the dict: rlc_state_free frees them all. After
 * an error the state may hold a part. Saving while a program is open first runs what it has recorded.
 *
 *     rlc_state state = {0};
 *     RLC_TRY(rlc_dict_load("batch.safetensors", cpu, &state, &td));
 *     RLC_TRY(rlc_dict_save_memmap(td, "batch"));      // TensorDict.load_memmap("batch") in Python
 *     rlc_state_free(&state);
 */
#ifndef RLC_DICT_FILE_H
#define RLC_DICT_FILE_H

#include "core/state.h"
#include "tensordict/dict.h"

RLC_BEGIN

/* One file. Tensors have their paths as names ("next.reward"); the metadata has the batch shape as "batch_size", and those
 * of nested dicts as "nested". A file without them, as Python's safetensors writes it, has the batch shape []. */
rlc_status rlc_dict_save(const rlc_dict *dict, const char *path);
rlc_status rlc_dict_load(const char *path, rlc_device *device, rlc_state *state, rlc_dict **dict);

/* Reads the values of a dict's tensors, which must be roots: the same keys, types and shapes as in the file. Nothing is
 * written unless all fits. */
rlc_status rlc_dict_load_into(const char *path, rlc_dict *dict);

/* A folder: TensorDict.memmap(folder) and TensorDict.load_memmap(folder) of tensordict 0.14. For each tensor there is
 * NAME.memmap, for each nested dict a folder, and meta.json says types and shapes; names are escaped as there. It is
 * written last, so a folder with a meta.json is whole. A key of Python that has dots is a path here. */
rlc_status rlc_dict_save_memmap(const rlc_dict *dict, const char *folder);
rlc_status rlc_dict_load_memmap(const char *folder, rlc_device *device, rlc_state *state, rlc_dict **dict);

RLC_END

#endif
