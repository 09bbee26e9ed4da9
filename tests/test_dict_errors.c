/* What operations on dicts say when they are misused, and what tensordict's cases do not show: limits, gradients, devices,
 * programs that record shapes only. */
#include "tests/world.h"
#include "tests/with_program.h"

#define ZEROS(...) rlc_zeros(RLC_F32, RLC_SHAPE(__VA_ARGS__))

static rlc_tensor *indices(rlc_shape shape, const int64_t *values) {
    return rlc_from_data(RLC_I64, shape, values);
}

/* batch [2, 3]: x [2, 3, 4], n.y [2, 3] */
static rlc_dict *sample(void) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(2, 3));
    rlc_dict_set(td, "x", rlc_reshape(rlc_arange(RLC_F32, 24), RLC_SHAPE(2, 3, 4)));
    rlc_dict_set(td, "n.y", rlc_reshape(rlc_arange(RLC_F32, 6), RLC_SHAPE(2, 3)));
    return td;
}

/* `call` gives NULL and fails the program with a message that holds `message`. */
#define EXPECT_MISUSE(message, call)                                                                                   \
    do {                                                                                                               \
        rlc_begin(p);                                                                                                  \
        rlc_dict *td = sample();                                                                                       \
        assert_null(call);                                                                                             \
        assert_non_null(td);                                                                                           \
        expect_error(rlc_end(p), RLC_INVALID, message);                                                                \
    } while (0)

static void test_misused_shapes(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    EXPECT_MISUSE("dict_view: batch shape [2, 3] cannot become [5]", rlc_dict_view(td, RLC_SHAPE(5)));
    EXPECT_MISUSE("dict_view: 'n.y' of shape [3, 2] is not contiguous and would be copied; use rlc_dict_reshape",
                  rlc_dict_view((rlc_dict_del(td, "x"), rlc_dict_transpose(td, 0, 1)), RLC_SHAPE(6)));
    EXPECT_MISUSE("cannot become [0, -1]", rlc_dict_reshape(rlc_dict_slice(td, 0, 0, 0, 1), RLC_SHAPE(0, -1)));
    EXPECT_MISUSE("dict_reshape: batch shape [2, 3] cannot become [-2, -3]", rlc_dict_reshape(td, RLC_SHAPE(-2, -3)));
    EXPECT_MISUSE("dict_flatten: the first dimension, 1, comes after the last, 0", rlc_dict_flatten(td, 1, 0));
    EXPECT_MISUSE("dict_flatten: dimension 2 is outside of the batch shape [2, 3]", rlc_dict_flatten(td, 0, 2));
    EXPECT_MISUSE("dict_flatten: dimension -3 is outside of the batch shape [2, 3]", rlc_dict_flatten(td, -3, 1));
    EXPECT_MISUSE("dimension 1 of the batch shape [2, 3] cannot become [2, -1]",
                  rlc_dict_unflatten(td, 1, RLC_SHAPE(2, -1)));
    EXPECT_MISUSE("dict_unflatten: dimension 2 is outside", rlc_dict_unflatten(td, 2, RLC_SHAPE(1, 1)));
    EXPECT_MISUSE("dict_squeeze: dimension 2 is outside of the batch shape [2, 3]", rlc_dict_squeeze(td, 2));
    EXPECT_MISUSE("dict_unsqueeze: dimension 3 cannot be put into the batch shape [2, 3]", rlc_dict_unsqueeze(td, 3));
    EXPECT_MISUSE("dict_unsqueeze: dimension -4 cannot be put into the batch shape", rlc_dict_unsqueeze(td, -4));
    EXPECT_MISUSE("dict_transpose: dimension 2 is outside of the batch shape [2, 3]", rlc_dict_transpose(td, 0, 2));
    EXPECT_MISUSE("dict_permute: needs each of the 2 dimensions of the batch shape [2, 3] once",
                  rlc_dict_permute(td, (int[]){1, -1}, 2));
    EXPECT_MISUSE("dict_permute: needs each of the 2", rlc_dict_permute(td, (int[]){0}, 1));
    EXPECT_MISUSE("dict_permute: dimension 2 is outside", rlc_dict_permute(td, (int[]){0, 2}, 2));
    EXPECT_MISUSE("the batch shape [2, 3] does not broadcast to [4, 3]", rlc_dict_expand(td, RLC_SHAPE(4, 3)));
    EXPECT_MISUSE("the batch shape [2, 3] does not broadcast to [3]", rlc_dict_expand(td, RLC_SHAPE(3)));
}

