/* The replay buffer of slices: which slices there are, against TorchRL (tests/golden/slices.py) and against a count in plain
 * C with several environments; that all are drawn alike; marks and masks; a resume; what is said when there is none. */
#include "tests/world.h"

#include <stdio.h>

#include "collectors/buffer.h"
#include "core/update.h"

static rlc_program *p;

static int start(void **state) {
    fresh_start(state);
    p = test_program();
    return 0;
}

static uint32_t chance = 1;
static double random_number(void) {
    chance = chance * 1664525u + 1013904223u;
    return (double)(chance >> 8) / (1 << 24);
}

/* What each environment has done so far; a step is told by its number. */
enum { MAX_ENVS = 4, MAX_STEPS = 600 };
typedef struct history {
    int envs, steps;
    bool done[MAX_ENVS][MAX_STEPS];
} history;

/* The steps first, ... first + count - 1 of all environments: [envs, count]. `step` is env * 1000 + number. */
static rlc_dict *rows_of(const history *h, int first, int count) {
    int64_t number[MAX_ENVS * MAX_STEPS];
    bool done[MAX_ENVS * MAX_STEPS], begins[MAX_ENVS * MAX_STEPS];
    for (int e = 0, i = 0; e < h->envs; e++) {
        for (int t = first; t < first + count; t++, i++) {
            number[i] = 1000 * e + t;
            done[i] = h->done[e][t];
            begins[i] = t == 0 || h->done[e][t - 1];
        }
    }
    rlc_shape column = RLC_SHAPE(h->envs, count, 1);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(h->envs, count));
    rlc_dict_set(td, "step", rlc_from_data(RLC_I64, RLC_SHAPE(h->envs, count), number));
    rlc_dict_set(td, "next.done", rlc_from_data(RLC_BOOL, column, done));
    rlc_dict_set(td, "next.terminated", rlc_from_data(RLC_BOOL, column, done));
    rlc_dict_set(td, "is_init", rlc_from_data(RLC_BOOL, column, begins));
    return td;
}

static rlc_buffer *buffer_of(int envs, const char *options) {
    rlc_buffer *b = NULL;
    history h = {.envs = envs};
    rlc_begin(p);
    rlc_dict *example = rlc_dict_reshape(rows_of(&h, 0, 1), RLC_SHAPE(envs));
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 5, options, example, &b));
    expect_ok(rlc_end(p));
    return b;
}

static rlc_buffer *slices_of(int envs, int capacity, int slice_len, int slices, bool strict) {
    char options[192];
    snprintf(options, sizeof options,
             "{type: SliceReplayBuffer, capacity: %d, batch_size: %d, slice_len: %d, strict_length: %s}", capacity,
             slices * slice_len, slice_len, strict ? "true" : "false");
    return buffer_of(envs, options);
}

static void extend(rlc_buffer *b, history *h, int count) {
    rlc_begin(p);
    rlc_buffer_extend(b, rows_of(h, h->steps, count));
    expect_ok(rlc_end(p));
    h->steps += count;
}

static rlc_tensor *state_of(const rlc_buffer *b, const char *name) {
    for (int i = 0; i < b->state.count; i++) {
        if (strcmp(b->state.items[i].name, name) == 0) {
            return b->state.items[i].tensor;
        }
    }
    fail_msg("the buffer has no '%s'", name);
    return NULL;
}

/* Whether a slice ends in a row, by the leaf of the tree of sums. */
static bool is_end(const rlc_buffer *b, int row) {
    const rlc_tensor *tree = state_of(b, "choices");
    double leaf = ((const double *)tree->data)[tree->shape[1] / 2 + row];
    assert_true(leaf == 0 || leaf == 1);
    return leaf > 0;
}

/* The steps of the slice that ends at step t of an environment of which the last `kept` steps are there; 0 without. */
static int slice_at(const history *h, int env, int t, int kept, int slice_len, bool strict) {
    int oldest = h->steps > kept ? h->steps - kept : 0, length = 1;
    if (t < oldest) {
        return 0;
    }
    while (length < slice_len && t - length >= oldest && !h->done[env][t - length]) {
        length++;
    }
    bool ends = h->done[env][t] || t == h->steps - 1;
    return length == slice_len || (!strict && ends) ? length : 0;
}

/* Every row of the ring against the count in plain C. */
static int expect_ends(const rlc_buffer *b, const history *h, int slice_len, bool strict) {
    int kept = (int)b->capacity / h->envs, count = 0;
    for (int row = 0; row < b->capacity; row++) {
        int env = row % h->envs, place = row / h->envs, t = place;
        while (t + kept < h->steps) {
            t += kept;
        }
        bool wanted = t < h->steps && slice_at(h, env, t, kept, slice_len, strict) > 0;
        if (is_end(b, row) != wanted) {
            fail_msg("row %d, step %d of %d of environment %d: %d", row, t, h->steps, env, !wanted);
        }
        count += wanted;
    }
    double counted;
    expect_ok(rlc_tensor_read(state_of(b, "slices"), &counted));
    assert_true(counted == count);
    return count;
}

