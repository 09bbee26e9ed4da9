/* Runs whose files were cut, altered, lost or belong to another recipe: `resume` and `eval` refuse them in one message. */
#include "recipes/files.h"
#include "tests/mistakes.h"

typedef enum damage { CUT, FLIP, GONE, EMPTY } damage;

/* A copy of the run in `saved` with one file changed. */
static void damaged(const char *file, damage how, long at, int bit) {
    char path[1100], command[1024], name[128];
    snprintf(command, sizeof command, "rm -rf %s/hurt && cp -r %s/saved %s/hurt", work_folder, work_folder,
             work_folder);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/hurt/%s", work_folder, file);
    size_t size;
    char *bytes = read_file(path, &size);
    assert_non_null(bytes);
    at = at < 0 ? (long)size + at : at;
    if (how == FLIP) {
        bytes[at] = (char)(bytes[at] ^ 1 << bit);
    }
    snprintf(name, sizeof name, "hurt/%s", file);
    put(name, bytes, how == CUT ? (size_t)at : how == EMPTY ? 0 : size);
    if (how == GONE) {
        unlink(path);
    }
    free(bytes);
}

static void test_checkpoints(void **state) {
    (void)state;
    put("bad.yaml", ALL "eval: {policy: policy, episodes: 2}\n", strlen(ALL "eval: {policy: policy, episodes: 2}\n"));
    assert_true(is_answered(filled("@ --quiet --out %/saved"), 0, ""));
    static const struct {
        const char *command, *file;
        damage how;
        long at; /* from the end when negative */
        const char *message;
    } cases[] = {
        {"resume", "resume.safetensors", EMPTY, 0, "%/hurt/resume.safetensors: not a safetensors file: it is empty\n"},
        {"resume", "resume.safetensors", CUT, 5,
         "not a safetensors file, or truncated: 5 bytes do not hold its header\n"},
        {"resume", "resume.safetensors", CUT, 300, "or truncated: 300 bytes do not hold its header\n"},
        {"resume", "resume.safetensors", CUT, -1, "its data lies outside of the file, which may be truncated\n"},
        {"resume", "resume.safetensors", CUT, -3000, "its data lies outside of the file, which may be truncated\n"},
        {"resume", "resume.safetensors", FLIP, 0, "not a safetensors file"},
        {"resume", "resume.safetensors", FLIP, 7, "not a safetensors file, or truncated"},
        {"resume", "resume.safetensors", FLIP, 8, "its header is not a JSON object\n"},
        {"resume", "resume.safetensors", FLIP, -1,
         "the file is damaged: its numbers are not those that were written\n"},
        {"resume", "resume.safetensors", FLIP, -2000, "the file is damaged: its numbers are not those"},
        {"resume", "recipe.yaml", FLIP, 8, "%/hurt/recipe.yaml:1: "},
        {"resume", "recipe.yaml", CUT, 50, "this is not YAML: while parsing a flow"},
        {"resume", "scalars.csv", CUT, 20, "scalars.csv: it is shorter than it was at the last checkpoint"},
        {"eval", "checkpoint.safetensors", EMPTY, 0, "checkpoint.safetensors: not a safetensors file: it is empty\n"},
        {"eval", "checkpoint.safetensors", GONE, 0, "checkpoint.safetensors: No such file or directory\n"},
        {"eval", "checkpoint.safetensors", CUT, -4, "its data lies outside of the file, which may be truncated\n"},
        {"eval", "checkpoint.safetensors", FLIP, -4, "the file is damaged: its numbers are not those"},
        {"eval", "checkpoint.safetensors", FLIP, 12, "%/hurt/checkpoint.safetensors: "},
    };
    int failures = 0;
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        char arguments[256];
        damaged(cases[i].file, cases[i].how, cases[i].at, i % 8);
        snprintf(arguments, sizeof arguments, "%s %s/hurt", cases[i].command, work_folder);
        int wanted = strcmp(cases[i].file, "recipe.yaml") == 0 ? 2 : 1;
        failures += !is_answered(arguments, wanted, filled(cases[i].message));
    }
    assert_int_equal(failures, 0);
    /* of another recipe */
    damaged("recipe.yaml", CUT, -1, 0);
    FILE *recipe = fopen(in_work_folder("hurt/recipe.yaml"), "a");
    fputs("\nlog: {every: 17}\n", recipe);
    fclose(recipe);
    assert_true(is_answered(filled("resume %/hurt"), 1,
                            "this is the state of another recipe; the one beside it has changed\n"));
    put("bad.yaml", ALL "eval: {policy: policy}\n", strlen(ALL "eval: {policy: policy}\n"));
    assert_true(is_answered(filled("@ --quiet --out %/wide modules.net.num_cells=[9]"), 0, ""));
    assert_int_equal(system(filled("cp %/wide/checkpoint.safetensors %/hurt/")), 0);
    assert_true(is_answered(
        filled("eval %/hurt"), 1,
        "loss.target_value_network.net.2.weight is float32 [2, 9] in the file, but float32 [2, 8] is needed\n"));
}