static void test_misused_parts(void **state) {
    (void)state;
    const int64_t one[] = {1};
    expect_ok(rlc_end(p));
    EXPECT_MISUSE("dict_at: index 3 is outside of dimension 1 of the batch shape [2, 3]", rlc_dict_at(td, -1, 3));
    EXPECT_MISUSE("dict_at: index -3 is outside of dimension 0", rlc_dict_at(td, 0, -3));
    EXPECT_MISUSE("dict_at: dimension 2 is outside of the batch shape [2, 3]", rlc_dict_at(td, 2, 0));
    EXPECT_MISUSE("dict_slice: the step must be 1 or more, not 0", rlc_dict_slice(td, 0, 0, 2, 0));
    EXPECT_MISUSE("dict_slice: the step must be 1 or more, not -1", rlc_dict_slice(td, 0, 2, 0, -1));
    EXPECT_MISUSE("dict_slice: dimension -3 is outside", rlc_dict_slice(td, -3, 0, 2, 1));
    EXPECT_MISUSE("dict_index: indices must be int64, got float32", rlc_dict_index(td, ZEROS(2)));
    EXPECT_MISUSE("got bool; for a mask there is rlc_dict_mask", rlc_dict_index(td, rlc_zeros(RLC_BOOL, RLC_SHAPE(2))));
    EXPECT_MISUSE("an index of shape [1, 1, 1, 1, 1, 1, 1, 1] in a batch of shape [2, 3] gives more than 8 dimensions",
                  rlc_dict_index(td, indices(RLC_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), one)));
    EXPECT_MISUSE(
        "'x' of shape [2, 3, 4] would have more than 8 dimensions with the batch shape [1, 1, 1, 1, 1, 1, 1, 3]",
        rlc_dict_index(td, indices(RLC_SHAPE(1, 1, 1, 1, 1, 1, 1), one)));
    EXPECT_MISUSE("the index must have one dimension, not the shape [1, 1]",
                  rlc_dict_index_select(td, 1, indices(RLC_SHAPE(1, 1), one)));
    EXPECT_MISUSE("dict_index_select: dimension 2 is outside",
                  rlc_dict_index_select(td, 2, indices(RLC_SHAPE(1), one)));
    EXPECT_MISUSE("needs a bool tensor of the first sizes of the batch shape [2, 3], got bool [3]",
                  rlc_dict_mask(td, rlc_zeros(RLC_BOOL, RLC_SHAPE(3))));
    EXPECT_MISUSE("got float32 [2]", rlc_dict_mask(td, ZEROS(2)));
    EXPECT_MISUSE("got bool []", rlc_dict_mask(td, rlc_zeros(RLC_BOOL, (rlc_shape){0})));
    EXPECT_MISUSE("got bool [2, 3, 4]", rlc_dict_mask(td, rlc_zeros(RLC_BOOL, RLC_SHAPE(2, 3, 4))));
    EXPECT_MISUSE("an index of shape [1] does not fit the batch shape [2, 3] along dimension 1",
                  rlc_dict_gather(td, 1, indices(RLC_SHAPE(1), one)));
    EXPECT_MISUSE("an index of shape [4, 1] does not fit the batch shape [2, 3] along dimension 1",
                  rlc_dict_gather(td, 1, rlc_zeros(RLC_I64, RLC_SHAPE(4, 1))));
    EXPECT_MISUSE("dict_gather: indices must be int64, got int32",
                  rlc_dict_gather(td, 0, rlc_zeros(RLC_I32, RLC_SHAPE(2, 3))));
}

