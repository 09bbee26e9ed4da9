#include "tensordict/composite.h"

#include <string.h>

rlc_composite *rlc_composite_new(rlc_arena *arena, rlc_shape batch) {
    rlc_composite *specs = rlc_arena_calloc(arena, sizeof *specs);
    if (specs != NULL) {
        specs->batch = batch;
        specs->arena = arena;
    }
    return specs;
}

static rlc_composite_entry *find(const rlc_composite *specs, const rlc_key *part) {
    for (int i = 0; i < specs->count; i++) {
        if (specs->entries[i].key == part) {
            return &specs->entries[i];
        }
    }
    return NULL;
}

/* The entry of that key, a new one if there was none; NULL with an error. */
static rlc_composite_entry *place_for(rlc_composite *specs, const rlc_key *part) {
    rlc_composite_entry *entry = find(specs, part);
    if (entry != NULL) {
        return entry;
    }
    if (specs->count == specs->room) {
        int room = specs->room != 0 ? 2 * specs->room : 8;
        rlc_composite_entry *more = rlc_arena_alloc(specs->arena, (size_t)room * sizeof *more, RLC_ALIGN_STRUCT);
        if (more == NULL) {
            return NULL;
        }
        if (specs->count > 0) {
            memcpy(more, specs->entries, (size_t)specs->count * sizeof *more);
        }
        specs->entries = more;
        specs->room = room;
    }
    entry = &specs->entries[specs->count++];
    *entry = (rlc_composite_entry){.key = part};
    return entry;
}

/* Follows a path to the entry at its end, making composites on the way. */
static rlc_composite_entry *reach(rlc_composite *specs, const char *name) {
    const rlc_key *key = rlc_key_intern(name);
    while (specs != NULL && key != NULL && key->tail != NULL) {
        rlc_composite_entry *entry = place_for(specs, key->head);
        if (entry != NULL && entry->nested == NULL) {
            entry->nested = rlc_composite_new(specs->arena, (rlc_shape){0});
        }
        specs = entry != NULL ? entry->nested : NULL;
        key = key->tail;
    }
    return specs != NULL && key != NULL ? place_for(specs, key) : NULL;
}

void rlc_composite_set(rlc_composite *specs, const char *key, rlc_spec spec) {
    rlc_composite_entry *entry = reach(specs, key);
    if (entry != NULL) {
        entry->spec = rlc_spec_clone(specs->arena, &spec);
        entry->nested = NULL;
    }
}

void rlc_composite_set_nested(rlc_composite *specs, const char *key, rlc_composite *nested) {
    rlc_composite_entry *entry = nested != NULL ? reach(specs, key) : NULL;
    if (entry != NULL) {
        entry->nested = nested;
    }
}

const rlc_spec *rlc_composite_find(const rlc_composite *specs, const char *name) {
    const rlc_key *key = rlc_key_intern(name);
    const rlc_composite_entry *entry = specs != NULL && key != NULL ? find(specs, key->head) : NULL;
    while (entry != NULL && key->tail != NULL) {
        key = key->tail;
        entry = entry->nested != NULL ? find(entry->nested, key->head) : NULL;
    }
    return entry != NULL && entry->nested == NULL ? &entry->spec : NULL;
}

static bool equal_entries(const rlc_composite_entry *a, const rlc_composite_entry *b) {
    if (b == NULL || (a->nested == NULL) != (b->nested == NULL)) {
        return false;
    }
    return a->nested != NULL ? rlc_composite_equal(a->nested, b->nested) : rlc_spec_equal(&a->spec, &b->spec);
}

bool rlc_composite_equal(const rlc_composite *a, const rlc_composite *b) {
    bool equal = a->count == b->count && rlc_shape_equal(a->batch, b->batch);
    for (int i = 0; i < a->count && equal; i++) {
        equal = equal_entries(&a->entries[i], find(b, a->entries[i].key));
    }
    return equal;
}

static void print(const rlc_composite *specs, FILE *out, int depth) {
    char text[RLC_SPEC_TEXT];
    fputs("Composite(\n", out);
    for (int i = 0; i < specs->count; i++) {
        const rlc_composite_entry *entry = &specs->entries[i];
        fprintf(out, "%*s%s: ", 4 * (depth + 1), "", entry->key->name);
        if (entry->nested != NULL) {
            print(entry->nested, out, depth + 1);
        } else {
            fputs(rlc_spec_text(&entry->spec, text), out);
        }
        fputs(",\n", out);
    }
    fprintf(out, "%*sbatch=%s)", 4 * (depth + 1), "", rlc_shape_text(specs->batch, text));
}

void rlc_composite_print(const rlc_composite *specs, FILE *out) {
    print(specs, out, 0);
    fputc('\n', out);
}
