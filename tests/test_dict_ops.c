/* Making dicts from dicts, walking over them, printing them. */
#include "tests/world.h"
#include "tests/with_program.h"

#include <stdio.h>

#define ZEROS(...) rlc_zeros(RLC_F32, RLC_SHAPE(__VA_ARGS__))
#define KEYS(...)                                                                                                      \
    (const rlc_key *const[]) {                                                                                         \
        __VA_ARGS__                                                                                                    \
    }
#define KEY(name) rlc_key_intern(name)

/* 0, 1, 2, ... plus `first` in this shape. */
static rlc_tensor *counting(double first, rlc_shape shape) {
    return rlc_reshape(rlc_add_scalar(rlc_arange(RLC_F32, rlc_shape_numel(shape)), first), shape);
}

/* batch [2, 3]: x [2, 3, 2], next.y [2, 3], next.info.z [2, 3, 1] */
static rlc_dict *sample(double first) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2, 3));
    rlc_dict_set(td, "x", counting(first, RLC_SHAPE(2, 3, 2)));
    rlc_dict_set(td, "next.y", counting(first, RLC_SHAPE(2, 3)));
    rlc_dict_set(td, "next.info.z", counting(first, RLC_SHAPE(2, 3, 1)));
    return td;
}

typedef struct names {
    char text[256];
    rlc_tensor *last;
} names;

static void note(const rlc_key *key, rlc_tensor *tensor, void *data) {
    names *n = data;
    assert_ptr_equal(key, rlc_key_intern(key->name));
    strcat(strcat(n->text, key->name), " ");
    n->last = tensor;
}

#define EXPECT_KEYS(td, wanted)                                                                                        \
    do {                                                                                                               \
        names names_of_td = {0};                                                                                       \
        rlc_dict_each(td, note, &names_of_td);                                                                         \
        assert_string_equal(names_of_td.text, wanted);                                                                 \
    } while (0)

static void test_each(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(td, "z", ZEROS(1));
    rlc_dict_set(td, "next.b", ZEROS(1));
    rlc_dict_set(td, "a", ZEROS(1));
    rlc_dict_set(td, "next.info.c", ZEROS(1));
    rlc_dict_set_dict(td, "empty", rlc_dict_new(RLC_SHAPE(1)));
    rlc_dict_set(td, "next.a", ZEROS(1));
    EXPECT_KEYS(td, "z next.b next.info.c next.a a ");
    rlc_dict_set(td, "z", ZEROS(1, 2)); /* in its old place */
    EXPECT_KEYS(td, "z next.b next.info.c next.a a ");
    names n = {0};
    rlc_dict_each(td, note, &n);
    assert_ptr_equal(n.last, rlc_dict_get(td, "a"));
    expect_ok(rlc_end(p));
}

static void test_clone_is_shallow(void **state) {
    (void)state;
    rlc_dict *td = sample(0), *copy = rlc_dict_clone(td);
    EXPECT_KEYS(copy, "x next.y next.info.z ");
    assert_true(rlc_shape_equal(copy->batch, td->batch));
    assert_ptr_equal(rlc_dict_get(copy, "x"), rlc_dict_get(td, "x"));
    assert_ptr_equal(rlc_dict_get(copy, "next.info.z"), rlc_dict_get(td, "next.info.z"));
    assert_ptr_not_equal(rlc_dict_get_dict(copy, "next"), rlc_dict_get_dict(td, "next"));
    rlc_dict_set(copy, "x", ZEROS(2, 3));
    rlc_dict_set(copy, "next.info.w", ZEROS(2, 3));
    rlc_dict_del(copy, "next.y");
    EXPECT_KEYS(td, "x next.y next.info.z ");
    assert_int_equal(rlc_dict_get(td, "x")->ndim, 3);
    assert_null(rlc_dict_clone(NULL));
    expect_ok(rlc_end(p));
}

