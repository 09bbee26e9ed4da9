/* env_call.h: what an environment's nodes ask of their kernel.
 *
 * A step of a batch of environments is two nodes of the same kernel: RLC_ENV_STEP moves all rows on and says which are
 * done; then, after transforms had their say about that, RLC_ENV_RESET starts the done rows anew. Operands are
 * node->more, in the order of rlc_env_operand; state is a structure of arrays, element k of row i at [k * num_envs + i].
 */
#ifndef RLC_ENV_CALL_H
#define RLC_ENV_CALL_H

#include "core/philox.h"
#include "core/program.h"

typedef enum rlc_env_operand {
    RLC_ENV_STATE,            /* float32 [state_size, N] */
    RLC_ENV_ELAPSED,          /* int64 [N]: steps since the episode began */
    RLC_ENV_RETURN,           /* float32 [N]: reward since the episode began */
    RLC_ENV_COUNTER,          /* int64 [1]: of the random stream; one for each reset of the batch */
    RLC_ENV_TOTALS,           /* int64 [RLC_ENV_NUM_TOTALS] */
    RLC_ENV_RETURNS,          /* float64 [RLC_ENV_HISTORY + 1]: returns of the last episodes, a ring, and their sum */
    RLC_ENV_LENGTHS,          /* float64 [RLC_ENV_HISTORY]: their lengths */
    RLC_ENV_DONE,             /* bool [N, 1]: written by a step, read by a reset */
    RLC_ENV_NEXT_OBSERVATION, /* float32 [N, observation_size], or the pixels of a game (envs/board.h): what the step led
                               * to, the last of an episode included */
    /* of a step */
    RLC_ENV_ACTION,     /* int64 [N], one-hot int64 [N, n], or float32 [N, dim] */
    RLC_ENV_REWARD,     /* float32 [N, 1] */
    RLC_ENV_TERMINATED, /* bool [N, 1] */
    RLC_ENV_TRUNCATED,
    RLC_ENV_STEP_OPERANDS,
    /* of a reset */
    RLC_ENV_OBSERVATION = RLC_ENV_ACTION, /* like NEXT_OBSERVATION: what the next step starts from */
    RLC_ENV_RESET_OPERANDS
} rlc_env_operand;

enum { RLC_ENV_HISTORY = 100 };
enum { RLC_ENV_FRAMES, RLC_ENV_EPISODES, RLC_ENV_SOLVED_AT, RLC_ENV_NUM_TOTALS };

typedef enum rlc_action_encoding {
    RLC_ACTION_ONE_HOT,
    RLC_ACTION_CATEGORICAL,
    RLC_ACTION_CONTINUOUS
} rlc_action_encoding;

typedef enum rlc_env_mode { RLC_ENV_STEP, RLC_ENV_RESET, RLC_ENV_RESET_ALL } rlc_env_mode;

/* How a game's board is drawn: envs/board.h. */
typedef enum rlc_picture { RLC_PICTURE_MINATAR, RLC_PICTURE_ATARI } rlc_picture;

typedef struct rlc_env_call {
    int64_t num_envs;
    int64_t max_steps; /* truncation; 0 for none */
    int64_t picture;   /* rlc_picture, of a game */
    double threshold;  /* mean return of RLC_ENV_HISTORY episodes that counts as solved; NAN for none */
    uint64_t key;      /* of the random stream */
    int32_t encoding;  /* rlc_action_encoding */
    int32_t mode;      /* rlc_env_mode */
} rlc_env_call;

/* The randomness of one reset: as many blocks as it asks for. */
typedef struct rlc_draw {
    uint64_t key, counter, lane;
} rlc_draw;

RLC_INLINE rlc_block rlc_draw_block(const rlc_draw *draw, uint32_t i) {
    return rlc_philox(draw->key, draw->counter, draw->lane | (uint64_t)i << 32);
}

#endif
