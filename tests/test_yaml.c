/* Reading YAML: what becomes of a file, and what is said of one that cannot be read. */
#include "tests/with_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_text(const rlc_value *value, const char *wanted) {
    assert_non_null(value);
    assert_int_equal(value->kind, RLC_TEXT);
    assert_string_equal(value->text, wanted);
}

static const rlc_value *at(const rlc_value *root, const char *path, rlc_value_kind kind, int line) {
    const rlc_value *value = rlc_value_at(root, path);
    if (value == NULL) {
        fail_msg("there is nothing at '%s'", path);
    }
    assert_int_equal(value->kind, kind);
    assert_int_equal(value->line, line);
    assert_string_equal(value->file, "test");
    return value;
}

static void test_scalars(void **state) {
    (void)state;
    rlc_value *v = parse("{word: CartPole, number: 250_000, float: 2.5e-4, flag: true, two words: a b, url: a:b}");
    assert_int_equal(v->kind, RLC_MAP);
    assert_int_equal(v->count, 6);
    expect_text(rlc_value_find(v, "word"), "CartPole");
    expect_text(rlc_value_find(v, "number"), "250_000");
    expect_text(rlc_value_find(v, "float"), "2.5e-4");
    expect_text(rlc_value_find(v, "flag"), "true");
    expect_text(rlc_value_find(v, "two words"), "a b");
    expect_text(rlc_value_find(v, "url"), "a:b");
    assert_null(rlc_value_find(v, "words"));
    assert_false(rlc_value_find(v, "word")->quoted);
    expect_text(parse("just text"), "just text");
    expect_text(parse("a: |\n  one\n  two\n")->items[0], "one\ntwo\n");
    expect_text(parse("a: >\n  one\n  two\n")->items[0], "one two\n");
    expect_text(parse("a: one\n   two # and a comment\n")->items[0], "one two");
    expect_text(parse("'it''s'"), "it's");
    expect_text(parse("\"tab\\t, \\x41, \\u00e9, \\\\\""), "tab\t, A, \xc3\xa9, \\");
}

static void test_nothing_and_quotes(void **state) {
    (void)state;
    rlc_value *v = parse("a: ~\nb: null\nc:\nd: [~, null]\ne: '~'\nf: \"null\"\ng: ''\nh: '5'\ni: \"true\"\n");
    static const char *const nothing[] = {"a", "b", "c", "d.0", "d.1"};
    for (int i = 0; i < RLC_COUNT(nothing); i++) {
        assert_int_equal(rlc_value_at(v, nothing[i])->kind, RLC_NULL);
    }
    static const char *const quoted[][2] = {{"e", "~"}, {"f", "null"}, {"g", ""}, {"h", "5"}, {"i", "true"}};
    for (int i = 0; i < RLC_COUNT(quoted); i++) {
        expect_text(rlc_value_at(v, quoted[i][0]), quoted[i][1]);
        assert_true(rlc_value_at(v, quoted[i][0])->quoted);
    }
    assert_int_equal(parse("---\n")->kind, RLC_NULL);
}

static void test_block_and_flow(void **state) {
    (void)state;
    rlc_value *v = parse("# a recipe\n"
                         "name: dqn\n"
                         "env: {type: CartPole,\n"
                         "      transforms: [{type: RewardSum}, ~]}\n"
                         "modules:\n"
                         "  net:\n"
                         "    type: MLP\n"
                         "    num_cells:\n"
                         "      - 120\n"
                         "      - 84\n"
                         "  policy: {}\n"
                         "optim:\n"
                         "- type: Adam\n"
                         "  lr: 1e-3\n"
                         "- []\n");
    static const char *const sections[] = {"name", "env", "modules", "optim"};
    assert_int_equal(v->count, RLC_COUNT(sections));
    for (int i = 0; i < v->count; i++) {
        assert_string_equal(v->keys[i], sections[i]); /* in the order of the file */
    }
    expect_text(at(v, "name", RLC_TEXT, 2), "dqn");
    at(v, "env", RLC_MAP, 3);
    assert_int_equal(at(v, "env.transforms", RLC_LIST, 4)->count, 2);
    expect_text(at(v, "env.transforms.0.type", RLC_TEXT, 4), "RewardSum");
    at(v, "env.transforms.1", RLC_NULL, 4);
    expect_text(at(v, "modules.net.num_cells.1", RLC_TEXT, 10), "84");
    assert_int_equal(at(v, "modules.policy", RLC_MAP, 11)->count, 0);
    expect_text(at(v, "optim.0.lr", RLC_TEXT, 14), "1e-3");
    assert_int_equal(at(v, "optim.1", RLC_LIST, 15)->count, 0);
}