static void test_select_and_exclude(void **state) {
    (void)state;
    rlc_dict *td = sample(0);
    rlc_dict *some = rlc_dict_select(td, KEYS(KEY("next.info"), KEY("x")), 2);
    EXPECT_KEYS(some, "next.info.z x ");
    assert_true(rlc_shape_equal(some->batch, td->batch));
    assert_ptr_equal(rlc_dict_get(some, "x"), rlc_dict_get(td, "x"));
    rlc_dict_del(some, "next.info.z"); /* nested dicts are not shared */
    EXPECT_KEYS(rlc_dict_select(td, KEYS(KEY("next.y"), KEY("next.info.z")), 2), "next.y next.info.z ");
    EXPECT_KEYS(rlc_dict_select(td, NULL, 0), "");
    EXPECT_KEYS(rlc_dict_exclude(td, KEYS(KEY("x"), KEY("next.info.z")), 2), "next.y ");
    EXPECT_KEYS(rlc_dict_exclude(td, KEYS(KEY("next")), 1), "x ");
    EXPECT_KEYS(rlc_dict_exclude(td, KEYS(KEY("nothing"), KEY("next.w")), 2), "x next.y next.info.z ");
    EXPECT_KEYS(td, "x next.y next.info.z ");
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_dict_select(sample(0), KEYS(KEY("x"), KEY("y")), 2);
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'y'; keys are x, next.y, next.info.z");
}

static void test_update(void **state) {
    (void)state;
    rlc_dict *td = sample(0), *from = rlc_dict_new(RLC_SHAPE(2, 3));
    rlc_tensor *kept = rlc_dict_get(td, "next.info.z"), *y = ZEROS(2, 3, 7), *w = ZEROS(2, 3);
    rlc_dict_set(from, "next.y", y);
    rlc_dict_set(from, "more.w", w);
    rlc_dict_set(from, "x.inside", w); /* a dict in place of a tensor */
    rlc_dict_update(td, from);
    EXPECT_KEYS(td, "x.inside next.y next.info.z more.w ");
    assert_ptr_equal(rlc_dict_get(td, "next.y"), y);
    assert_ptr_equal(rlc_dict_get(td, "next.info.z"), kept);
    rlc_dict_set(td, "more.v", w); /* what came over is not shared */
    EXPECT_KEYS(from, "next.y more.w x.inside ");
    rlc_dict *flat = rlc_dict_new(RLC_SHAPE(2, 3));
    rlc_dict_set(flat, "next", w); /* a tensor in place of a dict */
    rlc_dict_update(td, flat);
    EXPECT_KEYS(td, "x.inside next more.w more.v ");
    rlc_dict_update(td, NULL);
    rlc_dict_update(NULL, td);
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_dict *narrow = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(narrow, "x", ZEROS(2));
    rlc_dict_update(sample(0), narrow);
    expect_error(rlc_end(p), RLC_INVALID, "'x' has shape [2], which does not begin with the batch shape [2, 3]");
}

static rlc_tensor *sum_of_last(rlc_tensor *tensor, void *data) {
    ++*(int *)data;
    return rlc_sum(tensor, 1, false);
}

static void test_apply(void **state) {
    (void)state;
    int calls = 0;
    rlc_dict *td = sample(0), *sums = rlc_dict_apply(td, RLC_SHAPE(2), sum_of_last, &calls);
    assert_int_equal(calls, 3);
    EXPECT_KEYS(sums, "x next.y next.info.z ");
    assert_true(rlc_shape_equal(sums->batch, RLC_SHAPE(2)));
    assert_true(rlc_shape_equal(rlc_dict_get_dict(sums, "next.info")->batch, RLC_SHAPE(2)));
    EXPECT(rlc_dict_get(sums, "x"), 6, 9, 24, 27);
    EXPECT(rlc_dict_get(sums, "next.y"), 3, 12);
    assert_null(rlc_dict_apply(NULL, RLC_SHAPE(2), sum_of_last, &calls));
    expect_ok(rlc_end(p));
}

