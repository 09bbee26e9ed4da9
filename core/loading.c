#include "core/loading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What goes through all functions of one loading. */
typedef struct loading {
    const rlc_safetensors *file;
    const rlc_named_tensor *list;
    int count;
    const char *prefix;
    size_t prefix_length;
    rlc_strictness strict;
} loading;

/* The entry of one name of the list; NULL where the file has none. */
static const rlc_safetensors_entry *entry_of(const loading *l, const char *name) {
    for (int i = 0; i < rlc_safetensors_count(l->file); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(l->file, i);
        if (strncmp(entry->name, l->prefix, l->prefix_length) == 0 &&
            strcmp(entry->name + l->prefix_length, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static const rlc_named_tensor *on_list(const loading *l, const char *name) {
    for (int i = 0; i < l->count; i++) {
        if (strcmp(l->list[i].name, name) == 0) {
            return &l->list[i];
        }
    }
    return NULL;
}

/* Element i of an entry, whose data may not be aligned. */
static double number_at(const rlc_safetensors_entry *entry, int64_t i) {
    const char *data = entry->data;
    float single;
    double number;
    if (entry->dtype == RLC_F64) {
        memcpy(&number, data + (size_t)i * sizeof number, sizeof number);
        return number;
    }
    memcpy(&single, data + (size_t)i * sizeof single, sizeof single);
    return single;
}

/* Whether conversion to float32 makes an infinity of a number. */
static bool overflows(const rlc_safetensors_entry *entry, const rlc_tensor *root) {
    for (int64_t i = 0; entry->dtype == RLC_F64 && root->dtype == RLC_F32 && i < root->numel; i++) {
        const double number = number_at(entry, i);
        if (isfinite(number) && !isfinite((float)number)) {
            return true;
        }
    }
    return false;
}

enum { MISFIT_TEXT = 2 * RLC_SHAPE_TEXT + 64 };

/* Whether a root of type `dtype` can hold an entry, converted unless the types must agree. */
static bool types_fit(const rlc_safetensors_entry *entry, rlc_dtype dtype, rlc_strictness strict) {
    if (strict == RLC_EXACT) {
        return entry->dtype == dtype && entry->widened == NULL;
    }
    return entry->dtype == dtype || (rlc_dtype_is_float(entry->dtype) && rlc_dtype_is_float(dtype));
}

/* Why an entry cannot be read into a root; NULL when it can. */
static const char *misfit(const rlc_safetensors_entry *entry, const rlc_tensor *root, rlc_strictness strict,
                          char text[MISFIT_TEXT]) {
    const rlc_dtype dtype = (rlc_dtype)root->dtype;
    char there[RLC_SHAPE_TEXT], here[RLC_SHAPE_TEXT];
    if (types_fit(entry, dtype, strict) && rlc_shape_equal(entry->shape, rlc_shape_of(root))) {
        return overflows(entry, root) ? "holds a number beyond float32" : NULL;
    }
    snprintf(text, MISFIT_TEXT, "is %s %s in the file, but %s %s is needed",
             entry->widened != NULL ? entry->widened : rlc_dtype_name(entry->dtype),
             rlc_shape_text(entry->shape, there), rlc_dtype_name(dtype), rlc_shape_text(rlc_shape_of(root), here));
    return text;
}

/* Notes a copy of a name: the report outlives the file and the list. Without memory there is an error. */
static void add(rlc_load_report *report, rlc_strings *names, const char *name) {
    const char *copy = rlc_arena_strndup(&report->arena, name, strlen(name));
    if (copy != NULL) {
        ((const char **)names->values)[names->count++] = copy;
    }
}

/* Room for so many names. */
static bool make_room(rlc_load_report *report, rlc_strings *names, int count) {
    *names = (rlc_strings){0, rlc_arena_calloc(&report->arena, ((size_t)count + 1) * sizeof *names->values)};
    return names->values != NULL;
}

static rlc_status compare(const loading *l, rlc_load_report *report) {
    char text[MISFIT_TEXT];
    const int entries = rlc_safetensors_count(l->file);
    if (!make_room(report, &report->missing, l->count) || !make_room(report, &report->mismatched, l->count) ||
        !make_room(report, &report->unexpected, entries)) {
        return rlc_error_status();
    }
    for (int i = 0; i < l->count; i++) {
        const rlc_safetensors_entry *entry = entry_of(l, l->list[i].name);
        if (entry == NULL) {
            add(report, &report->missing, l->list[i].name);
        } else if (misfit(entry, l->list[i].tensor, l->strict, text) != NULL) {
            add(report, &report->mismatched, l->list[i].name);
        }
    }
    for (int i = 0; i < entries; i++) {
        const char *name = rlc_safetensors_at(l->file, i)->name;
        if (strncmp(name, l->prefix, l->prefix_length) == 0 && on_list(l, name + l->prefix_length) == NULL) {
            add(report, &report->unexpected, name + l->prefix_length);
        }
    }
    return rlc_error_status();
}

/* What is said of one name of a list: the name, or the name with more. */
typedef void say(const loading *l, const char *name, char *text, size_t room);

static void say_name(const loading *l, const char *name, char *text, size_t room) {
    (void)l;
    snprintf(text, room, "%.64s", name);
}

static void say_misfit(const loading *l, const char *name, char *text, size_t room) {
    char why[MISFIT_TEXT];
    snprintf(text, room, "%.64s %s", name, misfit(entry_of(l, name), on_list(l, name)->tensor, l->strict, why));
}

/* Adds "; missing: a, b and 3 more" to a message. */
static void tell(const loading *l, const char *what, const rlc_strings *names, say *say_one, char *message,
                 size_t room) {
    enum { MOST = 6 };
    for (int i = 0; i < names->count && i <= MOST; i++) {
        const size_t used = strlen(message);
        if (i == MOST) {
            snprintf(message + used, room - used, " and %d more", names->count - MOST);
            return;
        }
        snprintf(message + used, room - used, i == 0 ? "%s%s: " : ", ", used > 0 ? "; " : "", what);
        say_one(l, names->values[i], message + strlen(message), room - strlen(message));
    }
}

/* A prefix under which the file has the whole list: what stands before a name of the list at the end of an entry's.
 * Its length in `*length`; NULL where there is none. */
static const char *find_prefix(const loading *l, size_t *length) {
    const size_t wanted = l->count > 0 ? strlen(l->list[0].name) : 0;
    for (int i = 0; i < rlc_safetensors_count(l->file) && wanted > 0; i++) {
        const char *name = rlc_safetensors_at(l->file, i)->name;
        const size_t whole = strlen(name);
        loading other = *l;
        other.prefix = name;
        other.prefix_length = whole >= wanted ? whole - wanted : 0;
        int found = 0;
        while (found < l->count && entry_of(&other, l->list[found].name) != NULL) {
            found++;
        }
        if (found == l->count) {
            *length = other.prefix_length;
            return name;
        }
    }
    return NULL;
}

static rlc_status refuse(const loading *l, const rlc_load_report *report) {
    char message[1536] = "";
    size_t length;
    tell(l, "missing", &report->missing, say_name, message, sizeof message);
    tell(l, "unexpected", &report->unexpected, say_name, message, sizeof message);
    tell(l, "mismatched", &report->mismatched, say_misfit, message, sizeof message);
    const char *prefix = report->missing.count > 0 ? find_prefix(l, &length) : NULL;
    const size_t used = strlen(message);
    if (prefix != NULL) {
        snprintf(message + used, sizeof message - used, " (all names are there behind '%.*s'; give that as prefix)",
                 (int)length, prefix);
    }
    return rlc_fail(RLC_FAILED, "the file does not fit: %s", message);
}

static rlc_status write_converted(rlc_tensor *root, const rlc_safetensors_entry *entry) {
    const size_t size = rlc_dtype_size((rlc_dtype)root->dtype);
    char *values = rlc_calloc((size_t)root->numel, size);
    for (int64_t i = 0; values != NULL && i < root->numel; i++) {
        const double number = number_at(entry, i);
        const float single = (float)number;
        memcpy(values + (size_t)i * size, root->dtype == RLC_F64 ? (const void *)&number : &single, size);
    }
    const rlc_status status = values != NULL ? rlc_tensor_write(root, values) : rlc_error_status();
    free(values);
    return status;
}

static rlc_status read_all(const loading *l) {
    for (int i = 0; i < l->count; i++) {
        rlc_tensor *root = (rlc_tensor *)l->list[i].tensor;
        const rlc_safetensors_entry *entry = entry_of(l, l->list[i].name);
        if (entry != NULL) {
            RLC_TRY(entry->dtype == root->dtype ? rlc_tensor_write(root, entry->data) : write_converted(root, entry));
        }
    }
    return RLC_OK;
}

static rlc_status load(const loading *l, rlc_load_report *report) {
    RLC_TRY(compare(l, report));
    const bool complete = report->missing.count == 0 && report->unexpected.count == 0;
    const bool nothing = l->count > 0 && report->missing.count == l->count;
    if (report->mismatched.count > 0 || nothing || (l->strict != RLC_NOT_STRICT && !complete)) {
        return refuse(l, report);
    }
    return read_all(l);
}

rlc_status rlc_load_tensors(const rlc_safetensors *file, const rlc_named_tensor *list, int count, const char *prefix,
                            rlc_strictness strict, rlc_load_report *report) {
    rlc_load_report own = {0};
    if (report != NULL) {
        rlc_load_report_free(report);
    }
    const loading l = {file, list, count, prefix, strlen(prefix), strict};
    const rlc_status status = load(&l, report != NULL ? report : &own);
    rlc_load_report_free(&own);
    return status;
}

void rlc_load_report_free(rlc_load_report *report) {
    rlc_arena_free(&report->arena);
    *report = (rlc_load_report){0};
}
