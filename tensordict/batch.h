/* batch.h: what the files that make dicts from dicts share; for tensordict's own files.
 *
 *     int at = rlc__dict_dim("dict_squeeze", dict, dim);
 *     return at >= 0 ? rlc__dict_rebatch("dict_squeeze", dict, batch, squeeze_one, &at) : NULL;
 */
#ifndef RLC_BATCH_H
#define RLC_BATCH_H

#include "tensordict/dict.h"

RLC_BEGIN

/* Where a walk through nested dicts is: written out only when a message needs it, because joining keys costs a look-up. */
typedef struct rlc__path {
    const char *name;
    const struct rlc__path *outer;
} rlc__path;

enum { RLC__PATH_TEXT = 256 };
const char *rlc__path_text(const rlc__path *path, char text[RLC__PATH_TEXT]);

/* The first tensor for which `wanted` holds, with its path in `text`; or NULL. */
const rlc_tensor *rlc__dict_first(const rlc_dict *dict, bool (*wanted)(const rlc_tensor *tensor, const void *data),
                                  const void *data, char text[RLC__PATH_TEXT]);

/* Whether a path can be set without taking the place of anything. */
bool rlc__dict_is_free(const rlc_dict *dict, const rlc_key *key);

/* Normalises a batch dimension; -1 with an error when it is outside. */
int rlc__dict_dim(const char *op, const rlc_dict *dict, int dim);

/* rlc_dict_apply for an `f` that puts `batch` in place of the batch dimensions: NULL when anything failed, and an error
 * that names the key where a tensor would get too many dimensions. */
rlc_dict *rlc__dict_rebatch(const char *op, const rlc_dict *dict, rlc_shape batch,
                            rlc_tensor *(*f)(rlc_tensor *tensor, void *data), void *data);

/* `shape` with the dimensions [dim, dim + replaced) replaced by those of `by`. False when they are too many. */
bool rlc__shape_replace(rlc_shape shape, int dim, int replaced, rlc_shape by, rlc_shape *result);

RLC_END

#endif
