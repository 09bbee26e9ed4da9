/* Option state_dict of a recipe's modules: where its file is looked for, who starts from it, runs that go on from it, and
 * what is said of a mistake. */
#include "tests/mistakes.h"
#include "tests/stopped_run.h"

#include <unistd.h>

#include "modules/model.h"
#include "modules/state_dict.h"
#include "recipes/files.h"
#include "recipes/run.h"

static const rlc_tensor *parameter(const rlc_run *run, const char *name) {
    for (int i = 0; i < run->model->num_parameters; i++) {
        if (strcmp(run->model->parameters[i].name, name) == 0) {
            return run->model->parameters[i].tensor;
        }
    }
    fail_msg("no parameter %s", name);
    return NULL;
}

static bool same(const rlc_run *a, const char *of_a, const rlc_run *b, const char *of_b) {
    const rlc_tensor *x = parameter(a, of_a), *y = parameter(b, of_b);
    assert_int_equal(x->numel, y->numel);
    return memcmp(x->data, y->data, (size_t)x->numel * sizeof(float)) == 0;
}

/* Two runs of a recipe from two seeds; the module of the first is saved and loaded by the second. */
static void load_two(const char *recipe, const char *module, rlc_run **from, rlc_run **into) {
    char option[1200];
    const char *overrides[] = {"seed=2", option};
    const char *path = in_work_folder("module.safetensors");
    expect_ok(rlc_run_load(recipe, NULL, 0, from));
    expect_ok(rlc_module_save(rlc_run_module(*from, module), path));
    snprintf(option, sizeof option, "modules.%s.state_dict=%s", module, path);
    expect_ok(rlc_run_load(recipe, overrides, RLC_COUNT(overrides), into));
}

static void test_targets_copy_what_was_loaded(void **state) {
    (void)state;
    rlc_run *from, *into;
    load_two("recipes/dqn.yaml", "value_net", &from, &into);
    assert_true(same(from, "modules.value_net.2.weight", into, "modules.value_net.2.weight"));
    assert_true(same(into, "modules.value_net.2.weight", into, "loss.target_value_network.value_net.2.weight"));
    expect_ok(rlc_run_check(into));
    rlc_run_free(from);
    rlc_run_free(into);
}

static const rlc_tensor *buffer(const rlc_run *run, const char *name) {
    for (int i = 0; i < run->model->state.count; i++) {
        if (strcmp(run->model->state.items[i].name, name) == 0) {
            return run->model->state.items[i].tensor;
        }
    }
    fail_msg("no buffer %s", name);
    return NULL;
}

/* Running statistics come with the weights that they fit, for a target network too. */
static void test_targets_copy_buffers(void **state) {
    (void)state;
    static const char *const statistics[] = {"running_mean", "running_var"};
    rlc_run *from, *into;
    char option[1200], name[128];
    const char *overrides[] = {
        "modules.value_net={type: Sequential, out_keys: [action_value], modules: [{type: Linear, "
        "out_features: 3}, {type: BatchNorm1d}, {type: Linear, out_features: 2}]}",
        option};
    const char *path = in_work_folder("normed.safetensors");
    expect_ok(rlc_run_load("recipes/dqn.yaml", overrides, 1, &from));
    for (int i = 0; i < RLC_COUNT(statistics); i++) {
        snprintf(name, sizeof name, "modules.value_net.1.%s", statistics[i]);
        expect_ok(rlc_tensor_write((rlc_tensor *)buffer(from, name), (const float[]){1.5f, 2.5f, (float)(i + 3)}));
    }
    expect_ok(rlc_module_save(rlc_run_module(from, "value_net"), path));
    snprintf(option, sizeof option, "modules.value_net.state_dict=%s", path);
    expect_ok(rlc_run_load("recipes/dqn.yaml", overrides, RLC_COUNT(overrides), &into));
    for (int i = 0; i < RLC_COUNT(statistics); i++) {
        snprintf(name, sizeof name, "loss.target_value_network.value_net.1.%s", statistics[i]);
        const float *got = buffer(into, name)->data;
        assert_true(got[0] == 1.5f && got[1] == 2.5f && got[2] == (float)(i + 3));
    }
    rlc_run_free(from);
    rlc_run_free(into);
}

/* The least of two critics that are the same would be no better than one. */
static void test_other_critics_start_anew(void **state) {
    (void)state;
    rlc_run *from, *into;
    load_two("recipes/sac.yaml", "qvalue", &from, &into);
    assert_true(same(from, "modules.qvalue.0.weight", into, "modules.qvalue.0.weight"));
    assert_true(same(into, "modules.qvalue.0.weight", into, "loss.target_qvalue_network_0.0.weight"));
    assert_false(same(into, "modules.qvalue.0.weight", into, "loss.qvalue_network_1.0.weight"));
    assert_true(same(into, "loss.qvalue_network_1.0.weight", into, "loss.target_qvalue_network_1.0.weight"));
    assert_false(same(from, "modules.actor_net.0.weight", into, "modules.actor_net.0.weight"));
    rlc_run_free(from);
    rlc_run_free(into);
}

