/* rlrun_list.c: what there is: classes with their options, and devices. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "collectors/buffer.h"
#include "collectors/collector.h"
#include "core/device.h"
#include "envs/env.h"
#include "modules/state_dict.h"
#include "objectives/optim.h"
#include "objectives/target.h"
#include "recipes/builtin.h"
#include "recipes/rlrun.h"
#include "recipes/run.h"

const rlrun_kind rlrun_kinds[] = {
    {"env", "environments", "env", rlc__env_options},
    {"transform", "transforms of an environment", "env.transforms", NULL},
    {"module", "modules", "modules", rlc__module_options},
    {"distribution", "distributions of actions", "modules.NAME.distribution", NULL},
    {"collector", "collectors", "collector", rlc__collector_options},
    {"buffer", "replay buffers", "buffer", rlc__buffer_options},
    {"loss", "losses", "loss", rlc__module_options},
    {"target", "target updaters", "target", rlc__target_options},
    {"optim", "optimisers", "optim", rlc__optim_options},
    {"schedule", "schedules of a number over the run", "optim.lr and its kin", rlc__schedule_options},
    {NULL, NULL, NULL, NULL},
};

const rlrun_section rlrun_sections[] = {
    {"recipe", "the sections of a recipe", rlc__recipe_options},
    {"train", "how often it learns from a batch", rlc__train_options},
    {"eval", "when and how the policy is evaluated", rlc__eval_options},
    {"log", "how often numbers are written", rlc__log_options},
    {"checkpoint", "how often the run is saved", rlc__checkpoint_options},
    {"pictures", "what a module makes of noise, drawn as it is trained", rlc__pictures_options},
    {"state_dict", "weights from a file: an option of each module and loss, not of the recipe",
     rlc__state_dict_options},
    {NULL, NULL, NULL},
};

static const rlc_option *common_options(const char *kind) {
    for (const rlrun_kind *k = rlrun_kinds; k->kind != NULL; k++) {
        if (strcmp(k->kind, kind) == 0) {
            return k->common;
        }
    }
    return NULL;
}

const char *rlrun_option_type(const rlc_option *o) {
    static const char *const names[] = {
        [RLC_OPTION_BOOL] = "true|false",
        [RLC_OPTION_INT] = "integer",
        [RLC_OPTION_LONG] = "integer",
        [RLC_OPTION_FLOAT] = "number",
        [RLC_OPTION_STRING] = "text",
        [RLC_OPTION_INTS] = "[integers]",
        [RLC_OPTION_SIZES] = "integer or [integers]",
        [RLC_OPTION_FLOATS] = "[numbers]",
        [RLC_OPTION_STRINGS] = "[names]",
        [RLC_OPTION_MODULE] = "module",
        [RLC_OPTION_MODULES] = "[modules]",
        [RLC_OPTION_VALUE] = "...",
    };
    return o->type == RLC_OPTION_ENUM ? o->choices : names[o->type];
}

bool rlrun_option_is_number(const rlc_option *o) {
    return o->type == RLC_OPTION_INT || o->type == RLC_OPTION_LONG || o->type == RLC_OPTION_FLOAT;
}

const char *rlrun_option_default(const rlc_option *o, char text[32]) {
    bool number = rlrun_option_is_number(o);
    if (o->required || (number && isnan(o->number))) {
        return "required";
    }
    if (o->type == RLC_OPTION_BOOL) {
        return o->number != 0 ? "true" : "false";
    }
    if (number) {
        snprintf(text, 32, "%.16g", o->number);
        return text;
    }
    return o->text != NULL ? o->text : "none";
}

static void print_options(const rlc_option *table) {
    for (const rlc_option *o = table; o != NULL && o->name != NULL; o++) {
        char text[32];
        printf("  %-22s %s, default %s", o->name, rlrun_option_type(o), rlrun_option_default(o, text));
        if (rlrun_option_is_number(o)) {
            printf(", %.16g to %.16g", o->min, o->max);
        }
        printf("\n  %-22s %s", "", o->help);
        for (const char *at = o->alias; at != NULL && *at != '\0';) {
            size_t length = strcspn(at, "|");
            printf("%s%.*s", at == o->alias ? " (also: " : ", ", (int)length, at);
            at += length + (at[length] == '|');
        }
        printf("%s\n", o->alias != NULL ? ")" : "");
    }
}

static void print_class(const rlc_class *type) {
    printf("%s (%s): %s\n", type->name, type->kind, type->doc);
    print_options(type->options);
    print_options(common_options(type->kind));
}

static rlc_status print_type(const rlc_registry *registry, const char *name) {
    const char *names[256];
    int count = 0, found = 0;
    for (int i = 0; i < rlc_registry_count(registry); i++) {
        const rlc_class *type = rlc_registry_at(registry, i);
        if (strcmp(type->name, name) == 0) {
            print_class(type);
            found++;
        }
        names[count < 240 ? count++ : count] = type->name;
    }
    for (const rlrun_section *section = rlrun_sections; section->name != NULL; section++) {
        if (strcmp(section->name, name) == 0) {
            printf("%s: %s\n", section->name, section->doc);
            print_options(section->options);
            found++;
        }
        names[count++] = section->name;
    }
    if (found > 0) {
        return RLC_OK;
    }
    char like[512] = "";
    for (int i = 0; i < count; i++) {
        const size_t used = strlen(like);
        if (strcasestr(names[i], name) != NULL) {
            snprintf(like + used, sizeof like - used, "%s%s", used > 0 ? ", " : "", names[i]);
        }
    }
    if (like[0] != '\0') {
        return rlc_fail(RLC_INVALID, "there is no type '%s'; those with that in their names are %s", name, like);
    }
    const char *nearest = rlc_nearest(name, names, count);
    return nearest != NULL ? rlc_fail(RLC_INVALID, "there is no type '%s' (did you mean '%s'?)", name, nearest)
                           : rlc_fail(RLC_INVALID, "there is no type '%s'; `rlrun list` shows all", name);
}

static void print_all(const rlc_registry *registry) {
    for (const rlrun_kind *k = rlrun_kinds; k->kind != NULL; k++) {
        printf("%s (%s)\n", k->plural, k->section);
        for (int i = 0; i < rlc_registry_count(registry); i++) {
            const rlc_class *type = rlc_registry_at(registry, i);
            if (strcmp(type->kind, k->kind) == 0) {
                printf("  %-22s %s\n", type->name, type->doc);
            }
        }
        printf("\n");
    }
    printf("sections without a type\n");
    for (const rlrun_section *section = rlrun_sections; section->name != NULL; section++) {
        printf("  %-22s %s\n", section->name, section->doc);
    }
    printf("\n`rlrun list TYPE` shows the options of one.\n");
}

rlc_status rlrun_list(const rlrun_arguments *a) {
    rlc_registry *registry;
    RLC_TRY(rlc_registry_new(&registry));
    rlc_status status = RLC_OK;
    if (a->markdown) {
        rlrun_print_reference(registry);
    } else if (a->target != NULL) {
        status = print_type(registry, a->target);
    } else {
        print_all(registry);
    }
    rlc_registry_free(registry);
    return status;
}

rlc_status rlrun_devices(const rlrun_arguments *a) {
    static const char *const names[] = {"cpu", "cuda"};
    (void)a;
    for (int i = 0; i < RLC_COUNT(names); i++) {
        rlc_device *device;
        if (rlc_device_open(names[i], &device) == RLC_OK) {
            printf("%-6s %s\n", names[i], device->description);
        } else {
            printf("%-6s %s\n", names[i], rlc_error());
            rlc_error_clear();
        }
    }
    return RLC_OK;
}
