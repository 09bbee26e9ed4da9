/* The distributions of stochastic policies against torch and TorchRL (tests/golden/distributions.py), and what their
 * samples are like. */
#include "tests/with_model.h"

#include <stdio.h>

#include "modules/distribution.h"

/* A family of a model with such actions, by what a recipe says. */
static rlc_distribution_family *family_of(rlc_spec action, const char *options) {
    rlc_model_free(model);
    model = world_model(7, action);
    rlc_module *any = world_add(model, "any", "{type: MLP, out_keys: [loc], out_features: 3}");
    rlc_distribution_family *family = rlc_distribution_family_new(any, world_value(options), &action);
    if (family == NULL) {
        fail_msg("%s: %s", options, rlc_error());
    }
    expect_ok(rlc_model_allocate(model));
    return family;
}

static rlc_stream *stream_of(void) {
    return rlc_module_stream(rlc_model_find(model, "any"), "draws");
}

static rlc_distribution describe(const rlc_distribution_family *family, rlc_tensor *const *parameters) {
    rlc_distribution d = {.family = family};
    for (int i = 0; i < RLC_MAX_DISTRIBUTION_PARAMETERS; i++) {
        d.parameter[i] = parameters[i];
    }
    if (family->type->prepare != NULL) {
        family->type->prepare(&d);
    }
    return d;
}

typedef struct operands {
    rlc_tensor *p[RLC_MAX_DISTRIBUTION_PARAMETERS], *q[RLC_MAX_DISTRIBUTION_PARAMETERS];
} operands;

/* The case's numbers, those of the second distribution too, as roots to differentiate for. */
static operands load(const rlc_distribution_family *family, const char *name) {
    operands o = {0};
    for (int i = 0; family->type->keys[i] != NULL; i++) {
        const char *key = family->type->keys[i];
        if (golden("distributions", "%s.%s", name, key)->dtype == RLC_BOOL) {
            continue;
        }
        o.p[i] = golden_root("distributions", "%s.%s", name, key);
        o.q[i] =
            has_golden("distributions", "%s.%s2", name, key) ? golden_root("distributions", "%s.%s2", name, key) : NULL;
    }
    return o;
}

static void unload(operands *o) {
    for (int i = 0; i < RLC_MAX_DISTRIBUTION_PARAMETERS; i++) {
        rlc_tensor_free(o->p[i]);
        rlc_tensor_free(o->q[i]);
    }
}

typedef rlc_tensor *question(rlc_distribution *d, rlc_distribution *other, const char *name);

static rlc_tensor *ask_log_prob(rlc_distribution *d, rlc_distribution *other, const char *name) {
    (void)other;
    return rlc_distribution_log_prob(d, golden_tensor("distributions", "%s.value", name));
}

static rlc_tensor *ask_entropy(rlc_distribution *d, rlc_distribution *other, const char *name) {
    (void)other, (void)name;
    return rlc_distribution_entropy(d, NULL);
}

static rlc_tensor *ask_kl(rlc_distribution *d, rlc_distribution *other, const char *name) {
    (void)name;
    return rlc_distribution_kl(d, other);
}

static rlc_tensor *ask_mean(rlc_distribution *d, rlc_distribution *other, const char *name) {
    (void)other, (void)name;
    return rlc_distribution_mean(d);
}

static rlc_tensor *ask_mode(rlc_distribution *d, rlc_distribution *other, const char *name) {
    (void)other, (void)name;
    return rlc_distribution_mode(d);
}

static rlc_tensor *ask_deterministic(rlc_distribution *d, rlc_distribution *other, const char *name) {
    (void)other, (void)name;
    return rlc_distribution_deterministic(d);
}

static void expect_gradient(rlc_tensor *root, const char *name, const char *what, const char *key, double atol) {
    char label[160];
    if (has_golden("distributions", "%s.%s.d%s", name, what, key)) {
        snprintf(label, sizeof label, "%s: gradient of %s for %s", name, what, key);
        expect_close(label, root->grad, golden("distributions", "%s.%s.d%s", name, what, key), 1e-5, atol);
    }
}

