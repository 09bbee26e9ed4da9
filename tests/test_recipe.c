/* A recipe as the sum of its files and of the command line: includes, overrides, what is saved. */
#include "tests/command.h"

#include "recipes/recipe.h"

/* Writes a file of the work folder, folders on the way included. */
static void put(const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s", in_work_folder(name));
    for (char *slash = strchr(path + strlen(work_folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* The recipe as it would be saved; free the result. */
static char *loaded(const char *name, int count, const char *const *overrides) {
    rlc_recipe recipe;
    char *text = NULL;
    size_t size;
    expect_ok(rlc_recipe_load(in_work_folder(name), overrides, count, &recipe));
    FILE *out = open_memstream(&text, &size);
    rlc_value_write(recipe.root, out);
    fclose(out);
    rlc_recipe_free(&recipe);
    return text;
}

static void expect_recipe(const char *name, const char *wanted) {
    char *text = loaded(name, 0, NULL);
    assert_string_equal(text, wanted);
    free(text);
}

/* The message must begin with the work folder's path and what is wanted. */
static void expect_refused(const char *name, int count, const char *const *overrides, const char *wanted) {
    rlc_recipe recipe;
    rlc_status status = rlc_recipe_load(in_work_folder(name), overrides, count, &recipe);
    expect_error(status, RLC_INVALID, wanted);
}

static void test_merge(void **state) {
    (void)state;
    put("base.yaml", "name: base\nseed: 3\nenv: {type: CartPole, transforms: [{type: RewardSum}]}\n"
                     "loss: {type: DQNLoss, gamma: 0.9}\noptim: {type: Adam, betas: [0.9, 0.99]}\neval: {every: 5}\n");
    put("over.yaml", "loss: {gamma: 0.95, double_dqn: true}\ninclude: base.yaml\nenv: {transforms: []}\n"
                     "optim: {betas: [0.5, 0.6]}\neval: ~\nname: over\ntrain: {epochs: 2}\n");
    expect_recipe("over.yaml", "name: over\nseed: 3\nenv: {type: CartPole, transforms: []}\n"
                               "loss: {type: DQNLoss, gamma: 0.95, double_dqn: true}\n"
                               "optim: {type: Adam, betas: [0.5, 0.6]}\ntrain: {epochs: 2}\n");
}

/* Scalars, lists and maps take each other's place; a list of files is laid one over the other. */
static void test_kinds_and_order(void **state) {
    (void)state;
    put("one.yaml", "seed: 1\nlog: {every: 1}\noptim: [{lr: 1}]\nname: one\n");
    put("two.yaml", "seed: 2\noptim: {lr: 2}\n");
    put("both.yaml", "include: [one.yaml, two.yaml]\nlog: [1]\n");
    put("other.yaml", "include:\n- two.yaml\n- one.yaml\n");
    put("none.yaml", "include: ~\nseed: 4\n");
    expect_recipe("both.yaml", "seed: 2\nlog: [1]\noptim: {lr: 2}\nname: one\n");
    expect_recipe("other.yaml", "seed: 1\noptim: [{lr: 1}]\nlog: {every: 1}\nname: one\n");
    expect_recipe("none.yaml", "include: ~\nseed: 4\n");
}

/* Paths are relative to the file that names them; one file may be included twice by different ways. */
static void test_folders(void **state) {
    (void)state;
    put("tree/common/a.yaml", "seed: 5\n");
    put("tree/common/b.yaml", "include: a.yaml\nname: b\n");
    put("tree/top/c.yaml", "include: [../common/b.yaml, ../common/a.yaml]\nlog: {every: 9}\n");
    put("tree/d.yaml", "include: ./top/c.yaml\nname: d\n");
    expect_recipe("tree/d.yaml", "seed: 5\nname: d\nlog: {every: 9}\n");
    char absolute[1200];
    snprintf(absolute, sizeof absolute, "include: %s\n", in_work_folder("tree/d.yaml"));
    put("absolute.yaml", absolute);
    expect_recipe("absolute.yaml", "seed: 5\nname: d\nlog: {every: 9}\n");
    char folder[512];
    assert_non_null(getcwd(folder, sizeof folder));
    assert_int_equal(chdir(in_work_folder("tree/top")), 0);
    rlc_recipe recipe;
    expect_ok(rlc_recipe_load("c.yaml", NULL, 0, &recipe));
    assert_int_equal(recipe.seed, 5);
    rlc_recipe_free(&recipe);
    assert_int_equal(chdir(folder), 0);
}

static void test_refused_includes(void **state) {
    (void)state;
    put("self.yaml", "seed: 1\ninclude: ./self.yaml\n");
    put("x.yaml", "include: y.yaml\n");
    put("y.yaml", "\ninclude: z.yaml\n");
    put("z.yaml", "\n\ninclude: y.yaml\n");
    put("list.yaml", "include: [x.yaml, {a: b}]\n");
    put("missing.yaml", "seed: 1\ninclude: nothing.yaml\n");
    put("folder.yaml", "include: .\n");
    put("broken.yaml", "seed: [1\n");
    put("to_broken.yaml", "include: broken.yaml\n");
    put("items.yaml", "- a\n");
    put("to_items.yaml", "include: items.yaml\n");
    put("empty.yaml", "include: []\n");
    put("twice.yaml", "include: base.yaml\ninclude: base.yaml\n");
    static const char *const cases[][2] = {
        {"self.yaml", "/self.yaml:2: include: files that include each other in a circle: "},
        {"self.yaml", "/self.yaml -> "},
        {"x.yaml", "/z.yaml:3: include: files that include each other in a circle: "},
        {"x.yaml", "/z.yaml -> "},
        {"list.yaml", "/z.yaml:3: include: files"},
        {"missing.yaml", "/missing.yaml:2: include: "},
        {"missing.yaml", "/nothing.yaml: No such file"},
        {"folder.yaml", "this is a directory"},
        {"to_broken.yaml", "/broken.yaml:2: this is not YAML"},
        {"to_items.yaml", "/items.yaml:1: a recipe is a map of sections such as env and loss, not a list"},
        {"empty.yaml", "/empty.yaml:1: include: the list is empty"},
        {"twice.yaml", "/twice.yaml:2: 'include' is given twice, first on line 1"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        expect_refused(cases[i][0], 0, NULL, cases[i][1]);
    }
    put("map.yaml", "include: {a: b}\n");
    expect_refused("map.yaml", 0, NULL, "/map.yaml:1: include: must be a file or a list of files, not a map");
    put("sub.yaml", "modules:\n  include: base.yaml\n");
    char *text = loaded("sub.yaml", 0, NULL); /* below the top level it is a name like any other */
    assert_non_null(strstr(text, "include: base.yaml"));
    free(text);
}

/* Chains have a bound, and so has what files that each include two others unfold to. */
static void test_bounds(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        char name[32], text[96];
        snprintf(name, sizeof name, "chain%d.yaml", i);
        snprintf(text, sizeof text, i < 19 ? "include: chain%d.yaml\n" : "seed: %d\n", i + 1);
        put(name, text);
        snprintf(name, sizeof name, "fork%d.yaml", i);
        snprintf(text, sizeof text, i < 11 ? "include: [fork%d.yaml, fork%d.yaml]\n" : "seed: %d%d\n", i + 1, i + 1);
        put(name, text);
    }
    expect_recipe("chain4.yaml", "seed: 20\n"); /* 16 files */
    expect_refused("chain3.yaml", 0, NULL, "chain18.yaml:1: include: files include each other more than 16 deep");
    expect_recipe("fork9.yaml", "seed: 1212\n");
    expect_refused("fork0.yaml", 0, NULL, "include: more than 64 files make up this recipe");
}

/* Messages about a value name the file that it stands in, whichever file is read. */
static void test_places(void **state) {
    (void)state;
    put("p/low.yaml", "env: {type: CartPole}\nmodules:\n  net: {type: MLP, out_features: 2, num_cell: [4]}\n");
    put("p/high.yaml", "include: low.yaml\nmodules:\n  net: {activation: relu}\n");
    put("p/higher.yaml", "include: high.yaml\n\nmodules:\n  net: {num_cell: [8]}\n  policy: {type: Actor, modul: net}\n");
    char arguments[600];
    snprintf(arguments, sizeof arguments, "check %s", in_work_folder("p/high.yaml"));
    expect_rlrun(arguments, 2, "rlrun: ");
    expect_rlrun(arguments, 2, "/p/low.yaml:3: modules.net: unknown option 'num_cell' (did you mean 'num_cells'?)");
    snprintf(arguments, sizeof arguments, "check %s", in_work_folder("p/higher.yaml"));
    expect_rlrun(arguments, 2, "/p/higher.yaml:4: modules.net: unknown option 'num_cell'");
}

static void test_overrides(void **state) {
    (void)state;
    put("o.yaml", "include: base.yaml\nmodules: {net: {type: MLP, num_cells: [1, 2]}}\noptim: [{lr: 1}, {lr: 2}]\n");
    static const char *const overrides[] = {
        "loss.gamma=0.5",
        "optim.0.lr=3e-4",
        "optim.1={lr: {type: linear, from: 1}}",
        "optim.1.lr.to=0",
        "optim.2.lr=7",
        "modules.net.num_cells=[64, 64]",
        "modules.new.type=Linear",
        "modules.new.out_features=${2 * env.num_actions}",
        "env.transforms.0.type=StepCounter",
        "env.transforms.1={type: RewardSum}",
        "train.epochs=3",
        "eval=~",
        "name=a=b",
        "device='cpu'",
        "log={every: 1_000}",
        "log.every=2_000",
    };
    char *text = loaded("o.yaml", RLC_COUNT(overrides), overrides);
    assert_string_equal(text, "name: a=b\nseed: 3\nenv: {type: CartPole, transforms: [{type: StepCounter}, "
                              "{type: RewardSum}]}\nloss: {type: DQNLoss, gamma: 0.5}\n"
                              "optim: [{lr: 3e-4}, {lr: {type: linear, from: 1, to: 0}}, {lr: 7}]\neval: ~\nmodules: \n"
                              "  net: {type: MLP, num_cells: [64, 64]}\n"
                              "  new: {type: Linear, out_features: \"${2 * env.num_actions}\"}\n"
                              "train: {epochs: 3}\ndevice: \"cpu\"\nlog: {every: 2_000}\n");
    free(text);
}

static void test_refused_overrides(void **state) {
    (void)state;
    put("r.yaml", "loss: {gamma: 1}\noptim: [{lr: 1}]\nmodules: {value_net: {type: MLP}}\ntarget: {every: 5}\n");
    static const char *const cases[][2] = {
        {"=3", "command line: '=3' is no override; write key=value"},
        {"loss.gamma", "command line: 'loss.gamma' is no override"},
        {"loss.gamma=", "command line: 'loss.gamma=' gives no value"},
        {"loss..gamma=3", "command line: 'loss..gamma' is no path such as loss.gamma"},
        {"loss.gamma.x=3", "command line: 'loss.gamma.x': there is nothing called 'x' below a scalar"},
        {"optim.2.lr=3", "command line: 'optim.2.lr': a list of 1 has no item '2'"},
        {"optim.lr=3", "command line: 'optim.lr': a list of 1 has no item 'lr'"},
        {"target.0.every=3", "command line: 'target.0.every': this is a map, not a list; it has no item '0'"},
        {"los.gamma=3", "command line: recipe: unknown option 'los' (did you mean 'loss'?)"},
        {"modules.value_nett.depth=3",
         "command line: 'modules.value_nett.depth': there is no module 'value_nett' (did you mean 'value_net'?)"},
        {"modules.x.depth=3", "there is no module 'x'; a new one begins with its type: 'modules.x={type: ...}'"},
        {"loss=[1", "command line: 'loss=[1': this is not YAML"},
        {"loss={a: 1, a: 2}", "command line: 'loss={a: 1, a: 2}': 'a' is given twice"},
        {"seed=x", "command line: recipe: option 'seed' must be an integer, not 'x'"},
        {"gamma=3", "command line: there is no section 'gamma' (did you mean 'loss.gamma'?)"},
        {"lr=3", "command line: there is no section 'lr' (did you mean 'optim.0.lr'?)"},
        {"include=base.yaml", "command line: recipe: 'include' belongs into a file"},
    };
    for (int i = 0; i < RLC_COUNT(cases); i++) {
        expect_refused("r.yaml", 1, (const char *const[]){cases[i][0]}, cases[i][1]);
    }
}

/* Plug-ins are found from the file that names them, or from the recipe for those of the command line. */
static void test_plugin_paths(void **state) {
    (void)state;
    char line[1200], arguments[1400];
    put("plug/lib/base.yaml", "plugins: [here.so]\n");
    put("plug/main.yaml", "include: lib/base.yaml\n");
    snprintf(line, sizeof line, "cp " TEST_EXAMPLES "/dueling.so %s", in_work_folder("plug/lib/here.so"));
    assert_int_equal(system(line), 0);
    snprintf(arguments, sizeof arguments, "check %s", in_work_folder("plug/main.yaml"));
    expect_rlrun(arguments, 2, "the section 'env' is missing"); /* so the plug-in was there */
    snprintf(arguments, sizeof arguments, "check %s plugins=lib/here.so", in_work_folder("plug/main.yaml"));
    expect_rlrun(arguments, 2, "the section 'env' is missing");
    snprintf(arguments, sizeof arguments, "check %s plugins=[here.so]", in_work_folder("plug/main.yaml"));
    expect_rlrun(arguments, 2, "/plug/here.so: there is no such file");
}

/* What a run saves is whole: it reads back, alone, as the same recipe. */
static void test_saved(void **state) {
    (void)state;
    char line[1400];
    snprintf(line, sizeof line,
             "recipes/double_dqn.yaml collector.total_frames=20 collector.init_random_frames=0 eval.every=0 "
             "eval.episodes=1 --quiet --out %s",
             in_work_folder("saved"));
    expect_rlrun(line, 0, "");
    char *text = read_file(in_work_folder("saved/recipe.yaml"), NULL);
    assert_null(strstr(text, "include"));
    assert_non_null(strstr(text, "name: double_dqn\n"));
    assert_non_null(strstr(text, "double_dqn: true"));
    assert_non_null(strstr(text, "num_cells: [120, 84]"));
    expect_recipe("saved/recipe.yaml", text);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh_start)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_merge),  TEST(test_kinds_and_order), TEST(test_folders),   TEST(test_refused_includes),
        TEST(test_bounds), TEST(test_places),          TEST(test_overrides), TEST(test_refused_overrides),
        TEST(test_saved),  TEST(test_plugin_paths),
    };
    return cmocka_run_group_tests_name("recipe", tests, make_work_folder, remove_work_folder);
}
