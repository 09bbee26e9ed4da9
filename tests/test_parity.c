/* Every op on another device against the CPU: shapes that are empty, of one element, odd, that broadcast, with gaps. */
#include "tests/expressions.h"
#include "tests/parity.h"
#include "tests/rows.h"

static rlc_tensor *call_row(rlc_tensor *const *x, const void *data) {
    return ((const row *)data)->call(x[0], x[1]);
}

/* On views: a transposed one and a slice of every second row. */
static rlc_tensor *call_row_on_views(rlc_tensor *const *x, const void *data) {
    rlc_tensor *a = rlc_transpose(x[0], 0, 1);
    rlc_tensor *b = x[1] != NULL ? rlc_slice_step(x[1], 0, 0, INT64_MAX, 2) : NULL;
    return ((const row *)data)->call(a, b);
}

/* Whether a type has a row of its own, without being converted. */
static bool takes(const row *r, rlc_dtype dtype) {
    static const char *const floats[] = {
#define UNARY_NAME_FLOAT(name) #name,
#define UNARY_NAME_NUMBER(name)
#define UNARY(name, domain, ...) UNARY_NAME_##domain(name)
#define BINARY(name, domain, ...) UNARY_NAME_##domain(name)
#include "core/ops.def"
    };
    if (dtype == RLC_BOOL) {
        return r->kind == ROW_COMPARE || r->kind == ROW_LOGICAL;
    }
    for (int i = 0; i < RLC_COUNT(floats) && !rlc_dtype_is_float(dtype); i++) {
        if (strcmp(floats[i], r->name) == 0) {
            return false;
        }
    }
    return true;
}

/* Shapes of two operands. */
static const rlc_shape pairs[][2] = {
    {{1, {257}}, {1, {257}}},         {{0}, {0}},
    {{2, {0, 3}}, {2, {0, 3}}},       {{2, {3, 5}}, {1, {5}}},
    {{2, {7, 1}}, {2, {1, 9}}},       {{3, {2, 3, 5}}, {3, {2, 1, 5}}},
    {{1, {1}}, {3, {4, 1, 3}}},       {{4, {2, 3, 1, 5}}, {3, {3, 4, 1}}},
    {{2, {1031, 3}}, {2, {1031, 1}}},
};

static void test_rows(void **state) {
    (void)state;
    static const rlc_dtype dtypes[] = {RLC_F32, RLC_F64, RLC_I64, RLC_I32, RLC_U8, RLC_BOOL};
    char what[96];
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        const int count = rows[i].kind == ROW_UNARY ? 1 : 2;
        const numbers kind = strncmp(rows[i].name, "bce", 3) == 0 ? UNIT : SIGNED;
        for (int t = 0; t < RLC_COUNT(dtypes); t++) {
            for (int k = 0; k < RLC_COUNT(pairs) && takes(&rows[i], dtypes[t]); k++) {
                snprintf(what, sizeof what, "%s of %s, shapes %d", rows[i].name, rlc_dtype_name(dtypes[t]), k);
                compare(&(parity){what, call_row, &rows[i], {pairs[k][0], pairs[k][1]}, count, dtypes[t], kind, 0});
            }
            if (takes(&rows[i], dtypes[t])) {
                snprintf(what, sizeof what, "%s of %s, views", rows[i].name, rlc_dtype_name(dtypes[t]));
                compare(&(parity){what,
                                  call_row_on_views,
                                  &rows[i],
                                  {RLC_SHAPE(5, 13), RLC_SHAPE(26, 5)},
                                  count,
                                  dtypes[t],
                                  kind,
                                  0});
            }
        }
    }
}

/* Infinities and what is not a number. */
static rlc_tensor *call_row_on_specials(rlc_tensor *const *x, const void *data) {
    static const float specials[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 1e-42f, 3e38f, 1};
    rlc_tensor *a = rlc_from_data(RLC_F32, RLC_SHAPE(8, 1), specials),
               *b = rlc_from_data(RLC_F32, RLC_SHAPE(8), specials);
    (void)x;
    return ((const row *)data)->call(a, b);
}

