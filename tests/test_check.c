/* What `rlrun check` shows: all that is wired, in tables that fit the terminal. */
#include "tests/command.h"

/* Runs it for a recipe at a width and returns what it printed; free the result. */
static char *checked(const char *columns, const char *arguments) {
    char line[600];
    assert_int_equal(setenv("COLUMNS", columns, 1), 0);
    snprintf(line, sizeof line, "check %s", arguments);
    expect_rlrun(line, 0, "good to train");
    return read_file(in_work_folder("log"), NULL);
}

/* One space for many, so that columns can move; the rules between head and rows are left out. */
static char *squeezed(const char *text) {
    char *result = malloc(strlen(text) + 1), *to = result;
    assert_non_null(result);
    for (; *text != '\0'; text++) {
        if (*text != ' ' || to == result || to[-1] != ' ') {
            *to++ = *text;
        }
    }
    *to = '\0';
    return result;
}

static void expect_lines(const char *arguments, const char *const *wanted, int count) {
    char *text = checked("100", arguments), *plain = squeezed(text);
    for (int i = 0; i < count; i++) {
        if (strstr(plain, wanted[i]) == NULL) {
            fail_msg("check %s: no '%s' in: %s", arguments, wanted[i], text);
        }
    }
    free(text);
    free(plain);
}

static void test_dqn(void **state) {
    (void)state;
    static const char *const wanted[] = {
        "dqn, seed 1, on cpu\n",
        "\nenv CartPole, 1 at a time, episodes of at most 500 steps\n observation Unbounded([4]), action OneHot(2)\n",
        "\n transforms RewardSum\n",
        "\ncollector Collector: 10 frames a batch, 500000 in all, the first 10000 random\n policy modules.behavior\n",
        "\nbuffer ReplayBuffer: 10000 rows (530 KB when full) in samples of 128\n keeps observation, "
        "next.observation, ",
        "\nloss DQNLoss: gives loss\n",
        "\ntarget HardUpdate: every 50 updates\n loss.target_value_network follows modules.policy\n",
        "\noptim Adam: loss, 10934 parameters, lr 0.00025\n",
        "\ntrain 1 update after each batch\n",
        "\neval modules.policy, 20 episodes every 50000 frames and at the end\n",
        "\nmodules.value_net MLP observation [1, 4] action_value [1, 2] 10934\n",
        "\nmodules.policy Sequential observation [1, 4] action_value [1, 2]\n action [1, 2]\n chosen_action_value [1, "
        "1]\n",
        "\n 1 QValueModule action_value [1, 2] action [1, 2]\n action_value [1, 2]\n",
        "\nmodules.explore EGreedyModule action [1, 2] action [1, 2]\n",
        "\nloss DQNLoss observation [1, 4] loss []\n next.observation [1, 4] td_error [1, 1]\n action [1, 2]\n",
        "\n target_value_network Sequential observation [1, 4] action_value [1, 2]\n",
        "\n value_net MLP observation [1, 4] action_value [1, 2] 10934\n",
        "\nmodules.value_net.0.weight [120, 4] 480 optim\n",
        "\nloss.target_value_network.value_net.4.bias [2] 2 target\n",
        "\n21868 parameters in all (87 KB), 10934 of them trained\n",
    };
    expect_lines("recipes/dqn.yaml", wanted, RLC_COUNT(wanted));
}

