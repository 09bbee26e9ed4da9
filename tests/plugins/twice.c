/* twice.c: a plug-in whose class has a name that is taken. */
#include "modules/module.h"

typedef rlc_module MLP;

static const rlc_module_class mlp = {.base = RLC_CLASS("module", MLP, .doc = "not the one that rlc has")};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &mlp.base);
}
