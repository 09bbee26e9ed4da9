/* rollout.c: the same pieces without YAML: an environment, a network, a policy, and ten steps printed as a dict. */
#include <rlc.h>

static rlc_status run(rlc_registry *registry, rlc_device *cpu, rlc_program *program) {
    rlc_env *env;
    rlc_model *model;
    rlc_module *net, *policy;
    RLC_TRY(rlc_env_make(registry, cpu, 1, "{type: CartPole, num_envs: 2}", &env));
    RLC_TRY(rlc_model_new(registry, cpu, 1, &model));
    rlc_model_expect(model, &env->observation, &env->action, rlc_env_example(env, program));
    RLC_TRY(rlc_model_add(model, "net", "{type: MLP, out_keys: [action_value], num_cells: [], out_features: 2}", &net));
    RLC_TRY(rlc_model_add(model, "policy", "{type: Sequential, modules: [net, {type: QValueModule}]}", &policy));
    RLC_TRY(rlc_model_allocate(model));

    rlc_begin(program);
    rlc_dict *td = rlc_rollout(env, policy, 10);
    if (td != NULL) {
        rlc_dict_print(td, stdout);
        float reward[20];
        if (rlc_read(rlc_dict_get(td, "next.reward"), reward) == RLC_OK) {
            printf("the first reward is %g\n", reward[0]);
        }
    }
    rlc_status status = rlc_end(program);
    rlc_model_free(model);
    rlc_env_free(env);
    return status;
}

int main(void) {
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "rollout", &program) : status;
    status = status == RLC_OK ? run(registry, cpu, program) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
