/* class.h: everything that a recipe can build is an object of a class, built-in and plug-in alike.
 *
 * A class has a kind ("module", "loss", "env", ...), a name (what `type:` says) and a table of options. An option is one
 * row that gives its parsing, default, range, help text and alias, and with them the error message:
 *
 *     typedef struct { rlc_module base; int hidden; } Dueling;
 *
 *     static const rlc_option options[] = {
 *         RLC_INT(Dueling, hidden, 64, 1, 4096, "width of the shared layer"),
 *         {0}
 *     };
 *
 * The registry finds classes by kind and name; a plug-in is a shared object that enters its own.
 */
#ifndef RLC_CLASS_H
#define RLC_CLASS_H

#include <math.h>

#include "core/value.h"

RLC_BEGIN

typedef enum rlc_option_type {
    RLC_OPTION_END,
    RLC_OPTION_BOOL,    /* bool */
    RLC_OPTION_INT,     /* int */
    RLC_OPTION_LONG,    /* int64_t */
    RLC_OPTION_FLOAT,   /* double */
    RLC_OPTION_STRING,  /* const char * */
    RLC_OPTION_ENUM,    /* int: the index in a list of names "a|b|c"; one-hot and nn.ReLU are one_hot and relu */
    RLC_OPTION_INTS,    /* rlc_ints */
    RLC_OPTION_SIZES,   /* rlc_ints: a list, or one number for a list of one */
    RLC_OPTION_FLOATS,  /* rlc_floats */
    RLC_OPTION_STRINGS, /* rlc_strings: a list, or one name for a list of one */
    RLC_OPTION_MODULE,  /* const rlc_value *: a module's name, or a map with its type */
    RLC_OPTION_MODULES, /* const rlc_value *: a list of such */
    RLC_OPTION_VALUE,   /* const rlc_value *: whatever the class makes of it */
} rlc_option_type;

typedef struct rlc_ints {
    int count;
    const int64_t *values;
} rlc_ints;

typedef struct rlc_floats {
    int count;
    const double *values;
} rlc_floats;

typedef struct rlc_strings {
    int count;
    const char *const *values;
} rlc_strings;

typedef struct rlc_option {
    const char *name;
    rlc_option_type type;
    size_t offset;       /* of the field in the object */
    double number;       /* default of a number or bool; NAN when one must be given */
    const char *text;    /* default of a string, enum or list ("[64, 64]"); NULL for none */
    double min, max;     /* of a number, or of each number in a list */
    const char *choices; /* of an enum */
    const char *help;
    const char *alias; /* other spellings, TorchRL's say: "a|b" */
    bool required;
} rlc_option;

/* A default of RLC_REQUIRED means that a recipe must give the option. */
#define RLC_REQUIRED NAN

#define RLC_BOOL_OPTION(Type, field, value, text, ...)                                                                 \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_BOOL, .offset = offsetof(Type, field), .number = value, .help = text,       \
        __VA_ARGS__                                                                                                    \
    }
#define RLC_INT(Type, field, value, low, high, text, ...)                                                              \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_INT, .offset = offsetof(Type, field), .number = value, .min = low,          \
        .max = high, .help = text, __VA_ARGS__                                                                         \
    }
#define RLC_LONG(Type, field, value, low, high, text, ...)                                                             \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_LONG, .offset = offsetof(Type, field), .number = value, .min = low,         \
        .max = high, .help = text, __VA_ARGS__                                                                         \
    }
#define RLC_FLOAT(Type, field, value, low, high, text, ...)                                                            \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_FLOAT, .offset = offsetof(Type, field), .number = value, .min = low,        \
        .max = high, .help = text, __VA_ARGS__                                                                         \
    }
#define RLC_STRING(Type, field, value, help_text, ...)                                                                 \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_STRING, .offset = offsetof(Type, field), .text = value, .help = help_text,  \
        __VA_ARGS__                                                                                                    \
    }
#define RLC_ENUM(Type, field, value, names, help_text, ...)                                                            \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_ENUM, .offset = offsetof(Type, field), .text = value, .choices = names,     \
        .help = help_text, __VA_ARGS__                                                                                 \
    }
#define RLC_INTS(Type, field, value, low, high, help_text, ...)                                                        \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_INTS, .offset = offsetof(Type, field), .text = value, .min = low,           \
        .max = high, .help = help_text, __VA_ARGS__                                                                    \
    }
