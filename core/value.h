/* value.h: what a recipe says before anybody knows what it means: a tree of maps, lists and scalars, each of which knows
 * the file and line it stands on. Read from YAML, changed by overrides, written back as YAML.
 *
 * A tree lives in the arena it was read into. Scalars are text until an option table gives them a type (class.h).
 *
 *     rlc_arena arena = {0};
 *     rlc_value *recipe;
 *     RLC_TRY(rlc_value_load(&arena, "recipes/dqn.yaml", &recipe));
 *     const rlc_value *gamma = rlc_value_at(recipe, "loss.gamma");      // NULL where there is none
 */
#ifndef RLC_VALUE_H
#define RLC_VALUE_H

#include <stdio.h>

#include "core/arena.h"

RLC_BEGIN

typedef enum rlc_value_kind { RLC_NULL, RLC_TEXT, RLC_LIST, RLC_MAP } rlc_value_kind;

/* The `file` of what stands in none, but among the arguments of the command; its `line` is 0. */
#define RLC_COMMAND_LINE "command line"

typedef struct rlc_value rlc_value;
struct rlc_value {
    rlc_value_kind kind;
    const char *file; /* or what stands for one */
    int line;
    const char *text; /* of a scalar */
    bool quoted;      /* it stood in quotes, so it is text even if it looks like a number or ~ */
    int count;        /* of a list or map */
    rlc_value **items;
    const char **keys; /* of a map, in the order of the file */
};

/* What a tree can be at most: its depth, its values with aliases and references unfolded, and the bytes of a key with the
 * NUL behind it. */
enum { RLC_MAX_DEPTH = 64, RLC_MAX_VALUES = 100000, RLC_MAX_KEY = 128 };

/* Reads one YAML document. Errors: RLC_INVALID with "FILE:LINE: ..." for anything that is no plain tree: broken YAML, a
 * repeated key, a second document, a tag, or more of anything than the above. Anchors, aliases and merge keys
 * (<<: *defaults) are unfolded. */
rlc_status rlc_value_load(rlc_arena *arena, const char *path, rlc_value **value);
rlc_status rlc_value_parse(rlc_arena *arena, const char *name, const char *text, rlc_value **value);

/* The value under a key, or NULL. */
rlc_value *rlc_value_find(const rlc_value *map, const char *key);

/* The value at a path such as "modules.policy" or "optim.0.lr", or NULL. */
rlc_value *rlc_value_at(const rlc_value *root, const char *path);

/* Puts `value` at a path, making maps on the way; a list takes an index that it has, or its length to append. */
rlc_status rlc_value_put(rlc_arena *arena, rlc_value *root, const char *path, rlc_value *value);

/* Lays `over` upon `base`: a map over a map key by key, at any depth; ~ takes away what was there, anything else its place.
 * Returns what results, in which values are shared with both. NULL when there is no memory. */
rlc_value *rlc_value_merge(rlc_arena *arena, rlc_value *base, rlc_value *over);

/* Adds an item behind the others of a list, or with `key` of a map; false when there is no memory. */
bool rlc_value_append(rlc_arena *arena, rlc_value *value, const char *key, rlc_value *item);

rlc_value *rlc_value_text(rlc_arena *arena, const char *file, const char *text);
rlc_value *rlc_value_clone(rlc_arena *arena, const rlc_value *value); /* all of it, the text too */

/* How many values a tree has, itself included, counted a little beyond RLC_MAX_VALUES at most; and how many levels. */
int rlc_value_count(const rlc_value *value);
int rlc_value_height(const rlc_value *value);

/* Writes a tree as YAML that reads back as the same tree. */
void rlc_value_write(const rlc_value *value, FILE *out);

/* Records `message` as RLC_INVALID with the place of the value before it: "recipes/dqn.yaml:7: message". */
rlc_status rlc_value_fail(const rlc_value *value, const char *format, ...) RLC_PRINTF(2, 3);

/* Puts the place of the value before the message that is kept, unless that begins with a place already. */
void rlc_value_locate(const rlc_value *value);

/* What the value is, for messages: "a list", "a map", "'text'", "nothing". The text may lie in `buffer`. */
const char *rlc_value_describe(const rlc_value *value, char buffer[64]);

/* Scalars as numbers. Integers may hold '_' between digits. False when the text is none, or not finite. */
bool rlc_value_integer(const rlc_value *value, int64_t *number);
bool rlc_value_number(const rlc_value *value, double *number);
bool rlc_value_bool(const rlc_value *value, bool *flag);

RLC_END

#endif
