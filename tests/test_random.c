/* Random numbers: Philox against its published vectors, streams and their counters, and what the draws look like.
 * Everything is seeded, so a bound of five standard errors holds always or never. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/philox.h"
#include "core/rng.h"

enum { SAMPLES = 100000 };

static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    rlc_begin(p);
    return 0;
}

/* Random123's kat_vectors for philox4x32, ten rounds: counter, key, result. */
static const uint32_t vectors[3][10] = {
    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
     0x6d5451fd},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
     0x24126ea1},
};

static uint64_t join(const uint32_t *halves) {
    return (uint64_t)halves[1] << 32 | halves[0];
}

/* Both the library, and rlc's layout: the counter is its low half, the lane its high half. */
static void test_known_answers(void **state) {
    (void)state;
    for (int i = 0; i < RLC_COUNT(vectors); i++) {
        const uint32_t *v = vectors[i];
        philox4x32_ctr_t counter = {{v[0], v[1], v[2], v[3]}};
        philox4x32_key_t key = {{v[4], v[5]}};
        philox4x32_ctr_t words = philox4x32_R(10, counter, key);
        rlc_block block = rlc_philox(join(v + 4), join(v), join(v + 2));
        for (int k = 0; k < 4; k++) {
            assert_int_equal(words.v[k], v[6 + k]);
            assert_int_equal(block.word[k], v[6 + k]);
        }
    }
}

static void test_words_to_numbers(void **state) {
    (void)state;
    assert_true(rlc_unit(0) == 0 && rlc_unit(0xff) == 0 && rlc_unit(0x100) == 0x1p-24f);
    assert_true(rlc_unit(0xffffffff) == 1 - 0x1p-24f);
    assert_true(rlc_between(0, -2, 3) == -2 && rlc_between(0x80000000, -2, 3) == 0.5f);
    assert_int_equal(rlc_below(0, 10), 0);
    assert_int_equal(rlc_below(0xffffffff, 10), 9);
    assert_int_equal(rlc_below(0xffffffff, (int64_t)1 << 32), 0xffffffff);
    assert_int_equal(rlc_below(0x80000000, 1), 0);
    for (uint32_t word = 0; word < 64; word++) {
        uint32_t u = word * 0x04104104u;
        float x = rlc_normal(u, 0x12345678, 0), y = rlc_normal(u, 0x12345678, 1);
        float radius = sqrtf(-2 * logf((float)((u >> 8) + 1) * 0x1p-24f));
        assert_true(fabsf(hypotf(x, y) - radius) <= 1e-6f * (1 + radius));
        assert_true(isfinite(x) && isfinite(y));
    }
}

/* Element i of a draw is word i % 4 of block counter + i / 4, for any kind of draw. */
static void test_layout_of_draws(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 7, "layout");
    int64_t at = ((int64_t)1 << 40) + 5;
    for (int n = 0; n < 23; n++) {
        expect_ok(rlc_tensor_write(stream->counter, &at));
        rlc_tensor *u = rlc_rand(stream, RLC_SHAPE(n)), *z = rlc_randn(stream, RLC_SHAPE(n));
        rlc_tensor *k = rlc_randint(stream, -3, 9, RLC_SHAPE(n));
        float us[32], zs[32];
        int64_t ks[32], blocks = (n + 3) / 4;
        expect_ok(rlc_read(u, us));
        expect_ok(rlc_read(z, zs));
        expect_ok(rlc_read(k, ks));
        for (int i = 0; i < n; i++) {
            uint64_t block = (uint64_t)(at + i / 4);
            rlc_block first = rlc_philox(stream->key, block, 0);
            rlc_block second = rlc_philox(stream->key, block + (uint64_t)blocks, 0);
            rlc_block third = rlc_philox(stream->key, block + 2 * (uint64_t)blocks, 0);
            assert_true(us[i] == rlc_unit(first.word[i % 4]));
            assert_true(zs[i] == rlc_normal(second.word[i % 4 & 2], second.word[(i % 4) | 1], i & 1));
            assert_int_equal(ks[i], -3 + rlc_below(third.word[i % 4], 12));
        }
    }
    expect_ok(rlc_end(p));
    rlc_stream_free(stream);
}

