#include "core/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

rlc_status rlc_value_fail(const rlc_value *value, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (value == NULL || value->file == NULL) {
        return rlc_fail(RLC_INVALID, "%s", text);
    }
    if (value->line == 0) {
        return rlc_fail(RLC_INVALID, "%s: %s", value->file, text);
    }
    return rlc_fail(RLC_INVALID, "%s:%d: %s", value->file, value->line, text);
}

/* Whether the message begins with a place already: with a file and a line, the command line, or what this value says its
 * file is, which may be the path of a module that was made from text. */
static bool is_located(const rlc_value *value) {
    const char *message = rlc_error(), *end = strstr(message, ": "), *digits = end;
    while (digits != NULL && digits > message && isdigit((unsigned char)digits[-1])) {
        digits--;
    }
    return (digits != NULL && digits < end && digits > message && digits[-1] == ':') ||
           strncmp(message, RLC_COMMAND_LINE ": ", sizeof RLC_COMMAND_LINE + 1) == 0 ||
           strncmp(message, value->file, strlen(value->file)) == 0;
}

void rlc_value_locate(const rlc_value *value) {
    if (value == NULL || value->file == NULL || is_located(value)) {
        return;
    }
    if (value->line > 0) {
        rlc_error_prefix("%s:%d: ", value->file, value->line);
    } else {
        rlc_error_prefix("%s: ", value->file);
    }
}

const char *rlc_value_describe(const rlc_value *value, char buffer[64]) {
    switch (value->kind) {
    case RLC_LIST: return "a list";
    case RLC_MAP: return "a map";
    case RLC_NULL: return "nothing";
    default: snprintf(buffer, 64, strlen(value->text) < 48 ? "'%s'" : "'%.45s...'", value->text); return buffer;
    }
}

rlc_value *rlc_value_find(const rlc_value *map, const char *key) {
    for (int i = 0; map != NULL && map->kind == RLC_MAP && i < map->count; i++) {
        if (strcmp(map->keys[i], key) == 0) {
            return map->items[i];
        }
    }
    return NULL;
}

/* The index that `part` names in a list, or -1. */
static int list_index(const char *part) {
    char *end;
    long index = strtol(part, &end, 10);
    return isdigit((unsigned char)part[0]) && *end == '\0' && index < 1000000 ? (int)index : -1;
}

static rlc_value *child(const rlc_value *value, const char *part) {
    if (value->kind == RLC_LIST) {
        int index = list_index(part);
        return index >= 0 && index < value->count ? value->items[index] : NULL;
    }
    return rlc_value_find(value, part);
}

/* Copies the next part of a dotted path to `part` and returns what is behind it; NULL when a part, the one behind a last
 * dot too, is empty or too long. */
static const char *next_part(const char *path, char part[RLC_MAX_KEY]) {
    size_t length = strcspn(path, ".");
    if (length == 0 || length >= RLC_MAX_KEY || (path[length] == '.' && path[length + 1] == '\0')) {
        return NULL;
    }
    memcpy(part, path, length);
    part[length] = '\0';
    return path[length] == '.' ? path + length + 1 : path + length;
}

rlc_value *rlc_value_at(const rlc_value *root, const char *path) {
    char part[RLC_MAX_KEY];
    rlc_value *value = (rlc_value *)root;
    while (value != NULL && *path != '\0') {
        path = next_part(path, part);
        if (path == NULL) {
            return NULL;
        }
        value = child(value, part);
    }
    return value;
}

/* The arrays are full at every power of two; the old ones stay in the arena until it is freed. */
bool rlc_value_append(rlc_arena *arena, rlc_value *value, const char *key, rlc_value *item) {
    size_t count = (size_t)value->count;
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : 2 * count;
        rlc_value **items = rlc_arena_alloc(arena, room * sizeof *items, RLC_ALIGN_STRUCT);
        const char **keys = rlc_arena_alloc(arena, room * sizeof *keys, RLC_ALIGN_STRUCT);
        if (items == NULL || keys == NULL) {
            return false;
        }
        if (count > 0) {
            memcpy(items, value->items, count * sizeof *items);
            memcpy(keys, value->keys, count * sizeof *keys);
        }
        value->items = items;
        value->keys = keys;
    }
    value->items[count] = item;
    value->keys[count] = key;
    value->count++;
    return true;
}

static rlc_value *new_value(rlc_arena *arena, rlc_value_kind kind, const char *file, int line) {
    rlc_value *value = rlc_arena_calloc(arena, sizeof *value);
    if (value != NULL) {
        value->kind = kind;
        value->file = file;
        value->line = line;
    }
    return value;
}

rlc_value *rlc_value_text(rlc_arena *arena, const char *file, const char *text) {
    rlc_value *value = new_value(arena, RLC_TEXT, file, 0);
    char *copy = rlc_arena_strndup(arena, text, strlen(text));
    if (value == NULL || copy == NULL) {
        return NULL;
    }
    value->text = copy;
    return value;
}

