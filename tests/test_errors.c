/* Errors of ops: NULL is passed on, each op names itself, the first error is the one kept, and nothing runs after it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/operands.h"
#include "tests/rows.h"

static void do_nothing(const rlc_node *node) {
    (void)node;
}

static const rlc_custom_op my_op = {.name = "my_op", .run = do_nothing};

/* Every op of core/op.h that is not a row of ops.def, on operands x that fit: X(name, expression). */
#define OPS(X)                                                                                                         \
    X(logical_not, rlc_logical_not(x))                                                                                 \
    X(where, rlc_where(x, x, x))                                                                                       \
    X(cast, rlc_cast(x, RLC_F64))                                                                                      \
    X(from_bytes, rlc_from_bytes(x, x))                                                                                \
    X(reshape, rlc_reshape(x, RLC_SHAPE(-1)))                                                                          \
    X(flatten, rlc_flatten(x, 0, -1))                                                                                  \
    X(squeeze, rlc_squeeze(x, 0))                                                                                      \
    X(unsqueeze, rlc_unsqueeze(x, 0))                                                                                  \
    X(transpose, rlc_transpose(x, 0, 1))                                                                               \
    X(expand, rlc_expand(x, RLC_SHAPE(2, 1, 3)))                                                                       \
    X(slice, rlc_slice(x, 0, 0, 1))                                                                                    \
    X(select, rlc_select(x, 0, 0))                                                                                     \
    X(detach, rlc_detach(x))                                                                                           \
    X(clone, rlc_clone(x))                                                                                             \
    X(concatenate, rlc_concatenate(TWO(x, x), 2, 0))                                                                   \
    X(stack, rlc_stack(TWO(x, x), 2, 0))                                                                               \
    X(sum, rlc_sum(x, 0, false))                                                                                       \
    X(mean, rlc_mean(x, 0, false))                                                                                     \
    X(any, rlc_any(x, 0, false))                                                                                       \
    X(all, rlc_all(x, 0, false))                                                                                       \
    X(argmax, rlc_argmax(x, 0, false))                                                                                 \
    X(argmin, rlc_argmin(x, 0, false))                                                                                 \
    X(max, rlc_max(x, 0, false))                                                                                       \
    X(min, rlc_min(x, RLC_ALL, false))                                                                                 \
    X(gather, rlc_gather(x, 0, x))                                                                                     \
    X(index_select, rlc_index_select(x, x))                                                                            \
    X(one_hot, rlc_one_hot(x, 3))                                                                                      \
    X(view, rlc_view(x, RLC_SHAPE(-1)))                                                                                \
    X(permute, rlc_permute(x, (const int[]){0, 1}))                                                                    \
    X(slice_step, rlc_slice_step(x, 0, 0, 1, 1))                                                                       \
    X(repeat, rlc_repeat(x, RLC_SHAPE(2, 1)))                                                                          \
    X(split, rlc_split(x, 1, 0, parts, 8) > 0 ? x : NULL)                                                              \
    X(chunk, rlc_chunk(x, 1, 0, parts, 8) > 0 ? x : NULL)                                                              \
    X(unbind, rlc_unbind(x, 0, parts, 8) > 0 ? x : NULL)                                                               \
    X(var, rlc_var(x, 0, false, 1))                                                                                    \
    X(std, rlc_std(x, 0, false, 1))                                                                                    \
    X(logsumexp, rlc_logsumexp(x, 0, false))                                                                           \
    X(softmax, rlc_softmax(x, 0))                                                                                      \
    X(log_softmax, rlc_log_softmax(x, 0))                                                                              \
    X(cumsum, rlc_cumsum(x, 0))                                                                                        \
    X(argsort, rlc_argsort(x, 0, true))                                                                                \
    X(sort, rlc_sort(x, 0, true, NULL))                                                                                \
    X(topk, rlc_topk(x, 1, 0, true, NULL))                                                                             \
    X(discounted_scan, rlc_discounted_scan(x, x, NULL, 0))                                                             \
    X(resample, rlc_resample(x, 0, x, x))                                                                              \
    X(scatter, rlc_scatter(x, 0, x, x))                                                                                \
    X(scatter_add, rlc_scatter_add(x, 0, x, x))                                                                        \
    X(take, rlc_take(x, 0, x))                                                                                         \
    X(masked_select, rlc_masked_select(x, x))                                                                          \
    X(nonzero, rlc_nonzero(x))                                                                                         \
    X(cross_entropy, rlc_cross_entropy(x, x))                                                                          \
    X(nll, rlc_nll(x, x))                                                                                              \
    X(bernoulli, rlc_bernoulli(stream, x))                                                                             \
    X(multinomial, rlc_multinomial(stream, x, 1, true))                                                                \
    X(matmul, rlc_matmul(x, x))                                                                                        \
    X(affine, rlc_affine(x, x, NULL, RLC_IDENTITY))                                                                    \
    X(layer_norm, rlc_layer_norm(x, 1, NULL, NULL, 1e-5))                                                              \
    X(batch_norm, rlc_batch_norm(x, NULL, NULL, NULL, NULL, true, 0.1, 1e-5, RLC_IDENTITY))                            \
    X(activate, rlc_activate(x, RLC_RELU))                                                                             \
    X(conv2d, rlc_conv2d(x, x, NULL, (rlc_conv){0}))                                                                   \
    X(conv_transpose2d, rlc_conv_transpose2d(x, x, NULL, (rlc_conv){0}))                                               \
    X(max_pool2d, rlc_max_pool2d(x, (rlc_pool){.kernel = {1, 1}}))                                                     \
    X(avg_pool2d, rlc_avg_pool2d(x, (rlc_pool){.kernel = {1, 1}}))                                                     \
    X(adaptive_avg_pool2d, rlc_adaptive_avg_pool2d(x, 1, 1))                                                           \
    X(pad, rlc_pad(x, 1, 1, 1, 1, 0))                                                                                  \
    X(cross_entropy_loss, rlc_cross_entropy_loss(x, x, NULL, RLC_REDUCE_MEAN))                                         \
    X(nll_loss, rlc_nll_loss(x, x, NULL, RLC_REDUCE_MEAN))                                                             \
    X(binary_cross_entropy, rlc_binary_cross_entropy(x, x, NULL, RLC_REDUCE_MEAN))                                     \
    X(binary_cross_entropy_with_logits, rlc_binary_cross_entropy_with_logits(x, x, NULL, NULL, RLC_REDUCE_MEAN))       \
    X(normal_draw, rlc_normal_draw(stream, x, x))                                                                      \
    X(dropout, rlc_dropout(stream, x, 0.5))                                                                            \
    X(random_categorical, rlc_random_categorical(stream, x))

