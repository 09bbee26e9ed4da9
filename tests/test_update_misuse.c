/* Misuse of the ops that change roots. They write to memory that outlives the program, so what does not fit must be
 * refused before it runs. Each case has a process of its own: what is not refused may end it. */
#include "tests/support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/update.h"

static rlc_program *p;
static const rlc_adam settings = {0.9, 0.999, 1e-8, 0, 0};
static const rlc_sgd plain = {0}, heavy = {.momentum = 0.9};
static const rlc_rmsprop still = {0.99, 1e-8, 0, 0}, moving = {0.99, 1e-8, 0, 0.9};

/* Named by type and shape; powers and cursors begin as they should. */
static rlc_tensor *f1, *f3, *f4, *d1, *d3, *k2, *f23, *f43, *powers, *lr, *cursor, *short_cursor, *far_cursor;

static int make_operands(void **state) {
    (void)state;
    rlc_device *cpu = test_device();
    p = test_program();
    f1 = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1));
    f3 = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(3));
    f4 = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(4));
    d1 = rlc_tensor_new(cpu, RLC_F64, RLC_SHAPE(1));
    d3 = rlc_tensor_new(cpu, RLC_F64, RLC_SHAPE(3));
    k2 = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(2));
    f23 = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(2, 3));
    f43 = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(4, 3));
    powers = rlc_tensor_new(cpu, RLC_F64, RLC_SHAPE(3));
    lr = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1));
    cursor = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(2));
    short_cursor = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(1));
    far_cursor = rlc_tensor_new(cpu, RLC_I64, RLC_SHAPE(2));
    expect_ok(rlc_tensor_write(powers, (double[]){0, 1, 1}));
    expect_ok(rlc_tensor_write(far_cursor, (int64_t[]){1000000, 4}));
    return 0;
}

static int free_operands(void **state) {
    (void)state;
    rlc_tensor *all[] = {f1, f3, f4, d1, d3, k2, f23, f43, powers, lr, cursor, short_cursor, far_cursor};
    for (int i = 0; i < RLC_COUNT(all); i++) {
        rlc_tensor_free(all[i]);
    }
    return 0;
}

