/* Prioritised replay: its trees and weights against TorchRL's sampler (tests/golden/prioritized.py), and how often rows
 * are drawn. */
#include "tests/world.h"

#include <stdio.h>

#include "collectors/buffer.h"
#include "core/priority.h"
#include "core/update.h"
#include "objectives/loss.h"

static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    return 0;
}

/* The trees of a ring, and what goes with them. */
typedef struct ring {
    rlc_priority settings;
    rlc_tensor *tree, *largest, *cursor;
    rlc_stream *stream;
} ring;

static ring ring_of(int64_t capacity, double alpha, double eps) {
    ring r = {.settings = {alpha, eps, capacity}};
    r.tree = rlc_tensor_new(test_device(), RLC_F64, rlc_priority_shape(capacity));
    r.largest = rlc_tensor_new(test_device(), RLC_F64, (rlc_shape){0});
    r.cursor = rlc_tensor_new(test_device(), RLC_I64, RLC_SHAPE(2));
    r.stream = rlc_stream_new(test_device(), 1, "draws");
    assert_true(r.tree != NULL && r.largest != NULL && r.cursor != NULL && r.stream != NULL);
    expect_ok(rlc_priority_clear(r.tree));
    expect_ok(rlc_tensor_write(r.largest, &(double){1}));
    return r;
}

static void ring_free(ring *r) {
    rlc_tensor_free(r->tree);
    rlc_tensor_free(r->largest);
    rlc_tensor_free(r->cursor);
    rlc_stream_free(r->stream);
}

static void add_rows(const ring *r, int64_t count) {
    rlc_priority_extend(r->tree, r->largest, r->cursor, count, &r->settings);
    rlc_ring_advance(r->cursor, count, r->settings.capacity);
}

/* Rows 0 .. count - 1 with these errors. */
static ring ring_with(int64_t capacity, double alpha, const float *errors, int64_t count) {
    ring r = ring_of(capacity, alpha, 0);
    rlc_begin(p);
    add_rows(&r, count);
    rlc_priority_update(r.tree, r.largest, rlc_arange(RLC_I64, count), rlc_from_data(RLC_F32, RLC_SHAPE(count), errors),
                        &r.settings);
    expect_ok(rlc_end(p));
    return r;
}

/* Every node is what its two children say. */
static void expect_sound(const ring *r) {
    const int64_t nodes = rlc_size(r->tree, 1);
    const double *sum = peek(r->tree), *min = sum + nodes;
    for (int64_t i = 1; i < nodes / 2; i++) {
        assert_true(sum[i] == sum[2 * i] + sum[2 * i + 1]);
        assert_true(min[i] == fmin(min[2 * i], min[2 * i + 1]));
    }
}

static void check_step(const ring *r, const char *name, rlc_tensor *beta) {
    rlc_begin(p);
    if (has_golden("prioritized", "%s.count", name)) {
        add_rows(r, *(const int64_t *)golden("prioritized", "%s.count", name)->data);
    } else {
        rlc_priority_update(r->tree, r->largest, golden_tensor("prioritized", "%s.index", name),
                            golden_tensor("prioritized", "%s.error", name), &r->settings);
    }
    const rlc_safetensors_entry *leaf = golden("prioritized", "%s.leaf", name);
    rlc_tensor *leaves = rlc_slice(rlc_select(r->tree, 0, 0), 0, rlc_size(r->tree, 1) / 2, leaf->shape.size[0]);
    expect_close(name, rlc_contiguous(leaves), leaf, 1e-6, 0);
    expect_close(name, r->largest, golden("prioritized", "%s.largest", name), 1e-7, 0);
    rlc_tensor *weight = rlc_priority_weight(r->tree, golden_tensor("prioritized", "%s.drawn", name), beta);
    expect_close(name, weight, golden("prioritized", "%s.weight", name), 1e-5, 0);
    expect_ok(rlc_end(p));
    expect_sound(r);
}

static void test_against_torchrl(void **state) {
    (void)state;
    for (int i = 0; i < 22; i++) {
        const double *settings = golden("prioritized", "%d.settings", i)->data;
        ring r = ring_of((int64_t)settings[0], settings[1], 1e-8);
        rlc_tensor *beta = rlc_tensor_new(test_device(), RLC_F32, (rlc_shape){0});
        expect_ok(rlc_tensor_write(beta, &(float){(float)settings[2]}));
        for (int step = 0; step < (int)settings[3]; step++) {
            char name[32];
            snprintf(name, sizeof name, "%d.%d", i, step);
            check_step(&r, name, beta);
        }
        rlc_tensor_free(beta);
        ring_free(&r);
    }
}

