#include "recipes/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/rng.h"

#define SECTION(field, text)                                                                                           \
    { .name = #field, .type = RLC_OPTION_VALUE, .offset = offsetof(rlc_recipe, field), .help = text }

const rlc_option rlc__recipe_options[] = {
    SECTION(include, "a recipe, or a list of them, over which this one is laid; relative to this file"),
    RLC_STRING(rlc_recipe, name, NULL, "what the run is called; the file's name unless given"),
    RLC_LONG(rlc_recipe, seed, 1, 0, 9007199254740992.0, "of all randomness"),
    RLC_STRING(rlc_recipe, device, "cpu", "cpu or cuda; cuda:1 is the second GPU"),
    RLC_ENUM(rlc_recipe, precision, "f32", RLC_PRECISION_NAMES,
             "what operands of matrix products are rounded to, on a GPU; parameters and sums stay float32"),
    RLC_STRINGS(rlc_recipe, plugins, "[]",
                "shared objects that bring more classes, relative to the file that names them"),
    SECTION(env, "the environment that is learned in"),
    SECTION(modules, "networks, policies, exploration, by name"),
    SECTION(collector, "how experience is gathered"),
    SECTION(buffer, "where it is kept; without one each batch is used and thrown away"),
    SECTION(advantage, "what is estimated on each batch before learning from it"),
    SECTION(loss, "what is minimised"),
    SECTION(target, "how target networks follow"),
    SECTION(optim, "one optimiser, or a list of them"),
    SECTION(train, "how often it learns from a batch"),
    SECTION(eval, "when and how the policy is evaluated"),
    SECTION(log, "how often numbers are written"),
    SECTION(checkpoint, "how often the run is saved"),
    SECTION(pictures, "what a module makes of noise, drawn as it is trained"),
    {0},
};

/* "recipes/dqn.yaml" is called dqn. */
static const char *stem(rlc_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return rlc_arena_strndup(arena, base, dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base));
}

static rlc_status read_sections(rlc_recipe *r) {
    RLC_TRY(rlc_options_apply(&r->arena, "recipe", r->root, r, rlc__recipe_options, NULL));
    if (r->include != NULL) {
        return rlc_value_fail(r->include,
                              "recipe: 'include' belongs into a file; it is read before the command line is");
    }
    if (r->name == NULL) {
        r->name = stem(&r->arena, r->path);
    }
    if (r->name == NULL) {
        return rlc_error_status();
    }
    if (r->name[0] == '\0' || strchr(r->name, '/') != NULL || r->name[0] == '.') {
        return rlc_value_fail(rlc_value_find(r->root, "name"), "recipe: 'name' becomes a folder; '%s' cannot", r->name);
    }
    return RLC_OK;
}

rlc_status rlc_recipe_load(const char *path, const char *const *overrides, int count, rlc_recipe *r) {
    *r = (rlc_recipe){.path = path};
    rlc_status status = rlc__recipe_read(&r->arena, path, &r->root);
    for (int i = 0; i < count && status == RLC_OK; i++) {
        status = rlc__recipe_override(r, overrides[i]);
    }
    /* wanted before there is an environment */
    static const char *const early[] = {"name", "seed", "device", "precision", "plugins"};
    for (int i = 0; i < RLC_COUNT(early) && status == RLC_OK; i++) {
        status = rlc_recipe_resolve(r, early[i], NULL);
    }
    if (status == RLC_OK) {
        status = read_sections(r);
    }
    if (status != RLC_OK) {
        rlc_recipe_free(r);
    }
    return status;
}

rlc_status rlc_recipe_clone(const rlc_recipe *from, rlc_recipe *r) {
    *r = (rlc_recipe){.path = from->path};
    r->root = rlc_value_clone(&r->arena, from->root);
    rlc_status status = r->root != NULL ? read_sections(r) : rlc_error_status();
    if (status != RLC_OK) {
        rlc_recipe_free(r);
    }
    return status;
}

void rlc_recipe_free(rlc_recipe *r) {
    rlc_arena_free(&r->arena);
    *r = (rlc_recipe){0};
}