/* One question about a case, where the golden file answers it. */
static void check_question(const rlc_distribution_family *family, const char *name, const char *what, question *ask,
                           double atol) {
    if (!has_golden("distributions", "%s.%s", name, what)) {
        return;
    }
    char label[160], second[32];
    snprintf(label, sizeof label, "%s: %s", name, what);
    operands o = load(family, name);
    rlc_begin(p);
    rlc_tensor *parameters[RLC_MAX_DISTRIBUTION_PARAMETERS] = {o.p[0], o.p[1], o.p[2]};
    if (family->type->num_required == 2 && o.p[1] == NULL) {
        parameters[1] = golden_tensor("distributions", "%s.mask", name);
    }
    rlc_distribution d = describe(family, parameters), other = {0};
    if (o.q[0] != NULL) {
        other = describe(family, o.q);
    }
    rlc_tensor *answer = ask(&d, &other, name);
    expect_close(label, answer, golden("distributions", "%s.%s", name, what), 1e-5, atol);
    if (has_golden("distributions", "%s.g", name) && answer->flags & RLC_REQUIRES_GRAD && answer->ndim == 1) {
        rlc_backward(rlc_sum(rlc_mul(answer, golden_tensor("distributions", "%s.g", name)), RLC_ALL, false));
        for (int i = 0; family->type->keys[i] != NULL; i++) {
            expect_gradient(o.p[i], name, what, family->type->keys[i], atol);
            snprintf(second, sizeof second, "%s2", family->type->keys[i]);
            expect_gradient(o.q[i], name, what, second, atol);
        }
    }
    expect_ok(rlc_end(p));
    unload(&o);
}

static void check_family(const rlc_distribution_family *family, const char *name, double atol) {
    assert_true(has_golden("distributions", "%s.log_prob", name));
    check_question(family, name, "log_prob", ask_log_prob, atol);
    check_question(family, name, "entropy", ask_entropy, atol);
    check_question(family, name, "kl", ask_kl, atol);
    check_question(family, name, "mean", ask_mean, atol);
    check_question(family, name, "mode", ask_mode, atol);
    check_question(family, name, "deterministic", ask_deterministic, atol);
}

static rlc_spec interval(double low, double high) {
    return rlc_spec_bounded(RLC_SHAPE(3), low, high);
}

static void test_normal(void **state) {
    (void)state;
    rlc_distribution_family *family = family_of(rlc_spec_unbounded(RLC_SHAPE(3)), "Normal");
    check_family(family, "Normal.usual", 2e-6);
    check_family(family, "Normal.tiny", 1e-3); /* gradients reach 1e4, a float's resolution of (x - loc) / scale */
    check_family(family, "Normal.large", 2e-6);
}

static void test_tanh_normal(void **state) {
    (void)state;
    check_family(family_of(interval(-1, 1), "TanhNormal"), "TanhNormal.unit", 4e-6);
    check_family(family_of(interval(-2, 2), "TanhNormal"), "TanhNormal.double", 4e-6);
    check_family(family_of(interval(-1, 1), "{type: TanhNormal, low: -0.5, high: 3.5}"), "TanhNormal.odd", 1e-5);
    check_family(family_of(interval(-1, 1), "{type: TanhNormal, tanh_loc: true}"), "TanhNormal.held", 4e-6);
    check_family(family_of(interval(-0.5, 3.5), "{type: TanhNormal, tanh_loc: true, upscale: 2}"),
                 "TanhNormal.held_odd", 1e-5);
    check_family(family_of(interval(-2, 2), "{type: TanhNormal, tanh_loc: true, upscale: 1.5}"), "TanhNormal.held_wide",
                 4e-6);
    check_family(family_of(interval(-1, 1), "TanhNormal"), "TanhNormal.edge", 1e-5);
    check_family(family_of(interval(-1, 1), "TanhNormal"), "TanhNormal.tiny", 2e-2); /* as for Normal */
    check_family(family_of(interval(-1, 1), "TanhNormal"), "TanhNormal.large", 4e-6);
}

