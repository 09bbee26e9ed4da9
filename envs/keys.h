/* keys.h: the entries that environments read and write. */
#ifndef RLC_ENV_KEYS_H
#define RLC_ENV_KEYS_H

#include "tensordict/key.h"

typedef struct rlc_env_keys {
    const rlc_key *next, *observation, *pixels, *action, *done, *terminated, *truncated, *reward;
} rlc_env_keys;

const rlc_env_keys *rlc__env_keys(void);

#endif
