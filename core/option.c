/* option.c: from a map of a recipe to the fields of an object, by its option table. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/class.h"

enum { MAX_NAME = 64 };

typedef struct parser {
    rlc_arena *arena;
    const char *what;
    const rlc_option *option;
    const rlc_value *value;
    void *field;
} parser;

static rlc_status wrong_type(const parser *p, const char *expected) {
    char text[64];
    return rlc_value_fail(p->value, "%s: option '%s' must be %s, not %s", p->what, p->option->name, expected,
                          rlc_value_describe(p->value, text));
}

/* 1_000 for a person who wrote 1e3 where an integer belongs. */
static rlc_status not_integer(const parser *p) {
    double number;
    if (rlc_value_number(p->value, &number) && number == floor(number) && fabs(number) < 1e15) {
        return rlc_value_fail(p->value, "%s: option '%s' must be an integer; write %.0f instead of '%s'", p->what,
                              p->option->name, number, p->value->text);
    }
    return wrong_type(p, "an integer");
}

static rlc_status check_range(const parser *p, double number) {
    const rlc_option *o = p->option;
    if (number >= o->min && number <= o->max) {
        return RLC_OK;
    }
    if (isinf(o->max)) {
        return rlc_value_fail(p->value, "%s: option '%s' must be at least %g, not %s", p->what, o->name, o->min,
                              p->value->text);
    }
    return rlc_value_fail(p->value, "%s: option '%s' must be between %.16g and %.16g, not %s", p->what, o->name, o->min,
                          o->max, p->value->text);
}

static rlc_status parse_bool(const parser *p) {
    return rlc_value_bool(p->value, p->field) ? RLC_OK : wrong_type(p, "true or false");
}

static rlc_status parse_long(const parser *p) {
    int64_t number;
    if (!rlc_value_integer(p->value, &number)) {
        return not_integer(p);
    }
    RLC_TRY(check_range(p, (double)number));
    *(int64_t *)p->field = number;
    return RLC_OK;
}

static rlc_status parse_int(const parser *p) {
    int64_t number = 0;
    parser as_long = *p;
    as_long.field = &number;
    RLC_TRY(parse_long(&as_long));
    *(int *)p->field = (int)number;
    return RLC_OK;
}

static rlc_status parse_float(const parser *p) {
    double number;
    if (!rlc_value_number(p->value, &number)) {
        return wrong_type(p, "a finite number");
    }
    RLC_TRY(check_range(p, number));
    *(double *)p->field = number;
    return RLC_OK;
}

static rlc_status parse_string(const parser *p) {
    if (p->value->kind != RLC_TEXT) {
        return wrong_type(p, "text");
    }
    *(const char **)p->field = p->value->text;
    return RLC_OK;
}

/* Whether `word` is this name as Python would write it: one-hot for one_hot; or, with a capital, as the name of a class,
 * LeakyReLU for leaky_relu. */
static bool same_name(const char *name, size_t length, const char *word) {
    const bool is_class = isupper((unsigned char)word[0]);
    for (size_t i = 0; i < length; i++) {
        char wanted = name[i], given = *word;
        if (is_class && wanted == '_') {
            continue;
        }
        if (is_class) {
            wanted = (char)tolower((unsigned char)wanted);
            given = (char)tolower((unsigned char)given);
        } else if (given == '-') {
            given = '_';
        }
        if (given != wanted) {
            return false; /* at the end of the word too */
        }
        word++;
    }
    return *word == '\0';
}

/* The index of `word` in "a|b|c", or -1. PyTorch's spellings are the same names: nn.ReLU for relu, one-hot for one_hot. */
static int choice(const char *choices, const char *word) {
    static const char *const modules[] = {"torch.nn.", "nn."};
    for (int i = 0; i < RLC_COUNT(modules); i++) {
        size_t length = strlen(modules[i]);
        word += strncmp(word, modules[i], length) == 0 ? length : 0;
    }
    int index = 0;
    for (const char *at = choices; *word != '\0' && at != NULL; index++) {
        const char *bar = strchr(at, '|');
        if (same_name(at, bar != NULL ? (size_t)(bar - at) : strlen(at), word)) {
            return index;
        }
        at = bar != NULL ? bar + 1 : NULL;
    }
    return -1;
}

static rlc_status parse_enum(const parser *p) {
    int index = p->value->kind == RLC_TEXT ? choice(p->option->choices, p->value->text) : -1;
    if (index < 0) {
        char text[64];
        return rlc_value_fail(p->value, "%s: option '%s' must be one of %s, not %s", p->what, p->option->name,
                              p->option->choices, rlc_value_describe(p->value, text));
    }
    *(int *)p->field = index;
    return RLC_OK;
}

