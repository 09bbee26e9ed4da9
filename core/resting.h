/* resting.h: what follows from parameters alone, for those who record many steps in which nobody changes a parameter.
 *
 *     rlc_tensor *scale = rlc_resting_find(self);
 *     if (scale == NULL) {
 *         scale = rlc_exp(m->parameter);
 *         rlc_resting_keep(self, scale);
 *     }
 *
 * A collector says so of its steps; elsewhere nothing is kept and nothing found, and every step computes it anew.
 */
#ifndef RLC_RESTING_H
#define RLC_RESTING_H

#include "core/program.h"

RLC_BEGIN

/* Until the next call the current program changes no parameter (on = true), or it may again. Returns what it was. */
bool rlc_set_resting(bool on);

/* What `owner` has kept since parameters rest, or NULL. */
rlc_tensor *rlc_resting_find(const void *owner);

/* Keeps it for the owner, where parameters rest and no gradients are recorded. */
void rlc_resting_keep(const void *owner, rlc_tensor *tensor);

RLC_END

#endif
