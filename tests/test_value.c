/* Trees of values: numbers, paths, changes, copies. */
#include "tests/with_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    int64_t number;
} integers[] = {
    {"0", 0},
    {"12", 12},
    {"-3", -3},
    {"+4", 4},
    {"007", 7},
    {"250_000", 250000},
    {"1_0_0_0", 1000},
    {"-1_000", -1000},
    {"9223372036854775807", INT64_MAX},
    {"-9223372036854775808", INT64_MIN},
};

static const char *const no_integers[] = {
    "",
    "_",
    "-",
    "+",
    "1__0",
    "_1",
    "1_",
    "-_1",
    "1.0",
    "1e3",
    "0x10",
    "a1",
    "1a",
    "1 0",
    " 1",
    "1 ",
    "true",
    "nan",
    "--1",
    "9223372036854775808",
    "-9223372036854775809",
    "1,000",
};

static void test_integers(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(integers); i++) {
        int64_t number = -99;
        assert_true(rlc_value_integer(text_value(integers[i].text), &number));
        assert_true(number == integers[i].number);
    }
    for (int i = 0; i < RLC_COUNT(no_integers); i++) {
        int64_t number;
        if (rlc_value_integer(text_value(no_integers[i]), &number)) {
            fail_msg("'%s' was read as the integer %lld", no_integers[i], (long long)number);
        }
    }
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double number;
    } good[] = {{"2.5e-4", 2.5e-4},  {"3e-4", 3e-4}, {"12", 12},     {"-0.5", -0.5},   {".5", 0.5}, {"5.", 5},
                {"1_000.5", 1000.5}, {"-1E6", -1e6}, {"+1e+2", 100}, {"1e308", 1e308}, {"0", 0},    {"1e-400", 0}};
    static const char *const bad[] = {"",      ".",   "-",   "e5",   "1e",       "1e999", "-1e999",
                                      "nan",   "NaN", "inf", "-inf", "Infinity", "0x10",  "0x1p3",
                                      "1.2.3", "--1", "1,5", "1 5",  "1_.5",     "1e_3",  "x"};
    for (int i = 0; i < RLC_COUNT(good); i++) {
        double number = -99;
        assert_true(rlc_value_number(text_value(good[i].text), &number));
        assert_true(number == good[i].number);
    }
    for (int i = 0; i < RLC_COUNT(bad); i++) {
        double number;
        if (rlc_value_number(text_value(bad[i]), &number)) {
            fail_msg("'%s' was read as the number %g", bad[i], number);
        }
    }
}

static void test_bools_and_other_kinds(void **state) {
    (void)state;
    bool flag = false;
    int64_t integer;
    double number;
    assert_true(rlc_value_bool(text_value("true"), &flag) && flag);
    assert_true(rlc_value_bool(text_value("false"), &flag) && !flag);
    assert_true(rlc_value_bool(text_value("True"), &flag) && flag);
    assert_true(rlc_value_bool(text_value("False"), &flag) && !flag);
    static const char *const bad[] = {"", "1", "0", "yes", "no", "truee", "tru"};
    for (int i = 0; i < RLC_COUNT(bad); i++) {
        assert_false(rlc_value_bool(text_value(bad[i]), &flag));
    }
    rlc_value *others[] = {parse("~"), parse("[1]"), parse("{a: 1}"), NULL};
    for (int i = 0; i < RLC_COUNT(others); i++) {
        assert_false(rlc_value_integer(others[i], &integer));
        assert_false(rlc_value_number(others[i], &number));
        assert_false(rlc_value_bool(others[i], &flag));
    }
}

static void test_at(void **state) {
    (void)state;
    rlc_value *root = parse("{a: {b: [x, {c: y}], '1': z}, d: ~}");
    static const char *const there[][2] = {{"a.b.0", "x"}, {"a.b.1.c", "y"}, {"a.1", "z"}};
    for (int i = 0; i < RLC_COUNT(there); i++) {
        assert_string_equal(rlc_value_at(root, there[i][0])->text, there[i][1]);
    }
    assert_ptr_equal(rlc_value_at(root, ""), root);
    assert_int_equal(rlc_value_at(root, "d")->kind, RLC_NULL);
    static const char *const absent[] = {
        "x",    "a.x", "a.b.2", "a.b.-1", "a.b.x", "a.b.0.c", "a.b.1x",
        "a..b", ".a",  "a.",    "a.b.0.", ".",     "d.x",     "a.b.9999999999999999999",
        "A"};
    for (int i = 0; i < RLC_COUNT(absent); i++) {
        if (rlc_value_at(root, absent[i]) != NULL) {
            fail_msg("something was found at '%s'", absent[i]);
        }
    }
    assert_null(rlc_value_at(NULL, "a"));
    assert_null(rlc_value_find(NULL, "a"));
    assert_null(rlc_value_find(rlc_value_at(root, "a.b"), "0"));
    assert_null(rlc_value_find(rlc_value_at(root, "a.1"), "z"));
}

