/* state_dict.c: saves a module of two networks and what it says about some observations: `state_dict WEIGHTS OUTPUTS`. */
#include <stdio.h>

#include "core/device.h"
#include "modules/model.h"
#include "modules/state_dict.h"
#include "recipes/builtin.h"
#include "tensordict/dict_file.h"

static rlc_dict *observations(void) {
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(100));
    rlc_dict_set(td, "observation", rlc_reshape(rlc_sin(rlc_arange(RLC_F32, 400)), RLC_SHAPE(100, 4)));
    return td;
}

static rlc_status write(rlc_model *model, rlc_program *program, const char *weights, const char *outputs) {
    static const char options[] =
        "{type: Sequential, modules: [{type: MLP, out_keys: [hidden], num_cells: [32], activation: relu, out_features: "
        "16}, {type: MLP, in_keys: [hidden], out_keys: [q], num_cells: [8, 8], out_features: 3}]}";
    rlc_spec observation = rlc_spec_unbounded(RLC_SHAPE(4)), action = rlc_spec_one_hot(3);
    rlc_module *net;
    rlc_begin(program);
    rlc_model_expect(model, &observation, &action, observations());
    RLC_TRY(rlc_model_add(model, "net", options, &net));
    RLC_TRY(rlc_model_allocate(model));
    rlc_dict *td = observations();
    rlc_module_call(net, td);
    RLC_TRY(rlc_dict_save(td, outputs));
    RLC_TRY(rlc_end(program));
    return rlc_module_save(net, weights);
}

int main(int argc, char **argv) {
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_model *model = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: state_dict WEIGHTS OUTPUTS\n");
        return RLC_INVALID;
    }
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "state_dict", &program) : status;
    status = status == RLC_OK ? rlc_model_new(registry, cpu, 1, &model) : status;
    status = status == RLC_OK ? write(model, program, argv[1], argv[2]) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_model_free(model);
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
