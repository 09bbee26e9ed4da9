/* key.h: names of a dict's entries, kept once each, so that equal names are equal pointers.
 *
 * A name with dots is a path into nested dicts: the key "next.reward" has the head "next" and the tail "reward".
 *
 *     static const rlc_key *reward;
 *     reward = rlc_key_intern("next.reward");        // once, when something is built
 */
#ifndef RLC_KEY_H
#define RLC_KEY_H

#include "core/base.h"

RLC_BEGIN

typedef struct rlc_key rlc_key;
struct rlc_key {
    const char *name;    /* the whole path */
    const rlc_key *head; /* its first part; the key itself when there is no other */
    const rlc_key *tail; /* the rest, or NULL */
};

/* The key of that name, the same pointer every time, for the life of the process. NULL, with an error, for an empty name
 * or part, or without memory. */
const rlc_key *rlc_key_intern(const char *name);

/* The key "head.tail". */
const rlc_key *rlc_key_join(const rlc_key *head, const rlc_key *tail);

RLC_END

#endif
