/* The gradient of every differentiable op against finite differences, in float64. */
#include "tests/gradcheck.h"

#include <stdio.h>

#include "tests/expressions.h"
#include "tests/rows.h"

/* How the shapes of two operands relate; a test runs both orders. */
static const struct {
    const char *name;
    rlc_shape a, b;
} patterns[] = {
    {"equal", {2, {3, 5}}, {2, {3, 5}}},
    {"scalar", {2, {3, 5}}, {0, {0}}},
    {"row", {2, {3, 5}}, {1, {5}}},
    {"column", {2, {3, 5}}, {2, {3, 1}}},
    {"outer", {2, {3, 1}}, {2, {1, 5}}},
    {"inner singleton", {3, {2, 3, 4}}, {3, {2, 1, 4}}},
    {"leading dimensions", {3, {2, 3, 4}}, {2, {3, 4}}},
    {"both leading", {4, {2, 1, 3, 2}}, {3, {4, 3, 1}}},
};

static rlc_tensor *call_row(rlc_tensor *const *x, const void *data) {
    return ((const row *)data)->call(x[0], x[1]);
}

static rlc_tensor *call_row_on_view(rlc_tensor *const *x, const void *data) {
    return ((const row *)data)->call(rlc_transpose(x[0], 0, 1), x[1]);
}

static rlc_tensor *call_row_on_itself(rlc_tensor *const *x, const void *data) {
    return ((const row *)data)->call(x[0], x[0]);
}

/* Rows whose first operand, or both, must be above 0, or between 0 and 1. */
static rlc_tensor *operand_for(const row *r, operand which, rlc_shape shape) {
    static const struct {
        const char *name;
        rlc_tensor *(*operand)(operand which, rlc_shape shape);
        bool both;
    } domains[] = {{"log", positive, false},           {"log1p", positive, false},
                   {"sqrt", positive, false},          {"rsqrt", positive, false},
                   {"reciprocal", positive, false},    {"pow_scalar", positive, false},
                   {"pow", positive, false},           {"bce", unit, false},
                   {"normal_log_prob", positive, true}};
    for (int i = 0; i < RLC_COUNT(domains); i++) {
        if (strcmp(domains[i].name, r->name) == 0 && (which == A || domains[i].both)) {
            return domains[i].operand(which, shape);
        }
    }
    return root(which, shape);
}

static void check_unary_row(const row *r) {
    static const rlc_shape shapes[] = {{0, {0}}, {1, {7}}, {2, {3, 5}}, {3, {2, 3, 4}}};
    char what[96];
    for (int k = 0; k < RLC_COUNT(shapes); k++) {
        snprintf(what, sizeof what, "%s of %d dimensions", r->name, shapes[k].ndim);
        check(&(gradcheck){what, call_row, r, {operand_for(r, A, shapes[k])}, 0});
    }
    snprintf(what, sizeof what, "%s of a transposed view", r->name);
    check(&(gradcheck){what, call_row_on_view, r, {operand_for(r, A, shapes[2])}, 0});
}

static void check_binary_row(const row *r) {
    char what[96];
    for (int k = 0; k < RLC_COUNT(patterns); k++) {
        snprintf(what, sizeof what, "%s, %s", r->name, patterns[k].name);
        check(&(gradcheck){what, call_row, r, {operand_for(r, A, patterns[k].a), operand_for(r, B, patterns[k].b)}, 0});
        snprintf(what, sizeof what, "%s, %s swapped", r->name, patterns[k].name);
        check(&(gradcheck){what, call_row, r, {operand_for(r, A, patterns[k].b), operand_for(r, B, patterns[k].a)}, 0});
    }
    snprintf(what, sizeof what, "%s with a transposed view", r->name);
    check(&(gradcheck){
        what, call_row_on_view, r, {operand_for(r, A, RLC_SHAPE(5, 3)), operand_for(r, B, RLC_SHAPE(3, 5))}, 0});
}

/* What answers in bool passes no gradient on. */
static void check_bool_row(const row *r) {
    rlc_tensor *a = root(A, RLC_SHAPE(3)), *b = root(B, RLC_SHAPE(3));
    rlc_begin(test_program());
    rlc_tensor *y = r->call(a, b);
    assert_non_null(y);
    assert_int_equal(y->dtype, RLC_BOOL);
    assert_false(y->flags & RLC_REQUIRES_GRAD);
    expect_ok(rlc_end(test_program()));
    rlc_tensor_free(a);
    rlc_tensor_free(b);
    cases++;
}