/* A run that begins where another ended; the path is that of the file which names it, and absolute in what is saved. */
static void test_from_a_checkpoint(void **state) {
    (void)state;
    static const char text[] = ALL "eval: {policy: policy, episodes: 2}\ncheckpoint: {every: 10}\n";
    static const char next[] = "include: first.yaml\nmodules:\n  net: {state_dict: {file: one/checkpoint.safetensors, "
                               "prefix: modules.net.}}\nname: next\n";
    put("first.yaml", text, strlen(text));
    put("next.yaml", next, strlen(next));
    char line[1400], wanted[1400];
    snprintf(line, sizeof line, "%s --quiet --out %s", in_work_folder("first.yaml"), in_work_folder("one"));
    expect_rlrun(line, 0, "");
    snprintf(line, sizeof line, "%s --quiet --out %s", in_work_folder("next.yaml"), in_work_folder("two"));
    expect_rlrun(line, 0, "");
    char *saved = read_file(in_work_folder("two/recipe.yaml"), NULL);
    snprintf(wanted, sizeof wanted, "file: %s", in_work_folder("one/checkpoint.safetensors"));
    assert_non_null(strstr(saved, wanted));
    free(saved);
    snprintf(line, sizeof line, "%s --quiet --out %s", in_work_folder("two/recipe.yaml"), in_work_folder("three"));
    expect_rlrun(line, 0, "");
    expect_equal_runs("two", "three");
}

static const char *eval_of_two(void) {
    static char arguments[600];
    snprintf(arguments, sizeof arguments, "eval %s", in_work_folder("two"));
    return arguments;
}

/* A run has all that it needs in its own folder, once it has a checkpoint there. */
static void test_without_the_file(void **state) {
    (void)state;
    char file[600], kept[600];
    snprintf(file, sizeof file, "%s", in_work_folder("one/checkpoint.safetensors"));
    snprintf(kept, sizeof kept, "%s", in_work_folder("one/kept.safetensors"));
    expect_rlrun(eval_of_two(), 0, "episodes 2");
    assert_int_equal(rename(file, kept), 0);
    expect_rlrun(eval_of_two(), 0, "episodes 2");
    expect_rlrun(resume("two"), 0, "");
    expect_equal_runs("two", "three");
    assert_int_equal(unlink(in_work_folder("three/resume.safetensors")), 0);
    expect_rlrun(resume("three"), 1, "one/checkpoint.safetensors: No such file or directory");
    assert_int_equal(unlink(in_work_folder("two/checkpoint.safetensors")), 0);
    expect_rlrun(eval_of_two(), 1, "one/checkpoint.safetensors: No such file or directory");
    assert_int_equal(rename(kept, file), 0);
}

/* Nothing else would put values into a run that was built for a checkpoint. */
static void test_checkpoint_that_is_gone(void **state) {
    (void)state;
    rlc_run *run;
    rlc_output *output = NULL;
    expect_ok(rlc_run_load_for_checkpoint(in_work_folder("three/recipe.yaml"), NULL, 0, &run));
    expect_error(rlc_output_resume(run, in_work_folder("three"), &output), RLC_FAILED,
                 "three/resume.safetensors: No such file or directory");
    assert_null(output);
    rlc_run_free(run);
}

static void test_mistakes(void **state) {
    (void)state;
#define WITH(option)                                                                                                   \
    ENV "modules:\n  net: {type: MLP, out_features: 2, out_keys: [action_value], num_cells: [8],\n"                    \
        "    " option "}\n" POLICY REST
    static const mistake cases[] = {
        {WITH("state_dict: nothing.safetensors"), NULL, 1,
         "@:4: modules.net: %/nothing.safetensors: No such file or directory\n"},
        {WITH("state_dict: bad.yaml"), NULL, 1, "@:4: modules.net: @: not a safetensors file"},
        {WITH("state_dict: [a, b]"), NULL, 2, "@:4: modules.net.state_dict: must be a map"},
        {WITH("state_dict: {prefix: net.}"), NULL, 2,
         "@:4: modules.net.state_dict: option 'file' is required: a safetensors file"},
        {WITH("state_dict: {file: a, strikt: false}"), NULL, 2,
         "@:4: modules.net.state_dict: unknown option 'strikt' (did you mean 'strict'?)\n"},
        {WITH("state_dict: one/checkpoint.safetensors"), NULL, 1, "missing: 0.weight, 0.bias, 2.weight, 2.bias; "},
        {WITH("state_dict: one/checkpoint.safetensors"), NULL, 1,
         " (all names are there behind 'modules.net.'; give that as prefix)\n"},
        {WITH("state_dict: {file: one/checkpoint.safetensors, prefix: modules.net., strict: false}"),
         "check @ modules.net.num_cells=[9]", 1,
         "@:4: modules.net: %/one/checkpoint.safetensors: the file does not fit: mismatched: 0.weight is float32 "
         "[8, 4] in the file, but float32 [9, 4] is needed, "},
        {WITH("state_dict: ~"), NULL, 0, "good to train"},
    };
    EXPECT_ANSWERS(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_targets_copy_what_was_loaded, fresh_start),
        cmocka_unit_test_setup(test_targets_copy_buffers, fresh_start),
        cmocka_unit_test_setup(test_other_critics_start_anew, fresh_start),
        cmocka_unit_test_setup(test_from_a_checkpoint, fresh_start),
        cmocka_unit_test_setup(test_without_the_file, fresh_start),
        cmocka_unit_test_setup(test_checkpoint_that_is_gone, fresh_start),
        cmocka_unit_test_setup(test_mistakes, fresh_start),
    };
    return cmocka_run_group_tests_name("state_dict in recipes", tests, make_work_folder, remove_work_folder);
}
