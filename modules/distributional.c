#include "modules/distributional.h"

#include <stdlib.h>

#include "modules/chain.h"
#include "modules/classes.h"
#include "modules/greedy.h"
#include "modules/model.h"

/* Computations run along atoms, of which there are many more than actions: so they lie next to each other in memory,
 * and [*, num_atoms, num_actions] is a view. */
static rlc_tensor *swapped(rlc_tensor *values) {
    return rlc_transpose(values, -1, -2);
}

rlc_tensor *rlc_of_action(rlc_tensor *values, rlc_tensor *action, bool one_hot) {
    values = swapped(values);
    rlc_tensor *index = one_hot ? rlc_argmax(action, -1, false) : action;
    if (values == NULL || index == NULL) {
        return NULL;
    }
    rlc_shape each = rlc_shape_of(values);
    each.size[each.ndim - 2] = 1;
    index = rlc_expand(rlc_unsqueeze(rlc_unsqueeze(index, -1), -1), each);
    return rlc_squeeze(rlc_gather(values, -2, index), -2);
}

/* TorchRL's DistributionalDQNnet: turns what a network gives into log-probabilities over atoms. */
typedef struct DistributionalDQNnet {
    rlc_module base;
} DistributionalDQNnet;

bool rlc__greedy_has_atoms(const rlc_module *self, const rlc_dict *example) {
    const rlc_tensor *values = rlc_in(self, example, 0);
    if (values == NULL || values->ndim >= example->batch.ndim + 2) {
        return values != NULL;
    }
    char text[RLC_SHAPE_TEXT];
    rlc_fail(RLC_INVALID,
             "%s: %s must have the shape [*, num_atoms, num_actions], not %s; does the network have num_atoms?",
             self->path, self->in_keys[0]->name, rlc_shape_text(rlc_shape_of(values), text));
    return false;
}

static void net_init(rlc_module *self, const rlc_build *build) {
    rlc__greedy_has_atoms(self, build->example);
}

static void net_forward(rlc_module *self, rlc_dict *td) {
    rlc_out(self, td, 0, swapped(rlc_log_softmax(swapped(rlc_in(self, td, 0)), -1)));
}

const rlc_module_class rlc_distributional_dqn_net_class = {
    .base = RLC_CLASS("module", DistributionalDQNnet, .doc = "log-probabilities of the atoms of action values"),
    .in_keys = {"action_value"},
    .out_keys = {"action_value"},
    .init = net_init,
    .forward = net_forward,
};

typedef struct DistributionalQValueModule {
    rlc_module base;
    int action_space;
    double v_min, v_max;
    rlc_spec spec;
    rlc_support support;
} DistributionalQValueModule;

static const rlc_option options[] = {
    RLC_FLOAT(DistributionalQValueModule, v_min, RLC_REQUIRED, -1e30, 1e30, "the least value of the support"),
    RLC_FLOAT(DistributionalQValueModule, v_max, RLC_REQUIRED, -1e30, 1e30, "the greatest"),
    RLC__ACTION_SPACE(DistributionalQValueModule),
    {0},
};

static rlc_status fill(rlc_support *s) {
    float *values = rlc_calloc((size_t)s->num_atoms, sizeof *values);
    if (values == NULL) {
        return rlc_error_status();
    }
    for (int64_t i = 0; i < s->num_atoms; i++) {
        values[i] = (float)(s->v_min + (s->v_max - s->v_min) * (double)i / (double)(s->num_atoms - 1));
    }
    rlc_status status = rlc_tensor_write(s->atoms, values);
    free(values);
    return status;
}

