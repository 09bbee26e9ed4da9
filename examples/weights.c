/* weights.c: what one learns: the weights of a network in a file that PyTorch reads, and what loading says of a file that is
 * not that of the network.
 *
 *     cc weights.c $(pkg-config --cflags --libs rlc) -o weights
 *
 * In Python: net.load_state_dict(safetensors.torch.load_file("net.safetensors")), and back by save_file(net.state_dict(), ...).
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <stdlib.h>
#include <unistd.h>

#include "show.h"

static void show_names(const char *what, const rlc_strings *names) {
    for (int i = 0; i < names->count; i++) {
        printf("%s%s", i == 0 ? what : ", ", names->values[i]);
    }
    printf("%s", names->count > 0 ? "\n" : "");
}

/* The second network has a layer more: strict, nothing is loaded; not strict, what both have. */
static rlc_status load(rlc_module *deeper, const char *path) {
    rlc_load_report report = {0};
    rlc_status status = rlc_module_load(deeper, path, "", RLC_STRICT, &report);
    printf("strict: %s\n", status == RLC_OK ? "it fits" : "it does not fit");
    show_names("  missing: ", &report.missing);
    show_names("  unexpected: ", &report.unexpected);
    rlc_error_clear();
    status = rlc_module_load(deeper, path, "", RLC_NOT_STRICT, &report);
    printf("not strict: %s, %d missing\n", status == RLC_OK ? "loaded" : rlc_error(), report.missing.count);
    rlc_load_report_free(&report);
    return status;
}

static rlc_status lesson(rlc_model *model, rlc_program *program, const char *path) {
    const rlc_spec seen = rlc_spec_unbounded(RLC_SHAPE(4)), action = rlc_spec_one_hot(2);
    rlc_module *net, *deeper;
    rlc_begin(program);
    rlc_dict *example = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(example, "observation", rlc_spec_zeros(&seen, RLC_SHAPE(1)));
    rlc_model_expect(model, &seen, &action, example);
    RLC_TRY(rlc_end(program));
    RLC_TRY(rlc_model_add(model, "net", "{type: MLP, out_keys: [q], num_cells: [3], out_features: 3}", &net));
    RLC_TRY(rlc_model_add(model, "deeper", "{type: MLP, out_keys: [p], num_cells: [3, 3], out_features: 2}", &deeper));
    RLC_TRY(rlc_model_allocate(model));
    RLC_TRY(rlc_module_save(net, path));
    RLC_TRY(load(deeper, path));

    rlc_begin(program); /* parameters of a module stand in the order of its layers: 0.weight, 0.bias, 2.weight, ... */
    rlc_tensor *a = model->parameters[net->first_parameter].tensor,
               *b = model->parameters[deeper->first_parameter].tensor;
    printf("their first layers are the same: %s\n",
           rlc_item(rlc_all(rlc_eq(a, b), RLC_ALL, false)) != 0 ? "yes" : "no");
    return rlc_end(program);
}

int main(void) {
    char folder[] = "/tmp/weights-XXXXXX", path[64];
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_model *model = NULL;
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 1;
    }
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "lesson", &program) : status;
    status = status == RLC_OK ? rlc_model_new(registry, cpu, 1, &model) : status;
    status = status == RLC_OK ? lesson(model, program, path) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    unlink(path);
    rmdir(folder);
    rlc_model_free(model);
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
