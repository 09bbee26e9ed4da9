/* Composites: specs under names, what they say of a dict and what they make of it. */
#include "tests/world.h"

#include "tensordict/composite.h"

static rlc_program *p;
static rlc_stream *stream;
static rlc_arena arena;
static rlc_composite *specs;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    stream = rlc_stream_new(test_device(), 1, "composite");
    specs = rlc_composite_new(&arena, RLC_SHAPE(2));
    rlc_composite_set(specs, "observation", rlc_spec_bounded(RLC_SHAPE(3), -1, 1));
    rlc_composite_set(specs, "action", rlc_spec_one_hot(2));
    rlc_composite_set(specs, "next.reward", rlc_spec_unbounded(RLC_SHAPE(1)));
    rlc_composite_set(specs, "next.done", rlc_spec_binary(RLC_SHAPE(1)));
    return stream == NULL;
}

static int stop(void **state) {
    (void)state;
    rlc_stream_free(stream);
    rlc_arena_free(&arena);
    return 0;
}

static void test_set_and_find(void **state) {
    (void)state;
    assert_int_equal(rlc_composite_find(specs, "action")->kind, RLC_SPEC_ONE_HOT);
    assert_int_equal(rlc_composite_find(specs, "next.done")->dtype, RLC_BOOL);
    static const char *const absent[] = {"next", "reward", "next.absent", "action.x", "absent.x"};
    for (int i = 0; i < RLC_COUNT(absent); i++) {
        assert_null(rlc_composite_find(specs, absent[i]));
    }
    rlc_composite_set(specs, "action", rlc_spec_categorical(5));
    assert_int_equal(rlc_composite_find(specs, "action")->n, 5);
    assert_int_equal(specs->count, 3);
    expect_ok(rlc_end(p));
}

/* The arrays of a spec are copied: what they were copied from may go. */
static void test_arrays_are_copied(void **state) {
    (void)state;
    rlc_arena other = {0};
    rlc_spec spec = rlc_spec_bounded_by(&other, RLC_SHAPE(2), (double[]){1, 2}, (double[]){3, 4});
    rlc_composite_set(specs, "x", spec);
    rlc_arena_free(&other);
    EXPECT(rlc_spec_low(rlc_composite_find(specs, "x")), 1, 2);
    expect_ok(rlc_end(p));
}

static void test_zeros_and_samples(void **state) {
    (void)state;
    rlc_dict *zeros = rlc_composite_zeros(specs, (rlc_shape){0}),
             *td = rlc_composite_sample(specs, RLC_SHAPE(7), stream);
    expect_shape(rlc_dict_get(zeros, "action"), RLC_I64, RLC_SHAPE(2, 2));
    expect_shape(rlc_dict_get(td, "observation"), RLC_F32, RLC_SHAPE(7, 2, 3));
    expect_shape(rlc_dict_get(td, "next.done"), RLC_BOOL, RLC_SHAPE(7, 2, 1));
    expect_ok(rlc_composite_check(specs, zeros));
    expect_ok(rlc_composite_check(specs, td));
    EXPECT(rlc_cast(rlc_composite_is_in(specs, zeros), RLC_F32), 0, 0); /* no row of zeros is one-hot */
    EXPECT(rlc_cast(rlc_all(rlc_composite_is_in(specs, td), RLC_ALL, false), RLC_F32), 1);
    expect_ok(rlc_end(p));
}

/* A nested composite may have batch dimensions of its own: agents, say. */
static void test_longer_batches(void **state) {
    (void)state;
    rlc_composite *agents = rlc_composite_new(&arena, RLC_SHAPE(3));
    rlc_composite_set(agents, "action", rlc_spec_categorical(4));
    rlc_composite_set_nested(specs, "agents", agents);
    rlc_dict *td = rlc_composite_sample(specs, RLC_SHAPE(5), stream);
    expect_shape(rlc_dict_get(td, "agents.action"), RLC_I64, RLC_SHAPE(5, 2, 3));
    expect_shape(rlc_composite_is_in(specs, td), RLC_BOOL, RLC_SHAPE(5, 2));
    expect_ok(rlc_composite_check(specs, td));
    expect_ok(rlc_end(p));
}

static void test_is_in_and_project(void **state) {
    (void)state;
    rlc_dict *td = rlc_composite_sample(specs, (rlc_shape){0}, stream);
    rlc_tensor *extra = rlc_zeros(RLC_F32, RLC_SHAPE(2));
    rlc_dict_set(td, "extra", extra);
    rlc_dict_set(td, "observation", rlc_from_data(RLC_F32, RLC_SHAPE(2, 3), (float[]){0, 1, -1, 0, 0, 1.5f}));
    EXPECT(rlc_cast(rlc_composite_is_in(specs, td), RLC_F32), 1, 0);
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(2, 2), (int64_t[]){1, 1, 0, 1}));
    EXPECT(rlc_cast(rlc_composite_is_in(specs, td), RLC_F32), 0, 0);
    rlc_composite_project(specs, td, NULL);
    EXPECT(rlc_dict_get(td, "observation"), 0, 1, -1, 0, 0, 1);
    EXPECT(rlc_dict_get(td, "action"), 1, 0, 0, 1);
    EXPECT(rlc_cast(rlc_composite_is_in(specs, td), RLC_F32), 1, 1);
    assert_ptr_equal(rlc_dict_get(td, "extra"), extra);
    expect_ok(rlc_end(p));
}

