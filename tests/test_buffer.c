/* The replay buffer: a ring of rows, and random parts of it. Row `id` is told from its entries: x = (id, -id), next.y =
 * 10 id, flag = id is odd. */
#include "tests/world.h"

#include <stdio.h>

#include "collectors/buffer.h"

static rlc_program *p;
static rlc_buffer *buffer;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    buffer = NULL;
    return 0;
}

static int stop(void **state) {
    (void)state;
    rlc_buffer_free(buffer);
    return 0;
}

/* Rows first, first + 1, ... in a batch of this shape. */
static rlc_dict *rows(int64_t first, rlc_shape batch) {
    rlc_dict *td = rlc_dict_new(batch);
    rlc_tensor *id = rlc_add_scalar(rlc_arange(RLC_I64, rlc_shape_numel(batch)), (double)first);
    rlc_tensor *x = rlc_cast(id, RLC_F32), *y = rlc_mul_scalar(id, 10);
    rlc_tensor *half = rlc_mul_scalar(x, 0.5), *odd = rlc_ne(half, rlc_floor(half));
    x = rlc_stack((rlc_tensor *[]){x, rlc_neg(x)}, 2, 1);
    rlc_dict_set(td, "x", rlc_reshape(x, rlc_shape_concat(batch, RLC_SHAPE(2))));
    rlc_dict_set(td, "next.y", rlc_reshape(y, batch));
    rlc_dict_set(td, "flag", rlc_reshape(odd, rlc_shape_concat(batch, RLC_SHAPE(1))));
    return td;
}

static rlc_buffer *buffer_of(uint64_t seed, const char *options) {
    rlc_buffer *b = NULL;
    rlc_begin(p);
    expect_ok(rlc_buffer_make(world_registry(), test_device(), seed, options, rows(0, RLC_SHAPE(1)), &b));
    expect_ok(rlc_end(p));
    return b;
}

static void extend(rlc_buffer *b, int64_t first, int64_t count) {
    rlc_begin(p);
    rlc_buffer_extend(b, rows(first, RLC_SHAPE(count)));
    expect_ok(rlc_end(p));
}

/* Expects that a dict of rows holds these ids in all of its entries. */
static void expect_rows(const rlc_dict *td, const double *ids, int count) {
    double *x = read_doubles(rlc_dict_get(td, "x")), *y = read_doubles(rlc_dict_get(td, "next.y"));
    double *flag = read_doubles(rlc_dict_get(td, "flag"));
    for (int i = 0; i < count; i++) {
        if (x[2 * i] != ids[i] || x[2 * i + 1] != -ids[i] || y[i] != 10 * ids[i] || flag[i] != ((int)ids[i] & 1)) {
            fail_msg("row %d is (%g, %g), %g, %g, wanted %g", i, x[2 * i], x[2 * i + 1], y[i], flag[i], ids[i]);
        }
    }
    free(x);
    free(y);
    free(flag);
}

/* Batches of all sizes, wrapping around at every place. */
static void test_oldest_rows_are_overwritten(void **state) {
    (void)state;
    static const int sizes[] = {1, 2, 3, 4, 1, 1, 4, 3, 2, 3, 3, 4, 2, 1, 4};
    buffer = buffer_of(1, "{type: ReplayBuffer, capacity: 4, batch_size: 2}");
    double ring[4] = {0};
    int head = 0, size = 0, id = 1;
    EXPECT(buffer->cursor, 0, 0);
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        extend(buffer, id, sizes[i]);
        for (int k = 0; k < sizes[i]; k++) {
            ring[head] = id++;
            head = (head + 1) % 4;
            size = size < 4 ? size + 1 : 4;
        }
        rlc_begin(p);
        expect_rows(buffer->storage, ring, size);
        EXPECT(buffer->cursor, head, size);
        EXPECT(buffer->size, size);
        expect_ok(rlc_end(p));
    }
}

static void test_storage(void **state) {
    (void)state;
    buffer = buffer_of(1, "{type: ReplayBuffer, max_size: 7, batch_size: 2}");
    assert_int_equal(buffer->capacity, 7);
    assert_true(rlc_shape_equal(buffer->storage->batch, RLC_SHAPE(7)));
    expect_shape(rlc_dict_get(buffer->storage, "x"), RLC_F32, RLC_SHAPE(7, 2));
    expect_shape(rlc_dict_get(buffer->storage, "next.y"), RLC_I64, RLC_SHAPE(7));
    expect_shape(rlc_dict_get(buffer->storage, "flag"), RLC_BOOL, RLC_SHAPE(7, 1));
    assert_int_equal(rlc_dict_get_dict(buffer->storage, "next")->batch.size[0], 7);
}

