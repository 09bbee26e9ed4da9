/* rlrun_list.c: what there is: classes with their options, and devices. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "collectors/buffer.h"
#include "collectors/collector.h"
#include "core/device.h"
#include "envs/env.h"
#include "objectives/optim.h"
#include "objectives/target.h"
#include "recipes/builtin.h"
#include "recipes/rlrun.h"

/* The kinds in the order of a recipe, each with the options that all of its classes share. */
static const struct {
    const char *kind, *plural;
    const rlc_option *common;
} kinds[] = {
    {"env", "environments (section env)", rlc__env_options},
    {"transform", "transforms of an environment (env.transforms)", NULL},
    {"module", "modules (section modules)", rlc__module_options},
    {"distribution", "distributions of actions (option distribution of a ProbabilisticActor)", NULL},
    {"collector", "collectors (section collector)", rlc__collector_options},
    {"buffer", "replay buffers (section buffer)", rlc__buffer_options},
    {"loss", "losses (section loss)", rlc__module_options},
    {"target", "target updaters (section target)", rlc__target_options},
    {"optim", "optimisers (section optim)", rlc__optim_options},
    {"schedule", "schedules of a number over the run (such as optim.lr)", rlc__schedule_options},
};

static const rlc_option *common_options(const char *kind) {
    for (int i = 0; i < RLC_COUNT(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return kinds[i].common;
        }
    }
    return NULL;
}

static const char *const type_names[] = {
    [RLC_OPTION_BOOL] = "true|false", [RLC_OPTION_INT] = "integer",       [RLC_OPTION_LONG] = "integer",
    [RLC_OPTION_FLOAT] = "number",    [RLC_OPTION_STRING] = "text",       [RLC_OPTION_ENUM] = "",
    [RLC_OPTION_INTS] = "[integers]", [RLC_OPTION_FLOATS] = "[numbers]",  [RLC_OPTION_STRINGS] = "[names]",
    [RLC_OPTION_MODULE] = "module",   [RLC_OPTION_MODULES] = "[modules]", [RLC_OPTION_VALUE] = "...",
};

static void print_default(const rlc_option *o) {
    bool number = o->type >= RLC_OPTION_INT && o->type <= RLC_OPTION_FLOAT;
    if (o->required || (number && isnan(o->number))) {
        printf("required");
    } else if (o->type == RLC_OPTION_BOOL) {
        printf("%s", o->number != 0 ? "true" : "false");
    } else if (number) {
        printf("%.12g", o->number);
    } else {
        printf("%s", o->text != NULL ? o->text : "none");
    }
}

static void print_options(const rlc_option *table) {
    for (const rlc_option *o = table; o != NULL && o->name != NULL; o++) {
        bool number = o->type == RLC_OPTION_INT || o->type == RLC_OPTION_LONG || o->type == RLC_OPTION_FLOAT;
        printf("  %-22s %s%s, default ", o->name, type_names[o->type], o->type == RLC_OPTION_ENUM ? o->choices : "");
        print_default(o);
        if (number) {
            printf(", %.12g to %.12g", o->min, o->max);
        }
        printf("\n  %-22s %s%s%s%s\n", "", o->help, o->alias != NULL ? " (also: " : "",
               o->alias != NULL ? o->alias : "", o->alias != NULL ? ")" : "");
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
        names[count < 255 ? count++ : count] = type->name;
    }
    if (found > 0) {
        return RLC_OK;
    }
    const char *nearest = rlc_nearest(name, names, count);
    return nearest != NULL ? rlc_fail(RLC_INVALID, "there is no type '%s' (did you mean '%s'?)", name, nearest)
                           : rlc_fail(RLC_INVALID, "there is no type '%s'; `rlrun list` shows all", name);
}

static void print_all(const rlc_registry *registry) {
    for (int k = 0; k < RLC_COUNT(kinds); k++) {
        printf("%s%s\n", k > 0 ? "\n" : "", kinds[k].plural);
        for (int i = 0; i < rlc_registry_count(registry); i++) {
            const rlc_class *type = rlc_registry_at(registry, i);
            if (strcmp(type->kind, kinds[k].kind) == 0) {
                printf("  %-22s %s\n", type->name, type->doc);
            }
        }
    }
    printf("\n`rlrun list TYPE` shows the options of one.\n");
}

rlc_status rlrun_list(const rlrun_arguments *a) {
    rlc_registry *registry;
    RLC_TRY(rlc_registry_new(&registry));
    rlc_status status = RLC_OK;
    if (a->target != NULL) {
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
