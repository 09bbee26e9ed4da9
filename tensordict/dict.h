/* dict.h: a dict of tensors and nested dicts under string keys, all with the same leading batch dimensions: tensordict's
 * TensorDict.
 *
 * A dict lies in an arena, by default that of the open program: it then lives as long as the tensors the program made.
 * It holds pointers; no operation here moves data unless it says so. Keys may be paths ("next.reward"). As with tensor
 * ops (core/op.h), a failed operation records an error, which rlc_end returns, and gives NULL.
 *
 *     rlc_dict *td = rlc_dict_new(RLC_SHAPE(10));
 *     rlc_dict_set(td, "observation", observation);         // shape [10, ...]
 *     rlc_tensor *reward = rlc_dict_get(td, "next.reward");
 *     rlc_dict_print(td, stdout);
 */
#ifndef RLC_DICT_H
#define RLC_DICT_H

#include <stdio.h>

#include "core/op.h"
#include "core/program.h"
#include "tensordict/key.h"

RLC_BEGIN

typedef struct rlc_dict rlc_dict;

/* A tensor or a nested dict; the other is NULL. */
typedef struct rlc_entry {
    const rlc_key *key; /* of one part */
    rlc_tensor *tensor;
    rlc_dict *dict;
} rlc_entry;

struct rlc_dict {
    rlc_shape batch;
    rlc_entry *entries; /* in the order they were set */
    int count, room;
    bool locked;
    rlc_arena *arena;
};

rlc_dict *rlc_dict_new(rlc_shape batch); /* in the open program's arena */
rlc_dict *rlc_dict_new_in(rlc_arena *arena, rlc_shape batch);

/* The tensor under a key. `get` of a key that is not there is an error that lists what is; `find` returns NULL. */
rlc_tensor *rlc_dict_get(const rlc_dict *dict, const char *key);
rlc_tensor *rlc_dict_find(const rlc_dict *dict, const char *key);
rlc_dict *rlc_dict_get_dict(const rlc_dict *dict, const char *key);
rlc_dict *rlc_dict_find_dict(const rlc_dict *dict, const char *key);

/* Sets an entry, in place of any that was there; a path makes nested dicts on the way. The shape must begin with the
 * batch shape. Setting NULL does nothing: the op that returned it has recorded why. */
void rlc_dict_set(rlc_dict *dict, const char *key, rlc_tensor *tensor);
void rlc_dict_set_dict(rlc_dict *dict, const char *key, rlc_dict *nested);
void rlc_dict_del(rlc_dict *dict, const char *key);
void rlc_dict_rename(rlc_dict *dict, const char *from, const char *to);

/* The same with interned keys, for what runs in every step. */
rlc_tensor *rlc_dict_get_key(const rlc_dict *dict, const rlc_key *key);
rlc_tensor *rlc_dict_find_key(const rlc_dict *dict, const rlc_key *key);
rlc_dict *rlc_dict_get_dict_key(const rlc_dict *dict, const rlc_key *key);
rlc_dict *rlc_dict_find_dict_key(const rlc_dict *dict, const rlc_key *key);
void rlc_dict_set_key(rlc_dict *dict, const rlc_key *key, rlc_tensor *tensor);
void rlc_dict_set_dict_key(rlc_dict *dict, const rlc_key *key, rlc_dict *nested);

/* Adds an entry that is known not to be there, to a dict just made whose batch shape is known to fit: no search. */
void rlc_dict_append(rlc_dict *dict, rlc_entry entry);

/* A locked dict refuses to be changed. */
void rlc_dict_lock(rlc_dict *dict, bool locked);

/* Calls `f` for every tensor, nested ones under their whole path, in the order they were set. */
void rlc_dict_each(const rlc_dict *dict, void (*f)(const rlc_key *key, rlc_tensor *tensor, void *data), void *data);

/* New dicts with the same tensors: all of them, those under the keys given (missing ones are an error), all others. */
rlc_dict *rlc_dict_clone(const rlc_dict *dict);
rlc_dict *rlc_dict_select(const rlc_dict *dict, const rlc_key *const *keys, int count);
rlc_dict *rlc_dict_exclude(const rlc_dict *dict, const rlc_key *const *keys, int count);

/* Sets every entry of `from` in `dict`, nested dicts entry by entry. */
void rlc_dict_update(rlc_dict *dict, const rlc_dict *from);

/* New dicts whose tensors are the results of an op on each. */
rlc_dict *rlc_dict_apply(const rlc_dict *dict, rlc_shape batch, rlc_tensor *(*f)(rlc_tensor *tensor, void *data),
                         void *data);
rlc_dict *rlc_dict_stack(rlc_dict *const *dicts, int count, int dim); /* batch gets a dimension of size `count` */
rlc_dict *rlc_dict_reshape(const rlc_dict *dict, rlc_shape batch);    /* of the batch; one size may be -1 */
rlc_dict *rlc_dict_index(const rlc_dict *dict, rlc_tensor *index);    /* rows of the first batch dimension */

/* As tensordict prints: rows sorted by key, nested dicts indented. */
void rlc_dict_print(const rlc_dict *dict, FILE *out);

RLC_END

#endif
