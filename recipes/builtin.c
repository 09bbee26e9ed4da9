#include "recipes/builtin.h"

#include "collectors/buffer.h"
#include "collectors/collector.h"
#include "envs/transform.h"
#include "modules/classes.h"
#include "objectives/estimators.h"
#include "objectives/loss.h"
#include "objectives/optim.h"
#include "objectives/target.h"

/* The one list of classes: a new one is a line here. */
static const rlc_class *const classes[] = {
    &rlc_cartpole_class.base,

    &rlc_reward_sum_class.base,
    &rlc_step_counter_class.base,

    &rlc_linear_class.base,
    &rlc_mlp_class.base,
    &rlc_sequential_class.base,
    &rlc_actor_class.base,
    &rlc_qvalue_module_class.base,
    &rlc_qvalue_actor_class.base,
    &rlc_egreedy_class.base,

    &rlc_collector_class_default.base,
    &rlc_replay_buffer_class.base,

    &rlc_td0_estimator_class.base,
    &rlc_td1_estimator_class.base,
    &rlc_td_lambda_estimator_class.base,
    &rlc_gae_class.base,

    &rlc_dqn_loss_class.base,
    &rlc_hard_update_class.base,
    &rlc_soft_update_class.base,
    &rlc_adam_class.base,
    &rlc_adamw_class.base,
    &rlc_sgd_class.base,
    &rlc_rmsprop_class.base,

    &rlc_constant_schedule_class.base,
    &rlc_linear_schedule_class.base,
    &rlc_step_schedule_class.base,
    &rlc_exponential_schedule_class.base,
    &rlc_cosine_schedule_class.base,
};

rlc_status rlc_registry_new(rlc_registry **registry) {
    RLC_TRY(rlc__registry_create(registry));
    for (int i = 0; i < RLC_COUNT(classes); i++) {
        rlc_status status = rlc_register(*registry, classes[i]);
        if (status != RLC_OK) {
            rlc_registry_free(*registry);
            return status;
        }
    }
    return RLC_OK;
}