static void test_put(void **state) {
    (void)state;
    rlc_value *root = parse("{loss: {gamma: 0.9}, optim: [{lr: 1}, {lr: 2}]}");
    expect_ok(rlc_value_put(&arena, root, "loss.gamma", text_value("0.95")));
    expect_ok(rlc_value_put(&arena, root, "optim.1.lr", text_value("3")));
    expect_ok(rlc_value_put(&arena, root, "optim.2", parse("{lr: 4}")));
    expect_ok(rlc_value_put(&arena, root, "optim.3.lr", text_value("5")));
    expect_ok(rlc_value_put(&arena, root, "train.deep.er", text_value("6")));
    expect_ok(rlc_value_put(&arena, root, "seed", text_value("7")));
    expect_ok(rlc_value_put(&arena, root, "optim.0", text_value("8")));
    expect_ok(rlc_value_put(&arena, root, "loss", parse("[9]")));
    static const char *const wanted[][2] = {{"optim.1.lr", "3"},    {"optim.2.lr", "4"}, {"optim.3.lr", "5"},
                                            {"train.deep.er", "6"}, {"seed", "7"},       {"optim.0", "8"},
                                            {"loss.0", "9"}};
    for (int i = 0; i < RLC_COUNT(wanted); i++) {
        assert_string_equal(rlc_value_at(root, wanted[i][0])->text, wanted[i][1]);
    }
    assert_int_equal(root->count, 4);
    assert_int_equal(rlc_value_at(root, "optim")->count, 4);
    assert_string_equal(rlc_value_at(root, "seed")->file, "command line");
}

static void test_put_where_it_cannot_be(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"loss.gamma.x", "command line: 'loss.gamma.x': there is nothing called 'x' below a scalar"},
        {"optim.2", "command line: 'optim.2': a list of 1 has no item '2'"},
        {"optim.lr", "command line: 'optim.lr': a list of 1 has no item 'lr'"},
        {"optim.-1", "command line: 'optim.-1': a list of 1 has no item '-1'"},
        {"", "command line: '' is no path such as loss.gamma"},
        {"loss..gamma", "command line: 'loss..gamma' is no path such as loss.gamma"},
        {".loss", "command line: '.loss' is no path such as loss.gamma"},
        {"loss.", "command line: 'loss.' is no path such as loss.gamma"},
    };
    int failures = 0;
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_value *root = parse("{loss: {gamma: 0.9}, optim: [{lr: 1}]}");
        rlc_status status = rlc_value_put(&arena, root, cases[i][0], text_value("x"));
        if (status != RLC_INVALID || strstr(rlc_error(), cases[i][1]) == NULL) {
            print_error("'%s': wanted '%s', got %d '%s'\n", cases[i][0], cases[i][1], status, rlc_error());
            failures++;
        }
        rlc_error_clear();
    }
    assert_int_equal(failures, 0);
}

static bool same_tree(const rlc_value *a, const rlc_value *b) {
    bool same = a->kind == b->kind && a->count == b->count && (a->kind != RLC_TEXT || strcmp(a->text, b->text) == 0);
    for (int i = 0; i < a->count && same; i++) {
        same = (a->kind != RLC_MAP || strcmp(a->keys[i], b->keys[i]) == 0) && same_tree(a->items[i], b->items[i]);
    }
    return same;
}

static void test_append_and_clone(void **state) {
    (void)state;
    rlc_value *list = parse("[]"), *map = parse("{}");
    char key[16];
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "%d", i);
        rlc_value *item = text_value(key);
        assert_true(rlc_value_append(&arena, list, NULL, item));
        assert_true(rlc_value_append(&arena, map, item->text, item));
    }
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_string_equal(rlc_value_at(list, key)->text, key);
        assert_ptr_equal(rlc_value_at(map, key), rlc_value_at(list, key));
    }
    rlc_arena own = {0};
    rlc_value *tree = parse("{a: [1, '2', ~, {b: []}], c: {}}"), *copy = rlc_value_clone(&own, tree);
    assert_true(same_tree(tree, copy));
    assert_true(rlc_value_at(copy, "a.1")->quoted && !rlc_value_at(copy, "a.0")->quoted);
    expect_ok(rlc_value_put(&arena, tree, "a.0", text_value("9")));
    rlc_arena_free(&arena); /* nothing of the copy lies there */
    assert_string_equal(rlc_value_at(copy, "a.0")->text, "1");
    assert_string_equal(rlc_value_at(copy, "a.3")->file, "test");
    rlc_arena_free(&own);
}

static void test_messages(void **state) {
    (void)state;
    char buffer[64];
    rlc_value *tree = parse("{a: [1], b: {},\n c: text, d: ~,\n"
                            " e: a text that is quite a lot longer than what a message has room for}");
    assert_string_equal(rlc_value_describe(rlc_value_at(tree, "a"), buffer), "a list");
    assert_string_equal(rlc_value_describe(rlc_value_at(tree, "b"), buffer), "a map");
    assert_string_equal(rlc_value_describe(rlc_value_at(tree, "c"), buffer), "'text'");
    assert_string_equal(rlc_value_describe(rlc_value_at(tree, "d"), buffer), "nothing");
    assert_string_equal(rlc_value_describe(rlc_value_at(tree, "e"), buffer),
                        "'a text that is quite a lot longer than what a...'");
    expect_error(rlc_value_fail(rlc_value_at(tree, "c"), "wrong: %d", 5), RLC_INVALID, "test:2: wrong: 5");
    expect_error(rlc_value_fail(text_value("x"), "wrong"), RLC_INVALID, "command line: wrong");
    rlc_value_fail(NULL, "wrong");
    assert_string_equal(rlc_error(), "wrong");
    rlc_error_clear();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_integers, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_numbers, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_bools_and_other_kinds, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_at, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_put, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_put_where_it_cannot_be, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_append_and_clone, fresh_start, free_values),
        cmocka_unit_test_setup_teardown(test_messages, fresh_start, free_values),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
