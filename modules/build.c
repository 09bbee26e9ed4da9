/* build.c: declaring modules: options, keys, members, second instances. */
#include <string.h>

#include "core/record.h"
#include "modules/build.h"

/* A second instance in the making: what has been built anew so far, so that a member shared in the source is shared in
 * the copy. */
enum { MAX_CLONED = 256 };
typedef struct rlc_cloning {
    const char *root;
    rlc_module *from[MAX_CLONED], *to[MAX_CLONED];
    int count;
    rlc_module *next_from; /* what the module that is created next is a copy of, or NULL */
} rlc_cloning;

static bool note_copy(rlc_cloning *cloning, rlc_module *copy) {
    if (cloning->count == MAX_CLONED) {
        rlc_fail(RLC_INVALID, "%s: a second instance of more than %d modules", copy->path, MAX_CLONED);
        return false;
    }
    cloning->from[cloning->count] = cloning->next_from;
    cloning->to[cloning->count++] = copy;
    cloning->next_from = NULL;
    return true;
}

/* What the next member of a copy is a copy of: members are built in the same order. */
static rlc_module *source_of_next_member(const rlc_cloning *cloning, const rlc_module *self) {
    for (int i = 0; i < cloning->count; i++) {
        const rlc_module *source = cloning->from[i];
        if (cloning->to[i] == self && source != NULL && self->num_members < source->num_members) {
            return source->members[self->num_members];
        }
    }
    return NULL;
}

const rlc_option rlc__module_options[] = {
    {.name = "in_keys", .type = RLC_OPTION_STRINGS, .offset = offsetof(rlc_module, in_names), .help = "keys it reads"},
    {.name = "out_keys",
     .type = RLC_OPTION_STRINGS,
     .offset = offsetof(rlc_module, out_names),
     .help = "keys it writes; _ throws a result away"},
    RLC_VALUE(rlc_module, state_dict,
              "a safetensors file with its parameters and buffers, or a map: `rlrun list state_dict`"),
    {0},
};

/* Takes the keys from the recipe, else from the wrapper, else from the class. */
static rlc_status choose_keys(rlc_module *m, const char *which, const rlc_strings *given, const rlc_strings *inherited,
                              const char *const *by_class, const rlc_key **keys, int *count) {
    const char *const *names = by_class;
    int n = 0;
    while (n < RLC_MAX_KEYS && by_class[n] != NULL) {
        n++;
    }
    const rlc_strings *chosen = given->count > 0 ? given : inherited;
    if (chosen != NULL && chosen->count > 0) {
        names = chosen->values;
        n = chosen->count;
    }
    if (n > RLC_MAX_KEYS) {
        return rlc_value_fail(m->options, "%s: %s has %d keys; at most %d are possible", m->path, which, n,
                              RLC_MAX_KEYS);
    }
    for (int i = 0; i < n; i++) {
        keys[i] = rlc_key_intern(names[i]);
        if (keys[i] == NULL) {
            return rlc_error_status();
        }
    }
    *count = n;
    return RLC_OK;
}

void *rlc__model_grow(rlc_model *model, void *old, int count, int *max, size_t size) {
    if (count < *max) {
        return old;
    }
    int wanted = *max != 0 ? 2 * *max : 16;
    void *new = rlc_arena_calloc(&model->arena, (size_t)wanted * size);
    if (new != NULL && count > 0) {
        memcpy(new, old, (size_t)count * size);
    }
    *max = new != NULL ? wanted : *max;
    return new;
}

static rlc_status check_keys(const rlc_module *m) {
    if (m->num_out == 0) {
        return rlc_value_fail(m->options, "%s: option 'out_keys' is required: which keys does it write?", m->path);
    }
    return RLC_OK;
}

