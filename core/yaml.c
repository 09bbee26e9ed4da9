/* yaml.c: YAML text to a tree of values, by libyaml's events, with limits on everything a file could do in excess. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "core/value.h"

enum { MAX_ANCHORS = 256, MAX_BYTES = 16 << 20 };

typedef struct reader {
    yaml_parser_t parser;
    rlc_arena *arena;
    const char *file, *text;
    int values, anchors;
    struct {
        const char *name;
        rlc_value *value; /* NULL while it is still being read */
    } anchor[MAX_ANCHORS];
} reader;

static rlc_status fail_at(const reader *r, int line, const char *message) {
    return rlc_fail(RLC_INVALID, "%s:%d: %s", r->file, line, message);
}

static int line_of(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

/* The line of a byte: libyaml reads ahead, so where it stopped parsing says little about a byte that is no text. */
static size_t line_at(const reader *r, size_t offset) {
    size_t line = 0;
    for (size_t i = 0; i < offset; i++) {
        line += r->text[i] == '\n';
    }
    return line;
}

/* What people write who know other languages better than YAML. */
static const char *hint(const reader *r, size_t line) {
    const char *start = r->text;
    for (size_t i = 0; i < line && start != NULL; i++) {
        start = strchr(start, '\n');
        start = start != NULL ? start + 1 : NULL;
    }
    size_t length = start != NULL ? strcspn(start, "\n") : 0;
    if (length > 0 && memmem(start, length, "${", 2) != NULL) {
        return "; a reference stands in quotes: \"${a.b}\"";
    }
    return length > 0 && start[strspn(start, " ")] == '\t' ? "; YAML is indented by spaces, not by tabs" : "";
}

static rlc_status next_event(reader *r, yaml_event_t *event) {
    if (yaml_parser_parse(&r->parser, event)) {
        return RLC_OK;
    }
    if (r->parser.error == YAML_MEMORY_ERROR) {
        return rlc_fail(RLC_FAILED, "%s: out of memory", r->file);
    }
    const char *problem = r->parser.problem != NULL ? r->parser.problem : "it cannot be parsed", *context = r->parser.context;
    bool in_bytes = r->parser.error == YAML_READER_ERROR;
    size_t line = in_bytes ? line_at(r, r->parser.problem_offset) : r->parser.problem_mark.line;
    return rlc_fail(RLC_INVALID, "%s:%zu: this is not YAML: %s%s%s%s", r->file, line + 1,
                    context != NULL ? context : "", context != NULL ? ", " : "", problem,
                    in_bytes ? "" : hint(r, line));
}

static rlc_value *new_value(reader *r, rlc_value_kind kind, int line) {
    if (++r->values > RLC_MAX_VALUES) {
        fail_at(r, line, "this file unfolds to more than 100,000 values");
        return NULL;
    }
    rlc_value *value = rlc_arena_calloc(r->arena, sizeof *value);
    if (value != NULL) {
        value->kind = kind;
        value->file = r->file;
        value->line = line;
    }
    return value;
}

/* The text of a scalar or a key; NULL with an error. */
static char *read_text(reader *r, const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (event->data.scalar.tag != NULL) {
        fail_at(r, line_of(event), "tags (!...) mean nothing here");
        return NULL;
    }
    if (memchr(text, '\0', length) != NULL) {
        fail_at(r, line_of(event), "text may not hold a NUL character");
        return NULL;
    }
    return rlc_arena_strndup(r->arena, text, length);
}

static rlc_value *read_scalar(reader *r, const yaml_event_t *event) {
    char *text = read_text(r, event);
    if (text == NULL) {
        return NULL;
    }
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    bool nothing = !quoted && (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
    rlc_value *value = new_value(r, nothing ? RLC_NULL : RLC_TEXT, line_of(event));
    if (value != NULL) {
        value->text = text;
        value->quoted = quoted;
    }
    return value;
}

static rlc_status keep_anchor(reader *r, const yaml_char_t *name, rlc_value *value, int *slot) {
    *slot = -1;
    if (name == NULL) {
        return RLC_OK;
    }
    if (r->anchors == MAX_ANCHORS) {
        return fail_at(r, value->line, "more than 256 anchors");
    }
    *slot = r->anchors++;
    r->anchor[*slot].name = rlc_arena_strndup(r->arena, (const char *)name, strlen((const char *)name));
    r->anchor[*slot].value = NULL;
    return r->anchor[*slot].name != NULL ? RLC_OK : rlc_error_status();
}

static rlc_status too_deep(const reader *r, const yaml_event_t *event) {
    return fail_at(r, line_of(event), "nested deeper than 64 levels");
}

/* An alias is a copy of what it names, so that an override changes one place only. */
static rlc_value *read_alias(reader *r, const yaml_event_t *event, int depth) {
    const char *name = (const char *)event->data.alias.anchor;
    for (int i = r->anchors - 1; i >= 0; i--) {
        if (strcmp(r->anchor[i].name, name) != 0) {
            continue;
        }
        if (r->anchor[i].value == NULL) {
            fail_at(r, line_of(event), "this alias refers to a value that it is part of");
            return NULL;
        }
        if (depth + rlc_value_height(r->anchor[i].value) > RLC_MAX_DEPTH) {
            too_deep(r, event);
            return NULL;
        }
        r->values += rlc_value_count(r->anchor[i].value);
        if (r->values > RLC_MAX_VALUES) {
            fail_at(r, line_of(event), "the aliases of this file unfold to more than 100,000 values");
            return NULL;
        }
        return rlc_value_clone(r->arena, r->anchor[i].value);
    }
    rlc_fail(RLC_INVALID, "%s:%d: there is no anchor '%s' before this alias", r->file, line_of(event), name);
    return NULL;
}

static rlc_value *read_value(reader *r, yaml_event_t *event, int depth);

static rlc_status read_list(reader *r, rlc_value *list, int depth) {
    for (;;) {
        yaml_event_t event;
        RLC_TRY(next_event(r, &event));
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return RLC_OK;
        }
        rlc_value *item = read_value(r, &event, depth + 1);
        if (item == NULL || !rlc_value_append(r->arena, list, NULL, item)) {
            return rlc_error_status();
        }
    }
}

/* Reads a key; NULL text at the end of the map. `<<`, unquoted, is a key like no other: it merges. */
static rlc_status read_key(reader *r, const rlc_value *map, const char **key, int *line, bool *merges) {
    yaml_event_t event;
    RLC_TRY(next_event(r, &event));
    rlc_status status = RLC_OK;
    *key = NULL;
    *line = line_of(&event);
    if (event.type == YAML_SCALAR_EVENT) {
        *key = read_text(r, &event);
        const rlc_value *before = *key != NULL ? rlc_value_find(map, *key) : NULL;
        if (*key == NULL) {
            status = rlc_error_status();
        } else if (strlen(*key) >= RLC_MAX_KEY) {
            status = fail_at(r, line_of(&event), "this key is longer than 127 bytes");
        } else if (before != NULL) {
            status = rlc_fail(RLC_INVALID, "%s:%d: '%s' is given twice, first on line %d", r->file, line_of(&event),
                              *key, before->line);
        } else {
            *merges = strcmp(*key, "<<") == 0 && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        }
    } else if (event.type != YAML_MAPPING_END_EVENT) {
        status = fail_at(r, line_of(&event), "a key must be plain text");
    }
    yaml_event_delete(&event);
    return status;
}

/* YAML 1.1's merge key: the keys of other maps for a map that has none of its own by that name. Values keep the place
 * where they stand. They are copies: aliases are. */
static rlc_status merge(reader *r, rlc_value *map, const rlc_value *from, int line) {
    if (from->kind != RLC_MAP) {
        char text[64];
        return rlc_fail(RLC_INVALID, "%s:%d: '<<' takes a map or a list of maps, as in <<: *defaults, not %s", r->file,
                        line, rlc_value_describe(from, text));
    }
    for (int i = 0; i < from->count; i++) {
        if (rlc_value_find(map, from->keys[i]) == NULL &&
            !rlc_value_append(r->arena, map, from->keys[i], from->items[i])) {
            return rlc_error_status();
        }
    }
    return RLC_OK;
}

/* What a map holds stands, for messages, where its key stands. Of several maps to merge the first to have a key wins. */
static rlc_status read_map(reader *r, rlc_value *map, int depth) {
    const rlc_value *merged = NULL;
    int merged_line = 0;
    for (;;) {
        const char *key;
        int line;
        bool merges = false;
        RLC_TRY(read_key(r, map, &key, &line, &merges));
        if (key == NULL) {
            break;
        }
        yaml_event_t event;
        RLC_TRY(next_event(r, &event));
        rlc_value *item = read_value(r, &event, depth + 1);
        if (item == NULL) {
            return rlc_error_status();
        }
        if (merges && merged != NULL) {
            return rlc_fail(RLC_INVALID, "%s:%d: '<<' is given twice, first on line %d; write <<: [*a, *b]", r->file,
                            line, merged_line);
        }
        if (merges) {
            merged = item;
            merged_line = line;
        } else if (!rlc_value_append(r->arena, map, key, item)) {
            return rlc_error_status();
        } else {
            item->line = line;
        }
    }
    bool list = merged != NULL && merged->kind == RLC_LIST;
    for (int i = 0; merged != NULL && i < (list ? merged->count : 1); i++) {
        RLC_TRY(merge(r, map, list ? merged->items[i] : merged, merged_line));
    }
    return RLC_OK;
}

/* Reads the value that `event` begins, and deletes the event. NULL with an error. */
static rlc_value *read_value(reader *r, yaml_event_t *event, int depth) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    rlc_value *value = NULL;
    int slot = -1;
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT, is_map = event->type == YAML_MAPPING_START_EVENT;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        value = read_scalar(r, event);
    } else if (event->type == YAML_ALIAS_EVENT) {
        value = read_alias(r, event, depth);
    } else if (is_list || is_map) {
        anchor = is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
        tag = is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
        value = new_value(r, is_list ? RLC_LIST : RLC_MAP, line_of(event));
    }
    bool good = value != NULL && keep_anchor(r, anchor, value, &slot) == RLC_OK;
    if (good && tag != NULL) {
        good = fail_at(r, line_of(event), "tags (!...) mean nothing here") == RLC_OK;
    }
    if (good && depth >= RLC_MAX_DEPTH) {
        good = too_deep(r, event) == RLC_OK;
    }
    yaml_event_delete(event);
    if (good && is_list) {
        good = read_list(r, value, depth) == RLC_OK;
    } else if (good && is_map) {
        good = read_map(r, value, depth) == RLC_OK;
    }
    if (good && slot >= 0) {
        r->anchor[slot].value = value;
    }
    return good ? value : NULL;
}