/* Element (i, j, ...) of the k-th dict must be element (.., k, ..) of the stack, k at place `dim`. */
static void check_stacked(rlc_tensor *stacked, rlc_tensor *const *parts, int count, int dim) {
    for (int k = 0; k < count; k++) {
        double *got = read_doubles(rlc_select(stacked, dim, k)), *wanted = read_doubles(parts[k]);
        assert_int_equal(stacked->numel, count * parts[k]->numel);
        for (int64_t i = 0; i < parts[k]->numel; i++) {
            assert_true(got[i] == wanted[i]);
        }
        free(got);
        free(wanted);
    }
}

static void test_stack(void **state) {
    (void)state;
    static const char *const leaves[] = {"x", "next.y", "next.info.z"};
    static const int64_t shapes[3][3] = {{4, 2, 3}, {2, 4, 3}, {2, 3, 4}};
    for (int dim = -3; dim < 3; dim++) {
        rlc_begin(p);
        int place = dim < 0 ? dim + 3 : dim;
        rlc_dict *dicts[] = {sample(0), sample(100), sample(200), sample(300)};
        rlc_dict *all = rlc_dict_stack(dicts, 4, dim);
        EXPECT_KEYS(all, "x next.y next.info.z ");
        rlc_shape batch = {.ndim = 3, .size = {shapes[place][0], shapes[place][1], shapes[place][2]}};
        assert_true(rlc_shape_equal(all->batch, batch));
        assert_true(rlc_shape_equal(rlc_dict_get_dict(all, "next.info")->batch, batch));
        for (int i = 0; i < 3; i++) {
            rlc_tensor *parts[4];
            for (int k = 0; k < 4; k++) {
                parts[k] = rlc_dict_get(dicts[k], leaves[i]);
            }
            check_stacked(rlc_dict_get(all, leaves[i]), parts, 4, place);
        }
        expect_ok(rlc_end(p));
    }
    rlc_begin(p);
    rlc_dict *one = sample(5), *single = rlc_dict_stack(&one, 1, 1);
    assert_true(rlc_shape_equal(single->batch, RLC_SHAPE(2, 1, 3)));
    expect_ok(rlc_end(p));
}

/* Stacks two samples after a change of the second; what it must say. */
#define EXPECT_STACK_FAILS(dim, message, change)                                                                       \
    do {                                                                                                               \
        rlc_begin(p);                                                                                                  \
        rlc_dict *second = sample(0), *dicts[] = {sample(0), second};                                                  \
        change;                                                                                                        \
        rlc_dict_stack(dicts, 2, dim);                                                                                 \
        expect_error(rlc_end(p), RLC_INVALID, message);                                                                \
    } while (0)

static void test_stack_of_unequal_dicts(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    EXPECT_STACK_FAILS(3, "dimension 3 does not fit a batch of 2 dimensions", (void)second);
    EXPECT_STACK_FAILS(-4, "dimension -4 does not fit a batch of 2 dimensions", (void)second);
    EXPECT_STACK_FAILS(0, "there is no key 'x'; keys are next.y", rlc_dict_del(second, "x"));
    EXPECT_STACK_FAILS(0, "there is no key 'y'; keys are info.z", rlc_dict_del(second, "next.y"));
    EXPECT_STACK_FAILS(0, "[2, 3, 9]", rlc_dict_set(second, "x", ZEROS(2, 3, 9)));
    EXPECT_STACK_FAILS(0, "'next'", rlc_dict_del(second, "next"));
    EXPECT_STACK_FAILS(0, "'next'", rlc_dict_set(second, "next", ZEROS(2, 3)));
}