/* What only the kernel can know. */
static void test_indices_out_of_range(void **state) {
    (void)state;
    rlc_dict_index_select(sample(), 1, indices(RLC_SHAPE(1), (int64_t[]){3}));
    expect_error(rlc_end(p), RLC_FAILED, "index 3 is outside of a dimension of size 3");
    rlc_begin(p);
    rlc_dict_gather(sample(), 0, indices(RLC_SHAPE(1, 3), (int64_t[]){0, 2, 0}));
    expect_error(rlc_end(p), RLC_FAILED, "index 2 is outside of a dimension of size 2");
}

static rlc_dict *joined(rlc_dict *a, rlc_dict *b, bool stack, int dim) {
    rlc_dict *both[] = {a, b};
    return stack ? rlc_dict_stack(both, 2, dim) : rlc_dict_cat(both, 2, dim);
}

static rlc_dict *with(const char *key, rlc_tensor *tensor) {
    rlc_dict *td = sample();
    rlc_dict_set(td, key, tensor);
    return td;
}

static void test_misused_joins(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    EXPECT_MISUSE("dict_stack: 'n.y' has shape [2, 3, 1] in dict 1 and [2, 3] in dict 0",
                  joined(td, with("n.y", ZEROS(2, 3, 1)), true, 0));
    EXPECT_MISUSE("dict_cat: 'x' has shape [2, 3, 5] in dict 1 and [2, 3, 4] in dict 0",
                  joined(td, with("x", ZEROS(2, 3, 5)), false, 0));
    EXPECT_MISUSE("dict_stack: 'n.z' is in dict 1, but not in dict 0", joined(td, with("n.z", ZEROS(2, 3)), true, 0));
    EXPECT_MISUSE("dict_cat: 'z' is in dict 1, but not in dict 0", joined(td, with("z", ZEROS(2, 3)), false, 0));
    EXPECT_MISUSE("there is no key 'z'; keys are x, n.y", joined(with("z", ZEROS(2, 3)), td, false, 0));
    EXPECT_MISUSE("the batch has shape [3, 2] in dict 1 and [2, 3] in dict 0",
                  joined(td, rlc_dict_transpose(td, 0, 1), false, 0));
    EXPECT_MISUSE("the batch has shape [1, 3] in dict 1 and [2, 3] in dict 0",
                  joined(td, rlc_dict_slice(td, 0, 0, 1, 1), true, 0));
    EXPECT_MISUSE("dict_cat: dimension 2 is outside of the batch shape [2, 3]", joined(td, td, false, 2));
    EXPECT_MISUSE("dict_cat: dimension 0 is outside of the batch shape []",
                  joined(rlc_dict_new((rlc_shape){0}), td, false, 0));
    EXPECT_MISUSE("add up to the size of dimension 1 of the batch shape [2, 3]",
                  rlc_dict_split_sizes(td, (int64_t[]){1, 1}, 2, 1).dict);
    EXPECT_MISUSE("add up", rlc_dict_split_sizes(td, (int64_t[]){4, -1}, 2, -1).dict);
    EXPECT_MISUSE("dict_split: dimension 2 is outside", rlc_dict_split_sizes(td, (int64_t[]){4}, 1, 2).dict);
    EXPECT_MISUSE("the size of a part must be 1 or more, not 0", rlc_dict_split(td, 0, 0).dict);
    EXPECT_MISUSE("dict_split: dimension -3 is outside", rlc_dict_split(td, 1, -3).dict);
    EXPECT_MISUSE("dict_unbind: dimension 2 is outside", rlc_dict_unbind(td, 2).dict);
}

