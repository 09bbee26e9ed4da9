/* random_policy.c: actions drawn from the environment's spec, whatever it shows: TorchRL's RandomPolicy. For runs that want
 * experience and train no policy. */
#include "modules/classes.h"

typedef struct RandomPolicy {
    rlc_module base;
    rlc_spec spec;
    rlc_stream *choice;
} RandomPolicy;

static void init(rlc_module *self, const rlc_build *build) {
    RandomPolicy *m = (RandomPolicy *)self;
    m->spec = *build->action;
    m->choice = rlc_module_stream(self, "choice");
}

static void forward(rlc_module *self, rlc_dict *td) {
    const RandomPolicy *m = (const RandomPolicy *)self;
    rlc_out(self, td, 0, rlc_spec_sample(&m->spec, td->batch, m->choice));
}

const rlc_module_class rlc_random_policy_class = {
    .base = RLC_CLASS("module", RandomPolicy, .doc = "actions drawn from the environment's spec"),
    .out_keys = {"action"},
    .init = init,
    .forward = forward,
};
