/* Ops along a dimension on another device against the CPU: reductions, scans, indexing, around the lengths at which
 * a device changes its way. */
#include "tests/parity.h"

typedef struct reduction {
    const char *name;
    rlc_tensor *(*f)(rlc_tensor *x, int dim, bool keepdim);
    int dim;
} reduction;

static rlc_tensor *call_reduction(rlc_tensor *const *x, const void *data) {
    const reduction *r = data;
    return r->f(x[0], r->dim, true);
}

/* Around the lengths at which sums change their way: by a thread, by a block, in pieces of 1024, in many rounds. */
static void test_reductions(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 2, 5, 16, 31, 32, 33, 500, 1023, 1024, 1025, 2049, 3072, 5000, 17000, 70001};
    reduction table[] = {{"sum", rlc_sum, 0},       {"mean", rlc_mean, 0},    {"max", rlc_max, 0},
                         {"min", rlc_min, 0},       {"any", rlc_any, 0},      {"logsumexp", rlc_logsumexp, 0},
                         {"argmax", rlc_argmax, 0}, {"argmin", rlc_argmin, 0}};
    char what[96];
    for (int i = 0; i < RLC_COUNT(table); i++) {
        for (int k = 0; k < RLC_COUNT(lengths); k++) {
            const int64_t n = lengths[k];
            const rlc_shape shapes[] = {RLC_SHAPE(n), RLC_SHAPE(3, n), RLC_SHAPE(n, n < 2000 ? 19 : 2),
                                        RLC_SHAPE(2, n, 3)};
            for (int s = 0; s < RLC_COUNT(shapes); s++) {
                table[i].dim = s == 0 ? RLC_ALL : s == 2 ? 0 : 1;
                snprintf(what, sizeof what, "%s of %lld, shape %d", table[i].name, (long long)n, s);
                compare(&(parity){what, call_reduction, &table[i], {shapes[s]}, 1, RLC_F32, SIGNED, 0});
            }
            table[i].dim = 0;
            compare(&(parity){what, call_reduction, &table[i], {RLC_SHAPE(n, 3)}, 1, RLC_F64, SIGNED, 0});
            if (i != 1) {
                compare(&(parity){what, call_reduction, &table[i], {RLC_SHAPE(n, 3)}, 1, RLC_I64, SIGNED, 0});
            }
        }
    }
    /* shared among blocks: as many as there may be, and columns whose last shares are short */
    table[0].dim = RLC_ALL;
    compare(&(parity){"long sum", call_reduction, &table[0], {RLC_SHAPE(4300801)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"sum of 2^14", call_reduction, &table[0], {RLC_SHAPE(16384)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"sum of 2^17", call_reduction, &table[0], {RLC_SHAPE(131072)}, 1, RLC_F64, SIGNED, 0});
    table[0].dim = 0;
    compare(&(parity){"long columns", call_reduction, &table[0], {RLC_SHAPE(262145, 3)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"many columns", call_reduction, &table[0], {RLC_SHAPE(8193, 513)}, 1, RLC_F32, SIGNED, 0});
    table[0].dim = 1;
    compare(&(parity){"whole numbers", call_reduction, &table[0], {RLC_SHAPE(5, 20000)}, 1, RLC_I64, SIGNED, 0});
    compare(&(parity){"sums of 2^16", call_reduction, &table[0], {RLC_SHAPE(5, 65536)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"sum of nothing", call_reduction, &table[0], {RLC_SHAPE(3, 0)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"no sums", call_reduction, &table[0], {RLC_SHAPE(0, 3)}, 1, RLC_F32, SIGNED, 0});
}

/* Of several that are not numbers the first counts. */
static rlc_tensor *call_extreme_of_nan(rlc_tensor *const *x, const void *data) {
    rlc_tensor *holes = rlc_where(rlc_gt(x[0], rlc_scalar(2.5)), rlc_full(RLC_F32, (rlc_shape){0}, NAN), x[0]);
    rlc_tensor *both[] = {rlc_argmax(holes, *(const int *)data, true), rlc_argmin(holes, *(const int *)data, true)};
    return rlc_stack(both, 2, 0);
}

static void test_extremes_of_nan(void **state) {
    (void)state;
    for (int dim = 0; dim < 2; dim++) {
        compare(&(parity){"extremes", call_extreme_of_nan, &dim, {RLC_SHAPE(20, 700)}, 1, RLC_F32, SIGNED, 0});
    }
}

static rlc_tensor *call_softmax(rlc_tensor *const *x, const void *data) {
    return (*(const int *)data == 0 ? rlc_softmax : rlc_log_softmax)(x[0], -1);
}

static rlc_tensor *call_cumsum(rlc_tensor *const *x, const void *data) {
    return rlc_cumsum(x[0], *(const int *)data);
}

static void test_rows_of_matrices(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 2, 3, 17, 64, 65, 300, 2500};
    for (int k = 0; k < RLC_COUNT(lengths); k++) {
        for (int which = 0; which < 2; which++) {
            for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
                compare(&(parity){"softmax", call_softmax, &which, {RLC_SHAPE(3, lengths[k])}, 1, dtype, SIGNED, 0});
                compare(&(parity){"cumsum", call_cumsum, &which, {RLC_SHAPE(3, lengths[k])}, 1, dtype, SIGNED, 0});
            }
            compare(&(parity){"cumsum", call_cumsum, &which, {RLC_SHAPE(3, lengths[k])}, 1, RLC_I64, SIGNED, 0});
        }
    }
}

static rlc_tensor *call_scan(rlc_tensor *const *x, const void *data) {
    rlc_tensor *decay = rlc_mul_scalar(rlc_sigmoid(x[1]), 0.99);
    rlc_tensor *b = rlc_where(rlc_gt(x[1], rlc_zeros((rlc_dtype)x[1]->dtype, (rlc_shape){0})), decay, rlc_neg(decay));
    return rlc_discounted_scan(rlc_detach(x[0]), rlc_detach(b), rlc_detach(x[2]), *(const int *)data);
}

static void test_scans(void **state) {
    (void)state;
    const rlc_shape shape = RLC_SHAPE(5, 37, 3);
    for (int dim = 0; dim < 3; dim++) {
        rlc_shape end = shape;
        end.size[dim] = 1;
        for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
            compare(&(parity){"scan", call_scan, &dim, {shape, shape, end}, 3, dtype, SIGNED, 0});
            compare(&(parity){"scan", call_scan, &dim, {shape, shape}, 2, dtype, SIGNED, 0});
        }
    }
    const int time = 1;
    const rlc_shape long_rows = RLC_SHAPE(33, 65, 1), end = RLC_SHAPE(33, 1, 1); /* more than a tile, both ways */
    compare(&(parity){"scan of rows", call_scan, &time, {long_rows, long_rows, end}, 3, RLC_F32, SIGNED, 0});
}

/* Seven elements from windows of three of nine, forwards and out of order. */
static rlc_tensor *call_resample(rlc_tensor *const *x, const void *data) {
    static const int64_t first[] = {0, 1, 3, 6, 2, 5, 4};
    rlc_tensor *places = rlc_from_data(RLC_I64, RLC_SHAPE(7), first);
    return rlc_resample(rlc_detach(x[0]), *(const int *)data, places, rlc_detach(x[1]));
}

static void test_resampling(void **state) {
    (void)state;
    for (int dim = -3; dim < 0; dim++) {
        rlc_shape shape = RLC_SHAPE(2, 5, 37);
        shape.size[dim + 3] = 9;
        for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
            compare(&(parity){"resample", call_resample, &dim, {shape, RLC_SHAPE(7, 3)}, 2, dtype, SIGNED, 0});
        }
    }
}

