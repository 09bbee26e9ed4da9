/* Option tables: from a map of a recipe to the fields of an object, and what is said when they do not fit. */
#include "tests/world.h"

#include <stdio.h>

/* An object with an option of every type. */
typedef struct Everything {
    bool flag;
    int whole, choice, bare_choice;
    int64_t count;
    double ratio, positive;
    const char *name, *bare;
    rlc_ints cells, no_cells;
    rlc_floats betas;
    rlc_strings keys, no_keys;
    const rlc_value *net, *nets, *anything;
} Everything;

static const rlc_option table[] = {
    RLC_BOOL_OPTION(Everything, flag, true, "a switch", .alias = "switch_on"),
    RLC_INT(Everything, whole, 7, -3, 12, "an int"),
    RLC_LONG(Everything, count, 1000, 1, 1e15, "a long", .alias = "max_count"),
    RLC_FLOAT(Everything, ratio, 0.5, 0, 1, "a ratio"),
    RLC_FLOAT(Everything, positive, 2, 1e-9, INFINITY, "a positive number"),
    RLC_STRING(Everything, name, "nobody", "a name"),
    RLC_STRING(Everything, bare, NULL, "a name, or none"),
    RLC_ENUM(Everything, choice, "second", "first|second|third", "one of three"),
    RLC_ENUM(Everything, bare_choice, NULL, "first|second", "one of two"),
    {0},
};

static const rlc_option more[] = {
    RLC_INTS(Everything, cells, "[64, 32]", 1, 4096, "widths"),
    RLC_INTS(Everything, no_cells, NULL, 1, 4096, "widths"),
    RLC_FLOATS(Everything, betas, "[0.9, 0.999]", 0, 0.9999, "decays"),
    RLC_STRINGS(Everything, keys, "[observation, action]", "keys"),
    RLC_STRINGS(Everything, no_keys, NULL, "keys"),
    RLC_MODULE(Everything, net, "a network"),
    RLC_MODULES(Everything, nets, "networks"),
    RLC_VALUE(Everything, anything, "anything"),
    {0},
};

static rlc_arena arena;

static int start(void **state) {
    return fresh_start(state);
}

static int stop(void **state) {
    (void)state;
    rlc_arena_free(&arena);
    return 0;
}

static Everything apply(const char *options) {
    Everything e = {0};
    expect_ok(rlc_options_apply(&arena, "thing", options != NULL ? world_value(options) : NULL, &e, table, more));
    return e;
}

static void expect_defaults(const Everything *e) {
    assert_true(e->flag);
    assert_int_equal(e->whole, 7);
    assert_int_equal(e->count, 1000);
    assert_true(e->ratio == 0.5 && e->positive == 2);
    assert_string_equal(e->name, "nobody");
    assert_null(e->bare);
    assert_int_equal(e->choice, 1);
    assert_int_equal(e->bare_choice, 0);
    assert_int_equal(e->cells.count, 2);
    assert_true(e->cells.values[0] == 64 && e->cells.values[1] == 32);
    assert_int_equal(e->no_cells.count, 0);
    assert_int_equal(e->betas.count, 2);
    assert_true(e->betas.values[0] == 0.9 && e->betas.values[1] == 0.999);
    assert_int_equal(e->keys.count, 2);
    assert_string_equal(e->keys.values[0], "observation");
    assert_string_equal(e->keys.values[1], "action");
    assert_int_equal(e->no_keys.count, 0);
    assert_true(e->net == NULL && e->nets == NULL && e->anything == NULL);
}

static void test_defaults(void **state) {
    (void)state;
    Everything e = apply(NULL);
    expect_defaults(&e);
    e = apply("{}");
    expect_defaults(&e);
    e = apply("{type: Everything}"); /* the type is not an option */
    expect_defaults(&e);
    e = apply(
        "{flag: ~, whole: ~, count: ~, ratio: ~, name: ~, choice: ~, cells: ~, betas: null, keys: , net: ~, nets: ~}");
    expect_defaults(&e); /* nothing is not a value */
}

