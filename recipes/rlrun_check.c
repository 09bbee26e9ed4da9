/* rlrun_check.c: building a recipe and rehearsing it, and showing how it is wired. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/record.h"
#include "envs/check.h"
#include "envs/transform.h"
#include "recipes/rlrun.h"
#include "recipes/run.h"

/* Text that grows; what does not fit is left out. */
typedef struct cell {
    char text[4096];
    size_t length;
} cell;

static void add(cell *c, const char *format, ...) RLC_PRINTF(2, 3);
static void add(cell *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(c->text + c->length, sizeof c->text - c->length, format, args);
    va_end(args);
    c->length += length > 0 ? (size_t)length : 0;
    c->length = c->length < sizeof c->text ? c->length : sizeof c->text - 1;
}

/* One key a line, with the shape that the module sees or gives there. */
static void add_keys(cell *c, const rlc_key *const *keys, int count, const rlc_dict *td, const rlc_dict *numbers) {
    for (int i = 0; i < count; i++) {
        char text[RLC_SHAPE_TEXT];
        const rlc_tensor *tensor = td != NULL ? rlc_dict_find_key(td, keys[i]) : NULL;
        tensor = tensor == NULL && numbers != NULL ? rlc_dict_find_key(numbers, keys[i]) : tensor;
        add(c, "%s%s %s", i > 0 ? "\n" : "", keys[i]->name,
            tensor != NULL ? rlc_shape_text(rlc_shape_of(tensor), text) : "");
    }
}

static int64_t count_own(const rlc_module *m) {
    int64_t total = 0;
    for (int i = 0; i < m->num_parameters; i++) {
        total += m->model->parameters[m->first_parameter + i].tensor->numel;
    }
    return total;
}

static bool is_below(const char *path, const char *above) {
    size_t length = strlen(above);
    return strncmp(path, above, length) == 0 && path[length] == '.';
}

/* Members stand indented below what they are members of, where that is shown right above. */
static void add_path(cell *c, const rlc_module *m, const char *above[RLC_MAX_NESTING], int *depth) {
    while (*depth > 0 && !is_below(m->path, above[*depth - 1])) {
        --*depth;
    }
    add(c, "%*s%s", 2 * *depth, "", *depth > 0 ? m->path + strlen(above[*depth - 1]) + 1 : m->path);
    if (*depth < RLC_MAX_NESTING) {
        above[(*depth)++] = m->path;
    }
}

/* Runs each module once more for shapes, to show what it gives. */
static void print_modules(const rlc_run *run) {
    rlrun_table t = {.num_columns = 5, .right = {[4] = true}};
    const char *above[RLC_MAX_NESTING];
    int depth = 0;
    rlrun_table_row(&t, "module", "class", "reads", "writes", "size");
    for (int i = 0; i < run->model->num_modules; i++) {
        rlc_module *m = run->model->modules[i];
        cell path = {.length = 0}, reads = {.length = 0}, writes = {.length = 0}, size = {.length = 0};
        rlc__program_resume(run->model->shapes);
        rlc_dict *td = rlc_dict_clone(m->example), *numbers = NULL;
        if (m == &run->loss->base) {
            numbers = rlc_loss_call(run->loss, td);
        } else {
            rlc_module_call(m, td);
        }
        if (rlc_end(run->model->shapes) != RLC_OK) {
            rlc_error_clear(); /* shown without shapes */
            td = NULL;
        }
        add_path(&path, m, above, &depth);
        add_keys(&reads, m->in_keys, m->num_in, m->example, NULL);
        add_keys(&writes, m->out_keys, m->num_out, td, numbers);
        if (m->num_parameters > 0) {
            add(&size, "%lld", (long long)count_own(m));
        }
        rlrun_table_row(&t, path.text, m->type->base.name, reads.text, writes.text, size.text);
    }
    rlrun_table_print(&t, stdout);
}

/* Which optimisers train a parameter, or that it follows as part of a target network. */
static bool add_trainers(cell *c, const rlc_run *run, int parameter) {
    bool trained = false;
    for (int i = 0; i < run->num_optims; i++) {
        for (int k = 0; k < run->optims[i]->num_parameters; k++) {
            if (run->optims[i]->parameters[k] == parameter) {
                add(c, run->num_optims > 1 ? "%soptim.%d" : "%soptim", trained ? ", " : "", i);
                trained = true;
            }
        }
    }
    if (!trained) {
        bool follows = run->model->parameters[parameter].copy_of >= 0;
        add(c, "%s", !follows ? "nothing" : run->target != NULL ? "target" : "a copy that stays");
    }
    return trained;
}

