/* Ops along a dimension, sorting, scattering, losses and sequences against PyTorch, forward and backward, in float32. */
#include "tests/golden_case.h"

typedef struct along {
    rlc_tensor *(*f)(rlc_tensor *x, int dim);
    int dim;
} along;

static rlc_tensor *call_along(rlc_tensor *const *x, const void *data) {
    const along *c = data;
    return rlc_mul_scalar(c->f(rlc_mul_scalar(x[0], 2), c->dim), 0.5);
}

static void test_along(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_tensor *(*f)(rlc_tensor *x, int dim);
    } functions[] = {{"softmax", rlc_softmax}, {"log_softmax", rlc_log_softmax}, {"cumsum", rlc_cumsum}};
    static const struct {
        const char *name;
        int ndim;
    } shapes[] = {{"7", 1}, {"5x3x17", 3}, {"4x2", 2}, {"2x1100", 2}};
    char what[64];
    for (int i = 0; i < RLC_COUNT(functions); i++) {
        for (int k = 0; k < RLC_COUNT(shapes); k++) {
            for (int dim = 0; dim < shapes[k].ndim; dim++) {
                snprintf(what, sizeof what, "%s.%s.dim%d", functions[i].name, shapes[k].name, dim);
                check_case(what, "a", call_along, &(along){functions[i].f, dim});
            }
        }
    }
}

typedef struct reduction {
    const char *name;
    int dim;
    bool keepdim;
} reduction;

static rlc_tensor *call_reduction(rlc_tensor *const *x, const void *data) {
    const reduction *r = data;
    if (strcmp(r->name, "logsumexp") == 0) {
        return rlc_mul_scalar(rlc_logsumexp(rlc_mul_scalar(x[0], 3), r->dim, r->keepdim), 1.0 / 3);
    }
    double correction = strcmp(r->name, "var0") == 0 ? 0 : 1;
    return strcmp(r->name, "std") == 0 ? rlc_std(x[0], r->dim, r->keepdim, correction)
                                       : rlc_var(x[0], r->dim, r->keepdim, correction);
}

CASE(logsumexp, rlc_logsumexp(a, 1, false))

static void test_statistics(void **state) {
    (void)state;
    static const char *const names[] = {"var", "var0", "std", "logsumexp"};
    char what[64];
    for (int i = 0; i < RLC_COUNT(names); i++) {
        for (int k = 0; k < 6; k++) {
            snprintf(what, sizeof what, "%s.dim%d.keep%d", names[i], k / 2, k % 2);
            check_case(what, "a", call_reduction, &(reduction){names[i], k / 2, k % 2});
        }
    }
    check_case("logsumexp.infinite", "a", call_logsumexp, NULL);
}

typedef struct order {
    int dim;
    bool descending;
} order;

static rlc_tensor *call_sort(rlc_tensor *const *x, const void *data) {
    const order *o = data;
    return rlc_sort(x[0], o->dim, o->descending, NULL);
}

static rlc_tensor *call_topk(rlc_tensor *const *x, const void *data) {
    const order *o = data;
    return rlc_topk(x[0], 2, o->dim, o->descending, NULL);
}

static rlc_tensor *call_argsort(rlc_tensor *const *x, const void *data) {
    const order *o = data;
    return rlc_argsort(x[0], o->dim, o->descending);
}

static void test_order(void **state) {
    (void)state;
    static const struct {
        const char *name;
        function *f;
    } table[] = {{"sort", call_sort}, {"topk", call_topk}, {"argsort", call_argsort}};
    char what[64];
    for (int i = 0; i < RLC_COUNT(table); i++) {
        for (int k = 0; k < 6; k++) {
            snprintf(what, sizeof what, "%s.dim%d.down%d", table[i].name, k / 2, k % 2);
            check_case(what, "a", table[i].f, &(order){k / 2, k % 2});
        }
    }
    check_case("argsort.nan.down0", "a", call_argsort, &(order){0, false});
    check_case("argsort.nan.down1", "a", call_argsort, &(order){0, true});
}

#define GOLDEN(name) golden_tensor("ops", name)
CASE(gather_short, rlc_gather(a, 1, rlc_slice(GOLDEN("gather.index"), 0, 0, 4)))
CASE(scatter, rlc_scatter(a, 1, GOLDEN("scatter.index"), b))
CASE(scatter_add, rlc_scatter_add(a, 1, GOLDEN("scatter_add.index"), b))
CASE(scatter_add0, rlc_scatter_add(a, 0, GOLDEN("scatter_add0.index"), b))
CASE(masked, rlc_masked_select(a, GOLDEN("masked.mask")))

static rlc_tensor *call_take(rlc_tensor *const *x, const void *dim) {
    return rlc_take(x[0], *(const int *)dim, GOLDEN("take.index"));
}

