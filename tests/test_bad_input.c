/* What people give rlrun that is wrong: each gets one message that says where and what, the documented exit status, no
 * crash and no leak (under AddressSanitizer), and no memory is taken for what cannot be. */
#include "tests/mistakes.h"

static void test_files(void **state) {
    (void)state;
    static const mistake cases[] = {
        {ALL, NULL, 0, "good to train"},
        {NULL, "check %/nothing.yaml", 2, "rlrun: %/nothing.yaml: No such file or directory\n"},
        {NULL, "%", 2, "rlrun: %: this is a directory, not a recipe\n"},
        {NULL, "check ''", 2, "No such file"},
        {NULL, "check /dev/null", 2, "/dev/null:1: there is nothing in it"},
        {"", NULL, 2, "@:1: there is nothing in it\n"},
        {"# a comment\n\n", NULL, 2, "there is nothing in it\n"},
        {"just words\n", NULL, 2, "@:1: a recipe is a map of sections such as env and loss, not 'just words'\n"},
        {"- env\n", NULL, 2, "@:1: a recipe is a map of sections such as env and loss, not a list\n"},
        {"{}\n", NULL, 2, "@:1: recipe: the section 'env' is missing\n"},
        {"env: {type: CartPole\n", NULL, 2, "@:2: this is not YAML: while parsing a flow"},
        {"env:\n\ttype: CartPole\n", NULL, 2, "@:2: this is not YAML: "},
        {"env:\n\ttype: CartPole\n", NULL, 2, "; YAML is indented by spaces, not by tabs\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: ${env.num_actions}}\n", NULL, 2,
         "; a reference stands in quotes: \"${a.b}\"\n"},
        {ENV "---\n" ENV, NULL, 2, "@:2: a second document begins here; a recipe is one\n"},
        {"name: caf\xe9\n" ALL, NULL, 2, "@:1: this is not YAML: "},
        {"name: x\x01\n" ALL, NULL, 2, "@:1: this is not YAML: control characters are not allowed\n"},
        {"env: &a [*a]\n", NULL, 2, "@:1: this alias refers to a value that it is part of\n"},
        {"env: *nothing\n", NULL, 2, "@:1: there is no anchor 'nothing' before this alias\n"},
        {"env: !!python/object {type: CartPole}\n", NULL, 2, "@:1: tags (!...) mean nothing here\n"},
        {"? [a]\n: b\n", NULL, 2, "@:1: a key must be plain text\n"},
    };
    EXPECT_ANSWERS(cases);
    put("bad.yaml", "env: \0\n", 7);
    assert_true(is_answered(filled("check @"), 2, filled("@:1: this is not YAML: control characters")));
}

