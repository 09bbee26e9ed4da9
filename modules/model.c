#include "modules/model.h"

#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "modules/build.h"

rlc_status rlc_model_new(const rlc_registry *registry, rlc_device *device, uint64_t seed, rlc_model **out) {
    rlc_model *model = rlc_calloc(1, sizeof *model);
    if (model == NULL) {
        return rlc_error_status();
    }
    model->registry = registry;
    model->device = device;
    model->seed = seed;
    if (rlc_program_new(device, "declare", &model->shapes) != RLC_OK) {
        free(model);
        return rlc_error_status();
    }
    rlc_begin_shapes(model->shapes);
    rlc_end(model->shapes);
    *out = model;
    return RLC_OK;
}

void rlc_model_free(rlc_model *model) {
    if (model == NULL) {
        return;
    }
    for (int i = 0; i < model->num_modules; i++) {
        if (model->modules[i]->type->free != NULL) {
            model->modules[i]->type->free(model->modules[i]);
        }
    }
    rlc_tensor_free(model->values);
    rlc_tensor_free(model->grads);
    rlc_state_free(&model->state);
    rlc_program_free(model->shapes);
    rlc_arena_free(&model->arena);
    free(model);
}

/* A tensor of the same shape that lives as long as the model. */
static rlc_tensor *shape_of(rlc_tensor *tensor, void *data) {
    (void)data;
    return rlc_empty((rlc_dtype)tensor->dtype, rlc_shape_of(tensor));
}

void rlc_model_expect(rlc_model *model, const rlc_spec *observation, const rlc_spec *action, const rlc_dict *step) {
    model->observation = *observation;
    model->action = *action;
    rlc__program_resume(model->shapes);
    model->example = rlc_dict_apply(step, step->batch, shape_of, NULL);
    rlc_end(model->shapes);
}

/* Runs one build with the program of shapes open, and takes its error. */
static rlc_status build(rlc_model *model, const char *kind, const char *path, const rlc_value *options,
                        rlc_module **module) {
    if (model->values != NULL) {
        return rlc_fail(RLC_INVALID, "%s: the model is allocated; modules must be added before", path);
    }
    if (rlc_model_find(model, path) != NULL) {
        return rlc_value_fail(options, "there is a module '%s' already", path);
    }
    rlc__program_resume(model->shapes);
    if (model->example == NULL) {
        model->example = rlc_dict_new((rlc_shape){0});
    }
    *module = model->example != NULL ? rlc__model_build_top(model, kind, path, options) : NULL;
    rlc_end(model->shapes);
    return *module != NULL ? RLC_OK : rlc_error_status();
}

rlc_status rlc_model_build(rlc_model *model, const char *kind, const char *name, const rlc_value *options,
                           rlc_module **module) {
    char *path = rlc_arena_printf(&model->arena, "%s", name);
    return path != NULL ? build(model, kind, path, options, module) : rlc_error_status();
}

rlc_status rlc_model_refer(rlc_model *model, const char *path, const rlc_value *option, rlc_module **module) {
    if (option->kind != RLC_TEXT) {
        return rlc_model_build(model, "module", path, option, module);
    }
    rlc__program_resume(model->shapes);
    *module = rlc__model_resolve(model, path, option);
    rlc_end(model->shapes);
    return *module != NULL ? RLC_OK : rlc_error_status();
}

rlc_status rlc_model_add(rlc_model *model, const char *name, const char *options, rlc_module **module) {
    rlc_value *value;
    char *path = rlc_arena_printf(&model->arena, "modules.%s", name);
    if (path == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(rlc_value_parse(&model->arena, path, options, &value));
    return build(model, "module", path, value, module);
}

rlc_status rlc_model_define(rlc_model *model, const rlc_value *modules) {
    char text[64];
    if (modules->kind != RLC_MAP) {
        return rlc_value_fail(modules, "modules: must be a map of names to modules, not %s",
                              rlc_value_describe(modules, text));
    }
    model->definitions = modules;
    rlc__program_resume(model->shapes);
    rlc_status status = RLC_OK;
    for (int i = 0; i < modules->count && status == RLC_OK; i++) {
        const rlc_value *item = modules->items[i];
        rlc_value name = {.kind = RLC_TEXT, .text = modules->keys[i], .file = item->file, .line = item->line};
        if (name.text[0] == '\0') {
            status = rlc_value_fail(item, "modules: a module needs a name, not ''");
        } else if (strchr(name.text, '.') != NULL) {
            status = rlc_value_fail(item, "modules: '%s' is no name for a module: it holds a dot", name.text);
        } else if (rlc__model_resolve(model, "modules", &name) == NULL) {
            status = rlc_error_status();
        }
    }
    rlc_end(model->shapes);
    return status;
}

rlc_module *rlc_model_find(const rlc_model *model, const char *name) {
    for (int i = 0; i < model->num_modules; i++) {
        const char *path = model->modules[i]->path;
        if (strcmp(path, name) == 0 || (strncmp(path, "modules.", 8) == 0 && strcmp(path + 8, name) == 0)) {
            return model->modules[i];
        }
    }
    return NULL;
}
