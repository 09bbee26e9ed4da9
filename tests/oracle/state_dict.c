/* state_dict.c: saves a network and what it says about some observations: `state_dict NETWORK WEIGHTS OUTPUTS`. */
#include <stdio.h>
#include <string.h>

#include "core/device.h"
#include "modules/model.h"
#include "modules/state_dict.h"
#include "recipes/builtin.h"
#include "tensordict/dict_file.h"

static const struct network {
    const char *name, *options;
    rlc_shape observation;
    int64_t rows;
    int batches; /* that it has seen in training */
} networks[] = {
    {"mlp",
     "{type: Sequential, modules: [{type: MLP, out_keys: [hidden], num_cells: [32], activation: relu, out_features: "
     "16}, {type: MLP, in_keys: [hidden], out_keys: [q], num_cells: [8, 8], out_features: 3}]}",
     {1, {4}},
     100,
     0},
    {"atari", /* Mnih et al. (2015) */
     "{type: Sequential, modules: [{type: ConvNet, in_keys: [observation], out_keys: [hidden], activation: relu, "
     "num_cells: [32, 64, 64], kernel_sizes: [8, 4, 3], strides: [4, 2, 1]}, {type: MLP, in_keys: [hidden], out_keys: "
     "[q], num_cells: [512], activation: relu, out_features: 6}]}",
     {3, {4, 84, 84}},
     8,
     0},
    {"batch_norm",
     "{type: Sequential, out_keys: [q], modules: [{type: Linear, out_features: 8}, {type: BatchNorm1d}, {type: Linear, "
     "out_features: 3}]}",
     {1, {4}},
     100,
     2},
};

static const struct network *find(const char *name) {
    for (int i = 0; i < RLC_COUNT(networks); i++) {
        if (strcmp(networks[i].name, name) == 0) {
            return &networks[i];
        }
    }
    rlc_fail(RLC_INVALID, "there is no network %s", name);
    return NULL;
}

static rlc_dict *observations(const struct network *n) {
    const rlc_shape shape = rlc_shape_concat(RLC_SHAPE(n->rows), n->observation);
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(n->rows));
    rlc_dict_set(td, "observation", rlc_reshape(rlc_sin(rlc_arange(RLC_F32, rlc_shape_numel(shape))), shape));
    return td;
}

static rlc_status write(const struct network *n, rlc_model *model, rlc_program *program, const char *weights,
                        const char *outputs) {
    rlc_spec observation = rlc_spec_unbounded(n->observation), action = rlc_spec_one_hot(3);
    rlc_module *net;
    rlc_begin(program);
    rlc_model_expect(model, &observation, &action, observations(n));
    RLC_TRY(rlc_model_add(model, "net", n->options, &net));
    RLC_TRY(rlc_model_allocate(model));
    rlc_set_training(true);
    for (int i = 0; i < n->batches; i++) {
        rlc_module_call(net, observations(n));
    }
    rlc_set_training(false);
    rlc_dict *td = observations(n);
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
    if (argc != 4) {
        fprintf(stderr, "usage: state_dict NETWORK WEIGHTS OUTPUTS\n");
        return RLC_INVALID;
    }
    const struct network *network = find(argv[1]);
    rlc_status status = network != NULL ? rlc_registry_new(&registry) : rlc_error_status();
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "state_dict", &program) : status;
    status = status == RLC_OK ? rlc_model_new(registry, cpu, 1, &model) : status;
    status = status == RLC_OK ? write(network, model, program, argv[2], argv[3]) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_model_free(model);
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
