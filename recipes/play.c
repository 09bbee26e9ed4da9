#include "recipes/play.h"

#include "collectors/rollout.h"
#include "core/record.h"
#include "envs/render.h"

/* One environment at work. */
typedef struct stage {
    rlc_run *run;
    rlc_play *play;
    rlc_env *env;
} stage;

/* Hands over a picture of the open program, once what draws it has run. */
static rlc_status show(const stage *s, rlc_tensor *pixels) {
    RLC_TRY(rlc__flush(s->run->evaluating));
    return s->play->show(s->play->data, s->env, pixels->data);
}

static rlc_status start(const stage *s) {
    rlc_env_keep(s->env, rlc__run_start(s->run, s->env));
    RLC_TRY(rlc_error_status());
    return show(s, s->env->first_pixels);
}

/* One step, and its picture: of where it led to, and if that is an episode's end, of where the next one starts. */
static rlc_status step(const stage *s) {
    rlc_play *p = s->play;
    rlc_dict *td = rlc_env_kept(s->env);
    rlc_env_keep(s->env, rlc_rollout_step(s->env, s->run->eval_policy, td));
    const bool done = rlc_item(rlc_dict_get(td, "next.done")) != 0;
    p->total_return += rlc_item(s->env->reward);
    p->steps++;
    p->ended += done;
    RLC_TRY(rlc_error_status());
    RLC_TRY(show(s, s->env->pixels));
    return done && p->ended < p->episodes ? show(s, s->env->first_pixels) : RLC_OK;
}

/* Records and runs one program. */
static rlc_status perform(const stage *s, rlc_status (*part)(const stage *s)) {
    rlc_begin(s->run->evaluating);
    rlc_set_exploration(RLC_EXPLORE_DETERMINISTIC);
    rlc_no_grad(true);
    const rlc_status status = part(s), ended = rlc_end(s->run->evaluating);
    return status != RLC_OK ? status : ended;
}

static rlc_status play_episodes(const stage *s) {
    const rlc_play *p = s->play;
    RLC_TRY(perform(s, start));
    while (p->ended < p->episodes) {
        const int64_t ended = p->ended, last = p->steps + s->run->eval.max_steps;
        while (p->ended == ended) {
            if (p->steps >= last) {
                return rlc__episode_too_long(s->run);
            }
            RLC_TRY(perform(s, step));
        }
    }
    return RLC_OK;
}

rlc_status rlc_run_play(rlc_run *run, rlc_play *play) {
    stage s = {.run = run, .play = play};
    RLC_TRY(rlc__require_eval_policy(run));
    static const char *const changes[][2] = {{"num_envs", "1"}};
    rlc_status status = rlc__run_env(run, play->seed, changes, RLC_COUNT(changes), &s.env);
    status = status == RLC_OK ? rlc_env_draw_steps(s.env) : status;
    status = status == RLC_OK ? play_episodes(&s) : status;
    rlc_env_free(s.env);
    return status;
}