static void test_rows(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        switch (rows[i].kind) {
        case ROW_UNARY: check_unary_row(&rows[i]); break;
        case ROW_BINARY: check_binary_row(&rows[i]); break;
        default: check_bool_row(&rows[i]); break;
        }
    }
    print_message("%d rows of ops.def\n", RLC_COUNT(rows));
    finish("rows");
}

/* Both operands the same tensor: its gradient is the sum of the two sides'. On a tie each side of minimum and maximum
 * gets half, so these have a derivative too. */
static void test_rows_on_one_tensor(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        if (rows[i].kind == ROW_BINARY) {
            check(&(gradcheck){
                rows[i].name, call_row_on_itself, &rows[i], {operand_for(&rows[i], A, RLC_SHAPE(2, 3))}, 0});
        }
    }
    finish("rows on one tensor");
}

static rlc_tensor *call_where(rlc_tensor *const *x, const void *data) {
    static const uint8_t condition[MAX_ELEMENTS] = {1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0,
                                                    1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1};
    return rlc_where(rlc_from_data(RLC_BOOL, *(const rlc_shape *)data, condition), x[0], x[1]);
}

static void test_where(void **state) {
    (void)state;
    char what[96];
    for (int k = 0; k < RLC_COUNT(patterns); k++) {
        const rlc_shape *of[2] = {&patterns[k].a, &patterns[k].b};
        for (int i = 0; i < 8; i++) { /* the shapes of condition, a and b */
            snprintf(what, sizeof what, "where, %s %d", patterns[k].name, i);
            check(&(gradcheck){what, call_where, of[i & 1], {root(A, *of[i >> 1 & 1]), root(B, *of[i >> 2])}, 0});
        }
    }
    finish("where");
}

typedef rlc_tensor *reduction(rlc_tensor *x, int dim, bool keepdim);

typedef struct reduction_case {
    reduction *f;
    int dim;
    bool keepdim, view;
} reduction_case;

static rlc_tensor *call_reduction(rlc_tensor *const *x, const void *data) {
    const reduction_case *r = data;
    return r->f(r->view ? rlc_transpose(x[0], 0, -1) : x[0], r->dim, r->keepdim);
}

/* Without a correction, because that of one element alone would be infinite. */
static rlc_tensor *biased(rlc_tensor *x, int dim, bool keepdim) {
    return rlc_var(x, dim, keepdim, 0);
}

static void test_reductions(void **state) {
    (void)state;
    static const struct {
        const char *name;
        reduction *f;
    } table[] = {{"sum", rlc_sum}, {"mean", rlc_mean}, {"max", rlc_max},
                 {"min", rlc_min}, {"var", biased},    {"logsumexp", rlc_logsumexp}};
    static const rlc_shape shapes[] = {{0, {0}}, {1, {6}}, {2, {1, 5}}, {2, {3, 3}}, {3, {2, 3, 4}}, {4, {2, 1, 3, 2}}};
    char what[96];
    for (int i = 0; i < RLC_COUNT(table); i++) {
        for (int k = 0; k < RLC_COUNT(shapes); k++) {
            for (int dim = -shapes[k].ndim; dim <= shapes[k].ndim; dim++) {
                for (int way = 0; way < 4; way++) {
                    int chosen = dim == shapes[k].ndim ? RLC_ALL : dim;
                    reduction_case r = {table[i].f, chosen, way & 1, way & 2};
                    snprintf(what, sizeof what, "%s of %d dimensions over %d, keepdim %d%s", table[i].name,
                             shapes[k].ndim, chosen, r.keepdim, r.view ? ", of a view" : "");
                    check(&(gradcheck){what, call_reduction, &r, {root(A, shapes[k])}, 0});
                }
            }
        }
    }
    finish("reductions");
}

typedef struct layer {
    rlc_activation activation;
    bool bias, x_view, weight_view, bias_view, computed, twice;
} layer;

