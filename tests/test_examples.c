/* The examples, as `make examples` builds them: programs say what tests/examples/NAME.txt has, but for what they tell of
 * their progress on standard error; recipes train with the plug-ins beside them, and a plug-in built for another ABI is
 * refused whatever it brings. */
#include <glob.h>

#include "tests/command.h"
#include "tests/world.h"

#include "envs/check.h"
#include "objectives/loss.h"

/* "FOLDER/name.c" as name */
static const char *stem(const char *path) {
    static char name[64];
    const char *slash = strrchr(path, '/');
    snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : path);
    *strrchr(name, '.') = '\0';
    return name;
}

static int run(const char *command) {
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Every program has its text: a new one without cannot be overlooked. */
static void test_programs(void **state) {
    (void)state;
    glob_t sources;
    int programs = 0;
    assert_int_equal(glob("examples/*.c", 0, NULL, &sources), 0);
    for (size_t i = 0; i < sources.gl_pathc; i++) {
        const char *name = stem(sources.gl_pathv[i]);
        char recipe[128], path[128], command[512];
        snprintf(recipe, sizeof recipe, "examples/%s.yaml", name);
        if (exists(recipe)) {
            continue;
        }
        snprintf(path, sizeof path, "tests/examples/%s.txt", name);
        snprintf(command, sizeof command, "%s/%s >%s 2>%s", TEST_EXAMPLES, name, in_work_folder("output"),
                 in_work_folder("progress"));
        assert_int_equal(run(command), 0);
        char *got = read_file(in_work_folder("output"), NULL), *wanted = read_file(path, NULL);
        assert_non_null(wanted);
        assert_string_equal(got, wanted);
        free(got);
        free(wanted);
        programs++;
    }
    globfree(&sources);
    assert_true(programs >= 12);
}

/* Each recipe trains, evaluates and leaves its files. Sanitizers build into folders of their own. */
static void test_recipes(void **state) {
    (void)state;
    glob_t recipes;
    assert_int_equal(glob("examples/*.yaml", 0, NULL, &recipes), 0);
    assert_true(recipes.gl_pathc >= 4);
    for (size_t i = 0; i < recipes.gl_pathc; i++) {
        const char *name = stem(recipes.gl_pathv[i]);
        char arguments[1024], summary[128];
        snprintf(arguments, sizeof arguments,
                 "%s plugins.0=../%s/%s.so collector.total_frames=600 collector.init_random_frames=200 eval.every=300 "
                 "eval.episodes=2 --out %s",
                 recipes.gl_pathv[i], TEST_EXAMPLES, name, in_work_folder(name));
        expect_rlrun(arguments, 0, "100%        600 frames");
        snprintf(summary, sizeof summary, "%s/summary.json", name);
        assert_true(exists(in_work_folder(summary)));
        snprintf(arguments, sizeof arguments, "eval %s --episodes 2", in_work_folder(name));
        expect_rlrun(arguments, 0, "episodes 2  return_mean ");
    }
    globfree(&recipes);
}

static rlc_registry *with_plugin(const char *name) {
    rlc_registry *registry = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", TEST_EXAMPLES, name);
    expect_ok(rlc_registry_new(&registry));
    expect_ok(rlc_plugin_load(registry, path, NULL));
    return registry;
}

static void test_environment_keeps_its_promises(void **state) {
    (void)state;
    rlc_registry *registry = with_plugin("point_mass");
    expect_ok(rlc_check_env(registry, test_device(), "{type: PointMass, num_envs: 4}", 0));
    expect_ok(rlc_check_env(registry, test_device(),
                            "{type: PointMass, action_encoding: categorical, transforms: [{type: RewardSum}]}", 0));
    rlc_registry_free(registry);
}

/* `rlrun check` looks at the environment too. */
static void test_check_of_a_recipe(void **state) {
    (void)state;
    char command[1024], arguments[1024];
    snprintf(arguments, sizeof arguments, "check examples/point_mass.yaml plugins.0=../%s/point_mass.so", TEST_EXAMPLES);
    expect_rlrun(arguments, 0, "good to train");
    snprintf(command, sizeof command, "%s -shared -fPIC -I. -o %s/broken.so tests/plugins/broken_env.c", TEST_CC,
             work_folder);
    assert_int_equal(run(command), 0);
    snprintf(arguments, sizeof arguments, "check examples/point_mass.yaml plugins.0=%s/broken.so env.type=Broken",
             work_folder);
    expect_rlrun(arguments, 2, "rlrun: env Broken, step 1: 'next.reward' of row 0 is ");
}

/* Newton's laws in 0.1 s: with no push the speed stays, and a step over the edge ends the episode. */
static void test_point_mass(void **state) {
    (void)state;
    rlc_registry *registry = with_plugin("point_mass");
    rlc_env *env = NULL;
    expect_ok(
        rlc_env_make(registry, test_device(), 1, "{type: PointMass, num_envs: 3, action_encoding: categorical}", &env));
    rlc_begin(test_program());
    rlc_dict *td = rlc_env_reset(env);
    rlc_assign(env->states, rlc_from_data(RLC_F32, RLC_SHAPE(2, 3), (float[]){0, 1, 2.95f, 0.5f, -1, 1}));
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(3), (int64_t[]){1, 2, 1}));
    rlc_env_step(env, td);
    EXPECT(rlc_dict_get(td, "next.observation"), 0.05, 0.5, 0.91, -0.9, 3.05, 1);
    EXPECT(rlc_dict_get(td, "next.reward"), 1 - 0.0025 - 0.025, 1 - 0.8281 - 0.081, 1 - 9.3025 - 0.1);
    EXPECT(rlc_cast(rlc_dict_get(td, "next.terminated"), RLC_F32), 0, 0, 1);
    expect_ok(rlc_end(test_program()));
    rlc_env_free(env);
    rlc_registry_free(registry);
}

