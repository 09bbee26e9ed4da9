/* tensors.c: what one learns: tensors are made and combined as in PyTorch's basics tutorial. Ops record into the
 * program that is open; reading a value runs what has been recorded.
 *
 *     cc tensors.c $(pkg-config --cflags --libs rlc) -o tensors
 */
#include "show.h"

static void lesson(void) {
    const float data[] = {1, 2, 3, 4};
    rlc_tensor *x = rlc_from_data(RLC_F32, RLC_SHAPE(2, 2), data);
    show("x", x);
    show("ones like x", rlc_full(RLC_F32, rlc_shape_of(x), 1));
    show("second row", rlc_select(x, 0, 1));
    show("last column", rlc_select(x, -1, -1));

    rlc_tensor *pieces[] = {x, x, x};
    show("three side by side", rlc_concatenate(pieces, 3, 1));

    show("x times x, by element", rlc_mul(x, x));
    show("x times x transposed", rlc_matmul(x, rlc_transpose(x, 0, 1)));
    show("x minus the mean of each row", rlc_sub(x, rlc_mean(x, -1, true))); /* [2, 2] and [2, 1] broadcast */

    printf("the sum is %g\n", rlc_item(rlc_sum(x, RLC_ALL, false)));
    show("where x > 2", rlc_gt(x, rlc_scalar(2)));
    show("the largest of each row is at", rlc_argmax(x, -1, false));
}

int main(void) {
    rlc_device *cpu;
    rlc_program *program;
    if (rlc_device_open("cpu", &cpu) != RLC_OK || rlc_program_new(cpu, "lesson", &program) != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
        return 1;
    }
    rlc_begin(program);
    lesson();
    rlc_status status = rlc_end(program); /* the first error of all ops, if there was one */
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_program_free(program);
    return (int)status;
}