static void print_parameters(const rlc_run *run) {
    rlrun_table t = {.num_columns = 4, .right = {[2] = true}};
    int64_t total = 0, trained = 0;
    char bytes[16];
    rlrun_table_row(&t, "parameter", "shape", "size", "changed by");
    for (int i = 0; i < run->model->num_parameters; i++) {
        const rlc_parameter_entry *p = &run->model->parameters[i];
        char shape[RLC_SHAPE_TEXT], size[32];
        cell by = {.length = 0};
        snprintf(size, sizeof size, "%lld", (long long)p->tensor->numel);
        trained += add_trainers(&by, run, i) ? p->tensor->numel : 0;
        total += p->tensor->numel;
        rlrun_table_row(&t, p->name, rlc_shape_text(rlc_shape_of(p->tensor), shape), size, by.text);
    }
    rlrun_table_print(&t, stdout);
    printf("\n%lld parameters in all (%s), %lld of them trained\n", (long long)total,
           rlc_bytes_text((double)total * sizeof(float), bytes), (long long)trained);
}

static void add_env(rlrun_table *t, const rlc_env *env) {
    char spec[RLC_SHAPE_TEXT + 64];
    cell c = {.length = 0};
    add(&c, "%s, %lld at a time", env->type->base.name, (long long)env->num_envs);
    if (env->host_kernel != NULL) {
        add(&c, ", on the host");
    }
    if (env->max_episode_steps > 0) {
        add(&c, ", episodes of at most %lld steps", (long long)env->max_episode_steps);
    }
    add(&c, "\nobservation %s", rlc_spec_text(&env->observation, spec));
    if (env->from_pixels && !env->pixels_only) {
        add(&c, "\npixels %s", rlc_spec_text(&env->pixels_spec, spec));
    }
    add(&c, ", action %s", rlc_spec_text(&env->action, spec));
    for (int i = 0; i < env->num_transforms; i++) {
        add(&c, "%s%s", i == 0 ? "\ntransforms " : ", ", env->transforms[i]->type->base.name);
    }
    rlrun_table_row(t, "env", c.text);
}

static void add_collector(rlrun_table *t, const rlc_collector *k) {
    cell c = {.length = 0};
    add(&c, "%s: %lld frames a batch, %lld in all", k->type->base.name, (long long)k->frames_per_batch,
        (long long)k->total_frames);
    if (k->init_random_frames > 0) {
        add(&c, ", the first %lld random", (long long)k->init_random_frames);
    }
    add(&c, "\npolicy %s", k->policy->path);
    rlrun_table_row(t, "collector", c.text);
}

static void count_bytes(const rlc_key *key, rlc_tensor *tensor, void *data) {
    (void)key;
    *(double *)data += (double)tensor->numel * (double)rlc_dtype_size((rlc_dtype)tensor->dtype);
}

static void add_buffer(rlrun_table *t, const rlc_run *run) {
    cell c = {.length = 0};
    char text[16];
    double bytes = 0;
    if (run->buffer == NULL) {
        return;
    }
    rlc_dict_each(run->buffer->storage, count_bytes, &bytes);
    add(&c, "%s: %lld rows (%s when full) in samples of %lld", run->buffer->type->base.name,
        (long long)run->buffer->capacity, rlc_bytes_text(bytes, text), (long long)run->buffer->batch_size);
    if (run->buffer->slice_len > 0) {
        add(&c, ", slices of %lld", (long long)run->buffer->slice_len);
    }
    add(&c, "\nkeeps ");
    for (int i = 0; i < run->num_wanted; i++) {
        add(&c, "%s%s", i > 0 ? ", " : "", run->wanted[i]->name);
    }
    rlrun_table_row(t, "buffer", c.text);
}