static void test_values(void **state) {
    (void)state;
    Everything e = apply("{flag: false, whole: -3, count: 250_000, ratio: 2.5e-1, positive: 1e30, name: some one,\n"
                         " bare: '', choice: third, bare_choice: second, cells: [], no_cells: [1, 4_096],\n"
                         " betas: [0, 0.5, 1e-3], keys: next.reward, no_keys: [a, '5', b], net: actor,\n"
                         " nets: [actor, {type: MLP}], anything: [1, {a: ~}]}");
    assert_false(e.flag);
    assert_int_equal(e.whole, -3);
    assert_int_equal(e.count, 250000);
    assert_true(e.ratio == 0.25 && e.positive == 1e30);
    assert_string_equal(e.name, "some one");
    assert_string_equal(e.bare, "");
    assert_int_equal(e.choice, 2);
    assert_int_equal(e.bare_choice, 1);
    assert_int_equal(e.cells.count, 0);
    assert_int_equal(e.no_cells.count, 2);
    assert_true(e.no_cells.values[0] == 1 && e.no_cells.values[1] == 4096);
    assert_int_equal(e.betas.count, 3);
    assert_true(e.betas.values[0] == 0 && e.betas.values[1] == 0.5 && e.betas.values[2] == 1e-3);
    assert_int_equal(e.keys.count, 1); /* one name is a list of one */
    assert_string_equal(e.keys.values[0], "next.reward");
    assert_int_equal(e.no_keys.count, 3);
    assert_string_equal(e.no_keys.values[1], "5");
    assert_string_equal(e.net->text, "actor");
    assert_int_equal(e.nets->count, 2);
    assert_int_equal(e.anything->items[1]->kind, RLC_MAP);
    e = apply("{net: {type: MLP}, switch_on: false, max_count: 3}");
    assert_int_equal(e.net->kind, RLC_MAP);
    assert_false(e.flag);
    assert_int_equal(e.count, 3);
    e = apply("{flag: True, whole: 12, count: 1_000_000_000_000_000, ratio: 1, positive: 1e-9}");
    assert_true(e.flag && e.whole == 12 && e.count == 1000000000000000 && e.ratio == 1 && e.positive == 1e-9);
}

typedef struct misuse {
    const char *options, *message;
} misuse;

/* Each must be refused with its message; all that are not are named. */
static void expect_refused(const misuse *cases, int count) {
    int failures = 0;
    for (int i = 0; i < count; i++) {
        Everything e = {0};
        rlc_status status = rlc_options_apply(&arena, "thing", world_value(cases[i].options), &e, table, more);
        if (status != RLC_INVALID || strstr(rlc_error(), cases[i].message) == NULL) {
            print_error("%s: wanted '%s', got %d '%s'\n", cases[i].options, cases[i].message, status, rlc_error());
            failures++;
        }
        rlc_error_clear();
    }
    assert_int_equal(failures, 0);
}