/* Each item of a list of numbers, read by `read` into an array of such elements. */
static rlc_status parse_numbers(const parser *p, const char *wanted, size_t size,
                                rlc_status (*read)(const parser *item), void **values) {
    if (p->value->kind != RLC_LIST) {
        return wrong_type(p, wanted);
    }
    *values = rlc_arena_alloc(p->arena, ((size_t)p->value->count + 1) * size, RLC_ALIGN_STRUCT);
    if (*values == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < p->value->count; i++) {
        parser item = *p;
        item.value = p->value->items[i];
        item.field = (char *)*values + (size_t)i * size;
        RLC_TRY(read(&item));
    }
    return RLC_OK;
}

static rlc_status parse_ints(const parser *p) {
    void *values = NULL;
    RLC_TRY(parse_numbers(p, "a list of integers such as [64, 64]", sizeof(int64_t), parse_long, &values));
    *(rlc_ints *)p->field = (rlc_ints){p->value->count, values};
    return RLC_OK;
}

static rlc_status parse_sizes(const parser *p) {
    int64_t *one;
    if (p->value->kind != RLC_TEXT) {
        return p->value->kind == RLC_LIST ? parse_ints(p) : wrong_type(p, "an integer, or a list of integers");
    }
    if ((one = rlc_arena_alloc(p->arena, sizeof *one, RLC_ALIGN_STRUCT)) == NULL) {
        return rlc_error_status();
    }
    parser number = *p;
    number.field = one;
    *(rlc_ints *)p->field = (rlc_ints){1, one};
    return parse_long(&number);
}

static rlc_status parse_floats(const parser *p) {
    void *values = NULL;
    RLC_TRY(parse_numbers(p, "a list of numbers such as [0.9, 0.999]", sizeof(double), parse_float, &values));
    *(rlc_floats *)p->field = (rlc_floats){p->value->count, values};
    return RLC_OK;
}

static rlc_status parse_strings(const parser *p) {
    const rlc_value *one[] = {p->value};
    bool list = p->value->kind == RLC_LIST;
    int count = list ? p->value->count : 1;
    const char **values = rlc_arena_alloc(p->arena, ((size_t)count + 1) * sizeof *values, RLC_ALIGN_STRUCT);
    if (values == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < count; i++) {
        parser item = *p;
        item.value = list ? p->value->items[i] : one[i];
        item.field = &values[i];
        RLC_TRY(parse_string(&item));
    }
    *(rlc_strings *)p->field = (rlc_strings){count, values};
    return RLC_OK;
}

static bool is_module(const rlc_value *value) {
    return value->kind == RLC_MAP || (value->kind == RLC_TEXT && value->text[0] != '\0');
}

static rlc_status parse_module(const parser *p) {
    if (!is_module(p->value)) {
        return wrong_type(p, "the name of a module, or a map with its type");
    }
    *(const rlc_value **)p->field = p->value;
    return RLC_OK;
}

static rlc_status parse_modules(const parser *p) {
    bool good = p->value->kind == RLC_LIST && p->value->count > 0;
    for (int i = 0; good && i < p->value->count; i++) {
        good = is_module(p->value->items[i]);
    }
    if (!good) {
        return wrong_type(p, "a list of modules: names, or maps with their type");
    }
    *(const rlc_value **)p->field = p->value;
    return RLC_OK;
}

static rlc_status parse_value(const parser *p) {
    *(const rlc_value **)p->field = p->value;
    return RLC_OK;
}

static rlc_status (*const parse[])(const parser *p) = {
    [RLC_OPTION_BOOL] = parse_bool,       [RLC_OPTION_INT] = parse_int,         [RLC_OPTION_LONG] = parse_long,
    [RLC_OPTION_FLOAT] = parse_float,     [RLC_OPTION_STRING] = parse_string,   [RLC_OPTION_ENUM] = parse_enum,
    [RLC_OPTION_INTS] = parse_ints,       [RLC_OPTION_STRINGS] = parse_strings, [RLC_OPTION_MODULE] = parse_module,
    [RLC_OPTION_MODULES] = parse_modules, [RLC_OPTION_VALUE] = parse_value,     [RLC_OPTION_FLOATS] = parse_floats,
    [RLC_OPTION_SIZES] = parse_sizes,
};