/* Properties of an environment that a recipe can refer to. */
static bool env_property(const rlc_env *env, const char *path, int64_t *number) {
    const struct {
        const char *path;
        int64_t number;
    } properties[] = {
        {"env.num_actions", env->action.n},
        {"env.action_dim", rlc_spec_size(&env->action)},
        {"env.observation_dim", rlc_shape_numel(env->observation.shape)},
        {"env.num_envs", env->num_envs},
    };
    for (int i = 0; i < RLC_COUNT(properties); i++) {
        if (strcmp(path, properties[i].path) == 0 && properties[i].number > 0) {
            *number = properties[i].number;
            return true;
        }
    }
    return false;
}

/* References of references could unfold to more than any memory holds, as aliases could: what they become is limited. */
typedef struct resolver {
    rlc_recipe *recipe;
    const rlc_env *env;
    int depth, values;
} resolver;

static rlc_status resolve(resolver *r, rlc_value *value);

/* Splits "2 * env.action_dim" into a factor and a path. */
static bool split(const char *inside, char path[128], int64_t *factor) {
    char *parts[2] = {NULL, NULL};
    char text[128], *rest = text;
    if (strlen(inside) >= sizeof text) {
        return false;
    }
    strcpy(text, inside);
    for (int i = 0; i < 2 && rest != NULL; i++) {
        parts[i] = strsep(&rest, "*");
        while (isspace((unsigned char)*parts[i])) {
            parts[i]++;
        }
        char *end = parts[i] + strlen(parts[i]);
        while (end > parts[i] && isspace((unsigned char)end[-1])) {
            *--end = '\0';
        }
    }
    *factor = 1;
    int named = 0;
    if (rest != NULL || parts[0] == NULL) {
        return false;
    }
    if (parts[1] != NULL) {
        named = isdigit((unsigned char)parts[0][0]) ? 1 : 0;
        rlc_value number = {.kind = RLC_TEXT, .text = parts[1 - named]};
        if (!rlc_value_integer(&number, factor)) {
            return false;
        }
    }
    strcpy(path, parts[named]);
    return path[0] != '\0';
}

static rlc_status unknown_reference(const resolver *r, const rlc_value *value, const char *path) {
    if (strcmp(path, "env.num_actions") == 0 && r->env != NULL) {
        return rlc_value_fail(value, "'${%s}': the actions of %s are not discrete; env.action_dim is their dimension",
                              path, r->env->type->base.name);
    }
    if (strncmp(path, "env.", 4) == 0 && r->env == NULL) {
        return rlc_value_fail(value, "'${%s}': properties of the environment are known only behind the env section",
                              path);
    }
    return rlc_value_fail(value,
                          "'${%s}' refers to nothing in this recipe; of the environment there are num_actions "
                          "(discrete actions), action_dim, observation_dim and num_envs",
                          path);
}

/* Puts a number times a factor in place of a reference. */
static rlc_status put_product(resolver *r, rlc_value *value, int64_t number, int64_t factor) {
    if (__builtin_mul_overflow(number, factor, &number)) {
        return rlc_value_fail(value, "'%s' is too large a number", value->text);
    }
    value->text = rlc_arena_printf(&r->recipe->arena, "%lld", (long long)number);
    value->quoted = false;
    return value->text != NULL ? RLC_OK : rlc_error_status();
}

/* Puts what a reference stands for in its place. */
static rlc_status resolve_text(resolver *r, rlc_value *value) {
    const char *start = strstr(value->text, "${");
    if (start == NULL) {
        return RLC_OK;
    }
    size_t length = strlen(value->text);
    char inside[128] = "", path[128];
    int64_t factor, number;
    if (start != value->text || value->text[length - 1] != '}' || length - 3 >= sizeof inside) {
        return rlc_value_fail(value, "'%s': a reference must stand alone, as in \"${2 * env.action_dim}\"",
                              value->text);
    }
    memcpy(inside, value->text + 2, length - 3);
    if (!split(inside, path, &factor)) {
        return rlc_value_fail(value, "'%s' is no reference; write \"${a.b}\" or \"${2 * a.b}\"", value->text);
    }
    rlc_value *target = rlc_value_at(r->recipe->root, path);
    if (r->env != NULL && env_property(r->env, path, &number)) {
        return put_product(r, value, number, factor);
    }
    if (target == NULL) {
        return unknown_reference(r, value, path);
    }
    if (++r->depth > 32) {
        return rlc_value_fail(value, "'%s' refers to itself", value->text);
    }
    RLC_TRY(resolve(r, target));
    r->depth--;
    if (factor != 1) {
        return rlc_value_integer(target, &number)
                   ? put_product(r, value, number, factor)
                   : rlc_value_fail(value, "'%s': only integers can be multiplied", value->text);
    }
    if (rlc_value_height(target) > RLC_MAX_DEPTH) {
        return rlc_value_fail(value, "'%s': references nest deeper than 64 levels", value->text);
    }
    rlc_value *copy = rlc_value_clone(&r->recipe->arena, target);
    if (copy == NULL) {
        return rlc_error_status();
    }
    copy->file = value->file;
    copy->line = value->line;
    *value = *copy;
    return RLC_OK;
}

