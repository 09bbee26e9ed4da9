/* run.c: building a run from its recipe. */
#include "recipes/run.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/buffer_transforms.h"
#include "core/record.h"
#include "recipes/builtin.h"
#include "recipes/log_line.h"

const rlc_option rlc__train_options[] = {
    RLC_LONG(rlc_train_options, optim_steps_per_batch, 1, 1, 1e9,
             "updates after each batch, from samples of the buffer"),
    RLC_LONG(rlc_train_options, epochs, 1, 1, 1e6, "passes over each batch where there is no buffer",
             .alias = "num_epochs"),
    RLC_LONG(rlc_train_options, minibatch_size, 0, 0, 1e9, "rows of an update in those passes; 0 for the whole batch",
             .alias = "mini_batch_size|sub_batch_size"),
    {0},
};

const rlc_option rlc__eval_options[] = {
    {.name = "policy",
     .type = RLC_OPTION_MODULE,
     .offset = offsetof(rlc_eval_options, policy_name),
     .required = true,
     .help = "the module that is evaluated"},
    RLC_LONG(rlc_eval_options, every, 0, 0, 1e15, "frames between evaluations; 0 for one at the end"),
    RLC_LONG(rlc_eval_options, episodes, 10, 1, 1e6, "episodes of an evaluation"),
    RLC_LONG(rlc_eval_options, seed, 0, 0, 9007199254740992.0, "of the fixed starts"),
    RLC_LONG(rlc_eval_options, max_steps, 100000, 1, 1e12,
             "steps after which an episode that does not end is an error"),
    {0},
};

const rlc_option rlc__log_options[] = {
    RLC_LONG(rlc_log_options, every, 0, 0, 1e15, "frames between two lines of the log; 0 for 50 lines in a run",
             .alias = "log_interval"),
    {0},
};

const rlc_option rlc__checkpoint_options[] = {
    RLC_LONG(rlc_checkpoint_options, every, 0, 0, 1e15, "frames between two; 0 for ten in a run",
             .alias = "save_trainer_interval"),
    RLC_BOOL_OPTION(rlc_checkpoint_options, buffer, true, "save the replay buffer too; a resume is exact only with it"),
    {0},
};

static rlc_status require(const rlc_run *run, const rlc_value *section, const char *name) {
    return section != NULL && section->kind != RLC_NULL
               ? RLC_OK
               : rlc_value_fail(run->recipe.root, "recipe: the section '%s' is missing", name);
}

static bool has(const rlc_value *section) {
    return section != NULL && section->kind != RLC_NULL;
}

static rlc_status build_env(rlc_run *run) {
    rlc_recipe *r = &run->recipe;
    RLC_TRY(rlc_recipe_load_plugins(r, run->registry));
    RLC_TRY(require(run, r->env, "env"));
    RLC_TRY(rlc_recipe_resolve(r, "env", NULL));
    RLC_TRY(rlc_env_new(run->registry, run->device, (uint64_t)r->seed, "env", r->env, &run->env));
    RLC_TRY(rlc_recipe_resolve(r, NULL, run->env));
    return rlc_recipe_locate_state_dicts(r);
}

static rlc_status read_options(rlc_run *run) {
    rlc_recipe *r = &run->recipe;
    RLC_TRY(rlc_options_apply(&r->arena, "train", r->train, &run->train, rlc__train_options, NULL));
    RLC_TRY(rlc_options_apply(&r->arena, "log", r->log, &run->log, rlc__log_options, NULL));
    RLC_TRY(rlc_options_apply(&r->arena, "checkpoint", r->checkpoint, &run->checkpoint, rlc__checkpoint_options, NULL));
    if (has(r->eval)) {
        RLC_TRY(rlc_options_apply(&r->arena, "eval", r->eval, &run->eval, rlc__eval_options, NULL));
    }
    return RLC_OK;
}

