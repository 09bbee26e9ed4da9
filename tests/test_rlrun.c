/* The command line and the files of a run. */
#include <cjson/cJSON.h>
#include <glob.h>

#include "tests/command.h"

#define SHORT "collector.total_frames=3_000 collector.init_random_frames=500 eval.every=1_000 eval.episodes=4 "

/* One short run that several tests look at. */
static int short_run(void **state) {
    if (make_work_folder(state) != 0) {
        return -1;
    }
    char arguments[512];
    snprintf(arguments, sizeof arguments, "recipes/dqn.yaml " SHORT "--seed 7 --out %s", in_work_folder("run"));
    expect_rlrun(arguments, 0, "done");
    return 0;
}

static void test_progress(void **state) {
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments, "recipes/dqn.yaml " SHORT "--out %s", in_work_folder("progress"));
    expect_rlrun(arguments, 0, "100%       3000 frames");
    snprintf(arguments, sizeof arguments, "recipes/dqn.yaml " SHORT "--quiet --overwrite --out %s",
             in_work_folder("progress"));
    expect_rlrun(arguments, 0, "");
    char *log = read_file(in_work_folder("log"), NULL);
    assert_string_equal(log, "");
    free(log);
}

static double number(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item)) {
        fail_msg("summary.json has no number '%s'", name);
    }
    return item->valuedouble;
}

static void test_summary(void **state) {
    (void)state;
    char *text = read_file(in_work_folder("run/summary.json"), NULL);
    cJSON *summary = cJSON_Parse(text);
    assert_non_null(summary);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(summary, "recipe")), "dqn");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(summary, "device")), "cpu");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(summary, "version")), RLC_VERSION);
    assert_true(number(summary, "seed") == 7);
    assert_true(number(summary, "frames") == 3000);
    assert_true(number(summary, "updates") == 250);
    assert_true(number(summary, "wall_s") > 0);
    assert_true(number(summary, "frames_per_s") > 0);
    const cJSON *train = cJSON_GetObjectItem(summary, "train"), *eval = cJSON_GetObjectItem(summary, "eval");
    assert_true(number(train, "episodes") > 50);
    assert_true(number(train, "return_mean_last100") > 5);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(train, "solved_at_frames")));
    assert_true(number(eval, "episodes") == 4);
    assert_true(number(eval, "return_mean") == number(eval, "length_mean"));
    assert_true(number(eval, "return_std") >= 0);
    cJSON_Delete(summary);
    free(text);
}

static void test_logs(void **state) {
    (void)state;
    static const char *const names[] = {"train.return_mean", "train.length_mean",   "train.episodes",
                                        "loss.loss",         "modules.explore.eps", "optim.0.lr",
                                        "eval.return_mean",  "eval.return_std",     "eval.length_mean"};
    char *scalars = read_file(in_work_folder("run/scalars.csv"), NULL);
    char *timing = read_file(in_work_folder("run/timing.csv"), NULL);
    assert_true(strncmp(scalars, "step,name,value\n", 16) == 0);
    assert_true(strncmp(timing, "step,wall_s,frames_per_s\n", 25) == 0);
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char line[128];
        snprintf(line, sizeof line, "\n3000,%s,", names[i]);
        if (strstr(scalars, line) == NULL) {
            fail_msg("scalars.csv has no last value of %s", names[i]);
        }
    }
    free(scalars);
    free(timing);
}

