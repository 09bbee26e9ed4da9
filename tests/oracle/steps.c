/* steps.c: one step of an environment from each of many states. Standard input has the states, [count][state_size], then the
 * actions, [count][action_size] or the numbers of discrete ones, all as float32; standard output gets each row's next
 * observation, reward and terminated, as float32.
 *
 *     steps Pendulum 1000 < rows > results
 */
#include <stdio.h>
#include <stdlib.h>

#include "recipes/builtin.h"
#include "recipes/run.h"
#include "tensordict/dict.h"

static void read_rows(float *rows, int64_t count) {
    if ((int64_t)fread(rows, sizeof *rows, (size_t)count, stdin) != count) {
        fprintf(stderr, "steps: standard input is too short\n");
        exit(1);
    }
}

/* The environment keeps its states as one row for each number. */
static rlc_tensor *read_states(const rlc_env *env, int64_t count) {
    int64_t size = rlc_size(env->states, 0);
    float *rows = rlc_calloc((size_t)(count * size), sizeof *rows);
    read_rows(rows, count * size);
    rlc_tensor *states = rlc_transpose(rlc_from_data(RLC_F32, RLC_SHAPE(count, size), rows), 0, 1);
    free(rows);
    return states;
}

static rlc_tensor *read_actions(const rlc_env *env, int64_t count) {
    bool discrete = rlc_spec_is_discrete(&env->action);
    int64_t size = discrete ? 1 : rlc_spec_size(&env->action);
    float *rows = rlc_calloc((size_t)(count * size), sizeof *rows);
    read_rows(rows, count * size);
    rlc_tensor *actions = rlc_from_data(RLC_F32, discrete ? RLC_SHAPE(count) : RLC_SHAPE(count, size), rows);
    free(rows);
    return discrete ? rlc_spec_encode(&env->action, rlc_cast(actions, RLC_I64)) : actions;
}

static rlc_status step(rlc_env *env, rlc_program *program, int64_t count) {
    rlc_begin(program);
    rlc_assign(env->states, read_states(env, count));
    rlc_dict *td = rlc_env_kept(env);
    rlc_dict_set(td, "action", read_actions(env, count));
    rlc_env_step(env, td);
    rlc_tensor *parts[] = {rlc_dict_get(td, "next.observation"), rlc_dict_get(td, "next.reward"),
                           rlc_cast(rlc_dict_get(td, "next.terminated"), RLC_F32)};
    rlc_tensor *rows = rlc_concatenate(parts, 3, 1);
    float *values = rows != NULL ? rlc_calloc((size_t)rows->numel, sizeof *values) : NULL;
    if (values != NULL && rlc_read(rows, values) == RLC_OK) {
        fwrite(values, sizeof *values, (size_t)rows->numel, stdout);
    }
    free(values);
    return rlc_end(program);
}

int main(int argc, char **argv) {
    rlc_registry *registry;
    rlc_device *device;
    rlc_program *program;
    rlc_env *env;
    char options[128];
    if (argc != 3) {
        fprintf(stderr, "usage: steps TYPE COUNT\n");
        return 2;
    }
    int64_t count = atoll(argv[2]);
    snprintf(options, sizeof options, "{type: %s, num_envs: %lld}", argv[1], (long long)count);
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &device) : status;
    status = status == RLC_OK ? rlc_env_make(registry, device, 1, options, &env) : status;
    status = status == RLC_OK ? rlc_program_new(device, "step", &program) : status;
    status = status == RLC_OK ? step(env, program, count) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    return (int)status;
}