static void test_truncated_normal(void **state) {
    (void)state;
    check_family(family_of(interval(-1, 1), "TruncatedNormal"), "TruncatedNormal.unit", 1e-5);
    check_family(family_of(interval(-0.5, 3.5), "TruncatedNormal"), "TruncatedNormal.odd", 1e-5);
}

static void test_points(void **state) {
    (void)state;
    check_family(family_of(rlc_spec_unbounded(RLC_SHAPE(3)), "Delta"), "Delta.usual", 0);
    check_family(family_of(interval(-2, 2), "TanhDelta"), "TanhDelta.usual", 1e-6);
}

static void test_categorical(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t count;
    } cases[] = {{"usual", 5}, {"two", 2}, {"one", 1}, {"sharp", 4}, {"many", 67}, {"tied", 4}};
    static const char *const families[] = {"Categorical", "OneHotCategorical", "MaskedCategorical",
                                           "MaskedOneHotCategorical"};
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        for (int k = 0; k < RLC_COUNT(families); k++) {
            char name[64];
            snprintf(name, sizeof name, "%s.%s", families[k], cases[i].name);
            rlc_spec action = k % 2 == 0 ? rlc_spec_categorical(cases[i].count) : rlc_spec_one_hot(cases[i].count);
            check_family(family_of(action, families[k]), name, 4e-6);
        }
    }
}

/* The values that are written down for those who build on them: loc 0.5, scale 1, 0.3 before the squashing. */
static void test_tanh_normal_by_hand(void **state) {
    (void)state;
    rlc_distribution_family *family = family_of(rlc_spec_bounded(RLC_SHAPE(1), -1, 1), "TanhNormal");
    rlc_begin(p);
    rlc_tensor *parameters[RLC_MAX_DISTRIBUTION_PARAMETERS] = {rlc_from_data(RLC_F32, RLC_SHAPE(1), (float[]){0.5f}),
                                                               rlc_from_data(RLC_F32, RLC_SHAPE(1), (float[]){1})};
    rlc_distribution d = describe(family, parameters);
    rlc_tensor *raw = rlc_from_data(RLC_F32, RLC_SHAPE(1), (float[]){0.3f}), *action = rlc_tanh(raw);
    EXPECT(action, 0.291313);
    EXPECT(rlc_distribution_log_prob(&d, action), -0.850257); /* by the inverse */
    d.drawn = action, d.raw = raw;
    EXPECT(rlc_distribution_log_prob(&d, action), -0.850257); /* by what is remembered */
    EXPECT(rlc_distribution_deterministic(&d), tanh(0.5));
    expect_ok(rlc_end(p));
}

/* A far sample is squashed to 1, from where there is no way back: only what was drawn has the right log-probability. */
static void test_own_samples_keep_their_log_prob(void **state) {
    (void)state;
    rlc_distribution_family *family = family_of(rlc_spec_bounded(RLC_SHAPE(1), -1, 1), "TanhNormal");
    rlc_begin(p);
    rlc_tensor *parameters[RLC_MAX_DISTRIBUTION_PARAMETERS] = {rlc_full(RLC_F32, RLC_SHAPE(4, 1), 20),
                                                               rlc_full(RLC_F32, RLC_SHAPE(4, 1), 0.1)};
    rlc_distribution d = describe(family, parameters);
    rlc_tensor *sample = rlc_distribution_sample(&d, stream_of());
    double *values = read_doubles(rlc_distribution_log_prob(&d, sample)), *raw = read_doubles(d.raw);
    for (int i = 0; i < 4; i++) {
        double z = (raw[i] - 20) / 0.1;
        double wanted = -0.5 * z * z - log(0.1) - 0.5 * log(2 * M_PI) - 2 * (M_LN2 - raw[i] - log1p(exp(-2 * raw[i])));
        assert_true(fabs(values[i] - wanted) < 1e-3);
    }
    free(values);
    free(raw);
    expect_ok(rlc_end(p));
}