static void test_encode(void **state) {
    (void)state;
    rlc_dict *td = rlc_composite_zeros(specs, (rlc_shape){0});
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){1, 0}));
    rlc_dict *encoded = rlc_composite_encode(specs, td);
    EXPECT(rlc_dict_get(encoded, "action"), 0, 1, 1, 0);
    expect_ok(rlc_composite_check(specs, encoded));
    EXPECT(rlc_dict_get(rlc_composite_decode(specs, encoded), "action"), 1, 0);
    expect_ok(rlc_end(p));
}

static void expect_wrong(rlc_dict *td, const char *message) {
    expect_error(rlc_composite_check(specs, td), RLC_INVALID, message);
}

static void test_check(void **state) {
    (void)state;
    rlc_dict *td = rlc_composite_zeros(specs, (rlc_shape){0});
    rlc_dict_set(td, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(2)));
    expect_wrong(td, "'next.reward' is float32 [2], but its spec Unbounded([1]) wants float32 [2, 1]");
    rlc_dict_set(td, "next.reward", rlc_zeros(RLC_F64, RLC_SHAPE(2, 1)));
    expect_wrong(td, "'next.reward' is float64 [2, 1], but its spec Unbounded([1]) wants float32 [2, 1]");
    rlc_dict_del(td, "next.reward");
    expect_wrong(td, "there is no tensor 'next.reward'");
    rlc_dict_del(td, "next");
    expect_wrong(td, "there is no dict 'next'");
    expect_wrong(rlc_dict_new(RLC_SHAPE(3)), "the dict has batch shape [3], but its specs want one that ends in [2]");
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_dict *empty = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(empty, "observation", rlc_zeros(RLC_F32, RLC_SHAPE(2, 3)));
    rlc_dict_set(empty, "action", rlc_zeros(RLC_I64, RLC_SHAPE(2, 2)));
    assert_null(rlc_composite_is_in(specs, empty));
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'next'");
}

static void test_equality(void **state) {
    (void)state;
    rlc_composite *same = rlc_composite_new(&arena, RLC_SHAPE(2)), *empty = rlc_composite_new(&arena, RLC_SHAPE(2));
    rlc_composite_set(same, "next.done", rlc_spec_binary(RLC_SHAPE(1)));
    rlc_composite_set(same, "next.reward", rlc_spec_unbounded(RLC_SHAPE(1)));
    rlc_composite_set(same, "action", rlc_spec_one_hot(2));
    assert_false(rlc_composite_equal(specs, same));
    rlc_composite_set(same, "observation", rlc_spec_bounded(RLC_SHAPE(3), -1, 1));
    assert_true(rlc_composite_equal(specs, same));
    rlc_composite_set(same, "next.done", rlc_spec_binary(RLC_SHAPE(2)));
    assert_false(rlc_composite_equal(specs, same));
    rlc_composite_set(same, "next", rlc_spec_binary(RLC_SHAPE(1)));
    assert_false(rlc_composite_equal(specs, same));
    assert_false(rlc_composite_equal(empty, rlc_composite_new(&arena, RLC_SHAPE(3))));
    expect_ok(rlc_end(p));
}

static void test_print(void **state) {
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rlc_composite_print(specs, out);
    fclose(out);
    assert_string_equal(text, "Composite(\n"
                              "    observation: Bounded([3], -1, 1),\n"
                              "    action: OneHot(2),\n"
                              "    next: Composite(\n"
                              "        reward: Unbounded([1]),\n"
                              "        done: Binary([1]),\n"
                              "        batch=[]),\n"
                              "    batch=[2])\n");
    free(text);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_and_find, start, stop),
        cmocka_unit_test_setup_teardown(test_arrays_are_copied, start, stop),
        cmocka_unit_test_setup_teardown(test_zeros_and_samples, start, stop),
        cmocka_unit_test_setup_teardown(test_longer_batches, start, stop),
        cmocka_unit_test_setup_teardown(test_is_in_and_project, start, stop),
        cmocka_unit_test_setup_teardown(test_encode, start, stop),
        cmocka_unit_test_setup_teardown(test_check, start, stop),
        cmocka_unit_test_setup_teardown(test_equality, start, stop),
        cmocka_unit_test_setup_teardown(test_print, start, stop),
    };
    return cmocka_run_group_tests_name("composites", tests, NULL, NULL);
}
