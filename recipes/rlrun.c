/* rlrun.c: the command line. */
#include "recipes/rlrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recipes/files.h"

static const char USAGE[] =
    "usage: rlrun RECIPE [key=value ...] [--seed N] [--device cpu|cuda] [--out DIR] [--overwrite] [--quiet]\n"
    "       rlrun check RECIPE [key=value ...]     build and dry-run only; prints the wiring\n"
    "       rlrun resume DIR                       go on with a run that was stopped or killed\n"
    "       rlrun eval DIR [--episodes N]          evaluate a run's checkpoint\n"
    "       rlrun list [TYPE]                      what can be named in a recipe\n"
    "       rlrun devices                          what this machine can run on\n"
    "\n"
    "A recipe is a YAML file; key=value changes a part of it, as in loss.gamma=0.95 or optim.lr=1e-3.\n"
    "Results are written to runs/NAME/seed-N unless --out says otherwise.\n";

static rlc_status wrong_usage(const char *format, const char *word) {
    rlc_fail(RLC_INVALID, format, word);
    fprintf(stderr, "rlrun: %s\n\n%s", rlc_error(), USAGE);
    exit(RLC_INVALID);
}

/* Commands by name; a first word that is none of them is a recipe to train. */
static const struct {
    const char *name;
    rlc_status (*run)(const rlrun_arguments *a);
    bool needs_target;
} commands[] = {
    {"train", rlrun_train, true}, {"check", rlrun_check, true}, {"resume", rlrun_resume, true},
    {"eval", rlrun_eval, true},   {"list", rlrun_list, false},  {"devices", rlrun_devices, false},
};

/* Options that are short for overrides. */
static const struct { const char *option, *key; } shorthands[] = {{"--seed", "seed"}, {"--device", "device"}};

static const char *value_of(int argc, char **argv, int *i) {
    if (*i + 1 >= argc) {
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

static bool parse_option(rlrun_arguments *a, int argc, char **argv, int *i) {
    const char *word = argv[*i];
    for (int k = 0; k < RLC_COUNT(shorthands); k++) {
        if (strcmp(word, shorthands[k].option) == 0) {
            add_override(a, shorthands[k].key, value_of(argc, argv, i));
            return true;
        }
    }
    if (strcmp(word, "--out") == 0) {
        a->out = value_of(argc, argv, i);
    } else if (strcmp(word, "--episodes") == 0) {
        const char *text = value_of(argc, argv, i);
        rlc_value value = {.kind = RLC_TEXT, .text = text};
        if (!rlc_value_integer(&value, &a->episodes) || a->episodes < 1 || a->episodes > 1000000) {
            wrong_usage("--episodes must be 1 to 1000000, not %s", text);
        }
    } else if (strcmp(word, "--overwrite") == 0) {
        a->overwrite = true;
    } else if (strcmp(word, "--quiet") == 0) {
        a->quiet = true;
    } else {
        return false;
    }
    return true;
}

static void parse(rlrun_arguments *a, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool is_command = false;
        for (int k = 1; a->command == NULL && k < RLC_COUNT(commands); k++) {
            is_command = is_command || strcmp(word, commands[k].name) == 0;
        }
        if (word[0] == '-') {
            if (!parse_option(a, argc, argv, &i)) {
                wrong_usage("unknown option %s", word);
            }
        } else if (is_command) {
            a->command = word;
        } else if (a->target == NULL && strchr(word, '=') == NULL) {
            a->target = word;
            a->command = a->command != NULL ? a->command : "train";
        } else if (strchr(word, '=') != NULL) {
            add_override(a, "", word);
            memmove((char *)a->overrides[a->num_overrides - 1], word, strlen(word) + 1);
        } else {
            wrong_usage("%s: one recipe, folder or type at a time; changes are written key=value", word);
        }
    }
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
    parse(&a, argc, argv);
    if (a.command == NULL) {
        wrong_usage("%s", "which recipe?");
    }
    rlc_status status = RLC_INVALID;
    for (int i = 0; i < RLC_COUNT(commands); i++) {
        if (strcmp(a.command, commands[i].name) == 0) {
            if (commands[i].needs_target && a.target == NULL) {
                wrong_usage("%s what?", a.command);
            }
            status = commands[i].run(&a);
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
    return (int)status;
}