/* A distribution of COUNT rows with such loc and scale in all its three elements. */
enum { COUNT = 100000, EVENT = 3 };

static rlc_distribution many(const rlc_distribution_family *family, double loc, double scale) {
    rlc_shape shape = RLC_SHAPE(COUNT, EVENT);
    rlc_tensor *parameters[RLC_MAX_DISTRIBUTION_PARAMETERS] = {rlc_full(RLC_F32, shape, loc),
                                                               rlc_full(RLC_F32, shape, scale)};
    return describe(family, parameters);
}

/* Five standard errors off is one chance in two million. `spread` is the deviation of a single draw. */
static void expect_mean(const char *what, const double *values, int64_t count, double wanted, double spread) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += values[i];
    }
    double room = 5 * spread / sqrt((double)count);
    if (!(fabs(sum / (double)count - wanted) <= room)) {
        fail_msg("%s: the mean is %g, wanted %g, up to %g", what, sum / (double)count, wanted, room);
    }
}

/* Mean and variance; all values in [low, high]. The spread of squares is at most that of a Gaussian's. */
static void expect_moments(const char *what, rlc_tensor *sample, double mean, double variance, double low,
                           double high) {
    assert_int_equal(sample->numel, COUNT * EVENT);
    double *values = read_doubles(sample);
    expect_mean(what, values, COUNT * EVENT, mean, sqrt(variance));
    for (int64_t i = 0; i < COUNT * EVENT; i++) {
        assert_true(values[i] >= low && values[i] <= high);
        values[i] = (values[i] - mean) * (values[i] - mean);
    }
    expect_mean(what, values, COUNT * EVENT, variance, sqrt(2) * variance);
    free(values);
}

static void test_samples_of_normal(void **state) {
    (void)state;
    rlc_distribution_family *family = family_of(rlc_spec_unbounded(RLC_SHAPE(EVENT)), "Normal");
    rlc_begin(p);
    rlc_distribution d = many(family, -0.75, 2);
    expect_moments("Normal", rlc_distribution_sample(&d, stream_of()), -0.75, 4, -INFINITY, INFINITY);
    expect_ok(rlc_end(p));
}

/* The inverse of what was drawn is Gaussian; so is the average of minus its log-probability the entropy. */
static void test_samples_of_tanh_normal(void **state) {
    (void)state;
    rlc_distribution_family *family = family_of(interval(-2, 4), "TanhNormal");
    static const double of[][2] = {{0.5, 1}, {-1, 0.3}, {0, 2}};
    const float *entropy = golden("distributions", "TanhNormal.entropy.entropy")->data;
    for (int i = 0; i < RLC_COUNT(of); i++) {
        rlc_begin(p);
        rlc_distribution d = many(family, of[i][0], of[i][1]);
        rlc_tensor *sample = rlc_distribution_sample(&d, stream_of());
        double *values = read_doubles(sample);
        for (int64_t k = 0; k < sample->numel; k++) {
            assert_true(values[k] >= -2 && values[k] <= 4);
        }
        free(values);
        expect_moments("TanhNormal, unsquashed", d.raw, of[i][0], of[i][1] * of[i][1], -INFINITY, INFINITY);
        rlc_tensor *estimate = rlc_distribution_entropy(&d, stream_of());
        values = read_doubles(estimate);
        expect_mean("TanhNormal, entropy", values, COUNT, EVENT * ((double)entropy[i] + log(3)), 3 * EVENT);
        free(values);
        expect_ok(rlc_end(p));
    }
}

