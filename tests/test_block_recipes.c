/* Building blocks as recipes use them: each is checked and trains for a moment. */
#include "tests/mistakes.h"

#define PENDULUM "env: {type: Pendulum, num_envs: 2}\n"
#define NORMAL_ACTOR                                                                                                   \
    "modules:\n"                                                                                                       \
    "  net: {type: MLP, out_keys: [hidden], num_cells: [8], out_features: 2}\n"                                        \
    "  actor: {type: ProbabilisticActor, modules: [net, {type: NormalParamExtractor, in_keys: [hidden]}],\n"           \
    "          distribution: TanhNormal, return_log_prob: true}\n"
#define ON_POLICY "collector: {type: Collector, policy: actor, frames_per_batch: 40, total_frames: 160}\n"

#define REINFORCE                                                                                                      \
    PENDULUM NORMAL_ACTOR ON_POLICY "advantage: {type: Reward2Go, gamma: 0.99, baseline: mean}\n"                      \
                                    "loss: {type: ReinforceLoss, actor_network: actor}\n" OPTIM

#define CRITIC "  critic: {type: ValueOperator, module: {type: MLP, num_cells: [8], out_features: 1}}\n"
#define NETWORKS "actor_network: actor, critic_network: critic"
#define WITH_VTRACE(loss)                                                                                              \
    PENDULUM NORMAL_ACTOR CRITIC ON_POLICY                                                                             \
        "advantage: {type: VTrace, value_network: critic, actor_network: actor, rho_thresh: 2}\n"                      \
        "loss: {type: " loss ", " NETWORKS "}\n" OPTIM

#define HEAD(key)                                                                                                      \
    "{type: ProbabilisticActor, return_log_prob: true, distribution: TanhNormal, modules: [{type: MLP, in_keys: [" key \
    "], out_keys: [parameters], num_cells: [8], out_features: 2}, {type: NormalParamExtractor, in_keys: "              \
    "[parameters]}]}"
#define TANH_HEAD(key)                                                                                                 \
    "{type: Sequential, modules: [{type: Linear, in_keys: [" key "], out_keys: [action], out_features: 1},"            \
    " {type: TanhModule}]}"
#define WORTH(keys) "{type: ValueOperator, in_keys: [" keys "], module: {type: MLP, num_cells: [8], out_features: 1}}"
#define COMMON "common_operator: {type: MLP, out_keys: [hidden], num_cells: [8], out_features: 8}, "
#define NET_COLLECTOR "collector: {type: Collector, policy: net.policy, frames_per_batch: 40, total_frames: 160}\n"
#define PPO_ON(net)                                                                                                    \
    PENDULUM "modules:\n  net: " net "\n" NET_COLLECTOR "advantage: {type: GAE, value_network: net.value}\n"           \
             "loss: {type: ClipPPOLoss, actor_network: net.policy, critic_network: net.value}\n"                       \
             "train: {epochs: 2, minibatch_size: 20}\neval: {policy: net.policy, episodes: 1}\n"
#define SHARED                                                                                                         \
    "{type: ActorValueOperator, " COMMON "policy_operator: " HEAD("hidden") ", value_operator: " WORTH("hidden") "}"
#define UNSHARED                                                                                                       \
    "{type: ActorCriticWrapper, policy_operator: " HEAD("observation") ", value_operator: " WORTH("observation") "}"
#define DDPG                                                                                                           \
    PENDULUM "modules:\n  net: {type: ActorCriticOperator, " COMMON                                                    \
             "policy_operator: " TANH_HEAD("hidden") ", value_operator: " WORTH(                                       \
                 "hidden, action") "}\n"                                                                               \
                                   "  behavior: {type: Sequential, modules: [net.policy, {type: "                      \
                                   "AdditiveGaussianModule}]}\n"                                                       \
                                   "collector: {type: Collector, policy: behavior, frames_per_batch: 40, "             \
                                   "total_frames: 160}\n"                                                              \
                                   "loss: {type: DDPGLoss, actor_network: net.policy, value_network: net.critic}\n"    \
                                   "target: {type: SoftUpdate, tau: 0.01}\n" BUFFER

#define OFF_POLICY(buffer)                                                                                             \
    PENDULUM NORMAL_ACTOR CRITIC ON_POLICY "advantage: {type: VTrace, value_network: critic, actor_network: actor}\n"  \
                                           "loss: {type: A2CLoss, " NETWORKS "}\n"                                     \
                                           "train: {optim_steps_per_batch: 3}\n" OPTIM "buffer: " buffer "\n"
#define SLICES(more) "{type: SliceReplayBuffer, capacity: 120, batch_size: 24, slice_len: 8" more "}"