/* And those that take none, or may do without. */
#define SOURCES(X)                                                                                                     \
    X(empty, rlc_empty(RLC_F32, RLC_SHAPE(2)))                                                                         \
    X(zeros, rlc_zeros(RLC_F32, RLC_SHAPE(2)))                                                                         \
    X(full, rlc_full(RLC_F32, RLC_SHAPE(2), 1))                                                                        \
    X(scalar, rlc_scalar(1))                                                                                           \
    X(ones, rlc_ones(RLC_F32, RLC_SHAPE(2)))                                                                           \
    X(arange_step, rlc_arange_step(RLC_F32, 0, 1, 0.5))                                                                \
    X(linspace, rlc_linspace(RLC_F32, 0, 1, 1))                                                                        \
    X(arange, rlc_arange(RLC_I64, 2))                                                                                  \
    X(from_data, rlc_from_data(RLC_F32, RLC_SHAPE(1), "abc"))                                                          \
    X(rand, rlc_rand(stream, RLC_SHAPE(2)))                                                                            \
    X(randn, rlc_randn(stream, RLC_SHAPE(2)))                                                                          \
    X(randint, rlc_randint(stream, 0, 2, RLC_SHAPE(2)))                                                                \
    X(randperm, rlc_randperm(stream, 2))                                                                               \
    X(random_index, rlc_random_index(stream, bound, 2))                                                                \
    X(custom, rlc_custom(&my_op, RLC_F32, RLC_SHAPE(2), x, x, NULL, NULL, 0))