static bool writes(const rlc_module *m, const rlc_key *key) {
    for (int i = 0; m != NULL && i < m->num_out; i++) {
        if (m->out_keys[i] == key) {
            return true;
        }
    }
    return false;
}

static rlc_status declare_evaluated(rlc_run *run) {
    const rlc_value *name = run->eval.policy_name;
    RLC_TRY(rlc_model_refer(run->model, "eval.policy", name, &run->eval_policy));
    return writes(run->eval_policy, rlc_key_intern("action"))
               ? RLC_OK
               : rlc_value_fail(name, "eval: the policy %s writes no 'action'", run->eval_policy->path);
}

/* Declares all modules, the advantage and the loss, for the example that the environment gives. */
static rlc_status declare(rlc_run *run) {
    const rlc_recipe *r = &run->recipe;
    rlc_program *shapes;
    RLC_TRY(require(run, r->modules, "modules"));
    RLC_TRY(rlc_model_new(run->registry, run->device, (uint64_t)r->seed, &run->model));
    run->model->awaits_checkpoint = run->awaits_checkpoint;
    RLC_TRY(rlc_program_new(run->device, "example", &shapes));
    rlc_dict *example = rlc_env_example(run->env, shapes);
    if (example != NULL) {
        rlc_model_expect(run->model, &run->env->observation, &run->env->action, example);
    }
    rlc_status status = rlc_error_status();
    if (status == RLC_OK) {
        status = rlc_model_define(run->model, r->modules);
    }
    if (status == RLC_OK && has(r->advantage)) {
        status = rlc_model_build(run->model, "module", "advantage", r->advantage, &run->advantage);
    }
    if (status == RLC_OK) {
        status = require(run, r->loss, "loss");
    }
    if (status == RLC_OK) {
        rlc_module *loss;
        status = rlc_model_build(run->model, "loss", "loss", r->loss, &loss);
        run->loss = status == RLC_OK ? (rlc_loss *)loss : NULL;
        run->sequences = status == RLC_OK && rlc_module_is_recurrent(loss);
    }
    if (status == RLC_OK && has(r->eval)) {
        status = declare_evaluated(run);
    }
    rlc_program_free(shapes);
    return status;
}

static void want(rlc_run *run, const rlc_key *key) {
    for (int i = 0; i < run->num_wanted; i++) {
        if (run->wanted[i] == key) {
            return;
        }
    }
    run->wanted[run->num_wanted++] = key;
}

/* In place of what a buffer's transforms write, it keeps what they read. */
static rlc_status find_sources(rlc_run *run) {
    const rlc_value *options = run->recipe.buffer;
    rlc_buffer_transforms *transforms;
    RLC_TRY(rlc_buffer_transforms_new(run->registry, run->device, options, &transforms));
    if (transforms != NULL) {
        rlc_buffer_transforms_sources(transforms, options, run->wanted, &run->num_wanted, RLC_COUNT(run->wanted));
        rlc_buffer_transforms_free(transforms);
    }
    return rlc_error_status();
}

/* What the loss and the advantage read, but for what the advantage itself writes: the buffer keeps this, what it needs
 * itself, and when episodes ended if it adds up rewards or a sequence goes over them, and no more. */
static rlc_status find_wanted(rlc_run *run) {
    const rlc_value *options = run->recipe.buffer;
    for (int i = 0; i < run->loss->base.num_in; i++) {
        if (!writes(run->advantage, run->loss->base.in_keys[i])) {
            want(run, run->loss->base.in_keys[i]);
        }
    }
    for (int i = 0; run->advantage != NULL && i < run->advantage->num_in; i++) {
        want(run, run->advantage->in_keys[i]);
    }
    if (run->sequences) {
        want(run, rlc_key_intern("next.done"));
    }
    if (!has(options)) {
        return RLC_OK;
    }
    const rlc_buffer_class *type =
        (const rlc_buffer_class *)rlc_registry_type_of(run->registry, "buffer", "buffer", options);
    for (int i = 0; type != NULL && i < RLC_COUNT(type->reads) && type->reads[i] != NULL; i++) {
        want(run, rlc_key_intern(type->reads[i]));
    }
    if (has(rlc_value_find(options, "multi_step"))) {
        want(run, rlc_key_intern("next.done"));
    }
    return rlc_error_status() == RLC_OK ? find_sources(run) : rlc_error_status();
}