/* A list of names that lives as long as the model; the names themselves are its options' or interned. */
static rlc_strings keep(rlc_model *model, const rlc_strings *names) {
    size_t count = names != NULL ? (size_t)names->count : 0;
    const char **copy = count > 0 ? rlc_arena_calloc(&model->arena, count * sizeof *copy) : NULL;
    if (copy == NULL) {
        return (rlc_strings){0};
    }
    memcpy(copy, names->values, count * sizeof *copy);
    return (rlc_strings){(int)count, copy};
}

/* Calls a module just built for shapes alone: does it fit what reaches it, and write all that it says? */
rlc_status rlc__module_try(rlc_module *m, rlc_dict *td) {
    rlc_module_call(m, td);
    for (int i = 0; i < m->num_out && rlc_error_status() == RLC_OK; i++) {
        const rlc_key *key = m->out_keys[i];
        bool written = rlc_dict_find_key(td, key) != NULL || rlc_dict_find_dict_key(td, key) != NULL;
        if (!written && strcmp(key->name, "_") != 0) {
            return rlc_value_fail(m->options, "%s: out_keys[%d] is '%s', but %s writes %d", m->path, i, key->name,
                                  m->type->base.name, i);
        }
    }
    return rlc_error_status();
}

/* Makes a module of a class; `build` tells all but the path. */
static rlc_module *create(const rlc_module_class *type, const rlc_value *options, const char *path,
                          const rlc_build *build) {
    rlc_model *model = build->model;
    rlc_module *m = rlc_arena_calloc(&model->arena, type->base.size);
    rlc_module **modules =
        rlc__model_grow(model, model->modules, model->num_modules, &model->max_modules, sizeof *model->modules);
    if (m == NULL || modules == NULL) {
        return NULL;
    }
    model->modules = modules;
    m->type = type;
    m->model = model;
    m->path = path;
    m->options = options;
    m->example = build->example;
    if (build->cloning != NULL && !note_copy(build->cloning, m)) {
        return NULL;
    }
    m->first_parameter = model->num_parameters;
    m->handed_in = keep(model, build->in_keys);
    m->handed_out = keep(model, build->out_keys);
    if (rlc_options_apply(&model->arena, path, options, m, rlc__module_options, type->base.options) != RLC_OK ||
        choose_keys(m, "in_keys", &m->in_names, build->in_keys, type->in_keys, m->in_keys, &m->num_in) != RLC_OK ||
        choose_keys(m, "out_keys", &m->out_names, build->out_keys, type->out_keys, m->out_keys, &m->num_out) !=
            RLC_OK) {
        return NULL;
    }
    if (build->cloning != NULL) { /* a target copies what its source has loaded, another critic is not to be the same */
        m->state_dict = NULL;
    }
    modules[model->num_modules++] = m;
    rlc_build mine = *build;
    mine.path = path;
    mine.in_keys = mine.out_keys = NULL;
    const char *where = rlc_current()->where;
    rlc_current()->where = path;
    if (type->init != NULL) {
        type->init(m, &mine);
    }
    rlc_current()->where = where;
    if (rlc_error_status() != RLC_OK || check_keys(m) != RLC_OK) {
        rlc_value_locate(options);
        return NULL;
    }
    m->complete = true;
    return m;
}

static const rlc_module_class *class_of(const rlc_model *model, const char *kind, const char *path,
                                        const rlc_value *options) {
    const rlc_class *type = rlc_registry_type_of(model->registry, kind, path, options);
    return (const rlc_module_class *)type; /* the head of every module class is its rlc_class */
}

/* The build context at the top of the model. */
static rlc_build top_build(rlc_model *model) {
    return (rlc_build){.model = model,
                       .device = model->device,
                       .example = model->example,
                       .action = &model->action,
                       .observation = &model->observation};
}

/* The name by which others refer to a module with this path. */
static const char *name_of(const char *path) {
    return strncmp(path, "modules.", 8) == 0 ? path + 8 : path;
}

