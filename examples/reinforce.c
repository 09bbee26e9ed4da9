/* reinforce.c: what one learns: policy gradients by hand. REINFORCE (Williams, 1992) plays episodes of CartPole, weighs the
 * log-probability of each action by the return that followed, and climbs. recipes/reinforce.yaml is the same in YAML.
 *
 *     cc reinforce.c $(pkg-config --cflags --libs rlc) -o reinforce
 *
 * How far it is goes to standard error: the numbers of a long training differ between instruction sets, what it ends in does not.
 */
#include <rlc.h>

enum { STEPS = 512, UPDATES = 40 };

/* What training goes on with from update to update. */
typedef struct trainer {
    rlc_env *env;
    rlc_model *model;
    rlc_module *policy;
    rlc_program *program;
    rlc_state state;                    /* owns the tensors below */
    rlc_tensor *average[4], *square[4]; /* of Adam, for each parameter */
    rlc_tensor *powers, *lr;
} trainer;

static rlc_status build(rlc_registry *registry, rlc_device *cpu, trainer *t) {
    static const char net[] = "{type: MLP, out_keys: [logits], num_cells: [128], activation: relu, out_features: 2}";
    static const char policy[] =
        "{type: ProbabilisticActor, module: net, in_keys: [logits], distribution: OneHotCategorical}";
    rlc_module *logits;
    RLC_TRY(rlc_program_new(cpu, "reinforce", &t->program));
    RLC_TRY(rlc_env_make(registry, cpu, 1, "{type: CartPole, num_envs: 16}", &t->env));
    RLC_TRY(rlc_model_new(registry, cpu, 1, &t->model));
    rlc_model_expect(t->model, &t->env->observation, &t->env->action, rlc_env_example(t->env, t->program));
    RLC_TRY(rlc_model_add(t->model, "net", net, &logits));
    RLC_TRY(rlc_model_add(t->model, "policy", policy, &t->policy));
    RLC_TRY(rlc_model_allocate(t->model));
    for (int i = 0; i < t->model->num_parameters; i++) { /* two layers: two weights, two biases */
        const rlc_shape shape = rlc_shape_of(t->model->parameters[i].tensor);
        t->average[i] = rlc_state_tensor(&t->state, cpu, "average", RLC_F32, shape);
        t->square[i] = rlc_state_tensor(&t->state, cpu, "square", RLC_F32, shape);
    }
    t->powers = rlc_state_tensor(&t->state, cpu, "powers", RLC_F64, RLC_SHAPE(3));
    t->lr = rlc_state_tensor(&t->state, cpu, "lr", RLC_F32, RLC_SHAPE(1));
    RLC_TRY(rlc_error_status());
    RLC_TRY(rlc_tensor_write(t->powers, (const double[]){0, 1, 1}));
    return rlc_tensor_write(t->lr, (const float[]){0.01f});
}

/* -mean(log pi(a | s) (G - b) / deviation): the baseline b, here the mean return, takes away what no action decides. */
static rlc_tensor *reinforce(rlc_module *policy, rlc_dict *td) {
    rlc_distribution d;
    rlc_tensor *g = rlc_reward_to_go(rlc_dict_get(td, "next.reward"), rlc_dict_get(td, "next.done"), 0.99);
    rlc_tensor *centred = rlc_sub(g, rlc_mean(g, RLC_ALL, false));
    rlc_tensor *deviation = rlc_sqrt(rlc_mean(rlc_square(centred), RLC_ALL, false));
    rlc_tensor *weight = rlc_squeeze(rlc_div(centred, rlc_add_scalar(deviation, 1e-6)), -1);
    rlc_tensor *action = rlc_dict_get(td, "action");
    if (!rlc_module_distribution(policy, td, &d)) { /* runs the network again, this time with gradients */
        return NULL;
    }
    return rlc_neg(rlc_mean(rlc_mul(rlc_distribution_log_prob(&d, action), weight), RLC_ALL, false));
}

static void climb(trainer *t) {
    const rlc_adam settings = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    rlc_adam_tick(t->powers, &settings);
    for (int i = 0; i < t->model->num_parameters; i++) {
        rlc_tensor *parameter = t->model->parameters[i].tensor;
        rlc_adam_step(parameter, parameter->grad, t->average[i], t->square[i], NULL, t->powers, t->lr, &settings);
        rlc_zero_grad(parameter);
    }
}

/* Plays and learns once from what was played. Of it nothing stays but what roots hold. */
static rlc_status update(trainer *t) {
    rlc_begin(t->program);
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    rlc_dict *td = rlc_rollout_with(t->env, t->policy, STEPS, (rlc_rollout_options){.keep_going = true});
    rlc_backward(td != NULL ? reinforce(t->policy, td) : NULL);
    climb(t);
    return rlc_end(t->program);
}

static rlc_status train(trainer *t) {
    rlc_env_stats stats = {0};
    for (int i = 1; i <= UPDATES; i++) {
        RLC_TRY(update(t));
        RLC_TRY(rlc_env_read_stats(t->env, &stats));
        if (i == 1) {
            printf("untrained, the mean return is below 50: %s\n", stats.return_mean < 50 ? "yes" : "no");
        }
        if (i % 10 == 0) {
            fprintf(stderr, "after %d updates the mean return of 100 episodes is %.1f\n", i, stats.return_mean);
        }
    }
    printf("trained, it is above 195, what CartPole-v0 asks for: %s\n", stats.return_mean > 195 ? "yes" : "no");
    return RLC_OK;
}

int main(void) {
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    trainer t = {0};
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? build(registry, cpu, &t) : status;
    status = status == RLC_OK ? train(&t) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_model_free(t.model);
    rlc_env_free(t.env);
    rlc_state_free(&t.state);
    rlc_program_free(t.program);
    rlc_registry_free(registry);
    return (int)status;
}
