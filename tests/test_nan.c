/* A number that is none ends a run at once, with the name of the term that it reached first, and no checkpoint is written
 * from parameters that it has reached: the last good one stays, for a resume and an evaluation. */
#include <math.h>

#include "recipes/files.h"
#include "tests/mistakes.h"

#define MANY "buffer: {type: ReplayBuffer, capacity: 100, batch_size: 64}\n"
#define NEVER "log: {every: 1_000_000}\n"
#define PLUGIN "plugins: [poison.so]\n" NEVER
#define PICK "env: {type: PoisonPick}\n" MODULES
#define TRAIN                                                                                                          \
    "collector: {type: Collector, policy: policy, frames_per_batch: 4, init_random_frames: 40, total_frames: 4_000}\n" \
    "checkpoint: {every: 8}\n"

static const char dqn[] = PLUGIN PICK TRAIN MANY LOSS OPTIM;
static const char steep[] = PLUGIN PICK TRAIN MANY "loss: {type: SteepLoss, network: policy}\n" OPTIM;

/* A deterministic policy of a critic that follows it, and a stochastic one that follows a critic. */
#define PUSH                                                                                                           \
    "env: {type: PoisonPush}\nmodules:\n"                                                                              \
    "  mean: {type: MLP, num_cells: [8], out_keys: [param], out_features: 2}\n"                                        \
    "  policy: {type: ProbabilisticActor, modules: [mean, {type: NormalParamExtractor}], return_log_prob: true, "      \
    "distribution: TanhNormal}\n"                                                                                      \
    "  actor: {type: Actor, module: {type: MLP, num_cells: [8], out_features: 1}}\n"                                   \
    "  q: {type: ValueOperator, in_keys: [observation, action], module: {type: MLP, num_cells: [8], out_features: "    \
    "1}}\n"                                                                                                            \
    "  critic: {type: ValueOperator, module: {type: MLP, num_cells: [8], out_features: 1}}\n"

static const char sac[] =
    PLUGIN PUSH TRAIN MANY "loss: {type: SACLoss, actor_network: policy, qvalue_network: q}\n" OPTIM;
static const char ddpg[] =
    PLUGIN PUSH TRAIN MANY "loss: {type: DDPGLoss, actor_network: actor, qvalue_network: q}\n" OPTIM;
static const char td3[] =
    PLUGIN PUSH TRAIN MANY "loss: {type: TD3Loss, actor_network: actor, qvalue_network: q}\n" OPTIM;
#define ON_POLICY(type)                                                                                                \
    PLUGIN PUSH "collector: {type: Collector, policy: policy, frames_per_batch: 40, total_frames: 4_000}\n"            \
                "checkpoint: {every: 40}\nadvantage: {type: GAE, value_network: critic}\ntrain: {epochs: 2}\n"         \
                "loss: {type: " type ", actor_network: policy, critic_network: critic}\n" OPTIM
static const char ppo[] = ON_POLICY("ClipPPOLoss"), a2c[] = ON_POLICY("A2CLoss"),
                  reinforce[] = ON_POLICY("ReinforceLoss");

/* Every number of what a checkpoint holds is finite; at which frame it was written. */
static int64_t expect_finite(const char *file) {
    rlc_safetensors *checkpoint;
    int64_t frames = -1;
    expect_ok(rlc_safetensors_open(in_work_folder(file), &checkpoint));
    for (int i = 0; i < rlc_safetensors_count(checkpoint); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_at(checkpoint, i);
        if (strcmp(entry->name, "collector.frames") == 0) {
            memcpy(&frames, entry->data, sizeof frames);
        }
        bool replay = strncmp(entry->name, "buffer.", 7) == 0 || strncmp(entry->name, "env.", 4) == 0;
        for (size_t at = 0; entry->dtype == RLC_F32 && !replay && at + 4 <= entry->size; at += 4) {
            float value;
            memcpy(&value, (const char *)entry->data + at, 4);
            assert_true(isfinite(value));
        }
    }
    rlc_safetensors_close(checkpoint);
    return frames;
}