/* X(status, what the message says, misuse) */
#define MISUSES(X)                                                                                                     \
    X(INVALID, "lerp: ", rlc_lerp(f3, f4, 0.5))                                                                        \
    X(INVALID, "float64", rlc_lerp(f3, d3, 0.5))                                                                       \
    X(INVALID, "lerp: not available for int64", rlc_lerp(k2, k2, 0.5))                                                 \
    X(INVALID, "lerp: ", rlc_lerp(f3, rlc_expand(f1, RLC_SHAPE(3)), 0.5))                                              \
    X(INVALID, "lerp: ", rlc_lerp(rlc_slice(f43, 1, 0, 1), f4, 0.5))                                                   \
    X(INVALID, "adam: ", rlc_adam_step(f4, f3, f4, f4, NULL, powers, lr, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f4, f4, f3, f4, NULL, powers, lr, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f4, f4, f4, f3, NULL, powers, lr, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f3, d3, f3, f3, NULL, powers, lr, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f3, f3, d3, f3, NULL, powers, lr, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f3, f3, f3, d3, NULL, powers, lr, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f3, f3, f3, f3, NULL, f3, lr, &settings))                                       \
    X(INVALID, "adam: ", rlc_adam_step(f3, f3, f3, f3, NULL, d1, lr, &settings))                                       \
    X(INVALID, "adam: ", rlc_adam_step(f3, f3, f3, f3, NULL, powers, d1, &settings))                                   \
    X(INVALID, "adam: ", rlc_adam_step(f3, rlc_expand(f1, RLC_SHAPE(3)), f3, f3, NULL, powers, lr, &settings))         \
    X(INVALID, "adam: not available for int64", rlc_adam_step(k2, k2, k2, k2, NULL, powers, lr, &settings))            \
    X(INVALID, "adam: the largest second moment", rlc_adam_step(f3, f3, f3, f3, f4, powers, lr, &settings))            \
    X(INVALID, "sgd: the gradient", rlc_sgd_step(f4, f3, NULL, lr, &plain))                                            \
    X(INVALID, "sgd: the gradient", rlc_sgd_step(f3, d3, NULL, lr, &plain))                                            \
    X(INVALID, "sgd: the gradient", rlc_sgd_step(f3, rlc_expand(f1, RLC_SHAPE(3)), NULL, lr, &plain))                  \
    X(INVALID, "sgd: the momentum buffer", rlc_sgd_step(f3, f3, f4, lr, &heavy))                                       \
    X(INVALID, "sgd: the momentum buffer", rlc_sgd_step(f3, f3, d3, lr, &heavy))                                       \
    X(INVALID, "sgd: the learning rate", rlc_sgd_step(f3, f3, NULL, d1, &plain))                                       \
    X(INVALID, "sgd: a momentum of 0.9 needs a buffer", rlc_sgd_step(f3, f3, NULL, lr, &heavy))                        \
    X(INVALID, "sgd: a momentum of 0 takes no buffer", rlc_sgd_step(f3, f3, f3, lr, &plain))                           \
    X(INVALID, "sgd: not available for int64", rlc_sgd_step(k2, k2, NULL, lr, &plain))                                 \
    X(INVALID, "rmsprop: the gradient", rlc_rmsprop_step(f4, f3, f4, NULL, NULL, lr, &still))                          \
    X(INVALID, "rmsprop: the average square", rlc_rmsprop_step(f3, f3, f4, NULL, NULL, lr, &still))                    \
    X(INVALID, "rmsprop: the average square", rlc_rmsprop_step(f3, f3, d3, NULL, NULL, lr, &still))                    \
    X(INVALID, "rmsprop: the average gradient", rlc_rmsprop_step(f3, f3, f3, f4, NULL, lr, &still))                    \
    X(INVALID, "rmsprop: the momentum buffer", rlc_rmsprop_step(f3, f3, f3, f3, f4, lr, &moving))                      \
    X(INVALID, "rmsprop: the learning rate", rlc_rmsprop_step(f3, f3, f3, NULL, NULL, f3, &still))                     \
    X(INVALID, "rmsprop: a momentum of 0.9 needs a buffer", rlc_rmsprop_step(f3, f3, f3, NULL, NULL, lr, &moving))     \
    X(INVALID, "rmsprop: a momentum of 0 takes no buffer", rlc_rmsprop_step(f3, f3, f3, NULL, f3, lr, &still))         \
    X(INVALID, "rmsprop: not available for int64", rlc_rmsprop_step(k2, k2, k2, NULL, NULL, lr, &still))               \
    X(INVALID, "adam: ", rlc_adam_tick(f3, &settings))                                                                 \
    X(INVALID, "adam: ", rlc_adam_tick(d1, &settings))                                                                 \
    X(INVALID, "tally: needs 1 to 32767 numbers, got 0", rlc_tally(&d1, &f1, 0))                                       \
    X(INVALID, "tally: the total is float32 [1]; 1 contiguous", rlc_tally(&f1, &f1, 1))                                \
    X(INVALID, "tally: the total is float64 [3]; 1 contiguous", rlc_tally(&d3, &f1, 1))                                \
    X(INVALID, "tally: the value is float32 [3]; 1 contiguous", rlc_tally(&d1, &f3, 1))                                \
    X(INVALID, "clip_grad_norm: needs 1 to 65535 gradients, got 0", rlc_clip_grad_norm(&f3, 0, 1))                     \
    X(INVALID, "clip_grad_norm: ", rlc_clip_grad_norm(((rlc_tensor *[]){d3, f3}), 2, 1))                               \
    X(INVALID, "clip_grad_norm: ", rlc_clip_grad_norm((rlc_tensor *[]){rlc_expand(f1, RLC_SHAPE(3))}, 1, 1))           \
    X(INVALID, "clip_grad_value: needs 1 to 65535 gradients, got 0", rlc_clip_grad_value(&f3, 0, 1))                   \
    X(INVALID, "clip_grad_value: ", rlc_clip_grad_value(((rlc_tensor *[]){d3, f3}), 2, 1))                             \
    X(INVALID, "clip_grad_value: ", rlc_clip_grad_value((rlc_tensor *[]){rlc_slice(f43, 1, 0, 1)}, 1, 1))              \
    X(INVALID, "clip_value: not available for int64", rlc_clip_grad_value(&k2, 1, 1))                                  \
    X(INVALID, "not available for int64", rlc_clip_grad_norm(&k2, 1, 1))                                               \
    X(INVALID, "ring_write: rows [4, 3] (float32) do not fit a storage of [2, 3] (float32)",                           \
      rlc_ring_write(f23, f43, cursor))                                                                                \
    X(INVALID, "ring_write: rows [3] (float64) do not fit a storage of [3] (float32)", rlc_ring_write(f3, d3, cursor)) \
    X(INVALID, "ring_write: rows [3] (float32) do not fit a storage of [4, 3] (float32)",                              \
      rlc_ring_write(f43, f3, cursor))                                                                                 \
    X(INVALID, "ring_write: ", rlc_ring_write(f43, rlc_slice(f23, 1, 0, 2), cursor))                                   \
    X(INVALID, "ring_write: ", rlc_ring_write(rlc_scalar(1), rlc_scalar(1), cursor))                                   \
    X(INVALID, "ring_write: ", rlc_ring_write(rlc_transpose(f23, 0, 1), rlc_slice(f43, 1, 0, 2), cursor))              \
    X(INVALID, "ring_write: ", rlc_ring_write(f43, f23, short_cursor))                                                 \
    X(INVALID, "ring_write: ", rlc_ring_write(f43, f23, f3))                                                           \
    X(FAILED, "ring_write: ", rlc_ring_write(f43, f23, far_cursor))                                                    \
    X(INVALID, "ring_advance: ", rlc_ring_advance(cursor, 1, 0))                                                       \
    X(INVALID, "ring_advance: ", rlc_ring_advance(cursor, -1, 4))                                                      \
    X(INVALID, "ring_advance: ", rlc_ring_advance(short_cursor, 1, 4))                                                 \
    X(INVALID, "ring_advance: ", rlc_ring_advance(f3, 1, 4))