/* [3, 2] becomes six rows, in row-major order; what the buffer does not keep is left. */
static void test_batches_of_two_dimensions(void **state) {
    (void)state;
    rlc_begin(p);
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 1, "{type: ReplayBuffer, capacity: 8, batch_size: 1}",
                              rows(0, RLC_SHAPE(3, 2)), &buffer));
    expect_shape(rlc_dict_get(buffer->storage, "x"), RLC_F32, RLC_SHAPE(8, 2));
    rlc_dict *td = rows(1, RLC_SHAPE(3, 2));
    rlc_dict_set(td, "extra", rlc_zeros(RLC_F32, RLC_SHAPE(3, 2, 9)));
    rlc_buffer_extend(buffer, td);
    rlc_buffer_extend(buffer, rows(7, RLC_SHAPE(1, 1)));
    expect_rows(buffer->storage, (double[]){1, 2, 3, 4, 5, 6, 7}, 7);
    assert_null(rlc_dict_find(buffer->storage, "extra"));
    rlc_buffer_extend(buffer, NULL);
    EXPECT(buffer->cursor, 7, 7);
    expect_ok(rlc_end(p));
}

/* Only rows that are there, all entries of one row together, `index` telling which. */
static void test_samples(void **state) {
    (void)state;
    buffer = buffer_of(1, "{type: ReplayBuffer, capacity: 100, batch_size: 64}");
    for (int fill = 1; fill <= 130; fill++) {
        extend(buffer, fill, 1); /* ids 1 .. fill; id n stands in row (n - 1) % 100 */
        rlc_begin(p);
        rlc_dict *td = rlc_buffer_sample(buffer);
        assert_true(rlc_shape_equal(td->batch, RLC_SHAPE(64)));
        expect_shape(rlc_dict_get(td, "index"), RLC_I64, RLC_SHAPE(64));
        expect_shape(rlc_dict_get(td, "x"), RLC_F32, RLC_SHAPE(64, 2));
        expect_shape(rlc_dict_get(td, "flag"), RLC_BOOL, RLC_SHAPE(64, 1));
        double *x = read_doubles(rlc_dict_get(td, "x")), *index = read_doubles(rlc_dict_get(td, "index")), ids[64];
        for (int i = 0; i < 64; i++) {
            ids[i] = x[2 * i];
            assert_true(ids[i] >= (fill > 100 ? fill - 99 : 1) && ids[i] <= fill);
            assert_true(((int)ids[i] - 1) % 100 == index[i]);
        }
        expect_rows(td, ids, 64);
        free(x);
        free(index);
        expect_ok(rlc_end(p));
    }
}

static void test_samples_are_uniform(void **state) {
    (void)state;
    enum { ROWS = 20, DRAWS = 60, BATCH = 1000 };
    buffer = buffer_of(1, "{type: ReplayBuffer, capacity: 1000, batch_size: 1000}");
    extend(buffer, 0, ROWS);
    double count[ROWS] = {0}, follows[ROWS] = {0}, previous = -1;
    for (int draw = 0; draw < DRAWS; draw++) {
        rlc_begin(p);
        double *index = read_doubles(rlc_dict_get(rlc_buffer_sample(buffer), "index"));
        expect_ok(rlc_end(p));
        for (int i = 0; i < BATCH; i++) {
            count[(int)index[i]]++;
            follows[(int)(index[i] - previous + ROWS) % ROWS] += previous >= 0;
            previous = index[i];
        }
        free(index);
    }
    double mean = (double)DRAWS * BATCH / ROWS, five = 5 * sqrt(mean * (1 - 1.0 / ROWS));
    for (int i = 0; i < ROWS; i++) {
        assert_true(fabs(count[i] - mean) < five);
        assert_true(fabs(follows[i] - mean) < five); /* nor does a draw tell of the next one */
    }
}

static void test_seeds(void **state) {
    (void)state;
    double *index[4];
    static const uint64_t seeds[] = {1, 1, 2};
    for (int i = 0; i < 3; i++) {
        rlc_buffer *b = buffer_of(seeds[i], "{type: ReplayBuffer, capacity: 500, batch_size: 100}");
        extend(b, 0, 500);
        rlc_begin(p);
        index[i] = read_doubles(rlc_dict_get(rlc_buffer_sample(b), "index"));
        index[3] = read_doubles(rlc_dict_get(rlc_buffer_sample(b), "index"));
        expect_ok(rlc_end(p));
        assert_memory_not_equal(index[3], index[i], 100 * sizeof(double)); /* nor twice the same */
        free(index[3]);
        rlc_buffer_free(b);
    }
    assert_memory_equal(index[0], index[1], 100 * sizeof(double));
    assert_memory_not_equal(index[0], index[2], 100 * sizeof(double));
    for (int i = 0; i < 3; i++) {
        free(index[i]);
    }
}

