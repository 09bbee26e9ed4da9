/* Every op against PyTorch, forward and backward, in float32 (tests/golden/ops.py). */
#include "tests/golden_case.h"
#include "tests/rows.h"

static rlc_tensor *call_row(rlc_tensor *const *operand, const void *data) {
    return ((const row *)data)->call(operand[0], operand[1]);
}

static const char *const patterns[] = {"equal", "scalar", "row", "column", "outer", "inner_singleton", "leading"};

static void test_rows(void **state) {
    (void)state;
    char what[128];
    int cases = 0;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        for (int k = 0; k < RLC_COUNT(patterns); k++) {
            bool unary = rows[i].kind == ROW_UNARY;
            if (unary && (k == 3 || k == 4 || k == 5)) {
                continue; /* one operand does not broadcast */
            }
            snprintf(what, sizeof what, "%s.%s", rows[i].name, patterns[k]);
            check_case(what, unary ? "a" : "ab", call_row, &rows[i]);
            cases++;
            if (rows[i].kind == ROW_BINARY) {
                snprintf(what, sizeof what, "%s.%s_swapped", rows[i].name, patterns[k]);
                check_case(what, "ab", call_row, &rows[i]);
                cases++;
            }
        }
    }
    print_message("%d rows, %d cases\n", RLC_COUNT(rows), cases);
}

static rlc_tensor *call_where(rlc_tensor *const *operand, const void *data) {
    return rlc_where(golden_tensor("ops", "%s.cond", (const char *)data), operand[0], operand[1]);
}

static void test_where(void **state) {
    (void)state;
    for (int k = 0; k < RLC_COUNT(patterns); k++) {
        char what[64];
        snprintf(what, sizeof what, "where.%s", patterns[k]);
        check_case(what, "ab", call_where, what);
    }
}

typedef struct reduction {
    rlc_tensor *(*f)(rlc_tensor *x, int dim, bool keepdim);
    int dim;
    bool keepdim;
} reduction;

static rlc_tensor *call_reduction(rlc_tensor *const *operand, const void *data) {
    const reduction *r = data;
    return r->f(operand[0], r->dim, r->keepdim);
}

static void test_reductions(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_tensor *(*f)(rlc_tensor *x, int dim, bool keepdim);
        bool whole;
    } table[] = {{"sum", rlc_sum, true}, {"mean", rlc_mean, true}, {"max", rlc_max, false}, {"min", rlc_min, false}};
    static const int dims[] = {0, 1, 2, -1};
    char what[64];
    for (int i = 0; i < RLC_COUNT(table); i++) {
        for (int k = 0; k < 8; k++) {
            reduction r = {table[i].f, dims[k / 2], k % 2};
            snprintf(what, sizeof what, "%s.dim%d.keep%d", table[i].name, r.dim, r.keepdim);
            check_case(what, "a", call_reduction, &r);
        }
        if (table[i].whole) {
            static const char *const sizes[] = {"all", "long", "tall"};
            for (int k = 0; k < 3; k++) {
                snprintf(what, sizeof what, "%s.%s", table[i].name, sizes[k]);
                check_case(what, "a", call_reduction, &(reduction){table[i].f, k == 2 ? 0 : RLC_ALL, false});
            }
        }
    }
    for (int dim = 0; dim < 3; dim++) {
        snprintf(what, sizeof what, "argmax.dim%d", dim);
        check_case(what, "a", call_reduction, &(reduction){rlc_argmax, dim, false});
        snprintf(what, sizeof what, "argmin.dim%d", dim);
        check_case(what, "a", call_reduction, &(reduction){rlc_argmin, dim, false});
    }
}

static rlc_tensor *call_linear(rlc_tensor *const *operand, const void *data) {
    return rlc_affine(operand[0], operand[1], operand[2], *(const rlc_activation *)data);
}

static rlc_tensor *call_matmul(rlc_tensor *const *operand, const void *data) {
    (void)data;
    return rlc_matmul(operand[0], operand[1]);
}

