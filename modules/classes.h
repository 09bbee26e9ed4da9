/* classes.h: the module classes that rlc brings; recipes/builtin.c enters them in a registry. */
#ifndef RLC_MODULE_CLASSES_H
#define RLC_MODULE_CLASSES_H

#include "modules/module.h"

extern const rlc_module_class rlc_linear_class, rlc_mlp_class, rlc_sequential_class, rlc_actor_class,
    rlc_qvalue_module_class, rlc_qvalue_actor_class, rlc_egreedy_class, rlc_probabilistic_actor_class,
    rlc_normal_param_extractor_class, rlc_state_independent_scale_class, rlc_tanh_module_class,
    rlc_additive_gaussian_class, rlc_ornstein_uhlenbeck_class, rlc_gsde_class, rlc_value_operator_class, rlc_random_policy_class;

extern const rlc_module_class rlc_dueling_mlp_class, rlc_noisy_linear_class, rlc_distributional_dqn_net_class,
    rlc_distributional_qvalue_module_class, rlc_distributional_qvalue_actor_class, rlc_quantile_qvalue_module_class;

extern const rlc_module_class rlc_layer_norm_class, rlc_batch_norm1d_class, rlc_batch_norm2d_class, rlc_dropout_class,
    rlc_embedding_class, rlc_relu_class, rlc_leaky_relu_class, rlc_elu_class, rlc_gelu_class, rlc_silu_class,
    rlc_tanh_class, rlc_sigmoid_class, rlc_softplus_class, rlc_softmax_class, rlc_log_softmax_class, rlc_identity_class,
    rlc_lstm_cell_class, rlc_gru_cell_class, rlc_lstm_module_class, rlc_gru_module_class;
extern const rlc_module_class rlc_conv2d_class, rlc_conv_transpose2d_class, rlc_max_pool2d_class, rlc_avg_pool2d_class,
    rlc_adaptive_avg_pool2d_class, rlc_flatten_class, rlc_conv_net_class, rlc_dueling_cnn_class;

extern const rlc_module_class rlc_actor_value_operator_class, rlc_actor_critic_operator_class,
    rlc_actor_critic_wrapper_class;

#endif