static void test_special_numbers(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        compare(&(parity){rows[i].name, call_row_on_specials, &rows[i], {{0}}, 0, RLC_F32, SIGNED, 0});
    }
}

static void test_expressions(void **state) {
    (void)state;
    const expression exact[] = {VIEWS(EXPRESSION_ROW) JOINS(EXPRESSION_ROW) CHOICES(EXPRESSION_ROW) MASKS(
        EXPRESSION_ROW) ALONG(EXPRESSION_ROW) LOSSES(EXPRESSION_ROW) POOLS(EXPRESSION_ROW)};
    const expression products[] = {PRODUCTS(EXPRESSION_ROW) CHAINS(EXPRESSION_ROW) CONVOLUTIONS(EXPRESSION_ROW)};
    for (int i = 0; i < RLC_COUNT(exact) + RLC_COUNT(products); i++) {
        const bool is_exact = i < RLC_COUNT(exact);
        const expression *e = is_exact ? &exact[i] : &products[i - RLC_COUNT(exact)];
        for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
            parity c = {.what = e->name, .f = e->call, .count = e->count, .dtype = dtype, .numbers = UNIT};
            memcpy(c.shapes, e->shapes, sizeof c.shapes);
            c.tolerance = is_exact ? 0 : dtype == RLC_F32 ? 1e-6 : 1e-14;
            compare(&c);
        }
    }
}

static rlc_tensor *call_where(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_where(rlc_gt(x[0], x[1]), x[0], x[2]);
}

static void test_where(void **state) {
    (void)state;
    for (rlc_dtype dtype = RLC_BOOL; dtype < RLC_DTYPE_COUNT; dtype++) {
        compare(&(parity){
            "where", call_where, NULL, {RLC_SHAPE(4, 1, 7), RLC_SHAPE(3, 7), RLC_SHAPE(7)}, 3, dtype, SIGNED, 0});
        compare(&(parity){
            "where", call_where, NULL, {RLC_SHAPE(300), RLC_SHAPE(300), RLC_SHAPE(300)}, 3, dtype, SIGNED, 0});
    }
}

static rlc_tensor *call_cast(rlc_tensor *const *x, const void *data) {
    return rlc_cast(rlc_transpose(x[0], 0, 1), *(const rlc_dtype *)data);
}

static void test_casts(void **state) {
    (void)state;
    for (rlc_dtype from = RLC_BOOL; from < RLC_DTYPE_COUNT; from++) {
        for (rlc_dtype to = RLC_BOOL; to < RLC_DTYPE_COUNT; to++) {
            compare(&(parity){"cast", call_cast, &to, {RLC_SHAPE(5, 61)}, 1, from, UNIT, 0});
            compare(&(parity){"cast", call_cast, &to, {RLC_SHAPE(5, 61)}, 1, from, WHOLE, 0});
        }
    }
}

static rlc_tensor *call_creation(rlc_tensor *const *x, const void *data) {
    const rlc_dtype dtype = *(const rlc_dtype *)data;
    (void)x;
    rlc_tensor *parts[] = {rlc_full(dtype, RLC_SHAPE(300), 3), rlc_arange_step(dtype, 1, 9, 0.5),
                           rlc_linspace(dtype, -2, 5, 9), rlc_zeros(dtype, RLC_SHAPE(0))};
    return rlc_concatenate(parts, RLC_COUNT(parts), 0);
}

static void test_creation(void **state) {
    (void)state;
    static const rlc_dtype dtypes[] = {RLC_F32, RLC_F64, RLC_I64, RLC_I32};
    for (int t = 0; t < RLC_COUNT(dtypes); t++) {
        compare(&(parity){"creation", call_creation, &dtypes[t], {{0}}, 0, dtypes[t], SIGNED, 0});
    }
}