static void test_matrix_products(void **state) {
    (void)state;
    static const char *const activations[] = {"identity", "relu", "tanh", "sigmoid", "elu"};
    static const char *const shapes[] = {"1x4x7", "1x120x84", "5x3x2", "33x17x1", "64x84x2", "128x65x48"};
    char what[64];
    for (rlc_activation a = RLC_IDENTITY; a < RLC_ACTIVATION_COUNT; a++) {
        for (int k = 0; k < RLC_COUNT(shapes); k++) {
            snprintf(what, sizeof what, "linear.%s.%s", activations[a], shapes[k]);
            check_case(what, "xwb", call_linear, &a);
        }
    }
    check_case("linear.batch", "xwb", call_linear, &(rlc_activation){RLC_IDENTITY});
    check_case("matmul.square", "ab", call_matmul, NULL);
    check_case("matmul.tall", "ab", call_matmul, NULL);
    check_case("matmul.batch", "ab", call_matmul, NULL);
    check_case("matmul.shared", "ab", call_matmul, NULL);
}

static rlc_tensor *call_gather(rlc_tensor *const *x, const void *dim) {
    const char *name = *(const int *)dim == 0 ? "gather0" : "gather";
    return rlc_gather(x[0], *(const int *)dim, golden_tensor("ops", "%s.index", name));
}

static rlc_tensor *call_index_select(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_index_select(x[0], golden_tensor("ops", "index_select.index"));
}

static void test_indexing(void **state) {
    (void)state;
    check_case("gather", "a", call_gather, &(int){1});
    check_case("gather0", "a", call_gather, &(int){0});
    check_case("index_select", "a", call_index_select, NULL);
}

/* Views and copies, as in ops.py. */
CASE(transpose, rlc_contiguous(rlc_transpose(a, 0, 2)))
CASE(transposed_add, rlc_add(rlc_transpose(a, 0, 1), b))
CASE(slice, rlc_exp(rlc_slice(a, 1, 1, 3)))
CASE(select, rlc_mul_scalar(rlc_select(a, 1, 2), 3))
CASE(expand, rlc_mul_scalar(rlc_contiguous(rlc_expand(a, RLC_SHAPE(4, 3, 5))), 2))
CASE(reshape, rlc_tanh(rlc_reshape(a, RLC_SHAPE(6, -1))))
CASE(cat, rlc_concatenate(x, 2, 1))
CASE(stack, rlc_stack(x, 2, 1))
CASE(chain,
     rlc_mean(rlc_sum(rlc_add(rlc_tanh(rlc_mul(a, b)), rlc_mul(rlc_exp(a), rlc_sub(b, a))), -1, false), RLC_ALL, false))

static void test_views(void **state) {
    (void)state;
    check_case("transpose", "a", call_transpose, NULL);
    check_case("transposed_add", "ab", call_transposed_add, NULL);
    check_case("slice", "a", call_slice, NULL);
    check_case("select", "a", call_select, NULL);
    check_case("expand", "a", call_expand, NULL);
    check_case("reshape", "a", call_reshape, NULL);
    check_case("cat", "ab", call_cat, NULL);
    check_case("stack", "ab", call_stack, NULL);
    check_case("chain", "ab", call_chain, NULL);
    rlc_begin(test_program());
    rlc_tensor *x = golden_tensor("ops", "cast.a");
    expect_close("cast to int64", rlc_cast(x, RLC_I64), golden("ops", "cast.i64"), 0, 0);
    expect_close("cast to bool", rlc_cast(x, RLC_BOOL), golden("ops", "cast.bool"), 0, 0);
    expect_ok(rlc_end(test_program()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_where),
        cmocka_unit_test(test_reductions), cmocka_unit_test(test_matrix_products),
        cmocka_unit_test(test_indexing),   cmocka_unit_test(test_views),
    };
    return cmocka_run_group_tests_name("ops against PyTorch", tests, NULL, NULL);
}
