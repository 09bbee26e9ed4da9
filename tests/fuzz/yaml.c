/* Any text: it is refused with a message, or it is a tree that, written and read again, is the same tree. */
#include "core/value.h"
#include "tests/fuzz/fuzz.h"

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* How a text was quoted matters only where it would mean something else without. */
static bool same_scalar(const rlc_value *a, const rlc_value *b) {
    double x = 0, y = 0;
    bool number = rlc_value_number(a, &x);
    return same_text(a->text, b->text) && number == rlc_value_number(b, &y) && (!number || x == y);
}

static bool same_tree(const rlc_value *a, const rlc_value *b) {
    if (a->kind != b->kind || a->count != b->count || (a->kind == RLC_TEXT && !same_scalar(a, b))) {
        return false;
    }
    for (int i = 0; i < a->count; i++) {
        if (!same_tree(a->items[i], b->items[i]) || (a->kind == RLC_MAP && !same_text(a->keys[i], b->keys[i]))) {
            return false;
        }
    }
    return true;
}

static void write_and_read_again(rlc_arena *arena, const rlc_value *tree) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    MUST(out != NULL);
    rlc_value_write(tree, out);
    MUST(fclose(out) == 0);
    rlc_value *again = NULL;
    rlc_status status = rlc_value_parse(arena, "written", text, &again);
    if (status != RLC_OK || !same_tree(tree, again)) {
        fprintf(stderr, "written as:\n%s\n", text);
    }
    MUST(status == RLC_OK);
    MUST(same_tree(tree, again));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rlc_arena arena = {0};
    char *text = calloc(size + 1, 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    rlc_value *tree = NULL;
    rlc_status status = rlc_value_parse(&arena, "input", text, &tree);
    must_have_told(status);
    if (status == RLC_OK) {
        write_and_read_again(&arena, tree);
    }
    rlc_arena_free(&arena);
    free(text);
    return 0;
}