static void test_reshape(void **state) {
    (void)state;
    static const struct {
        rlc_shape asked, got;
    } cases[] = {{{1, {-1}}, {1, {6}}},
                 {{1, {6}}, {1, {6}}},
                 {{2, {3, 2}}, {2, {3, 2}}},
                 {{2, {-1, 2}}, {2, {3, 2}}},
                 {{3, {1, -1, 6}}, {3, {1, 1, 6}}},
                 {{2, {2, 3}}, {2, {2, 3}}}};
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_begin(p);
        rlc_dict *td = rlc_dict_reshape(sample(0), cases[i].asked);
        assert_true(rlc_shape_equal(td->batch, cases[i].got));
        assert_true(rlc_shape_equal(rlc_dict_get_dict(td, "next.info")->batch, cases[i].got));
        expect_shape(rlc_dict_get(td, "x"), RLC_F32, rlc_shape_concat(cases[i].got, RLC_SHAPE(2)));
        expect_shape(rlc_dict_get(td, "next.y"), RLC_F32, cases[i].got);
        EXPECT(rlc_dict_get(td, "x"), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        EXPECT(rlc_dict_get(td, "next.info.z"), 0, 1, 2, 3, 4, 5);
        expect_ok(rlc_end(p));
    }
    assert_null(rlc_dict_reshape(NULL, RLC_SHAPE(6)));
}

static void test_reshape_that_does_not_fit(void **state) {
    (void)state;
    static const struct {
        rlc_shape asked;
        const char *message;
    } cases[] = {{{1, {5}}, "batch shape [2, 3] cannot become [5]"},
                 {{2, {4, -1}}, "batch shape [2, 3] cannot become [4, -1]"},
                 {{2, {6, 2}}, "batch shape [2, 3] cannot become [6, 2]"},
                 {{2, {-1, -1}}, "batch shape [2, 3] cannot become [-1, -1]"},
                 {{0}, "batch shape [2, 3] cannot become []"}};
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_begin(p);
        rlc_dict_reshape(sample(0), cases[i].asked);
        expect_error(rlc_end(p), RLC_INVALID, cases[i].message);
    }
}

static void test_index(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_reshape(sample(0), RLC_SHAPE(3, 2));
    rlc_tensor *index = rlc_from_data(RLC_I64, RLC_SHAPE(4), (int64_t[]){2, 0, 2, 1});
    rlc_dict *rows = rlc_dict_index(td, index);
    assert_true(rlc_shape_equal(rows->batch, RLC_SHAPE(4, 2)));
    expect_shape(rlc_dict_get(rows, "x"), RLC_F32, RLC_SHAPE(4, 2, 2));
    EXPECT(rlc_dict_get(rows, "next.y"), 4, 5, 0, 1, 4, 5, 2, 3);
    EXPECT(rlc_dict_get(rows, "x"), 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7);
    assert_null(rlc_dict_index(NULL, index));
    assert_null(rlc_dict_index(td, NULL));
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_dict_index(sample(0), rlc_from_data(RLC_I64, RLC_SHAPE(1), (int64_t[]){2}));
    expect_error(rlc_end(p), RLC_FAILED, "index 2 is outside of a dimension of size 2");
    rlc_begin(p);
    rlc_dict_index(rlc_dict_new((rlc_shape){0}), rlc_from_data(RLC_I64, RLC_SHAPE(1), (int64_t[]){0}));
    expect_error(rlc_end(p), RLC_INVALID, "the dict has no batch dimension to choose from");
}