/* Passes over an event that must have this type. */
static rlc_status expect_event(reader *r, yaml_event_type_t type, const char *message) {
    yaml_event_t event;
    RLC_TRY(next_event(r, &event));
    bool good = event.type == type;
    int line = line_of(&event);
    yaml_event_delete(&event);
    return good ? RLC_OK : fail_at(r, line, message);
}

static rlc_status read_document(reader *r, rlc_value **value) {
    RLC_TRY(expect_event(r, YAML_STREAM_START_EVENT, "this is not YAML"));
    RLC_TRY(expect_event(r, YAML_DOCUMENT_START_EVENT, "there is nothing in it"));
    yaml_event_t event;
    RLC_TRY(next_event(r, &event));
    *value = read_value(r, &event, 0);
    if (*value == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(expect_event(r, YAML_DOCUMENT_END_EVENT, "this is not YAML"));
    return expect_event(r, YAML_STREAM_END_EVENT, "a second document begins here; a recipe is one");
}

static rlc_status read_all(rlc_arena *arena, const char *name, const char *text, size_t size, rlc_value **value) {
    reader *r = rlc_arena_calloc(arena, sizeof *r);
    char *file = rlc_arena_strndup(arena, name, strlen(name));
    if (r == NULL || file == NULL || !yaml_parser_initialize(&r->parser)) {
        return rlc_fail(RLC_FAILED, "%s: out of memory", name);
    }
    r->arena = arena;
    r->file = file;
    r->text = text;
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, size);
    rlc_status status = read_document(r, value);
    yaml_parser_delete(&r->parser);
    return status;
}

rlc_status rlc_value_load(rlc_arena *arena, const char *path, rlc_value **value) {
    struct stat info;
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return rlc_fail(errno == ENOMEM ? RLC_FAILED : RLC_INVALID, "%s: %s", path, strerror(errno));
    }
    if (fstat(fileno(in), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(in);
        return rlc_fail(RLC_INVALID, "%s: this is a directory, not a recipe", path);
    }
    char *text = rlc_calloc(MAX_BYTES, 1);
    size_t size = text != NULL ? fread(text, 1, MAX_BYTES, in) : 0;
    rlc_status status = rlc_error_status();
    if (text != NULL && ferror(in)) {
        status = rlc_fail(RLC_INVALID, "%s: %s", path, strerror(errno));
    } else if (size == MAX_BYTES) {
        status = rlc_fail(RLC_INVALID, "%s: this is too large for a recipe", path);
    } else if (text != NULL) {
        status = read_all(arena, path, text, size, value);
    }
    free(text);
    fclose(in);
    return status;
}

rlc_status rlc_value_parse(rlc_arena *arena, const char *name, const char *text, rlc_value **value) {
    return read_all(arena, name, text, strlen(text), value);
}