static void test_misused_keys(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    EXPECT_MISUSE("'.' is no separator: '.' makes paths into nested dicts; take another, '_' say",
                  rlc_dict_flatten_keys(td, "."));
    EXPECT_MISUSE("'' is no separator", rlc_dict_unflatten_keys(td, ""));
    EXPECT_MISUSE("'n_y' and another entry would both be called 'n_y'",
                  rlc_dict_flatten_keys(with("n_y", ZEROS(2, 3)), "_"));
    EXPECT_MISUSE("'x_y' would take the place of another entry at 'x.y'",
                  rlc_dict_unflatten_keys(with("x_y", ZEROS(2, 3)), "_"));
    EXPECT_MISUSE("'n_y' would take the place of another entry at 'n.y'",
                  rlc_dict_unflatten_keys(with("n_y", ZEROS(2, 3)), "_"));
    EXPECT_MISUSE("'q..r' is no key: it has an empty part", rlc_dict_unflatten_keys(with("q__r", ZEROS(2, 3)), "_"));
}

/* Values written in place. */
static void test_assign(void **state) {
    (void)state;
    rlc_dict *td = sample(), *from = rlc_dict_new(RLC_SHAPE(2, 3));
    rlc_tensor *kept = rlc_dict_get(td, "n.y");
    rlc_dict_set(from, "n.y", rlc_full(RLC_I64, RLC_SHAPE(2, 3), 7));
    rlc_dict_lock(td, true);
    assert_true(rlc_dict_is_locked(td) && rlc_dict_is_locked(rlc_dict_get_dict(td, "n")));
    rlc_dict_assign(td, from);
    assert_ptr_equal(rlc_dict_get(td, "n.y"), kept);
    EXPECT(kept, 7, 7, 7, 7, 7, 7);
    assert_false(rlc_dict_is_locked(rlc_dict_unsqueeze(td, 0)));
    expect_ok(rlc_end(p));
    rlc_begin(p);
    rlc_dict_assign(sample(), with("z", ZEROS(2, 3)));
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'z'; keys are x, n.y");
    rlc_begin(p);
    rlc_dict_assign(sample(), with("n.y", ZEROS(2, 3, 1)));
    expect_error(rlc_end(p), RLC_INVALID, "'y' has shape [2, 3], but values of shape [2, 3, 1] are to be written");
}

static void test_equal(void **state) {
    (void)state;
    rlc_dict *td = sample(), *nan = with("x", rlc_full(RLC_F32, RLC_SHAPE(2, 3, 4), (double)NAN));
    assert_true(rlc_dict_equal(td, sample()));
    assert_false(rlc_dict_equal(td, with("z", ZEROS(2, 3))));
    assert_false(rlc_dict_equal(with("z", ZEROS(2, 3)), with("w", ZEROS(2, 3))));
    assert_false(rlc_dict_equal(td, rlc_dict_cast(td, RLC_F64)));
    assert_false(rlc_dict_equal(td, with("x", ZEROS(2, 3, 4))));
    assert_false(rlc_dict_equal(with("z", ZEROS(2, 3, 1)), with("z", ZEROS(2, 3))));
    assert_false(rlc_dict_equal(with("z", ZEROS(2, 3)), with("z.z", ZEROS(2, 3))));
    assert_false(rlc_dict_equal(td, rlc_dict_new(RLC_SHAPE(2, 3))));
    assert_false(rlc_dict_equal(rlc_dict_new(RLC_SHAPE(2)), rlc_dict_new(RLC_SHAPE(3))));
    assert_false(rlc_dict_equal(nan, nan));
    assert_false(rlc_dict_equal(td, NULL));
    expect_ok(rlc_end(p));
}

/* An index that has size 1 beside the dimension gathered along is repeated. */
static void test_gather_repeats_its_index(void **state) {
    (void)state;
    rlc_dict *got = rlc_dict_gather(sample(), 1, indices(RLC_SHAPE(1, 2), (int64_t[]){2, 0}));
    assert_true(rlc_shape_equal(got->batch, RLC_SHAPE(2, 2)));
    EXPECT(rlc_dict_get(got, "n.y"), 2, 0, 5, 3);
    got = rlc_dict_gather(sample(), 0, indices(RLC_SHAPE(1), (int64_t[]){1}));
    assert_true(rlc_shape_equal(got->batch, RLC_SHAPE(1, 3)));
    EXPECT(rlc_dict_get(got, "n.y"), 3, 4, 5);
    expect_ok(rlc_end(p));
}

