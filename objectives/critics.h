/* critics.h: what the losses of actors and critics share: an ensemble of Q networks and their targets.
 *
 * The first critic is the network that a recipe names; the others are second instances of it, initialised anew. Each has
 * a target that a target updater follows up. All read the same keys and write one value, [*batch, 1]; or, where they
 * are built with `discrete`, one for each action, [*batch, n], of which the batch's action chooses.
 *
 *     rlc_critics_build(&m->critics, &m->base, build, m->qvalue_option, 2);                            // in init
 *     rlc_loss_set(&m->base, "loss_qvalue", rlc_critics_loss(&m->critics, td, target, m->loss_function, NULL));
 */
#ifndef RLC_CRITICS_H
#define RLC_CRITICS_H

#include "modules/distribution.h"
#include "objectives/loss.h"

RLC_BEGIN

enum { RLC_MAX_CRITICS = 16 };

typedef struct rlc_critics {
    rlc_module *online[RLC_MAX_CRITICS], *target[RLC_MAX_CRITICS];
    int count;
    bool discrete;   /* set before they are built */
    rlc_spec action; /* the environment's */
    const rlc_key *action_key, *reward, *terminated;
    const rlc_key *value, *td_error; /* what they write, state_action_value or their only out key; what the loss does */
} rlc_critics;

/* For init: builds `count` critics, as the loss's group "qvalue"; false with an error. */
bool rlc_critics_build(rlc_critics *critics, rlc_loss *loss, const rlc_build *build, const rlc_value *network,
                       int count);

/* For init of losses whose policy draws its actions: builds that, as the group "actor", and `count` critics, and sets what
 * the loss reads. NULL with an error. */
rlc_module *rlc_critics_build_soft(rlc_critics *critics, rlc_loss *loss, const rlc_build *build,
                                   const rlc_value *actor_network, const rlc_value *qvalue_network, int count);

/* For init: the loss reads what the actor does, now and next, what critics do, the action, rewards and ends. */
void rlc_critics_reads(const rlc_critics *critics, rlc_loss *loss, const rlc_module *actor);

/* r + gamma^steps (1 - terminated) V' of a batch (objectives/replay.h). */
rlc_tensor *rlc_critics_td0(const rlc_critics *critics, const rlc_dict *td, rlc_tensor *next_value, double gamma);

/* What one network gives for a batch; `td` stays as it is. */
rlc_tensor *rlc_critics_value(const rlc_critics *critics, rlc_module *network, const rlc_dict *td);

/* Of what discrete critics say, the value of the batch's action; what others say as it is. */
rlc_tensor *rlc_critics_chosen(const rlc_critics *critics, const rlc_dict *td, rlc_tensor *values);

/* The same of an online network whose parameters are held constant, so that a gradient goes to the action alone. */
rlc_tensor *rlc_critics_held_value(const rlc_critics *critics, int i, const rlc_dict *td);

/* The smallest of the targets' values; of the online networks', their parameters held constant. */
rlc_tensor *rlc_critics_target_min(const rlc_critics *critics, const rlc_dict *td);
rlc_tensor *rlc_critics_held_min(const rlc_critics *critics, const rlc_dict *td);

/* The loss of all critics against `target`, [*batch, 1], which no gradient enters: the sum over critics of the mean
 * distance, weighted by the batch's `priority_weight` where it has one. Writes td_error, the largest squared difference.
 * `values`, unless NULL, has room for what each critic says. */
rlc_tensor *rlc_critics_loss(const rlc_critics *critics, rlc_dict *td, rlc_tensor *target, int distance,
                             rlc_tensor **values);

/* Has a stochastic policy act in `td`, which gets its `action`; the action's log-probability, [*batch, 1]. Gradients pass
 * through both where the distribution allows it. */
rlc_tensor *rlc_critics_act(const rlc_critics *critics, rlc_module *actor, rlc_dict *td, rlc_stream *noise);

RLC_END

#endif
