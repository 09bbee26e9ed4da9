/* optimizers.c: what one learns: a training loop, and how five optimisers walk down the same hill. A line is fitted to points
 * of y = 2 x + 1; the slope and the intercept begin at 0.
 *
 *     cc optimizers.c $(pkg-config --cflags --libs rlc) -o optimizers
 */
#include "show.h"

/* What an optimiser remembers between steps: roots, which live until their state is freed. */
typedef struct memory {
    rlc_tensor *average, *square, *powers;
} memory;

static void sgd(rlc_tensor *p, rlc_tensor *lr, const memory *m) {
    (void)m;
    const rlc_sgd settings = {.momentum = 0};
    rlc_sgd_step(p, p->grad, NULL, lr, &settings);
}

static void momentum(rlc_tensor *p, rlc_tensor *lr, const memory *m) {
    const rlc_sgd settings = {.momentum = 0.9};
    rlc_sgd_step(p, p->grad, m->average, lr, &settings);
}

static void rmsprop(rlc_tensor *p, rlc_tensor *lr, const memory *m) {
    const rlc_rmsprop settings = {.alpha = 0.99, .eps = 1e-8};
    rlc_rmsprop_step(p, p->grad, m->square, NULL, NULL, lr, &settings);
}

/* The averages begin at 0 and are too small at first; the powers of beta1 and beta2 correct that, and move on by a tick. */
static void adam_with(rlc_tensor *p, rlc_tensor *lr, const memory *m, double weight_decay) {
    const rlc_adam settings = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decoupled_weight_decay = weight_decay};
    rlc_adam_tick(m->powers, &settings);
    rlc_adam_step(p, p->grad, m->average, m->square, NULL, m->powers, lr, &settings);
}

static void adam(rlc_tensor *p, rlc_tensor *lr, const memory *m) {
    adam_with(p, lr, m, 0);
}

/* Its decay pulls the parameters towards 0 whatever the gradient is, so it ends with a line that is a little too flat. */
static void adamw(rlc_tensor *p, rlc_tensor *lr, const memory *m) {
    adam_with(p, lr, m, 0.1);
}

static const struct {
    const char *name;
    float lr;
    void (*step)(rlc_tensor *p, rlc_tensor *lr, const memory *m);
} optimizers[] = {
    {"SGD", 0.1f, sgd},     {"SGD with momentum", 0.1f, momentum}, {"RMSprop", 0.02f, rmsprop}, {"Adam", 0.1f, adam},
    {"AdamW", 0.1f, adamw},
};

static rlc_tensor *mean_squared_error(rlc_tensor *line) {
    const float xs[] = {-1, -0.5f, 0, 0.5f, 1, 1.5f}, ys[] = {-1, 0, 1, 2, 3, 4};
    rlc_tensor *x = rlc_from_data(RLC_F32, RLC_SHAPE(6), xs), *y = rlc_from_data(RLC_F32, RLC_SHAPE(6), ys);
    rlc_tensor *guess = rlc_add(rlc_mul(x, rlc_select(line, 0, 0)), rlc_select(line, 0, 1));
    return rlc_mean(rlc_squared_error(guess, y), RLC_ALL, false);
}

/* A step is a program: what it recorded is given back when the next one begins, only roots stay. */
static rlc_status train(int i, rlc_program *program, rlc_tensor *line, rlc_tensor *lr, const memory *m) {
    printf("%s: loss", optimizers[i].name);
    for (int step = 0; step <= 200; step++) {
        rlc_begin(program);
        rlc_zero_grad(line); /* or gradients would add up over steps */
        rlc_tensor *loss = mean_squared_error(line);
        rlc_backward(loss);
        if (step == 0 || step == 10 || step == 50 || step == 200) {
            printf(" %.2g at step %d,", rlc_item(loss), step);
        }
        optimizers[i].step(line, lr, m);
        RLC_TRY(rlc_end(program));
    }
    float values[2];
    RLC_TRY(rlc_tensor_read(line, values));
    printf(" y = %.2f x + %.2f\n", (double)values[0], (double)values[1]);
    return RLC_OK;
}

static rlc_status lesson(rlc_device *cpu, rlc_program *program, rlc_state *state) {
    const double powers[] = {0, 1, 1}; /* no step yet, and both betas to the power of 0 */
    for (int i = 0; i < RLC_COUNT(optimizers); i++) {
        rlc_tensor *line = rlc_state_tensor(state, cpu, "line", RLC_F32, RLC_SHAPE(2));
        rlc_tensor *lr = rlc_state_tensor(state, cpu, "lr", RLC_F32, RLC_SHAPE(1));
        const memory m = {.average = rlc_state_tensor(state, cpu, "average", RLC_F32, RLC_SHAPE(2)),
                          .square = rlc_state_tensor(state, cpu, "square", RLC_F32, RLC_SHAPE(2)),
                          .powers = rlc_state_tensor(state, cpu, "powers", RLC_F64, RLC_SHAPE(3))};
        RLC_TRY(rlc_error_status());
        RLC_TRY(rlc_requires_grad(line));
        RLC_TRY(rlc_tensor_write(lr, &optimizers[i].lr)); /* a tensor, so that a schedule could change it */
        RLC_TRY(rlc_tensor_write(m.powers, powers));
        RLC_TRY(train(i, program, line, lr, &m));
    }
    return RLC_OK;
}

int main(void) {
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_state state = {0};
    rlc_status status = rlc_device_open("cpu", &cpu);
    status = status == RLC_OK ? rlc_program_new(cpu, "lesson", &program) : status;
    status = status == RLC_OK ? lesson(cpu, program, &state) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_state_free(&state);
    rlc_program_free(program);
    return (int)status;
}