static void test_samples_of_truncated_normal(void **state) {
    (void)state;
    static const double of[][2] = {{0.5, 0.7}, {3, 1}, {0, 10}};
    rlc_distribution_family *family = family_of(interval(-1, 1), "TruncatedNormal");
    for (int i = 0; i < RLC_COUNT(of); i++) {
        float mean = *(const float *)golden("distributions", "TruncatedNormal.moments.%g.mean", of[i][0])->data;
        float variance = *(const float *)golden("distributions", "TruncatedNormal.moments.%g.variance", of[i][0])->data;
        rlc_begin(p);
        rlc_distribution d = many(family, of[i][0], of[i][1]);
        rlc_tensor *sample = rlc_distribution_sample(&d, stream_of());
        expect_moments("TruncatedNormal", sample, (double)mean, (double)variance, -1, 1);
        expect_ok(rlc_end(p));
    }
}

static void check_frequencies(const char *options, bool one_hot, bool masked) {
    static const float logits[4] = {0, 1, -1, 2};
    static const bool mask[4] = {true, false, true, true};
    rlc_distribution_family *family = family_of(one_hot ? rlc_spec_one_hot(4) : rlc_spec_categorical(4), options);
    rlc_begin(p);
    rlc_tensor *parameters[RLC_MAX_DISTRIBUTION_PARAMETERS] = {
        rlc_expand(rlc_from_data(RLC_F32, RLC_SHAPE(4), logits), RLC_SHAPE(COUNT, 4))};
    parameters[1] = masked ? rlc_expand(rlc_from_data(RLC_BOOL, RLC_SHAPE(4), mask), RLC_SHAPE(COUNT, 4)) : NULL;
    rlc_distribution d = describe(family, parameters);
    rlc_tensor *sample = rlc_distribution_sample(&d, stream_of());
    expect_shape(sample, RLC_I64, one_hot ? RLC_SHAPE(COUNT, 4) : RLC_SHAPE(COUNT));
    sample = one_hot ? rlc_argmax(sample, -1, false) : sample;
    double *drawn = read_doubles(sample), counts[4] = {0}, total = 0;
    for (int i = 0; i < COUNT; i++) {
        counts[(int)drawn[i]]++;
    }
    free(drawn);
    for (int i = 0; i < 4; i++) {
        total += !masked || mask[i] ? exp((double)logits[i]) : 0;
    }
    for (int i = 0; i < 4; i++) {
        double wanted = !masked || mask[i] ? exp((double)logits[i]) / total : 0;
        double room = 5 * sqrt(wanted * (1 - wanted) / COUNT);
        assert_true(fabs(counts[i] / COUNT - wanted) <= room); /* none at all where there is no chance */
    }
    expect_ok(rlc_end(p));
}

static void test_samples_of_discrete_ones(void **state) {
    (void)state;
    check_frequencies("Categorical", false, false);
    check_frequencies("OneHotCategorical", true, false);
    check_frequencies("MaskedCategorical", false, true);
    check_frequencies("MaskedOneHotCategorical", true, true);
}

static void test_divergence_needs_a_closed_form(void **state) {
    (void)state;
    rlc_distribution_family *family = family_of(interval(-1, 1), "TanhNormal");
    rlc_begin(p);
    rlc_distribution d = many(family, 0, 1), other = many(family, 1, 1);
    assert_null(rlc_distribution_kl(&d, &other));
    expect_error(rlc_end(p), RLC_INVALID, "there is no closed form for TanhNormal and TanhNormal");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_tanh_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_truncated_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_points, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_categorical, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_tanh_normal_by_hand, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_own_samples_keep_their_log_prob, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_samples_of_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_samples_of_tanh_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_samples_of_truncated_normal, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_samples_of_discrete_ones, start_without_model, free_model),
        cmocka_unit_test_setup_teardown(test_divergence_needs_a_closed_form, start_without_model, free_model),
    };
    return cmocka_run_group_tests_name("distributions", tests, NULL, NULL);
}