/* A NULL is what an earlier mistake left behind: nothing happens, and nothing breaks. */
#define NULLS(X)                                                                                                       \
    X(OK, "", rlc_lerp(f3, NULL, 0.5))                                                                                 \
    X(OK, "", rlc_lerp(NULL, f3, 0.5))                                                                                 \
    X(OK, "", rlc_adam_tick(NULL, &settings))                                                                          \
    X(OK, "", rlc_tally((rlc_tensor *[]){NULL}, &f1, 1))                                                               \
    X(OK, "", rlc_tally(&d1, (rlc_tensor *[]){NULL}, 1))                                                               \
    X(OK, "", rlc_adam_step(NULL, f3, f3, f3, NULL, powers, lr, &settings))                                            \
    X(OK, "", rlc_adam_step(f3, NULL, f3, f3, NULL, powers, lr, &settings))                                            \
    X(OK, "", rlc_adam_step(f3, f3, NULL, f3, NULL, powers, lr, &settings))                                            \
    X(OK, "", rlc_adam_step(f3, f3, f3, NULL, NULL, powers, lr, &settings))                                            \
    X(OK, "", rlc_adam_step(f3, f3, f3, f3, NULL, NULL, lr, &settings))                                                \
    X(OK, "", rlc_adam_step(f3, f3, f3, f3, NULL, powers, NULL, &settings))                                            \
    X(OK, "", rlc_sgd_step(NULL, f3, NULL, lr, &plain))                                                                \
    X(OK, "", rlc_sgd_step(f3, NULL, NULL, lr, &plain))                                                                \
    X(OK, "", rlc_sgd_step(f3, f3, NULL, NULL, &plain))                                                                \
    X(OK, "", rlc_rmsprop_step(NULL, f3, f3, NULL, NULL, lr, &still))                                                  \
    X(OK, "", rlc_rmsprop_step(f3, NULL, f3, NULL, NULL, lr, &still))                                                  \
    X(OK, "", rlc_rmsprop_step(f3, f3, NULL, NULL, NULL, lr, &still))                                                  \
    X(OK, "", rlc_rmsprop_step(f3, f3, f3, NULL, NULL, NULL, &still))                                                  \
    X(OK, "", rlc_clip_grad_value((rlc_tensor *[]){NULL}, 1, 1))                                                       \
    X(OK, "", rlc_clip_grad_norm((rlc_tensor *[]){NULL}, 1, 1))                                                        \
    X(OK, "", rlc_clip_grad_norm(((rlc_tensor *[]){f3, NULL}), 2, 1))                                                  \
    X(OK, "", rlc_ring_write(NULL, f23, cursor))                                                                       \
    X(OK, "", rlc_ring_write(f43, NULL, cursor))                                                                       \
    X(OK, "", rlc_ring_write(f43, f23, NULL))                                                                          \
    X(OK, "", rlc_ring_advance(NULL, 1, 4))

