/* collector.h: batches of experience, one after the other, episodes running on from batch to batch.
 *
 *     collector: {type: Collector, policy: behavior, frames_per_batch: 10, init_random_frames: 10_000,
 *                 total_frames: 500_000}
 */
#ifndef RLC_COLLECTOR_H
#define RLC_COLLECTOR_H

#include "envs/env.h"
#include "modules/model.h"

RLC_BEGIN

typedef struct rlc_collector rlc_collector;

typedef struct rlc_collector_class {
    rlc_class base;
    /* Records a batch [num_envs, frames_per_batch / num_envs] with at least the entries under `keys`. */
    rlc_dict *(*collect)(rlc_collector *self, const rlc_key *const *keys, int count);
} rlc_collector_class;

struct rlc_collector {
    const rlc_collector_class *type;
    const rlc_value *policy_name;
    int64_t frames_per_batch, init_random_frames, total_frames;
    rlc_env *env;
    rlc_module *policy;
    rlc_arena arena;
    rlc_state state;
    int64_t *frames;      /* collected so far */
    rlc_program *stretch; /* for batches of many steps (collector.c) */
};

/* Builds a collector. The policy is one of the model's modules; it must write actions as the environment reads them. */
rlc_status rlc_collector_new(rlc_model *model, rlc_env *env, const rlc_value *options, rlc_collector **collector);
void rlc_collector_free(rlc_collector *collector);

/* Records the next batch, with the entries under `keys`, or all with count 0. During init_random_frames actions are
 * drawn from the environment's spec. */
rlc_dict *rlc_collect(rlc_collector *collector, const rlc_key *const *keys, int count);

/* Whether the next batch, or the last one, is of random actions: no updates are made for those. */
static inline bool rlc_collector_is_random(const rlc_collector *collector) {
    return *collector->frames < collector->init_random_frames;
}
static inline bool rlc_collector_was_random(const rlc_collector *collector) {
    return *collector->frames - collector->frames_per_batch < collector->init_random_frames;
}

extern const rlc_option rlc__collector_options[];
extern const rlc_collector_class rlc_collector_class_default;

RLC_END

#endif
