/* env_loop.h: turns the three functions of an envs/X_step.h into the loop over a batch.
 *
 *     ENV_DISCRETE(cartpole, CARTPOLE)      defines static void cartpole_loop(const rlc_node *node)
 *     ENV_CONTINUOUS(pendulum, PENDULUM)
 *     ENV_GAME(breakout, BREAKOUT)          the same for one whose third function draws its board (envs/board.h)
 *
 * Rows are handled in blocks: actions are decoded, all rows step in one loop without branches, which the compiler turns
 * into vector code, and the few rows that are done are reset one by one. A plug-in's environment uses the same header, and
 * the kernels of a GPU (kernels/cuda/env.cu) use its parts for one row at a time.
 */
#ifndef RLC_ENV_LOOP_H
#define RLC_ENV_LOOP_H

#include <string.h>

#include "core/env_call.h"
#include "envs/board.h"

/* The operands, as pointers. */
typedef struct env_rows {
    const rlc_env_call *call;
    int64_t n;
    const void *action;
    float *state, *episode_return, *next_observation, *reward, *observation;
    double *returns, *lengths;
    int64_t *elapsed, *totals, *counter;
    uint8_t *terminated, *truncated, *done;
} env_rows;

static inline env_rows env_rows_of(const rlc_node *node) {
    rlc_tensor *const *t = node->more;
    env_rows r;
    memset(&r, 0, sizeof r);
    r.call = (const rlc_env_call *)node->aux;
    r.n = r.call->num_envs;
    r.state = (float *)t[RLC_ENV_STATE]->data;
    r.elapsed = (int64_t *)t[RLC_ENV_ELAPSED]->data;
    r.episode_return = (float *)t[RLC_ENV_RETURN]->data;
    r.counter = (int64_t *)t[RLC_ENV_COUNTER]->data;
    r.totals = (int64_t *)t[RLC_ENV_TOTALS]->data;
    r.returns = (double *)t[RLC_ENV_RETURNS]->data;
    r.lengths = (double *)t[RLC_ENV_LENGTHS]->data;
    r.done = (uint8_t *)t[RLC_ENV_DONE]->data;
    r.next_observation = (float *)t[RLC_ENV_NEXT_OBSERVATION]->data;
    if (r.call->mode == RLC_ENV_STEP) {
        r.action = t[RLC_ENV_ACTION]->data;
        r.reward = (float *)t[RLC_ENV_REWARD]->data;
        r.terminated = (uint8_t *)t[RLC_ENV_TERMINATED]->data;
        r.truncated = (uint8_t *)t[RLC_ENV_TRUNCATED]->data;
    } else {
        r.observation = (float *)t[RLC_ENV_OBSERVATION]->data;
    }
    return r;
}

enum { ENV_BLOCK = 256 };

/* Actions of rows [first, first + count) as numbers; of several ones in a one-hot row the first counts. False when one
 * is no action: a number outside of 0 .. actions - 1, a row without a one. */
RLC_INLINE bool env_decode(const env_rows *r, int64_t first, int count, int actions, int *index) {
    const int64_t *action = (const int64_t *)r->action;
    bool good = true;
    if (r->call->encoding == RLC_ACTION_CATEGORICAL) {
        for (int i = 0; i < count; i++) {
            good &= (uint64_t)action[first + i] < (uint64_t)actions;
            index[i] = (int)action[first + i];
        }
    } else if (actions == 2) {
        for (int i = 0; i < count; i++) {
            const int64_t a = action[2 * (first + i)], b = action[2 * (first + i) + 1];
            good &= (a | b) == 1;
            index[i] = a == 0;
        }
    } else {
        for (int i = 0; i < count; i++) {
            const int64_t *row = action + (first + i) * actions;
            int at = 0;
            while (at < actions && row[at] != 1) {
                at++;
            }
            good &= at < actions;
            index[i] = at;
        }
    }
    return good;
}

/* Whether all of `count` numbers of actions are numbers; what is out of bounds, infinities included, is the step function's
 * to clip. */
RLC_INLINE bool env_are_numbers(const float *action, int count) {
    bool good = true;
    for (int i = 0; i < count; i++) {
        good &= action[i] == action[i];
    }
    return good;
}

