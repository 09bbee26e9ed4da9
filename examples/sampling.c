/* sampling.c: what one learns: a policy over discrete actions is a softmax over logits, and drawing from it gives each action
 * as often as its probability says.
 *
 *     cc sampling.c $(pkg-config --cflags --libs rlc) -o sampling
 */
#include "show.h"

enum { DRAWS = 30000, ACTIONS = 4 };

/* The deviation of a frequency from its probability p is about sqrt(p (1 - p) / draws): 0.003 at most for 30,000. */
static void lesson(rlc_stream *stream) {
    const float numbers[ACTIONS] = {0, 1, 2, -1};
    rlc_tensor *logits = rlc_from_data(RLC_F32, RLC_SHAPE(ACTIONS), numbers);
    rlc_tensor *probability = rlc_softmax(logits, -1);
    show("logits", logits);
    show("probabilities", probability);
    show("they add up to", rlc_sum(probability, -1, false));
    show("entropy", rlc_neg(rlc_sum(rlc_mul(probability, rlc_log_softmax(logits, -1)), -1, false)));

    rlc_tensor *rows = rlc_expand(rlc_unsqueeze(logits, 0), RLC_SHAPE(DRAWS, ACTIONS)); /* no copy: a view */
    rlc_tensor *action = rlc_random_categorical(stream, rows);
    show("the first ten actions", rlc_slice(action, 0, 0, 10));
    rlc_tensor *frequency = rlc_mean(rlc_cast(rlc_one_hot(action, ACTIONS), RLC_F32), 0, false);
    show("frequencies of 30,000", frequency);
    double furthest = rlc_item(rlc_max(rlc_abs(rlc_sub(frequency, probability)), -1, false));
    printf("none is further than 0.01 from its probability: %s\n", furthest < 0.01 ? "yes" : "no");
    show("the greedy action", rlc_argmax(logits, -1, false));
}

int main(void) {
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_stream *stream = NULL; /* a seed and a name make a stream; others change nothing about it */
    rlc_status status = rlc_device_open("cpu", &cpu);
    status = status == RLC_OK ? rlc_program_new(cpu, "lesson", &program) : status;
    stream = status == RLC_OK ? rlc_stream_new(cpu, 1, "actions") : NULL;
    if (stream != NULL) {
        rlc_begin(program);
        lesson(stream);
        status = rlc_end(program);
    }
    if (rlc_error_status() != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_stream_free(stream);
    rlc_program_free(program);
    return (int)rlc_error_status();
}