/* Priorities 1, 2, 4 at alpha 0.7 and beta 0.9: worked out by hand. */
static void test_weights(void **state) {
    (void)state;
    ring r = ring_with(3, 0.7, (float[]){1, 2, 4}, 3);
    rlc_begin(p);
    EXPECT(rlc_priority_weight(r.tree, rlc_arange(RLC_I64, 3), rlc_scalar(0.9)), 1, 0.646176, 0.417544);
    EXPECT(rlc_priority_weight(r.tree, rlc_arange(RLC_I64, 3), rlc_scalar(0)), 1, 1, 1);
    EXPECT(r.largest, 4);
    expect_ok(rlc_end(p));
    ring_free(&r);
}

/* The sign of an error does not matter; of equal rows the last counts; the largest error ever is kept. */
static void test_updates(void **state) {
    (void)state;
    ring r = ring_with(3, 1, (float[]){-3, 2, -5}, 3);
    rlc_begin(p);
    EXPECT(rlc_priority_weight(r.tree, rlc_arange(RLC_I64, 3), rlc_scalar(-1)), 1.5, 1, 2.5);
    rlc_tensor *index = rlc_from_data(RLC_I64, RLC_SHAPE(3), (int64_t[]){2, 0, 2});
    rlc_priority_update(r.tree, r.largest, index, rlc_from_data(RLC_F32, RLC_SHAPE(3, 1), (float[]){9, 2, 4}),
                        &r.settings);
    EXPECT(rlc_priority_weight(r.tree, rlc_arange(RLC_I64, 3), rlc_scalar(-1)), 1, 1, 2);
    add_rows(&r, 1);
    EXPECT(rlc_priority_weight(r.tree, rlc_arange(RLC_I64, 3), rlc_scalar(-1)), 4.5, 1, 2);
    expect_ok(rlc_end(p));
    expect_sound(&r);
    ring_free(&r);
}

/* In proportion to priorities, within five standard deviations; and a draw tells nothing of the next one. */
static void expect_shares(const ring *r, const double *share, int rows) {
    enum { DRAWS = 100, BATCH = 1001, MAX_ROWS = 64 };
    double count[MAX_ROWS] = {0}, again = 0, wanted_again = 0, n = DRAWS * BATCH, total = 0;
    int64_t previous = -1;
    for (int i = 0; i < rows; i++) {
        total += share[i];
    }
    for (int draw = 0; draw < DRAWS; draw++) {
        int64_t index[BATCH];
        rlc_begin(p);
        expect_ok(rlc_read(rlc_priority_sample(r->stream, r->tree, BATCH), index));
        expect_ok(rlc_end(p));
        for (int i = 0; i < BATCH; i++) {
            assert_true(index[i] >= 0 && index[i] < rows);
            count[index[i]]++;
            again += index[i] == previous;
            previous = index[i];
        }
    }
    for (int i = 0; i < rows; i++) {
        const double q = share[i] / total;
        wanted_again += q * q;
        assert_true(fabs(count[i] - n * q) <= 5 * sqrt(n * q * (1 - q)));
    }
    assert_true(fabs(again - n * wanted_again) < 5 * sqrt(n * wanted_again));
}

static void test_frequencies(void **state) {
    (void)state;
    float errors[37];
    double share[37];
    for (int i = 0; i < 37; i++) {
        errors[i] = (float)(1 + i % 5) * (i % 7 == 3 ? 1e-3f : 1);
        share[i] = pow((double)errors[i], 0.6);
    }
    ring r = ring_with(50, 0.6, errors, 37);
    expect_shares(&r, share, 37);
    ring_free(&r);
    r = ring_with(37, 0, errors, 37); /* alpha 0 is uniform */
    expect_shares(&r, (double[37]){[0 ... 36] = 1}, 37);
    ring_free(&r);
    r = ring_with(8, 1, (float[]){0, 3, 0, 0, 0, 0, 1, 0}, 8); /* what counts nothing is never drawn */
    expect_shares(&r, (double[]){0, 3, 0, 0, 0, 0, 1, 0}, 8);
    ring_free(&r);
}

static rlc_buffer *buffer_of(const char *options) {
    rlc_buffer *b = NULL;
    rlc_begin(p);
    rlc_dict *example = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(example, "x", rlc_arange(RLC_F32, 1));
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 1, options, example, &b));
    expect_ok(rlc_end(p));
    return b;
}

static void extend(rlc_buffer *b, int64_t count) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(count));
    rlc_dict_set(td, "x", rlc_arange(RLC_F32, count));
    rlc_buffer_extend(b, td);
}

