/* Any text as a recipe: it is refused with a message, or it builds and passes its rehearsal.
 *
 * Integers above 8 become 8 so that a rehearsal takes no time, but for absurd ones, from 2^40 on: whatever those ask for
 * must be refused before memory is taken. Plug-ins are code from elsewhere, so recipes that name some are passed over.
 */
#include "recipes/run.h"
#include "tests/fuzz/fuzz.h"

static const int64_t MOST = 8, ABSURD = (int64_t)1 << 40;

static void make_small(rlc_value *value) {
    int64_t number;
    if (rlc_value_integer(value, &number) && number > MOST && number < ABSURD) {
        value->text = "8";
    }
    for (int i = 0; i < value->count; i++) {
        make_small(value->items[i]);
    }
}

/* The tree as a file of YAML; -1 when a recipe like this is not for a fuzzer. */
static int open_recipe(const char *text, char path[64]) {
    rlc_arena arena = {0};
    rlc_value *tree = NULL;
    char *written = NULL;
    size_t size = 0;
    int file = -1;
    rlc_status status = rlc_value_parse(&arena, "input", text, &tree);
    must_have_told(status);
    if (status == RLC_OK && rlc_value_find(tree, "plugins") == NULL) {
        make_small(tree);
        FILE *out = open_memstream(&written, &size);
        MUST(out != NULL);
        rlc_value_write(tree, out);
        MUST(fclose(out) == 0);
        file = open_bytes(written, size, path);
        free(written);
    }
    rlc_arena_free(&arena);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64], *text = calloc(size + 1, 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    int file = open_recipe(text, path);
    free(text);
    if (file < 0) {
        return 0;
    }
    rlc_run *run = NULL;
    rlc_status status = rlc_run_load(path, NULL, 0, &run);
    must_have_told(status);
    if (status == RLC_OK) {
        must_have_told(rlc_run_check(run));
        rlc_run_free(run);
    }
    close(file);
    MUST(rlc_current() == NULL);
    return 0;
}
