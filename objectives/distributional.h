/* distributional.h: what the losses share whose networks give [*, n, num_actions]: probabilities of n values, or n
 * quantiles; not for others. */
#ifndef RLC_DISTRIBUTIONAL_LOSS_H
#define RLC_DISTRIBUTIONAL_LOSS_H

#include "objectives/loss.h"

/* The head of such a loss; its options are the first rows of the class's table. */
typedef struct rlc__distributional_loss {
    rlc_loss base;
    const rlc_value *value_network;
    double gamma;
    bool delay_value, double_dqn, one_hot;
    rlc_module *online, *target;
    const rlc_key *action, *action_value, *reward, *terminated, *td_error;
} rlc__distributional_loss;

#define RLC__DISTRIBUTIONAL_OPTIONS(network, twice)                                                                    \
    RLC_MODULE(rlc__distributional_loss, value_network, network, .required = true),                                    \
        RLC_FLOAT(rlc__distributional_loss, gamma, 0.99, 0, 1, "discount of a step"),                                  \
        RLC_BOOL_OPTION(rlc__distributional_loss, delay_value, true,                                                   \
                        "use a target network, which a target updater follows up"),                                    \
        RLC_BOOL_OPTION(rlc__distributional_loss, double_dqn, twice,                                                   \
                        "the trained network chooses the next action; false: the target network does")

/* For init; false with an error. */
bool rlc__distributional_init(rlc__distributional_loss *m, const rlc_build *build);

/* What the trained network gives for the action taken, [*, n]; and the target for the next one. */
rlc_tensor *rlc__distributional_value(const rlc__distributional_loss *m, const rlc_dict *td);
rlc_tensor *rlc__distributional_next(const rlc__distributional_loss *m, const rlc_dict *td);

/* r + gamma^steps (1 - terminated) x: [*, n] for x [n] or [*, n]. */
rlc_tensor *rlc__distributional_moved(const rlc__distributional_loss *m, const rlc_dict *td, rlc_tensor *x);

/* Sets what the loss gives, from what each row loses, [*, 1]. */
void rlc__distributional_set(rlc__distributional_loss *m, rlc_dict *td, rlc_tensor *losses);

#endif
