/* Dicts of tensors: entries and paths, batch shapes, locks. */
#include "tests/world.h"
#include "tests/with_program.h"

#define ZEROS(...) rlc_zeros(RLC_F32, RLC_SHAPE(__VA_ARGS__))

static void test_keys_are_interned(void **state) {
    (void)state;
    char text[] = "next.observation.pixels";
    const rlc_key *key = rlc_key_intern(text);
    text[0] = 'N'; /* the key has its own copy of the name */
    assert_string_equal(key->name, "next.observation.pixels");
    assert_ptr_equal(key, rlc_key_intern("next.observation.pixels"));
    assert_ptr_equal(key->head, rlc_key_intern("next"));
    assert_ptr_equal(key->tail, rlc_key_intern("observation.pixels"));
    assert_ptr_equal(key->tail->tail, rlc_key_intern("pixels"));
    const rlc_key *single = rlc_key_intern("reward");
    assert_ptr_equal(single->head, single);
    assert_null(single->tail);
    assert_ptr_not_equal(single, rlc_key_intern("rewards"));
    assert_ptr_equal(rlc_key_join(rlc_key_intern("next"), single), rlc_key_intern("next.reward"));
    assert_ptr_equal(rlc_key_join(rlc_key_intern("a.b"), rlc_key_intern("c.d")), rlc_key_intern("a.b.c.d"));
    expect_ok(rlc_end(p));
}

static void test_keys_without_a_name(void **state) {
    (void)state;
    static const char *const names[] = {"", ".", "a.", ".a", "a..b", "a.b.", "..", "a.b..c"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char text[64];
        snprintf(text, sizeof text, "'%s' is no key: it has an empty part", names[i]);
        assert_null(rlc_key_intern(names[i]));
        expect_error(rlc_error_status(), RLC_INVALID, text);
    }
    expect_ok(rlc_end(p));
}

/* An empty name is an error like any other: the program does not end well. */
static void test_keys_without_a_name_in_a_dict(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        rlc_begin(p);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
        rlc_dict_set(td, "a", ZEROS(2));
        switch (i) {
        case 0: rlc_dict_set(td, "", ZEROS(2)); break;
        case 1: assert_null(rlc_dict_get(td, "a..b")); break;
        case 2: rlc_dict_del(td, "a."); break;
        case 3: rlc_dict_rename(td, "a", ""); break;
        default: assert_null(rlc_dict_get_dict(td, ".a")); break;
        }
        assert_non_null(rlc_dict_find(td, "a"));
        assert_int_equal(td->count, 1);
        expect_error(rlc_end(p), RLC_INVALID, "is no key: it has an empty part");
    }
}

static void test_set_and_get(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
    rlc_tensor *first = ZEROS(10, 4), *second = ZEROS(10), *third = ZEROS(10, 1, 2);
    rlc_dict_set(td, "observation", first);
    rlc_dict_set(td, "reward", second);
    assert_ptr_equal(rlc_dict_get(td, "observation"), first);
    assert_ptr_equal(rlc_dict_find(td, "reward"), second);
    assert_null(rlc_dict_find(td, "action"));
    rlc_dict_set(td, "observation", third); /* in place of what was there */
    assert_ptr_equal(rlc_dict_get(td, "observation"), third);
    assert_int_equal(td->count, 2);
    assert_ptr_equal(td->entries[0].tensor, third);
    rlc_dict_set(td, "reward", NULL);
    assert_ptr_equal(rlc_dict_get(td, "reward"), second);
    const rlc_key *key = rlc_key_intern("action");
    rlc_dict_set_key(td, key, first);
    assert_ptr_equal(rlc_dict_get_key(td, key), first);
    assert_ptr_equal(rlc_dict_find_key(td, key), first);
    assert_null(rlc_dict_get(NULL, "action"));
    assert_null(rlc_dict_find(NULL, "action"));
    rlc_dict_set(NULL, "action", first);
    expect_ok(rlc_end(p));
}

