/* chain.h: what Sequential, Actor and their kin share: members called one after the other on the same dict.
 *
 *     static void init(rlc_module *self, const rlc_build *b) {
 *         if (rlc_chain_build(self, b, ((MyWrapper *)self)->modules, NULL, NULL)) {
 *             rlc_chain_keys(self);
 *         }
 *     }
 *     static const rlc_module_class wrapper = {..., .init = init, .forward = rlc_chain_forward};
 */
#ifndef RLC_CHAIN_H
#define RLC_CHAIN_H

#include "modules/module.h"

RLC_BEGIN

/* For init: builds the members that `list` (a list, or one module) says, each seeing what those before it write. Without
 * keys of their own the first reads `in` and all write `out`, which later ones also read; NULL leaves them theirs. */
bool rlc_chain_build(rlc_module *self, const rlc_build *build, const rlc_value *list, const rlc_strings *in,
                     const rlc_strings *out);

/* The same for one more member behind those there are, which sees what they write in `seen`. */
rlc_module *rlc_chain_append(rlc_module *self, const rlc_build *build, rlc_dict *seen, const rlc_value *value,
                             const char *name);

/* Derives the module's keys from its members: it reads what none of them wrote before, and writes all that they write. */
void rlc_chain_keys(rlc_module *self);

void rlc_chain_forward(rlc_module *self, rlc_dict *td);

RLC_END

#endif