/* Ends with that message and leaves a checkpoint of before; a resume comes to the same end and changes neither. */
static void check_stops(const char *recipe, const char *overrides, const char *message, int64_t before) {
    char arguments[512], again[128];
    size_t size_before, size_after;
    put("bad.yaml", recipe, strlen(recipe));
    assert_int_equal(system(filled("rm -rf %/lost")), 0);
    snprintf(arguments, sizeof arguments, "%s %s --quiet --out %s/lost", in_work_folder("bad.yaml"), overrides,
             work_folder);
    assert_true(is_answered(arguments, 1, message));
    assert_false(exists(in_work_folder("lost/summary.json")));
    int64_t frames = expect_finite("lost/resume.safetensors");
    expect_finite("lost/checkpoint.safetensors");
    assert_in_range(frames, before - 80, before);
    char *first = read_file(in_work_folder("lost/resume.safetensors"), &size_before);
    snprintf(again, sizeof again, "resume %s/lost --quiet", work_folder);
    assert_true(is_answered(again, 1, message));
    char *second = read_file(in_work_folder("lost/resume.safetensors"), &size_after);
    assert_int_equal(size_before, size_after);
    assert_memory_equal(first, second, size_before);
    free(first);
    free(second);
}

/* The 500th reward is NaN. What samples a buffer may meet it some batches later. */
static void test_rewards(void **state) {
    (void)state;
    check_stops(dqn, "", "rlrun: loss.loss became nan before frame 5", 540);
    check_stops(sac, "", "rlrun: loss.loss_qvalue became nan before frame 5", 540);
    check_stops(ddpg, "", "rlrun: loss.loss_qvalue became nan before frame 5", 540);
    check_stops(td3, "", "rlrun: loss.loss_qvalue became nan before frame 5", 540);
    check_stops(ppo, "", "rlrun: loss.loss_objective became nan before frame 520;", 480);
    check_stops(a2c, "", "rlrun: loss.loss_objective became nan before frame 520;", 480);
    check_stops(reinforce, "", "rlrun: loss.loss_actor became nan before frame 520;", 480);
}

/* Where no checkpoint and no line of the log is due for long, the run ends all the same, and leaves none. */
static void test_at_once(void **state) {
    (void)state;
    put("bad.yaml", ppo, strlen(ppo));
    assert_true(is_answered(filled("@ checkpoint.every=4_000 --quiet --out %/once"), 1, " before frame 520;"));
    assert_false(exists(in_work_folder("once/resume.safetensors")));
    assert_false(exists(in_work_folder("once/checkpoint.safetensors")));
}

/* The loss is 0 to the end, its gradient NaN at the 20th update: of the batch that ends at frame 120. */
static void test_gradients(void **state) {
    (void)state;
    check_stops(steep, "", "rlrun: modules.net.0.weight became nan before frame 120;", 112);
}

/* Steps that are too long. */
static void test_rates(void **state) {
    (void)state;
    put("bad.yaml", dqn, strlen(dqn));
    assert_true(is_answered(filled("@ 'optim={type: SGD, lr: 1e6}' --quiet --out %/fast"), 1, " became "));
    put("bad.yaml", sac, strlen(sac));
    assert_true(is_answered(filled("@ 'optim={type: SGD, lr: 1e6}' --quiet --out %/fast_sac"), 1, " became "));
    put("bad.yaml", ppo, strlen(ppo));
    assert_true(is_answered(filled("@ 'optim={type: SGD, lr: 1e6}' --quiet --out %/fast_ppo"), 1, " became "));
    static const char *const folders[] = {"fast", "fast_sac", "fast_ppo"};
    for (int i = 0; i < RLC_COUNT(folders); i++) {
        char file[64];
        snprintf(file, sizeof file, "%s/checkpoint.safetensors", folders[i]);
        if (exists(in_work_folder(file))) {
            expect_finite(file);
        }
    }
}

static int compile_plugin(void **state) {
    char command[512];
    make_work_folder(state);
    snprintf(command, sizeof command, TEST_CC " -shared -fPIC -I. -o %s/poison.so tests/plugins/poison.c", work_folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewards),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_rates),
    };
    return cmocka_run_group_tests_name("numbers that are none", tests, compile_plugin, remove_work_folder);
}