static void test_wrong_types(void **state) {
    (void)state;
    static const misuse cases[] = {
        {"{flag: yes}", "test:1: thing: option 'flag' must be true or false, not 'yes'"},
        {"{flag: 1}", "thing: option 'flag' must be true or false, not '1'"},
        {"{flag: []}", "thing: option 'flag' must be true or false, not a list"},
        {"{\nwhole: x}", "test:2: thing: option 'whole' must be an integer, not 'x'"},
        {"{whole: 2.5}", "thing: option 'whole' must be an integer, not '2.5'"},
        {"{whole: {a: 1}}", "thing: option 'whole' must be an integer, not a map"},
        {"{count: 1e5}", "thing: option 'count' must be an integer; write 100000 instead of '1e5'"},
        {"{count: 2.0}", "thing: option 'count' must be an integer; write 2 instead of '2.0'"},
        {"{count: 99999999999999999999}", "thing: option 'count' must be"},
        {"{ratio: half}", "thing: option 'ratio' must be a finite number, not 'half'"},
        {"{ratio: .nan}", "thing: option 'ratio' must be a finite number, not '.nan'"},
        {"{positive: 1e999}", "thing: option 'positive' must be a finite number, not '1e999'"},
        {"{name: [a]}", "thing: option 'name' must be text, not a list"},
        {"{choice: fourth}", "thing: option 'choice' must be one of first|second|third, not 'fourth'"},
        {"{choice: fir}", "thing: option 'choice' must be one of first|second|third, not 'fir'"},
        {"{choice: 'first|second'}", "thing: option 'choice' must be one of"},
        {"{choice: ''}", "thing: option 'choice' must be one of first|second|third, not ''"},
        {"{choice: [first]}", "thing: option 'choice' must be one of first|second|third, not a list"},
        {"{cells: 64}", "thing: option 'cells' must be a list of integers such as [64, 64], not '64'"},
        {"{cells: [64,\n x]}", "test:2: thing: option 'cells' must be an integer, not 'x'"},
        {"{cells: [64, ~]}", "thing: option 'cells' must be an integer, not nothing"},
        {"{cells: [[64]]}", "thing: option 'cells' must be an integer, not a list"},
        {"{betas: 0.9}", "thing: option 'betas' must be a list of numbers such as [0.9, 0.999], not '0.9'"},
        {"{betas: [0.9, {}]}", "thing: option 'betas' must be a finite number, not a map"},
        {"{keys: {a: b}}", "thing: option 'keys' must be text, not a map"},
        {"{keys: [a, [b]]}", "thing: option 'keys' must be text, not a list"},
        {"{net: [a]}", "thing: option 'net' must be the name of a module, or a map with its type, not a list"},
        {"{net: ''}", "thing: option 'net' must be the name of a module, or a map with its type, not ''"},
        {"{nets: a}", "thing: option 'nets' must be a list of modules: names, or maps with their type, not 'a'"},
        {"{nets: []}", "thing: option 'nets' must be a list of modules"},
        {"{nets: [a, ~]}", "thing: option 'nets' must be a list of modules"},
        {"[1]", "test:1: thing: must be a map of options, not a list"},
        {"text", "test:1: thing: must be a map of options, not 'text'"},
    };
    expect_refused(cases, RLC_COUNT(cases));
}

static void test_ranges(void **state) {
    (void)state;
    static const misuse cases[] = {
        {"{whole: -4}", "test:1: thing: option 'whole' must be between -3 and 12, not -4"},
        {"{whole: 13}", "thing: option 'whole' must be between -3 and 12, not 13"},
        {"{whole: 4294967297}", "thing: option 'whole' must be between -3 and 12, not 4294967297"},
        {"{count: 0}", "thing: option 'count' must be between 1 and"},
        {"{count: 1_000_000_000_000_001}", "thing: option 'count' must be between 1 and"},
        {"{ratio: -0.1}", "thing: option 'ratio' must be between 0 and 1, not -0.1"},
        {"{ratio: 1.0000001}", "thing: option 'ratio' must be between 0 and 1, not 1.0000001"},
        {"{positive: 0}", "thing: option 'positive' must be at least 1e-09, not 0"},
        {"{cells: [1, 0]}", "thing: option 'cells' must be between 1 and 4096, not 0"},
        {"{cells: [1,\n\n 4097]}", "test:3: thing: option 'cells' must be between 1 and 4096, not 4097"},
        {"{betas: [0.9, 1]}", "thing: option 'betas' must be between 0 and 0.9999, not 1"},
    };
    expect_refused(cases, RLC_COUNT(cases));
}

