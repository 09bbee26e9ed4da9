/* networks.c: what one learns: two layers that make a Q network better. A noisy layer explores by itself: it has a mean and a
 * deviation of each weight, and learns both. A dueling network says what a state is worth and, apart from that, by how much
 * each action is better than the average one: Q = V + A - mean A.
 *
 *     cc networks.c $(pkg-config --cflags --libs rlc) -o networks
 */
#include "show.h"

static rlc_dict *observation(void) {
    const float numbers[] = {0.1f, -0.2f, 0.3f, -0.4f};
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(1));
    rlc_dict_set(td, "observation", rlc_from_data(RLC_F32, RLC_SHAPE(1, 4), numbers));
    return td;
}

static rlc_tensor *output(rlc_module *net) {
    rlc_dict *td = observation();
    rlc_module_call(net, td);
    return rlc_dict_get(td, "action_value");
}

static bool equal(rlc_tensor *a, rlc_tensor *b) {
    return rlc_item(rlc_all(rlc_eq(a, b), RLC_ALL, false)) != 0;
}

/* How a layer behaves is the program's setting: collectors and losses explore, evaluations do not. */
static void noisy(rlc_module *net) {
    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    printf("exploring, two calls give the same: %s\n", equal(output(net), output(net)) ? "yes" : "no");
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    printf("deterministic, two calls give the same: %s\n", equal(output(net), output(net)) ? "yes" : "no");

    rlc_set_exploration(RLC_EXPLORE_RANDOM);
    rlc_backward(rlc_sum(rlc_square(output(net)), RLC_ALL, false));
    for (int i = 0; i < net->num_parameters; i++) {
        const rlc_parameter_entry *entry = &net->model->parameters[net->first_parameter + i];
        double size = rlc_item(rlc_sum(rlc_abs(entry->tensor->grad), RLC_ALL, false));
        printf("%s %s a gradient\n", entry->name, size > 0 ? "has" : "has not");
    }
}

/* Of any V and A: the mean of Q over the actions is V, because the mean of A is taken away. */
static void dueling_by_hand(void) {
    const float worth[] = {10, 20}, better[] = {1, 2, 3, -4, 0, 1};
    rlc_tensor *v = rlc_from_data(RLC_F32, RLC_SHAPE(2, 1), worth);
    rlc_tensor *a = rlc_from_data(RLC_F32, RLC_SHAPE(2, 3), better);
    rlc_tensor *q = rlc_add(v, rlc_sub(a, rlc_mean(a, -1, true)));
    show("v", v);
    show("a", a);
    show("q", q);
    show("mean of q", rlc_mean(q, -1, true));
    show("the best action by a", rlc_argmax(a, -1, false));
    show("and by q", rlc_argmax(q, -1, false));
}

/* The names are those that PyTorch has for the same network. */
static rlc_status dueling(rlc_module *net) {
    rlc_arena arena = {0};
    rlc_named_tensor *list;
    int count;
    char shape[RLC_SHAPE_TEXT];
    rlc_status status = rlc_module_state_dict(net, &arena, &list, &count);
    for (int i = 0; i < count && status == RLC_OK; i++) {
        printf("%s %s\n", list[i].name, rlc_shape_text(rlc_shape_of(list[i].tensor), shape));
    }
    rlc_arena_free(&arena);
    return status;
}

static rlc_status lesson(rlc_model *model, rlc_program *program) {
    const rlc_spec seen = rlc_spec_unbounded(RLC_SHAPE(4)), action = rlc_spec_one_hot(2);
    rlc_module *first, *second;
    rlc_begin(program);
    rlc_model_expect(model, &seen, &action, observation());
    RLC_TRY(rlc_end(program));
    RLC_TRY(rlc_model_add(model, "noisy", "{type: NoisyLinear, out_keys: [action_value], out_features: 2}", &first));
    RLC_TRY(rlc_model_add(model, "dueling", "{type: DuelingMLP, out_features: 2, num_cells: [64], stream_cells: [32]}",
                          &second));
    RLC_TRY(rlc_model_allocate(model)); /* from here on parameters have values */
    rlc_begin(program);
    noisy(first);
    dueling_by_hand();
    RLC_TRY(rlc_end(program));
    return dueling(second);
}

int main(void) {
    rlc_registry *registry = NULL;
    rlc_device *cpu;
    rlc_program *program = NULL;
    rlc_model *model = NULL;
    rlc_status status = rlc_registry_new(&registry);
    status = status == RLC_OK ? rlc_device_open("cpu", &cpu) : status;
    status = status == RLC_OK ? rlc_program_new(cpu, "lesson", &program) : status;
    status = status == RLC_OK ? rlc_model_new(registry, cpu, 1, &model) : status;
    status = status == RLC_OK ? lesson(model, program) : status;
    if (status != RLC_OK) {
        fprintf(stderr, "%s\n", rlc_error());
    }
    rlc_model_free(model);
    rlc_program_free(program);
    rlc_registry_free(registry);
    return (int)status;
}
