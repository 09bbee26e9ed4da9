#include "objectives/critics.h"

#include "objectives/replay.h"
#include "objectives/temperature.h"

#include <stdio.h>

/* state_action_value, or the only key that a critic writes: one that shares a network with its actor also writes what is
 * computed there. NULL with an error. */
static const rlc_key *value_key(const rlc_loss *loss, const rlc_module *critic) {
    const rlc_key *usual = rlc_key_intern("state_action_value");
    for (int i = 0; i < critic->num_out; i++) {
        if (critic->out_keys[i] == usual || critic->num_out == 1) {
            return critic->out_keys[i];
        }
    }
    rlc_fail(RLC_INVALID, "%s: %s writes %d keys, and none is state_action_value; which is the value of an action?",
             loss->base.path, critic->path, critic->num_out);
    return NULL;
}

/* All critics before all targets: neighbours in the flat buffer are stepped, and followed up, as one stretch. */
static bool build_networks(rlc_critics *c, rlc_loss *loss, const rlc_build *build) {
    char name[64];
    for (int i = 1; i < c->count; i++) {
        snprintf(name, sizeof name, "qvalue_network_%d", i);
        c->online[i] = rlc_module_clone(&loss->base, build, c->online[0], name, false);
    }
    for (int i = 0; i < c->count; i++) {
        snprintf(name, sizeof name, "target_qvalue_network_%d", i);
        c->target[i] = c->online[i] != NULL ? rlc_loss_target(loss, build, c->online[i], name) : NULL;
        if (c->target[i] == NULL) {
            return false;
        }
        rlc_loss_group(loss, "qvalue", c->online[i]);
    }
    return true;
}

bool rlc_critics_build(rlc_critics *c, rlc_loss *loss, const rlc_build *build, const rlc_value *network, int count) {
    rlc_module *self = &loss->base;
    char text[RLC_SPEC_TEXT];
    c->count = count;
    c->action = *build->action;
    c->action_key = rlc_key_intern("action");
    c->reward = rlc_key_intern("next.reward");
    c->terminated = rlc_key_intern("next.terminated");
    c->td_error = rlc_key_intern("td_error");
    if (c->discrete && !rlc_spec_is_discrete(build->action)) {
        rlc_fail(RLC_INVALID, "%s: it learns the value of each discrete action, but those of the environment are %s",
                 self->path, rlc_spec_text(build->action, text));
        return false;
    }
    c->online[0] = rlc_module_build(self, build, network, "qvalue_network");
    if (c->online[0] == NULL) {
        return false;
    }
    c->value = value_key(loss, c->online[0]);
    return c->value != NULL && build_networks(c, loss, build);
}

void rlc_critics_reads(const rlc_critics *c, rlc_loss *loss, const rlc_module *actor) {
    const char *keys[] = {c->action_key->name, c->reward->name, c->terminated->name};
    rlc_loss_reads(loss, actor, true, keys, RLC_COUNT(keys));
    rlc_loss_reads(loss, c->online[0], c->discrete, NULL, 0); /* the next action is the actor's, but all have a value */
}

rlc_module *rlc_critics_build_soft(rlc_critics *c, rlc_loss *loss, const rlc_build *build,
                                   const rlc_value *actor_network, const rlc_value *qvalue_network, int count) {
    rlc_module *actor = rlc_module_build(&loss->base, build, actor_network, "actor_network");
    if (actor == NULL || !rlc_loss_expect_stochastic(loss, actor) ||
        !rlc_critics_build(c, loss, build, qvalue_network, count)) {
        return NULL;
    }
    rlc_loss_group(loss, "actor", actor);
    rlc_critics_reads(c, loss, actor);
    return actor;
}

rlc_tensor *rlc_critics_td0(const rlc_critics *c, const rlc_dict *td, rlc_tensor *next_value, double gamma) {
    return rlc_replay_td0(td, rlc_dict_get_key(td, c->reward), rlc_dict_get_key(td, c->terminated), next_value, gamma);
}

rlc_tensor *rlc_critics_value(const rlc_critics *c, rlc_module *network, const rlc_dict *td) {
    rlc_dict *mine = rlc_dict_clone(td);
    if (mine == NULL) {
        return NULL;
    }
    rlc_module_call(network, mine);
    return rlc_dict_get_key(mine, c->value);
}

rlc_tensor *rlc_critics_chosen(const rlc_critics *c, const rlc_dict *td, rlc_tensor *values) {
    return c->discrete ? rlc_chosen_value(&c->action, values, rlc_dict_get_key(td, c->action_key)) : values;
}

rlc_tensor *rlc_critics_held_value(const rlc_critics *c, int i, const rlc_dict *td) {
    rlc_dict *mine = rlc_dict_clone(td);
    if (mine == NULL) {
        return NULL;
    }
    rlc_module_call_detached(c->online[i], mine);
    return rlc_dict_get_key(mine, c->value);
}

rlc_tensor *rlc_critics_target_min(const rlc_critics *c, const rlc_dict *td) {
    rlc_tensor *least = NULL;
    for (int i = 0; i < c->count; i++) {
        rlc_tensor *value = rlc_critics_value(c, c->target[i], td);
        least = i == 0 ? value : rlc_minimum(least, value);
    }
    return least;
}

rlc_tensor *rlc_critics_held_min(const rlc_critics *c, const rlc_dict *td) {
    rlc_tensor *least = NULL;
    for (int i = 0; i < c->count; i++) {
        rlc_tensor *value = rlc_critics_held_value(c, i, td);
        least = i == 0 ? value : rlc_minimum(least, value);
    }
    return least;
}

rlc_tensor *rlc_critics_loss(const rlc_critics *c, rlc_dict *td, rlc_tensor *target, int distance,
                             rlc_tensor **values) {
    rlc_tensor *total = NULL, *worst = NULL;
    for (int i = 0; i < c->count; i++) {
        rlc_tensor *said = rlc_critics_value(c, c->online[i], td);
        rlc_tensor *value = rlc_critics_chosen(c, td, said);
        rlc_tensor *loss = rlc_replay_mean(td, rlc_distance(distance, value, target));
        rlc_tensor *error = rlc_squared_error(rlc_detach(value), target);
        total = i == 0 ? loss : rlc_add(total, loss);
        worst = i == 0 ? error : rlc_maximum(worst, error);
        if (values != NULL) {
            values[i] = said;
        }
    }
    rlc_dict_set_key(td, c->td_error, worst);
    return total;
}

rlc_tensor *rlc_critics_act(const rlc_critics *c, rlc_module *actor, rlc_dict *td, rlc_stream *noise) {
    rlc_distribution d;
    if (td == NULL || !rlc_module_distribution(actor, td, &d)) {
        return NULL;
    }
    rlc_tensor *action = rlc_distribution_sample(&d, noise);
    rlc_dict_set_key(td, c->action_key, action);
    return rlc_unsqueeze(rlc_distribution_log_prob(&d, action), -1);
}