/* A file may bring any byte as a bool. */
static void test_mask_of_other_bytes(void **state) {
    (void)state;
    rlc_dict *got =
        rlc_dict_mask(sample(), rlc_from_data(RLC_BOOL, RLC_SHAPE(2, 3), (uint8_t[]){255, 0, 2, 255, 0, 9}));
    assert_true(rlc_shape_equal(got->batch, RLC_SHAPE(4)));
    EXPECT(rlc_dict_get(got, "n.y"), 0, 2, 3, 5);
    expect_ok(rlc_end(p));
}

/* Gradients pass through whatever moves elements: each element of `root` must get as many as it was taken times. */
static void test_gradients(void **state) {
    (void)state;
    rlc_tensor *root = rlc_tensor_new(test_device(), RLC_F32, RLC_SHAPE(2, 3));
    expect_ok(rlc_requires_grad(root));
    for (int i = 0; i < 6; i++) {
        rlc_zero_grad(root);
        rlc_begin(p);
        rlc_dict *td = rlc_dict_new(RLC_SHAPE(2, 3)), *got = NULL;
        rlc_dict_set(td, "x", root);
        switch (i) {
        case 0: got = rlc_dict_at(td, 1, -1); break;
        case 1: got = rlc_dict_slice(td, 1, 0, 3, 2); break;
        case 2: got = rlc_dict_index_select(td, 1, indices(RLC_SHAPE(3), (int64_t[]){2, 2, 0})); break;
        case 3: got = rlc_dict_mask(td, rlc_from_data(RLC_BOOL, RLC_SHAPE(2, 3), (bool[]){1, 0, 0, 0, 1, 1})); break;
        case 4: got = rlc_dict_clone_deep(rlc_dict_expand(td, RLC_SHAPE(5, 2, 3))); break;
        default: got = rlc_dict_cat((rlc_dict *[]){td, rlc_dict_permute(td, (int[]){0, 1}, 2)}, 2, 1); break;
        }
        rlc_backward(rlc_sum(rlc_dict_get(got, "x"), RLC_ALL, false));
        expect_ok(rlc_end(p));
        static const double wanted[][6] = {{0, 0, 1, 0, 0, 1}, {1, 0, 1, 1, 0, 1}, {1, 0, 2, 1, 0, 2},
                                           {1, 0, 0, 0, 1, 1}, {5, 5, 5, 5, 5, 5}, {2, 2, 2, 2, 2, 2}};
        float gradient[6];
        expect_ok(rlc_tensor_read(root->grad, gradient));
        for (int k = 0; k < 6; k++) {
            assert_true(gradient[k] == (float)wanted[i][k]);
        }
    }
    rlc_tensor_free(root);
}

/* A build records shapes only; all but the mask, which must be read, works there. */
static void test_shapes_only(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    rlc_begin_shapes(p);
    rlc_dict *td = sample();
    assert_true(rlc_shape_equal(rlc_dict_slice(td, 1, 0, 3, 2)->batch, RLC_SHAPE(2, 2)));
    assert_true(rlc_shape_equal(rlc_dict_gather(td, 0, rlc_zeros(RLC_I64, RLC_SHAPE(1, 3)))->batch, RLC_SHAPE(1, 3)));
    assert_int_equal(rlc_dict_split(td, 2, 1).count, 2);
    expect_ok(rlc_end(p));
    rlc_begin_shapes(p);
    assert_null(rlc_dict_mask(sample(), rlc_zeros(RLC_BOOL, RLC_SHAPE(2))));
    expect_error(rlc_end(p), RLC_INVALID, "only its shape was recorded");
}