static void test_what_a_recipe_changes(void **state) {
    (void)state;
    static const char *const wanted[] = {
        "\nenv CartPole, 2 at a time\n",
        "\ntarget SoftUpdate: after every update\n",
        "\noptim.0 Adam: value_net, 10934 parameters, lr 0.1, linear, gradient clipped to norm 0.5\n",
        "\noptim.1 Adam: loss, 10934 parameters, lr 0.01\n",
        "\ntrain 3 updates after each batch\n",
        "\neval modules.policy, 20 episodes at the end\n",
        "\nmodules.value_net.0.bias [120] 120 optim.0, optim.1\n",
    };
    expect_lines("recipes/dqn.yaml env.num_envs=2 env.max_episode_steps=0 'target={type: SoftUpdate}' "
                 "'optim=[{type: Adam, lr: {type: linear, from: 0.1}, max_grad_norm: 0.5, params: value_net}, "
                 "{type: Adam, lr: 0.01}]' train.optim_steps_per_batch=3 eval.every=0",
                 wanted, RLC_COUNT(wanted));
    static const char *const frozen[] = {"\nloss.target_value_network.value_net.0.bias [120] 120 a copy that stays\n"};
    expect_lines("recipes/dqn.yaml target=~", frozen, RLC_COUNT(frozen));
}

static void test_without_a_buffer(void **state) {
    (void)state;
    static const char *const wanted[] = {
        "\nadvantage GAE\n",
        "\ntrain 4 epochs over each batch, in minibatches of 128\n",
        "\nmodules.actor ProbabilisticActor observation [4, 4]",
    };
    expect_lines("tests/shapes/ppo.yaml", wanted, RLC_COUNT(wanted));
}

static void expect_width(const char *columns, const char *arguments, size_t width) {
    char *text = checked(columns, arguments);
    bool reached = false;
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        reached = reached || length >= width - 10;
        if (length > width || (length > 0 && at[length - 1] == ' ')) {
            fail_msg("COLUMNS=%s check %s: a line of %zu ends in a space or is too long: %.*s", columns, arguments,
                     length, (int)length, at);
        }
        at += at[length] == '\n' ? length + 1 : length;
    }
    assert_true(reached); /* it uses the width that it has */
    free(text);
}

static void test_width(void **state) {
    (void)state;
    static const char *const recipes[] = {"recipes/dqn.yaml", "tests/shapes/ppo.yaml",
                                          "tests/shapes/sac.yaml",
                                          "tests/shapes/td3.yaml"};
    static const struct {
        const char *columns;
        size_t width;
    } widths[] = {{"100", 100}, {"400", 100}, {"", 100}, {"no number", 100}, {"90", 90}, {"80", 80}, {"40", 80}};
    for (int w = 0; w < RLC_COUNT(widths); w++) {
        expect_width(widths[w].columns, recipes[w % RLC_COUNT(recipes)], widths[w].width);
    }
}

/* A name longer than any column is cut, and nothing of it is lost. */
static void test_long_names(void **state) {
    (void)state;
    char arguments[512], name[161], shown[161];
    for (int i = 0; i < 160; i++) {
        name[i] = (char)('a' + i % 26);
    }
    name[160] = '\0';
    snprintf(arguments, sizeof arguments,
             "recipes/dqn.yaml 'modules.value_net.out_keys=[action_value]' 'modules.extra={type: MLP, out_features: 1, "
             "out_keys: [%s]}'",
             name);
    char *text = checked("80", arguments);
    size_t found = 0;
    for (const char *at = text; *at != '\0' && found < 160; at++) {
        if (*at == name[found]) {
            size_t run = 0;
            while (found + run < 160 && at[run] == name[found + run]) {
                run++;
            }
            if (run >= 8 || found + run == 160) {
                memcpy(shown + found, at, run);
                found += run;
                at += run - 1;
            }
        }
    }
    free(text);
    shown[found] = '\0';
    assert_string_equal(shown, name);
}

static void test_quiet(void **state) {
    (void)state;
    expect_rlrun("check recipes/dqn.yaml --quiet", 0, "");
    char *text = read_file(in_work_folder("log"), NULL);
    assert_string_equal(text, "");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dqn),
        cmocka_unit_test(test_what_a_recipe_changes),
        cmocka_unit_test(test_without_a_buffer),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_quiet),
    };
    return cmocka_run_group_tests_name("check", tests, make_work_folder, remove_work_folder);
}