#define SMOOTH                                                                                                         \
    "modules:\n"                                                                                                       \
    "  net: {type: Linear, out_keys: [features], out_features: 8, activation: tanh}\n"                                 \
    "  actor: {type: ProbabilisticActor, distribution: TanhNormal, return_log_prob: true, modules: [net,\n"            \
    "          {type: Linear, in_keys: [features], out_keys: [mu], out_features: 1},\n"                                \
    "          {type: gSDEModule, in_keys: [mu, features], transform: tanh, resample_every: 16}]}\n"
#define TRACKED "env: {type: MountainCarContinuous, num_envs: 2, transforms: [{type: InitTracker}]}\n"
#define SMOOTH_EVAL "eval: {policy: actor, episodes: 1}\n"
#define SMOOTH_SAC                                                                                                     \
    TRACKED SMOOTH                                                                                                     \
        "  q: {type: MLP, in_keys: [observation, action], out_keys: [state_action_value], num_cells: [8],\n"           \
        "      out_features: 1}\n" ON_POLICY "loss: {type: SACLoss, actor_network: actor, qvalue_network: q}\n"        \
        "target: {type: SoftUpdate, tau: 0.01}\n" BUFFER SMOOTH_EVAL
#define SMOOTH_PPO                                                                                                     \
    TRACKED SMOOTH CRITIC ON_POLICY "advantage: {type: GAE, value_network: critic}\n"                                  \
                                    "loss: {type: ClipPPOLoss, " NETWORKS "}\n"                                        \
                                    "train: {epochs: 2, minibatch_size: 2}\n" SMOOTH_EVAL

static const mistake cases[] = {
    {REINFORCE, NULL, 0, "Reward2Go"},
    {REINFORCE, "@ --overwrite --out %/reinforce", 0, "done"},
    {WITH_VTRACE("A2CLoss"), NULL, 0, "VTrace"},
    {WITH_VTRACE("A2CLoss"), "@ --overwrite --out %/vtrace", 0, "done"},
    {WITH_VTRACE("ClipPPOLoss"), NULL, 0, "VTrace"},
    {WITH_VTRACE("ClipPPOLoss"), "@ --overwrite --out %/vtrace", 0, "done"},
    {PPO_ON(SHARED) OPTIM, NULL, 0, "ActorValueOperator"},
    {PPO_ON(SHARED) OPTIM, "@ --overwrite --out %/shared", 0, "done"},
    {PPO_ON(SHARED) "optim: [{type: Adam, params: loss.actor, lr: 1e-3}, {type: Adam, params: net.value_head, lr: "
                    "1e-3}]\n",
     "@ --overwrite --out %/shared", 0, "done"},
    {PPO_ON(UNSHARED) OPTIM, NULL, 0, "ActorCriticWrapper"},
    {PPO_ON(UNSHARED) OPTIM, "@ --overwrite --out %/unshared", 0, "done"},
    {DDPG OPTIM, NULL, 0, "loss.target_qvalue_network_0 follows modules.net.critic"},
    {DDPG OPTIM, "@ --overwrite --out %/ddpg", 0, "done"},
    {SMOOTH_SAC OPTIM, NULL, 0, "gSDEModule"},
    {SMOOTH_SAC OPTIM, "@ --overwrite --out %/smooth", 0, "done"},
    {SMOOTH_PPO OPTIM, NULL, 0, "gSDEModule"},
    {SMOOTH_PPO OPTIM, "@ --overwrite --out %/smooth", 0, "done"},
    {PENDULUM SMOOTH ON_POLICY, NULL, 2, "add {type: InitTracker} to env.transforms"},
    {OFF_POLICY(SLICES("")), NULL, 0, "samples of 24, slices of 8"},
    {OFF_POLICY(SLICES("")), "@ --overwrite --out %/slices", 0, "done"},
    {OFF_POLICY(SLICES(", strict_length: false")), "@ --overwrite --out %/slices", 0, "done"},
    {OFF_POLICY(SLICES(", capacity_: 1")), NULL, 2, "unknown option 'capacity_'"},
    {OFF_POLICY("{type: ReplayBuffer, capacity: 120, batch_size: 24}"), NULL, 2,
     "@:8: advantage: VTrace needs steps in their order: a buffer that samples slices (SliceReplayBuffer), or none"},
    {OFF_POLICY("{type: SliceReplayBuffer, capacity: 121, batch_size: 24, slice_len: 8}"), NULL, 2,
     "its 121 rows must be a multiple of the 2 environments"},
};

static void test_recipes(void **state) {
    (void)state;
    EXPECT_ANSWERS(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recipes)};
    return cmocka_run_group_tests_name("building blocks in recipes", tests, make_work_folder, remove_work_folder);
}
