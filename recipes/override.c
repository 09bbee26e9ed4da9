/* override.c: changes of a recipe that the command line makes, and what is said of those that change nothing. */
#include <string.h>

#include "recipes/recipe.h"

/* Values of the command line stand on no line. */
static void forget_lines(rlc_value *value) {
    value->line = 0;
    for (int i = 0; i < value->count; i++) {
        forget_lines(value->items[i]);
    }
}

static rlc_status unreadable(const char *text) {
    char said[512];
    int skip = 0;
    rlc_status status = rlc_error_status();
    snprintf(said, sizeof said, "%s", rlc_error());
    sscanf(said, RLC_COMMAND_LINE ":%*d: %n", &skip);
    rlc_error_clear();
    return rlc_fail(status, RLC_COMMAND_LINE ": '%s': %s (quote what holds spaces: 'key=[64, 64]')", text, said + skip);
}

/* An option of a module that is not there is a slip of the pen: it would make a module without a type. */
static rlc_status check_module(const rlc_recipe *r, const char *path, const rlc_value *value) {
    const char *name = strncmp(path, "modules.", 8) == 0 ? path + 8 : "", *rest = strchr(name, '.');
    const rlc_value *modules = rlc_value_find(r->root, "modules");
    if (rest == NULL || strcmp(rest, ".type") == 0 || modules == NULL || modules->kind != RLC_MAP) {
        return RLC_OK;
    }
    char *key = rlc_arena_strndup((rlc_arena *)&r->arena, name, (size_t)(rest - name));
    if (key == NULL || rlc_value_find(modules, key) != NULL) {
        return rlc_error_status();
    }
    const char *nearest = rlc_nearest(key, modules->keys, modules->count);
    if (nearest != NULL) {
        return rlc_value_fail(value, "'%s': there is no module '%s' (did you mean '%s'?)", path, key, nearest);
    }
    return rlc_value_fail(value,
                          "'%s': there is no module '%s'; a new one begins with its type: 'modules.%s={type: ...}'",
                          path, key, key);
}

/* The path of the first value that is called `key` in a tree; false where there is none. */
static bool find_key(const rlc_value *value, const char *key, char *path, size_t room) {
    for (int i = 0; i < value->count; i++) {
        char index[16];
        snprintf(index, sizeof index, "%d", i);
        const char *name = value->kind == RLC_MAP ? value->keys[i] : index;
        const int length = snprintf(path, room, "%s", name);
        if (length + 1 >= (int)room) {
            return false;
        }
        if (strcmp(name, key) == 0) {
            return true;
        }
        path[length] = '.';
        if (find_key(value->items[i], key, path + length + 1, room - (size_t)length - 1)) {
            return true;
        }
    }
    return false;
}

/* "lr=1e-3" for "optim.lr=1e-3": no section, but the name of something in one. */
static rlc_status check_section(const rlc_recipe *r, const char *path) {
    char found[256];
    for (const rlc_option *o = rlc__recipe_options; o->name != NULL; o++) {
        if (strcmp(o->name, path) == 0) {
            return RLC_OK;
        }
    }
    if (strchr(path, '.') == NULL && find_key(r->root, path, found, sizeof found)) {
        return rlc_fail(RLC_INVALID, RLC_COMMAND_LINE ": there is no section '%s' (did you mean '%s'?)", path, found);
    }
    return RLC_OK;
}

/* "loss.gamma=0.95": the value is read as YAML, so that lists and maps can be given too. */
rlc_status rlc__recipe_override(rlc_recipe *r, const char *text) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return rlc_fail(RLC_INVALID, RLC_COMMAND_LINE ": '%s' is no override; write key=value, as in loss.gamma=0.95",
                        text);
    }
    char *path = rlc_arena_strndup(&r->arena, text, (size_t)(equals - text));
    rlc_value *value;
    if (path == NULL) {
        return rlc_error_status();
    }
    if (equals[1] == '\0') {
        return rlc_fail(RLC_INVALID, RLC_COMMAND_LINE ": '%s' gives no value", text);
    }
    if (rlc_value_parse(&r->arena, RLC_COMMAND_LINE, equals + 1, &value) != RLC_OK) {
        return unreadable(text);
    }
    forget_lines(value);
    RLC_TRY(check_section(r, path));
    RLC_TRY(check_module(r, path, value));
    return rlc_value_put(&r->arena, r->root, path, value);
}
