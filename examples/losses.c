/* losses.c: what one learns: the values of the actions taken, by gather, and why Q-learning likes the Huber distance:
 * one bad guess weighs as much as its error, not as its square.
 *
 *     cc losses.c $(pkg-config --cflags --libs rlc) -o losses
 */
#include "show.h"

static void taken_actions(void) {
    const float values[] = {0.1f, 0.9f, 0.4f, 0.3f, 0.7f, 0.2f};
    const int64_t actions[] = {1, 0, 1}; /* one for each row */
    rlc_tensor *q = rlc_from_data(RLC_F32, RLC_SHAPE(3, 2), values);
    rlc_tensor *action = rlc_from_data(RLC_I64, RLC_SHAPE(3), actions);
    show("q", q);
    show("q of the actions taken", rlc_gather(q, -1, rlc_unsqueeze(action, -1)));
    show("the same by one-hot", rlc_sum(rlc_mul(q, rlc_cast(rlc_one_hot(action, 2), RLC_F32)), -1, true));
}

static void distances(const char *what, rlc_tensor *guess, rlc_tensor *target) {
    printf("%s:\n", what);
    show("  squared errors", rlc_squared_error(guess, target));
    show("  huber distances", rlc_huber(guess, target, 1));
    printf("  means: %.4g and %.4g\n", rlc_item(rlc_mean(rlc_squared_error(guess, target), RLC_ALL, false)),
           rlc_item(rlc_mean(rlc_huber(guess, target, 1), RLC_ALL, false)));
}

static void lesson(void) {
    const float guesses[] = {10, 11, 12, 10, 9}, targets[] = {12, 8, 10, 13, 11}, outlier[] = {10, 11, 12, 10, 109};
    rlc_tensor *target = rlc_from_data(RLC_F32, RLC_SHAPE(5), targets);
    taken_actions();
    distances("five guesses", rlc_from_data(RLC_F32, RLC_SHAPE(5), guesses), target);
    distances("the last one far off", rlc_from_data(RLC_F32, RLC_SHAPE(5), outlier), target);
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
    rlc_status status = rlc_end(program);
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_program_free(program);
    return (int)status;
}
