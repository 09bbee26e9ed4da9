/* Schedules: frame by frame against torch.optim.lr_scheduler (tests/golden/schedules.py), their ends, and misuse. */
#include "tests/world.h"

#include <stdio.h>

#include "objectives/schedule.h"

static rlc_program *p;
static rlc_arena arena;
static rlc_tensor *frames;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    frames = rlc_tensor_new(test_device(), RLC_I64, RLC_SHAPE(1));
    return frames != NULL ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    rlc_tensor_free(frames);
    rlc_arena_free(&arena);
    return 0;
}

static rlc_schedule *read(const char *text) {
    rlc_schedule *s = NULL;
    expect_ok(rlc_schedule_read(world_registry(), &arena, "optim", "lr", world_value(text), &s));
    return s;
}

static double value_at(const rlc_schedule *s, int64_t frame, int64_t total) {
    expect_ok(rlc_tensor_write(frames, &frame));
    rlc_begin(p);
    rlc_tensor *value = rlc_schedule_record(s, frames, total);
    expect_shape(value, RLC_F32, (rlc_shape){0});
    double now = rlc_item(value);
    expect_ok(rlc_end(p));
    return now;
}

static void expect_at(const char *text, int64_t frame, int64_t total, double wanted) {
    double got = value_at(read(text), frame, total);
    if (!(fabs(got - wanted) <= 1e-6 * fabs(wanted))) {
        fail_msg("%s: at frame %lld it is %.9g, wanted %.9g", text, (long long)frame, got, wanted);
    }
}

/* A run of 40 frames, and a few beyond its end. */
static void test_against_torch(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"constant", "0.02"},
        {"constant", "{type: constant, value: 0.02}"},
        {"linear", "{type: linear, from: 0.02, to: 0.005}"},
        {"step", "{type: step, from: 0.02, step_size: 7, gamma: 0.3}"},
        {"exponential", "{type: exponential, from: 0.02, gamma: 0.9}"},
        {"exponential", "{type: exponential, from: 0.02, gamma: 0.81, step_size: 2}"},
        {"cosine", "{type: cosine, from: 0.02, eta_min: 0.001}"},
        {"cosine", "{type: cosine, from: 0.02, eta_min: 0.001, T_max: 40}"},
        {"cosine_short", "{type: cosine, from: 0.02, eta_min: 0.005, T_max: 9}"},
        {"warm_constant", "{type: constant, from: 0.02, warmup: 10}"},
        {"warm_linear", "{type: linear, from: 0.02, to: 0.005, warmup: 10}"},
        {"warm_step", "{type: step, from: 0.02, step_size: 7, gamma: 0.3, warmup: 10}"},
        {"warm_exponential", "{type: exponential, from: 0.02, gamma: 0.9, warmup: 10}"},
        {"warm_cosine", "{type: cosine, from: 0.02, eta_min: 0.001, warmup: 10}"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        const rlc_safetensors_entry *entry = golden("schedules", "%s", cases[i][0]);
        for (int64_t frame = 0; frame < rlc_shape_numel(entry->shape); frame++) {
            double wanted;
            memcpy(&wanted, (const double *)entry->data + frame, sizeof wanted);
            expect_at(cases[i][1], frame, 40, wanted);
        }
    }
}

/* A step is taken at its frame and not one later, however large the numbers are. */
static void test_steps_are_exact(void **state) {
    (void)state;
    static const int64_t sizes[] = {3, 10, 49, 100000, 1000003};
    for (int i = 0; i < RLC_COUNT(sizes); i++) {
        char text[96];
        snprintf(text, sizeof text, "{type: step, from: 1, step_size: %lld, gamma: 0.5}", (long long)sizes[i]);
        for (int64_t k = 1; k <= 20; k++) {
            expect_at(text, k * sizes[i] - 1, 1, ldexp(1, (int)(1 - k)));
            expect_at(text, k * sizes[i], 1, ldexp(1, (int)-k));
        }
    }
}

static void test_ends(void **state) {
    (void)state;
    expect_at("{type: linear, from: 1}", 1000000000000, 1000000, 0);
    expect_at("{type: linear, from: 0, to: 3}", 0, 10, 0);
    expect_at("{type: linear, from: 0, to: 3}", 5, 10, 1.5);
    expect_at("{type: linear, from: 2, to: 1, warmup: 10}", 9, 10, 1.8); /* no longer than its warm-up */
    expect_at("{type: linear, from: 2, to: 1, warmup: 10}", 11, 10, 1);
    expect_at("{type: linear, from: 2, to: 1, warmup: 100}", 10, 10, 0.2);
    expect_at("{type: cosine, from: 1}", 500000, 1000000, 0.5);
    expect_at("{type: exponential, from: 1, gamma: 0.5, step_size: 1_000_000}", 3000000, 1, 0.125);
    expect_at("{type: exponential, from: 1, gamma: 2, step_size: 4}", 2, 1, sqrt(2));
}

