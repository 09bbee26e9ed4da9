/* critics.h: what the losses of actors and critics share: an ensemble of Q networks and their targets.
 *
 * The first critic is the network that a recipe names; the others are second instances of it, initialised anew. Each has
 * a target that a target updater follows up. All read the same keys and write one value, [*batch, 1].
 */
#ifndef RLC_CRITICS_H
#define RLC_CRITICS_H

#include "objectives/loss.h"

RLC_BEGIN

enum { RLC_MAX_CRITICS = 16 };

typedef struct rlc_critics {
    rlc_module *online[RLC_MAX_CRITICS], *target[RLC_MAX_CRITICS];
    int count;
    const rlc_key *value, *td_error; /* state_action_value, or their only out key; what the loss writes */
} rlc_critics;

/* For init: builds `count` critics, as the loss's group "qvalue"; false with an error. */
bool rlc_critics_build(rlc_critics *critics, rlc_loss *loss, const rlc_build *build, const rlc_value *network, int count);

/* The value that one network gives for a batch; `td` stays as it is. */
rlc_tensor *rlc_critics_value(const rlc_critics *critics, rlc_module *network, const rlc_dict *td);

/* The smallest of the targets' values; of the online networks', their parameters held constant, so that a gradient goes
 * to the action alone. `count` networks are asked, the first ones. */
rlc_tensor *rlc_critics_target_min(const rlc_critics *critics, const rlc_dict *td, int count);
rlc_tensor *rlc_critics_held_min(const rlc_critics *critics, const rlc_dict *td, int count);

/* The loss of all critics against `target`, [*batch, 1], which no gradient enters: the sum over critics of the mean
 * distance, weighted by the batch's `priority_weight` where it has one. Writes td_error, the largest squared difference. */
rlc_tensor *rlc_critics_loss(const rlc_critics *critics, rlc_dict *td, rlc_tensor *target, int distance);

RLC_END

#endif
