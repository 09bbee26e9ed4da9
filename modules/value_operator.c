/* value_operator.c: ValueOperator: a network that says what a state, or an action in it, is worth. */
#include "modules/chain.h"
#include "modules/classes.h"

typedef struct ValueOperator {
    rlc_module base;
    const rlc_value *module;
} ValueOperator;

static const rlc_option options[] = {
    RLC_MODULE(ValueOperator, module, "the network", .required = true),
    {0},
};

/* Unless the recipe says otherwise its network writes state_value, or state_action_value when it reads the action. */
static void init(rlc_module *self, const rlc_build *build) {
    const char *in_names[RLC_MAX_KEYS], *out_names[RLC_MAX_KEYS] = {"state_value"};
    const rlc_key *action = rlc_key_intern("action");
    int num_out = self->num_out;
    for (int i = 0; i < self->num_in; i++) {
        in_names[i] = self->in_keys[i]->name;
        out_names[0] = self->in_keys[i] == action ? "state_action_value" : out_names[0];
    }
    for (int i = 0; i < num_out; i++) {
        out_names[i] = self->out_keys[i]->name;
    }
    rlc_strings in = {self->num_in, in_names}, out = {num_out > 0 ? num_out : 1, out_names};
    if (rlc_chain_build(self, build, ((ValueOperator *)self)->module, &in, &out)) {
        rlc_chain_keys(self);
    }
}

const rlc_module_class rlc_value_operator_class = {
    .base = RLC_CLASS("module", ValueOperator, .doc = "a network that writes state_value or state_action_value",
                      .options = options),
    .in_keys = {"observation"},
    .init = init,
    .forward = rlc_chain_forward,
};
