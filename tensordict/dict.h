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
bool rlc_dict_is_empty(const rlc_dict *dict); /* no tensor in it, nor in any nested dict */

/* The same with interned keys, for what runs in every step. */
rlc_tensor *rlc_dict_get_key(const rlc_dict *dict, const rlc_key *key);
rlc_tensor *rlc_dict_find_key(const rlc_dict *dict, const rlc_key *key);
rlc_dict *rlc_dict_get_dict_key(const rlc_dict *dict, const rlc_key *key);
rlc_dict *rlc_dict_find_dict_key(const rlc_dict *dict, const rlc_key *key);
void rlc_dict_set_key(rlc_dict *dict, const rlc_key *key, rlc_tensor *tensor);
void rlc_dict_set_dict_key(rlc_dict *dict, const rlc_key *key, rlc_dict *nested);
void rlc_dict_del_key(rlc_dict *dict, const rlc_key *key);

/* Adds an entry that is known not to be there, to a dict just made whose batch shape is known to fit: no search. */
void rlc_dict_append(rlc_dict *dict, rlc_entry entry);

/* A locked dict refuses to be changed, and so do those nested in it. What is made from it is not locked. */
void rlc_dict_lock(rlc_dict *dict, bool locked);
static inline bool rlc_dict_is_locked(const rlc_dict *dict) {
    return dict->locked;
}

/* Calls `f` for every tensor, nested ones under their whole path, in the order they were set. */
void rlc_dict_each(const rlc_dict *dict, void (*f)(const rlc_key *key, rlc_tensor *tensor, void *data), void *data);

/* The keys, in the order they were set, in the dict's arena: those of nested dicts too, as paths that come before the
 * nested dict's own key, when `nested`; only those of tensors when `leaves`. */
typedef struct rlc_key_list {
    const rlc_key **key;
    int count;
} rlc_key_list;
rlc_key_list rlc_dict_keys(const rlc_dict *dict, bool nested, bool leaves);

/* New dicts with the same tensors: all of them, those under the keys given (missing ones are an error, or left out), all
 * others. */
rlc_dict *rlc_dict_clone(const rlc_dict *dict);
rlc_dict *rlc_dict_select(const rlc_dict *dict, const rlc_key *const *keys, int count);
rlc_dict *rlc_dict_select_present(const rlc_dict *dict, const rlc_key *const *keys, int count);
rlc_dict *rlc_dict_exclude(const rlc_dict *dict, const rlc_key *const *keys, int count);

/* Nested entries under one name each, their path with `separator` between the parts, and back. Here "." always makes a
 * path, so the separator must be another: with "_", next.reward becomes next_reward. Two entries that would come to
 * have the same name are an error. Nested dicts without tensors vanish. Unflattening looks at the outermost names. */
rlc_dict *rlc_dict_flatten_keys(const rlc_dict *dict, const char *separator);
rlc_dict *rlc_dict_unflatten_keys(const rlc_dict *dict, const char *separator);

/* Sets every entry of `from` in `dict`, nested dicts entry by entry. */
void rlc_dict_update(rlc_dict *dict, const rlc_dict *from);

/* Writes the values of `from` into the tensors that `dict` has, converted to their types: tensordict's update_. A key that
 * `dict` lacks is an error. Locked or not: the tensors stay the same. */
void rlc_dict_assign(rlc_dict *dict, const rlc_dict *from);

/* New dicts whose tensors are the results of an op on each. */
rlc_dict *rlc_dict_apply(const rlc_dict *dict, rlc_shape batch, rlc_tensor *(*f)(rlc_tensor *tensor, void *data),
                         void *data);
rlc_dict *rlc_dict_clone_deep(const rlc_dict *dict); /* copies of the tensors */
rlc_dict *rlc_dict_cast(const rlc_dict *dict, rlc_dtype dtype);
/* On a device, which must be the open program's: tensors that are there already are shared, others are read and copied. */
rlc_dict *rlc_dict_to(const rlc_dict *dict, rlc_device *device);