static void test_unknown_options(void **state) {
    (void)state;
    static const misuse cases[] = {
        {"{a: 1}", "test:1: thing: unknown option 'a'; options are flag, switch_on, whole, count, max_count, ratio"},
        {"{a: 1}", "cells, no_cells, betas, keys, no_keys, net, nets, anything"},
        {"{name: x,\n ratoi: 1}", "test:2: thing: unknown option 'ratoi' (did you mean 'ratio'?)"},
        {"{cell: [1]}", "thing: unknown option 'cell' (did you mean 'cells'?)"},
        {"{switch_onn: true}", "thing: unknown option 'switch_onn' (did you mean 'switch_on'?)"},
        {"{Flag: true}", "thing: unknown option 'Flag' (did you mean 'flag'?)"},
        {"{Type: MLP}", "thing: unknown option 'Type'"},
        {"{flag: true, switch_on: true}", "test:1: thing: option 'flag' is given twice, as 'switch_on' too"},
        {"{max_count: 1,\n\n count: 1}", "thing: option 'count' is given twice, as 'max_count' too"},
    };
    expect_refused(cases, RLC_COUNT(cases));
    int nothing;
    expect_error(rlc_options_apply(&arena, "thing", world_value("{a: 1}"), &nothing, NULL, NULL), RLC_INVALID,
                 "test:1: thing: unknown option 'a'; there are no options");
    expect_ok(rlc_options_apply(&arena, "thing", world_value("{type: a}"), &nothing, NULL, NULL));
}

/* An option may have several other spellings, and names of choices those of PyTorch. */
static void test_spellings(void **state) {
    (void)state;
    static const rlc_option several[] = {
        RLC_LONG(Everything, count, 5, 0, 100, "how many", .alias = "mini_batch_size|sub_batch_size|n"),
        RLC_ENUM(Everything, choice, "relu", "relu|leaky_relu|one_hot|l2|TanhNormal", "which"),
        {0},
    };
    static const struct { const char *options; int64_t count; int choice; } good[] = {
        {"{}", 5, 0},
        {"{count: 1}", 1, 0},
        {"{mini_batch_size: 2}", 2, 0},
        {"{sub_batch_size: 3}", 3, 0},
        {"{n: 4, choice: ReLU}", 4, 0},
        {"{choice: nn.LeakyReLU}", 5, 1},
        {"{choice: torch.nn.ReLU}", 5, 0},
        {"{choice: one-hot}", 5, 2},
        {"{choice: OneHot}", 5, 2},
        {"{choice: L2}", 5, 3},
        {"{choice: LeakyRELU}", 5, 1},
        {"{choice: TanhNormal}", 5, 4},
        {"{choice: leaky-relu}", 5, 1},
    };
    for (int i = 0; i < RLC_COUNT(good); i++) {
        Everything e = {0};
        expect_ok(rlc_options_apply(&arena, "thing", world_value(good[i].options), &e, several, NULL));
        assert_int_equal(e.count, good[i].count);
        assert_int_equal(e.choice, good[i].choice);
    }
    static const misuse bad[] = {
        {"{n: 1, mini_batch_size: 1}", "test:1: thing: option 'count' is given twice, as 'n' too"},
        {"{subbatch_size: 1}", "thing: unknown option 'subbatch_size' (did you mean 'sub_batch_size'?)"},
        {"{elephant: 1}", "options are count, mini_batch_size, sub_batch_size, n, choice"},
        {"{choice: nn.}", "option 'choice' must be one of relu|leaky_relu|one_hot|l2|TanhNormal, not 'nn.'"},
        {"{choice: relu6}", "must be one of relu|leaky_relu|one_hot|l2|TanhNormal, not 'relu6'"},
        {"{choice: rel}", "must be one of"},
        {"{choice: onehot}", "must be one of"},
        {"{choice: oneHot}", "must be one of"},
        {"{choice: OneHots}", "must be one of"},
        {"{choice: one_hot_}", "must be one of"},
        {"{choice: One}", "must be one of"},
        {"{choice: tanhnormal}", "must be one of"},
        {"{sub_batch_size: 3, count: ~}", "option 'count' is given twice, as 'sub_batch_size' too"},
        {"{choice: '-'}", "must be one of"},
        {"{n: 101}", "option 'count' must be between 0 and 100, not 101"},
    };
    for (int i = 0; i < RLC_COUNT(bad); i++) {
        Everything e = {0};
        expect_error(rlc_options_apply(&arena, "thing", world_value(bad[i].options), &e, several, NULL), RLC_INVALID,
                     bad[i].message);
    }
}