static void test_time_aware(void **state) {
    (void)state;
    rlc_registry *registry = with_plugin("time_aware");
    rlc_env *env = NULL;
    const char *options = "{type: CartPole, num_envs: 2, max_episode_steps: 4, transforms: [{type: TimeAware}]}";
    expect_ok(rlc_check_env(registry, test_device(), options, 0));
    expect_ok(rlc_env_make(registry, test_device(), 1, options, &env));
    assert_int_equal(rlc_spec_size(&env->observation), 5);
    static const double now[] = {0, 0.25, 0.5, 0.75}, then[] = {0.25, 0.5, 0.75, 1};
    rlc_begin(test_program());
    rlc_dict *td = rlc_env_reset(env);
    for (int t = 0; t < 8; t++) {
        EXPECT(rlc_select(rlc_dict_get(td, "observation"), -1, 4), now[t % 4], now[t % 4]);
        rlc_dict_set(td, "action", rlc_spec_encode(&env->action, rlc_full(RLC_I64, RLC_SHAPE(2), t % 2)));
        rlc_dict *root = rlc_env_step(env, td);
        EXPECT(rlc_select(rlc_dict_get(td, "next.observation"), -1, 4), then[t % 4], then[t % 4]);
        td = root;
    }
    expect_ok(rlc_end(test_program()));
    rlc_env_free(env);
    expect_error(rlc_check_env(registry, test_device(),
                               "{type: CartPole, max_episode_steps: 0, transforms: [{type: TimeAware}]}", 0),
                 RLC_INVALID, "the episodes of CartPole have no limit");
    rlc_registry_free(registry);
}

enum { ROWS = WORLD_BATCH, ACTIONS = 3 };

/* tau log softmax(q / tau) of action a, the long way round. */
static double log_policy(const double *q, int a, double tau) {
    double total = 0;
    for (int k = 0; k < ACTIONS; k++) {
        total += exp(q[k] / tau);
    }
    return q[a] - tau * log(total);
}

/* The formula at the top of munchausen.c, for networks that are still equal. */
static double munchausen(const double *q, const double *next, int a, double reward, bool terminated) {
    const double gamma = 0.9, alpha = 0.8, tau = 0.5, low = -0.6;
    double bonus = fmin(fmax(log_policy(q, a, tau), low), 0), soft = 0;
    for (int k = 0; k < ACTIONS; k++) {
        soft += exp(log_policy(next, k, tau) / tau) * (next[k] - log_policy(next, k, tau));
    }
    double distance = fabs(q[a] - (reward + alpha * bonus + (terminated ? 0 : gamma * soft)));
    return distance < 1 ? 0.5 * distance * distance : distance - 0.5;
}

static double *action_values(rlc_module *net, const rlc_dict *td) {
    rlc_dict *copy = rlc_dict_clone(td);
    rlc_module_call(net, copy);
    return read_doubles(rlc_dict_get(copy, "action_value"));
}