/* A second device that is the CPU under another name. */
static void test_to(void **state) {
    (void)state;
    rlc_device other = *test_device();
    rlc_program *there;
    other.name = "other";
    rlc_dict *td = sample(), *same = rlc_dict_to(td, test_device());
    assert_ptr_equal(rlc_dict_get(same, "x"), rlc_dict_get(td, "x"));
    assert_null(rlc_dict_to(td, &other));
    expect_error(rlc_end(p), RLC_INVALID, "program 'test', which is on cpu; open one on other");

    rlc_begin(p);
    td = sample();
    expect_ok(rlc_program_new(&other, "there", &there));
    rlc_begin(there);
    rlc_dict *moved = rlc_dict_to(td, &other);
    assert_ptr_equal(rlc_dict_get(moved, "n.y")->device, &other);
    assert_true(rlc_shape_equal(moved->batch, td->batch));
    EXPECT(rlc_dict_get(moved, "n.y"), 0, 1, 2, 3, 4, 5);
    expect_ok(rlc_end(there));
    rlc_program_free(there);
    expect_ok(rlc_end(p));
}

/* No operation falls over a dict that an earlier error left NULL. */
static void test_null(void **state) {
    (void)state;
    assert_null(rlc_dict_view(NULL, RLC_SHAPE(1)));
    assert_null(rlc_dict_flatten(NULL, 0, 0));
    assert_null(rlc_dict_unflatten(NULL, 0, RLC_SHAPE(1)));
    assert_null(rlc_dict_squeeze(NULL, 0));
    assert_null(rlc_dict_unsqueeze(NULL, 0));
    assert_null(rlc_dict_transpose(NULL, 0, 0));
    assert_null(rlc_dict_permute(NULL, NULL, 0));
    assert_null(rlc_dict_expand(NULL, RLC_SHAPE(1)));
    assert_null(rlc_dict_at(NULL, 0, 0));
    assert_null(rlc_dict_slice(NULL, 0, 0, 1, 1));
    assert_null(rlc_dict_index_select(NULL, 0, NULL));
    assert_null(rlc_dict_mask(NULL, NULL));
    assert_null(rlc_dict_gather(NULL, 0, NULL));
    assert_null(rlc_dict_cat((rlc_dict *[]){sample(), NULL}, 2, 0));
    assert_null(rlc_dict_split(NULL, 1, 0).dict);
    assert_null(rlc_dict_unbind(NULL, 0).dict);
    assert_null(rlc_dict_clone_deep(NULL));
    assert_null(rlc_dict_cast(NULL, RLC_F64));
    assert_null(rlc_dict_to(NULL, test_device()));
    assert_null(rlc_dict_flatten_keys(NULL, "_"));
    assert_null(rlc_dict_unflatten_keys(NULL, "_"));
    assert_int_equal(rlc_dict_keys(NULL, true, true).count, 0);
    assert_true(rlc_dict_is_empty(NULL));
    rlc_dict_assign(NULL, NULL);
    rlc_dict_del_key(NULL, NULL);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_misused_shapes, start),
        cmocka_unit_test_setup(test_misused_parts, start),
        cmocka_unit_test_setup(test_indices_out_of_range, start),
        cmocka_unit_test_setup(test_misused_joins, start),
        cmocka_unit_test_setup(test_misused_keys, start),
        cmocka_unit_test_setup(test_assign, start),
        cmocka_unit_test_setup(test_equal, start),
        cmocka_unit_test_setup(test_gather_repeats_its_index, start),
        cmocka_unit_test_setup(test_mask_of_other_bytes, start),
        cmocka_unit_test_setup(test_gradients, start),
        cmocka_unit_test_setup(test_shapes_only, start),
        cmocka_unit_test_setup(test_to, start),
        cmocka_unit_test_setup(test_null, start),
    };
    return cmocka_run_group_tests_name("misused dicts", tests, NULL, NULL);
}