typedef struct use {
    const char *name;
    rlc_tensor *(*call)(rlc_tensor *x);
} use;

#define DEFINE(name, expression)                                                                                       \
    static rlc_tensor *use_##name(rlc_tensor *x) {                                                                     \
        (void)x;                                                                                                       \
        return expression;                                                                                             \
    }
OPS(DEFINE)
SOURCES(DEFINE)

#define USE_ROW(name, expression) {#name, use_##name},
static const use ops[] = {OPS(USE_ROW)};
static const use sources[] = {SOURCES(USE_ROW)};

static void test_null_passes_through(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        assert_null(rows[i].call(NULL, m));
        assert_true(rows[i].kind == ROW_UNARY || rows[i].call(m, NULL) == NULL);
    }
    for (int i = 0; i < RLC_COUNT(ops); i++) {
        assert_null(ops[i].call(NULL));
    }
    assert_null(rlc_contiguous(NULL));
    assert_null(rlc_where(bits, m, NULL));
    assert_null(rlc_where(bits, NULL, m));
    assert_null(rlc_gather(m, 0, NULL));
    assert_null(rlc_index_select(m, NULL));
    assert_null(rlc_matmul(m, NULL));
    assert_null(rlc_affine(m, NULL, NULL, RLC_IDENTITY));
    assert_null(rlc_concatenate(TWO(m, NULL), 2, 0));
    assert_null(rlc_stack(TWO(NULL, m), 2, 0));
    assert_null(rlc_random_index(stream, NULL, 2));
    assert_null(rlc_rand(NULL, RLC_SHAPE(2)));
    rlc_assign(NULL, m);
    rlc_assign(m, NULL);
    assert_int_equal(rlc_size(NULL, 0), 0);
    expect_ok(rlc_end(p)); /* passing NULL on is no error of its own */
}

static bool is_listed(const char *name) {
    for (int i = 0; i < RLC_COUNT(ops); i++) {
        if (strcmp(ops[i].name, name) == 0) {
            return true;
        }
    }
    for (int i = 0; i < RLC_COUNT(sources); i++) {
        if (strcmp(sources[i].name, name) == 0) {
            return true;
        }
    }
    return strcmp(name, "contiguous") == 0; /* which asks clone, but for what is contiguous already */
}

/* All that op.h declares. */
static void test_lists_are_complete(void **state) {
    (void)state;
    FILE *in = fopen("core/op.h", "r");
    char line[256], name[64];
    int missing = 0, found = 0;
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "rlc_tensor *rlc_%63[a-z0-9_](", name) == 1 ||
            sscanf(line, "int rlc_%63[a-z0-9_](", name) == 1) {
            found++;
            if (!is_listed(name)) {
                print_error("rlc_%s is neither in OPS nor in SOURCES\n", name);
                missing++;
            }
        }
    }
    fclose(in);
    assert_int_equal(missing, 0);
    assert_int_equal(found, RLC_COUNT(ops) + RLC_COUNT(sources) + 1);
}

/* After a mistake ops go on returning NULL, the ones without operands too. */
static void test_null_after_an_error(void **state) {
    (void)state;
    assert_null(rlc_add(m, v));
    for (int i = 0; i < RLC_COUNT(sources); i++) {
        if (sources[i].call != use_empty && sources[i].call != use_from_data) { /* which record no node */
            assert_null(sources[i].call(m));
        }
    }
    assert_null(rlc_add(m, m));
    expect_error(rlc_end(p), RLC_INVALID, "add: shapes [2, 3] and [4] do not broadcast");
}

/* Those that speak of the op that does their work. */
static const char *name_said(const char *name) {
    static const char *const others[][2] = {{"affine", "linear"},
                                            {"activate", "relu"},
                                            {"cross_entropy_loss", "cross_entropy"},
                                            {"nll_loss", "nll"},
                                            {"custom", "my_op"}};
    for (int i = 0; i < RLC_COUNT(others); i++) {
        if (strcmp(name, others[i][0]) == 0) {
            return others[i][1];
        }
    }
    return name;
}