/* Files made to use up memory or the stack. */
static void test_bombs(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    static char text[DEEP + 8];
    memset(text, '[', DEEP);
    put("bad.yaml", text, DEEP);
    assert_true(is_answered(filled("check @"), 2, filled("@:1: nested deeper than 64 levels\n")));
    for (int i = 0; i < DEEP; i++) {
        text[i] = i % 2 == 0 ? '-' : ' ';
    }
    put("bad.yaml", text, DEEP);
    assert_true(is_answered(filled("check @"), 2, filled("@:1: nested deeper than 64 levels\n")));
    char *at = text + sprintf(text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (char c = 'b'; c <= 'k'; c++) {
        char p = (char)(c - 1);
        at += sprintf(at, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, p, p, p, p, p, p, p, p);
    }
    put("bad.yaml", text, (size_t)(at - text));
    assert_true(is_answered(filled("check @"), 2, "the aliases of this file unfold to more than 100,000 values\n"));
    at = text + sprintf(text, ENV "modules:\n  a: [x, x, x, x, x, x, x, x, x, x]\n");
    for (char c = 'b'; c <= 'k'; c++) {
        at += sprintf(at, "  %c: [", c);
        for (int i = 0; i < 8; i++) {
            at += sprintf(at, "\"${modules.%c}\"%s", c - 1, i < 7 ? ", " : "]\n");
        }
    }
    put("bad.yaml", text, (size_t)(at - text));
    assert_true(
        is_answered(filled("check @"), 2, "the references of this recipe unfold to more than 100,000 values\n"));
    for (int i = 0; i < 40; i++) {
        char name[32], line[64];
        snprintf(name, sizeof name, "chain%d.yaml", i);
        snprintf(line, sizeof line, "include: chain%d.yaml\n", (i + 1) % 40);
        put(name, line, strlen(line));
    }
    assert_true(is_answered(filled("check %/chain0.yaml"), 2,
                            filled("%/chain15.yaml:1: include: files include each other more than 16 deep\n")));
    put("bad.yaml", "include: bad.yaml\n", 18);
    assert_true(
        is_answered(filled("check @"), 2, filled("@:1: include: files that include each other in a circle: @ -> ")));
}

static void test_keys_and_types(void **state) {
    (void)state;
    static const mistake cases[] = {
        {"Env: {type: CartPole}\n", NULL, 2, "@:1: recipe: unknown option 'Env' (did you mean 'env'?)\n"},
        {ENV ENV, NULL, 2, "@:2: 'env' is given twice, first on line 1\n"},
        {ENV "modules:\n  net: {type: MLP,\n    depth: 1,\n    depth: 2}\n", NULL, 2,
         "@:5: 'depth' is given twice, first on line 4\n"},
        {"env: {num_envs: 3}\n", NULL, 2, "@:1: env: 'type' is missing: which env is this?\n"},
        {"env: [CartPole]\n", NULL, 2, "@:1: env: must be a map such as {type: ...}, not a list\n"},
        {"env: {type: [CartPole]}\n", NULL, 2, "@:1: env: 'type' must be the name of one env, not a list\n"},
        {"env: {type: cartpole}\n", NULL, 2, "@:1: there is no env of type 'cartpole' (did you mean 'CartPole'?)\n"},
        {"env: {type: Doom}\n", NULL, 2, "@:1: there is no env of type 'Doom'; types are "},
        {"env: {type: CartPole, transforms: {type: RewardSum}}\n", NULL, 2,
         "@:1: env.transforms: must be a list such as [{type: RewardSum}], not a map\n"},
        {"env: {type: CartPole,\n  transforms: [{type: RewardSum}, {type: StepCounter, max_step: 3}]}\n", NULL, 2,
         "@:2: env.transforms.1: unknown option 'max_step' (did you mean 'max_steps'?)\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: two}\n", NULL, 2,
         "@:3: modules.net: option 'out_features' must be an integer, not 'two'\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: 2, activation: rleu}\n", NULL, 2,
         "@:3: modules.net: option 'activation' must be one of identity|relu"},
        {ENV MODULES COLLECTOR BUFFER "loss: {type: DQNLoss, value_network: policy,\n  gamma: .inf}\n" OPTIM, NULL, 2,
         "@:8: loss: option 'gamma' must be a finite number, not '.inf'\n"},
        {ENV MODULES COLLECTOR BUFFER LOSS "optim: {type: Adam, lr: .nan}\n", NULL, 2,
         "@:8: optim: option 'lr' must be a number from 0 to 1000000 or a map with a type, not '.nan'\n"},
        {ENV MODULES COLLECTOR BUFFER LOSS "optim: {type: Adam, lr: 1e300}\n", NULL, 2, "not '1e300'\n"},
        {ENV MODULES COLLECTOR BUFFER LOSS "optim: {type: Adam, lr: {type: linear, from: 1, too: 0}}\n", NULL, 2,
         "@:8: optim.lr: unknown option 'too' (did you mean 'to'?)\n"},
        {ENV MODULES COLLECTOR BUFFER LOSS "optim: []\n", NULL, 2, "@:8: optim: the list is empty"},
        {ENV "seed: 1.5\n", NULL, 2, "@:2: recipe: option 'seed' must be an integer, not '1.5'\n"},
        {ENV "seed: -1\n", NULL, 2, "@:2: recipe: option 'seed' must be between 0 and "},
        {ALL "train: {optim_steps_per_batch: yes}\n", NULL, 2,
         "@:9: train: option 'optim_steps_per_batch' must be an integer, not 'yes'\n"},
        {ALL "eval: {every: 10}\n", NULL, 2, "@:9: eval: option 'policy' is required"},
        {ALL "eval: {policy: net}\n", NULL, 2, "@:9: eval: the policy modules.net writes no 'action'\n"},
        {ALL "device: tpu\n", NULL, 2, "@:9: there is no device 'tpu'; devices are cpu and cuda\n"},
        {ALL "precision: tf32\n", NULL, 2,
         "@:9: precision tf32: device cpu multiplies matrices in f32 only; a GPU (device: cuda) has it\n"},
        {"env: {type: CartPole, device: tpu}\n" MODULES REST, NULL, 2,
         "@:1: there is no device 'tpu'; devices are cpu and cuda\n"},
        {ALL "name: ../up\n", NULL, 2, "@:9: recipe: 'name' becomes a folder; '../up' cannot\n"},
        {MODULES REST, NULL, 2, "@:1: recipe: the section 'env' is missing\n"},
        {ENV REST, NULL, 2, "@:1: recipe: the section 'modules' is missing\n"},
        {ENV MODULES LOSS OPTIM, NULL, 2, "@:1: recipe: the section 'collector' is missing\n"},
        {ENV MODULES COLLECTOR BUFFER LOSS, NULL, 2, "@:1: recipe: the section 'optim' is missing\n"},
    };
    EXPECT_ANSWERS(cases);
}

static void test_references(void **state) {
    (void)state;
    static const mistake cases[] = {
        {ENV "modules:\n  a: {type: Sequential, modules: [a]}\n", NULL, 2, "@:3: modules.a refers to itself: a -> a\n"},
        {ENV "modules:\n  a: {type: Sequential, modules: [b]}\n  b: {type: Sequential, modules: [a]}\n", NULL, 2,
         "@:4: modules.a refers to itself: a -> b -> a\n"},
        {ENV "modules:\n  a: {type: Sequential, modules: [nett]}\n  net: {type: MLP, out_features: 2}\n", NULL, 2,
         "@:3: modules.a: there is no module 'nett' (did you mean 'net'?)\n"},
        {ENV "modules:\n  a.b: {type: MLP}\n", NULL, 2,
         "@:3: modules: 'a.b' is no name for a module: it holds a dot\n"},
        {ENV "modules:\n  '': {type: MLP}\n", NULL, 2, "@:3: modules: a module needs a name, not ''\n"},
        {ENV "modules:\n  net:\n", NULL, 2, "@:3: modules.net: must be a map such as {type: ...}, not nothing\n"},
        {ENV "modules: [{type: MLP}]\n", NULL, 2, "@:2: modules: must be a map of names to modules, not a list\n"},
        {ENV "seed: \"${seed}\"\n", NULL, 2, "@:2: '${seed}' refers to itself\n"},
        {ENV "name: \"${device}\"\ndevice: \"${name}\"\n", NULL, 2, "' refers to itself\n"},
        {"env: {type: CartPole, num_envs: \"${env}\"}\n", NULL, 2, "@:1: '${env}' refers to itself\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: \"${env.actions}\"}\n", NULL, 2,
         "@:3: '${env.actions}' refers to nothing in this recipe; of the environment there are num_actions"},
        {ENV "modules:\n  net: {type: MLP, out_features: \"${9223372036854775807 * env.num_actions}\"}\n", NULL, 2,
         "@:3: '${9223372036854775807 * env.num_actions}' is too large a number\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: \"x${env.num_actions}\"}\n", NULL, 2,
         "@:3: 'x${env.num_actions}': a reference must stand alone"},
        {ENV "modules:\n  net: {type: MLP, out_features: \"${2 * env.type}\"}\n", NULL, 2,
         "@:3: '${2 * env.type}': only integers can be multiplied\n"},
        {ENV "seed: \"${2 * }\"\n", NULL, 2, "@:2: '${2 * }' is no reference; write"},
    };
    EXPECT_ANSWERS(cases);
}

static void test_shapes(void **state) {
    (void)state;
    static const mistake cases[] = {
        {ENV "modules:\n  net: {type: MLP, in_keys: [pixels], out_features: 2, out_keys: [x]}\n", NULL, 2,
         "@:3: modules.net: dict: there is no key 'pixels'; keys are observation, "},
        {ENV "modules:\n  net: {type: MLP, in_features: 5, out_features: 2, out_keys: [x]}\n", NULL, 2,
         "@:3: modules.net: in_features is 5, but observation has a last dimension of 4\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: 2}\n", NULL, 2,
         "@:3: modules.net: option 'out_keys' is required: which keys does it write?\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: 2, out_keys: [a, b]}\n", NULL, 2,
         "@:3: modules.net: out_keys[1] is 'b', but MLP writes 1\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: 2, out_keys: [a..b]}\n", NULL, 2,
         "@:3: 'a..b' is no key: it has an empty part\n"},
        {ENV "modules:\n  net: {type: MLP, out_features: 3, out_keys: [action_value]}\n" POLICY, NULL, 2,
         "@:4: modules.policy.1: action_value has 3 values, but the environment has 2 actions\n"},
        {ENV "modules:\n  a: {type: MLP, out_features: 2, out_keys: [observation]}\n"
             "  b: {type: Sequential, modules: [{type: MLP, out_features: 2, out_keys: [x]}, a]}\n" REST,
         NULL, 2, "@:4: modules.a: linear: shapes [1, 2] and [32, 4] do not fit: "},
        {"env: {type: CartPole, action_encoding: categorical}\n" NET
         "  policy: {type: Sequential, modules: [net, {type: QValueModule, action_space: one_hot}]}\n",
         NULL, 2, "@:4: modules.policy.1: it would write one_hot actions, but the environment reads Categorical(2)"},
        {ENV MODULES "collector: {type: Collector, policy: {type: Actor, module: {type: MLP, out_features: 2}},\n"
                     "  frames_per_batch: 1, total_frames: 1}\n" BUFFER LOSS OPTIM,
         NULL, 2,
         "@:5: collector: the policy collector.policy writes actions float32 [1, 2], but the environment reads "
         "OneHot(2), int64 [1, 2]\n"},
        {ENV MODULES
         "collector: {type: Collector, policy: net, frames_per_batch: 1, total_frames: 1}\n" BUFFER LOSS OPTIM,
         NULL, 2, "@:5: collector: the policy modules.net writes no 'action'\n"},
        {ENV MODULES COLLECTOR BUFFER "loss: {type: DQNLoss, value_network: net}\n" OPTIM, NULL, 2,
         "@:7: loss: dict: there is no key 'chosen_action_value'; keys are "},
        {ENV MODULES COLLECTOR "buffer: {type: ReplayBuffer, capacity: 100, batch_size: 800}\n" LOSS OPTIM, NULL, 2,
         "@:6: buffer: batch_size (800) is above its capacity (100)\n"},
        {"env: {type: CartPole, num_envs: 3}\n" MODULES REST, NULL, 2,
         "@:5: collector: frames_per_batch (10) must be a multiple of env.num_envs (3)\n"},
    };
    EXPECT_ANSWERS(cases);
}

static void test_absurd_sizes(void **state) {
    (void)state;
    static const mistake cases[] = {
        {ALL, "check @ buffer.capacity=1_000_000_000_000", 1,
         "rlrun: command line: buffer of 1000000000000 rows: it would take 53 TB, but this machine has "},
        {ENV MODULES COLLECTOR
         "buffer: {type: ReplayBuffer,\n  capacity: 900_000_000_000,\n  batch_size: 8}\n" LOSS OPTIM,
         NULL, 1, "@:7: buffer of 900000000000 rows: it would take "},
        {ALL, "check @ buffer.capacity=1_000_000_000_001", 2, "option 'capacity' must be between 1 and 1000000000000"},
        {ALL, "check @ modules.net.num_cells=[16777216,16777216]", 1,
         "rlrun: modules.net.2.weight [16777216, 16777216]: all parameters together would take 6.8 PB, but"},
        {ALL, "check @ modules.net.num_cells=[99999999]", 2, "option 'num_cells' must be between 1 and 16777216"},
        {ALL, "check @ modules.net.init=orthogonal modules.net.num_cells=[1000000,1000000]", 1,
         "modules.net.2.weight [1000000, 1000000]: all parameters together would take 24 TB, but"},
        {ALL, "check @ env.num_envs=999_999_999", 2,
         "env: option 'num_envs' must be between 1 and 16777216, not 999_999_999"},
        {ALL, "check @ buffer.batch_size=1_000_000_000 buffer.capacity=1_000_000_000_000", 1, "it would take 53 TB"},
        {ALL, "check @ collector.frames_per_batch=1_000_000_000_000", 2,
         "collector: frames_per_batch gives 1000000000000 steps a batch; at most 65535 are possible\n"},
        {ALL "eval: {policy: policy, episodes: 99_000_000}\n", NULL, 2,
         "@:9: eval: option 'episodes' must be between 1 and 1000000, not 99_000_000\n"},
        {ALL, "check @ modules.net.num_cells=[16777216] env.num_envs=16_000_000", 2,
         "must be a multiple of env.num_envs"},
        {ALL,
         "check @ modules.net.num_cells=[65536] env.num_envs=1_000_000 collector.frames_per_batch=1_000_000 "
         "buffer.capacity=1_000_000 collector.total_frames=1_000_000",
         1, "would take "},
    };
    EXPECT_ANSWERS(cases);
}

static void compile(const char *source) {
    char command[512];
    snprintf(command, sizeof command, TEST_CC " -shared -fPIC -I. -o %s/%s.so tests/plugins/%s.c", work_folder, source,
             source);
    assert_int_equal(system(command), 0);
}

static void test_plugins(void **state) {
    (void)state;
    compile("other_abi");
    compile("no_plugin");
    static const mistake cases[] = {
        {"\nplugins: [nothing.so]\n" ALL, NULL, 2,
         "@:2: plug-in %/nothing.so: there is no such file, or it cannot be read\n"},
        {"plugins:\n- bad.yaml\n" ALL, NULL, 2, "@:2: plug-in @: "},
        {"plugins: [.]\n" ALL, NULL, 2, "@:1: plug-in %: "},
        {"plugins: [no_plugin.so]\n" ALL, NULL, 2,
         "@:1: plug-in %/no_plugin.so: the library defines no RLC_PLUGIN; it is not an rlc plug-in\n"},
        {"plugins: [other_abi.so]\n" ALL, NULL, 2, "@:1: plug-in %/other_abi.so was built for rlc ABI "},
        {"plugins: [[a]]\n" ALL, NULL, 2, "@:1: recipe: option 'plugins' must be text, not a list\n"},
    };
    EXPECT_ANSWERS(cases);
}

static void test_folders(void **state) {
    (void)state;
    static const mistake cases[] = {
        {ALL, "@ --quiet --out %/run", 0, ""},
        {ALL, "@ --quiet --out %/run", 2, "rlrun: %/run: there is a run here already; go on with `rlrun resume %/run`"},
        {ALL, "@ --quiet --out @", 1, "rlrun: @: this is not a folder\n"},
        {ALL, "@ --quiet --out @/below", 1, "rlrun: @/below: the folder could not be made: Not a directory\n"},
        {ALL, "@ --quiet --out /proc/nowhere/run", 1, "rlrun: /proc/nowhere: the folder could not be made: "},
        {ALL, "@ --quiet --out /proc", 1, "rlrun: /proc"},
        {ALL, "@ --quiet --out ''", 2, "--out needs a value"},
        {NULL, "resume %/nowhere", 2, "rlrun: %/nowhere: there is no such folder; give that of a run"},
        {NULL, "resume @", 2, "rlrun: @: there is no such folder"},
        {NULL, "eval %", 2, "rlrun: %: there is no run in this folder: it holds no recipe.yaml\n"},
        {NULL, "eval %/run --episodes many", 2, "--episodes must be 1 to 1000000, not many"},
        {NULL, "eval %/run", 2,
         "%/run/recipe.yaml:1: recipe: the section 'eval' is missing: which policy is to be evaluated?\n"},
    };
    EXPECT_ANSWERS(cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),      cmocka_unit_test(test_bombs),   cmocka_unit_test(test_keys_and_types),
        cmocka_unit_test(test_references), cmocka_unit_test(test_shapes),  cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_plugins),    cmocka_unit_test(test_folders), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("bad input", tests, make_work_folder, remove_work_folder);
}
