/* losses.c: a stand-in for an advantage on whole batches. */
#include "objectives/values.h"
#include "tests/shapes/shapes.h"

typedef struct GAE {
    rlc_module base;
    const rlc_value *value_network;
    double gamma, lmbda;
    rlc_module *critic;
} GAE;

static const rlc_option gae_options[] = {
    RLC_MODULE(GAE, value_network, "the critic", .required = true),
    RLC_FLOAT(GAE, gamma, 0.99, 0, 1, "discount"),
    RLC_FLOAT(GAE, lmbda, 0.95, 0, 1, "how far it looks"),
    {0},
};

static void gae_init(rlc_module *self, const rlc_build *build) {
    GAE *m = (GAE *)self;
    m->critic = rlc_module_build(self, build, m->value_network, "value_network");
    const rlc_key *keys[] = {rlc_key_intern("observation"), rlc_key_intern("next.observation"),
                             rlc_key_intern("next.reward"), rlc_key_intern("next.terminated"),
                             rlc_key_intern("next.done")};
    rlc_module_set_in_keys(self, keys, RLC_COUNT(keys));
}

/* On [num_envs, T]: the one-step advantage. */
static void gae_forward(rlc_module *self, rlc_dict *td) {
    const GAE *m = (const GAE *)self;
    rlc_dict *now = rlc_dict_clone(td), *next = rlc_dict_clone(rlc_dict_get_dict(td, "next"));
    rlc_module_call(m->critic, now);
    rlc_module_call(m->critic, next);
    rlc_tensor *target = rlc_td0(rlc_dict_get(td, "next.reward"), rlc_dict_get(td, "next.terminated"),
                                 rlc_dict_get(next, "state_value"), m->gamma);
    rlc_out(self, td, 0, rlc_sub(target, rlc_dict_get(now, "state_value")));
    rlc_out(self, td, 1, target);
}

const rlc_module_class shapes_gae = {
    .base = RLC_CLASS("module", GAE, .doc = "a stand-in", .options = gae_options),
    .out_keys = {"advantage", "value_target"},
    .init = gae_init,
    .forward = gae_forward,
};