static void test_munchausen(void **state) {
    (void)state;
    static const float rewards[ROWS] = {0.5f, -1, 2, 0, 1};
    static const int64_t actions[ROWS] = {0, 2, 1, 1, 0};
    char path[512];
    snprintf(path, sizeof path, "%s/munchausen.so", TEST_EXAMPLES);
    expect_ok(rlc_plugin_load(world_registry(), path, NULL));
    rlc_model *model = world_model(1, rlc_spec_categorical(ACTIONS));
    rlc_module *net = world_add(model, "net", "{type: MLP, num_cells: [8], out_keys: [action_value], out_features: 3}");
    rlc_module *loss = NULL;
    rlc_value *options =
        world_value("{type: MunchausenLoss, network: net, gamma: 0.9, alpha: 0.8, tau: 0.5, low: -0.6}");
    expect_ok(rlc_model_build(model, "loss", "loss", options, &loss));
    expect_ok(rlc_model_allocate(model));
    rlc_stream *stream = rlc_stream_new(test_device(), 1, "rows");
    rlc_begin(test_program());
    rlc_dict *td = rlc_dict_new(RLC_SHAPE(ROWS));
    rlc_dict_set(td, "observation", rlc_randn(stream, RLC_SHAPE(ROWS, WORLD_OBSERVATION)));
    rlc_dict_set(td, "next.observation", rlc_randn(stream, RLC_SHAPE(ROWS, WORLD_OBSERVATION)));
    rlc_dict_set(td, "action", rlc_from_data(RLC_I64, RLC_SHAPE(ROWS), actions));
    rlc_dict_set(td, "next.reward", rlc_from_data(RLC_F32, RLC_SHAPE(ROWS, 1), rewards));
    rlc_dict_set(td, "next.terminated", rlc_cast(rlc_from_data(RLC_F32, RLC_SHAPE(ROWS, 1), rewards), RLC_BOOL));
    double *q = action_values(net, td), *next = action_values(net, rlc_dict_get_dict(td, "next")), wanted = 0;
    for (int i = 0; i < ROWS; i++) {
        wanted += munchausen(q + i * ACTIONS, next + i * ACTIONS, (int)actions[i], (double)rewards[i], rewards[i] != 0);
    }
    free(q);
    free(next);
    rlc_tensor *got = rlc_dict_get(rlc_loss_call((rlc_loss *)loss, td), "loss");
    EXPECT(got, wanted / ROWS);
    rlc_backward(got);
    assert_true(world_parameter(model, "modules.net.0.weight")->flags & RLC_HAS_GRAD);
    expect_ok(rlc_end(test_program()));
    rlc_stream_free(stream);
    rlc_model_free(model);
}

/* The examples once more, built as if for another ABI: of whatever kind, they are turned away unseen. */
static void test_other_abi(void **state) {
    (void)state;
    static const char *const names[] = {"point_mass", "munchausen", "time_aware", "dueling"};
    for (int i = 0; i < RLC_COUNT(names); i++) {
        char command[1024], path[512], arguments[1024];
        snprintf(path, sizeof path, "%s/other_%s.so", work_folder, names[i]);
        snprintf(
            command, sizeof command,
            "printf '#include <core/base.h>\\n#undef RLC_ABI\\n#define RLC_ABI 99\\n#include \"examples/%s.c\"\\n' | "
            "%s -shared -fPIC -I. -Irecipes -o %s -x c -",
            names[i], TEST_CC, path);
        assert_int_equal(run(command), 0);
        rlc_registry *registry = NULL;
        expect_ok(rlc_registry_new(&registry));
        int before = rlc_registry_count(registry);
        expect_error(rlc_plugin_load(registry, path, NULL), RLC_INVALID, "was built for rlc ABI 99");
        assert_int_equal(rlc_registry_count(registry), before);
        rlc_registry_free(registry);
        snprintf(arguments, sizeof arguments, "examples/%s.yaml plugins.0=%s --out %s", names[i], path,
                 in_work_folder("refused"));
        expect_rlrun(arguments, 2, "was built for rlc ABI 99, this is ");
        assert_false(exists(in_work_folder("refused")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_programs, fresh_start),
        cmocka_unit_test_setup(test_recipes, fresh_start),
        cmocka_unit_test_setup(test_environment_keeps_its_promises, fresh_start),
        cmocka_unit_test_setup(test_check_of_a_recipe, fresh_start),
        cmocka_unit_test_setup(test_point_mass, fresh_start),
        cmocka_unit_test_setup(test_time_aware, fresh_start),
        cmocka_unit_test_setup(test_munchausen, fresh_start),
        cmocka_unit_test_setup(test_other_abi, fresh_start),
    };
    return cmocka_run_group_tests_name("examples", tests, make_work_folder, remove_work_folder);
}
