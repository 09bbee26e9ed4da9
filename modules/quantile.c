/* quantile.c: from quantiles of action values, [*, num_quantiles, num_actions], to the action of the highest mean. */
#include "modules/classes.h"
#include "modules/greedy.h"

typedef struct QuantileQValueModule {
    rlc_module base;
    int action_space;
    rlc_spec spec;
} QuantileQValueModule;

static const rlc_option options[] = {
    RLC__ACTION_SPACE(QuantileQValueModule),
    {0},
};

static void init(rlc_module *self, const rlc_build *build) {
    QuantileQValueModule *m = (QuantileQValueModule *)self;
    if (rlc__greedy_has_atoms(self, build->example)) {
        rlc__greedy_spec(self, build, m->action_space, rlc_size(rlc_in(self, build->example, 0), -1), &m->spec);
    }
}

static void forward(rlc_module *self, rlc_dict *td) {
    const QuantileQValueModule *m = (const QuantileQValueModule *)self;
    rlc_tensor *values = rlc_in(self, td, 0);
    rlc_tensor *mean = rlc_mean(rlc_detach(values), -2, false);
    rlc_out(self, td, 0, rlc_spec_encode(&m->spec, rlc_argmax(mean, -1, false)));
    rlc_out(self, td, 1, values);
}

const rlc_module_class rlc_quantile_qvalue_module_class = {
    .base = RLC_CLASS("module", QuantileQValueModule, .doc = "the action of the highest mean, from quantiles of values",
                      .options = options),
    .in_keys = {"action_value"},
    .out_keys = {"action", "action_value"},
    .init = init,
    .forward = forward,
};
