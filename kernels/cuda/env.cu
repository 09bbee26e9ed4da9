/* env.cu: the built-in environments, a thread for each row: the same functions of envs/X_step.h, and the same bookkeeping
 * (kernels/cpu/env_loop.h), as on the CPU. */
#include "envs/acrobot_step.h"
#include "envs/breakout_step.h"
#include "envs/cartpole_step.h"
#include "envs/catch_step.h"
#include "envs/mountain_car_continuous_step.h"
#include "envs/mountain_car_step.h"
#include "envs/pendulum_step.h"
#include "envs/pong_step.h"
#include "kernels/cpu/env_loop.h"
#include "kernels/cuda/backend.cuh"

/* A step's or a reset's argument: the operands, and what the call says. */
typedef struct batch {
    env_rows rows;
    rlc_env_call call;
    int64_t max_steps;
} batch;

static batch batch_of(const rlc_node *node) {
    batch b;
    b.rows = env_rows_of(node);
    b.call = *b.rows.call;
    b.max_steps = env_max_steps(&b.rows);
    return b;
}

/* The episodes that have ended go into the history one by one, in the order of the rows, each into the sum that the one
 * before has left. So one block does it, and what a thread then has to wait for is in the block's own memory: all threads
 * look for rows that are done, of which many episodes can end in one step, and bring them and the history there; the first
 * thread notes them. Moves the counter on. */
enum { ROWS_EACH = 8, ROWS_AT_ONCE = ROWS_EACH * RLC_BLOCK };

/* How many of the block's counts are those of threads before this one; `count` becomes the number of all. */
static __device__ __forceinline__ int counted_before(int *count, int *room) {
    const int thread = (int)threadIdx.x, mine = *count;
    room[thread] = mine;
    __syncthreads();
    for (int width = 1; width < RLC_BLOCK; width *= 2) {
        const int before = thread >= width ? room[thread - width] : 0;
        __syncthreads();
        room[thread] += before;
        __syncthreads();
    }
    *count = room[RLC_BLOCK - 1];
    return room[thread] - mine;
}

/* The history, to the block's memory or back. */
static __device__ __forceinline__ void copy_history(const env_rows *to, const env_rows *from) {
    const int thread = (int)threadIdx.x;
    for (int i = thread; i <= RLC_ENV_HISTORY; i += RLC_BLOCK) {
        to->returns[i] = from->returns[i];
        if (i < RLC_ENV_HISTORY) {
            to->lengths[i] = from->lengths[i];
        }
    }
    if (thread < RLC_ENV_NUM_TOTALS) {
        to->totals[thread] = from->totals[thread];
    }
}

static __global__ void note_episodes(batch b) {
    RLC_SHARED(double, returns, RLC_ENV_HISTORY + 1);
    RLC_SHARED(double, lengths, RLC_ENV_HISTORY);
    RLC_SHARED(int64_t, totals, RLC_ENV_NUM_TOTALS);
    RLC_SHARED(int64_t, elapsed, ROWS_AT_ONCE);
    RLC_SHARED(float, episode_return, ROWS_AT_ONCE);
    RLC_SHARED(int, room, RLC_BLOCK);
    const int thread = (int)threadIdx.x;
    const env_rows *r = &b.rows;
    env_rows here = b.rows; /* row i is the i-th that is done */
    here.call = &b.call;
    here.returns = returns;
    here.lengths = lengths;
    here.totals = totals;
    here.elapsed = elapsed;
    here.episode_return = episode_return;
    copy_history(&here, r);
    for (int64_t base = 0; base < r->n && b.call.mode == RLC_ENV_RESET; base += ROWS_AT_ONCE) {
        const int64_t first = base + thread * ROWS_EACH;
        const int64_t last = first + ROWS_EACH < r->n ? first + ROWS_EACH : r->n;
        int count = 0;
        for (int64_t i = first; i < last; i++) {
            count += r->done[i] != 0;
        }
        int at = counted_before(&count, room);
        for (int64_t i = first; i < last; i++) {
            if (r->done[i]) {
                elapsed[at] = r->elapsed[i];
                episode_return[at++] = r->episode_return[i];
            }
        }
        __syncthreads();
        for (int i = 0; i < count && thread == 0; i++) {
            env_note_episode(&here, i);
        }
        __syncthreads();
    }
    copy_history(r, &here);
    if (thread == 0) {
        ++*r->counter;
    }
}

