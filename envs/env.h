/* env.h: a batch of environments that step together, and reset themselves where an episode ends.
 *
 * Everything has the batch shape [num_envs]. A step reads `action` and writes under `next`: observation, reward [N, 1]
 * float32, and bool [N, 1] terminated (the task ended), truncated (time ran out) and done (either). The last observation
 * of an episode stays under `next`; the dict that the next step starts from has the first one of the new episode. What a
 * policy has written under `next` before the step (the state of a recurrent network) stays there, too. A game (game.h)
 * shows its picture, uint8 [N, H, W, C] under `pixels`, in place of `observation`.
 *
 *     rlc_env *env;
 *     RLC_TRY(rlc_env_make(registry, cpu, seed, "{type: CartPole, num_envs: 8}", &env));
 *     rlc_begin(program);
 *     rlc_dict *td = rlc_env_reset(env);
 *     for (int t = 0; t < 100; t++) {
 *         rlc_dict_set(td, "action", rlc_spec_sample(&env->action, RLC_SHAPE(8), stream));
 *         td = rlc_env_step(env, td);
 *     }
 *     rlc_end(program);
 *
 * With `device: cpu` it runs on the host while the rest is on a GPU. Its own state lies in memory that both reach; actions
 * come down and what it observed goes up through pinned memory, in order with everything else, so nobody waits at a step
 * and a recorded list is replayed as a whole. Transforms stay on the GPU.
 *
 * With `from_pixels: true` there is also `pixels`, uint8 [N, height, width, 3]: a picture of the state, drawn on the CPU
 * behind each step and reset (render.h); with `pixels_only: true` as well it takes the place of the observation, or of a
 * game's own pixels.
 *
 * An environment of your own is three functions and a class: see env_loop.h and cartpole.c, or for a game
 * breakout.c.
 */
#ifndef RLC_ENV_H
#define RLC_ENV_H

#include "core/class.h"
#include "core/env_call.h"
#include "core/state.h"
#include "tensordict/dict.h"
#include "tensordict/spec.h"

RLC_BEGIN

typedef struct rlc_env rlc_env;
typedef struct rlc_transform rlc_transform;
typedef struct rlc_renderer rlc_renderer;

typedef struct rlc_env_class {
    rlc_class base;
    int state_size, observation_size;
    int planes;      /* of a game, the planes of its picture (board.h); 0 for what shows numbers */
    int num_actions; /* discrete actions, or 0 */
    int action_size; /* of a continuous action, in [action_low, action_high] */
    double action_low, action_high;
    int64_t max_steps;  /* an episode is truncated after so many, unless the recipe says otherwise; 0 for never */
    double threshold;   /* mean return over 100 episodes that counts as solved; NAN for none */
    rlc_kernel *kernel; /* the loop over the batch (env_loop.h); NULL where the device has one called "env.NAME" */
    /* of its pictures: 0 where it has none, and how many of them show a second */
    int frame_height, frame_width, frames_per_second;
    /* draws a state into uint8 [frame_height, frame_width, 3]; NULL where rlc_draw.so has a scene of the class's name */
    void (*render)(const float *state, uint8_t *rgb);
    bool host_fallback; /* where the device has none, `kernel` may run on the host: each step waits for copies */
} rlc_env_class;

struct rlc_env {
    const rlc_env_class *type;
    rlc_device *device;
    int64_t num_envs, max_episode_steps;
    int action_encoding;
    const char *place; /* the option `device`, or NULL */
    int picture; /* rlc_picture, of a game */
    bool from_pixels, pixels_only;
    bool steps_draw; /* for from_pixels, or for rlc_env_draw_steps */
    const rlc_value *transform_options;
    rlc_spec observation, action, pixels_spec;
    rlc_arena arena;
    rlc_state state;
    rlc_kernel *kernel, *host_kernel;   /* what a node runs; what that calls on the host when the rest is elsewhere */
    rlc_stream *stream, *action_stream; /* of resets, and of actions drawn from the spec */
    rlc_tensor *states, *elapsed, *episode_return, *totals, *returns, *lengths;
    rlc_tensor *flags_down; /* bool [N, 1], all false: the flags that a step starts from */
    rlc_transform **transforms;
    int num_transforms;
    rlc_state learned; /* by transforms: statistics, without which a policy is worth nothing; part of a checkpoint */
    bool frozen;       /* they learn no more: rlc_env_follow */
    const rlc_key *observed; /* the entry that `observation` describes */
    const rlc_key *shown;    /* the entry that the environment itself writes, before transforms, */
    rlc_spec shown_spec;     /* and what that is */
    /* of the step that was recorded last, as the environment itself has them, before transforms */
    rlc_tensor *taken, *last, *reward; /* action, observation, reward */
    rlc_tensor *pixels, *first_pixels; /* what the step led to, and what the next one starts from: of a reset, both */
    rlc_renderer *renderer;            /* NULL before the first picture */
    rlc_dict *carried;                 /* roots that hold a dict from one program to the next */
};

/* Builds an environment and its transforms from a recipe's options. `name` names its random stream. */
rlc_status rlc_env_new(const rlc_registry *registry, rlc_device *device, uint64_t seed, const char *name,
                       const rlc_value *options, rlc_env **env);

/* The same from text: "{type: CartPole, num_envs: 8}". */
rlc_status rlc_env_make(const rlc_registry *registry, rlc_device *device, uint64_t seed, const char *options,
                        rlc_env **env);
void rlc_env_free(rlc_env *env);

/* Records a reset of all environments; returns what the first step starts from. */
rlc_dict *rlc_env_reset(rlc_env *env);

/* Records a step. Reads td's action, writes td's `next`, and returns what the next step starts from: step_mdp of td,
 * where rows that are done have been reset. */
rlc_dict *rlc_env_step(rlc_env *env, rlc_dict *td);

/* Keeps a dict that a step returned for another program to go on from, and gets it back there. Before the first `keep`
 * it is that of a reset. */
void rlc_env_keep(rlc_env *env, const rlc_dict *td);
rlc_dict *rlc_env_kept(rlc_env *env);

/* Records that `env` takes over what the transforms of `trained`, an environment from the same options, have learned, and
 * that its own learn nothing: for the environment in which a policy is evaluated. */
void rlc_env_follow(rlc_env *env, const rlc_env *trained);

/* One step's dict with everything in it, shapes only: what modules are built for. */
rlc_dict *rlc_env_example(rlc_env *env, rlc_program *shapes);

/* TorchRL's step_mdp: td without action, reward and done flags, with the entries of `next` but its reward lifted over
 * it. */
rlc_dict *rlc_step_mdp(const rlc_dict *td);

/* What training has seen so far. Means are over the last 100 episodes, NAN before the first one has ended. */
typedef struct rlc_env_stats {
    int64_t frames, episodes;
    int64_t solved_at; /* frames at which the mean return first reached the threshold, or -1 */
    double return_mean, length_mean;
} rlc_env_stats;
rlc_status rlc_env_read_stats(const rlc_env *env, rlc_env_stats *stats);

/* The same from copies of env->totals, env->returns and env->lengths. */
rlc_env_stats rlc_env_stats_of(const int64_t *totals, const double *returns, const double *lengths);

/* The options that every environment has. */
extern const rlc_option rlc__env_options[];

RLC_END

#endif
