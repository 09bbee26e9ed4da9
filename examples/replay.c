/* replay.c: what one learns: a replay buffer is a ring. One of capacity 4 is given six steps; the two oldest go. A
 * sample names the rows it was drawn from.
 *
 *     cc replay.c $(pkg-config --cflags --libs rlc) -o replay
 */
#include "show.h"

/* Two steps as a batch: what was seen, and the reward. */
static rlc_dict *two_steps(float first) {
    const float seen[] = {first, -first, first + 1, -first - 1}, rewards[] = {10 * first, 10 * (first + 1)};
    rlc_dict *batch = rlc_dict_new(RLC_SHAPE(2));
    rlc_dict_set(batch, "observation", rlc_from_data(RLC_F32, RLC_SHAPE(2, 2), seen));
    rlc_dict_set(batch, "next.reward", rlc_from_data(RLC_F32, RLC_SHAPE(2, 1), rewards));
    return batch;
}

static rlc_status lesson(rlc_registry *registry, rlc_device *cpu, rlc_program *program, rlc_buffer **buffer) {
    const char *options = "{type: ReplayBuffer, capacity: 4, batch_size: 4}";
    rlc_begin(program);
    RLC_TRY(rlc_buffer_make(registry, cpu, 1, options, two_steps(1), buffer)); /* an example shows it what to keep */
    RLC_TRY(rlc_end(program));
    for (int i = 0; i < 3; i++) {
        rlc_begin(program);
        rlc_buffer_extend(*buffer, two_steps((float)(1 + 2 * i)));
        printf("after %d steps it holds %g:", 2 * (i + 1), rlc_item((*buffer)->size));
        show(" rewards", rlc_squeeze(rlc_dict_get((*buffer)->storage, "next.reward"), -1));
        RLC_TRY(rlc_end(program));
    }
    rlc_begin(program);
    rlc_dict *sample = rlc_buffer_sample(*buffer);
    if (sample != NULL) {
        rlc_dict_print(sample, stdout);
        rlc_tensor *again =
            rlc_index_select(rlc_dict_get((*buffer)->storage, "next.reward"), rlc_dict_get(sample, "index"));
        rlc_tensor *same = rlc_all(rlc_eq(again, rlc_dict_get(sample, "next.reward")), RLC_ALL, false);
        printf("its rows are those that index names: %s\n", rlc_item(same) != 0 ? "yes" : "no");
    }
    return rlc_end(program);
}

int main(void) {
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_buffer *buffer = NULL;
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "lesson", &program) : status;
    status = status == RLC_OK ? lesson(registry, cpu, program, &buffer) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_buffer_free(buffer);
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
