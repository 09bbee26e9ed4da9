#include "objectives/temperature.h"

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
    if (!t->fixed_alpha) {
        rlc_init init = {RLC_INIT_CONSTANT, log(t->alpha_init)};
        t->log_alpha = rlc_parameter_new(self, "log_alpha", (rlc_shape){0}, init);
        rlc_loss_group_parameter(loss, "alpha", t->log_alpha);
    }
    return t->fixed_alpha || t->log_alpha != NULL;
}

/* Held between its bounds for good, as in TorchRL: what the optimiser did beyond them is not kept, to be undone later. */
static void hold(const rlc_temperature *t) {
    bool was = rlc_no_grad(true);
    double low = t->min_alpha > 0 ? log(t->min_alpha) : -INFINITY;
    double high = t->max_alpha > 0 ? log(t->max_alpha) : INFINITY;
    rlc_assign(t->log_alpha, rlc_clamp(t->log_alpha, low, high));
    rlc_no_grad(was);
}

rlc_tensor *rlc_temperature_value(const rlc_temperature *t) {
    if (t->log_alpha == NULL) {
        double most = t->max_alpha > 0 ? t->max_alpha : INFINITY;
        return rlc_scalar(fmin(fmax(t->alpha_init, t->min_alpha), most));
    }
    if (t->min_alpha > 0 || t->max_alpha > 0) {
        hold(t);
    }
    return rlc_exp(rlc_detach(t->log_alpha));
}

rlc_tensor *rlc_temperature_add(const rlc_temperature *t, rlc_loss *loss, rlc_tensor *to, rlc_tensor *alpha,
                                rlc_tensor *log_prob) {
    rlc_loss_set(loss, "alpha", alpha);
    if (t->log_alpha == NULL) {
        return to;
    }
    rlc_tensor *excess = rlc_mean(rlc_add_scalar(rlc_detach(log_prob), t->target_entropy), RLC_ALL, false);
    rlc_tensor *mine = rlc_neg(rlc_mul(t->log_alpha, excess));
    rlc_loss_set(loss, "loss_alpha", mine);
    return rlc_add(to, mine);
}

bool rlc_loss_expect_stochastic(const rlc_loss *loss, const rlc_module *actor) {
    if (!rlc_module_is_stochastic(actor)) {
        rlc_fail(RLC_INVALID, "%s: actor_network must draw its actions from a distribution, as a ProbabilisticActor does; "
                              "%s is a %s",
                 loss->base.path, actor->path, actor->type->base.name);
        return false;
    }
    return true;
}
