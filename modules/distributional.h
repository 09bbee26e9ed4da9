/* distributional.h: action values as distributions.
 *
 * Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement Learning", ICML 2017 (C51): a network
 * gives, for each action, log-probabilities of num_atoms values spread evenly over [v_min, v_max]. action_value has the
 * shape [*, num_atoms, num_actions], as TorchRL has it.
 *
 *     modules:
 *       net:    {type: MLP, out_keys: [action_value], num_atoms: 51, out_features: "${env.num_actions}", ...}
 *       policy: {type: DistributionalQValueActor, module: net, v_min: -10, v_max: 10}
 */
#ifndef RLC_DISTRIBUTIONAL_H
#define RLC_DISTRIBUTIONAL_H

#include "modules/module.h"

RLC_BEGIN

/* The values that a distribution is over: float32 [num_atoms], evenly spread. */
typedef struct rlc_support {
    rlc_tensor *atoms;
    double v_min, v_max;
    int64_t num_atoms;
} rlc_support;

/* The support of the DistributionalQValueModule in a network; NULL, with an error, when it has none. */
const rlc_support *rlc_module_support(const rlc_module *network);

/* The log-probabilities or quantiles [*, n] of an action, out of those of all actions, [*, n, num_actions]. */
rlc_tensor *rlc_of_action(rlc_tensor *values, rlc_tensor *action, bool one_hot);

RLC_END

#endif