static rlc_status build_buffer(rlc_run *run) {
    const rlc_recipe *r = &run->recipe;
    rlc_model *model = run->model;
    rlc__program_resume(model->shapes);
    rlc_dict *kept = rlc_dict_select(model->example, run->wanted, run->num_wanted);
    rlc_status status = rlc_end(model->shapes);
    if (status == RLC_OK) {
        status = rlc_buffer_new(run->registry, run->device, (uint64_t)r->seed, r->buffer, kept, &run->buffer);
    }
    if (status == RLC_OK && run->advantage != NULL && run->buffer->slice_len == 0) {
        return rlc_value_fail(r->advantage,
                              "advantage: %s needs steps in their order: a buffer that samples slices "
                              "(SliceReplayBuffer), or none",
                              run->advantage->type->base.name);
    }
    if (status == RLC_OK && run->collector->frames_per_batch > run->buffer->capacity) {
        return rlc_value_fail(r->buffer, "buffer: its capacity (%lld) is below collector.frames_per_batch (%lld)",
                              (long long)run->buffer->capacity, (long long)run->collector->frames_per_batch);
    }
    return status;
}

/* Without a buffer each batch is walked through in minibatches, of frames or of whole sequences. */
static rlc_status build_minibatches(rlc_run *run) {
    int64_t frames = run->collector->frames_per_batch, unit = run->sequences ? frames / run->env->num_envs : 1;
    const rlc_recipe *r = &run->recipe;
    if (run->train.minibatch_size == 0) {
        run->train.minibatch_size = frames;
    }
    if (run->train.minibatch_size % unit != 0) {
        return rlc_value_fail(r->train,
                              "train: minibatch_size (%lld) must be a multiple of the %lld steps that each "
                              "environment makes in a batch: a recurrent network learns from sequences",
                              (long long)run->train.minibatch_size, (long long)unit);
    }
    if (frames % run->train.minibatch_size != 0) {
        return rlc_value_fail(r->train, "train: minibatch_size (%lld) must divide collector.frames_per_batch (%lld)",
                              (long long)run->train.minibatch_size, (long long)frames);
    }
    run->shuffle = rlc_state_stream(&run->state, run->device, (uint64_t)r->seed, "shuffle");
    run->order = rlc_state_tensor(&run->state, run->device, "order", RLC_I64, RLC_SHAPE(frames / unit));
    run->place = rlc_state_tensor(&run->state, run->device, "place", RLC_I64, (rlc_shape){0});
    return rlc_error_status();
}

static rlc_status build_optims(rlc_run *run) {
    const rlc_value *section = run->recipe.optim;
    RLC_TRY(require(run, section, "optim"));
    bool list = section->kind == RLC_LIST;
    run->num_optims = 0;
    if (list && section->count == 0) {
        return rlc_value_fail(section, "optim: the list is empty: nothing would be trained");
    }
    run->frames_view =
        rlc_tensor_over(run->device, RLC_I64, (rlc_shape){0}, (int64_t *)run->env->totals->data + RLC_ENV_FRAMES);
    if (run->frames_view == NULL) {
        return rlc_error_status();
    }
    for (int i = 0; i < (list ? section->count : 1); i++) {
        if (i == RLC_MAX_OPTIMS) {
            return rlc_value_fail(section, "optim: more than %d optimisers", RLC_MAX_OPTIMS);
        }
        RLC_TRY(rlc_optim_new(run->loss, list ? section->items[i] : section, run->frames_view,
                              run->collector->total_frames, &run->optims[i]));
        run->num_optims++;
    }
    return RLC_OK;
}