/* PyTorch's names and layouts, and outputs that numbers in the file explain. */
static void test_checkpoint(void **state) {
    (void)state;
    static const struct {
        const char *name;
        rlc_shape shape;
    } wanted[] = {{"modules.value_net.0.weight", {2, {120, 4}}},  {"modules.value_net.0.bias", {1, {120}}},
                  {"modules.value_net.2.weight", {2, {84, 120}}}, {"modules.value_net.2.bias", {1, {84}}},
                  {"modules.value_net.4.weight", {2, {2, 84}}},   {"modules.value_net.4.bias", {1, {2}}}};
    rlc_safetensors *file;
    expect_ok(rlc_safetensors_open(in_work_folder("run/checkpoint.safetensors"), &file));
    for (int i = 0; i < RLC_COUNT(wanted); i++) {
        const rlc_safetensors_entry *entry = rlc_safetensors_find(file, wanted[i].name);
        assert_non_null(entry);
        assert_true(entry->dtype == RLC_F32 && rlc_shape_equal(entry->shape, wanted[i].shape));
    }
    rlc_safetensors_close(file);
}

static void test_eval(void **state) {
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments, "eval %s --episodes 12", in_work_folder("run"));
    expect_rlrun(arguments, 0, "episodes 12  return_mean ");
    char *first = read_file(in_work_folder("log"), NULL);
    expect_rlrun(arguments, 0, first); /* the starts are fixed */
    free(first);
}

static void test_folders(void **state) {
    (void)state;
    char arguments[512];
    snprintf(arguments, sizeof arguments, "recipes/dqn.yaml " SHORT "--out %s", in_work_folder("run"));
    expect_rlrun(arguments, 2, "--overwrite");
    expect_rlrun("recipes/dqn.yaml --out /proc/nowhere", 1, "/proc/nowhere");
    expect_rlrun("resume /tmp/no-such-run", 2, "there is no such folder");
    expect_rlrun("eval recipes", 2, "there is no run in this folder");
    /* a run's own recipe must be the one its state is of */
    FILE *recipe = fopen(in_work_folder("run/recipe.yaml"), "a");
    fputs("log: {every: 17}\n", recipe);
    fclose(recipe);
    snprintf(arguments, sizeof arguments, "resume %s", in_work_folder("run"));
    expect_rlrun(arguments, 1, "another recipe");
}

static void test_check(void **state) {
    (void)state;
    expect_rlrun("check recipes/dqn.yaml", 0, "recipes/dqn.yaml: good to train");
    expect_rlrun("check recipes/double_dqn.yaml", 0, "good to train");
}