/* Samples are copies: what is written later does not change them. Writing takes no part in autograd. */
static void test_samples_are_copies(void **state) {
    (void)state;
    buffer = buffer_of(1, "{type: ReplayBuffer, capacity: 1, batch_size: 1}");
    rlc_begin(p);
    rlc_buffer_extend(buffer, rows(1, RLC_SHAPE(1)));
    rlc_dict *first = rlc_buffer_sample(buffer);
    rlc_buffer_extend(buffer, rows(2, RLC_SHAPE(1)));
    rlc_dict *second = rlc_buffer_sample(buffer);
    rlc_buffer_update(buffer, first);
    expect_rows(first, (double[]){1}, 1);
    expect_rows(second, (double[]){2}, 1);
    assert_false(rlc_dict_get(first, "x")->flags & RLC_REQUIRES_GRAD);
    assert_false(rlc_no_grad(false)); /* the setting is as it was */
    expect_ok(rlc_end(p));
}

static void test_misuse(void **state) {
    (void)state;
    buffer = buffer_of(1, "{type: ReplayBuffer, capacity: 4, batch_size: 2}");
    rlc_begin(p);
    rlc_buffer_sample(buffer);
    expect_error(rlc_end(p), RLC_FAILED, "the replay buffer is empty");
    rlc_begin(p);
    rlc_buffer_extend(buffer, rows(0, RLC_SHAPE(5)));
    expect_error(rlc_end(p), RLC_INVALID, "buffer: a batch of 5 rows does not fit its capacity of 4");
    rlc_begin(p);
    rlc_dict *td = rows(0, RLC_SHAPE(2));
    rlc_dict_del(td, "next.y");
    rlc_buffer_extend(buffer, td);
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'next.y'; keys are x, flag");
    rlc_begin(p);
    td = rows(0, RLC_SHAPE(2));
    rlc_dict_set(td, "x", rlc_zeros(RLC_F32, RLC_SHAPE(2, 3)));
    rlc_buffer_extend(buffer, td);
    expect_error(rlc_end(p), RLC_INVALID, "rows [2, 3] (float32) do not fit a storage of [4, 2] (float32)");
    rlc_begin(p);
    td = rows(0, RLC_SHAPE(2));
    rlc_dict_set(td, "x", rlc_zeros(RLC_F64, RLC_SHAPE(2, 2)));
    rlc_buffer_extend(buffer, td);
    expect_error(rlc_end(p), RLC_INVALID, "rows [2, 2] (float64) do not fit");
    rlc_begin(p);
    EXPECT(buffer->cursor, 0, 0); /* of all that nothing was written */
    expect_ok(rlc_end(p));
}

static void test_wrong_options(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{type: ReplayBuffer, capacity: 4, batch_size: 5}",
         "buffer:1: buffer: batch_size (5) is above its capacity (4)"},
        {"{type: ReplayBuffer, capacity: 4}", "buffer:1: buffer: option 'batch_size' is required"},
        {"{type: ReplayBuffer, batch_size: 4}", "buffer:1: buffer: option 'capacity' is required"},
        {"{type: ReplayBuffer, capacity: 0, batch_size: 1}", "option 'capacity' must be between 1 and"},
        {"{type: ReplayBuffer, capacity: 4, batch_size: 0}", "option 'batch_size' must be between 1 and"},
        {"{type: ReplayBuffer, capacity: 4, max_size: 4, batch_size: 1}",
         "option 'capacity' is given twice, as 'max_size'"},
        {"{type: ReplayBufer, capacity: 4, batch_size: 1}", "there is no buffer of type 'ReplayBufer' (did you mean"},
        {"{type: ReplayBuffer, capacity: 1e4, batch_size: 1}", "option 'capacity' must be an integer; write 10000"},
    };
    rlc_begin(p);
    const rlc_dict *example = rows(0, RLC_SHAPE(1));
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        expect_error(rlc_buffer_make(world_registry(), test_device(), 1, cases[i][0], example, &buffer), RLC_INVALID,
                     cases[i][1]);
        assert_null(buffer);
    }
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_oldest_rows_are_overwritten, start, stop),
        cmocka_unit_test_setup_teardown(test_storage, start, stop),
        cmocka_unit_test_setup_teardown(test_batches_of_two_dimensions, start, stop),
        cmocka_unit_test_setup_teardown(test_samples, start, stop),
        cmocka_unit_test_setup_teardown(test_samples_are_uniform, start, stop),
        cmocka_unit_test_setup_teardown(test_seeds, start, stop),
        cmocka_unit_test_setup_teardown(test_samples_are_copies, start, stop),
        cmocka_unit_test_setup_teardown(test_misuse, start, stop),
        cmocka_unit_test_setup_teardown(test_wrong_options, start, stop),
    };
    return cmocka_run_group_tests_name("the replay buffer", tests, NULL, NULL);
}