/* An episode has ended in row i: enters it in the history. */
RLC_INLINE void env_note_episode(const env_rows *r, int64_t i) {
    int64_t episode = r->totals[RLC_ENV_EPISODES]++, at = episode % RLC_ENV_HISTORY;
    double *sum = &r->returns[RLC_ENV_HISTORY];
    *sum += (double)r->episode_return[i] - r->returns[at];
    r->returns[at] = (double)r->episode_return[i];
    r->lengths[at] = (double)r->elapsed[i];
    if (r->totals[RLC_ENV_SOLVED_AT] < 0 && episode + 1 >= RLC_ENV_HISTORY &&
        *sum >= r->call->threshold * RLC_ENV_HISTORY) {
        r->totals[RLC_ENV_SOLVED_AT] = r->totals[RLC_ENV_FRAMES];
    }
}

/* The bookkeeping around a step of row i that knows nothing of the environment: time limit, flags, returns. */
RLC_INLINE void env_finish_row(const env_rows *r, int64_t i, int64_t max_steps) {
    int64_t elapsed = r->elapsed[i] + 1;
    r->elapsed[i] = elapsed;
    r->truncated[i] = elapsed >= max_steps;
    r->done[i] = r->terminated[i] | (elapsed >= max_steps);
    r->episode_return[i] += r->reward[i];
}

static inline int64_t env_max_steps(const env_rows *r) {
    return r->call->max_steps > 0 ? r->call->max_steps : INT64_MAX;
}

static inline void env_finish(const env_rows *r, int64_t first, int count) {
    const int64_t max_steps = env_max_steps(r);
    for (int64_t i = first; i < first + count; i++) {
        env_finish_row(r, i, max_steps);
    }
}