/* A sample: each slice is one environment's steps in a row, of one episode, all still there. */
static void expect_sample(rlc_buffer *b, const history *h, int slice_len, bool strict) {
    rlc_begin(p);
    rlc_dict *td = rlc_buffer_sample(b);
    int64_t step[512], index[512];
    bool done[512], truncated[512], terminated[512], is_init[512], mask[512];
    expect_ok(rlc_read(rlc_dict_get(td, "step"), step));
    expect_ok(rlc_read(rlc_dict_get(td, "index"), index));
    expect_ok(rlc_read(rlc_dict_get(td, "next.done"), done));
    expect_ok(rlc_read(rlc_dict_get(td, "next.truncated"), truncated));
    expect_ok(rlc_read(rlc_dict_get(td, "next.terminated"), terminated));
    expect_ok(rlc_read(rlc_dict_get(td, "is_init"), is_init));
    assert_true((rlc_dict_find(td, "mask") == NULL) == strict);
    assert_true((rlc_dict_find(td, "priority_weight") == NULL) == strict);
    if (!strict) {
        float weight[512];
        expect_ok(rlc_read(rlc_dict_get(td, "mask"), mask));
        expect_ok(rlc_read(rlc_dict_get(td, "priority_weight"), weight));
        for (int i = 0; i < b->batch_size; i++) {
            assert_true(weight[i] == (mask[i] ? 1 : 0));
        }
    }
    expect_ok(rlc_end(p));
    int kept = (int)b->capacity / h->envs;
    for (int first = 0; first < b->batch_size; first += slice_len) {
        int env = (int)step[first] / 1000, t = (int)step[first] % 1000, length = 1;
        while (length < slice_len && (strict || mask[first + length])) {
            length++;
        }
        assert_true(t >= h->steps - kept && t + length <= h->steps);
        assert_int_equal(length, slice_at(h, env, t + length - 1, kept, slice_len, strict));
        for (int k = 0; k < slice_len; k++) {
            int at = k < length ? k : length - 1, i = first + k;
            bool last = k >= length - 1, ends = h->done[env][t + at];
            assert_int_equal(step[i], 1000 * env + t + at);
            assert_int_equal(index[i], (t + at) % kept * h->envs + env);
            assert_true(k >= length - 1 || !ends);
            assert_true(truncated[i] == last && done[i] == (last || ends) && terminated[i] == ends);
            assert_true(is_init[i] == (k == 0 || t + at == 0 || h->done[env][t + at - 1]));
            assert_true(strict || mask[i] == (k < length));
        }
    }
}

/* Rings of all sorts, filled by batches of all lengths, overwritten a few times. */
static void test_all_slices(void **state) {
    (void)state;
    static const struct {
        int envs, steps, slice_len;
        double ends;
    } rings[] = {{1, 7, 1, 0.3},  {1, 10, 3, 0.2}, {2, 10, 3, 0.2}, {3, 12, 4, 0.1}, {4, 9, 9, 0.0},
                 {2, 9, 9, 0.05}, {1, 13, 2, 1.0}, {3, 16, 5, 0.3}, {4, 30, 6, 0.1}};
    for (int i = 0; i < 2 * RLC_COUNT(rings); i++) {
        int envs = rings[i / 2].envs, steps = rings[i / 2].steps, slice_len = rings[i / 2].slice_len, samples = 0;
        bool strict = i % 2 == 0;
        static history h;
        h = (history){.envs = envs};
        for (int k = 0; k < envs * MAX_STEPS; k++) {
            h.done[k % envs][k / envs] = random_number() < rings[i / 2].ends;
        }
        rlc_buffer *b = slices_of(envs, envs * steps, slice_len, 4 * slice_len <= envs * steps ? 4 : 1, strict);
        while (h.steps < 5 * steps) {
            extend(b, &h, 1 + (int)(random_number() * (h.steps % 3 == 0 ? steps : 3)));
            bool any = expect_ends(b, &h, slice_len, strict) > 0;
            assert_true(rlc_buffer_is_waiting(b) == (!any && h.steps < steps) || samples > 0);
            if (any) {
                expect_sample(b, &h, slice_len, strict);
                samples++;
            }
        }
        assert_true(samples > 0 || (strict && rings[i / 2].ends > 0.9));
        rlc_buffer_free(b);
    }
}

