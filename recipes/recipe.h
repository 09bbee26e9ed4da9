/* recipe.h: a recipe's text: reading it, overriding parts of it, resolving what refers to something else.
 *
 * `include: base.yaml`, or a list of files, at the top level of a recipe makes them the base over which its own keys are
 * laid, map by map and at any depth; lists and single values replace what was there, ~ takes it away. Later files of a
 * list are laid over earlier ones. Paths of files and plug-ins are relative to the file that names them.
 *
 *     include: dqn.yaml
 *     loss: {double_dqn: true}                 # the rest of dqn.yaml's loss stays
 *
 * Overrides of the command line, "optim.0.lr=1e-3", come last; their paths are relative to the recipe.
 *
 * `${a.b}` stands for another value of the recipe, or for a property of its environment (env.num_actions,
 * env.action_dim, env.observation_dim), and may be multiplied by an integer: "${2 * env.action_dim}".
 */
#ifndef RLC_RECIPE_H
#define RLC_RECIPE_H

#include "core/class.h"
#include "envs/env.h"

RLC_BEGIN

/* The sections of a recipe, as its option table reads them. */
typedef struct rlc_recipe {
    rlc_arena arena;
    rlc_value *root;
    const char *path;
    const char *name, *device;
    int64_t seed;
    int precision; /* rlc_precision */
    rlc_strings plugins;
    const rlc_value *include; /* always NULL: what a recipe includes is part of it once it is read */
    const rlc_value *env, *modules, *collector, *buffer, *advantage, *loss, *target, *optim, *train, *eval, *log,
        *checkpoint, *pictures;
} rlc_recipe;

/* Reads a recipe, with what it includes, and puts `overrides` ("loss.gamma=0.95") over it. */
rlc_status rlc_recipe_load(const char *path, const char *const *overrides, int count, rlc_recipe *recipe);
rlc_status rlc_recipe_clone(const rlc_recipe *from, rlc_recipe *recipe);
void rlc_recipe_free(rlc_recipe *recipe);

/* Resolves references in one section, or with `section` NULL in all; without an environment its properties are not yet
 * known. */
rlc_status rlc_recipe_resolve(rlc_recipe *recipe, const char *section, const rlc_env *env);

/* Loads the plug-ins it names; paths are relative to the file that names them. They become absolute in the recipe. */
rlc_status rlc_recipe_load_plugins(rlc_recipe *recipe, rlc_registry *registry);

/* Makes the paths absolute that options `state_dict` name, once references are resolved. */
rlc_status rlc_recipe_locate_state_dicts(rlc_recipe *recipe);

/* Writes the recipe as it now is. */
rlc_status rlc_recipe_save(const rlc_recipe *recipe, const char *path);

/* A number that changes when anything in the recipe does. */
rlc_status rlc_recipe_hash(const rlc_recipe *recipe, uint64_t *hash);

/* For recipe.c: a file with all that it includes, as one tree; and a path that `file` names, from here. */
rlc_status rlc__recipe_read(rlc_arena *arena, const char *path, rlc_value **root);
const char *rlc__recipe_path(rlc_arena *arena, const char *file, const char *path);

/* Puts one override over a recipe: "loss.gamma=0.95". */
rlc_status rlc__recipe_override(rlc_recipe *recipe, const char *text);

extern const rlc_option rlc__recipe_options[];

RLC_END

#endif
