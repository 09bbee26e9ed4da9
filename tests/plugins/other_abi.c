/* other_abi.c: a plug-in built for another version of rlc. Its entry must not be called. */
#include <stdlib.h>

#include "core/class.h"

extern const int rlc_plugin_abi;
const int rlc_plugin_abi = RLC_ABI + 41;

rlc_status rlc_plugin_register(rlc_registry *registry);
rlc_status rlc_plugin_register(rlc_registry *registry) {
    (void)registry;
    abort();
}
