/* builtin.h: a registry with everything that rlc brings. */
#ifndef RLC_BUILTIN_H
#define RLC_BUILTIN_H

#include "core/class.h"

RLC_BEGIN

rlc_status rlc_registry_new(rlc_registry **registry);

RLC_END

#endif