static void draw(rlc_stream *stream, int count, float *values) {
    rlc_begin(p);
    expect_ok(rlc_read(rlc_rand(stream, RLC_SHAPE(count)), values));
    expect_ok(rlc_end(p));
}

static void test_streams(void **state) {
    (void)state;
    const struct {
        uint64_t seed;
        const char *name;
    } streams[] = {{1, "env"}, {2, "env"}, {1, "init"},         {1, "modules.explore"},    {1, ""},
                   {0, "env"}, {1, "vne"}, {UINT64_MAX, "env"}, {(uint64_t)1 << 32, "env"}};
    float first[RLC_COUNT(streams)][16], again[16];
    for (int i = 0; i < RLC_COUNT(streams); i++) {
        rlc_stream *stream = rlc_stream_new(test_device(), streams[i].seed, streams[i].name);
        assert_true(stream->key == rlc_stream_key(streams[i].seed, streams[i].name));
        draw(stream, 16, first[i]);
        draw(stream, 16, again); /* moves on */
        assert_memory_not_equal(first[i], again, sizeof again);
        rlc_stream_free(stream);
        stream = rlc_stream_new(test_device(), streams[i].seed, streams[i].name);
        draw(stream, 16, again); /* the same seed and name begin the same */
        assert_memory_equal(first[i], again, sizeof again);
        rlc_stream_free(stream);
        for (int k = 0; k < i; k++) {
            assert_memory_not_equal(first[i], first[k], sizeof again);
        }
    }
    rlc_stream_free(NULL);
}

/* The counter moves on by the blocks a draw used, when it runs; put back, it repeats the draw. */
static void test_counters(void **state) {
    (void)state;
    skip_off_host();
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "counter");
    int64_t expected = 0, *counter = stream->counter->data, remembered;
    for (int n = 0; n < 20; n++) {
        rlc_tensor *all[] = {rlc_rand(stream, RLC_SHAPE(n)), rlc_randn(stream, RLC_SHAPE(n)),
                             rlc_randint(stream, 0, 5, RLC_SHAPE(n)), rlc_randperm(stream, n),
                             rlc_random_index(stream, rlc_full(RLC_I64, RLC_SHAPE(1), 5), n)};
        assert_int_equal(*counter, expected);
        expect_ok(rlc_read(all[4], (int64_t[20]){0}));
        expected += RLC_COUNT(all) * ((n + 3) / 4);
        assert_int_equal(*counter, expected);
    }
    float first[10], again[10], after[10];
    expect_ok(rlc_end(p));
    expect_ok(rlc_tensor_read(stream->counter, &remembered));
    draw(stream, 10, first);
    draw(stream, 10, after);
    expect_ok(rlc_tensor_write(stream->counter, &remembered));
    draw(stream, 10, again);
    assert_memory_equal(first, again, sizeof first);
    draw(stream, 10, again);
    assert_memory_equal(after, again, sizeof after);
    rlc_stream_free(stream);
}

/* Mean of f(x) over the sample must be within five standard errors of what theory says. */
static void expect_mean(const char *what, const double *x, double mean, double variance) {
    double sum = 0, error = 5 * sqrt(variance / SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        sum += x[i];
    }
    if (!(fabs(sum / SAMPLES - mean) <= error)) {
        fail_msg("%s has mean %g, wanted %g +- %g", what, sum / SAMPLES, mean, error);
    }
}

/* x^power for each x, or the power of its product with the x `lag` elements on. */
static const double *powers(const double *x, int power, int lag) {
    static double result[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        result[i] = pow(lag > 0 ? x[i] * x[(i + lag) % SAMPLES] : x[i], power);
    }
    return result;
}

