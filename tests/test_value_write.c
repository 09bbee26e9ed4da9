/* Writing trees of values as YAML, so that they read back the same. */
#include "tests/with_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_tree(const rlc_value *a, const rlc_value *b) {
    bool same = a->kind == b->kind && a->count == b->count && (a->kind != RLC_TEXT || strcmp(a->text, b->text) == 0);
    for (int i = 0; i < a->count && same; i++) {
        same = (a->kind != RLC_MAP || strcmp(a->keys[i], b->keys[i]) == 0) && same_tree(a->items[i], b->items[i]);
    }
    return same;
}

/* What `tree` is written as; free it. */
static char *written(const rlc_value *tree) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rlc_value_write(tree, out);
    fclose(out);
    return text;
}

/* Whether a tree that is written reads back as it was. */
static bool survives(const rlc_value *tree) {
    char *text = written(tree);
    rlc_value *again = NULL;
    bool good = rlc_value_parse(&arena, "again", text, &again) == RLC_OK && same_tree(tree, again);
    rlc_error_clear();
    free(text);
    return good;
}

static void test_write(void **state) {
    (void)state;
    char *text =
        written(parse("name: x\nenv: {type: CartPole, a: [1, 2.5e-4, ~, {}, []]}\nempty: {}\n"
                      "modules:\n  net: {type: MLP, cells: [1_0]}\n  policy: {b: {c: '~'}}\nlist: [{d: -1}]\n"));
    assert_string_equal(text, "name: x\n"
                              "env: {type: CartPole, a: [1, 2.5e-4, ~, {}, []]}\n"
                              "empty: {}\n"
                              "modules: \n"
                              "  net: {type: MLP, cells: [1_0]}\n"
                              "  policy: {b: {c: \"~\"}}\n"
                              "list: [{d: -1}]\n");
    free(text);
    static const char *const trees[] = {"~",
                                        "text",
                                        "[]",
                                        "{}",
                                        "[[[[]]], {a: ~}]",
                                        "a: {b: {c: {d: {e: f}}}}",
                                        "{a: {}, b: {c: {}, d: []}, 'null': null}",
                                        "- a\n- b: c\n  d: e\n"};
    for (int i = 0; i < RLC_COUNT(trees); i++) {
        if (!survives(parse(trees[i]))) {
            fail_msg("'%s' does not read back as it was", trees[i]);
        }
    }
    rlc_value *recipe;
    expect_ok(rlc_value_load(&arena, "recipes/dqn.yaml", &recipe));
    assert_true(survives(recipe));
}

static const char *const nasty[] = {
    "",
    " ",
    "  lead",
    "trail ",
    "a: b",
    "a:b",
    "a #b",
    "#",
    "- a",
    "-",
    "--",
    "---",
    "--- a",
    "...",
    "... a",
    "?",
    "? a",
    ":",
    "::",
    "a:",
    "[",
    "]",
    "{",
    "}",
    ",",
    "a,b",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "|-",
    "'",
    "''",
    "it's",
    "\"",
    "\\",
    "\\n",
    "a\\",
    "a\nb",
    "\n",
    "a\n",
    "\na",
    "a\tb",
    "\t",
    "a\t",
    "a\rb",
    "\r",
    "\r\n",
    "%a",
    "@a",
    "`a",
    "~",
    "null",
    "Null",
    "true",
    "5",
    "-5",
    "+5",
    "1_000",
    "2.5e-4",
    "-1e-3",
    "0x10",
    "=",
    "<<",
    "y",
    "\x01",
    "\x1b[0m",
    "\x7f",
    "\xc3\xa9",
    "\xc2\x80",
    "a\xc2\x85"
    "b",
    "a\xe2\x80\xa8"
    "b",
    "a\xe2\x80\xa9"
    "b",
    "\xef\xbb\xbf"
    "a",
    "\xf0\x9f\x98\x80",
    "a  b",
    "${env.x}",
    "a b c",
    "a\x0b"
    "b",
    "\xc2\xa0",
};

/* Every text as an item, a value and a key, at the left margin and further in. */
static void test_nasty_texts_survive(void **state) {
    (void)state;
    int lost = 0;
    for (int i = 0; i < RLC_COUNT(nasty); i++) {
        for (int quoted = 0; quoted < 2; quoted++) {
            rlc_value *tree = parse("{list: [], map: {}, nested: {x: {}}}"), *text = text_value(nasty[i]);
            rlc_value *list = parse("[]");
            text->quoted = quoted;
            rlc_value_append(&arena, rlc_value_find(tree, "list"), NULL, text);
            rlc_value_append(&arena, rlc_value_find(tree, "map"), nasty[i], text);
            rlc_value_append(&arena, rlc_value_find(tree, "nested"), nasty[i], parse("{}"));
            rlc_value_append(&arena, tree, nasty[i], text);
            rlc_value_append(&arena, list, NULL, text);
            bool good = survives(tree) && survives(list) && survives(text);
            if (!good) {
                print_error("text %d is lost: '%s'%s\n", i, nasty[i], quoted ? " in quotes" : "");
            }
            lost += !good;
        }
    }
    assert_int_equal(lost, 0);
}

/* A number in quotes is text; written without them it would be a number. */
static void test_quotes_survive(void **state) {
    (void)state;
    rlc_value *tree = parse("{a: '5', b: \"-2.5e-4\", c: 5, d: '~', e: 'null', f: 'true', g: true}"), *again;
    char *text = written(tree);
    rlc_status status = rlc_value_parse(&arena, "again", text, &again);
    free(text);
    expect_ok(status);
    for (int i = 0; i < tree->count; i++) {
        if (tree->items[i]->quoted != again->items[i]->quoted) {
            fail_msg("%s: '%s' lost or gained its quotes", tree->keys[i], tree->items[i]->text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_nasty_texts_survive, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_quotes_survive, fresh_start, free_values),
    };
    return cmocka_run_group_tests_name("writing YAML", tests, NULL, NULL);
}
