/* composite.h: specs under names, nested as a dict is: TorchRL's Composite.
 *
 * A composite lies in an arena, with copies of its specs' arrays. Its batch dimensions come between those that a call
 * gives and the shape of a spec; those of a nested composite come after its parent's.
 *
 *     rlc_composite *specs = rlc_composite_new(&arena, RLC_SHAPE(8));
 *     rlc_composite_set(specs, "action", rlc_spec_one_hot(2));
 *     rlc_composite_set(specs, "next.reward", rlc_spec_unbounded(RLC_SHAPE(1)));
 *     rlc_dict *td = rlc_composite_sample(specs, (rlc_shape){0}, stream);      // batch shape [8]
 *     rlc_tensor *good = rlc_composite_is_in(specs, td);                       // bool [8]
 */
#ifndef RLC_COMPOSITE_H
#define RLC_COMPOSITE_H

#include "tensordict/dict.h"
#include "tensordict/spec.h"

RLC_BEGIN

typedef struct rlc_composite rlc_composite;

typedef struct rlc_composite_entry {
    const rlc_key *key; /* of one part */
    rlc_spec spec;
    rlc_composite *nested; /* NULL for a spec */
} rlc_composite_entry;

struct rlc_composite {
    rlc_shape batch;
    rlc_composite_entry *entries; /* in the order they were set */
    int count, room;
    rlc_arena *arena;
};

rlc_composite *rlc_composite_new(rlc_arena *arena, rlc_shape batch);

/* Sets an entry, in place of any that was there; a path makes composites on the way, without batch dimensions. A
 * composite that is set is not copied. What there is no memory for is not set, and an error is recorded. */
void rlc_composite_set(rlc_composite *specs, const char *key, rlc_spec spec);
void rlc_composite_set_nested(rlc_composite *specs, const char *key, rlc_composite *nested);

/* The spec under a key or path, or NULL. */
const rlc_spec *rlc_composite_find(const rlc_composite *specs, const char *key);

/* The same entries under the same keys, in any order. */
bool rlc_composite_equal(const rlc_composite *a, const rlc_composite *b);

/* One line for each entry, nested ones indented, in the order they were set. */
void rlc_composite_print(const rlc_composite *specs, FILE *out);

/* Whether a dict has every entry, of the type and shape that its spec and the dict's batch say; if not, an error that
 * names the first that is wrong. Entries without a spec are left alone, here and below. Reads no values. */
rlc_status rlc_composite_check(const rlc_composite *specs, const rlc_dict *td);

/* These record ops: see spec.h for what each does with one entry. A key that is missing is an error. */
rlc_dict *rlc_composite_zeros(const rlc_composite *specs, rlc_shape batch);
rlc_dict *rlc_composite_sample(const rlc_composite *specs, rlc_shape batch, rlc_stream *stream);
rlc_tensor *rlc_composite_is_in(const rlc_composite *specs, const rlc_dict *td);          /* bool, td's batch shape */
void rlc_composite_project(const rlc_composite *specs, rlc_dict *td, rlc_stream *stream); /* in place */

/* New dicts of the entries that have a spec. */
rlc_dict *rlc_composite_encode(const rlc_composite *specs, const rlc_dict *td);
rlc_dict *rlc_composite_decode(const rlc_composite *specs, const rlc_dict *td);

RLC_END

#endif
