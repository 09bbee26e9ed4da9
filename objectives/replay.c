#include "objectives/replay.h"

#include "objectives/values.h"

rlc_tensor *rlc_replay_mean(const rlc_dict *td, rlc_tensor *losses) {
    rlc_tensor *weight = losses != NULL ? rlc_dict_find(td, "priority_weight") : NULL;
    if (weight == NULL) {
        return rlc_mean(losses, RLC_ALL, false);
    }
    weight = rlc_view(weight, rlc_shape_of(losses));
    return rlc_div(rlc_sum(rlc_mul(weight, losses), RLC_ALL, false), rlc_sum(weight, RLC_ALL, false));
}

rlc_tensor *rlc_replay_discount(const rlc_dict *td, double gamma) {
    rlc_tensor *steps = rlc_dict_find(td, "steps_to_next_obs");
    return steps != NULL ? rlc_pow(rlc_scalar(gamma), rlc_cast(steps, RLC_F32)) : rlc_scalar(gamma);
}

rlc_tensor *rlc_replay_td0(const rlc_dict *td, rlc_tensor *reward, rlc_tensor *terminated, rlc_tensor *next_value,
                           double gamma) {
    if (rlc_dict_find(td, "steps_to_next_obs") == NULL) {
        return rlc_td0(reward, terminated, next_value, gamma);
    }
    rlc_tensor *worth = rlc_mul(rlc_replay_discount(td, gamma), next_value);
    return rlc_add(reward, rlc_where(terminated, rlc_scalar(0), worth));
}
