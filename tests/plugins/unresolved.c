/* unresolved.c: a plug-in that calls something that is nowhere. */
#include "core/class.h"

rlc_status rlc_test_nowhere(rlc_registry *registry);

RLC_PLUGIN(registry) {
    return rlc_test_nowhere(registry);
}