static void test_what_changes(void **state) {
    (void)state;
    assert_false(rlc_schedule_changes(read("0.5")));
    assert_false(rlc_schedule_changes(read("{type: constant, value: 0.5}")));
    assert_true(rlc_schedule_changes(read("{type: constant, value: 0.5, warmup: 1}")));
    assert_true(rlc_schedule_changes(read("{type: linear, from: 0.5, to: 0.5}")));
    assert_true(rlc_schedule_start(read("{type: linear, from: 0.5}")) == 0.5);
    assert_true(rlc_schedule_start(read("{type: linear, from: 0.5, warmup: 1}")) == 0);
    rlc_schedule *plain = rlc_schedule_constant(&arena, 0.25);
    assert_false(rlc_schedule_changes(plain));
    rlc_begin(p);
    assert_true(rlc_item(rlc_schedule_record(plain, NULL, 0)) == 0.25); /* needs no run */
    expect_ok(rlc_end(p));
}

/* One recorded list serves all frames: the counter is read when it runs. */
static void test_is_data(void **state) {
    (void)state;
    const rlc_schedule *s = read("{type: cosine, from: 1, eta_min: 0, warmup: 4}");
    int nodes[3];
    for (int i = 0; i < 3; i++) {
        expect_ok(rlc_tensor_write(frames, &(int64_t){5 * i}));
        rlc_begin(p);
        rlc_schedule_record(s, frames, 20);
        nodes[i] = p->num_nodes;
        expect_ok(rlc_end(p));
    }
    assert_true(nodes[0] > 0 && nodes[0] == nodes[1] && nodes[1] == nodes[2]);
}

static void test_misuse(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"-1", "test:1: optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not '-1'"},
        {"fast", "optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not 'fast'"},
        {"[1]", "optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not a list"},
        {"{from: 1}", "test:1: optim.lr: 'type' is missing: which schedule is this?"},
        {"{type: cosin, from: 1}", "there is no schedule of type 'cosin' (did you mean 'cosine'?)"},
        {"{type: Adam, from: 1}", "there is no schedule of type 'Adam'"},
        {"{type: constant}", "optim.lr: option 'from' is required: the number at the start"},
        {"{type: constant, from: 1, value: 1}", "optim.lr: option 'from' is given twice, as 'value' too"},
        {"{type: linear, to: 1}", "optim.lr: option 'from' is required"},
        {"{type: linear, from: -1}", "optim.lr: option 'from' must be between 0 and"},
        {"{type: linear, from: 1,\n warmup: -1}", "test:2: optim.lr: option 'warmup' must be between 0 and"},
        {"{type: linear, from: 1, warmup: 1e4}", "optim.lr: option 'warmup' must be an integer; write 10000"},
        {"{type: linear, from: 1, gamma: 0.1}",
         "optim.lr: unknown option 'gamma'; options are from, value, warmup, to"},
        {"{type: step, from: 1}", "optim.lr: option 'step_size' is required: frames between two steps"},
        {"{type: step, from: 1, step_size: 0}", "optim.lr: option 'step_size' must be between 1 and"},
        {"{type: step, from: 1, step_size: 5, gamma: 0}", "optim.lr: option 'gamma' must be between"},
        {"{type: exponential, from: 1}", "optim.lr: option 'gamma' is required: what step_size frames multiply by"},
        {"{type: cosine, from: 1, T_max: -1}", "optim.lr: option 'T_max' must be between 0 and"},
        {"{type: cosine, from: 1, eta_min: -1}", "optim.lr: option 'eta_min' must be between 0 and"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        rlc_schedule *none = NULL;
        expect_error(rlc_schedule_read(world_registry(), &arena, "optim", "lr", world_value(cases[i][0]), &none),
                     RLC_INVALID, cases[i][1]);
    }
}

static void test_without_a_run(void **state) {
    (void)state;
    const rlc_schedule *s = read("{type: linear, from: 1}");
    assert_null(rlc_schedule_record(s, frames, 10));
    expect_error(rlc_error_status(), RLC_INVALID, "schedule: no program is open");
    rlc_begin(p);
    assert_null(rlc_schedule_record(s, NULL, 10));
    expect_error(rlc_end(p), RLC_INVALID, "schedule: linear goes by the frames of a run, and there is none");
    rlc_begin(p);
    assert_null(rlc_schedule_record(s, frames, 0));
    expect_error(rlc_end(p), RLC_INVALID, "schedule: linear goes by the frames of a run, and there is none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_against_torch, start, stop),
        cmocka_unit_test_setup_teardown(test_steps_are_exact, start, stop),
        cmocka_unit_test_setup_teardown(test_ends, start, stop),
        cmocka_unit_test_setup_teardown(test_what_changes, start, stop),
        cmocka_unit_test_setup_teardown(test_is_data, start, stop),
        cmocka_unit_test_setup_teardown(test_misuse, start, stop),
        cmocka_unit_test_setup_teardown(test_without_a_run, start, stop),
    };
    return cmocka_run_group_tests_name("schedules", tests, NULL, NULL);
}
