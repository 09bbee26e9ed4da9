#include "objectives/critics.h"

#include "objectives/replay.h"

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

bool rlc_critics_build(rlc_critics *c, rlc_loss *loss, const rlc_build *build, const rlc_value *network, int count) {
    rlc_module *self = &loss->base;
    c->count = count;
    c->online[0] = rlc_module_build(self, build, network, "qvalue_network");
    c->value = c->online[0] != NULL ? value_key(loss, c->online[0]) : NULL;
    for (int i = 0; i < count && c->value != NULL; i++) {
        char name[64];
        if (i > 0) {
            snprintf(name, sizeof name, "qvalue_network_%d", i);
            c->online[i] = rlc_module_clone(self, build, c->online[0], name, false);
        }
        snprintf(name, sizeof name, "target_qvalue_network_%d", i);
        c->target[i] = rlc_loss_target(loss, build, c->online[i], name);
        if (c->target[i] == NULL) {
            return false;
        }
        rlc_loss_group(loss, "qvalue", c->online[i]);
    }
    c->td_error = rlc_key_intern("td_error");
    return c->value != NULL;
}

rlc_tensor *rlc_critics_value(const rlc_critics *c, rlc_module *network, const rlc_dict *td) {
    rlc_dict *mine = rlc_dict_clone(td);
    if (mine == NULL) {
        return NULL;
    }
    rlc_module_call(network, mine);
    return rlc_dict_get_key(mine, c->value);
}

rlc_tensor *rlc_critics_target_min(const rlc_critics *c, const rlc_dict *td, int count) {
    rlc_tensor *least = NULL;
    for (int i = 0; i < count; i++) {
        rlc_tensor *value = rlc_critics_value(c, c->target[i], td);
        least = i == 0 ? value : rlc_minimum(least, value);
    }
    return least;
}

rlc_tensor *rlc_critics_held_min(const rlc_critics *c, const rlc_dict *td, int count) {
    rlc_tensor *least = NULL;
    for (int i = 0; i < count; i++) {
        rlc_dict *mine = rlc_dict_clone(td);
        if (mine == NULL) {
            return NULL;
        }
        rlc_module_call_detached(c->online[i], mine);
        rlc_tensor *value = rlc_dict_get_key(mine, c->value);
        least = i == 0 ? value : rlc_minimum(least, value);
    }
    return least;
}

rlc_tensor *rlc_critics_loss(const rlc_critics *c, rlc_dict *td, rlc_tensor *target, int distance) {
    rlc_tensor *total = NULL, *worst = NULL;
    for (int i = 0; i < c->count; i++) {
        rlc_tensor *value = rlc_critics_value(c, c->online[i], td);
        rlc_tensor *loss = rlc_replay_mean(td, rlc_distance(distance, value, target));
        rlc_tensor *error = rlc_squared_error(rlc_detach(value), target);
        total = i == 0 ? loss : rlc_add(total, loss);
        worst = i == 0 ? error : rlc_maximum(worst, error);
    }
    rlc_dict_set_key(td, c->td_error, worst);
    return total;
}
