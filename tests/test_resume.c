/* Every algorithm with its own state (prioritised buffers, critics and their targets, temperatures, delayed actors, noise
 * that drifts, running norms, schedules) goes on bit for bit after it was interrupted, and after it was killed somewhere
 * between two checkpoints. test_repeat.c does the same for DQN, the optimisers and the buffers. */
#include "tests/stopped_run.h"

static const char *run(const char *recipe, const char *overrides, const char *folder) {
    static char arguments[2048];
    snprintf(arguments, sizeof arguments, "recipes/%s.yaml --quiet --seed 5 %s --out %s", recipe, overrides,
             in_work_folder(folder));
    return arguments;
}

/* The run as it is, the run interrupted and the run killed, each resumed to its end. */
static void expect_resumable(const char *recipe, const char *overrides) {
    char whole[64], interrupted[64], killed[64];
    snprintf(whole, sizeof whole, "%s_whole", recipe);
    snprintf(interrupted, sizeof interrupted, "%s_interrupted", recipe);
    snprintf(killed, sizeof killed, "%s_killed", recipe);
    expect_rlrun(run(recipe, overrides, whole), 0, "");
    assert_int_equal(stop_run(run(recipe, overrides, interrupted), interrupted, SIGINT, "scalars.csv"), 130);
    expect_rlrun(resume(interrupted), 0, "");
    expect_equal_runs(whole, interrupted);
    assert_int_equal(stop_run(run(recipe, overrides, killed), killed, SIGKILL, "checkpoint.safetensors"),
                     1000 + SIGKILL);
    expect_rlrun(resume(killed), 0, "from frame");
    expect_equal_runs(whole, killed);
}

static void test_ppo(void **state) {
    (void)state;
    expect_resumable("ppo", "collector.total_frames=81_920 checkpoint.every=8_192 log.every=4_096 eval.every=16_384 "
                            "eval.episodes=5 'env.transforms=[{type: VecNorm}]' "
                            "'loss.clip_epsilon={type: linear, from: 0.2, to: 0.05}' "
                            "'loss.entropy_coeff={type: linear, from: 0.02, to: 0}'");
}

static void test_dqn_per(void **state) {
    (void)state;
    expect_resumable("dqn_per", "collector.total_frames=40_000 collector.init_random_frames=2_000 "
                                "checkpoint.every=4_000 log.every=2_000 eval.every=10_000 eval.episodes=3 "
                                "modules.explore.annealing_num_steps=20_000 buffer.annealing_num_steps=4_000");
}

/* Small networks, so that a run is over in a second but long enough to be caught; checkpoints at odd and even updates. */
#define SHORT                                                                                                          \
    "collector.total_frames=5_000 collector.init_random_frames=300 checkpoint.every=301 log.every=200 "                \
    "eval.every=1_000 eval.episodes=2 modules.qvalue.num_cells=[32,32] buffer.batch_size=64 buffer.capacity=5_000 "
#define SMALL_ACTOR                                                                                                    \
    "'modules.actor.modules=[{type: MLP, num_cells: [32, 32], activation: relu, out_features: 1}, "                    \
    "{type: TanhModule}]' "

static void test_sac(void **state) {
    (void)state;
    expect_resumable("sac", SHORT "modules.actor_net.num_cells=[32,32] 'env.transforms=[{type: VecNorm}]'");
}

static void test_td3(void **state) {
    (void)state;
    expect_resumable("td3", SHORT SMALL_ACTOR
                     "'env.transforms=[{type: ActionScaling}, {type: InitTracker}]' "
                     "'modules.behavior.modules=[actor, {type: OrnsteinUhlenbeckProcessModule, sigma: 0.3, "
                     "sigma_min: 0.1, eps_end: 0.5, annealing_num_steps: 3_000}]'");
}

static void test_ddpg(void **state) {
    (void)state;
    expect_resumable("ddpg", SHORT SMALL_ACTOR
                     "'modules.behavior.modules=[actor, {type: AdditiveGaussianModule, sigma_init: 0.5, "
                     "sigma_end: 0.1, annealing_num_steps: 3_000}]'");
}

/* A buffer of bytes, whose samples are transformed, and transforms that look back. */
static void test_dqn_catch(void **state) {
    (void)state;
    expect_resumable("dqn_catch", "collector.total_frames=30_000 checkpoint.every=3_000 log.every=1_000 "
                                  "eval.every=10_000 eval.episodes=5 buffer.capacity=2_001");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ppo), cmocka_unit_test(test_dqn_per), cmocka_unit_test(test_sac),
        cmocka_unit_test(test_td3), cmocka_unit_test(test_ddpg),    cmocka_unit_test(test_dqn_catch),
    };
    return cmocka_run_group_tests_name("runs are resumed", tests, make_work_folder, remove_work_folder);
}
