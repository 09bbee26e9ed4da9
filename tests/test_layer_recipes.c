/* Normalised, thinned out and recurrent networks in recipes: checked, trained for a moment, interrupted and resumed bit for
 * bit. */
#include "tests/mistakes.h"
#include "tests/stopped_run.h"

#define MEMORY(transforms)                                                                                             \
    "env: {type: CartPole, num_envs: 4, transforms: [" transforms "]}\n"                                               \
    "modules:\n"                                                                                                       \
    "  memory: {type: LSTMModule, in_keys: [observation], out_keys: [features], hidden_size: 8}\n"
#define STATE "{type: TensorDictPrimer, primers: {recurrent_state_h: [1, 8], recurrent_state_c: [1, 8]}}"
#define CARRIED MEMORY("{type: InitTracker}, " STATE)

#define RECURRENT_DQN                                                                                                  \
    CARRIED                                                                                                            \
    "  policy: {type: Sequential, modules: [memory, {type: QValueActor, module: {type: Linear, in_keys: [features], "  \
    "out_features: 2}}]}\n"                                                                                            \
    "  behavior: {type: Sequential, modules: [policy, {type: EGreedyModule}]}\n"                                       \
    "collector: {type: Collector, policy: behavior, frames_per_batch: 40, total_frames: 4000, init_random_frames: "    \
    "200}\n"                                                                                                           \
    "loss: {type: DQNLoss, value_network: policy}\n"                                                                   \
    "target: {type: SoftUpdate, tau: 0.01}\n"                                                                          \
    "checkpoint: {every: 200}\neval: {policy: policy, episodes: 2}\n" OPTIM
#define SLICES(more) "buffer: {type: SliceReplayBuffer, capacity: 2000, batch_size: 32, slice_len: 8" more "}\n"

#define RECURRENT_PPO(minibatch)                                                                                       \
    CARRIED                                                                                                            \
        "  net:\n    type: ActorValueOperator\n    common_operator: memory\n"                                          \
        "    policy_operator: {type: ProbabilisticActor, modules: [{type: Linear, in_keys: [features], out_keys: "     \
        "[logits], out_features: 2}], in_keys: [logits], distribution: OneHotCategorical, return_log_prob: true}\n"    \
        "    value_operator: {type: ValueOperator, in_keys: [features], module: {type: Linear, out_features: "         \
        "1}}\n"                                                                                                        \
        "collector: {type: Collector, policy: net.policy, frames_per_batch: 64, total_frames: 640}\n"                  \
        "advantage: {type: GAE, value_network: net.value}\n"                                                           \
        "loss: {type: ClipPPOLoss, actor_network: net.policy, critic_network: net.value}\n"                            \
        "train: {epochs: 2, minibatch_size: " minibatch "}\neval: {policy: net.policy, episodes: 2}\n" OPTIM

#define NORMED(layer)                                                                                                  \
    ENV "modules:\n  policy: {type: QValueActor, module: {type: Sequential, modules: [{type: Linear, out_features: "   \
        "16}, " layer ", {type: SiLU}, {type: Linear, out_features: 2}]}}\n"                                           \
        "  behavior: {type: Sequential, modules: [policy, {type: EGreedyModule}]}\n"                                   \
        "collector: {type: Collector, policy: behavior, frames_per_batch: 10, total_frames: 3000}\n"                   \
        "checkpoint: {every: 100}\n"                                                                                   \
        "target: {type: HardUpdate, every: 5}\neval: {policy: policy, episodes: 2}\n" BUFFER LOSS OPTIM
#define NORMED_ALL "{type: LayerNorm}, {type: BatchNorm1d}, {type: Dropout, p: 0.2}"

static const mistake cases[] = {
    {RECURRENT_DQN SLICES(""), NULL, 0, "LSTMModule"},
    {RECURRENT_DQN SLICES(", strict_length: false"), "@ --overwrite --out %/dqn", 0, "done"},
    {RECURRENT_DQN BUFFER, "@ collector.total_frames=400 --overwrite --out %/dqn", 0, "done"},
    {RECURRENT_PPO("32"), NULL, 0, "next.recurrent_state_c"},
    {RECURRENT_PPO("32"), "@ --overwrite --out %/ppo", 0, "done"},
    {RECURRENT_PPO("0"), "@ advantage.shifted=true --overwrite --out %/ppo", 0, "done"},
    {RECURRENT_PPO("8"), NULL, 2,
     "train: minibatch_size (8) must be a multiple of the 16 steps that each environment makes in a batch: a recurrent "
     "network learns from sequences"},
    {MEMORY("{type: InitTracker}"), NULL, 2,
     "@:3: modules.memory: the environment must carry its state from step to step; add {type: TensorDictPrimer, "
     "primers: {recurrent_state_h: [1, 8], recurrent_state_c: [1, 8]}} to env.transforms"},
    {MEMORY(STATE), NULL, 2, "add {type: InitTracker} to env.transforms"},
    {NORMED(NORMED_ALL), NULL, 0, "BatchNorm1d"},
    {NORMED(NORMED_ALL), "@ --overwrite --out %/normed", 0, "done"},
    {NORMED("{type: BatchNorm2d}"), NULL, 2, "there must be [channels, height, width]"},
};

static void test_recipes(void **state) {
    (void)state;
    EXPECT_ANSWERS(cases);
}

/* Long enough to be caught behind the first of its checkpoints. */
#define LONGER "%s collector.total_frames=40_000 checkpoint.every=2_000 --quiet --out %s"

/* The run as it is, and the run interrupted and resumed to its end. */
static void expect_resumable(const char *name, const char *recipe) {
    char file[64], whole[64], stopped[64], arguments[1024];
    snprintf(file, sizeof file, "%s.yaml", name);
    snprintf(whole, sizeof whole, "%s_whole", name);
    snprintf(stopped, sizeof stopped, "%s_stopped", name);
    put(file, recipe, strlen(recipe));
    snprintf(arguments, sizeof arguments, LONGER, in_work_folder(file), in_work_folder(whole));
    expect_rlrun(arguments, 0, "");
    snprintf(arguments, sizeof arguments, LONGER, in_work_folder(file), in_work_folder(stopped));
    assert_int_equal(stop_run(arguments, stopped, SIGINT, "checkpoint.safetensors"), 130);
    expect_rlrun(resume(stopped), 0, "");
    expect_equal_runs(whole, stopped);
}

static void test_resume(void **state) {
    (void)state;
    expect_resumable("normed", NORMED(NORMED_ALL));
    expect_resumable("recurrent", RECURRENT_DQN SLICES(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recipes), cmocka_unit_test(test_resume)};
    return cmocka_run_group_tests_name("layers in recipes", tests, make_work_folder, remove_work_folder);
}
