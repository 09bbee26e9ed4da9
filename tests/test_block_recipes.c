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

static const mistake cases[] = {
    {REINFORCE, NULL, 0, "Reward2Go"},
    {REINFORCE, "@ --overwrite --out %/reinforce", 0, "done"},
    {WITH_VTRACE("A2CLoss"), NULL, 0, "VTrace"},
    {WITH_VTRACE("A2CLoss"), "@ --overwrite --out %/vtrace", 0, "done"},
    {WITH_VTRACE("ClipPPOLoss"), NULL, 0, "VTrace"},
    {WITH_VTRACE("ClipPPOLoss"), "@ --overwrite --out %/vtrace", 0, "done"},
};

static void test_recipes(void **state) {
    (void)state;
    EXPECT_ANSWERS(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recipes)};
    return cmocka_run_group_tests_name("building blocks in recipes", tests, make_work_folder, remove_work_folder);
}
