/* state_dict.h: the parameters and buffers of a module and its members by PyTorch's names, saved and loaded as safetensors:
 * torch.nn.Module.state_dict and load_state_dict.
 *
 *     RLC_TRY(rlc_module_save(net, "net.safetensors"));         // torch: net.load_state_dict(load_file("net.safetensors"))
 *     RLC_TRY(rlc_module_load(net, "net.safetensors", "", RLC_STRICT, NULL));
 *
 * Names begin below the module: "0.weight" of an MLP, "0.0.weight" of a Sequential whose first member it is, whether that was
 * written out there or only named. What several members share has the first of its names. Weights have PyTorch's layouts
 * ([out, in] of a linear layer). Buffers are what modules declared with rlc_module_buffer; what is a run's, counters of
 * random streams and the noise that its environments are at (rlc_module_run_state), is not part of this.
 *
 * A file may have been written by safetensors.torch.save_file, or be the checkpoint of a run, where the network
 * "modules.net" stands behind the prefix "modules.net.". What a TensorDictModule wraps has "module." before its names there.
 *
 * In a recipe, option `state_dict` of any module:
 *
 *     net: {type: MLP, ..., state_dict: net.safetensors}                       # relative to the file that says so
 *     net: {type: MLP, ..., state_dict: {file: runs/dqn/seed-1/checkpoint.safetensors, prefix: modules.net.}}
 *
 * It is read when the model gets its memory: target networks start as copies of what was loaded, further critics of an
 * ensemble start anew.
 */
#ifndef RLC_STATE_DICT_H
#define RLC_STATE_DICT_H

#include "core/loading.h"
#include "modules/module.h"

RLC_BEGIN

/* The list of a module that is allocated; its names lie in the arena, its tensors are the module's own. */
rlc_status rlc_module_state_dict(rlc_module *module, rlc_arena *arena, rlc_named_tensor **list, int *count);

rlc_status rlc_module_save(rlc_module *module, const char *path);

/* Reads the entries behind a prefix ("" for none) as rlc_load_tensors does: strict or not, with float16, bfloat16 and
 * float64 as float32, all or nothing. A target network does not follow until its updater lets it. */
rlc_status rlc_module_load(rlc_module *module, const char *path, const char *prefix, rlc_strictness strict,
                           rlc_load_report *report);

/* Loads what the options of a module say, if they do. */
rlc_status rlc__module_load_option(rlc_module *module);

extern const rlc_option rlc__state_dict_options[];

RLC_END

#endif