static void test_places(void **state) {
    (void)state;
    check_case("gather_short", "a", call_gather_short, NULL);
    check_case("scatter", "ab", call_scatter, NULL);
    check_case("scatter_add", "ab", call_scatter_add, NULL);
    check_case("scatter_add0", "ab", call_scatter_add0, NULL);
    check_case("take.dim0", "a", call_take, &(int){0});
    check_case("take.dim1", "a", call_take, &(int){1});
    check_case("take.dim2", "a", call_take, &(int){2});
    check_case("masked", "a", call_masked, NULL);
    rlc_begin(test_program());
    expect_close("nonzero", rlc_nonzero(GOLDEN("masked.mask")), golden("ops", "masked.nonzero"), 0, 0);
    expect_ok(rlc_end(test_program()));
}

CASE(cross_entropy, rlc_cross_entropy(a, GOLDEN("cross_entropy.target")))
CASE(cross_entropy_spatial, rlc_cross_entropy(a, GOLDEN("cross_entropy_spatial.target")))
CASE(cross_entropy_row, rlc_cross_entropy(a, rlc_select(GOLDEN("cross_entropy.target"), 0, 0)))
CASE(cross_entropy_soft, rlc_cross_entropy(a, b))
CASE(nll, rlc_nll(a, GOLDEN("cross_entropy.target")))

static void test_losses(void **state) {
    (void)state;
    check_case("cross_entropy", "a", call_cross_entropy, NULL);
    check_case("cross_entropy_spatial", "a", call_cross_entropy_spatial, NULL);
    check_case("cross_entropy_row", "a", call_cross_entropy_row, NULL);
    check_case("cross_entropy_soft", "ab", call_cross_entropy_soft, NULL);
    check_case("cross_entropy_soft_spatial", "ab", call_cross_entropy_soft, NULL);
    check_case("nll", "a", call_nll, NULL);
}

static rlc_tensor *parts[8];
CASE(permute, rlc_exp(rlc_permute(a, (const int[]){2, 0, 1})))
CASE(slice_step, rlc_exp(rlc_slice_step(a, 1, 1, 6, 2)))
CASE(slice_negative, rlc_slice_step(a, 0, -3, -1, 1))
CASE(repeat, rlc_repeat(a, RLC_SHAPE(2, 1, 3)))
CASE(split, rlc_split(a, 2, 1, parts, 8) == 3 ? rlc_mul(parts[1], parts[0]) : NULL)
CASE(chunk, rlc_chunk(a, 3, 1, parts, 8) == 3 ? parts[2] : NULL)
CASE(unbind, rlc_unbind(a, 1, parts, 8) == 4 ? rlc_mul_scalar(parts[2], 2) : NULL)
CASE(matmul, rlc_matmul(a, b))

static void test_views_and_products(void **state) {
    (void)state;
    check_case("permute", "a", call_permute, NULL);
    check_case("slice_step", "a", call_slice_step, NULL);
    check_case("slice_negative", "a", call_slice_negative, NULL);
    check_case("repeat", "a", call_repeat, NULL);
    check_case("split", "a", call_split, NULL);
    check_case("chunk", "a", call_chunk, NULL);
    check_case("unbind", "a", call_unbind, NULL);
    check_case("matmul.broadcast", "ab", call_matmul, NULL);
    check_case("matmul.vector", "ab", call_matmul, NULL);
}

static void test_sequences(void **state) {
    (void)state;
    rlc_begin(test_program());
    expect_close("arange", rlc_arange_step(RLC_F32, -1.5, 2, 0.25), golden("ops", "arange.out"), 0, 0);
    expect_close("arange of integers", rlc_arange_step(RLC_I64, 7, -8, -3), golden("ops", "arange_int.out"), 0, 0);
    expect_close("linspace", rlc_linspace(RLC_F32, -2, 5.3, 24), golden("ops", "linspace.out"), 1e-6, 0);
    expect_close("linspace of one", rlc_linspace(RLC_F32, 3, 9, 1), golden("ops", "linspace_one.out"), 0, 0);
    assert_true(rlc_item(rlc_select(rlc_linspace(RLC_F64, 0, 0.3, 7), 0, 6)) == 0.3); /* exactly the end */
    assert_int_equal(rlc_size(rlc_linspace(RLC_F32, 0, 1, 0), 0), 0);
    expect_ok(rlc_end(test_program()));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_along),  cmocka_unit_test(test_statistics),         cmocka_unit_test(test_order),
        cmocka_unit_test(test_places), cmocka_unit_test(test_losses),             cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_views_and_products),
    };
    return cmocka_run_group_tests_name("more ops against PyTorch", tests, NULL, NULL);
}
