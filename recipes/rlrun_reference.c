/* rlrun_reference.c: docs/recipe-reference.md, from the option tables: what `make docs` writes and `make docs-check` compares. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "modules/module.h"
#include "recipes/rlrun.h"

static const char INTRODUCTION[] =
    "# What a recipe can say\n"
    "\n"
    "Made by `make docs` from the option tables that rlrun itself reads; `rlrun list TYPE` shows the same.\n"
    "\n"
    "A recipe is a YAML file whose top level has the sections below. Each section but those of plain options has a\n"
    "`type:`, the name of a class, and that class's options beside it:\n"
    "\n"
    "    loss: {type: DQNLoss, value_network: policy, gamma: 0.99}\n"
    "\n"
    "- An unknown key, a repeated one, a value of a wrong type or out of its range is an error with file and line.\n"
    "- Integers may hold `_`: `500_000`. `2.5e-4` is a number. `~` is nothing: the option keeps its default.\n"
    "- `\"${a.b}\"` stands for another value of the recipe, or for a property of the environment (`env.num_actions`,\n"
    "  `env.action_dim`, `env.observation_dim`, `env.num_envs`), and may be multiplied: `\"${2 * env.action_dim}\"`.\n"
    "- `include: other.yaml` makes that file the base over which this one is laid, map by map; lists and single "
    "values\n"
    "  replace what was there. It may be a list of files, later ones laid over earlier ones. Paths of files and "
    "plug-ins are\n"
    "  relative to the file that names them. The `recipe.yaml` that a run saves includes nothing: it is whole.\n"
    "- Anchors, aliases and merge keys (`<<: *defaults`) are YAML's; they unfold to copies.\n"
    "- The command line changes any of it, at any depth: `rlrun recipe.yaml optim.0.lr=1e-3 "
    "'modules.net.num_cells=[64, 64]'`.\n"
    "- Where a module is wanted, give the name of one of section `modules`, or a map with its `type`.\n"
    "- Choices may be written as PyTorch and TorchRL do: `one-hot` is `one_hot`, `nn.ReLU` and `ReLU` are `relu`.\n";

/* A table's cell may hold no bar. */
static void print_cell(const char *text) {
    for (; *text != '\0'; text++) {
        printf(*text == '|' ? "\\|" : "%c", *text);
    }
}

static void print_names(const char *names, const char *before) {
    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, "|");
        printf("%s`%.*s`", at == names ? before : ", ", (int)length, at);
        at += length + (at[length] == '|');
    }
}

static void print_option(const rlc_option *o) {
    char text[32];
    printf("| `%s` | ", o->name);
    if (o->type == RLC_OPTION_ENUM) {
        print_names(o->choices, "");
    } else if (o->type == RLC_OPTION_BOOL) {
        printf("`true`, `false`");
    } else {
        print_cell(strcmp(rlrun_option_type(o), "...") == 0 ? "see text" : rlrun_option_type(o));
    }
    const char *given = rlrun_option_default(o, text);
    bool word = strcmp(given, "required") == 0 || strcmp(given, "none") == 0;
    printf(word ? " | %s | " : " | `%s` | ", given);
    if (rlrun_option_is_number(o) || o->type == RLC_OPTION_INTS || o->type == RLC_OPTION_SIZES ||
        o->type == RLC_OPTION_FLOATS) {
        printf("%.16g to %.16g", o->min, o->max);
    }
    printf(" | ");
    print_cell(o->help);
    if (o->alias != NULL) {
        print_names(o->alias, "; also ");
    }
    printf(" |\n");
}

static void print_options(const rlc_option *table) {
    printf("\n| option | type | default | range | |\n|---|---|---|---|---|\n");
    for (const rlc_option *o = table; o->name != NULL; o++) {
        print_option(o);
    }
}

static bool has_options(const rlc_option *table) {
    return table != NULL && table->name != NULL;
}

/* Modules and losses have keys of their own that the recipe may change. */
static void print_keys(const char *what, const char *const *keys) {
    for (int i = 0; i < RLC_MAX_KEYS && keys[i] != NULL; i++) {
        printf("%s`%s`", i == 0 ? what : ", ", keys[i]);
    }
}

static void print_class(const rlc_class *type) {
    printf("\n### %s\n\n%c%s.", type->name, toupper((unsigned char)type->doc[0]), type->doc + 1);
    if (strcmp(type->kind, "module") == 0 || strcmp(type->kind, "loss") == 0) {
        const rlc_module_class *module = (const rlc_module_class *)type;
        print_keys(" Unless told otherwise it reads ", module->in_keys);
        print_keys(module->in_keys[0] != NULL ? " and writes " : " Unless told otherwise it writes ", module->out_keys);
        printf(module->in_keys[0] != NULL || module->out_keys[0] != NULL ? "." : "");
    }
    printf("\n");
    if (has_options(type->options)) {
        print_options(type->options);
    }
}

static void print_contents(const rlc_registry *registry) {
    printf("\nSections without a type: ");
    for (const rlrun_section *s = rlrun_sections + 1; s->name != NULL; s++) {
        printf("%s[%s](#section-%s)", s == rlrun_sections + 1 ? "" : ", ", s->name, s->name);
    }
    printf(".\n\n| section | classes |\n|---|---|\n");
    for (const rlrun_kind *k = rlrun_kinds; k->kind != NULL; k++) {
        int found = 0;
        printf("| `%s` | ", k->section);
        for (int i = 0; i < rlc_registry_count(registry); i++) {
            const rlc_class *type = rlc_registry_at(registry, i);
            if (strcmp(type->kind, k->kind) == 0) {
                char anchor[64];
                snprintf(anchor, sizeof anchor, "%s", type->name);
                for (char *c = anchor; *c != '\0'; c++) {
                    *c = (char)tolower((unsigned char)*c);
                }
                printf("%s[%s](#%s)", found++ > 0 ? ", " : "", type->name, anchor);
            }
        }
        printf(" |\n");
    }
}

void rlrun_print_reference(const rlc_registry *registry) {
    fputs(INTRODUCTION, stdout);
    printf("\n## Sections of a recipe\n");
    print_options(rlrun_sections[0].options);
    print_contents(registry);
    for (const rlrun_section *s = rlrun_sections + 1; s->name != NULL; s++) {
        printf("\n## Section %s\n\n%c%s.\n", s->name, toupper((unsigned char)s->doc[0]), s->doc + 1);
        print_options(s->options);
    }
    for (const rlrun_kind *k = rlrun_kinds; k->kind != NULL; k++) {
        printf("\n## %c%s\n\nSection `%s`.", toupper((unsigned char)k->plural[0]), k->plural + 1, k->section);
        if (has_options(k->common)) {
            printf(" All of them take these options:\n");
            print_options(k->common);
        } else {
            printf("\n");
        }
        for (int i = 0; i < rlc_registry_count(registry); i++) {
            if (strcmp(rlc_registry_at(registry, i)->kind, k->kind) == 0) {
                print_class(rlc_registry_at(registry, i));
            }
        }
    }
}