/* The four shapes of recipe that the grammar must carry: DQN above, and these with stand-ins for their classes. */
/* Every recipe there is passes the check. */
static void test_all_recipes(void **state) {
    (void)state;
    glob_t found;
    assert_int_equal(glob("recipes/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 20);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "check %s", found.gl_pathv[i]);
        expect_rlrun(arguments, 0, "good to train");
    }
    globfree(&found);
}

static void test_shapes(void **state) {
    (void)state;
    static const char *const names[] = {"ppo", "sac", "td3"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char arguments[512], folder[64];
        snprintf(arguments, sizeof arguments, "check tests/shapes/%s.yaml", names[i]);
        expect_rlrun(arguments, 0, "good to train");
        snprintf(folder, sizeof folder, "shape-%s", names[i]);
        snprintf(arguments, sizeof arguments, "tests/shapes/%s.yaml collector.total_frames=1024 --quiet --out %s",
                 names[i], in_work_folder(folder));
        expect_rlrun(arguments, 0, "");
    }
}

static void test_list(void **state) {
    (void)state;
    expect_rlrun("list", 0, "DQNLoss");
    expect_rlrun("list MLP", 0, "num_cells");
    expect_rlrun("list CartPole", 0, "max_episode_steps");
    expect_rlrun("list minibatch", 2, "there is no type 'minibatch'");
    expect_rlrun("list train", 0, "(also: mini_batch_size, sub_batch_size)");
    expect_rlrun("list checkpont", 2, "did you mean 'checkpoint'?");
    expect_rlrun("list --markdown", 0, "\n### DQNLoss\n\nQ-learning with a target network.");
    expect_rlrun("list --markdown", 0,
                 "| `capacity` | integer | required | 1 to 1000000000000 | rows it keeps; also `max_size` |\n");
    expect_rlrun("list --markdown", 0, "\n## Section checkpoint\n");
    expect_rlrun("list MPL", 2, "did you mean 'MLP'?");
    expect_rlrun("devices", 0, "x86-64");
    expect_rlrun("--help", 0, "usage:");
    expect_rlrun("--version", 0, RLC_VERSION);
}

static void test_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *arguments, *message;
        int status;
    } mistakes[] = {
        {"", "usage:", 2},
        {"check", "check what?", 2},
        {"recipes/no.yaml", "recipes/no.yaml: No such file", 2},
        {"recipes", "this is a directory", 2},
        {"dqn", "dqn: there is no such recipe (did you mean 'recipes/dqn.yaml'?)", 2},
        {"recipes/dqn.yml", "there is no such recipe (did you mean 'recipes/dqn.yaml'?)", 2},
        {"train recipes/dqn", "there is no such recipe (did you mean 'recipes/dqn.yaml'?)", 2},
        {"recipes/dqn.yaml --lr 1e-3", "unknown option --lr; what a recipe says is changed by key=value", 2},
        {"recipes/dqn.yaml --quiet=yes", "unknown option --quiet=yes", 2},
        {"recipes/dqn.yaml --seed=", "--seed= needs a value", 2},
        {"recipes/dqn.yaml --seed=x", "'seed' must be an integer", 2},
        {"recipes/dqn.yaml env.type=Pendulum", "the actions of Pendulum are not discrete; env.action_dim is", 2},
        {"list dqn", "those with that in their names are DuelingCnnDQNet, DistributionalDQNnet, DQNLoss, ", 2},
        {"recipes/dqn.yaml --sede 1", "unknown option --sede", 2},
        {"recipes/dqn.yaml --markdown", "train does not take --markdown", 2},
        {"recipes/dqn.yaml --episodes 3", "train does not take --episodes", 2},
        {"check recipes/dqn.yaml --out x", "check does not take --out", 2},
        {"eval runs/x env.num_envs=3", "eval does not take env.num_envs=3", 2},
        {"eval runs/x --seed 3", "eval does not take --seed", 2},
        {"resume runs/x --out y", "resume does not take --out", 2},
        {"resume runs/x a=3", "goes on with its own recipe; 'a=3' cannot change it", 2},
        {"list MLP depth=3", "list does not take depth=3", 2},
        {"recipes/dqn.yaml --seed", "--seed needs a value", 2},
        {"recipes/dqn.yaml --seed x", "'seed' must be an integer", 2},
        {"recipes/dqn.yaml other.yaml", "one recipe", 2},
        {"recipes/dqn.yaml --device cuda:999", "cuda", 1},
        {"recipes/dqn.yaml --device gpu", "there is no device 'gpu'", 2},
        {"check recipes/dqn.yaml loss.gama=0.9", "unknown option 'gama' (did you mean 'gamma'?)", 2},
        {"check recipes/dqn.yaml loss.gamma=1.5", "between 0 and 1", 2},
        {"check recipes/dqn.yaml loss.gamma=nan", "a finite number", 2},
        {"check recipes/dqn.yaml optim.lr=fast", "must be a number", 2},
        {"check recipes/dqn.yaml collector.total_frames=1e6", "write 1000000", 2},
        {"check recipes/dqn.yaml lossy={}", "unknown option 'lossy' (did you mean 'loss'?)", 2},
        {"check recipes/dqn.yaml env.type=CartPol", "did you mean 'CartPole'?", 2},
        {"check recipes/dqn.yaml collector.policy=behaviour", "did you mean 'behavior'?", 2},
        {"check recipes/dqn.yaml modules.policy.modules.0=policy", "refers to itself", 2},
        {"check tests/fuzz/corpus/recipe/laughs", "of this recipe unfold to more than 100,000 values", 2},
        {"check tests/fuzz/corpus/recipe/deep", "nest deeper than 64 levels", 2},
        {"check tests/fuzz/corpus/recipe/overflow", "is too large a number", 2},
        {"check tests/fuzz/corpus/recipe/absurd", "but this machine has", 1},
        {"check recipes/dqn.yaml modules.value_net.in_keys=[pixels]", "no key 'pixels'; keys are", 2},
        {"check recipes/dqn.yaml modules.value_net.out_features=3", "the environment has 2 actions", 2},
        {"check recipes/dqn.yaml 'modules.value_net.out_features=\"${env.actions}\"'", "refers to nothing", 2},
        {"check recipes/dqn.yaml 'modules.policy.modules.1={type: QValueModule, action_space: categorical}'",
         "but the environment reads OneHot(2)", 2},
        {"check recipes/dqn.yaml 'collector.policy={type: Actor, module: {type: MLP, out_features: 2}}'",
         "writes actions float32 [1, 2], but the environment reads OneHot(2), int64 [1, 2]", 2},
        {"check recipes/dqn.yaml buffer.batch_size=20_000", "above its capacity", 2},
        {"check recipes/dqn.yaml collector.frames_per_batch=20_000", "below collector.frames_per_batch", 2},
        {"check recipes/dqn.yaml env.num_envs=3", "must be a multiple of env.num_envs", 2},
        {"check recipes/dqn.yaml optim.params=loss.actor", "there is loss, loss.value", 2},
        {"check recipes/dqn.yaml plugins=[nothing.so]", "there is no such file", 2},
        {"check recipes/dqn.yaml plugins=[dqn.yaml]", "plug-in", 2},
        {"check recipes/dqn.yaml buffer.capacity=1_000_000_000_000", "buffer of 1000000000000 rows: ", 1},
        {"check recipes/dqn.yaml eval=~ target=~ loss.delay_value=false", "good to train", 0},
        {"check recipes/dqn.yaml loss.delay_value=false", "has no target network to update", 2},
        {"check recipes/dqn.yaml loss=~", "the section 'loss' is missing", 2},
    };
    for (int i = 0; i < RLC_COUNT(mistakes); i++) {
        expect_rlrun(mistakes[i].arguments, mistakes[i].status, mistakes[i].message);
    }
}

