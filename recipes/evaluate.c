/* evaluate.c: how good the policy is: episodes from fixed starts, side by side. */
#include <math.h>
#include <stdlib.h>

#include "collectors/rollout.h"
#include "core/record.h"
#include "recipes/run.h"

/* Steps between two looks at whether all episodes have ended: a look costs a GPU a stop. Where steps draw pictures, which
 * happens on the CPU alone, a program of many steps would hold as many of them. */
enum { CHUNK = 32 };

static int chunk_of(const rlc_env *env) {
    return env->from_pixels ? 1 : CHUNK;
}

rlc_status rlc__run_env(const rlc_run *run, int64_t seed, const char *const (*changes)[2], int count, rlc_env **env) {
    rlc_arena arena = {0};
    rlc_value *options = rlc_value_clone(&arena, run->recipe.env);
    rlc_status status = options != NULL ? RLC_OK : rlc_error_status();
    for (int i = 0; i < count && status == RLC_OK; i++) {
        rlc_value *value = rlc_value_text(&arena, "eval", changes[i][1]);
        status = value != NULL ? rlc_value_put(&arena, options, changes[i][0], value) : rlc_error_status();
    }
    if (status == RLC_OK) {
        status = rlc_env_new(run->registry, run->device, (uint64_t)seed, "eval", options, env);
    }
    rlc_arena_free(&arena);
    return status;
}

/* A row for each episode. Starts come from a seed of their own, the same for every seed of the recipe. */
static rlc_status make_env(rlc_run *run, int64_t episodes) {
    if (run->eval_env != NULL && run->eval_env->num_envs == episodes) {
        return RLC_OK;
    }
    rlc_env_free(run->eval_env);
    run->eval_env = NULL;
    char count[32];
    snprintf(count, sizeof count, "%lld", (long long)episodes);
    const char *const changes[][2] = {{"num_envs", count}};
    return rlc__run_env(run, run->eval.seed, changes, RLC_COUNT(changes), &run->eval_env);
}

rlc_status rlc__require_eval_policy(const rlc_run *run) {
    return run->eval_policy != NULL ? RLC_OK
                                    : rlc_value_fail(run->recipe.root, "recipe: the section 'eval' is missing: which "
                                                                       "policy is to be evaluated?");
}

rlc_status rlc__episode_too_long(const rlc_run *run) {
    return rlc_fail(RLC_FAILED,
                    "eval: an episode has not ended within %lld steps; set env.max_episode_steps, or raise "
                    "eval.max_steps",
                    (long long)run->eval.max_steps);
}

/* What is known of each episode so far: roots, because it goes on from program to program. */
typedef struct tally {
    rlc_tensor *returns, *lengths, *ended; /* [episodes, 1] */
} tally;

static rlc_status make_tally(rlc_run *run, rlc_state *state, int64_t episodes, tally *t) {
    rlc_shape shape = RLC_SHAPE(episodes, 1);
    t->returns = rlc_state_tensor(state, run->device, "returns", RLC_F32, shape);
    t->lengths = rlc_state_tensor(state, run->device, "lengths", RLC_F32, shape);
    t->ended = rlc_state_tensor(state, run->device, "ended", RLC_BOOL, shape);
    return rlc_error_status();
}

/* Adds a step to the episodes that have not ended. What counts is the environment's own reward, whatever transforms make
 * of it for those who learn. */
static void count_step(const tally *t, const rlc_env *env, const rlc_dict *td) {
    rlc_tensor *going = rlc_cast(rlc_logical_not(t->ended), RLC_F32);
    rlc_assign(t->returns, rlc_add(t->returns, rlc_mul(going, env->reward)));
    rlc_assign(t->lengths, rlc_add(t->lengths, going));
    rlc_assign(t->ended, rlc_logical_or(t->ended, rlc_dict_get(td, "next.done")));
}

rlc_dict *rlc__run_start(const rlc_run *run, rlc_env *env) {
    rlc_env_follow(env, run->env);
    rlc_assign(env->stream->counter, rlc_zeros(RLC_I64, RLC_SHAPE(1)));
    return rlc_env_reset(env);
}

/* Plays a few steps, the first chunk from the start. */
static rlc_status play(rlc_run *run, const tally *t, bool first, bool *all_ended) {
    rlc_env *env = run->eval_env;
    rlc_begin(run->evaluating);
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    rlc_no_grad(true);
    rlc_dict *td = first ? rlc__run_start(run, env) : rlc_env_kept(env);
    for (int i = 0; i < chunk_of(env) && td != NULL; i++) {
        rlc_dict *now = td;
        td = rlc_rollout_step(env, run->eval_policy, now);
        count_step(t, env, now);
    }
    rlc_env_keep(env, td);
    *all_ended = rlc_item(rlc_all(t->ended, RLC_ALL, false)) != 0;
    return rlc_end(run->evaluating);
}

static rlc_status summarise(const tally *t, int64_t episodes, bool keep, rlc_evaluation *result) {
    float *values = rlc_calloc((size_t)episodes, sizeof *values);
    double *returns = rlc_calloc((size_t)episodes, sizeof *returns);
    if (values == NULL || returns == NULL) {
        free(values);
        free(returns);
        return rlc_error_status();
    }
    double length = 0, total = 0, squares = 0;
    rlc_status status = rlc_tensor_read(t->lengths, values);
    for (int64_t i = 0; i < episodes; i++) {
        length += (double)values[i];
    }
    status = status == RLC_OK ? rlc_tensor_read(t->returns, values) : status;
    for (int64_t i = 0; i < episodes; i++) {
        returns[i] = (double)values[i];
        total += returns[i];
    }
    double count = (double)episodes, mean = total / count;
    for (int64_t i = 0; i < episodes; i++) {
        squares += (returns[i] - mean) * (returns[i] - mean);
    }
    *result = (rlc_evaluation){.episodes = episodes,
                               .return_mean = mean,
                               .return_std = sqrt(squares / count),
                               .length_mean = length / count,
                               .returns = keep ? returns : NULL};
    free(values);
    if (!keep) {
        free(returns);
    }
    return status;
}

rlc_status rlc_run_try_evaluation(rlc_run *run) {
    RLC_TRY(make_env(run, run->eval.episodes));
    rlc_state state = {0};
    tally t;
    bool all_ended;
    rlc_status status = make_tally(run, &state, run->eval.episodes, &t);
    status = status == RLC_OK ? play(run, &t, true, &all_ended) : status;
    if (status != RLC_OK) {
        rlc_error_prefix("evaluation of %lld episodes side by side: ", (long long)run->eval.episodes);
    }
    rlc_state_free(&state);
    return status;
}

rlc_status rlc_run_evaluate(rlc_run *run, int64_t episodes, bool keep_returns, rlc_evaluation *result) {
    RLC_TRY(rlc__require_eval_policy(run));
    RLC_TRY(make_env(run, episodes));
    rlc_state state = {0};
    tally t;
    rlc_status status = make_tally(run, &state, episodes, &t);
    bool all_ended = false;
    for (int64_t steps = 0; status == RLC_OK && !all_ended; steps += chunk_of(run->eval_env)) {
        if (steps > run->eval.max_steps) {
            status = rlc__episode_too_long(run);
            break;
        }
        status = play(run, &t, steps == 0, &all_ended);
    }
    if (status == RLC_OK) {
        status = summarise(&t, episodes, keep_returns, result);
    }
    rlc_state_free(&state);
    return status;
}
