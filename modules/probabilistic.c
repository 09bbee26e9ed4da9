/* probabilistic.c: ProbabilisticActor: networks that compute the parameters of a distribution, and a draw from it. */
#include "modules/build.h"
#include "modules/chain.h"
#include "modules/classes.h"
#include "modules/distribution.h"
#include "modules/model.h"

typedef struct ProbabilisticActor {
    rlc_module base;
    const rlc_value *modules, *module, *family_option;
    bool return_log_prob;
    const char *log_prob_name;
    rlc_distribution_family *family;
    const rlc_key *parameters[RLC_MAX_DISTRIBUTION_PARAMETERS]; /* what the option in_keys says, or the family */
    int num_parameters;
    const rlc_key *action, *log_prob;
    bool acts; /* its modules write the action themselves, as gSDEModule does; the distribution then only scores it */
    rlc_stream *noise;
} ProbabilisticActor;

static const rlc_option options[] = {
    RLC_MODULES(ProbabilisticActor, modules, "what computes the distribution's parameters, one after the other; an action that they write is the one taken"),
    RLC_MODULE(ProbabilisticActor, module, "the same, for a single one"),
    {.name = "distribution",
     .type = RLC_OPTION_VALUE,
     .offset = offsetof(ProbabilisticActor, family_option),
     .alias = "distribution_class",
     .required = true,
     .help = "what is drawn from: TanhNormal, or {type: TanhNormal, low: -2, high: 2}"},
    RLC_BOOL_OPTION(ProbabilisticActor, return_log_prob, false, "write the action's log-probability too"),
    {.name = "log_prob_key",
     .type = RLC_OPTION_STRING,
     .offset = offsetof(ProbabilisticActor, log_prob_name),
     .text = "action_log_prob",
     .help = "where the log-probability goes"},
    {0},
};

/* in_keys, where a recipe gives them, name the parameters in the order of the family's. */
static bool choose_parameters(ProbabilisticActor *m) {
    const rlc_module *self = &m->base;
    const rlc_distribution_class *type = m->family->type;
    int known = 0;
    while (known < RLC_MAX_DISTRIBUTION_PARAMETERS && type->keys[known] != NULL) {
        known++;
    }
    if (self->num_in > 0 && (self->num_in < type->num_required || self->num_in > known)) {
        rlc_fail(RLC_INVALID, "%s: in_keys has %d keys, but %s has %d parameters, the first of them '%s'", self->path,
                 self->num_in, type->base.name, type->num_required, type->keys[0]);
        return false;
    }
    m->num_parameters = self->num_in > 0 ? self->num_in : type->num_required;
    for (int i = 0; i < m->num_parameters; i++) {
        m->parameters[i] = self->num_in > 0 ? self->in_keys[i] : rlc_key_intern(type->keys[i]);
    }
    return true;
}

static void set_out_keys(ProbabilisticActor *m) {
    rlc_module *self = &m->base;
    const rlc_key *out[RLC_MAX_KEYS + 2];
    int count = 0;
    for (; count < self->num_out; count++) {
        out[count] = self->out_keys[count];
        m->acts = m->acts || out[count] == m->action;
    }
    if (!m->acts) {
        out[count++] = m->action;
    }
    if (m->return_log_prob) {
        out[count++] = m->log_prob;
    }
    rlc_module_set_out_keys(self, out, count);
}

/* Members see what the distribution reads as keys that they may write: an MLP without out_keys writes its logits. */
static void init(rlc_module *self, const rlc_build *build) {
    ProbabilisticActor *m = (ProbabilisticActor *)self;
    if ((m->modules != NULL) == (m->module != NULL)) {
        rlc_fail(RLC_INVALID, "%s: give either 'modules', a list, or 'module'", self->path);
        return;
    }
    m->family = rlc_distribution_family_new(self, m->family_option, build->action);
    if (m->family == NULL || !choose_parameters(m)) {
        return;
    }
    m->action = self->num_out > 0 ? self->out_keys[0] : rlc_key_intern("action");
    m->log_prob = rlc_key_intern(m->log_prob_name);
    m->noise = rlc_module_stream(self, "noise");
    const char *names[] = {m->parameters[0]->name};
    rlc_strings out = {m->num_parameters == 1 ? 1 : 0, names};
    if (m->log_prob != NULL &&
        rlc_chain_build(self, build, m->modules != NULL ? m->modules : m->module, NULL, &out)) {
        rlc_chain_keys(self);
        set_out_keys(m);
    }
}

static bool describe(const ProbabilisticActor *m, const rlc_dict *td, rlc_distribution *d) {
    *d = (rlc_distribution){.family = m->family};
    for (int i = 0; i < m->num_parameters; i++) {
        d->parameter[i] = rlc_dict_get_key(td, m->parameters[i]);
        if (d->parameter[i] == NULL) {
            return false;
        }
    }
    if (m->family->type->prepare != NULL) {
        m->family->type->prepare(d);
    }
    return true;
}

static bool distribution(rlc_module *self, rlc_dict *td, rlc_distribution *d) {
    rlc_chain_forward(self, td);
    return describe((ProbabilisticActor *)self, td, d);
}

static void forward(rlc_module *self, rlc_dict *td) {
    const ProbabilisticActor *m = (const ProbabilisticActor *)self;
    rlc_distribution d;
    if (!distribution(self, td, &d)) {
        return;
    }
    rlc_tensor *action = m->acts ? rlc_dict_get_key(td, m->action) : rlc_distribution_choose(&d, m->noise);
    rlc_dict_set_key(td, m->action, action);
    if (m->return_log_prob) {
        rlc_dict_set_key(td, m->log_prob, rlc_distribution_log_prob(&d, action));
    }
}

const rlc_module_class rlc_probabilistic_actor_class = {
    .base = RLC_CLASS("module", ProbabilisticActor, .doc = "a policy that draws its actions from a distribution",
                      .options = options),
    .init = init,
    .forward = forward,
    .distribution = distribution,
};

