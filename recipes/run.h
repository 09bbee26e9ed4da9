/* run.h: a recipe brought to life: environment, modules, collector, buffer, loss, optimisers, wired together.
 *
 *     rlc_run *run;
 *     RLC_TRY(rlc_run_load("recipes/dqn.yaml", NULL, 0, &run));
 *     RLC_TRY(rlc_run_train(run, NULL));
 *     rlc_module *policy = rlc_run_module(run, "policy");
 *     rlc_run_free(run);
 *
 * A run is built in three phases. The environment comes first, so that the recipe can refer to its properties. Then all
 * modules and the loss are declared, which checks keys and shapes, and get their memory. Last, a second instance goes
 * once through everything that training will do (rlc_run_check), so that what is wrong is found before training begins.
 */
#ifndef RLC_RUN_H
#define RLC_RUN_H

#include "collectors/buffer.h"
#include "collectors/collector.h"
#include "objectives/loss.h"
#include "objectives/optim.h"
#include "objectives/target.h"
#include "recipes/pictures.h"
#include "recipes/recipe.h"

RLC_BEGIN

/* The sections train, eval, log and checkpoint. */
typedef struct rlc_train_options {
    int64_t optim_steps_per_batch, epochs, minibatch_size;
} rlc_train_options;

typedef struct rlc_eval_options {
    const rlc_value *policy_name;
    int64_t every, episodes, seed, max_steps;
} rlc_eval_options;

typedef struct rlc_log_options {
    int64_t every;
} rlc_log_options;

typedef struct rlc_checkpoint_options {
    int64_t every;
    bool buffer;
} rlc_checkpoint_options;

extern const rlc_option rlc__train_options[], rlc__eval_options[], rlc__log_options[], rlc__checkpoint_options[];

/* Means of what a loss gives, between two lines of the log. */
typedef struct rlc_running_sum {
    const rlc_key *key;
    const char *name;  /* "loss.loss" */
    rlc_tensor *total; /* float64 */
    int64_t *updates;  /* that gave it: a delayed actor's loss comes with some only */
} rlc_running_sum;

enum { RLC_MAX_OPTIMS = 16, RLC_MAX_SUMS = 32 };

typedef struct rlc_log_line rlc_log_line; /* log_line.h */

struct rlc_run {
    rlc_recipe recipe;
    rlc_registry *registry;
    rlc_device *device;
    rlc_env *env, *eval_env;
    rlc_model *model;
    rlc_collector *collector;
    rlc_buffer *buffer;    /* NULL: batches are used once, in minibatches */
    rlc_module *advantage; /* or NULL */
    rlc_loss *loss;
    rlc_target *target;      /* or NULL */
    rlc_module *eval_policy; /* or NULL */
    rlc_optim *optims[RLC_MAX_OPTIMS];
    int num_optims;
    rlc_train_options train;
    rlc_eval_options eval;
    rlc_log_options log;
    rlc_checkpoint_options checkpoint;
    rlc_pictures pictures;
    rlc_program *collecting, *updating, *evaluating;
    bool awaits_checkpoint; /* built for one that is loaded next */
    bool sequences;         /* the loss has recurrent networks: it sees steps in their order, not rows one by one */
    const rlc_key *wanted[2 * RLC_MAX_KEYS + 8]; /* the entries of a batch that anybody reads */
    int num_wanted;
    rlc_state state;
    int64_t *updates; /* so far */
    rlc_running_sum sums[RLC_MAX_SUMS];
    int num_sums;
    const rlc_tensor *loss_sum; /* the total of loss.loss */
    rlc_stream *shuffle;        /* of minibatches */
    rlc_tensor *order, *place;  /* int64: the rows of a batch in random order, and where the next minibatch begins */
    rlc_tensor *frames_view;
    rlc_log_line *line;
};

/* Reads a recipe, with overrides such as "loss.gamma=0.95", and builds it. */
rlc_status rlc_run_load(const char *path, const char *const *overrides, int count, rlc_run **run);
void rlc_run_free(rlc_run *run);

/* The same for whoever loads a checkpoint into it next (files.h): the files that options `state_dict` name, with which it
 * once began, are not read, so they may be gone. */
rlc_status rlc_run_load_for_checkpoint(const char *path, const char *const *overrides, int count, rlc_run **run);

/* The module that the recipe calls `name`, or NULL. */
rlc_module *rlc_run_module(const rlc_run *run, const char *name);

/* Where it runs, for people: "cpu", or "cuda:0, precision tf32". */
enum { RLC_PLACE_TEXT = 64 };
const char *rlc_run_place(const rlc_run *run, char text[RLC_PLACE_TEXT]);

/* Builds the same recipe once more and goes through all that training does: a batch of random actions and one of the
 * policy, an update, the targets, an evaluation's first steps, a picture. */
rlc_status rlc_run_check(const rlc_run *run);

/* Collects one batch and learns from it as often as the recipe says. */
rlc_status rlc_run_iterate(rlc_run *run);

/* Fails, with its name, where a number that the loss gave is NaN or infinite: any of them since the last line of the log;
 * after an update, where the loss is on the host; any trained parameter or buffer, or what a transform has learned. A
 * checkpoint is written only if all are finite. */
rlc_status rlc_run_check_losses(const rlc_run *run);
rlc_status rlc_run_check_update(const rlc_run *run);
rlc_status rlc_run_check_parameters(const rlc_run *run);

/* The error they give: "NAME became nan before frame N". */
rlc_status rlc_run_refuse(const char *name, double value, int64_t frame);

/* What an evaluation found. */
typedef struct rlc_evaluation {
    int64_t episodes;
    double return_mean, return_std, length_mean;
    double *returns; /* of each episode, for the caller to free; NULL unless asked for */
} rlc_evaluation;

/* Plays the given number of episodes from fixed starts, the same every time and for every seed of the recipe, with the
 * policy of the eval section under deterministic exploration. */
rlc_status rlc_run_evaluate(rlc_run *run, int64_t episodes, bool keep_returns, rlc_evaluation *result);

/* Plays only the first steps of an evaluation. */
rlc_status rlc_run_try_evaluation(rlc_run *run);

/* For those who play with the policy of the eval section (evaluate.c, play.c): an environment like the one that is trained
 * in, but for some of its options, {"num_envs", "1"}; and what can be wrong with that. */
rlc_status rlc__run_env(const rlc_run *run, int64_t seed, const char *const (*changes)[2], int count, rlc_env **env);
rlc_dict *rlc__run_start(const rlc_run *run,
                         rlc_env *env); /* a reset with what was learned, and the same draws each time */
rlc_status rlc__require_eval_policy(const rlc_run *run);
rlc_status rlc__episode_too_long(const rlc_run *run);

/* Every tensor that the run must keep to go on, under unique names ("env.state", "optim.0.exp_avg"). The list lies in
 * the arena. */
rlc_status rlc_run_state(const rlc_run *run, rlc_arena *arena, rlc_named_tensor **list, int *count);

/* Trained parameters and buffers of modules, and what transforms have learned, under PyTorch's names. */
rlc_status rlc_run_parameters(const rlc_run *run, rlc_arena *arena, rlc_named_tensor **list, int *count);

/* Where and how a run leaves its files; see files.h. */
typedef struct rlc_output rlc_output;

/* Trains to the end, or until a signal, writing to `output` (NULL: nothing is written). */
rlc_status rlc_run_train(rlc_run *run, rlc_output *output);

RLC_END

#endif