/* Pearson's test over equal bins: chi^2 has mean bins - 1 and variance 2 (bins - 1). */
static void expect_even(const char *what, const double *x, double low, double high, int bins) {
    int counts[64] = {0};
    double chi2 = 0, wanted = (double)SAMPLES / bins;
    for (int i = 0; i < SAMPLES; i++) {
        int bin = (int)floor((x[i] - low) * bins / (high - low));
        assert_in_range(bin, 0, bins - 1);
        counts[bin]++;
    }
    for (int b = 0; b < bins; b++) {
        chi2 += (counts[b] - wanted) * (counts[b] - wanted) / wanted;
    }
    if (!(fabs(chi2 - (bins - 1)) <= 5 * sqrt(2.0 * (bins - 1)))) {
        fail_msg("%s is uneven: chi^2 is %g for %d bins", what, chi2, bins);
    }
}

static double *sample(rlc_tensor *draws) {
    double *x = read_doubles(draws);
    expect_ok(rlc_end(p));
    return x;
}

static void test_uniform(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "uniform");
    double *u = sample(rlc_rand(stream, RLC_SHAPE(100, SAMPLES / 100)));
    expect_even("uniform", u, 0, 1, 64);
    for (int k = 1; k <= 4; k++) {
        double mean = 1.0 / (k + 1);
        expect_mean("a power of a uniform", powers(u, k, 0), mean, 1.0 / (2 * k + 1) - mean * mean);
    }
    for (int lag = 1; lag <= 8; lag++) { /* neighbours are independent: E[u v] = 1/4 */
        expect_mean("neighbouring uniforms", powers(u, 1, lag), 0.25, 1.0 / 9 - 1.0 / 16 + 2.0 / 48);
    }
    free(u);
    rlc_stream_free(stream);
}

static void test_normal(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "normal");
    double *z = sample(rlc_randn(stream, RLC_SHAPE(SAMPLES))), *even = malloc(SAMPLES * sizeof *even);
    /* E[z^k] is 0, 1, 0, 3, 0, 15; E[z^2k] gives the variances */
    static const double moments[] = {1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395};
    for (int k = 1; k <= 6; k++) {
        expect_mean("a power of a normal", powers(z, k, 0), moments[k], moments[2 * k] - moments[k] * moments[k]);
    }
    for (int lag = 1; lag <= 8; lag++) {
        expect_mean("neighbouring normals", powers(z, 1, lag), 0, 1);
        expect_mean("squares of neighbouring normals", powers(z, 2, lag), 1, 8 + 2 * 2);
    }
    for (int i = 0; i < SAMPLES; i++) {
        even[i] = 0.5 * erfc(-z[i] / sqrt(2)); /* its distribution function makes it uniform */
        assert_true(fabs(z[i]) < 5.8);         /* sqrt(2 ln 2^24) */
    }
    expect_even("normal", even, 0, 1, 64);
    free(even);
    free(z);
    rlc_stream_free(stream);
}

static void test_integers(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "integers");
    static const int64_t ranges[][2] = {{0, 1}, {0, 2}, {-3, 4}, {5, 55}, {-1000000007, 1000000009}, {0, UINT32_MAX}};
    for (int i = 0; i < RLC_COUNT(ranges); i++) {
        int64_t low = ranges[i][0], high = ranges[i][1], size = high - low;
        rlc_begin(p);
        double *k = sample(rlc_randint(stream, low, high, RLC_SHAPE(SAMPLES)));
        expect_even("integers", k, (double)low, (double)high, size < 64 ? (int)size : 64);
        free(k);
    }
    rlc_stream_free(stream);
}

static bool is_permutation(const int64_t *order, int n) {
    bool *seen = calloc((size_t)n + 1, sizeof *seen), good = true;
    for (int i = 0; i < n && good; i++) {
        good = order[i] >= 0 && order[i] < n && !seen[order[i]];
        seen[good ? order[i] : n] = true;
    }
    free(seen);
    return good;
}

