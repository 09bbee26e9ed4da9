#include "objectives/distributional.h"

#include "modules/distributional.h"
#include "objectives/replay.h"

bool rlc__distributional_init(rlc__distributional_loss *m, const rlc_build *build) {
    static const char *const keys[] = {"action", "next.reward", "next.terminated"};
    rlc_module *self = &m->base.base;
    m->online = rlc_module_build(self, build, m->value_network, "value_network");
    if (m->online == NULL) {
        return false;
    }
    m->target = m->delay_value ? rlc_loss_target(&m->base, build, m->online, "target_value_network") : m->online;
    rlc_loss_group(&m->base, "value", m->online);
    rlc_loss_reads(&m->base, m->online, true, keys, RLC_COUNT(keys));
    m->action = rlc_key_intern("action");
    m->action_value = rlc_key_intern("action_value");
    m->reward = rlc_key_intern("next.reward");
    m->terminated = rlc_key_intern("next.terminated");
    m->td_error = rlc_key_intern("td_error");
    m->one_hot = build->action->kind == RLC_SPEC_ONE_HOT;
    return m->target != NULL;
}

rlc_tensor *rlc__distributional_value(const rlc__distributional_loss *m, const rlc_dict *td) {
    rlc_dict *now = rlc_dict_clone(td);
    rlc_module_call(m->online, now);
    return rlc_of_action(rlc_dict_get_key(now, m->action_value), rlc_dict_get_key(td, m->action), m->one_hot);
}

rlc_tensor *rlc__distributional_next(const rlc__distributional_loss *m, const rlc_dict *td) {
    const rlc_dict *next = rlc_dict_get_dict(td, "next");
    rlc_dict *by_target = rlc_dict_clone(next), *by_online = by_target;
    rlc_module_call(m->target, by_target);
    if (m->double_dqn && m->target != m->online) {
        by_online = rlc_dict_clone(next);
        rlc_module_call(m->online, by_online);
    }
    return rlc_of_action(rlc_dict_get_key(by_target, m->action_value), rlc_dict_get_key(by_online, m->action),
                         m->one_hot);
}

rlc_tensor *rlc__distributional_moved(const rlc__distributional_loss *m, const rlc_dict *td, rlc_tensor *x) {
    rlc_tensor *terminated = rlc_dict_get_key(td, m->terminated);
    rlc_tensor *discount = rlc_where(terminated, rlc_scalar(0), rlc_replay_discount(td, m->gamma));
    return rlc_add(rlc_dict_get_key(td, m->reward), rlc_mul(discount, x));
}

void rlc__distributional_set(rlc__distributional_loss *m, rlc_dict *td, rlc_tensor *losses) {
    rlc_dict_set_key(td, m->td_error, rlc_detach(losses));
    rlc_loss_set(&m->base, "loss", rlc_replay_mean(td, losses));
}
