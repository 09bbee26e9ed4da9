/* include.c: a recipe as the sum of its files: what it includes is the base over which its own keys are laid. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recipes/recipe.h"

/* Enough for any honest recipe; files that include each other twice over would be read thousands of times. */
enum { MAX_DEPTH = 16, MAX_FILES = 64 };

typedef struct reader {
    rlc_arena *arena;
    const char *open[MAX_DEPTH]; /* absolute paths of the files being read, each included by the one before it */
    const char *name[MAX_DEPTH]; /* the same as messages have them */
    int depth, files;
} reader;

static rlc_value *read_file(reader *r, const char *path, const rlc_value *where);

const char *rlc__recipe_path(rlc_arena *arena, const char *file, const char *path) {
    const char *slash = strrchr(file, '/');
    if (path[0] == '/') {
        return path;
    }
    return slash != NULL ? rlc_arena_printf(arena, "%.*s/%s", (int)(slash - file), file, path)
                         : rlc_arena_printf(arena, "./%s", path);
}

static bool is_circle(const reader *r, const char *absolute, const char *path, const rlc_value *where) {
    int first = 0;
    while (first < r->depth && strcmp(r->open[first], absolute) != 0) {
        first++;
    }
    if (first == r->depth) {
        return false;
    }
    char chain[768] = "";
    for (int i = first; i < r->depth && strlen(chain) + strlen(r->name[i]) + 8 < sizeof chain; i++) {
        strcat(strcat(chain, r->name[i]), " -> ");
    }
    rlc_value_fail(where, "include: files that include each other in a circle: %s%s", chain, path);
    return true;
}

/* Whether the file may be opened now; it counts as open from here on. */
static bool enter(reader *r, const char *path, const rlc_value *where) {
    errno = 0;
    char *absolute = realpath(path, NULL);
    if (absolute == NULL && errno == ENOMEM) {
        rlc_fail(RLC_FAILED, "out of memory: %s", path);
        return false;
    }
    if (absolute == NULL && where != NULL) {
        rlc_value_fail(where, "include: %s: %s", path, strerror(errno));
        return false;
    }
    const char *kept = absolute != NULL ? rlc_arena_strndup(r->arena, absolute, strlen(absolute)) : path;
    free(absolute);
    if (kept == NULL || is_circle(r, kept, path, where)) {
        return false;
    }
    if (r->depth == MAX_DEPTH || ++r->files > MAX_FILES) {
        rlc_value_fail(where,
                       r->depth == MAX_DEPTH ? "include: files include each other more than %d deep"
                                             : "include: more than %d files make up this recipe",
                       r->depth == MAX_DEPTH ? MAX_DEPTH : MAX_FILES);
        return false;
    }
    r->open[r->depth] = kept;
    r->name[r->depth++] = path;
    return true;
}

/* Lays one included file over what those before it gave. */
static rlc_value *add(reader *r, rlc_value *base, const char *file, const rlc_value *item) {
    char text[64];
    if (item->kind != RLC_TEXT || item->text[0] == '\0') {
        rlc_value_fail(item, "include: must be a file or a list of files, not %s", rlc_value_describe(item, text));
        return NULL;
    }
    const char *path = rlc__recipe_path(r->arena, file, item->text);
    rlc_value *next = path != NULL ? read_file(r, path, item) : NULL;
    return next != NULL && base != NULL ? rlc_value_merge(r->arena, base, next) : next;
}

/* What stands under `include` as one tree, with the file's own keys laid over it. */
static rlc_value *compose(reader *r, const char *path, rlc_value *own) {
    rlc_value rest = *own, *base = NULL;
    const rlc_value *include = rlc_value_find(own, "include");
    if (include == NULL || include->kind == RLC_NULL) {
        return own;
    }
    rest.count = 0;
    rest.items = NULL;
    rest.keys = NULL;
    for (int i = 0; i < own->count; i++) {
        if (own->items[i] != include && !rlc_value_append(r->arena, &rest, own->keys[i], own->items[i])) {
            return NULL;
        }
    }
    bool list = include->kind == RLC_LIST;
    for (int i = 0; i < (list ? include->count : 1); i++) {
        base = add(r, base, path, list ? include->items[i] : include);
        if (base == NULL) {
            return NULL;
        }
    }
    if (base == NULL) {
        rlc_value_fail(include, "include: the list is empty");
        return NULL;
    }
    return rlc_value_merge(r->arena, base, &rest);
}

/* Reads a file and all that it includes; `where` is what asked for it, or NULL. NULL with an error. */
static rlc_value *read_file(reader *r, const char *path, const rlc_value *where) {
    rlc_value *root;
    char text[64];
    if (!enter(r, path, where) || rlc_value_load(r->arena, path, &root) != RLC_OK) {
        return NULL;
    }
    if (root->kind != RLC_MAP) {
        rlc_value_fail(root, "a recipe is a map of sections such as env and loss, not %s",
                       rlc_value_describe(root, text));
        return NULL;
    }
    root = compose(r, path, root);
    r->depth--;
    return root;
}

rlc_status rlc__recipe_read(rlc_arena *arena, const char *path, rlc_value **root) {
    reader r = {.arena = arena};
    rlc_value *read = read_file(&r, path, NULL);
    *root = read;
    return read != NULL ? RLC_OK : rlc_error_status();
}
