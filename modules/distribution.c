#include "modules/distribution.h"

#include "core/record.h"
#include "modules/model.h"

rlc_distribution_family *rlc_distribution_family_new(rlc_module *self, const rlc_value *value, const rlc_spec *action) {
    rlc_model *model = self->model;
    const char *what = rlc_arena_printf(&model->arena, "%s.distribution", self->path);
    bool named = value->kind == RLC_TEXT;
    const rlc_distribution_class *type =
        (const rlc_distribution_class *)(named ? rlc_registry_find(model->registry, "distribution", value->text, value)
                                               : rlc_registry_type_of(model->registry, "distribution", what, value));
    rlc_distribution_family *family = type != NULL ? rlc_arena_calloc(&model->arena, type->base.size) : NULL;
    if (family == NULL ||
        rlc_options_apply(&model->arena, what, named ? NULL : value, family, type->base.options, NULL) != RLC_OK) {
        return NULL;
    }
    family->type = type;
    family->action = *action;
    return type->init == NULL || type->init(family, what, action) ? family : NULL;
}

rlc_tensor *rlc_distribution_sample(rlc_distribution *d, rlc_stream *stream) {
    return d->drawn = d->family->type->sample(d, stream);
}

rlc_tensor *rlc_distribution_mode(rlc_distribution *d) {
    return d->family->type->mode(d);
}

/* Without a closed form the deterministic choice stands for it. */
rlc_tensor *rlc_distribution_mean(rlc_distribution *d) {
    return (d->family->type->mean != NULL ? d->family->type->mean : d->family->type->deterministic)(d);
}

rlc_tensor *rlc_distribution_deterministic(rlc_distribution *d) {
    return d->family->type->deterministic(d);
}

rlc_tensor *rlc_distribution_log_prob(rlc_distribution *d, rlc_tensor *value) {
    return value != NULL ? d->family->type->log_prob(d, value) : NULL;
}

rlc_tensor *rlc_distribution_entropy(rlc_distribution *d, rlc_stream *stream) {
    return d->family->type->entropy(d, stream);
}

rlc_tensor *rlc_distribution_log_probs(rlc_distribution *d) {
    if (!d->family->type->discrete) {
        return rlc__op_fail("log_probs", "a %s has no list of actions", d->family->type->base.name);
    }
    if (d->log_probs == NULL) {
        d->log_probs = rlc_log_softmax(d->parameter[0], -1);
    }
    return d->log_probs;
}

rlc_tensor *rlc_distribution_kl(rlc_distribution *p, rlc_distribution *q) {
    const rlc_distribution_class *type = p->family->type;
    if (type != q->family->type || type->kl == NULL) {
        return rlc__op_fail("kl", "there is no closed form for %s and %s", type->base.name, q->family->type->base.name);
    }
    return type->kl(p, q);
}

rlc_tensor *rlc_distribution_choose(rlc_distribution *d, rlc_stream *stream) {
    switch (rlc_current()->exploration) {
    case RLC_EXPLORE_RANDOM: return rlc_distribution_sample(d, stream);
    case RLC_EXPLORE_MODE: return rlc_distribution_mode(d);
    case RLC_EXPLORE_MEAN: return rlc_distribution_mean(d);
    default: return rlc_distribution_deterministic(d);
    }
}

bool rlc_module_is_stochastic(const rlc_module *module) {
    if (module->type->distribution == NULL) {
        return false;
    }
    const rlc_module *last = module->num_members > 0 ? module->members[module->num_members - 1] : NULL;
    return !module->type->ends_in_member || (last != NULL && rlc_module_is_stochastic(last));
}

bool rlc_module_distribution(rlc_module *policy, rlc_dict *td, rlc_distribution *d) {
    rlc_program *p = rlc__require_program(policy->path);
    if (p == NULL) {
        return false;
    }
    if (!rlc_module_is_stochastic(policy)) {
        rlc__op_fail(policy->path, "%s draws no actions from a distribution; a ProbabilisticActor does",
                     policy->type->base.name);
        return false;
    }
    const char *where = p->where;
    const bool training = p->training;
    p->where = policy->path;
    p->training = training && !policy->is_target;
    bool good = policy->type->distribution(policy, td, d);
    p->where = where;
    p->training = training;
    return good && p->status == RLC_OK;
}
