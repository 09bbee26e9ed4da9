/* Returns of several steps that are summed up when they are sampled, of a ring whose transforms look back: each sample against
 * the steps that were collected, over the ends of episodes, the ring's end and its newest row. */
#include "tests/with_env.h"

#include <stdio.h>
#include <string.h>

#include "collectors/buffer.h"

enum { ENVS = 3, CAPACITY = 61, BATCH = 32, STEPS = 5, MOST = 400 };

static const double gamma_ = 0.9;

/* All that came in, in the order of the ring's rows. */
static struct {
    double number, reward; /* the picture of each step is its number, and that of the next one more */
    bool done;
} steps[MOST];
static int num_steps;

static rlc_buffer *make_buffer(const char *type) {
    char options[256];
    rlc_buffer *buffer;
    snprintf(options, sizeof options,
             "{type: %s, capacity: %d, batch_size: %d, multi_step: {n_steps: %d, gamma: %g}, transforms: "
             "[{type: FrameDifference, in_keys: [frame], out_keys: [moved]}]}",
             type, CAPACITY, BATCH, STEPS, gamma_);
    rlc_begin(p);
    rlc_dict *example = rlc_dict_new(RLC_SHAPE(ENVS));
    rlc_dict_set(example, "frame", rlc_zeros(RLC_F32, RLC_SHAPE(ENVS, 1)));
    rlc_dict_set(example, "next.frame", rlc_zeros(RLC_F32, RLC_SHAPE(ENVS, 1)));
    rlc_dict_set(example, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(ENVS, 1)));
    rlc_dict_set(example, "next.done", rlc_zeros(RLC_BOOL, RLC_SHAPE(ENVS, 1)));
    expect_ok(rlc_buffer_make(world_registry(), test_device(), 3, options, example, &buffer));
    expect_ok(rlc_end(p));
    return buffer;
}

/* Frames that move by more each step, so that a difference tells which two they were. */
static float frame(double number) {
    return (float)(number * number);
}

static void collect(rlc_buffer *buffer, int time) {
    float now[ENVS][8], then[ENVS][8], reward[ENVS][8];
    bool done[ENVS][8];
    static unsigned draw = 1;
    rlc_shape shape = RLC_SHAPE(ENVS, time, 1);
    float *flat[3] = {&now[0][0], &then[0][0], &reward[0][0]};
    bool *ends = &done[0][0];
    for (int t = 0; t < time; t++) {
        for (int lane = 0; lane < ENVS; lane++, num_steps++) {
            const int at = lane * time + t, before = num_steps - ENVS;
            draw = draw * 1664525u + 1013904223u;
            steps[num_steps].number = before < 0           ? 1
                                      : steps[before].done ? steps[before].number + 9
                                                           : steps[before].number + 1;
            steps[num_steps].reward = draw >> 24;
            steps[num_steps].done = (draw >> 16 & 7) == 0;
            flat[0][at] = frame(steps[num_steps].number);
            flat[1][at] = frame(steps[num_steps].number + 1);
            flat[2][at] = (float)steps[num_steps].reward;
            ends[at] = steps[num_steps].done;
        }
    }
    rlc_begin(p);
    rlc_dict *batch = rlc_dict_new(RLC_SHAPE(ENVS, time));
    rlc_dict_set(batch, "frame", rlc_from_data(RLC_F32, shape, flat[0]));
    rlc_dict_set(batch, "next.frame", rlc_from_data(RLC_F32, shape, flat[1]));
    rlc_dict_set(batch, "next.reward", rlc_from_data(RLC_F32, shape, flat[2]));
    rlc_dict_set(batch, "next.done", rlc_from_data(RLC_BOOL, shape, ends));
    rlc_buffer_extend(buffer, batch);
    expect_ok(rlc_end(p));
}

/* Which of all steps a row holds. */
static int step_of(int row) {
    const int last = (num_steps - 1) % CAPACITY;
    return num_steps - 1 - (last - row + CAPACITY) % CAPACITY;
}

/* By how much the picture before a step moved to it; nothing where there is none. */
static float moved_to(int step) {
    const bool none = step - ENVS < 0 || step - ENVS < num_steps - CAPACITY || steps[step - ENVS].done;
    return none ? 0 : frame(steps[step].number) - frame(steps[step].number - 1);
}

