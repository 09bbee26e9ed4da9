/* autograd.c: what one learns: gradients of roots, that they add up until they are zeroed, and descent along them.
 *
 *     cc autograd.c $(pkg-config --cflags --libs rlc) -o autograd
 */
#include "show.h"

/* y = x^2 + 3 x, whose derivative is 2 x + 3. */
static rlc_tensor *parabola(rlc_tensor *x) {
    return rlc_add(rlc_square(x), rlc_mul_scalar(x, 3));
}

static rlc_status gradients(rlc_program *program, rlc_tensor *x) {
    const float start[] = {2, 3};
    RLC_TRY(rlc_tensor_write(x, start));
    rlc_begin(program);
    rlc_tensor *y = parabola(x);
    show("y", y);
    rlc_backward(rlc_sum(y, RLC_ALL, false));
    show("dy/dx", x->grad);
    rlc_backward(rlc_sum(parabola(x), RLC_ALL, false));
    show("after a second backward", x->grad);
    rlc_zero_grad(x);
    rlc_backward(rlc_sum(parabola(x), RLC_ALL, false));
    show("zeroed first", x->grad);

    bool was = rlc_no_grad(true); /* nothing is recorded for backward() in here */
    printf("without gradients y %s one\n", parabola(x)->flags & RLC_REQUIRES_GRAD ? "wants" : "does not want");
    rlc_no_grad(was);
    return rlc_end(program);
}

/* Minimises (w - 3)^2 from 0, a program for each step: what the last one computed is given back. */
static rlc_status descent(rlc_program *program, rlc_tensor *w) {
    for (int step = 0; step <= 50; step++) {
        rlc_begin(program);
        rlc_zero_grad(w);
        rlc_tensor *loss = rlc_square(rlc_add_scalar(w, -3));
        rlc_backward(loss);
        if (step % 10 == 0) {
            printf("step %2d: w = %.4f, loss = %.4f\n", step, rlc_item(w), rlc_item(loss));
        }
        bool was = rlc_no_grad(true);
        rlc_assign(w, rlc_sub(w, rlc_mul_scalar(w->grad, 0.1)));
        rlc_no_grad(was);
        RLC_TRY(rlc_end(program));
    }
    return RLC_OK;
}

static rlc_status lesson(rlc_program *program, rlc_tensor *x, rlc_tensor *w) {
    RLC_TRY(rlc_requires_grad(x));
    RLC_TRY(rlc_requires_grad(w));
    RLC_TRY(gradients(program, x));
    return descent(program, w);
}

int main(void) {
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_tensor *x = NULL, *w = NULL;
    if (rlc_device_open("cpu", &cpu) == RLC_OK && rlc_program_new(cpu, "lesson", &program) == RLC_OK) {
        x = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(2)); /* roots: they live until they are freed */
        w = rlc_tensor_new(cpu, RLC_F32, RLC_SHAPE(1));
    }
    rlc_status status = x != NULL && w != NULL ? lesson(program, x, w) : rlc_error_status();
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_tensor_free(x);
    rlc_tensor_free(w);
    rlc_program_free(program);
    return (int)status;
}