/* Options that must be given, by a number's default or by the mark. */
static void test_required(void **state) {
    (void)state;
    static const rlc_option required[] = {
        RLC_INT(Everything, whole, RLC_REQUIRED, 0, 10, "how many"),
        RLC_LONG(Everything, count, RLC_REQUIRED, 0, 10, "how many"),
        RLC_FLOAT(Everything, ratio, RLC_REQUIRED, 0, 10, "how much"),
        RLC_BOOL_OPTION(Everything, flag, RLC_REQUIRED, "whether"),
        RLC_STRING(Everything, name, NULL, "who", .required = true),
        RLC_ENUM(Everything, choice, NULL, "first|second", "which", .required = true),
        RLC_INTS(Everything, cells, NULL, 0, 10, "how wide", .required = true),
        RLC_FLOATS(Everything, betas, NULL, 0, 10, "how slow", .required = true),
        RLC_STRINGS(Everything, keys, NULL, "which ones", .required = true),
        RLC_MODULE(Everything, net, "which net", .required = true),
        RLC_MODULES(Everything, nets, "which nets", .required = true),
        RLC_VALUE(Everything, anything, "what", .required = true),
    };
    for (int i = 0; i < RLC_COUNT(required); i++) {
        const rlc_option one[] = {required[i], {0}};
        Everything e = {0};
        char message[128];
        snprintf(message, sizeof message, "test:1: thing: option '%s' is required: %s", one[0].name, one[0].help);
        expect_error(rlc_options_apply(&arena, "thing", world_value("{}"), &e, one, NULL), RLC_INVALID, message);
        snprintf(message, sizeof message, "{%s: ~}", one[0].name);
        expect_error(rlc_options_apply(&arena, "thing", world_value(message), &e, NULL, one), RLC_INVALID,
                     "is required");
        expect_error(rlc_options_apply(&arena, "thing", NULL, &e, one, NULL), RLC_INVALID, "is required");
    }
}

/* The nearest name is offered only when it is near: a slip, or one more for every three letters. */
static void test_nearest(void **state) {
    (void)state;
    static const char *const names[] = {"lr", "gamma", "num_cells", "annealing_num_steps"};
    static const char *const cases[][2] = {{"gama", "gamma"},
                                           {"gamma", "gamma"},
                                           {"gmaam", NULL},
                                           {"lrr", "lr"},
                                           {"x", NULL},
                                           {"", NULL},
                                           {"num_cell", "num_cells"},
                                           {"cells", NULL},
                                           {"anneal_num_steps", "annealing_num_steps"},
                                           {"delta", NULL}};
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const char *nearest = rlc_nearest(cases[i][0], names, RLC_COUNT(names));
        if (nearest == NULL || cases[i][1] == NULL) {
            assert_ptr_equal(nearest, cases[i][1]);
        } else {
            assert_string_equal(nearest, cases[i][1]);
        }
    }
    char far_too_long[200];
    memset(far_too_long, 'x', sizeof far_too_long);
    far_too_long[199] = '\0';
    assert_null(rlc_nearest(far_too_long, names, RLC_COUNT(names)));
    assert_null(rlc_nearest("lr", NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, start, stop),
        cmocka_unit_test_setup_teardown(test_values, start, stop),
        cmocka_unit_test_setup_teardown(test_wrong_types, start, stop),
        cmocka_unit_test_setup_teardown(test_ranges, start, stop),
        cmocka_unit_test_setup_teardown(test_unknown_options, start, stop),
        cmocka_unit_test_setup_teardown(test_spellings, start, stop),
        cmocka_unit_test_setup_teardown(test_required, start, stop),
        cmocka_unit_test_setup_teardown(test_nearest, start, stop),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