static void add_sum(const rlc_key *key, rlc_tensor *tensor, void *data) {
    rlc_run *run = data;
    (void)tensor;
    if (run->num_sums == RLC_MAX_SUMS) {
        rlc_fail(RLC_INVALID, "%s: gives more than %d numbers", run->loss->base.path, RLC_MAX_SUMS);
        return;
    }
    char *name = rlc_arena_printf(&run->state.arena, "loss.%s", key->name);
    char *count = rlc_arena_printf(&run->state.arena, "loss.%s.updates", key->name);
    if (name != NULL && count != NULL) {
        rlc_tensor *total = rlc_state_tensor(&run->state, run->device, name, RLC_F64, (rlc_shape){0});
        run->loss_sum = strcmp(key->name, "loss") == 0 ? total : run->loss_sum;
        run->sums[run->num_sums++] = (rlc_running_sum){key, name, total, rlc_state_counter(&run->state, count)};
    }
}

/* Calls the loss once for shapes, to learn which numbers it gives. */
static rlc_status build_sums(rlc_run *run) {
    rlc_model *model = run->model;
    rlc__program_resume(model->shapes);
    rlc_dict *out = rlc_loss_call(run->loss, rlc_dict_clone(model->example));
    rlc_status status = rlc_end(model->shapes);
    if (status != RLC_OK) {
        return status;
    }
    if (rlc_dict_find(out, "loss") == NULL) {
        return rlc_value_fail(run->recipe.loss, "loss: %s gives no 'loss'", run->loss->base.type->base.name);
    }
    rlc_dict_each(out, add_sum, run);
    return rlc_error_status();
}

static rlc_status make_programs(rlc_run *run) {
    const struct {
        const char *name;
        rlc_program **program;
    } programs[] = {{"collect", &run->collecting}, {"update", &run->updating}, {"evaluate", &run->evaluating}};
    for (int i = 0; i < RLC_COUNT(programs); i++) {
        RLC_TRY(rlc_program_new(run->device, programs[i].name, programs[i].program));
        if (rlc_set_precision(*programs[i].program, (rlc_precision)run->recipe.precision) != RLC_OK) {
            rlc_value_locate(rlc_value_find(run->recipe.root, "precision"));
            return rlc_error_status();
        }
    }
    return RLC_OK;
}

static rlc_status build(rlc_run *run) {
    const rlc_recipe *r = &run->recipe;
    RLC_TRY(rlc_registry_new(&run->registry));
    if (rlc_device_open(r->device, &run->device) != RLC_OK) {
        rlc_value_locate(rlc_value_find(r->root, "device"));
        return rlc_error_status();
    }
    RLC_TRY(make_programs(run));
    RLC_TRY(build_env(run));
    RLC_TRY(read_options(run));
    RLC_TRY(declare(run));
    RLC_TRY(rlc__pictures_read(run));
    RLC_TRY(require(run, r->collector, "collector"));
    RLC_TRY(rlc_collector_new(run->model, run->env, r->collector, &run->collector));
    RLC_TRY(find_wanted(run));
    RLC_TRY(build_sums(run));
    RLC_TRY(rlc_model_allocate(run->model));
    RLC_TRY(has(r->buffer) ? build_buffer(run) : build_minibatches(run));
    if (has(r->target)) {
        RLC_TRY(rlc_target_new(run->loss, r->target, &run->target));
    }
    RLC_TRY(build_optims(run));
    run->loss->frames = run->frames_view;
    run->loss->total_frames = run->collector->total_frames;
    run->updates = rlc_state_counter(&run->state, "updates");
    int64_t total = run->collector->total_frames;
    run->log.every = run->log.every > 0 ? run->log.every : (total + 49) / 50;
    run->checkpoint.every = run->checkpoint.every > 0 ? run->checkpoint.every : (total + 9) / 10;
    run->pictures.every = run->pictures.every > 0 ? run->pictures.every : (total + 9) / 10;
    return rlc_log_line_new(run, &run->line);
}