/* More operands than one launch takes. */
static rlc_tensor *call_stack(rlc_tensor *const *x, const void *data) {
    rlc_tensor *parts[70];
    for (int i = 0; i < RLC_COUNT(parts); i++) {
        parts[i] = rlc_mul_scalar(x[0], i % 2 == 0 ? i : 1);
    }
    return rlc_stack(parts, RLC_COUNT(parts), *(const int *)data);
}

static void test_joins(void **state) {
    (void)state;
    for (int dim = 0; dim < 3; dim++) {
        compare(&(parity){"stack of many", call_stack, &dim, {RLC_SHAPE(5, 7)}, 1, RLC_F32, SIGNED, 0});
        compare(&(parity){"stack of many", call_stack, &dim, {RLC_SHAPE(5, 0)}, 1, RLC_F64, SIGNED, 0});
    }
}

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
    table[0].dim = 0;
    compare(&(parity){"long columns", call_reduction, &table[0], {RLC_SHAPE(262145, 3)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"many columns", call_reduction, &table[0], {RLC_SHAPE(8193, 513)}, 1, RLC_F32, SIGNED, 0});
    table[0].dim = 1;
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

static rlc_tensor *call_argsort(rlc_tensor *const *x, const void *data) {
    return rlc_argsort(x[0], -1, *(const bool *)data);
}

static rlc_tensor *call_sort_with_nan(rlc_tensor *const *x, const void *data) {
    rlc_tensor *holes = rlc_where(rlc_gt(x[0], rlc_scalar(2)), rlc_full(RLC_F32, (rlc_shape){0}, NAN), x[0]);
    return rlc_sort(holes, -1, *(const bool *)data, NULL);
}

static void test_sorting(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 2, 3, 4, 5, 7, 64, 65, 1000, 2047, 2048, 2049, 5000, 8193}; /* 2048: a tile */
    for (int k = 0; k < RLC_COUNT(lengths); k++) {
        for (int i = 0; i < 2; i++) {
            const bool descending = i == 1;
            const rlc_shape shape = RLC_SHAPE(3, lengths[k]);
            compare(&(parity){"argsort", call_argsort, &descending, {shape}, 1, RLC_F32, SIGNED, 0});
            compare(&(parity){"argsort", call_argsort, &descending, {shape}, 1, RLC_F64, WHOLE, 0});
            compare(&(parity){"argsort", call_argsort, &descending, {shape}, 1, RLC_I32, SIGNED, 0});
            compare(&(parity){"sort", call_sort_with_nan, &descending, {shape}, 1, RLC_F32, SIGNED, 0});
        }
    }
    const bool no = false;
    compare(&(parity){"argsort of rows", call_argsort, &no, {RLC_SHAPE(700, 7)}, 1, RLC_F32, SIGNED, 0});
    compare(&(parity){"argsort of nothing", call_argsort, &no, {RLC_SHAPE(3, 0)}, 1, RLC_F32, SIGNED, 0});
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

static rlc_tensor *call_layer(rlc_tensor *const *x, const void *data) {
    return rlc_affine(x[0], x[1], x[2], *(const rlc_activation *)data);
}

static rlc_tensor *call_plain_layer(rlc_tensor *const *x, const void *data) {
    return rlc_affine(x[0], x[1], NULL, *(const rlc_activation *)data);
}

static void test_layers(void **state) {
    (void)state;
    static const int64_t sizes[][3] = {{1, 4, 7}, {5, 3, 1},     {33, 17, 9}, {0, 3, 2},
                                       {3, 0, 2}, {64, 120, 84}, {130, 1, 3}};
    for (int k = 0; k < RLC_COUNT(sizes); k++) {
        const int64_t rows_ = sizes[k][0], in = sizes[k][1], out = sizes[k][2];
        for (rlc_activation a = RLC_IDENTITY; a < RLC_ACTIVATION_COUNT; a++) {
            for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
                /* 1 - y of a sigmoid near 1 magnifies what products differ by */
                const double tolerance = dtype == RLC_F32 ? 5e-5 : 1e-13;
                compare(&(parity){"layer",
                                  call_layer,
                                  &a,
                                  {RLC_SHAPE(rows_, in), RLC_SHAPE(out, in), RLC_SHAPE(out)},
                                  3,
                                  dtype,
                                  UNIT,
                                  tolerance});
                compare(&(parity){"layer without a bias",
                                  call_plain_layer,
                                  &a,
                                  {RLC_SHAPE(2, rows_, in), RLC_SHAPE(out, in)},
                                  2,
                                  dtype,
                                  UNIT,
                                  tolerance});
            }
        }
    }
}

