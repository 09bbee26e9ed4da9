/* outputs.c: what a run's value network says about observations that are read from standard input, four floats a line. */
#include <stdio.h>

#include "recipes/files.h"

static rlc_status print_values(rlc_run *run, const float *observations, int64_t count) {
    rlc_begin(run->evaluating);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(count));
    rlc_dict_set(td, "observation", rlc_from_data(RLC_F32, RLC_SHAPE(count, 4), observations));
    rlc_module_call(rlc_run_module(run, "value_net"), td);
    float values[2 * 1024];
    if (rlc_read(rlc_dict_get(td, "action_value"), values) == RLC_OK) {
        for (int64_t i = 0; i < count; i++) {
            printf("%.9g %.9g\n", (double)values[2 * i], (double)values[2 * i + 1]);
        }
    }
    return rlc_end(run->evaluating);
}

int main(int argc, char **argv) {
    static float observations[4 * 1024];
    char path[4096];
    rlc_run *run;
    int64_t count = 0;
    while (count < 1024 && scanf("%f %f %f %f", &observations[4 * count], &observations[4 * count + 1],
                                 &observations[4 * count + 2], &observations[4 * count + 3]) == 4) {
        count++;
    }
    snprintf(path, sizeof path, "%s/recipe.yaml", argc > 1 ? argv[1] : ".");
    rlc_status status = rlc_run_load(path, NULL, 0, &run);
    if (status == RLC_OK) {
        snprintf(path, sizeof path, "%s/checkpoint.safetensors", argc > 1 ? argv[1] : ".");
        status = rlc_load_parameters(run, path);
        status = status == RLC_OK ? print_values(run, observations, count) : status;
        rlc_run_free(run);
    }
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    return (int)status;
}