/* Builds what `run->recipe` says; frees the run if that fails. */
static rlc_status finish(rlc_run *run, rlc_status status, rlc_run **out) {
    if (status == RLC_OK) {
        status = build(run);
    }
    if (status != RLC_OK) {
        rlc_run_free(run);
        return status;
    }
    *out = run;
    return RLC_OK;
}

static rlc_status load(const char *path, const char *const *overrides, int count, bool awaits_checkpoint,
                       rlc_run **out) {
    rlc_run *run = rlc_calloc(1, sizeof *run);
    if (run == NULL) {
        return rlc_error_status();
    }
    run->awaits_checkpoint = awaits_checkpoint;
    return finish(run, rlc_recipe_load(path, overrides, count, &run->recipe), out);
}

rlc_status rlc_run_load(const char *path, const char *const *overrides, int count, rlc_run **out) {
    return load(path, overrides, count, false, out);
}

rlc_status rlc_run_load_for_checkpoint(const char *path, const char *const *overrides, int count, rlc_run **out) {
    return load(path, overrides, count, true, out);
}

/* One batch of random actions where the recipe has them, one of the policy, an update, a look at the evaluation, a picture. */
static rlc_status rehearse(rlc_run *run) {
    rlc_collector *c = run->collector;
    if (c->init_random_frames > 0) {
        RLC_TRY(rlc_run_iterate(run));
        *c->frames = c->init_random_frames;
    }
    do { /* the first return of several steps takes as many */
        RLC_TRY(rlc_run_iterate(run));
    } while (run->buffer != NULL && rlc_buffer_is_waiting(run->buffer));
    RLC_TRY(run->eval_policy != NULL ? rlc_run_try_evaluation(run) : RLC_OK);
    return run->pictures.module != NULL ? rlc__pictures_draw(run, NULL) : RLC_OK;
}

rlc_status rlc_run_check(const rlc_run *run) {
    rlc_run *copy = rlc_calloc(1, sizeof *copy);
    if (copy == NULL) {
        return rlc_error_status();
    }
    RLC_TRY(finish(copy, rlc_recipe_clone(&run->recipe, &copy->recipe), &copy));
    rlc_status status = rehearse(copy);
    rlc_run_free(copy);
    return status;
}

void rlc_run_free(rlc_run *run) {
    if (run == NULL) {
        return;
    }
    rlc_program_free(run->collecting);
    rlc_program_free(run->updating);
    rlc_program_free(run->evaluating);
    rlc_log_line_free(run->line);
    for (int i = 0; i < run->num_optims; i++) {
        rlc_optim_free(run->optims[i]);
    }
    rlc_tensor_free(run->frames_view);
    rlc_target_free(run->target);
    rlc_buffer_free(run->buffer);
    rlc_collector_free(run->collector);
    rlc_model_free(run->model);
    rlc_env_free(run->eval_env);
    rlc_env_free(run->env);
    rlc_state_free(&run->state);
    rlc_registry_free(run->registry);
    rlc_recipe_free(&run->recipe);
    free(run);
}

rlc_module *rlc_run_module(const rlc_run *run, const char *name) {
    return rlc_model_find(run->model, name);
}

const char *rlc_run_place(const rlc_run *run, char text[RLC_PLACE_TEXT]) {
    const char *precision = rlc_precision_name((rlc_precision)run->recipe.precision);
    bool plain = run->recipe.precision == RLC_PRECISION_F32;
    snprintf(text, RLC_PLACE_TEXT, "%s%s%s", run->device->name, plain ? "" : ", precision ", plain ? "" : precision);
    return text;
}