static void init(rlc_module *self, const rlc_build *build) {
    DistributionalQValueModule *m = (DistributionalQValueModule *)self;
    const rlc_tensor *values = rlc_in(self, build->example, 0);
    if (!rlc__greedy_has_atoms(self, build->example) ||
        !rlc__greedy_spec(self, build, m->action_space, rlc_size(values, -1), &m->spec)) {
        return;
    }
    m->support = (rlc_support){.v_min = m->v_min, .v_max = m->v_max, .num_atoms = rlc_size(values, -2)};
    if (m->support.num_atoms < 2 || m->v_min >= m->v_max) {
        rlc_fail(RLC_INVALID, "%s: a support needs two atoms or more and v_min < v_max, not %lld from %g to %g",
                 self->path, (long long)m->support.num_atoms, m->v_min, m->v_max);
        return;
    }
    m->support.atoms = rlc_module_buffer(self, "support", RLC_F32, RLC_SHAPE(m->support.num_atoms));
    if (m->support.atoms != NULL) {
        fill(&m->support);
    }
}

/* The action of the highest expectation, of equal ones the first. */
static void forward(rlc_module *self, rlc_dict *td) {
    const DistributionalQValueModule *m = (const DistributionalQValueModule *)self;
    rlc_tensor *values = rlc_in(self, td, 0);
    rlc_tensor *probability = rlc_exp(swapped(rlc_detach(values)));
    rlc_tensor *expected = rlc_sum(rlc_mul(probability, m->support.atoms), -1, false);
    rlc_out(self, td, 0, rlc_spec_encode(&m->spec, rlc_argmax(expected, -1, false)));
    rlc_out(self, td, 1, values);
}

const rlc_module_class rlc_distributional_qvalue_module_class = {
    .base = RLC_CLASS("module", DistributionalQValueModule,
                      .doc = "the action of the highest expected value, from log-probabilities", .options = options),
    .in_keys = {"action_value"},
    .out_keys = {"action", "action_value"},
    .init = init,
    .forward = forward,
};

static const rlc_support *find(const rlc_module *m) {
    const rlc_support *found = m->type->forward == forward ? &((const DistributionalQValueModule *)m)->support : NULL;
    for (int i = 0; i < m->num_members && found == NULL; i++) {
        found = find(m->members[i]);
    }
    return found;
}

const rlc_support *rlc_module_support(const rlc_module *network) {
    const rlc_support *found = find(network);
    if (found == NULL) {
        rlc_fail(RLC_INVALID, "%s: its action values are no distributions: it has no DistributionalQValueModule",
                 network->path);
    }
    return found;
}

typedef struct DistributionalQValueActor {
    rlc_module base;
    const rlc_value *module;
    int action_space;
    double v_min, v_max;
    bool make_log_softmax;
} DistributionalQValueActor;

static const rlc_option actor_options[] = {
    RLC_MODULE(DistributionalQValueActor, module, "the network that gives action_value [*, num_atoms, num_actions]",
               .required = true),
    RLC_FLOAT(DistributionalQValueActor, v_min, RLC_REQUIRED, -1e30, 1e30, "the least value of the support"),
    RLC_FLOAT(DistributionalQValueActor, v_max, RLC_REQUIRED, -1e30, 1e30, "the greatest"),
    RLC_BOOL_OPTION(DistributionalQValueActor, make_log_softmax, true,
                    "make log-probabilities of what the network gives; false where it does that itself"),
    RLC__ACTION_SPACE(DistributionalQValueActor),
    {0},
};

static void actor_init(rlc_module *self, const rlc_build *build) {
    const DistributionalQValueActor *m = (const DistributionalQValueActor *)self;
    const char *heads[] = {"{type: DistributionalDQNnet}",
                           rlc_arena_printf(&self->model->arena,
                                            "{type: DistributionalQValueModule, v_min: %.17g, v_max: %.17g, "
                                            "action_space: %s}",
                                            m->v_min, m->v_max, rlc__action_space_name(m->action_space))};
    rlc__greedy_chain(self, build, m->module, m->make_log_softmax ? heads : heads + 1, m->make_log_softmax ? 2 : 1);
}

const rlc_module_class rlc_distributional_qvalue_actor_class = {
    .base = RLC_CLASS("module", DistributionalQValueActor,
                      .doc = "a network of distributions of action values and the greedy choice among them",
                      .options = actor_options),
    .in_keys = {"observation"},
    .out_keys = {"action", "action_value"},
    .init = actor_init,
    .forward = rlc_chain_forward,
};