/* Through the buffer: a sample has weights, its errors come back, the next sample goes by them. */
static void test_buffer(void **state) {
    (void)state;
    rlc_buffer *b = buffer_of("{type: PrioritizedReplayBuffer, capacity: 3, batch_size: 3, alpha: 1, beta: 1}");
    rlc_begin(p);
    extend(b, 3);
    rlc_dict *td = rlc_buffer_sample(b);
    EXPECT(rlc_dict_get(td, "priority_weight"), 1, 1, 1);
    expect_shape(rlc_dict_get(td, "index"), RLC_I64, RLC_SHAPE(3));
    rlc_tensor *all = rlc_arange(RLC_I64, 3);
    rlc_dict *rows = rlc_dict_new(RLC_SHAPE(3));
    rlc_dict_set(rows, "index", all);
    rlc_dict_set(rows, "td_error", rlc_from_data(RLC_F32, RLC_SHAPE(3, 1), (float[]){0, 2, 0}));
    rlc_buffer_update(b, rows);
    td = rlc_buffer_sample(b); /* (2 + 1e-8) / 2e-8 to one */
    EXPECT(rlc_dict_get(td, "x"), 1, 1, 1);
    rlc_dict_set(rows, "td_error", rlc_from_data(RLC_F32, RLC_SHAPE(3, 1), (float[]){1, 4, 1}));
    rlc_buffer_update(b, rows);
    td = rlc_buffer_sample(b);
    double *x = read_doubles(rlc_dict_get(td, "x")), *weight = read_doubles(rlc_dict_get(td, "priority_weight"));
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(weight[i] - (x[i] == 1 ? 0.25 : 1)) < 1e-6);
    }
    free(x);
    free(weight);
    expect_ok(rlc_end(p));
    rlc_buffer_free(b);
}

static void test_beta_rises(void **state) {
    (void)state;
    rlc_buffer *b = buffer_of("{type: PrioritizedReplayBuffer, capacity: 2, batch_size: 1, alpha: 1, beta: 0.5, "
                              "beta_end: 0.9, annealing_num_steps: 4}");
    rlc_begin(p);
    extend(b, 2);
    rlc_dict *rows = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(rows, "index", rlc_arange(RLC_I64, 2));
    rlc_dict_set(rows, "td_error", rlc_from_data(RLC_F32, RLC_SHAPE(2, 1), (float[]){0, 4e9f})); /* always the second */
    rlc_buffer_update(b, rows);
    static const double beta[] = {0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9};
    for (int i = 0; i < RLC_COUNT(beta); i++) {
        double got = rlc_item(rlc_dict_get(rlc_buffer_sample(b), "priority_weight"));
        double wanted = pow(4e9 / 1e-8, -beta[i]);
        assert_true(fabs(got - wanted) < 1e-4 * wanted);
    }
    expect_ok(rlc_end(p));
    rlc_buffer_free(b);
}

static void test_misuse(void **state) {
    (void)state;
    static const float wrong[] = {NAN, INFINITY};
    ring r = ring_of(3, 1, 1e-8);
    rlc_begin(p);
    rlc_priority_sample(r.stream, r.tree, 2);
    expect_error(rlc_end(p), RLC_FAILED, "the replay buffer is empty");
    for (int i = 0; i < 2; i++) {
        rlc_begin(p);
        add_rows(&r, 1);
        rlc_priority_update(r.tree, r.largest, rlc_arange(RLC_I64, 1), rlc_scalar((double)wrong[i]), &r.settings);
        expect_error(rlc_end(p), RLC_FAILED, "which is no priority");
    }
    rlc_begin(p);
    rlc_priority_update(r.tree, r.largest, rlc_full(RLC_I64, RLC_SHAPE(1), 3), rlc_ones(RLC_F32, RLC_SHAPE(1)),
                        &r.settings);
    expect_error(rlc_end(p), RLC_FAILED, "row 3 is outside of a ring of 3 rows");
    rlc_begin(p);
    rlc_priority_weight(r.tree, rlc_full(RLC_I64, RLC_SHAPE(1), 2), rlc_scalar(1));
    expect_error(rlc_end(p), RLC_FAILED, "row 2 has no priority");
    rlc_begin(p);
    rlc_priority_update(r.tree, r.largest, rlc_arange(RLC_I64, 2), rlc_scalar(1), &r.settings);
    expect_error(rlc_end(p), RLC_INVALID, "priority_update: errors float32 [] do not fit rows int64 [2]");
    rlc_begin(p);
    rlc_priority_extend(r.tree, r.largest, r.cursor, 4, &r.settings);
    expect_error(rlc_end(p), RLC_INVALID, "no more rows (4) than the capacity (3)");
    rlc_begin(p);
    rlc_priority_sample(r.stream, r.largest, 4);
    expect_error(rlc_end(p), RLC_INVALID, "the trees are float64 []");
    ring_free(&r);
    rlc_buffer *b = buffer_of("{type: PrioritizedReplayBuffer, capacity: 3, batch_size: 2}");
    rlc_begin(p);
    extend(b, 3);
    rlc_buffer_update(b, rlc_buffer_sample(b));
    expect_error(rlc_end(p), RLC_INVALID, "there is no key 'td_error'");
    rlc_buffer_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_against_torchrl, start), cmocka_unit_test_setup(test_weights, start),
        cmocka_unit_test_setup(test_updates, start),         cmocka_unit_test_setup(test_frequencies, start),
        cmocka_unit_test_setup(test_buffer, start),          cmocka_unit_test_setup(test_beta_rises, start),
        cmocka_unit_test_setup(test_misuse, start),
    };
    return cmocka_run_group_tests_name("prioritised replay", tests, NULL, NULL);
}
