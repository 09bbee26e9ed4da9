/* build.h: what the files that build a model share; not for modules. */
#ifndef RLC_MODEL_BUILD_H
#define RLC_MODEL_BUILD_H

#include "modules/model.h"

/* Builds a module of its own right at `path` and records what it adds to the model's example. NULL with an error. */
rlc_module *rlc__model_build_top(rlc_model *model, const char *kind, const char *path, const rlc_value *options);

/* The module that a name refers to, built now if it stands further down in the recipe; `path` asked. NULL with an error. */
rlc_module *rlc__model_resolve(rlc_model *model, const char *path, const rlc_value *name);

/* Calls a module just built for shapes alone, and checks that it writes what its out_keys say. */
rlc_status rlc__module_try(rlc_module *module, rlc_dict *td);

/* Room for one more item in an array of the model's arena. NULL with an error. */
void *rlc__model_grow(rlc_model *model, void *old, int count, int *max, size_t size);

#endif