static rlc_tensor *call_layer_norm(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_layer_norm(x[0], 1, x[1], x[2], 1e-5);
}

static rlc_tensor *call_batch_norm(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_batch_norm(x[0], NULL, NULL, x[1], x[2], true, 0.1, 1e-5);
}

/* Groups of a thread each and of a block each, below and above what a sum halves first. */
static void test_norms(void **state) {
    (void)state;
    static const rlc_shape rows_[] = {{2, {3, 5}}, {2, {70, 64}}, {2, {5, 300}}, {2, {2, 2100}}, {2, {0, 7}}};
    static const rlc_shape batches[] = {{2, {33, 70}},  {2, {300, 5}},       {2, {2100, 3}},
                                        {3, {5, 3, 4}}, {4, {40, 3, 9, 11}}, {3, {2, 2, 1100}}};
    for (rlc_dtype dtype = RLC_F32; dtype <= RLC_F64; dtype++) {
        for (int i = 0; i < RLC_COUNT(rows_); i++) {
            const rlc_shape width = RLC_SHAPE(rows_[i].size[1]);
            compare(&(parity){"layer norm", call_layer_norm, NULL, {rows_[i], width, width}, 3, dtype, SIGNED, 0});
        }
        for (int i = 0; i < RLC_COUNT(batches); i++) {
            const rlc_shape channels = RLC_SHAPE(batches[i].size[1]);
            compare(
                &(parity){"batch norm", call_batch_norm, NULL, {batches[i], channels, channels}, 3, dtype, SIGNED, 0});
        }
    }
}

static rlc_tensor *call_conv(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_conv2d(x[0], x[1], NULL, (rlc_conv){0});
}

/* More than a GPU unrolls at once. */
static void test_many_images(void **state) {
    (void)state;
    const rlc_shape shapes[] = {RLC_SHAPE(6, 1, 512, 512), RLC_SHAPE(1, 1, 2, 2)};
    compare(&(parity){"many images", call_conv, NULL, {shapes[0], shapes[1]}, 2, RLC_F32, SIGNED, 1e-4});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rows, fresh_start),
        cmocka_unit_test_setup(test_special_numbers, fresh_start),
        cmocka_unit_test_setup(test_expressions, fresh_start),
        cmocka_unit_test_setup(test_where, fresh_start),
        cmocka_unit_test_setup(test_casts, fresh_start),
        cmocka_unit_test_setup(test_creation, fresh_start),
        cmocka_unit_test_setup(test_joins, fresh_start),
        cmocka_unit_test_setup(test_reductions, fresh_start),
        cmocka_unit_test_setup(test_extremes_of_nan, fresh_start),
        cmocka_unit_test_setup(test_rows_of_matrices, fresh_start),
        cmocka_unit_test_setup(test_sorting, fresh_start),
        cmocka_unit_test_setup(test_scans, fresh_start),
        cmocka_unit_test_setup(test_resampling, fresh_start),
        cmocka_unit_test_setup(test_indexing, fresh_start),
        cmocka_unit_test_setup(test_layers, fresh_start),
        cmocka_unit_test_setup(test_norms, fresh_start),
        cmocka_unit_test_setup(test_many_images, fresh_start),
    };
    return cmocka_run_group_tests_name("ops on another device", tests, open_sides, close_sides);
}