static void expect_golden(const char *name, bool strict) {
    const int64_t *setting = golden("slices", "%s.case", name)->data;
    const bool *done = golden("slices", "%s.done", name)->data;
    const int64_t *length = golden("slices", "%s.length", name)->data;
    int capacity = (int)setting[0], slice_len = (int)setting[1];
    static history h;
    h = (history){.envs = 1};
    memcpy(h.done[0], done, (size_t)setting[2]);
    rlc_buffer *b = slices_of(1, capacity, slice_len, 1, strict);
    while (h.steps < setting[2]) {
        int rest = (int)setting[2] - h.steps;
        extend(b, &h, rest < 3 ? rest : 3);
    }
    for (int row = 0; row < capacity; row++) {
        assert_true(is_end(b, row) == (length[row] > 0));
        int t = row;
        while (t + capacity < h.steps) {
            t += capacity;
        }
        assert_int_equal(length[row], t < h.steps ? slice_at(&h, 0, t, capacity, slice_len, strict) : 0);
    }
    rlc_buffer_free(b);
}

static void test_against_torchrl(void **state) {
    (void)state;
    for (int i = 0; i < 15; i++) {
        char name[32];
        snprintf(name, sizeof name, "strict.%d", i);
        expect_golden(name, true);
        snprintf(name, sizeof name, "loose.%d", i);
        expect_golden(name, false);
    }
}

/* All slices are drawn alike: chi-square over those there are, with 99.99% of uniform draws below the bound. */
static void test_uniform(void **state) {
    (void)state;
    enum { STEPS = 24, ENVS = 2, ROWS = STEPS * ENVS, ROUNDS = 3000, SLICES = 12 };
    static history h;
    h = (history){.envs = ENVS};
    for (int t = 0; t < 40; t++) {
        h.done[0][t] = t % 9 == 8;
        h.done[1][t] = t % 5 == 2;
    }
    for (int strict = 0; strict < 2; strict++) {
        int times[ROWS] = {0};
        h.steps = 0;
        rlc_buffer *b = slices_of(ENVS, ROWS, 4, SLICES, strict);
        extend(b, &h, 23);
        extend(b, &h, 14);
        int slices = expect_ends(b, &h, 4, strict);
        for (int i = 0; i < ROUNDS; i++) {
            int64_t index[SLICES * 4];
            rlc_begin(p);
            expect_ok(rlc_read(rlc_dict_get(rlc_buffer_sample(b), "index"), index));
            expect_ok(rlc_end(p));
            for (int k = 0; k < SLICES; k++) {
                times[index[4 * k + 3]]++;
            }
        }
        double expected = (double)ROUNDS * SLICES / slices, sum = 0;
        for (int row = 0; row < ROWS; row++) {
            assert_true((times[row] > 0) == is_end(b, row));
            sum += is_end(b, row) ? (times[row] - expected) * (times[row] - expected) / expected : 0;
        }
        double freedom = slices - 1, bound = freedom + 3.72 * sqrt(2 * freedom) + 2 * 3.72 * 3.72 / 3;
        print_message("%d slices: chi-square %.1f, bound %.1f\n", slices, sum, bound);
        assert_true(slices > 15 && sum < bound);
        rlc_buffer_free(b);
    }
}

/* num_slices says the same as slice_len. */
static void test_number_of_slices(void **state) {
    (void)state;
    rlc_buffer *b = buffer_of(2, "{type: SliceReplayBuffer, capacity: 40, batch_size: 12, num_slices: 3}");
    assert_int_equal(b->slice_len, 4);
    assert_int_equal(b->num_envs, 2);
    static history h;
    h = (history){.envs = 2};
    extend(b, &h, 10);
    expect_sample(b, &h, 4, true);
    rlc_buffer_free(b);
}

/* What the state holds is all there is to go on from: the same samples follow, bit for bit. */
static void test_resume(void **state) {
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        static history h, again;
        h = (history){.envs = 3};
        for (int k = 0; k < 3 * MAX_STEPS; k++) {
            h.done[k % 3][k / 3] = random_number() < 0.15;
        }
        rlc_buffer *a = slices_of(3, 60, 5, 4, strict), *b = slices_of(3, 60, 5, 4, strict);
        for (int i = 0; i < 8; i++) {
            extend(a, &h, 6);
            if (!rlc_buffer_is_waiting(a)) {
                expect_sample(a, &h, 5, strict);
            }
        }
        for (int i = 0; i < a->state.count; i++) {
            rlc_tensor *to = state_of(b, a->state.items[i].name);
            expect_ok(rlc_tensor_write(to, a->state.items[i].tensor->data));
        }
        again = h;
        for (int i = 0; i < 8; i++) {
            int64_t rows[2][20];
            rlc_buffer *both[] = {a, b};
            for (int k = 0; k < 2; k++) {
                rlc_begin(p);
                expect_ok(rlc_read(rlc_dict_get(rlc_buffer_sample(both[k]), "step"), rows[k]));
                expect_ok(rlc_end(p));
            }
            assert_memory_equal(rows[0], rows[1], sizeof rows[0]);
            extend(a, &h, 3);
            extend(b, &again, 3);
        }
        rlc_buffer_free(a);
        rlc_buffer_free(b);
    }
}