static rlc_status resolve(resolver *r, rlc_value *value) {
    if (++r->values > RLC_MAX_VALUES) {
        return rlc_value_fail(value, "the references of this recipe unfold to more than 100,000 values");
    }
    if (value->kind == RLC_TEXT) {
        return resolve_text(r, value);
    }
    for (int i = 0; i < value->count; i++) {
        RLC_TRY(resolve(r, value->items[i]));
    }
    return RLC_OK;
}

rlc_status rlc_recipe_resolve(rlc_recipe *recipe, const char *section, const rlc_env *env) {
    rlc_value *value = section != NULL ? rlc_value_find(recipe->root, section) : recipe->root;
    RLC_TRY(value != NULL ? resolve(&(resolver){.recipe = recipe, .env = env}, value) : RLC_OK);
    return rlc_value_height(recipe->root) <= RLC_MAX_DEPTH
               ? RLC_OK
               : rlc_value_fail(value, "recipe: its references nest deeper than 64 levels");
}

/* Makes the path of a file absolute that a value names. One that is not there stays as it is; who opens it will say so. */
static rlc_status locate_file(rlc_recipe *recipe, rlc_value *item) {
    bool in_file = strcmp(item->file, RLC_COMMAND_LINE) != 0;
    const char *path = rlc__recipe_path(&recipe->arena, in_file ? item->file : recipe->path, item->text);
    if (path == NULL) {
        return rlc_error_status();
    }
    errno = 0;
    char *absolute = realpath(path, NULL);
    if (absolute == NULL && errno == ENOMEM) {
        return rlc_fail(RLC_FAILED, "out of memory: %s", path);
    }
    item->text = absolute != NULL ? rlc_arena_strndup(&recipe->arena, absolute, strlen(absolute)) : path;
    free(absolute);
    return item->text != NULL ? RLC_OK : rlc_error_status();
}

rlc_status rlc_recipe_load_plugins(rlc_recipe *recipe, rlc_registry *registry) {
    rlc_value *list = rlc_value_find(recipe->root, "plugins");
    for (int i = 0; i < recipe->plugins.count; i++) {
        rlc_value *item = list->kind == RLC_LIST ? list->items[i] : list;
        RLC_TRY(locate_file(recipe, item));
        RLC_TRY(rlc_plugin_load(registry, item->text, item));
    }
    return RLC_OK;
}

static rlc_status locate_state_dicts(rlc_recipe *recipe, rlc_value *value) {
    for (int i = 0; i < value->count; i++) {
        rlc_value *item = value->items[i], *file = item->kind == RLC_MAP ? rlc_value_find(item, "file") : item;
        if (value->kind == RLC_MAP && strcmp(value->keys[i], "state_dict") == 0 && file != NULL &&
            file->kind == RLC_TEXT) {
            RLC_TRY(locate_file(recipe, file));
        } else {
            RLC_TRY(locate_state_dicts(recipe, item));
        }
    }
    return RLC_OK;
}

rlc_status rlc_recipe_locate_state_dicts(rlc_recipe *recipe) {
    return locate_state_dicts(recipe, recipe->root);
}

static bool write_tree(FILE *out, void *root) {
    rlc_value_write(root, out);
    return true;
}

rlc_status rlc_recipe_save(const rlc_recipe *recipe, const char *path) {
    return rlc_file_write(path, write_tree, recipe->root);
}

rlc_status rlc_recipe_hash(const rlc_recipe *recipe, uint64_t *hash) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) {
        rlc_value_write(recipe->root, out);
    }
    bool good = out != NULL && !ferror(out);
    if (out == NULL || fclose(out) != 0 || !good || text == NULL) {
        free(text);
        return rlc_fail(RLC_FAILED, "out of memory: the text of the recipe");
    }
    *hash = rlc_stream_key(0, text);
    free(text);
    return RLC_OK;
}
