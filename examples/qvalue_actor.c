/* qvalue_actor.c: what one learns: a policy from a network of action values on CartPole. Modules read and write entries
 * of one dict; QValueModule takes the action of the highest value and notes that value.
 *
 *     cc qvalue_actor.c $(pkg-config --cflags --libs rlc) -o qvalue_actor
 */
#include "show.h"

static rlc_status lesson(rlc_registry *registry, rlc_device *cpu, rlc_program *program, rlc_env **env,
                         rlc_model **model) {
    const char *net = "{type: MLP, in_keys: [observation], out_keys: [action_value], num_cells: [32], out_features: 2}";
    rlc_module *actor;
    RLC_TRY(rlc_env_make(registry, cpu, 1, "{type: CartPole, num_envs: 3}", env));
    RLC_TRY(rlc_model_new(registry, cpu, 1, model));
    rlc_model_expect(*model, &(*env)->observation, &(*env)->action, rlc_env_example(*env, program));
    RLC_TRY(rlc_model_add(*model, "net", net, &actor));
    RLC_TRY(rlc_model_add(*model, "actor", "{type: Sequential, modules: [net, {type: QValueModule}]}", &actor));
    RLC_TRY(rlc_model_allocate(*model));

    rlc_begin(program);
    rlc_dict *td = rlc_env_reset(*env);
    rlc_module_call(actor, td);
    if (td != NULL) {
        rlc_dict_print(td, stdout);
    }
    rlc_tensor *value = rlc_dict_get(td, "action_value"), *chosen = rlc_dict_get(td, "chosen_action_value");
    show("action_value", value);
    show("action", rlc_dict_get(td, "action"));
    show("chosen_action_value", chosen);
    show("the largest of each row", rlc_max(value, -1, true));
    return rlc_end(program);
}

int main(void) {
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_env *env = NULL;
    rlc_model *model = NULL;
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "lesson", &program) : status;
    status = status == RLC_OK ? lesson(registry, cpu, program, &env, &model) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_model_free(model);
    rlc_env_free(env);
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