/* What a row shows, where it is one of numbers: a step's, which becomes vector code, and a reset's. */
#define ENV_SHOW_STEP(name, NAME)                                                                                      \
    float observation[NAME##_OBSERVATION];                                                                             \
    name##_observe(state, observation);                                                                                \
    for (int k = 0; k < NAME##_OBSERVATION; k++) {                                                                     \
        r->next_observation[(first + i) * NAME##_OBSERVATION + k] = observation[k];                                    \
    }
#define ENV_SHOW_RESET(name, NAME) name##_observe(state, r->observation + i * NAME##_OBSERVATION);

/* Games are drawn afterwards, all rows of them. */
#define ENV_SHOW_NOTHING(name, NAME)

/* `counter` is that of the random stream, the same for all rows of a reset. */
#define ENV_RESET_ROW(name, NAME, show)                                                                                \
    RLC_INLINE void name##_reset_row(const env_rows *r, int64_t i, int64_t counter) {                                  \
        float state[NAME##_STATE];                                                                                     \
        const rlc_draw draw = {r->call->key, (uint64_t)counter, (uint64_t)i};                                          \
        name##_reset(state, &draw);                                                                                    \
        for (int k = 0; k < NAME##_STATE; k++) {                                                                       \
            r->state[k * r->n + i] = state[k];                                                                         \
        }                                                                                                              \
        show(name, NAME) r->elapsed[i] = 0;                                                                            \
        r->episode_return[i] = 0;                                                                                      \
    }

/* `act` is what the step function gets for row first + i. */
#define ENV_STEP_ROWS(name, NAME, act, show)                                                                           \
    RLC_INDEPENDENT for (int i = 0; i < count; i++) {                                                                  \
        float state[NAME##_STATE], reward;                                                                             \
        for (int k = 0; k < NAME##_STATE; k++) {                                                                       \
            state[k] = r->state[k * r->n + first + i];                                                                 \
        }                                                                                                              \
        r->terminated[first + i] = (uint8_t)name##_step(state, act, &reward);                                          \
        for (int k = 0; k < NAME##_STATE; k++) {                                                                       \
            r->state[k * r->n + first + i] = state[k];                                                                 \
        }                                                                                                              \
        show(name, NAME) r->reward[first + i] = reward;                                                                \
    }

/* What a batch of resets starts from, and what is left to be shown when all rows have moved. */
#define ENV_CARRY(name, NAME)                                                                                          \
    memcpy(r->observation, r->next_observation, (size_t)r->n *NAME##_OBSERVATION * sizeof(float));
#define ENV_DRAW(name, NAME) name##_draw_rows(r);

/* Draws bands [first, last) of the board of row i, as it is now: of rows that no reset touched, the same as before it. */
#define ENV_DRAW_ROW(name, NAME)                                                                                       \
    RLC_INLINE void name##_draw_row(const env_rows *r, int64_t i, int first, int last) {                               \
        float state[NAME##_STATE];                                                                                     \
        uint8_t *pixels = (uint8_t *)(r->call->mode == RLC_ENV_STEP ? r->next_observation : r->observation);           \
        const int picture = (int)r->call->picture;                                                                     \
        const rlc_board board = {pixels + i * board_bytes(picture, NAME##_PLANES), picture, NAME##_PLANES, first,      \
                                 last};                                                                                \
        for (int k = 0; k < NAME##_STATE; k++) {                                                                       \
            state[k] = r->state[k * r->n + i];                                                                         \
        }                                                                                                              \
        name##_draw(state, &board);                                                                                    \
    }

#define ENV_LOOP(name, NAME, carry, draw)                                                                              \
    static void name##_step_all(const rlc_node *node, const env_rows *r) {                                             \
        r->totals[RLC_ENV_FRAMES] += r->n;                                                                             \
        for (int64_t first = 0; first < r->n; first += ENV_BLOCK) {                                                    \
            const int count = r->n - first < ENV_BLOCK ? (int)(r->n - first) : (int)ENV_BLOCK;                         \
            if (!name##_step_rows(r, first, count)) {                                                                  \
                rlc_kernel_fail(node, "an action is none of the environment's");                                       \
                return;                                                                                                \
            }                                                                                                          \
            env_finish(r, first, count);                                                                               \
        }                                                                                                              \
        draw(name, NAME)                                                                                               \
    }                                                                                                                  \
    static void name##_loop(const rlc_node *node) {                                                                    \
        const env_rows rows = env_rows_of(node), *r = &rows;                                                           \
        const bool all = r->call->mode == RLC_ENV_RESET_ALL;                                                           \
        if (r->call->mode == RLC_ENV_STEP) {                                                                           \
            name##_step_all(node, r);                                                                                  \
            return;                                                                                                    \
        }                                                                                                              \
        carry(name, NAME) for (int64_t i = 0; i < r->n; i++) {                                                         \
            if (r->done[i] && !all) {                                                                                  \
                env_note_episode(r, i);                                                                                \
            }                                                                                                          \
            if (r->done[i] || all) {                                                                                   \
                name##_reset_row(r, i, *r->counter);                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        ++*r->counter;                                                                                                 \
        draw(name, NAME)                                                                                               \
    }

#define ENV_DISCRETE_STEP(name, NAME, show)                                                                            \
    static bool name##_step_rows(const env_rows *r, int64_t first, int count) {                                        \
        int action[ENV_BLOCK];                                                                                         \
        if (!env_decode(r, first, count, NAME##_ACTIONS, action)) {                                                    \
            return false;                                                                                              \
        }                                                                                                              \
        ENV_STEP_ROWS(name, NAME, action[i], show)                                                                     \
        return true;                                                                                                   \
    }

#define ENV_DISCRETE(name, NAME)                                                                                       \
    ENV_RESET_ROW(name, NAME, ENV_SHOW_RESET)                                                                          \
    ENV_DISCRETE_STEP(name, NAME, ENV_SHOW_STEP)                                                                       \
    ENV_LOOP(name, NAME, ENV_CARRY, ENV_SHOW_NOTHING)

#define ENV_GAME(name, NAME)                                                                                           \
    ENV_RESET_ROW(name, NAME, ENV_SHOW_NOTHING)                                                                        \
    ENV_DISCRETE_STEP(name, NAME, ENV_SHOW_NOTHING)                                                                    \
    ENV_DRAW_ROW(name, NAME)                                                                                           \
    static void name##_draw_rows(const env_rows *r) {                                                                  \
        for (int64_t i = 0; i < r->n; i++) {                                                                           \
            name##_draw_row(r, i, 0, BOARD_SIDE);                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    ENV_LOOP(name, NAME, ENV_SHOW_NOTHING, ENV_DRAW)

#define ENV_CONTINUOUS(name, NAME)                                                                                     \
    ENV_RESET_ROW(name, NAME, ENV_SHOW_RESET)                                                                          \
    static bool name##_step_rows(const env_rows *r, int64_t first, int count) {                                        \
        const float *action = (const float *)r->action + first * NAME##_ACTIONS;                                       \
        if (!env_are_numbers(action, count * NAME##_ACTIONS)) {                                                        \
            return false;                                                                                              \
        }                                                                                                              \
        ENV_STEP_ROWS(name, NAME, action + (int64_t)i * NAME##_ACTIONS, ENV_SHOW_STEP)                                 \
        return true;                                                                                                   \
    }                                                                                                                  \
    ENV_LOOP(name, NAME, ENV_CARRY, ENV_SHOW_NOTHING)

#endif
