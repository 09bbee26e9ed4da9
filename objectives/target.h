/* target.h: how target networks follow the networks they are copies of.
 *
 *     target: {type: HardUpdate, every: 50}         copied every 50 updates
 *     target: {type: SoftUpdate, tau: 0.005}        target <- (1 - tau) target + tau online, after every update
 *
 * Buffers follow as parameters do, running statistics of a BatchNorm say; what counts (num_batches_tracked) is copied.
 * TorchRL's updaters leave buffers as they were at the start.
 */
#ifndef RLC_TARGET_H
#define RLC_TARGET_H

#include "objectives/loss.h"

RLC_BEGIN

typedef struct rlc_target rlc_target;

typedef struct rlc_target_class {
    rlc_class base;
    /* Records one follow-up of a stretch of parameters, or of a buffer, which may be of any type. */
    void (*follow)(rlc_target *self, rlc_tensor *target, rlc_tensor *online);
    /* Optional: looks at its options once they are set. */
    rlc_status (*init)(rlc_target *self, const rlc_value *options);
} rlc_target_class;

struct rlc_target {
    const rlc_target_class *type;
    int64_t every;
    rlc_arena arena;
    rlc_state state;
    int64_t *updates;                /* of the loss, so far */
    rlc_tensor **targets, **onlines; /* stretches of the flat buffer, and buffers, pairwise */
    int count;
};

/* Builds an updater for all target networks of a loss, whose model is allocated. */
rlc_status rlc_target_new(rlc_loss *loss, const rlc_value *options, rlc_target **target);
void rlc_target_free(rlc_target *target);

/* Records what one update of the loss means for the targets. */
void rlc_target_step(rlc_target *target);

extern const rlc_option rlc__target_options[];
extern const rlc_target_class rlc_hard_update_class, rlc_soft_update_class;

RLC_END

#endif