/* The layer, with its operands taken as the case says. */
static rlc_tensor *call_affine(rlc_tensor *const *operands, const void *data) {
    const layer *l = data;
    rlc_tensor *x = l->x_view ? rlc_transpose(operands[0], 0, -1) : operands[0];
    rlc_tensor *w = l->weight_view ? rlc_transpose(operands[1], 0, 1) : operands[1], *b = operands[2];
    b = l->bias_view ? rlc_expand(b, RLC_SHAPE(rlc_size(w, 0))) : b;
    if (l->computed) {
        x = rlc_mul_scalar(x, 1.5);
        w = rlc_mul_scalar(w, 0.5);
        b = b != NULL ? rlc_mul_scalar(b, 2) : NULL;
    }
    rlc_tensor *y = rlc_affine(x, w, b, l->activation);
    return l->twice ? rlc_add(y, rlc_affine(rlc_square(x), w, b, l->activation)) : y;
}

static void check_layer(const char *what, layer l, rlc_shape x, rlc_shape weight, rlc_shape bias) {
    gradcheck c = {what, call_affine, &l, {root(A, x), root(B, weight), l.bias ? root(C, bias) : NULL}, 0};
    check(&c);
}

static void test_affine(void **state) {
    (void)state;
    static const char *const activations[] = {"identity", "relu", "tanh", "sigmoid", "elu"};
    static const rlc_shape inputs[] = {{1, {3}}, {2, {1, 3}}, {2, {4, 3}}, {3, {2, 2, 3}}};
    const rlc_shape weight = {2, {5, 3}}, bias = {1, {5}};
    char what[96];
    assert_int_equal(RLC_COUNT(activations), RLC_ACTIVATION_COUNT);
    for (rlc_activation a = RLC_IDENTITY; a < RLC_ACTIVATION_COUNT; a++) {
        for (int k = 0; k < RLC_COUNT(inputs); k++) {
            snprintf(what, sizeof what, "affine %s of %d dimensions", activations[a], inputs[k].ndim);
            check_layer(what, (layer){.activation = a, .bias = true}, inputs[k], weight, bias);
            check_layer(what, (layer){.activation = a}, inputs[k], weight, bias);
        }
        snprintf(what, sizeof what, "affine %s", activations[a]);
        check_layer(what, (layer){.activation = a, .bias = true, .computed = true}, inputs[2], weight, bias);
        check_layer(what, (layer){.activation = a, .bias = true, .twice = true}, inputs[2], weight, bias);
    }
    finish("layers");
}

static void test_affine_of_views(void **state) {
    (void)state;
    const rlc_shape input = {2, {4, 3}}, weight = {2, {5, 3}}, bias = {1, {5}};
    check_layer("affine of a transposed input", (layer){.bias = true, .x_view = true}, (rlc_shape){2, {3, 4}}, weight,
                bias);
    check_layer("affine with a transposed weight", (layer){.bias = true, .weight_view = true}, input,
                (rlc_shape){2, {3, 5}}, bias);
    check_layer("affine with an expanded bias", (layer){.bias = true, .bias_view = true}, input, weight,
                (rlc_shape){1, {1}});
    finish("layers of views");
}

static void check_expressions(const expression *table, int count) {
    for (int k = 0; k < count; k++) {
        gradcheck c = {.what = table[k].name, .f = table[k].call};
        for (int i = 0; i < table[k].count; i++) {
            c.x[i] = root((operand)i, table[k].shapes[i]);
        }
        check(&c);
    }
}