/* Numbers take their default as it is; lists and names are parsed from its text, as if the recipe had it. */
static rlc_status set_default(parser p, const rlc_value *map) {
    const rlc_option *o = p.option;
    bool number = o->type >= RLC_OPTION_BOOL && o->type <= RLC_OPTION_FLOAT;
    if (o->required || (number && isnan(o->number))) {
        return rlc_value_fail(map, "%s: option '%s' is required: %s", p.what, o->name, o->help);
    }
    switch (o->type) {
    case RLC_OPTION_BOOL: *(bool *)p.field = o->number != 0; return RLC_OK;
    case RLC_OPTION_INT: *(int *)p.field = (int)o->number; return RLC_OK;
    case RLC_OPTION_LONG: *(int64_t *)p.field = (int64_t)o->number; return RLC_OK;
    case RLC_OPTION_FLOAT: *(double *)p.field = o->number; return RLC_OK;
    default: break;
    }
    if (o->text == NULL) {
        return RLC_OK; /* the object starts cleared */
    }
    rlc_value *value;
    if (o->type == RLC_OPTION_STRING || o->type == RLC_OPTION_ENUM) {
        value = rlc_value_text(p.arena, "default", o->text);
    } else {
        RLC_TRY(rlc_value_parse(p.arena, "default", o->text, &value));
    }
    p.value = value;
    return value != NULL ? parse[o->type](&p) : rlc_error_status();
}

/* Copies the name at the front of "a|b" and returns what is behind it; NULL at the end. */
static const char *next_alias(const char *aliases, char name[MAX_NAME]) {
    size_t length = aliases != NULL ? strcspn(aliases, "|") : 0;
    if (length == 0 || length >= MAX_NAME) {
        return NULL;
    }
    memcpy(name, aliases, length);
    name[length] = '\0';
    return aliases[length] == '|' ? aliases + length + 1 : aliases + length;
}

/* The value given for an option under its name or an alias; an error when under two. */
static rlc_status find_given(const rlc_value *map, const char *what, const rlc_option *o, const rlc_value **given) {
    char alias[MAX_NAME];
    *given = rlc_value_find(map, o->name);
    for (const char *rest = next_alias(o->alias, alias); rest != NULL; rest = next_alias(rest, alias)) {
        const rlc_value *value = rlc_value_find(map, alias);
        if (*given != NULL && value != NULL) {
            return rlc_value_fail(value, "%s: option '%s' is given twice, as '%s' too", what, o->name, alias);
        }
        *given = *given != NULL ? *given : value;
    }
    return RLC_OK;
}

static rlc_status apply_table(rlc_arena *arena, const char *what, const rlc_value *map, void *object,
                              const rlc_option *table) {
    for (const rlc_option *o = table; o != NULL && o->name != NULL; o++) {
        parser p = {.arena = arena, .what = what, .option = o, .field = (char *)object + o->offset};
        RLC_TRY(find_given(map, what, o, &p.value));
        RLC_TRY(p.value == NULL || p.value->kind == RLC_NULL ? set_default(p, map) : parse[o->type](&p));
    }
    return RLC_OK;
}

enum { MAX_NAMES = 128 };

/* The names of all options, and with them their other spellings. */
typedef struct names {
    const char *items[MAX_NAMES];
    char aliases[MAX_NAMES][MAX_NAME];
    int count;
} names;

static void collect_names(names *all, const rlc_option *table) {
    for (const rlc_option *o = table; o != NULL && o->name != NULL && all->count < MAX_NAMES; o++) {
        all->items[all->count++] = o->name;
        const char *rest = o->alias;
        while (all->count < MAX_NAMES && (rest = next_alias(rest, all->aliases[all->count])) != NULL) {
            all->items[all->count] = all->aliases[all->count];
            all->count++;
        }
    }
}

static rlc_status unknown_option(const char *what, const rlc_value *value, const char *key, const char *const *known,
                                 int count) {
    const char *nearest = rlc_nearest(key, known, count);
    if (nearest != NULL) {
        return rlc_value_fail(value, "%s: unknown option '%s' (did you mean '%s'?)", what, key, nearest);
    }
    char list[768] = "";
    for (int i = 0; i < count && strlen(list) + strlen(known[i]) + 8 < sizeof list; i++) {
        strcat(strcat(list, i > 0 ? ", " : ""), known[i]);
    }
    return rlc_value_fail(value, "%s: unknown option '%s'; %s%s", what, key,
                          count > 0 ? "options are " : "there are no options", list);
}

rlc_status rlc_options_apply(rlc_arena *arena, const char *what, const rlc_value *map, void *object,
                             const rlc_option *table, const rlc_option *more) {
    if (map != NULL && map->kind != RLC_MAP) {
        char text[64];
        return rlc_value_fail(map, "%s: must be a map of options, not %s", what, rlc_value_describe(map, text));
    }
    names all = {.count = 0};
    collect_names(&all, table);
    collect_names(&all, more);
    for (int i = 0; map != NULL && i < map->count; i++) {
        bool known = strcmp(map->keys[i], "type") == 0;
        for (int k = 0; k < all.count && !known; k++) {
            known = strcmp(map->keys[i], all.items[k]) == 0;
        }
        if (!known) {
            return unknown_option(what, map->items[i], map->keys[i], all.items, all.count);
        }
    }
    RLC_TRY(apply_table(arena, what, map, object, table));
    return apply_table(arena, what, map, object, more);
}
