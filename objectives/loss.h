/* loss.h: what losses have in common.
 *
 * A loss is a module that reads a batch and gives numbers without a batch dimension: `loss`, which training
 * differentiates, and whatever else it wants reported. It owns the target networks, and names the groups of parameters
 * that optimisers can be told apart by ("loss.actor", "loss.qvalue").
 *
 *     typedef struct { rlc_loss base; const rlc_value *network; ... } MyLoss;
 *
 *     static void init(rlc_module *self, const rlc_build *b) {
 *         rlc_module *net = rlc_module_build(self, b, ((MyLoss *)self)->network, "network");
 *         rlc_loss_group((rlc_loss *)self, "network", net);
 *     }
 *     static void forward(rlc_module *self, rlc_dict *td) {
 *         ...
 *         rlc_loss_set((rlc_loss *)self, "loss", rlc_mean(error, RLC_ALL, false));
 *     }
 *
 * Its in_keys tell what a replay buffer must keep for it; td_error ([*batch, 1]), if it has one, goes into the batch.
 */
#ifndef RLC_LOSS_H
#define RLC_LOSS_H

#include "modules/model.h"
#include "objectives/schedule.h"

RLC_BEGIN

enum { RLC_MAX_GROUPS = 8, RLC_MAX_TARGETS = 32 };

/* Parameters that belong together, by their numbers in the model. */
typedef struct rlc_loss_group_entry {
    const char *name;
    int *parameters, count;
} rlc_loss_group_entry;

/* A network and its target: as many parameters in the same order. */
typedef struct rlc_loss_target_entry {
    rlc_module *online, *target;
} rlc_loss_target_entry;

typedef struct rlc_loss {
    rlc_module base;
    rlc_loss_group_entry groups[RLC_MAX_GROUPS];
    rlc_loss_target_entry targets[RLC_MAX_TARGETS];
    int num_groups, num_targets;
    rlc_dict *out; /* where the current call puts its numbers */
    rlc_tensor *frames; /* int64, one element: how far the run of `total_frames` is, for schedules; NULL without a run */
    int64_t total_frames;
} rlc_loss;

/* Calls a loss on a batch; returns its numbers, a dict without batch dimensions. The networks it trains are called in
 * training (rlc_set_training), its targets are not. */
rlc_dict *rlc_loss_call(rlc_loss *loss, rlc_dict *batch);

/* For forward: gives one number. */
void rlc_loss_set(rlc_loss *loss, const char *name, rlc_tensor *value);

/* For init: all parameters of a module become a group of that name, or join it. */
void rlc_loss_group(rlc_loss *loss, const char *name, rlc_module *module);

/* For init: the same for one parameter that the loss itself declared (a learned temperature). */
void rlc_loss_group_parameter(rlc_loss *loss, const char *name, const rlc_tensor *parameter);

/* For init: builds the target of a network: a copy that no gradient reaches and that a target updater follows up. */
rlc_module *rlc_loss_target(rlc_loss *loss, const rlc_build *build, rlc_module *online, const char *name);

/* For init: reads a network's in_keys under the prefix as well ("next.observation" for "observation"); adds the given
 * keys; sets them as the loss's in_keys. */
void rlc_loss_reads(rlc_loss *loss, const rlc_module *network, bool next, const char *const *keys, int count);

/* The group's parameters; for a name of NULL those of all groups. Returns how many, -1 when there is no such group. */
int rlc_loss_parameters(const rlc_loss *loss, const char *group, int *parameters, int room);

/* For init: a number, or a schedule, that an option says; and in forward its value now. */
rlc_schedule *rlc_loss_schedule(rlc_loss *loss, const char *option, const rlc_value *value, double usual);
rlc_tensor *rlc_loss_scheduled(const rlc_loss *loss, const rlc_schedule *schedule);

/* The distance of a value from its target, element by element: l2, l1 or smooth_l1 (beta 1), as `loss_function` says. */
#define RLC_DISTANCE_NAMES "l2|l1|smooth_l1"
rlc_tensor *rlc_distance(int distance, rlc_tensor *value, rlc_tensor *target);

/* Of the values of all actions, [*batch, n], that of one written as the spec says, [*batch, 1]. */
rlc_tensor *rlc_chosen_value(const rlc_spec *spec, rlc_tensor *values, rlc_tensor *action);

extern const rlc_module_class rlc_dqn_loss_class, rlc_distributional_dqn_loss_class, rlc_qr_dqn_loss_class,
    rlc_ddpg_loss_class, rlc_td3_loss_class, rlc_sac_loss_class, rlc_discrete_sac_loss_class, rlc_redq_loss_class,
    rlc_iql_loss_class, rlc_discrete_iql_loss_class, rlc_cql_loss_class, rlc_discrete_cql_loss_class,
    rlc_clip_ppo_loss_class, rlc_kl_pen_ppo_loss_class, rlc_a2c_loss_class, rlc_reinforce_loss_class,
    rlc_cem_loss_class, rlc_gan_loss_class;

RLC_END

#endif
