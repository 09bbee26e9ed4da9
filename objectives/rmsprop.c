/* rmsprop.c: RMSprop (Hinton, "Neural Networks for Machine Learning", lecture 6, 2012), as torch.optim.RMSprop has it. */
#include "objectives/optim.h"

typedef struct RMSprop {
    rlc_optim base;
    double alpha, eps, weight_decay, momentum;
    bool centered;
    rlc_tensor *square_avg, *grad_avg, *momentum_buffer; /* the latter two NULL unless wanted */
} RMSprop;

static const rlc_option options[] = {
    RLC_FLOAT(RMSprop, alpha, 0.99, 0, 1, "how slowly the average of squares changes"),
    RLC_FLOAT(RMSprop, eps, 1e-8, 0, 1, "added to the root of that average"),
    RLC_FLOAT(RMSprop, weight_decay, 0, 0, 1e3, "of the parameters, added to the gradient"),
    RLC_FLOAT(RMSprop, momentum, 0, 0, 1e3, "how much of the last direction is kept"),
    RLC_BOOL_OPTION(RMSprop, centered, false, "divide by the deviation: take the average gradient off (Graves, 2013)"),
    {0},
};

static rlc_status init(rlc_optim *self) {
    RMSprop *r = (RMSprop *)self;
    r->square_avg = rlc_optim_buffer(self, "square_avg");
    r->grad_avg = r->centered ? rlc_optim_buffer(self, "grad_avg") : NULL;
    r->momentum_buffer = r->momentum > 0 ? rlc_optim_buffer(self, "momentum_buffer") : NULL;
    return rlc_error_status();
}

static void update(rlc_optim *self, const rlc_stretch *stretch, rlc_tensor *values, rlc_tensor *grads) {
    RMSprop *r = (RMSprop *)self;
    const rlc_rmsprop settings = {r->alpha, r->eps, r->weight_decay, r->momentum};
    rlc_tensor *grad_avg = r->centered ? rlc_optim_part(self, r->grad_avg, stretch) : NULL;
    rlc_tensor *buffer = r->momentum > 0 ? rlc_optim_part(self, r->momentum_buffer, stretch) : NULL;
    rlc_rmsprop_step(values, grads, rlc_optim_part(self, r->square_avg, stretch), grad_avg, buffer, self->lr,
                     &settings);
}

const rlc_optim_class rlc_rmsprop_class = {
    .base = RLC_CLASS("optim", RMSprop, .doc = "RMSprop (Hinton, 2012), as torch.optim.RMSprop", .options = options),
    .init = init,
    .update = update,
};
