/* registry.c: classes by kind and name, and the plug-ins that bring more. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/class.h"

struct rlc_registry {
    const rlc_class **classes;
    void **plugins;
    int num_classes, num_plugins;
};

rlc_status rlc__registry_create(rlc_registry **registry) {
    *registry = rlc_calloc(1, sizeof **registry);
    return *registry != NULL ? RLC_OK : rlc_error_status();
}

void rlc_registry_free(rlc_registry *registry) {
    if (registry == NULL) {
        return;
    }
    for (int i = 0; i < registry->num_plugins; i++) {
        dlclose(registry->plugins[i]);
    }
    free(registry->plugins);
    free(registry->classes);
    free(registry);
}

int rlc_registry_count(const rlc_registry *registry) {
    return registry->num_classes;
}

const rlc_class *rlc_registry_at(const rlc_registry *registry, int i) {
    return registry->classes[i];
}

static const rlc_class *lookup(const rlc_registry *registry, const char *kind, const char *name) {
    for (int i = 0; i < registry->num_classes; i++) {
        if (strcmp(registry->classes[i]->kind, kind) == 0 && strcmp(registry->classes[i]->name, name) == 0) {
            return registry->classes[i];
        }
    }
    return NULL;
}

rlc_status rlc_register(rlc_registry *registry, const rlc_class *type) {
    if (lookup(registry, type->kind, type->name) != NULL) {
        return rlc_fail(RLC_INVALID, "there is a %s '%s' already; give the new one another name", type->kind,
                        type->name);
    }
    size_t count = (size_t)registry->num_classes + 1;
    const rlc_class **classes = realloc(registry->classes, count * sizeof *classes);
    if (classes == NULL) {
        return rlc_fail(RLC_FAILED, "out of memory: class '%s'", type->name);
    }
    classes[registry->num_classes++] = type;
    registry->classes = classes;
    return RLC_OK;
}

const rlc_class *rlc_registry_find(const rlc_registry *registry, const char *kind, const char *name,
                                   const rlc_value *where) {
    const rlc_class *found = lookup(registry, kind, name);
    if (found != NULL) {
        return found;
    }
    const char **names = rlc_calloc((size_t)registry->num_classes, sizeof *names);
    char list[1024] = "";
    int count = 0;
    for (int i = 0; names != NULL && i < registry->num_classes; i++) {
        const rlc_class *type = registry->classes[i];
        if (strcmp(type->kind, kind) == 0 && strlen(list) + strlen(type->name) + 8 < sizeof list) {
            strcat(strcat(list, count > 0 ? ", " : ""), type->name);
            names[count++] = type->name;
        }
    }
    const char *nearest = rlc_nearest(name, names, count);
    if (nearest != NULL) {
        rlc_value_fail(where, "there is no %s of type '%s' (did you mean '%s'?)", kind, name, nearest);
    } else if (count == 0) {
        rlc_value_fail(where,
                       "there is no %s of type '%s'; no type of this kind is built in, name the plug-in that "
                       "brings it under 'plugins'",
                       kind, name);
    } else {
        rlc_value_fail(where, "there is no %s of type '%s'; types are %s", kind, name, list);
    }
    free(names);
    return NULL;
}

const rlc_class *rlc_registry_type_of(const rlc_registry *registry, const char *kind, const char *what,
                                      const rlc_value *map) {
    char text[64];
    if (map->kind != RLC_MAP) {
        rlc_value_fail(map, "%s: must be a map such as {type: ...}, not %s", what, rlc_value_describe(map, text));
        return NULL;
    }
    const rlc_value *type = rlc_value_find(map, "type");
    if (type != NULL && (type->kind == RLC_LIST || type->kind == RLC_MAP)) {
        rlc_value_fail(type, "%s: 'type' must be the name of one %s, not %s", what, kind, rlc_value_describe(type, text));
        return NULL;
    }
    if (type == NULL || type->kind != RLC_TEXT) {
        rlc_value_fail(map, "%s: 'type' is missing: which %s is this?", what, kind);
        return NULL;
    }
    return rlc_registry_find(registry, kind, type->text, type);
}

/* A plug-in tells its ABI and registers its classes. */
static rlc_status enter(rlc_registry *registry, const char *path, void *handle, const rlc_value *where) {
    const int *abi = dlsym(handle, "rlc_plugin_abi");
    /* dlsym gives an object pointer; POSIX promises that it holds a function's address all the same */
    union {
        void *object;
        rlc_status (*function)(rlc_registry *);
    } entry = {.object = dlsym(handle, "rlc_plugin_register")};
    if (abi == NULL || entry.object == NULL) {
        return rlc_value_fail(where, "plug-in %s: the library defines no RLC_PLUGIN; it is not an rlc plug-in", path);
    }
    if (*abi != RLC_ABI) {
        return rlc_value_fail(where, "plug-in %s was built for rlc ABI %d, this is %d; build it again", path, *abi,
                              RLC_ABI);
    }
    rlc_status status = entry.function(registry);
    if (status != RLC_OK) {
        rlc_error_prefix("plug-in %s: ", path);
    }
    return status;
}

/* A name without a slash would be looked for among the system's libraries; here it is a path like any other. */
static void *open_library(const char *path) {
    char *beside = strchr(path, '/') == NULL ? rlc_calloc(strlen(path) + 3, 1) : NULL;
    if (beside != NULL) {
        strcat(strcpy(beside, "./"), path);
    }
    void *handle = dlopen(beside != NULL ? beside : path, RTLD_NOW | RTLD_LOCAL);
    free(beside);
    return handle;
}

/* What dlopen says, without the path that it puts before it. */
static const char *reason(const char *path) {
    const char *text = dlerror(), *slash = text != NULL && strncmp(text, "./", 2) == 0 ? text + 2 : text;
    size_t length = strlen(path);
    if (text == NULL) {
        return "it could not be opened";
    }
    if (strncmp(text, path, length) == 0) {
        text += length;
    } else if (strncmp(slash, path, length) == 0) {
        text = slash + length;
    }
    return strncmp(text, ": ", 2) == 0 ? text + 2 : text;
}

rlc_status rlc_plugin_load(rlc_registry *registry, const char *path, const rlc_value *where) {
    if (access(path, R_OK) != 0) {
        return rlc_value_fail(where, "plug-in %s: there is no such file, or it cannot be read", path);
    }
    size_t count = (size_t)registry->num_plugins + 1;
    void **plugins = realloc(registry->plugins, count * sizeof *plugins);
    if (plugins == NULL) {
        return rlc_fail(RLC_FAILED, "out of memory: plug-in %s", path);
    }
    registry->plugins = plugins;
    void *handle = open_library(path);
    if (handle == NULL) {
        return rlc_value_fail(where, "plug-in %s: %s", path, reason(path));
    }
    plugins[registry->num_plugins++] = handle;
    return enter(registry, path, handle, where);
}