/* Many that point to the same places. */
static rlc_tensor *call_index(rlc_tensor *const *x, const void *data) {
    const char *how = data;
    rlc_tensor *index = rlc_cast(rlc_floor(rlc_mul_scalar(rlc_detach(x[1]), 6.5)), RLC_I64); /* 0 .. 6 */
    if (strcmp(how, "gather") == 0) {
        return rlc_gather(x[0], 1, index);
    }
    if (strcmp(how, "rows") == 0) {
        return rlc_index_select(x[0], rlc_reshape(index, RLC_SHAPE(-1)));
    }
    if (strcmp(how, "one_hot") == 0) {
        return rlc_one_hot(index, 7);
    }
    return (strcmp(how, "scatter") == 0 ? rlc_scatter : rlc_scatter_add)(x[0], 1, index, x[1]);
}

static void test_indexing(void **state) {
    (void)state;
    static const char *const ways[] = {"gather", "scatter", "scatter_add", "rows", "one_hot"};
    for (int i = 0; i < RLC_COUNT(ways); i++) {
        for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
            const parity c = {ways[i], call_index, ways[i], {RLC_SHAPE(7, 7, 3), RLC_SHAPE(7, 211, 3)},
                              2,       dtype,      UNIT,    0};
            compare(&c);
            /* few long lines, several indices in a row of which say the same; many short ones */
            compare(&(parity){ways[i], call_index, ways[i], {RLC_SHAPE(7, 7), RLC_SHAPE(7, 3000)}, 2, dtype, UNIT, 0});
            compare(&(parity){ways[i], call_index, ways[i], {RLC_SHAPE(911, 7), RLC_SHAPE(911, 1)}, 2, dtype, UNIT, 0});
        }
    }
}

/* Elements of all sizes, along lines of `length` indices. */
typedef struct movement {
    const char *how;
    int64_t length;
} movement;

static rlc_tensor *call_move(rlc_tensor *const *x, const void *data) {
    const movement *m = data;
    int64_t places[7 * 300];
    for (int64_t i = 0; i < 7 * m->length; i++) {
        places[i] = (i * i + 3) % 7;
    }
    rlc_tensor *index = rlc_from_data(RLC_I64, RLC_SHAPE(7, m->length), places);
    if (strcmp(m->how, "rows") == 0) {
        return rlc_index_select(x[0], rlc_reshape(index, RLC_SHAPE(-1)));
    }
    rlc_tensor *gathered = rlc_gather(x[0], 1, index);
    return strcmp(m->how, "gather") == 0 ? gathered : rlc_scatter(x[0], 1, index, gathered);
}

static void test_moving(void **state) {
    (void)state;
    static const movement movements[] = {{"gather", 3}, {"rows", 3}, {"scatter", 3}, {"scatter", 300}};
    for (int i = 0; i < RLC_COUNT(movements); i++) {
        for (rlc_dtype dtype = RLC_BOOL; dtype < RLC_DTYPE_COUNT; dtype++) {
            compare(&(parity){movements[i].how, call_move, &movements[i], {RLC_SHAPE(7, 7)}, 1, dtype, SIGNED, 0});
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reductions, fresh_start),
        cmocka_unit_test_setup(test_extremes_of_nan, fresh_start),
        cmocka_unit_test_setup(test_rows_of_matrices, fresh_start),
        cmocka_unit_test_setup(test_scans, fresh_start),
        cmocka_unit_test_setup(test_resampling, fresh_start),
        cmocka_unit_test_setup(test_indexing, fresh_start),
        cmocka_unit_test_setup(test_moving, fresh_start),
    };
    return cmocka_run_group_tests_name("ops along a dimension on another device", tests, open_sides, close_sides);
}