static void test_nested_paths(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(3)), *other = rlc_dict_new(RLC_SHAPE(3));
    rlc_tensor *x = ZEROS(3, 1), *y = ZEROS(3, 2);
    rlc_dict_set(td, "next.info.x", x);
    rlc_dict_set(td, "next.y", y);
    assert_int_equal(td->count, 1);
    rlc_dict *next = rlc_dict_get_dict(td, "next"), *info = rlc_dict_find_dict(td, "next.info");
    assert_int_equal(next->count, 2);
    assert_true(rlc_shape_equal(info->batch, RLC_SHAPE(3)));
    assert_ptr_equal(rlc_dict_get(td, "next.info.x"), x);
    assert_ptr_equal(rlc_dict_get(info, "x"), x);
    assert_ptr_equal(rlc_dict_find_dict_key(td, rlc_key_intern("next.info")), info);
    assert_null(rlc_dict_find(td, "next.info"));   /* a dict, no tensor */
    assert_null(rlc_dict_find_dict(td, "next.y")); /* a tensor, no dict */
    assert_null(rlc_dict_find(td, "next.y.z"));    /* nothing stands below a tensor */
    assert_null(rlc_dict_find(td, "info.x"));
    rlc_dict_set(other, "z", x);
    rlc_dict_set_dict(td, "next.info", other);
    assert_ptr_equal(rlc_dict_get(td, "next.info.z"), x);
    assert_null(rlc_dict_find(td, "next.info.x"));
    rlc_dict_set_dict_key(td, rlc_key_intern("next.y"), other);
    assert_null(rlc_dict_find(td, "next.y"));
    rlc_dict_set(td, "next.info", y);
    assert_null(rlc_dict_find_dict(td, "next.info"));
    assert_ptr_equal(rlc_dict_get(td, "next.info"), y);
    rlc_dict_set_dict(td, "nothing", NULL);
    assert_int_equal(td->count, 1);
    expect_ok(rlc_end(p));
}

/* Dicts in an arena of their own outlive the program and need none. */
static void test_dict_in_an_arena(void **state) {
    (void)state;
    rlc_arena arena = {0};
    expect_ok(rlc_end(p));
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2));
    rlc_dict *td = rlc_dict_new_in(&arena, RLC_SHAPE(2));
    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "nested%d.key", i);
        rlc_dict_set(td, name, root);
    }
    assert_int_equal(td->count, 100);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "nested%d.key", i);
        assert_ptr_equal(rlc_dict_get(td, name), root);
    }
    assert_null(rlc_dict_new(RLC_SHAPE(2)));
    expect_error(rlc_error_status(), RLC_INVALID, "no program is open in this thread");
    rlc_tensor_free(root);
    rlc_arena_free(&arena);
}

/* Runs `body` with td as in most tests below and expects that the program ends with an error that holds `message`. */
#define EXPECT_FAILURE(message, body)                                                                                  \
    do {                                                                                                               \
        rlc_begin(p);                                                                                                  \
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));                                                                    \
        rlc_dict_set(td, "observation", ZEROS(10, 4));                                                                 \
        rlc_dict_set(td, "next.reward", ZEROS(10, 1));                                                                 \
        body;                                                                                                          \
        expect_error(rlc_end(p), RLC_INVALID, message);                                                                \
    } while (0)

static void test_batch_shape(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    EXPECT_FAILURE("'action' has shape [9, 1], which does not begin with the batch shape [10]", {
        rlc_dict_set(td, "action", ZEROS(9, 1));
        assert_null(rlc_dict_find(td, "action"));
        assert_int_equal(td->count, 2);
    });
    EXPECT_FAILURE("'loss' has shape [], which does not begin with the batch shape [10]",
                   rlc_dict_set(td, "loss", rlc_scalar(1)));
    EXPECT_FAILURE("'next.done' has shape [1, 10], which does not begin with the batch shape [10]",
                   rlc_dict_set(td, "next.done", ZEROS(1, 10)));
    EXPECT_FAILURE("'info' has shape [9], which does not begin with the batch shape [10]",
                   rlc_dict_set_dict(td, "info", rlc_dict_new(RLC_SHAPE(9))));
    EXPECT_FAILURE("'observation' has shape [4, 10], which does not begin with the batch shape [10]", {
        rlc_dict_set(td, "observation", ZEROS(4, 10));
        assert_int_equal(rlc_dict_find(td, "observation")->shape[0], 10);
    });
    /* a nested dict may have more batch dimensions; what is set in it must have them too */
    EXPECT_FAILURE("'agents.x' has shape [10, 2], which does not begin with the batch shape [10, 3]", {
        rlc_dict_set_dict(td, "agents", rlc_dict_new(RLC_SHAPE(10, 3)));
        rlc_dict_set(td, "agents.y", ZEROS(10, 3, 7));
        rlc_dict_set(td, "agents.x", ZEROS(10, 2));
    });
}

static void test_missing_keys(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    const char *keys = "there is no key 'action'; keys are observation, next.reward";
    EXPECT_FAILURE(keys, assert_null(rlc_dict_get(td, "action")));
    EXPECT_FAILURE(keys, assert_null(rlc_dict_get_key(td, rlc_key_intern("action"))));
    EXPECT_FAILURE(keys, assert_null(rlc_dict_get_dict(td, "action")));
    EXPECT_FAILURE(keys, rlc_dict_del(td, "action"));
    EXPECT_FAILURE(keys, rlc_dict_rename(td, "action", "act"));
    EXPECT_FAILURE(keys, rlc_dict_select(td, (const rlc_key *[]){rlc_key_intern("action")}, 1));
    EXPECT_FAILURE("there is no key 'next.action'; keys are observation, next.reward",
                   assert_null(rlc_dict_get(td, "next.action")));
    EXPECT_FAILURE("there is no key 'next.reward.x'", rlc_dict_del(td, "next.reward.x"));
    EXPECT_FAILURE("there is no key 'x'; keys are none", assert_null(rlc_dict_get(rlc_dict_new(RLC_SHAPE(1)), "x")));
}

