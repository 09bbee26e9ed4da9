#include "modules/state_dict.h"

#include <string.h>

#include "modules/model.h"

/* A walk over a module and its members; without a list it only counts. */
typedef struct walk {
    rlc_arena *arena;
    rlc_named_tensor *list;
    int count, visit;
} walk;

static void add(walk *w, const char *prefix, const char *name, const rlc_tensor *tensor) {
    if (w->list != NULL) {
        w->list[w->count] = (rlc_named_tensor){rlc_arena_printf(w->arena, "%s%s", prefix, name), tensor};
    }
    w->count++;
}

/* A module's own tensors first, then those of its members, in PyTorch's order. */
static void visit(walk *w, rlc_module *m, const char *prefix) {
    if (m->visit == w->visit || prefix == NULL) {
        return;
    }
    m->visit = w->visit;
    for (int i = 0; i < m->num_parameters; i++) {
        const rlc_parameter_entry *entry = &m->model->parameters[m->first_parameter + i];
        add(w, prefix, entry->name + strlen(m->path) + 1, entry->tensor);
    }
    for (int i = 0; i < m->num_buffers; i++) {
        add(w, prefix, m->buffers[i].name, m->buffers[i].tensor);
    }
    for (int i = 0; i < m->num_members; i++) {
        visit(w, m->members[i], rlc_arena_printf(w->arena, "%s%s.", prefix, m->member_names[i]));
    }
}

rlc_status rlc_module_state_dict(rlc_module *module, rlc_arena *arena, rlc_named_tensor **list, int *count) {
    rlc_model *model = module->model;
    walk w = {.arena = arena, .visit = ++model->visit};
    if (model->values == NULL) {
        return rlc_fail(RLC_INVALID, "%s: there is no state before the model is allocated", module->path);
    }
    visit(&w, module, "");
    w = (walk){.arena = arena,
               .list = rlc_arena_calloc(arena, ((size_t)w.count + 1) * sizeof *w.list),
               .visit = ++model->visit};
    if (w.list != NULL) {
        visit(&w, module, "");
    }
    *list = w.list;
    *count = w.count;
    return rlc_error_status();
}

rlc_status rlc_module_save(rlc_module *module, const char *path) {
    static const rlc_text_pair metadata[] = {{"format", "pt"}, {"rlc", RLC_VERSION}};
    rlc_arena arena = {0};
    rlc_named_tensor *list = NULL;
    int count = 0;
    rlc_status status = rlc_module_state_dict(module, &arena, &list, &count);
    if (status == RLC_OK) {
        status = rlc_safetensors_save(path, list, count, metadata, RLC_COUNT(metadata));
    }
    rlc_arena_free(&arena);
    return status;
}

static rlc_status load(rlc_module *module, const char *path, const char *prefix, rlc_strictness strict,
                       rlc_load_report *report, rlc_arena *arena) {
    rlc_safetensors *file;
    rlc_named_tensor *list = NULL;
    int count = 0;
    RLC_TRY(rlc_module_state_dict(module, arena, &list, &count));
    if (rlc_safetensors_open(path, &file) != RLC_OK) {
        rlc_error_prefix("%s: ", module->path);
        return rlc_error_status();
    }
    rlc_status status = rlc_load_tensors(file, list, count, prefix, strict, report);
    if (status != RLC_OK) {
        rlc_error_prefix("%s: %s: ", module->path, path);
    }
    rlc_safetensors_close(file);
    return status;
}

rlc_status rlc_module_load(rlc_module *module, const char *path, const char *prefix, rlc_strictness strict,
                           rlc_load_report *report) {
    rlc_arena arena = {0};
    rlc_status status = load(module, path, prefix, strict, report, &arena);
    rlc_arena_free(&arena);
    return status;
}

typedef struct source {
    const char *file, *prefix;
    bool strict;
} source;

const rlc_option rlc__state_dict_options[] = {
    RLC_STRING(source, file, NULL, "a safetensors file, relative to the file that names it", .required = true),
    RLC_STRING(source, prefix, NULL, "what stands before the names there: modules.net. in the checkpoint of a run"),
    RLC_BOOL_OPTION(source, strict, true,
                    "the names there and here must be the same; false leaves what is missing as it was initialised"),
    {0},
};

static rlc_status read_option(rlc_module *module, source *s) {
    const rlc_value *value = module->state_dict;
    if (value->kind == RLC_TEXT) {
        *s = (source){.file = value->text, .strict = true};
        return RLC_OK;
    }
    char *what = rlc_arena_printf(&module->model->arena, "%s.state_dict", module->path);
    return what != NULL ? rlc_options_apply(&module->model->arena, what, value, s, rlc__state_dict_options, NULL)
                        : rlc_error_status();
}

rlc_status rlc__module_load_option(rlc_module *module) {
    source s = {0};
    if (module->state_dict == NULL || module->state_dict->kind == RLC_NULL) {
        return RLC_OK;
    }
    RLC_TRY(read_option(module, &s));
    rlc_status status =
        rlc_module_load(module, s.file, s.prefix != NULL ? s.prefix : "", s.strict ? RLC_STRICT : RLC_NOT_STRICT, NULL);
    if (status != RLC_OK) {
        rlc_value_locate(module->state_dict);
    }
    return status;
}