/* While the ring fills there may be a slice later; once it is full without one, that is an error. */
static void test_no_slice(void **state) {
    (void)state;
    static history h;
    h = (history){.envs = 1};
    for (int t = 0; t < MAX_STEPS; t++) {
        h.done[0][t] = t % 3 == 2;
    }
    rlc_buffer *b = slices_of(1, 12, 4, 2, true);
    assert_true(rlc_buffer_is_waiting(b));
    extend(b, &h, 9);
    assert_true(rlc_buffer_is_waiting(b));
    extend(b, &h, 9);
    assert_false(rlc_buffer_is_waiting(b));
    rlc_begin(p);
    assert_null(rlc_buffer_sample(b));
    expect_error(rlc_end(p), RLC_INVALID, "no episode among its rows has 4 steps in a row: slice_len is too long");
    h.done[0][20] = false; /* one episode is longer after all, and is overwritten again */
    extend(b, &h, 6);
    expect_sample(b, &h, 4, true);
    extend(b, &h, 12);
    assert_int_equal(expect_ends(b, &h, 4, true), 0);
    rlc_begin(p);
    rlc_buffer_sample(b);
    expect_error(rlc_end(p), RLC_FAILED, "none of its rows can be chosen");
    rlc_buffer_free(b);
}

static void expect_refusal(int envs, const char *options, const char *message) {
    rlc_buffer *b = NULL;
    history h = {.envs = envs};
    rlc_begin(p);
    rlc_dict *example = rlc_dict_reshape(rows_of(&h, 0, 1), RLC_SHAPE(envs));
    rlc_status status = rlc_buffer_make(world_registry(), test_device(), 5, options, example, &b);
    expect_error(status, RLC_INVALID, message);
    rlc_end(p);
}

static void test_misuse(void **state) {
    (void)state;
    expect_refusal(1, "{type: SliceReplayBuffer, capacity: 10, batch_size: 4}", "give either slice_len or num_slices");
    expect_refusal(1, "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, slice_len: 2, num_slices: 2}",
                   "give either slice_len or num_slices");
    expect_refusal(1, "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, slice_len: 3}",
                   "batch_size (4) must be a multiple of slice_len (3)");
    expect_refusal(1, "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, num_slices: 3}",
                   "batch_size (4) must be a multiple of num_slices (3)");
    expect_refusal(3, "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, slice_len: 2}",
                   "its 10 rows must be a multiple of the 3 environments");
    expect_refusal(3, "{type: SliceReplayBuffer, capacity: 9, batch_size: 4, slice_len: 4}",
                   "room for a slice of 4 steps");
    expect_refusal(1, "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, slice_len: -2}", "slice_len");
    rlc_begin(p);
    rlc_dict *plain = rlc_dict_new(RLC_SHAPE(1));
    rlc_buffer *b = NULL;
    rlc_dict_set(plain, "x", rlc_zeros(RLC_F32, RLC_SHAPE(1)));
    expect_error(rlc_buffer_make(world_registry(), test_device(), 5,
                                 "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, slice_len: 2}", plain, &b),
                 RLC_INVALID, "slices need the entry next.done");
    rlc_end(p);
    rlc_begin(p);
    rlc_dict *rewarded = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(rewarded, "next.done", rlc_zeros(RLC_BOOL, RLC_SHAPE(1, 1)));
    rlc_dict_set(rewarded, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(1, 1)));
    expect_error(rlc_buffer_make(world_registry(), test_device(), 5,
                                 "{type: SliceReplayBuffer, capacity: 10, batch_size: 4, slice_len: 2, multi_step: "
                                 "{n_steps: 2, gamma: 0.9}}",
                                 rewarded, &b),
                 RLC_INVALID, "slices are of single steps");
    rlc_end(p);
    b = slices_of(2, 20, 2, 2, true);
    history h = {.envs = 1};
    rlc_begin(p);
    rlc_buffer_extend(b, rows_of(&h, 0, 3));
    expect_error(rlc_end(p), RLC_INVALID, "a batch of 3 rows is not one of 2 environments over time");
    rlc_buffer_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_slices, start), cmocka_unit_test_setup(test_against_torchrl, start),
        cmocka_unit_test_setup(test_uniform, start),    cmocka_unit_test_setup(test_number_of_slices, start),
        cmocka_unit_test_setup(test_resume, start),     cmocka_unit_test_setup(test_no_slice, start),
        cmocka_unit_test_setup(test_misuse, start),
    };
    return cmocka_run_group_tests_name("slices of a replay buffer", tests, NULL, NULL);
}
