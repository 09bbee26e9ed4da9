/* adam.c: Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015) and AdamW (Loshchilov and Hutter,
 * "Decoupled Weight Decay Regularization", ICLR 2019), as torch.optim has them. */
#include "objectives/optim.h"

typedef struct Adam {
    rlc_optim base;
    rlc_floats betas;
    double eps, weight_decay;
    bool amsgrad;
    rlc_adam settings;
    rlc_tensor *powers; /* a row for each parameter: the steps it took, and the powers of the betas */
    rlc_tensor *exp_avg, *exp_avg_sq, *max_exp_avg_sq;
} Adam;
typedef Adam AdamW;

#define SHARED_OPTIONS                                                                                                 \
    RLC_FLOATS(Adam, betas, "[0.9, 0.999]", 0, 0.9999999, "how slowly the two moments change"),                        \
        RLC_FLOAT(Adam, eps, 1e-8, 0, 1, "added to the root of the second moment"),                                    \
        RLC_BOOL_OPTION(Adam, amsgrad, false, "divide by the largest second moment so far (AMSGrad)")

static const rlc_option adam_options[] = {
    SHARED_OPTIONS,
    RLC_FLOAT(Adam, weight_decay, 0, 0, 1e3, "of the parameters, added to the gradient"),
    {0},
};

static const rlc_option adamw_options[] = {
    SHARED_OPTIONS,
    RLC_FLOAT(Adam, weight_decay, 1e-2, 0, 1e3, "of the parameters, times the learning rate, taken off them"),
    {0},
};

/* A row of powers for each parameter, as before its first step. */
static rlc_status write_powers(Adam *a) {
    double *start = rlc_arena_alloc(&a->base.arena, (size_t)a->powers->numel * sizeof *start, RLC_ALIGN_STRUCT);
    if (start == NULL) {
        return rlc_error_status();
    }
    for (int64_t i = 0; i < a->powers->numel; i++) {
        start[i] = i % 3 == 0 ? 0 : 1;
    }
    return rlc_tensor_write(a->powers, start);
}

static rlc_status make(Adam *a) {
    rlc_optim *o = &a->base;
    if (a->betas.count != 2) {
        return rlc_value_fail(rlc_value_find(o->options, "betas"),
                              "optim: option 'betas' must have two numbers, not %d", a->betas.count);
    }
    a->exp_avg = rlc_optim_buffer(o, "exp_avg");
    a->exp_avg_sq = rlc_optim_buffer(o, "exp_avg_sq");
    a->max_exp_avg_sq = a->amsgrad ? rlc_optim_buffer(o, "max_exp_avg_sq") : NULL;
    a->powers = rlc_state_tensor(&o->state, o->model->device, "powers", RLC_F64, RLC_SHAPE(o->num_parameters, 3));
    RLC_TRY(rlc_error_status());
    a->settings = (rlc_adam){.beta1 = a->betas.values[0], .beta2 = a->betas.values[1], .eps = a->eps};
    return write_powers(a);
}

static rlc_status init_adam(rlc_optim *self) {
    Adam *a = (Adam *)self;
    RLC_TRY(make(a));
    a->settings.weight_decay = a->weight_decay;
    return RLC_OK;
}

static rlc_status init_adamw(rlc_optim *self) {
    Adam *a = (Adam *)self;
    RLC_TRY(make(a));
    a->settings.decoupled_weight_decay = a->weight_decay;
    return RLC_OK;
}

/* All parameters of a stretch have taken as many steps, so the first one's powers are those of all. */
static void update(rlc_optim *self, const rlc_stretch *s, rlc_tensor *values, rlc_tensor *grads) {
    Adam *a = (Adam *)self;
    rlc_adam_tick(rlc_slice(a->powers, 0, s->first, s->count), &a->settings);
    rlc_adam_step(values, grads, rlc_optim_part(self, a->exp_avg, s), rlc_optim_part(self, a->exp_avg_sq, s),
                  a->amsgrad ? rlc_optim_part(self, a->max_exp_avg_sq, s) : NULL, rlc_slice(a->powers, 0, s->first, 1),
                  self->lr, &a->settings);
}

const rlc_optim_class rlc_adam_class = {
    .base = RLC_CLASS("optim", Adam, .doc = "Adam (Kingma and Ba, 2015), as torch.optim.Adam", .options = adam_options),
    .init = init_adam,
    .update = update,
};

const rlc_optim_class rlc_adamw_class = {
    .base = RLC_CLASS("optim", AdamW, .doc = "Adam with decoupled weight decay, as torch.optim.AdamW",
                      .options = adamw_options),
    .init = init_adamw,
    .update = update,
};
