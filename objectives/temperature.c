#include "objectives/temperature.h"

#include "objectives/replay.h"

#include <math.h>
#include <string.h>

bool rlc_temperature_init(rlc_temperature *t, rlc_loss *loss, double usual) {
    rlc_module *self = &loss->base;
    rlc_value text = {.kind = RLC_TEXT, .text = t->target_entropy_text};
    t->target_entropy = usual;
    if (strcmp(text.text, "auto") != 0 && !rlc_value_number(&text, &t->target_entropy)) {
        rlc_value_fail(rlc_value_find(self->options, "target_entropy"),
                       "%s: option 'target_entropy' must be a number or auto, not '%s'", self->path, text.text);
        return false;
    }
    if (t->max_alpha > 0 && t->min_alpha > t->max_alpha) {
        rlc_fail(RLC_INVALID, "%s: min_alpha (%g) must not be above max_alpha (%g)", self->path, t->min_alpha,
                 t->max_alpha);
        return false;
    }
    if (!t->fixed_alpha) {
        rlc_init init = {RLC_INIT_CONSTANT, log(t->alpha_init)};
        t->log_alpha = rlc_parameter_new(self, "log_alpha", (rlc_shape){0}, init);
        rlc_loss_group_parameter(loss, "alpha", t->log_alpha);
    }
    return t->fixed_alpha || t->log_alpha != NULL;
}

rlc_tensor *rlc_temperature_value(const rlc_temperature *t) {
    double most = t->max_alpha > 0 ? t->max_alpha : INFINITY;
    if (t->log_alpha == NULL) {
        return rlc_scalar(fmin(fmax(t->alpha_init, t->min_alpha), most));
    }
    rlc_tensor *log_alpha = rlc_detach(t->log_alpha);
    if (t->min_alpha > 0 || t->max_alpha > 0) {
        rlc_assign(log_alpha, rlc_clamp(log_alpha, log(t->min_alpha), log(most)));
    }
    return rlc_exp(log_alpha);
}

rlc_tensor *rlc_temperature_add(const rlc_temperature *t, rlc_loss *loss, const rlc_dict *td, rlc_tensor *to,
                                rlc_tensor *alpha, rlc_tensor *log_prob) {
    rlc_loss_set(loss, "alpha", alpha);
    if (t->log_alpha == NULL) {
        return to;
    }
    rlc_tensor *excess = rlc_replay_mean(td, rlc_add_scalar(rlc_detach(log_prob), t->target_entropy));
    rlc_tensor *mine = rlc_neg(rlc_mul(t->of_alpha ? rlc_exp(t->log_alpha) : t->log_alpha, excess));
    rlc_loss_set(loss, "loss_alpha", mine);
    return rlc_add(to, mine);
}

bool rlc_loss_expect_stochastic(const rlc_loss *loss, const rlc_module *actor) {
    if (!rlc_module_is_stochastic(actor)) {
        rlc_fail(RLC_INVALID,
                 "%s: actor_network must draw its actions from a distribution, as a ProbabilisticActor does; "
                 "%s is a %s",
                 loss->base.path, actor->path, actor->type->base.name);
        return false;
    }
    return true;
}