#define EXPRESSION_TEST(test, list)                                                                                    \
    static void test(void **state) {                                                                                   \
        (void)state;                                                                                                   \
        const expression table[] = EXPRESSIONS(list);                                                                  \
        check_expressions(table, RLC_COUNT(table));                                                                    \
        finish(#list);                                                                                                 \
    }
EXPRESSION_TEST(test_products, PRODUCTS)
EXPRESSION_TEST(test_views, VIEWS)
EXPRESSION_TEST(test_joins, JOINS)
EXPRESSION_TEST(test_choices, CHOICES)
EXPRESSION_TEST(test_chains, CHAINS)
EXPRESSION_TEST(test_masks, MASKS)
EXPRESSION_TEST(test_along, ALONG)
EXPRESSION_TEST(test_losses, LOSSES)
EXPRESSION_TEST(test_convolutions, CONVOLUTIONS)
EXPRESSION_TEST(test_pools, POOLS)

/* To float32 and back: with steps and values that float32 holds exactly, differences are exact too. */
static rlc_tensor *call_cast(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_cast(rlc_mul_scalar(rlc_cast(x[0], RLC_F32), 3), RLC_F64);
}

static rlc_tensor *call_promotion(rlc_tensor *const *x, const void *data) {
    (void)data;
    return rlc_add(rlc_cast(x[0], RLC_F32), rlc_transpose(x[1], 0, 1));
}

static rlc_tensor *exact_root(operand which, rlc_shape shape) {
    rlc_tensor *x = root(which, shape);
    double values[MAX_ELEMENTS];
    expect_ok(rlc_tensor_read(x, values));
    for (int64_t i = 0; i < x->numel; i++) {
        values[i] = 0.25 * floor(4 * values[i]);
    }
    expect_ok(rlc_tensor_write(x, values));
    return x;
}

static void test_casts(void **state) {
    (void)state;
    const double step = 0x1p-10;
    check(&(gradcheck){"cast", call_cast, NULL, {exact_root(A, RLC_SHAPE(3, 4))}, step});
    check(&(gradcheck){
        "promotion", call_promotion, NULL, {exact_root(A, RLC_SHAPE(3, 4)), root(B, RLC_SHAPE(4, 3))}, step});
    finish("casts");
}

/* y = scale a b + c^2, element by element; c may be absent. */
static void run_product(const rlc_node *node) {
    const double scale = *(const double *)node->aux, *a = node->in[0]->data, *b = node->in[1]->data;
    const double *c = node->in[2] != NULL ? node->in[2]->data : NULL;
    double *y = node->out->data;
    for (int64_t i = 0; i < node->out->numel; i++) {
        y[i] = scale * a[i] * b[i] + (c != NULL ? c[i] * c[i] : 0);
    }
}

static rlc_tensor *product_gradient(const rlc_node *node, rlc_tensor *g, int i) {
    if (i == 2) {
        return rlc_mul(g, rlc_mul_scalar(node->in[2], 2));
    }
    return rlc_mul(g, rlc_mul_scalar(node->in[1 - i], *(const double *)node->aux));
}

static rlc_tensor *call_custom(rlc_tensor *const *x, const void *data) {
    static const rlc_custom_op op = {
        .name = "scaled_product", .run = run_product, .grad = product_gradient, .host_fallback = true};
    double scale = 2.5; /* gone before the op runs: the program keeps a copy */
    rlc_tensor *a = data != NULL ? rlc_transpose(x[0], 0, 1) : x[0], *b = x[1];
    rlc_tensor *y = rlc_custom(&op, RLC_F64, rlc_shape_of(b), a, b, x[2], &scale, sizeof scale);
    scale = 0;
    return y;
}

static void test_custom_ops(void **state) {
    (void)state;
    const rlc_shape shape = {2, {3, 4}};
    check(&(gradcheck){"custom", call_custom, NULL, {root(A, shape), root(B, shape), root(C, shape)}, 0});
    check(&(gradcheck){"custom of two", call_custom, NULL, {root(A, shape), root(B, shape)}, 0});
    check(&(gradcheck){"custom of a view", call_custom, "view", {root(A, RLC_SHAPE(4, 3)), root(B, shape)}, 0});
    finish("custom ops");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rows, fresh_start),
        cmocka_unit_test_setup(test_rows_on_one_tensor, fresh_start),
        cmocka_unit_test_setup(test_where, fresh_start),
        cmocka_unit_test_setup(test_reductions, fresh_start),
        cmocka_unit_test_setup(test_affine, fresh_start),
        cmocka_unit_test_setup(test_products, fresh_start),
        cmocka_unit_test_setup(test_views, fresh_start),
        cmocka_unit_test_setup(test_joins, fresh_start),
        cmocka_unit_test_setup(test_choices, fresh_start),
        cmocka_unit_test_setup(test_chains, fresh_start),
        cmocka_unit_test_setup(test_masks, fresh_start),
        cmocka_unit_test_setup(test_along, fresh_start),
        cmocka_unit_test_setup(test_losses, fresh_start),
        cmocka_unit_test_setup(test_convolutions, fresh_start),
        cmocka_unit_test_setup(test_pools, fresh_start),
        cmocka_unit_test_setup(test_casts, fresh_start),
        cmocka_unit_test_setup(test_custom_ops, fresh_start),
        cmocka_unit_test_setup(test_affine_of_views, fresh_start),
    };
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
