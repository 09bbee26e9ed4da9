/* rlrun.c: the command line. */
#include "recipes/rlrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recipes/files.h"

static const char USAGE[] =
    "usage: rlrun [train] RECIPE [key=value ...] [--seed N] [--device cpu|cuda] [--out DIR] [--overwrite] [--quiet]\n"
    "       rlrun RECIPE --seeds 1..5 [--jobs N]   the same with many seeds, N at a time, and what they say together\n"
    "       rlrun check RECIPE [key=value ...]     build and dry-run only; prints the wiring\n"
    "       rlrun resume DIR [--jobs N]            go on with a run, or many seeds, that was stopped or killed\n"
    "       rlrun eval DIR [--episodes N]          evaluate a run's checkpoint\n"
    "       rlrun play DIR [--gif F] [--png DIR] [--mp4 F] [--term] [--seed N] [--episodes N] [--overwrite]\n"
    "                                              show what a run has learned, as pictures or in the terminal\n"
    "       rlrun list [TYPE | --markdown]         what can be named in a recipe\n"
    "       rlrun devices                          what this machine can run on\n"
    "\n"
    "A recipe is a YAML file; key=value changes a part of it, as in loss.gamma=0.95 or optim.lr=1e-3.\n"
    "Results are written to runs/NAME/seed-N unless --out says otherwise.\n";

static rlc_status wrong_usage(const char *format, const char *word) {
    rlc_fail(RLC_INVALID, format, word);
    fprintf(stderr, "rlrun: %s\n\n%s", rlc_error(), USAGE);
    exit(RLC_INVALID);
}

/* What may be said to a command. */
enum {
    CHANGES = 1 << 0,
    OUT = 1 << 1,
    OVERWRITE = 1 << 2,
    QUIET = 1 << 3,
    EPISODES = 1 << 4,
    SEEDS = 1 << 5,
    JOBS = 1 << 6,
    MARKDOWN = 1 << 7,
    SEED = 1 << 8,
    FILM = 1 << 9,
    LAST = FILM
};

/* What a command is about. */
typedef enum subject { ANYTHING, RECIPE, FOLDER } subject;

/* Commands by name, the first of which may be left out: a first word that is none of them is a recipe to train. */
static const struct {
    const char *name;
    rlc_status (*run)(const rlrun_arguments *a);
    subject target; /* ANYTHING may also be nothing */
    int takes;
} commands[] = {
    {"train", rlrun_train, RECIPE, CHANGES | SEED | OUT | OVERWRITE | QUIET | SEEDS | JOBS},
    {"check", rlrun_check, RECIPE, CHANGES | SEED | QUIET},
    {"resume", rlrun_resume, FOLDER, CHANGES | SEED | QUIET | JOBS}, /* it says itself why it takes no changes */
    {"eval", rlrun_eval, FOLDER, EPISODES},
    {"play", rlrun_play, FOLDER, FILM | SEED | EPISODES | OVERWRITE | QUIET},
    {"list", rlrun_list, ANYTHING, MARKDOWN},
    {"devices", rlrun_devices, ANYTHING, 0},
};

/* Options: where the text that follows one goes, or for those that are said and nothing more, what becomes true. `key` is
 * what one is short for among the changes. */
static const struct {
    const char *name;
    int what;
    const char *key;
    size_t text, flag;
} options[] = {
    {.name = "--seed", .what = SEED, .key = "seed", .text = offsetof(rlrun_arguments, seed)},
    {.name = "--device", .what = CHANGES, .key = "device"},
    {.name = "--out", .what = OUT, .text = offsetof(rlrun_arguments, out)},
    {.name = "--episodes", .what = EPISODES},
    {.name = "--seeds", .what = SEEDS},
    {.name = "--jobs", .what = JOBS},
    {.name = "--gif", .what = FILM, .text = offsetof(rlrun_arguments, gif)},
    {.name = "--png", .what = FILM, .text = offsetof(rlrun_arguments, png)},
    {.name = "--mp4", .what = FILM, .text = offsetof(rlrun_arguments, mp4)},
    {.name = "--term", .what = FILM, .flag = offsetof(rlrun_arguments, term)},
    {.name = "--overwrite", .what = OVERWRITE, .flag = offsetof(rlrun_arguments, overwrite)},
    {.name = "--quiet", .what = QUIET, .flag = offsetof(rlrun_arguments, quiet)},
    {.name = "--markdown", .what = MARKDOWN, .flag = offsetof(rlrun_arguments, markdown)},
};

/* Of "--seed=3" or "--seed 3". */
static const char *value_of(int argc, char **argv, int *i) {
    const char *equals = strchr(argv[*i], '=');
    if (equals != NULL && equals[1] != '\0') {
        return equals + 1;
    }
    if (equals != NULL || *i + 1 >= argc || argv[*i + 1][0] == '\0') {
        wrong_usage("%s needs a value", argv[*i]);
    }
    return argv[++*i];
}

static void add_override(rlrun_arguments *a, const char *key, const char *value) {
    size_t size = strlen(key) + strlen(value) + 2;
    char *text = rlc_calloc(size, 1);
    if (text == NULL) {
        exit(RLC_FAILED);
    }
    snprintf(text, size, "%s=%s", key, value);
    a->overrides[a->num_overrides++] = text;
}

static int64_t parse_count(const char *option, const char *text, int64_t most) {
    rlc_value value = {.kind = RLC_TEXT, .text = text};
    int64_t count;
    if (!rlc_value_integer(&value, &count) || count < 1 || count > most) {
        char format[64];
        snprintf(format, sizeof format, "%s must be 1 to %lld, not %%s", option, (long long)most);
        wrong_usage(format, text);
    }
    return count;
}

