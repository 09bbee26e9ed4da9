/* Draws with given probabilities: their frequencies, and what must never come. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

static rlc_stream *stream;
static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    stream = rlc_stream_new(test_device(), 7, "draws");
    rlc_begin(p);
    return stream != NULL ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    rlc_stream_free(stream);
    return 0;
}

enum { ROUNDS = 20000 };

/* Five standard deviations of a binomial share: one in two million fails by chance. */
static void expect_share(const char *what, double got, double share, double count) {
    double deviation = sqrt(share * (1 - share) / count);
    if (fabs(got - share) > 5 * deviation) {
        fail_msg("%s: a share of %g, wanted %g +- %g", what, got, share, deviation);
    }
}

static void test_bernoulli(void **state) {
    (void)state;
    static const float probability[] = {0, 0.1f, 0.5f, 0.93f, 1};
    rlc_tensor *each = rlc_from_data(RLC_F32, RLC_SHAPE(5, 1), probability);
    rlc_tensor *hits = rlc_bernoulli(stream, rlc_expand(each, RLC_SHAPE(5, ROUNDS)));
    assert_int_equal(hits->dtype, RLC_F32);
    double *share = read_doubles(rlc_mean(hits, 1, false));
    for (int i = 0; i < 5; i++) {
        expect_share("bernoulli", share[i], (double)probability[i], ROUNDS);
    }
    free(share);
    expect_ok(rlc_end(p));
}

static const float weights[] = {1, 0, 3, 0.5f, 0, 5.5f, 0, /**/ 0, 0, 2, 2, 0, 0, 0};
enum { ROWS = 2, CLASSES = 7 };

static void test_with_replacement(void **state) {
    (void)state;
    rlc_tensor *w = rlc_from_data(RLC_F32, RLC_SHAPE(ROWS, CLASSES), weights);
    rlc_tensor *drawn = rlc_multinomial(stream, w, ROUNDS, true);
    assert_int_equal(drawn->dtype, RLC_I64);
    assert_true(rlc_shape_equal(rlc_shape_of(drawn), RLC_SHAPE(ROWS, ROUNDS)));
    double *index = read_doubles(drawn);
    for (int row = 0; row < ROWS; row++) {
        double counts[CLASSES] = {0}, total = 0;
        for (int i = 0; i < ROUNDS; i++) {
            counts[(int)index[row * ROUNDS + i]]++;
        }
        for (int c = 0; c < CLASSES; c++) {
            total += (double)weights[row * CLASSES + c];
        }
        for (int c = 0; c < CLASSES; c++) {
            expect_share("with replacement", counts[c] / ROUNDS, (double)weights[row * CLASSES + c] / total, ROUNDS);
        }
    }
    free(index);
    expect_ok(rlc_end(p));
}

/* The first draw goes by the weights; the others are other ones, and those without a weight come last. */
static void test_without_replacement(void **state) {
    (void)state;
    rlc_tensor *w = rlc_from_data(RLC_F32, RLC_SHAPE(1, CLASSES), weights);
    double *index = read_doubles(rlc_multinomial(stream, rlc_expand(w, RLC_SHAPE(ROUNDS, CLASSES)), 4, false));
    double first[CLASSES] = {0};
    for (int i = 0; i < ROUNDS; i++) {
        unsigned seen = 0;
        for (int k = 0; k < 4; k++) {
            seen |= 1u << (int)index[4 * i + k];
        }
        assert_int_equal(seen, 1u << 0 | 1u << 2 | 1u << 3 | 1u << 5);
        first[(int)index[4 * i]]++;
    }
    for (int c = 0; c < CLASSES; c++) {
        expect_share("without replacement", first[c] / ROUNDS, (double)weights[c] / 10, ROUNDS);
    }
    free(index);
    expect_ok(rlc_end(p));
}

static void test_other_rounds_differ(void **state) {
    (void)state;
    rlc_tensor *w = rlc_ones(RLC_F32, RLC_SHAPE(1000));
    double *a = read_doubles(rlc_multinomial(stream, w, 50, true)), *b = read_doubles(rlc_multinomial(stream, w, 50, true));
    int same = 0;
    for (int i = 0; i < 50; i++) {
        same += a[i] == b[i];
    }
    assert_true(same < 5);
    free(a);
    free(b);
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bernoulli, start, stop),
        cmocka_unit_test_setup_teardown(test_with_replacement, start, stop),
        cmocka_unit_test_setup_teardown(test_without_replacement, start, stop),
        cmocka_unit_test_setup_teardown(test_other_rounds_differ, start, stop),
    };
    return cmocka_run_group_tests_name("draws", tests, NULL, NULL);
}