/* Own keys win over merged ones wherever they stand, and earlier maps of a list over later ones. */
static void test_merge_keys(void **state) {
    (void)state;
    rlc_value *v = parse("a: &a {x: 1,\n  y: 2}\nb: &b {y: 3, z: 4}\n"
                         "c: {y: 5, <<: *a, w: 6}\n"
                         "d: {<<: [*b, *a, {x: 9, v: 7}]}\n"
                         "e: {<<: {}, '<<': text}\n"
                         "f:\n  <<: *a\n  z: 8\n");
    assert_int_equal(rlc_value_at(v, "c")->count, 3);
    expect_text(at(v, "c.x", RLC_TEXT, 1), "1");
    expect_text(at(v, "c.y", RLC_TEXT, 4), "5");
    assert_int_equal(rlc_value_at(v, "d")->count, 4);
    expect_text(rlc_value_at(v, "d.x"), "1");
    expect_text(rlc_value_at(v, "d.y"), "3");
    expect_text(rlc_value_at(v, "d.v"), "7");
    assert_int_equal(rlc_value_at(v, "e")->count, 1); /* in quotes it is a key */
    expect_text(rlc_value_at(v, "e.<<"), "text");
    expect_text(at(v, "f.y", RLC_TEXT, 2), "2");
    /* copies: a change of one is none of the others */
    rlc_value_at(v, "c.x")->text = "changed";
    expect_text(rlc_value_at(v, "a.x"), "1");
    expect_text(rlc_value_at(v, "f.x"), "1");
    static const char *const cases[][2] = {
        {"a: 1\nb:\n  <<: 3\n", "test:3: '<<' takes a map or a list of maps, as in <<: *defaults, not '3'"},
        {"<<: [{a: 1}, [2]]\n", "test:1: '<<' takes a map or a list of maps, as in <<: *defaults, not a list"},
        {"<<: {a: 1}\n<<: {b: 1}\n", "test:2: '<<' is given twice, first on line 1; write <<: [*a, *b]"},
        {"a: &a {<<: *a}\n", "test:1: this alias refers to a value that it is part of"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_value *value;
        expect_error(rlc_value_parse(&arena, "test", cases[i][0], &value), RLC_INVALID, cases[i][1]);
    }
}

static void test_line_ends_and_byte_order_mark(void **state) {
    (void)state;
    rlc_value *v = parse("\xef\xbb\xbf"
                         "a: 1\r\nb: [2,\r\n 3]\r\n");
    expect_text(at(v, "a", RLC_TEXT, 1), "1");
    expect_text(at(v, "b.1", RLC_TEXT, 3), "3");
    expect_text(rlc_value_find(parse("--- \na: 1\n...\n"), "a"), "1");
}

/* A change to one must not show in the other. */
static void test_aliases_are_copies(void **state) {
    (void)state;
    rlc_value *v = parse("a: &net {cells: [1, 2], act: &act relu}\nb: *net\nc: [*act, *net]\nd: &act tanh\ne: *act\n");
    expect_text(rlc_value_at(v, "b.cells.1"), "2");
    expect_text(rlc_value_at(v, "c.0"), "relu");
    expect_text(rlc_value_at(v, "e"), "tanh"); /* the last one of that name */
    rlc_value *new = rlc_value_text(&arena, "command line", "9");
    expect_ok(rlc_value_put(&arena, v, "b.cells.1", new));
    expect_ok(rlc_value_put(&arena, v, "c.1.act", rlc_value_text(&arena, "command line", "sigmoid")));
    expect_text(rlc_value_at(v, "b.cells.1"), "9");
    expect_text(rlc_value_at(v, "a.cells.1"), "2");
    expect_text(rlc_value_at(v, "c.1.cells.1"), "2");
    expect_text(rlc_value_at(v, "a.act"), "relu");
    expect_text(rlc_value_at(v, "c.0"), "relu");
}

static const struct {
    const char *text, *message;
} refused[] = {
    {"", "test:1: there is nothing in it"},
    {"# nothing but a comment\n", "there is nothing in it"},
    {"a: 1\nb: 2\na: 3\n", "test:3: 'a' is given twice, first on line 1"},
    {"a: {x: 1,\n    y: 2,\n    x: 3}\n", "test:3: 'x' is given twice, first on line 1"},
    {"a:\n  x: 1\nb: 2\na: 3\n", "test:4: 'a' is given twice, first on line 1"},
    {"a: 1\n---\nb: 2\n", "test:2: a second document begins here; a recipe is one"},
    {"a: 1\n...\nb: 2\n", "test:3: this is not YAML: did not find expected <document start>"},
    {"a: b: c\n", "test:1: this is not YAML: mapping values are not allowed"},
    {"a: 1\n  b: 2\n", "test:2: this is not YAML"},
    {"a: 1\nb: [1, 2\nc: 3\n", "test:3: this is not YAML: while parsing a flow sequence"},
    {"a: 1\nb: {x: 1\n", "this is not YAML: while parsing a flow mapping"},
    {"a: 1\nb: 'open\n", "this is not YAML: while scanning a quoted scalar"},
    {"a:\n\tb: 1\n", "test:2: this is not YAML: while scanning for the next token"},
    {"a: @b\n", "test:1: this is not YAML"},
    {"a: \"\\q\"\n", "test:1: this is not YAML"},
    {"a: 1\nb: *nothing\n", "test:2: there is no anchor 'nothing' before this alias"},
    {"a: &x\n  - *x\n", "test:2: this alias refers to a value that it is part of"},
    {"a: 1\nb: !!int 5\n", "test:2: tags (!...) mean nothing here"},
    {"a: !net [1]\n", "test:1: tags (!...) mean nothing here"},
    {"a: 1\nb: !net {c: 1}\n", "test:2: tags (!...) mean nothing here"},
    {"a: 1\n!!str b: 1\n", "test:2: tags (!...) mean nothing here"},
    {"a: 1\n? [b]\n: 2\n", "test:2: a key must be plain text"},
    {"a: 1\n? {b: 1}\n: 2\n", "test:2: a key must be plain text"},
    {"a: &x y\n*x : 1\n", "test:2: a key must be plain text"},
    {"a: 1\nb: \"x\\0y\"\n", "test:2: text may not hold a NUL character"},
    {"a: 1\n\"x\\0y\": 2\n", "test:2: text may not hold a NUL character"},
    {"%YAML 3.0\n---\na: 1\n", "this is not YAML"},
};

static void test_what_is_refused(void **state) {
    (void)state;
    int failures = 0;
    for (int i = 0; i < RLC_COUNT(refused); i++) {
        rlc_value *value;
        rlc_status status = rlc_value_parse(&arena, "test", refused[i].text, &value);
        if (status != RLC_INVALID || strstr(rlc_error(), refused[i].message) == NULL) {
            print_error("'%s': wanted '%s', got %d '%s'\n", refused[i].text, refused[i].message, status, rlc_error());
            failures++;
        }
        rlc_error_clear();
    }
    assert_int_equal(failures, 0);
}

/* A text of `count` times `open`, then `middle`, then `count` times `close`; free it. */
static char *repeated(const char *open, int count, const char *middle, const char *close) {
    size_t size = (strlen(open) + strlen(close)) * (size_t)count + strlen(middle) + 1;
    char *text = malloc(size), *end = text;
    assert_non_null(text);
    for (int i = 0; i < count; i++) {
        end = stpcpy(end, open);
    }
    end = stpcpy(end, middle);
    for (int i = 0; i < count; i++) {
        end = stpcpy(end, close);
    }
    return text;
}

/* Frees the text. */
static void expect_refused(char *text, const char *message) {
    rlc_value *value;
    rlc_status status = rlc_value_parse(&arena, "test", text, &value);
    free(text);
    expect_error(status, RLC_INVALID, message);
}

static void test_nesting(void **state) {
    (void)state;
    char *deep = repeated("[", 63, "x", "]");
    expect_text(rlc_value_at(parse(deep), "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
                                          ".0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"),
                "x");
    free(deep);
    expect_refused(repeated("[", 65, "", "]"), "test:1: nested deeper than 64 levels");
    expect_refused(repeated("[", 100000, "", "]"), "test:1: nested deeper than 64 levels");
    expect_refused(repeated("[", 100000, "", ""), "test:1: nested deeper than 64 levels");
    expect_refused(repeated("{a: ", 100000, "b", "}"), "test:1: nested deeper than 64 levels");
    expect_refused(repeated("- ", 100000, "b", ""), "test:1: nested deeper than 64 levels");
    expect_refused(repeated("? ", 100000, "b", ""), "test:1: ");
    /* nor by way of an alias */
    char *forty = repeated("[", 40, "x", "]"), *text = NULL;
    assert_true(asprintf(&text, "a: &a %s\nb: %.40s*a%s\n", forty, forty, forty + 41) > 0);
    free(forty);
    expect_refused(text, "nested deeper than 64 levels");
}

/* Nine lists of ten aliases each would unfold to a billion values. */
static void test_too_many_values(void **state) {
    (void)state;
    char text[1024] = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n", line[96];
    for (int i = 1; i < 9; i++) {
        snprintf(line, sizeof line, "l%d: &l%d [", i, i);
        strcat(text, line);
        for (int k = 0; k < 10; k++) {
            snprintf(line, sizeof line, "%s*l%d", k > 0 ? ", " : "", i - 1);
            strcat(text, line);
        }
        strcat(text, "]\n");
    }
    rlc_value *value;
    expect_error(rlc_value_parse(&arena, "test", text, &value), RLC_INVALID,
                 "test:5: the aliases of this file unfold to more than 100,000 values");
    expect_refused(repeated("- x\n", 100001, "", ""), "this file unfolds to more than 100,000 values");
    expect_refused(repeated("k", 128, ": 1", ""), "test:1: this key is longer than 127 bytes");
    char *many = repeated("- x\n", 99000, "", "");
    assert_int_equal(parse(many)->count, 99000);
    free(many);
    char *anchors = repeated("- &a x\n", 257, "", "");
    expect_refused(anchors, "test:257: more than 256 anchors");
}

/* Writes bytes to a file of its own and reads it; returns the status. */
static rlc_status load(const char *bytes, size_t size, char path[64]) {
    strcpy(path, "/tmp/rlc-test-yaml-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, size), (ssize_t)size);
    close(file);
    rlc_value *value = NULL;
    rlc_status status = rlc_value_load(&arena, path, &value);
    unlink(path);
    if (status == RLC_OK) {
        assert_string_equal(value->file, path);
        assert_int_equal(value->count, 3);
    }
    return status;
}

#define LOAD(bytes) load(bytes, sizeof bytes - 1, path)

static void test_files(void **state) {
    (void)state;
    char path[64], message[160];
    rlc_value *value;
    expect_ok(LOAD("a: 1\nb: 2\nc: 3\n"));
    expect_error(rlc_value_load(&arena, "tests/there is no such.yaml", &value), RLC_INVALID,
                 "tests/there is no such.yaml: No such file or directory");
    expect_error(rlc_value_load(&arena, "tests", &value), RLC_INVALID, "tests: this is a directory, not a recipe");
    rlc_status status = LOAD("");
    snprintf(message, sizeof message, "%s:1: there is nothing in it", path);
    expect_error(status, RLC_INVALID, message);
    status = LOAD("a: 1\nb: [2\n");
    snprintf(message, sizeof message, "%s:3: this is not YAML: ", path);
    expect_error(status, RLC_INVALID, message);
}

/* What is no text at all; the line is that of the offending byte. */
static void test_bytes_that_are_no_text(void **state) {
    (void)state;
    char path[64], message[160];
    rlc_status status = LOAD("a: 1\nb: 2\nc: \xff\xfe\n");
    assert_non_null(strstr(rlc_error(), "UTF-8"));
    snprintf(message, sizeof message, "%s:3: this is not YAML: ", path);
    expect_error(status, RLC_INVALID, message);
    status = LOAD("a: 1\nb: \xc3(\n");
    assert_non_null(strstr(rlc_error(), "UTF-8"));
    snprintf(message, sizeof message, "%s:2: this is not YAML: ", path);
    expect_error(status, RLC_INVALID, message);
    status = LOAD("a: 1\nb: 2\nc: x\0y\n");
    snprintf(message, sizeof message, "%s:3: this is not YAML: control characters are not allowed", path);
    expect_error(status, RLC_INVALID, message);
    status = LOAD("\x7f"
                  "ELF\x02\x01\x01\0\0\0\0\0");
    snprintf(message, sizeof message, "%s:1: this is not YAML: control characters are not allowed", path);
    expect_error(status, RLC_INVALID, message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scalars, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_nothing_and_quotes, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_block_and_flow, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_line_ends_and_byte_order_mark, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_aliases_are_copies, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_merge_keys, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_what_is_refused, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_nesting, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_too_many_values, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_files, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_bytes_that_are_no_text, fresh_start, free_values),
    };
    return cmocka_run_group_tests_name("reading YAML", tests, NULL, NULL);
}