static void parse_seeds(rlrun_arguments *a, const char *text) {
    free(a->seeds);
    a->seeds = rlrun_parse_seeds(text, &a->num_seeds);
    if (a->seeds == NULL) {
        wrong_usage("%s", rlc_error());
    }
}

/* The word that asked for each thing, for messages. */
typedef struct words {
    const char *of[LAST + 1];
} words;

/* The option that a word names, with or without a value behind '='. */
static int find_option(const char *word) {
    const size_t length = strcspn(word, "=");
    for (int k = 0; k < RLC_COUNT(options); k++) {
        const bool named = strncmp(word, options[k].name, length) == 0 && options[k].name[length] == '\0';
        if (named && (word[length] == '\0' || options[k].flag == 0)) {
            return k;
        }
    }
    wrong_usage("unknown option %s; what a recipe says is changed by key=value, as in optim.lr=1e-3", word);
    return -1;
}

static void parse_option(rlrun_arguments *a, words *said, int argc, char **argv, int *i) {
    const int k = find_option(argv[*i]);
    const char *word = options[k].name;
    said->of[options[k].what] = word;
    if (options[k].flag != 0) {
        *(bool *)((char *)a + options[k].flag) = true;
        return;
    }
    const char *value = value_of(argc, argv, i);
    if (options[k].text != 0) {
        *(const char **)((char *)a + options[k].text) = value;
    }
    if (options[k].key != NULL) {
        add_override(a, options[k].key, value);
    }
    switch (options[k].what) {
    case EPISODES: a->episodes = parse_count(word, value, 1000000); break;
    case SEEDS: parse_seeds(a, value); break;
    case JOBS: a->jobs = parse_count(word, value, 10000); break;
    default: break;
    }
}

/* What a command would not look at is a mistake. */
static void check_words(const rlrun_arguments *a, const words *said) {
    for (int k = 0; k < RLC_COUNT(commands); k++) {
        for (int what = 1; what <= LAST && strcmp(a->command, commands[k].name) == 0; what *= 2) {
            if (said->of[what] != NULL && !(commands[k].takes & what)) {
                char text[64];
                snprintf(text, sizeof text, "%s does not take %%s", a->command);
                wrong_usage(text, said->of[what]);
            }
        }
    }
}

static void parse(rlrun_arguments *a, words *said, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool is_command = false;
        for (int k = 0; a->command == NULL && k < RLC_COUNT(commands); k++) {
            is_command = is_command || strcmp(word, commands[k].name) == 0;
        }
        if (word[0] == '-') {
            parse_option(a, said, argc, argv, &i);
        } else if (is_command) {
            a->command = word;
        } else if (a->target == NULL && strchr(word, '=') == NULL) {
            a->target = word;
            a->command = a->command != NULL ? a->command : "train";
        } else if (strchr(word, '=') != NULL) {
            add_override(a, "", word);
            memmove((char *)a->overrides[a->num_overrides - 1], word, strlen(word) + 1);
            said->of[CHANGES] = word;
        } else {
            wrong_usage("%s: one recipe, folder or type at a time; changes are written key=value, in quotes if they "
                        "hold spaces",
                        word);
        }
    }
}

/* Names the recipe that somebody may have meant by one that is not there: dqn, dqn.yml, recipes/dqn. */
static rlc_status find_recipe(const char *target) {
    static const char *const places[] = {"%.*s.yaml", "recipes/%.*s.yaml"};
    const char *dot = strrchr(target, '.');
    const size_t length = dot != NULL && strcmp(dot, ".yml") == 0 ? (size_t)(dot - target) : strlen(target);
    char path[4096];
    for (int i = 0; i < RLC_COUNT(places) && access(target, F_OK) != 0; i++) {
        const int written = snprintf(path, sizeof path, places[i], (int)length, target);
        if (written < (int)sizeof path && access(path, F_OK) == 0) {
            return rlc_fail(RLC_INVALID, "%s: there is no such recipe (did you mean '%s'?)", target, path);
        }
    }
    return RLC_OK; /* who reads it says what is wrong with it */
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(USAGE, stdout);
            return RLC_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("rlc " RLC_VERSION);
            return RLC_OK;
        }
    }
    rlrun_arguments a = {.overrides = rlc_calloc((size_t)argc, sizeof(char *))};
    if (a.overrides == NULL) {
        return RLC_FAILED;
    }
    words said = {0};
    parse(&a, &said, argc, argv);
    if (a.command == NULL) {
        wrong_usage("%s", "which recipe?");
    }
    check_words(&a, &said);
    if (strcmp(a.command, "train") == 0 && a.jobs > 0 && a.seeds == NULL) {
        wrong_usage("%s goes with --seeds", said.of[JOBS]);
    }
    rlc_status status = RLC_INVALID;
    for (int i = 0; i < RLC_COUNT(commands); i++) {
        if (strcmp(a.command, commands[i].name) == 0) {
            if (commands[i].target != ANYTHING && a.target == NULL) {
                wrong_usage("%s what?", a.command);
            }
            status = commands[i].target == RECIPE ? find_recipe(a.target) : RLC_OK;
            status = status == RLC_OK ? commands[i].run(&a) : status;
        }
    }
    bool lost = ferror(stdout);
    if ((fflush(stdout) != 0 || lost) && status == RLC_OK) {
        status = rlc_fail(RLC_FAILED, "standard output could not be written%s%s", lost ? "" : ": ",
                          lost ? "" : strerror(errno));
    }
    if (status != RLC_OK) {
        fprintf(stderr, "rlrun: %s\n", rlc_error());
    }
    for (int i = 0; i < a.num_overrides; i++) {
        free((char *)a.overrides[i]);
    }
    free(a.overrides);
    free(a.seeds);
    return (int)status;
}
