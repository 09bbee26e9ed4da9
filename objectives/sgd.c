/* sgd.c: stochastic gradient descent, with momentum if wanted, as torch.optim.SGD has it. */
#include "objectives/optim.h"

typedef struct SGD {
    rlc_optim base;
    double momentum, dampening, weight_decay;
    bool nesterov;
    rlc_tensor *momentum_buffer; /* NULL without momentum */
} SGD;

static const rlc_option options[] = {
    RLC_FLOAT(SGD, momentum, 0, 0, 1e3, "how much of the last direction is kept"),
    RLC_FLOAT(SGD, dampening, 0, -1e3, 1e3, "of the gradient, when it joins the momentum"),
    RLC_FLOAT(SGD, weight_decay, 0, 0, 1e3, "of the parameters, added to the gradient"),
    RLC_BOOL_OPTION(SGD, nesterov, false, "look ahead along the momentum (Nesterov); needs some, and no dampening"),
    {0},
};

static rlc_status init(rlc_optim *self) {
    SGD *s = (SGD *)self;
    if (s->nesterov && (s->momentum == 0 || s->dampening != 0)) {
        return rlc_value_fail(rlc_value_find(self->options, "nesterov"),
                              "optim: option 'nesterov' needs a momentum above 0 and no dampening, not %g and %g",
                              s->momentum, s->dampening);
    }
    s->momentum_buffer = s->momentum > 0 ? rlc_optim_buffer(self, "momentum_buffer") : NULL;
    return rlc_error_status();
}

static void update(rlc_optim *self, const rlc_stretch *stretch, rlc_tensor *values, rlc_tensor *grads) {
    SGD *s = (SGD *)self;
    rlc_sgd settings = {s->momentum, s->dampening, s->weight_decay, s->nesterov, self->steps[stretch->first] == 0};
    rlc_tensor *buffer = s->momentum > 0 ? rlc_optim_part(self, s->momentum_buffer, stretch) : NULL;
    rlc_sgd_step(values, grads, buffer, self->lr, &settings);
}

const rlc_optim_class rlc_sgd_class = {
    .base = RLC_CLASS("optim", SGD, .doc = "stochastic gradient descent, as torch.optim.SGD", .options = options),
    .init = init,
    .update = update,
};