typedef struct seen {
    double *index, *frame, *next_frame, *moved, *next_moved, *reward, *count, *done;
} seen;

static bool check_row(const seen *s, int row, bool *is_cut) {
    const int step = step_of((int)s->index[row]);
    double sum = 0, discount = 1;
    int last = step, count = 0;
    for (int k = step; count < STEPS && k < num_steps; k += ENVS) {
        sum += discount * steps[k].reward;
        discount *= gamma_;
        count++;
        last = k;
        if (steps[k].done) {
            break;
        }
    }
    assert_int_equal((int)s->count[row], count);
    assert_true(fabs(s->reward[row] - sum) < 1e-3);
    assert_true((s->done[row] != 0) == steps[last].done);
    assert_true((float)s->frame[row] == frame(steps[step].number));
    assert_true((float)s->next_frame[row] == frame(steps[last].number + 1));
    assert_true((float)s->moved[row] == moved_to(step));
    assert_true((float)s->next_moved[row] == frame(steps[last].number + 1) - frame(steps[last].number));
    *is_cut = count < STEPS && !steps[last].done;
    return count == STEPS;
}

static void check_samples(const char *type) {
    rlc_buffer *buffer = make_buffer(type);
    int whole = 0, cut = 0;
    num_steps = 0;
    for (int batch = 0; batch < 25; batch++) {
        collect(buffer, batch % 5 + 1);
        assert_false(rlc_buffer_is_waiting(buffer));
        rlc_begin(p);
        rlc_dict *sample = rlc_buffer_sample(buffer);
        seen s = {read_doubles(rlc_dict_get(sample, "index")),
                  read_doubles(rlc_dict_get(sample, "frame")),
                  read_doubles(rlc_dict_get(sample, "next.frame")),
                  read_doubles(rlc_dict_get(sample, "moved")),
                  read_doubles(rlc_dict_get(sample, "next.moved")),
                  read_doubles(rlc_dict_get(sample, "next.reward")),
                  read_doubles(rlc_dict_get(sample, "steps_to_next_obs")),
                  read_doubles(rlc_dict_get(sample, "next.done"))};
        expect_shape(rlc_dict_get(sample, "steps_to_next_obs"), RLC_I64, RLC_SHAPE(BATCH, 1));
        expect_shape(rlc_dict_get(sample, "next.reward"), RLC_F32, RLC_SHAPE(BATCH, 1));
        for (int row = 0; row < BATCH; row++) {
            bool is_cut;
            whole += check_row(&s, row, &is_cut);
            cut += is_cut;
        }
        double *all[] = {s.index, s.frame, s.next_frame, s.moved, s.next_moved, s.reward, s.count, s.done};
        for (int i = 0; i < RLC_COUNT(all); i++) {
            free(all[i]);
        }
        expect_ok(rlc_end(p));
    }
    assert_true(whole > 100 && cut > 10);
    rlc_buffer_free(buffer);
}

static void test_samples(void **unused) {
    (void)unused;
    check_samples("ReplayBuffer");
    check_samples("PrioritizedReplayBuffer");
}

/* Slices are of single steps, whoever asks. */
static void test_slices(void **unused) {
    (void)unused;
    rlc_buffer *buffer;
    rlc_begin(p);
    rlc_dict *example = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(example, "frame", rlc_zeros(RLC_F32, RLC_SHAPE(1, 1)));
    rlc_dict_set(example, "next.reward", rlc_zeros(RLC_F32, RLC_SHAPE(1, 1)));
    rlc_dict_set(example, "next.done", rlc_zeros(RLC_BOOL, RLC_SHAPE(1, 1)));
    expect_error(
        rlc_buffer_make(world_registry(), test_device(), 3,
                        "{type: SliceReplayBuffer, capacity: 20, batch_size: 4, slice_len: 2, multi_step: {n_steps: "
                        "2, gamma: 0.9}, transforms: [{type: FrameDifference, in_keys: [frame], out_keys: [moved]}]}",
                        example, &buffer),
        RLC_INVALID, "slices are of single steps: there can be no multi_step");
    expect_ok(rlc_end(p));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_samples, start_without_env, free_env),
        cmocka_unit_test_setup_teardown(test_slices, start_without_env, free_env),
    };
    return cmocka_run_group_tests_name("returns of sampled steps", tests, NULL, NULL);
}
