/* frame_skip.c: each action is repeated, and the rewards added up. Transforms before this one see every repetition, those
 * after it only the last. Rows whose episode ends on the way stay there (TorchRL's go on); their step is a shorter one.
 *
 * The environment's own time limit and statistics of lengths count repetitions; frames do not.
 */
#include "envs/keys.h"
#include "envs/transform.h"

typedef struct FrameSkipTransform {
    rlc_transform base;
    int frame_skip;
} FrameSkipTransform;

static const rlc_option options[] = {
    RLC_INT(FrameSkipTransform, frame_skip, 1, 1, 1000, "how often each action is given"),
    {0},
};

/* What the environment counts itself, as it is before a repetition. */
typedef struct counts {
    rlc_tensor *elapsed, *episode_return, *totals;
} counts;

static counts note(const rlc_env *env) {
    return (counts){rlc_clone(env->elapsed), rlc_clone(env->episode_return), rlc_clone(env->totals)};
}

/* Rows that had ended did not take part, and a repetition is no frame. */
static void put_back(rlc_env *env, const counts *before, rlc_tensor *ended) {
    ended = rlc_reshape(ended, RLC_SHAPE(env->num_envs));
    rlc_assign(env->elapsed, rlc_where(ended, before->elapsed, env->elapsed));
    rlc_assign(env->episode_return, rlc_where(ended, before->episode_return, env->episode_return));
    rlc_assign(env->totals, before->totals);
}

static rlc_tensor *add_reward(rlc_tensor *sum, rlc_tensor *reward, rlc_tensor *ended) {
    return rlc_where(ended, sum, rlc_add(sum, reward));
}

typedef struct merging {
    rlc_dict *next;
    rlc_tensor *ended;
} merging;

static void merge(const rlc_key *key, rlc_tensor *later, void *data) {
    const merging *m = data;
    rlc_tensor *before = rlc_dict_get_key(m->next, key), *ended = rlc_transform_rows(m->ended, later);
    rlc_dict_set_key(m->next, key,
                     key == rlc__env_keys()->reward ? add_reward(before, later, ended)
                                                    : rlc_where(ended, before, later));
}

/* What a repetition starts from: the step so far, moved on. */
static const rlc_dict *lift(const rlc_dict *td, rlc_dict *next) {
    rlc_dict *so_far = rlc_dict_clone(td);
    rlc_dict *lifted = NULL;
    if (so_far != NULL) {
        rlc_dict_set_dict_key(so_far, rlc__env_keys()->next, next);
        lifted = rlc_step_mdp(so_far);
    }
    if (lifted != NULL) {
        rlc_dict_set_key(lifted, rlc__env_keys()->action, rlc_dict_find_key(td, rlc__env_keys()->action));
    }
    return lifted;
}

static void repeat(const rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    rlc_env *env = self->env;
    rlc_tensor *ended = rlc_dict_get_key(next, rlc__env_keys()->done);
    rlc_tensor *last = env->last, *reward = env->reward, *pixels = env->pixels;
    const rlc_dict *from = lift(td, next);
    const counts before = note(env);
    const rlc_dict *later = from != NULL ? rlc__env_advance(env, from, self->index) : NULL;
    if (later == NULL) {
        return;
    }
    put_back(env, &before, ended);
    rlc_dict_each(later, merge, &(merging){next, ended});
    env->last = rlc_where(ended, last, env->last);
    env->pixels = pixels != NULL ? rlc_where(rlc_transform_rows(ended, pixels), pixels, env->pixels) : NULL;
    env->reward = add_reward(reward, env->reward, ended);
}

static void step(rlc_transform *self, const rlc_dict *td, rlc_dict *next) {
    for (int i = 1; i < ((FrameSkipTransform *)self)->frame_skip; i++) {
        repeat(self, td, next);
    }
}

static void init(rlc_transform *self, rlc_env *env) {
    (void)env;
    self->times = ((FrameSkipTransform *)self)->frame_skip;
}

const rlc_transform_class rlc_frame_skip_class = {
    .base = RLC_CLASS("transform", FrameSkipTransform, .doc = "repeats each action and adds up the rewards",
                      .options = options),
    .init = init,
    .step = step,
};