/* A nested dict may have more batch dimensions than the one it is in, and keeps them. */
static void test_longer_nested_batch(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(4)), *agents = rlc_dict_new(RLC_SHAPE(4, 3));
    rlc_dict_set(agents, "x", ZEROS(4, 3, 2));
    rlc_dict_set_dict(td, "agents", agents);
    rlc_dict *copies[] = {rlc_dict_clone(td), rlc_dict_select(td, KEYS(KEY("agents")), 1),
                          rlc_dict_exclude(td, NULL, 0)};
    for (int i = 0; i < RLC_COUNT(copies); i++) {
        assert_true(rlc_shape_equal(rlc_dict_get_dict(copies[i], "agents")->batch, RLC_SHAPE(4, 3)));
    }
    rlc_dict *square = rlc_dict_reshape(td, RLC_SHAPE(2, 2));
    assert_true(rlc_shape_equal(rlc_dict_get_dict(square, "agents")->batch, RLC_SHAPE(2, 2, 3)));
    expect_shape(rlc_dict_get(square, "agents.x"), RLC_F32, RLC_SHAPE(2, 2, 3, 2));
    rlc_dict *row = rlc_dict_index(td, rlc_from_data(RLC_I64, RLC_SHAPE(1), (int64_t[]){3}));
    assert_true(rlc_shape_equal(rlc_dict_get_dict(row, "agents")->batch, RLC_SHAPE(1, 3)));
    rlc_dict *two = rlc_dict_stack((rlc_dict *[]){td, td}, 2, 1);
    assert_true(rlc_shape_equal(rlc_dict_get_dict(two, "agents")->batch, RLC_SHAPE(4, 2, 3)));
    expect_ok(rlc_end(p));
}

static void expect_printed(const rlc_dict *td, const char *wanted) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rlc_dict_print(td, out);
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_print(void **state) {
    (void)state;
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
    rlc_dict_set(td, "observation", ZEROS(10, 4));
    rlc_dict_set(td, "next.reward", ZEROS(10, 1));
    rlc_dict_set(td, "next.info.steps", rlc_zeros(RLC_I64, RLC_SHAPE(10)));
    rlc_dict_set(td, "next.done", rlc_zeros(RLC_BOOL, RLC_SHAPE(10, 1)));
    rlc_dict_set(td, "action", rlc_zeros(RLC_F64, RLC_SHAPE(10, 1)));
    expect_printed(td, "TensorDict(\n"
                       "    fields={\n"
                       "        action: Tensor(shape=[10, 1], device=cpu, dtype=float64),\n"
                       "        next: TensorDict(\n"
                       "            fields={\n"
                       "                done: Tensor(shape=[10, 1], device=cpu, dtype=bool),\n"
                       "                info: TensorDict(\n"
                       "                    fields={\n"
                       "                        steps: Tensor(shape=[10], device=cpu, dtype=int64)},\n"
                       "                    batch_size=[10],\n"
                       "                    device=cpu),\n"
                       "                reward: Tensor(shape=[10, 1], device=cpu, dtype=float32)},\n"
                       "            batch_size=[10],\n"
                       "            device=cpu),\n"
                       "        observation: Tensor(shape=[10, 4], device=cpu, dtype=float32)},\n"
                       "    batch_size=[10],\n"
                       "    device=cpu)\n");
    EXPECT_KEYS(td, "observation next.reward next.info.steps next.done action "); /* the order stays */
    rlc_dict *numbers = rlc_dict_new((rlc_shape){0});
    rlc_dict_set(numbers, "loss", rlc_scalar(1));
    expect_printed(numbers, "TensorDict(\n"
                            "    fields={\n"
                            "        loss: Tensor(shape=[], device=cpu, dtype=float32)},\n"
                            "    batch_size=[],\n"
                            "    device=cpu)\n");
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each, start),
        cmocka_unit_test_setup(test_clone_is_shallow, start),
        cmocka_unit_test_setup(test_select_and_exclude, start),
        cmocka_unit_test_setup(test_update, start),
        cmocka_unit_test_setup(test_apply, start),
        cmocka_unit_test_setup(test_stack, start),
        cmocka_unit_test_setup(test_stack_of_unequal_dicts, start),
        cmocka_unit_test_setup(test_reshape, start),
        cmocka_unit_test_setup(test_reshape_that_does_not_fit, start),
        cmocka_unit_test_setup(test_index, start),
        cmocka_unit_test_setup(test_longer_nested_batch, start),
        cmocka_unit_test_setup(test_print, start),
    };
    return cmocka_run_group_tests_name("dicts from dicts", tests, NULL, NULL);
}