/* Any bit of the state: refused, or gone unnoticed only in the padding of the header. */
static void test_flipped_bits(void **state) {
    (void)state;
    size_t size;
    char *bytes = read_file(in_work_folder("saved/resume.safetensors"), &size);
    assert_non_null(bytes);
    free(bytes);
    int failures = 0;
    for (int i = 0; i < 48; i++) {
        long at = i < 24 ? 8 + i * 97 : (long)(size - 1) - (long)((size_t)(i - 24) * 1931 % (size / 2));
        damaged("resume.safetensors", FLIP, at, i % 8);
        failures += !is_answered(filled("resume %/hurt --quiet"), 1, filled("rlrun: %/hurt/resume.safetensors: "));
    }
    assert_int_equal(failures, 0);
}

/* The sum that a run's files carry (recipes/checkpoint.c). */
static uint64_t add_to_sum(uint64_t sum, const void *data, size_t size) {
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, (const char *)data + at, size - at < 8 ? size - at : 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
    }
    return sum;
}

/* An entry as a root, one of float32 as float64 when that is asked for. */
static rlc_tensor *root_of(const rlc_safetensors_entry *entry, bool as_f64) {
    rlc_tensor *root = rlc_tensor_new(test_device(), as_f64 ? RLC_F64 : entry->dtype, entry->shape);
    double *wide = calloc((size_t)root->numel + 1, sizeof *wide);
    assert_non_null(wide);
    for (int64_t i = 0; as_f64 && i < root->numel; i++) {
        float number;
        memcpy(&number, (const char *)entry->data + (size_t)i * sizeof number, sizeof number);
        wide[i] = (double)number;
    }
    expect_ok(rlc_tensor_write(root, as_f64 ? wide : entry->data));
    free(wide);
    return root;
}

/* The state of the run in `saved` into `hurt`, written as a run writes it, but the entry `name` as float64 (NULL: none). */
static void save_with_wide(const char *name) {
    rlc_run *run;
    rlc_output *output;
    rlc_arena arena = {0};
    rlc_safetensors *file;
    rlc_named_tensor *list;
    int number;
    uint64_t sum = 0;
    char text[32];
    expect_ok(rlc_run_load(in_work_folder("saved/recipe.yaml"), NULL, 0, &run));
    expect_ok(rlc_output_create(run, in_work_folder("new"), true, &output)); /* whose state it is, too */
    expect_ok(rlc_run_state(run, &arena, &list, &number));                   /* in the order of the sum */
    expect_ok(rlc_safetensors_open(in_work_folder("saved/resume.safetensors"), &file));
    for (int i = 0; i < number; i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_find(file, list[i].name);
        rlc_tensor *root = root_of(entry, name != NULL && strcmp(entry->name, name) == 0);
        list[i].tensor = root;
        sum = add_to_sum(sum, entry->name, strlen(entry->name));
        sum = add_to_sum(sum, peek(root), (size_t)root->numel * rlc_dtype_size((rlc_dtype)root->dtype));
    }
    snprintf(text, sizeof text, "%016llx", (unsigned long long)sum);
    const rlc_text_pair metadata[] = {{"format", rlc_safetensors_metadata(file, "format")},
                                      {"recipe", rlc_safetensors_metadata(file, "recipe")},
                                      {"sum", text}};
    expect_ok(rlc_safetensors_save(in_work_folder("hurt/resume.safetensors"), list, number, metadata, 3));
    for (int i = 0; i < number; i++) {
        rlc_tensor_free((rlc_tensor *)list[i].tensor);
    }
    rlc_safetensors_close(file);
    rlc_arena_free(&arena);
    expect_ok(rlc_output_close(output));
    rlc_run_free(run);
}

/* A state whose numbers are all there but one of them of another type: it would go on, but not bit for bit. */
static void test_other_type(void **state) {
    (void)state;
    damaged("resume.safetensors", GONE, 0, 0);
    save_with_wide("parameters");
    assert_true(is_answered(filled("resume %/hurt"), 1,
                            filled("rlrun: %/hurt/resume.safetensors: the file does not fit: mismatched: parameters is "
                                   "float64 ")));
    char *log = read_file(in_work_folder("log"), NULL);
    assert_non_null(strstr(log, " in the file, but float32 "));
    free(log);
    save_with_wide(NULL);
    assert_true(is_answered(filled("resume %/hurt --quiet"), 0, ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_other_type),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("damaged run", tests, make_work_folder, remove_work_folder);
}
