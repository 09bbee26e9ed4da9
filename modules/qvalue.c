/* qvalue.c: from action values to the greedy action. */
#include "modules/chain.h"
#include "modules/classes.h"
#include "modules/model.h"

typedef struct QValueModule {
    rlc_module base;
    int action_space;
    rlc_spec spec;
} QValueModule;

enum { SPACE_ENV, SPACE_ONE_HOT, SPACE_CATEGORICAL };

static const rlc_option options[] = {
    RLC_ENUM(QValueModule, action_space, "env", "env|one_hot|categorical",
             "how actions are written; env: as the environment reads them"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    QValueModule *m = (QValueModule *)self;
    int64_t n = rlc_size(rlc_in(self, build->example, 0), -1);
    const rlc_spec *env = build->action;
    if (m->action_space == SPACE_ENV && !rlc_spec_is_discrete(env)) {
        char text[RLC_SHAPE_TEXT + 64];
        rlc_fail(RLC_INVALID, "%s: it chooses among discrete actions, but those of the environment are %s", self->path,
                 rlc_spec_text(env, text));
        return;
    }
    if (rlc_spec_is_discrete(env) && n != 0 && n != env->n) {
        rlc_fail(RLC_INVALID, "%s: %s has %lld values, but the environment has %lld actions", self->path,
                 self->in_keys[0]->name, (long long)n, (long long)env->n);
        return;
    }
    bool one_hot = m->action_space == SPACE_ENV ? env->kind == RLC_SPEC_ONE_HOT : m->action_space == SPACE_ONE_HOT;
    if (rlc_spec_is_discrete(env) && one_hot != (env->kind == RLC_SPEC_ONE_HOT)) {
        char text[RLC_SHAPE_TEXT + 64];
        rlc_fail(RLC_INVALID,
                 "%s: it would write %s actions, but the environment reads %s; leave out action_space, or change "
                 "env.action_encoding",
                 self->path, one_hot ? "one_hot" : "categorical", rlc_spec_text(env, text));
        return;
    }
    m->spec = one_hot ? rlc_spec_one_hot(n) : rlc_spec_categorical(n);
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
    RLC_ENUM(QValueActor, action_space, "env", "env|one_hot|categorical",
             "how actions are written; env: as the environment reads them"),
    {0},
};

/* A network that writes action_value, and a QValueModule behind it. */
static void actor_init(rlc_module *self, const rlc_build *build) {
    const QValueActor *m = (const QValueActor *)self;
    static const char *const spaces[] = {"env", "one_hot", "categorical"};
    static const char *const value_key[] = {"action_value"};
    const char *in_names[RLC_MAX_KEYS];
    for (int i = 0; i < self->num_in; i++) {
        in_names[i] = self->in_keys[i]->name;
    }
    rlc_strings in = {self->num_in, in_names}, out = {1, value_key};
    rlc_arena *arena = &self->model->arena;
    char *text = rlc_arena_printf(arena, "{type: QValueModule, action_space: %s}", spaces[m->action_space]);
    rlc_value *greedy;
    if (text == NULL || rlc_value_parse(arena, self->path, text, &greedy) != RLC_OK) {
        return;
    }
    rlc_dict *seen = rlc_dict_clone(build->example);
    rlc_build network = *build, head = *build;
    network.in_keys = &in;
    network.out_keys = &out;
    if (rlc_chain_append(self, &network, seen, m->module, "0") != NULL &&
        rlc_chain_append(self, &head, seen, greedy, "1") != NULL) {
        rlc_chain_keys(self);
    }
}

const rlc_module_class rlc_qvalue_actor_class = {
    .base = RLC_CLASS("module", QValueActor, .doc = "a network of action values and the greedy choice among them",
                      .options = actor_options),
    .in_keys = {"observation"},
    .out_keys = {"action", "action_value", "chosen_action_value"},
    .init = actor_init,
    .forward = rlc_chain_forward,
};