static void add_loss(rlrun_table *t, const rlc_run *run) {
    cell c = {.length = 0};
    add(&c, "%s", run->loss->base.type->base.name);
    for (int i = 0; i < run->num_sums; i++) {
        add(&c, "%s%s", i == 0 ? ": gives " : ", ", run->sums[i].key->name);
    }
    rlrun_table_row(t, "loss", c.text);
    if (run->target == NULL) {
        return;
    }
    c.length = 0;
    add(&c, run->target->every > 1 ? "%s: every %lld updates" : "%s: after every update", run->target->type->base.name,
        (long long)run->target->every);
    for (int i = 0; i < run->loss->num_targets; i++) {
        add(&c, "\n%s follows %s", run->loss->targets[i].target->path, run->loss->targets[i].online->path);
    }
    rlrun_table_row(t, "target", c.text);
}

static void add_optims(rlrun_table *t, const rlc_run *run) {
    for (int i = 0; i < run->num_optims; i++) {
        const rlc_optim *o = run->optims[i];
        char name[32];
        cell c = {.length = 0};
        int64_t total = 0;
        for (int k = 0; k < o->num_parameters; k++) {
            total += run->model->parameters[o->parameters[k]].tensor->numel;
        }
        snprintf(name, sizeof name, run->num_optims > 1 ? "optim.%d" : "optim", i);
        add(&c, "%s: %s, %lld parameters, lr %g", o->type->base.name, o->params, (long long)total,
            rlc_schedule_start(o->schedule));
        if (rlc_schedule_changes(o->schedule)) {
            add(&c, ", %s", o->schedule->type->base.name);
        }
        if (o->max_grad_norm > 0) {
            add(&c, ", gradient clipped to norm %g", o->max_grad_norm);
        }
        rlrun_table_row(t, name, c.text);
    }
}

static void add_training(rlrun_table *t, const rlc_run *run) {
    cell c = {.length = 0};
    if (run->buffer != NULL) {
        add(&c, "%lld %s after each batch", (long long)run->train.optim_steps_per_batch,
            run->train.optim_steps_per_batch > 1 ? "updates" : "update");
    } else {
        add(&c, "%lld epochs over each batch, in minibatches of %lld", (long long)run->train.epochs,
            (long long)run->train.minibatch_size);
    }
    rlrun_table_row(t, "train", c.text);
    if (run->eval_policy != NULL) {
        c.length = 0;
        add(&c, "%s, %lld episodes ", run->eval_policy->path, (long long)run->eval.episodes);
        add(&c, run->eval.every > 0 ? "every %lld frames and at the end" : "at the end", (long long)run->eval.every);
        rlrun_table_row(t, "eval", c.text);
    }
    if (run->pictures.module != NULL) {
        c.length = 0;
        add(&c, "%s, %d x %d samples every %lld frames and at the end", run->pictures.module->path, run->pictures.rows,
            run->pictures.columns, (long long)run->pictures.every);
        rlrun_table_row(t, "pictures", c.text);
    }
}

static void print_parts(const rlc_run *run) {
    rlrun_table t = {.num_columns = 2};
    rlrun_table_row(&t, "part", "what it does");
    add_env(&t, run->env);
    add_collector(&t, run->collector);
    add_buffer(&t, run);
    if (run->advantage != NULL) {
        rlrun_table_row(&t, "advantage", run->advantage->type->base.name);
    }
    add_loss(&t, run);
    add_optims(&t, run);
    add_training(&t, run);
    rlrun_table_print(&t, stdout);
}

rlc_status rlrun_check(const rlrun_arguments *a) {
    rlc_run *run;
    RLC_TRY(rlc_run_load(a->target, a->overrides, a->num_overrides, &run));
    /* first the environment: what is wrong with it would turn up in the loss, too, and tell less there */
    rlc_status status =
        rlc_check_env_options(run->registry, run->device, (uint64_t)run->recipe.seed, run->recipe.env, 0);
    status = status == RLC_OK ? rlc_run_check(run) : status;
    if (status == RLC_OK && !a->quiet) {
        char place[RLC_PLACE_TEXT];
        printf("%s, seed %lld, on %s\n\n", run->recipe.name, (long long)run->recipe.seed, rlc_run_place(run, place));
        print_parts(run);
        printf("\n");
        print_modules(run);
        printf("\n");
        print_parameters(run);
        printf("%s: good to train\n", a->target);
        status = rlc_error_status();
    }
    rlc_run_free(run);
    return status;
}