/* The launches for numbers: after note_episodes, which has moved the counter on, and before what is left to be shown. */
#define ENV_CARRY_KERNEL(name, NAME)                                                                                   \
    for (int k = 0; k < NAME##_OBSERVATION; k++) {                                                                     \
        r->observation[i * NAME##_OBSERVATION + k] = r->next_observation[i * NAME##_OBSERVATION + k];                  \
    }
#define ENV_DRAW_LAUNCH(name, NAME)                                                                                    \
    RLC_LAUNCH(node, name##_draw_kernel, rlc_blocks_for(b.rows.n *BOARD_SIDE), RLC_BLOCK, b);

/* `act` is what the step function gets for a row, if `good` says that it can; `show` and `show_reset` are a row's numbers,
 * `draw` the launch that draws a game's board. */
#define ENV_KERNELS(name, NAME, decode, good, act, show, show_reset, carry, draw)                                      \
    ENV_RESET_ROW(name, NAME, show_reset)                                                                              \
    static __global__ void name##_step_kernel(rlc_site site, batch b) {                                                \
        const env_rows *r = &b.rows;                                                                                   \
        const int count = 1;                                                                                           \
        b.rows.call = &b.call;                                                                                         \
        RLC_FOR_EACH(first, r->n) {                                                                                    \
            decode;                                                                                                    \
            if (!(good)) {                                                                                             \
                rlc_raise(site, RLC_FAULT_ACTION, first, 0, 0);                                                        \
                continue;                                                                                              \
            }                                                                                                          \
            ENV_STEP_ROWS(name, NAME, act, show)                                                                       \
            env_finish_row(r, first, b.max_steps);                                                                     \
        }                                                                                                              \
        if (blockIdx.x == 0 && threadIdx.x == 0) {                                                                     \
            r->totals[RLC_ENV_FRAMES] += r->n;                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static __global__ void name##_reset_kernel(batch b) {                                                              \
        const env_rows *r = &b.rows;                                                                                   \
        const bool all = b.call.mode == RLC_ENV_RESET_ALL;                                                             \
        b.rows.call = &b.call;                                                                                         \
        RLC_FOR_EACH(i, r->n) {                                                                                        \
            carry(name, NAME)                                                                                          \
            if (r->done[i] || all) {                                                                                   \
                name##_reset_row(r, i, *r->counter - 1);                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void run_##name(const rlc_node *node) {                                                                     \
        const batch b = batch_of(node);                                                                                \
        if (b.call.mode == RLC_ENV_STEP) {                                                                             \
            RLC_LAUNCH(node, name##_step_kernel, rlc_blocks_for(b.rows.n), RLC_BLOCK, rlc_site_of(node), b);           \
        } else {                                                                                                       \
            RLC_LAUNCH(node, note_episodes, 1, RLC_BLOCK, b);                                                          \
            RLC_LAUNCH(node, name##_reset_kernel, rlc_blocks_for(b.rows.n), RLC_BLOCK, b);                             \
        }                                                                                                              \
        draw(name, NAME)                                                                                               \
    }

#define ENV_KERNELS_DISCRETE(name, NAME)                                                                               \
    ENV_KERNELS(name, NAME, int action[1], env_decode(r, first, count, NAME##_ACTIONS, action), action[i],             \
                ENV_SHOW_STEP, ENV_SHOW_RESET, ENV_CARRY_KERNEL, ENV_SHOW_NOTHING)
#define ENV_KERNELS_CONTINUOUS(name, NAME)                                                                             \
    ENV_KERNELS(name, NAME, const float *action = (const float *)r->action + first * NAME##_ACTIONS,                   \
                env_are_numbers(action, NAME##_ACTIONS), action + (int64_t)i * NAME##_ACTIONS, ENV_SHOW_STEP,          \
                ENV_SHOW_RESET, ENV_CARRY_KERNEL, ENV_SHOW_NOTHING)

/* A thread draws one row of a board's cells. */
#define ENV_KERNELS_GAME(name, NAME)                                                                                   \
    ENV_DRAW_ROW(name, NAME)                                                                                           \
    static __global__ void name##_draw_kernel(batch b) {                                                               \
        b.rows.call = &b.call;                                                                                         \
        RLC_FOR_EACH(i, b.rows.n *BOARD_SIDE) {                                                                        \
            const int y = (int)(i % BOARD_SIDE);                                                                       \
            name##_draw_row(&b.rows, i / BOARD_SIDE, y, y + 1);                                                        \
        }                                                                                                              \
    }                                                                                                                  \
    ENV_KERNELS(name, NAME, int action[1], env_decode(r, first, count, NAME##_ACTIONS, action), action[i],             \
                ENV_SHOW_NOTHING, ENV_SHOW_NOTHING, ENV_SHOW_NOTHING, ENV_DRAW_LAUNCH)

ENV_KERNELS_DISCRETE(cartpole, CARTPOLE)
ENV_KERNELS_DISCRETE(acrobot, ACROBOT)
ENV_KERNELS_DISCRETE(mountain_car, MOUNTAIN_CAR)
ENV_KERNELS_CONTINUOUS(mountain_car_continuous, MOUNTAIN_CAR_CONTINUOUS)
ENV_KERNELS_CONTINUOUS(pendulum, PENDULUM)
ENV_KERNELS_GAME(catch, CATCH)
ENV_KERNELS_GAME(breakout, BREAKOUT)
ENV_KERNELS_GAME(pong, PONG)

void rlc__cuda_env(rlc_device *device) {
    rlc__device_name_kernel(device, "env.CartPole", run_cartpole);
    rlc__device_name_kernel(device, "env.Acrobot", run_acrobot);
    rlc__device_name_kernel(device, "env.MountainCar", run_mountain_car);
    rlc__device_name_kernel(device, "env.MountainCarContinuous", run_mountain_car_continuous);
    rlc__device_name_kernel(device, "env.Pendulum", run_pendulum);
    rlc__device_name_kernel(device, "env.Catch", run_catch);
    rlc__device_name_kernel(device, "env.Breakout", run_breakout);
    rlc__device_name_kernel(device, "env.Pong", run_pong);
}
