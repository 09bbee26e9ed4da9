/* good.c: a plug-in as it should be: a module that doubles. */
#include "modules/module.h"

typedef struct Doubler {
    rlc_module base;
    double factor;
} Doubler;

static const rlc_option options[] = {
    RLC_FLOAT(Doubler, factor, 2, 0, 10, "what the input is multiplied by"),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    rlc_in(self, build->example, 0);
}

static void forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, rlc_mul_scalar(rlc_in(self, td, 0), ((Doubler *)self)->factor));
}

static const rlc_module_class doubler = {
    .base = RLC_CLASS("module", Doubler, .doc = "twice its input", .options = options),
    .in_keys = {"observation"},
    .out_keys = {"doubled"},
    .init = init,
    .forward = forward,
};

RLC_PLUGIN(registry) {
    return rlc_register(registry, &doubler.base);
}
