#include "recipes/builtin.h"

#include "collectors/buffer.h"
#include "collectors/collector.h"
#include "envs/transform.h"
#include "modules/classes.h"
#include "modules/distribution.h"
#include "objectives/estimators.h"
#include "objectives/loss.h"
#include "objectives/optim.h"
#include "objectives/target.h"

/* The one list of classes: a new one is a line here. */
static const rlc_class *const classes[] = {
    &rlc_cartpole_class.base,
    &rlc_pendulum_class.base,
    &rlc_acrobot_class.base,
    &rlc_mountain_car_class.base,
    &rlc_mountain_car_continuous_class.base,
    &rlc_catch_class.base,
    &rlc_breakout_class.base,
    &rlc_pong_class.base,

    &rlc_reward_sum_class.base,
    &rlc_step_counter_class.base,
    &rlc_init_tracker_class.base,
    &rlc_observation_norm_class.base,
    &rlc_vec_norm_class.base,
    &rlc_reward_scaling_class.base,
    &rlc_reward_clipping_class.base,
    &rlc_action_scaling_class.base,
    &rlc_frame_skip_class.base,
    &rlc_cat_tensors_class.base,
    &rlc_double_to_float_class.base,
    &rlc_tensordict_primer_class.base,
    &rlc_to_tensor_image_class.base,
    &rlc_gray_scale_class.base,
    &rlc_resize_class.base,
    &rlc_center_crop_class.base,
    &rlc_cart_crop_class.base,
    &rlc_cat_frames_class.base,
    &rlc_frame_difference_class.base,
    &rlc_flatten_observation_class.base,
    &rlc_compose_class.base,

    &rlc_linear_class.base,
    &rlc_mlp_class.base,
    &rlc_dueling_mlp_class.base,
    &rlc_noisy_linear_class.base,
    &rlc_layer_norm_class.base,
    &rlc_batch_norm1d_class.base,
    &rlc_batch_norm2d_class.base,
    &rlc_dropout_class.base,
    &rlc_embedding_class.base,
    &rlc_relu_class.base,
    &rlc_leaky_relu_class.base,
    &rlc_elu_class.base,
    &rlc_gelu_class.base,
    &rlc_silu_class.base,
    &rlc_tanh_class.base,
    &rlc_sigmoid_class.base,
    &rlc_softplus_class.base,
    &rlc_softmax_class.base,
    &rlc_log_softmax_class.base,
    &rlc_identity_class.base,
    &rlc_lstm_cell_class.base,
    &rlc_gru_cell_class.base,
    &rlc_lstm_module_class.base,
    &rlc_gru_module_class.base,
    &rlc_conv2d_class.base,
    &rlc_conv_transpose2d_class.base,
    &rlc_max_pool2d_class.base,
    &rlc_avg_pool2d_class.base,
    &rlc_adaptive_avg_pool2d_class.base,
    &rlc_flatten_class.base,
    &rlc_conv_net_class.base,
    &rlc_dueling_cnn_class.base,
    &rlc_sequential_class.base,
    &rlc_actor_class.base,
    &rlc_qvalue_module_class.base,
    &rlc_qvalue_actor_class.base,
    &rlc_distributional_dqn_net_class.base,
    &rlc_distributional_qvalue_module_class.base,
    &rlc_distributional_qvalue_actor_class.base,
    &rlc_quantile_qvalue_module_class.base,
    &rlc_egreedy_class.base,
    &rlc_random_policy_class.base,
    &rlc_probabilistic_actor_class.base,
    &rlc_normal_param_extractor_class.base,
    &rlc_state_independent_scale_class.base,
    &rlc_tanh_module_class.base,
    &rlc_value_operator_class.base,
    &rlc_actor_value_operator_class.base,
    &rlc_actor_critic_operator_class.base,
    &rlc_actor_critic_wrapper_class.base,
    &rlc_additive_gaussian_class.base,
    &rlc_ornstein_uhlenbeck_class.base,
    &rlc_gsde_class.base,

    &rlc_normal_class.base,
    &rlc_tanh_normal_class.base,
    &rlc_truncated_normal_class.base,
    &rlc_delta_class.base,
    &rlc_tanh_delta_class.base,
    &rlc_categorical_class.base,
    &rlc_one_hot_categorical_class.base,
    &rlc_masked_categorical_class.base,
    &rlc_masked_one_hot_categorical_class.base,

    &rlc_collector_class_default.base,
    &rlc_replay_buffer_class.base,
    &rlc_prioritized_replay_buffer_class.base,
    &rlc_slice_replay_buffer_class.base,

    &rlc_td0_estimator_class.base,
    &rlc_td1_estimator_class.base,
    &rlc_td_lambda_estimator_class.base,
    &rlc_gae_class.base,
    &rlc_vtrace_class.base,
    &rlc_reward2go_class.base,
    &rlc_elite_episodes_class.base,

    &rlc_dqn_loss_class.base,
    &rlc_distributional_dqn_loss_class.base,
    &rlc_qr_dqn_loss_class.base,
    &rlc_ddpg_loss_class.base,
    &rlc_td3_loss_class.base,
    &rlc_sac_loss_class.base,
    &rlc_discrete_sac_loss_class.base,
    &rlc_redq_loss_class.base,
    &rlc_iql_loss_class.base,
    &rlc_discrete_iql_loss_class.base,
    &rlc_cql_loss_class.base,
    &rlc_discrete_cql_loss_class.base,
    &rlc_clip_ppo_loss_class.base,
    &rlc_kl_pen_ppo_loss_class.base,
    &rlc_a2c_loss_class.base,
    &rlc_reinforce_loss_class.base,
    &rlc_cem_loss_class.base,
    &rlc_gan_loss_class.base,
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
            *registry = NULL;
            return status;
        }
    }
    return RLC_OK;
}