#define RLC_SIZES(Type, field, value, low, high, help_text, ...)                                                       \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_SIZES, .offset = offsetof(Type, field), .text = value, .min = low,          \
        .max = high, .help = help_text, __VA_ARGS__                                                                    \
    }
#define RLC_FLOATS(Type, field, value, low, high, help_text, ...)                                                      \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_FLOATS, .offset = offsetof(Type, field), .text = value, .min = low,         \
        .max = high, .help = help_text, __VA_ARGS__                                                                    \
    }
#define RLC_STRINGS(Type, field, value, help_text, ...)                                                                \
    {                                                                                                                  \
        .name = #field, .type = RLC_OPTION_STRINGS, .offset = offsetof(Type, field), .text = value, .help = help_text, \
        __VA_ARGS__                                                                                                    \
    }
#define RLC_MODULE(Type, field, help_text, ...)                                                                        \
    { .name = #field, .type = RLC_OPTION_MODULE, .offset = offsetof(Type, field), .help = help_text, __VA_ARGS__ }
#define RLC_MODULES(Type, field, help_text, ...)                                                                       \
    { .name = #field, .type = RLC_OPTION_MODULES, .offset = offsetof(Type, field), .help = help_text, __VA_ARGS__ }
#define RLC_VALUE(Type, field, help_text, ...)                                                                         \
    { .name = #field, .type = RLC_OPTION_VALUE, .offset = offsetof(Type, field), .help = help_text, __VA_ARGS__ }

typedef struct rlc_class {
    const char *kind, *name;
    size_t size;               /* of the object's struct */
    const char *doc;           /* one line */
    const rlc_option *options; /* ended by {0}; NULL for none */
} rlc_class;

/* The head of a class whose objects are of struct Type, named like it unless .name is given. */
#define RLC_CLASS(class_kind, Type, ...)                                                                               \
    { .kind = class_kind, .name = #Type, .size = sizeof(Type), __VA_ARGS__ }

/* Sets the fields of `object` from a map of options, in the tables given (the second may be NULL): what the map lacks
 * gets its default, `type` is passed over. Errors name the place, the option and what would be right. `what` names the
 * object in messages: "modules.value_net". Lists and strings are kept in the arena. */
rlc_status rlc_options_apply(rlc_arena *arena, const char *what, const rlc_value *map, void *object,
                             const rlc_option *table, const rlc_option *more);

typedef struct rlc_registry rlc_registry;

/* An empty registry; rlc_registry_new in recipes/builtin.h has all that rlc brings. */
rlc_status rlc__registry_create(rlc_registry **registry);
void rlc_registry_free(rlc_registry *registry);

rlc_status rlc_register(rlc_registry *registry, const rlc_class *type);

int rlc_registry_count(const rlc_registry *registry);
const rlc_class *rlc_registry_at(const rlc_registry *registry, int i);

/* The class; NULL with an error at `where` that names the nearest one, or all there are. */
const rlc_class *rlc_registry_find(const rlc_registry *registry, const char *kind, const char *name,
                                   const rlc_value *where);

/* The class that the `type:` of a map names. */
const rlc_class *rlc_registry_type_of(const rlc_registry *registry, const char *kind, const char *what,
                                      const rlc_value *map);

/* Opens a plug-in and lets it register its classes. The error tells a file that is missing from one that is no library,
 * one that is no plug-in and one built for another ABI. It stays open until the registry is freed. */
rlc_status rlc_plugin_load(rlc_registry *registry, const char *path, const rlc_value *where);

/* What a plug-in defines, once: RLC_PLUGIN(registry) { return rlc_register(registry, &dueling.base); } */
#ifdef __cplusplus
#define RLC_PLUGIN_EXPORT extern "C"
#else
#define RLC_PLUGIN_EXPORT extern
#endif
#define RLC_PLUGIN(registry)                                                                                           \
    RLC_PLUGIN_EXPORT const int rlc_plugin_abi;                                                                        \
    const int rlc_plugin_abi = RLC_ABI;                                                                                \
    RLC_PLUGIN_EXPORT rlc_status rlc_plugin_register(rlc_registry *);                                                  \
    rlc_status rlc_plugin_register(rlc_registry *registry)

RLC_END

#endif