rlc_module *rlc__model_build_top(rlc_model *model, const char *kind, const char *path, const rlc_value *options) {
    const rlc_module_class *type = class_of(model, kind, path, options);
    rlc_dict *seen = rlc_dict_clone(model->example);
    if (type == NULL || seen == NULL) {
        return NULL;
    }
    if (model->num_building == RLC_MAX_NESTING) {
        rlc_value_fail(options, "%s: modules refer to each other more than %d deep", path, RLC_MAX_NESTING);
        return NULL;
    }
    rlc_build build = top_build(model);
    build.example = seen;
    model->building[model->num_building++] = name_of(path);
    rlc_module *m = create(type, options, path, &build);
    model->num_building--;
    if (m != NULL && strcmp(kind, "module") == 0) {
        rlc__module_try(m, model->example);
    } else if (m != NULL) {
        rlc_module_call(m, model->example); /* a loss gives numbers besides what it writes */
    }
    if (rlc_error_status() != RLC_OK) {
        rlc_value_locate(options);
        return NULL;
    }
    return m;
}

static rlc_module *circular(rlc_model *model, const rlc_value *value) {
    char chain[512] = "";
    for (int i = 0; i < model->num_building && strlen(chain) + strlen(model->building[i]) + 8 < sizeof chain; i++) {
        strcat(strcat(chain, model->building[i]), " -> ");
    }
    rlc_value_fail(value, "modules.%s refers to itself: %s%s", value->text, chain, value->text);
    return NULL;
}

static rlc_module *unknown_module(const rlc_model *model, const char *path, const rlc_value *value) {
    const rlc_value *all = model->definitions;
    const char *nearest = all != NULL ? rlc_nearest(value->text, all->keys, all->count) : NULL;
    if (nearest != NULL) {
        rlc_value_fail(value, "%s: there is no module '%s' (did you mean '%s'?)", path, value->text, nearest);
    } else {
        rlc_value_fail(value, "%s: there is no module '%s' under 'modules'", path, value->text);
    }
    return NULL;
}

static rlc_module *unknown_part(const rlc_model *model, const char *path, const rlc_value *value,
                                const rlc_module *whole) {
    char parts[512] = "";
    size_t length = strlen(whole->path);
    for (int i = 0; i < model->num_modules; i++) {
        const char *other = model->modules[i]->path, *part = other + length + 1;
        bool inside = strncmp(other, whole->path, length) == 0 && other[length] == '.' && strchr(part, '.') == NULL;
        if (inside && strlen(parts) + strlen(part) + 8 < sizeof parts) {
            strcat(strcat(parts, parts[0] != '\0' ? ", " : ""), part);
        }
    }
    rlc_value_fail(value, "%s: there is no module '%s'; parts of %s are: %s", path, value->text, whole->path,
                   parts[0] != '\0' ? parts : "none");
    return NULL;
}

/* What stands inside a module of the recipe: "net.policy". The module is built first if it is not there yet. */
static rlc_module *resolve_part(rlc_model *model, const char *path, const rlc_value *name) {
    size_t length = strcspn(name->text, ".");
    char *first = rlc_arena_printf(&model->arena, "%.*s", (int)length, name->text);
    if (first == NULL) {
        return NULL;
    }
    rlc_value outer = {.kind = RLC_TEXT, .text = first, .file = name->file, .line = name->line};
    rlc_module *whole = rlc__model_resolve(model, path, &outer);
    rlc_module *found = whole != NULL ? rlc_model_find(model, name->text) : NULL;
    return found != NULL || whole == NULL ? found : unknown_part(model, path, name, whole);
}

rlc_module *rlc__model_resolve(rlc_model *model, const char *path, const rlc_value *name) {
    for (int i = 0; i < model->num_building; i++) {
        if (strcmp(model->building[i], name->text) == 0) {
            return circular(model, name);
        }
    }
    rlc_module *found = rlc_model_find(model, name->text);
    if (found != NULL) {
        return found->complete ? found : circular(model, name);
    }
    const rlc_value *definition = rlc_value_find(model->definitions, name->text);
    if (definition == NULL) {
        return strchr(name->text, '.') != NULL ? resolve_part(model, path, name) : unknown_module(model, path, name);
    }
    char *full = rlc_arena_printf(&model->arena, "modules.%s", name->text);
    return full != NULL ? rlc__model_build_top(model, "module", full, definition) : NULL;
}

