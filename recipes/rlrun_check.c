/* rlrun_check.c: building a recipe and rehearsing it, and showing how it is wired. */
#include <stdio.h>
#include <string.h>

#include "core/record.h"
#include "envs/check.h"
#include "recipes/rlrun.h"
#include "recipes/run.h"

/* One key with the shape that the module sees or gives there; lines stay within a terminal's width. */
static void print_keys(const char *what, const rlc_key *const *keys, int count, const rlc_dict *td) {
    int column = printf("    %-7s", what);
    for (int i = 0; i < count; i++) {
        char text[RLC_SHAPE_TEXT], item[RLC_SHAPE_TEXT + 64];
        const rlc_tensor *tensor = rlc_dict_find_key(td, keys[i]);
        int length =
            snprintf(item, sizeof item, "%s %s%s", keys[i]->name,
                     tensor != NULL ? rlc_shape_text(rlc_shape_of(tensor), text) : "", i + 1 < count ? ", " : "");
        if (column + length > 100 && column > 11) {
            column = printf("\n           ") - 1;
        }
        column += printf("%s", item);
    }
    printf("\n");
}

static void print_parameters(const rlc_module *m) {
    int column = 0;
    for (int i = 0; i < m->num_parameters; i++) {
        char text[RLC_SHAPE_TEXT], item[RLC_SHAPE_TEXT + 128];
        const rlc_parameter_entry *p = &m->model->parameters[m->first_parameter + i];
        int length = snprintf(item, sizeof item, "%s %s%s", p->name + strlen(m->path) + 1,
                              rlc_shape_text(rlc_shape_of(p->tensor), text), i + 1 < m->num_parameters ? ", " : "");
        if (i == 0 || column + length > 100) {
            column = printf("%s    %-7s", i == 0 ? "" : "\n", i == 0 ? "has" : "");
        }
        column += printf("%s", item);
    }
    if (m->num_parameters > 0) {
        printf("\n");
    }
}

static int64_t count_parameters(const rlc_module *m) {
    int64_t total = 0;
    for (int i = 0; i < m->num_parameters; i++) {
        total += m->model->parameters[m->first_parameter + i].tensor->numel;
    }
    return total;
}

/* Runs the module once more for shapes, to show what it gives. */
static void print_module(rlc_module *m) {
    rlc__program_resume(m->model->shapes);
    rlc_dict *td = rlc_dict_clone(m->example);
    rlc_module_call(m, td);
    if (rlc_end(m->model->shapes) != RLC_OK) {
        rlc_error_clear(); /* shown without shapes */
        td = (rlc_dict *)m->example;
    }
    printf("%s  %s", m->path, m->type->base.name);
    int64_t parameters = count_parameters(m);
    if (parameters > 0) {
        printf("  %lld parameters", (long long)parameters);
    }
    printf("\n");
    print_keys("reads", m->in_keys, m->num_in, m->example);
    print_keys("writes", m->out_keys, m->num_out, td);
    print_parameters(m);
}

static void print_env(const rlc_env *env) {
    char action[RLC_SHAPE_TEXT + 64], observation[RLC_SHAPE_TEXT + 64];
    printf("env  %s, %lld at a time: observation %s, action %s\n", env->type->base.name, (long long)env->num_envs,
           rlc_spec_text(&env->observation, observation), rlc_spec_text(&env->action, action));
}

static void print_rest(const rlc_run *run) {
    printf("collector  %s: %lld frames a batch, %lld in all, policy %s\n", run->collector->type->base.name,
           (long long)run->collector->frames_per_batch, (long long)run->collector->total_frames,
           run->collector->policy->path);
    if (run->buffer != NULL) {
        printf("buffer  %s: %lld rows, samples of %lld, keeps", run->buffer->type->base.name,
               (long long)run->buffer->capacity, (long long)run->buffer->batch_size);
        for (int i = 0; i < run->num_wanted; i++) {
            printf("%s %s", i > 0 ? "," : "", run->wanted[i]->name);
        }
        printf("\n");
    }
    if (run->target != NULL) {
        printf("target  %s: every %lld updates\n", run->target->type->base.name, (long long)run->target->every);
    }
    for (int i = 0; i < run->num_optims; i++) {
        int64_t total = 0;
        for (int k = 0; k < run->optims[i]->num_parameters; k++) {
            total += run->model->parameters[run->optims[i]->parameters[k]].tensor->numel;
        }
        printf("optim  %s: %s, %lld parameters\n", run->optims[i]->type->base.name, run->optims[i]->params,
               (long long)total);
    }
}

rlc_status rlrun_check(const rlrun_arguments *a) {
    rlc_run *run;
    RLC_TRY(rlc_run_load(a->target, a->overrides, a->num_overrides, &run));
    rlc_status status = rlc_run_check(run);
    if (status == RLC_OK) {
        status = rlc_check_env_options(run->registry, run->device, (uint64_t)run->recipe.seed, run->recipe.env, 0);
    }
    if (status == RLC_OK && !a->quiet) {
        printf("%s  seed %lld, device %s\n", run->recipe.name, (long long)run->recipe.seed, run->device->name);
        print_env(run->env);
        for (int i = 0; i < run->model->num_modules; i++) {
            print_module(run->model->modules[i]);
        }
        print_rest(run);
        printf("%s: good to train\n", a->target);
    }
    rlc_run_free(run);
    return status;
}
