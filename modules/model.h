/* model.h: the modules of a recipe by name, and all their parameters in one flat buffer.
 *
 * A model owns its modules, their memory and their state. Modules may share members: a network sits in the policy, in
 * the policy that explores and in the loss, and is built once.
 *
 *     rlc_model *model;
 *     RLC_TRY(rlc_model_new(registry, device, seed, &model));
 *     rlc_model_expect(model, &observation_spec, &action_spec, example);         // of the environment
 *     rlc_module *net, *policy;
 *     RLC_TRY(rlc_model_add(model, "net", "{type: MLP, out_keys: [action_value], out_features: 2}", &net));
 *     RLC_TRY(rlc_model_add(model, "policy", "{type: Sequential, modules: [net, {type: QValueModule}]}", &policy));
 *     RLC_TRY(rlc_model_allocate(model));
 */
#ifndef RLC_MODEL_H
#define RLC_MODEL_H

#include "core/safetensors.h"
#include "modules/module.h"

RLC_BEGIN

enum { RLC_MAX_NESTING = 32 };

/* A trainable tensor: a slice of the flat buffer. */
typedef struct rlc_parameter_entry {
    const char *name;
    rlc_tensor *tensor;
    int64_t offset;
    rlc_init init;
    int copy_of;         /* the parameter it starts as, or -1 */
    int64_t cleared_row; /* of a matrix, counted from 1: it starts as zeros; 0 for none */
} rlc_parameter_entry;

struct rlc_model {
    const rlc_registry *registry;
    rlc_device *device;
    uint64_t seed;
    rlc_arena arena;
    rlc_state state;     /* buffers and streams of modules */
    rlc_program *shapes; /* open while modules are declared */
    rlc_dict *example;
    rlc_spec action, observation;
    const rlc_value *definitions;          /* the map of modules that may be referred to before they are built */
    const char *building[RLC_MAX_NESTING]; /* references being followed, to find circles */
    rlc_module **modules;
    rlc_parameter_entry *parameters;
    rlc_tensor *values, *grads; /* the flat buffer and its twin, once allocated */
    bool awaits_checkpoint;     /* set before it is allocated: all values come from there, no state_dict is read */
    int num_modules, max_modules, num_parameters, max_parameters, num_building, visit;
};

rlc_status rlc_model_new(const rlc_registry *registry, rlc_device *device, uint64_t seed, rlc_model **model);
void rlc_model_free(rlc_model *model);

/* What the environment gives: its specs, and a dict of one step (shapes are enough). */
void rlc_model_expect(rlc_model *model, const rlc_spec *observation, const rlc_spec *action, const rlc_dict *step);

/* Builds a module from options as a recipe has them. It is called "modules.NAME". */
rlc_status rlc_model_add(rlc_model *model, const char *name, const char *options, rlc_module **module);

/* Builds all modules of a recipe's map, in its order but for references. */
rlc_status rlc_model_define(rlc_model *model, const rlc_value *modules);

/* Builds a module of another section (a loss) under the path `name`, from a class of `kind`. */
rlc_status rlc_model_build(rlc_model *model, const char *kind, const char *name, const rlc_value *options,
                           rlc_module **module);

/* The module that an option of another object names ("net", or what stands inside, "net.policy"), or says as a map: built
 * under `path` in that case. */
rlc_status rlc_model_refer(rlc_model *model, const char *path, const rlc_value *option, rlc_module **module);

/* The module called "modules.NAME", or with that path; NULL if there is none. */
rlc_module *rlc_model_find(const rlc_model *model, const char *name);

/* Ends the declaring: gives all parameters memory, a gradient and their initial values. */
rlc_status rlc_model_allocate(rlc_model *model);

/* The parameters that a module and its members own, each once: their indices in model->parameters, in the order of
 * declaration of a walk that visits a module before its members. Returns how many; at most `room` are written. */
int rlc_module_parameters(rlc_module *module, int *indices, int room);

/* Likewise the buffers that they own (rlc_module_buffer). */
int rlc_module_buffers(rlc_module *module, const rlc_tensor **buffers, int room);

/* A stretch of the flat buffer. */
typedef struct rlc_range {
    int64_t offset, length;
} rlc_range;

/* The parameters with these indices as few ranges, sorted; what lies between neighbours is padding. */
int rlc_model_ranges(const rlc_model *model, const int *indices, int count, rlc_range *ranges);

/* Two lists of parameters, pairwise, as pairs of stretches of equal length: neighbours on both sides are merged. */
int rlc_model_paired_ranges(const rlc_model *model, const int *a, const int *b, int count, rlc_range *of_a,
                            rlc_range *of_b);

/* Views of the flat buffer or its twin; roots that the caller frees with rlc_tensor_free. */
rlc_tensor *rlc_model_values(const rlc_model *model, rlc_range range);
rlc_tensor *rlc_model_grads(const rlc_model *model, rlc_range range);

RLC_END

#endif