static void test_permutations(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "permutations");
    static const int sizes[] = {0, 1, 2, 3, 7, 64, 255, 256, 257, 10000};
    static int64_t first[10000], second[10000];
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        expect_ok(rlc_read(rlc_randperm(stream, sizes[i]), first));
        expect_ok(rlc_read(rlc_randperm(stream, sizes[i]), second));
        assert_true(is_permutation(first, sizes[i]) && is_permutation(second, sizes[i]));
        assert_true(sizes[i] < 64 || memcmp(first, second, (size_t)sizes[i] * sizeof *first) != 0);
    }
    /* each of the six orders of three comes up a sixth of the time */
    enum { ROUNDS = 6000 };
    int counts[27] = {0};
    for (int i = 0; i < ROUNDS; i++) {
        rlc_begin(p);
        expect_ok(rlc_read(rlc_randperm(stream, 3), first));
        counts[9 * first[0] + 3 * first[1] + first[2]]++;
    }
    int orders = 0;
    for (int i = 0; i < 27; i++) {
        orders += counts[i] > 0;
        assert_true(counts[i] == 0 || fabs(counts[i] - ROUNDS / 6.0) <= 5 * sqrt(ROUNDS / 6.0 * 5 / 6));
    }
    assert_int_equal(orders, 6);
    expect_ok(rlc_end(p));
    rlc_stream_free(stream);
}

/* The bound is read when the op runs, so that one recorded step serves a buffer that fills. */
static void test_random_index(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "index");
    rlc_tensor *bound = rlc_tensor_new(test_device(), RLC_I64, RLC_SHAPE(1));
    for (int64_t n = 1; n <= 50; n += 7) {
        rlc_begin(p);
        rlc_assign(bound, rlc_full(RLC_I64, RLC_SHAPE(1), (double)n));
        double *k = sample(rlc_random_index(stream, bound, SAMPLES));
        expect_even("indices", k, 0, (double)n, (int)n);
        free(k);
    }
    rlc_begin(p); /* also a view of a cursor {head, size} */
    rlc_tensor *cursor = rlc_from_data(RLC_I64, RLC_SHAPE(2), (int64_t[]){1000, 3});
    double *k = sample(rlc_random_index(stream, rlc_slice(cursor, 0, 1, 1), SAMPLES));
    expect_even("indices by a cursor", k, 0, 3, 3);
    free(k);
    static const int64_t empty[] = {0, -1, INT64_MIN};
    for (int i = 0; i < RLC_COUNT(empty); i++) {
        rlc_begin(p);
        p->where = "buffer";
        expect_ok(rlc_tensor_write(bound, &empty[i]));
        assert_non_null(rlc_random_index(stream, bound, 4));
        expect_error(rlc_end(p), RLC_FAILED, "buffer: random_index: there is nothing to choose from");
    }
    rlc_tensor_free(bound);
    rlc_stream_free(stream);
}

/* A word has 32 bits: a bound that they cannot reach is refused, and not quietly drawn from the lower part. */
static void test_bound_beyond_a_word(void **state) {
    (void)state;
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "beyond");
    rlc_tensor *bound = rlc_full(RLC_I64, RLC_SHAPE(1), 0x1p33);
    assert_non_null(rlc_random_index(stream, bound, 4));
    expect_error(rlc_end(p), RLC_FAILED, "random_index: ");
    rlc_stream_free(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_known_answers, start),
        cmocka_unit_test_setup(test_words_to_numbers, start),
        cmocka_unit_test_setup(test_layout_of_draws, start),
        cmocka_unit_test_setup(test_streams, start),
        cmocka_unit_test_setup(test_counters, start),
        cmocka_unit_test_setup(test_uniform, start),
        cmocka_unit_test_setup(test_normal, start),
        cmocka_unit_test_setup(test_integers, start),
        cmocka_unit_test_setup(test_permutations, start),
        cmocka_unit_test_setup(test_random_index, start),
        cmocka_unit_test_setup(test_bound_beyond_a_word, start),
    };
    return cmocka_run_group_tests_name("random numbers", tests, NULL, NULL);
}
