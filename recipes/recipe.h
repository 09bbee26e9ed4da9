/* recipe.h: a recipe's text: reading it, overriding parts of it, resolving what refers to something else.
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
    rlc_strings plugins;
    const rlc_value *env, *modules, *collector, *buffer, *advantage, *loss, *target, *optim, *train, *eval, *log,
        *checkpoint;
} rlc_recipe;

/* Reads a recipe and puts `overrides` ("loss.gamma=0.95") over it. */
rlc_status rlc_recipe_load(const char *path, const char *const *overrides, int count, rlc_recipe *recipe);
rlc_status rlc_recipe_clone(const rlc_recipe *from, rlc_recipe *recipe);
void rlc_recipe_free(rlc_recipe *recipe);

/* Resolves references in one section, or with `section` NULL in all; without an environment its properties are not yet
 * known. */
rlc_status rlc_recipe_resolve(rlc_recipe *recipe, const char *section, const rlc_env *env);

/* Loads the plug-ins it names; paths are relative to the recipe's folder. They become absolute in the recipe. */
rlc_status rlc_recipe_load_plugins(rlc_recipe *recipe, rlc_registry *registry);

/* Writes the recipe as it now is. */
rlc_status rlc_recipe_save(const rlc_recipe *recipe, const char *path);

/* A number that changes when anything in the recipe does. */
rlc_status rlc_recipe_hash(const rlc_recipe *recipe, uint64_t *hash);

extern const rlc_option rlc__recipe_options[];

RLC_END

#endif