typedef struct misuse {
    const char *code, *text;
    rlc_status status;
} misuse;
#define ROW(wanted, message, code) {#code, message, RLC_##wanted},
static const misuse misuses[] = {MISUSES(ROW)}, nulls[] = {NULLS(ROW)};

#define CASE(wanted, message, code)                                                                                    \
    if (number-- == 0) {                                                                                               \
        code;                                                                                                          \
    }

static void misuse_number(int number) {
    MISUSES(CASE)
}

static void null_number(int number) {
    NULLS(CASE)
}

/* In the process of the case: 0 when it ended as it should. */
static int outcome(const misuse *m, void (*call)(int number), int number) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (int i = 0; i < RLC_COUNT(fatal); i++) {
        signal(fatal[i], SIG_DFL); /* cmocka's handlers would go on with the next test */
    }
    rlc_begin(p);
    call(number);
    rlc_status status = rlc_end(p);
    bool good = status == m->status && strstr(rlc_error(), m->text) != NULL;
    if (!good) {
        print_error("%s: wanted status %d and '%s', got %d and '%s'\n", m->code, m->status, m->text, status,
                    rlc_error());
        fflush(NULL);
    }
    return !good;
}

static void run_cases(const misuse *table, int count, void (*call)(int number)) {
    int failures = 0;
    for (int i = 0; i < count; i++) {
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(outcome(&table[i], call, i));
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status)) {
            print_error("%s: ended by signal %d (%s)\n", table[i].code, WTERMSIG(status), strsignal(WTERMSIG(status)));
        }
        failures += status != 0;
    }
    print_message("%d cases\n", count);
    assert_int_equal(failures, 0);
}

static void test_misuse(void **state) {
    (void)state;
    run_cases(misuses, RLC_COUNT(misuses), misuse_number);
}

static void test_null(void **state) {
    (void)state;
    run_cases(nulls, RLC_COUNT(nulls), null_number);
}

/* Without a program each names itself. */
static void test_without_program(void **state) {
    (void)state;
    rlc_lerp(f3, f3, 0.5);
    expect_error(rlc_error_status(), RLC_INVALID, "lerp: no program is open");
    rlc_adam_tick(powers, &settings);
    expect_error(rlc_error_status(), RLC_INVALID, "adam: no program is open");
    rlc_adam_step(f3, f3, f3, f3, NULL, powers, lr, &settings);
    expect_error(rlc_error_status(), RLC_INVALID, "adam: no program is open");
    rlc_sgd_step(f3, f3, NULL, lr, &plain);
    expect_error(rlc_error_status(), RLC_INVALID, "sgd: no program is open");
    rlc_rmsprop_step(f3, f3, f3, NULL, NULL, lr, &still);
    expect_error(rlc_error_status(), RLC_INVALID, "rmsprop: no program is open");
    rlc_clip_grad_value(&f3, 1, 1);
    expect_error(rlc_error_status(), RLC_INVALID, "clip_grad_value: no program is open");
    rlc_ring_write(f43, f23, cursor);
    expect_error(rlc_error_status(), RLC_INVALID, "ring_write: no program is open");
    rlc_ring_advance(cursor, 1, 4);
    expect_error(rlc_error_status(), RLC_INVALID, "ring_advance: no program is open");
    assert_null(rlc_clip_grad_norm(&f3, 1, 1));
    expect_error(rlc_error_status(), RLC_INVALID, "clip_grad_norm: no program is open");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_misuse, fresh_start),
        cmocka_unit_test_setup(test_null, fresh_start),
        cmocka_unit_test_setup(test_without_program, fresh_start),
    };
    return cmocka_run_group_tests_name("misuse of updates", tests, make_operands, free_operands);
}