/* Counts what `call` says wrongly without a program: it must return NULL and name the op. */
static int misnamed_without_program(const char *name, rlc_tensor *result) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s: no program is open", name_said(name));
    bool good = result == NULL && strncmp(rlc_error(), wanted, strlen(wanted)) == 0;
    if (!good) {
        print_error("%s without a program returned %s and said '%s'\n", name, result == NULL ? "NULL" : "a tensor",
                    rlc_error());
    }
    rlc_error_clear();
    return !good;
}

static void test_without_program(void **state) {
    (void)state;
    expect_ok(rlc_end(p));
    int wrong = 0;
    for (int i = 0; i < RLC_COUNT(rows); i++) {
        wrong += misnamed_without_program(rows[i].name, rows[i].call(m, m));
    }
    for (int i = 0; i < RLC_COUNT(ops); i++) {
        wrong += misnamed_without_program(ops[i].name, ops[i].call(row1));
    }
    for (int i = 0; i < RLC_COUNT(sources); i++) {
        wrong += misnamed_without_program(sources[i].name, sources[i].call(m));
    }
    assert_int_equal(wrong, 0);
}

/* The first error is the one reported, with the path of the module that made it. */
static void test_first_error_sticks(void **state) {
    (void)state;
    p->where = "modules.value_net.0";
    rlc_tensor *good = rlc_square(m);
    rlc_tensor *bad = rlc_add(good, v);
    p->where = "modules.policy";
    assert_null(rlc_mean(rlc_exp(bad), RLC_ALL, false));
    assert_null(rlc_matmul(m, m));
    assert_null(rlc_exp(good));
    assert_string_equal(rlc_error(), "modules.value_net.0: add: shapes [2, 3] and [4] do not broadcast");
    float values[6];
    assert_int_equal(rlc_read(good, values), RLC_INVALID);
    assert_true(isnan(rlc_item(NULL)));
    expect_error(rlc_end(p), RLC_INVALID, "modules.value_net.0: add: shapes [2, 3] and [4] do not broadcast");
    rlc_begin(p); /* starts anew */
    assert_null(p->where);
    assert_true(rlc_item(rlc_sum(rlc_square(s), RLC_ALL, false)) == 0);
    expect_ok(rlc_end(p));
}

/* Nothing of a program with an error runs, not even what was recorded before it. */
static void test_nothing_runs_after_an_error(void **state) {
    (void)state;
    skip_off_host();
    rlc_assign(s, rlc_scalar(7));
    rlc_add(m, v);
    rlc_assign(s, rlc_scalar(8));
    expect_error(rlc_end(p), RLC_INVALID, "add: ");
    assert_true(*(float *)s->data == 0);
    rlc_begin(p);
    rlc_index_select(m, rlc_full(RLC_I64, RLC_SHAPE(1), 2));
    rlc_assign(s, rlc_scalar(9));
    expect_error(rlc_end(p), RLC_FAILED, "index_select: ");
    assert_true(*(float *)s->data == 0);
}

/* What no longer fits behind a prefix is cut, and seen to be. */
static void test_long_prefix(void **state) {
    (void)state;
    char text[2001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rlc_fail(RLC_INVALID, "%s", text);
    rlc_error_prefix("recipe.yaml:7: ");
    assert_int_equal(strlen(rlc_error()), 2000 + 15);
    rlc_error_prefix("%.40s: ", text);
    const char *message = rlc_error();
    assert_int_equal(strlen(message), 2047);
    assert_memory_equal(message + 40, ": recipe.yaml:7: xxx", 20);
    assert_string_equal(message + 2043, "x...");
    rlc_error_clear();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_null_passes_through, start_misuse),
        cmocka_unit_test_setup(test_lists_are_complete, start_misuse),
        cmocka_unit_test_setup(test_null_after_an_error, start_misuse),
        cmocka_unit_test_setup(test_without_program, start_misuse),
        cmocka_unit_test_setup(test_first_error_sticks, start_misuse),
        cmocka_unit_test_setup(test_nothing_runs_after_an_error, start_misuse),
        cmocka_unit_test(test_long_prefix),
    };
    return cmocka_run_group_tests_name("errors", tests, make_operands, free_operands);
}
