/* actor_critic.c: a policy and a value in one module, of which others name the parts.
 *
 *     net: {type: ActorValueOperator, common_operator: ..., policy_operator: ..., value_operator: ...}
 *
 * net runs all three, one after the other. net.policy is the common operator and the policy's, net.value the common
 * operator and the value's: what TorchRL's get_policy_operator and get_value_operator return. An ActorCriticOperator has
 * net.critic for net.value, as its value is that of an action. An ActorCriticWrapper has nothing in common.
 */
#include <string.h>

#include "modules/chain.h"
#include "modules/classes.h"
#include "modules/model.h"

typedef struct actor_critic {
    rlc_module base;
    const rlc_value *common_operator, *policy_operator, *value_operator;
    rlc_module *steps[3]; /* what runs when the whole does */
    int num_steps;
} actor_critic;

typedef actor_critic ActorValueOperator;
typedef actor_critic ActorCriticOperator;
typedef actor_critic ActorCriticWrapper;

#define HEADS                                                                                                          \
    RLC_MODULE(actor_critic, policy_operator, "what acts", .required = true),                                          \
        RLC_MODULE(actor_critic, value_operator, "what says how good that is", .required = true)

static const rlc_option shared_options[] = {
    RLC_MODULE(actor_critic, common_operator, "runs first; the others read what it writes", .required = true),
    HEADS,
    {0},
};

static const rlc_option options[] = {HEADS, {0}};

/* Builds one of the modules that run. */
static rlc_module *add_step(actor_critic *m, const rlc_build *build, rlc_dict *seen, const rlc_value *value,
                            const char *name) {
    rlc_module *step = rlc_chain_append(&m->base, build, seen, value, name);
    m->steps[m->num_steps++] = step;
    return step;
}

/* {type: Sequential, modules: [...]} of what is there already, or of what the recipe names. NULL with an error. */
static rlc_value *chain_of(const actor_critic *m, const char *const *names, int count) {
    rlc_arena *arena = &m->base.model->arena;
    const char *file = m->base.options->file;
    rlc_value *map = rlc_arena_calloc(arena, sizeof *map), *list = rlc_arena_calloc(arena, sizeof *list);
    if (map == NULL || list == NULL) {
        return NULL;
    }
    *map = (rlc_value){.kind = RLC_MAP, .file = file, .line = m->base.options->line};
    *list = (rlc_value){.kind = RLC_LIST, .file = file, .line = m->base.options->line};
    bool good = rlc_value_append(arena, map, "type", rlc_value_text(arena, file, "Sequential")) &&
                rlc_value_append(arena, map, "modules", list);
    for (int i = 0; i < count && good; i++) {
        good = rlc_value_append(arena, list, NULL, rlc_value_text(arena, file, names[i]));
    }
    return good ? map : NULL;
}

/* As references have it. */
static const char *name_of(const rlc_module *m) {
    static const char top[] = "modules.";
    return m->path + (strncmp(m->path, top, sizeof top - 1) == 0 ? sizeof top - 1 : 0);
}

/* The common operator and a head under a name of their own, for others to refer to. */
static bool add_part(actor_critic *m, const rlc_build *build, const rlc_module *head, const char *name) {
    const char *names[] = {name_of(m->steps[0]), name_of(head)};
    rlc_value *chain = chain_of(m, names, 2);
    rlc_dict *seen = rlc_dict_clone(build->example);
    return chain != NULL && seen != NULL && rlc_chain_append(&m->base, build, seen, chain, name) != NULL;
}

static bool build_shared(actor_critic *m, const rlc_build *build, const char *value, const char *value_head) {
    rlc_dict *seen = rlc_dict_clone(build->example);
    if (seen == NULL || add_step(m, build, seen, m->common_operator, "common") == NULL) {
        return false;
    }
    const rlc_module *policy = add_step(m, build, seen, m->policy_operator, "policy_head");
    const rlc_module *worth = policy != NULL ? add_step(m, build, seen, m->value_operator, value_head) : NULL;
    if (worth == NULL || !add_part(m, build, policy, "policy") || !add_part(m, build, worth, value)) {
        return false;
    }
    rlc_chain_keys(&m->base);
    return true;
}

static void actor_value_init(rlc_module *self, const rlc_build *build) {
    build_shared((actor_critic *)self, build, "value", "value_head");
}

/* The value of a state is no matter of the action, so a critic that says it writes is a mistake. */
static void actor_critic_init(rlc_module *self, const rlc_build *build) {
    actor_critic *m = (actor_critic *)self;
    if (!build_shared(m, build, "critic", "critic_head")) {
        return;
    }
    const rlc_module *critic = m->steps[2];
    const rlc_key *action = rlc_key_intern("action");
    bool reads = false;
    for (int i = 0; i < critic->num_in; i++) {
        reads = reads || critic->in_keys[i] == action;
    }
    if (!reads || critic->out_keys[0] == rlc_key_intern("state_value")) {
        rlc_fail(RLC_INVALID,
                 "%s: %s must read action and write state_action_value; for the value of a state there is "
                 "ActorValueOperator",
                 self->path, critic->path);
    }
}

/* What stands in the recipe is built as the part; what it only names is wrapped, so that the part has its own name. */
static rlc_module *add_alone(actor_critic *m, const rlc_build *build, rlc_dict *seen, const rlc_value *value,
                             const char *name) {
    const rlc_value *part = value->kind == RLC_TEXT ? chain_of(m, &value->text, 1) : value;
    return part != NULL ? add_step(m, build, seen, part, name) : NULL;
}

static void wrapper_init(rlc_module *self, const rlc_build *build) {
    actor_critic *m = (actor_critic *)self;
    rlc_dict *seen = rlc_dict_clone(build->example);
    if (seen != NULL && add_alone(m, build, seen, m->policy_operator, "policy") != NULL &&
        add_alone(m, build, seen, m->value_operator, "value") != NULL) {
        rlc_chain_keys(self);
    }
}

static void forward(rlc_module *self, rlc_dict *td) {
    const actor_critic *m = (const actor_critic *)self;
    for (int i = 0; i < m->num_steps; i++) {
        rlc_module_call(m->steps[i], td);
    }
}

#define OPERATOR(Type, text, table, begin)                                                                             \
    { .base = RLC_CLASS("module", Type, .doc = text, .options = table), .init = begin, .forward = forward }

const rlc_module_class rlc_actor_value_operator_class =
    OPERATOR(ActorValueOperator,
             "a policy and the value of a state that share a network; its parts are NAME.policy and NAME.value",
             shared_options, actor_value_init);
const rlc_module_class rlc_actor_critic_operator_class =
    OPERATOR(ActorCriticOperator,
             "a policy and the value of its action that share a network; its parts are NAME.policy and NAME.critic",
             shared_options, actor_critic_init);
const rlc_module_class rlc_actor_critic_wrapper_class =
    OPERATOR(ActorCriticWrapper,
             "a policy and the value of a state that share nothing; its parts are NAME.policy and NAME.value", options,
             wrapper_init);
