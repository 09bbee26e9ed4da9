/* columns.h: what is kept of each step, entry by entry, until the steps are put together: a dict a step would be made only to
 * be taken apart again.
 *
 *     rlc_columns *kept = rlc_columns_new(td, keys, count, steps);
 *     rlc_columns_add(kept, td);                                     so many times, the first step included
 *     rlc_dict *batch = rlc_columns_stack(kept);                     [num_envs, steps]
 */
#ifndef RLC_COLUMNS_H
#define RLC_COLUMNS_H

#include "tensordict/dict.h"

typedef struct rlc_columns rlc_columns;

/* Room for `steps` steps of the entries under `keys`, as `first` has them. */
rlc_columns *rlc_columns_new(const rlc_dict *first, const rlc_key *const *keys, int count, int steps);
void rlc_columns_add(rlc_columns *columns, const rlc_dict *td);
rlc_dict *rlc_columns_stack(rlc_columns *columns);

#endif
