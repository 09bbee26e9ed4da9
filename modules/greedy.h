/* greedy.h: what the modules share that choose the action of the highest value; not for others. */
#ifndef RLC_GREEDY_H
#define RLC_GREEDY_H

#include "modules/module.h"

#define RLC__ACTION_SPACE(Type)                                                                                        \
    RLC_ENUM(Type, action_space, "env", "env|one_hot|categorical",                                                     \
             "how actions are written; env: as the environment reads them")

/* For init: how to write one of `n` actions under the option action_space; false with an error where that is not what
 * the environment reads. */
bool rlc__greedy_spec(const rlc_module *self, const rlc_build *build, int action_space, int64_t n, rlc_spec *spec);

/* For init: whether what a module reads is [*, n, num_actions]; an error where it is not. */
bool rlc__greedy_has_atoms(const rlc_module *self, const rlc_dict *example);

/* For init: makes a chain of a network that writes action_value and heads behind it, given as text. */
void rlc__greedy_chain(rlc_module *self, const rlc_build *build, const rlc_value *network, const char *const *heads,
                       int count);

/* The name of a choice of action_space. */
const char *rlc__action_space_name(int action_space);

#endif