int rlc_value_count(const rlc_value *value) {
    int count = 1;
    for (int i = 0; i < value->count && count <= RLC_MAX_VALUES; i++) {
        count += rlc_value_count(value->items[i]);
    }
    return count;
}

int rlc_value_height(const rlc_value *value) {
    int highest = 0;
    for (int i = 0; i < value->count; i++) {
        int below = rlc_value_height(value->items[i]);
        highest = below > highest ? below : highest;
    }
    return 1 + highest;
}

static const char *copy_text(rlc_arena *arena, const char *text) {
    return text != NULL ? rlc_arena_strndup(arena, text, strlen(text)) : NULL;
}

/* Nothing of the copy lies outside of the arena. */
rlc_value *rlc_value_clone(rlc_arena *arena, const rlc_value *value) {
    rlc_value *copy = new_value(arena, value->kind, copy_text(arena, value->file), value->line);
    if (copy == NULL) {
        return NULL;
    }
    copy->text = copy_text(arena, value->text);
    copy->quoted = value->quoted;
    for (int i = 0; i < value->count; i++) {
        rlc_value *item = rlc_value_clone(arena, value->items[i]);
        if (item == NULL || !rlc_value_append(arena, copy, copy_text(arena, value->keys[i]), item)) {
            return NULL;
        }
    }
    return rlc_error_status() == RLC_OK ? copy : NULL;
}

rlc_status rlc_value_put(rlc_arena *arena, rlc_value *root, const char *path, rlc_value *value) {
    const char *rest = path;
    char part[RLC_MAX_KEY];
    int depth = 0;
    for (rlc_value *at = root;;) {
        rest = next_part(rest, part);
        if (rest == NULL || ++depth > RLC_MAX_DEPTH) {
            return rlc_value_fail(value, "'%s' is no path such as loss.gamma or optim.0.lr", path);
        }
        if (at->kind != RLC_MAP && at->kind != RLC_LIST) {
            return rlc_value_fail(value, "'%s': there is nothing called '%s' below a scalar", path, part);
        }
        int index = at->kind == RLC_LIST ? list_index(part) : 0;
        if (index < 0 || (at->kind == RLC_LIST && index > at->count)) {
            return rlc_value_fail(value, "'%s': a list of %d has no item '%s'", path, at->count, part);
        }
        if (at->kind == RLC_MAP && list_index(part) >= 0 && child(at, part) == NULL) {
            return rlc_value_fail(value, "'%s': this is a map, not a list; it has no item '%s'", path, part);
        }
        bool last = *rest == '\0';
        rlc_value *found = child(at, part);
        if (found != NULL && last) {
            *found = *value;
            return RLC_OK;
        }
        if (found == NULL) {
            found = last ? value : new_value(arena, RLC_MAP, value->file, value->line);
            const char *key = rlc_arena_strndup(arena, part, strlen(part));
            if (found == NULL || key == NULL || !rlc_value_append(arena, at, key, found)) {
                return rlc_error_status();
            }
        }
        if (last) {
            return RLC_OK;
        }
        at = found;
    }
}

rlc_value *rlc_value_merge(rlc_arena *arena, rlc_value *base, rlc_value *over) {
    if (base->kind != RLC_MAP || over->kind != RLC_MAP) {
        return over;
    }
    rlc_value *merged = new_value(arena, RLC_MAP, over->file, over->line);
    for (int i = 0; merged != NULL && i < base->count; i++) {
        rlc_value *upon = rlc_value_find(over, base->keys[i]);
        if (upon != NULL && upon->kind == RLC_NULL) {
            continue;
        }
        rlc_value *item = upon != NULL ? rlc_value_merge(arena, base->items[i], upon) : base->items[i];
        if (item == NULL || !rlc_value_append(arena, merged, base->keys[i], item)) {
            return NULL;
        }
    }
    for (int i = 0; merged != NULL && i < over->count; i++) {
        if (rlc_value_find(base, over->keys[i]) == NULL &&
            !rlc_value_append(arena, merged, over->keys[i], over->items[i])) {
            return NULL;
        }
    }
    return merged;
}

/* Copies a number's text without the '_' that may stand between digits. */
static bool plain_digits(const char *text, char digits[64]) {
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '_' && c > text && isdigit((unsigned char)c[-1]) && isdigit((unsigned char)c[1])) {
            continue;
        }
        if (*c == '_' || isspace((unsigned char)*c) || n == 63) {
            return false;
        }
        digits[n++] = *c;
    }
    digits[n] = '\0';
    return n > 0;
}

