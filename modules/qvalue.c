/* qvalue.c: from action values to the greedy action. */
#include "modules/chain.h"
#include "modules/classes.h"
#include "modules/greedy.h"
#include "modules/model.h"

typedef struct QValueModule {
    rlc_module base;
    int action_space;
    rlc_spec spec;
} QValueModule;

enum { SPACE_ENV, SPACE_ONE_HOT, SPACE_CATEGORICAL };

const char *rlc__action_space_name(int action_space) {
    static const char *const names[] = {"env", "one_hot", "categorical"};
    return names[action_space];
}

bool rlc__greedy_spec(const rlc_module *self, const rlc_build *build, int action_space, int64_t n, rlc_spec *spec) {
    const rlc_spec *env = build->action;
    char text[RLC_SHAPE_TEXT + 64];
    if (action_space == SPACE_ENV && !rlc_spec_is_discrete(env)) {
        rlc_fail(RLC_INVALID, "%s: it chooses among discrete actions, but those of the environment are %s", self->path,
                 rlc_spec_text(env, text));
        return false;
    }
    if (rlc_spec_is_discrete(env) && n != 0 && n != env->n) {
        rlc_fail(RLC_INVALID, "%s: %s has %lld values, but the environment has %lld actions", self->path,
                 self->in_keys[0]->name, (long long)n, (long long)env->n);
        return false;
    }
    bool one_hot = action_space == SPACE_ENV ? env->kind == RLC_SPEC_ONE_HOT : action_space == SPACE_ONE_HOT;
    if (rlc_spec_is_discrete(env) && one_hot != (env->kind == RLC_SPEC_ONE_HOT)) {
        rlc_fail(RLC_INVALID,
                 "%s: it would write %s actions, but the environment reads %s; leave out action_space, or change "
                 "env.action_encoding",
                 self->path, one_hot ? "one_hot" : "categorical", rlc_spec_text(env, text));
        return false;
    }
    *spec = one_hot ? rlc_spec_one_hot(n) : rlc_spec_categorical(n);
    return true;
}

static const rlc_option options[] = {
    RLC__ACTION_SPACE(QValueModule),
    {0},
};

/* A network that runs along the last dimension of a picture writes as many sets of values as there are places before it. */
static void init(rlc_module *self, const rlc_build *build) {
    QValueModule *m = (QValueModule *)self;
    const rlc_tensor *values = rlc_in(self, build->example, 0);
    char text[RLC_SHAPE_TEXT];
    if (values != NULL && values->ndim > build->example->batch.ndim + 1) {
        rlc_fail(
            RLC_INVALID,
            "%s: %s is %s, but there is one value for each action; what a network of vectors reads must be flat: a "
            "picture goes through FlattenObservation, or a ConvNet",
            self->path, self->in_keys[0]->name, rlc_shape_text(rlc_shape_of(values), text));
        return;
    }
    rlc__greedy_spec(self, build, m->action_space, rlc_size(values, -1), &m->spec);
}

/* Of equal values the first action wins. */
static void forward(rlc_module *self, rlc_dict *td) {
    const QValueModule *m = (const QValueModule *)self;
    rlc_tensor *values = rlc_in(self, td, 0);
    rlc_tensor *index = rlc_argmax(values, -1, true);
    rlc_out(self, td, 0, rlc_spec_encode(&m->spec, rlc_squeeze(index, -1)));
    rlc_out(self, td, 1, values);
    rlc_out(self, td, 2, rlc_gather(values, -1, index));
}

const rlc_module_class rlc_qvalue_module_class = {
    .base =
        RLC_CLASS("module", QValueModule, .doc = "the action of the highest value, and that value", .options = options),
    .in_keys = {"action_value"},
    .out_keys = {"action", "action_value", "chosen_action_value"},
    .init = init,
    .forward = forward,
};

typedef struct QValueActor {
    rlc_module base;
    const rlc_value *module;
    int action_space;
} QValueActor;

static const rlc_option actor_options[] = {
    RLC_MODULE(QValueActor, module, "the network that gives the value of each action", .required = true),
    RLC__ACTION_SPACE(QValueActor),
    {0},
};

void rlc__greedy_chain(rlc_module *self, const rlc_build *build, const rlc_value *network, const char *const *heads,
                       int count) {
    static const char *const value_key[] = {"action_value"};
    const char *in_names[RLC_MAX_KEYS];
    for (int i = 0; i < self->num_in; i++) {
        in_names[i] = self->in_keys[i]->name;
    }
    rlc_strings in = {self->num_in, in_names}, out = {1, value_key};
    rlc_dict *seen = rlc_dict_clone(build->example);
    rlc_build first = *build;
    first.in_keys = &in;
    first.out_keys = &out;
    bool good = rlc_chain_append(self, &first, seen, network, "0") != NULL;
    for (int i = 0; i < count && good; i++) {
        char name[16];
        rlc_value *head;
        snprintf(name, sizeof name, "%d", i + 1);
        good = heads[i] != NULL && rlc_value_parse(&self->model->arena, self->path, heads[i], &head) == RLC_OK &&
               rlc_chain_append(self, build, seen, head, name) != NULL;
    }
    if (good) {
        rlc_chain_keys(self);
    }
}

/* A network that writes action_value, and a QValueModule behind it. */
static void actor_init(rlc_module *self, const rlc_build *build) {
    const QValueActor *m = (const QValueActor *)self;
    const char *head = rlc_arena_printf(&self->model->arena, "{type: QValueModule, action_space: %s}",
                                        rlc__action_space_name(m->action_space));
    rlc__greedy_chain(self, build, m->module, &head, 1);
}

const rlc_module_class rlc_qvalue_actor_class = {
    .base = RLC_CLASS("module", QValueActor, .doc = "a network of action values and the greedy choice among them",
                      .options = actor_options),
    .in_keys = {"observation"},
    .out_keys = {"action", "action_value", "chosen_action_value"},
    .init = actor_init,
    .forward = rlc_chain_forward,
};
