/* values.h: estimates of what a state is worth, from rewards and what the next state is said to be worth.
 *
 * All operands have the shape [*batch, 1]. The value of a truncated step bootstraps, that of a terminated one does not.
 */
#ifndef RLC_VALUES_H
#define RLC_VALUES_H

#include "core/op.h"

RLC_BEGIN

/* r + gamma (1 - terminated) V' (Sutton and Barto, Reinforcement Learning, 2nd ed., equation 6.2). */
rlc_tensor *rlc_td0(rlc_tensor *reward, rlc_tensor *terminated, rlc_tensor *next_value, double gamma);

RLC_END

#endif