/* Many keys are listed as far as there is room, not beyond it. */
static void test_missing_key_among_many(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new((rlc_shape){0});
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "a_rather_long_name_of_an_entry_%d", i);
        rlc_dict_set(td, name, rlc_scalar(0));
    }
    assert_null(rlc_dict_get(td, "x"));
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'x'; keys are a_rather_long_name_of_an_entry_0, a_rather");
}

static void test_del_and_rename(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2));
    rlc_tensor *x[] = {ZEROS(2), ZEROS(2, 1), ZEROS(2, 2)};
    rlc_dict_set(td, "a", x[0]);
    rlc_dict_set(td, "b", x[1]);
    rlc_dict_set(td, "next.c", x[2]);
    rlc_dict_del(td, "a");
    assert_null(rlc_dict_find(td, "a"));
    assert_int_equal(td->count, 2);
    assert_ptr_equal(rlc_dict_get(td, "b"), x[1]);
    rlc_dict_rename(td, "b", "next.b");
    assert_null(rlc_dict_find(td, "b"));
    assert_ptr_equal(rlc_dict_get(td, "next.b"), x[1]);
    rlc_dict_rename(td, "next", "before.last");
    assert_null(rlc_dict_find_dict(td, "next"));
    assert_ptr_equal(rlc_dict_get(td, "before.last.c"), x[2]);
    rlc_dict_rename(td, "before.last.c", "before.last.c");
    assert_ptr_equal(rlc_dict_get(td, "before.last.c"), x[2]);
    rlc_dict_del(td, "before.last.b");
    assert_null(rlc_dict_find(td, "before.last.b"));
    rlc_dict_del(td, "before");
    assert_int_equal(td->count, 0);
    expect_ok(rlc_end(p));
}

static void test_lock(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    rlc_tensor *kept;
#define LOCKED(message, body)                                                                                          \
    EXPECT_FAILURE(message, {                                                                                          \
        kept = rlc_dict_get(td, "observation");                                                                        \
        rlc_dict_lock(td, true);                                                                                       \
        body;                                                                                                          \
        assert_ptr_equal(rlc_dict_find(td, "observation"), kept);                                                      \
        assert_non_null(rlc_dict_find(td, "next.reward"));                                                             \
        assert_int_equal(td->count + rlc_dict_get_dict(td, "next")->count, 3);                                         \
    })
    LOCKED("it is locked; 'action' cannot be set", rlc_dict_set(td, "action", ZEROS(10)));
    LOCKED("it is locked; 'observation' cannot be set", rlc_dict_set(td, "observation", ZEROS(10)));
    LOCKED("it is locked; 'next.done' cannot be set", rlc_dict_set(td, "next.done", ZEROS(10)));
    LOCKED("it is locked; 'done' cannot be set", rlc_dict_set(rlc_dict_get_dict(td, "next"), "done", ZEROS(10)));
    LOCKED("it is locked; 'info' cannot be set", rlc_dict_set_dict(td, "info", rlc_dict_new(RLC_SHAPE(10))));
    LOCKED("it is locked; 'observation' cannot be deleted", rlc_dict_del(td, "observation"));
    LOCKED("it is locked; 'next.reward' cannot be deleted", rlc_dict_del(td, "next.reward"));
    LOCKED("it is locked; 'observation' cannot be", rlc_dict_rename(td, "observation", "o"));
    LOCKED("it is locked; 'observation' cannot be set", rlc_dict_update(td, rlc_dict_clone(td)));
    rlc_begin(p);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
    rlc_dict_set(td, "next.x", ZEROS(10));
    rlc_dict_lock(td, true);
    rlc_dict *copy = rlc_dict_clone(td); /* a new dict is not locked */
    rlc_dict_set(copy, "next.y", ZEROS(10));
    rlc_dict_lock(td, false);
    rlc_dict_set(td, "next.z", ZEROS(10));
    rlc_dict_del(td, "next.x");
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keys_are_interned, start),
        cmocka_unit_test_setup(test_keys_without_a_name, start),
        cmocka_unit_test_setup(test_keys_without_a_name_in_a_dict, start),
        cmocka_unit_test_setup(test_set_and_get, start),
        cmocka_unit_test_setup(test_nested_paths, start),
        cmocka_unit_test_setup(test_dict_in_an_arena, start),
        cmocka_unit_test_setup(test_batch_shape, start),
        cmocka_unit_test_setup(test_missing_keys, start),
        cmocka_unit_test_setup(test_missing_key_among_many, start),
        cmocka_unit_test_setup(test_del_and_rename, start),
        cmocka_unit_test_setup(test_lock, start),
    };
    return cmocka_run_group_tests_name("dicts", tests, NULL, NULL);
}