/* Errors of a file's content name the file and the line. */
static void test_places(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } recipes[] = {
        {"env: {type: CartPole}\nmodules:\n  net: {type: MLP, num_cell: [4]}\n",
         ":3: modules.net: unknown option 'num_cell'"},
        {"env: {type: CartPole}\nenv: {type: CartPole}\n", ":2: 'env' is given twice, first on line 1"},
        {"env: {type: CartPole}\nmodules: {a: {type: Sequential, modules: [b]}}\n",
         ":2: modules.a: there is no module 'b'"},
        {"env: [1\n", "this is not YAML"},
        {"", "there is nothing in it"},
        {"- a\n", "a recipe is a map of sections"},
        {"env: {type: CartPole}\n---\nenv: {}\n", ":2: a second document"},
    };
    for (int i = 0; i < RLC_COUNT(recipes); i++) {
        FILE *out = fopen(in_work_folder("bad.yaml"), "w");
        fputs(recipes[i].text, out);
        fclose(out);
        char arguments[256], message[256];
        snprintf(arguments, sizeof arguments, "check %s", in_work_folder("bad.yaml"));
        snprintf(message, sizeof message, "bad.yaml%s", recipes[i].message[0] == ':' ? recipes[i].message : "");
        expect_rlrun(arguments, 2, message);
        expect_rlrun(arguments, 2, recipes[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress),   cmocka_unit_test(test_summary),     cmocka_unit_test(test_logs),
        cmocka_unit_test(test_checkpoint), cmocka_unit_test(test_eval),        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_check),      cmocka_unit_test(test_all_recipes), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_list),       cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests_name("rlrun", tests, short_run, remove_work_folder);
}