bool rlc_value_integer(const rlc_value *value, int64_t *number) {
    char digits[64], *end;
    if (value == NULL || value->kind != RLC_TEXT || !plain_digits(value->text, digits)) {
        return false;
    }
    errno = 0;
    long long parsed = strtoll(digits, &end, 10);
    *number = parsed;
    return *end == '\0' && errno == 0;
}

bool rlc_value_number(const rlc_value *value, double *number) {
    char digits[64], *end;
    if (value == NULL || value->kind != RLC_TEXT || !plain_digits(value->text, digits) ||
        strpbrk(digits, "xXnNiIpP") != NULL) { /* no hexadecimal, nan or inf */
        return false;
    }
    *number = strtod(digits, &end);
    return *end == '\0' && isfinite(*number);
}

bool rlc_value_bool(const rlc_value *value, bool *flag) {
    static const char *const words[] = {"false", "true", "False", "True"};
    for (int i = 0; value != NULL && value->kind == RLC_TEXT && i < RLC_COUNT(words); i++) {
        if (strcmp(value->text, words[i]) == 0) {
            *flag = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* Whether YAML reads the text as it stands, without quotes: what is not surely so gets quotes. */
static bool is_plain(const char *text) {
    if (text[0] == '\0' || strchr(" -?.", text[0]) != NULL || text[strlen(text) - 1] == ' ' || strcmp(text, "~") == 0 ||
        strcmp(text, "null") == 0 || strcmp(text, "<<") == 0) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~' || strchr(":#{}[],&*!|>'\"%@`", *c) != NULL) {
            return false;
        }
    }
    return true;
}

/* The character that begins at `text`, and its length; a byte that is no UTF-8 stands for itself. */
static uint32_t decode(const char *text, int *length) {
    const unsigned char *c = (const unsigned char *)text;
    int more = c[0] >= 0xf0 ? 3 : c[0] >= 0xe0 ? 2 : c[0] >= 0xc0 ? 1 : 0;
    uint32_t code = c[0] & (0x7fu >> (more > 0 ? more + 1 : 0));
    for (int i = 1; i <= more; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            *length = 1;
            return c[0];
        }
        code = code << 6 | (c[i] & 0x3fu);
    }
    *length = more + 1;
    return code;
}

/* Whether YAML folds the character, takes it for the end of a line or refuses it: controls, line and paragraph
 * separators, the byte order mark, what is no character. */
static bool must_be_escaped(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff ||
           code == 0xfffe || code == 0xffff;
}

static void write_quoted(const char *text, FILE *out) {
    fputc('"', out);
    for (int length; *text != '\0'; text += length) {
        uint32_t code = decode(text, &length);
        if (code == '"' || code == '\\') {
            fprintf(out, "\\%c", (int)code);
        } else if (must_be_escaped(code)) {
            fprintf(out, "\\u%04x", code);
        } else {
            fwrite(text, 1, (size_t)length, out);
        }
    }
    fputc('"', out);
}

static void write_text(const rlc_value *value, FILE *out) {
    double number;
    if (!value->quoted && (is_plain(value->text) || rlc_value_number(value, &number))) {
        fputs(value->text, out);
    } else {
        write_quoted(value->text, out);
    }
}

static void write_key(const char *key, FILE *out) {
    rlc_value as_value = {.kind = RLC_TEXT, .text = key};
    write_text(&as_value, out);
    fputs(": ", out);
}

/* On one line, {a: 1, b: [2, 3]}. */
static void write_flow(const rlc_value *value, FILE *out) {
    switch (value->kind) {
    case RLC_NULL: fputc('~', out); return;
    case RLC_TEXT: write_text(value, out); return;
    default: break;
    }
    fputc(value->kind == RLC_MAP ? '{' : '[', out);
    for (int i = 0; i < value->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (value->kind == RLC_MAP) {
            write_key(value->keys[i], out);
        }
        write_flow(value->items[i], out);
    }
    fputc(value->kind == RLC_MAP ? '}' : ']', out);
}

void rlc_value_write(const rlc_value *value, FILE *out) {
    if (value->kind != RLC_MAP || value->count == 0) {
        write_flow(value, out);
        fputc('\n', out);
        return;
    }
    /* two levels of a recipe read best as lines: its sections, and the modules */
    for (int i = 0; i < value->count; i++) {
        const rlc_value *item = value->items[i];
        write_key(value->keys[i], out);
        bool maps_only = item->kind == RLC_MAP && item->count > 0;
        for (int k = 0; k < item->count; k++) {
            maps_only = maps_only && item->items[k]->kind == RLC_MAP;
        }
        if (!maps_only) {
            write_flow(item, out);
            fputc('\n', out);
            continue;
        }
        fputc('\n', out);
        for (int k = 0; k < item->count; k++) {
            fputs("  ", out);
            write_key(item->keys[k], out);
            write_flow(item->items[k], out);
            fputc('\n', out);
        }
    }
}