/* Whether both have the same batch shapes, keys, types, shapes and values; reads them on the host. NaN equals nothing. */
bool rlc_dict_equal(const rlc_dict *a, const rlc_dict *b);

/* Shapes. All of these are about batch dimensions, counted as in the batch shape (-1 is its last), and leave what
 * tensors and nested dicts have beyond them as it is. */
rlc_dict *rlc_dict_reshape(const rlc_dict *dict, rlc_shape batch); /* one size may be -1 */
rlc_dict *rlc_dict_view(const rlc_dict *dict, rlc_shape batch);    /* the same, but an error where it would copy */
rlc_dict *rlc_dict_flatten(const rlc_dict *dict, int first_dim, int last_dim);
rlc_dict *rlc_dict_unflatten(const rlc_dict *dict, int dim, rlc_shape sizes); /* one size may be -1 */
rlc_dict *rlc_dict_squeeze(const rlc_dict *dict, int dim);                    /* RLC_ALL: every dimension of size 1 */
rlc_dict *rlc_dict_unsqueeze(const rlc_dict *dict, int dim);
rlc_dict *rlc_dict_transpose(const rlc_dict *dict, int dim_a, int dim_b);
rlc_dict *rlc_dict_permute(const rlc_dict *dict, const int *dims, int count); /* new dimension i is dims[i] */
rlc_dict *rlc_dict_expand(const rlc_dict *dict, rlc_shape batch); /* dimensions of size 1, and new ones in front */

/* Parts. */
rlc_dict *rlc_dict_at(const rlc_dict *dict, int dim, int64_t index); /* drops the dimension; -1 is the last element */
/* Python's start:stop:step, so negative numbers count from the end; to the end with stop = INT64_MAX. A view when step
 * is 1. */
rlc_dict *rlc_dict_slice(const rlc_dict *dict, int dim, int64_t start, int64_t stop, int64_t step);
/* Elements of the first batch dimension by int64 index, whose shape takes that dimension's place. Indices are not
 * negative; they are checked when the op runs. */
rlc_dict *rlc_dict_index(const rlc_dict *dict, rlc_tensor *index);
rlc_dict *rlc_dict_index_select(const rlc_dict *dict, int dim, rlc_tensor *index); /* of any dimension; index [n] */
/* Elements where a bool tensor, of the shape of the first batch dimensions, is true, along one dimension in place of
 * those. How many there are decides shapes, so the mask is read on the host, which runs what is recorded so far. */
rlc_dict *rlc_dict_mask(const rlc_dict *dict, rlc_tensor *mask);
/* As torch.gather along a batch dimension: index int64, with a dimension for each of the first batch dimensions, `dim`
 * among them; those other than `dim` may have size 1. */
rlc_dict *rlc_dict_gather(const rlc_dict *dict, int dim, rlc_tensor *index);

/* Joining and splitting. The dicts joined must have the same keys. */
rlc_dict *rlc_dict_stack(rlc_dict *const *dicts, int count, int dim); /* batch gets a dimension of size `count` */
rlc_dict *rlc_dict_cat(rlc_dict *const *dicts, int count, int dim);

/* Several dicts, in the program's arena; none after an error. */
typedef struct rlc_dict_list {
    rlc_dict **dict;
    int count;
} rlc_dict_list;
rlc_dict_list rlc_dict_split(const rlc_dict *dict, int64_t size, int dim); /* the last may be smaller */
rlc_dict_list rlc_dict_split_sizes(const rlc_dict *dict, const int64_t *sizes, int count, int dim);
rlc_dict_list rlc_dict_unbind(const rlc_dict *dict, int dim);

/* As tensordict prints: rows sorted by key, nested dicts indented. */
void rlc_dict_print(const rlc_dict *dict, FILE *out);

RLC_END

#endif