static bool add_member(rlc_module *self, rlc_module *member, const char *name) {
    rlc_arena *arena = &self->model->arena;
    const size_t count = (size_t)self->num_members;
    rlc_module **members = rlc_arena_alloc(arena, (count + 1) * sizeof *members, RLC_ALIGN_STRUCT);
    const char **names = rlc_arena_alloc(arena, (count + 1) * sizeof *names, RLC_ALIGN_STRUCT);
    const char *copy = rlc_arena_strndup(arena, name, strlen(name));
    if (members == NULL || names == NULL || copy == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(members, self->members, count * sizeof *members);
        memcpy(names, self->member_names, count * sizeof *names);
    }
    members[count] = member;
    names[count] = copy;
    self->members = members;
    self->member_names = names;
    self->num_members++;
    return true;
}

/* A second instance of a module, unless this cloning has made one already. */
static rlc_module *clone_once(const rlc_build *build, rlc_module *source, const char *path) {
    rlc_cloning *cloning = build->cloning;
    for (int i = 0; i < cloning->count; i++) {
        if (cloning->from[i] == source || cloning->to[i] == source) {
            return cloning->to[i];
        }
    }
    rlc_build mine = *build;
    mine.example = source->example;
    mine.in_keys = &source->handed_in;
    mine.out_keys = &source->handed_out;
    cloning->next_from = source;
    return create(source->type, source->options, path, &mine);
}

rlc_module *rlc_module_build(rlc_module *self, const rlc_build *build, const rlc_value *value, const char *name) {
    rlc_model *model = self->model;
    char *path = rlc_arena_printf(&model->arena, "%s.%s", self->path, name);
    rlc_module *member = NULL;
    if (value == NULL || path == NULL) {
        return NULL;
    }
    if (value->kind == RLC_TEXT) {
        member = rlc__model_resolve(model, self->path, value);
        if (member != NULL && build->cloning != NULL) {
            path = rlc_arena_printf(&model->arena, "%s.%s", build->cloning->root, value->text);
            member = path != NULL ? clone_once(build, member, path) : NULL;
        }
    } else {
        const rlc_module_class *type = class_of(model, "module", path, value);
        if (build->cloning != NULL) {
            build->cloning->next_from = source_of_next_member(build->cloning, self);
        }
        member = type != NULL ? create(type, value, path, build) : NULL;
    }
    return member != NULL && add_member(self, member, name) ? member : NULL;
}

/* Pairs the parameters of a copy with those of its source, which were declared in the same order. */
static bool pair_parameters(rlc_module *copy, rlc_module *source) {
    enum { MAX = 1024 };
    int to[MAX], from[MAX];
    rlc_model *model = copy->model;
    int count = rlc_module_parameters(copy, to, MAX);
    if (count != rlc_module_parameters(source, from, MAX) || count > MAX) {
        rlc_fail(RLC_INVALID, "%s: its copy has %d parameters, which do not match", source->path, count);
        return false;
    }
    for (int i = 0; i < count; i++) {
        model->parameters[to[i]].copy_of = from[i];
    }
    return true;
}

rlc_module *rlc_module_clone(rlc_module *self, const rlc_build *build, rlc_module *source, const char *name,
                             bool copy) {
    char *path = rlc_arena_printf(&self->model->arena, "%s.%s", self->path, name);
    if (source == NULL || path == NULL) {
        return NULL;
    }
    rlc_cloning cloning = {.root = path};
    rlc_build mine = *build;
    mine.cloning = &cloning;
    rlc_module *second = clone_once(&mine, source, path);
    if (second == NULL || (copy && !pair_parameters(second, source))) {
        return NULL;
    }
    second->copy_of = copy ? source : NULL;
    return add_member(self, second, name) ? second : NULL;
}
